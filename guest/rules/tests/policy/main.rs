//! From documents to a state: licenses that a TEST key signed, loaded beside files and counters that live in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod clock;
mod documents;
mod graces;
mod keys;
mod memory;
mod merging;
mod places;
#[path = "../decide/pools.rs"]
mod pools;
#[path = "../decide/random.rs"]
mod random;
mod renewing;
mod states;
mod world;
