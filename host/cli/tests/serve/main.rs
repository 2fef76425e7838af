//! `placet serve`: the built command as a process of its own, asked over real sockets.
#![cfg(unix)]
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "what helps a test fails like one")]

#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "the other suite needs more of it")]
mod support;

#[path = "../transcripts/mask.rs"]
mod mask;

mod access;
mod audit;
#[cfg(target_os = "linux")]
mod browser;
mod client;
mod configuration;
#[cfg(target_os = "linux")]
mod console;
mod dashboard;
mod decisions;
mod documented;
mod enforce;
#[cfg(target_os = "linux")]
mod figures;
mod hostile;
mod leaks;
mod license;
mod lifecycle;
mod metrics;
mod openapi;
#[cfg(target_os = "linux")]
mod otlp;
#[cfg(target_os = "linux")]
mod packaging;
#[cfg(target_os = "linux")]
mod proxies;
mod reload;
mod remote;
mod service;
mod smuggling;
mod sources;
mod tls;
#[cfg(target_os = "linux")]
mod tools;
mod wit;
