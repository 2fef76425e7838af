//! The component, run by wasmtime itself over the same world: without the engine, whose clock is the machine's.

use std::sync::OnceLock;

use placet_rules::counters as rules;
use placet_rules::files::FileError;
use serde_json::{Value, json};
use wasmtime::component::{Component as Compiled, HasSelf, Linker};
use wasmtime::{Engine, Store, bail};

use self::bindings::exports::placet::policy::enforcement::{Charge, Context};
use self::bindings::exports::placet::policy::licensing::Config;
use self::bindings::exports::placet::policy::types::{Attribute, Decision, Status};
use self::bindings::placet::policy::{clock, counters, files};
use self::bindings::{Policy, PolicyPre};
use crate::case::{Act, Step};
use crate::world::{World, content};
use crate::{Question, Run};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "policy",
        imports: { default: trappable },
        additional_derives: [serde::Serialize],
    });
}

pub(crate) struct Component {
    store: Store<World>,
    policy: Policy,
}

impl Component {
    pub(crate) fn new(world: World) -> Self {
        let mut store = Store::new(&compiled().0, world);
        let policy = compiled().1.instantiate(&mut store).expect("instantiates");
        Self { store, policy }
    }
}

fn compiled() -> &'static (Engine, PolicyPre<World>) {
    static COMPILED: OnceLock<(Engine, PolicyPre<World>)> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let engine = Engine::default();
        let component = Compiled::from_binary(&engine, placet_tests::rig::component()).expect("compiles");
        let mut linker = Linker::new(&engine);
        Policy::add_to_linker::<_, HasSelf<_>>(&mut linker, |world: &mut World| world).expect("links");
        let pre = linker.instantiate_pre(&component).and_then(PolicyPre::new).expect("fits");
        (engine, pre)
    })
}

impl Run for Component {
    fn world(&mut self) -> &mut World {
        self.store.data_mut()
    }

    /// In a fresh instance, which remembers nothing.
    fn load(&mut self) -> Value {
        self.policy = compiled().1.instantiate(&mut self.store).expect("instantiates");
        let world = self.store.data();
        let attributes = |list: &[placet_rules::types::Attribute]| {
            list.iter().map(|one| Attribute { name: one.name.clone(), value: one.value.clone() }).collect()
        };
        let config = Config {
            manifest: world.manifest.clone(),
            deployment: attributes(&world.deployment),
            secrets: attributes(&world.secrets),
        };
        let status = self.policy.placet_policy_licensing().call_load(&mut self.store, &config).expect("answers");
        let documents = status.documents.iter().map(|one| (one.name.clone(), one.adopted, one.recovered));
        let documents: Vec<_> = documents.collect();
        self.store.data_mut().keep(&documents);
        told(&status)
    }

    fn ask(&mut self, step: &Step) -> Value {
        let Self { store, policy } = self;
        let licensing = policy.placet_policy_licensing();
        match step.act {
            Act::Status => told(&licensing.call_current(store).expect("answers")),
            Act::Inspect => {
                let document = content(step.document.as_ref().expect("a document")).expect("a content");
                told(&licensing.call_inspect(store, &document, step.name.as_deref()).expect("answers"))
            }
            Act::Report => match licensing.call_report(store, step.tenant.as_deref()).expect("answers") {
                Ok(usage) => json!(usage),
                Err(reason) => json!({"error": reason}),
            },
            Act::Holders => {
                let (limit, tenant, after) = (&step.limit, step.tenant.as_deref(), step.after.as_deref());
                match licensing.call_holders(store, limit, tenant, after).expect("answers") {
                    Ok(holders) => json!(holders),
                    Err(reason) => json!({"error": reason}),
                }
            }
            _ => match decide(policy, store, step).expect("answers") {
                Ok(decision) => json!(decision),
                Err(reason) => json!({"error": reason}),
            },
        }
    }
}

fn told(status: &Status) -> Value {
    json!(status)
}

fn decide(policy: &Policy, store: &mut Store<World>, step: &Step) -> wasmtime::Result<Result<Decision, String>> {
    let Question { feature, charges, charge, ttl, details } = Question::of(step);
    let details = details.into_iter().map(|detail| Attribute { name: detail.name, value: detail.value }).collect();
    let context = Context { tenant: step.tenant.clone(), once: step.once.clone(), details };
    let charge = Charge { limit: charge.0, amount: charge.1 };
    let charges: Vec<Charge> = charges.into_iter().map(|(limit, amount)| Charge { limit, amount }).collect();
    let policy = policy.placet_policy_enforcement();
    match step.act {
        Act::Check => policy.call_check(store, &feature, &context),
        Act::Preview => policy.call_preview(store, &charges, &context),
        Act::Consume => policy.call_consume(store, &charges, &context),
        Act::Credit => policy.call_credit(store, &charge, &context),
        Act::Measure => policy.call_measure(store, &charge, &context),
        Act::Claim => policy.call_claim(store, &charge, &step.holder, ttl, &context),
        Act::Release => policy.call_release(store, &charge.limit, &step.holder, &context),
        act => bail!("{act:?} is no question"),
    }
}

impl clock::Host for World {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.time.get().now)
    }

    fn wall(&mut self) -> wasmtime::Result<u64> {
        Ok(self.time.get().wall)
    }

    fn read(&mut self) -> wasmtime::Result<clock::Reading> {
        let placet_rules::types::Time { now, wall } = self.time.get();
        Ok(clock::Reading { now, wall })
    }
}

impl files::Host for World {
    fn names(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(placet_rules::files::Files::names(self))
    }

    fn read(&mut self, name: String) -> wasmtime::Result<Result<Vec<u8>, files::Error>> {
        Ok(placet_rules::files::Files::read(self, &name).map_err(file_error))
    }

    fn kept(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(placet_rules::files::Files::kept(self))
    }

    fn recover(&mut self, name: String) -> wasmtime::Result<Result<Vec<u8>, files::Error>> {
        Ok(placet_rules::files::Files::recover(self, &name).map_err(file_error))
    }
}

fn file_error(error: FileError) -> files::Error {
    match error {
        FileError::NotFound => files::Error::NotFound,
        FileError::TooLarge => files::Error::TooLarge,
        FileError::Other(text) => files::Error::Other(text),
    }
}

type Answer<T> = wasmtime::Result<Result<T, counters::Error>>;

impl counters::Host for World {
    fn read(&mut self, counters: Vec<String>) -> Answer<Vec<u64>> {
        Ok(rules::Counters::read(self, &counters).map_err(counter_error))
    }

    fn add(
        &mut self,
        entries: Vec<counters::Entry>,
        draws: Vec<counters::Draw>,
        once: Option<counters::Once>,
    ) -> Answer<Vec<u64>> {
        let entries: Vec<rules::Entry> = entries
            .into_iter()
            .map(|counters::Entry { counter, amount, ceiling, slack }| rules::Entry { counter, amount, ceiling, slack })
            .collect();
        let draws: Vec<rules::Draw> = draws.into_iter().map(draw).collect();
        Ok(rules::Counters::add(self, &entries, &draws, once.map(guard).as_ref()).map_err(counter_error))
    }

    fn subtract(&mut self, portions: Vec<counters::Portion>, once: Option<counters::Once>) -> Answer<Vec<u64>> {
        let portions: Vec<rules::Portion> = portions
            .into_iter()
            .map(|counters::Portion { counter, amount }| rules::Portion { counter, amount })
            .collect();
        Ok(rules::Counters::subtract(self, &portions, once.map(guard).as_ref()).map_err(counter_error))
    }

    fn recall(&mut self, key: String) -> Answer<Option<counters::Recorded>> {
        Ok(rules::Counters::recall(self, &key).map(|found| found.map(recorded)).map_err(counter_error))
    }

    fn set(&mut self, counter: String, value: u64) -> Answer<u64> {
        Ok(rules::Counters::set(self, &counter, value).map_err(counter_error))
    }

    fn raise(&mut self, counter: String, value: u64) -> Answer<u64> {
        Ok(rules::Counters::raise(self, &counter, value).map_err(counter_error))
    }

    fn level(&mut self, bucket: counters::Draw) -> wasmtime::Result<counters::Supply> {
        let rules::Supply { tokens, wait } = rules::Counters::level(self, &draw(bucket));
        Ok(counters::Supply { tokens, wait })
    }

    fn claim(&mut self, pool: String, member: counters::Member, capacity: u64) -> Answer<u64> {
        let left = member.expires.map(|expires| expires - self.time.get().now);
        let own = rules::Own { weight: member.weight, left };
        Ok(rules::Counters::pools(self).claim(&pool, &member.holder, own, capacity).map_err(counter_error))
    }

    fn release(&mut self, pool: String, holder: String) -> Answer<u64> {
        Ok(rules::Counters::pools(self).release(&pool, &holder).map_err(counter_error))
    }

    fn place_of(&mut self, pool: String, holder: String) -> Answer<counters::Place> {
        let now = self.time.get().now;
        let own = rules::Counters::pools(self).place(&pool, &holder);
        let place = |(sum, own): (u64, Option<rules::Own>)| {
            let member = |own: rules::Own| counters::Member {
                holder,
                weight: own.weight,
                expires: own.left.map(|left| now + left),
            };
            counters::Place { sum, member: own.map(member) }
        };
        Ok(own.map(place).map_err(counter_error))
    }

    fn members(&mut self, pool: String, after: Option<String>, limit: u32) -> Answer<Vec<counters::Member>> {
        let member = |rules::Member { holder, weight, expires }| counters::Member { holder, weight, expires };
        let members = rules::Counters::pools(self).members(&pool, after.as_deref(), limit);
        Ok(members.map(|members| members.into_iter().map(member).collect()).map_err(counter_error))
    }
}

fn draw(draw: counters::Draw) -> rules::Draw {
    let counters::Draw { counter, tokens, capacity, refill, every } = draw;
    rules::Draw { counter, tokens, capacity, refill, every }
}

fn guard(once: counters::Once) -> rules::Once {
    rules::Once { key: once.key, request: once.request }
}

fn recorded(recorded: rules::Recorded) -> counters::Recorded {
    let rules::Recorded { request, entries, sums } = recorded;
    let portion = |rules::Portion { counter, amount }| counters::Portion { counter, amount };
    counters::Recorded { request, entries: entries.into_iter().map(portion).collect(), sums }
}

fn counter_error(error: rules::CounterError) -> counters::Error {
    match error {
        rules::CounterError::Exceeded { entry, current } => {
            counters::Error::Exceeded(counters::Excess { entry: u32::try_from(entry).expect("few entries"), current })
        }
        // Which of them it is and how long it lasts, the rules ask anew.
        rules::CounterError::Empty => counters::Error::Empty(counters::Shortage { draw: 0, wait: 0 }),
        rules::CounterError::Repeated(found) => counters::Error::Repeated(recorded(found)),
        rules::CounterError::Unavailable(reason) => counters::Error::Unavailable(reason),
        rules::CounterError::Other(text) => counters::Error::Other(text),
    }
}
