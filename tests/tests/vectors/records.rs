//! The records of the rules as JSON, as the component's side has them by derivation. Each names all its fields, so that none is
//! forgotten in a comparison.

use placet_rules::types::{
    Attribute, Decision, Document, Feature, Hold, Holder, Limit, Meter, Refill, Status, Summary, Usage, Warning,
};
use serde_json::Value;

/// As JSON.
pub(crate) trait Json {
    fn json(&self) -> Value;
}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Json for $type {
            fn json(&self) -> Value {
                Value::from(self.clone())
            }
        }
    )*};
}

macro_rules! record {
    ($type:ty { $($field:ident)* }) => {
        impl Json for $type {
            fn json(&self) -> Value {
                let Self { $($field),* } = self;
                Value::Object([$((stringify!($field).to_owned(), $field.json())),*].into_iter().collect())
            }
        }
    };
}

impl<T: Json> Json for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Json::json)
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self) -> Value {
        self.iter().map(Json::json).collect()
    }
}

impl<T: Json> Json for Result<T, String> {
    fn json(&self) -> Value {
        self.as_ref().map_or_else(|reason| serde_json::json!({"error": reason}), Json::json)
    }
}

plain!(bool u32 u64 String);
record!(Attribute { name value });
record!(Limit { name kind max details });
record!(Usage { limit kind tenant max used period resets details });
record!(Holder { name weight expires details });
record!(Warning { reason subject text });
record!(Feature { name license until details });
record!(Document { name kind adopted recovered reason details });
record!(Summary {
    id document state reason issuer customer product plan key issued starts expires features limits details
});
record!(Status { usable state reason until evaluated licenses features limits documents warnings details });
record!(Refill { tokens every });
record!(Meter { charge usage counter ceiling slack step refill });
record!(Hold { until meters });
record!(Decision { allowed reason subject license usage warnings retry hold details });
