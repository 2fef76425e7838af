//! State and decision as data: each case of `vectors/` is answered by the rules natively and by the component, with equal records and
//! equal counters, and as the case expects.

mod buckets;
mod case;
mod component;
mod expect;
mod genuine;
mod mutations;
mod native;
#[path = "../../../guest/rules/tests/decide/pools.rs"]
mod pools;
mod rates;
mod records;
mod simulated;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use placet_rules::duration;
use placet_rules::types::Attribute;
use serde_json::Value;

use crate::case::{Act, Case, Step};
use crate::component::Component;
use crate::native::Native;
use crate::world::World;

#[test]
fn every_case_is_answered_as_it_expects_natively_and_by_the_component() {
    let wrong: Vec<String> = cases().iter().flat_map(run).collect();
    assert!(wrong.is_empty(), "{} answers are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn there_are_many_cases_and_each_has_a_name_of_its_own() {
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| &*case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 500, "{}", cases.len());
}

#[test]
fn every_question_expects_a_reason_as_well() {
    for case in cases() {
        let questions = case
            .steps
            .iter()
            .filter(|step| !matches!(step.act, Act::Report | Act::Holders | Act::Counters | Act::Load | Act::Restart));
        for expected in questions.filter_map(|step| step.expect.as_ref()) {
            let told = ["reason", "error", "state"].iter().any(|name| expected[name].is_string());
            assert!(told, "{}: {expected}", case.name);
        }
    }
}

/// A policy over a world.
trait Run {
    fn world(&mut self) -> &mut World;
    /// Reads all documents anew, remembering nothing; the status.
    fn load(&mut self) -> Value;
    /// The whole answer to a question.
    fn ask(&mut self, step: &Step) -> Value;
}

/// What a step asks, in words that both runs know.
struct Question {
    feature: String,
    charges: Vec<(String, u64)>,
    charge: (String, u64),
    ttl: Option<u64>,
    details: Vec<Attribute>,
}

impl Question {
    fn of(step: &Step) -> Self {
        let named = |name: &str| step.long.map_or_else(|| name.to_owned(), |length| "x".repeat(length));
        Self {
            feature: named(&step.feature),
            charges: step.charges.iter().map(|(limit, amount)| (named(limit), *amount)).collect(),
            charge: (named(&step.limit), step.amount),
            ttl: step.ttl.as_deref().map(|ttl| duration::parse(ttl).expect("a length of time")),
            details: step.details.iter().map(|(name, value)| Attribute::new(name, value)).collect(),
        }
    }
}

/// Every case of every file.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let read = |path: &Path| -> Vec<Case> {
        let text = std::fs::read_to_string(path).expect("reads");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.iter().flat_map(|path| read(path)).collect()
}

/// Runs a case both ways; what is wrong.
fn run(case: &Case) -> Vec<String> {
    let world = World::new(case);
    let mut native = Native::new(world.clone());
    let mut component = Component::new(world);
    let mut wrong = Vec::new();
    equal(&case.name, "load", native.load(), component.load(), &mut wrong);
    for (index, step) in case.steps.iter().enumerate() {
        let at = format!("step {} ({:?})", index + 1, step.act);
        let (one, other) = (answer(&mut native, step), answer(&mut component, step));
        let answered = equal(&case.name, &at, one, other, &mut wrong);
        match (&step.expect, answered) {
            (Some(expected), Some(answer)) => wrong.extend(
                expect::differences(expected, &answer).map(|difference| format!("{}: {at}: {difference}", case.name)),
            ),
            (None, Some(_)) if !matches!(step.act, Act::Load | Act::Restart) => {
                wrong.push(format!("{}: {at} expects nothing", case.name))
            }
            _ => {}
        }
    }
    let (one, other) = (native.world().counters(), component.world().counters());
    equal(&case.name, "the end", Some(one), Some(other), &mut wrong);
    wrong
}

/// None: a change of the world, which answers nothing.
fn answer(run: &mut dyn Run, step: &Step) -> Option<Value> {
    match step.act {
        Act::Wait | Act::Clock | Act::Put | Act::Take | Act::Break => {
            run.world().change(step);
            None
        }
        Act::Load => Some(run.load()),
        Act::Restart => {
            run.world().change(step);
            Some(run.load())
        }
        Act::Counters => Some(run.world().held()),
        _ => Some(run.ask(step)),
    }
}

/// The answer, if it is the same.
fn equal<T: Into<Option<Value>>>(
    name: &str,
    at: &str,
    native: T,
    component: T,
    wrong: &mut Vec<String>,
) -> Option<Value> {
    let (native, component) = (native.into(), component.into());
    if native != component {
        wrong.push(format!("{name}: {at}: natively {native:?}\nby the component {component:?}"));
        return None;
    }
    native
}
