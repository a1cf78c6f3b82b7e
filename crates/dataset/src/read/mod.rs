//! From a folder to a checked data set: one reader for each format, one normal form for all.
//!
//! Rules for every format. A row is taken whole or refused whole, and refused rows are counted
//! ([`BadRows`]). The first row of an item's id is kept, later ones are refused. An item that has
//! events and no row in the item file is added bare; an item without events stays in the catalogue.
//! Equal events are all kept: a person may do a thing twice. Blank lines are passed over.

mod arrange;
mod builder;
mod columns;
mod csv_mapping;
mod error;
mod field;
mod field_cells;
mod fixed_split;
mod json_row;
mod jsonl;
mod kuairand;
mod kuairec;
mod lines;
mod movielens;
mod movielens_csv;
mod movielens_dat;
mod parquet_cells;
mod parquet_file;
mod parquet_tables;
mod reading;
mod short_video;
mod source;
mod table;
mod transcode;
mod typed_header;

use gannet_core::Progress;

pub use columns::{EventColumns, FieldNames, ItemColumns, TableMapping, UserColumns};
pub use csv_mapping::CsvMapping;
pub use error::ReadError;
pub use field::TimeUnit;
pub use movielens::ItemIds;
pub use short_video::short_video_kinds;
pub use source::{FixedSplitSettings, Format, MovielensSettings, NoSettings, ReadOptions, Source};
pub use typed_header::TypedHeaderMapping;

pub(crate) use parquet_file::decoded;

use crate::bad_rows::BadRows;
use crate::dataset::Dataset;
use reading::Reading;

/// What was read, and what was refused.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    /// The data.
    pub dataset: Dataset,
    /// The rows that are not in it.
    pub bad_rows: BadRows,
}

/// Reads a folder line by line into memory; writes nothing.
///
/// Fails where a file is missing, empty or of another kind, a column that is needed or named is not
/// there, no event is left, or more rows were refused than `options` let pass.
pub fn read(
    source: &Source,
    options: &ReadOptions,
    progress: &dyn Progress,
) -> Result<ReadOutcome, ReadError> {
    let reading = Reading::new(&source.folder, options, progress)?;
    match &source.format {
        Format::MovielensDat(settings) => movielens_dat::read(reading, *settings),
        Format::MovielensCsv(settings) => movielens_csv::read(reading, *settings),
        Format::TypedHeader(mapping) => typed_header::read(reading, mapping),
        Format::FixedSplit(FixedSplitSettings {}) => fixed_split::read(reading),
        Format::Parquet(mapping) => parquet_tables::read(reading, mapping),
        Format::Jsonl(mapping) => jsonl::read(reading, mapping),
        Format::Kuairand(NoSettings {}) => kuairand::read(reading),
        Format::Kuairec(NoSettings {}) => kuairec::read(reading),
        Format::Csv(mapping) => csv_mapping::read(reading, mapping),
    }
}
