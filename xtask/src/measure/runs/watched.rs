//! A program that prints one JSON document, run with an eye on its clock and its memory.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Output;

/// Peak memory only rises, so the last look before the end misses what a moment can add.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs it to its end; the error says what went wrong.
pub(super) fn run(mut command: Command) -> Result<Output, String> {
    let start = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let child = command.spawn().map_err(|error| error.to_string())?;
    let (status, ended, peak) =
        (format!("/proc/{}/status", child.id()), AtomicBool::new(false), AtomicU64::new(0));
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let text = std::fs::read_to_string(&status).unwrap_or_default();
                peak.fetch_max(peak_of(&text).unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        let output = child.wait_with_output();
        ended.store(true, Ordering::Relaxed);
        output
    });
    let output = output.map_err(|error| error.to_string())?;
    let wall_seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    let document = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("not one JSON document: {error}"))?;
    let peak_bytes = Some(peak.into_inner()).filter(|bytes| *bytes > 0);
    Ok(Output { wall_seconds, peak_bytes, document })
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_status_file() {
        assert_eq!(peak_of("Name:\tx\nVmHWM:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(peak_of("Name:\tx\n"), None);
    }
}
