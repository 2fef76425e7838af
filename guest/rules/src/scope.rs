//! Does a license hold in this deployment?

use alloc::string::String;

use crate::license::{Matching, Scope};
use crate::reason;
use crate::refusal::Refusal;
use crate::types::Attribute;

/// Compares what the license narrows with what the host knows of the deployment. A fact that is not known fits nothing.
pub fn check(scope: &Scope, deployment: &[Attribute]) -> Result<(), Refusal> {
    let fits = [
        ("fingerprints", fingerprints_fit(scope, deployment)),
        ("environments", fact_fits(&scope.environments, "environment", deployment)),
        ("products", fact_fits(&scope.products, "product", deployment)),
        ("hosts", fact_fits(&scope.hosts, "host", deployment)),
    ];
    match fits.into_iter().find(|(_, fits)| !fits) {
        Some((narrowed, _)) => Err(Refusal::at(reason::SCOPE_MISMATCH, "scope", narrowed)),
        None => Ok(()),
    }
}

/// Host names are compared without case (RFC 4343), the others exactly.
fn fact_fits(allowed: &[String], fact: &str, deployment: &[Attribute]) -> bool {
    let known = || deployment.iter().filter(|attribute| attribute.name == fact).map(|attribute| &attribute.value);
    allowed.is_empty()
        || known().any(|value| match fact {
            "host" => allowed.iter().any(|host| host.eq_ignore_ascii_case(value)),
            _ => allowed.contains(value),
        })
}

fn fingerprints_fit(scope: &Scope, deployment: &[Attribute]) -> bool {
    let listed = scope.fingerprints.len();
    let matched = scope
        .fingerprints
        .iter()
        .filter(|wanted| {
            deployment
                .iter()
                .any(|fact| fact.name.starts_with("fingerprint/") && fact.value.eq_ignore_ascii_case(wanted))
        })
        .count();
    listed == 0
        || match scope.matching {
            Matching::Any => matched >= 1,
            Matching::Two => matched >= listed.min(2),
            Matching::Most => matched > listed / 2,
            Matching::All => matched == listed,
        }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    fn deployment() -> [Attribute; 4] {
        [
            Attribute::new("environment", "production"),
            Attribute::new("host", "Edge-1.example"),
            Attribute::new("fingerprint/machine-id", "AA01"),
            Attribute::new("fingerprint/disk", "bb02"),
        ]
    }

    fn names(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_not_narrowed_holds_anywhere() {
        assert_eq!(check(&Scope::default(), &[]), Ok(()));
    }

    #[test]
    fn each_part_must_fit() {
        let scope = Scope {
            environments: names(&["staging", "production"]),
            hosts: names(&["edge-1.EXAMPLE"]),
            ..Scope::default()
        };
        assert_eq!(check(&scope, &deployment()), Ok(()));
        let scope = Scope { products: names(&["acme/router"]), ..scope };
        assert_eq!(check(&scope, &deployment()), Err(Refusal::at(reason::SCOPE_MISMATCH, "scope", "products")));
        let scope = Scope { environments: names(&["Production"]), ..Scope::default() };
        assert_eq!(check(&scope, &deployment()), Err(Refusal::at(reason::SCOPE_MISMATCH, "scope", "environments")));
    }

    #[test]
    fn as_many_fingerprints_as_asked_for_must_fit() {
        let fits = |matching, fingerprints: &[&str]| {
            check(&Scope { fingerprints: names(fingerprints), matching, ..Scope::default() }, &deployment()).is_ok()
        };
        assert!(fits(Matching::Any, &["cc", "aa01"]) && !fits(Matching::Any, &["cc"]));
        assert!(fits(Matching::Two, &["aa01"]) && fits(Matching::Two, &["aa01", "bb02", "cc"]));
        assert!(!fits(Matching::Two, &["aa01", "cc"]));
        assert!(fits(Matching::Most, &["aa01", "bb02", "cc"]) && !fits(Matching::Most, &["aa01", "cc"]));
        assert!(fits(Matching::All, &["aa01", "bb02"]) && !fits(Matching::All, &["aa01", "bb02", "cc"]));
    }

    #[test]
    fn a_fact_of_another_name_is_no_fingerprint() {
        let scope = Scope { fingerprints: names(&["production"]), ..Scope::default() };
        assert!(check(&scope, &deployment()).is_err());
    }
}
