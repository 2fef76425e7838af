//! A policy that was adopted, and misbehaves in a call.

use std::time::{Duration, Instant};

use placet::{FailMode, Placet};
use placet_tests::hostile::{component, manifest, site};
use placet_tests::rig::claims;

/// Asks for a misbehaving feature, and then for one that behaves. Answers the reason of the denial.
fn reason(placet: &Placet, feature: &str) -> String {
    let before = Instant::now();
    let decision = placet.check(feature).decide().unwrap();
    assert!(!decision.allowed, "{feature}: {decision:?}");
    assert_eq!(decision.subject, feature);
    assert!(before.elapsed() < Duration::from_secs(8), "{feature} took {:?}", before.elapsed());
    behaves(placet);
    decision.reason
}

fn behaves(placet: &Placet) {
    // As often as there are instances: whoever broke one answers as well.
    for _ in 0..20 {
        assert!(placet.check("fine").decide().unwrap().allowed);
    }
    assert_eq!(placet.status().state, "missing");
}

#[test]
fn what_takes_too_long_is_stopped() {
    let (_site, placet) = site();
    let before = Instant::now();
    assert_eq!(reason(&placet, "loop"), "policy-deadline");
    assert!(before.elapsed() > Duration::from_millis(500));
    // Its time goes by in what it hands over, in one call to the host after the other.
    assert_eq!(reason(&placet, "large-arguments"), "policy-deadline");
}

#[test]
fn a_policy_that_computes_for_long_holds_up_no_other_task_of_a_runtime() {
    let (_site, placet) = site();
    // The only thread that it has for tasks.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let asked = runtime.spawn(async move {
        placet::while_waiting(|wait| tokio::task::block_in_place(wait), || reason(&placet, "loop"))
    });
    let other = runtime.spawn(async {
        let mut longest = Duration::ZERO;
        for _ in 0..60 {
            let before = Instant::now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            longest = longest.max(before.elapsed());
        }
        longest
    });
    let longest = runtime.block_on(other).unwrap();
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    assert_eq!(runtime.block_on(asked).unwrap(), "policy-deadline");
}

#[test]
fn the_stack_and_the_memory_end() {
    let (_site, placet) = site();
    assert_eq!(reason(&placet, "recursion"), "policy-stack");
    assert_eq!(reason(&placet, "stack-memory"), "policy-trapped");
    assert_eq!(reason(&placet, "allocation"), "policy-trapped");
    // Growing is refused, not punished: 64 MiB are 1,024 pages.
    let grown = placet.check("memory").decide().unwrap();
    assert_eq!((grown.allowed, &*grown.reason), (true, "1024"));
    behaves(&placet);
}

#[test]
fn a_trap_is_a_denial_that_says_so() {
    let (_site, placet) = site();
    for feature in ["unreachable", "panic", "out-of-bounds", "division"] {
        assert_eq!(reason(&placet, feature), "policy-trapped", "{feature}");
    }
}

#[test]
fn an_answer_beyond_measure_is_not_read() {
    let (_site, placet) = site();
    for feature in ["not-utf8", "length-beyond-memory", "large-text", "aliased-texts", "host-calls"] {
        assert_eq!(reason(&placet, feature), "policy-excess", "{feature}");
    }
}

#[test]
fn a_batch_beyond_measure_is_refused_and_counts_nothing() {
    let (_site, placet) = site();
    let before = Instant::now();
    assert!(placet.check("long-batch").decide().unwrap().allowed);
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    behaves(&placet);
}

#[test]
fn a_trap_while_the_host_passes_or_releases_memory_is_a_trap() {
    let (_site, placet) = site();
    assert_eq!(reason(&placet, "trap-in-post-return"), "policy-trapped");
    assert!(placet.check("trap-in-realloc").decide().unwrap().allowed);
    assert_eq!(placet.check("fine").decide().unwrap().reason, "policy-trapped");
    behaves(&placet);
}

#[test]
fn a_reason_that_is_none_is_not_repeated() {
    let (_site, placet) = site();
    for feature in ["error-with-markup", "error-without-end", "error-empty"] {
        assert_eq!(reason(&placet, feature), "policy-error", "{feature}");
    }
}

#[test]
fn the_fail_mode_tells_a_failure_from_a_denial() {
    let (site, placet) = site();
    assert_eq!(placet.check("panic").into_result().unwrap_err().reason(), "policy-trapped");
    drop(placet);
    let placet = site.builder().fail_mode(FailMode::Error).open().unwrap();
    assert_eq!(placet.check("panic").decide().unwrap_err().reason(), "policy-trapped");
    assert_eq!(placet.check("panic").into_result().unwrap_err().reason(), "policy-trapped");
    behaves(&placet);
}

#[test]
fn what_was_counted_before_a_trap_stays_counted() {
    let (site, placet) = site();
    for _ in 0..3 {
        assert_eq!(placet.consume("count-and-trap", 1).decide().unwrap().reason, "policy-trapped");
    }
    behaves(&placet);
    drop(placet);
    behaves(&site.open());
}

#[test]
fn a_trap_while_documents_are_read_changes_nothing() {
    let (site, placet) = site();
    let inspected = placet.inspect(b"{}", Some("trap-in-inspect")).unwrap_err();
    assert_eq!(inspected.reason(), "policy-trapped");
    behaves(&placet);

    // The policy adopts whatever it is given, but traps when it loads a document of this name.
    let refused = placet.install(b"{}", Some("trap.json")).unwrap_err();
    assert_eq!(refused.reason(), "policy-trapped");
    behaves(&placet);
    let left: Vec<_> = std::fs::read_dir(site.path("state/licenses")).map(|dir| dir.collect()).unwrap_or_default();
    assert!(left.is_empty(), "what was refused is still there: {left:?}");
    drop(placet);
    behaves(&site.open());
}

#[test]
fn many_threads_at_a_policy_that_fails_now_and_then_all_get_their_answers() {
    let (_site, placet) = site();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let placet = &placet;
            scope.spawn(move || {
                for round in 0..200 {
                    let fails = (thread + round) % 5 == 0;
                    let decision = placet.check(if fails { "panic" } else { "fine" }).decide().unwrap();
                    assert_eq!((decision.allowed, &*decision.reason == "policy-trapped"), (!fails, fails));
                }
            });
        }
    });
    behaves(&placet);
}

#[test]
fn a_policy_that_is_replaced_takes_its_habits_with_it() {
    let (site, placet) = site();
    site.license(&claims("lic_1"));
    assert_eq!(reason(&placet, "panic"), "policy-trapped");
    let good = site.put("good.wasm", site.vendor.policy(11));
    placet.install_policy(&good).unwrap();
    assert_eq!(placet.status().state, "active");
    assert_eq!(placet.check("panic").decide().unwrap().reason, "not-licensed");
    let bad = site.put("bad.wasm", site.vendor.policy_of(component(), &manifest(&site.vendor, 12, "")));
    placet.install_policy(&bad).unwrap();
    assert_eq!(placet.check("panic").decide().unwrap().reason, "policy-trapped");
}
