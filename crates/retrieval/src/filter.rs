//! The request's own conditions on items, as a small typed language:
//! `author in ["a", "b"] and not (tags any ["film/horror"] or length_ms >= 60000)`.
//!
//! | form | meaning |
//! |---|---|
//! | `field = value`, `!=`, `<`, `<=`, `>`, `>=` | a comparison; text and tags: `=`, `!=` only |
//! | `field in [value, ...]`, `field any [...]` | one of these; both words mean the same |
//! | `and`, `or`, `not`, `( )` | `not` binds closest, then `and`, then `or` |
//!
//! Fields are `tags` (a tag takes those below it), `author`, `published` and `expires` (an ISO
//! date or time in UTC, or milliseconds since 1970), `age_days`, and every field of the catalogue.
//! A name that is not a plain word stands in backticks; a text in quotes, with `\"` and `\\`.
//!
//! A comparison with a value that an item does not have is false, `!=` included; `not` of it is
//! therefore true. `age_days` is counted from the last full hour, so that one mask serves all
//! requests of an hour: an item may pass up to an hour late.

mod bind;
mod cache;
mod lexer;
#[cfg(test)]
mod oracle;
mod parse;

use std::fmt;

use gannet_core::{Bitmap, Catalogue, Timestamp};

pub(crate) use cache::{FilterCache, FilterMask};

/// The longest filter in bytes: a list of a thousand names of 256 bytes each.
const BYTES_MAX: usize = 1 << 18;

/// How deep `not` and parentheses may go: no person writes more, and the parser recurses.
const DEPTH_MAX: usize = 32;

/// The most comparisons in a filter: each costs a pass over a column when the mask is made.
const TESTS_MAX: usize = 256;

/// The most values in one list.
const VALUES_MAX: usize = 1_000;

/// How long a mask with `age_days` in it is good for.
const BUCKET_MS: i64 = 3_600_000;

/// Why a filter was refused, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("at character {at}: {fault}")]
pub struct FilterError {
    /// The place in the text, in characters from 1.
    pub at: usize,
    /// What is wrong there.
    pub fault: FilterFault,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FilterFault {
    /// More bytes than a filter may have.
    #[error("expected at most {BYTES_MAX} bytes, these are {0}")]
    TooLong(usize),
    /// Too many parentheses or `not` inside one another.
    #[error("expected at most {DEPTH_MAX} levels of parentheses and not")]
    TooDeep,
    /// Too many comparisons.
    #[error("expected at most {TESTS_MAX} comparisons")]
    TooManyTests,
    /// A list of too many values.
    #[error("expected at most {VALUES_MAX} values in a list")]
    TooManyValues,
    /// A quote without its end.
    #[error("this quote has no end")]
    Unterminated,
    /// A backslash before something else than a quote or a backslash.
    #[error("expected \\\" or \\\\ after a backslash")]
    Escape,
    /// A character that no filter has.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// A number that cannot be read, or is not finite.
    #[error("expected a finite number, this is {0:?}")]
    Number(String),
    /// Something that is no operator where one is due.
    #[error("unknown operator {0}; known are = != < <= > >= in any")]
    Operator(String),
    /// Something else was due.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What was due.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The catalogue has no such field.
    #[error("unknown field {field:?}; known are {known}")]
    Field {
        /// The field.
        field: String,
        /// What the catalogue has.
        known: String,
    },
    /// A value or an operator that does not suit the field.
    #[error("{field}: expected {expected}")]
    Type {
        /// The field.
        field: String,
        /// What suits it.
        expected: &'static str,
    },
    /// A text that is no date.
    #[error("expected a date such as \"2026-01-31\" or \"2026-01-31T12:00:00Z\", this is {0:?}")]
    Time(String),
}

/// A place in a text that is no part of what the text means.
#[derive(Debug, Clone, Copy, Default)]
struct Position(usize);

impl PartialEq for Position {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterValue {
    /// In quotes.
    Text(String),
    /// A finite number.
    Number(f64),
}

/// What a comparison asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    fn as_str(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Operation {
    Compare(Comparison, FilterValue),
    In(Vec<FilterValue>),
}

#[derive(Debug, Clone, PartialEq)]
struct Test {
    field: String,
    at: Position,
    operation: Operation,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
}

/// A filter, read and checked against the limits; its fields are those of some catalogue, to be
/// checked with [`FilterExpression::check`]. Printed it is text that reads as the same filter.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterExpression(Node);

impl FilterExpression {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(Self)
    }

    /// A comparison of one field.
    pub fn compare(field: &str, comparison: Comparison, value: FilterValue) -> Self {
        Self::test(field, Operation::Compare(comparison, value))
    }

    /// One of several values of a field.
    pub fn one_of(field: &str, values: Vec<FilterValue>) -> Self {
        Self::test(field, Operation::In(values))
    }

    fn test(field: &str, operation: Operation) -> Self {
        Self(Node::Test(Test { field: field.to_owned(), at: Position(1), operation }))
    }

    /// All of these; `None` of none.
    pub fn all(parts: Vec<Self>) -> Option<Self> {
        let mut nodes: Vec<Node> = parts.into_iter().map(|part| part.0).collect();
        match nodes.len() {
            0 | 1 => nodes.pop().map(Self),
            _ => Some(Self(Node::All(nodes))),
        }
    }

    /// The opposite.
    pub fn negated(self) -> Self {
        Self(Node::Not(Box::new(self.0)))
    }

    /// Refuses fields that the catalogue does not have, and values and operators that do not suit
    /// them. A name that is no value of the catalogue (an unknown author) is legal and matches
    /// nothing.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), FilterError> {
        let mut tests = Vec::new();
        self.0.tests(&mut tests);
        tests.into_iter().try_for_each(|test| bind::typed(test, catalogue).map(drop))
    }

    /// Whether its items change as time goes by: it reads `age_days`.
    pub fn reads_now(&self) -> bool {
        let mut tests = Vec::new();
        self.0.tests(&mut tests);
        tests.iter().any(|test| test.field == "age_days")
    }

    /// The items that satisfy it at `now`: one pass over the columns that it reads.
    pub fn mask(&self, catalogue: &Catalogue, now: Timestamp) -> Result<Bitmap, FilterError> {
        self.mask_of(catalogue, now, &Bitmap::full(catalogue.len()))
    }

    /// The same, of the items of `base`.
    fn mask_of(
        &self,
        catalogue: &Catalogue,
        now: Timestamp,
        base: &Bitmap,
    ) -> Result<Bitmap, FilterError> {
        let bound = bind::bind(&self.0, catalogue, Timestamp(bucket(now)))?;
        let word = |at| bound.word(at, base.word(at), catalogue);
        Ok(Bitmap::from_words(catalogue.len(), word))
    }

    /// The text by which equal filters are known, whatever the order in which they were written.
    fn canonical(&self) -> String {
        Self(self.0.canonical()).to_string()
    }
}

/// The last full hour.
fn bucket(now: Timestamp) -> i64 {
    now.0.div_euclid(BUCKET_MS) * BUCKET_MS
}

impl Node {
    fn tests<'a>(&'a self, found: &mut Vec<&'a Test>) {
        match self {
            Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| part.tests(found)),
            Node::Not(part) => part.tests(found),
            Node::Test(test) => found.push(test),
        }
    }

    /// Sorted, without duplicates, and with lists inside lists of the same kind opened.
    fn canonical(&self) -> Node {
        match self {
            Node::Not(part) => match part.canonical() {
                Node::Not(inner) => *inner,
                other => Node::Not(Box::new(other)),
            },
            Node::All(parts) => joined(parts, Node::All, |node| match node {
                Node::All(inner) => Ok(inner),
                other => Err(other),
            }),
            Node::Any(parts) => joined(parts, Node::Any, |node| match node {
                Node::Any(inner) => Ok(inner),
                other => Err(other),
            }),
            Node::Test(test) => Node::Test(test.canonical()),
        }
    }
}

fn joined(
    parts: &[Node],
    join: impl Fn(Vec<Node>) -> Node,
    open: impl Fn(Node) -> Result<Vec<Node>, Node>,
) -> Node {
    let mut nodes = Vec::with_capacity(parts.len());
    for part in parts {
        match open(part.canonical()) {
            Ok(inner) => nodes.extend(inner),
            Err(other) => nodes.push(other),
        }
    }
    let mut named: Vec<(String, Node)> =
        nodes.into_iter().map(|node| (FilterExpression(node.clone()).to_string(), node)).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named.dedup_by(|a, b| a.0 == b.0);
    let mut nodes: Vec<Node> = named.into_iter().map(|(_, node)| node).collect();
    match nodes.len() {
        1 => nodes.pop().expect("there is one"),
        _ => join(nodes),
    }
}

impl Test {
    fn canonical(&self) -> Test {
        let operation = match &self.operation {
            Operation::In(values) => {
                let mut values = values.clone();
                let text = |value: &FilterValue| value.to_string();
                values.sort_by_key(text);
                values.dedup();
                match &values[..] {
                    [one] => Operation::Compare(Comparison::Equal, one.clone()),
                    _ => Operation::In(values),
                }
            }
            compare => compare.clone(),
        };
        Test { operation, ..self.clone() }
    }
}

impl fmt::Display for FilterExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(f, true)
    }
}

impl Node {
    /// Whatever stands inside something else stands in parentheses, but for comparisons.
    fn print(&self, f: &mut fmt::Formatter<'_>, is_outermost: bool) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Node], word: &str| {
            if !is_outermost {
                f.write_str("(")?;
            }
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                part.print(f, false)?;
            }
            if is_outermost { Ok(()) } else { f.write_str(")") }
        };
        match self {
            Node::All(parts) => join(f, parts, "and"),
            Node::Any(parts) => join(f, parts, "or"),
            Node::Not(part) => {
                f.write_str("not ")?;
                part.print(f, false)
            }
            Node::Test(test) => test.print(f),
        }
    }
}

impl Test {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match lexer::is_plain_word(&self.field) {
            true => f.write_str(&self.field)?,
            false => write!(f, "`{}`", self.field)?,
        }
        match &self.operation {
            Operation::Compare(comparison, value) => write!(f, " {} {value}", comparison.as_str()),
            Operation::In(values) => {
                f.write_str(if self.field == "tags" { " any [" } else { " in [" })?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}

impl fmt::Display for FilterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterValue::Text(text) => {
                write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            // The shortest text that reads as the same number.
            FilterValue::Number(number) => write!(f, "{number:?}"),
        }
    }
}
