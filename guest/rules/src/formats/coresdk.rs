//! Format `coresdk`: JWS with RS256 or ES256 over `iss sub iat exp plan entitlements{max_tenants, max_rps, features[]}`.
//!
//! What the token's entitlements say wins; what they leave out is the plan's. A plan that is not known is fine where the entitlements
//! leave nothing out. A license that ended does not hold, and no grace is granted.

use alloc::format;
use alloc::string::String;

use serde_json::{Map, Value, json};

use super::draft::{Draft, features};
use super::pointed::{amount, at, required, text, time};
use super::terms::{LimitTerms, Terms, limit};
use super::{EntryError, has, mismatch};
use crate::claims::fields::invalid;
use crate::refusal::Refusal;

/// The entitlements, where they stand.
const MAX_TENANTS: &str = "/entitlements/max_tenants";
const MAX_RPS: &str = "/entitlements/max_rps";
/// The setting of how requests count.
const REQUESTS: &str = "limits.requests";

/// `limits`, how `tenants` and `requests` count beyond what the format says, such as `{"tenants": {"kind": "seats", "ttl": "30d"}}`.
#[derive(Clone, Debug)]
pub struct Settings {
    tenants: Map<String, Value>,
    requests: Map<String, Value>,
}

/// What a plan comes with. The outer option: does the plan say it; the inner: none is unlimited.
struct Plan {
    tenants: Option<Option<u64>>,
    rps: Option<u64>,
}

impl Plan {
    /// Letters of either case are the same.
    fn named(plan: &str) -> Self {
        match plan.to_ascii_lowercase().as_str() {
            "free" => Self { tenants: Some(Some(3)), rps: Some(500) },
            "team" => Self { tenants: Some(Some(50)), rps: Some(5000) },
            // Its rate is agreed on with each customer, so that the token must name it.
            "enterprise" => Self { tenants: Some(None), rps: None },
            _ => Self { tenants: None, rps: None },
        }
    }
}

impl Settings {
    pub(super) fn read(mut settings: Terms) -> Result<Self, EntryError> {
        let read = |path: &str, terms| limit(path, by_the_second(path, terms));
        let mut limits: LimitTerms = settings.entries("limits", read)?;
        let mut take = |name: &str, kind: &str| match limits.remove(name) {
            Some(terms) if terms.get("kind").is_some_and(|given| given == kind) => Ok(terms),
            Some(_) => Err(super::terms::unfit(name)),
            None => read(&format!("limits.{name}"), json!(kind)),
        };
        let (tenants, requests) = (take("tenants", "seats")?, take("requests", "rate")?);
        match limits.keys().next() {
            Some(name) => Err(super::terms::unfit(name)),
            None => settings.end().map(|()| Self { tenants, requests }),
        }
    }

    pub(super) fn draft(&self, payload: &Value) -> Result<Draft, Refusal> {
        if has(payload, &["edition", "features", "limits"]) {
            return Err(mismatch());
        }
        let mut draft = Draft::registered(payload)?;
        required(time(payload, "/exp")?, "exp")?;
        if at(payload, "/entitlements").is_some_and(|entitlements| !entitlements.is_object()) {
            return Err(invalid("entitlements"));
        }
        let name = required(text(payload, "/plan")?, "plan")?;
        let plan = Plan::named(&name);
        let tenants = required(amount(payload, MAX_TENANTS)?.map(Some).or(plan.tenants), MAX_TENANTS)?;
        let rps = required(amount(payload, MAX_RPS)?.or(plan.rps), MAX_RPS)?;
        draft.set("plan", Some(name));
        draft.limit("tenants", tenants, &self.tenants);
        draft.limit("requests", Some(rps), &self.requests);
        features(&mut draft, payload, "/entitlements/features")?;
        draft.show_others(payload, &["plan", "entitlements"]);
        Ok(draft)
    }
}

/// Requests are counted by the second, which their settings need not say.
fn by_the_second(path: &str, terms: Value) -> Value {
    match terms {
        Value::String(kind) if path == REQUESTS => json!({ "kind": kind, "every": "1s" }),
        Value::Object(mut terms) if path == REQUESTS => {
            terms.insert(String::from("every"), json!("1s"));
            Value::Object(terms)
        }
        terms => terms,
    }
}
