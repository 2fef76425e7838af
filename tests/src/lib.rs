//! What the tests of the whole share. The crate is used by nothing else.

pub mod foreign;
pub mod hostile;
pub mod keys;
pub mod mutator;
pub mod rig;
pub mod source;
pub mod vectors;
