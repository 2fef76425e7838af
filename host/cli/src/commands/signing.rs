//! What the commands that sign a document have in common.

use std::path::{Path, PathBuf};

use placet_rules::notices::Kind;
use serde_json::json;

use crate::argument::pair;
use crate::files;
use crate::keys::{self, Form, PrivateKey};
use crate::output::{Answer, table};

/// How a document is signed, and where it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Signing {
    /// Name of the key in the document; its thumbprint unless told otherwise. The policy must trust the key under that name
    #[arg(long, value_name = "ID", requires = "key")]
    kid: Option<String>,
    /// Write a compact token, which fits an environment variable, instead of JSON
    #[arg(long, requires = "key")]
    compact: bool,
    /// Encrypt it, so that only who has the secret reads the terms: its name, and a file that `placet key new --use secret` made
    #[arg(long, value_name = "NAME=FILE", value_parser = pair, requires = "key")]
    encrypt_with: Option<(String, String)>,
    /// Where to write; standard output unless told otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

impl Signing {
    /// Signs the bytes as they are and hands them out. The header says what kind of document they are.
    pub(crate) fn sign(&self, payload: &[u8], kind: Kind, key: &Path) -> anyhow::Result<Answer> {
        let form = if self.compact { Form::Compact } else { Form::Json };
        let private = PrivateKey::read(key)?;
        let mut document = keys::sign(payload, kind, &private, self.kid.as_deref(), form)?;
        if let Some((name, file)) = &self.encrypt_with {
            document = keys::encrypt(&document, name, &files::read_text(Path::new(file))?)?;
        }
        let Some(out) = &self.out else { return Ok(Answer::document(document)) };
        files::replace("--out", out, document.as_bytes())?;
        if files::is_standard(out) { Ok(Answer::document("")) } else { self.signed(out, kind, &private) }
    }

    fn signed(&self, out: &Path, kind: Kind, private: &PrivateKey) -> anyhow::Result<Answer> {
        let public = private.public()?;
        let kid = self.kid.as_deref().unwrap_or(public.kid());
        let file = out.display().to_string();
        let algorithm = public.algorithm().as_str();
        let text = table(&[(kind.as_str(), file.as_str()), ("key id", kid), ("algorithm", algorithm)]);
        Ok(Answer::yes(text, json!({ "file": file, "kid": kid, "alg": algorithm })))
    }
}
