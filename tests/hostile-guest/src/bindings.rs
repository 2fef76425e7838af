//! What `wit/` looks like from here.
#![expect(unsafe_code, reason = "generated; the documentation is in wit/")]

use crate::Component;

wit_bindgen::generate!({ path: "../../wit", world: "policy", generate_all });

export!(Component with_types_in self);
