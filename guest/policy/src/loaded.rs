//! What `load` learned: the only state of an instance, and nothing that a fresh one would not learn from the same answers.

use core::cell::RefCell;

use placet_rules::policy::{Config, Policy};
use placet_rules::view::View;

use crate::host::{self, Host};

/// The licenses, and what holds of them for a while.
struct Loaded {
    policy: Policy,
    view: View,
}

struct Single(RefCell<Option<Loaded>>);

#[expect(unsafe_code, reason = "a static must be Sync; a component instance has one thread, and never enters itself")]
// SAFETY: as above.
unsafe impl Sync for Single {}

static LOADED: Single = Single(RefCell::new(None));

/// Loads all documents anew.
pub(crate) fn load(config: Config<'_>) {
    let time = host::time();
    let policy = Policy::load(config, &Host, &Host, time);
    let view = policy.view(time);
    LOADED.0.replace(Some(Loaded { policy, view }));
}

/// The licenses. None: nothing was loaded, and nothing can be said.
pub(crate) fn policy<T>(ask: impl FnOnce(&Policy) -> T) -> Option<T> {
    LOADED.0.borrow().as_ref().map(|loaded| ask(&loaded.policy))
}

/// What holds now. None: nothing was loaded, and nothing can be said.
pub(crate) fn view<T>(ask: impl FnOnce(&View) -> T) -> Option<T> {
    let time = host::time();
    let mut loaded = LOADED.0.borrow_mut();
    let loaded = loaded.as_mut()?;
    if !loaded.view.covers(time) {
        loaded.view = loaded.policy.view(time);
    }
    Some(ask(&loaded.view))
}
