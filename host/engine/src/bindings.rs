//! What `wit/` looks like from here. Generated; the only place that names the interface's Rust shape.
#![expect(missing_docs, reason = "the documentation is in wit/, and is generated with the types")]

macro_rules! bindings {
    ($($derive:tt)*) => {
        wasmtime::component::bindgen!({
            path: "../../wit",
            world: "policy",
            imports: { default: trappable },
            additional_derives: [$($derive)*],
        });
    };
}

#[cfg(not(feature = "schema"))]
bindings!(Clone, PartialEq, serde::Serialize, serde::Deserialize);
#[cfg(feature = "schema")]
bindings!(Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema);
