//! From a signed file to a policy that may run. Each step takes what only the one before can make:
//! size and signature, manifest and key ([`placet_artifact::verify`]) → sequence floor ([`Verified::admit`]) → compiled, imports
//! → self-test ([`Tested`]). Nothing of an unverified file is compiled, and the floor is raised only for what was tested.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use placet_artifact::{Admitted, Adopted, Floor, MAX_POLICY, PolicyRoots, Verified, Version};

use crate::clock::Clock;
use crate::code_cache::{self, Recalled};
use crate::code_size::CodeSizeError;
use crate::deployment::Deployment;
use crate::error::PolicyError;
use crate::program::Program;
use crate::sandbox::{CompileError, Compiled, Sandbox};
use crate::self_test;
use crate::state_dir::{Folder, StateDir, read_path};
use crate::status::PolicyInfo;

/// A genuine policy, and where it was read.
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) verified: Verified,
    /// The state directory has it.
    kept: bool,
    /// Its native code of before.
    revived: Option<Result<Compiled, CompileError>>,
}

/// A policy that passed its self-test: the only one that may be adopted.
pub(crate) struct Tested {
    pub(crate) program: Arc<Program>,
    pub(crate) admitted: Admitted,
    kept: bool,
}

impl Candidate {
    /// Reads a signed policy and checks that it is genuine.
    pub(crate) fn read(path: &Path, roots: &PolicyRoots) -> Result<Self, PolicyError> {
        Self::verify(path, read_path(path, MAX_POLICY as u64).map_err(PolicyError::File)?, roots)
    }

    /// Checks that what was read there is genuine.
    pub(crate) fn verify(path: &Path, bytes: Vec<u8>, roots: &PolicyRoots) -> Result<Self, PolicyError> {
        let verified = placet_artifact::verify(bytes, roots)
            .map_err(|source| PolicyError::NotGenuine { path: path.to_owned(), source: source.into() })?;
        Ok(Self { path: path.to_owned(), verified, kept: false, revived: None })
    }

    /// With its native code of before, if this is it.
    pub(crate) fn with_code(self, code: Option<Recalled>) -> Self {
        Self { revived: code.and_then(|code| code.of(&self.verified.content_hash())), ..self }
    }

    /// Every genuine policy that was adopted before, but for `known`, which is not verified twice; and of the files that are damaged,
    /// why the first one is.
    pub(crate) fn adopted(
        state: &StateDir,
        roots: &PolicyRoots,
        mut known: Option<&mut Self>,
    ) -> Result<(Vec<Self>, Option<PolicyError>), PolicyError> {
        let (mut candidates, mut damaged) = (Vec::new(), None);
        for name in state.names(Folder::Policies)? {
            let candidate = match state.read(Folder::Policies, &name, MAX_POLICY as u64) {
                Ok(Some(bytes)) => match known.as_deref_mut().filter(|known| known.verified.bytes() == bytes) {
                    Some(known) => {
                        known.kept = true;
                        continue;
                    }
                    None => Self::verify(&state.path(Folder::Policies).join(name), bytes, roots),
                },
                Ok(None) => continue,
                Err(error) => Err(error.into()),
            };
            match candidate {
                Ok(candidate) => candidates.push(Self { kept: true, ..candidate }),
                Err(error) => damaged = damaged.or(Some(error)),
            }
        }
        Ok((candidates, damaged))
    }

    /// The policy's name.
    pub(crate) fn name(&self) -> &str {
        self.verified.manifest().name.as_str()
    }

    /// The policy, for people.
    pub(crate) fn info(&self) -> PolicyInfo {
        PolicyInfo::new(self.verified.manifest(), &self.verified.content_hash(), false)
    }

    /// What it would be adopted as.
    pub(crate) fn adopted_as(&self) -> Adopted {
        Adopted { sequence: self.verified.manifest().sequence, hash: self.verified.content_hash() }
    }

    /// Holds it against the floor, compiles and tests it.
    pub(crate) fn test(
        self,
        floor: &Floor,
        sandbox: &Sandbox,
        cache: Option<&StateDir>,
        deployment: &Deployment,
        clock: &Arc<Clock>,
    ) -> Result<Tested, PolicyError> {
        let Self { path, verified, kept, revived } = self;
        let admitted = verified
            .admit(floor, &host_version())
            .map_err(|source| PolicyError::NotAdmitted { path, source: source.into() })?;
        let verified = admitted.verified();
        let manifest = verified.manifest();
        let unfit = |reason, source| PolicyError::Unfit {
            name: manifest.name.to_string(),
            version: manifest.version.to_string(),
            reason,
            source,
        };
        let hash = verified.content_hash();
        let passed = revived.or_else(|| code_cache::recall(sandbox, cache?, &hash));
        let is_new = passed.is_none();
        let compiled = passed
            .unwrap_or_else(|| sandbox.compile(verified.bytes()))
            .and_then(|compiled| compiled.imports_only(&manifest.imports))
            .map_err(|error| unfit(compile_reason(&error), error.into()))?;
        let program = Arc::new(Program {
            manifest: manifest.clone(),
            hash,
            rolled_back: admitted.is_rolled_back(),
            compiled,
            config: deployment.config(verified.manifest_json().to_owned()),
        });
        if is_new {
            self_test::run(&program, clock).map_err(|error| unfit(error.reason(), error.into()))?;
            if let Some(cache) = cache {
                code_cache::keep(sandbox, cache, &hash, &program.compiled);
            }
        }
        Ok(Tested { program, admitted, kept })
    }
}

impl Tested {
    /// Keeps the signed file, so that it is found again at the next start, and can be gone back to.
    pub(crate) fn keep(&self, state: &StateDir) -> Result<(), PolicyError> {
        if self.kept {
            return Ok(());
        }
        let verified = self.admitted.verified();
        let manifest = verified.manifest();
        let name = format!(
            "{}.{}.{:020}-{:.16}.wasm",
            manifest.name.vendor(),
            manifest.name.product(),
            manifest.sequence,
            code_cache::hex(&verified.content_hash())
        );
        // A file of that name which holds anything else is damaged.
        Ok(state.put(Folder::Policies, &name, verified.bytes())?)
    }
}

/// The version that a policy's `minimum-host` is held against.
pub(crate) fn host_version() -> Version {
    Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(Version::new(0, 0, 0))
}

fn compile_reason(error: &CompileError) -> &'static str {
    match error {
        CompileError::Invalid(_) | CompileError::Size(CodeSizeError::Invalid(_)) => "policy-invalid",
        CompileError::Size(_) => "policy-excess",
        CompileError::Imports(_) | CompileError::Undeclared(_) => "policy-imports",
        CompileError::Interface(_) => "policy-interface",
    }
}
