//! What the compiler cannot check: who may depend on whom, sizes, names, banned calls, links.
//!
//! Each rule is a pure function from text to findings, so that a test can hand it a bad snippet.
//! Code is judged on its tokens, never on its text: comments and strings do not trip a rule.

mod calls;
mod code_map;
mod dependencies;
mod documents;
mod finding;
mod names;
mod sizes;
mod source;

use std::path::Path;

use anyhow::{Result, bail};

pub use finding::Finding;
use source::SourceFile;

/// Checks the whole tree under `root`, the workspace's folder. Findings come in order of file and
/// line. A file that does not parse is a finding; a folder that cannot be read is an error.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = dependencies::check(root)?;
    let sources = SourceFile::read_all(root, &mut findings)?;
    for source in &sources {
        findings.extend(sizes::check(source));
        findings.extend(names::check(source));
        findings.extend(calls::check(source));
    }
    findings.extend(documents::check(root, &sources)?);
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// Writes the code map into ARCHITECTURE.md. Whether anything changed; errors where a file does
/// not parse or the document has no place for the map.
pub fn write_code_map(root: &Path) -> Result<bool> {
    let mut findings = Vec::new();
    let sources = SourceFile::read_all(root, &mut findings)?;
    if let Some(finding) = findings.first() {
        bail!("{finding}");
    }
    code_map::write(root, &sources)
}
