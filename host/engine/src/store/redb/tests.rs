//! The file against the model, over random histories and restarts; races; the lock.

use std::sync::Arc;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::bindings::placet::policy::counters::{Excess, Shortage};
use crate::store::{MAX_ITEMS, MAX_NAME, MAX_ONCE_REQUEST, MemoryStore, ONCE_KEPT, ONCE_NEWEST};

const NS: &str = "acme/router";

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

fn entry(counter: &str, amount: u64, ceiling: u64) -> Entry {
    Entry { counter: counter.to_owned(), amount, ceiling, slack: 0 }
}

fn portion(counter: &str, amount: u64) -> Portion {
    Portion { counter: counter.to_owned(), amount }
}

fn once(key: &str) -> Option<Once> {
    Some(Once { key: key.to_owned(), request: format!("request of {key}") })
}

fn draw(tokens: u64) -> Draw {
    Draw { counter: "bucket".to_owned(), tokens, capacity: 20, refill: 2, every: 3 }
}

fn store() -> (tempfile::TempDir, RedbStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RedbStore::open(dir.path()).unwrap();
    store.start(0);
    (dir, store)
}

fn held(store: &dyn Store, counter: &str) -> u64 {
    store.read(NS, &[counter.to_owned()]).unwrap()[0]
}

fn exceeded(entry: u32, current: u64) -> Error {
    Error::Exceeded(Excess { entry, current })
}

#[derive(Clone, Debug)]
enum Call {
    Add(Vec<(u8, u64, u64)>, Vec<u64>, Option<u8>),
    Subtract(Vec<(u8, u64)>, Option<u8>),
    Set(u8, u64),
    Raise(u8, u64),
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
    let key = || prop::option::weighted(0.4, 0_u8..6);
    prop_oneof![
        6 => (prop::collection::vec((0_u8..4, amount(), ceiling()), 0..4), prop::collection::vec(0_u64..12, 0..3), key())
            .prop_map(|(entries, draws, key)| Call::Add(entries, draws, key)),
        3 => (prop::collection::vec((0_u8..4, 0_u64..40), 0..4), key())
            .prop_map(|(portions, key)| Call::Subtract(portions, key)),
        1 => (0_u8..4, amount()).prop_map(|(counter, value)| Call::Set(counter, value)),
        1 => (0_u8..4, amount()).prop_map(|(counter, value)| Call::Raise(counter, value)),
        3 => (0_u8..4, 0_u64..9, prop::option::of(1_u64..40), 0_u64..20)
            .prop_map(|(holder, weight, term, capacity)| Call::Claim(holder, weight, term, capacity)),
        1 => (0_u8..4).prop_map(Call::Release),
        1 => (0_u8..3, any::<u8>()).prop_map(|(name, content)| Call::Keep(name, content)),
        1 => (0_u8..3).prop_map(Call::Forget),
        1 => (0_u64..5).prop_map(Call::Floor),
        1 => prop::option::of(any::<u8>()).prop_map(Call::Value),
        1 => Just(Call::Restart),
    ]
}

/// One call, told as text, so that two stores can be compared by what they say.
fn ask(store: &dyn Store, call: &Call, moment: Moment) -> String {
    let name = |counter: u8| format!("c{counter}");
    let key = |key: Option<u8>| key.and_then(|key| once(&key.to_string()));
    match call.clone() {
        Call::Add(entries, draws, once) => {
            let entries = entries.into_iter().map(|(counter, amount, ceiling)| entry(&name(counter), amount, ceiling));
            let draws = draws.into_iter().map(draw).collect();
            format!("{:?}", store.add(NS, entries.collect(), draws, key(once), moment))
        }
        Call::Subtract(portions, once) => {
            let portions = portions.into_iter().map(|(counter, amount)| portion(&name(counter), amount)).collect();
            format!("{:?}", store.subtract(NS, portions, key(once), moment))
        }
        Call::Set(counter, value) => format!("{:?}", store.set(NS, &name(counter), value, moment)),
        Call::Raise(counter, value) => format!("{:?}", store.raise(NS, &name(counter), value, moment)),
        Call::Claim(holder, weight, term, capacity) => {
            let expires = term.map(|term| moment.now + term);
            let member = Member { holder: name(holder), weight, expires };
            format!("{:?}", store.claim(NS, "pool", member, capacity, moment))
        }
        Call::Release(holder) => format!("{:?}", store.release(NS, "pool", &name(holder), moment)),
        Call::Keep(document, content) => format!("{:?}", store.keep(NS, &name(document), &[content], moment.mark)),
        Call::Forget(document) => format!("{:?}", store.forget(NS, &name(document), moment.mark)),
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
    let names: Vec<String> = (0..4).map(|counter| format!("c{counter}")).collect();
    let once: Vec<_> = (0..6).map(|key| store.recall(NS, &key.to_string()).unwrap()).collect();
    let documents: Vec<_> = (0..3).map(|document| store.recover(NS, &format!("c{document}")).unwrap()).collect();
    format!(
        "{:?}",
        (
            (store.read(NS, &names).unwrap(), store.read("another", &names).unwrap(), once, store.mark().unwrap()),
            (store.members(NS, "pool", moment).unwrap(), store.level(NS, &draw(0), moment)),
            (store.kept(NS).unwrap(), documents, store.floor(NS).unwrap(), store.value("key").unwrap()),
            (store.counters(NS, "c", Some("c0"), 2).unwrap(), store.counters(NS, "", None, 9).unwrap()),
        )
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(std::env::var("PROPTEST_CASES").map_or(40, |cases| cases.parse().unwrap())))]

    #[test]
    fn every_history_is_answered_as_the_model_answers_it(
        history in prop::collection::vec((call(), 0_u64..20, 0_u64..5), 1..60)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = MemoryStore::default();
        let mut store = Some(RedbStore::open(dir.path()).unwrap());
        model.start(0);
        store.as_ref().unwrap().start(0);
        let mut moment = at(0);
        for (call, step, ahead) in history {
            let mark = moment.mark + step;
            moment = Moment { now: mark + ahead, mark };
            if matches!(call, Call::Restart) {
                // Closed before it is opened again.
                drop(store.take());
                let reopened = RedbStore::open(dir.path()).unwrap();
                reopened.start(moment.mark);
                model.restart(moment.mark);
                store = Some(reopened);
            }
            let store = store.as_ref().unwrap();
            prop_assert_eq!(ask(store, &call, moment), ask(&model, &call, moment), "{:?}", call);
            prop_assert_eq!(told(store, moment), told(&model, moment), "after {:?}", call);
        }
    }
}
