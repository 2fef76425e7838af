//! What a trusted key signed, and must be refused all the same: the vendor's mistakes, and the vendor's own older policies.

use super::{Attack, attack};
use crate::common::{
    GLOBEX, HEADER, MANIFEST, Signature, component, content, custom, leb, manifest_section, policy, signed, sized,
};

pub(super) fn attacks() -> Vec<Attack> {
    [sections(), manifests(), ages()].into_iter().flatten().collect()
}

fn sections() -> Vec<Attack> {
    let component = &component()[HEADER.len()..];
    let manifest = manifest_section(MANIFEST);
    let parts = |parts: &[&[u8]]| signed(&parts.concat());
    let core_module = [b"\0asm\x01\0\0\0", &manifest[..]].concat();
    let nested = wat::parse_str("(component)").unwrap();
    let signature = custom("signature", &Signature::of(&content(), GLOBEX).data());
    vec![
        attack("second-signature", "signature-second", "a signature section within what is signed", {
            parts(&[component, &signature, &manifest])
        }),
        attack("second-manifest", "manifest-second", "two manifests, one right after the other", {
            parts(&[component, &manifest, &manifest])
        }),
        attack("second-manifest-first", "manifest-second", "two manifests, one before the component", {
            parts(&[&manifest_section("{}"), component, &manifest])
        }),
        attack("manifest-in-module", "manifest-missing", "the manifest is a section of a nested core module", {
            parts(&[&[1], &sized(&core_module)])
        }),
        attack("manifest-in-component", "manifest-missing", "the manifest is a section of a nested component", {
            parts(&[&[4], &sized(&[&nested[..], &manifest].concat())])
        }),
        attack("manifest-in-section", "manifest-missing", "the manifest is the payload of another custom section", {
            parts(&[component, &custom("note", &manifest)])
        }),
        attack("manifest-missing", "manifest-missing", "no manifest", parts(&[component])),
        attack("manifest-not-last", "manifest-not-last", "a section behind the manifest", {
            parts(&[&manifest, component])
        }),
        attack("signed-length-long", "leb-non-minimal", "a signed section with a length in five bytes", {
            parts(&[&[1, 0x88, 0x80, 0x80, 0x80, 0x00], b"\0asm\x01\0\0\0", &manifest])
        }),
        attack("signed-section-oversized", "section-malformed", "a signed section that is longer than the file", {
            parts(&[&[1], &leb(1 << 20), b"\0asm\x01\0\0\0", &manifest])
        }),
        attack("signed-name-not-utf8", "section-malformed", "a signed section whose name is no text", {
            parts(&[component, &[0, 3, 2, 0xc3, 0x28], &manifest])
        }),
        attack("signed-length-missing", "section-malformed", "one byte behind the manifest", {
            parts(&[component, &manifest, &[0]])
        }),
    ]
}

fn manifests() -> Vec<Attack> {
    let with = |bytes: &[u8]| signed(&[&component()[HEADER.len()..], &custom("placet:manifest", bytes)].concat());
    let edited = |from: &str, to: &str| {
        assert!(MANIFEST.contains(from), "{from}");
        with(MANIFEST.replacen(from, to, 1).as_bytes())
    };
    let invalid = "manifest-invalid";
    vec![
        attack(
            "field-unknown",
            invalid,
            "a field that no format has",
            edited("\"sequence\"", "\"floor\": 1, \"sequence\""),
        ),
        attack("field-missing", invalid, "no sequence", edited("\"sequence\": 7,", "")),
        attack("field-wrong-kind", invalid, "a negative sequence", edited("\"sequence\": 7", "\"sequence\": -7")),
        attack("key-twice", invalid, "two sequences", edited("\"sequence\": 7", "\"sequence\": 7, \"sequence\": 8")),
        attack("key-twice-escaped", invalid, "two sequences, one in escapes", {
            edited("\"sequence\": 7", "\"sequence\": 7, \"\\u0073equence\": 8")
        }),
        attack(
            "key-twice-in-settings",
            invalid,
            "a setting twice",
            edited("\"settings\": {}", "\"settings\": {\"a\":1,\"a\":2}"),
        ),
        attack("key-twice-in-jwk", invalid, "two public keys in one", edited("\"x\":", "\"x\": \"AAAA\", \"x\":")),
        attack(
            "trust-field-unknown",
            invalid,
            "a field that no trust entry has",
            edited("\"kid\"", "\"admin\": true, \"kid\""),
        ),
        attack(
            "name-with-path",
            invalid,
            "a name that leads out of a directory",
            edited("acme/router", "acme/../../etc"),
        ),
        attack("manifest-twice", invalid, "two JSON texts", with([MANIFEST, MANIFEST].concat().as_bytes())),
        attack("manifest-deep", invalid, "a thousand open brackets", with("[".repeat(1_000).as_bytes())),
        attack("manifest-empty", invalid, "a manifest of no bytes", with(b"")),
        attack("manifest-not-utf8", invalid, "a manifest that is no text", with(b"{\"\xc3\x28\":1}")),
        attack("manifest-too-large", "manifest-too-large", "a manifest of more than 64 KiB", {
            with(format!("{MANIFEST}{}", " ".repeat(64 * 1024)).as_bytes())
        }),
        attack("manifest-newer", "manifest-format-unknown", "a manifest of format 2 with a new field", {
            edited("\"format\": 1,", "\"format\": 2, \"novelty\": true,")
        }),
        attack("private-key", "manifest-private-key", "a private key among the trusted ones", {
            edited("\"kty\"", "\"d\": \"AAAA\", \"kty\"")
        }),
        attack("other-name", "key-not-allowed", "a policy of another vendor", edited("acme/router", "globex/router")),
        attack(
            "name-prefix",
            "key-not-allowed",
            "a vendor whose name begins alike",
            edited("acme/router", "acme-labs/router"),
        ),
    ]
}

fn ages() -> Vec<Attack> {
    let newer_host = MANIFEST.replace("\"minimum-host\": \"0.1.0\"", "\"minimum-host\": \"0.2.0\"");
    let newer_host = signed(&[&component()[HEADER.len()..], &manifest_section(&newer_host)].concat());
    let at =
        |name, reason, about, minimum, adopted| Attack { minimum, adopted, ..attack(name, reason, about, policy()) };
    vec![
        at("older", "policy-older", "a genuine policy, older than the adopted one", 0, Some(8)),
        at(
            "same-sequence",
            "policy-same-sequence-other-bytes",
            "a genuine policy under a sequence that is taken",
            0,
            Some(7),
        ),
        at("below-minimum", "policy-below-minimum", "a genuine policy, older than the product allows at all", 8, None),
        attack("newer-host", "host-too-old", "a genuine policy for a newer product", newer_host),
    ]
}
