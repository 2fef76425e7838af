//! Answers that are no answers: `load` hands over bytes that do not fit the interface.

use crate::loading::refusal;
use crate::text::Text;

/// Where the status lies.
const STATUS: usize = 1_024;
/// Where each field of a status lies in it, by the canonical ABI.
const STATE: usize = 4;
const UNTIL: usize = 24;
const LICENSES: usize = 48;
const WARNINGS: usize = 80;

/// Memory from `STATUS` on.
struct Memory(Vec<u8>);

impl Memory {
    /// A status that would be right: `missing`.
    fn right() -> Self {
        let mut memory = Self(vec![0; 4_096]);
        memory.text(STATE, 2_048, 7);
        memory.text(STATE + 8, 2_048, 7);
        memory.bytes(2_048, b"missing");
        memory
    }

    fn bytes(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Pointer (from `STATUS` on) and length.
    fn text(&mut self, at: usize, pointer: u32, length: u32) {
        self.bytes(at, &(pointer + STATUS as u32).to_le_bytes());
        self.bytes(at + 4, &length.to_le_bytes());
    }

    fn component(&self, memory: &str) -> Vec<u8> {
        let data: String = self.0.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let fields = format!("(data (i32.const {STATUS}) \"{data}\")");
        Text { fields: &fields, memory, load: &format!("i32.const {STATUS}"), ..Text::default() }.component()
    }
}

fn refused(component: &[u8]) -> String {
    refusal(component, |site| site.vendor.manifest(11))
}

fn changed(change: impl FnOnce(&mut Memory)) -> String {
    let mut memory = Memory::right();
    change(&mut memory);
    refused(&memory.component("1000"))
}

#[test]
fn the_example_itself_is_read() {
    // It then traps in `verify`; were the layout wrong, it would not come so far.
    assert_eq!(changed(|_| {}), "policy-trapped");
    assert_eq!(changed(|memory| memory.bytes(2_048, b"missink")), "policy-self-test");
    // Any bit makes a bool true.
    assert_eq!(changed(|memory| memory.bytes(0, &[2])), "policy-self-test");
}

#[test]
fn what_does_not_fit_the_interface_is_refused() {
    assert_eq!(changed(|memory| memory.bytes(UNTIL, &[2])), "policy-excess");
    assert_eq!(changed(|memory| memory.bytes(2_048, b"\xff\xfe")), "policy-excess");
    for length in [1_000 << 16, u32::MAX >> 1, u32::MAX] {
        assert_eq!(changed(|memory| memory.text(STATE, 0, length)), "policy-excess", "text of {length}");
        assert_eq!(changed(|memory| memory.text(WARNINGS, 0, length)), "policy-excess", "list of {length}");
    }
    assert_eq!(changed(|memory| memory.text(WARNINGS, 1, 1)), "policy-excess", "not aligned");
}

#[test]
fn an_answer_at_a_place_that_is_none_is_refused() {
    for place in ["i32.const 65535", "i32.const -8", "i32.const 1025", "i32.const 65520"] {
        assert_eq!(refused(&Text { load: place, ..Text::default() }.component()), "policy-excess", "{place}");
    }
}

#[test]
fn a_small_answer_that_is_large_when_it_is_copied_is_refused() {
    // A million warnings, all in the same zeroed memory: empty texts, but a record on the host for each.
    let before = peak();
    assert_eq!(changed(|memory| memory.text(WARNINGS, 1 << 16, 1_000_000)), "policy-excess");
    // Lists of lists in the same place: 300 licenses of 300 features each, every one a text of 60 KB.
    assert_eq!(changed(nested(300, 300, 60_000)), "policy-excess");
    // The same with nothing in it.
    assert_eq!(changed(nested(4_000, 400_000, 0)), "policy-excess");
    assert!(peak() < before + (256 << 20), "{} MiB more", (peak() - before) >> 20);
}

/// Licenses that all share one list of features, which all share one text.
fn nested(licenses: u32, features: u32, length: u32) -> impl Fn(&mut Memory) {
    /// Of a summary in memory, and where its features lie in it.
    const SUMMARY: usize = 144;
    const FEATURES: usize = 120;
    move |memory| {
        let list = 4_096 + licenses as usize * SUMMARY;
        memory.0.resize(list + features as usize * 8, 0);
        memory.text(LICENSES, 4_096, licenses);
        for license in 0..licenses as usize {
            memory.text(4_096 + license * SUMMARY + FEATURES, list as u32, features);
        }
        for feature in 0..features as usize {
            memory.text(list + feature * 8, 0, length);
        }
    }
}

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn what_happens_before_the_first_call_is_limited_as_well() {
    let start = |body: &str| format!("(func $start {body}) (start $start)");
    let text = |fields: &str, memory: &str| refused(&Text { fields, memory, ..Text::default() }.component());
    assert_eq!(text(&start("unreachable"), "1"), "policy-trapped");
    assert_eq!(text(&start("call $start"), "1"), "policy-stack");
    assert_eq!(text("", "1025"), "policy-excess");
    assert_eq!(text("(table 1000000 funcref)", "1"), "policy-excess");
    assert_eq!(text(&"(table 1 funcref)".repeat(50), "1"), "policy-excess");
    assert_eq!(text(&"(memory 1)".repeat(50), "1"), "policy-excess");
}
