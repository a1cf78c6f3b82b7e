//! Progress: a bar on a terminal, plain lines elsewhere, nothing when quiet.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gannet_core::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A plain line is printed no more often than this while a task runs.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Writes to standard error, so that standard output stays the answer alone.
pub(crate) struct TerminalProgress {
    shown: Shown,
    task: Mutex<Option<Task>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Bar,
    Lines,
    Nothing,
}

struct Task {
    name: String,
    unit: &'static str,
    total: Option<u64>,
    done: u64,
    note: String,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl TerminalProgress {
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Bar,
            (false, false) => Shown::Lines,
        };
        Self { shown, task: Mutex::new(None) }
    }

    /// A line of its own, between tasks.
    pub(crate) fn say(&self, line: &str) {
        if self.shown != Shown::Nothing {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn with_task(&self, act: impl FnOnce(&mut Task)) {
        // A thread that panicked inside a bar update leaves nothing that a later one could break.
        let mut task = self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(task) = task.as_mut() {
            act(task);
        }
    }
}

fn bar(task: &str, total: Option<u64>, unit: &str) -> ProgressBar {
    let template = match total {
        Some(_) => "{prefix:<34} {bar:28} {human_pos}/{human_len} UNIT {per_sec} {eta} {msg}",
        None => "{prefix:<34} {spinner} {human_pos} UNIT {per_sec} {msg}",
    };
    let style = ProgressStyle::with_template(&template.replace("UNIT", unit))
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_style(style);
    bar.set_prefix(task.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn line(task: &Task, ended: bool) -> String {
    let seconds = task.started.elapsed().as_secs_f64();
    let amount = match (task.done, task.total) {
        (0, None) => String::new(),
        (0, Some(total)) if ended => format!("  {total} {}", task.unit),
        (done, Some(total)) if !ended => format!("  {done}/{total} {}", task.unit),
        (done, _) => format!("  {done} {}", task.unit),
    };
    let note = if task.note.is_empty() { String::new() } else { format!("  {}", task.note) };
    let dots = if ended { "" } else { " ..." };
    format!("{:<34} {seconds:6.1} s{amount}{note}{dots}", task.name)
}

impl Progress for TerminalProgress {
    fn begin(&self, name: &str, total: Option<u64>, unit: &'static str) {
        self.end();
        if self.shown == Shown::Nothing {
            return;
        }
        let bar = (self.shown == Shown::Bar).then(|| bar(name, total, unit));
        let (name, now) = (name.to_owned(), Instant::now());
        let task = Task {
            name,
            unit,
            total,
            done: 0,
            note: String::new(),
            started: now,
            last_line: now,
            bar,
        };
        *self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(task);
    }

    fn advance(&self, by: u64) {
        self.with_task(|task| {
            task.done += by;
            match &task.bar {
                Some(bar) => bar.inc(by),
                None if task.last_line.elapsed() >= LINE_EVERY => {
                    task.last_line = Instant::now();
                    let _ = writeln!(std::io::stderr(), "{}", line(task, false));
                }
                None => {}
            }
        });
    }

    fn note(&self, text: &str) {
        self.with_task(|task| {
            text.clone_into(&mut task.note);
            if let Some(bar) = &task.bar {
                bar.set_message(text.to_owned());
            }
        });
    }

    fn end(&self) {
        let mut slot = self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(task) = slot.take() {
            if let Some(bar) = &task.bar {
                bar.finish_and_clear();
            }
            let _ = writeln!(std::io::stderr(), "{}", line(&task, true));
        }
    }
}
