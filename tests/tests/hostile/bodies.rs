//! Code that is large or laid out to be hard: compiling it must not hold up whoever installs it, nor take all memory.

use std::time::{Duration, Instant};

use placet_tests::rig::Site;

use crate::text::Text;

/// Tries to open it, within bounds of time and memory. Answers the reason of the refusal.
fn refused(fields: &str, load: &str) -> String {
    let component = Text { fields, load, ..Text::default() }.component();
    assert!(component.len() < 4 << 20, "{} bytes", component.len());
    let site = Site::default();
    let new = site.put("new.wasm", site.vendor.policy_of(&component, &site.vendor.manifest(11)));
    let before = Instant::now();
    let error = site.builder().policy(&new).open().unwrap_err();
    let took = before.elapsed();
    assert!(took < Duration::from_secs(20), "{} bytes took {took:?}", component.len());

    error.reason().to_owned()
}

#[test]
fn four_mebibytes_of_one_function_are_refused_at_once() {
    for (unit, bytes) in [("call $n ", 2), ("(block (br_if 0 (local.get 0))) ", 7), ("(drop (i32.const 1))", 3)] {
        let before = Instant::now();
        let load = format!("{} i32.const 0", unit.repeat(((4 << 20) - 70_000) / bytes));
        assert_eq!(refused("(func $n)", &load), "policy-excess", "{unit}");
        assert!(before.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn many_variables_and_wide_blocks_are_refused() {
    assert_eq!(refused("", &format!("(local {}) unreachable", "i64 ".repeat(251))), "policy-excess");
    let wide = format!("(type $wide (func (param {0}) (result {0})))", "i64 ".repeat(21));
    assert_eq!(refused(&wide, "unreachable"), "policy-excess");
}

#[test]
fn code_in_many_functions_has_a_limit_too() {
    let function = format!("(func {})", "(drop (i32.const 1))".repeat(20_000));
    assert_eq!(refused(&function.repeat(40), "unreachable"), "policy-excess");
}

#[test]
fn the_worst_that_is_let_through_compiles_soon() {
    let step = |n: usize| {
        let (to, one, other) = (n % 240, (n * 7) % 240, (n * 31) % 240);
        format!("(local.set {to} (i64.add (local.get {one}) (local.get {other}))) (block (br_if 0 (i32.const 1)))")
    };
    let steps: String = (0..3_600).map(step).collect();
    let function = format!("(func (local {}) (loop {steps}))", "i64 ".repeat(240));
    assert_eq!(refused(&function.repeat(30), "unreachable"), "policy-trapped");
}
