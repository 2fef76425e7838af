//! The installation that an operator's command is about.

use std::path::PathBuf;

use placet::{Builder, FailMode, OpenError, Placet};

use crate::problem::Problem;
use crate::reasons;
use crate::roots::RootOptions;

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
    #[command(flatten)]
    pub(crate) roots: RootOptions,
}

impl SiteOptions {
    /// Opens the installation.
    pub(crate) fn open(&self) -> anyhow::Result<Placet> {
        Ok(self.builder()?.open().map_err(not_opened)?)
    }

    /// The installation, to be opened.
    pub(crate) fn builder(&self) -> anyhow::Result<Builder> {
        let mut builder = Placet::builder().roots(&self.roots.roots()?).fail_mode(FailMode::Error);
        if !self.roots.are_built_in() {
            builder = builder.development_root();
        }
        if let Some(state) = &self.state {
            builder = builder.state(state);
        }
        if let Some(policy) = &self.policy {
            builder = builder.policy(policy);
        }
        if let Some(token) = &self.token {
            builder = builder.license_token(token);
        }
        builder = self.license.iter().fold(builder, Builder::licenses);
        Ok(self.fact.iter().fold(builder, |builder, (name, value)| builder.fact(name, value)))
    }
}

/// An installation that did not open, with the next step.
pub(crate) fn not_opened(error: OpenError) -> Problem {
    let reason = error.reason().to_owned();
    let help = match &error {
        OpenError::NoState => "give `--state DIR`, or set PLACET_STATE".to_owned(),
        OpenError::NoPolicy => "install one with `placet policy install FILE`, or give `--policy FILE`".to_owned(),
        _ => reasons::help(&reason),
    };
    let refused = matches!(&error, OpenError::Policy(_));
    let problem = Problem::new("the installation cannot be opened", help).because(error);
    if refused { problem.refused(reason) } else { problem }
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
