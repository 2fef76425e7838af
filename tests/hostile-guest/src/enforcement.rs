//! `enforcement`: misbehaves by the name of the feature; everything else is allowed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::Component;
use crate::bindings::exports::placet::policy::enforcement::{Charge, Context, Guest};
use crate::bindings::exports::placet::policy::types::{Decision, Hold, Warning};
use crate::misbehave;

type Answer = Result<Decision, String>;

impl Guest for Component {
    fn check(feature: String, _context: Context) -> Answer {
        let mut decision = allowed(&feature);
        match &*feature {
            "loop" => misbehave::run_forever(),
            "recursion" => decision.reason = misbehave::call_deeply(1).to_string(),
            "stack-memory" => decision.reason = misbehave::fill_stack(1).to_string(),
            "memory" => decision.reason = misbehave::grow_memory().to_string(),
            "allocation" => misbehave::allocate_without_end(),
            "unreachable" => core::arch::wasm32::unreachable(),
            "panic" => misbehave::panic(),
            "out-of-bounds" => decision.reason = misbehave::read_beyond_memory().to_string(),
            "division" => decision.reason = misbehave::divide_by_zero().to_string(),
            "not-utf8" => decision.reason = misbehave::not_utf8(),
            "length-beyond-memory" => decision.reason = misbehave::text_of(u32::MAX as usize >> 1),
            "large-text" => decision.reason = misbehave::text_of(30 << 20),
            "aliased-texts" => decision.warnings = aliased(1_000, 1 << 20),
            "host-calls" => misbehave::ask_the_clock(20_000),
            "large-arguments" => misbehave::recall_large_key(16_000),
            "long-batch" => misbehave::add_many_entries(),
            "trap-in-realloc" => misbehave::trap_at_next_allocation(),
            "trap-in-post-return" => decision.reason = misbehave::text_that_traps_when_released(),
            "held" => misbehave::ask_the_clock(1),
            "held-with-counters" => {
                misbehave::ask_the_clock(1);
                misbehave::read_a_counter();
            }
            "error-with-markup" => return Err("<b>not a reason</b>".to_string()),
            "error-without-end" => return Err("a".repeat(1 << 20)),
            "error-empty" => return Err(String::new()),
            _ => {}
        }
        if feature.starts_with("held") {
            // Each answer has a number of its own, which the host may repeat for ever.
            decision.reason = misbehave::number().to_string();
            decision.hold = Some(Hold { until: u64::MAX, meters: Vec::new() });
        }
        Ok(decision)
    }

    fn preview(_charges: Vec<Charge>, _context: Context) -> Answer {
        Ok(allowed("preview"))
    }

    fn consume(charges: Vec<Charge>, _context: Context) -> Answer {
        if charges.iter().any(|charge| charge.limit == "count-and-trap") {
            misbehave::count_and_trap();
        }
        Ok(allowed("consume"))
    }

    fn credit(_charge: Charge, _context: Context) -> Answer {
        Ok(allowed("credit"))
    }

    fn measure(_charge: Charge, _context: Context) -> Answer {
        Ok(allowed("measure"))
    }

    fn claim(_charge: Charge, _holder: String, _ttl: Option<u64>, _context: Context) -> Answer {
        Ok(allowed("claim"))
    }

    fn release(_limit: String, _holder: String, _context: Context) -> Answer {
        Ok(allowed("release"))
    }
}

fn allowed(subject: &str) -> Decision {
    Decision {
        allowed: true,
        reason: "allowed".to_string(),
        subject: subject.to_string(),
        license: None,
        usage: Vec::new(),
        warnings: Vec::new(),
        retry: None,
        hold: None,
        details: Vec::new(),
    }
}

/// A small list that is a gigabyte when it is copied: all its texts are the same bytes.
fn aliased(count: usize, length: usize) -> Vec<Warning> {
    let text = "x".repeat(length).leak();
    (0..count).map(|_| Warning { reason: "warning".to_string(), subject: None, text: misbehave::alias(text) }).collect()
}
