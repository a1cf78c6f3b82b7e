//! The figures that the project promises, each under its own name and beside its target.
//!
//! What is measured stands in `table`; how the binary is run, in `runs`. Runs are made once an
//! invocation and read by every measurement that needs them.

mod json;
mod runs;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use runs::{Outcome, Runs};
use table::{MEASUREMENTS, Measurement};

/// What to measure and how to say it.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// The measurements; a name ending in `*` takes all that begin so. None: all but the long.
    names: Vec<String>,
    /// Print the measurements with unit and target, run nothing.
    #[arg(long)]
    list: bool,
    /// Simulated or less data: shows that everything runs. Targets are not judged.
    #[arg(long)]
    quick: bool,
    /// With no names: also those that take minutes and gigabytes (`--list` marks them).
    #[arg(long)]
    long: bool,
    /// Where the data of the long ones stay, to be used by the next invocation [default:
    /// $GANNET_MEASURE_DIR, else nowhere].
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// One JSON array instead of lines.
    #[arg(long)]
    json: bool,
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    name: String,
    unit: &'static str,
    target: Option<table::Target>,
    outcome: Outcome,
}

/// Measures and prints. Whether everything ran: a missed target is an answer, not a failure.
/// Errors where a name is unknown or the binary cannot be built.
pub fn run(root: &Path, options: &Options) -> Result<bool> {
    let chosen = choose(&options.names, options.long || options.list)?;
    if options.list {
        list(&chosen)?;
        return Ok(true);
    }
    let mut runs = Runs::new(root, options.quick, keep_folder(options))?;
    let mut lines = Vec::new();
    for measurement in chosen {
        for line in measure(measurement, &mut runs) {
            if !options.json {
                writeln!(std::io::stdout().lock(), "{}", text_of(&line, options.quick))?;
            }
            lines.push(line);
        }
    }
    if options.json {
        let array: Vec<_> = lines.iter().map(|line| json_of(line, options.quick)).collect();
        writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(&array)?)?;
    }
    Ok(lines.iter().all(|line| !matches!(line.outcome, Outcome::Failed(_))))
}

fn choose(names: &[String], long: bool) -> Result<Vec<&'static Measurement>> {
    for name in names {
        if !MEASUREMENTS.iter().any(|measurement| is_named(name, measurement.name)) {
            bail!("no measurement {name:?}; `cargo xtask measure --list` shows all");
        }
    }
    let is_chosen = |measurement: &&Measurement| {
        (names.is_empty() && (long || !measurement.run.is_long()))
            || names.iter().any(|name| is_named(name, measurement.name))
    };
    Ok(MEASUREMENTS.iter().filter(is_chosen).collect())
}

/// The folder as seen from here: the binary may run elsewhere.
fn keep_folder(options: &Options) -> Option<PathBuf> {
    let named = options.keep.clone();
    let folder = named.or_else(|| std::env::var_os("GANNET_MEASURE_DIR").map(PathBuf::from))?;
    Some(std::path::absolute(&folder).unwrap_or(folder))
}

fn is_named(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => wanted == name,
    }
}

fn list(chosen: &[&Measurement]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for measurement in chosen {
        let target = target_text(measurement.target);
        let long = if measurement.run.is_long() { " long" } else { "" };
        writeln!(out, "{} {} {target}{long}", measurement.name, measurement.unit)?;
    }
    Ok(())
}

/// One line, or one for each element where the measurement is of many (a channel each).
fn measure(measurement: &Measurement, runs: &mut Runs) -> Vec<Line> {
    let line = |name: &str, outcome| Line {
        name: name.to_owned(),
        unit: measurement.unit,
        target: measurement.target,
        outcome,
    };
    let output = match runs.output(measurement.run) {
        Ok(output) => output,
        Err(outcome) => return vec![line(measurement.name, outcome)],
    };
    match measurement.read(output) {
        Ok(values) => values.iter().map(|(name, v)| line(name, Outcome::Value(*v))).collect(),
        Err(why) => vec![line(measurement.name, Outcome::Failed(why))],
    }
}

fn target_text(target: Option<table::Target>) -> String {
    target.map_or_else(|| "-".to_owned(), |target| target.to_string())
}

fn verdict(target: Option<table::Target>, value: f64, quick: bool) -> &'static str {
    match target {
        _ if quick => "quick",
        None => "-",
        Some(target) if target.is_met(value) => "met",
        Some(_) => "missed",
    }
}

fn text_of(line: &Line, quick: bool) -> String {
    match &line.outcome {
        Outcome::Value(value) => format!(
            "{} {} {} {} {}",
            line.name,
            table::number(*value),
            line.unit,
            target_text(line.target),
            verdict(line.target, *value, quick),
        ),
        Outcome::Skipped(why) => format!("{} skipped {why}", line.name),
        Outcome::Failed(why) => format!("{} failed {why}", line.name),
    }
}

fn json_of(line: &Line, quick: bool) -> serde_json::Value {
    let (value, state, why) = match &line.outcome {
        Outcome::Value(value) => (Some(*value), verdict(line.target, *value, quick), None),
        Outcome::Skipped(why) => (None, "skipped", Some(why)),
        Outcome::Failed(why) => (None, "failed", Some(why)),
    };
    json!({
        "name": line.name,
        "value": value,
        "unit": line.unit,
        "target": line.target.map(|target| target.to_string()),
        "state": state,
        "why": why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use table::Target;

    #[test]
    fn a_line_says_whether_the_target_is_met() {
        let line = |value, target| Line {
            name: "demo_seconds".to_owned(),
            unit: "s",
            target,
            outcome: Outcome::Value(value),
        };
        let at_most = Some(Target::AtMost(60.0));
        assert_eq!(text_of(&line(41.25, at_most), false), "demo_seconds 41.25 s <=60 met");
        assert_eq!(text_of(&line(61.0, at_most), false), "demo_seconds 61 s <=60 missed");
        assert_eq!(text_of(&line(61.0, at_most), true), "demo_seconds 61 s <=60 quick");
        assert_eq!(text_of(&line(61.0, None), false), "demo_seconds 61 s - -");
        assert_eq!(json_of(&line(61.0, at_most), false)["state"], "missed");
    }

    #[test]
    fn a_skipped_measurement_says_why() {
        let skipped = Line {
            name: "gowalla_popular_ndcg_20".to_owned(),
            unit: "ndcg",
            target: None,
            outcome: Outcome::Skipped("GANNET_DATA is not set".to_owned()),
        };
        let expected = "gowalla_popular_ndcg_20 skipped GANNET_DATA is not set";
        assert_eq!(text_of(&skipped, false), expected);
        assert_eq!(json_of(&skipped, false)["value"], serde_json::Value::Null);
    }

    #[test]
    fn names_are_taken_whole_or_by_their_beginning_and_unknown_ones_are_refused() {
        assert_eq!(choose(&[], true).unwrap().len(), MEASUREMENTS.len());
        assert!(choose(&[], false).unwrap().iter().all(|one| !one.run.is_long()));
        assert_eq!(choose(&["wide_p99_us".to_owned()], false).unwrap().len(), 1);
        assert_eq!(choose(&["demo_seconds".to_owned()], false).unwrap().len(), 1);
        assert!(choose(&["gowalla_*".to_owned()], false).unwrap().len() >= 5);
        assert!(choose(&["nothing_such".to_owned()], false).is_err());
    }
}
