//! NumPy's `.npy`, versions 1 and 2 (NumPy enhancement proposal 1): a header in Python's notation,
//! then the numbers.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::dense::{self, Number};
use super::{VectorFileError, contents, disk};

const MAGIC: &[u8] = b"\x93NUMPY";
/// A header of two dimensions takes a hundred bytes.
const HEADER_BYTES_MAX: usize = 1 << 16;

/// The dimension and the numbers, row by row.
pub(super) fn read(path: &Path) -> Result<(usize, Vec<f32>), VectorFileError> {
    let mut file = File::open(path).map_err(disk(path))?;
    let length = file.metadata().map_err(disk(path))?.len();
    let mut start = [0; 8];
    let cut = |_| contents(path, "too short for an .npy header");
    file.read_exact(&mut start).map_err(cut)?;
    if &start[..6] != MAGIC {
        return Err(contents(path, "not an .npy file: it does not begin with \\x93NUMPY"));
    }
    let (header_bytes, before) = match start[6] {
        1 => {
            let mut two = [0; 2];
            file.read_exact(&mut two).map_err(cut)?;
            (usize::from(u16::from_le_bytes(two)), 10)
        }
        2 => {
            let mut four = [0; 4];
            file.read_exact(&mut four).map_err(cut)?;
            (u32::from_le_bytes(four) as usize, 12)
        }
        other => {
            let why = format!(".npy version {other}, expected 1 or 2");
            return Err(contents(path, &why));
        }
    };
    let data_at = (before + header_bytes) as u64;
    if header_bytes > HEADER_BYTES_MAX || data_at > length {
        let why = format!("the header says it has {header_bytes} bytes: cut off or damaged");
        return Err(contents(path, &why));
    }
    let mut header = vec![0; header_bytes];
    file.read_exact(&mut header).map_err(cut)?;
    let header = String::from_utf8_lossy(&header);
    let (number, shape) = meaning(&header).map_err(|why| contents(path, &why))?;
    let (rows, dim) = dense::rows_and_dim(path, &shape)?;
    Ok((dim, dense::read(path, &mut file, length - data_at, (rows, dim), number)?))
}

/// The header is a Python dictionary with the keys `descr`, `fortran_order` and `shape`.
fn meaning(header: &str) -> Result<(Number, Vec<usize>), String> {
    let after = |key: &str| {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let found = quoted.iter().find_map(|key| header.split_once(key.as_str()));
        let value = found.and_then(|(_, rest)| rest.trim_start().strip_prefix(':'));
        value.map(str::trim_start).ok_or_else(|| format!("the header has no {key}"))
    };
    let descr = after("descr")?;
    let descr = descr.get(1..).and_then(|rest| rest.split(['\'', '"']).next()).unwrap_or("");
    let number = match descr {
        "<f2" => Number::F16,
        "<f4" => Number::F32,
        "<f8" => Number::F64,
        other => {
            return Err(format!("numbers are of type {other:?}, expected <f2, <f4 or <f8"));
        }
    };
    if !after("fortran_order")?.starts_with("False") {
        return Err("rows lie in Fortran order, expected C order: \
            numpy.ascontiguousarray makes it so"
            .to_owned());
    }
    let shape = after("shape")?;
    let inside = shape.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (inside, _) = inside.ok_or("the header's shape is no tuple")?;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    let sizes = sizes.map(|size| size.parse().map_err(|_| format!("{size:?} is no size")));
    Ok((number, sizes.collect::<Result<_, String>>()?))
}
