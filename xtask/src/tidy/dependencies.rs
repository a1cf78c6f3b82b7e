//! Who may depend on whom: the arrows between our crates, and which outside crate lives where.
//!
//! Only what a manifest declares is judged. What those crates pull in is `deny.toml`'s business,
//! except for the refused ones, which are looked for in `Cargo.lock` too.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Finding;

/// The arrows: a crate and the crates of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("vectors", &[]),
    ("models", &["core", "vectors"]),
    ("dataset", &["core"]),
    ("training", &["core", "dataset", "models", "vectors"]),
    ("storage", &["core", "models", "vectors"]),
    ("retrieval", &["core", "models", "vectors"]),
    ("evaluation", &["core", "dataset", "retrieval"]),
    ("server", &["core", "models", "retrieval", "storage"]),
    (
        "cli",
        &[
            "core",
            "vectors",
            "models",
            "dataset",
            "training",
            "storage",
            "retrieval",
            "evaluation",
            "server",
        ],
    ),
    ("xtask", &[]),
];

/// Arrows that are absent on purpose: not even a test may draw them.
const ABSENT: &[(&str, &str)] =
    &[("server", "training"), ("storage", "retrieval"), ("evaluation", "training")];

const EVERYWHERE: &[&str] = &[
    "core",
    "vectors",
    "models",
    "dataset",
    "training",
    "storage",
    "retrieval",
    "evaluation",
    "server",
    "cli",
    "xtask",
];
const HTTP: &[&str] = &["server", "cli"];
const TERMINAL: &[&str] = &["cli", "xtask"];
const NUMBERS: &[&str] = &["models", "training", "dataset", "evaluation"];
const DISK: &[&str] = &["storage", "dataset"];
const THREADS: &[&str] = &["vectors", "training", "dataset", "storage", "evaluation", "cli"];

/// Outside crates and the crates of ours that may use them.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("anyhow", TERMINAL),
    ("arc-swap", &["retrieval", "server", "storage"]),
    ("arrow-array", &["dataset", "cli"]),
    ("arrow-schema", &["dataset", "cli"]),
    ("axum", HTTP),
    ("bytemuck", &["vectors", "models", "storage"]),
    ("cargo_metadata", &["xtask"]),
    ("clap", TERMINAL),
    ("comfy-table", &["cli"]),
    ("crc32fast", &["storage"]),
    ("crossbeam-channel", &["retrieval"]),
    ("csv", &["dataset"]),
    ("csv-core", &["dataset"]),
    ("encoding_rs", &["dataset"]),
    ("etcetera", &["cli"]),
    ("faer", &["models", "training"]),
    ("hashbrown", &["core"]),
    ("hdrhistogram", &["server", "cli", "evaluation"]),
    ("http-body-util", HTTP),
    ("hyper", HTTP),
    ("hyper-util", HTTP),
    ("indicatif", &["cli"]),
    ("jiff", &["dataset", "retrieval", "server", "cli"]),
    ("memmap2", &["storage"]),
    ("mimalloc", &["cli"]),
    ("parquet", &["dataset", "cli"]),
    ("proc-macro2", &["xtask"]),
    ("prometheus-client", &["server"]),
    ("rand", NUMBERS),
    ("rand_distr", NUMBERS),
    ("rand_xoshiro", NUMBERS),
    ("rayon", THREADS),
    ("roaring", &["retrieval", "storage", "models"]),
    ("rustc-hash", EVERYWHERE),
    ("safetensors", &["storage", "dataset"]),
    ("serde", EVERYWHERE),
    ("serde_json", &["server", "storage", "dataset", "cli", "xtask"]),
    ("serde_path_to_error", &["server"]),
    ("sha2", DISK),
    ("syn", &["xtask"]),
    ("tempfile", &["xtask"]),
    ("thiserror", EVERYWHERE),
    ("tokio", HTTP),
    ("toml", &["retrieval", "training", "cli", "xtask"]),
    ("tower", HTTP),
    ("tower-http", HTTP),
    ("tracing", &["retrieval", "server", "storage", "cli"]),
    ("tracing-subscriber", &["cli"]),
    ("ureq", &["dataset"]),
    ("utoipa", HTTP),
    ("utoipa-axum", HTTP),
    ("uuid", HTTP),
    ("zip", &["dataset"]),
];

/// For tests and benchmarks of every crate, never for what ships.
const FOR_TESTS: &[&str] =
    &["criterion", "insta", "loom", "proptest", "rstest", "shuttle", "tempfile", "rand_xoshiro"];

/// Stale, abandoned, or with a record of advisories.
const REFUSED: &[&str] = &[
    "sled",
    "lmdb-rkv",
    "jemallocator",
    "fxhash",
    "bincode",
    "serde_yaml",
    "include_dir",
    "figment",
    "rkyv",
];

/// One declared dependency.
struct Declared<'a> {
    file: &'a str,
    from: &'a str,
    to: &'a str,
    for_tests: bool,
    for_build: bool,
}

pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let manifest = package.manifest_path.as_std_path();
        let file = super::source::relative(root, manifest);
        findings.extend(check_place(&file, &package.name));
        findings.extend(check_lints(&file, &std::fs::read_to_string(manifest)?)?);
        for dependency in &package.dependencies {
            findings.extend(check_one(&Declared {
                file: &file,
                from: short(&package.name),
                to: short(&dependency.name),
                for_tests: dependency.kind == DependencyKind::Development,
                for_build: dependency.kind == DependencyKind::Build,
            }));
        }
    }
    if let Ok(lock) = std::fs::read_to_string(root.join("Cargo.lock")) {
        findings.extend(check_lock(&lock));
    }
    Ok(findings)
}

/// The folders of all crates, those that others rest on first.
pub(crate) fn crate_folders() -> impl Iterator<Item = String> {
    ARROWS.iter().map(|(name, _)| match *name {
        "xtask" => "xtask".to_owned(),
        name => format!("crates/{name}"),
    })
}

fn short(name: &str) -> &str {
    name.strip_prefix("gannet-").unwrap_or(name)
}

fn arrows_of(name: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

/// Whether `from` uses `to`, directly or through others.
fn reaches(from: &str, to: &str) -> bool {
    arrows_of(from).is_some_and(|next| next.iter().any(|next| *next == to || reaches(next, to)))
}

/// Crates below `examples`: they may use ours, and no crate of ours uses them.
fn is_example(name: &str) -> bool {
    name.starts_with("example-")
}

fn check_place(file: &str, package: &str) -> Option<Finding> {
    let expected = match package {
        "xtask" => "xtask/Cargo.toml".to_owned(),
        _ if is_example(short(package)) => {
            let name = short(package).trim_start_matches("example-");
            format!("examples/{name}/Cargo.toml")
        }
        _ => format!("crates/{}/Cargo.toml", short(package)),
    };
    let known = arrows_of(short(package)).is_some() || is_example(short(package));
    let named = package == "xtask" || package.starts_with("gannet-");
    (!known || !named || file != expected).then(|| {
        let todo = "name it gannet-NAME in crates/NAME and give it a line in ARROWS of xtask";
        Finding::new(file, 0, format!("crate {package} has no place in the house; {todo}"))
    })
}

fn check_lints(file: &str, manifest: &str) -> Result<Option<Finding>> {
    let table: toml::Table = manifest.parse().with_context(|| file.to_owned())?;
    let inherits = table.get("lints").and_then(|lints| lints.get("workspace"));
    Ok((inherits.and_then(toml::Value::as_bool) != Some(true)).then(|| {
        Finding::new(
            file,
            0,
            "the workspace's lints are not in force; add [lints] workspace = true",
        )
    }))
}

fn check_one(declared: &Declared<'_>) -> Option<Finding> {
    let Declared { file, from, to, for_tests, for_build } = *declared;
    let finding = |what: String| Some(Finding::new(file, 0, what));
    // An example shows what a user's crate does: any crate of ours, and none but known ones beside.
    if is_example(from) && !for_build {
        let is_known = arrows_of(to).is_some() || OUTSIDE.iter().any(|(name, _)| *name == to);
        return match is_known {
            true => None,
            false => finding(format!("{to} is not on the list; an example must do without it")),
        };
    }
    if REFUSED.contains(&to) {
        return finding(format!("{to} is refused (stale, abandoned or insecure); use another"));
    }
    if for_build {
        return finding(format!("build dependency {to}; builds run no code of their own here"));
    }
    if arrows_of(to).is_some() {
        let allowed = arrows_of(from).is_some_and(|arrows| arrows.contains(&to));
        // A test may look further, but not so far that the arrows would make a circle.
        let allowed = allowed
            || for_tests && !reaches(to, from) && to != from && !ABSENT.contains(&(from, to));
        return if allowed {
            None
        } else {
            finding(format!(
                "{from} must not depend on {to}; move the code or turn the arrow round"
            ))
        };
    }
    if for_tests && (FOR_TESTS.contains(&to) || OUTSIDE.iter().any(|(name, _)| *name == to)) {
        return None;
    }
    match OUTSIDE.iter().find(|(name, _)| *name == to) {
        None if FOR_TESTS.contains(&to) => {
            finding(format!("{to} is for tests; move it to [dev-dependencies]"))
        }
        None => finding(format!("outside crate {to} is not on the list; decide, record, add it")),
        Some((_, homes)) if homes.contains(&from) => None,
        Some((_, homes)) => {
            let homes = homes.join(", ");
            finding(format!("{to} lives in {homes} only; {from} must do without it"))
        }
    }
}

fn check_lock(lock: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in lock.lines().enumerate() {
        let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
        if let Some(name) = name.filter(|name| REFUSED.contains(name)) {
            let what = format!("{name} is refused; find who pulls it in with cargo tree -i {name}");
            findings.push(Finding::new("Cargo.lock", at + 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(from: &str, to: &str, for_tests: bool) -> Option<String> {
        let declared = Declared { file: "Cargo.toml", from, to, for_tests, for_build: false };
        check_one(&declared).map(|finding| finding.what)
    }

    #[test]
    fn the_arrows_of_the_house_hold() {
        assert_eq!(judge("models", "core", false), None);
        assert_eq!(judge("cli", "training", false), None);
        assert!(judge("core", "models", false).is_some());
        assert!(judge("server", "training", false).is_some());
        assert!(judge("storage", "retrieval", false).is_some());
        assert!(judge("evaluation", "training", false).is_some());
        assert!(judge("retrieval", "dataset", false).is_some());
    }

    #[test]
    fn a_test_looks_further_but_makes_no_circle_and_draws_no_absent_arrow() {
        assert_eq!(judge("retrieval", "dataset", true), None);
        assert!(judge("core", "models", true).is_some());
        assert!(judge("evaluation", "training", true).is_some());
        assert!(judge("training", "training", true).is_some());
    }

    #[test]
    fn the_arrows_have_no_circle() {
        for (from, _) in ARROWS {
            assert!(!reaches(from, from), "{from} reaches itself");
        }
    }

    #[test]
    fn outside_crates_stay_at_home() {
        assert_eq!(judge("server", "axum", false), None);
        for (from, to) in [
            ("retrieval", "tokio"),
            ("evaluation", "serde_json"),
            ("training", "clap"),
            ("server", "indicatif"),
            ("core", "proptest"),
            ("core", "never-heard-of"),
            ("cli", "sled"),
        ] {
            assert!(judge(from, to, false).is_some(), "{from} -> {to}");
        }
        assert_eq!(judge("core", "proptest", true), None);
        assert_eq!(judge("retrieval", "serde_json", true), None);
        assert!(judge("core", "never-heard-of", true).is_some());
        assert!(judge("core", "bincode", true).is_some());
    }

    #[test]
    fn an_example_uses_ours_and_nobody_uses_it() {
        assert_eq!(judge("example-own-channel", "retrieval", false), None);
        assert_eq!(judge("example-own-channel", "serde", false), None);
        assert!(judge("example-own-channel", "never-heard-of", false).is_some());
        assert!(judge("cli", "example-own-channel", false).is_some());
        let place = |file| check_place(file, "gannet-example-own-channel");
        assert!(place("examples/own-channel/Cargo.toml").is_none());
        assert!(place("crates/example-own-channel/Cargo.toml").is_some());
    }

    #[test]
    fn a_refused_crate_is_found_in_the_lock_file() {
        let lock = "[[package]]\nname = \"serde\"\n\n[[package]]\nname = \"fxhash\"\n";
        assert_eq!(check_lock(lock).len(), 1);
        assert_eq!(check_lock(lock)[0].line, 5);
    }

    #[test]
    fn a_crate_needs_its_place_and_the_lints() {
        assert!(check_place("crates/core/Cargo.toml", "gannet-core").is_none());
        assert!(check_place("crates/core/Cargo.toml", "gannet-kernel").is_some());
        assert!(check_place("crates/core/Cargo.toml", "core").is_some());
        assert!(check_lints("x", "[lints]\nworkspace = true").unwrap().is_none());
        assert!(check_lints("x", "[package]\nname = 'x'").unwrap().is_some());
    }
}
