//! The columns of the files, by version of the format.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use gannet_core::{Column, FieldTable};

pub(super) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// The columns that every item has; its fields stand behind them.
pub(super) fn item_columns(version: u32) -> Vec<Field> {
    let tag = Field::new("item", DataType::Utf8, false);
    let mut columns = vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("title", DataType::Utf8, false),
        Field::new("tags", DataType::List(Arc::new(tag)), false),
        Field::new("author", DataType::Utf8, true),
        Field::new("published", time_type(), true),
        Field::new("available", DataType::Boolean, false),
    ];
    if version >= 2 {
        columns.push(Field::new("expires", time_type(), true));
    }
    columns
}

/// The columns that every user has; his fields stand behind them.
pub(super) fn user_columns() -> Vec<Field> {
    vec![Field::new("id", DataType::Utf8, false)]
}

pub(super) fn event_columns(version: u32) -> Vec<Field> {
    let mut columns = vec![
        Field::new("user", DataType::Utf8, false),
        Field::new("item", DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("value", DataType::Float32, false),
        Field::new("time", time_type(), true),
    ];
    if version >= 2 {
        columns.push(Field::new("scene", DataType::Utf8, true));
    }
    columns
}

/// Fixed columns, and behind them one for each field.
pub(super) fn with_fields(mut columns: Vec<Field>, fields: &FieldTable) -> Schema {
    for field in fields.indices() {
        let kind = match fields.column(field) {
            Column::Text { .. } => DataType::Utf8,
            Column::Number(_) => DataType::Float64,
        };
        columns.push(Field::new(fields.name(field), kind, true));
    }
    Schema::new(columns)
}
