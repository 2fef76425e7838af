//! The signed policy file, from one place.

pub(crate) use placet::artifact::*;
