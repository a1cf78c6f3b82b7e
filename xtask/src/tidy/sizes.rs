//! How long files, functions and lines may be.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::source::SourceFile;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

pub(crate) fn check(source: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    let count = (1..=lines.len()).filter(|line| !source.is_test_line(*line)).count();
    if count > FILE_LINES_MAX {
        let what = format!("{count} lines without tests, {FILE_LINES_MAX} at most; split by idea");
        findings.push(Finding::new(&source.path, 0, what));
    }
    for (at, line) in lines.iter().enumerate() {
        let columns = line.chars().count();
        // An address cannot be broken.
        let is_address = line.contains("://") && line.split_whitespace().count() <= 2;
        if columns > COLUMNS_MAX && !is_address {
            let what = format!("{columns} columns, {COLUMNS_MAX} at most; break the line");
            findings.push(Finding::new(&source.path, at + 1, what));
        }
    }
    let mut functions = Functions { source, lines: &lines, findings: &mut findings };
    functions.visit_file(&source.tree);
    findings
}

struct Functions<'a> {
    source: &'a SourceFile,
    lines: &'a [&'a str],
    findings: &'a mut Vec<Finding>,
}

impl Functions<'_> {
    /// Counts as clippy does: the lines of the body that are neither blank nor comments.
    fn measure(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (first, last) = (block.span().start().line, block.span().end().line);
        let inner = self.lines.get(first..last.saturating_sub(1)).unwrap_or_default();
        let code = |line: &&&str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("//")
        };
        let count = inner.iter().filter(code).count();
        if count > FUNCTION_LINES_MAX {
            let what = format!(
                "function {name} has {count} lines, {FUNCTION_LINES_MAX} at most; take a step out"
            );
            self.findings.push(Finding::new(&self.source.path, name.span().start().line, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Vec<String> {
        let source = SourceFile::parse("crates/core/src/a.rs", text.to_owned()).unwrap();
        check(&source).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        assert_eq!(judge(&"const A: u8 = 0;\n".repeat(600)), [""; 0]);
        assert_eq!(judge(&"const A: u8 = 0;\n".repeat(601)).len(), 1);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 0;\n".repeat(700));
        assert_eq!(judge(&tests), [""; 0]);
    }

    #[test]
    fn a_long_function_is_found_and_its_comments_do_not_count() {
        let of = |line: &str, count| format!("\nfn long() {{\n{}}}\n", line.repeat(count));
        assert_eq!(judge(&of("    go();\n", 70)), [""; 0]);
        let found = judge(&of("    go();\n", 71));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/core/src/a.rs:2: function long has 71"), "{found:?}");
        assert_eq!(judge(&of("    // why\n\n", 60)), [""; 0]);
    }

    #[test]
    fn a_wide_line_is_found_unless_it_is_an_address() {
        let wide = "x".repeat(101);
        assert_eq!(judge(&format!("// {wide} {wide}\n")).len(), 1);
        assert_eq!(judge(&format!("//! https://{wide}\n")), [""; 0]);
    }
}
