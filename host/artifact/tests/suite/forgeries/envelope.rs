//! Attacks without the vendor's key, and signature sections that say more or other than they may.

use ed25519_compact::PublicKey;

use super::{Attack, attack};
use crate::common::{
    ACME, GLOBEX, HEADER, Signature, component, content, custom, hash, key_id, leb, manifest_section, policy, sized,
};

const SMALL_ORDER: &str = include_str!("../../data/TEST-small-order.pem");

pub(super) fn attacks() -> Vec<Attack> {
    [changed(), placed(), keys(), malformed(), counted(), lengths()].into_iter().flatten().collect()
}

fn changed() -> Vec<Attack> {
    let policy = policy();
    let mut bit = policy.clone();
    let middle = policy.len() / 2;
    bit[middle] ^= 1;
    let other =
        [component()[8..].to_vec(), manifest_section(&crate::common::MANIFEST.replace("1.4.0", "1.4.1"))].concat();
    let code = wat::parse_str("(component (core module (func unreachable)))").unwrap();
    let other_code = [&code[8..], &content()[component().len() - 8..]].concat();
    vec![
        attack("empty", "policy-not-a-component", "nothing at all", vec![]),
        attack("core-module", "policy-not-a-component", "a core module under a sound signature", {
            [b"\0asm\x01\0\0\0", &policy[8..]].concat()
        }),
        attack("bit-changed", "signature-other-content", "one bit in the middle", bit),
        attack(
            "byte-appended",
            "signature-other-content",
            "one byte behind the manifest",
            [&policy[..], &[0]].concat(),
        ),
        attack("section-appended", "signature-other-content", "one more manifest behind the manifest", {
            [policy.clone(), manifest_section("{}")].concat()
        }),
        attack("byte-cut", "signature-other-content", "the last byte gone", policy[..policy.len() - 1].to_vec()),
        attack("cut-in-signature", "section-malformed", "half a signature and nothing else", policy[..90].to_vec()),
        attack("signature-transplanted", "signature-other-content", "a genuine signature before another manifest", {
            Signature::of(&content(), ACME).before(&other)
        }),
        attack("code-exchanged", "signature-other-content", "a genuine signature and manifest around other code", {
            Signature::of(&content(), ACME).before(&other_code)
        }),
        attack("hash-exchanged", "signature-invalid", "the hash fits the other content, the signature does not", {
            let mut signature = Signature::of(&content(), ACME);
            signature.hashes = vec![hash(&other)];
            signature.before(&other)
        }),
    ]
}

fn placed() -> Vec<Attack> {
    let signature = custom("signature", &Signature::of(&content(), ACME).data());
    vec![
        attack("unsigned", "signature-missing", "packed, not signed", [HEADER, &content()].concat()),
        attack("signature-last", "signature-missing", "the signature behind what it signs", {
            [HEADER, &content(), &signature].concat()
        }),
        attack("signature-not-first", "signature-missing", "a section nobody signed before the signature", {
            [HEADER, &custom("note", b"unsigned"), &signature, &content()].concat()
        }),
        attack("signature-twice", "signature-other-content", "the genuine signature section repeated", {
            [HEADER, &signature, &signature, &content()].concat()
        }),
        attack(
            "signature-prepended",
            "key-unknown",
            "a stranger's signature over the genuine policy, signature and all",
            {
                let signed = [&signature[..], &content()].concat();
                Signature::of(&signed, GLOBEX).before(&signed)
            },
        ),
        attack("signature-renamed", "signature-missing", "the section's name in capitals", {
            [HEADER, &custom("Signature", &Signature::of(&content(), ACME).data()), &content()].concat()
        }),
    ]
}

fn keys() -> Vec<Attack> {
    let content = content();
    let mut small_order = Signature::of(&content, ACME);
    let point = PublicKey::from_pem(SMALL_ORDER).unwrap();
    small_order.key_id = key_id(&point);
    // With a key A of small order, R = identity and S = 0 solve the equation for one message in eight.
    small_order.signatures = vec![[vec![1], vec![0; 63]].concat()];
    let small_order =
        attack("small-order-root", "root-weak", "a root by which anyone could sign", small_order.before(&content));
    vec![
        attack(
            "wrong-key",
            "key-unknown",
            "well signed, by a key that is no root",
            Signature::of(&content, GLOBEX).before(&content),
        ),
        attack("key-id-borrowed", "signature-invalid", "signed by a stranger under the key id of a root", {
            let mut signature = Signature::of(&content, GLOBEX);
            signature.key_id = Signature::of(&content, ACME).key_id;
            signature.before(&content)
        }),
        attack(
            "signature-malleable",
            "signature-invalid",
            "the group order added to S: another signature of the same",
            {
                let mut signature = Signature::of(&content, ACME);
                add_group_order(&mut signature.signatures[0][32..]);
                signature.before(&content)
            },
        ),
        attack("signature-zero", "signature-invalid", "64 zero bytes for a signature", {
            let mut signature = Signature::of(&content, ACME);
            signature.signatures = vec![vec![0; 64]];
            signature.before(&content)
        }),
        Attack { roots: Some(SMALL_ORDER), ..small_order },
    ]
}

fn malformed() -> Vec<Attack> {
    let content = content();
    let with = |change: fn(&mut Signature)| {
        let mut signature = Signature::of(&content, ACME);
        change(&mut signature);
        signature.before(&content)
    };
    let data = Signature::of(&content, ACME).data();
    let set = Signature::of(&content, ACME).set();
    let whole = |data: Vec<u8>| [HEADER, &custom("signature", &data), &content].concat();
    let reason = "signature-malformed";
    vec![
        attack("version-unknown", reason, "signature version 2", with(|s| s.fields[0] = 2)),
        attack("content-type-unknown", reason, "content type 2", with(|s| s.fields[1] = 2)),
        attack("hash-function-unknown", reason, "hash function 2", with(|s| s.fields[2] = 2)),
        attack("algorithm-unknown", reason, "signature algorithm 2", with(|s| s.algorithm = 2)),
        attack("key-id-missing", reason, "an empty key id, as wasmsign2 allows it", with(|s| s.key_id.clear())),
        attack("key-id-long", reason, "a key id with one byte more", with(|s| s.key_id.push(0))),
        attack("signature-short", reason, "a signature of 63 bytes", with(|s| s.signatures[0].truncate(63))),
        attack("signature-long", reason, "a signature of 65 bytes", with(|s| s.signatures[0].push(0))),
        attack("signature-empty", reason, "a signature section without content", whole(vec![])),
        attack("bytes-after-signature", reason, "a byte behind the data", whole([&data[..], &[0]].concat())),
        attack("bytes-after-set", reason, "a byte within the set of hashes", {
            whole([vec![1, 1, 1, 1], sized(&[&set[..], &[0]].concat())].concat())
        }),
        attack("bytes-after-entry", reason, "a byte within the signature entry", {
            let mut set = set.clone();
            // Behind the count of hashes, the hash and the count of signatures stands the size of the entry.
            set[34] += 1;
            whole([vec![1, 1, 1, 1], sized(&[&set[..], &[0]].concat())].concat())
        }),
        attack("set-length-past-end", reason, "the set of hashes is longer than its section", {
            whole([vec![1, 1, 1, 1], leb(set.len() + 1), set.clone()].concat())
        }),
    ]
}

fn counted() -> Vec<Attack> {
    let content = content();
    let sound = Signature::of(&content, ACME);
    let whole = |data: Vec<u8>| [HEADER, &custom("signature", &data), &content].concat();
    let two_hashes = |hashes: Vec<Vec<u8>>| {
        let signatures = vec![crate::common::ed25519(ACME, &hashes)];
        Signature { hashes, signatures, ..Signature::of(&content, ACME) }.before(&content)
    };
    vec![
        attack("hashes-two", "signature-many", "signed for this content or another one", {
            two_hashes(vec![hash(&content), hash(b"other")])
        }),
        attack("hashes-none", "signature-many", "a signature over no hash", two_hashes(vec![])),
        attack("hashes-huge", "signature-many", "a count of hashes that no file can hold", {
            whole([vec![1, 1, 1, 1], sized(&leb(u32::MAX as usize))].concat())
        }),
        attack("signatures-two", "signature-many", "a second signature beside the genuine one", {
            let mut signature = Signature::of(&content, ACME);
            signature.signatures.push(vec![0; 64]);
            signature.before(&content)
        }),
        attack("signatures-none", "signature-many", "a hash and no signature", {
            let mut signature = Signature::of(&content, ACME);
            signature.signatures.clear();
            signature.before(&content)
        }),
        attack("sets-two", "signature-many", "two sets of signed hashes", {
            whole([vec![1, 1, 1, 2], sized(&sound.set()), sized(&sound.set())].concat())
        }),
        attack("sets-none", "signature-many", "no set of signed hashes", whole(vec![1, 1, 1, 0])),
    ]
}

fn lengths() -> Vec<Attack> {
    let content = content();
    let data = Signature::of(&content, ACME).data();
    let inner = [sized(b"signature"), data.clone()].concat();
    let section = |length: &[u8]| [HEADER, &[0], length, &inner, &content].concat();
    let (low, high) = ((inner.len() & 0x7f) as u8 | 0x80, (inner.len() >> 7) as u8);
    vec![
        attack("length-long", "leb-non-minimal", "the section's length in three bytes where two do", {
            section(&[low, high | 0x80, 0])
        }),
        attack("name-length-long", "leb-non-minimal", "the length of the name in two bytes", {
            let inner = [&[0x89, 0x00], &b"signature"[..], &data].concat();
            [HEADER, &[0], &sized(&inner), &content].concat()
        }),
        attack("set-length-long", "leb-non-minimal", "the length of the set in two bytes", {
            let set = Signature::of(&content, ACME).set();
            let data = [&[1, 1, 1, 1, set.len() as u8 | 0x80, 0], &set[..]].concat();
            [HEADER, &custom("signature", &data), &content].concat()
        }),
        attack(
            "section-oversized",
            "section-malformed",
            "a section of 4 GiB",
            section(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ),
        attack(
            "length-over-32-bits",
            "section-malformed",
            "a length of 33 bits",
            section(&[low, high | 0x80, 0x80, 0x80, 0x10]),
        ),
        attack("name-past-section", "section-malformed", "a name longer than its section", {
            [HEADER, &[0], &sized(&[&[200], &b"signature"[..], &data].concat()), &content].concat()
        }),
    ]
}

/// Adds L = 2^252 + 27742317777372353535851937790883648493 to a little-endian number (RFC 8032 section 5.1).
fn add_group_order(number: &mut [u8]) {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, add) in number.iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}
