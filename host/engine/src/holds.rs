//! Holds: the policy says of an answer until when, and charged to what, it may be repeated; the host then repeats it without asking.
//!
//! What is repeated is what the policy would answer. An answer that counts takes its units from the block of its counter, and ends with it: whatever
//! else changes the counter closes the block. Answers are held for the documents that they were given for, and go with them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::Decision;
use crate::bindings::exports::placet::policy::enforcement::Context;
use crate::bindings::exports::placet::policy::types::{Hold, Meter};
use crate::clock::{Clock, Reading};
use crate::program::Lent;
use crate::request::Question;
use crate::store::{Block, Counted, Take};

/// So many answers are held at the most.
const MOST: usize = 1_000;
/// Bytes of an answer, as JSON, at the most.
const LARGEST: usize = 4_096;
/// Bytes of a tenant's name, and of a feature's or limit's.
const LONGEST: usize = 256;
/// A clock that is this much behind, in milliseconds, is one that was set back: the policy is asked what that means.
const LAG: u64 = 1_000;

/// A full table is cleared no sooner, in milliseconds: who asks about ever others is better off without.
const CLEARED: u64 = 60_000;

/// The answers that are held.
#[derive(Default)]
pub(crate) struct Holds {
    checks: RwLock<Table>,
    charges: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    /// By what is asked, and for which tenant; empty: for none.
    held: HashMap<String, HashMap<String, Arc<Held>>>,
    /// How many these are.
    count: usize,
    /// When it was cleared.
    cleared: u64,
}

struct Held {
    decision: Decision,
    from: u64,
    until: u64,
    charge: Option<Charge>,
}

/// What a repetition takes.
struct Charge {
    block: Arc<Block>,
    ceiling: u64,
    slack: u64,
    /// The usage that shows it, and how far that is ahead of the counter.
    usage: usize,
    ahead: u64,
}

/// What is asked, as far as its answer may be held.
struct Asked<'a> {
    table: &'a RwLock<Table>,
    subject: &'a str,
    tenant: &'a str,
    /// None: nothing is counted.
    amount: Option<u64>,
}

/// What the policy has asked the host for while it answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// The latest time that it was told.
    pub(crate) at: Option<u64>,
    /// What it took from a block.
    pub(crate) counted: Option<Counted<'a>>,
    /// It asked the counters.
    pub(crate) has_asked: bool,
}

impl Holds {
    /// The answer, where one is held; it has counted.
    pub(crate) fn repeat(&self, question: &Question<'_>, context: &Context, lent: &Lent) -> Option<Decision> {
        let Asked { table, subject, tenant, amount } = self.asked(question, context)?;
        let held = table.read().unwrap_or_else(PoisonError::into_inner).get(subject, tenant)?.clone();
        let now = lent.clock.read();
        if !held.is_at(now) {
            return None;
        }
        let (Some(Charge { block, ceiling, slack, usage, ahead }), Some(amount)) = (&held.charge, amount) else {
            return Some(held.decision.clone());
        };
        // What is due is freed first; where that fails the policy is told.
        lent.store.free_due(now.moment()).ok()?;
        let Take::Taken(sum) = block.take(amount, *ceiling, *slack) else { return None };
        let mut decision = held.decision.clone();
        decision.usage.get_mut(*usage)?.used = sum.saturating_add(*ahead);
        Some(decision)
    }

    /// Holds an answer as the policy says. What the policy has read before it counted is still so as long as the block is open that it counted in.
    pub(crate) fn keep(
        &self,
        question: &Question<'_>,
        context: &Context,
        decision: &Decision,
        hold: &Hold,
        Seen { at, counted, has_asked }: Seen<'_>,
        clock: &Clock,
    ) {
        let (Some(Asked { table, subject, tenant, amount }), Some(from)) = (self.asked(question, context), at) else {
            return;
        };
        let charge = match (amount, &*hold.meters) {
            (None, []) if !has_asked => None,
            (Some(_), [meter]) => match counted.and_then(|counted| Charge::new(meter, decision, counted)) {
                Some(charge) => Some(charge),
                None => return,
            },
            _ => return,
        };
        let now = clock.read();
        if !decision.allowed || !table.read().unwrap_or_else(PoisonError::into_inner).takes(subject, tenant, now) {
            return;
        }
        let held = Held { decision: decision.clone(), from, until: hold.until, charge };
        if held.is_at(now) && serde_json::to_vec(decision).is_ok_and(|json| json.len() <= LARGEST) {
            table.write().unwrap_or_else(PoisonError::into_inner).put(subject, tenant, held, now);
        }
    }

    fn asked<'a>(&'a self, question: &'a Question<'_>, context: &'a Context) -> Option<Asked<'a>> {
        let tenant = match context {
            Context { tenant: Some(tenant), .. } if tenant.is_empty() || tenant.len() > LONGEST => return None,
            Context { tenant, once: None, details } if details.is_empty() => tenant.as_deref().unwrap_or_default(),
            _ => return None,
        };
        let asked = match question {
            Question::Check(feature) => Some(Asked { table: &self.checks, subject: feature, tenant, amount: None }),
            Question::Consume(charges) => match &**charges {
                [charge] if charge.amount > 0 => {
                    Some(Asked { table: &self.charges, subject: &charge.limit, tenant, amount: Some(charge.amount) })
                }
                _ => None,
            },
            _ => None,
        };
        asked.filter(|asked| asked.subject.len() <= LONGEST)
    }
}

impl Table {
    fn get(&self, subject: &str, tenant: &str) -> Option<&Arc<Held>> {
        self.held.get(subject)?.get(tenant)
    }

    /// Is there room for this, or may room be made?
    fn takes(&self, subject: &str, tenant: &str, now: Reading) -> bool {
        let is_old = now.now >= self.cleared.saturating_add(CLEARED);
        self.count < MOST || is_old || self.get(subject, tenant).is_some()
    }

    fn put(&mut self, subject: &str, tenant: &str, held: Held, now: Reading) {
        if !self.takes(subject, tenant, now) {
            return;
        }
        if self.count >= MOST && self.get(subject, tenant).is_none() {
            *self = Self { cleared: now.now, ..Self::default() };
        }
        let before = self.held.entry(subject.to_owned()).or_default().insert(tenant.to_owned(), Arc::new(held));
        self.count += usize::from(before.is_none());
    }
}

impl Held {
    fn is_at(&self, now: Reading) -> bool {
        self.from <= now.now && now.now < self.until && now.now - now.wall.min(now.now) <= LAG
    }
}

impl Charge {
    /// None: it is not told what the policy says of it.
    fn new(meter: &Meter, decision: &Decision, counted: Counted<'_>) -> Option<Self> {
        let Meter { charge: 0, usage, counter, ceiling, slack, step, refill: None } = meter else { return None };
        let usage = usize::try_from((*usage)?).ok()?;
        let ahead = decision.usage.get(usage)?.used.checked_sub(counted.sum)?;
        let ceiling = step.unwrap_or(u64::MAX).min(*ceiling);
        (counted.counter == counter && counted.sum < ceiling).then(|| Self {
            block: counted.block.clone(),
            ceiling,
            slack: *slack,
            usage,
            ahead,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Usage;
    use crate::bindings::exports::placet::policy::enforcement;
    use crate::bindings::placet::policy::counters::Entry;
    use crate::request::denial;
    use crate::store::RedbStore;

    const COUNTER: &str = "use/tokens//lic_1//";

    fn lent(store: RedbStore) -> Lent {
        Lent { clock: Clock::without_state().into(), store: Arc::new(store), namespace: "acme/router".into() }
    }

    fn context() -> Context {
        Context { tenant: None, once: None, details: Vec::new() }
    }

    fn consume(amount: u64) -> Question<'static> {
        Question::Consume(vec![enforcement::Charge { limit: "tokens".to_owned(), amount }])
    }

    fn granted(used: u64) -> Decision {
        let usage = Usage {
            limit: "tokens".to_owned(),
            kind: "quota".to_owned(),
            tenant: None,
            max: None,
            used,
            period: None,
            resets: None,
            details: Vec::new(),
        };
        Decision { allowed: true, usage: vec![usage], ..denial("tokens", "granted") }
    }

    fn hold(step: Option<u64>) -> Hold {
        let meter = Meter {
            charge: 0,
            usage: Some(0),
            counter: COUNTER.to_owned(),
            ceiling: 1_000,
            slack: 100,
            step,
            refill: None,
        };
        Hold { until: u64::MAX, meters: vec![meter] }
    }

    /// Counts as the policy does. Answers what the counter holds.
    fn add(lent: &Lent, amount: u64) -> u64 {
        let entry = Entry { counter: COUNTER.to_owned(), amount, ceiling: 1_000, slack: 100 };
        let sums = lent.store.add(&lent.namespace, vec![entry], vec![], None, None, lent.clock.moment());
        sums.unwrap()[0]
    }

    fn counted<'a>(counter: &'a str, sum: u64, block: &'a Arc<Block>) -> Counted<'a> {
        Counted { counter, sum, block }
    }

    fn seen<'a>(lent: &Lent, counted: Option<Counted<'a>>) -> Seen<'a> {
        Seen { at: Some(lent.clock.read().now), counted, has_asked: counted.is_some() }
    }

    #[test]
    fn a_charge_is_repeated_of_any_amount_from_the_block_and_ends_with_it_and_at_the_step() {
        let temp = tempfile::tempdir().unwrap();
        let lent = lent(RedbStore::open(temp.path()).unwrap());
        let (holds, context) = (Holds::default(), context());
        let used = |amount| holds.repeat(&consume(amount), &context, &lent).map(|decision| decision.usage[0].used);
        let sum = add(&lent, 20);
        let block = lent.store.block(&lent.namespace, COUNTER).unwrap();
        // Seven of what the decision shows are on no counter.
        holds.keep(
            &consume(20),
            &context,
            &granted(sum + 7),
            &hold(Some(30)),
            seen(&lent, Some(counted(COUNTER, sum, &block))),
            &lent.clock,
        );
        assert_eq!((used(2), used(3), used(0)), (Some(29), Some(32), None));
        assert_eq!((used(6), used(5), used(1)), (None, Some(37), None), "nothing passes the step");
        let held = || lent.store.read(&lent.namespace, &[COUNTER.to_owned()], lent.clock.moment()).unwrap()[0];
        assert_eq!(held(), 30);
        holds.keep(
            &consume(1),
            &context,
            &granted(30),
            &hold(None),
            seen(&lent, Some(counted(COUNTER, 30, &block))),
            &lent.clock,
        );
        assert_eq!(used(1), Some(31));
        lent.store.set(&lent.namespace, COUNTER, 3, lent.clock.moment()).unwrap();
        assert_eq!((used(1), held()), (None, 3), "another change ends it");
    }

    #[test]
    fn nothing_is_held_that_is_not_told_what_it_counts() {
        let temp = tempfile::tempdir().unwrap();
        let lent = lent(RedbStore::open(temp.path()).unwrap());
        let sum = add(&lent, 20);
        let block = lent.store.block(&lent.namespace, COUNTER).unwrap();
        let meter = |change: fn(&mut Meter)| {
            let mut hold = hold(None);
            hold.meters.iter_mut().for_each(change);
            hold
        };
        let twice = Hold { meters: [hold(None).meters, hold(None).meters].concat(), ..hold(None) };
        for (decision, hold, counted) in [
            (granted(20), hold(None), None),
            (granted(20), hold(None), Some(counted("use/another//lic_1//", sum, &block))),
            (granted(19), hold(None), Some(counted(COUNTER, sum, &block))),
            (granted(20), meter(|meter| meter.usage = None), Some(counted(COUNTER, sum, &block))),
            (granted(20), meter(|meter| meter.usage = Some(1)), Some(counted(COUNTER, sum, &block))),
            (granted(20), meter(|meter| meter.charge = 1), Some(counted(COUNTER, sum, &block))),
            (granted(20), twice, Some(counted(COUNTER, sum, &block))),
            (granted(20), Hold { meters: vec![], ..hold(None) }, Some(counted(COUNTER, sum, &block))),
            (granted(20), hold(Some(20)), Some(counted(COUNTER, sum, &block))),
            (Decision { reason: "x".repeat(LARGEST), ..granted(20) }, hold(None), Some(counted(COUNTER, sum, &block))),
            (granted(20), Hold { until: lent.clock.read().now, ..hold(None) }, Some(counted(COUNTER, sum, &block))),
            (Decision { allowed: false, ..granted(20) }, hold(None), Some(counted(COUNTER, sum, &block))),
        ] {
            let holds = Holds::default();
            holds.keep(&consume(1), &context(), &decision, &hold, seen(&lent, counted), &lent.clock);
            assert!(holds.repeat(&consume(1), &context(), &lent).is_none(), "{decision:?} {hold:?} {counted:?}");
        }
    }

    #[test]
    fn a_feature_is_held_for_a_tenant_without_more_to_say() {
        let temp = tempfile::tempdir().unwrap();
        let lent = lent(RedbStore::open(temp.path()).unwrap());
        let (holds, question) = (Holds::default(), Question::Check("sso".into()));
        let of = |tenant: &str| Context { tenant: Some(tenant.to_owned()), ..context() };
        let hold = Hold { until: u64::MAX, meters: vec![] };
        let granted = Decision { usage: vec![], ..granted(0) };
        holds.keep(&question, &of("t1"), &granted, &hold, seen(&lent, None), &lent.clock);
        for seen in [
            Seen { at: None, ..seen(&lent, None) },
            Seen { at: Some(u64::MAX), ..seen(&lent, None) },
            Seen { has_asked: true, ..seen(&lent, None) },
        ] {
            holds.keep(&question, &of("t2"), &granted, &hold, seen, &lent.clock);
        }
        holds.keep(&question, &of(&"x".repeat(LONGEST + 1)), &granted, &hold, seen(&lent, None), &lent.clock);
        let once = Context { once: Some("k".to_owned()), ..of("t1") };
        let more = Context { details: vec![crate::Attribute { name: "a".into(), value: "b".into() }], ..of("t1") };
        for other in [context(), of("t2"), of(""), of(&"x".repeat(LONGEST + 1)), once, more] {
            assert!(holds.repeat(&question, &other, &lent).is_none(), "{other:?}");
        }
        assert!(holds.repeat(&Question::Check("audit".into()), &of("t1"), &lent).is_none());
        assert_eq!(holds.repeat(&question, &of("t1"), &lent), Some(granted.clone()));
        for number in 0..3 * MOST {
            holds.keep(&question, &of(&number.to_string()), &granted, &hold, seen(&lent, None), &lent.clock);
        }
        let table = holds.checks.read().unwrap();
        let count = table.held.values().map(HashMap::len).sum::<usize>();
        assert!(count == table.count && count <= MOST, "{count} of {}", table.count);
        assert!(table.cleared > 0 && table.get("sso", "1").is_none() && table.get("sso", "1500").is_some());
    }

    #[test]
    fn it_ends_in_time_and_with_a_clock_that_is_set_back() {
        let held = Held { decision: granted(0), from: 1_000_000, until: 2_000_000, charge: None };
        for (now, wall, is) in [
            (1_000_000, 1_000_000, true),
            (1_999_999, 1_999_999, true),
            (999_999, 999_999, false),
            (2_000_000, 2_000_000, false),
            (1_500_000, 1_499_000, true),
            (1_500_000, 1_498_999, false),
            (1_500_000, 0, false),
        ] {
            assert_eq!(held.is_at(Reading { now, wall, mark: now }), is, "{now} {wall}");
        }
    }
}
