//! The service beside a product: what [`placet::Placet`] answers, over HTTP.
//!
//! `placet serve` starts it: [`Settings`] are its arguments, [`given`] reads its configuration file, [`serve`] runs it until it is told to
//! stop. Decisions are asked of an installation that this process holds; the product asks as many at a time as it likes.

mod answer;
mod api;
mod awake;
mod connections;
mod console;
mod credentials;
mod environment;
mod files;
mod health;
mod known;
mod listener;
mod log;
mod metrics;
mod openapi;
mod otlp;
mod owed;
mod places;
mod problem;
mod random;
mod refusals;
mod reload;
mod request_id;
mod serve;
mod service;
mod settings;
mod tls;
mod waits;
mod wall_clock;

pub use crate::credentials::{CredentialsError, NewToken, Role, new_token};
pub use crate::health::{HealthError, health};
pub use crate::listener::ListenError;
pub use crate::otlp::OtlpError;
pub use crate::serve::{ServeError, serve};
pub use crate::settings::{ConfigError, Given, Settings, given, print_config};
pub use crate::tls::TlsError;
