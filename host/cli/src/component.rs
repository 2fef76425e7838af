//! What a component says about the interface that it was built for; read off the binary, so that the manifest cannot say
//! otherwise.

use anyhow::Context as _;
use placet::simulation::Simulation;
use placet::{Builder, Verifier};
use serde_json::{Value, json};
use wasmparser::{Parser, Payload};

use crate::artifact::{FORMAT, Manifest, Version};
use crate::problem::Problem;

/// The default policy, which this build made.
pub(crate) const DEFAULT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.wasm"));

/// The default policy as a verifier that trusts these keys (entries of a manifest's `trust`); it was compiled in, so no signature
/// of it is asked for. The place tells facts and secrets.
///
/// # Errors
/// When an entry is none that a manifest may hold.
pub(crate) fn verifier(trust: &Value, place: &Builder) -> anyhow::Result<Verifier> {
    Ok(Verifier::from_component(DEFAULT, &manifest(trust)?, place)?)
}

/// The same as a simulation of the licenses that the place names, from this moment on (milliseconds since 1970).
///
/// # Errors
/// As [`verifier`].
pub(crate) fn simulation(trust: &Value, place: &Builder, from: u64) -> anyhow::Result<Simulation> {
    Ok(Simulation::from_component(DEFAULT, &manifest(trust)?, place, from)?)
}

fn manifest(trust: &Value) -> anyhow::Result<Manifest> {
    let Interface { version, imports } = interface(DEFAULT)?;
    let manifest = json!({
        "format": FORMAT, "name": "placet/verifier", "version": env!("CARGO_PKG_VERSION"), "sequence": 0,
        "interface": version, "imports": imports, "issued": 0, "minimum-host": env!("CARGO_PKG_VERSION"),
        "trust": trust, "settings": {},
    });
    Ok(Manifest::from_json(&manifest.to_string())?)
}

/// Everything of ours in an import or export begins with it.
const PACKAGE: &str = "placet:policy/";

/// What a policy must export for a host to ask it anything.
const EXPORTS: [&str; 3] = ["enforcement", "licensing", "verification"];

/// What a policy may import (`wit/world.wit`).
const IMPORTS: [&str; 3] = ["clock", "counters", "files"];

/// The interface of a component.
pub(crate) struct Interface {
    /// The version of the package `placet:policy`.
    pub(crate) version: Version,
    /// The imports by full name, sorted.
    pub(crate) imports: Vec<String>,
}

/// Reads the imports and exports at the top level of a component.
///
/// # Errors
/// When it is no component, or one that no host would run as a policy.
pub(crate) fn interface(component: &[u8]) -> anyhow::Result<Interface> {
    let (mut imports, exports) = names(component).map_err(|error| {
        // The parser's own text shows bytes, which help nobody.
        let message = format!("it is not a WebAssembly component, or is damaged at byte {}", error.offset());
        Problem::of("policy-not-a-component", message)
            .with_help("give the .wasm file of a component, or none for the default policy")
            .refused()
    })?;
    imports.sort();
    if let Some(other) = imports.iter().find(|name| !IMPORTS.contains(&ours(name).map_or("", |(name, _)| name))) {
        let message = format!("the component imports `{other}`, which no host gives to a policy");
        let help = "build it without std (`#![no_std]`), against wit/ alone";
        return Err(Problem::of("policy-imports", message).with_help(help).refused().into());
    }
    let exported: Vec<_> = exports.iter().filter_map(|name| ours(name)).collect();
    if let Some(missing) = EXPORTS.into_iter().find(|name| !exported.iter().any(|(export, _)| export == name)) {
        let message = format!("the component is no policy: it does not export `{PACKAGE}{missing}`");
        let help = "give a component that was built for the world `placet:policy/policy`";
        return Err(Problem::of("policy-interface", message).with_help(help).refused().into());
    }
    let mut versions: Vec<_> = exported.iter().map(|(_, version)| *version).collect();
    versions.extend(imports.iter().filter_map(|name| ours(name)).map(|(_, version)| version));
    versions.sort_unstable();
    versions.dedup();
    match versions.as_slice() {
        [version] => Ok(Interface { version: version.parse().context("the interface has no version")?, imports }),
        _ => {
            let message = format!("the component mixes versions of the interface: {}", versions.join(", "));
            let help = "build all of it against one wit/";
            Err(Problem::of("policy-interface", message).with_help(help).refused().into())
        }
    }
}

fn names(component: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            // What is nested is not seen from outside.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// Name and version of an interface of our package.
fn ours(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}
