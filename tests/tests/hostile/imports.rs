//! A policy that reaches for more than clock, files and counters.

use placet_tests::rig::Site;

use crate::loading::refusal;
use crate::text::Text;

fn refused(imports: &str, wit: &str, module: &str, function: &str) -> String {
    let fields = format!("(import \"{module}\" \"{function}\" (func $extra))");
    let text = Text { imports, wit, fields: &fields, load: "call $extra unreachable", ..Text::default() };
    refusal(&text.component(), |site| site.vendor.manifest(11))
}

#[test]
fn nothing_of_wasi_is_to_be_had() {
    let wit = "package wasi:cli@0.2.6 { interface exit { exit: func(); } }";
    assert_eq!(refused("import wasi:cli/exit@0.2.6;", wit, "wasi:cli/exit@0.2.6", "exit"), "policy-imports");
}

#[test]
fn an_interface_that_does_not_exist_is_not_to_be_had() {
    let wit = "interface network { send: func(); }";
    assert_eq!(refused("import network;", wit, "placet:policy/network@0.1.0", "send"), "policy-imports");
}

#[test]
fn an_interface_of_another_version_or_package_is_not_to_be_had() {
    for package in ["placet:policy@0.2.0", "placet:policies@0.1.0", "acme:policy@0.1.0"] {
        let wit = format!("package {package} {{ interface clock {{ send: func(); }} }}");
        let interface = package.replace('@', "/clock@");
        let reason = refused(&format!("import {interface};"), &wit, &interface, "send");
        // The name is right where only the version differs; no such function is there.
        let expected = if package.starts_with("placet:policy@") { "policy-interface" } else { "policy-imports" };
        assert_eq!(reason, expected, "{package}");
    }
}

#[test]
fn a_function_that_no_interface_has_is_not_to_be_had() {
    let site = Site::default();
    let wit = "interface alarm { ring: func(); }";
    let fields = "(import \"placet:policy/alarm@0.1.0\" \"ring\" (func $extra))";
    let text = Text { imports: "import alarm;", wit, fields, load: "call $extra unreachable", ..Text::default() };
    // The same length in all places, so that the component stays what it is: `alarm.ring` becomes `clock.ring`.
    let component = replaced(&text.component(), b"placet:policy/alarm@0.1.0", b"placet:policy/clock@0.1.0");
    assert_eq!(refusal(&component, |_| site.vendor.manifest(11)), "policy-interface");
}

#[test]
fn an_import_that_the_manifest_does_not_name_is_refused() {
    let narrow = |site: &Site| {
        let mut manifest = site.vendor.manifest(11);
        manifest.imports.retain(|import| !import.contains("counters"));
        manifest
    };
    assert_eq!(refusal(placet_tests::rig::component(), narrow), "policy-imports");
}

#[test]
fn a_component_that_exports_something_else_is_no_policy() {
    let empty = wat::parse_str("(component)").unwrap();
    assert_eq!(refusal(&empty, |site| site.vendor.manifest(11)), "policy-interface");
    let component = replaced(&Text::default().component(), b"placet:policy/licensing@", b"placet:policy/licencing@");
    assert_eq!(refusal(&component, |site| site.vendor.manifest(11)), "policy-interface");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    bytes
}
