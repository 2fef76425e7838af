//! Keys that are to be believed, as arguments name them: `[FORMAT=]FILE`, with the settings of a format beside them.

use std::path::{Path, PathBuf};

use placet_rules::formats::{self, EntryError, Format};
use placet_rules::json;
use serde_json::{Map, Value};

use super::PublicKey;
use crate::artifact::TrustedKey;
use crate::files;
use crate::problem::Problem;

/// The format of licenses that this command issues.
const OWN: &str = "placet/1";

/// A file, for a format.
#[derive(Clone, Debug)]
pub(crate) struct ForFormat {
    format: String,
    file: PathBuf,
}

impl ForFormat {
    /// `FORMAT=FILE`, or the file alone for [`OWN`].
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let known = text.split_once('=').filter(|(format, _)| formats::NAMES.contains(format));
        let (format, file) = known.unwrap_or((OWN, text));
        Ok(Self { format: format.to_owned(), file: PathBuf::from(file) })
    }

    /// The same, where the format must be named.
    pub(crate) fn parse_named(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((format, _)) if formats::NAMES.contains(&format) => Self::parse(text),
            _ => Err(format!("write FORMAT=FILE, with one of {}", formats::NAMES.join(", "))),
        }
    }

    /// The key in the file, trusted for these uses; of another format than ours, for licenses alone.
    pub(crate) fn trusted(&self, uses: &[String], settings: &[Self]) -> anyhow::Result<TrustedKey> {
        let key = PublicKey::read(&self.file)?;
        let settings = settings.iter().find(|one| one.format == self.format);
        let entry = TrustedKey {
            kid: key.kid().to_owned(),
            jwk: key.jwk(),
            format: self.format.clone(),
            uses: if self.format == OWN { uses.to_vec() } else { vec!["license".to_owned()] },
            product: None,
            not_before: None,
            not_after: None,
            settings: settings.map(|one| object(&one.file)).transpose()?.unwrap_or_default(),
        };
        check(&entry)?;
        Ok(entry)
    }
}

/// Refuses an entry that a policy of this release would pass over; one of a format that is not known is for a later policy.
pub(crate) fn check(entry: &TrustedKey) -> Result<(), Problem> {
    let unfit =
        |reason: &str, why: String| Problem::of(reason, format!("no policy would use the key `{}`: {why}", entry.kid));
    let jwk = placet_rules::jwk::PublicKey::from_value(&Value::Object(entry.jwk.clone()));
    let key = match jwk {
        Ok(key) => key,
        // A key of a kind that comes later is for a later policy as well.
        Err(_) => return Ok(()),
    };
    match Format::read(&entry.format, &entry.settings, &key) {
        Ok(_) | Err(EntryError::Format) => Ok(()),
        Err(EntryError::Algorithm) => Err(unfit(
            "algorithm-mismatch",
            format!("the format `{}` is not signed with {}", entry.format, key.algorithm()),
        )
        .with_help("give the key that signs these licenses; docs/formats.md says which algorithms a format has")),
        Err(EntryError::Setting { path }) => Err(unfit(
            "manifest-invalid",
            format!("the setting `{path}` of the format `{}` is not known or not of its form", entry.format),
        )
        .with_help("mend the settings; docs/formats.md has them, with an example for each format")),
    }
}

fn object(path: &Path) -> anyhow::Result<Map<String, Value>> {
    match json::parse(files::read_text(path)?.as_bytes()) {
        Ok(Value::Object(settings)) => Ok(settings),
        _ => {
            let message = format!("`{}` holds no settings", path.display());
            let help = "give one JSON object; docs/formats.md has an example for each format";
            Err(Problem::of("manifest-invalid", message).with_help(help).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_stands_before_the_file() {
        let read = |text| ForFormat::parse(text).map(|one| (one.format, one.file));
        assert_eq!(read("a.pub"), Ok(("placet/1".to_owned(), "a.pub".into())));
        assert_eq!(read("keygen=a=b.pub"), Ok(("keygen".to_owned(), "a=b.pub".into())));
        assert_eq!(read("a=b.pub"), Ok(("placet/1".to_owned(), "a=b.pub".into())));
        assert!(ForFormat::parse_named("a.json").is_err() && ForFormat::parse_named("jwt=a.json").is_ok());
    }
}
