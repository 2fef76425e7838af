//! Everything that was loaded: documents, verified and judged at any time asked for.
//!
//! [`Policy::load`] is the only part that asks for files and counters; what it learned is judged by [`Policy::view`],
//! [`Policy::status`] and [`Policy::inspect`], which ask for nothing.
//!
//! A document is **adopted**, so that the host keeps a copy, if it was signed by a trusted key, could be read, and is for this product
//! and deployment: whether it holds already, still or no longer. A document of another content never displaces that copy: the copy stands
//! in for it while its validation grace lasts. Another license that is good replaces it at once, even where it is pending or
//! expired, for that is what its owner put there.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::counters::Counters;
use crate::document::Source;
use crate::duration::DAY;
use crate::files::{FileError, Files};
use crate::instant::to_text;
use crate::manifest::Manifest;
use crate::memory::Memory;
use crate::merge::{Merged, announce, earliest};
use crate::notices::{Kind, settle};
use crate::reader::Reader;
use crate::refusal::Refusal;
use crate::secrets::Secrets;
use crate::types::{Attribute, Instant, Status, Time, Warning};
use crate::view::{State, View};
use crate::{reason, scope, summary};

/// What the host tells a policy when it loads it.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// The manifest that was signed with the policy, as JSON.
    pub manifest: &'a str,
    /// Facts of the deployment by name: `product`, `version`, `environment`, `host`, `fingerprint/NAME` (hex).
    pub deployment: &'a [Attribute],
    /// What opens encrypted documents, by name.
    pub secrets: &'a [Attribute],
}

/// The documents as they were loaded, and whom to trust.
#[derive(Clone, Debug)]
pub struct Policy {
    manifest: Result<Manifest, Refusal>,
    deployment: Vec<Attribute>,
    secrets: Secrets,
    /// By name.
    sources: Vec<Source>,
    memory: Memory,
}

impl Policy {
    /// Reads every document, verifies it, and keeps what is needed to judge it at any time. Never fails: what is wrong stands in
    /// the status. In place of a license that is damaged, unreadable or gone, the copy that the host kept stands in.
    pub fn load(config: Config<'_>, files: &dyn Files, counters: &dyn Counters, time: Time) -> Self {
        let mut policy = Self {
            manifest: Manifest::read(config.manifest),
            deployment: config.deployment.to_vec(),
            secrets: Secrets::new(config.secrets),
            sources: Vec::new(),
            memory: Memory::recall(counters),
        };
        let (mut names, mut kept) = (BTreeSet::new(), BTreeSet::new());
        kept.extend(files.kept());
        names.extend(files.names().into_iter().chain(kept.iter().cloned()));
        for name in &names {
            let source = policy.read(name, files.read(name), time.now);
            policy.sources.push(if kept.contains(name) && (!source.is_good() || source.sequence().is_some()) {
                source.or_copy(policy.read(name, files.recover(name), time.now))
            } else {
                source
            });
        }
        let instance = scope::told(scope::INSTANCE, config.deployment).ok();
        policy.memory.learn(&mut policy.sources, counters, instance, time.now);
        policy
    }

    /// What holds at a moment. Good for as long as it [covers](View::covers) the time.
    pub fn view(&self, time: Time) -> View {
        self.judged(&self.sources, time).view
    }

    /// The state of the installation at a moment, for people and for the host.
    pub fn status(&self, time: Time) -> Status {
        self.status_of(&self.sources, time)
    }

    /// What the status would be if this document lay beside the others under that name, in place of the one that has it;
    /// without a name, if it were the only one. Adopts nothing, counts nothing.
    pub fn inspect(&self, document: &[u8], name: Option<&str>, time: Time) -> Status {
        let Some(name) = name else {
            let mut alone = [self.read("document", Ok(document.to_vec()), time.now)];
            settle(&mut alone, &self.memory);
            return self.status_of(&alone, time);
        };
        let inspected = self.read(name, Ok(document.to_vec()), time.now);
        let mut sources = self.sources.clone();
        match sources.iter_mut().find(|source| source.name == name) {
            Some(source) => *source = inspected.or_copy(source.clone()),
            None => sources.insert(sources.partition_point(|source| source.name.as_str() < name), inspected),
        }
        settle(&mut sources, &self.memory);
        self.status_of(&sources, time)
    }

    /// The trusted manifest, or why it could not be read.
    pub fn manifest(&self) -> Result<&Manifest, &Refusal> {
        self.manifest.as_ref()
    }

    fn read(&self, name: &str, content: Result<Vec<u8>, FileError>, now: Instant) -> Source {
        match &self.manifest {
            Ok(manifest) => {
                let (deployment, secrets, memory) = (&self.deployment, &self.secrets, &self.memory);
                Reader { manifest, deployment, secrets, memory, now }.read(name, content)
            }
            Err(refusal) => Source::refused(name, Kind::License, refusal.clone()),
        }
    }

    /// Without a manifest nobody is trusted, and that is the reason even where no document is there.
    fn judged<'a>(&self, sources: &'a [Source], time: Time) -> Merged<'a> {
        let mut merged = Merged::at(sources, &self.memory, time);
        if let Err(refusal) = &self.manifest {
            merged.view.state = State::Invalid;
            merged.view.reason.clone_from(&refusal.reason);
        }
        merged
    }

    fn status_of(&self, sources: &[Source], time: Time) -> Status {
        let merged = self.judged(sources, time);
        let mut warnings = merged.view.warnings.clone();
        let ending = ending(&merged);
        let until = earliest([merged.until, ending.as_ref().and_then(|(_, until)| *until)]);
        warnings.extend(ending.map(|(warning, _)| warning));
        let until = earliest([until, announce(&merged.judged, time.now, &mut warnings)]);
        left_out(&merged.view, &mut warnings);
        warnings.extend(self.memory.forgetful.as_ref().map(|cause| Warning {
            reason: reason::MEMORY_UNAVAILABLE.to_string(),
            subject: None,
            text: format!("the counters gave no answer ({cause}), so no kept copy of a license stands in, and no limit is counted; mend the state directory"),
        }));
        Status {
            usable: merged.view.usable,
            state: merged.view.state.as_str().to_string(),
            until,
            evaluated: time.now,
            licenses: summary::licenses(&merged.judged),
            features: summary::features(&merged),
            limits: summary::limits(&merged.view),
            documents: summary::documents(sources, &merged.judged),
            warnings,
            details: self.details(&merged),
            reason: merged.view.reason,
        }
    }

    fn details(&self, merged: &Merged<'_>) -> Vec<Attribute> {
        let mut details = Vec::new();
        match &self.manifest {
            Ok(manifest) => {
                details.push(Attribute::new("policy", manifest.name.clone()));
                details.push(Attribute::new("sequence", manifest.sequence.to_string()));
            }
            Err(refusal) => details.extend(refusal.details.iter().cloned()),
        }
        if let Some(leading) = merged.leading() {
            let license = leading.license;
            let shown = [
                ("license", &license.id),
                ("customer", &license.customer),
                ("plan", &license.plan),
                ("sku", &license.sku),
                ("key", &license.key),
            ];
            details.extend(
                shown
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(name, value)| Attribute::new(name, value.clone())),
            );
        }
        details
    }
}

/// Limits that are decided without a part that a license has in them.
fn left_out(view: &View, warnings: &mut Vec<Warning>) {
    for (name, limit) in view.limits.iter().filter(|_| view.usable) {
        for Attribute { name: license, value: why } in &limit.left_out {
            let text =
                ["license `", license, "` adds nothing to limit `", name, "` (", why, "): what others grant counts"];
            let reason = reason::LIMIT_UNDECIDED.to_string();
            warnings.push(Warning { reason, subject: Some(name.clone()), text: text.concat() });
        }
    }
}

/// The warning about the end that comes near, and when its text changes: it counts the days that are left, each begun day as one.
fn ending(merged: &Merged<'_>) -> Option<(Warning, Option<Instant>)> {
    let end = merged.coverage?.end.filter(|_| merged.view.state == State::Expiring)?;
    let days = end.saturating_sub(merged.view.from).div_ceil(DAY);
    let text = match days {
        1 => format!("the license ends at {}, within a day; renew it", to_text(end)),
        days => format!("the license ends at {}, within {days} days; renew it", to_text(end)),
    };
    let until = (days > 1).then(|| end.saturating_sub(days.saturating_sub(1).saturating_mul(DAY)));
    Some((Warning { reason: reason::EXPIRING.to_string(), subject: None, text }, until))
}
