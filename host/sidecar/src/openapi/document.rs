//! The document as a whole.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Operation, Schemas};
use crate::credentials::Role;

/// One method of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// Such as `/v1/reserve/{id}/settle`.
    pub(crate) path: &'static str,
    /// In lower case.
    pub(crate) method: &'static str,
    /// Who may; none: everybody.
    pub(crate) role: Option<Role>,
    /// What it does, for people.
    pub(crate) about: &'static str,
    /// With what it may be refused beside what its types tell.
    pub(crate) refuses: &'static [StatusCode],
    /// What it takes and answers.
    pub(crate) operation: fn(&mut Schemas) -> Operation,
}

/// Of these routes.
pub(crate) fn document(routes: impl IntoIterator<Item = Route>) -> Bytes {
    let mut schemas = Schemas::new();
    let mut paths = BTreeMap::new();
    for route in routes {
        let methods: &mut BTreeMap<_, _> = paths.entry(route.path.replace("{*", "{")).or_default();
        methods.insert(route.method, route.render(&mut schemas));
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Placet",
            "summary": "What a licensed product may do",
            "description": "A decision is answered with 200, whether yes or no; below `/v1/enforce` a yes is 204 and a no a problem document \
                (RFC 9457) with its `reason`. Durations and instants are in milliseconds, instants since 1970.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": schemas.render(),
            "headers": {
                "x-request-id": {
                    "description": "By which the request is found again: the one that was sent, or a new one",
                    "required": true,
                    "schema": {"type": "string"},
                },
                "retry-after": {
                    "description": "Seconds after which to ask again",
                    "required": true,
                    "schema": {"type": "integer", "minimum": 1},
                },
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token (RFC 6750)"},
                "basic": {"type": "http", "scheme": "basic", "description": "Any name, and a token as the password (RFC 7617)"},
            },
        },
    });
    // Names are texts: it can always be written down.
    serde_json::to_vec(&document).unwrap_or_default().into()
}

impl Route {
    fn render(self, schemas: &mut Schemas) -> Map<String, Value> {
        let mut operation = (self.operation)(schemas);
        self.refuses.iter().for_each(|status| operation.refuses(*status));
        for name in self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            operation.takes_parameter(
                "path",
                name.trim_start_matches('*'),
                true,
                json!({"type": "string", "minLength": 1}),
            );
        }
        let mut security = json!([]);
        let mut who = "Open.".to_owned();
        if let Some(role) = self.role {
            operation.refuses(StatusCode::UNAUTHORIZED);
            operation.refuses(StatusCode::FORBIDDEN);
            security = json!([{"bearer": []}, {"basic": []}]);
            who = format!("For the role `{}` and higher ones.", role.name());
        }
        let mut rendered = operation.render();
        rendered.insert("operationId".to_owned(), self.id().into());
        rendered.insert("summary".to_owned(), self.about.into());
        rendered.insert("description".to_owned(), who.into());
        rendered.insert("security".to_owned(), security);
        rendered
    }

    /// Such as `post-reserve-id-settle`; of a path that ends with a slash, `get-enforce-request-root`.
    fn id(&self) -> String {
        let words = self.path.split(['/', '{', '}', '*']).filter(|word| !word.is_empty() && *word != "v1");
        let root = self.path.ends_with('/').then_some("root");
        std::iter::once(self.method).chain(words).chain(root).collect::<Vec<_>>().join("-")
    }
}
