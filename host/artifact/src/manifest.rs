//! The manifest: what a policy is, and whose licenses it believes.

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json;
use crate::name::PolicyName;

/// Longest manifest, in bytes.
pub const MAX_MANIFEST: usize = 64 * 1024;

/// Arrays and objects within each other at most; the same bound as in licenses.
const MAX_DEPTH: usize = 32;

/// 9999-12-31T23:59:59Z. Milliseconds by mistake lie beyond it.
const LAST_SECOND: u64 = 253_402_300_799;

/// The manifest format that is written and read.
pub const FORMAT: u64 = 1;

/// What stands in the section `placet:manifest`, JSON (RFC 8259). Unknown fields and duplicate keys are refused. All times
/// are seconds since 1970-01-01T00:00:00Z, as in licenses (RFC 7519 `NumericDate`), and lie before the year 10000.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u64,
    /// Whose policy for which product.
    pub name: PolicyName,
    /// For people.
    pub version: Version,
    /// For machines: of two policies of one name the higher one is the newer one, and equal ones are the same bytes.
    pub sequence: u64,
    /// The version of the interface (package `placet:policy`) that the policy was built for.
    pub interface: Version,
    /// The interfaces that the policy imports, by full name, as `placet:policy/clock@0.1.0`.
    pub imports: Vec<String>,
    /// When it was made, in seconds; no host takes the present time to be earlier.
    pub issued: u64,
    /// The lowest version of the host that it runs on.
    pub minimum_host: Version,
    /// The keys that licenses and other documents are signed with.
    pub trust: Vec<TrustedKey>,
    /// For the policy; the host does not look into it.
    pub settings: Map<String, Value>,
}

/// One key of the vendor that the policy believes, and for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The key id by which documents name it.
    pub kid: String,
    /// The public key (RFC 7517). One with private members is refused.
    pub jwk: Map<String, Value>,
    /// The format of what it signs, as `placet/1`. One that the policy does not know is kept, and matches nothing.
    pub format: String,
    /// What it may sign: license, revocations, receipt, order, anchor. One that the policy does not know matches nothing.
    #[serde(rename = "use")]
    pub uses: Vec<String>,
    /// The product whose documents it may sign; without it, the one that the policy is named for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// It signs from then on, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// The last second in which it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    /// For the format: claim maps and the like.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

/// A manifest cannot be used. The fault is of whoever wrote it: the vendor.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Longer than [`MAX_MANIFEST`].
    #[error("the manifest has {size} bytes, at most {MAX_MANIFEST} are accepted; move what is long into a license")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
    },
    /// Not UTF-8.
    #[error("the manifest is not UTF-8 text")]
    Encoding(#[from] std::str::Utf8Error),
    /// Not JSON, a key twice, or a field unknown, missing or of the wrong kind.
    #[error("the manifest is not JSON of the fields that format {FORMAT} has, each once")]
    Json(#[from] serde_json::Error),
    /// Nested deeper than 32 arrays and objects.
    #[error("the manifest is nested deeper than {MAX_DEPTH} arrays and objects")]
    TooDeep,
    /// A time that is none.
    #[error("`{field}` is after the year 9999; write seconds since 1970, not milliseconds")]
    Time {
        /// The field.
        field: &'static str,
    },
    /// A format of a later version.
    #[error("the manifest has format `{format}`, this version reads {FORMAT}; upgrade the product")]
    Format {
        /// What it says, at most 32 characters of it.
        format: String,
    },
    /// A trusted key holds members that are private.
    #[error(
        "trust entry {index}: the key holds the private member `{member}`; give the public key alone, and replace this one"
    )]
    PrivateKey {
        /// Index into `trust`.
        index: usize,
        /// The name of the member.
        member: &'static str,
    },
}

impl ManifestError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "manifest-too-large",
            Self::Encoding(_) | Self::Json(_) | Self::TooDeep | Self::Time { .. } => "manifest-invalid",
            Self::Format { .. } => "manifest-format-unknown",
            Self::PrivateKey { .. } => "manifest-private-key",
        }
    }
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ManifestError`]; a manifest is used whole or not at all.
    pub fn from_json(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLarge { size: text.len() });
        }
        let value = json::parse(text)?;
        if depth(&value) > MAX_DEPTH {
            return Err(ManifestError::TooDeep);
        }
        // First, since a later format may well have fields that are unknown here, and that would be the lesser news.
        if let Some(format) = value.get("format").filter(|format| format.as_u64() != Some(FORMAT)) {
            return Err(ManifestError::Format { format: format.to_string().chars().take(32).collect() });
        }
        let manifest: Self = serde_json::from_value(value)?;
        manifest.refuse_private_keys()?;
        manifest.refuse_other_units()?;
        Ok(manifest)
    }

    /// The manifest as compact JSON, checked as [`Manifest::from_json`] does.
    ///
    /// # Errors
    /// [`ManifestError`], when its fields were set to what no reader would accept.
    pub fn to_json(&self) -> Result<String, ManifestError> {
        let text = serde_json::to_string(self)?;
        Self::from_json(&text)?;
        Ok(text)
    }

    /// RFC 7518 sections 6.2.2, 6.3.2 and 6.4: the members that make a JWK private. A manifest can be read by everyone.
    fn refuse_private_keys(&self) -> Result<(), ManifestError> {
        const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        for (index, key) in self.trust.iter().enumerate() {
            if let Some(member) = PRIVATE.into_iter().find(|member| key.jwk.contains_key(*member)) {
                return Err(ManifestError::PrivateKey { index, member });
            }
        }
        Ok(())
    }

    fn refuse_other_units(&self) -> Result<(), ManifestError> {
        let bounds = |key: &TrustedKey| [("not_before", key.not_before), ("not_after", key.not_after)];
        let mut times = self.trust.iter().flat_map(bounds).chain([("issued", Some(self.issued))]);
        match times.find(|(_, time)| time.is_some_and(|time| time > LAST_SECOND)) {
            Some((field, _)) => Err(ManifestError::Time { field }),
            None => Ok(()),
        }
    }
}

/// Arrays and objects within each other; `json::parse` has bounded it already.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../tests/data/manifest.json");

    fn reason(text: &str) -> &'static str {
        Manifest::from_json(text).unwrap_err().reason()
    }

    #[test]
    fn a_manifest_survives_being_written() {
        let manifest = Manifest::from_json(TEXT).unwrap();
        assert_eq!(Manifest::from_json(&manifest.to_json().unwrap()).unwrap(), manifest);
    }

    #[test]
    fn uses_and_formats_of_a_newer_vendor_are_kept() {
        let newer = TEXT.replace("\"license\"", "\"lease\"").replace("placet/1", "placet/9");
        let manifest = Manifest::from_json(&newer).unwrap();
        assert_eq!(manifest.trust[0].uses, ["lease", "revocations"]);
        assert_eq!(manifest.trust[0].format, "placet/9");
    }

    #[test]
    fn a_manifest_is_nested_32_deep_at_most() {
        // The manifest itself and its settings are two.
        let nested = |depth| TEXT.replace("{}", &format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)));
        assert!(Manifest::from_json(&nested(30)).is_ok());
        assert_eq!(reason(&nested(31)), "manifest-invalid");
    }

    #[test]
    fn every_field_at_the_top_is_required() {
        let Value::Object(fields) = serde_json::from_str(TEXT).unwrap() else { panic!("an object") };
        for name in fields.keys() {
            let mut fewer = fields.clone();
            fewer.remove(name);
            assert_eq!(reason(&Value::Object(fewer).to_string()), "manifest-invalid", "without {name}");
        }
    }

    #[test]
    fn a_manifest_that_says_too_much_or_too_little_is_refused() {
        assert_eq!(reason(&TEXT.replacen("\"sequence\"", "\"sequenz\"", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("\"kid\"", "\"kids\"", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("{", "{\"name\":\"acme/router\",", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("acme/router", "acme", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("1.4.0", "1.4", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("1767225600", "1767225600000", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("\"kid\"", "\"not_after\": 1767225600000, \"kid\"", 1)), "manifest-invalid");
        assert_eq!(reason(&TEXT.replacen("\"format\": 1", "\"format\": 2, \"new\": 0", 1)), "manifest-format-unknown");
        assert_eq!(reason(&TEXT.replacen("\"kty\"", "\"d\": \"AA\", \"kty\"", 1)), "manifest-private-key");
        assert_eq!(reason(&format!("{TEXT}{}", " ".repeat(MAX_MANIFEST))), "manifest-too-large");
    }
}
