//! `placet:policy/enforcement`: may this happen?

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use placet_rules::types::{Charge, Context, Decision, Duration};
use placet_rules::view::View;
use placet_rules::{decide, reason};

use crate::bindings::exports::placet::policy::enforcement::Guest;
use crate::host::Host;
use crate::{Component, loaded};

type Answer = Result<Decision, String>;

impl Guest for Component {
    fn check(feature: String, context: Context) -> Answer {
        decided(|view| Ok(decide::check(view, feature, &context)))
    }

    fn preview(charges: Vec<Charge>, context: Context) -> Answer {
        decided(|view| decide::preview(view, &charges, &context, &Host))
    }

    fn consume(charges: Vec<Charge>, context: Context) -> Answer {
        decided(|view| decide::consume(view, &charges, &context, &Host))
    }

    fn credit(charge: Charge, context: Context) -> Answer {
        decided(|view| decide::credit(view, &charge, &context, &Host))
    }

    fn measure(charge: Charge, context: Context) -> Answer {
        decided(|view| decide::measure(view, &charge, &context, &Host))
    }

    fn claim(charge: Charge, holder: String, ttl: Option<Duration>, context: Context) -> Answer {
        decided(|view| decide::claim(view, &charge, &holder, ttl, &context, &Host))
    }

    fn release(limit: String, holder: String, context: Context) -> Answer {
        decided(|view| decide::release(view, &limit, &holder, &context, &Host))
    }
}

fn decided(decide: impl FnOnce(&View) -> Answer) -> Answer {
    loaded::view(decide).unwrap_or_else(|| Err(reason::NOT_LOADED.to_string()))
}
