//! `placet policy inspect`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::artifact::{Inspection, inspect};
use crate::files;
use crate::output::{Answer, table};

/// Take a policy apart: sections, manifest, key ids. Nothing of it is verified
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
  placet policy inspect acme-router.wasm")]
pub(crate) struct Arguments {
    /// The policy, signed or not; `-` for standard input
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let policy = files::read(&arguments.file)?;
    let inspection = inspect(&policy).map_err(|error| super::refused(&arguments.file, error.reason(), error))?;
    Ok(Answer::yes(text(&inspection), json(&inspection)))
}

fn text(inspection: &Inspection) -> String {
    let mut rows = vec![("content", inspection.content_hash.to_string())];
    if inspection.signatures.is_empty() {
        rows.push(("signature", "none".to_owned()));
    }
    for signature in &inspection.signatures {
        rows.push(match signature {
            Ok(claim) => ("claims key", claim.key_id.to_string()),
            Err(error) => ("signature", format!("unreadable: {error}")),
        });
    }
    if inspection.manifests.is_empty() {
        rows.push(("manifest", "none".to_owned()));
    }
    for manifest in &inspection.manifests {
        match manifest {
            Ok((manifest, _)) => rows.extend(super::rows(manifest)),
            Err(error) => rows.push(("manifest", format!("unreadable: {error}"))),
        }
    }
    let sections = inspection.sections.iter().map(|section| {
        let name = section.name.as_deref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        (format!("  at {}", section.offset), format!("{} bytes, section {}{name}", section.length, section.id))
    });
    let sections: Vec<_> = sections.collect();
    format!(
        "NOT VERIFIED: whoever made this file says the following. `placet policy verify` tells who signed it.\n\n{}\n{} sections\n{}",
        table(&rows),
        sections.len(),
        table(&sections)
    )
}

fn json(inspection: &Inspection) -> Value {
    let signatures = inspection.signatures.iter().map(|signature| match signature {
        Ok(claim) => json!({ "key": claim.key_id.to_string(), "content_hash": claim.content_hash.to_string() }),
        Err(error) => json!({ "error": error.to_string() }),
    });
    let manifests = inspection.manifests.iter().map(|manifest| match manifest {
        Ok((_, text)) => serde_json::from_str(text).unwrap_or_default(),
        Err(error) => json!({ "error": error.to_string() }),
    });
    let sections = inspection.sections.iter().map(
        |section| json!({ "id": section.id, "name": section.name, "offset": section.offset, "length": section.length }),
    );
    json!({
        "verified": false,
        "content_hash": inspection.content_hash.to_string(),
        "signatures": signatures.collect::<Vec<_>>(),
        "manifests": manifests.collect::<Vec<_>>(),
        "sections": sections.collect::<Vec<_>>(),
    })
}
