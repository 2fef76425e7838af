//! The default policy component: what it can reach, how large it is, and that anyone who builds it gets the same bytes.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use placet_tests::rig::{component, root};
use wasmparser::{Parser, Payload};

/// The package that it imports from and exports to, as `wit/` names it.
const PACKAGE: &str = "placet:policy";
const VERSION: &str = "0.1.0";

#[test]
fn it_imports_clock_files_and_counters_and_nothing_else() {
    assert_eq!(outside(component()).0, named(&["clock", "counters", "files"]));
}

#[test]
fn it_exports_what_the_world_demands() {
    assert_eq!(outside(component()).1, named(&["enforcement", "licensing", "types", "verification"]));
}

#[test]
fn it_is_smaller_than_900_kilobytes() {
    assert!(component().len() < 900_000, "{} bytes", component().len());
}

#[test]
fn it_holds_no_path_of_the_machine_that_built_it() {
    let home = std::env::var("HOME").expect("HOME");
    let text = String::from_utf8_lossy(component());
    for path in [root().canonicalize().expect("the root").to_str().expect("a path"), &format!("{home}/")] {
        assert!(!text.contains(path), "it holds `{path}`");
    }
}

#[test]
fn built_at_another_path_from_empty_caches_it_has_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a directory");
    let far = built(&dir.path().join("a clone at a much longer path/with/several/levels"));
    assert!(far == component(), "{} bytes, and built in place {}; they differ", far.len(), component().len());
}

/// Builds a copy of the sources there, with nothing compiled before, and with the crates unpacked anew below it.
fn built(place: &Path) -> Vec<u8> {
    let (clone, home, out) = (place.join("clone"), place.join("home/cargo"), place.join("policy.wasm"));
    copy_sources(&clone);
    share_downloads(&home);
    let mut build = Command::new(clone.join("scripts/build-policy"));
    build.arg(&out).env("CARGO_TARGET_DIR", place.join("target")).env("CARGO_HOME", home);
    let status = build.status().expect("sh runs");
    assert!(status.success(), "scripts/build-policy in {}", clone.display());
    std::fs::read(&out).expect("the component was built")
}

/// What is committed, and what will be: all files that git does not ignore.
fn copy_sources(to: &Path) {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    for name in output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = str::from_utf8(name).expect("a name in UTF-8");
        let from = root().join(name);
        // Deleted, and not committed yet.
        if !from.is_file() {
            continue;
        }
        let to = to.join(name);
        std::fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
        std::fs::copy(&from, &to).expect("copies");
    }
}

/// Another cargo home that need not download anything again: all but `registry/src`, where the crates are unpacked.
fn share_downloads(home: &Path) {
    let mine = std::env::var_os("CARGO_HOME")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME")).join(".cargo"), PathBuf::from);
    let registry = home.join("registry");
    std::fs::create_dir_all(&registry).expect("a directory");
    for (from, to) in [(&mine, home), (&mine.join("registry"), &registry)] {
        for entry in std::fs::read_dir(from).expect("the cargo home") {
            let entry = entry.expect("an entry");
            let name = entry.file_name();
            let is_own = name == "registry" || name == "src" || name.as_encoded_bytes().starts_with(b".");
            if !is_own {
                symlink(entry.path(), to.join(name)).expect("a link");
            }
        }
    }
}

/// What is imported and exported at the top level.
fn outside(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.expect("an import").name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| export.expect("an export").name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

fn named(interfaces: &[&str]) -> BTreeSet<String> {
    interfaces.iter().map(|interface| format!("{PACKAGE}/{interface}@{VERSION}")).collect()
}
