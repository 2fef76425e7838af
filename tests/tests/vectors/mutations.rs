//! Licenses of every format with something changed: none is taken that means something else, and none takes long.

use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};
use placet_rules::policy::{Config, Policy};
use placet_rules::types::Status;
use placet_tests::foreign::{Encrypt, Foreign, Form};
use placet_tests::mutator::Mutator;
use serde_json::{Value, json};

use crate::case::Case;
use crate::world::World;

/// 32 bytes. TEST.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
/// What one license may take, though our own code is not optimized in a debug build.
const SLOWEST: Duration = Duration::from_millis(5);
/// So often is it tried again where one took longer: whoever else was busy on this machine is not so each time.
const TRIES: usize = 10;

/// A document that holds, and the format of its key.
fn documents() -> Vec<(&'static str, Foreign)> {
    let of = |base, key, form| Foreign::of(base, key, form);
    let sealed = |foreign: Foreign, secret: &str| Foreign { secret: Some(secret.to_owned()), ..foreign };
    let encrypt = Encrypt { secret: SECRET.to_owned(), header: serde_json::Map::new() };
    vec![
        ("coresdk", of("coresdk", "TEST-p256", Form::Jws)),
        ("coresdk", of("coresdk", "TEST-rsa", Form::Jws)),
        ("terragnos", of("terragnos", "TEST-rsa", Form::Jws)),
        ("jwt", of("jwt", "TEST-ed25519", Form::Jws)),
        ("placet/1", of("placet", "TEST-ed25519", Form::Jws)),
        ("placet/1", Foreign { encrypt: Some(encrypt), ..of("placet", "TEST-ed25519", Form::Jws) }),
        ("keygen", of("license-file", "TEST-ed25519", Form::LicenseFile)),
        ("keygen", of("license-file", "TEST-p256", Form::LicenseFile)),
        ("keygen", sealed(of("license-file", "TEST-rsa", Form::LicenseFile), "TEST-key")),
        ("keygen", sealed(of("machine-file", "TEST-ed25519", Form::MachineFile), "TEST-keyab01")),
        ("keygen", of("signed-key", "TEST-ed25519", Form::SignedKey)),
    ]
}

/// Rules that trust one key, natively and without documents.
struct Rules {
    world: World,
    policy: Policy,
}

impl Rules {
    fn trusting(format: &str, foreign: &Foreign) -> Self {
        let case = json!({
            "name": "mutations", "now": if format == "coresdk" { "2024-06-01T00:00:00Z" } else { "2026-06-15T00:00:00Z" },
            "keys": [{"key": foreign.key, "format": format}],
            "secrets": {"license-key": "TEST-key", "terms": SECRET},
            "deployment": {"fingerprint/machine": if foreign.secret.is_some() { "ab01" } else { "AB:CD:EF:01" }},
            "steps": [],
        });
        let case: Case = serde_json::from_value(case).expect("a case");
        let world = World::new(&case);
        let World { manifest, deployment, secrets, .. } = &world;
        let policy = Policy::load(Config { manifest, deployment, secrets }, &world, &world, world.time.get());
        Self { world, policy }
    }

    fn read(&self, document: &[u8]) -> Status {
        self.policy.inspect(document, None, self.world.time.get())
    }
}

#[test]
fn no_license_is_taken_that_was_changed_in_what_was_signed() {
    let rounds = if std::env::var_os("PLACET_LONG").is_some() { 1_000_000 } else { 20_000 };
    let documents = documents();
    let mut mutator = Mutator::new(7);
    let mut slowest = Duration::ZERO;
    let mut tried = 0;
    for (format, foreign) in &documents {
        let rules = Rules::trusting(format, foreign);
        let good = foreign.text().into_bytes();
        let (meant, signed) = (rules.read(&good).licenses, signed(foreign, &good));
        assert_eq!(meant.len(), 1, "{format} {foreign:?}: {}", rules.read(&good).reason);
        assert!(signed.is_some(), "{format}");
        let mut left = rounds / documents.len() + 1;
        while left > 0 {
            let changed = mutator.mutate(&good);
            let (status, took) = timed(|| rules.read(&changed));
            slowest = slowest.max(took);
            if signed == self::signed(foreign, &changed) {
                // White space, or a part that nothing was signed over: taken or not, the license is the same.
                assert!(status.licenses.is_empty() || status.licenses == meant, "{format}");
                continue;
            }
            assert!(status.licenses.is_empty(), "{format}: {}", String::from_utf8_lossy(&changed));
            left -= 1;
            tried += 1;
        }
    }
    assert!(tried >= rounds, "{tried}");
    assert!(slowest < SLOWEST, "{slowest:?}");
}

/// What a signature or a tag protects of a document, as it stands there. None: no such part is found.
fn signed(foreign: &Foreign, document: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(document).ok()?.trim();
    Some(match foreign.form {
        Form::Jws if foreign.encrypt.is_some() => text.into(),
        Form::Jws | Form::SignedKey => text.rsplit_once('.')?.0.into(),
        Form::LicenseFile | Form::MachineFile => {
            let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
            let encoded: String = lines.flat_map(str::chars).filter(|character| !character.is_whitespace()).collect();
            let file = Base64::decode_vec(&encoded).ok()?;
            let file: Value = serde_json::from_slice(&file).ok()?;
            file.get("enc")?.as_str()?.into()
        }
    })
}

/// What it answers, and how long that takes at best.
fn timed<T>(ask: impl Fn() -> T) -> (T, Duration) {
    let once = || {
        let begun = Instant::now();
        (ask(), begun.elapsed())
    };
    let (answer, mut took) = once();
    for _ in 0..TRIES {
        if took < SLOWEST {
            break;
        }
        took = took.min(once().1);
    }
    (answer, took)
}
