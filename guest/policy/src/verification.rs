//! `placet:policy/verification`: the cryptography alone.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use placet_rules::{jwk, jws};

use crate::Component;
use crate::bindings::exports::placet::policy::verification::{Guest, Verified};

impl Guest for Component {
    fn verify(document: Vec<u8>, jwk: String) -> Result<Verified, String> {
        let key = jwk::PublicKey::parse(&jwk).map_err(|error| error.reason().to_string())?;
        let verified = jws::verify(&document, &key).map_err(|error| error.reason().to_string())?;
        let algorithm = verified.algorithm().as_str().to_string();
        Ok(Verified { algorithm, key: key.id().to_string(), payload: verified.into_payload() })
    }
}
