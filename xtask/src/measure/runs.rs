//! The runs of the `gannet` binary that measurements read.

mod large;
mod watched;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;
use serde_json::Value;
use tempfile::TempDir;

/// A run that several measurements read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Run {
    /// `gannet demo` from an empty cache.
    Demo,
    /// The LightGCN split of Gowalla, judged by its papers' rules.
    Gowalla,
    /// `gannet bench retrieve` on the demo's snapshot, on one core.
    Retrieve,
    /// The public part of KuaiRand-Pure, judged on a temporal split.
    KuaiRand,
    /// A simulated catalogue of a million items, judged.
    Judge1m,
    /// Five million items, a million users and 50 million events, written.
    Simulate5m,
    /// The same, read and trained without vectors; the time of both steps.
    Train5m,
    /// `gannet bench retrieve` on that snapshot, with heavy users, on one core.
    Wide,
    /// The same with the channels of the default configuration.
    WideDefaultPlan,
    /// The highest rate that holds there, on one core and on two.
    WideLoad1,
    WideLoad2,
    /// A channel that hangs, over many requests.
    Stuck,
}

impl Run {
    /// Whether it takes minutes and gigabytes: never run unless it was meant.
    pub(crate) fn is_long(self) -> bool {
        use Run::{Judge1m, Simulate5m, Train5m, Wide, WideDefaultPlan, WideLoad1, WideLoad2};
        matches!(
            self,
            Judge1m | Simulate5m | Train5m | Wide | WideDefaultPlan | WideLoad1 | WideLoad2
        )
    }
}

/// What a run said.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) wall_seconds: f64,
    /// The most resident memory, where the system tells.
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) document: Value,
}

/// How a measurement ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Value(f64),
    Skipped(String),
    Failed(String),
}

/// The binary, its scratch folders and what has been run so far.
pub(crate) struct Runs {
    binary: PathBuf,
    root: PathBuf,
    quick: bool,
    scratch: TempDir,
    /// Where large data stay for the next invocation.
    keep: Option<PathBuf>,
    done: BTreeMap<Run, Result<Output, Outcome>>,
}

/// Requests of `gannet bench retrieve`.
const REQUESTS: &str = "5000";
const REQUESTS_QUICK: &str = "500";
/// Users judged in a quick run.
const USERS_QUICK: &str = "500";

impl Runs {
    /// Builds the release binary; nothing is run yet.
    pub(crate) fn new(root: &Path, quick: bool, keep: Option<PathBuf>) -> Result<Self> {
        Ok(Self {
            binary: build(root)?,
            root: root.to_owned(),
            quick,
            keep,
            scratch: tempfile::tempdir().context("no folder for the runs' data")?,
            done: BTreeMap::new(),
        })
    }

    /// The output of a run, made on the first call.
    pub(crate) fn output(&mut self, run: Run) -> Result<&Output, Outcome> {
        if !self.done.contains_key(&run) {
            let output = self.make(run);
            self.done.insert(run, output);
        }
        self.done[&run].as_ref().map_err(Clone::clone)
    }

    fn make(&mut self, run: Run) -> Result<Output, Outcome> {
        match run {
            Run::Demo => {
                let output = self.start(&[], &self.demo_arguments(), "demo")?;
                self.is_as_meant(&output).then_some(output).ok_or_else(|| {
                    let why = "MovieLens-1M is out of reach; the demo ran on simulated data";
                    Outcome::Skipped(why.to_owned())
                })
            }
            Run::Gowalla => {
                let folder = gowalla_folder(std::env::var_os("GANNET_DATA"))?;
                self.start(&[], &self.gowalla_arguments(&folder), "gowalla")
            }
            Run::Retrieve => {
                // It needs a snapshot, which is the demo's.
                self.output(Run::Demo)?;
                let requests = if self.quick { REQUESTS_QUICK } else { REQUESTS };
                let arguments = words(&["bench", "retrieve", "--json", "--requests", requests]);
                self.start(&cores(1), &arguments, "demo")
            }
            Run::KuaiRand => self.kuairand(),
            Run::Judge1m => self.judge_1m(),
            Run::Simulate5m => self.simulate_5m(),
            Run::Train5m => self.train_5m(),
            Run::Wide => self.wide(1, "wide", false),
            Run::WideDefaultPlan => self.wide(1, "default", false),
            Run::WideLoad1 => self.wide(1, "wide", true),
            Run::WideLoad2 => self.wide(2, "wide", true),
            Run::Stuck => self.stuck(),
        }
    }

    /// Figures of the simulated catalogue must not pass for those of MovieLens-1M.
    fn is_as_meant(&self, output: &Output) -> bool {
        self.quick || output.document["dataset"] != "simulated"
    }

    fn demo_arguments(&self) -> Vec<OsString> {
        let mut arguments = words(&["demo", "--no-serve", "--json"]);
        if self.quick {
            arguments.extend(words(&["--data", "simulated", "--users", USERS_QUICK]));
        }
        arguments
    }

    fn gowalla_arguments(&self, folder: &Path) -> Vec<OsString> {
        let mut data = OsString::from("lightgcn:");
        data.push(folder);
        let mut arguments = words(&["demo", "--no-serve", "--json", "--profile", "lightgcn"]);
        // The figures are recall@20, so settings are chosen by it.
        arguments.extend(words(&["--tune-at", "20"]));
        arguments.extend([OsString::from("--data"), data]);
        if self.quick {
            arguments.extend(words(&["--tune", "off", "--users", USERS_QUICK]));
        }
        arguments
    }

    /// Runs `gannet` behind `prefix`; its data and cache lie in a fresh folder of that name.
    fn start(
        &self,
        prefix: &[OsString],
        arguments: &[OsString],
        folder: &str,
    ) -> Result<Output, Outcome> {
        let folder = self.scratch.path().join(folder);
        self.start_in(prefix, arguments, &folder)
    }

    /// The same in any folder.
    fn start_in(
        &self,
        prefix: &[OsString],
        arguments: &[OsString],
        folder: &Path,
    ) -> Result<Output, Outcome> {
        let mut command = match prefix.split_first() {
            None => Command::new(&self.binary),
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(&self.binary);
                command
            }
        };
        command.args(arguments).arg("--data-dir").arg(folder.join("data"));
        command.arg("--cache-dir").arg(folder.join("cache"));
        let failed = |why: String| Outcome::Failed(format!("{}: {why}", shown(arguments)));
        watched::run(command).map_err(failed)
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn shown(arguments: &[OsString]) -> String {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    format!("gannet {}", words.join(" "))
}

fn build(root: &Path) -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--package", "gannet-cli"])
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the release binary does not build");
    }
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    let name = format!("gannet{}", std::env::consts::EXE_SUFFIX);
    Ok(metadata.target_directory.into_std_path_buf().join("release").join(name))
}

/// The folder of the Gowalla files below `GANNET_DATA`.
fn gowalla_folder(data: Option<OsString>) -> Result<PathBuf, Outcome> {
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return Err(Outcome::Skipped("GANNET_DATA is not set".to_owned()));
    };
    let folder = PathBuf::from(data).join("gowalla");
    if !folder.join("train.txt").is_file() {
        return Err(Outcome::Skipped("GANNET_DATA has no gowalla/train.txt".to_owned()));
    }
    // The binary may run elsewhere; the folder stays where it was meant.
    Ok(std::path::absolute(&folder).unwrap_or(folder))
}

/// `taskset -c CORES` with cores that this process may use; nothing where taskset is missing.
fn cores(count: usize) -> Vec<OsString> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = allowed_cores(&status);
    let list: Vec<String> = list.iter().take(count).map(usize::to_string).collect();
    let list = if list.is_empty() { "0".to_owned() } else { list.join(",") };
    let works = Command::new("taskset")
        .args(["-c", &list, "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if works { words(&["taskset", "-c", &list]) } else { Vec::new() }
}

/// The cores of a line `Cpus_allowed_list: 2-3,8`.
fn allowed_cores(status: &str) -> Vec<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let range = |part: &str| -> Option<Vec<usize>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.trim().parse().ok()?..=last.trim().parse().ok()?).collect())
    };
    line.unwrap_or("").split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_data_folder_gowalla_is_skipped_with_a_reason() {
        for data in [None, Some(OsString::new()), Some(OsString::from("/nowhere/at/all"))] {
            assert!(matches!(gowalla_folder(data), Err(Outcome::Skipped(why)) if !why.is_empty()));
        }
    }

    #[test]
    fn the_cores_are_those_that_may_be_used() {
        let status = "Name:\txtask\nCpus_allowed_list:\t2-3,8\n";
        assert_eq!(allowed_cores(status), [2, 3, 8]);
        assert!(allowed_cores("Name:\txtask\n").is_empty());
    }

    #[test]
    fn a_quick_run_takes_the_simulated_catalogue() {
        let runs = |quick| Runs {
            binary: PathBuf::from("gannet"),
            root: PathBuf::new(),
            quick,
            keep: None,
            scratch: tempfile::tempdir().unwrap(),
            done: BTreeMap::new(),
        };
        let simulated = OsString::from("simulated");
        assert!(runs(true).demo_arguments().contains(&simulated));
        assert!(!runs(false).demo_arguments().contains(&simulated));
    }

    /// A program in place of `gannet`, which notes each start beside itself.
    #[cfg(unix)]
    fn runs_of(script: &str) -> Runs {
        use std::os::unix::fs::PermissionsExt;
        let scratch = tempfile::tempdir().unwrap();
        let binary = scratch.path().join("gannet");
        let text = format!("#!/bin/sh\necho \"$@\" >> {}.starts\n{script}\n", binary.display());
        std::fs::write(&binary, text).unwrap();
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
        let root = PathBuf::new();
        Runs { binary, root, quick: false, keep: None, scratch, done: BTreeMap::new() }
    }

    #[cfg(unix)]
    fn starts(runs: &Runs) -> Vec<String> {
        let noted = std::fs::read_to_string(runs.binary.with_extension("starts")).unwrap();
        noted.lines().map(str::to_owned).collect()
    }

    /// One test, not two: a file that a process forked by another thread still holds open for
    /// writing cannot be started.
    #[cfg(unix)]
    #[test]
    fn a_run_is_made_once_whether_it_fails_or_not_and_the_bench_follows_the_demo() {
        let mut runs = runs_of("echo '{\"peak_memory_bytes\": 1048576}'");
        runs.output(Run::Retrieve).unwrap();
        let output = runs.output(Run::Demo).unwrap();
        assert_eq!(output.document["peak_memory_bytes"], 1_048_576);
        let starts = starts(&runs);
        assert_eq!(starts.len(), 2, "{starts:?}");
        assert!(starts[0].starts_with("demo --no-serve --json --data-dir"), "{starts:?}");
        assert!(starts[1].starts_with("bench retrieve --json"), "{starts:?}");

        let mut runs = runs_of("echo '{\"dataset\": \"simulated\"}'");
        assert!(matches!(runs.output(Run::Demo), Err(Outcome::Skipped(_))));

        for script in ["exit 3", "echo no json"] {
            let mut runs = runs_of(script);
            assert!(matches!(runs.output(Run::Demo), Err(Outcome::Failed(_))), "{script}");
            assert!(matches!(runs.output(Run::Retrieve), Err(Outcome::Failed(_))), "{script}");
            assert_eq!(self::starts(&runs).len(), 1, "{script}");
        }
    }
}
