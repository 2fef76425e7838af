//! What is used, now and before.

use std::sync::Arc;

use axum::extract::State;
use placet::{Forecast, Placet, Sample, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Asking;
use crate::answer::Answer;
use crate::credentials::Identity;
use crate::problem::Problem;
use crate::service::Service;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Now {
    tenant: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// Milliseconds since 1970.
    #[serde(default)]
    since: u64,
    limit: Option<String>,
    tenant: Option<String>,
}

/// What was used, and what is to be expected.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UsageHistory")]
pub(super) struct Told {
    samples: Vec<Sample>,
    /// Of the license as a whole.
    forecast: Vec<Forecast>,
}

/// `GET /v1/usage?tenant=t1`: each limit of the license as a whole, and with a tenant those that are counted for it.
pub(super) async fn now(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Asking(Now { tenant }): Asking<Now>,
) -> Result<Answer<Vec<Usage>>, Problem> {
    let tenant = identity.tenant(tenant)?;
    let is_bound = identity.tenants.is_some();
    let usage = service.work(move |service| match tenant {
        // Of the limits that all tenants share, it is not told.
        Some(tenant) if is_bound => of_tenant(&service.placet, &tenant),
        tenant => Ok(service.placet.usage(tenant.as_deref())?),
    });
    usage.await.map(Answer)
}

/// `GET /v1/usage/history?since=MILLISECONDS&limit=tokens`: hour by hour, and when each limit will be reached.
pub(super) async fn history(
    State(service): State<Arc<Service>>,
    identity: Identity,
    Asking(asked): Asking<History>,
) -> Result<Answer<Told>, Problem> {
    let tenant = identity.tenant(asked.tenant)?;
    let told = service.work(move |service| {
        let wanted = |sample: &Sample| {
            asked.limit.as_ref().is_none_or(|limit| sample.limit == *limit)
                && tenant.as_ref().is_none_or(|tenant| sample.tenant.as_ref() == Some(tenant))
        };
        let samples = service.placet.history(asked.since)?.into_iter().filter(wanted).collect();
        let mut forecast = if tenant.is_none() { service.placet.forecast()? } else { Vec::new() };
        forecast.retain(|forecast| asked.limit.as_ref().is_none_or(|limit| forecast.limit == *limit));
        Ok(Told { samples, forecast })
    });
    told.await.map(Answer)
}

/// What somebody may see: everything, or what its tenants use.
pub(super) fn of(placet: &Placet, identity: &Identity) -> Result<Vec<Usage>, Problem> {
    let Some(tenants) = &identity.tenants else { return Ok(placet.usage(None)?) };
    let each = tenants.iter().map(|tenant| of_tenant(placet, tenant)).collect::<Result<Vec<_>, _>>()?;
    Ok(each.concat())
}

fn of_tenant(placet: &Placet, tenant: &str) -> Result<Vec<Usage>, Problem> {
    let usage = placet.usage(Some(tenant))?;
    Ok(usage.into_iter().filter(|usage| usage.tenant.as_deref() == Some(tenant)).collect())
}
