//! The rules, called natively. The view is made anew for each question; the component keeps its own while it covers the time, so
//! that equal answers prove that too.

use placet_rules::decide;
use placet_rules::policy::{Config, Policy};
use placet_rules::types::{Charge, Context, Decision};
use placet_rules::view::View;
use serde_json::Value;

use crate::case::{Act, Step};
use crate::records::Json;
use crate::world::{World, content, kept_of};
use crate::{Question, Run};

pub(crate) struct Native {
    world: World,
    policy: Option<Policy>,
}

impl Native {
    pub(crate) fn new(world: World) -> Self {
        Self { world, policy: None }
    }
}

impl Run for Native {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn load(&mut self) -> Value {
        let time = self.world.time.get();
        let World { manifest, deployment, secrets, .. } = &self.world;
        let config = Config { manifest, deployment, secrets };
        let policy = Policy::load(config, &self.world, &self.world, time);
        let status = policy.status(time);
        self.world.keep(&status.documents.iter().map(kept_of).collect::<Vec<_>>());
        self.policy = Some(policy);
        status.json()
    }

    fn ask(&mut self, step: &Step) -> Value {
        let policy = self.policy.as_ref().expect("it was loaded");
        let time = self.world.time.get();
        match step.act {
            Act::Status => policy.status(time).json(),
            Act::Inspect => {
                let document = content(step.document.as_ref().expect("a document")).expect("a content");
                policy.inspect(&document, step.name.as_deref(), time).json()
            }
            Act::Report => decide::report(&policy.view(time), step.tenant.as_deref(), &self.world).json(),
            Act::Holders => {
                let (limit, tenant, after) = (&step.limit, step.tenant.as_deref(), step.after.as_deref());
                decide::holders(&policy.view(time), limit, tenant, after, &self.world).json()
            }
            _ => decide(&policy.view(time), step, &self.world).json(),
        }
    }
}

fn decide(view: &View, step: &Step, world: &World) -> Result<Decision, String> {
    let Question { feature, charges, charge, ttl, details } = Question::of(step);
    let context = Context { tenant: step.tenant.clone(), once: step.once.clone(), details };
    let charge = Charge { limit: charge.0, amount: charge.1 };
    let charges: Vec<Charge> = charges.into_iter().map(|(limit, amount)| Charge { limit, amount }).collect();
    match step.act {
        Act::Check => Ok(decide::check(view, &feature, &context)),
        Act::Preview => decide::preview(view, &charges, &context, world),
        Act::Consume => decide::consume(view, &charges, &context, world),
        Act::Credit => decide::credit(view, &charge, &context, world),
        Act::Measure => decide::measure(view, &charge, &context, world),
        Act::Claim => decide::claim(view, &charge, &step.holder, ttl, &context, world),
        Act::Release => decide::release(view, &charge.limit, &step.holder, &context, world),
        act => panic!("{act:?} is no question"),
    }
}
