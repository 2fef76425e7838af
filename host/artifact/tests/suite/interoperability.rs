//! wasmsign2 takes our files, and we take its.

use std::io::Cursor;

use placet_artifact::{pack, verify};
use wasmsign2::{Module, PublicKey, PublicKeySet, SecretKey, SectionId, SectionLike};

use crate::common::{ACME, ACME_ROOT, GLOBEX, component, manifest, policy, roots};

fn secret(pem: &str) -> SecretKey {
    SecretKey::from_pem(pem).unwrap()
}

fn public(pem: &str) -> PublicKey {
    PublicKey::from_pem(pem).unwrap().attach_default_key_id()
}

/// Signs as `wasmsign2 sign -K key.public` does.
fn sign_with_wasmsign2(file: &[u8], key: &str, id: Option<&Vec<u8>>) -> Vec<u8> {
    let module = Module::deserialize(&mut Cursor::new(file)).unwrap();
    let mut signed = Vec::new();
    secret(key).sign(module, id).unwrap().serialize(&mut signed).unwrap();
    signed
}

#[test]
fn wasmsign2_verifies_what_we_signed() {
    let key = public(ACME_ROOT);
    key.verify(&mut Cursor::new(policy()), None).unwrap();
    let keys = PublicKeySet::new([key.clone(), public(include_str!("../data/TEST-globex.pem"))].into());
    assert_eq!(keys.verify(&mut Cursor::new(policy()), None).unwrap(), [&key].into());

    let info = Module::deserialize(&mut Cursor::new(policy())).unwrap().signature_info().unwrap();
    assert_eq!(info.key_ids(), [key.key_id.unwrap()]);
}

#[test]
fn wasmsign2_refuses_what_we_signed_and_somebody_changed() {
    let mut file = policy();
    *file.last_mut().unwrap() ^= 1;
    assert!(public(ACME_ROOT).verify(&mut Cursor::new(file), None).is_err());
}

#[test]
fn we_verify_what_wasmsign2_signed() {
    let packed = pack(&component(), &manifest()).unwrap();
    let signed = sign_with_wasmsign2(&packed, ACME, public(ACME_ROOT).key_id());
    let verified = verify(signed.clone(), &roots()).unwrap();
    assert_eq!(verified.key_id().as_bytes()[..], public(ACME_ROOT).key_id.unwrap());
    // Ed25519 is deterministic (RFC 8032), so the two writers write the same file.
    assert_eq!(signed, policy());
}

#[test]
fn a_wasmsign2_signature_without_key_id_or_by_another_key_is_refused() {
    let packed = pack(&component(), &manifest()).unwrap();
    let reason = |file| verify(file, &roots()).unwrap_err().reason();
    assert_eq!(reason(sign_with_wasmsign2(&packed, ACME, None)), "signature-malformed");
    assert_eq!(reason(sign_with_wasmsign2(&packed, GLOBEX, public(ACME_ROOT).key_id())), "signature-invalid");
}

#[test]
fn a_wasmsign2_signature_over_several_parts_is_refused() {
    let packed = pack(&component(), &manifest()).unwrap();
    let split = Module::deserialize(&mut Cursor::new(&packed[..]))
        .unwrap()
        .split(|section| section.id() == SectionId::CustomSection)
        .unwrap();
    let (module, _) = secret(ACME).sign_multi(split, public(ACME_ROOT).key_id(), false, false).unwrap();
    let mut signed = Vec::new();
    module.serialize(&mut signed).unwrap();
    assert_eq!(verify(signed, &roots()).unwrap_err().reason(), "signature-many");
}
