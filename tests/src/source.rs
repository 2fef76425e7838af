//! The sources of our crates as they are compiled outside of tests, for tests that look at the code itself.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree};

/// One file of a crate, without what is compiled for tests alone.
pub struct SourceFile {
    /// Below the crate's `src`, such as `clock/source.rs`.
    pub path: String,
    /// What it says.
    pub syntax: syn::File,
}

/// The files of the crate in this directory, found as the compiler finds them: from `src/lib.rs` and `src/main.rs` on.
pub fn sources(krate: &Path) -> Vec<SourceFile> {
    let src = krate.join("src");
    let mut files = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        if src.join(root).exists() {
            add(&src, root, "", &mut files);
        }
    }
    assert!(!files.is_empty(), "no source in {}", src.display());
    files
}

impl SourceFile {
    /// Whether this path, such as `std::fs`, is named in the file: in the code, within a macro, or in a nested import.
    pub fn names(&self, path: &str) -> bool {
        let wanted = words(path.parse().expect("a path"));
        let mut imports = Imports::default();
        imports.visit_file(&self.syntax);
        let holds = |words: Vec<String>| words.windows(wanted.len()).any(|window| window == wanted);
        holds(words(self.syntax.to_token_stream()))
            || imports.paths.into_iter().any(|path| holds(words(path.parse().expect("an import"))))
    }
}

fn add(src: &Path, path: &str, children: &str, files: &mut Vec<SourceFile>) {
    let text = std::fs::read_to_string(src.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    prune(&mut syntax.items);
    let mut modules = Vec::new();
    modules_of(&syntax.items, children, &mut modules);
    files.push(SourceFile { path: path.to_owned(), syntax });
    for module in modules {
        let file =
            [format!("{module}.rs"), format!("{module}/mod.rs")].into_iter().find(|file| src.join(file).exists());
        let file = file.unwrap_or_else(|| panic!("no file of the module {module} of {}", src.display()));
        add(src, &file, &format!("{module}/"), files);
    }
}

/// Takes away what is compiled for tests alone.
fn prune(items: &mut Vec<Item>) {
    items.retain(|item| {
        !matches!(item, Item::Mod(ItemMod { attrs, .. }) | Item::Fn(syn::ItemFn { attrs, .. })
        | Item::Use(syn::ItemUse { attrs, .. }) | Item::Impl(syn::ItemImpl { attrs, .. }) if is_for_tests(attrs))
    });
    for item in items {
        if let Item::Mod(ItemMod { content: Some((_, items)), .. }) = item {
            prune(items);
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let words = words(attribute.meta.to_token_stream());
        words == ["cfg", "test"] || words.starts_with(&["cfg", "all", "test"].map(str::to_owned))
    })
}

/// The modules that lie in files of their own, as paths below `src`.
fn modules_of(items: &[Item], parent: &str, modules: &mut Vec<String>) {
    for item in items {
        let Item::Mod(module) = item else { continue };
        let relocated = module.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
        assert!(!relocated, "the module {parent}{} lies where its name does not say", module.ident);
        match &module.content {
            Some((_, items)) => modules_of(items, &format!("{parent}{}/", module.ident), modules),
            None => modules.push(format!("{parent}{}", module.ident)),
        }
    }
}

/// The identifiers and punctuation, without brackets and literals, and so without comments.
fn words(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => words(group.stream()),
            TokenTree::Ident(ident) => vec![ident.to_string()],
            TokenTree::Punct(punct) => vec![punct.to_string()],
            TokenTree::Literal(_) => Vec::new(),
        })
        .collect()
}

/// Every import, spelled out: `use std::{env, fs}` is `std::env` and `std::fs`.
#[derive(Default)]
struct Imports {
    paths: Vec<String>,
}

impl Imports {
    fn walk(&mut self, before: &str, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.walk(&format!("{before}{}::", path.ident), &path.tree),
            UseTree::Name(name) => self.paths.push(format!("{before}{}", name.ident)),
            UseTree::Rename(rename) => self.paths.push(format!("{before}{}", rename.ident)),
            UseTree::Glob(_) => self.paths.push(format!("{before}*")),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.walk(before, tree)),
        }
    }
}

impl Visit<'_> for Imports {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.walk("", &item.tree);
        visit::visit_item_use(self, item);
    }
}
