//! Named fields of items or users, in columns: whatever a data set knows beyond the fixed words.

use crate::strings::{Renumbering, StringTable};

/// Position of a field in a [`FieldTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldIndex(pub u16);

/// One value as it comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// A category: music, city, language.
    Text(String),
    /// A finite number: length in milliseconds, price, width.
    Number(f64),
}

/// Why a value was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FieldError {
    /// A number where the field's other rows have text, or the reverse.
    #[error("field {field:?} is of {expected}, this is {found:?}")]
    Type {
        /// The field.
        field: String,
        /// What its rows hold.
        expected: &'static str,
        /// The value at fault.
        found: FieldValue,
    },
    /// NaN or infinite.
    #[error("field {0:?}: expected a finite number")]
    NotFinite(String),
    /// A text over 256 bytes, or an empty one.
    #[error("field {0:?}: expected text of 1 to 256 bytes")]
    Length(String),
    /// More fields than an index can name, or a name of the fixed words.
    #[error("field {0:?}: expected another name and at most 1,000 fields")]
    Name(String),
}

/// What the rows of a field hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// [`FieldValue::Text`].
    Text,
    /// [`FieldValue::Number`].
    Number,
}

/// The values of one field, a row an item or a user.
#[derive(Debug, Clone)]
pub enum Column {
    /// Distinct texts and each row's position among them; `u32::MAX` where it has none.
    Text {
        /// The distinct texts in order of first appearance.
        values: StringTable,
        /// By row.
        rows: Vec<u32>,
    },
    /// By row; NaN where it has none.
    Number(Vec<f64>),
}

impl PartialEq for Column {
    /// Bit by bit, so that a hole (NaN) equals a hole.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Column::Text { values: a, rows: x }, Column::Text { values: b, rows: y }) => {
                a == b && x == y
            }
            (Column::Number(a), Column::Number(b)) => {
                a.iter().map(|number| number.to_bits()).eq(b.iter().map(|number| number.to_bits()))
            }
            _ => false,
        }
    }
}

const NONE: u32 = u32::MAX;
const TEXT_BYTES_MAX: usize = 256;
const FIELDS_MAX: usize = 1_000;

/// Words that name fixed columns of items and users.
const RESERVED: [&str; 8] =
    ["id", "title", "tags", "author", "published", "available", "expires", "age_days"];

/// Columns by name. A row past a column's end has no value there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldTable {
    names: Vec<String>,
    columns: Vec<Column>,
}

impl FieldTable {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// From whole columns; names must be distinct and none of the fixed words.
    pub fn from_columns(columns: Vec<(String, Column)>) -> Result<Self, FieldError> {
        let mut table = Self::new();
        for (name, column) in columns {
            table.add_column(&name, column)?;
        }
        Ok(table)
    }

    fn add_column(&mut self, name: &str, column: Column) -> Result<FieldIndex, FieldError> {
        let taken = self.find(name).is_some() || RESERVED.contains(&name);
        if taken || name.is_empty() || self.names.len() >= FIELDS_MAX {
            return Err(FieldError::Name(name.to_owned()));
        }
        if let Column::Number(rows) = &column
            && rows.iter().any(|value| value.is_infinite())
        {
            return Err(FieldError::NotFinite(name.to_owned()));
        }
        self.names.push(name.to_owned());
        self.columns.push(column);
        Ok(FieldIndex(self.names.len() as u16 - 1))
    }

    /// Adds a field without values, to be filled by [`FieldTable::set_text`] or
    /// [`FieldTable::set_number`].
    pub fn add(&mut self, name: &str, kind: FieldKind) -> Result<FieldIndex, FieldError> {
        let column = match kind {
            FieldKind::Text => Column::Text { values: StringTable::new(), rows: Vec::new() },
            FieldKind::Number => Column::Number(Vec::new()),
        };
        self.add_column(name, column)
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The index of a name.
    pub fn find(&self, name: &str) -> Option<FieldIndex> {
        self.names.iter().position(|known| known == name).map(|at| FieldIndex(at as u16))
    }

    /// The name of a field. Panics for an index of another table, as all that follow.
    pub fn name(&self, field: FieldIndex) -> &str {
        &self.names[usize::from(field.0)]
    }

    /// The column of a field.
    pub fn column(&self, field: FieldIndex) -> &Column {
        &self.columns[usize::from(field.0)]
    }

    /// All fields in order.
    pub fn indices(&self) -> impl ExactSizeIterator<Item = FieldIndex> + use<> {
        (0..self.names.len() as u16).map(FieldIndex)
    }

    /// A row's text, as a position among the field's distinct texts.
    #[inline]
    pub fn key(&self, field: FieldIndex, row: usize) -> Option<u32> {
        match self.column(field) {
            Column::Text { rows, .. } => rows.get(row).copied().filter(|key| *key != NONE),
            Column::Number(_) => None,
        }
    }

    /// A row's text.
    pub fn text(&self, field: FieldIndex, row: usize) -> Option<&str> {
        match self.column(field) {
            Column::Text { values, .. } => self.key(field, row).map(|key| values.get(key)),
            Column::Number(_) => None,
        }
    }

    /// A row's number.
    pub fn number(&self, field: FieldIndex, row: usize) -> Option<f64> {
        match self.column(field) {
            Column::Number(rows) => rows.get(row).copied().filter(|value| !value.is_nan()),
            Column::Text { .. } => None,
        }
    }

    /// All values of a row, by the order of the fields.
    pub fn row(&self, row: usize) -> Vec<(String, FieldValue)> {
        let value = |field| {
            let text = self.text(field, row).map(|text| FieldValue::Text(text.to_owned()));
            text.or_else(|| self.number(field, row).map(FieldValue::Number))
        };
        self.indices()
            .filter_map(|field| Some((self.name(field).to_owned(), value(field)?)))
            .collect()
    }

    /// Whether [`FieldTable::set`] would take these values: to be asked before any is set.
    pub fn check(&self, values: &[(String, FieldValue)]) -> Result<(), FieldError> {
        for (name, value) in values {
            let column = self.find(name).map(|field| self.column(field));
            let wrong = |expected| {
                let (field, found) = (name.clone(), value.clone());
                Err(FieldError::Type { field, expected, found })
            };
            match (value, column) {
                (FieldValue::Number(_), Some(Column::Text { .. })) => return wrong("text"),
                (FieldValue::Text(_), Some(Column::Number(_))) => return wrong("numbers"),
                (FieldValue::Number(number), _) if !number.is_finite() => {
                    return Err(FieldError::NotFinite(name.clone()));
                }
                (FieldValue::Text(text), _) if !(1..=TEXT_BYTES_MAX).contains(&text.len()) => {
                    return Err(FieldError::Length(name.clone()));
                }
                (_, None) if name.is_empty() || RESERVED.contains(&name.as_str()) => {
                    return Err(FieldError::Name(name.clone()));
                }
                _ => {}
            }
        }
        let mut new = values.iter().filter(|(name, _)| self.find(name).is_none());
        match new.nth(FIELDS_MAX.saturating_sub(self.len())) {
            Some((name, _)) => Err(FieldError::Name(name.clone())),
            None => Ok(()),
        }
    }

    /// Sets a row's value; a field not seen before gets a column. Rows between are without value.
    pub fn set(&mut self, row: usize, name: &str, value: &FieldValue) -> Result<(), FieldError> {
        self.check(std::slice::from_ref(&(name.to_owned(), value.clone())))?;
        let field = match (self.find(name), value) {
            (Some(field), _) => field,
            (None, FieldValue::Text(_)) => {
                self.add_column(name, Column::Text { values: StringTable::new(), rows: vec![] })?
            }
            (None, FieldValue::Number(_)) => self.add_column(name, Column::Number(vec![]))?,
        };
        match value {
            FieldValue::Text(text) => self.set_text(field, row, text),
            FieldValue::Number(number) => self.set_number(field, row, *number),
        }
    }

    /// Sets a row's text: [`FieldTable::set`] without a search by name or an allocation.
    pub fn set_text(
        &mut self,
        field: FieldIndex,
        row: usize,
        text: &str,
    ) -> Result<(), FieldError> {
        let name = &self.names[usize::from(field.0)];
        if !(1..=TEXT_BYTES_MAX).contains(&text.len()) {
            return Err(FieldError::Length(name.clone()));
        }
        match &mut self.columns[usize::from(field.0)] {
            Column::Text { values, rows } => {
                rows.resize(rows.len().max(row + 1), NONE);
                rows[row] = values.intern(text);
                Ok(())
            }
            Column::Number(_) => {
                let (field, found) = (name.clone(), FieldValue::Text(text.to_owned()));
                Err(FieldError::Type { field, expected: "numbers", found })
            }
        }
    }

    /// Sets a row's number: [`FieldTable::set`] without a search by name or an allocation.
    pub fn set_number(
        &mut self,
        field: FieldIndex,
        row: usize,
        number: f64,
    ) -> Result<(), FieldError> {
        let name = &self.names[usize::from(field.0)];
        if !number.is_finite() {
            return Err(FieldError::NotFinite(name.clone()));
        }
        match &mut self.columns[usize::from(field.0)] {
            Column::Number(rows) => {
                rows.resize(rows.len().max(row + 1), f64::NAN);
                rows[row] = number;
                Ok(())
            }
            Column::Text { .. } => {
                let (field, found) = (name.clone(), FieldValue::Number(number));
                Err(FieldError::Type { field, expected: "text", found })
            }
        }
    }

    /// The same rows in another order: row `i` of the result is row `order[i]` of this table.
    /// Distinct texts are numbered anew, as if the rows had come in that order. Column by column,
    /// so that no two whole tables are held.
    pub fn in_order(self, order: &[u32]) -> Self {
        let columns = self.columns.into_iter().map(|column| match column {
            Column::Text { values, rows } => {
                let (mut renumbering, mut text) = (Renumbering::of(&values), Vec::new());
                for (row, from) in order.iter().enumerate() {
                    let key = rows.get(*from as usize).copied().filter(|key| *key != NONE);
                    if let Some(key) = key {
                        text.resize(row + 1, NONE);
                        text[row] = renumbering.number(key);
                    }
                }
                Column::Text { values: renumbering.finish(), rows: text }
            }
            Column::Number(rows) => {
                let mut numbers = Vec::new();
                for (row, from) in order.iter().enumerate() {
                    let number = rows.get(*from as usize).copied().filter(|one| !one.is_nan());
                    if let Some(number) = number {
                        numbers.resize(row + 1, f64::NAN);
                        numbers[row] = number;
                    }
                }
                Column::Number(numbers)
            }
        });
        Self { columns: columns.collect(), names: self.names }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_holes_stay_holes() {
        let mut table = FieldTable::new();
        table.set(2, "city", &FieldValue::Text("Xi'an".into())).unwrap();
        table.set(0, "length", &FieldValue::Number(7.5)).unwrap();
        let city = table.find("city").unwrap();
        assert_eq!((table.text(city, 2), table.text(city, 0)), (Some("Xi'an"), None));
        assert_eq!(table.text(city, 9), None);
        assert_eq!(table.row(0), [("length".to_owned(), FieldValue::Number(7.5))]);
    }

    #[test]
    fn rows_of_known_fields_are_taken_however_many_there_are() {
        let row = |from: usize, to: usize| -> Vec<(String, FieldValue)> {
            (from..to).map(|at| (format!("f{at}"), FieldValue::Number(at as f64))).collect()
        };
        let mut table = FieldTable::new();
        table.check(&row(0, 1_000)).unwrap();
        let error = table.check(&row(0, 1_001)).unwrap_err();
        assert_eq!(error, FieldError::Name("f1000".to_owned()));
        for (name, value) in row(0, 1_000) {
            table.set(0, &name, &value).unwrap();
        }
        table.check(&row(0, 1_000)).unwrap();
        table.set(1, "f999", &FieldValue::Number(1.0)).unwrap();
        let error = table.check(&row(999, 1_001)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "field \"f1000\": expected another name and at most 1,000 fields"
        );
    }

    #[test]
    fn another_order_numbers_texts_as_if_they_had_come_so() {
        let mut table = FieldTable::new();
        let city = table.add("city", FieldKind::Text).unwrap();
        let length = table.add("length", FieldKind::Number).unwrap();
        for (row, text) in [(0, "Oslo"), (1, "Rome"), (3, "Rome")] {
            table.set_text(city, row, text).unwrap();
        }
        table.set_number(length, 2, 7.0).unwrap();
        assert!(table.set_number(city, 0, 1.0).is_err());
        assert!(table.set_text(length, 0, "x").is_err());
        let turned = table.in_order(&[3, 2, 1, 0]);
        let mut expected = FieldTable::new();
        for (row, text) in [(0, "Rome"), (2, "Rome"), (3, "Oslo")] {
            expected.set(row, "city", &FieldValue::Text(text.into())).unwrap();
        }
        expected.set(1, "length", &FieldValue::Number(7.0)).unwrap();
        assert_eq!(turned, expected);
    }

    #[test]
    fn refuses_mixed_types_nan_reserved_names_and_long_texts() {
        let mut table = FieldTable::new();
        table.set(0, "length", &FieldValue::Number(1.0)).unwrap();
        assert!(table.set(1, "length", &FieldValue::Text("long".into())).is_err());
        assert!(table.set(1, "length", &FieldValue::Number(f64::NAN)).is_err());
        assert!(table.set(1, "author", &FieldValue::Text("x".into())).is_err());
        assert!(table.set(1, "city", &FieldValue::Text("x".repeat(257))).is_err());
        assert_eq!(table.len(), 1);
    }
}
