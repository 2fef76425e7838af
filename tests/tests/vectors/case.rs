//! A case as it stands in a file of `vectors/`; `vectors/README.md` describes the form.

use std::collections::BTreeMap;

use jiff::Timestamp;
use placet_tests::foreign::Foreign;
use serde::Deserialize;
use serde_json::Value;

/// A world, and what is done in it step by step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) now: Moment,
    /// None: as `now`.
    pub(crate) wall: Option<Moment>,
    /// Of the policy; 5 unless told.
    pub(crate) sequence: Option<u64>,
    /// Members of the manifest's only entry of trust, beside or in place of its own.
    #[serde(default)]
    pub(crate) trust: BTreeMap<String, Value>,
    /// The manifest's entries of trust, in place of that one; `key` names a TEST key in place of the `jwk`.
    #[serde(default)]
    pub(crate) keys: Vec<BTreeMap<String, Value>>,
    /// A manifest as text, in place of one made from the above.
    pub(crate) manifest: Option<String>,
    #[serde(default)]
    pub(crate) deployment: BTreeMap<String, String>,
    /// What opens encrypted documents, by name.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) documents: BTreeMap<String, Paper>,
    #[serde(default)]
    pub(crate) kept: BTreeMap<String, Paper>,
    #[serde(default)]
    pub(crate) counters: BTreeMap<String, Moment>,
    /// Who holds a place in a pool, and until when.
    #[serde(default)]
    pub(crate) pools: BTreeMap<String, BTreeMap<String, Option<Moment>>>,
    /// Why the counters give no answer.
    pub(crate) broken: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// A document. Signed by `signer` over `claims`, `body` or `payload`, or `foreign`, or `raw` text, or an `error` of the host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paper {
    /// Changes to the claims of the base license; null takes one away.
    pub(crate) claims: Option<BTreeMap<String, Value>>,
    /// All claims of a document that is no license.
    pub(crate) body: Option<Value>,
    pub(crate) payload: Option<String>,
    /// The header parameter `typ`, without its `+jwt`.
    pub(crate) kind: Option<String>,
    pub(crate) raw: Option<String>,
    /// As another system issues it.
    pub(crate) foreign: Option<Foreign>,
    pub(crate) error: Option<String>,
    /// `TEST-1`, which is trusted, unless told. One that is unknown to the manifest has another key.
    pub(crate) signer: Option<String>,
    #[serde(default)]
    pub(crate) form: Form,
    /// One character of this segment becomes another one: 0 header, 1 payload, 2 signature.
    pub(crate) change: Option<usize>,
    /// Spaces at the end, up to so many bytes.
    pub(crate) pad: Option<usize>,
    /// Only so many bytes of it.
    pub(crate) cut: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    #[default]
    Compact,
    Flattened,
    General,
}

/// One thing that is done, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(rename = "do")]
    pub(crate) act: Act,
    #[serde(default)]
    pub(crate) feature: String,
    #[serde(default)]
    pub(crate) charges: Vec<(String, u64)>,
    /// A text of so many `x` as the limit's name, or as the feature's.
    pub(crate) long: Option<usize>,
    #[serde(default)]
    pub(crate) limit: String,
    #[serde(default)]
    pub(crate) amount: u64,
    #[serde(default)]
    pub(crate) holder: String,
    /// How long seats are claimed for, as a license spells it.
    pub(crate) ttl: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) once: Option<String>,
    #[serde(default)]
    pub(crate) details: BTreeMap<String, String>,
    pub(crate) document: Option<Paper>,
    pub(crate) name: Option<String>,
    /// As a license spells a length of time.
    pub(crate) time: Option<String>,
    pub(crate) now: Option<Moment>,
    pub(crate) wall: Option<Moment>,
    pub(crate) reason: Option<String>,
    pub(crate) expect: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Act {
    // Questions, all of which need an `expect`.
    Check,
    Preview,
    Consume,
    Credit,
    Measure,
    Claim,
    Release,
    Status,
    Inspect,
    Report,
    /// Who holds seats of `limit`, after the name `after`.
    Holders,
    /// What the counters hold, by name.
    Counters,
    // Changes of the world.
    /// Reads all documents anew in a fresh instance.
    Load,
    /// The process begins anew: as `Load`, and every bucket is empty.
    Restart,
    /// Both clocks run on by `time`.
    Wait,
    /// Sets `now` and `wall`.
    Clock,
    Put,
    Take,
    /// The counters fail with `reason`; without one, they answer again.
    Break,
}

/// Milliseconds since 1970, or a time as RFC 3339 spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Moment(pub(crate) u64);

impl TryFrom<Value> for Moment {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if let Some(number) = value.as_u64() {
            return Ok(Self(number));
        }
        let time: Timestamp =
            value.as_str().unwrap_or_default().parse().map_err(|error| format!("{value}: {error}"))?;
        u64::try_from(time.as_millisecond()).map(Self).map_err(|error| format!("{value}: {error}"))
    }
}
