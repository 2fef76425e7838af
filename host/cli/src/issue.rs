//! What a vendor writes into a license.

pub(crate) mod claims;
pub(crate) mod dates;
pub(crate) mod limit;
pub(crate) mod notice;
pub(crate) mod summary;
pub(crate) mod templates;
