//! Groups of users: named by the request, or found from what is known of the user.

use gannet_core::{Column, FieldIndex, FieldTable, SegmentName, UserIndex};

use crate::ConfigError;

/// A group of users as configured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    /// `None`: only a request that names it is of it.
    pub(crate) when: Option<When>,
}

/// What must hold of a user, all of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct When {
    pub(crate) events_min: usize,
    pub(crate) events_max: Option<usize>,
    pub(crate) fields: Vec<(String, Wanted)>,
}

/// What a user's field must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    /// One of these texts.
    Texts(Vec<String>),
    /// One of these numbers.
    Numbers(Vec<f64>),
    /// A number from `min` to `max`, both included.
    Range { min: f64, max: f64 },
}

/// The segments of a configuration on the users of one snapshot: names and texts are looked up.
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentTests {
    tests: Vec<Test>,
}

#[derive(Debug, Clone)]
struct Test {
    /// Position among the configured segments.
    segment: usize,
    events_min: usize,
    events_max: usize,
    fields: Vec<(FieldIndex, FieldTest)>,
}

#[derive(Debug, Clone)]
enum FieldTest {
    Keys(Vec<u32>),
    Numbers(Vec<f64>),
    Range { min: f64, max: f64 },
}

impl SegmentTests {
    /// Looks everything up; refuses fields that the users do not have, or of another type.
    pub(crate) fn new(segments: &[Segment], fields: &FieldTable) -> Result<Self, ConfigError> {
        let mut tests = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            let Some(when) = &segment.when else { continue };
            let test = |(name, wanted): &(String, Wanted)| {
                field_test(name, wanted, fields).map_err(|why| ConfigError {
                    field: format!("segment.{}.when.{name}", segment.name),
                    why,
                })
            };
            tests.push(Test {
                segment: at,
                events_min: when.events_min,
                events_max: when.events_max.unwrap_or(usize::MAX),
                fields: when.fields.iter().map(test).collect::<Result<_, _>>()?,
            });
        }
        Ok(Self { tests })
    }

    /// The position of the first segment whose conditions hold. A user without a row has none of
    /// the fields.
    pub(crate) fn of(
        &self,
        events: usize,
        user: Option<UserIndex>,
        fields: &FieldTable,
    ) -> Option<usize> {
        let holds = |test: &&Test| {
            (test.events_min..=test.events_max).contains(&events)
                && test.fields.iter().all(|(field, wanted)| {
                    user.is_some_and(|user| wanted.holds(*field, user.at(), fields))
                })
        };
        self.tests.iter().find(holds).map(|test| test.segment)
    }
}

impl FieldTest {
    fn holds(&self, field: FieldIndex, row: usize, fields: &FieldTable) -> bool {
        let number = |test: &dyn Fn(f64) -> bool| fields.number(field, row).is_some_and(test);
        match self {
            FieldTest::Keys(keys) => fields.key(field, row).is_some_and(|key| keys.contains(&key)),
            FieldTest::Numbers(wanted) => number(&|value| wanted.contains(&value)),
            FieldTest::Range { min, max } => number(&|value| (*min..=*max).contains(&value)),
        }
    }
}

fn field_test(
    name: &str,
    wanted: &Wanted,
    fields: &FieldTable,
) -> Result<(FieldIndex, FieldTest), String> {
    let Some(field) = fields.find(name) else {
        let known: Vec<&str> = fields.indices().map(|field| fields.name(field)).collect();
        return Err(match known.is_empty() {
            true => "the users of this snapshot have no fields".to_owned(),
            false => format!("the users have no such field; they have {}", known.join(", ")),
        });
    };
    let test = match (wanted, fields.column(field)) {
        (Wanted::Texts(texts), Column::Text { values, .. }) => {
            // A text that no user has is no mistake: tomorrow's users may have it.
            FieldTest::Keys(texts.iter().filter_map(|text| values.find(text)).collect())
        }
        (Wanted::Numbers(numbers), Column::Number(_)) => FieldTest::Numbers(numbers.clone()),
        (Wanted::Range { min, max }, Column::Number(_)) => {
            FieldTest::Range { min: *min, max: *max }
        }
        (Wanted::Texts(_), Column::Number(_)) => return Err("the field is of numbers".to_owned()),
        (_, Column::Text { .. }) => return Err("the field is of text".to_owned()),
    };
    Ok((field, test))
}
