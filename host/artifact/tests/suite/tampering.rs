//! The valid policy, damaged in every place.

use placet_artifact::{MAX_POLICY, Manifest, PolicyRoots, SigningKey, inspect, verify};
use proptest::prelude::*;

use crate::common::{ACME, HEADER, Signature, content, custom, policy, roots, signed};

fn reason(file: &[u8], roots: &PolicyRoots) -> &'static str {
    verify(file.to_vec(), roots).map(|_| "accepted").unwrap_or_else(|error| error.reason())
}

#[test]
fn no_single_bit_can_be_flipped() {
    let (policy, roots) = (policy(), roots());
    assert_eq!(reason(&policy, &roots), "accepted");
    for bit in 0..policy.len() * 8 {
        let mut file = policy.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(reason(&file, &roots), "accepted", "bit {bit}");
    }
}

#[test]
fn no_byte_can_be_cut_appended_or_inserted() {
    let (policy, roots) = (policy(), roots());
    for length in 0..policy.len() {
        assert_ne!(reason(&policy[..length], &roots), "accepted", "cut to {length}");
        for byte in [0x00, 0x01, 0xff] {
            let file = [&policy[..length], &[byte], &policy[length..]].concat();
            assert_ne!(reason(&file, &roots), "accepted", "{byte:02x} inserted at {length}");
        }
    }
    for byte in 0..=u8::MAX {
        assert_ne!(reason(&[&policy[..], &[byte]].concat(), &roots), "accepted", "{byte:02x} appended");
    }
}

#[test]
fn a_policy_may_be_four_mib_long_and_no_byte_more() {
    let content = content();
    let component = &content[..10];
    // Before the manifest, so that only the size is at stake.
    let sized = |padding: usize| {
        let padding = custom("padding", &vec![0; padding]);
        signed(&[component, &padding, &content[10..]].concat())
    };
    let padding = 4_000_000;
    let largest = padding + MAX_POLICY - sized(padding).len();
    assert_eq!(sized(largest).len(), MAX_POLICY);
    assert_eq!(reason(&sized(largest), &roots()), "accepted");
    assert_eq!(reason(&sized(largest + 1), &roots()), "policy-too-large");
    assert_eq!(inspect(&sized(largest + 1)).unwrap_err().reason(), "policy-too-large");
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let file = [HEADER, &bytes].concat();
        prop_assert!(verify(bytes.clone(), &roots()).is_err());
        prop_assert!(verify(file.clone(), &roots()).is_err());
        let _ = inspect(&file);
        let _ = Manifest::from_json(&String::from_utf8_lossy(&bytes));
        let _ = PolicyRoots::from_pem(&String::from_utf8_lossy(&bytes));
        let _ = SigningKey::from_pem(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_random_signature_section_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), kept in 0usize..120) {
        let sound = Signature::of(&content(), ACME).data();
        let data = [&sound[..kept], &bytes].concat();
        let file = [HEADER, &custom("signature", &data), &content()].concat();
        prop_assert_eq!(verify(file, &roots()).is_ok(), data == sound);
    }

    #[test]
    fn what_a_trusted_key_signed_is_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(signed(&bytes), &roots()).is_err());
        let manifest = signed(&custom("placet:manifest", &bytes));
        prop_assert!(verify(manifest, &roots()).is_err());
    }
}
