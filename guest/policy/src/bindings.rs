//! What `wit/` looks like from here. Where the rules have the same records, theirs are used, so that nothing is converted.
#![expect(unsafe_code, reason = "generated; the documentation is in wit/")]

use crate::Component;

wit_bindgen::generate!({
    path: "../../wit",
    world: "policy",
    generate_all,
    with: {
        "placet:policy/types@0.1.0/attribute": placet_rules::types::Attribute,
        "placet:policy/types@0.1.0/limit": placet_rules::types::Limit,
        "placet:policy/types@0.1.0/usage": placet_rules::types::Usage,
        "placet:policy/types@0.1.0/warning": placet_rules::types::Warning,
        "placet:policy/types@0.1.0/summary": placet_rules::types::Summary,
        "placet:policy/types@0.1.0/feature": placet_rules::types::Feature,
        "placet:policy/types@0.1.0/document": placet_rules::types::Document,
        "placet:policy/types@0.1.0/status": placet_rules::types::Status,
        "placet:policy/types@0.1.0/hold": placet_rules::types::Hold,
        "placet:policy/types@0.1.0/meter": placet_rules::types::Meter,
        "placet:policy/types@0.1.0/refill": placet_rules::types::Refill,
        "placet:policy/types@0.1.0/decision": placet_rules::types::Decision,
        "placet:policy/counters@0.1.0/entry": placet_rules::counters::Entry,
        "placet:policy/counters@0.1.0/portion": placet_rules::counters::Portion,
        "placet:policy/counters@0.1.0/draw": placet_rules::counters::Draw,
        "placet:policy/counters@0.1.0/supply": placet_rules::counters::Supply,
        "placet:policy/counters@0.1.0/once": placet_rules::counters::Once,
        "placet:policy/counters@0.1.0/recorded": placet_rules::counters::Recorded,
        "placet:policy/counters@0.1.0/member": placet_rules::counters::Member,
        "placet:policy/licensing@0.1.0/holder": placet_rules::types::Holder,
        "placet:policy/enforcement@0.1.0/charge": placet_rules::types::Charge,
        "placet:policy/enforcement@0.1.0/context": placet_rules::types::Context,
    },
});

export!(Component with_types_in self);
