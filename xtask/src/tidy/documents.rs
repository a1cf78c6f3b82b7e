//! Documents that stay true: links that lead somewhere, a code map that is the code's own.

use std::path::Path;

use anyhow::Result;

use super::source::{SourceFile, relative};
use super::{Finding, code_map};

/// The heading below which the next release's notes gather.
const UNRELEASED: &str = "## [Unreleased]";

pub(crate) fn check(root: &Path, sources: &[SourceFile]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    collect(&root.join("docs"), &mut paths)?;
    collect(&root.join("docs/decisions"), &mut paths)?;
    collect(&root.join("docs/measurements"), &mut paths)?;
    for path in paths {
        let file = relative(root, &path);
        let text = std::fs::read_to_string(&path)?;
        let folder = path.parent().unwrap_or(root);
        findings.extend(check_links(&file, &text, &|link| {
            folder.join(link).exists() || is_path(link) && root.join(link).exists()
        }));
    }
    match std::fs::read_to_string(root.join("CHANGELOG.md")) {
        Ok(text) => findings.extend(check_changelog(&text)),
        Err(_) => findings.push(Finding::new("CHANGELOG.md", 0, "is missing; write one")),
    }
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    findings.extend(code_map::check(&map, sources));
    Ok(findings)
}

fn collect(folder: &Path, paths: &mut Vec<std::path::PathBuf>) -> Result<()> {
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    Ok(())
}

/// Links of the form `](target)`; targets elsewhere on the net are not followed. Also paths in
/// backticks, from the workspace's folder, such as `crates/core/src/id.rs`.
fn check_links(file: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for path in line.split('`').skip(1).step_by(2).filter(|path| is_path(path)) {
            if !exists(path) {
                let what = format!("{path} does not exist; correct it");
                findings.push(Finding::new(file, at + 1, what));
            }
        }
        for rest in line.split("](").skip(1) {
            let Some((link, _)) = rest.split_once(')') else { continue };
            let target = link.split('#').next().unwrap_or_default();
            let is_outside = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !is_outside && !exists(target) {
                let what = format!("link to {target}, which does not exist; correct it");
                findings.push(Finding::new(file, at + 1, what));
            }
        }
    }
    findings
}

/// A path below one of our folders, without placeholders such as `crates/NAME`.
fn is_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c);
    let folders = ["crates/", "xtask/", "docs/", "config/", ".ci/"];
    folders.iter().any(|folder| text.starts_with(folder)) && text.chars().all(is_plain)
}

fn check_changelog(text: &str) -> Option<Finding> {
    (!text.lines().any(|line| line.trim_end() == UNRELEASED)).then(|| {
        let what = format!("no section {UNRELEASED}; add one for what is not yet released");
        Finding::new("CHANGELOG.md", 0, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nowhere_is_found() {
        let exists = |link: &str| link == "STYLE.md";
        let judge = |text: &str| check_links("README.md", text, &exists).len();
        assert_eq!(judge("see [style](STYLE.md), [part](STYLE.md#names), [net](https://x.org)"), 0);
        assert_eq!(judge("[below](#usage)\n```\n[code](nowhere)\n```\n"), 0);
        assert_eq!(judge("see [style](STYLE.md) and [gone](GONE.md)"), 1);
        assert_eq!(judge("see `crates/gone.rs`, not `crates/NAME` or `gone.rs`"), 1);
    }

    #[test]
    fn a_changelog_has_room_for_the_next_release() {
        assert!(check_changelog("# Changelog\n\n## [Unreleased]\n").is_none());
        assert!(check_changelog("# Changelog\n\n## [0.1.0]\n").is_some());
    }
}
