//! The code map of ARCHITECTURE.md: each file's opening sentence, so that map and code are one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use super::dependencies::crate_folders;
use super::source::SourceFile;

const FILE: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- code map, written by `cargo xtask map` -->\n";
const END: &str = "<!-- end of code map -->\n";
const COLUMNS_MAX: usize = 100;

/// One bullet of the map: a file or folder of `src`, with the files below it.
#[derive(Default)]
struct Entry {
    name: String,
    sentence: String,
    below: Vec<String>,
}

/// Writes the map into ARCHITECTURE.md, between its two marks. Whether anything changed.
pub(crate) fn write(root: &Path, sources: &[SourceFile]) -> Result<bool> {
    let path = root.join(FILE);
    let text = std::fs::read_to_string(&path).context(FILE)?;
    let (before, old, after) = parts(&text).context("ARCHITECTURE.md has no place for the map")?;
    let new = render(sources);
    let is_stale = old != new;
    if is_stale {
        std::fs::write(&path, format!("{before}{BEGIN}{new}{END}{after}")).context(FILE)?;
    }
    Ok(is_stale)
}

pub(crate) fn check(text: &str, sources: &[SourceFile]) -> Option<Finding> {
    let Some((before, old, _)) = parts(text) else {
        let what = format!("no place for the code map; add the lines {BEGIN:?} and {END:?}");
        return Some(Finding::new(FILE, 0, what));
    };
    (old != render(sources)).then(|| {
        let what = "the code map is not that of the code; run `cargo xtask map`";
        Finding::new(FILE, before.lines().count() + 1, what)
    })
}

fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (map, after) = rest.split_once(END)?;
    Some((before, map, after))
}

fn render(sources: &[SourceFile]) -> String {
    let mut map = String::new();
    for folder in crate_folders() {
        let prefix = format!("{folder}/src/");
        let mut opening = String::new();
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for source in sources.iter().filter(|source| !source.is_test_file()) {
            let Some(file) = source.path.strip_prefix(&prefix) else { continue };
            match file.split_once('/') {
                // Of a library with a small program beside it, the library says what it is.
                None if matches!(file, "lib.rs" | "main.rs") => {
                    if opening.is_empty() {
                        opening = first_sentence(source);
                    }
                }
                None => {
                    let entry = entries.entry(file.trim_end_matches(".rs").to_owned()).or_default();
                    file.clone_into(&mut entry.name);
                    entry.sentence = first_sentence(source);
                }
                Some((stem, "mod.rs")) => {
                    let entry = entries.entry(stem.to_owned()).or_default();
                    entry.name = format!("{stem}/");
                    entry.sentence = first_sentence(source);
                }
                Some((stem, below)) => {
                    entries.entry(stem.to_owned()).or_default().below.push(below.to_owned());
                }
            }
        }
        if !opening.is_empty() {
            let _ = write!(map, "\n### `{folder}`\n\n{}\n", wrap(&opening, ""));
            write_entries(&mut map, entries.values());
        }
    }
    map.push('\n');
    map
}

fn write_entries<'a>(map: &mut String, entries: impl Iterator<Item = &'a Entry>) {
    for (at, entry) in entries.enumerate() {
        let mut text = format!("- `{}`: {}", entry.name, entry.sentence);
        if !entry.below.is_empty() {
            let below: Vec<_> = entry.below.iter().map(|file| format!("`{file}`")).collect();
            let _ = write!(text, " In it: {}.", below.join(", "));
        }
        let gap = if at == 0 { "\n" } else { "" };
        let _ = writeln!(map, "{gap}{}", wrap(&text, "  "));
    }
}

/// The first sentence of the module's own documentation, without link brackets.
fn first_sentence(source: &SourceFile) -> String {
    let mut paragraph: Vec<String> = Vec::new();
    for attr in source.tree.attrs.iter().filter(|attr| attr.path().is_ident("doc")) {
        let syn::Meta::NameValue(pair) = &attr.meta else { continue };
        let syn::Expr::Lit(literal) = &pair.value else { continue };
        let syn::Lit::Str(text) = &literal.lit else { continue };
        let text = text.value().trim().to_owned();
        if text.is_empty() && !paragraph.is_empty() {
            break;
        }
        paragraph.push(text);
    }
    let text = paragraph.join(" ").trim().replace("[`", "`").replace("`]", "`");
    let ends = |at: &usize| text[at + 2..].starts_with(|next: char| next.is_uppercase());
    let end = text.match_indices(". ").map(|(at, _)| at).find(ends);
    end.map_or(text.clone(), |end| text[..=end].to_owned())
}

fn wrap(text: &str, indent: &str) -> String {
    let (mut wrapped, mut columns) = (String::new(), 0);
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if columns > 0 && columns + 1 + width > COLUMNS_MAX {
            let _ = write!(wrapped, "\n{indent}");
            columns = indent.len();
        } else if columns > 0 {
            wrapped.push(' ');
            columns += 1;
        }
        wrapped.push_str(word);
        columns += width;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> SourceFile {
        SourceFile::parse(path, text.to_owned()).unwrap()
    }

    fn sources() -> Vec<SourceFile> {
        vec![
            source("crates/core/src/channels/mod.rs", "//! All kinds.\n"),
            source("crates/core/src/channels/popular.rs", "//! Popular.\n"),
            source(
                "crates/core/src/id.rs",
                "//! Outside [`Id`]s of\n//! items. More.\n//!\n//! Rest.\n",
            ),
            source("crates/core/src/id/tests.rs", "//! Not of the map.\n"),
            source("crates/core/src/lib.rs", "//! The words.\n"),
        ]
    }

    #[test]
    fn the_map_is_the_opening_sentences() {
        let expected = "\n### `crates/core`\n\nThe words.\n\n\
            - `channels/`: All kinds. In it: `popular.rs`.\n\
            - `id.rs`: Outside `Id`s of items.\n\n";
        assert_eq!(render(&sources()), expected);
    }

    #[test]
    fn a_stale_map_or_a_missing_place_is_found() {
        let map = render(&sources());
        let text = |map: &str| format!("# A\n{BEGIN}{map}{END}## B\n");
        assert_eq!(check(&text(&map), &sources()), None);
        assert_eq!(check(&text(&map), &sources()[..4]).unwrap().line, 2);
        assert!(check("# A\n", &sources()).is_some());
    }

    #[test]
    fn long_lines_are_wrapped() {
        let wrapped = wrap(&"word ".repeat(40), "  ");
        assert!(wrapped.lines().all(|line| line.len() <= COLUMNS_MAX));
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("  word")));
    }
}
