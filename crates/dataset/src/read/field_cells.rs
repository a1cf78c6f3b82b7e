//! Columns of a text table that become fields: text, or numbers where the mapping says so.

use gannet_core::{FieldIndex, FieldKind};

use super::builder::FieldCell;
use super::columns::FieldNames;
use super::error::ReadError;
use super::short_video::plain;
use super::table::{Row, Table};
use crate::bad_rows::BadField;

/// The columns and the fields that they fill.
pub(crate) struct FieldCells {
    columns: Vec<(usize, FieldIndex, FieldKind)>,
    /// Whether whole numbers that went through floats (`9.0`) lose their `.0` as text.
    plain: bool,
}

impl FieldCells {
    /// `named` are the fields of text and of numbers; `taken` are columns that have a meaning
    /// already; `add` makes a field.
    pub(crate) fn of(
        table: &Table<'_>,
        named: (&Option<FieldNames>, &[String]),
        taken: &[usize],
        add: impl FnMut(&str, FieldKind) -> Result<FieldIndex, String>,
    ) -> Result<Self, ReadError> {
        let (texts, numbers) = named;
        let mut wanted = Vec::new();
        for name in numbers {
            wanted.push((table.column(name)?, FieldKind::Number));
        }
        match texts {
            None => {}
            Some(FieldNames::Only(names)) => {
                for name in names {
                    wanted.push((table.column(name)?, FieldKind::Text));
                }
            }
            Some(FieldNames::All) => {
                let free = |column: &usize| {
                    !taken.contains(column) && !wanted.iter().any(|(known, _)| known == column)
                };
                let rest: Vec<usize> = (0..table.header().len()).filter(free).collect();
                wanted.extend(rest.into_iter().map(|column| (column, FieldKind::Text)));
            }
        }
        wanted.sort_by_key(|(column, _)| *column);
        Self::added(table, wanted, false, add)
    }

    /// The columns of a published table that are there.
    pub(crate) fn present(
        table: &Table<'_>,
        texts: &[&str],
        numbers: &[&str],
        add: impl FnMut(&str, FieldKind) -> Result<FieldIndex, String>,
    ) -> Result<Self, ReadError> {
        let kind = |name: &str| match (texts.contains(&name), numbers.contains(&name)) {
            (true, _) => Some(FieldKind::Text),
            (_, true) => Some(FieldKind::Number),
            _ => None,
        };
        let named = table.header().iter().enumerate();
        let wanted = named.filter_map(|(column, name)| Some((column, kind(name)?))).collect();
        Self::added(table, wanted, true, add)
    }

    fn added(
        table: &Table<'_>,
        wanted: Vec<(usize, FieldKind)>,
        plain: bool,
        mut add: impl FnMut(&str, FieldKind) -> Result<FieldIndex, String>,
    ) -> Result<Self, ReadError> {
        let mut columns = Vec::new();
        for (column, kind) in wanted {
            let name = &table.header()[column];
            let field = add(name, kind).map_err(|expected| {
                let found = name.clone();
                ReadError::Setting { setting: "fields", expected, found }
            })?;
            columns.push((column, field, kind));
        }
        Ok(Self { columns, plain })
    }

    /// The fields that a row has; blank ones are absent.
    pub(crate) fn of_row<'a>(
        &self,
        row: &Row<'a>,
    ) -> Result<Vec<(FieldIndex, FieldCell<'a>)>, BadField> {
        let mut cells = Vec::with_capacity(self.columns.len());
        for (column, field, kind) in &self.columns {
            let Some(text) = row.optional(Some(*column))?.map(str::trim) else { continue };
            let cell = match kind {
                FieldKind::Text if self.plain => FieldCell::Text(plain(text)),
                FieldKind::Text => FieldCell::Text(text),
                FieldKind::Number => match text.parse::<f64>() {
                    Ok(number) if number.is_finite() => FieldCell::Number(number),
                    _ => return Err(BadField::new(row.name(*column), "a finite number", text)),
                },
            };
            cells.push((*field, cell));
        }
        Ok(cells)
    }
}
