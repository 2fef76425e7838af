//! Features.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer::{Denial, granted};
use crate::reason;
use crate::types::{Context, Decision, Warning};
use crate::view::{FeatureView, View};

/// May this feature be used? Counts nothing. Allowed without a warning, it carries no usage and no details.
///
/// A feature that an expired license had, or whose grant has ended, may still be read, whatever else holds: with the detail `access=read` it
/// is allowed, with the warning `read-only`.
pub fn check(view: &View, feature: impl Into<String>, context: &Context) -> Decision {
    let feature = feature.into();
    // A view does not outlast the end of a grant: at its beginning the grant either runs or has ended.
    let runs = |grant: &&FeatureView| grant.until.is_none_or(|until| until > view.from);
    let grant = view.features.get(&feature).filter(|_| view.usable);
    if let Some(grant) = grant.filter(runs) {
        let warnings = view.warnings.clone();
        return Decision { warnings, hold: view.hold(Vec::new()), ..granted(feature, Some(grant.license.clone())) };
    }
    if is_reading(context) && (grant.is_some() || view.readable.contains(&feature)) {
        return read_only(view, feature);
    }
    match grant {
        Some(grant) => Denial { license: Some(&grant.license), ..Denial::new(reason::FEATURE_EXPIRED, &feature) },
        None => Denial::unnamed(view, &feature),
    }
    .into()
}

fn is_reading(context: &Context) -> bool {
    context.details.iter().any(|detail| detail.name == "access" && detail.value == "read")
}

fn read_only(view: &View, feature: String) -> Decision {
    let warning = Warning {
        reason: reason::READ_ONLY.to_string(),
        subject: Some(feature.clone()),
        text: "the license of this feature has expired; what is there can be read and exported, and nothing else"
            .to_string(),
    };
    let warnings = view.warnings.iter().cloned().chain([warning]).collect::<Vec<_>>();
    Decision { warnings, ..granted(feature, None) }
}
