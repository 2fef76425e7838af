//! Compiles into the binary what it must not look for at run time: the policy roots and the default policy component.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};
use placet_artifact::PolicyRoots;

fn main() -> ExitCode {
    match prepare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // In one line: the debug form of an error, which a `main` with a result prints, comes with a backtrace.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn prepare() -> anyhow::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let manifest_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("cargo sets CARGO_MANIFEST_DIR")?);
    let workspace = manifest_dir.ancestors().nth(2).context("the crate lies in the workspace, as host/cli")?;
    roots(workspace, &out.join("roots.pem"))?;
    component(workspace, &out.join("policy.wasm"))
}

/// `PLACET_ROOTS` names a PEM file, relative to the workspace's directory; none makes a development build.
fn roots(workspace: &Path, out: &Path) -> anyhow::Result<()> {
    println!("cargo::rerun-if-env-changed=PLACET_ROOTS");
    let Some(path) = env::var_os("PLACET_ROOTS") else { return Ok(fs::write(out, "")?) };
    let path = workspace.join(path);
    println!("cargo::rerun-if-changed={}", path.display());
    let relative = "a relative path begins at the workspace's directory";
    let pem = fs::read_to_string(&path)
        .with_context(|| format!("PLACET_ROOTS: `{}` cannot be read ({relative})", path.display()))?;
    PolicyRoots::from_pem(&pem)
        .with_context(|| format!("PLACET_ROOTS: `{}` cannot be used as policy roots", path.display()))?;
    Ok(fs::write(out, pem)?)
}

/// The one place that knows how a policy is built is `scripts/build-policy`.
fn component(workspace: &Path, out: &Path) -> anyhow::Result<()> {
    let script = workspace.join("scripts/build-policy");
    for input in ["guest", "wit", "Cargo.lock", "Cargo.toml", "rust-toolchain.toml", "scripts/build-policy"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    // A directory of its own, since the outer cargo holds the lock of the other one; beside what that builds for this profile, where tests
    // find it as well: PROFILE/build/NAME/out/FILE.
    let target = out.ancestors().nth(4).context("OUT_DIR is not where cargo has it")?.join("policy-component");
    let status = Command::new("sh")
        .arg(&script)
        .arg(out)
        .env("CARGO_TARGET_DIR", target)
        .status()
        .context("`sh` cannot be run")?;
    if !status.success() {
        bail!("{} failed ({status}); its output is above", script.display());
    }
    ensure!(out.is_file(), "{} left no `{}`", script.display(), out.display());
    Ok(())
}
