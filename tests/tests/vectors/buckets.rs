//! Buckets of tokens, written to be read: what a host's must do.

use std::collections::BTreeMap;

use placet_rules::counters::{Draw, Supply};

/// All buckets of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets {
    /// When the process began: every bucket is empty then.
    started: u64,
    held: BTreeMap<String, Bucket>,
}

/// What a bucket held at a moment, counted in parts of which `every` are one token.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    parts: u128,
    every: u128,
    at: u64,
}

impl Buckets {
    /// Of a process that begins now.
    pub(crate) fn started(now: u64) -> Self {
        Self { started: now, held: BTreeMap::new() }
    }

    /// What a bucket holds now.
    pub(crate) fn level(&self, draw: &Draw, now: u64) -> Supply {
        let Bucket { parts, every, .. } = self.filled(draw, now);
        let (wanted, refill) = (u128::from(draw.tokens) * every, u128::from(draw.refill));
        let wait = match wanted.saturating_sub(parts) {
            0 => 0,
            _ if draw.tokens > draw.capacity || refill == 0 => u64::MAX,
            missing => u64::try_from(missing.div_ceil(refill)).unwrap_or(u64::MAX),
        };
        Supply { tokens: u64::try_from(parts / every).expect("no more than the capacity"), wait }
    }

    /// Takes all tokens or none; were they there? No two draws are from one bucket.
    pub(crate) fn take(&mut self, draws: &[Draw], now: u64) -> bool {
        if draws.iter().any(|draw| self.level(draw, now).wait > 0) {
            return false;
        }
        for draw in draws {
            let filled = self.filled(draw, now);
            let parts = filled.parts - u128::from(draw.tokens) * filled.every;
            self.held.insert(draw.counter.clone(), Bucket { parts, ..filled });
        }
        true
    }

    fn filled(&self, draw: &Draw, now: u64) -> Bucket {
        let every = u128::from(draw.every);
        let empty = Bucket { parts: 0, every, at: self.started };
        let before = self.held.get(&draw.counter).copied().unwrap_or(empty);
        let brought = u128::from(now.saturating_sub(before.at)) * u128::from(draw.refill);
        let parts = (before.parts * every / before.every).saturating_add(brought);
        Bucket { parts: parts.min(u128::from(draw.capacity) * every), every, at: now.max(before.at) }
    }
}
