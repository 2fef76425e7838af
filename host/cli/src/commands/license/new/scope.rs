//! Where a license holds, and what it is for.

use serde_json::{Map, Value};

use super::{some_list, text};
use crate::argument::number;

/// Where it holds; what is not given does not narrow it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where it holds")]
pub(super) struct ScopeOptions {
    /// Fingerprints of machines, in hex, as `placet fingerprint` prints them there
    #[arg(long, value_name = "HEX", value_delimiter = ',')]
    scope_fingerprint: Vec<String>,
    /// How many of the fingerprints must fit; any unless told
    #[arg(long, value_parser = ["any", "two", "most", "all"], requires = "scope_fingerprint")]
    scope_match: Option<String>,
    /// Environments, such as production: the product's fact `environment`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scope_environment: Vec<String>,
    /// Names of hosts
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scope_host: Vec<String>,
    /// Products, where a policy judges for several: the product's fact `product`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scope_product: Vec<String>,
    /// Versions of the product, such as '>=2, <4'
    #[arg(long, value_name = "RANGE")]
    scope_versions: Option<String>,
    /// Processes that may share one state directory
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_negative_numbers = true)]
    scope_instances: Option<u64>,
}

impl ScopeOptions {
    /// The claim `scope`, as far as it was given.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let claims = [
            ("fingerprints", some_list(&self.scope_fingerprint)),
            ("match", text(&self.scope_match)),
            ("environments", some_list(&self.scope_environment)),
            ("hosts", some_list(&self.scope_host)),
            ("products", some_list(&self.scope_product)),
            ("versions", text(&self.scope_versions)),
            ("instances", self.scope_instances.map(Value::from)),
        ];
        claims.into_iter().filter_map(|(name, claim)| Some((name.to_owned(), claim?))).collect()
    }
}
