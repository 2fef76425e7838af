//! Placeholder.
mod bindings;


