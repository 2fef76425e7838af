//! The document that describes the service (OpenAPI 3.1), made of what the handlers take and answer: from their types, so that it says what is so.

mod described;
mod document;
mod operation;

pub(crate) use self::described::{Described, Input, Output};
pub(crate) use self::document::{Route, document};
pub(crate) use self::operation::{Operation, Schemas};
