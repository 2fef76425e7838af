//! A vendor with TEST keys, and installations that trust it: the real component, signed, on a real disk.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, OnceLock};

use ed25519_compact::{KeyPair, Seed};
use placet::artifact::{Manifest, SigningKey, pack, sign};
use placet::{Builder, Placet, PolicyRoot};
use serde_json::{Value, json};

/// 2026-07-01T00:00:00Z, in seconds; before any run of these tests.
pub const ISSUED: u64 = 1_782_864_000;
/// 2100-01-01T00:00:00Z, in seconds.
pub const FAR: u64 = 4_102_444_800;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The default policy component, built once for each test program.
pub fn component() -> &'static [u8] {
    static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| built("placet-policy"));
    &COMPONENT
}

/// Builds the component of a package.
pub(crate) fn built(package: &str) -> Vec<u8> {
    // Not the target directory of the tests, which may lie anywhere: it is found again by all of them.
    std::fs::create_dir_all(root().join("target")).expect("the clone can be written");
    let out = root().join("target").join(package).with_extension("wasm");
    // Where the command's build script compiled it before: PROFILE/deps/PROGRAM.
    let program = std::env::current_exe().expect("this program");
    let target = program.ancestors().nth(2).expect("two folders above").join("policy-component");
    let mut build = Command::new(root().join("scripts/build-policy"));
    let built = build.arg(&out).arg(package).env("CARGO_TARGET_DIR", target).status().expect("sh runs");
    assert!(built.success(), "scripts/build-policy failed");
    std::fs::read(out).expect("the component was built")
}

/// A vendor whose keys are made from fixed TEST seeds.
pub struct Vendor {
    /// Signs policies. TEST.
    pub root: SigningKey,
    /// Signs licenses. TEST.
    pub license: KeyPair,
}

impl Default for Vendor {
    fn default() -> Self {
        Self::with_seeds(1, 2)
    }
}

impl Vendor {
    /// A vendor with other TEST keys.
    pub fn with_seeds(root: u8, license: u8) -> Self {
        let pair = |seed| KeyPair::from_seed(Seed::new([seed; 32]));
        Self { root: SigningKey::from_pem(&pair(root).sk.to_pem()).expect("a key"), license: pair(license) }
    }

    /// What a product compiles in.
    pub fn policy_root(&self) -> PolicyRoot {
        self.root.root()
    }

    /// The key that licenses are signed with, as a public JWK.
    pub fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(&*self.license.pk), "kid": "TEST-1"})
    }

    /// A manifest that trusts this vendor's license key.
    pub fn manifest(&self, sequence: u64) -> Manifest {
        let manifest = json!({
            "format": 1, "name": "acme/router", "version": format!("1.{sequence}.0"), "sequence": sequence,
            "interface": "0.1.0",
            "imports": ["placet:policy/clock@0.1.0", "placet:policy/files@0.1.0", "placet:policy/counters@0.1.0"],
            "issued": ISSUED, "minimum-host": "0.1.0",
            "trust": [{"kid": "TEST-1", "jwk": self.jwk(), "format": "placet/1", "use": ["license"]}],
            "settings": {},
        });
        Manifest::from_json(&manifest.to_string()).expect("a manifest")
    }

    /// The default policy, signed.
    pub fn policy(&self, sequence: u64) -> Vec<u8> {
        self.policy_of(component(), &self.manifest(sequence))
    }

    /// Any component, signed.
    pub fn policy_of(&self, component: &[u8], manifest: &Manifest) -> Vec<u8> {
        sign(&pack(component, manifest).expect("packs"), &self.root).expect("signs")
    }

    /// A compact JWS over these claims.
    pub fn license(&self, claims: &Value) -> String {
        self.sign(claims.to_string().as_bytes())
    }

    /// A compact JWS over any payload.
    pub fn sign(&self, payload: &[u8]) -> String {
        self.sign_as("license", payload)
    }

    /// A compact JWS over the payload of a document of this kind.
    pub fn sign_as(&self, kind: &str, payload: &[u8]) -> String {
        let header = json!({"alg": "EdDSA", "kid": "TEST-1", "typ": format!("{kind}+jwt")});
        let signed = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload));
        let signature = self.license.sk.sign(signed.as_bytes(), None);
        format!("{signed}.{}", base64url(&*signature))
    }
}

/// Claims of a license that holds now: feature `sso`; quota `tokens` of 1,000, which may be given back; gauge `objects` of 5.
pub fn claims(id: &str) -> Value {
    json!({
        "iss": "https://licensing.acme.example", "jti": id, "sub": "org_globex", "aud": "acme/router",
        "iat": ISSUED, "nbf": ISSUED, "exp": FAR, "customer": "Globex GmbH", "plan": "enterprise",
        "features": {"sso": true, "audit": false},
        "limits": {"tokens": {"kind": "quota", "max": 1000, "refund": true}, "objects": {"kind": "gauge", "max": 5}},
    })
}

/// A directory with a vendor's policy and room for state and licenses.
pub struct Site {
    /// Who signs here.
    pub vendor: Vendor,
    dir: tempfile::TempDir,
}

impl Default for Site {
    fn default() -> Self {
        let site = Self { vendor: Vendor::default(), dir: tempfile::tempdir().expect("a directory") };
        site.put("policy.wasm", site.vendor.policy(10));
        site
    }
}

impl Site {
    /// A site whose state directory holds the native code of its policy, as after a first opening: compiling takes most of one. It is kept
    /// for the next test program, too.
    pub fn known() -> Self {
        static CODE: OnceLock<(OsString, Vec<u8>)> = OnceLock::new();
        let code = CODE.get_or_init(|| {
            let (site, kept) = (Self::default(), root().join("target/native-code"));
            std::fs::create_dir_all(&kept).expect("the clone can be written");
            let before = files(&kept);
            before.iter().for_each(|code| site.know(code));
            drop(site.open());
            let mut after = files(&site.path("state/code"));
            // What did not fit lies there on.
            after.sort_by_key(|code| before.contains(code));
            let code = after.into_iter().next().expect("its code");
            if !before.contains(&code) {
                before.iter().for_each(|(name, _)| drop(std::fs::remove_file(kept.join(name))));
                std::fs::write(kept.join("new"), &code.1).expect("the clone can be written");
                std::fs::rename(kept.join("new"), kept.join(&code.0)).expect("the clone can be written");
            }
            code
        });
        let site = Self::default();
        site.know(code);
        site
    }

    fn know(&self, (name, code): &(OsString, Vec<u8>)) {
        let folder = self.path("state/code");
        // It is read from a place alone that nobody else can write.
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).expect("makes");
        OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(folder.join(name))
            .and_then(|mut file| file.write_all(code))
            .expect("writes");
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into it.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, content).expect("writes");
        path
    }

    /// What opens it: `policy.wasm`, `license.json` and `state/`.
    pub fn builder(&self) -> Builder {
        Placet::builder()
            .root(self.vendor.policy_root())
            .policy(self.path("policy.wasm"))
            .licenses(self.path("license.json"))
            .state(self.path("state"))
    }

    /// Opens it.
    pub fn open(&self) -> Placet {
        self.builder().open().expect("opens")
    }

    /// Signs a license over these claims, and puts it where the product looks.
    pub fn license(&self, claims: &Value) {
        self.put("license.json", self.vendor.license(claims));
    }
}

/// The names and contents of a folder's files.
fn files(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("lists").map(|entry| entry.expect("an entry"));
    entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).expect("reads"))).collect()
}

fn base64url(bytes: &[u8]) -> String {
    placet_rules::base64url::encode(bytes)
}
