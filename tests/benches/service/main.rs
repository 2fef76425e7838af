//! What a decision costs over HTTP: `scripts/bench --bench service`.
//!
//! `placet serve`, with all that it does for a request, beside a handler of the same web framework that answers a text of the same length
//! and does nothing else: what is left of the rate is what deciding leaves of it. Both are asked by wrk over loopback, in short turns, and
//! each figure is the median over the rounds. The machine is shared by client and contenders, so that it must have nothing else to do.

mod contenders;
mod wrk;

use mimalloc::MiMalloc;
use placet_sidecar::{Role, new_token};
use placet_tests::rig::{Site, claims};
use serde_json::json;

use crate::contenders::Contender;
use crate::wrk::{Load, Wrk};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// So often is it everyone's turn.
const ROUNDS: usize = 7;

/// A question, and the share of the rate that is to be left.
struct Question {
    name: &'static str,
    path: &'static str,
    body: &'static str,
    goal: f64,
}

const QUESTIONS: [Question; 2] = [
    Question { name: "check", path: "/v1/check", body: r#"{"feature":"sso"}"#, goal: 0.85 },
    Question {
        name: "consume, blocks of 10,000",
        path: "/v1/consume",
        body: r#"{"charges":[{"limit":"tokens","amount":1}]}"#,
        goal: 0.7,
    },
];

/// `scripts/bench --bench service -- check` measures that question alone.
fn main() {
    contenders::be_one();
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let site = Site::default();
    let mut license = claims("lic_1");
    license["limits"] = json!({"tokens": {"kind": "quota", "max": u64::MAX, "slack": 10_000}});
    site.license(&license);
    let made = new_token(Role::Caller, "bench", &[]).expect("a token");
    site.put("credentials.yaml", made.entry);
    let service = Contender::service(&site);
    // So that the sum, and with it the answer, has its length from the first unit on.
    service.asked(&made.token, "/v1/consume", r#"{"charges":[{"limit":"tokens","amount":1000000000}]}"#);
    println!("answers per second, and milliseconds for 99 of 100; as a share of what a constant answer has");
    for question in
        QUESTIONS.iter().filter(|one| asked.is_empty() || asked.iter().any(|asked| one.name.contains(&**asked)))
    {
        let answer = service.asked(&made.token, question.path, question.body);
        assert!(answer.contains(r#""allowed":true"#), "{answer}");
        let constant = Contender::constant(question.path, &site.put("answer.json", &answer));
        let wrk = Wrk::new(&site, &made.token, question.path, question.body);
        for connections in [1, 64] {
            let mut loads = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                for (loads, contender) in loads.iter_mut().zip([&service, &constant]) {
                    loads.push(wrk.ask(contender.address, connections));
                }
            }
            report(question, connections, &loads);
        }
        let answer = service.asked(&made.token, question.path, question.body);
        assert!(answer.contains(r#""allowed":true"#), "{answer}");
    }
}

fn report(question: &Question, connections: u32, [service, constant]: &[Vec<Load>; 2]) {
    let [ours, theirs] =
        [service, constant].map(|loads| (median(loads, |load| load.rate), median(loads, |load| load.most)));
    println!(
        "{}, {connections} connections: {:.0} of {:.0}, {:.2} (goal: {}); {:.3} ms of {:.3} ms, {:.2}",
        question.name,
        ours.0,
        theirs.0,
        ours.0 / theirs.0,
        question.goal,
        ours.1 / 1e3,
        theirs.1 / 1e3,
        ours.1 / theirs.1,
    );
}

fn median(loads: &[Load], of: impl Fn(&Load) -> f64) -> f64 {
    let mut values: Vec<_> = loads.iter().map(of).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
