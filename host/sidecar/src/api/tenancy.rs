//! Limits whose holders are tenants: who speaks for some of them moves and sees their places alone.

use placet::{Decision, Holder};

use super::questions::{Charge, Question};
use crate::credentials::{Identity, refused};
use crate::problem::Problem;
use crate::service::Service;

/// What a license calls its tenants, however `request.tenants` is set.
const TENANTS: &str = "tenants";

/// Has a question be for a tenant that the identity speaks for, and about no other's place.
pub(super) fn bind(service: &Service, identity: &Identity, question: &mut impl Question) -> Result<(), Problem> {
    identity.bind(&mut question.context().tenant)?;
    admit_charges(service, identity, || question.charges())?;
    question.holder().map_or(Ok(()), |holder| admit(service, identity, question.subject(), holder))
}

/// # Errors
///
/// 403 where the identity speaks for some tenants alone, and the charges would give one more than a place: it is another's.
pub(super) fn admit_charges<'a>(
    service: &Service,
    identity: &Identity,
    charges: impl FnOnce() -> Vec<&'a Charge>,
) -> Result<(), Problem> {
    if identity.tenants.is_none() {
        return Ok(());
    }
    let charges = charges();
    let is_one = charges.iter().filter(|one| holds_tenants(service, &one.limit)).all(|one| {
        let same = charges.iter().filter(|other| other.limit == one.limit);
        same.fold(0_u64, |sum, other| sum.saturating_add(other.amount)) <= 1
    });
    if is_one { Ok(()) } else { Err(refused("this token takes one place for its tenant, and no more")) }
}

/// # Errors
///
/// 403 where the holder is a tenant that the identity does not speak for.
pub(super) fn admit(service: &Service, identity: &Identity, limit: &str, holder: &str) -> Result<(), Problem> {
    if holds_tenants(service, limit) { identity.tenant(Some(holder.to_owned())).map(drop) } else { Ok(()) }
}

/// The holders that the identity may see.
pub(super) fn seen(service: &Service, identity: &Identity, limit: &str, mut holders: Vec<Holder>) -> Vec<Holder> {
    holders.retain(|holder| admit(service, identity, limit, &holder.name).is_ok());
    holders
}

/// The decision as the identity may see it: where there is no seat left, the policy names who holds them.
pub(super) fn veiled(service: &Service, identity: &Identity, mut decision: Decision) -> Decision {
    let Decision { subject, details, .. } = &mut decision;
    details.retain(|detail| match detail.name.strip_prefix("holder/") {
        Some(holder) => admit(service, identity, subject, holder).is_ok(),
        None => true,
    });
    decision
}

fn holds_tenants(service: &Service, limit: &str) -> bool {
    [TENANTS, &service.settings.request_tenants].contains(&limit)
}
