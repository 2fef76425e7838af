//! What an operator may set: each key once, as a field here. Flags, environment, the configuration file and `--print-config` are made of it.

mod file;
mod printed;
mod values;
mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;

pub use self::file::{ConfigError, Given, given};
pub use self::printed::print_config;
use self::values::{Fact, count, duration, duration_or_none, enabled, fact, metrics_prefix, size, type_base};
pub(crate) use self::variables::unknown;

/// All keys. The id of an argument is the key as the configuration file has it, such as `license.path`; its flag has dashes instead.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Service (each is a key of the configuration file, too)")]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one
    #[arg(
        id = "listen.address",
        long = "listen-address",
        visible_alias = "listen",
        env = "PLACET_LISTEN_ADDRESS",
        value_name = "IP:PORT",
        default_value = "127.0.0.1:7077"
    )]
    pub(crate) address: SocketAddr,
    /// Listen on this unix socket instead; its owner and group may connect
    #[arg(id = "listen.unix", long = "listen-unix", env = "PLACET_LISTEN_UNIX", value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,
    /// Speak TLS with this certificate, and those between it and its root, in PEM; read anew when it changes
    #[arg(
        id = "listen.tls_certificate",
        long = "listen-tls-certificate",
        env = "PLACET_LISTEN_TLS_CERTIFICATE",
        value_name = "FILE"
    )]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of the certificate, in PEM
    #[arg(id = "listen.tls_key", long = "listen-tls-key", env = "PLACET_LISTEN_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Signed policy that the product ships; not needed once one was installed
    #[arg(
        id = "policy.path",
        long = "policy-path",
        visible_alias = "policy",
        env = "PLACET_POLICY",
        value_name = "FILE"
    )]
    pub(crate) policy: Option<PathBuf>,

    /// License files, or directories of them, beside those that were installed
    #[arg(
        id = "license.path",
        long = "license-path",
        visible_alias = "license",
        env = "PLACET_LICENSE",
        value_name = "PATH"
    )]
    pub(crate) licenses: Vec<PathBuf>,
    /// A license by value
    #[arg(
        id = "license.token",
        long = "license-token",
        visible_alias = "token",
        env = "PLACET_LICENSE_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// A file with a license by value
    #[arg(
        id = "license.token_file",
        long = "license-token-file",
        env = "PLACET_LICENSE_TOKEN_FILE",
        value_name = "FILE"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// The name of an environment variable with a license by value, which the product already has
    #[arg(id = "license.token_env", long = "license-token-env", env = "PLACET_LICENSE_TOKEN_ENV", value_name = "NAME")]
    pub(crate) token_env: Option<String>,
    /// State directory: counters, installed licenses and policies. On a local disk; one process has it
    #[arg(
        id = "license.state_path",
        long = "license-state-path",
        visible_alias = "state",
        env = "PLACET_STATE",
        value_name = "DIR"
    )]
    pub(crate) state: Option<PathBuf>,
    /// How often licenses are read again by themselves
    #[arg(id = "license.recheck_interval", long = "license-recheck-interval", env = "PLACET_LICENSE_RECHECK_INTERVAL", value_name = "TIME", default_value = "1h", value_parser = duration)]
    pub(crate) recheck: Duration,
    /// How often license files, credentials and the certificate are looked at for a change, without reading them
    #[arg(id = "license.watch_interval", long = "license-watch-interval", env = "PLACET_LICENSE_WATCH_INTERVAL", value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) watch: Duration,
    /// How long the kept copy of a license that is damaged or gone stands in at the most; it can only shorten what the license grants, and 0s is not at all
    #[arg(id = "license.grace_period_on_validation_error", long = "license-grace-period-on-validation-error", env = "PLACET_LICENSE_GRACE_PERIOD_ON_VALIDATION_ERROR", value_name = "TIME", value_parser = duration_or_none)]
    pub(crate) validation_grace: Option<Duration>,
    /// Always true: nothing turns enforcement off
    #[arg(id = "license.enabled", long = "license-enabled", env = "PLACET_LICENSE_ENABLED", value_name = "true", default_value = "true", action = ArgAction::Set, value_parser = enabled)]
    pub(crate) _enabled: bool,

    /// Facts of the deployment for the policy, such as environment=production
    #[arg(id = "facts", long = "fact", env = "PLACET_FACTS", value_name = "NAME=VALUE", value_delimiter = ',', value_parser = fact)]
    pub(crate) facts: Vec<Fact>,
    /// Files with what opens encrypted licenses of a name
    #[arg(id = "secret_files", long = "secret-file", env = "PLACET_SECRET_FILES", value_name = "NAME=FILE", value_delimiter = ',', value_parser = fact)]
    pub(crate) secret_files: Vec<Fact>,

    /// A file with the secret, of at least 32 bytes, that seals what is kept in the state directory; or the secret itself in
    /// PLACET_STORAGE_SECRET
    #[arg(
        id = "storage_secret_file",
        long = "storage-secret-file",
        env = "PLACET_STORAGE_SECRET_FILE",
        value_name = "FILE"
    )]
    pub(crate) storage_secret: Option<PathBuf>,
    /// Who may ask: entries that `placet token new` makes; read anew when it changes. Without it, a token for all of it is made at each start, and written to
    /// `admin.token` in the state directory
    #[arg(id = "credentials_file", long = "credentials-file", env = "PLACET_CREDENTIALS_FILE", value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,

    /// Who may install a license over HTTP: admin, or owner, whose tokens see what their tenants use
    #[arg(
        id = "install_role",
        long = "install-role",
        env = "PLACET_INSTALL_ROLE",
        value_enum,
        value_name = "admin|owner",
        default_value = "admin",
        hide_possible_values = true
    )]
    pub(crate) install_role: InstallRole,
    /// Where a license goes that is uploaded: state, into the state directory; or memory, where it is held for this run only and never written
    #[arg(
        id = "uploads",
        long = "uploads",
        env = "PLACET_UPLOADS",
        value_enum,
        value_name = "state|memory",
        default_value = "state",
        hide_possible_values = true
    )]
    pub(crate) uploads: Uploads,

    /// Where no license is usable at the start: refuse, and go on denying until one is; or exit
    #[arg(
        id = "on_no_license",
        long = "on-no-license",
        env = "PLACET_ON_NO_LICENSE",
        value_enum,
        value_name = "refuse|exit",
        default_value = "refuse",
        hide_possible_values = true
    )]
    pub(crate) on_no_license: OnNoLicense,
    /// Where no decision can be made: error, status 503; or closed, a denial that names the failure
    #[arg(
        id = "fail_mode",
        long = "fail-mode",
        env = "PLACET_FAIL_MODE",
        value_enum,
        value_name = "error|closed",
        default_value = "error",
        hide_possible_values = true
    )]
    pub(crate) fail_mode: FailMode,
    /// Whether `/readyz` is 200 when the license has expired: reading goes on then
    #[arg(id = "ready.when_expired", long = "ready-when-expired", env = "PLACET_READY_WHEN_EXPIRED", value_name = "true|false", default_value = "true", action = ArgAction::Set, hide_possible_values = true)]
    pub(crate) ready_when_expired: bool,

    /// What the `type` of a problem document begins with; the reason follows
    #[arg(id = "problem.type_base", long = "problem-type-base", env = "PLACET_PROBLEM_TYPE_BASE", value_name = "URI", default_value = placet::PROBLEM_BASE, value_parser = type_base)]
    pub(crate) type_base: String,
    /// The rate that `/v1/enforce/request` takes one unit of, where the license names it; empty: none
    #[arg(
        id = "request.rate",
        long = "request-rate",
        env = "PLACET_REQUEST_RATE",
        value_name = "LIMIT",
        default_value = "requests"
    )]
    pub(crate) request_rate: String,
    /// The seats that a tenant takes by `/v1/enforce/request`, where the license names them; empty: none
    #[arg(
        id = "request.tenants",
        long = "request-tenants",
        env = "PLACET_REQUEST_TENANTS",
        value_name = "LIMIT",
        default_value = "tenants"
    )]
    pub(crate) request_tenants: String,

    /// The status of a yes at `/v1/enforce/`: 204, or 200 for a proxy that lets through on nothing else, such as Envoy
    #[arg(
        id = "enforce.allowed_status",
        long = "enforce-allowed-status",
        env = "PLACET_ENFORCE_ALLOWED_STATUS",
        value_enum,
        value_name = "204|200",
        default_value = "204",
        hide_possible_values = true
    )]
    pub(crate) allowed_status: AllowedStatus,

    /// Whether `/metrics` is open to whoever asks; else it takes a token that is bound to no tenant
    #[arg(id = "metrics.open", long = "metrics-open", env = "PLACET_METRICS_OPEN", value_name = "true|false", default_value = "false", action = ArgAction::Set, hide_possible_values = true)]
    pub(crate) metrics_open: bool,
    /// What the names of metrics begin with; at `/metrics` dots are written as `_`
    #[arg(id = "metrics.prefix", long = "metrics-prefix", env = "PLACET_METRICS_PREFIX", value_name = "NAME", default_value = "placet.license", value_parser = metrics_prefix)]
    pub(crate) metrics_prefix: String,

    /// A collector that the metrics are sent to, by OTLP over HTTP as protobuf: http://HOST:PORT, or https with `otlp.ca_file`; `/v1/metrics`
    /// is added to its path. Where it is not set, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT as it is, or OTEL_EXPORTER_OTLP_ENDPOINT; else none
    #[arg(
        id = "otlp.endpoint",
        long = "otlp-endpoint",
        env = "PLACET_OTLP_ENDPOINT",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) otlp_endpoint: Option<String>,
    /// How often they are sent; once more at a stop
    #[arg(id = "otlp.interval", long = "otlp-interval", env = "PLACET_OTLP_INTERVAL", value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) otlp_interval: Duration,
    /// A file with headers that the collector wants, one `NAME: VALUE` a line, such as a token; read anew each time
    #[arg(id = "otlp.headers_file", long = "otlp-headers-file", env = "PLACET_OTLP_HEADERS_FILE", value_name = "FILE")]
    pub(crate) otlp_headers: Option<PathBuf>,
    /// The certificates, as PEM, by which a collector is known that speaks TLS; read anew each time
    #[arg(id = "otlp.ca_file", long = "otlp-ca-file", env = "PLACET_OTLP_CA_FILE", value_name = "FILE")]
    pub(crate) otlp_ca: Option<PathBuf>,

    /// The longest body of a request, in bytes; documents and policies have their own
    #[arg(id = "limits.body_bytes", long = "limits-body-bytes", env = "PLACET_LIMITS_BODY_BYTES", value_name = "BYTES", default_value = "65536", value_parser = size)]
    pub(crate) body_bytes: usize,
    /// The longest header of a request, in bytes
    #[arg(id = "limits.header_bytes", long = "limits-header-bytes", env = "PLACET_LIMITS_HEADER_BYTES", value_name = "BYTES", default_value = "16384", value_parser = size)]
    pub(crate) header_bytes: usize,
    /// Connections at one time; for a further one that makes room which has asked nothing for longest
    #[arg(id = "limits.connections", long = "limits-connections", env = "PLACET_LIMITS_CONNECTIONS", value_name = "NUMBER", default_value = "512", value_parser = count)]
    pub(crate) connections: usize,
    /// How long a client may take for a TLS handshake, to send a header, and to be idle between two requests
    #[arg(id = "limits.header_time", long = "limits-header-time", env = "PLACET_LIMITS_HEADER_TIME", value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) header_time: Duration,
    /// How long a request may take from its header to its answer, and a client to take the answer
    #[arg(id = "limits.request_time", long = "limits-request-time", env = "PLACET_LIMITS_REQUEST_TIME", value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) request_time: Duration,
    /// How long a stop waits for requests that are under way
    #[arg(id = "limits.stop_time", long = "limits-stop-time", env = "PLACET_LIMITS_STOP_TIME", value_name = "TIME", default_value = "20s", value_parser = duration)]
    pub(crate) stop_time: Duration,

    /// The form of the log
    #[arg(
        id = "log.format",
        long = "log-format",
        env = "PLACET_LOG_FORMAT",
        value_enum,
        value_name = "text|json",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) log_format: LogFormat,
    /// The least of what is logged; debug: also each refusal and denial that is answered as a status, with the id of its request
    #[arg(
        id = "log.level",
        long = "log-level",
        env = "PLACET_LOG_LEVEL",
        value_enum,
        value_name = "warn|info|debug",
        default_value = "info",
        hide_possible_values = true
    )]
    pub(crate) log_level: LogLevel,
}

impl Settings {
    /// Where the token of a run without credentials is written.
    pub(crate) fn one_time_token(&self) -> Option<PathBuf> {
        let state = self.state.as_ref().filter(|_| self.credentials.is_none());
        state.map(|state| state.join("admin.token"))
    }
}

/// Who may install a license over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum InstallRole {
    Admin,
    Owner,
}

/// Where a license goes that is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Uploads {
    State,
    Memory,
}

/// What to do at the start where no license is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnNoLicense {
    Refuse,
    Exit,
}

/// What a client gets where no decision could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FailMode {
    Error,
    Closed,
}

/// The status of a yes that is handed through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AllowedStatus {
    #[value(name = "204")]
    NoContent,
    #[value(name = "200")]
    Ok,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The least of what is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogLevel {
    Warn,
    Info,
    Debug,
}

/// The arguments that are keys of the configuration file.
fn keys() -> clap::Command {
    <Settings as clap::Args>::augment_args(clap::Command::new("placet serve"))
}
