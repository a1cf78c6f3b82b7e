//! Single cells of Arrow columns: every type that a role takes, as the one type that it means.

use std::fmt::Write;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit as ArrowUnit};
use gannet_core::Timestamp;

use super::field::{self, TimeUnit};
use crate::bad_rows::BadField;

/// What a column is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Ids and names.
    Text,
    Tags,
    Time,
    Number,
    Flag,
    /// A field of whatever type.
    Field,
}

impl Role {
    pub(crate) fn takes(self, kind: &DataType) -> bool {
        match self {
            Role::Text => is_text(kind) || kind.is_integer(),
            Role::Tags => is_text(kind) || is_text_list(kind),
            Role::Time => {
                let moment =
                    matches!(kind, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
                moment || kind.is_integer() || is_text(kind)
            }
            Role::Number => is_number(kind),
            Role::Flag => *kind == DataType::Boolean || kind.is_integer() || is_text(kind),
            Role::Field => is_text(kind) || is_number(kind) || *kind == DataType::Boolean,
        }
    }

    pub(crate) fn expected(self) -> &'static str {
        match self {
            Role::Text => "text or whole numbers",
            Role::Tags => "a list of texts, or text with separators",
            Role::Time => "timestamps, dates, whole numbers, or ISO 8601 text",
            Role::Number => "numbers",
            Role::Flag => "booleans, 0 and 1, or text",
            Role::Field => {
                "text, numbers or booleans (`fields` of the mapping names the columns to keep)"
            }
        }
    }
}

/// Whether a type is text in any of its forms.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_text_list(kind: &DataType) -> bool {
    match kind {
        DataType::List(of)
        | DataType::LargeList(of)
        | DataType::ListView(of)
        | DataType::LargeListView(of)
        | DataType::FixedSizeList(of, _) => is_text(of.data_type()),
        _ => false,
    }
}

/// Whether a type is a number; a dictionary of numbers is asked for as its values.
pub(crate) fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_number(values),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => true,
        kind => kind.is_integer() || kind.is_floating(),
    }
}

/// The key of a cell of a dictionary column.
pub(crate) fn key(column: &dyn Array, row: usize) -> Option<usize> {
    let dictionary = column.as_dictionary_opt::<Int32Type>()?;
    dictionary.is_valid(row).then(|| dictionary.keys().value(row) as usize)
}

/// A cell as text; a whole number is written into `scratch` in decimal. `None` where it is null.
pub(crate) fn text<'a>(
    column: &'a dyn Array,
    row: usize,
    scratch: &'a mut String,
) -> Option<&'a str> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row)),
        DataType::Dictionary(..) => {
            let key = key(column, row)?;
            let dictionary = column.as_dictionary::<Int32Type>();
            Some(dictionary.values().as_string::<i32>().value(key))
        }
        DataType::Boolean => Some(if column.as_boolean().value(row) { "true" } else { "false" }),
        _ => {
            scratch.clear();
            write!(scratch, "{}", integer(column, row)?).expect("a string takes all");
            Some(scratch)
        }
    }
}

/// A cell that must hold text or a whole number.
pub(crate) fn needed_text<'a>(
    field: &str,
    column: &'a dyn Array,
    row: usize,
    scratch: &'a mut String,
) -> Result<&'a str, BadField> {
    text(column, row, scratch).ok_or_else(|| BadField::new(field, "a value", "null"))
}

/// The texts of a cell of tags.
pub(crate) fn tags<'a>(column: &'a dyn Array, row: usize, separator: &str) -> Vec<&'a str> {
    if column.is_null(row) {
        return Vec::new();
    }
    let Some(list) = column.as_list_opt::<i32>() else {
        return field::pieces(column.as_string::<i32>().value(row), separator);
    };
    let (values, offsets) = (list.values().as_string::<i32>(), list.value_offsets());
    let own = (offsets[row] as usize..offsets[row + 1] as usize).filter(|at| values.is_valid(*at));
    own.map(|at| values.value(at).trim()).filter(|tag| !tag.is_empty()).collect()
}

/// A cell of whole numbers. `None` where it is null.
pub(crate) fn integer(column: &dyn Array, row: usize) -> Option<i128> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        _ => return None,
    })
}

/// A cell of numbers. `None` where it is null.
pub(crate) fn number(column: &dyn Array, row: usize) -> Option<f64> {
    if column.is_null(row) {
        return None;
    }
    let scaled = |digits: f64, scale: &i8| digits / 10f64.powi(i32::from(*scale));
    Some(match column.data_type() {
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).to_f64(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
        DataType::Decimal32(_, scale) => {
            scaled(column.as_primitive::<Decimal32Type>().value(row).into(), scale)
        }
        DataType::Decimal64(_, scale) => {
            scaled(column.as_primitive::<Decimal64Type>().value(row) as f64, scale)
        }
        DataType::Decimal128(_, scale) => {
            scaled(column.as_primitive::<Decimal128Type>().value(row) as f64, scale)
        }
        _ => integer(column, row)? as f64,
    })
}

/// A cell of times; whole numbers count `unit`. `None` where it is null.
pub(crate) fn time(
    field: &str,
    column: &dyn Array,
    row: usize,
    unit: TimeUnit,
) -> Result<Option<Timestamp>, BadField> {
    if column.is_null(row) {
        return Ok(None);
    }
    let milliseconds = match column.data_type() {
        DataType::Timestamp(ArrowUnit::Second, _) => {
            column.as_primitive::<TimestampSecondType>().value(row).checked_mul(1000)
        }
        DataType::Timestamp(ArrowUnit::Millisecond, _) => {
            Some(column.as_primitive::<TimestampMillisecondType>().value(row))
        }
        DataType::Timestamp(ArrowUnit::Microsecond, _) => {
            Some(column.as_primitive::<TimestampMicrosecondType>().value(row).div_euclid(1000))
        }
        DataType::Timestamp(ArrowUnit::Nanosecond, _) => {
            Some(column.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000_000))
        }
        DataType::Date32 => {
            Some(i64::from(column.as_primitive::<Date32Type>().value(row)) * 86_400_000)
        }
        DataType::Date64 => Some(column.as_primitive::<Date64Type>().value(row)),
        kind if kind.is_integer() => integer(column, row).and_then(|count| {
            let scale = if unit == TimeUnit::Seconds { 1000 } else { 1 };
            i64::try_from(count.checked_mul(scale)?).ok()
        }),
        _ => {
            let mut scratch = String::new();
            let text = needed_text(field, column, row, &mut scratch)?;
            return field::moment(field, text, TimeUnit::Iso8601).map(Some);
        }
    };
    let bad = || BadField::new(field, "a time within 292 million years of 1970", "a later one");
    milliseconds.map(|time| Some(Timestamp(time))).ok_or_else(bad)
}
