//! What threads share the blocks by. `host/engine/tests/blocks.rs` puts the model checker's in its place.

pub(super) use std::sync::RwLock;
pub(super) use std::sync::atomic::AtomicU64;
