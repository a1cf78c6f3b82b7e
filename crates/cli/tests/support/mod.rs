//! The binary as tests run it: in a folder of its own, quietly.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn gannet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gannet"))
        .current_dir(folder)
        .args(arguments)
        .args(["--data-dir", "data", "--cache-dir", "cache", "--quiet"])
        .output()
        .expect("the binary starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the command printed; it must have ended well.
pub(crate) fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = gannet(folder, arguments);
    let complaint = text(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{complaint}", output.status);
    text(&output.stdout)
}

pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    let printed = printed(folder, &[arguments, &["--json"]].concat());
    serde_json::from_str(&printed).expect("one JSON document")
}

/// The complaint of a command that must fail with this exit code.
pub(crate) fn complaint(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = gannet(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", text(&output.stderr));
    text(&output.stderr)
}
