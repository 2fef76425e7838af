//! What a policy must answer before it counts: the examples of the JOSE standards, and that no license is no license.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::documents::Snapshot;
use crate::limits;
use crate::program::{Lent, LoadError, Loaded, Program};
use crate::sandbox::Failure;
use crate::store::MemoryStore;

/// A policy failed its self-test. Whose fault: the policy's vendor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelfTestError {
    /// It failed in the middle.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// It could not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It verifies signatures wrongly.
    #[error("the policy answers wrongly whether the example `{0}` is signed")]
    Verification(&'static str),
    /// Without any license it does not say so.
    #[error("the policy answers `{state}` where no license is, and must answer `missing` and not usable")]
    NotMissing {
        /// What it answered.
        state: String,
    },
}

impl SelfTestError {
    /// The reason, as in the table of reasons.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.reason(),
            Self::Load(error) => error.reason(),
            Self::Verification(_) | Self::NotMissing { .. } => "policy-self-test",
        }
    }
}

struct Example {
    name: &'static str,
    token: &'static str,
    jwk: &'static str,
}

/// Each must be accepted as it is, and refused with its last signature byte changed.
const EXAMPLES: [Example; 3] = [
    Example {
        name: "RFC 8037, A.4",
        token: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        jwk: r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    },
    Example {
        name: "RFC 7515, A.3",
        token: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        jwk: r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    },
    Example {
        name: "RFC 7515, A.2",
        token: "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        jwk: r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
    },
];

/// Tries a policy with nothing of this installation in its reach.
pub(crate) fn run(program: &Arc<Program>, clock: &Arc<Clock>) -> Result<(), SelfTestError> {
    let snapshot = Arc::new(Snapshot::take(&[], BTreeMap::new()));
    let lent = Lent { clock: clock.clone(), store: Arc::new(MemoryStore::default()), namespace: "self-test".into() };
    let loaded = Loaded::load(program.clone(), snapshot, lent)?;
    if loaded.status.usable || loaded.status.state != "missing" {
        return Err(SelfTestError::NotMissing { state: loaded.status.state.chars().take(20).collect() });
    }
    for example in &EXAMPLES {
        let mut changed = example.token.to_owned();
        let other = if changed.pop() == Some('A') { 'Q' } else { 'A' };
        changed.push(other);
        for (token, signed) in [(example.token, true), (&*changed, false)] {
            let answer = loaded.call(limits::LOAD, |instance, budget| {
                instance.call(budget, |policy, store| {
                    policy.placet_policy_verification().call_verify(store, token.as_bytes(), example.jwk)
                })
            })?;
            if answer.is_ok() != signed {
                return Err(SelfTestError::Verification(example.name));
            }
        }
    }
    Ok(())
}
