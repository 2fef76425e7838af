//! The chain of commits: each extends the hash of the one before by what the tables hold after it.
//!
//! `hash = HMAC(key, "chain" || number || mark || digest || hash before)`. Under the hash of a commit stands the whole history. An
//! older state that is put back has a lower number; once it went on, it has another hash under the same number.

use redb::{ReadableTable, TableDefinition};

use super::error::RowError;
use super::rows::{Outcome, Step};
use super::sealed::{Digest, Reading, Sealed, Seals, Txn, View};
use crate::store::{Ancestry, Head};

type Hash = [u8; 32];
type Link = (u64, Option<u64>, u128, &'static Hash, &'static Hash);

/// One row: (number, mark, digest, hash before, hash).
const CHAIN: TableDefinition<(), Link> = TableDefinition::new("chain");

/// Number → hash, of the heads that were handed out.
const TOLD: Sealed<u64, &Hash> = Sealed::new("told");
/// So many of the newest are kept.
const TOLD_KEPT: usize = 1_000;

/// The last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// How many there were.
    pub(super) number: u64,
    /// The highest confirmed time.
    pub(super) mark: Option<u64>,
    pub(super) digest: Digest,
    before: Hash,
    hash: Hash,
}

impl Commit {
    /// Before the first.
    fn none(seals: &Seals) -> Self {
        Self::new(seals, 0, None, Digest::default(), Hash::default())
    }

    fn new(seals: &Seals, number: u64, mark: Option<u64>, digest: Digest, before: Hash) -> Self {
        let marked = mark.map(u64::to_le_bytes);
        let marked = marked.as_ref().map_or(&[][..], |mark| mark.as_slice());
        let hash = seals.tag(&[b"chain", &number.to_le_bytes(), marked, &digest.0.to_le_bytes(), &before]);
        Self { number, mark, digest, before, hash }
    }

    fn of(
        seals: &Seals,
        (number, mark, digest, before, hash): (u64, Option<u64>, u128, &Hash, &Hash),
    ) -> Result<Self, RowError> {
        let commit = Self::new(seals, number, mark, Digest(digest), *before);
        if commit.hash == *hash { Ok(commit) } else { Err(RowError::Edited { table: "chain" }) }
    }

    pub(super) fn head(&self) -> Head {
        Head { number: self.number, hash: self.hash }
    }
}

pub(super) fn create(txn: &Txn<'_>) -> Result<(), RowError> {
    txn.open(&TOLD)?;
    put(txn, Commit::none(txn.seals))
}

/// The last commit. Edited where it is none of ours.
pub(super) fn last(view: &View<'_>) -> Result<Commit, RowError> {
    let table = view.view.open_table(CHAIN)?;
    let row = table.get(())?.ok_or(RowError::Edited { table: "chain" })?;
    Commit::of(view.seals, row.value())
}

/// The commit that a transaction extends.
pub(super) fn before(txn: &Txn<'_>) -> Result<Commit, RowError> {
    let table = txn.txn.open_table(CHAIN)?;
    let row = table.get(())?.ok_or(RowError::Edited { table: "chain" })?;
    Commit::of(txn.seals, row.value())
}

/// Ends a transaction: the mark is lifted, and lowered by an anchor alone. Answers what is the last commit once this one happened.
pub(super) fn extend(txn: &Txn<'_>, before: &Commit, mark: Option<u64>) -> Result<Commit, RowError> {
    let mark = txn.anchored.get().or(before.mark.max(mark));
    let next = Commit::new(txn.seals, before.number.wrapping_add(1), mark, txn.digest.get(), before.hash);
    put(txn, next)?;
    Ok(next)
}

pub(super) fn digest(view: &View<'_>, digest: Digest) -> Result<Digest, RowError> {
    view.digest(&TOLD, digest)
}

/// The head, to be handed out: what will be compared with it later finds it here.
pub(super) fn tell(txn: &Txn<'_>) -> Step<Head> {
    let head = before(txn)?.head();
    let mut told = txn.open(&TOLD)?;
    told.insert(head.number, &head.hash)?;
    let count = told.len()?;
    if count > TOLD_KEPT as u64
        && let Some(oldest) = told.first(|number, _| number)?
    {
        told.remove(oldest)?;
    }
    Ok(Outcome::Changed(head))
}

/// Where a head that was handed out stands to the commits that are here.
pub(super) fn ancestry(view: &View<'_>, earlier: &Head) -> Result<Ancestry, RowError> {
    let last = last(view)?;
    let told = view.open(&TOLD)?.get(earlier.number, |hash| *hash == earlier.hash)?;
    Ok(match told {
        _ if earlier.number > last.number => Ancestry::Restored,
        _ if earlier.number == last.number && earlier.hash != last.hash => Ancestry::Forked,
        _ if earlier.number == last.number => Ancestry::Continued,
        Some(true) => Ancestry::Continued,
        // It was handed out by a state that went another way.
        Some(false) | None => Ancestry::Forked,
    })
}

fn put(txn: &Txn<'_>, commit: Commit) -> Result<(), RowError> {
    let Commit { number, mark, digest, before, hash } = commit;
    txn.txn.open_table(CHAIN)?.insert((), (number, mark, digest.0, &before, &hash))?;
    Ok(())
}
