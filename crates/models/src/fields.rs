//! Named fields as arrays of a part.

use gannet_core::{Column, FieldTable, StringTable};

use crate::arrays::{Array, Arrays, ArraysError, require_length};

const NONE: u32 = u32::MAX;

/// Puts every column with as many rows as the table's items or users.
pub(crate) fn put_fields(arrays: &mut Arrays, prefix: &str, fields: &FieldTable, height: usize) {
    arrays.put_strings(&format!("{prefix}.names"), fields.indices().map(|at| fields.name(at)));
    for (at, field) in fields.indices().enumerate() {
        match fields.column(field) {
            Column::Text { values, .. } => {
                let keys = (0..height).map(|row| fields.key(field, row).unwrap_or(NONE));
                arrays.put(&format!("{prefix}.{at}.keys"), Array::U32(keys.collect()));
                arrays.put_strings(&format!("{prefix}.{at}.values"), values.iter());
            }
            Column::Number(_) => {
                let number = |row| fields.number(field, row).unwrap_or(f64::NAN).to_bits();
                let bits = (0..height).map(number).collect();
                arrays.put(&format!("{prefix}.{at}.bits"), Array::U64(bits));
            }
        }
    }
}

/// The columns of [`put_fields`], checked.
pub(crate) fn take_fields(
    arrays: &mut Arrays,
    prefix: &str,
    height: usize,
) -> Result<FieldTable, ArraysError> {
    let names = arrays.take_strings(&format!("{prefix}.names"))?;
    let mut columns = Vec::with_capacity(names.len());
    for (at, name) in names.into_iter().enumerate() {
        let numbers = format!("{prefix}.{at}.bits");
        let column = if arrays.arrays.contains_key(&numbers) {
            let bits = arrays.take_u64(&numbers)?;
            require_length(&numbers, bits.len(), height)?;
            Column::Number(bits.into_iter().map(f64::from_bits).collect())
        } else {
            take_text(arrays, &format!("{prefix}.{at}"), height)?
        };
        columns.push((name, column));
    }
    FieldTable::from_columns(columns).map_err(|error| ArraysError::contents(prefix, error))
}

fn take_text(arrays: &mut Arrays, name: &str, height: usize) -> Result<Column, ArraysError> {
    let keys_name = format!("{name}.keys");
    let rows = arrays.take_u32(&keys_name)?;
    require_length(&keys_name, rows.len(), height)?;
    let values: StringTable = arrays.take_table(&format!("{name}.values"))?;
    match rows.iter().position(|key| *key != NONE && *key as usize >= values.len()) {
        Some(at) => Err(ArraysError::contents(&keys_name, format!("row {at} names no value"))),
        None => Ok(Column::Text { values, rows }),
    }
}
