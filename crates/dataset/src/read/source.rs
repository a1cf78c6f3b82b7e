//! What is to be read, and how strictly.

use std::path::PathBuf;

use gannet_core::{EventKinds, Timestamp};
use serde::Deserialize;

use super::columns::TableMapping;
use super::csv_mapping::CsvMapping;
use super::movielens::ItemIds;
use super::typed_header::TypedHeaderMapping;
use crate::normal_form::Ties;

/// A folder and the format of the files in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The folder.
    pub folder: PathBuf,
    /// The format of its files.
    pub format: Format,
}

/// The formats that are read. In a configuration file: `format = "movielens_csv"`, with the
/// format's own settings beside it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Format {
    /// `ratings.dat` and `movies.dat` (1M, 10M): `::` between fields, UTF-8 or Latin-1.
    MovielensDat(MovielensSettings),
    /// `ratings.csv` and `movies.csv` (20M and later, `ml-latest`): UTF-8 with a header.
    MovielensCsv(MovielensSettings),
    /// `NAME.inter` and perhaps `NAME.item`: tab-separated, a typed header (`item_id:token`).
    TypedHeader(TypedHeaderMapping),
    /// `train.txt` and `test.txt`: a user and its items on each line, as published with LightGCN.
    FixedSplit(FixedSplitSettings),
    /// Any text table; the mapping says which column is what.
    Csv(CsvMapping),
    /// `events.parquet`, and `items.parquet`, `users.parquet`, `test_events.parquet` where they
    /// are there; columns by their standard names, or as mapped.
    Parquet(TableMapping),
    /// The same as files of one JSON object a line: `events.jsonl` and so on.
    Jsonl(TableMapping),
    /// KuaiRand's `log_*.csv`, `video_features_basic_*.csv` and `user_features_*.csv`.
    Kuairand(NoSettings),
    /// KuaiRec's `big_matrix.csv` or `small_matrix.csv`, and its tables of videos and users.
    Kuairec(NoSettings),
}

/// Settings of the MovieLens formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MovielensSettings {
    /// What becomes an item's id.
    pub item_ids: ItemIds,
}

/// The fixed files have no settings; unknown ones are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedSplitSettings {}

/// A published layout has no settings; unknown ones are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// How strictly to read, and what the events mean.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions {
    /// The name of the data set.
    pub name: String,
    /// The kinds of events. Absent: `rating`, positive from 4, where events have a value;
    /// `interaction`, always positive, where they have none.
    pub kinds: Option<EventKinds>,
    /// The share of rows (0 to 1) that may be refused before reading fails.
    pub bad_rows_share_max: f64,
    /// Events after this moment are refused: they would inflate popularity.
    pub now: Timestamp,
    /// What orders one user's events of equal time.
    pub ties: Ties,
}

impl ReadOptions {
    /// At most 0.1 % of bad rows, kinds by what the data has, ties in file order.
    pub fn new(name: &str, now: Timestamp) -> Self {
        let (kinds, ties) = (None, Ties::default());
        Self { name: name.to_owned(), kinds, bad_rows_share_max: 0.001, now, ties }
    }
}
