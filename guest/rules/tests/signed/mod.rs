//! Signed documents to test with.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of tests may panic")]

use ed25519_compact::{KeyPair, Seed};
use placet_rules::base64url;
use placet_rules::jwk::PublicKey;

pub(crate) const PAYLOAD: &[u8] = br#"{"iss":"https://licensing.acme.example"}"#;

/// A compact token and its key.
#[derive(Clone, Copy)]
pub(crate) struct Example {
    pub(crate) jwk: &'static str,
    pub(crate) token: &'static str,
}

/// RFC 8037 appendix A.4.
pub(crate) const ED25519: Example = Example {
    jwk: r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    token: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
};

/// RFC 7515 appendix A.3.
pub(crate) const P256: Example = Example {
    jwk: r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    token: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
};

/// RFC 7515 appendix A.2.
pub(crate) const RSA: Example = Example {
    jwk: r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
    token: "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
};

/// A compact token with any header, signed by a TEST key.
pub(crate) fn sign(header: &str, payload: &[u8]) -> String {
    let signed = format!("{}.{}", part(header.as_bytes()), part(payload));
    let signature = test_keys().sk.sign(&signed, None);
    format!("{signed}.{}", part(&*signature))
}

/// The public half of the key of [`sign`].
pub(crate) fn ed25519_key(kid: Option<&str>) -> PublicKey {
    let mut jwk = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": part(&*test_keys().pk)});
    if let Some(kid) = kid {
        jwk["kid"] = kid.into();
    }
    PublicKey::from_value(&jwk).unwrap()
}

fn test_keys() -> KeyPair {
    KeyPair::from_seed(Seed::new([7; 32]))
}

pub(crate) fn key(jwk: &str) -> PublicKey {
    PublicKey::parse(jwk).unwrap()
}

pub(crate) fn part(bytes: &[u8]) -> String {
    base64url::encode(bytes)
}

/// The token in the flattened form, with more members in front.
pub(crate) fn flattened(token: &str, more: &str) -> String {
    let (payload, signature) = members(token);
    format!("{{{more}{payload},{signature}}}")
}

/// The tokens in the general form, with the payload of the first.
pub(crate) fn general(tokens: &[&str]) -> String {
    let payload = tokens.first().map_or(r#""payload":"""#.into(), |token| members(token).0);
    let signatures: Vec<_> = tokens.iter().map(|token| format!("{{{}}}", members(token).1)).collect();
    format!(r#"{{{payload},"signatures":[{}]}}"#, signatures.join(","))
}

fn members(token: &str) -> (String, String) {
    let parts: Vec<_> = token.split('.').collect();
    let signature = format!(r#""protected":"{}","signature":"{}""#, parts[0], parts[2]);
    (format!(r#""payload":"{}""#, parts[1]), signature)
}
