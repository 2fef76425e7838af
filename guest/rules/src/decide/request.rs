//! What callers ask, within bounds.

use super::answer::Denial;
use crate::reason;
use crate::types::{Charge, Context};

/// Bytes of a limit's name, a tenant or a `once` key at most.
const TEXT_MAX: usize = 256;

/// Charges of one request at most.
const CHARGES_MAX: usize = 64;

/// A request within bounds; only [`Request::new`] makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) charges: &'a [Charge],
    /// The first limit that is named: what an answer to the whole request is about.
    pub(super) subject: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) once: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// At most 64 charges; texts of at most 256 bytes; a tenant or a `once` key that is given is not empty. The
    /// detail `invalid` of the denial names what does not fit: `charges`, `limit`, `tenant` or `once`.
    pub(super) fn new(charges: &'a [Charge], context: &'a Context) -> Result<Self, Denial<'a>> {
        let Some(first) = charges.first() else {
            return Err(Denial::new(reason::REQUEST_EMPTY, ""));
        };
        let tenant = context.tenant.as_deref();
        let once = context.once.as_deref();
        let parts = [
            ("charges", charges.len() <= CHARGES_MAX),
            ("limit", charges.iter().all(|charge| charge.limit.len() <= TEXT_MAX)),
            ("tenant", tenant.is_none_or(is_within)),
            ("once", once.is_none_or(is_within)),
        ];
        if let Some((name, _)) = parts.into_iter().find(|(_, fits)| !fits) {
            return Err(Denial::invalid(name, ""));
        }
        Ok(Self { charges, subject: &first.limit, tenant, once })
    }
}

/// Fit for a tenant or a key.
pub(super) fn is_within(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_MAX
}
