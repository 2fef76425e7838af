//! One test for each rule.

use std::collections::BTreeSet;

use placet_rules::counters::CounterError;
use placet_rules::decide::{check, consume, credit, measure, preview, report};
use placet_rules::license::LimitKind;
use placet_rules::types::{Attribute, Context, Decision, Warning};
use placet_rules::view::{Budget, State, View};

use crate::counters::Memory;
use crate::setting::{FIRST, OBJECTS, TOPUP, budget, charge, expired, limit, nobody, tenant, view};

fn short(decision: &Decision) -> (bool, &str, &str) {
    (decision.allowed, &decision.reason, &decision.subject)
}

fn used(decision: &Decision) -> Vec<(u64, Option<u64>)> {
    decision.usage.iter().map(|usage| (usage.used, usage.max)).collect()
}

fn reading() -> Context {
    Context { details: vec![Attribute::new("access", "read")], ..nobody() }
}

#[test]
fn a_feature_is_allowed_where_it_is_granted_and_for_as_long() {
    let sso = check(&view(), "sso", &nobody());
    assert_eq!(short(&sso), (true, "granted", "sso"));
    assert_eq!((sso.license.as_deref(), sso.warnings.len(), sso.details.len()), (Some("lic_1"), 0, 0));
    assert_eq!(short(&check(&view(), "past", &nobody())), (false, "feature-expired", "past"));
    assert_eq!(short(&check(&view(), "other", &nobody())), (false, "not-licensed", "other"));
}

#[test]
fn what_an_expired_license_had_can_be_read_and_no_more() {
    let read = check(&expired(), "sso", &reading());
    assert_eq!(short(&read), (true, "granted", "sso"));
    assert_eq!(read.warnings[0].reason, "read-only");
    assert_eq!(short(&check(&expired(), "sso", &nobody())), (false, "expired", "sso"));
    assert_eq!(short(&check(&expired(), "other", &reading())), (false, "expired", "other"));
    let next_waits = View { state: State::Pending, reason: "not-started".into(), ..expired() };
    assert_eq!(short(&check(&next_waits, "sso", &reading())), (true, "granted", "sso"));
    let nothing_had = View { readable: BTreeSet::new(), ..expired() };
    assert_eq!(short(&check(&nothing_had, "sso", &reading())), (false, "expired", "sso"));
}

#[test]
fn a_level_goes_down_though_its_license_ended_and_another_holds() {
    let mut after = view();
    let objects = after.limits.remove("objects").unwrap();
    after.ended.insert("objects".into(), objects);
    let memory = Memory::default();
    assert!(consume(&view(), &[charge("objects", 9)], &tenant(), &memory).unwrap().allowed);
    assert_eq!(
        short(&consume(&after, &[charge("objects", 1)], &tenant(), &memory).unwrap()),
        (false, "not-licensed", "objects")
    );
    assert!(credit(&after, &charge("objects", 2), &tenant(), &memory).unwrap().allowed);
    assert!(measure(&after, &charge("objects", 5), &tenant(), &memory).unwrap().allowed);
    assert_eq!(
        short(&measure(&after, &charge("objects", 6), &tenant(), &memory).unwrap()),
        (false, "not-licensed", "objects")
    );
}

#[test]
fn warnings_of_the_view_stand_in_what_is_allowed() {
    let warning = Warning { reason: "expiry-grace".into(), subject: None, text: "soon".into() };
    let view = View { warnings: vec![warning.clone()], ..view() };
    let memory = Memory::default();
    assert_eq!(check(&view, "sso", &nobody()).warnings, vec![warning.clone()]);
    let charged = consume(&view, &[charge("tokens", 1)], &nobody(), &memory).unwrap();
    assert_eq!(charged.warnings, [warning]);
    assert!(check(&view, "other", &nobody()).warnings.is_empty());
}

#[test]
fn budgets_are_drawn_in_their_order() {
    let memory = Memory::default();
    let first = consume(&view(), &[charge("tokens", 70)], &nobody(), &memory).unwrap();
    assert_eq!((short(&first), used(&first)), ((true, "granted", "tokens"), vec![(70, Some(150))]));
    assert_eq!(first.license.as_deref(), Some("lic_1"));
    let both = consume(&view(), &[charge("tokens", 40)], &nobody(), &memory).unwrap();
    assert_eq!(used(&both), [(110, Some(150))]);
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (100, 10));
    let last = consume(&view(), &[charge("tokens", 10)], &nobody(), &memory).unwrap();
    assert_eq!((last.license.as_deref(), last.warnings[0].reason.as_str()), (Some("lic_2"), "usage-high"));
    let over = consume(&view(), &[charge("tokens", 31)], &nobody(), &memory).unwrap();
    assert_eq!((short(&over), used(&over)), ((false, "limit-exceeded", "tokens"), vec![(120, Some(150))]));
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (100, 20));
}

#[test]
fn several_charges_count_together_or_not_at_all() {
    let memory = Memory::default();
    let charges = [charge("tokens", 5), charge("calls", 6), charge("calls", 5)];
    let denied = consume(&view(), &charges, &nobody(), &memory).unwrap();
    assert_eq!(
        (short(&denied), used(&denied)),
        ((false, "limit-exceeded", "calls"), vec![(0, Some(150)), (0, Some(10))])
    );
    assert!(memory.held.borrow().is_empty());
    let charges = [charge("tokens", 5), charge("calls", 5), charge("calls", 5)];
    let allowed = consume(&view(), &charges, &nobody(), &memory).unwrap();
    assert_eq!(used(&allowed), [(5, Some(150)), (10, Some(10))]);
    assert_eq!(memory.reads.get(), 2);
}

#[test]
fn budgets_of_one_account_add_up_on_one_counter() {
    let mut view = view();
    let first = Budget { slack: 7, ..budget("lic_1", "acme", Some(10)) };
    let shared = vec![first, Budget { slack: 3, refund: false, ..budget("lic_2", "acme", Some(5)) }];
    view.limits.insert("tokens".into(), limit(LimitKind::Quota, shared));
    let memory = Memory::default();
    let all = consume(&view, &[charge("tokens", 15)], &nobody(), &memory).unwrap();
    assert_eq!(used(&all), [(15, Some(15))]);
    assert_eq!(memory.added.borrow()[0].slack, 3, "the least that any of them bears");
    let back = credit(&view, &charge("tokens", 1), &nobody(), &memory).unwrap();
    assert_eq!(back.reason, "refund-not-granted", "only where all of them grant it");
    assert!(!consume(&view, &[charge("tokens", 1)], &nobody(), &memory).unwrap().allowed);
}

#[test]
fn sums_never_wrap() {
    let memory = Memory::default();
    let most = [charge("open", u64::MAX), charge("open", u64::MAX)];
    assert_eq!(short(&consume(&view(), &most, &nobody(), &memory).unwrap()), (false, "limit-exceeded", "open"));
    assert!(consume(&view(), &most[..1], &nobody(), &memory).unwrap().allowed);
    assert!(!consume(&view(), &[charge("open", 1)], &nobody(), &memory).unwrap().allowed);
}

#[test]
fn what_cannot_be_decided_is_denied() {
    let memory = Memory::default();
    let mut view = view();
    view.limits.get_mut("calls").unwrap().undecided.push("reset".into());
    let asked = |charges: &[_], context: &_| consume(&view, charges, context, &memory).unwrap();
    assert_eq!(short(&asked(&[], &nobody())), (false, "request-empty", ""));
    assert_eq!(short(&asked(&[charge("other", 1)], &nobody())), (false, "not-licensed", "other"));
    assert_eq!(short(&asked(&[charge("objects", 1)], &nobody())), (false, "tenant-required", "objects"));
    let assert_invalid = |charges: &[_], context: &_, part| {
        let denied = asked(charges, context);
        assert_eq!(short(&denied), (false, "request-invalid", ""));
        assert_eq!(denied.details, [Attribute::new("invalid", part)]);
    };
    assert_invalid(&vec![charge("tokens", 1); 65], &nobody(), "charges");
    assert_invalid(&[charge("tokens", 1), charge(&"x".repeat(257), 1)], &nobody(), "limit");
    for wrong in [String::new(), "x".repeat(257)] {
        let tenant = Context { tenant: Some(wrong.clone()), ..nobody() };
        assert_invalid(&[charge("tokens", 1)], &tenant, "tenant");
        let once = Context { once: Some(wrong), ..nobody() };
        assert_invalid(&[charge("tokens", 1)], &once, "once");
    }
    let long = Context { tenant: Some("/".repeat(256)), once: Some("/".repeat(256)), ..nobody() };
    let denied = asked(&[charge("tokens", 1)], &long);
    assert_eq!(short(&denied), (false, "request-invalid", "tokens"));
    assert_eq!(denied.details, [Attribute::new("invalid", "once")]);
    let denied = asked(&[charge("calls", 1)], &nobody());
    assert_eq!(short(&denied), (false, "limit-undecided", "calls"));
    assert_eq!(denied.details, [Attribute::new("undecided", "reset")]);
    assert_eq!(short(&asked(&[charge("cores", 1)], &nobody())), (false, "tenant-required", "cores"));
    let denied = consume(&expired(), &[charge("tokens", 1)], &nobody(), &memory).unwrap();
    assert_eq!(short(&denied), (false, "expired", "tokens"));
    assert!(memory.held.borrow().is_empty());
}

#[test]
fn a_gauge_goes_down_to_nothing_even_after_the_end() {
    let memory = Memory::default();
    assert!(consume(&view(), &[charge("objects", 20)], &tenant(), &memory).unwrap().allowed);
    assert_eq!(used(&credit(&expired(), &charge("objects", 15), &tenant(), &memory).unwrap()), [(5, Some(20))]);
    let below = credit(&view(), &charge("objects", 6), &tenant(), &memory).unwrap();
    assert_eq!((short(&below), used(&below)), ((false, "credit-exceeded", "objects"), vec![(5, Some(20))]));
    assert_eq!(memory.sum(OBJECTS), 5);
}

#[test]
fn a_quota_is_given_back_where_that_is_granted_the_last_drawn_first() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 120), charge("calls", 3)], &nobody(), &memory).unwrap();
    assert_eq!(used(&credit(&view(), &charge("tokens", 30), &nobody(), &memory).unwrap()), [(90, Some(150))]);
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (90, 0));
    let refused = credit(&view(), &charge("calls", 1), &nobody(), &memory).unwrap();
    assert_eq!(short(&refused), (false, "refund-not-granted", "calls"));
    assert_eq!(short(&credit(&view(), &charge("x", 1), &nobody(), &memory).unwrap()), (false, "not-licensed", "x"));
    assert_eq!(short(&credit(&expired(), &charge("x", 1), &nobody(), &memory).unwrap()), (false, "expired", "x"));
}

#[test]
fn a_measure_is_recorded_whatever_it_is() {
    let memory = Memory::default();
    let measured = |view: &View, value| measure(view, &charge("objects", value), &tenant(), &memory).unwrap();
    let over = measured(&view(), 21);
    assert_eq!((short(&over), used(&over)), ((false, "limit-exceeded", "objects"), vec![(21, Some(20))]));
    assert_eq!(memory.sum(OBJECTS), 21);
    let high = measured(&view(), 16);
    assert_eq!((short(&high), high.warnings[0].reason.as_str()), ((true, "granted", "objects"), "usage-high"));
    assert!(measured(&expired(), 16).allowed);
    assert!(measured(&expired(), 3).allowed);
    assert_eq!(short(&measured(&expired(), 4)), (false, "expired", "objects"));
    assert_eq!(memory.sum(OBJECTS), 4);
    let quota = measure(&view(), &charge("tokens", 1), &nobody(), &memory).unwrap();
    assert_eq!(short(&quota), (false, "kind-mismatch", "tokens"));
}

#[test]
fn a_report_tells_each_limit_at_one_moment() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 120), charge("objects", 7)], &tenant(), &memory).unwrap();
    memory.reads.set(0);
    let report = |tenant| report(&view(), tenant, &memory).unwrap();
    let names = |usage: &[placet_rules::types::Usage]| {
        usage.iter().map(|usage| (usage.limit.clone(), usage.tenant.clone(), usage.used)).collect::<Vec<_>>()
    };
    let row = |name: &str, tenant: Option<&str>, used| (name.to_string(), tenant.map(str::to_string), used);
    let whole = report(None);
    assert_eq!(memory.reads.get(), 1);
    let rows = [row("calls", None, 0), row("cores", None, 0), row("open", None, 0), row("tokens", None, 120)];
    assert_eq!(names(&whole), rows);
    assert!(whole[..3].iter().all(|usage| usage.details.is_empty()));
    assert_eq!(names(&report(Some("t1")))[2], row("objects", Some("t1"), 7));
    assert_eq!(names(&report(Some("t2")))[2], row("objects", Some("t2"), 0));
    assert_eq!(placet_rules::decide::report(&view(), Some(""), &memory), Err("request-invalid".to_string()));
}

#[test]
fn a_store_that_gives_no_answer_is_an_error_and_no_decision() {
    let memory = Memory::default();
    *memory.failure.borrow_mut() = Some(CounterError::Unavailable("disk-full".into()));
    let full = Err("counters-disk-full".to_string());
    assert_eq!(consume(&view(), &[charge("tokens", 1)], &nobody(), &memory), full);
    assert_eq!(preview(&view(), &[charge("tokens", 1)], &nobody(), &memory), full);
    assert_eq!(credit(&view(), &charge("tokens", 1), &nobody(), &memory), full);
    assert_eq!(measure(&view(), &charge("objects", 1), &tenant(), &memory), full);
    assert!(check(&view(), "sso", &nobody()).allowed);
}

#[test]
fn a_quicker_caller_makes_it_split_again() {
    let memory = Memory::default();
    memory.others.borrow_mut().extend([(FIRST.to_string(), 95), (TOPUP.to_string(), 3)]);
    let split = consume(&view(), &[charge("tokens", 20)], &nobody(), &memory).unwrap();
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (100, 18));
    assert!(split.allowed);
    let memory = Memory::default();
    memory.others.borrow_mut().push_back((FIRST.to_string(), 10));
    memory.put(TOPUP, 50);
    let late = consume(&view(), &[charge("tokens", 95)], &nobody(), &memory).unwrap();
    assert_eq!(short(&late), (false, "limit-exceeded", "tokens"));
    assert_eq!(memory.sum(FIRST), 10);
}

#[test]
fn others_who_are_quicker_eight_times_leave_it_undecided() {
    let memory = Memory::default();
    memory.others.borrow_mut().extend(vec![(FIRST.to_string(), 1); 8]);
    let asked = || consume(&view(), &[charge("tokens", 110)], &nobody(), &memory);
    assert_eq!(asked(), Err("contended".to_string()));
    assert_eq!((memory.sum(FIRST), memory.sum(TOPUP)), (8, 0));
    assert!(asked().unwrap().allowed);
}

#[test]
fn giving_back_is_divided_again_where_others_are_quicker() {
    let memory = Memory::default();
    consume(&view(), &[charge("tokens", 130)], &nobody(), &memory).unwrap();
    memory.others.borrow_mut().push_back((TOPUP.to_string(), 0));
    let back = credit(&view(), &charge("tokens", 30), &nobody(), &memory).unwrap();
    assert_eq!((back.allowed, memory.sum(FIRST), memory.sum(TOPUP)), (true, 70, 0));
}
