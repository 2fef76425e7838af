//! What the service says of itself, on standard error: a line for each event, never one that holds a token, a payload or a key.

use placet::Event;
use tracing::{Level, info, warn};

use crate::settings::LogFormat;

/// Begins to log. In a process that logs already, it goes there.
pub(crate) fn start(format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    // A second start in one process finds the log of the first.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Logs what happened to licenses, policy, clock and store. A denial and a warning of a limit are answers and no events of the log: they
/// stand in the audit log.
pub(crate) fn event(event: &Event) {
    let Event { name, subject, tenant, reason } = event;
    match *name {
        "license.limit_warned" | "license.limit_exceeded" | "license.feature_blocked" => {}
        "license.rejected" => warn!(event = name, subject, tenant, reason, "{name}"),
        _ => info!(event = name, subject, tenant, reason, "{name}"),
    }
}
