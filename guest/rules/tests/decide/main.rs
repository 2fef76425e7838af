//! Decisions, over counters in memory that keep what `wit/counters.wit` promises.

mod counters;
mod examples;
mod holds;
mod once;
mod pools;
mod properties;
mod random;
mod seats;
mod setting;
mod stretches;
