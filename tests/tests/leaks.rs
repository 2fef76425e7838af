//! A policy that fails again and again costs nothing that is not given back. Alone in its process, so that it can be measured.

use placet_tests::hostile::site;

/// A line of `/proc/self/status`, as a number: threads, or KiB.
fn measured(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn repeated_failures_leak_neither_memory_nor_threads() {
    let (_site, placet) = site();
    let fail = |times: u32| {
        for _ in 0..times {
            // Each takes its 64 MiB, and then traps.
            assert!(placet.check("memory").decide().unwrap().allowed);
            assert_eq!(placet.check("allocation").decide().unwrap().reason, "policy-trapped");
            assert_eq!(placet.check("panic").decide().unwrap().reason, "policy-trapped");
        }
        assert!(placet.check("fine").decide().unwrap().allowed);
    };
    fail(4);
    let before = (measured("Threads:"), measured("VmRSS:"), measured("VmSize:"));
    fail(64);
    let after = (measured("Threads:"), measured("VmRSS:"), measured("VmSize:"));
    assert_eq!(after.0, before.0, "threads");
    assert!(after.1 < before.1 + (32 << 10), "resident: {before:?}, {after:?}");
    assert!(after.2 < before.2 + (256 << 10), "mapped: {before:?}, {after:?}");
}
