//! Documents that stay true: links that lead somewhere, a code map that names every file.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::Finding;
use super::source::{SourceFile, relative};

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
        findings.extend(check_links(&file, &text, &|link| folder.join(link).exists()));
    }
    match std::fs::read_to_string(root.join("CHANGELOG.md")) {
        Ok(text) => findings.extend(check_changelog(&text)),
        Err(_) => findings.push(Finding::new("CHANGELOG.md", 0, "is missing; write one")),
    }
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let product = sources.iter().filter(|source| !source.is_test_file());
    findings.extend(check_code_map(&map, product.map(|source| source.path.as_str())));
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

/// Links of the form `](target)`; targets elsewhere on the net are not followed.
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

fn check_changelog(text: &str) -> Option<Finding> {
    (!text.lines().any(|line| line.trim_end() == UNRELEASED)).then(|| {
        let what = format!("no section {UNRELEASED}; add one for what is not yet released");
        Finding::new("CHANGELOG.md", 0, what)
    })
}

/// Each `### \`crates/NAME\`` section of the map names the files of `crates/NAME/src`, a bullet
/// each, a module with its own folder once by the file or folder that bears its name.
fn check_code_map<'a>(map: &str, paths: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let mut mapped = BTreeSet::new();
    let mut findings = Vec::new();
    let paths: Vec<&str> = paths.collect();
    let mut folder = None;
    for (at, line) in map.lines().enumerate() {
        if line.starts_with('#') {
            let name = line.strip_prefix("### `").and_then(|rest| rest.split('`').next());
            folder = name.filter(|name| name.starts_with("crates/") || *name == "xtask");
        }
        let Some(folder) = folder else { continue };
        let Some(bullet) = line.strip_prefix("- ") else { continue };
        let names = bullet.split(": ").next().unwrap_or_default();
        for name in names.split('`').skip(1).step_by(2) {
            let path = format!("{folder}/src/{}", name.trim_end_matches('/'));
            let stem = path.strip_suffix(".rs").unwrap_or(&path).to_owned();
            let inside = format!("{stem}/");
            if !paths.iter().any(|file| *file == path || file.starts_with(&inside)) {
                let what = format!("the code map names {path}, which does not exist; correct it");
                findings.push(Finding::new("ARCHITECTURE.md", at + 1, what));
            }
            mapped.insert(stem);
        }
    }
    for path in paths {
        let Some((folder, file)) = path.split_once("/src/") else { continue };
        let top = file.split('/').next().unwrap_or(file);
        let stem = format!("{folder}/src/{}", top.strip_suffix(".rs").unwrap_or(top));
        let is_entry = matches!(file, "lib.rs" | "main.rs");
        if !is_entry && mapped.insert(stem) {
            let what = "not in the code map of ARCHITECTURE.md; give it a bullet";
            findings.push(Finding::new(path, 0, what));
        }
    }
    findings
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
    }

    #[test]
    fn a_changelog_has_room_for_the_next_release() {
        assert!(check_changelog("# Changelog\n\n## [Unreleased]\n").is_none());
        assert!(check_changelog("# Changelog\n\n## [0.1.0]\n").is_some());
    }

    #[test]
    fn the_code_map_names_what_exists_and_nothing_else() {
        let map = "### `crates/core`: words\n- `id.rs`: ids\n- `channels/`: all\n## Invariants\n\
            - `elsewhere.rs`: not of the map\n";
        let paths = ["crates/core/src/lib.rs", "crates/core/src/id.rs"];
        let below = ["crates/core/src/channels/popular.rs", "crates/core/src/channels/mod.rs"];
        let judge = |paths: &[&str]| {
            let found = check_code_map(map, paths.iter().copied());
            found.into_iter().map(|finding| finding.file).collect::<Vec<_>>()
        };
        assert_eq!(judge(&[&paths[..], &below[..]].concat()), [""; 0]);
        assert_eq!(judge(&paths), ["ARCHITECTURE.md"]);
        let more = [&paths[..], &below[..], &["crates/core/src/new.rs"]].concat();
        assert_eq!(judge(&more), ["crates/core/src/new.rs"]);
    }
}
