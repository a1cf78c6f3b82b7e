//! Which column of a file is what: the mapping that CSV, JSONL and Parquet share.

use std::path::Path;

use serde::Deserialize;

use super::error::ReadError;
use super::field::TimeUnit;

/// The columns of the file of events. What is named must be there.
///
/// What is not named: the file is `events` with the format's ending, the user `user`, the item
/// `item`; the others are taken by their own name where they are there (`kind`, `value`, `time`,
/// `scene`), in CSV only where they are named.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventColumns {
    /// The file's name within the folder.
    pub file: Option<String>,
    /// Who.
    pub user: Option<String>,
    /// What.
    pub item: Option<String>,
    /// The kind, by the names of the configured kinds; absent: the first kind.
    pub kind: Option<String>,
    /// The value; absent, or blank in a row: 1.
    pub value: Option<String>,
    /// The time; absent: the data has no times. Blank in a row: a bad row.
    pub time: Option<String>,
    /// What times written as numbers count; absent: seconds in CSV, milliseconds elsewhere.
    pub time_unit: Option<TimeUnit>,
    /// Where it happened (home, detail page), at most 255 names; blank: not known.
    pub scene: Option<String>,
}

/// The columns of the file of items. Blank fields count as absent.
///
/// What is not named: the file is `items` with the format's ending, the id `id`; the others are
/// taken by their own name where they are there, in CSV only where they are named.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemColumns {
    /// The file's name within the folder.
    pub file: Option<String>,
    /// The id.
    pub id: Option<String>,
    /// What a person calls it.
    pub title: Option<String>,
    /// The tags, each a path such as `sports/ball`.
    pub tags: Option<String>,
    /// What stands between tags where they are one text; absent: `|`.
    pub tag_separator: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// When it was published; may lie in the future.
    pub published: Option<String>,
    /// What published and expiry times written as numbers count; absent: ISO 8601 in CSV,
    /// milliseconds elsewhere.
    pub published_unit: Option<TimeUnit>,
    /// Whether it may be shown: `true` or `false`, `yes` or `no`, `1` or `0`; blank: yes.
    pub available: Option<String>,
    /// From when on it may no longer be shown; blank: never.
    pub expires: Option<String>,
    /// Which other columns become fields: a list of names, or `"*"` for all. Absent: none in CSV,
    /// all elsewhere.
    pub fields: Option<FieldNames>,
    /// Which columns become fields of numbers, in CSV; those of `fields` are text there.
    pub number_fields: Vec<String>,
}

/// The columns of the file of users; where it is not named, `users` with the format's ending is
/// read if it is there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserColumns {
    /// The file's name within the folder.
    pub file: Option<String>,
    /// The id; absent: `id`.
    pub id: Option<String>,
    /// Which other columns become fields, as of items.
    pub fields: Option<FieldNames>,
    /// Which columns become fields of numbers, in CSV.
    pub number_fields: Vec<String>,
}

/// Columns that become fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawFieldNames")]
pub enum FieldNames {
    /// Every column that nothing else names: `"*"`.
    All,
    /// These.
    Only(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawFieldNames {
    Word(String),
    List(Vec<String>),
}

impl TryFrom<RawFieldNames> for FieldNames {
    type Error = String;

    fn try_from(raw: RawFieldNames) -> Result<Self, String> {
        match raw {
            RawFieldNames::Word(word) if word == "*" => Ok(FieldNames::All),
            RawFieldNames::Word(word) => {
                Err(format!("expected \"*\" or a list of columns, found {word:?}"))
            }
            RawFieldNames::List(names) => Ok(FieldNames::Only(names)),
        }
    }
}

/// The files of a folder of Parquet or JSONL tables, and what their columns mean.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableMapping {
    /// The file of events.
    pub events: EventColumns,
    /// The file of items; without one, items are known by their events alone.
    pub items: ItemColumns,
    /// The file of users; without one, users are known by their events alone.
    pub users: UserColumns,
}

/// The files of a folder that are there to be read, by what is mapped or else by their usual names.
pub(crate) struct TableFiles {
    pub(crate) items: Option<String>,
    pub(crate) users: Option<String>,
    /// Must be there; whoever opens it says so.
    pub(crate) events: String,
    pub(crate) test_events: Option<String>,
}

impl TableMapping {
    /// The files of one format. What is named counts as there, so that a wrong name is an error.
    pub(crate) fn files(&self, folder: &Path, ending: &str) -> TableFiles {
        let usual = |stem: &str| format!("{stem}.{ending}");
        let there = |named: &Option<String>, stem: &str| {
            let usual = Some(usual(stem)).filter(|name| folder.join(name).exists());
            named.clone().or(usual)
        };
        TableFiles {
            items: there(&self.items.file, "items"),
            users: there(&self.users.file, "users"),
            events: self.events.file.clone().unwrap_or_else(|| usual("events")),
            test_events: there(&None, "test_events"),
        }
    }
}

/// What stands between tags where nothing else is said.
pub(crate) const TAG_SEPARATOR: &str = "|";

/// The separator of tags, which must be something.
pub(crate) fn tag_separator(columns: &ItemColumns) -> Result<&str, ReadError> {
    match columns.tag_separator.as_deref() {
        None => Ok(TAG_SEPARATOR),
        Some("") => Err(ReadError::Setting {
            setting: "tag_separator",
            expected: "at least one character".to_owned(),
            found: String::new(),
        }),
        Some(separator) => Ok(separator),
    }
}

impl ItemColumns {
    /// What the file calls a field, where the mapping says so.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let Self { id, title, tags, author, published, available, expires, .. } = self;
        let named = match field {
            "id" => id,
            "title" => title,
            "tags" => tags,
            "author" => author,
            "published" => published,
            "available" => available,
            "expires" => expires,
            _ => return None,
        };
        named.as_deref()
    }
}

impl UserColumns {
    /// What the file calls a field, where the mapping says so.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.id.as_deref().filter(|_| field == "id")
    }
}

impl EventColumns {
    /// What the file calls a field, where the mapping says so.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        let named = match field {
            "user" => &self.user,
            "item" => &self.item,
            "kind" => &self.kind,
            "value" => &self.value,
            "time" => &self.time,
            "scene" => &self.scene,
            _ => return None,
        };
        named.as_deref()
    }
}
