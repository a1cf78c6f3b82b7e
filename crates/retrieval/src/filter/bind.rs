//! A filter on one catalogue: names become positions, and sixty-four rows are tested at a time.

use gannet_core::{Bitmap, Catalogue, Column, FieldIndex, ItemIndex, KeyField, TagPath, Timestamp};
use jiff::tz::TimeZone;

use crate::eligibility::select;

use super::{
    Comparison, FilterError, FilterFault, FilterValue, Node, Operation, Test, lexer::is_plain_word,
};

/// A test whose field, operator and values suit one another.
pub(super) enum Typed<'a> {
    Keys { field: KeyField, names: Vec<&'a str>, is_negated: bool },
    Numbers { source: Source, test: NumberTest },
}

/// Where a row's number comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Published,
    Expires,
    AgeDays,
    Field(FieldIndex),
}

#[derive(Debug)]
pub(super) enum NumberTest {
    Compare(Comparison, f64),
    /// Sorted.
    In(Vec<f64>),
}

impl NumberTest {
    fn takes(&self, number: f64) -> bool {
        match self {
            NumberTest::Compare(Comparison::Equal, value) => number == *value,
            NumberTest::Compare(Comparison::Unequal, value) => number != *value,
            NumberTest::Compare(Comparison::Less, value) => number < *value,
            NumberTest::Compare(Comparison::AtMost, value) => number <= *value,
            NumberTest::Compare(Comparison::Greater, value) => number > *value,
            NumberTest::Compare(Comparison::AtLeast, value) => number >= *value,
            NumberTest::In(values) => {
                // Minus zero is zero, as it is for `=`; a filter's own numbers have none.
                let number = number + 0.0;
                values.binary_search_by(|value| value.total_cmp(&number)).is_ok()
            }
        }
    }
}

/// Checks a test against a catalogue.
pub(super) fn typed<'a>(test: &'a Test, catalogue: &Catalogue) -> Result<Typed<'a>, FilterError> {
    let refuse = |fault| Err(FilterError { at: test.at.0, fault });
    let source = match test.field.as_str() {
        "published" => Some(Source::Published),
        "expires" => Some(Source::Expires),
        "age_days" => Some(Source::AgeDays),
        name => {
            let field = catalogue.fields().find(name);
            let is_number =
                |field: &FieldIndex| matches!(catalogue.fields().column(*field), Column::Number(_));
            field.filter(is_number).map(Source::Field)
        }
    };
    match (source, catalogue.key_field(&test.field)) {
        (Some(source), _) => match number_test(test, source) {
            Ok(test) => Ok(Typed::Numbers { source, test }),
            Err(fault) => refuse(fault),
        },
        (None, Some(field)) => match key_names(test) {
            Ok((names, is_negated)) => Ok(Typed::Keys { field, names, is_negated }),
            Err(expected) => refuse(FilterFault::Type { field: test.field.clone(), expected }),
        },
        (None, None) => {
            let field = test.field.clone();
            refuse(FilterFault::Field { field, known: known_fields(catalogue) })
        }
    }
}

/// At most twenty names: a data set may have a thousand fields.
fn known_fields(catalogue: &Catalogue) -> String {
    let fixed = ["tags", "author", "published", "expires", "age_days"].map(str::to_owned);
    let fields = catalogue.fields();
    let own = fields.indices().map(|field| match is_plain_word(fields.name(field)) {
        true => fields.name(field).to_owned(),
        false => format!("`{}`", fields.name(field)),
    });
    let mut names: Vec<String> = fixed.into_iter().chain(own).collect();
    if names.len() > 20 {
        let more = names.len() - 20;
        names.truncate(20);
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

fn key_names(test: &Test) -> Result<(Vec<&str>, bool), &'static str> {
    let text = |value: &'_ FilterValue| matches!(value, FilterValue::Text(_));
    let (values, is_negated) = match &test.operation {
        Operation::Compare(Comparison::Equal, value) => (std::slice::from_ref(value), false),
        Operation::Compare(Comparison::Unequal, value) => (std::slice::from_ref(value), true),
        Operation::In(values) => (&values[..], false),
        Operation::Compare(..) => return Err("=, !=, in or any: texts have no order"),
    };
    if !values.iter().all(text) {
        return Err("texts in quotes");
    }
    let names = values.iter().filter_map(|value| match value {
        FilterValue::Text(text) => Some(text.as_str()),
        FilterValue::Number(_) => None,
    });
    Ok((names.collect(), is_negated))
}

fn number_test(test: &Test, source: Source) -> Result<NumberTest, FilterFault> {
    let number = |value: &FilterValue| match (source, value) {
        (_, FilterValue::Number(number)) => Ok(*number),
        (Source::Published | Source::Expires, FilterValue::Text(text)) => {
            time_ms(text).ok_or_else(|| FilterFault::Time(text.clone()))
        }
        _ => Err(FilterFault::Type { field: test.field.clone(), expected: "numbers" }),
    };
    match &test.operation {
        Operation::Compare(comparison, value) => {
            Ok(NumberTest::Compare(*comparison, number(value)?))
        }
        Operation::In(values) => {
            let mut numbers = values.iter().map(number).collect::<Result<Vec<f64>, _>>()?;
            numbers.sort_by(f64::total_cmp);
            Ok(NumberTest::In(numbers))
        }
    }
}

/// Milliseconds since 1970 of a date (its first moment), of a time with an offset, or of one
/// without, which is UTC.
fn time_ms(text: &str) -> Option<f64> {
    let utc = |time: jiff::civil::DateTime| TimeZone::UTC.to_timestamp(time).ok();
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => Some(time),
        Err(_) => text.parse::<jiff::civil::DateTime>().ok().and_then(utc),
    };
    time.map(|time| time.as_millisecond() as f64)
}

/// A filter ready to be asked.
pub(super) enum Bound {
    All(Vec<Bound>),
    Any(Vec<Bound>),
    Not(Box<Bound>),
    Keys { field: KeyField, keys: Bitmap, is_negated: bool },
    Numbers { source: Source, test: NumberTest, now: Timestamp },
}

pub(super) fn bind(
    node: &Node,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Result<Bound, FilterError> {
    let all = |parts: &[Node]| {
        parts.iter().map(|part| bind(part, catalogue, now)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match node {
        Node::All(parts) => Bound::All(all(parts)?),
        Node::Any(parts) => Bound::Any(all(parts)?),
        Node::Not(part) => Bound::Not(Box::new(bind(part, catalogue, now)?)),
        Node::Test(test) => match typed(test, catalogue)? {
            Typed::Keys { field, names, is_negated } => {
                Bound::Keys { field, keys: key_set(catalogue, field, &names), is_negated }
            }
            Typed::Numbers { source, test } => Bound::Numbers { source, test, now },
        },
    })
}

/// The named keys; of tags, those below them as well.
fn key_set(catalogue: &Catalogue, field: KeyField, names: &[&str]) -> Bitmap {
    let count = catalogue.key_count(field);
    let find = |name: &str| match field {
        KeyField::Tags => TagPath::new(name).ok().and_then(|tag| catalogue.find_tag(tag.as_str())),
        KeyField::Author => catalogue.find_author(name),
        KeyField::Field(field) => match catalogue.fields().column(field) {
            Column::Text { values, .. } => values.find(name),
            Column::Number(_) => None,
        },
    };
    let mut named = Bitmap::empty(count);
    names.iter().filter_map(|name| find(name)).for_each(|key| named.set(key));
    match field {
        KeyField::Tags => Bitmap::from_fn(count, |tag| {
            catalogue.tag_lineage(tag).any(|ancestor| named.contains(ancestor))
        }),
        _ => named,
    }
}

impl Bound {
    /// Which of `open`, rows of the word at `at`, satisfy it.
    pub(super) fn word(&self, at: usize, open: u64, catalogue: &Catalogue) -> u64 {
        match self {
            Bound::All(parts) => parts.iter().fold(open, |left, part| match left {
                0 => 0,
                left => part.word(at, left, catalogue),
            }),
            Bound::Any(parts) => parts.iter().fold(0, |found, part| match open & !found {
                0 => found,
                left => found | part.word(at, left, catalogue),
            }),
            Bound::Not(part) => open & !part.word(at, open, catalogue),
            Bound::Keys { field, keys, is_negated } => {
                let is_in = |key: u32| keys.contains(key) != *is_negated;
                match field {
                    KeyField::Tags => select(at, open, |row| {
                        let tags = catalogue.tags(ItemIndex(row));
                        let any = tags.iter().any(|tag| keys.contains(*tag));
                        !tags.is_empty() && any != *is_negated
                    }),
                    KeyField::Author => {
                        select(at, open, |row| catalogue.author(ItemIndex(row)).is_some_and(is_in))
                    }
                    KeyField::Field(field) => select(at, open, |row| {
                        catalogue.fields().key(*field, row as usize).is_some_and(is_in)
                    }),
                }
            }
            Bound::Numbers { source, test, now } => select(at, open, |row| {
                number(catalogue, *source, row, *now).is_some_and(|number| test.takes(number))
            }),
        }
    }
}

fn number(catalogue: &Catalogue, source: Source, row: u32, now: Timestamp) -> Option<f64> {
    let item = ItemIndex(row);
    match source {
        Source::Published => catalogue.published(item).map(|time| time.0 as f64),
        Source::Expires => catalogue.expires(item).map(|time| time.0 as f64),
        Source::AgeDays => catalogue.published(item).map(|time| now.days_since(time)),
        Source::Field(field) => catalogue.fields().number(field, row as usize),
    }
}
