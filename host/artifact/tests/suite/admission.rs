//! The floor: what is admitted beside what was adopted before.

use placet_artifact::{Adopted, ContentHash, Floor, Verified, verify};
use semver::Version;

use crate::common::{policy, roots};

const HOST: Version = Version::new(0, 1, 0);
const OTHER: ContentHash = ContentHash::from_bytes([0; 32]);

fn verified() -> Verified {
    verify(policy(), &roots()).unwrap()
}

fn admit(floor: &Floor) -> &'static str {
    match verified().admit(floor, &HOST) {
        Ok(admitted) if admitted.is_rolled_back() => "rolled back",
        Ok(_) => "admitted",
        Err(error) => error.reason(),
    }
}

fn above(sequence: u64, hash: ContentHash) -> Floor {
    Floor { adopted: Some(Adopted { sequence, hash }), ..Floor::default() }
}

#[test]
fn a_newer_policy_and_the_very_one_are_admitted() {
    let own = verified().content_hash();
    assert_eq!(admit(&Floor::default()), "admitted");
    assert_eq!(admit(&above(6, OTHER)), "admitted");
    assert_eq!(admit(&above(7, own)), "admitted");
    assert_eq!(admit(&Floor { minimum: 7, ..above(7, own) }), "admitted");
}

#[test]
fn an_older_policy_and_another_under_the_same_sequence_are_refused() {
    let own = verified().content_hash();
    assert_eq!(admit(&above(7, OTHER)), "policy-same-sequence-other-bytes");
    assert_eq!(admit(&above(8, own)), "policy-older");
    assert_eq!(admit(&above(u64::MAX, OTHER)), "policy-older");
}

#[test]
fn a_rollback_admits_the_one_file_that_was_named_down_to_the_minimum() {
    let own = verified().content_hash();
    let back = |hash, minimum| Floor { minimum, rollback: Some(hash), ..above(9, OTHER) };
    assert_eq!(admit(&back(own, 7)), "rolled back");
    assert_eq!(admit(&back(OTHER, 0)), "policy-older");
    assert_eq!(admit(&back(own, 8)), "policy-below-minimum");
    // It opens the past, not the present.
    assert_eq!(admit(&Floor { rollback: Some(own), ..above(7, OTHER) }), "policy-same-sequence-other-bytes");
}

#[test]
fn the_host_must_be_as_new_as_the_policy_asks() {
    let admit =
        |host: &str| verified().admit(&Floor::default(), &host.parse().unwrap()).map_err(|error| error.reason());
    assert!(admit("0.1.0").is_ok() && admit("1.0.0").is_ok());
    assert_eq!(admit("0.0.9").unwrap_err(), "host-too-old");
    assert_eq!(admit("0.1.0-rc.1").unwrap_err(), "host-too-old");
}

#[test]
fn an_admitted_policy_is_the_verified_one() {
    let admitted = verified().admit(&Floor::default(), &HOST).unwrap();
    assert_eq!(admitted.verified().bytes(), policy());
}
