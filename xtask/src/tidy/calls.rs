//! Calls and words that a crate has forsworn.
//!
//! Judged on the file's tokens, so that what stands inside a macro counts and what stands in a
//! comment or a string does not. Tests are free, except where a rule says otherwise.

use syn::visit::{self, Visit};

use super::Finding;
use super::source::{SourceFile, Token};

/// A banned sequence of tokens.
struct Ban {
    tokens: &'static [&'static str],
    what: &'static str,
    /// Where it is banned, by the name of the crate's folder and the file's path.
    applies: fn(home: &str, path: &str) -> bool,
    in_tests: bool,
}

fn is_pure(home: &str, _path: &str) -> bool {
    matches!(home, "core" | "models" | "retrieval")
}

fn is_silent(home: &str, path: &str) -> bool {
    !matches!(home, "cli" | "xtask") && !path.split('/').any(|part| part == "examples")
}

fn is_safe(_home: &str, path: &str) -> bool {
    let is_kernel = path.starts_with("crates/vectors/src/kernel");
    let is_map = path.strip_prefix("crates/storage/src/").is_some_and(|rest| rest.contains("map"));
    !is_kernel && !is_map
}

fn everywhere(_home: &str, _path: &str) -> bool {
    true
}

const CLOCK: &str = "reads a clock; take the time from the Clock handed in";
const INPUT: &str = "touches disk or network; let the caller hand in what is needed";
const RUNTIME: &str = "brings an async runtime; run on the engine's own workers";
const PRINT: &str = "prints; return it, or report through Progress";
const UNWRAP: &str = "unwrap() outside tests; return an error, or expect(\"why it cannot fail\")";
const UNFINISHED: &str = "unfinished; finish it, or return an error that says so";
const UNSAFE: &str = "unsafe outside vectors' kernels and storage's memory map; do it safely";
const IGNORED: &str = "an ignored test guards nothing; make it run in seconds or delete it";
const DEBUG: &str = "left over from debugging; delete it";

const BANS: &[Ban] = &[
    Ban { tokens: &["Instant", "::", "now"], what: CLOCK, applies: is_pure, in_tests: false },
    Ban { tokens: &["SystemTime"], what: CLOCK, applies: is_pure, in_tests: false },
    Ban { tokens: &["std", "::", "fs"], what: INPUT, applies: is_pure, in_tests: false },
    Ban { tokens: &["std", "::", "net"], what: INPUT, applies: is_pure, in_tests: false },
    Ban { tokens: &["tokio", "::"], what: RUNTIME, applies: is_pure, in_tests: true },
    Ban { tokens: &["print", "!"], what: PRINT, applies: is_silent, in_tests: false },
    Ban { tokens: &["println", "!"], what: PRINT, applies: is_silent, in_tests: false },
    Ban { tokens: &["eprint", "!"], what: PRINT, applies: is_silent, in_tests: false },
    Ban { tokens: &["eprintln", "!"], what: PRINT, applies: is_silent, in_tests: false },
    Ban { tokens: &["dbg", "!"], what: DEBUG, applies: everywhere, in_tests: true },
    Ban { tokens: &[".", "unwrap", "("], what: UNWRAP, applies: everywhere, in_tests: false },
    Ban { tokens: &["todo", "!"], what: UNFINISHED, applies: everywhere, in_tests: true },
    Ban { tokens: &["unimplemented", "!"], what: UNFINISHED, applies: everywhere, in_tests: true },
    Ban { tokens: &["#", "[", "ignore"], what: IGNORED, applies: everywhere, in_tests: true },
    Ban { tokens: &["unsafe"], what: UNSAFE, applies: is_safe, in_tests: true },
];

pub(crate) fn check(source: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| (ban.applies)(source.home(), &source.path)) {
        for at in 0..source.tokens.len() {
            if begins_with(&source.tokens[at..], ban.tokens) {
                let line = source.tokens[at].line;
                report(source, ban, line, &mut findings);
            }
        }
    }
    Imports { source, findings: &mut findings }.visit_file(&source.tree);
    findings.extend(check_fixme(source));
    findings.sort();
    findings.dedup();
    findings
}

fn begins_with(tokens: &[Token], wanted: &[&str]) -> bool {
    tokens.len() >= wanted.len()
        && tokens.iter().zip(wanted).all(|(token, want)| !token.is_literal && token.text == *want)
}

fn report(source: &SourceFile, ban: &Ban, line: usize, findings: &mut Vec<Finding>) {
    if ban.in_tests || !source.is_test_line(line) {
        let what = format!("`{}` {}", ban.tokens.concat(), ban.what);
        findings.push(Finding::new(&source.path, line, what));
    }
}

/// `use std::{fs, net};` says the same as `use std::fs;` with other tokens.
struct Imports<'a> {
    source: &'a SourceFile,
    findings: &'a mut Vec<Finding>,
}

impl Imports<'_> {
    fn walk(&mut self, tree: &syn::UseTree, path: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.walk(&part.tree, path);
                path.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.walk(tree, path);
                }
            }
            syn::UseTree::Name(name) => self.judge(path, &name.ident),
            syn::UseTree::Rename(rename) => self.judge(path, &rename.ident),
            _ => {}
        }
    }

    fn judge(&mut self, path: &[String], last: &syn::Ident) {
        let mut tokens = Vec::new();
        for part in path.iter().cloned().chain([last.to_string()]) {
            tokens.extend([part, "::".to_owned()]);
        }
        let line = last.span().start().line;
        for ban in BANS.iter().filter(|ban| ban.tokens.contains(&"::")) {
            let applies = (ban.applies)(self.source.home(), &self.source.path);
            if applies && tokens.iter().zip(ban.tokens).all(|(token, want)| token == want) {
                report(self.source, ban, line, self.findings);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.walk(&item.tree, &mut Vec::new());
        visit::visit_item_use(self, item);
    }
}

/// The word stands in comments, which are no tokens; what stands in a string is none of ours.
fn check_fixme(source: &SourceFile) -> Vec<Finding> {
    let word = concat!("FIX", "ME");
    let in_string = |line: usize| {
        source.tokens.iter().any(|token| {
            token.is_literal
                && (token.line..=token.end_line).contains(&line)
                && token.text.contains(word)
        })
    };
    let mut findings = Vec::new();
    for (at, text) in source.text.lines().enumerate() {
        let is_comment = text.trim_start().starts_with("//");
        if text.contains(word) && (is_comment || !in_string(at + 1)) {
            let what = format!("{word} is a promise that nobody keeps; do it, or open an issue");
            findings.push(Finding::new(&source.path, at + 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(path: &str, text: &str) -> usize {
        check(&SourceFile::parse(path, text.to_owned()).unwrap()).len()
    }

    const CORE: &str = "crates/core/src/a.rs";
    const SERVER: &str = "crates/server/src/a.rs";

    #[test]
    fn clocks_disk_network_and_runtimes_are_banned_from_the_pure_crates() {
        for bad in [
            "fn a() { Instant::now(); }",
            "fn a() { std::time::Instant::now(); }",
            "fn a() { assert!(SystemTime::now() > x); }",
            "use std::fs::File;",
            "use std::{fs, net};",
            "use std::{io, net::TcpStream};",
            "fn a() { tokio::spawn(b); }",
        ] {
            assert!(judge(CORE, bad) >= 1, "{bad}");
            assert!(judge("crates/models/src/a.rs", bad) >= 1, "{bad}");
            assert!(judge("crates/retrieval/src/a/b.rs", bad) >= 1, "{bad}");
            assert_eq!(judge(SERVER, bad), 0, "{bad}");
        }
        assert_eq!(judge(CORE, "use std::time::Instant; fn a(now: Instant) {}"), 0);
    }

    #[test]
    fn comments_and_strings_trip_nothing() {
        let innocent = "//! Instant::now() and todo!()\n// SystemTime, .unwrap()\n\
            const A: &str = \"std::fs println!() unsafe FIXME\";\n/// `unsafe`\nfn a() {}\n";
        assert_eq!(judge(CORE, innocent), 0);
    }

    #[test]
    fn libraries_do_not_print_and_the_command_does() {
        for bad in ["fn a() { println!(\"x\"); }", "fn a() { eprint!(\"x\"); }"] {
            assert_eq!(judge(SERVER, bad), 1, "{bad}");
            assert_eq!(judge("crates/cli/src/a.rs", bad), 0, "{bad}");
            assert_eq!(judge("xtask/src/a.rs", bad), 0, "{bad}");
            assert_eq!(judge("crates/server/examples/a.rs", bad), 0, "{bad}");
        }
    }

    #[test]
    fn unwrap_is_for_tests() {
        let bad = "fn a() { b().unwrap(); }";
        assert_eq!(judge(SERVER, bad), 1);
        assert_eq!(judge(SERVER, "fn a() { b!(c.unwrap()); }"), 1);
        assert_eq!(judge(SERVER, &format!("#[cfg(test)] mod tests {{ {bad} }}")), 0);
        assert_eq!(judge(SERVER, "fn a() { b().unwrap_or_default().expect(\"why\"); }"), 0);
        assert_eq!(judge("crates/server/tests/a.rs", bad), 0);
    }

    #[test]
    fn unsafe_stands_in_the_kernels_and_the_memory_map_alone() {
        let bad = "fn a() { unsafe { b() } }";
        assert_eq!(judge(CORE, bad), 1);
        assert_eq!(judge("crates/vectors/src/exact.rs", bad), 1);
        assert_eq!(judge("crates/vectors/src/kernel.rs", bad), 0);
        assert_eq!(judge("crates/vectors/src/kernel/avx2.rs", bad), 0);
        assert_eq!(judge("crates/storage/src/memory_map.rs", bad), 0);
        assert_eq!(judge("crates/storage/src/manifest.rs", bad), 1);
    }

    #[test]
    fn unfinished_work_is_found_in_tests_too() {
        for bad in [
            "fn a() { todo!() }",
            "fn a() { unimplemented!(\"later\") }",
            "#[cfg(test)] mod tests { #[test] #[ignore] fn a() {} }",
            "#[cfg(test)] mod tests { #[test] #[ignore = \"slow\"] fn a() {} }",
            "fn a() { dbg!(b); }",
        ] {
            assert_eq!(judge(SERVER, bad), 1, "{bad}");
        }
        let word = concat!("FIX", "ME");
        assert_eq!(judge(SERVER, &format!("// {word}: later\n")), 1);
        assert_eq!(judge(SERVER, &format!("/// {word}: later\nfn a() {{}}\n")), 1);
        assert_eq!(judge(SERVER, &format!("fn a() {{}} // {word}\n")), 1);
        assert_eq!(judge(SERVER, &format!("const A: &str = \"{word}\";\n")), 0);
    }
}
