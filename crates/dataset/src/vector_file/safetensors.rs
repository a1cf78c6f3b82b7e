//! One tensor of a safetensors file: the header in JSON, then the numbers of all tensors.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::dense::{self, Number};
use super::{VectorFileError, contents, disk};

/// The library's own limit.
const HEADER_BYTES_MAX: u64 = 100_000_000;

/// The dimension and the numbers, row by row.
pub(super) fn read(
    path: &Path,
    tensor: Option<&str>,
) -> Result<(usize, Vec<f32>), VectorFileError> {
    let mut file = File::open(path).map_err(disk(path))?;
    let length = file.metadata().map_err(disk(path))?.len();
    let mut eight = [0; 8];
    let cut = |_| contents(path, "too short for a safetensors header");
    file.read_exact(&mut eight).map_err(cut)?;
    let header_bytes = u64::from_le_bytes(eight);
    if header_bytes > HEADER_BYTES_MAX || header_bytes > length - 8 {
        let why = format!("the header says it has {header_bytes} bytes: cut off or damaged");
        return Err(contents(path, &why));
    }
    let mut header = vec![0; header_bytes as usize];
    file.read_exact(&mut header).map_err(cut)?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| contents(path, &format!("not a safetensors header: {error}")))?;
    let data_at = 8 + header_bytes;
    if data_at + metadata.data_len() as u64 != length {
        let why = format!(
            "holds {} bytes of numbers where its header needs {}: cut off or damaged",
            length - data_at,
            metadata.data_len()
        );
        return Err(contents(path, &why));
    }
    let mut names = metadata.offset_keys();
    names.sort();
    let name = match (tensor, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, _) => {
            let why = format!("has several tensors, name one of: {}", names.join(", "));
            return Err(contents(path, &why));
        }
    };
    let info = metadata.info(name).ok_or_else(|| {
        contents(path, &format!("has no tensor {name:?}, only {}", names.join(", ")))
    })?;
    let number = match info.dtype {
        Dtype::F16 => Number::F16,
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        other => {
            let why = format!("tensor {name:?} is of type {other:?}, expected F16, F32 or F64");
            return Err(contents(path, &why));
        }
    };
    let (rows, dim) = dense::rows_and_dim(path, &info.shape)?;
    let (from, to) = info.data_offsets;
    file.seek(SeekFrom::Start(data_at + from as u64)).map_err(disk(path))?;
    let available = (to - from) as u64;
    Ok((dim, dense::read(path, &mut file, available, (rows, dim), number)?))
}
