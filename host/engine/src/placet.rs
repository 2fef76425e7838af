//! The library's centre: what an embedder asks.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::ReadLine;
use crate::bindings::exports::placet::policy::enforcement::{Charge, Context};
use crate::builder::{Builder, FailMode};
use crate::error::{Failure, InstallError, OpenError, PolicyError, SettleError};
use crate::event::Event;
use crate::figures::Figures;
use crate::history::{Forecast, Sample};
use crate::installation::Installation;
use crate::maintenance::Maintenance;
use crate::recording::Recorded;
use crate::request::{Question, Request};
use crate::reservation::Reserve;
use crate::simulation::Simulation;
use crate::state_dir::StateError;
use crate::status::{PolicyInfo, Status};
use crate::store::{Ancestry, Burned, Head, Settlement, StoreError};
use crate::{Decision, Holder, LicenseStatus, Usage};

/// One installation of a licensed product: its policy, its licenses, its counters. Cheap to clone, and shared by all threads.
#[derive(Clone)]
pub struct Placet {
    inner: Arc<Running>,
}

struct Running {
    // In this order: the last owner closes the installation before `drop` returns, and it can be opened again.
    _maintenance: Maintenance,
    installation: Arc<Installation>,
}

impl Deref for Running {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

/// What the documentation promises is checked by the compiler.
const _: () = {
    const fn assert_shared<T: Clone + Send + Sync + 'static>() {}
    assert_shared::<Placet>();
};

impl Placet {
    /// Begins to open an installation.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn open(builder: Builder) -> Result<Self, OpenError> {
        let recheck = builder.recheck;
        let installation = Arc::new(Installation::open(builder)?);
        installation.tell_faked_clock();
        let maintenance = Maintenance::start(installation.clone(), recheck);
        Ok(Self { inner: Arc::new(Running { _maintenance: maintenance, installation }) })
    }

    /// May this feature be used? Counts nothing.
    pub fn check<'a>(&'a self, feature: &'a str) -> Request<'a> {
        Request::new(self, Question::Check(feature.into()))
    }

    /// Would this charge be allowed? Counts nothing.
    pub fn preview(&self, limit: impl Into<String>, amount: u64) -> Request<'_> {
        Request::new(self, Question::Preview(vec![Charge { limit: limit.into(), amount }]))
    }

    /// Charges a limit; with [`Request::and`] several, all or none.
    pub fn consume(&self, limit: impl Into<String>, amount: u64) -> Request<'_> {
        Request::new(self, Question::Consume(vec![Charge { limit: limit.into(), amount }]))
    }

    /// Charges a limit in advance, for a cost that is known only when it is over, such as a language model's tokens: for a term, within
    /// which it is settled or released.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let placet = placet::Placet::builder().open()?;
    /// let reservation = placet.reserve("tokens", 4_000).tenant("t1").into_result()?;
    /// // … the answer took 3,120 tokens.
    /// let settlement = reservation.settle(3_120)?;
    /// println!("{} charged, {} unbilled", settlement.charged, settlement.unbilled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reserve(&self, limit: impl Into<String>, amount: u64) -> Reserve<'_> {
        Reserve::new(self, self.consume(limit, amount))
    }

    /// Tells what was used in the end of the first limit of a reservation. Less than was reserved: the rest is given back, whatever the license
    /// says of refunds. More: the policy is asked for the rest; of that, what fits is charged, and what does not is recorded as excess and is
    /// unbilled. After the end of the term, when the units were freed, all of it is asked for (`settled-late`).
    ///
    /// The same again answers as the first time, for as long as `once` keys are kept.
    ///
    /// # Errors
    ///
    /// [`SettleError`]; then it is not settled, and can be settled again.
    pub fn settle(&self, id: &str, actual: u64) -> Result<Settlement, SettleError> {
        self.inner.settle(id, Some(actual))
    }

    /// Gives back all that was reserved, of each limit. The same again answers as the first time.
    ///
    /// # Errors
    ///
    /// [`SettleError`]; then it is not released, and can be released again.
    pub fn release_reservation(&self, id: &str) -> Result<Settlement, SettleError> {
        self.inner.settle(id, None)
    }

    /// Gives back: quotas where the license allows it, gauges going down. With [`Request::once`] and the key of a
    /// [`Placet::consume`], it takes from what was counted there.
    pub fn credit(&self, limit: impl Into<String>, amount: u64) -> Request<'_> {
        Request::new(self, Question::Credit(Charge { limit: limit.into(), amount }))
    }

    /// Reports the level of a gauge that the product counts by itself. Recorded even above the maximum, and then denied.
    pub fn measure(&self, limit: impl Into<String>, level: u64) -> Request<'_> {
        Request::new(self, Question::Measure(Charge { limit: limit.into(), amount: level }))
    }

    /// Claims a seat for a holder (a user, a machine, a session), or renews it: [`Request::weight`] says how many, [`Request::ttl`] for how
    /// long. Where there is none, the details of the decision say who holds them.
    pub fn claim(&self, limit: impl Into<String>, holder: impl Into<String>) -> Request<'_> {
        let charge = Charge { limit: limit.into(), amount: 1 };
        Request::new(self, Question::Claim { charge, holder: holder.into(), ttl: None })
    }

    /// Gives the holder's seats back, whoever asks. A holder without one is no error.
    pub fn release(&self, limit: impl Into<String>, holder: impl Into<String>) -> Request<'_> {
        Request::new(self, Question::Release { limit: limit.into(), holder: holder.into() })
    }

    /// Who holds seats of a limit, by name: all of them, asked a page at a time, so that one who comes meanwhile may be missing. `tenant`: of
    /// a limit that is counted for each.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the limit is none of seats (`kind-mismatch`, `not-licensed`, `limit-undecided`), where it needs a tenant, and where
    /// the counters or the policy gave no answer.
    pub fn holders(&self, limit: &str, tenant: Option<&str>) -> Result<Vec<Holder>, Failure> {
        let mut holders: Vec<Holder> = Vec::new();
        loop {
            let after = holders.last().map(|holder| holder.name.clone());
            let page = self.holders_after(limit, tenant, after.as_deref())?;
            if page.first().is_none_or(|first| after.is_some_and(|after| first.name <= after)) {
                return Ok(holders);
            }
            holders.extend(page);
        }
    }

    /// A page of [`Placet::holders`]: at most 1,000 at one moment, after the name `after`; an empty one at the end.
    ///
    /// # Errors
    ///
    /// As [`Placet::holders`].
    pub fn holders_after(
        &self,
        limit: &str,
        tenant: Option<&str>,
        after: Option<&str>,
    ) -> Result<Vec<Holder>, Failure> {
        self.inner.holders(limit, tenant, after)
    }

    /// What is used of each limit. None: those that are counted for the license as a whole.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the counters or the policy gave no answer.
    pub fn usage(&self, tenant: Option<&str>) -> Result<Vec<Usage>, Failure> {
        self.inner.usage(tenant)
    }

    /// What was used of each limit, hour by hour, since this moment (milliseconds since 1970): kept for 400 days, by hour and limit. Of
    /// limits that are counted for each tenant, of the first 64 tenants by name; of rates nothing.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the counters cannot be read.
    pub fn history(&self, since: u64) -> Result<Vec<Sample>, Failure> {
        self.inner.history(since)
    }

    /// When each limit will be reached, if its use goes on as in the last 7 days.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the counters or the policy gave no answer.
    pub fn forecast(&self) -> Result<Vec<Forecast>, Failure> {
        self.inner.forecast()
    }

    /// What will be, from `from` on (milliseconds since 1970) or from now: the policy and the documents that are loaded, and a copy of what
    /// is counted.
    ///
    /// # Errors
    ///
    /// [`Failure`] where counters or policy give no answer.
    pub fn simulation(&self, from: Option<u64>) -> Result<Simulation, Failure> {
        self.inner.simulation(from)
    }

    /// The state of the installation now. Where the policy gives no answer, the state is `invalid`, not usable, and the reason
    /// names the failure.
    pub fn status(&self) -> Status {
        self.inner.status()
    }

    /// What the policy says of the licenses now: a [`Placet::status`] without what is used, at a fraction of its cost.
    pub fn license(&self) -> LicenseStatus {
        self.inner.license()
    }

    /// What was decided since the opening, and how the installation stands, in numbers: for exporters of metrics. Counting costs a decision
    /// some tens of nanoseconds; this costs as much as a status.
    pub fn figures(&self) -> Figures {
        self.inner.figures()
    }

    /// What the status would be if this document lay beside the others under that name, in place of the one that has it;
    /// without a name, if it were the only one. Adopts nothing.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the policy gave no answer.
    pub fn inspect(&self, document: &[u8], name: Option<&str>) -> Result<Status, Failure> {
        self.inner.inspect(document, name)
    }

    /// What [`Placet::install`] would bring about; it refuses what that refuses, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstallError`], as for installing.
    pub fn preview_install(&self, document: &[u8], name: Option<&str>) -> Result<Status, InstallError> {
        self.inner.preview_install(document, name)
    }

    /// Installs a document into the state directory, under the name given or one made from its id, and reads all anew. A document
    /// that the policy does not accept changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; then what held before holds on.
    pub fn install(&self, document: &[u8], name: Option<&str>) -> Result<Status, InstallError> {
        self.inner.install(document, name)
    }

    /// Takes back what was installed last: what it replaced stands there again, or nothing where there was nothing. Once more, and it is as
    /// before. What is put back is verified like any other document.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; then what held before holds on.
    pub fn rollback_install(&self) -> Result<Status, InstallError> {
        self.inner.rollback_install()
    }

    /// By which a document is known without showing it: the SHA-256 of its bytes, in hex. None: there is none of that name.
    pub fn fingerprint(&self, document: &str) -> Option<String> {
        self.inner.fingerprint(document)
    }

    /// Ends an installed document at once, by its name or license id. No copy is kept.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; then what held before holds on.
    pub fn remove(&self, name_or_id: &str) -> Result<Status, InstallError> {
        self.inner.remove(name_or_id)
    }

    /// Reads all documents anew.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the policy could not load; then what held before holds on.
    pub fn reload(&self) -> Result<Status, Failure> {
        self.inner.reload()
    }

    /// Adopts a newer policy, or another one of the same sequence and content.
    ///
    /// # Errors
    ///
    /// [`PolicyError`]; then the policy of before runs on.
    pub fn install_policy(&self, path: impl AsRef<Path>) -> Result<PolicyInfo, PolicyError> {
        self.inner.change_policy(path.as_ref(), false)
    }

    /// The same by value, such as one that was uploaded.
    ///
    /// # Errors
    ///
    /// As [`Placet::install_policy`].
    pub fn install_policy_bytes(&self, policy: Vec<u8>) -> Result<PolicyInfo, PolicyError> {
        self.inner.install_policy_bytes(policy)
    }

    /// Goes back to an older policy: this one file, no lower than the compiled-in minimum and than the licenses that hold demand.
    /// The floor stays where it is; the status warns `policy-rolled-back` until a policy above the floor is installed.
    ///
    /// # Errors
    ///
    /// [`PolicyError`]; then the policy of before runs on.
    pub fn rollback_policy(&self, path: impl AsRef<Path>) -> Result<PolicyInfo, PolicyError> {
        self.inner.change_policy(path.as_ref(), true)
    }

    /// The policies that are kept in the state directory, oldest first, each with its file.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] where the state directory cannot be read; a file that is not genuine is left out.
    pub fn policies(&self) -> Result<Vec<(PathBuf, PolicyInfo)>, PolicyError> {
        self.inner.policies()
    }

    /// The last commit of the counters, to be shown, and compared with a later one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the counters cannot be read.
    pub fn head(&self) -> Result<Head, StoreError> {
        self.inner.store().head()
    }

    /// The last commit of the counters, to be handed out in a report: [`Placet::ancestry`] knows the newest 1,000 of these.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be recorded.
    pub fn tell_head(&self) -> Result<Head, StoreError> {
        self.inner.tell_head()
    }

    /// Did these counters go on from a commit that was handed out earlier, or were they put back?
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the counters cannot be read.
    pub fn ancestry(&self, earlier: &Head) -> Result<Ancestry, StoreError> {
        self.inner.store().ancestry(earlier)
    }

    /// The next usage report, for the vendor: a signed token over every counter, chained to the one before. Once this answers, it is kept,
    /// and can be had again with [`Placet::last_report`].
    ///
    /// # Errors
    ///
    /// [`Failure`] where the counters, or the policy, gave no answer.
    pub fn export_report(&self) -> Result<String, Failure> {
        self.inner.export_report()
    }

    /// The report that was made last, to the byte; none where there was none.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the counters cannot be read.
    pub fn last_report(&self) -> Result<Option<String>, Failure> {
        self.inner.last_report()
    }

    /// The lines of the audit log that come right before the one with the number `before`, or the last ones: at most `limit`, the newest
    /// first. What was told a moment ago may be missing.
    ///
    /// # Errors
    ///
    /// As [`crate::audit_lines`].
    pub fn audit_lines(&self, before: Option<u64>, limit: usize) -> Result<Vec<ReadLine>, StateError> {
        self.inner.audit_lines(before, limit)
    }

    /// Units that a crash burned before this opening, because they were reserved to be counted in memory; they count as used, at most
    /// the `slack` of their limit.
    pub fn burned(&self) -> &[Burned] {
        self.inner.store().burned()
    }

    /// By which the key is known that seals the counters: sixteen hex digits.
    pub fn install_key(&self) -> String {
        self.inner.store().install_key()
    }

    /// Calls back for each event, in the thread in which it happens; the subscriber may ask and change by itself. What the opening told is told
    /// to those of [`Builder::subscribe`] alone.
    pub fn subscribe(&self, subscriber: impl Fn(&Event) + Send + Sync + 'static) {
        self.inner.subscribe(Arc::new(subscriber));
    }

    pub(crate) fn fail_mode(&self) -> FailMode {
        self.inner.fail_mode()
    }

    pub(crate) fn reserve_for(&self, request: &Request<'_>, term: u64) -> Result<(Decision, Option<String>), Failure> {
        let charges: &[Charge] = match &request.question {
            Question::Consume(charges) => charges,
            _ => &[],
        };
        self.inner.reserve(charges, &request.context, term)
    }

    pub(crate) fn record(&self, question: Question<'static>, context: Context) -> Recorded {
        self.inner.record(question, context)
    }

    pub(crate) fn ask(&self, question: &Question<'_>, context: &Context) -> Result<Decision, Failure> {
        self.inner.ask(question, context)
    }
}

impl std::fmt::Debug for Placet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Placet").field("policy", &self.inner.info()).finish_non_exhaustive()
    }
}
