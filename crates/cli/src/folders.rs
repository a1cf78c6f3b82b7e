//! Where things lie: downloads in the platform's cache, everything else in the data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;

use crate::args::Common;

/// The folders of one invocation.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) cache: PathBuf,
    data: PathBuf,
}

impl Folders {
    pub(crate) fn of(common: &Common) -> Result<Self> {
        let cache = match &common.cache_dir {
            Some(folder) => folder.clone(),
            None => etcetera::choose_base_strategy()
                .context("no home folder for downloads; name one with --cache-dir")?
                .cache_dir()
                .join("gannet"),
        };
        Ok(Self { cache, data: common.data_dir.clone() })
    }

    /// The folder of one stored data set. A name is no path.
    pub(crate) fn dataset(&self, name: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            bail!("a data set's name has letters, digits, '-', '_' and '.', this is {name:?}");
        }
        Ok(self.datasets().join(name))
    }

    pub(crate) fn datasets(&self) -> PathBuf {
        self.data.join("datasets")
    }

    pub(crate) fn snapshots(&self) -> PathBuf {
        self.data.join("snapshots")
    }

    /// Where the report of a snapshot lies; `extension` is `html` or `json`.
    pub(crate) fn report(&self, snapshot: &str, extension: &str) -> PathBuf {
        self.data.join("reports").join(format!("{snapshot}.{extension}"))
    }

    /// The report of a snapshot as a page, where it has been judged.
    pub(crate) fn report_html(&self, snapshot: &str) -> Option<Arc<str>> {
        std::fs::read_to_string(self.report(snapshot, "html")).ok().map(Arc::from)
    }
}

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, contents: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, contents)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_name_cannot_leave_its_folder() {
        let folders = Folders { cache: "c".into(), data: "d".into() };
        for bad in ["", "..", ".hidden", "a/b", "/etc", "a\\b", "a b"] {
            assert!(folders.dataset(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(folders.dataset("ml-1m_2.0").unwrap(), Path::new("d/datasets/ml-1m_2.0"));
    }
}
