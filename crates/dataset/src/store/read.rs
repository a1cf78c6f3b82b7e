//! Parquet back to the parts of a data set; a file that only looks right is refused.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::Schema;
use gannet_core::{
    Catalogue, CatalogueBuilder, EventKinds, Interaction, Item, ItemId, ItemIndex, StringTable,
    TagPath, Timestamp, UserId, UserIndex,
};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::StoreError;
use super::manifest::CheckedFile;
use super::write::{event_schema, item_schema, user_schema};
use crate::dataset::Events;

const BATCH_ROWS: usize = 1 << 14;

/// What the names in an events file stand for.
pub(super) struct Names<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) users: &'a StringTable,
    pub(super) kinds: &'a EventKinds,
}

pub(super) fn items(file: CheckedFile) -> Result<Catalogue, StoreError> {
    let mut catalogue = CatalogueBuilder::new();
    Table::open(file, &item_schema())?.each(|batch, row| {
        let author = batch.column(3).as_string::<i32>();
        let published = batch.column(4).as_primitive::<TimestampMillisecondType>();
        let tags = batch.column(2).as_list::<i32>().value(row);
        let tags: Result<Vec<TagPath>, _> =
            tags.as_string::<i32>().iter().flatten().map(TagPath::new).collect();
        let item = Item {
            id: ItemId::new(text(batch, 0).value(row)).map_err(|error| error.to_string())?,
            title: text(batch, 1).value(row).to_owned(),
            tags: tags.map_err(|error| error.to_string())?,
            author: author.is_valid(row).then(|| author.value(row).to_owned()),
            published: published.is_valid(row).then(|| Timestamp(published.value(row))),
            available: batch.column(5).as_boolean().value(row),
            expires: None,
            fields: Vec::new(),
        };
        catalogue.add(&item).map(|_| ()).map_err(|error| error.to_string())
    })?;
    Ok(catalogue.finish())
}

pub(super) fn users(file: CheckedFile) -> Result<StringTable, StoreError> {
    let mut users = StringTable::new();
    Table::open(file, &user_schema())?.each(|batch, row| {
        let id = UserId::new(text(batch, 0).value(row)).map_err(|error| error.to_string())?;
        if users.find(id.as_str()).is_some() {
            return Err(format!("user {id} is given twice"));
        }
        users.intern(id.as_str());
        Ok(())
    })?;
    Ok(users)
}

pub(super) fn events(file: CheckedFile, names: &Names<'_>) -> Result<Events, StoreError> {
    let unknown = |what: &str, name: &str| format!("no {what} is called {name:?}");
    let mut events = Events::default();
    Table::open(file, &event_schema())?.each(|batch, row| {
        let [user, item, kind] = [0, 1, 2].map(|column| text(batch, column).value(row));
        let user_at = names.users.find(user).ok_or_else(|| unknown("user", user))?;
        let item = names.catalogue.find(item).ok_or_else(|| unknown("item", item))?;
        let kind = names.kinds.index(kind).ok_or_else(|| unknown("kind", kind))?;
        let value = batch.column(3).as_primitive::<Float32Type>().value(row);
        let times = batch.column(4).as_primitive::<TimestampMillisecondType>();
        let time = times.is_valid(row).then(|| Timestamp(times.value(row)));
        events.users.push(UserIndex(user_at));
        events.interactions.push(Interaction {
            item: ItemIndex(item.0),
            kind,
            value,
            time,
            scene: None,
        });
        Ok(())
    })?;
    Ok(events)
}

fn text(batch: &RecordBatch, column: usize) -> &StringArray {
    batch.column(column).as_string::<i32>()
}

/// A Parquet file under way, whose columns are known to be those of its schema.
struct Table {
    path: PathBuf,
    rows: u64,
    reader: ParquetRecordBatchReader,
}

impl Table {
    fn open(file: CheckedFile, schema: &Schema) -> Result<Self, StoreError> {
        let CheckedFile { path, file, rows } = file;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| bad(&path, error.to_string()))?;
        if builder.schema().fields() != schema.fields() {
            let found: Vec<&str> =
                builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
            return Err(bad(&path, format!("columns are not those of format 1: {found:?}")));
        }
        let reader = builder
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| bad(&path, error.to_string()))?;
        Ok(Self { path, rows, reader })
    }

    /// Takes every row; what `take` says against one ends the reading.
    fn each(
        self,
        mut take: impl FnMut(&RecordBatch, usize) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let mut at = 0;
        for batch in self.reader {
            let batch = batch.map_err(|error| bad(&self.path, error.to_string()))?;
            for row in 0..batch.num_rows() {
                at += 1;
                take(&batch, row).map_err(|why| bad(&self.path, format!("row {at}: {why}")))?;
            }
        }
        if at == self.rows {
            return Ok(());
        }
        Err(bad(&self.path, format!("{at} rows where the manifest says {}", self.rows)))
    }
}

fn bad(path: &Path, why: String) -> StoreError {
    StoreError::Contents { path: path.to_owned(), why }
}
