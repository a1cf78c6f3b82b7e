//! What the two data sets of the Kuaishou app have in common: logs of plays, and their columns.
//!
//! A row of a log is an exposure. One that was played is a `watch`, whose value is the played share
//! of the video ([`watch_share`], of 18 seconds where it is longer): from 1 on it is what the app
//! calls a long view, below [`SKIPPED_BELOW`] a skip. One that was not played is an `exposure`:
//! shown and passed over, which says nothing of its own. Further actions of the row (like, follow,
//! comment, forward, dislike) are events of their own behind it: in KuaiRand-Pure that adds 2.3 %.

use std::path::Path;

use gannet_core::{
    EventKind, EventKinds, FieldIndex, FieldKind, KindIndex, Marks, Timestamp, watch_share,
};

use super::builder::{EventRow, ItemFacts, Part};
use super::error::ReadError;
use super::field::{self, TimeUnit};
use super::field_cells::FieldCells;
use super::lines::{Lines, io_error};
use super::reading::Reading;
use super::table::{Dialect, Row, Table};
use crate::bad_rows::BadField;

/// From how much of a video on (or of 18 seconds) a play is long: KuaiRand's `long_view`, with
/// which it agrees in 99.6 % of the rows of KuaiRand-Pure.
const LONG_MS: f64 = 18_000.0;
/// Below a tenth (less than 1.8 seconds of a long video) the user left at first sight. A higher
/// bound would make half of all plays speak against their items.
const SKIPPED_BELOW: f32 = 0.1;

/// The actions of a row besides its play: the column and the kind.
pub(super) const ACTIONS: [(&str, &str); 5] = [
    ("is_like", "like"),
    ("is_follow", "follow"),
    ("is_comment", "comment"),
    ("is_forward", "forward"),
    ("is_hate", "dislike"),
];

/// The kinds of short-video logs: `exposure`, `watch`, `like`, `follow`, `comment`, `forward` and
/// `dislike`, as the readers of KuaiRand and KuaiRec give them where none are configured.
pub fn short_video_kinds() -> EventKinds {
    let kinds = vec![
        EventKind { marks: Marks::Exposed, ..EventKind::new("exposure", 0.0, None) },
        EventKind {
            negative_below: Some(SKIPPED_BELOW),
            ..EventKind::new("watch", 1.0, Some(1.0))
        },
        EventKind::new("like", 2.0, None),
        EventKind::new("follow", 2.0, None),
        EventKind::new("comment", 1.0, None),
        EventKind::new("forward", 2.0, None),
        EventKind::new("dislike", -1.0, None),
    ];
    EventKinds::new(kinds).expect("seven kinds of different names")
}

/// The configured kinds, or the standard ones. `watch` must be among them; actions of a kind that
/// is not are left out.
pub(super) fn kinds(reading: &Reading<'_>) -> Result<(EventKinds, KindIndex), ReadError> {
    let kinds = reading.options.kinds.clone().unwrap_or_else(short_video_kinds);
    match kinds.index("watch") {
        Some(watch) => Ok((kinds, watch)),
        None => Err(ReadError::Setting {
            setting: "kinds",
            expected: "a kind `watch`, which every play becomes".to_owned(),
            found: kinds.all().iter().map(|kind| kind.name.clone()).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// One row of a log.
pub(super) struct Play<'a> {
    pub(super) user: &'a str,
    pub(super) item: &'a str,
    pub(super) time: Timestamp,
    pub(super) scene: Option<&'a str>,
    pub(super) played_ms: f64,
    pub(super) length_ms: f64,
    pub(super) clicked: bool,
}

impl Play<'_> {
    /// Adds the row's play, or its exposure, and then its actions.
    pub(super) fn add(
        &self,
        reading: &mut Reading<'_>,
        kinds: (&EventKinds, KindIndex),
        actions: impl Iterator<Item = &'static str>,
    ) -> Result<(), BadField> {
        let (kinds, watch) = kinds;
        let event = |kind, value| EventRow {
            user: self.user,
            item: self.item,
            kind,
            value,
            time: Some(self.time),
            scene: self.scene,
        };
        let builder = &mut reading.builder;
        if self.clicked || self.played_ms > 0.0 {
            // Pictures and some videos have no length: they are judged as long ones.
            let length = if self.length_ms > 0.0 { self.length_ms } else { LONG_MS };
            let share = watch_share(self.played_ms, length, LONG_MS);
            builder.add_event(Part::Events, &event(watch, share))?;
        } else if let Some(exposure) = kinds.index("exposure") {
            builder.add_event(Part::Events, &event(exposure, 1.0))?;
        }
        for kind in actions.filter_map(|action| kinds.index(action)) {
            builder.add_event(Part::Events, &event(kind, 1.0))?;
        }
        Ok(())
    }
}

/// Opens a table of a folder: commas, quotes, UTF-8.
pub(super) fn table<'a>(reading: &Reading<'a>, name: &str) -> Result<Table<'a>, ReadError> {
    let lines = Lines::open(reading.folder, name, None, reading.progress)?;
    Table::new(lines, Dialect { delimiter: b',', quoting: true })
}

/// The CSV files of a folder whose names begin so, in order of their names.
pub(super) fn files(folder: &Path, beginnings: &[&str]) -> Result<Vec<String>, ReadError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|source| io_error(folder, source))? {
        let name = entry.map_err(|source| io_error(folder, source))?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.ends_with(".csv"))
            && beginnings.iter().any(|beginning| name.starts_with(beginning))
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A number that must be there, 0 or more.
pub(super) fn amount(row: &Row<'_>, column: usize) -> Result<f64, BadField> {
    let text = row.text(column)?;
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err(BadField::new(row.name(column), "a number of 0 or more", text)),
    }
}

/// A whole number that went through floats loses its `.0`.
pub(super) fn plain(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

/// The columns of a table of videos that both data sets have: the id, the author, the time of the
/// upload, and those that become fields.
pub(super) struct VideoColumns {
    id: usize,
    author: usize,
    uploaded: usize,
    fields: FieldCells,
}

impl VideoColumns {
    /// Finds them; those of the named fields that are there become fields of items.
    pub(super) fn of(
        videos: &Table<'_>,
        reading: &mut Reading<'_>,
        texts: &[&str],
        numbers: &[&str],
    ) -> Result<Self, ReadError> {
        let add = |name: &str, kind| reading.builder.item_field(name, kind);
        Ok(Self {
            id: videos.column("video_id")?,
            author: videos.column("author_id")?,
            uploaded: videos.column("upload_dt")?,
            fields: FieldCells::present(videos, texts, numbers, add)?,
        })
    }

    /// The id of a row's video.
    pub(super) fn id<'r>(&self, row: &'r Row<'_>) -> Result<&'r str, BadField> {
        row.text(self.id)
    }

    /// Adds a row's video.
    pub(super) fn add(
        &self,
        reading: &mut Reading<'_>,
        row: &Row<'_>,
        tags: Vec<&str>,
    ) -> Result<(), BadField> {
        let uploaded = row
            .optional(Some(self.uploaded))?
            .map(|text| field::moment("upload_dt", text, TimeUnit::Iso8601));
        let item = ItemFacts {
            author: row.optional(Some(self.author))?.map(plain),
            tags,
            published: uploaded.transpose()?,
            fields: self.fields.of_row(row)?,
            ..ItemFacts::bare(self.id(row)?)
        };
        reading.builder.add_item_row("video_id", &item).map(|_| ())
    }
}

const USER_NUMBERS: [&str; 4] =
    ["follow_user_num", "fans_user_num", "friend_user_num", "register_days"];

/// Reads users with all their columns as fields: the counts as numbers, the others as text.
pub(super) fn read_users(reading: &mut Reading<'_>, name: &str) -> Result<(), ReadError> {
    let mut users = table(reading, name)?;
    let id = users.column("user_id")?;
    let texts: Vec<String> = users.header().to_vec();
    let texts: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "user_id" && !USER_NUMBERS.contains(name))
        .collect();
    let builder = &mut reading.builder;
    let add = |name: &str, kind: FieldKind| -> Result<FieldIndex, String> {
        builder.user_field(name, kind)
    };
    let fields = FieldCells::present(&users, &texts, &USER_NUMBERS, add)?;
    while let Some(row) = users.next()? {
        let row = row.and_then(|row| {
            reading.builder.add_user("user_id", row.text(id)?, &fields.of_row(&row)?)
        });
        reading.count(users.place(), row);
    }
    Ok(())
}
