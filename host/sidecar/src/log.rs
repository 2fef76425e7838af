//! What the service says of itself, on standard error: a line for each event, never one that holds a token, a payload or a key.

use std::error::Error;
use std::iter;

use placet::Event;
use tracing::{Level, error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, registry};

use crate::settings::{LogFormat, LogLevel};

/// Begins to log. In a process that logs already, it goes there.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let own = own(level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    // A second start in one process finds the log of the first.
    let _ = match format {
        LogFormat::Text => registry().with(lines.with_filter(own)).try_init(),
        LogFormat::Json => registry().with(lines.json().flatten_event(true).with_filter(own)).try_init(),
    };
}

/// What this service tells, and of others what somebody has to look at: a compiler alone tells of tens of thousands of steps.
fn own(level: Level) -> Targets {
    Targets::new().with_default(Level::WARN).with_target("placet", level)
}

/// Logs what happened to licenses, policy, clock and store. A denial and a warning of a limit are answers and no events of the log: they
/// stand in the audit log.
pub(crate) fn event(event: &Event) {
    let Event { name, subject, tenant, reason } = event;
    if matches!(*name, "license.limit_warned" | "license.limit_exceeded" | "license.feature_blocked") {
        return;
    }
    match level(name, reason) {
        Level::ERROR => error!(event = name, subject, tenant, reason, "{name}"),
        Level::WARN => warn!(event = name, subject, tenant, reason, "{name}"),
        _ => info!(event = name, subject, tenant, reason, "{name}"),
    }
}

/// How much an event is to be looked at: at once, soon, or not at all.
fn level(name: &str, reason: &str) -> Level {
    match name {
        "store.failed" | "decision.failed" | "audit.cut" | "audit.failed" | "counters.restored" => Level::ERROR,
        "license.rejected" | "license.grace_entered" | "license.expired" | "policy.rejected" | "clock.rollback" => {
            Level::WARN
        }
        "clock.faked" | "counters.burned" | "audit.gap" | "audit.recovered" => Level::WARN,
        // The reason is the new state.
        "license.state_changed" if reason != "active" => Level::WARN,
        _ => Level::INFO,
    }
}

/// An error with all its causes, the first cause last.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let all =
        iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source()).map(ToString::to_string);
    all.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_heard_where_they_warn_alone() {
        for (target, level, is_heard) in [
            ("placet_sidecar::api::around", Level::DEBUG, true),
            ("cranelift_codegen::context", Level::DEBUG, false),
            ("wasmtime::runtime", Level::INFO, false),
            ("hyper::proto", Level::WARN, true),
        ] {
            assert_eq!(own(Level::DEBUG).would_enable(target, &level), is_heard, "{target}");
        }
        assert!(!own(Level::INFO).would_enable("placet_sidecar", &Level::DEBUG));
    }

    #[test]
    fn what_needs_somebody_is_no_mere_information() {
        for (name, reason, expected) in [
            ("store.failed", "io", Level::ERROR),
            ("decision.failed", "counters-io", Level::ERROR),
            ("clock.rollback", "", Level::WARN),
            ("license.rejected", "envelope-invalid", Level::WARN),
            ("license.state_changed", "revoked", Level::WARN),
            ("license.state_changed", "active", Level::INFO),
            ("license.adopted", "", Level::INFO),
            ("counters.head", "", Level::INFO),
        ] {
            assert_eq!(level(name, reason), expected, "{name}");
        }
    }
}
