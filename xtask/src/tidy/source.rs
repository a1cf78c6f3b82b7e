//! Rust files as the rules see them: text, syntax tree, tokens, and which lines are tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;

/// The folders that hold Rust of ours.
const FOLDERS: &[&str] = &["crates", "xtask", "tests", "benches", "examples", "fuzz"];

/// One Rust file.
pub(crate) struct SourceFile {
    /// Relative to the workspace's folder, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tree: syn::File,
    pub(crate) tokens: Vec<Token>,
    /// Lines (from 1) of tests and of what is compiled for tests only.
    pub(crate) test_lines: BTreeSet<usize>,
}

/// A token with its line. Groups are flattened to their delimiters.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
    pub(crate) end_line: usize,
    pub(crate) is_literal: bool,
}

impl SourceFile {
    /// Every Rust file of the workspace; one that does not parse becomes a finding.
    pub(crate) fn read_all(root: &Path, findings: &mut Vec<Finding>) -> Result<Vec<Self>> {
        let mut paths = Vec::new();
        for folder in FOLDERS {
            collect(&root.join(folder), &mut paths)?;
        }
        paths.sort();
        let mut sources = Vec::new();
        for path in paths {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            match Self::parse(&relative(root, &path), text) {
                Ok(source) => sources.push(source),
                Err(finding) => findings.push(finding),
            }
        }
        mark_test_files(&mut sources);
        Ok(sources)
    }

    /// One file from its text.
    pub(crate) fn parse(path: &str, text: String) -> Result<Self, Finding> {
        let refuse = |line, why: String| {
            Finding::new(path, line, format!("does not parse ({why}); make it compile"))
        };
        let tree = syn::parse_file(&text)
            .map_err(|error| refuse(error.span().start().line, error.to_string()))?;
        let stream = TokenStream::from_str(&text).map_err(|error| refuse(0, error.to_string()))?;
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        let mut test_lines = BTreeSet::new();
        TestFinder { lines: &mut test_lines }.visit_file(&tree);
        if is_test_path(path) {
            test_lines.extend(1..=text.lines().count());
        }
        Ok(Self { path: path.to_owned(), text, tree, tokens, test_lines })
    }

    /// The name of the crate's folder: `core` of `crates/core/src/id.rs`; else the first folder.
    pub(crate) fn home(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            first => first.unwrap_or_default(),
        }
    }

    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.contains(&line)
    }

    /// Whether the whole file is compiled for tests only.
    pub(crate) fn is_test_file(&self) -> bool {
        self.test_lines.len() >= self.text.lines().count()
    }
}

/// The path below `root`, with `/` between its parts.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples" | "tests.rs"))
}

/// A file whose module is declared under `#[cfg(test)]` is a test file, with all below it.
fn mark_test_files(sources: &mut [SourceFile]) {
    let mut stems = Vec::new();
    for source in sources.iter() {
        let folder = module_folder(&source.path);
        for item in &source.tree.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && is_for_tests(&module.attrs)
            {
                stems.push(match path_of(&module.attrs) {
                    Some(path) => format!("{}/{path}", folder_of(&source.path)),
                    None => format!("{folder}/{}", module.ident),
                });
            }
        }
    }
    for source in sources {
        let is_below = |stem: &String| {
            source.path == format!("{stem}.rs") || source.path.starts_with(&format!("{stem}/"))
        };
        if stems.iter().any(is_below) {
            source.test_lines.extend(1..=source.text.lines().count());
        }
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The stem that `#[path = "stem.rs"]` names.
fn path_of(attrs: &[syn::Attribute]) -> Option<String> {
    attrs.iter().find(|attr| attr.path().is_ident("path")).and_then(|attr| {
        let syn::Meta::NameValue(pair) = &attr.meta else { return None };
        let syn::Expr::Lit(literal) = &pair.value else { return None };
        let syn::Lit::Str(text) = &literal.lit else { return None };
        Some(text.value().trim_end_matches(".rs").to_owned())
    })
}

/// The folder in which a file's own modules lie.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name.strip_suffix(".rs").unwrap_or(name) {
        "lib" | "main" | "mod" => folder.to_owned(),
        stem => format!("{folder}/{stem}"),
    }
}

/// `#[test]`, `#[cfg(test)]`, `#[cfg(any(test, ...))]` and tests by other attributes' names.
pub(crate) fn is_for_tests(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let last = attr.path().segments.last().map(|segment| segment.ident.to_string());
        match (last.as_deref(), &attr.meta) {
            (Some("test" | "rstest" | "bench"), _) => true,
            (Some("cfg"), syn::Meta::List(list)) => {
                let mut tokens = Vec::new();
                flatten(list.tokens.clone(), &mut tokens);
                let said = |word| tokens.iter().any(|token| token.text == word);
                said("test") && !said("not")
            }
            _ => false,
        }
    })
}

struct TestFinder<'a> {
    lines: &'a mut BTreeSet<usize>,
}

impl TestFinder<'_> {
    fn mark(&mut self, attrs: &[syn::Attribute], span: proc_macro2::Span) -> bool {
        let is_test = is_for_tests(attrs);
        if is_test {
            self.lines.extend(span.start().line..=span.end().line);
        }
        is_test
    }
}

impl<'ast> Visit<'ast> for TestFinder<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attrs: &[syn::Attribute] = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Static(item) => &item.attrs,
            syn::Item::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !self.mark(attrs, item.span()) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !self.mark(&item.attrs, item.span()) {
            visit::visit_impl_item_fn(self, item);
        }
    }
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut joint = String::new();
    for tree in stream {
        let (start, end) = (tree.span().start().line, tree.span().end().line);
        let mut push = |text: String, line, end_line, is_literal| {
            tokens.push(Token { text, line, end_line, is_literal });
        };
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), start, start, false);
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    text: close.to_owned(),
                    line: end,
                    end_line: end,
                    is_literal: false,
                });
            }
            TokenTree::Punct(punct) => {
                joint.push(punct.as_char());
                // Only `::` matters as one token; everything else stays single.
                if joint == "::" || punct.spacing() == Spacing::Alone || joint != ":" {
                    push(std::mem::take(&mut joint), start, start, false);
                }
            }
            TokenTree::Ident(ident) => push(ident.to_string(), start, start, false),
            TokenTree::Literal(literal) => push(literal.to_string(), start, end, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str, text: &str) -> SourceFile {
        SourceFile::parse(path, text.to_owned()).unwrap()
    }

    #[test]
    fn lines_of_tests_are_told_from_the_rest() {
        let text = "//! x\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = parse("crates/core/src/a.rs", text);
        assert_eq!(source.test_lines.iter().copied().collect::<Vec<_>>(), [3, 4, 5, 6]);
        let source = parse("crates/core/src/a.rs", "#[cfg(not(test))]\nfn a() {}\n");
        assert!(source.test_lines.is_empty());
    }

    #[test]
    fn a_module_declared_for_tests_makes_its_file_one() {
        let mut sources = [
            parse(
                "crates/core/src/id.rs",
                "#[cfg(test)]\nmod oracle;\n#[cfg(test)]\n#[path = \"id_tests.rs\"]\nmod tests;\n\
                 fn a() {}\n",
            ),
            parse("crates/core/src/id/oracle.rs", "fn b() {}\n"),
            parse("crates/core/src/oracle.rs", "fn c() {}\n"),
            parse("crates/core/src/id_tests.rs", "fn d() {}\n"),
        ];
        mark_test_files(&mut sources);
        assert!(!sources[0].is_test_file());
        assert!(sources[1].is_test_file());
        assert!(!sources[2].is_test_file());
        assert!(sources[3].is_test_file());
    }

    #[test]
    fn a_file_that_does_not_parse_is_a_finding() {
        let finding = SourceFile::parse("a.rs", "fn a( {".to_owned()).err().unwrap();
        assert_eq!(finding.file, "a.rs");
    }
}
