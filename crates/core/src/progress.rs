//! How long work tells how far it is, without knowing a terminal.

/// Shown by `cli` as a bar or as plain lines; called from any thread; never blocks for long.
pub trait Progress: Send + Sync {
    /// A task begins; `total` in `unit`s where known. A task under way ends.
    fn begin(&self, task: &str, total: Option<u64>, unit: &'static str);

    /// So many more units are done.
    fn advance(&self, by: u64);

    /// A short remark on the current task, such as a loss.
    fn note(&self, text: &str);

    /// The current task is done.
    fn end(&self);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _total: Option<u64>, _unit: &'static str) {}
    fn advance(&self, _by: u64) {}
    fn note(&self, _text: &str) {}
    fn end(&self) {}
}
