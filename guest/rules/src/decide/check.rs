//! Features.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::answer::{Denial, granted};
use crate::reason;
use crate::types::{Context, Decision, Warning};
use crate::view::View;

/// May this feature be used? Counts nothing. Allowed without a warning, it carries no usage and no details.
///
/// Where no license holds any more, a feature that an expired one had may still be read: with the detail `access=read` it is allowed, with
/// the warning `read-only`.
pub fn check(view: &View, feature: &str, context: &Context) -> Decision {
    if !view.usable {
        return if view.readable.contains(feature) && is_reading(context) {
            read_only(view, feature)
        } else {
            Denial::new(&view.reason, feature).into()
        };
    }
    match view.features.get(feature) {
        None => Denial::new(reason::NOT_LICENSED, feature).into(),
        // A view does not outlast the end of a grant: at its beginning the grant either runs or has ended.
        Some(grant) if grant.until.is_some_and(|until| until <= view.from) => {
            Denial { license: Some(&grant.license), ..Denial::new(reason::FEATURE_EXPIRED, feature) }.into()
        }
        Some(grant) => Decision { warnings: view.warnings.clone(), ..granted(feature, Some(&grant.license)) },
    }
}

fn is_reading(context: &Context) -> bool {
    context.details.iter().any(|detail| detail.name == "access" && detail.value == "read")
}

fn read_only(view: &View, feature: &str) -> Decision {
    let warning = Warning {
        reason: reason::READ_ONLY.to_string(),
        subject: Some(feature.to_string()),
        text: "the license has expired; what is there can be read and exported, and nothing else".to_string(),
    };
    let warnings = view.warnings.iter().cloned().chain([warning]).collect::<Vec<_>>();
    Decision { warnings, ..granted(feature, None) }
}
