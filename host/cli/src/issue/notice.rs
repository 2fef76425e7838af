//! What a vendor signs beside licenses: claims that the rules themselves would take.

use jiff::Timestamp;
use placet_rules::json;
use placet_rules::notices::{Kind, Notice};
use serde_json::{Map, Value};

use super::dates;
use crate::problem::Problem;
use crate::random;

/// Whom a document is for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ToOptions {
    /// Id of a license that it is for. Repeat it for more
    #[arg(long = "license", value_name = "ID")]
    licenses: Vec<String>,
    /// Id of the customer (`sub` of the licenses) that it is for
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
}

/// The claims of a document, as they are written.
pub(crate) struct Draft {
    kind: Kind,
    claims: Map<String, Value>,
}

impl Draft {
    /// Begins one, issued now.
    pub(crate) fn new(kind: Kind, now: Timestamp) -> Self {
        Self { kind, claims: Map::from_iter([("iat".to_owned(), now.as_second().into())]) }
    }

    /// With a claim more.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// With a claim more, if there is one.
    pub(crate) fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With the id given, or a random one of 128 bits.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn identified(self, id: Option<&str>) -> Result<Self, Problem> {
        let id = match id {
            Some(id) => id.to_owned(),
            None => random::id(&format!("{}_", self.kind.as_str()))?,
        };
        Ok(self.with("jti", id))
    }

    /// For these.
    pub(crate) fn to(self, to: &ToOptions) -> Self {
        let licenses = Some(&to.licenses).filter(|licenses| !licenses.is_empty());
        self.with_some("licenses", licenses.cloned()).with_some("sub", to.customer.clone())
    }

    /// The payload, which the rules would take.
    ///
    /// # Errors
    /// What they would refuse.
    pub(crate) fn payload(self) -> Result<Vec<u8>, Problem> {
        let payload = Value::Object(self.claims).to_string().into_bytes();
        let read = json::parse(&payload).map_err(|error| (error.reason().to_owned(), error.to_string()));
        let read = read.and_then(|value| {
            Notice::read(self.kind, value).map_err(|refusal| {
                let claim = refusal.details.first().map(|detail| format!("no policy would take `{}`", detail.value));
                (refusal.reason.clone(), claim.unwrap_or(refusal.reason))
            })
        });
        match read {
            Ok(_) => Ok(payload),
            Err((reason, wrong)) => {
                Err(Problem::of(reason, format!("the {} cannot be signed: {wrong}", self.kind.as_str()))
                    .with_help("docs/license-format.md says what it must hold; names have 1 to 128 bytes"))
            }
        }
    }
}

/// A date of an argument.
///
/// # Errors
/// What it should look like.
pub(crate) fn date(flag: &str, text: &str, now: Timestamp) -> Result<i64, Problem> {
    dates::parse(text, now)
        .map_err(|error| Problem::usage(format!("{flag}: {error}"), "write a date such as 2027-01-01, or 90d from now"))
}

impl ToOptions {
    /// For these licenses.
    pub(crate) fn licenses(licenses: Vec<String>) -> Self {
        Self { licenses, customer: None }
    }

    /// The refusal of a document that is for nobody.
    pub(crate) fn somebody(&self) -> Result<(), Problem> {
        if self.licenses.is_empty() && self.customer.is_none() {
            let help = "give `--license ID` of one license or more, or `--customer ID`";
            return Err(Problem::usage("nothing says whom it is for", help));
        }
        Ok(())
    }
}
