//! Files of vectors as NumPy, PyTorch and Spark write them, and every way in which they are bad.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use gannet_dataset::{
    VectorFile, VectorFileError, VectorFileOptions, VectorFormat, read_vectors, write_vectors,
};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

fn with_ids(path: &Path) -> VectorFileOptions {
    VectorFileOptions { ids: Some(path.to_owned()), ..VectorFileOptions::default() }
}

fn npy(version: u8, descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend((header.len() as u16).to_le_bytes()),
        _ => file.extend((header.len() as u32).to_le_bytes()),
    }
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, contents).expect("written");
        path
    }

    fn read(&self, file: &[u8]) -> Result<VectorFile, VectorFileError> {
        let path = self.file("v.npy", file);
        let ids = self.file("ids.txt", "a\nb\n");
        read_vectors(&path, &with_ids(&ids))
    }
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn npy_of_every_width_and_both_versions_reads_the_same() {
    let place = Place::new();
    let values = [1.0f32, -2.5, 0.0, 1024.0];
    let doubles: Vec<u8> = values.iter().flat_map(|one| f64::from(*one).to_le_bytes()).collect();
    // 1.0, -2.5, 0.0 and 1024.0 as IEEE 754 halves.
    let halves: Vec<u8> =
        [0x3c00u16, 0xc100, 0, 0x6400].iter().flat_map(|bits| bits.to_le_bytes()).collect();
    for (version, descr, data) in [
        (1, "<f4", f32s(&values)),
        (2, "<f4", f32s(&values)),
        (1, "<f8", doubles),
        (2, "<f2", halves),
    ] {
        let read = place.read(&npy(version, descr, "False", "(2, 2)", &data)).unwrap();
        assert_eq!((read.dim, &read.values[..]), (2, &values[..]), "{descr}");
        assert_eq!(read.ids.iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}

#[test]
fn bad_npy_files_say_what_is_wrong() {
    let place = Place::new();
    let good = f32s(&[1.0, 2.0, 3.0, 4.0]);
    let nan = f32s(&[1.0, 2.0, f32::NAN, 4.0]);
    let huge = f64::MAX.to_le_bytes();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"PK\x03\x04 not an array".to_vec(), "not an .npy"),
        (b"\x93NUMPY".to_vec(), "too short"),
        (npy(3, "<f4", "False", "(2, 2)", &good), "version 3"),
        (npy(1, ">f4", "False", "(2, 2)", &good), "\">f4\""),
        (npy(1, "<i4", "False", "(2, 2)", &good), "\"<i4\""),
        (npy(1, "<f4", "True", "(2, 2)", &good), "Fortran"),
        (npy(1, "<f4", "False", "(4,)", &good), "[4]"),
        (npy(1, "<f4", "False", "(4, 0)", &good), "[4, 0]"),
        (npy(1, "<f4", "False", "(2, 2, 1)", &good), "[2, 2, 1]"),
        (npy(1, "<f4", "False", "(2, x)", &good), "\"x\""),
        (npy(1, "<f4", "False", "(2, 2)", &good[..15]), "cut off"),
        (npy(1, "<f4", "False", "(4, 2)", &good), "cut off"),
        (npy(1, "<f4", "False", "(1, 2)", &good), "cut off"),
        // A lying header: four exabytes, and more than can be counted.
        (npy(1, "<f4", "False", "(1000000000000000, 1000)", &good), "cut off"),
        (npy(2, "<f8", "False", "(18446744073709551615, 4096)", &good), "larger than any file"),
        (npy(1, "<f4", "False", "(2, 2)", &nan), "row 1, column 0"),
        (npy(1, "<f8", "False", "(1, 1)", &huge), "ids for 1 vectors"),
        (npy(1, "<f4", "False", "(4, 1)", &good), "2 ids for 4 vectors"),
    ];
    for (file, expected) in cases {
        let error = place.read(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let mut lying = b"\x93NUMPY\x02\x00".to_vec();
    lying.extend(u32::MAX.to_le_bytes());
    assert!(place.read(&lying).unwrap_err().to_string().contains("4294967295"));
}

#[test]
fn a_double_beyond_f32_is_refused_as_infinite() {
    let place = Place::new();
    let data: Vec<u8> = [1.0, 1e300f64].iter().flat_map(|one| one.to_le_bytes()).collect();
    let error = place.read(&npy(1, "<f8", "False", "(2, 1)", &data)).unwrap_err();
    assert!(matches!(error, VectorFileError::NotFinite { row: 1, column: 0, .. }), "{error}");
}

#[test]
fn ids_come_as_lines_or_json_and_never_twice() {
    let place = Place::new();
    let vectors = place.file("v.npy", npy(1, "<f4", "False", "(2, 1)", &f32s(&[1.0, 2.0])));
    let read = |name: &str, contents: &str| {
        let ids = place.file(name, contents);
        read_vectors(&vectors, &with_ids(&ids))
    };
    for (name, contents) in [("i.txt", "7\r\n8"), ("i.json", "[7, \"8\"]"), ("i.ids", "7\n8\n")] {
        let ids = read(name, contents).unwrap().ids;
        assert_eq!(ids.iter().collect::<Vec<_>>(), ["7", "8"], "{contents:?}");
    }
    let refused = |name, contents| read(name, contents).unwrap_err().to_string();
    assert!(refused("i.txt", "a\na\n").contains("id \"a\" of row 1"));
    assert!(refused("i.json", "[1, \"1\"]").contains("row 1"));
    assert!(refused("i.txt", "a\n\n").contains("row 1"));
    assert!(refused("i.json", "[1.5, 2]").contains("entry 0"));
    assert!(refused("i.json", "{}").contains("JSON list"));
    let none = read_vectors(&vectors, &VectorFileOptions::default()).unwrap_err().to_string();
    assert!(none.contains("no ids"), "{none}");
}

#[test]
fn what_is_written_is_read_in_every_format() {
    let place = Place::new();
    let (ids, values) = (["x", "y", "z"], [1.0, 2.0, -3.0, 0.5, 0.0, 1e-30]);
    for format in [VectorFormat::Npy, VectorFormat::Safetensors, VectorFormat::Parquet] {
        let files =
            write_vectors(place.folder.path(), "items", format, &ids, (2, &values)).unwrap();
        let options = VectorFileOptions { ids: files.get(1).cloned(), ..Default::default() };
        let read = read_vectors(&files[0], &options).unwrap();
        assert_eq!((read.dim, &read.values[..]), (2, &values[..]), "{format:?}");
        assert_eq!(read.ids.iter().collect::<Vec<_>>(), ids, "{format:?}");
        // Cut anywhere, it is refused and nothing is believed.
        let whole = std::fs::read(&files[0]).unwrap();
        for keep in (0..whole.len()).step_by(7) {
            std::fs::write(&files[0], &whole[..keep]).unwrap();
            assert!(read_vectors(&files[0], &options).is_err(), "{format:?} cut at {keep}");
        }
    }
}

#[test]
fn a_format_that_cannot_keep_the_ids_leaves_no_file_behind() {
    let place = Place::new();
    for format in [VectorFormat::Npy, VectorFormat::Safetensors] {
        let ids = ["x", "two\nlines"];
        let written = write_vectors(place.folder.path(), "items", format, &ids, (1, &[1.0, 2.0]));
        let error = written.unwrap_err().to_string();
        assert!(error.contains("\"two\\nlines\" has a line's end"), "{error}");
        assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn damaged_parquet_vectors_are_named_and_never_crash() {
    let place = Place::new();
    let ids: Vec<String> = (0..300).map(|at| format!("id{at}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let values: Vec<f32> = (0..1_200).map(|at| at as f32).collect();
    let folder = place.folder.path();
    let files = write_vectors(folder, "items", VectorFormat::Parquet, &ids, (4, &values)).unwrap();
    let whole = std::fs::read(&files[0]).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&files[0], &damaged).unwrap();
        if let Err(error) = read_vectors(&files[0], &VectorFileOptions::default()) {
            assert!(error.to_string().contains("items.parquet"), "{error}");
        }
    }
}

#[test]
fn an_id_that_is_null_is_named_by_its_row_in_the_file() {
    let place = Place::new();
    let path = place.folder.path().join("ids.parquet");
    // More rows than are read at once.
    let ids = (0..10_000).map(|at| (at != 9_000).then(|| at.to_string()));
    let ids: ArrayRef = Arc::new(StringArray::from_iter(ids));
    let batch = RecordBatch::try_from_iter_with_nullable([("id", ids, true)]).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let vectors = place.file("v.npy", npy(1, "<f4", "False", "(1, 1)", &f32s(&[1.0])));
    let error = read_vectors(&vectors, &with_ids(&path)).unwrap_err().to_string();
    assert!(error.ends_with("ids.parquet: the id of row 9000 (from 0) is null"), "{error}");
}

#[test]
fn a_tensor_is_chosen_by_name_and_checked() {
    let place = Place::new();
    let ids = place.file("ids.txt", "a\nb\n");
    let file = |header: &str, data: &[u8]| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        place.file("v.safetensors", bytes)
    };
    let two = concat!(
        r#"{"u":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"#,
        r#""i":{"dtype":"F64","shape":[2,1],"data_offsets":[8,24]}}"#
    );
    let data: Vec<u8> =
        [f32s(&[1.0, 2.0]), [3.0f64, 4.0].iter().flat_map(|one| one.to_le_bytes()).collect()]
            .concat();
    let path = file(two, &data);
    let read = |tensor: Option<&str>| {
        let tensor = tensor.map(str::to_owned);
        read_vectors(&path, &VectorFileOptions { tensor, ..with_ids(&ids) })
    };
    assert_eq!(read(Some("i")).unwrap().values, [3.0, 4.0]);
    assert_eq!(read(Some("u")).unwrap().values, [1.0, 2.0]);
    assert!(read(None).unwrap_err().to_string().contains("i, u"));
    assert!(read(Some("w")).unwrap_err().to_string().contains("\"w\""));
    for (header, expected) in [
        (r#"{"u":{"dtype":"I64","shape":[2,1],"data_offsets":[0,16]}}"#, "I64"),
        (r#"{"u":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "[4]"),
        (r#"{"u":{"dtype":"F32","shape":[2,1],"data_offsets":[0,800]}}"#, ""),
        ("not json", "safetensors header"),
    ] {
        let path = file(header, &[0; 16]);
        let error = read_vectors(&path, &with_ids(&ids)).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let lying = place.file("lie.safetensors", u64::MAX.to_le_bytes());
    let error = read_vectors(&lying, &with_ids(&ids)).unwrap_err().to_string();
    assert!(error.contains("cut off"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in prop::sample::select(vec![&b""[..], b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00"]),
    ) {
        let place = Place::new();
        let ids = place.file("ids.txt", "a\n");
        for name in ["v.npy", "v.safetensors", "v.parquet"] {
            let path = place.file(name, [start, &bytes].concat());
            let options = match name.ends_with("parquet") {
                true => VectorFileOptions::default(),
                false => with_ids(&ids),
            };
            prop_assert!(read_vectors(&path, &options).is_err());
        }
    }
}
