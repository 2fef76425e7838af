//! Decisions, over counters in memory that keep what `wit/counters.wit` promises.

mod counters;
mod examples;
mod once;
mod properties;
mod setting;
mod stretches;
