//! One operation, and the schemas that operations name.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::problem::{Document, PROBLEM_JSON};

/// What is asked for, and what is answered.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    parameters: Vec<Value>,
    body: Map<String, Value>,
    answers: BTreeMap<u16, Map<String, Value>>,
}

impl Operation {
    /// It may be refused with this status, by a problem document.
    pub(crate) fn refuses(&mut self, status: StatusCode) {
        let problem = json!({"$ref": format!("{SCHEMAS}/{}", Document::schema_name())});
        self.answers(status, PROBLEM_JSON, problem);
    }

    /// It may be answered with this status, by a text of this type.
    pub(crate) fn answers(&mut self, status: StatusCode, media_type: &str, schema: Value) {
        let content = self.answers.entry(status.as_u16()).or_default();
        content.insert(media_type.to_owned(), json!({"schema": schema}));
    }

    /// It may be answered with this status alone.
    pub(crate) fn answers_nothing(&mut self, status: StatusCode) {
        self.answers.entry(status.as_u16()).or_default();
    }

    /// It takes a body of this type; of one of them where it takes several.
    pub(crate) fn takes(&mut self, media_type: &str, schema: Value) {
        self.body.insert(media_type.to_owned(), json!({"schema": schema}));
    }

    /// It takes a value in the `path`, the `query` or a `header`.
    pub(crate) fn takes_parameter(&mut self, place: &str, name: &str, is_required: bool, mut schema: Value) {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({"name": name, "in": place, "required": is_required, "schema": schema});
        if let (Some(description), Some(parameter)) = (description, parameter.as_object_mut()) {
            parameter.insert("description".to_owned(), description);
        }
        self.parameters.push(parameter);
    }

    /// As it stands in the document.
    pub(super) fn render(self) -> Map<String, Value> {
        let mut rendered = Map::new();
        if !self.parameters.is_empty() {
            rendered.insert("parameters".to_owned(), self.parameters.into());
        }
        if !self.body.is_empty() {
            rendered.insert("requestBody".to_owned(), json!({"required": true, "content": self.body}));
        }
        let answers = self.answers.into_iter().map(|(status, content)| (status.to_string(), answer(status, content)));
        rendered.insert("responses".to_owned(), answers.collect());
        rendered
    }
}

fn answer(status: u16, content: Map<String, Value>) -> Value {
    let retry_after = (status == 429).then_some("retry-after");
    let reference = |name| (name, json!({"$ref": format!("#/components/headers/{name}")}));
    let headers: BTreeMap<_, _> = std::iter::once("x-request-id").chain(retry_after).map(reference).collect();
    if content.is_empty() {
        return json!({"description": meaning(status), "headers": headers});
    }
    json!({"description": meaning(status), "headers": headers, "content": content})
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "The answer; of a decision, whether yes or no",
        204 => "Yes",
        401 => "No token is shown that the service knows",
        403 => "The answer is no, or the token is not for that",
        404 => "There is none of that name",
        408 => "The body did not come in time",
        409 => "It does not go with what is there",
        413 => "The body is too long",
        415 => "The body is of another type",
        422 => "What was sent cannot be understood, or does not hold",
        429 => "The answer is no for now: a rate has no tokens left",
        503 => "Nobody could answer",
        _ => "Another answer",
    }
}

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas";

/// The schemas of all types, those that are sent and those that are answered: a member with a default may be left away in one, and is there in
/// the other.
#[derive(Debug)]
pub(crate) struct Schemas {
    asked: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        // What OpenAPI 3.1 takes.
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = SCHEMAS.into());
        let settings = settings.with_transform(RecursiveTransform(bound));
        let mut schemas = Self {
            asked: settings.clone().for_deserialize().into_generator(),
            answered: settings.for_serialize().into_generator(),
        };
        // Each refusal names it.
        schemas.answered::<Document<'static>>();
        schemas
    }

    /// The schema of what is sent.
    pub(crate) fn asked<T: JsonSchema>(&mut self) -> Value {
        self.asked.subschema_for::<T>().to_value()
    }

    /// The schema of what is answered.
    pub(crate) fn answered<T: JsonSchema>(&mut self) -> Value {
        self.answered.subschema_for::<T>().to_value()
    }

    /// The members of what is sent, each with whether it must be.
    pub(crate) fn members<T: JsonSchema>(&mut self) -> Vec<(String, bool, Value)> {
        let mut schema = T::json_schema(&mut self.asked);
        RecursiveTransform(bound).transform(&mut schema);
        let schema = schema.to_value();
        let required = |name: &str| {
            let required = schema.get("required").and_then(Value::as_array);
            required.is_some_and(|required| required.iter().any(|one| one == name))
        };
        let members = schema.get("properties").and_then(Value::as_object);
        members.into_iter().flatten().map(|(name, schema)| (name.clone(), required(name), schema.clone())).collect()
    }

    /// All that were named.
    pub(super) fn render(mut self) -> Map<String, Value> {
        let mut rendered = self.answered.take_definitions(true);
        rendered.extend(self.asked.take_definitions(true));
        rendered
    }
}

/// A number has a largest value, which the names of formats do not tell everybody.
fn bound(schema: &mut Schema) {
    if schema.get("format").is_some_and(|format| format == "uint64") {
        schema.insert("maximum".to_owned(), u64::MAX.into());
    }
}
