//! The ids of rows whose file holds numbers alone.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use gannet_core::{ItemId, StringTable};
use serde_json::Value;

use super::{VectorFileError, contents, disk, ending, parquet};

/// Ids in order: JSON and Parquet by the name's ending, else one a line.
pub(super) fn read(path: &Path, column: Option<&str>) -> Result<StringTable, VectorFileError> {
    let mut ids = Ids::new(path);
    match ending(path) {
        "json" => {
            let file = BufReader::new(File::open(path).map_err(disk(path))?);
            let list: Vec<Value> = serde_json::from_reader(file)
                .map_err(|error| contents(path, &format!("not a JSON list of ids: {error}")))?;
            for (row, value) in list.iter().enumerate() {
                match value {
                    Value::String(text) => ids.push(text)?,
                    Value::Number(number) if !number.is_f64() => ids.push(&number.to_string())?,
                    other => {
                        let why = format!(
                            "entry {row} (from 0) is {other}, expected text or a \
                            whole number"
                        );
                        return Err(contents(path, &why));
                    }
                }
            }
        }
        "parquet" => parquet::read_ids(path, column, &mut ids)?,
        _ => {
            let file = BufReader::new(File::open(path).map_err(disk(path))?);
            for line in file.lines() {
                let line = line.map_err(disk(path))?;
                ids.push(line.strip_suffix('\r').unwrap_or(&line))?;
            }
        }
    }
    Ok(ids.finish())
}

/// Collects ids, none of them twice.
pub(super) struct Ids<'a> {
    path: &'a Path,
    table: StringTable,
}

impl<'a> Ids<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, table: StringTable::new() }
    }

    pub(super) fn push(&mut self, id: &str) -> Result<(), VectorFileError> {
        let row = self.table.len();
        if id.is_empty() || id.len() > 256 {
            let error = ItemId::new(id).err().map_or_else(String::new, |error| error.to_string());
            let why = format!("row {row} (from 0): {error}");
            return Err(contents(self.path, &why));
        }
        if self.table.intern(id) as usize != row {
            let (path, id) = (self.path.to_owned(), id.to_owned());
            return Err(VectorFileError::Duplicate { path, id, row });
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn finish(self) -> StringTable {
        self.table
    }
}
