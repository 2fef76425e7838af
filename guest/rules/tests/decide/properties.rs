//! What no sequence of requests can break, against a model that knows only sums.

use placet_rules::counters::Counters;
use placet_rules::decide::{consume, credit, measure, preview};
use placet_rules::license::LimitKind;
use placet_rules::types::{Charge, Context};
use placet_rules::view::View;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::counters::Memory;
use crate::setting::{budget, charge, limit, view};

#[derive(Clone, Debug)]
enum Step {
    Consume(Vec<Charge>, Option<u8>),
    Credit(Charge, Option<u8>),
    Measure(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || (prop_oneof![Just("tokens"), Just("calls"), Just("objects")], 0..40_u64);
    let charge = || some().prop_map(|(name, amount)| charge(name, amount));
    prop_oneof![
        6 => (vec(charge(), 1..4), option::of(0..6_u8)).prop_map(|(charges, once)| Step::Consume(charges, once)),
        3 => (charge(), option::of(0..6_u8)).prop_map(|(charge, once)| Step::Credit(charge, once)),
        1 => (0..=20_u64).prop_map(Step::Measure),
    ]
}

/// Budgets of `tokens`, of any size.
fn setting(maxima: &[u64]) -> View {
    let mut view = view();
    let budgets = maxima.iter().enumerate();
    let budgets = budgets.map(|(index, max)| budget(&format!("b{index}"), &format!("b{index}"), Some(*max))).collect();
    view.limits.insert("tokens".into(), limit(LimitKind::Quota, budgets));
    view
}

fn context(once: Option<u8>) -> Context {
    Context { tenant: Some("t1".into()), once: once.map(|key| format!("k{key}")), details: Vec::new() }
}

fn counters(maxima: &[u64]) -> Vec<String> {
    (0..maxima.len()).map(|index| format!("use/tokens//b{index}//")).collect()
}

fn sums(memory: &Memory, maxima: &[u64]) -> [u64; 3] {
    let tokens = counters(maxima).iter().map(|counter| memory.sum(counter)).sum();
    [tokens, memory.sum("use/calls//lic_1//"), memory.sum("use/objects/t1/%40customer//")]
}

fn asked(charges: &[Charge]) -> [u64; 3] {
    ["tokens", "calls", "objects"]
        .map(|name| charges.iter().filter(|charge| charge.limit == name).map(|charge| charge.amount).sum())
}

proptest! {
    #![proptest_config(crate::random::cases(512))]

    #[test]
    fn no_sequence_passes_a_ceiling_or_counts_other_than_it_says(
        maxima in vec(0..60_u64, 1..4),
        steps in vec(step(), 1..40),
    ) {
        let view = setting(&maxima);
        let memory = Memory::default();
        let ceilings = [maxima.iter().sum(), 10, 20];
        for step in steps {
            let before = sums(&memory, &maxima);
            let kept = memory.kept.borrow().clone();
            match &step {
                Step::Consume(charges, once) => {
                    let context = context(*once);
                    let told = preview(&view, charges, &context, &memory);
                    prop_assert_eq!(sums(&memory, &maxima), before);
                    let answer = consume(&view, charges, &context, &memory);
                    prop_assert_eq!(&told, &answer, "preview says what consume answers");
                    let again = context.once.as_ref().is_some_and(|key| kept.contains_key(&format!("consume/t1/{key}")));
                    let counted = answer.unwrap().allowed && !again;
                    let asked = asked(charges);
                    let fits = (0..3).all(|one| before[one] + asked[one] <= ceilings[one] || asked[one] == 0);
                    prop_assert!(again || counted == fits, "allowed just where it fits");
                    let expected = if counted { [0, 1, 2].map(|one| before[one] + asked[one]) } else { before };
                    prop_assert_eq!(sums(&memory, &maxima), expected, "all or none");
                }
                Step::Credit(charge, once) => {
                    let context = context(*once);
                    let answer = credit(&view, charge, &context, &memory).unwrap();
                    let again = context.once.as_ref().is_some_and(|key| kept.contains_key(&format!("credit/t1/{key}")));
                    let back = if answer.allowed && !again { asked(std::slice::from_ref(charge)) } else { [0; 3] };
                    prop_assert_eq!(sums(&memory, &maxima), [0, 1, 2].map(|one| before[one] - back[one]));
                }
                Step::Measure(value) => {
                    prop_assert!(measure(&view, &charge("objects", *value), &context(None), &memory).unwrap().allowed);
                    prop_assert_eq!(sums(&memory, &maxima)[2], *value);
                }
            }
            for (counter, max) in counters(&maxima).iter().zip(&maxima) {
                prop_assert!(memory.sum(counter) <= *max);
            }
            let held = sums(&memory, &maxima);
            prop_assert!((0..3).all(|one| held[one] <= ceilings[one]));
        }
    }

    #[test]
    fn budgets_are_drawn_to_their_end_in_their_order(maxima in vec(0..60_u64, 1..5), amounts in vec(0..50_u64, 1..20)) {
        let view = setting(&maxima);
        let memory = Memory::default();
        let mut total = 0;
        for amount in amounts {
            if consume(&view, &[charge("tokens", amount)], &context(None), &memory).unwrap().allowed {
                total += amount;
            }
            let mut left = total;
            for (counter, max) in counters(&maxima).iter().zip(&maxima) {
                prop_assert_eq!(memory.sum(counter), left.min(*max));
                left -= left.min(*max);
            }
        }
    }

    #[test]
    fn a_repetition_equals_the_first_answer(
        maxima in vec(0..60_u64, 1..4),
        charges in vec((prop_oneof![Just("tokens"), Just("calls"), Just("objects")], 0..15_u64), 1..4),
        between in vec(step(), 0..10),
    ) {
        let view = setting(&maxima);
        let memory = Memory::default();
        let charges: Vec<Charge> = charges.into_iter().map(|(name, amount)| charge(name, amount)).collect();
        let first = consume(&view, &charges, &context(Some(99)), &memory).unwrap();
        for step in between {
            match step {
                Step::Consume(charges, once) => drop(consume(&view, &charges, &context(once), &memory)),
                Step::Credit(charge, once) => drop(credit(&view, &charge, &context(once), &memory)),
                Step::Measure(value) => drop(measure(&view, &charge("objects", value), &context(None), &memory)),
            }
        }
        if first.allowed {
            let before = sums(&memory, &maxima);
            prop_assert_eq!(consume(&view, &charges, &context(Some(99)), &memory).unwrap(), first);
            prop_assert_eq!(sums(&memory, &maxima), before);
        }
    }

    #[test]
    fn others_who_get_in_between_make_nothing_pass(
        maxima in vec(1..60_u64, 1..4),
        rivals in vec((0..4_usize, 1..30_u64), 0..30),
        amounts in vec(1..50_u64, 1..20),
    ) {
        let view = setting(&maxima);
        let names = counters(&maxima);
        let memory = Memory::default();
        let mut ours = 0;
        for (index, amount) in amounts.into_iter().enumerate() {
            if let Some((which, more)) = rivals.get(index) {
                let which = which % names.len();
                let room = maxima[which] - memory.sum(&names[which]);
                if (*more).min(room) > 0 {
                    memory.others.borrow_mut().push_back((names[which].clone(), (*more).min(room)));
                }
            }
            match consume(&view, &[charge("tokens", amount)], &context(None), &memory) {
                Ok(answer) if answer.allowed => ours += amount,
                Ok(answer) => prop_assert_eq!(answer.reason, "limit-exceeded"),
                Err(error) => prop_assert_eq!(error, "contended"),
            }
            // A rival whose turn did not come gives up.
            memory.others.borrow_mut().clear();
            let held = memory.read(&names).unwrap();
            prop_assert!(held.iter().zip(&maxima).all(|(held, max)| held <= max));
            prop_assert!(held.iter().sum::<u64>() >= ours, "what was allowed is counted");
        }
    }
}
