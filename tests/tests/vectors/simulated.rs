//! What a simulation says will come, against a run in which the same time passes and the same requests are made, hour by hour.

use std::collections::BTreeMap;

use jiff::Timestamp;
use placet::artifact::Manifest;
use placet::simulation::{Event, EventKind, Plan, Simulation, Timeline, Use};
use placet_rules::types::Time;
use placet_tests::rig::component;
use serde_json::{Value, json};

use crate::Run as _;
use crate::case::{Case, Step};
use crate::component::Component;
use crate::world::{World, content};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn at(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap()
}

/// A world that begins at an hour, with one license of the base claims and these.
fn case(from: &str, claims: Value) -> Case {
    let case = json!({ "name": "simulated", "now": at(from), "documents": { "a": { "claims": claims } }, "steps": [] });
    serde_json::from_value(case).unwrap()
}

fn simulated(case: &Case, plan: &Plan) -> Timeline {
    let world = World::new(case);
    let mut manifest: Value = serde_json::from_str(&world.manifest).unwrap();
    let imports = ["clock", "counters", "files"].map(|name| format!("placet:policy/{name}@0.1.0"));
    for (name, value) in [
        ("interface", json!("0.1.0")),
        ("imports", json!(imports)),
        ("issued", json!(0)),
        ("minimum-host", json!("0.1.0")),
        ("settings", json!({})),
    ] {
        manifest[name] = value;
    }
    let token = content(&case.documents["a"]).unwrap();
    let builder = placet::Placet::builder().license_token(token);
    let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
    let simulation = Simulation::from_component(component(), &manifest, &builder, world.time.get().now).unwrap();
    simulation.run(plan, |_| {}).unwrap()
}

/// The same requests at the same times by the component on a host of its own: when which of them were refused, and why.
fn lived(case: &Case, plan: &Plan) -> Vec<(u64, String)> {
    let mut run = Component::new(World::new(case));
    run.load();
    let begin = run.world().time.get().now;
    let mut refused = Vec::new();
    for step in 1..=(plan.until - begin) / HOUR {
        let now = begin + step * HOUR;
        run.world().time.set(Time { now, wall: now });
        for pace in &plan.usage {
            // So many that the whole never runs ahead of the pace.
            let due = |step: u64| u128::from(pace.amount) * u128::from(step * HOUR) / u128::from(pace.every);
            let units = u64::try_from(due(step) - due(step - 1)).unwrap();
            if units == 0 {
                continue;
            }
            let ask = json!({ "do": "consume", "charges": [[pace.limit, units]], "tenant": plan.tenant });
            let answer = run.ask(&serde_json::from_value::<Step>(ask).unwrap());
            let decision = answer.get("Ok").unwrap_or(&answer);
            if decision["allowed"] != json!(true) {
                refused.push((now, decision["reason"].as_str().unwrap().to_owned()));
            }
        }
    }
    refused
}

fn of_kind(timeline: &Timeline, kind: EventKind) -> Vec<&Event> {
    timeline.events.iter().filter(|event| event.kind == kind).collect()
}

fn plan(until: u64, limit: &str, amount: u64, every: u64) -> Plan {
    Plan { until, usage: vec![Use { limit: limit.to_owned(), amount, every }], tenant: None }
}

#[test]
fn the_first_refusal_and_all_others_are_those_of_a_run() {
    let limit = |terms: Value| json!({ "limits": { "t": terms } });
    for (from, claims, amount, every, days) in [
        ("2026-02-01T00:00:00Z", limit(json!({ "kind": "quota", "max": 1_000 })), 77, DAY, 20),
        // Over the end of winter time in New York, with budgets of its civil days and months.
        (
            "2026-03-06T05:00:00Z",
            limit(json!({ "kind": "quota", "max": 23, "reset": "day", "zone": "America/New_York" })),
            1,
            HOUR,
            5,
        ),
        (
            "2026-10-20T00:00:00Z",
            limit(json!({ "kind": "quota", "max": 24, "reset": "day", "zone": "Europe/Berlin" })),
            1,
            HOUR,
            9,
        ),
        (
            "2026-01-20T10:30:00Z",
            limit(json!({ "kind": "quota", "max": 300, "reset": "month", "anchor": 31 })),
            30,
            DAY,
            50,
        ),
        (
            "2026-05-01T00:00:00Z",
            limit(json!({ "kind": "gauge", "max": 40, "enforce": "overage", "allowance": "10%" })),
            3,
            DAY,
            30,
        ),
        // The license ends before its budget does.
        ("2026-12-20T00:00:00Z", limit(json!({ "kind": "quota", "max": 1_000_000 })), 5, HOUR, 20),
    ] {
        let case = case(from, claims.clone());
        let plan = plan(at(from) + days * DAY, "t", amount, every);
        let (timeline, refused) = (simulated(&case, &plan), lived(&case, &plan));
        let told = of_kind(&timeline, EventKind::Refused);
        let (first, lived_first) = (told.first().expect("something is refused"), refused.first().expect("something"));
        assert_eq!((first.at, &first.reason), (lived_first.0, &lived_first.1), "{claims}");
        let sums: BTreeMap<_, _> = timeline.refused.iter().map(|one| (&*one.limit, one.requests)).collect();
        assert_eq!(sums["t"], refused.len() as u64, "{claims}");
        assert_eq!(timeline.refused[0].first, first.at);
    }
}

#[test]
fn states_come_at_their_very_instants() {
    let case = case(
        "2026-10-01T00:00:00Z",
        json!({ "ends": "day", "zone": "America/New_York", "grace": { "expiry": "7d" },
            "features": { "sso": true, "beta": { "expires": at("2026-11-05T06:30:00Z") / 1000 } } }),
    );
    let plan = Plan { until: at("2027-02-01T00:00:00Z"), usage: Vec::new(), tenant: None };
    let timeline = simulated(&case, &plan);
    let states: Vec<_> = of_kind(&timeline, EventKind::State).iter().map(|event| (event.at, &*event.text)).collect();
    // It ends with the New York day in which 2027-01-01T00:00Z lies, which is the last of the year; warned of 30 days before.
    let end = at("2027-01-01T05:00:00Z");
    assert_eq!(
        states,
        [
            (at("2026-10-01T00:00:00Z"), "active, usable"),
            (end - 30 * DAY, "expiring, usable"),
            (end, "grace, usable"),
            (end + 7 * DAY, "expired, not usable"),
        ]
    );
    let ended: Vec<_> =
        of_kind(&timeline, EventKind::Ended).iter().map(|event| (event.at, event.subject.clone())).collect();
    assert_eq!(ended[0], (at("2026-11-05T06:30:00Z"), Some("beta".to_owned())));
    assert_eq!(timeline, simulated(&case, &plan));
}

#[test]
fn resets_are_those_of_the_civil_calendar() {
    let case = case(
        "2026-10-20T00:00:00Z",
        json!({ "limits": { "t": { "kind": "quota", "max": 100, "reset": "day", "zone": "Europe/Berlin" } } }),
    );
    let plan = plan(at("2026-10-28T12:00:00Z"), "t", 24, DAY);
    let timeline = simulated(&case, &plan);
    let resets: Vec<_> = of_kind(&timeline, EventKind::Reset).iter().map(|event| event.at).collect();
    // Midnight in Berlin; the day of 2026-10-25 has 25 hours.
    let days = (20..=27).map(|day| at(&format!("2026-10-{day}T{}:00:00Z", if day < 25 { 22 } else { 23 })));
    assert_eq!(resets, days.collect::<Vec<_>>());
    let after = &of_kind(&timeline, EventKind::Reset)[5].text;
    assert!(after.contains("25 of 100"), "{after}");
}
