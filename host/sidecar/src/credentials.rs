//! Who may ask: tokens that this service was told of, by their hashes.
//!
//! A token has 256 random bits, so that SHA-256 is hash enough: there is nothing to guess. A password that a person chose has not the
//! form of a token, and opens nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, StatusCode, header};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::problem::Problem;
use crate::{files, random};

/// What one may who shows a token. Each may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks for decisions, and takes and gives back seats.
    Caller,
    /// Of tenants: sees the license, and what they use.
    Owner,
    /// Everything.
    Admin,
}

impl Role {
    /// As the file of credentials has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Owner => "owner",
            Self::Admin => "admin",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) role: Role,
    /// The only tenants that it speaks for; none: for all.
    pub(crate) tenants: Option<BTreeSet<String>>,
}

/// All tokens that open anything.
#[derive(Debug)]
pub(crate) struct Credentials(Vec<(Hash, Identity)>);

/// A token that was made, and the entry of a credentials file that lets it in.
#[derive(Debug)]
pub struct NewToken {
    /// For who is to show it.
    pub token: String,
    /// For the credentials file, as YAML, with a line feed at its end.
    pub entry: String,
}

/// The file of credentials is wrong. Whose fault: whoever wrote it. It never shows a hash or a token.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("the credentials `{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not a list of entries.
    #[error("the credentials `{}` are not a YAML list of entries with `role` (caller, owner or admin), `name`, `token_sha256` and maybe `tenants`, near line {line}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1 on; 0 where it is not known.
        line: u64,
    },
    /// Nothing is in it, as for a moment in a file that is written in place.
    #[error("the credentials `{}` are empty; list who may ask, or write `[]` for nobody", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// An entry says what cannot be.
    #[error("the credential `{name}` {why}")]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

type Hash = [u8; 32];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: Role,
    /// For people, and for logs.
    name: String,
    /// In base64url.
    token_sha256: String,
    /// None: for all.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    tenants: Option<BTreeSet<String>>,
}

/// `tenants:` without any are none, and not all of them.
fn some<'de, D: Deserializer<'de>>(tenants: D) -> Result<Option<BTreeSet<String>>, D::Error> {
    BTreeSet::deserialize(tenants).map(Some)
}

impl Credentials {
    /// Those of a file.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`].
    pub(crate) fn read(path: &Path) -> Result<Self, CredentialsError> {
        let text = files::read_text(path).map_err(|source| CredentialsError::File { path: path.to_owned(), source })?;
        if text.lines().all(|line| matches!(line.trim_start().chars().next(), None | Some('#'))) {
            return Err(CredentialsError::Empty { path: path.to_owned() });
        }
        let entries: Vec<Entry> = serde_saphyr::from_str(&text).map_err(|error| CredentialsError::Syntax {
            path: path.to_owned(),
            line: error.location().map_or(0, |at| at.line()),
        })?;
        let mut known = BTreeSet::new();
        let checked = entries.into_iter().map(|entry| {
            let name = entry.name.clone();
            let (hash, identity) = entry.checked()?;
            let why = "has the token of another entry";
            if known.insert(hash) { Ok((hash, identity)) } else { Err(CredentialsError::Entry { name, why }) }
        });
        checked.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One token that may everything.
    pub(crate) fn admin(token: &str) -> Self {
        Self(vec![(hash(token), Identity { role: Role::Admin, tenants: None })])
    }

    /// Who shows a token, as `Authorization: Bearer TOKEN` (RFC 6750) or as the password of `Basic` (RFC 7617). None: nobody that is known.
    pub(crate) fn who(&self, headers: &HeaderMap) -> Option<&Identity> {
        let shown = words(&hash(&token(headers)?));
        // All of them, so that the time tells nothing.
        let mut found = None;
        for (known, identity) in &self.0 {
            if bool::from(words(known).ct_eq(&shown)) {
                found = Some(identity);
            }
        }
        found
    }
}

impl Identity {
    /// The tenant that a request is for: the one that it names, or the only one that this identity speaks for.
    ///
    /// # Errors
    ///
    /// 403 where it does not speak for that one, or does not say for which.
    pub(crate) fn tenant(&self, named: Option<String>) -> Result<Option<String>, Problem> {
        match (&self.tenants, named) {
            (None, named) => Ok(named),
            (Some(own), Some(named)) if own.contains(&named) => Ok(Some(named)),
            (Some(own), None) if own.len() == 1 => Ok(own.first().cloned()),
            (Some(_), Some(_)) => Err(refused("this token does not speak for the tenant that the request names")),
            (Some(_), None) => Err(refused("this token speaks for several tenants; name one of them")),
        }
    }

    /// The same, in place.
    ///
    /// # Errors
    ///
    /// As [`Identity::tenant`].
    pub(crate) fn bind(&self, tenant: &mut Option<String>) -> Result<(), Problem> {
        *tenant = self.tenant(tenant.take())?;
        Ok(())
    }
}

/// The identity speaks for other tenants.
pub(crate) fn refused(detail: &str) -> Problem {
    Problem::of("tenant-refused", StatusCode::FORBIDDEN, detail)
}

impl Entry {
    fn checked(self) -> Result<(Hash, Identity), CredentialsError> {
        let Self { role, name, token_sha256, tenants } = self;
        let hash: Option<Hash> =
            Base64UrlUnpadded::decode_vec(&token_sha256).ok().and_then(|hash| hash.try_into().ok());
        let why = match (role, hash) {
            (_, None) => "has a `token_sha256` that is no SHA-256 in base64url; `placet token new` makes the entry",
            (Role::Admin, _) if tenants.is_some() => "is of an admin, who has no `tenants`",
            (Role::Owner, _) if tenants.is_none() => "is of an owner, and names no `tenants`",
            _ if tenants.as_ref().is_some_and(|tenants| tenants.contains("")) => "names a tenant without a name",
            _ if tenants.as_ref().is_some_and(BTreeSet::is_empty) => {
                "speaks for no tenant: name `tenants`, or for all of them leave that out"
            }
            (_, Some(hash)) => return Ok((hash, Identity { role, tenants })),
        };
        Err(CredentialsError::Entry { name, why })
    }
}

/// Makes a token for a role, and for these tenants alone where there are any.
///
/// # Errors
///
/// Where the system has no random bytes, and where the entry would not be let in.
pub fn new_token(role: Role, name: &str, tenants: &[String]) -> io::Result<NewToken> {
    let token = random_token()?;
    let entry = Entry {
        role,
        name: name.to_owned(),
        token_sha256: Base64UrlUnpadded::encode_string(&hash(&token)),
        tenants: Some(tenants.iter().cloned().collect()).filter(|tenants: &BTreeSet<_>| !tenants.is_empty()),
    };
    // JSON texts are YAML texts.
    let json = serde_json::to_string(&entry).map_err(io::Error::other)?;
    entry.checked().map_err(io::Error::other)?;
    Ok(NewToken { token, entry: format!("- {json}\n") })
}

/// Makes a token that nobody is told of but who reads it here.
pub(crate) fn random_token() -> io::Result<String> {
    Ok(format!("{PREFIX}{}", Base64UrlUnpadded::encode_string(&random::bytes::<32>()?)))
}

/// So that a token is known for one, wherever it turns up.
pub(crate) const PREFIX: &str = "placet_";
/// Of what follows, in base64url.
const LENGTH: usize = 43;

fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

/// As it is compared: by words an eighth as long as by bytes.
fn words(hash: &Hash) -> [u64; 4] {
    let mut words = hash.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word));
    [(); 4].map(|()| words.next().unwrap_or_default())
}

/// What is shown, if it has the form of a token.
fn token(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, value) = values.next()?.to_str().ok()?.split_once(' ')?;
    let value = value.trim();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        Cow::Borrowed(value)
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(Base64::decode_vec(value).ok()?).ok()?;
        Cow::Owned(pair.split_once(':')?.1.to_owned())
    } else {
        return None;
    };
    let is_token = token.strip_prefix(PREFIX).is_some_and(|random| random.len() == LENGTH);
    (is_token && values.next().is_none()).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn shown(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_token_is_known_however_it_is_shown_and_nothing_else_is() {
        let token = random_token().unwrap();
        let credentials = Credentials::admin(&token);
        let basic = |text: &str| format!("Basic {}", Base64::encode_string(text.as_bytes()));
        for value in [format!("Bearer {token}"), format!("bearer  {token}"), basic(&format!("anyone:{token}"))] {
            assert!(credentials.who(&shown(&value)).is_some(), "{value}");
        }
        let other = random_token().unwrap();
        let mut twice = shown(&format!("Bearer {token}"));
        twice.append(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        assert!(credentials.who(&twice).is_none() && credentials.who(&HeaderMap::new()).is_none());
        for value in
            [token.clone(), format!("Bearer {other}"), format!("Bearer {token}x"), basic(&token), "Basic ?".into()]
        {
            assert!(credentials.who(&shown(&value)).is_none(), "{value}");
        }
    }

    #[test]
    fn a_password_that_somebody_chose_opens_nothing() {
        let credentials = Credentials(vec![(hash("TEST-password"), Identity { role: Role::Admin, tenants: None })]);
        assert!(credentials.who(&shown("Bearer TEST-password")).is_none());
    }

    #[test]
    fn an_entry_is_read_back_and_says_what_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.yaml");
        let caller = new_token(Role::Caller, "gateway", &["t1".into()]).unwrap();
        let admin = new_token(Role::Admin, "ops", &[]).unwrap();
        std::fs::write(&path, format!("# who may\n{}{}", caller.entry, admin.entry)).unwrap();
        let credentials = Credentials::read(&path).unwrap();
        let who = credentials.who(&shown(&format!("Bearer {}", caller.token))).unwrap();
        assert_eq!(who, &Identity { role: Role::Caller, tenants: Some(["t1".to_owned()].into()) });
        assert!(new_token(Role::Caller, "nobody", &[String::new()]).is_err());
        assert!(new_token(Role::Owner, "nobody", &[]).is_err() && new_token(Role::Admin, "x", &["t1".into()]).is_err());
        let none = caller.entry.replace(r#"["t1"]"#, "[]");
        assert!(none != caller.entry && caller.entry.contains(r#""name":"gateway""#));
        for (wrong, why) in [(none, "no tenant"), (format!("{0}{0}", admin.entry), "another entry")] {
            std::fs::write(&path, wrong).unwrap();
            assert!(Credentials::read(&path).unwrap_err().to_string().contains(why), "{why}");
        }
        for wrong in [
            "- {role: caller, name: x, token_sha256: TESTab}",
            "- {role: king, name: x, token_sha256: TEST}",
            &format!("{}, tenants: }}", admin.entry.trim_end().trim_end_matches('}')),
            "TEST",
            "- {role: caller, name: x, token: TEST}",
        ] {
            std::fs::write(&path, wrong).unwrap();
            let error = Credentials::read(&path).unwrap_err().to_string();
            assert!(!error.contains("TEST"), "{error}");
        }
    }

    #[test]
    fn who_is_bound_speaks_for_its_tenants_alone() {
        let bound = |tenants: &[&str]| Identity {
            role: Role::Caller,
            tenants: Some(tenants.iter().map(ToString::to_string).collect()),
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(bound(&["t1"]).tenant(None).unwrap(), named("t1"));
        assert_eq!(bound(&["t1", "t2"]).tenant(named("t2")).unwrap(), named("t2"));
        assert!(bound(&["t1", "t2"]).tenant(None).is_err() && bound(&["t1"]).tenant(named("t2")).is_err());
        assert_eq!(Identity { role: Role::Admin, tenants: None }.tenant(named("t2")).unwrap(), named("t2"));
    }
}
