//! What `docs/artifact-format.md` says is what is done.

use placet_artifact::{Manifest, REASONS, verify};

use crate::common::{directory, policy, roots};

fn document() -> String {
    std::fs::read_to_string(directory("../../../docs/artifact-format.md")).unwrap()
}

#[test]
fn the_dump_is_the_file() {
    let document = document();
    let mut dumped = Vec::new();
    for line in document.lines() {
        // `0008  00 81 01 …  what it is`: only dump lines begin with four hexadecimal digits and two spaces.
        let Some((offset, rest)) = line.split_once("  ") else { continue };
        let Ok(offset) = usize::from_str_radix(offset, 16) else { continue };
        assert_eq!(offset, dumped.len(), "the line `{line}` stands elsewhere");
        let bytes = rest.split_once("  ").map_or(rest, |(bytes, _)| bytes);
        dumped.extend(bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    assert_eq!(dumped, policy());
}

#[test]
fn the_manifest_shown_is_the_one_in_the_file() {
    let document = document();
    let shown = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(Manifest::from_json(shown).unwrap(), *verify(policy(), &roots()).unwrap().manifest());
}

#[test]
fn every_reason_is_named() {
    let document = document();
    for (reason, _) in REASONS {
        assert!(document.contains(&format!("`{reason}`")), "{reason}");
    }
}
