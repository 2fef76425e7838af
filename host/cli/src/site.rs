//! The installation that an operator's command is about.

use std::path::{Path, PathBuf};
use std::time::Duration;

use placet::{Builder, FailMode, OpenError, Placet, PolicyError, StoreError};

use crate::argument::{number, pair};
use crate::files;
use crate::problem::Problem;
use crate::reasons;
use crate::roots::RootOptions;
use crate::storage::StorageOptions;

/// Where the installation is. Flags go before the environment.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Installation")]
pub(crate) struct SiteOptions {
    /// State directory: counters, installed licenses and policies
    #[arg(long, env = "PLACET_STATE", value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// License file, or a directory of them, beside those that were installed
    #[arg(long, env = "PLACET_LICENSE", value_name = "PATH")]
    license: Vec<PathBuf>,
    /// A license by value
    #[arg(long, env = "PLACET_LICENSE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The signed policy that the product ships; not needed once one was installed
    #[arg(long, env = "PLACET_POLICY", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A fact of the deployment, such as environment=production
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    fact: Vec<(String, String)>,
    /// A file with what opens encrypted licenses of this name: the license key of a file of Keygen (`license-key=…`), or 32 bytes as
    /// base64url
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    secret_file: Vec<(String, String)>,
    /// Wait so long for another process that has the state directory
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "30", value_parser = number)]
    wait: Option<u64>,
    #[command(flatten)]
    storage: StorageOptions,
    #[command(flatten)]
    pub(crate) roots: RootOptions,
}

impl SiteOptions {
    /// Opens the installation.
    pub(crate) fn open(&self) -> anyhow::Result<Placet> {
        Ok(self.builder()?.open().map_err(not_opened)?)
    }

    /// The same, for what no service does in its stead.
    pub(crate) fn open_alone(&self) -> anyhow::Result<Placet> {
        Ok(self.builder()?.open().map_err(not_opened_alone)?)
    }

    /// The installation, to be opened.
    pub(crate) fn builder(&self) -> anyhow::Result<Builder> {
        let mut builder = self.place()?.roots(&self.roots.roots()?).fail_mode(FailMode::Error);
        if !self.roots.are_built_in() {
            builder = builder.development_root();
        }
        if let Some(state) = &self.state {
            builder = builder.state(state);
        }
        if let Some(seconds) = self.wait {
            builder = builder.wait(Duration::from_secs(seconds));
        }
        if let Some(policy) = &self.policy {
            builder = builder.policy(policy);
        }
        Ok(self.storage.add_to(self.with_documents(builder))?)
    }

    /// With the licenses that the operator names, beside those that were installed.
    pub(crate) fn with_documents(&self, mut builder: Builder) -> Builder {
        if let Some(token) = &self.token {
            builder = builder.license_token(token);
        }
        self.license.iter().fold(builder, Builder::licenses)
    }

    /// The licenses that are named by path.
    pub(crate) fn license_paths(&self) -> &[PathBuf] {
        &self.license
    }

    /// Where licenses are looked for.
    pub(crate) fn places(&self) -> Vec<String> {
        let installed = self.state.iter().map(|state| format!("{} (installed ones)", state.join("licenses").display()));
        let named = self.license.iter().map(|path| path.display().to_string());
        installed.chain(named).chain(self.token.iter().map(|_| "the value of --token".to_owned())).collect()
    }

    /// What is known of the place, without whom to trust.
    pub(crate) fn place(&self) -> anyhow::Result<Builder> {
        let mut builder = Placet::builder();
        for (name, file) in &self.secret_file {
            builder = builder.secret(name, files::read_text(Path::new(file))?.trim());
        }
        Ok(self.fact.iter().fold(builder, |builder, (name, value)| builder.fact(name, value)))
    }
}

/// What to do where the file of a policy cannot be read at all.
pub(crate) const POLICY_FILE: &str = "give the path of a signed policy file that exists and that you may read";

/// An installation that did not open, with the next step.
pub(crate) fn not_opened(error: OpenError) -> Problem {
    let Unopened { missing, help } = unopened(&error);
    let problem = Problem::of(error.reason(), missing.unwrap_or("the installation cannot be opened")).with_help(help);
    let problem =
        if matches!(&error, OpenError::Policy(error) if is_refusal(error)) { problem.refused() } else { problem };
    if missing.is_some() { problem } else { problem.because(error) }
}

/// The same, for what no service does in its stead.
pub(crate) fn not_opened_alone(error: OpenError) -> Problem {
    let is_locked = matches!(error, OpenError::Store(StoreError::Locked { .. }));
    let problem = not_opened(error);
    if is_locked { problem.with_help(ALONE) } else { problem }
}

const ALONE: &str = "end the process that has the state directory, or wait until it ends (`--wait`): a sidecar does not do this in its stead";

/// Was the policy read, and refused for what it is?
pub(crate) fn is_refusal(error: &PolicyError) -> bool {
    match error {
        PolicyError::File(_) => error.reason() == "policy-too-large",
        PolicyError::State(_) | PolicyError::Record(_) => false,
        _ => true,
    }
}

/// Why an installation did not open, in terms of the command.
pub(crate) struct Unopened {
    /// What was not given; none where the error says it all.
    pub(crate) missing: Option<&'static str>,
    /// The next step.
    pub(crate) help: String,
}

/// Why an installation did not open.
pub(crate) fn unopened(error: &OpenError) -> Unopened {
    let (missing, help) = match error {
        OpenError::NoState => (Some("no state directory is named"), "give `--state DIR`, or set PLACET_STATE"),
        OpenError::NoPolicy => (
            Some("no policy is installed in the state directory, and none is named"),
            "install one with `placet policy install FILE`, or give `--policy FILE`",
        ),
        OpenError::Policy(error @ PolicyError::File(_)) if !is_refusal(error) => (None, POLICY_FILE),
        OpenError::Store(StoreError::ReadOnly { .. }) => {
            (None, "give the product's user the right to write the state directory")
        }
        OpenError::State(error) | OpenError::Policy(PolicyError::State(error)) if error.reason() == "state-io" => (
            None,
            "give `--state` a directory that you may read and write; what is not there is made, but not by commands that only look",
        ),
        _ => return Unopened { missing: None, help: reasons::help(error.reason()) },
    };
    Unopened { missing, help: help.to_owned() }
}
