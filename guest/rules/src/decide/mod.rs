//! Every decision: what a view, the counters and a request make of each other.
//!
//! An `Err` is a reason why no decision could be made (`counters-disk-full`, `contended`), never a decision.
//!
//! In this order: a request that is out of bounds is denied; a `once` key that counted before answers as the first time; then the
//! state of the license speaks, then the limits in the order of the charges.

mod alert;
mod answer;
mod beside;
mod check;
mod consume;
mod credit;
mod measure;
mod once;
mod rate;
mod record;
mod report;
mod request;
mod seats;
mod slot;
mod store;
mod target;

pub use check::check;
pub use consume::{consume, preview};
pub use credit::credit;
pub use measure::measure;
pub use report::report;
pub use seats::{claim, holders, release};
