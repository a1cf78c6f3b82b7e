//! The words that every Gannet crate uses: ids, items, events, the catalogue and the clock.
//!
//! Invariant: no I/O, no reading of a clock and no async here; time comes in through [`Clock`].

mod bitmap;
mod catalogue;
mod clock;
mod event;
mod field;
mod id;
mod item;
mod name;
mod progress;
mod refusal;
mod sparse;
mod stage;
mod strings;

pub use bitmap::Bitmap;
pub use catalogue::{
    Catalogue, CatalogueBuilder, CatalogueColumns, CatalogueError, ColumnsError, ItemRow, KeyField,
};
pub use clock::{Clock, ManualClock, Timestamp};
pub use event::{
    EventKind, EventKinds, EventKindsError, Interaction, KindIndex, Marks, SceneIndex, watch_share,
};
pub use field::{Column, FieldError, FieldIndex, FieldKind, FieldTable, FieldValue};
pub use id::{IdError, ItemId, ItemIndex, UserId, UserIndex};
pub use item::{Item, TAG_SEPARATOR, TagError, TagPath};
pub use name::{
    ArmName, ChannelName, ExperimentName, ModelName, NameError, PlanName, SceneName, SegmentName,
};
pub use progress::{Progress, Silent};
pub use refusal::{Refusal, RefusalCounts};
pub use sparse::{SparseRows, SparseRowsBuilder, SparseRowsError};
pub use stage::Stage;
pub use strings::{StringTable, StringsError, strings_from_parts};
