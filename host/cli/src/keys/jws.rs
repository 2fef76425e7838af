//! Signs a payload as JWS (RFC 7515).

use placet_rules::base64url;
use placet_rules::notices::Kind;
use serde_json::json;

use super::PrivateKey;

/// The two forms of a signed document; what is signed is the same in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// RFC 7515 section 7.1: one line, fits an environment variable.
    Compact,
    /// RFC 7515 section 7.2.2: flattened JSON, `license.json`.
    Json,
}

/// Signs the payload as it is, byte by byte, as a document of this kind; `kid` names the key, which is to stand in the policy's manifest
/// under that name.
pub(crate) fn sign(
    payload: &[u8],
    kind: Kind,
    key: &PrivateKey,
    kid: Option<&str>,
    form: Form,
) -> anyhow::Result<String> {
    let public = key.public()?;
    let kid = kid.unwrap_or(public.kid());
    let header = json!({ "alg": public.algorithm().as_str(), "kid": kid, "typ": format!("{}+jwt", kind.as_str()) });
    let protected = base64url::encode(header.to_string().as_bytes());
    let payload = base64url::encode(payload);
    // RFC 7515 section 5.1, step 5.
    let signing_input = format!("{protected}.{payload}");
    let signature = base64url::encode(&key.sign(signing_input.as_bytes())?);
    Ok(match form {
        Form::Compact => format!("{signing_input}.{signature}\n"),
        Form::Json => {
            let document = json!({ "payload": payload, "protected": protected, "signature": signature });
            format!("{document:#}\n")
        }
    })
}
