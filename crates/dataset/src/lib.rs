//! Events to matrices, sequences and splits: everything between a downloaded file and training.
//!
//! Invariant: no models here; and a test row ([`TestSet`]) is a type that training cannot take.

mod bad_rows;
mod dataset;
mod fetch;
mod normal_form;
mod read;
mod simulate;
mod split;
mod store;
mod text_codes;
mod vector_file;

pub use bad_rows::{BadRow, BadRows};
pub use dataset::{Dataset, Events};
pub use fetch::{
    FetchError, Fetched, MOVIELENS_1M_CHECKSUM, Origin, fetch_movielens_1m, read_movielens_1m,
};
pub use normal_form::{Ties, natural_order, normal_form_checksum};
pub use read::{
    CsvMapping, EventColumns, FieldNames, FixedSplitSettings, Format, ItemColumns, ItemIds,
    MovielensSettings, NoSettings, ReadError, ReadOptions, ReadOutcome, Source, TableMapping,
    TimeUnit, TypedHeaderMapping, UserColumns, read, short_video_kinds,
};
pub use simulate::{
    SimulatedFiles, Simulation, SimulationError, SimulationOptions, TasteAt, TruePreference,
    TruthMismatch, read_truth, simulate, simulated_kinds, write_simulation,
};
pub use split::{
    Positive, Split, SplitCounts, SplitError, SplitKind, TestSet, TestUser, TrainSet, split,
    split_with,
};
pub use store::{
    DatasetManifest, StoreError, StoredFile, ingest, ingest_with_truth, open, open_truth,
    read_manifest,
};
pub use vector_file::{
    VectorFile, VectorFileError, VectorFileOptions, VectorFormat, read_vectors, write_vectors,
};
