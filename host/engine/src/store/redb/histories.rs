//! The file against the model, over random histories: calls of every kind, reservations, clocks that jump, periods that change, restarts.

use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::disk::Disk;
use super::*;
use crate::store::{Ends, Last, MemoryStore, Settlement};

const NS: &str = "acme/router";

/// A period of the limits in these histories, in milliseconds.
const PERIOD: u64 = 50_000;

#[derive(Clone, Debug)]
enum Call {
    Add(Vec<(u8, u64, u64, u64)>, Vec<u64>, Option<u8>),
    Subtract(Vec<(u8, u64)>, Option<u8>),
    Set(u8, u64),
    Raise(u8, u64),
    Reserve { id: u8, entries: Vec<(u8, u64, u64, u64)>, key: Option<u8>, term: u64 },
    Settle { id: u8, back: u64, excess: u64, entries: Vec<(u8, u64, u64, u64)>, stale: bool },
    Anchor(u8, u64),
    Claim(u8, u64, Option<u64>, u64),
    Release(u8),
    Keep(u8, u8),
    Forget(u8),
    Floor(u64),
    Value(Option<u8>),
    Restart,
}

fn call() -> impl Strategy<Value = Call> {
    let amount = || prop_oneof![8 => 0_u64..30, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 20)];
    let ceiling = || prop_oneof![6 => 0_u64..100, 2 => Just(u64::MAX)];
    let slack = || prop_oneof![2 => Just(0_u64), 3 => 0_u64..50, 1 => Just(u64::MAX)];
    let key = || prop::option::weighted(0.4, 0_u8..6);
    let entries = move || prop::collection::vec((0_u8..4, amount(), ceiling(), slack()), 0..4);
    prop_oneof![
        6 => (entries(), prop::collection::vec(0_u64..12, 0..3), key())
            .prop_map(|(entries, draws, key)| Call::Add(entries, draws, key)),
        6 => (0_u8..3, 0_u64..9, prop_oneof![0_u64..200, Just(u64::MAX)], 1_u64..50)
            .prop_map(|entry| Call::Add(vec![entry], vec![], None)),
        3 => (prop::collection::vec((0_u8..4, 0_u64..40), 0..4), key())
            .prop_map(|(portions, key)| Call::Subtract(portions, key)),
        1 => (0_u8..4, amount()).prop_map(|(counter, value)| Call::Set(counter, value)),
        1 => (0_u8..4, amount()).prop_map(|(counter, value)| Call::Raise(counter, value)),
        4 => (0_u8..4, entries(), key(), 0_u64..100)
            .prop_map(|(id, entries, key, term)| Call::Reserve { id, entries, key, term }),
        3 => (0_u8..4, 0_u64..30, 0_u64..9, entries(), prop::bool::weighted(0.1))
            .prop_map(|(id, back, excess, entries, stale)| Call::Settle { id, back, excess, entries, stale }),
        1 => (0_u8..4, 0_u64..400).prop_map(|(id, time)| Call::Anchor(id, time)),
        4 => (0_u8..6, 0_u64..9, prop::option::of(1_u64..40), 0_u64..20)
            .prop_map(|(holder, weight, term, capacity)| Call::Claim(holder, weight, term, capacity)),
        1 => (0_u8..6).prop_map(Call::Release),
        1 => (0_u8..3, any::<u8>()).prop_map(|(name, content)| Call::Keep(name, content)),
        1 => (0_u8..3).prop_map(Call::Forget),
        1 => (0_u64..5).prop_map(Call::Floor),
        1 => prop::option::of(any::<u8>()).prop_map(Call::Value),
        1 => Just(Call::Restart),
    ]
}

/// The counter of a period, or one that is the policy's own.
fn name(counter: u8, moment: Moment) -> String {
    if counter == 0 { "own/c".to_owned() } else { format!("use/c{counter}///{}/", moment.now / PERIOD) }
}

fn entries(entries: Vec<(u8, u64, u64, u64)>, moment: Moment) -> Vec<Entry> {
    let entry = |(counter, amount, ceiling, slack)| Entry { counter: name(counter, moment), amount, ceiling, slack };
    entries.into_iter().map(entry).collect()
}

fn once(key: Option<u8>) -> Option<Once> {
    key.map(|key| Once { key: key.to_string(), request: format!("request of {key}") })
}

fn draw(tokens: u64) -> Draw {
    Draw { counter: "bucket".to_owned(), tokens, capacity: 10, refill: 2, every: 3 }
}

/// Settles from where it stands, or from where it stood never.
fn settling(standing: Standing, id: &str, back: u64, excess: u64, stale: bool) -> Settling {
    let (reserved, open) = match &standing {
        Standing::Open(reserved) => (Some(reserved), true),
        Standing::Ended(reserved) => (Some(reserved), false),
        Standing::Settled(_) => (None, false),
    };
    let entries = reserved.map(|reserved| reserved.entries.clone()).unwrap_or_default();
    let take = |entry: Portion| Portion { amount: entry.amount.min(back), ..entry };
    let settlement = Settlement {
        id: id.to_owned(),
        reason: "settled".to_owned(),
        limit: "c".to_owned(),
        tenant: None,
        reserved: 0,
        actual: back,
        charged: back,
        unbilled: excess,
        denied: None,
    };
    Settling {
        back: if open { entries.into_iter().map(take).collect() } else { Vec::new() },
        excess: (excess > 0).then(|| Portion { counter: "excess/c1////".to_owned(), amount: excess }),
        from: if stale { Standing::Settled(settlement.clone()) } else { standing },
        settlement,
    }
}

/// One call, told as text, so that two stores can be compared by what they say.
fn ask(store: &dyn Store, last: &mut Last, call: &Call, moment: Moment) -> String {
    let holder = |holder: u8| format!("c{holder}");
    match call.clone() {
        Call::Add(added, draws, key) => {
            let draws = draws.into_iter().map(draw).collect();
            format!("{:?}", last.add((store, NS), entries(added, moment), draws, once(key), None, moment))
        }
        Call::Subtract(portions, key) => {
            let portion = |(counter, amount)| Portion { counter: name(counter, moment), amount };
            let portions = portions.into_iter().map(portion).collect();
            format!("{:?}", store.subtract(NS, portions, once(key), moment))
        }
        Call::Set(counter, value) => format!("{:?}", store.set(NS, &name(counter, moment), value, moment)),
        Call::Raise(counter, value) => format!("{:?}", store.raise(NS, &name(counter, moment), value, moment)),
        Call::Reserve { id, entries: added, key, term } => {
            let reserved = Reserved {
                limit: "c".to_owned(),
                amount: term,
                tenant: None,
                details: Vec::new(),
                entries: Vec::new(),
                ends: Ends::after(term, moment),
            };
            let id = format!("r{id}");
            if added.is_empty() && key.is_none() {
                return format!("{:?}", store.reserve(NS, &id, reserved, moment));
            }
            let part = Some(Part::Reserve(id, reserved));
            format!("{:?}", store.add(NS, entries(added, moment), vec![], once(key), part, moment))
        }
        Call::Settle { id, back, excess, entries: added, stale } => {
            let id = format!("r{id}");
            let Some(standing) = store.reservation(NS, &id, moment).unwrap() else { return "unknown".to_owned() };
            let settling = settling(standing, &id, back, excess, stale);
            if added.is_empty() {
                return format!("{:?}", store.settle(NS, &id, settling, moment));
            }
            let part = Some(Part::Settle(id, Box::new(settling)));
            format!("{:?}", store.add(NS, entries(added, moment), vec![], None, part, moment))
        }
        Call::Anchor(id, time) => format!("{:?}", store.anchor(NS, &id.to_string(), time, moment.mark)),
        Call::Claim(number, weight, term, capacity) => {
            let expires = term.map(|term| moment.now + term);
            let member = Member { holder: holder(number), weight, expires };
            format!("{:?}", store.claim(NS, "pool", member, capacity, moment))
        }
        Call::Release(number) => format!("{:?}", store.release(NS, "pool", &holder(number), moment)),
        Call::Keep(document, content) => format!("{:?}", store.keep(NS, &holder(document), &[content], moment.mark)),
        Call::Forget(document) => format!("{:?}", store.forget(NS, &holder(document), moment.mark)),
        Call::Floor(sequence) => {
            format!("{:?}", store.raise_floor(NS, Floor { sequence, hash: [moment.now as u8; 32] }, moment.mark))
        }
        Call::Value(value) => {
            format!("{:?}", store.put_value("key", value.as_ref().map(std::slice::from_ref), moment.mark))
        }
        Call::Restart => String::new(),
    }
}

/// Everything that can be read of a store.
fn told(store: &dyn Store, moment: Moment) -> String {
    let names: Vec<String> = (0..4).map(|counter| name(counter, moment)).collect();
    let once: Vec<_> = (0..6).map(|key| store.recall(NS, &key.to_string()).unwrap()).collect();
    let documents: Vec<_> = (0..3).map(|document| store.recover(NS, &format!("c{document}")).unwrap()).collect();
    let pool = (
        (0..6).map(|holder| store.place(NS, "pool", &format!("c{holder}"), moment).unwrap()).collect::<Vec<_>>(),
        store.members(NS, "pool", None, 99, moment).unwrap(),
        store.members(NS, "pool", Some("c1"), 1, moment).unwrap(),
        store.pools(NS, None, 9, moment).unwrap(),
        store.pools(NS, Some("pool"), 9, moment).unwrap(),
    );
    let reservations: Vec<_> = (0..4).map(|id| store.reservation(NS, &format!("r{id}"), moment).unwrap()).collect();
    format!(
        "{:?}",
        (
            (store.read(NS, &names, moment).unwrap(), store.read("another", &names, moment).unwrap(), once),
            (pool, store.level(NS, &draw(0), moment), reservations),
            (store.kept(NS).unwrap(), documents, store.floor(NS).unwrap(), store.value("key").unwrap()),
            (store.counters(NS, "use/", Some("use/c1"), 2).unwrap(), store.counters(NS, "", None, 99).unwrap()),
        )
    )
}

/// How far a clock goes on: mostly a little, at times to another day.
fn step(little: u64) -> impl Strategy<Value = u64> {
    prop_oneof![19 => 0..little, 1 => 0_u64..100_000]
}

/// Calls, and how far the clocks go on before each: the confirmed time, and the time to judge by ahead of it.
fn history() -> impl Strategy<Value = Vec<(Call, u64, u64)>> {
    prop::collection::vec((call(), step(20), step(5)), 1..60)
}

fn is_answered_alike(history: Vec<(Call, u64, u64)>) -> Result<(), TestCaseError> {
    let disk = Disk::new();
    let mut model = MemoryStore::default();
    let mut store = Some(RedbStore::open_with(disk.clone()).unwrap());
    model.start(0);
    store.as_ref().unwrap().start(0);
    // Each call is of one of two callers.
    let mut lasts = [Last::default(), Last::default()];
    let mut moment = Moment { now: 0, mark: 0 };
    for (call, step, ahead) in history {
        lasts.swap(0, step as usize % 2);
        let mark = moment.mark + step;
        // The time to judge by may be ahead of the confirmed one, and is taken back.
        moment = Moment { now: mark + ahead, mark };
        if matches!(call, Call::Restart) {
            // Closed before it is opened again.
            drop(store.take());
            store = Some(RedbStore::open_with(disk.clone()).unwrap());
            store.as_ref().unwrap().start(mark);
            model.restart(mark);
            lasts = Default::default();
        }
        let store = store.as_ref().unwrap();
        let answer = ask(store, &mut lasts[0], &call, moment);
        prop_assert_eq!(&answer, &ask(&model, &mut Last::default(), &call, moment), "{:?}", call);
        // An anchor that was taken sets the confirmed time, which may go back.
        if let Call::Anchor(_, time) = call
            && answer == "Ok(true)"
        {
            moment = Moment { now: time + ahead, mark: time };
        }
        prop_assert_eq!(told(store, moment), told(&model, moment), "after {:?}", call);
        // What is counted in memory leaves the mark to the next commit.
        prop_assert!(store.mark().unwrap() <= model.mark().unwrap(), "after {:?}", call);
    }
    Ok(())
}

#[test]
fn every_history_is_answered_as_the_model_answers_it() {
    let threads = thread::available_parallelism().map_or(1, usize::from) as u32;
    let config = Config { failure_persistence: None, ..Config::with_cases(cases().div_ceil(threads)) };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| TestRunner::new(config.clone()).run(&history(), is_answered_alike).unwrap());
        }
    });
}

fn cases() -> u32 {
    if std::env::var_os("PLACET_LONG").is_some() { 100_000 } else { 10_000 }
}
