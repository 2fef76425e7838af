//! Names in JSON are the names of the interface: what is sent here is made from `wit/`, and what comes back is compared with it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};
use wit_parser::{Resolve, Type, TypeDefKind};

use crate::service::Site;

/// Each function of `enforcement` that takes a body, and where it is asked.
const FUNCTIONS: [(&str, &str); 6] = [
    ("check", "/v1/check"),
    ("preview", "/v1/preview"),
    ("consume", "/v1/consume"),
    ("credit", "/v1/credit"),
    ("measure", "/v1/measure"),
    ("claim", "/v1/seats"),
];

#[test]
fn each_parameter_is_a_member_and_each_field_of_a_decision_comes_back() {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let enforcement = resolve.interfaces.iter().find(|(_, one)| one.name.as_deref() == Some("enforcement")).unwrap().1;
    let asked: BTreeSet<&str> = FUNCTIONS.iter().map(|(function, _)| *function).collect();
    let all: BTreeSet<&str> = enforcement.functions.keys().map(String::as_str).collect();
    // `release` is a DELETE, which has a query in place of a body.
    assert_eq!(all.difference(&asked).copied().collect::<Vec<_>>(), ["release"]);

    let site = Site::new();
    let service = site.serve(&[]);
    for (function, path) in FUNCTIONS {
        let function = &enforcement.functions[function];
        let body: Map<_, _> =
            function.params.iter().map(|param| (param.name.clone(), sample(&resolve, &param.ty))).collect();
        let answer = service.post(path, &Value::Object(body.clone()));
        assert_eq!(answer.status, 200, "{path}: {body:?}: {answer:?}");
        assert_names(&resolve, "decision", &answer.json());
    }
    let charges = json!({"charges": [{"limit": "tokens", "amount": 990}]});
    let decision = service.post("/v1/consume", &charges).json();
    assert_names(&resolve, "usage", &decision["usage"][0]);
    assert_names(&resolve, "warning", &decision["warnings"][0]);
    let claim = json!({"charge": {"limit": "cores", "amount": 1}, "holder": "m1"});
    service.post("/v1/seats", &claim);
    assert_names(&resolve, "holder", &service.get("/v1/seats?limit=cores").json()[0]);
}

/// The members are the fields of the record, neither more nor fewer.
fn assert_names(resolve: &Resolve, record: &str, value: &Value) {
    let definition = resolve.types.iter().find(|(_, one)| one.name.as_deref() == Some(record)).unwrap().1;
    let TypeDefKind::Record(fields) = &definition.kind else { panic!("{record} is no record") };
    let expected: BTreeSet<&str> = fields.fields.iter().map(|field| &*field.name).collect();
    let found: BTreeSet<&str> =
        value.as_object().unwrap_or_else(|| panic!("{record}: {value}")).keys().map(String::as_str).collect();
    assert_eq!(found, expected, "{record}");
}

/// A value of a type, with nothing left out.
fn sample(resolve: &Resolve, ty: &Type) -> Value {
    match ty {
        Type::String => json!("sso"),
        Type::U64 => json!(1),
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Record(record) => record
                .fields
                .iter()
                .map(|field| (field.name.clone(), sample(resolve, &field.ty)))
                .collect::<Map<_, _>>()
                .into(),
            TypeDefKind::List(element) => json!([sample(resolve, element)]),
            TypeDefKind::Option(inner) => sample(resolve, inner),
            TypeDefKind::Type(inner) => sample(resolve, inner),
            kind => panic!("no sample of {kind:?}"),
        },
        ty => panic!("no sample of {ty:?}"),
    }
}
