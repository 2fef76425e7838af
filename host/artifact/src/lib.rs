//! The signed policy: one WebAssembly component file that carries its own signature and manifest.
//!
//! ```text
//! component header · custom section "signature" · …the component… · custom section "placet:manifest"
//! ```
//!
//! A vendor [`pack`]s and [`sign`]s; a host [`verify`]s against the [`PolicyRoots`] that the product was built with, and
//! [`admits`](Verified::admit) what is not older than the policy it knows. Each step returns a value that only this step
//! can make, and the next one asks for it. The format is described byte by byte in `docs/artifact-format.md`.
//!
//! ```
//! use placet_artifact::{Floor, Manifest, PolicyRoots, SigningKey, Version, pack, sign, verify};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let component = wat::parse_str("(component)")?;
//! # let manifest_json = include_str!("../tests/data/manifest.json");
//! # let key_pem = include_str!("../tests/data/TEST-acme.private.pem");
//! # let roots_pem = include_str!("../tests/data/TEST-acme.pem");
//! // At the vendor.
//! let manifest = Manifest::from_json(manifest_json)?;
//! let signed = sign(&pack(&component, &manifest)?, &SigningKey::from_pem(key_pem)?)?;
//!
//! // At the customer: the roots are compiled in, the floor comes from the state store.
//! let roots = PolicyRoots::from_pem(roots_pem)?;
//! let host = Version::new(0, 1, 0);
//! let admitted = verify(signed, &roots)?.admit(&Floor::default(), &host)?;
//! assert_eq!(admitted.verified().manifest().name.as_str(), "acme/router");
//! # Ok(())
//! # }
//! ```

mod admit;
mod format;
mod inspect;
mod json;
mod key;
mod manifest;
mod name;
mod pack;
mod reason;
mod root;
mod signature;
mod verify;

pub use admit::{AdmitError, Admitted, Adopted, Floor};
pub use format::{FormatError, MANIFEST_SECTION, MAX_POLICY, SIGNATURE_SECTION};
pub use inspect::{Inspection, SectionInfo, SignatureClaim, inspect};
pub use key::{ContentHash, KeyError, KeyId, SigningKey};
pub use manifest::{FORMAT, MAX_MANIFEST, Manifest, ManifestError, TrustedKey};
pub use name::{NameError, PolicyName};
pub use pack::{PackError, SignError, pack, resign, sign};
pub use reason::REASONS;
pub use root::{PolicyRoot, PolicyRoots, RootError};
pub use signature::SignatureError;
pub use verify::{Verified, VerifyError, verify};

/// Semantic versions, as manifests name them and [`Verified::admit`] compares them.
pub use semver::Version;
