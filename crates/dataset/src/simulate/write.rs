//! A simulation as a folder of Parquet tables, written as it is made.
//!
//! ```text
//! FOLDER/items.parquet    id, title, tags list<string>, author, published, expires, available,
//!                         music, city, length_ms
//! FOLDER/users.parquet    id, city, age_band, activity
//! FOLDER/events.parquet   user, item, kind, value, time, scene; by part of the span, then user,
//!                         then time: nearly as a log would have it, with each user's runs together
//! FOLDER/truth.json       the options: all that the true preference needs
//! FOLDER/gannet.toml      what the kinds of events mean, for `gannet ingest --config`
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use gannet_core::{EventKind, Progress};
use serde::{Deserialize, Serialize};

use super::error::SimulationError;
use super::events::{self, Event};
use super::table::{self, Table};
use super::truth::TruePreference;
use super::{SimulationOptions, simulated_kinds};

pub(crate) const TRUTH: &str = "truth.json";
const FORMAT: &str = "gannet simulation";
const FORMAT_VERSION: u32 = 1;
/// Groups of events that may wait for the writer.
const WAITING_MAX: usize = 64;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedFiles {
    /// Rows of `items.parquet`.
    pub items: u64,
    /// Rows of `users.parquet`.
    pub users: u64,
    /// Rows of `events.parquet`: those asked for, less the few for which a user of a small
    /// catalogue found nothing new.
    pub events: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Truth {
    format: String,
    version: u32,
    options: SimulationOptions,
    /// For a reader: nothing here is needed to tell the truth.
    kinds: Vec<EventKind>,
}

/// Makes a simulation and writes it to a folder, which is made, or replaced where it holds a
/// simulation already. Memory: 24 bytes an item, 4 an event, 1 million rows of the writer.
///
/// Equal options give equal bytes, whatever the number of threads. Everything is written beside
/// the folder and moved there when it is whole and synced; after an error nothing of it stays.
pub fn write_simulation(
    options: &SimulationOptions,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<SimulatedFiles, SimulationError> {
    let truth = TruePreference::of(options)?;
    let staging = Staging::begin(folder)?;
    let place = &staging.place;
    let items = table::items(&place.join("items.parquet"), truth.items(), progress)?;
    let users = table::users(&place.join("users.parquet"), options, truth.items())?;
    let events = write_events(&place.join("events.parquet"), &truth, progress)?;
    let config = config_text(simulated_kinds().all()).into_bytes();
    let texts = [(TRUTH, truth_text(options)), ("gannet.toml", config)];
    for (name, text) in &texts {
        let path = place.join(name);
        write_synced(&path, text).map_err(disk(&path))?;
    }
    staging.finish()?;
    let bytes = [&items, &users, &events].iter().map(|written| written.bytes).sum::<u64>()
        + texts.iter().map(|(_, text)| text.len() as u64).sum::<u64>();
    Ok(SimulatedFiles { items: items.rows, users: users.rows, events: events.rows, bytes })
}

/// The truth of a simulation: from its folder, or from a copy of its `truth.json`.
pub fn read_truth(path: &Path) -> Result<TruePreference, SimulationError> {
    let path = if path.is_dir() { path.join(TRUTH) } else { path.to_owned() };
    let text = fs::read_to_string(&path).map_err(disk(&path))?;
    truth_of_text(&text).map_err(|why| SimulationError::Contents { path, why })
}

/// All that the true preference needs, as `truth.json` has it.
pub(crate) fn truth_text(options: &SimulationOptions) -> Vec<u8> {
    let contents = Truth {
        format: FORMAT.to_owned(),
        version: FORMAT_VERSION,
        options: options.clone(),
        kinds: simulated_kinds().all().to_vec(),
    };
    serde_json::to_vec_pretty(&contents).expect("plain values")
}

/// The way back; errors say what is wrong with the text.
pub(crate) fn truth_of_text(text: &str) -> Result<TruePreference, String> {
    let truth: Truth = serde_json::from_str(text)
        .map_err(|error| format!("not the truth of a simulation (cut short?): {error}"))?;
    if truth.format != FORMAT || truth.version > FORMAT_VERSION {
        let found = format!("{} of version {}", truth.format, truth.version);
        return Err(format!("expected {FORMAT} of version {FORMAT_VERSION}, found {found}"));
    }
    TruePreference::of(&truth.options).map_err(|error| error.to_string())
}

/// One thread encodes while the others simulate.
fn write_events(
    path: &Path,
    truth: &TruePreference,
    progress: &dyn Progress,
) -> Result<table::Written, SimulationError> {
    let options = truth.options();
    let (sender, receiver) = sync_channel::<Vec<Event>>(WAITING_MAX);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut table = Table::create(path, table::event_schema())?;
            for events in receiver {
                table.write_events(&events, options.start)?;
            }
            table.finish()
        });
        // A closed channel means that the writer has failed: it says why.
        let _ = events::make(options, truth.items(), progress, |events| sender.send(events));
        drop(sender);
        writer.join().expect("the writer does not panic")
    })
}

fn config_text(kinds: &[EventKind]) -> String {
    let mut text = "# What the events of this simulation mean.\n".to_owned();
    for kind in kinds {
        let quoted = |name: &str| format!("{name:?}");
        text += &format!(
            "\n[[data.kinds]]\nname = {}\nweight = {:?}\n",
            quoted(&kind.name),
            kind.weight
        );
        if let Some(from) = kind.positive_from {
            text += &format!("positive_from = {from:?}\n");
        }
        if let Some(below) = kind.negative_below {
            text += &format!("negative_below = {below:?}\n");
        }
        if kind.name == "exposure" {
            text += "marks = \"exposed\"\n";
        }
    }
    text
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    File::open(path)?.sync_all()
}

pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> SimulationError + '_ {
    move |source| SimulationError::Disk { path: path.to_owned(), source }
}

/// A folder in the making beside its place. Dropped unfinished, it is removed.
struct Staging {
    folder: PathBuf,
    place: PathBuf,
    finished: bool,
}

impl Staging {
    fn begin(folder: &Path) -> Result<Self, SimulationError> {
        let foreign = || SimulationError::Foreign { path: folder.to_owned() };
        let replaceable = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
            Err(error) => return Err(disk(folder)(error)),
            Ok(mut entries) => entries.next().is_none() || is_simulation(folder),
        };
        if !replaceable {
            return Err(foreign());
        }
        let parent = parent(folder);
        fs::create_dir_all(parent).map_err(disk(parent))?;
        let place = beside(folder, "new").ok_or_else(foreign)?;
        remove(&place)?;
        fs::create_dir(&place).map_err(disk(&place))?;
        Ok(Self { folder: folder.to_owned(), place, finished: false })
    }

    fn finish(mut self) -> Result<(), SimulationError> {
        let older = beside(&self.folder, "old");
        if let Some(older) = older.as_ref().filter(|_| self.folder.exists()) {
            remove(older)?;
            fs::rename(&self.folder, older).map_err(disk(&self.folder))?;
        }
        fs::rename(&self.place, &self.folder).map_err(disk(&self.folder))?;
        self.finished = true;
        let parent = parent(&self.folder);
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(disk(parent))?;
        older.map_or(Ok(()), |older| remove(&older))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.finished {
            // The error that led here is the one to show.
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

fn is_simulation(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join(TRUTH)).unwrap_or_default();
    serde_json::from_str::<Truth>(&text).is_ok_and(|truth| truth.format == FORMAT)
}

fn remove(folder: &Path) -> Result<(), SimulationError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(folder)(error)),
        _ => Ok(()),
    }
}

fn parent(folder: &Path) -> &Path {
    folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(folder: &Path, ending: &str) -> Option<PathBuf> {
    let name = folder.file_name()?.display();
    Some(parent(folder).join(format!(".{name}.{ending}")))
}
