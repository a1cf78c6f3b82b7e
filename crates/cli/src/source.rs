//! From a name or a folder to a checked data set.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gannet_core::Progress;
use gannet_dataset::{
    BadRows, Dataset, Format, ReadOptions, SimulationOptions, Source, TruePreference,
    fetch_movielens_1m, read, read_movielens_1m, read_truth, simulate,
};

use crate::app::App;
use crate::args::FormatName;

/// A data set that comes with a name.
pub(crate) const MOVIELENS_1M: &str = "movielens-1m";
/// The built-in simulated catalogue.
pub(crate) const SIMULATED: &str = "simulated";

/// Where data is to come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Movielens1m,
    Simulated,
    Files { format: FormatName, folder: PathBuf },
}

impl Origin {
    /// `movielens-1m`, `simulated`, or `FORMAT:PATH`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if let Some((format, folder)) = text.split_once(':') {
            let format = <FormatName as clap::ValueEnum>::from_str(format, false)
                .map_err(|_| anyhow::anyhow!("unknown format {format:?} in {text:?}"))?;
            return Ok(Origin::Files { format, folder: folder.into() });
        }
        match text {
            MOVIELENS_1M => Ok(Origin::Movielens1m),
            SIMULATED => Ok(Origin::Simulated),
            _ => bail!("unknown data {text:?}: expected movielens-1m, simulated or FORMAT:PATH"),
        }
    }

    /// The name that the data set gets where none was given.
    pub(crate) fn name(&self) -> String {
        match self {
            Origin::Movielens1m => MOVIELENS_1M.to_owned(),
            Origin::Simulated => SIMULATED.to_owned(),
            Origin::Files { folder, .. } => {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                let last = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                let last = last.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let name: String = last.chars().map(|c| if plain(c) { c } else { '-' }).collect();
                let name = name.trim_start_matches('.').to_owned();
                if name.is_empty() { "data".to_owned() } else { name }
            }
        }
    }
}

/// A data set with what was refused of it.
pub(crate) struct Read {
    pub(crate) dataset: Dataset,
    pub(crate) bad_rows: BadRows,
    /// What simulated users truly prefer, where it came with the data.
    pub(crate) truth: Option<TruePreference>,
}

/// Reads and checks everything; nothing is stored.
pub(crate) fn read_from(
    app: &App,
    origin: &Origin,
    name: &str,
    bad_rows_share_max: Option<f64>,
) -> Result<Read> {
    let mut options = ReadOptions::new(name, app.clock.now());
    options.kinds = app.config.data.event_kinds()?;
    options.bad_rows_share_max = bad_rows_share_max.unwrap_or(app.config.data.bad_rows_share_max);
    let outcome = match origin {
        Origin::Simulated => {
            let options = SimulationOptions::default();
            app.progress.begin("simulate a catalogue", None, "events");
            let simulation = simulate(&options, &app.progress)?;
            app.progress.end();
            let dataset = Dataset { name: name.to_owned(), ..simulation.dataset };
            let (bad_rows, truth) = (BadRows::default(), Some(simulation.truth));
            return Ok(Read { dataset, bad_rows, truth });
        }
        Origin::Movielens1m => {
            let fetched = fetch_movielens_1m(&app.folders.cache, &app.progress)?;
            read_movielens_1m(&fetched, app.clock.now(), &app.progress)?
        }
        Origin::Files { format, folder } => {
            let source = Source { folder: folder.clone(), format: format_of(app, *format)? };
            read(&source, &options, &app.progress)?
        }
    };
    let truth = match origin {
        Origin::Files { format: FormatName::Parquet, folder } => truth_beside(folder)?,
        _ => None,
    };
    Ok(Read { dataset: outcome.dataset, bad_rows: outcome.bad_rows, truth })
}

/// What `gannet simulate` left beside its tables.
fn truth_beside(folder: &Path) -> Result<Option<TruePreference>> {
    if !folder.join("truth.json").exists() {
        return Ok(None);
    }
    let truth = read_truth(folder).context(
        "cannot read the truth of simulated data; move the file away if the data is none",
    )?;
    Ok(Some(truth))
}

fn format_of(app: &App, format: FormatName) -> Result<Format> {
    Ok(match format {
        FormatName::MovielensDat => Format::MovielensDat(Default::default()),
        FormatName::MovielensCsv => Format::MovielensCsv(Default::default()),
        FormatName::Tables => Format::TypedHeader(app.config.tables.clone()),
        FormatName::Lightgcn => Format::FixedSplit(Default::default()),
        FormatName::Parquet => Format::Parquet(app.config.parquet.clone()),
        FormatName::Jsonl => Format::Jsonl(app.config.jsonl.clone()),
        FormatName::Kuairand => Format::Kuairand(Default::default()),
        FormatName::Kuairec => Format::Kuairec(Default::default()),
        FormatName::Csv => Format::Csv(app.config.csv.clone().context(
            "format csv needs a table [csv] in the configuration that names the columns \
             (README, \"Your own data\")",
        )?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_named_or_lies_in_a_folder() {
        assert_eq!(Origin::parse("simulated").unwrap(), Origin::Simulated);
        let files = Origin::parse("lightgcn:/data/go walla/").unwrap();
        assert_eq!(files.name(), "go-walla");
        assert!(Origin::parse("gopher").is_err());
        assert!(Origin::parse("excel:/data").is_err());
    }
}
