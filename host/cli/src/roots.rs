//! Whose policies are believed: the roots that were compiled in, or for a development build those of `--root`.

use std::path::{Path, PathBuf};

use crate::artifact::PolicyRoots;
use crate::files;
use crate::problem::Problem;

/// The roots of this build (`PLACET_ROOTS=roots.pem cargo build`); empty in a development build.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/roots.pem"));

/// Where a development build takes its roots from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RootOptions {
    /// The vendor's public policy keys, in PEM: the `.pub` of the key that signs policies. A build with roots of its own needs and takes
    /// none
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    root: Option<PathBuf>,
}

impl RootOptions {
    /// Whether the roots were compiled in.
    pub(crate) fn are_built_in(&self) -> bool {
        !BUILT_IN.is_empty()
    }

    /// The roots to verify policies with.
    ///
    /// # Errors
    /// When there are none, or both kinds.
    pub(crate) fn roots(&self) -> anyhow::Result<PolicyRoots> {
        match chosen(BUILT_IN, self.root.as_deref())? {
            Source::BuiltIn => Ok(PolicyRoots::from_pem(BUILT_IN)?),
            Source::File(path) => PolicyRoots::from_pem(&files::read_text(path)?).map_err(|error| {
                let message = format!("`{}` cannot be used as policy roots", path.display());
                Problem::of(error.reason(), message)
                    .with_help("give the `.pub` file of the key that signs policies")
                    .because(error)
                    .refused()
                    .into()
            }),
        }
    }
}

/// Where the roots come from.
#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    BuiltIn,
    File(&'a Path),
}

/// A build with roots of its own believes nobody else, whatever it is told.
fn chosen<'a>(built_in: &str, option: Option<&'a Path>) -> Result<Source<'a>, Problem> {
    match (option, built_in.is_empty()) {
        (None, false) => Ok(Source::BuiltIn),
        (Some(path), true) => Ok(Source::File(path)),
        (Some(_), false) => Err(Problem::usage(
            "this build has policy roots of its own and takes none by `--root`",
            "leave `--root` away; whoever ships a product decides whose policies it believes",
        )),
        (None, true) => Err(Problem::of("root-missing", "this build has no policy roots").with_help(
            "give `--root FILE` with the vendor's public policy keys, or build with `PLACET_ROOTS=roots.pem cargo build`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An Ed25519 key from RFC 8410 section 10.1.
    const TEST_ROOT: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_build_with_roots_takes_no_others() {
        assert!(PolicyRoots::from_pem(TEST_ROOT).is_ok());
        assert_eq!(chosen(TEST_ROOT, None).unwrap(), Source::BuiltIn);
        let refused = chosen(TEST_ROOT, Some(Path::new("TEST-other.pub"))).unwrap_err();
        assert!(refused.to_string().contains("takes none by `--root`") && !refused.is_refusal(), "{refused}");
    }

    #[test]
    fn a_development_build_needs_the_option() {
        let path = Path::new("TEST-root.pub");
        assert_eq!(chosen("", Some(path)).unwrap(), Source::File(path));
        assert!(chosen("", None).unwrap_err().help().contains("--root FILE"));
    }
}
