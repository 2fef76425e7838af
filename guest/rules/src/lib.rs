//! The license model and every decision of the default Placet policy.
//!
//! Pure: time, documents and counters are arguments ([`types::Time`], [`files::Files`], [`counters::Counters`]), so that the
//! same answers always make the same decisions.
#![no_std]

extern crate alloc;

pub mod base64url;
pub mod counter_name;
pub mod counters;
pub mod decide;
pub mod files;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod license;
pub mod policy;
pub mod reason;
pub mod types;
pub mod view;
