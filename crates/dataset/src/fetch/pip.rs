//! Wheels from a Python package index, through whichever pip there is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use gannet_core::Progress;

use super::error::FetchError;

/// How often pip is looked at while it runs.
const POLL: Duration = Duration::from_millis(20);
/// How much of what pip said is kept for an error, in characters.
const OUTPUT_CHARS: usize = 600;

/// The commands that may be pip, and how long they may take.
#[derive(Debug, Clone)]
pub(crate) struct Pip {
    /// Tried in this order; the first one that gives the wheel ends the search.
    pub(crate) commands: Vec<Vec<String>>,
    /// For all of them together: past it the one that runs is killed and no other is tried.
    pub(crate) time_max: Duration,
}

impl Default for Pip {
    /// `python3 -m pip`, `pip3`, `pip`, `python -m pip`; two minutes.
    fn default() -> Self {
        let commands: [&[&str]; 4] =
            [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"]];
        let owned = |command: &[&str]| command.iter().map(ToString::to_string).collect();
        Self { commands: commands.map(owned).to_vec(), time_max: Duration::from_secs(120) }
    }
}

impl Pip {
    /// Downloads one wheel into a folder; gives the wheel's path.
    ///
    /// Where every pip fails, the first one's words are the error: later ones are often the same
    /// program under another name.
    pub(crate) fn download(
        &self,
        requirement: &str,
        into: &Path,
        progress: &dyn Progress,
    ) -> Result<PathBuf, FetchError> {
        progress.begin(&format!("pip download {requirement}"), None, "files");
        let wheel = self.first_wheel(requirement, into);
        progress.end();
        wheel
    }

    fn first_wheel(&self, requirement: &str, into: &Path) -> Result<PathBuf, FetchError> {
        let end = Instant::now() + self.time_max;
        let mut first_failure = None;
        for command in &self.commands {
            match self.run(command, requirement, into, end) {
                Ok(None) => {}
                Ok(Some(wheel)) => return Ok(wheel),
                Err(failure) => first_failure = Some(first_failure.unwrap_or(failure)),
            }
            if Instant::now() >= end {
                break;
            }
        }
        let tried: Vec<String> = self.commands.iter().map(|command| command.join(" ")).collect();
        Err(first_failure.unwrap_or(FetchError::NoPip { tried: tried.join(", ") }))
    }

    /// Runs one pip; `None` where there is no such command.
    fn run(
        &self,
        pip: &[String],
        requirement: &str,
        into: &Path,
        end: Instant,
    ) -> Result<Option<PathBuf>, FetchError> {
        let Some((program, arguments)) = pip.split_first() else { return Ok(None) };
        let log_path = into.join("pip.log");
        let io = |source| FetchError::io(&log_path, source);
        let log = File::create(&log_path).map_err(io)?;
        let log_too = log.try_clone().map_err(io)?;
        let mut command = Command::new(program);
        command.args(arguments);
        command.args(["download", "--no-deps", "--only-binary", ":all:"]);
        command.args(["--disable-pip-version-check", "--no-input", "--dest"]).arg(into);
        command.arg(requirement).stdin(Stdio::null()).stdout(log).stderr(log_too);
        let Ok(child) = command.spawn() else { return Ok(None) };
        let failed = |output: String| {
            let command = format!("{} download --no-deps {requirement}", pip.join(" "));
            FetchError::Pip { command, output }
        };
        let seconds = self.time_max.as_secs();
        match wait(child, end).map_err(|error| failed(error.to_string()))? {
            None => Err(failed(format!("not done after {seconds} s: {}", end_of(&log_path)))),
            Some(status) if !status.success() => Err(failed(end_of(&log_path))),
            Some(_) => match wheel(into)? {
                Some(wheel) => Ok(Some(wheel)),
                None => Err(failed(format!("left no wheel: {}", end_of(&log_path)))),
            },
        }
    }
}

/// Waits for a process until `end`; one that is not done then is killed, and `None` given.
fn wait(mut child: Child, end: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            // It may have ended just now; either way it is gone.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

fn wheel(folder: &Path) -> Result<Option<PathBuf>, FetchError> {
    let entries = fs::read_dir(folder).map_err(|source| FetchError::io(folder, source))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.find(|path| path.extension().is_some_and(|extension| extension == "whl")))
}

fn end_of(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let length = text.chars().count();
    text.chars().skip(length.saturating_sub(OUTPUT_CHARS)).collect::<String>().trim().to_owned()
}

/// Pips that are small shell scripts.
#[cfg(test)]
#[cfg(unix)]
pub(crate) mod fake {
    use super::*;

    /// Stands for pip; `$into` is the folder that the wheel must go to.
    pub(crate) fn script(folder: &Path, name: &str, body: &str) -> Vec<String> {
        let path = folder.join(name);
        let find = "while [ \"$1\" != --dest ]; do shift; done; into=$2";
        fs::write(&path, format!("{find}\n{body}\n")).unwrap();
        // Through the shell: a file that was just written may still be open in another test's
        // child, and cannot be executed then.
        vec!["/bin/sh".to_owned(), path.display().to_string()]
    }

    pub(crate) fn pip(commands: Vec<Vec<String>>) -> Pip {
        Pip { commands, time_max: Duration::from_secs(20) }
    }

    pub(crate) fn absent() -> Vec<String> {
        vec!["/nowhere/python3".to_owned(), "-m".to_owned(), "pip".to_owned()]
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use gannet_core::Silent;

    fn run(pip: &Pip) -> (Result<PathBuf, FetchError>, tempfile::TempDir) {
        let into = tempfile::tempdir().unwrap();
        (pip.download("thing==1.0", into.path(), &Silent), into)
    }

    #[test]
    fn without_any_pip_the_error_names_what_was_tried() {
        let pip = fake::pip(vec![fake::absent(), vec!["/nowhere/pip3".to_owned()]]);
        let (result, _into) = run(&pip);
        let Err(FetchError::NoPip { tried }) = result else { panic!("{result:?}") };
        assert_eq!(tried, "/nowhere/python3 -m pip, /nowhere/pip3");
        assert!(matches!(run(&fake::pip(vec![])).0, Err(FetchError::NoPip { .. })));
    }

    #[test]
    fn a_pip_that_fails_is_quoted_and_the_next_one_tried() {
        let scripts = tempfile::tempdir().unwrap();
        let failing = fake::script(scripts.path(), "a", "echo no matching version >&2; exit 1");
        let other = fake::script(scripts.path(), "b", "echo another; exit 2");
        let pip = fake::pip(vec![fake::absent(), failing.clone(), other]);
        let (result, _into) = run(&pip);
        let Err(FetchError::Pip { command, output }) = result else { panic!("{result:?}") };
        assert_eq!(output, "no matching version");
        assert!(command.ends_with("a download --no-deps thing==1.0"), "{command}");
        let good = fake::script(scripts.path(), "c", "echo wheel > \"$into/thing-1.0.whl\"");
        let (result, into) = run(&fake::pip(vec![failing, good]));
        assert_eq!(result.unwrap(), into.path().join("thing-1.0.whl"));
    }

    #[test]
    fn only_the_end_of_a_long_complaint_is_kept() {
        let scripts = tempfile::tempdir().unwrap();
        let body = "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; exit 1";
        let (result, _into) = run(&fake::pip(vec![fake::script(scripts.path(), "a", body)]));
        let Err(FetchError::Pip { output, .. }) = result else { panic!("{result:?}") };
        assert!(output.ends_with("line 399") && output.len() <= OUTPUT_CHARS, "{output}");
    }

    #[test]
    fn a_pip_that_says_well_done_and_leaves_nothing_is_not_believed() {
        let scripts = tempfile::tempdir().unwrap();
        let idle = fake::script(scripts.path(), "a", "echo Saved thing");
        let (result, _into) = run(&fake::pip(vec![idle]));
        let Err(FetchError::Pip { output, .. }) = result else { panic!("{result:?}") };
        assert_eq!(output, "left no wheel: Saved thing");
    }

    #[test]
    fn a_pip_that_hangs_is_killed_in_time_and_no_other_tried() {
        let scripts = tempfile::tempdir().unwrap();
        let mark = scripts.path().join("second-was-run");
        let hanging = fake::script(scripts.path(), "a", "echo connecting; exec sleep 600");
        let second = fake::script(scripts.path(), "b", &format!("touch {}", mark.display()));
        let pip = Pip { commands: vec![hanging, second], time_max: Duration::from_secs(1) };
        let start = Instant::now();
        let (result, _into) = run(&pip);
        assert!(start.elapsed() < Duration::from_secs(20), "waited {:?}", start.elapsed());
        let Err(FetchError::Pip { output, .. }) = result else { panic!("{result:?}") };
        assert_eq!(output, "not done after 1 s: connecting");
        assert!(!mark.exists());
    }

    #[test]
    fn the_usual_pips_are_tried_for_two_minutes_in_all() {
        let pip = Pip::default();
        let names: Vec<String> = pip.commands.iter().map(|command| command.join(" ")).collect();
        assert_eq!(names, ["python3 -m pip", "pip3", "pip", "python -m pip"]);
        assert_eq!(pip.time_max, Duration::from_secs(120));
    }
}
