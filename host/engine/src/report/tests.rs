//! Reports that were changed, cut, forged, left out and made twice.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_compact::{KeyPair, Seed};

use super::*;
use crate::report::signed::sign;

/// TEST seeds.
const SEED: [u8; 32] = [7; 32];

fn report(number: u64, previous: Option<&SignedReport>) -> Report {
    let counter = |counter: &str, value| ReportedCounter { counter: counter.to_owned(), value };
    Report {
        format: FORMAT,
        installation: "0123456789abcdef".to_owned(),
        number,
        previous: previous.map(|report| report.hash.clone()),
        time: 1_000 + number,
        confirmed: Some(900 + number),
        wall: 1_000,
        head: Head { number: 10 * number, hash: [number as u8; 32] },
        policy: PolicyInfo {
            name: "acme/router".to_owned(),
            version: "1.0.0".to_owned(),
            sequence: 1,
            hash: "00".repeat(32),
            rolled_back: false,
        },
        state: "active".to_owned(),
        licenses: vec![ReportedLicense { id: "lic_1".to_owned(), state: "active".to_owned() }],
        limits: Vec::new(),
        counters: vec![counter("excess/a////", 1), counter("use/a////", 5 * number), counter("use/b////", 9)],
        seats: vec![counter("use/c/t1///", 2), counter("use/c/t2///", 3)],
        burned: Vec::new(),
    }
}

fn signed(report: &Report) -> SignedReport {
    SignedReport::read(&sign(report, SEED).unwrap()).unwrap()
}

fn next(previous: &SignedReport) -> SignedReport {
    signed(&report(previous.report.number + 1, Some(previous)))
}

#[test]
fn what_was_signed_is_read_and_each_follows_the_one_before() {
    let first = signed(&report(1, None));
    assert_eq!(first.report, report(1, None));
    let pin = ReportPin::of(&first);
    assert_eq!(pin.admits(&first), Ok(()), "the same again");
    let second = next(&first);
    assert_eq!(pin.admits(&second), Ok(()));
    assert_eq!(ReportPin::of(&second).admits(&next(&second)), Ok(()));
    assert!(second.lowered_since(&first).is_empty());
    let lowered = first.lowered_since(&second);
    assert_eq!(lowered, [Lowered { counter: "use/a////".to_owned(), before: 10, after: 5 }]);
}

#[test]
fn whatever_byte_is_changed_it_is_refused() {
    let token = sign(&report(1, None), SEED).unwrap();
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            if changed.trim_ascii() == token {
                continue;
            }
            assert!(SignedReport::read(&changed).is_err(), "bit {bit} of byte {at}");
        }
    }
    for cut in 0..token.len() {
        assert!(SignedReport::read(&token[..cut]).is_err(), "cut at {cut}");
    }
    assert!(SignedReport::read(&format!(" {token}\n")).is_ok());
}

#[test]
fn what_is_no_report_is_refused_though_it_is_signed() {
    let invalid = |change: &dyn Fn(&mut Report)| {
        let mut wrong = report(2, Some(&signed(&report(1, None))));
        change(&mut wrong);
        let error = SignedReport::read(&sign(&wrong, SEED).unwrap()).unwrap_err();
        assert_eq!(error.reason(), "report-invalid", "{error}");
    };
    invalid(&|report| report.format = 2);
    invalid(&|report| report.number = 0);
    invalid(&|report| report.number = 1);
    invalid(&|report| report.previous = None);
    invalid(&|report| report.counters.swap(0, 1));
    invalid(&|report| report.counters[2] = report.counters[1].clone());
    invalid(&|report| report.seats.swap(0, 1));
    invalid(&|report| report.burned = vec![report.counters[1].clone(), report.counters[1].clone()]);
}

#[test]
fn another_history_is_told_for_what_it_is() {
    let first = signed(&report(1, None));
    let second = next(&first);
    let third = next(&second);
    let reason = |pin: &SignedReport, report: &SignedReport| ReportPin::of(pin).admits(report).unwrap_err().reason();
    let changed = |previous: &SignedReport, change: &dyn Fn(&mut Report)| {
        let mut other = report(previous.report.number + 1, Some(previous));
        change(&mut other);
        signed(&other)
    };
    assert_eq!(reason(&first, &third), "report-gap");
    assert_eq!(reason(&second, &first), "report-old");
    let other_second = changed(&first, &|report| report.counters[1].value = 1);
    assert_eq!(reason(&second, &other_second), "report-fork");
    assert_eq!(reason(&second, &next(&other_second)), "report-fork");
    let restored = changed(&second, &|report| report.head.number = 19);
    assert_eq!(reason(&second, &restored), "report-restored");
    for hash in [[2; 32], [9; 32]] {
        let same_number = changed(&second, &|report| report.head = Head { number: 20, hash });
        assert_eq!(reason(&second, &same_number), "report-restored");
    }
    let elsewhere = SignedReport::read(&sign(&report(3, Some(&second)), [8; 32]).unwrap()).unwrap();
    assert_eq!(reason(&second, &elsewhere), "report-another-installation");
    // A report of the same key that calls itself another installation.
    let renamed = changed(&second, &|report| report.installation = "f".repeat(16));
    assert_eq!(reason(&second, &renamed), "report-another-installation");
}

#[test]
fn a_clock_that_fell_while_the_counters_went_on_is_told_and_not_refused() {
    let first = signed(&report(1, None));
    let next = |time, confirmed| {
        let next = signed(&Report { time, confirmed, ..report(2, Some(&first)) });
        let pin = ReportPin::of(&first);
        assert_eq!(pin.admits(&next), Ok(()), "{time} {confirmed:?}");
        pin.setback(&next)
    };
    assert_eq!(next(1_001, Some(901)), None);
    // It was ahead when the first was made, and was set right.
    assert_eq!(next(950, Some(950)), Some(Setback { before: 1_001, after: 950, confirmed: false }));
    assert_eq!(next(950, None), Some(Setback { before: 1_001, after: 950, confirmed: false }));
    // An anchor took the mark back.
    assert_eq!(next(2_000, Some(800)), Some(Setback { before: 901, after: 800, confirmed: true }));
}

#[test]
fn what_an_earlier_release_signed_is_read() {
    let payload = serde_json::to_value(report(1, None)).unwrap();
    let earlier = |mut payload: serde_json::Value| {
        ["confirmed", "seats", "burned"].iter().for_each(|name| drop(payload.as_object_mut().unwrap().remove(*name)));
        payload.to_string()
    };
    let report: Report = serde_json::from_str(&earlier(payload)).unwrap();
    assert_eq!((report.confirmed, report.seats, report.burned), (None, Vec::new(), Vec::new()));
}

/// Signed with the TEST seed, whatever it is.
fn token(header: &str, payload: &str) -> String {
    let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = KeyPair::from_seed(Seed::new(SEED)).sk.sign(&signed, None);
    format!("{signed}.{}", encode(&*signature))
}

#[test]
fn what_a_stranger_makes_up_is_refused() {
    let key = Base64UrlUnpadded::encode_string(&*KeyPair::from_seed(Seed::new(SEED)).pk);
    let header = |alg: &str, typ: &str, crv: &str, x: &str| {
        format!(r#"{{"alg":"{alg}","typ":"{typ}","jwk":{{"kty":"OKP","crv":"{crv}","x":"{x}"}}}}"#)
    };
    let good = header("EdDSA", "placet-report+jwt", "Ed25519", &key);
    let payload = serde_json::to_string(&report(1, None)).unwrap();
    assert!(SignedReport::read(&token(&good, &payload)).is_ok(), "the rest differs from this");
    // The point of order 1, and one of order 8: each verifies what nobody signed.
    let small = ["AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"];
    let headers = [
        header("none", "placet-report+jwt", "Ed25519", &key),
        header("ES256", "placet-report+jwt", "Ed25519", &key),
        header("EdDSA", "license+jwt", "Ed25519", &key),
        header("EdDSA", "placet-report+jwt", "X25519", &key),
        header("EdDSA", "placet-report+jwt", "Ed25519", "AQAB"),
        header("EdDSA", "placet-report+jwt", "Ed25519", small[0]),
        header("EdDSA", "placet-report+jwt", "Ed25519", small[1]),
        good.replace("{\"alg\"", "{\"alg\":\"none\",\"alg\""),
        good.replace("{\"alg\"", "{\"crit\":[\"b64\"],\"b64\":false,\"alg\""),
        good.replace("\"kty\"", "\"d\":\"AA\",\"kty\""),
        String::new(),
        "[".repeat(100_000),
    ];
    for wrong in headers {
        assert!(SignedReport::read(&token(&wrong, &payload)).is_err(), "{:.100}", wrong);
    }
    let payloads = [
        payload.replace("\"number\":1", "\"number\":1,\"number\":1"),
        payload.replace("\"number\":1", "\"number\":18446744073709551617"),
        payload.replace("\"number\":1", "\"number\":-1"),
        payload.replace("\"number\":1", "\"number\":1.5"),
        payload.replace("\"state\"", "\"more\":0,\"state\""),
        payload.replace("\"head\":\"10:", "\"head\":\"x:"),
        payload.replace("\"counters\":[", "\"counters\":[7,"),
        format!("{payload}{payload}"),
        "{\"a\":".repeat(100_000),
        String::new(),
    ];
    for wrong in payloads {
        assert_ne!(wrong, payload);
        let error = SignedReport::read(&token(&good, &wrong)).unwrap_err();
        assert_eq!(error.reason(), "report-invalid", "{:.100}", wrong);
    }
}
