//! Whose policies are believed: the roots that were compiled in, or for a development build those of `--root`.

use std::path::PathBuf;

use crate::artifact::PolicyRoots;
use crate::files;
use crate::problem::Problem;

/// The roots of this build (`PLACET_ROOTS=roots.pem cargo build`); empty in a development build.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/roots.pem"));

/// Where a development build takes its roots from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RootOptions {
    /// Public policy keys to trust, in PEM. Only for builds without roots of their own
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
        match (&self.root, BUILT_IN.is_empty()) {
            (None, false) => Ok(PolicyRoots::from_pem(BUILT_IN)?),
            (Some(_), false) => Err(Problem::new(
                "this build has policy roots of its own and takes none by `--root`",
                "leave `--root` away; whoever ships a product decides whose policies it believes",
            )
            .into()),
            (None, true) => Err(Problem::new(
                "this build has no policy roots",
                "give `--root FILE` with the vendor's public policy keys, or build with `PLACET_ROOTS=roots.pem cargo build`",
            )
            .into()),
            (Some(path), true) => PolicyRoots::from_pem(&files::read_text(path)?).map_err(|error| {
                let message = format!("`{}` cannot be used as policy roots", path.display());
                let reason = error.reason();
                Problem::new(message, "give the `.pub` file of the key that signs policies").because(error).refused(reason).into()
            }),
        }
    }
}
