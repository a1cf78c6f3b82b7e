//! Runs on made data of any size, on KuaiRand, and of the channel that hangs.
//!
//! Data of five million items take minutes and gigabytes: with a folder to keep them in, each step
//! leaves what it said beside what it made, and the next invocation reads that.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Outcome, Output, Run, Runs, cores, watched, words};

/// Items, users and events.
const FIVE_MILLION: [&str; 3] = ["5000000", "1000000", "50000000"];
const ONE_MILLION: [&str; 3] = ["1000000", "200000", "10000000"];
const QUICK: [&str; 3] = ["20000", "4000", "200000"];

/// Users judged where there are many: an interval of their mean is half a percent wide.
const JUDGED_USERS: &str = "10000";
const JUDGED_USERS_QUICK: &str = "500";

/// What the default plan reads, without vectors: a factorisation of a million items and its search
/// through all of them for every judged user take longer than all the rest.
const PLANNED: &str = "popularity,recency,keys,item_cf,user_items";

impl Runs {
    /// Where the data of one size lie.
    fn large_folder(&self, name: &str) -> PathBuf {
        let name = if self.quick { format!("{name}-quick") } else { name.to_owned() };
        self.keep.as_deref().unwrap_or(self.scratch.path()).join(name)
    }

    /// What a step said, when it was made before into a folder that stays.
    fn once(
        &self,
        folder: &Path,
        step: &str,
        make: impl FnOnce() -> Result<Output, Outcome>,
    ) -> Result<Output, Outcome> {
        let said = folder.join(format!("{step}.json"));
        if let Some(output) = std::fs::read(&said).ok().and_then(|text| parsed(&text)) {
            return Ok(output);
        }
        let failed = |error: std::io::Error| Outcome::Failed(error.to_string());
        std::fs::create_dir_all(folder).map_err(failed)?;
        let output = make()?;
        std::fs::write(&said, to_json(&output).to_string()).map_err(failed)?;
        Ok(output)
    }

    fn simulate(&self, folder: &Path, sizes: [&str; 3]) -> Result<Output, Outcome> {
        let [items, users, events] = if self.quick { QUICK } else { sizes };
        let mut arguments = words(&["simulate", "--json", "--items", items, "--users", users]);
        arguments.extend(words(&["--events", events, "--out"]));
        arguments.push(folder.join("source").into());
        self.once(folder, "simulate", || self.start_in(&[], &arguments, folder))
    }

    /// Reads what was simulated, and trains; the time of both, the larger memory.
    fn ingest_train(&self, folder: &Path, training: &[&str]) -> Result<Output, Outcome> {
        self.once(folder, "train", || {
            let source = folder.join("source");
            let mut arguments = words(&["ingest", "large", "--json", "--format", "parquet"]);
            arguments.extend([OsString::from("--path"), source.clone().into()]);
            arguments.extend([OsString::from("--config"), source.join("gannet.toml").into()]);
            let read = self.start_in(&[], &arguments, folder)?;
            let train = [&["train", "--dataset", "large", "--json"], training].concat();
            let trained = self.start_in(&[], &words(&train), folder)?;
            Ok(Output {
                wall_seconds: read.wall_seconds + trained.wall_seconds,
                peak_bytes: read.peak_bytes.max(trained.peak_bytes),
                document: trained.document,
            })
        })
    }

    pub(super) fn simulate_5m(&mut self) -> Result<Output, Outcome> {
        self.simulate(&self.large_folder("five-million"), FIVE_MILLION)
    }

    pub(super) fn train_5m(&mut self) -> Result<Output, Outcome> {
        self.output(Run::Simulate5m)?;
        let training = ["--split", "none", "--tune", "off", "--models", "non-vector"];
        self.ingest_train(&self.large_folder("five-million"), &training)
    }

    /// A million items, judged on a part of the users that no model saw the end of.
    pub(super) fn judge_1m(&mut self) -> Result<Output, Outcome> {
        let folder = self.large_folder("one-million");
        self.simulate(&folder, ONE_MILLION)?;
        // Weights are learnt on the end of what trains, cut off as the test part is.
        let training = ["--split", "temporal-global:0.9", "--tune", "weights"];
        self.ingest_train(&folder, &[&training[..], &["--models", PLANNED]].concat())?;
        let users = if self.quick { JUDGED_USERS_QUICK } else { JUDGED_USERS };
        let mut output =
            self.start_in(&[], &words(&["evaluate", "--json", "--users", users]), &folder)?;
        // `demo` says its report under that key; `evaluate` says nothing else.
        if output.document.get("report").is_none() {
            output.document = json!({ "report": output.document });
        }
        Ok(output)
    }

    pub(super) fn kuairand(&mut self) -> Result<Output, Outcome> {
        let folder = kuairand_folder(std::env::var_os("GANNET_DATA"))?;
        let mut data = OsString::from("kuairand:");
        data.push(folder);
        let mut arguments = words(&["demo", "--no-serve", "--json", "--data"]);
        arguments.push(data);
        if self.quick {
            arguments.extend(words(&["--tune", "weights", "--users", JUDGED_USERS_QUICK]));
        }
        self.start(&[], &arguments, "kuairand")
    }

    /// Channels but the vector ones, 500 candidates, users with long histories: every kind of them
    /// with the plan `wide`, those of the default configuration with any other.
    pub(super) fn wide(
        &mut self,
        core_count: usize,
        plan: &str,
        by_schedule: bool,
    ) -> Result<Output, Outcome> {
        self.output(Run::Train5m)?;
        let threads = core_count.to_string();
        let mut arguments = words(&["bench", "retrieve", "--json", "--without-vectors"]);
        arguments.extend(words(&["--size", "500", "--threads", &threads]));
        let heavy = match self.quick {
            true => ["--consumed", "1000", "--blocked-authors", "20", "--requests", "500"],
            false => ["--consumed", "5000", "--blocked-authors", "500", "--requests", "20000"],
        };
        arguments.extend(words(&heavy));
        if plan == "wide" {
            let config = self.root.join("examples/wide/gannet.toml");
            arguments.extend([OsString::from("--config"), config.into()]);
        }
        if by_schedule {
            let seconds = if self.quick { "1" } else { "20" };
            arguments.extend(words(&["--open-loop", "--p99-us", "5000", "--seconds", seconds]));
            let picture = self.large_folder("five-million").join(format!("load-{threads}.html"));
            arguments.extend([OsString::from("--picture"), picture.into()]);
        }
        self.start_in(&cores(core_count), &arguments, &self.large_folder("five-million"))
    }

    pub(super) fn stuck(&mut self) -> Result<Output, Outcome> {
        let example = self.root.join("crates/retrieval/examples/stuck.rs");
        if !example.is_file() {
            let why = "crates/retrieval has no example that hangs";
            return Err(Outcome::Skipped(why.to_owned()));
        }
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["run", "--release", "--quiet", "--package", "gannet-retrieval"]);
        command.args(["--example", "stuck", "--"]).current_dir(&self.root);
        if self.quick {
            command.arg("300");
        }
        watched::run(command).map_err(|why| Outcome::Failed(format!("stuck: {why}")))
    }
}

fn kuairand_folder(data: Option<OsString>) -> Result<PathBuf, Outcome> {
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return Err(Outcome::Skipped("GANNET_DATA is not set".to_owned()));
    };
    let folder = PathBuf::from(data).join("kuairand-pure-partial");
    if !folder.is_dir() {
        let why = "GANNET_DATA has no folder kuairand-pure-partial";
        return Err(Outcome::Skipped(why.to_owned()));
    }
    Ok(std::path::absolute(&folder).unwrap_or(folder))
}

fn to_json(output: &Output) -> Value {
    json!({
        "wall_seconds": output.wall_seconds,
        "peak_bytes": output.peak_bytes,
        "document": output.document,
    })
}

fn parsed(text: &[u8]) -> Option<Output> {
    let said: Value = serde_json::from_slice(text).ok()?;
    Some(Output {
        wall_seconds: said["wall_seconds"].as_f64()?,
        peak_bytes: said["peak_bytes"].as_u64(),
        document: said.get("document")?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_said_comes_back_as_it_was() {
        let document = json!({"snapshot": "x"});
        let output = Output { wall_seconds: 1.5, peak_bytes: Some(7), document };
        let back = parsed(to_json(&output).to_string().as_bytes()).unwrap();
        assert_eq!((back.wall_seconds, back.peak_bytes), (1.5, Some(7)));
        assert_eq!(back.document, output.document);
        assert!(parsed(b"{}").is_none() && parsed(b"torn {").is_none());
    }

    #[test]
    fn without_kuairand_the_reason_is_said() {
        for data in [None, Some(OsString::new()), Some(OsString::from("/nowhere/at/all"))] {
            assert!(matches!(kuairand_folder(data), Err(Outcome::Skipped(why)) if !why.is_empty()));
        }
    }
}
