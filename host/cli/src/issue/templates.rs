//! Kinds of licenses that vendors sell, each as a set of claims to start from. What a flag says goes before what a template says.

use serde_json::{Map, Value};

use crate::problem::Problem;

/// A license as it is usually sold.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: &'static str,
    /// One line for the licensing desk.
    pub(crate) about: &'static str,
    /// When it ends, as `--expires` takes it. None: `--expires` must be given.
    pub(crate) expires: Option<&'static str>,
    /// When its maintenance ends, as `--maintenance` takes it. None: the license has none.
    pub(crate) maintenance: Option<&'static str>,
    /// Claims by their path, each of them text.
    claims: &'static [(&'static str, &'static str)],
    /// Claims of each limit of a kind.
    each: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    needs: &'static [Need],
}

/// What must come from a flag, since no template can know it.
#[derive(Debug)]
struct Need {
    /// Fulfilled by any one of them.
    any: &'static [Wanted],
    /// What to give.
    flag: &'static str,
}

#[derive(Debug)]
enum Wanted {
    /// A claim, by its path.
    Claim(&'static str),
    /// A limit of this kind.
    Limit(&'static str),
}

const GRANTS: Need = Need {
    any: &[Wanted::Claim("features"), Wanted::Claim("limits")],
    flag: "--feature NAME or --limit NAME=KIND:MAX",
};
const QUOTA: Need = Need { any: &[Wanted::Limit("quota")], flag: "--limit NAME=quota:MAX" };

/// A year's license: told two months ahead, borne for two weeks after its end and three days without its file.
const YEARLY: &[(&str, &str)] =
    &[("ends", "day"), ("grace.expiry", "14d"), ("grace.validation", "72h"), ("warn.expiring", "60d")];

/// All of them, in the order in which they are shown.
pub(crate) const TEMPLATES: [Template; 13] = [
    Template {
        name: "evaluation",
        about: "30 days to try the product, without grace; ends quietly beside a license that was bought",
        expires: Some("30d"),
        maintenance: None,
        claims: &[("kind", "trial"), ("plan", "evaluation"), ("ends", "day"), ("warn.expiring", "7d")],
        each: &[],
        needs: &[GRANTS],
    },
    Template {
        name: "pilot",
        about: "90 days of real use before the purchase, with a week's grace to decide",
        expires: Some("90d"),
        maintenance: None,
        claims: &[
            ("kind", "trial"),
            ("plan", "pilot"),
            ("ends", "day"),
            ("grace.expiry", "7d"),
            ("grace.validation", "72h"),
            ("warn.expiring", "21d"),
        ],
        each: &[],
        needs: &[GRANTS],
    },
    Template {
        name: "annual",
        about: "a year, warned of two months ahead, with two weeks' grace for the renewal",
        expires: Some("1y"),
        maintenance: None,
        claims: YEARLY,
        each: &[],
        needs: &[GRANTS],
    },
    Template {
        name: "timed",
        about: "until a day that you name, and not a day longer",
        expires: None,
        maintenance: None,
        claims: &[("ends", "day"), ("grace.validation", "72h"), ("warn.expiring", "30d")],
        each: &[],
        needs: &[GRANTS],
    },
    Template {
        name: "perpetual",
        about: "for ever, for versions released within the maintenance: a year, or until --maintenance DATE",
        expires: Some("never"),
        maintenance: Some("1y"),
        claims: &[("grace.validation", "14d")],
        each: &[],
        needs: &[GRANTS],
    },
    Template {
        name: "floating",
        about: "a year of seats that users or machines share; one that is not renewed is free after 10 minutes",
        expires: Some("1y"),
        maintenance: None,
        claims: YEARLY,
        each: &[("seats", &[("ttl", "10m")])],
        needs: &[Need { any: &[Wanted::Limit("seats")], flag: "--limit NAME=seats:MAX" }],
    },
    Template {
        name: "node-locked",
        about: "a year on one machine, which most of the fingerprints must fit (`placet fingerprint` prints them)",
        expires: Some("1y"),
        maintenance: None,
        claims: &[
            ("ends", "day"),
            ("grace.expiry", "14d"),
            ("grace.validation", "72h"),
            ("warn.expiring", "60d"),
            ("scope.match", "most"),
        ],
        each: &[],
        needs: &[GRANTS, Need { any: &[Wanted::Claim("scope.fingerprints")], flag: "--scope-fingerprint HEX" }],
    },
    Template {
        name: "feature",
        about: "features alone for a year, such as one that a customer has in advance",
        expires: Some("1y"),
        maintenance: None,
        claims: YEARLY,
        each: &[],
        needs: &[Need { any: &[Wanted::Claim("features")], flag: "--feature NAME" }],
    },
    Template {
        name: "metered",
        about: "a year of volume that is counted by the month and never denied; invoices follow the usage reports",
        expires: Some("1y"),
        maintenance: None,
        claims: YEARLY,
        each: &[("quota", &[("enforce", "meter"), ("reset", "month")])],
        needs: &[QUOTA],
    },
    Template {
        name: "managed",
        about: "a year in the environments that you run for the customer, confirmed by a receipt every 90 days",
        expires: Some("1y"),
        maintenance: None,
        claims: &[
            ("ends", "day"),
            ("grace.expiry", "14d"),
            ("grace.validation", "72h"),
            ("warn.expiring", "60d"),
            ("check_in.every", "90d"),
            ("check_in.tolerance", "14d"),
        ],
        each: &[],
        needs: &[GRANTS, Need { any: &[Wanted::Claim("scope.environments")], flag: "--scope-environment NAME" }],
    },
    Template {
        name: "marketplace",
        about: "a month of an offer of a cloud marketplace, which renews it; quotas by the month, a week's grace",
        expires: Some("1mo"),
        maintenance: None,
        claims: &[("grace.expiry", "7d"), ("grace.validation", "72h"), ("warn.expiring", "3d")],
        each: &[("quota", &[("reset", "month")])],
        needs: &[
            GRANTS,
            Need { any: &[Wanted::Claim("sku")], flag: "--sku OFFER" },
            Need { any: &[Wanted::Claim("sub")], flag: "--subject ID, the marketplace's id of the customer" },
        ],
    },
    Template {
        name: "top-up",
        about: "more volume, once: it is used up or ends after a year; each new license id opens one more budget",
        expires: Some("1y"),
        maintenance: None,
        claims: &[("kind", "topup"), ("grace.validation", "72h")],
        each: &[],
        needs: &[QUOTA],
    },
    Template {
        name: "add-on",
        about: "a year of more features or limits beside a license with the SKU that it requires",
        expires: Some("1y"),
        maintenance: None,
        claims: &[
            ("kind", "addon"),
            ("ends", "day"),
            ("grace.expiry", "14d"),
            ("grace.validation", "72h"),
            ("warn.expiring", "60d"),
        ],
        each: &[],
        needs: &[GRANTS, Need { any: &[Wanted::Claim("requires")], flag: "--requires SKU" }],
    },
];

impl Template {
    /// Does what it makes end with a civil day?
    pub(crate) fn ends_with_day(&self) -> bool {
        self.claims.contains(&("ends", "day"))
    }

    /// The template of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// Puts its claims where the flags put none.
    pub(crate) fn fill(&self, claims: &mut Map<String, Value>) {
        for (path, value) in self.claims {
            // A civil day that it ends with is nothing to a license without an end.
            if *path != "ends" || claims.contains_key("exp") {
                put(claims, path, value);
            }
        }
        let limits = claims.get_mut("limits").and_then(Value::as_object_mut);
        for limit in limits.into_iter().flatten().filter_map(|(_, limit)| limit.as_object_mut()) {
            let kind = limit.get("kind").and_then(Value::as_str);
            let Some((_, terms)) = self.each.iter().find(|(of, _)| Some(*of) == kind) else { continue };
            for (name, value) in *terms {
                // A period is either of the calendar or rolling.
                if *name != "reset" || !limit.contains_key("term") {
                    put(limit, name, value);
                }
            }
        }
    }

    /// Refuses claims that lack what makes a license one of this kind.
    pub(crate) fn check(&self, claims: &Map<String, Value>) -> Result<(), Problem> {
        let met = |need: &&Need| need.any.iter().any(|wanted| wanted.is_in(claims));
        match self.needs.iter().find(|need| !met(need)) {
            None => Ok(()),
            Some(need) => Err(self.lacks(need.flag)),
        }
    }

    /// What the template needs and was not given.
    pub(crate) fn lacks(&self, flag: &str) -> Problem {
        let message = format!("the template `{}` needs {flag}", self.name);
        Problem::usage(message, "add the flag, or choose another template; `placet license templates` lists them")
    }

    /// The flags that it needs.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let expires = self.expires.is_none().then_some("--expires DATE");
        expires.into_iter().chain(self.needs.iter().map(|need| need.flag)).collect()
    }
}

impl Wanted {
    fn is_in(&self, claims: &Map<String, Value>) -> bool {
        match self {
            Self::Claim(path) => {
                let (outer, inner) = path.split_once('.').map_or((*path, None), |(outer, inner)| (outer, Some(inner)));
                claims.get(outer).is_some_and(|claim| inner.is_none_or(|inner| claim.get(inner).is_some()))
            }
            Self::Limit(kind) => {
                let mut limits = claims.get("limits").and_then(Value::as_object).into_iter().flatten();
                limits.any(|(_, limit)| limit.get("kind").and_then(Value::as_str) == Some(kind))
            }
        }
    }
}

/// Sets a claim at `name` or `object.name`, unless it is there.
fn put(claims: &mut Map<String, Value>, path: &str, value: &str) {
    match path.split_once('.') {
        None => drop(claims.entry(path).or_insert_with(|| value.into())),
        Some((outer, inner)) => {
            if let Value::Object(object) = claims.entry(outer).or_insert_with(|| Map::new().into()) {
                put(object, inner, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(name: &str, claims: Value) -> Value {
        let mut claims = claims.as_object().unwrap().clone();
        Template::named(name).unwrap().fill(&mut claims);
        claims.into()
    }

    #[test]
    fn what_a_flag_said_goes_before_the_template() {
        let claims = json!({ "exp": 1, "plan": "mine", "grace": { "expiry": "0d" },
            "limits": { "t": { "kind": "quota", "max": 1, "enforce": "hard" }, "s": { "kind": "seats", "max": 1 } } });
        let metered = filled("metered", claims.clone());
        assert_eq!(metered["grace"], json!({ "expiry": "0d", "validation": "72h" }));
        assert_eq!(metered["limits"]["t"], json!({ "kind": "quota", "max": 1, "enforce": "hard", "reset": "month" }));
        assert_eq!(metered["limits"]["s"], json!({ "kind": "seats", "max": 1 }));
        assert_eq!(filled("pilot", claims)["plan"], "mine");
    }

    #[test]
    fn a_rolling_term_takes_the_place_of_a_calendar_period() {
        let term = json!({ "limits": { "t": { "kind": "quota", "max": 1, "term": "30d" } } });
        assert_eq!(filled("metered", term)["limits"]["t"]["reset"], Value::Null);
    }

    #[test]
    fn a_license_without_end_does_not_end_with_a_day() {
        assert_eq!(filled("annual", json!({}))["ends"], Value::Null);
        assert_eq!(filled("annual", json!({ "exp": 1 }))["ends"], "day");
    }

    #[test]
    fn what_is_needed_is_any_of_what_fulfills_it() {
        let check = |claims: Value| Template::named("managed").unwrap().check(claims.as_object().unwrap());
        assert!(check(json!({ "features": {} })).unwrap_err().to_string().contains("--scope-environment"));
        assert!(check(json!({ "scope": { "environments": [] } })).unwrap_err().to_string().contains("--feature"));
        assert!(check(json!({ "limits": {}, "scope": { "environments": [] } })).is_ok());
    }
}
