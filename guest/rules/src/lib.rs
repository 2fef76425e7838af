//! The license model and every decision of the default Placet policy.
//!
//! Pure: time, documents and counters are arguments ([`types::Time`], [`files::Files`], [`counters::Counters`]), so that the
//! same answers always make the same decisions.
#![no_std]

extern crate alloc;

mod aes_gcm;
pub mod base64url;
pub mod calendar;
pub mod claims;
pub mod counter_name;
pub mod counters;
pub mod decide;
mod document;
pub mod duration;
mod envelope;
pub mod files;
pub mod formats;
pub mod instant;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod license;
pub mod manifest;
pub mod memory;
pub mod merge;
pub mod notices;
pub mod policy;
mod reader;
pub mod reason;
pub mod refusal;
pub mod resets;
pub mod scope;
pub mod secrets;
mod sorted;
mod standing;
mod summary;
pub mod term;
pub mod types;
pub mod view;
