//! Names that say nothing, and modules that do not say what they are for.

use syn::visit::{self, Visit};

use super::Finding;
use super::source::SourceFile;

/// Folders, files and modules of these names gather what has no home.
const BANNED: &[&str] = &["utils", "util", "common", "misc", "helpers", "helper", "utilities"];

pub(crate) fn check(source: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for part in source.path.split('/') {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        if BANNED.contains(&stem) {
            findings.push(Finding::new(&source.path, 0, refuse(stem)));
        }
    }
    if !source.is_test_file() && !opens_with_its_purpose(&source.tree) {
        let what = "the module does not say what it is for; open it with a `//!` sentence";
        findings.push(Finding::new(&source.path, 1, what));
    }
    Modules { source, findings: &mut findings }.visit_file(&source.tree);
    findings
}

fn refuse(name: &str) -> String {
    format!("the name {name} says nothing; name it after what it holds")
}

fn opens_with_its_purpose(tree: &syn::File) -> bool {
    tree.attrs.iter().any(|attr| attr.path().is_ident("doc"))
}

struct Modules<'a> {
    source: &'a SourceFile,
    findings: &'a mut Vec<Finding>,
}

impl<'ast> Visit<'ast> for Modules<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        if BANNED.contains(&name.as_str()) {
            let line = module.ident.span().start().line;
            self.findings.push(Finding::new(&self.source.path, line, refuse(&name)));
        }
        visit::visit_item_mod(self, module);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(path: &str, text: &str) -> Vec<Finding> {
        check(&SourceFile::parse(path, text.to_owned()).unwrap())
    }

    #[test]
    fn names_that_say_nothing_are_refused_as_folder_file_and_module() {
        assert_eq!(judge("crates/core/src/id.rs", "//! Ids.\n"), []);
        assert_eq!(judge("crates/core/src/utils.rs", "//! x\n").len(), 1);
        assert_eq!(judge("crates/core/src/helpers/id.rs", "//! x\n").len(), 1);
        assert_eq!(judge("crates/core/src/id.rs", "//! x\nmod misc {}\n").len(), 1);
        let innocent = "//! x\nstruct A { common: u8 } // utils\nconst B: &str = \"mod misc\";\n";
        assert_eq!(judge("crates/core/src/id.rs", innocent), []);
    }

    #[test]
    fn a_module_opens_with_its_purpose() {
        assert_eq!(judge("crates/core/src/id.rs", "/// Not of the module.\nfn a() {}\n").len(), 1);
        assert_eq!(judge("crates/core/src/id.rs", "#![allow(x)]\n//! Ids.\n"), []);
        assert_eq!(judge("crates/core/src/id/tests.rs", "fn a() {}\n"), []);
    }
}
