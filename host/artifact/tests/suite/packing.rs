//! The vendor's side, and what is shown to anyone.

use placet_artifact::{Manifest, PolicyRoots, SignError, inspect, pack, resign, sign, verify};

use crate::common::{
    ACME, GLOBEX, HEADER, MANIFEST, bless, component, content, custom, directory, manifest, manifest_section, policy,
    roots, signed, signing_key,
};

#[test]
fn the_stored_policy_is_what_is_packed_and_signed_today() {
    let file = directory("data").join("policy.wasm");
    if bless() {
        std::fs::write(&file, policy()).unwrap();
    }
    assert_eq!(std::fs::read(file).unwrap(), policy());
}

#[test]
fn a_verified_policy_tells_what_was_signed() {
    let verified = verify(policy(), &roots()).unwrap();
    assert_eq!(*verified.manifest(), manifest());
    assert_eq!(verified.manifest_json(), manifest().to_json().unwrap());
    assert_eq!(verified.bytes(), policy());
    assert_eq!(verified.content_hash().as_bytes()[..], crate::common::hash(&content()));
    assert_eq!(verified.key_id(), signing_key(ACME).key_id());
}

#[test]
fn the_manifest_is_handed_on_as_it_was_written() {
    let file = signed(&[&component()[HEADER.len()..], &manifest_section(MANIFEST)].concat());
    assert_eq!(verify(file, &roots()).unwrap().manifest_json(), MANIFEST);
}

#[test]
fn our_sections_in_a_nested_module_are_payload() {
    let module = [b"\0asm\x01\0\0\0", &custom("signature", b"x")[..], &manifest_section("{}")].concat();
    let component = [HEADER, &[1], &crate::common::sized(&module)].concat();
    let signed = sign(&pack(&component, &manifest()).unwrap(), &signing_key(ACME)).unwrap();
    assert_eq!(verify(signed, &roots()).unwrap().manifest().sequence, 7);
}

#[test]
fn what_is_packed_already_is_not_packed_again() {
    let reason = |component: &[u8]| pack(component, &manifest()).unwrap_err().reason();
    assert_eq!(reason(&pack(&component(), &manifest()).unwrap()), "manifest-second");
    assert_eq!(reason(&policy()), "signature-second");
    assert_eq!(reason(b"\0asm\x01\0\0\0"), "policy-not-a-component");
    assert_eq!(reason(b"(component)"), "policy-not-a-component");
    assert_eq!(reason(&component()[..12]), "section-malformed");
    assert_eq!(reason(&vec![0; placet_artifact::MAX_POLICY + 1]), "policy-too-large");
    assert_eq!(reason(&[HEADER, &custom("padding", &vec![0; 4_194_200])].concat()), "policy-too-large");
}

#[test]
fn a_manifest_that_no_host_would_accept_is_not_packed() {
    let reason = |manifest: Manifest| pack(&component(), &manifest).unwrap_err().reason();
    assert_eq!(reason(Manifest { format: 2, ..manifest() }), "manifest-format-unknown");
    assert_eq!(reason(Manifest { imports: vec!["x".repeat(65_536)], ..manifest() }), "manifest-too-large");
    let mut private = manifest();
    private.trust[0].jwk.insert("d".to_owned(), "AAAA".into());
    assert_eq!(reason(private), "manifest-private-key");
}

#[test]
fn a_signature_is_replaced_only_when_asked() {
    let (acme, globex) = (signing_key(ACME), signing_key(GLOBEX));
    assert!(matches!(sign(&policy(), &globex).unwrap_err(), SignError::AlreadySigned));
    assert_eq!(resign(&pack(&component(), &manifest()).unwrap(), &globex).unwrap_err().reason(), "signature-missing");

    let by_globex = resign(&policy(), &globex).unwrap();
    let verified = verify(by_globex.clone(), &PolicyRoots::from(globex.root())).unwrap();
    assert_eq!(verified.content_hash(), verify(policy(), &roots()).unwrap().content_hash());
    assert_eq!(verify(by_globex.clone(), &roots()).unwrap_err().reason(), "key-unknown");
    assert_eq!(resign(&by_globex, &acme).unwrap(), policy());
}

#[test]
fn nothing_is_signed_that_no_host_would_accept() {
    let reason = |content: &[u8]| {
        let file = [HEADER, content].concat();
        sign(&file, &signing_key(ACME)).map(drop).unwrap_err().reason()
    };
    assert_eq!(sign(&component(), &signing_key(ACME)).unwrap_err().reason(), "manifest-missing");
    assert_eq!(reason(&[content(), custom("note", b"")].concat()), "manifest-not-last");
    assert_eq!(reason(&[custom("note", b""), custom("signature", b""), content()].concat()), "signature-second");
    assert_eq!(reason(&[custom("padding", &vec![0; 4_193_800]), content()].concat()), "policy-too-large");
}

#[test]
fn a_signing_key_shows_its_id_alone() {
    let key = signing_key(ACME);
    assert_eq!(format!("{key:?}"), format!("SigningKey {{ id: KeyId({}), .. }}", key.key_id()));
    let public = include_str!("../data/TEST-acme.pem");
    assert_eq!(placet_artifact::SigningKey::from_pem(public).unwrap_err().reason(), "key-malformed");
}

#[test]
fn an_inspection_shows_every_section_and_trusts_none() {
    let mut file = policy();
    let seen = inspect(&file).unwrap();
    let sections: Vec<_> = seen.sections.iter().map(|section| (section.id, section.name.as_deref())).collect();
    assert_eq!(sections, [(0, Some("signature")), (1, None), (0, Some("placet:manifest"))]);
    let ends = seen.sections.iter().map(|section| section.offset + section.length);
    assert!(seen.sections.iter().map(|section| section.offset).skip(1).chain([file.len()]).eq(ends));
    let [Ok(claim)] = &seen.signatures[..] else { panic!("one signature") };
    assert_eq!((claim.key_id, claim.content_hash), (signing_key(ACME).key_id(), seen.content_hash));
    let [Ok((manifest, text))] = &seen.manifests[..] else { panic!("one manifest") };
    assert_eq!((manifest, text), (&crate::common::manifest(), &manifest.to_json().unwrap()));

    // It says what stands there, also when that is false.
    *file.last_mut().unwrap() = b' ';
    let seen = inspect(&file).unwrap();
    assert_ne!(seen.signatures[0].as_ref().unwrap().content_hash, seen.content_hash);
    assert_eq!(seen.manifests[0].as_ref().unwrap_err().reason(), "manifest-invalid");
    assert!(inspect(&component()).unwrap().signatures.is_empty());
    assert_eq!(inspect(&file[..200]).unwrap_err().reason(), "section-malformed");
}
