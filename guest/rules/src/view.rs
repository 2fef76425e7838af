//! What holds at a moment, merged over all licenses. Made by [`crate::policy`], read by [`crate::decide`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::Discriminant;
use core::ops::RangeInclusive;

use crate::calendar::Every;
use crate::license::{Enforce, LimitKind, Rate};
use crate::resets::Resets;
use crate::term::Window;
use crate::types::{Attribute, Duration, Hold, Instant, Meter, Time, Warning};

/// The state of the installation and what is granted in it; stays true for every time that it [covers](View::covers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Gated and limited things may be allowed.
    pub usable: bool,
    /// As in a status.
    pub state: State,
    /// From the table of reasons; the reason of each denial where `usable` is false.
    pub reason: String,
    /// The moment it was made for.
    pub from: Instant,
    /// When it must be made anew; none: never.
    pub until: Option<Instant>,
    /// By how much the wall clock may lag behind `now`: outside of it a clock that was set back makes another view.
    pub lag: RangeInclusive<Duration>,
    /// What every allowed decision carries: that a grace is running, that the clock was set back.
    pub warnings: Vec<Warning>,
    /// By name. Of the licenses that hold; empty where none does.
    pub features: BTreeMap<String, FeatureView>,
    /// Features that an expired license had, whatever else holds: they may still be read.
    pub readable: BTreeSet<String>,
    /// By name. Of the licenses that hold; where none does, of those that ended, so that what was used can be given back.
    pub limits: BTreeMap<String, LimitView>,
    /// Limits that only licenses which ended name, while others hold: what was used of them can be given back as well.
    pub ended: BTreeMap<String, LimitView>,
}

impl View {
    /// Is it still true at this time? Where not, it must be made anew by [`crate::policy::Policy::view`].
    pub fn covers(&self, time: Time) -> bool {
        time.now >= self.from
            && self.until.is_none_or(|until| time.now < until)
            && self.lag.contains(&time.now.saturating_sub(time.wall))
    }

    /// How an answer that rests on this view, and on what these meters count, may be repeated. None: the view is that of a clock which was set
    /// back.
    pub(crate) fn hold(&self, meters: Vec<Meter>) -> Option<Hold> {
        let is_right = self.lag.contains(&0) && self.lag.contains(&HOLD_LAG);
        is_right.then(|| Hold { until: self.until.unwrap_or(Instant::MAX), meters })
    }
}

/// A host repeats no answer by itself while the wall clock lags behind `now` by more than this.
const HOLD_LAG: Duration = 1_000;

/// Whether the product may be used, and why; ordered by usefulness, so that the best of several licenses is the state of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No license is there.
    Missing,
    /// What is there does not hold.
    Invalid,
    /// Withdrawn by its vendor.
    Revoked,
    /// It held.
    Expired,
    /// It will hold later, by itself: better news than one that expired.
    Pending,
    /// It holds by grace alone.
    Grace,
    /// It holds, and ends soon.
    Expiring,
    /// It holds.
    Active,
}

impl State {
    /// Does a license of this state hold?
    pub fn usable(self) -> bool {
        matches!(self, Self::Active | Self::Expiring | Self::Grace)
    }

    /// As in a status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Pending => "pending",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Grace => "grace",
            Self::Expiring => "expiring",
            Self::Active => "active",
        }
    }
}

/// A feature, by the license that grants it longest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureView {
    /// That license's id.
    pub license: String,
    /// When the grant ends; none: never.
    pub until: Option<Instant>,
}

/// A limit over all licenses that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitView {
    /// How it counts.
    pub kind: LimitKind,
    /// Not empty: it is denied as [`crate::reason::LIMIT_UNDECIDED`], and these are why.
    pub undecided: Vec<String>,
    /// Warn from so many percent of the maximum on; none: it is only counted.
    pub warn: Option<u8>,
    /// In the order they are drawn from: what ends first comes first. A gauge or rate has exactly one.
    pub budgets: Vec<Budget>,
    /// Licenses whose part in it is left out beside the others, by id, and why.
    pub left_out: Vec<Attribute>,
}

/// What holds how much of a budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAs {
    /// A counter.
    Counter,
    /// A bucket of tokens.
    Bucket {
        /// How it fills.
        rate: Rate,
        /// What happens when it is empty.
        enforce: Enforce,
    },
    /// A pool of members.
    Pool {
        /// How long a place lasts at most; none: until released.
        ttl: Option<Duration>,
    },
    /// Nothing: a rate without an end.
    Nothing,
}

/// One license's part in a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The license's id.
    pub license: String,
    /// The ACCOUNT part of the counter's name: the license's id, `@customer`, or the claim `account`.
    pub account: String,
    /// The GENERATION part of it.
    pub resets: Resets,
    /// The stretch of time that it is for; none: as long as the license.
    pub within: Option<Within>,
    /// When what is left of it is lost; none: never.
    pub ends: Option<Instant>,
    /// Of an add-on or a top-up: comes on top of what others grant for the same period.
    pub extra: bool,
    /// What holds it.
    pub held_as: HeldAs,
    /// None: unlimited. Of a rate, what may be used at once.
    pub max: Option<u64>,
    /// What the sum may reach: `max`, and beyond it as far as the license lets it; the largest u64: no end. Of a rate, what its bucket
    /// holds.
    pub ceiling: u64,
    /// Each tenant has a counter of its own.
    pub per_tenant: bool,
    /// Units may be given back.
    pub refund: bool,
    /// Units that a crash may burn.
    pub slack: u64,
    /// As [`crate::license::LimitTerms::details`].
    pub terms: Vec<Attribute>,
}

impl LimitView {
    /// Why it cannot be decided, one `undecided` each, and the terms that its licenses have for it, each once, as they spell them.
    pub(crate) fn details(&self) -> Vec<Attribute> {
        let mut details = undecided(&self.undecided);
        for term in self.budgets.iter().flat_map(|budget| &budget.terms) {
            if !details.contains(term) {
                details.push(term.clone());
            }
        }
        details
    }
}

/// Why a limit cannot be decided, for display.
pub(crate) fn undecided(why: &[String]) -> Vec<Attribute> {
    why.iter().map(|why| Attribute::new("undecided", why.as_str())).collect()
}

impl Budget {
    /// Present where it is held in a bucket.
    pub fn rate(&self) -> Option<Rate> {
        match self.held_as {
            HeldAs::Bucket { rate, .. } => Some(rate),
            HeldAs::Counter | HeldAs::Pool { .. } | HeldAs::Nothing => None,
        }
    }
}

/// The stretch of time that a budget is for, at the view's moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// A period of the calendar.
    Period {
        /// The PERIOD part of the counter's name.
        label: String,
        /// How long it is.
        length: Discriminant<Every>,
        /// When the next period begins.
        until: Instant,
        /// The same, as clocks in the period's zone show it.
        shown: String,
        /// What periods leave to each other; none: nothing.
        rollover: Option<Rollover>,
    },
    /// Whatever stretch as long as the term.
    Term(Window),
}

/// What the period before leaves to this one, and this one to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollover {
    /// Units at most that come from the period before; 0 where the license did not hold in it.
    pub units: u64,
    /// The label of the period before.
    pub before: String,
    /// The label of the next.
    pub after: String,
}

impl Within {
    /// The PERIOD part of the counter's name.
    pub fn label(&self) -> &str {
        match self {
            Self::Period { label, .. } => label,
            Self::Term(window) => &window.present.label,
        }
    }

    /// When another counter takes its place.
    pub fn until(&self) -> Instant {
        match self {
            Self::Period { until, .. } => *until,
            Self::Term(window) => window.until(),
        }
    }
}
