//! Pools in memory, at a time that is set.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use placet_rules::counters::{CounterError, Member, Own, Pools};

/// Each pool's members, by holder.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolModel {
    pub(crate) held: RefCell<BTreeMap<String, BTreeMap<String, Member>>>,
    /// Milliseconds since the Unix epoch.
    pub(crate) now: Cell<u64>,
    /// How often a place was claimed.
    pub(crate) claims: Cell<u64>,
}

impl PoolModel {
    fn unexpired(&self, pool: &str) -> Vec<Member> {
        let held = self.held.borrow();
        let members = held.get(pool).into_iter().flat_map(BTreeMap::values);
        members.filter(|member| member.expires.is_none_or(|expires| self.now.get() < expires)).cloned().collect()
    }
}

impl Pools for PoolModel {
    fn place(&self, pool: &str, holder: &str) -> Result<(u64, Option<Own>), CounterError> {
        let members = self.unexpired(pool);
        let own = members
            .iter()
            .find(|member| member.holder == holder)
            .map(|member| Own { weight: member.weight, left: member.expires.map(|expires| expires - self.now.get()) });
        Ok((members.iter().map(|member| member.weight).sum(), own))
    }

    fn claim(&self, pool: &str, holder: &str, own: Own, capacity: u64) -> Result<u64, CounterError> {
        self.claims.set(self.claims.get() + 1);
        let (sum, before) = self.place(pool, holder)?;
        let before = before.map_or(0, |before| before.weight);
        let after = (sum - before).checked_add(own.weight);
        if own.weight > before && after.is_none_or(|after| after > capacity) {
            return Err(CounterError::Exceeded { entry: 0, current: sum });
        }
        let expires = own.left.map(|left| self.now.get().saturating_add(left));
        let member = Member { holder: holder.to_owned(), weight: own.weight, expires };
        self.held.borrow_mut().entry(pool.to_owned()).or_default().insert(holder.to_owned(), member);
        Ok(sum - before + own.weight)
    }

    fn release(&self, pool: &str, holder: &str) -> Result<u64, CounterError> {
        self.held.borrow_mut().entry(pool.to_owned()).or_default().remove(holder);
        Ok(self.place(pool, "")?.0)
    }

    fn members(&self, pool: &str, after: Option<&str>, limit: u32) -> Result<Vec<Member>, CounterError> {
        let mut members = self.unexpired(pool);
        members.retain(|member| after.is_none_or(|after| member.holder.as_str() > after));
        members.truncate(limit as usize);
        Ok(members)
    }
}
