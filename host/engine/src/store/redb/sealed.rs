//! Rows that carry a tag under the install key, and the sum of all tags.
//!
//! A row that another program wrote has no tag that fits. A row that was taken away, or put back as it once was, changes the sum of
//! the tags, which stands under a tag of its own beside the commits ([`super::chain`]).

use std::borrow::Borrow;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{ControlFlow, RangeBounds};

use hmac::Mac;
use redb::{Key, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, Value, WriteTransaction};

use super::blocks::Moves;
use super::error::RowError;
use crate::install_key::{HmacSha256, InstallKey, mac};

/// Half of an HMAC-SHA256 (RFC 2104, section 5).
pub(super) type Tag = u128;

/// A table of sealed rows, by its name.
pub(super) struct Sealed<K: 'static, V: 'static> {
    name: &'static str,
    rows: PhantomData<fn() -> (K, V)>,
}

impl<K: Key + 'static, V: Value + 'static> Sealed<K, V> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, rows: PhantomData }
    }

    const fn definition(&self) -> TableDefinition<'static, K, (V, Tag)> {
        TableDefinition::new(self.name)
    }
}

/// What makes and checks tags.
#[derive(Clone)]
pub(super) struct Seals {
    mac: HmacSha256,
    /// By which a file is known as another installation's.
    pub(super) id: String,
    /// The seed of the key that signs reports.
    pub(super) report_seed: [u8; 32],
}

impl Seals {
    pub(super) fn new(key: &InstallKey) -> Self {
        Self { mac: mac(&key.derive("store")), id: key.id(), report_seed: key.derive("report") }
    }

    /// The tag of these parts, in this order.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn row<K: Key + 'static, V: Value + 'static>(
        &self,
        table: &str,
        key: &K::SelfType<'_>,
        value: &V::SelfType<'_>,
    ) -> Tag {
        let (key, value) = (K::as_bytes(key), V::as_bytes(value));
        let tag = self.tag(&[table.as_bytes(), key.as_ref(), value.as_ref()]);
        tag.iter().take(16).fold(0, |half, byte| half << 8 | Tag::from(*byte))
    }

    fn check<K: Key + 'static, V: Value + 'static>(
        &self,
        table: &'static str,
        key: &K::SelfType<'_>,
        value: &V::SelfType<'_>,
        tag: Tag,
    ) -> Result<(), RowError> {
        // Who could measure how long this takes can read the key.
        if self.row::<K, V>(table, key, value) == tag { Ok(()) } else { Err(RowError::Edited { table }) }
    }
}

/// The tags of all rows, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest(pub(super) u128);

impl Digest {
    fn with(self, tag: Tag) -> Self {
        Self(self.0.wrapping_add(tag))
    }

    fn without(self, tag: Tag) -> Self {
        Self(self.0.wrapping_sub(tag))
    }
}

/// A transaction that writes, and the digest as it changes.
pub(super) struct Txn<'s> {
    pub(super) txn: WriteTransaction,
    pub(super) seals: &'s Seals,
    pub(super) digest: Cell<Digest>,
    /// Blocks that it closed or fills.
    pub(super) moves: Moves<'s>,
    /// What the mark becomes, in place of the highest time of the calls.
    pub(super) anchored: Cell<Option<u64>>,
    /// It changed which term ends next.
    pub(super) reserved: Cell<bool>,
}

impl Txn<'_> {
    pub(super) fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        table: &Sealed<K, V>,
    ) -> Result<Rows<'_, K, V>, RowError> {
        Ok(Rows { table: self.txn.open_table(table.definition())?, name: table.name, txn: self })
    }
}

/// What was committed.
pub(super) struct View<'s> {
    pub(super) view: ReadTransaction,
    pub(super) seals: &'s Seals,
}

impl View<'_> {
    pub(super) fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        table: &Sealed<K, V>,
    ) -> Result<Looked<'_, K, V>, RowError> {
        Ok(Looked { table: self.view.open_table(table.definition())?, name: table.name, seals: self.seals })
    }

    /// The tags of a table, added up; each row is checked.
    pub(super) fn digest<K: Key + 'static, V: Value + 'static>(
        &self,
        table: &Sealed<K, V>,
        mut digest: Digest,
    ) -> Result<Digest, RowError> {
        for row in self.view.open_table(table.definition())?.iter()? {
            let (key, value) = row?;
            let (value, tag) = value.value();
            self.seals.check::<K, V>(table.name, &key.value(), &value, tag)?;
            digest = digest.with(tag);
        }
        Ok(digest)
    }
}

/// Sealed rows, read.
pub(super) trait Reading<K: Key + 'static, V: Value + 'static> {
    /// What `look` makes of a row.
    fn get<'k, T>(
        &self,
        key: impl Borrow<K::SelfType<'k>>,
        look: impl FnOnce(V::SelfType<'_>) -> T,
    ) -> Result<Option<T>, RowError>;

    /// Each row of a range in its order, until it is enough.
    fn each<'k, B: Borrow<K::SelfType<'k>> + 'k>(
        &self,
        range: impl RangeBounds<B> + 'k,
        look: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> ControlFlow<()>,
    ) -> Result<(), RowError>;
}

/// A table that is looked at.
pub(super) struct Looked<'s, K: Key + 'static, V: Value + 'static> {
    table: redb::ReadOnlyTable<K, (V, Tag)>,
    name: &'static str,
    seals: &'s Seals,
}

impl<K: Key + 'static, V: Value + 'static> Reading<K, V> for Looked<'_, K, V> {
    fn get<'k, T>(
        &self,
        key: impl Borrow<K::SelfType<'k>>,
        look: impl FnOnce(V::SelfType<'_>) -> T,
    ) -> Result<Option<T>, RowError> {
        get(&self.table, self.name, self.seals, key, look)
    }

    fn each<'k, B: Borrow<K::SelfType<'k>> + 'k>(
        &self,
        range: impl RangeBounds<B> + 'k,
        look: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> ControlFlow<()>,
    ) -> Result<(), RowError> {
        each(&self.table, self.name, self.seals, range, look)
    }
}

/// A table that is changed.
pub(super) struct Rows<'t, K: Key + 'static, V: Value + 'static> {
    table: redb::Table<'t, K, (V, Tag)>,
    name: &'static str,
    txn: &'t Txn<'t>,
}

impl<K: Key + 'static, V: Value + 'static> Reading<K, V> for Rows<'_, K, V> {
    fn get<'k, T>(
        &self,
        key: impl Borrow<K::SelfType<'k>>,
        look: impl FnOnce(V::SelfType<'_>) -> T,
    ) -> Result<Option<T>, RowError> {
        get(&self.table, self.name, self.txn.seals, key, look)
    }

    fn each<'k, B: Borrow<K::SelfType<'k>> + 'k>(
        &self,
        range: impl RangeBounds<B> + 'k,
        look: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> ControlFlow<()>,
    ) -> Result<(), RowError> {
        each(&self.table, self.name, self.txn.seals, range, look)
    }
}

impl<K: Key + 'static, V: Value + 'static> Rows<'_, K, V> {
    /// Puts a row in place of what was there.
    pub(super) fn insert<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: V::SelfType<'v>,
    ) -> Result<(), RowError> {
        let tag = self.txn.seals.row::<K, V>(self.name, key.borrow(), &value);
        let mut digest = self.txn.digest.get().with(tag);
        if let Some(before) = self.table.insert(key, (value, tag))? {
            digest = digest.without(before.value().1);
        }
        self.txn.digest.set(digest);
        Ok(())
    }

    /// Takes a row away. Whether there was one.
    pub(super) fn remove<'k>(&mut self, key: impl Borrow<K::SelfType<'k>>) -> Result<bool, RowError> {
        let Some(before) = self.table.remove(key)? else { return Ok(false) };
        self.txn.digest.set(self.txn.digest.get().without(before.value().1));
        Ok(true)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> Result<u64, RowError> {
        Ok(self.table.len()?)
    }

    /// What `look` makes of the last row.
    pub(super) fn last<T>(
        &self,
        look: impl FnOnce(K::SelfType<'_>, V::SelfType<'_>) -> T,
    ) -> Result<Option<T>, RowError> {
        let Some((key, value)) = self.table.last()? else { return Ok(None) };
        let (value, tag) = value.value();
        self.txn.seals.check::<K, V>(self.name, &key.value(), &value, tag)?;
        Ok(Some(look(key.value(), value)))
    }

    /// What `look` makes of the first row.
    pub(super) fn first<T>(
        &self,
        look: impl FnOnce(K::SelfType<'_>, V::SelfType<'_>) -> T,
    ) -> Result<Option<T>, RowError> {
        let Some((key, value)) = self.table.first()? else { return Ok(None) };
        let (value, tag) = value.value();
        self.txn.seals.check::<K, V>(self.name, &key.value(), &value, tag)?;
        Ok(Some(look(key.value(), value)))
    }
}

fn get<'k, K: Key + 'static, V: Value + 'static, T>(
    table: &impl ReadableTable<K, (V, Tag)>,
    name: &'static str,
    seals: &Seals,
    key: impl Borrow<K::SelfType<'k>>,
    look: impl FnOnce(V::SelfType<'_>) -> T,
) -> Result<Option<T>, RowError> {
    let Some(row) = table.get(key.borrow())? else { return Ok(None) };
    let (value, tag) = row.value();
    seals.check::<K, V>(name, key.borrow(), &value, tag)?;
    Ok(Some(look(value)))
}

fn each<'k, K: Key + 'static, V: Value + 'static, B: Borrow<K::SelfType<'k>> + 'k>(
    table: &impl ReadableTable<K, (V, Tag)>,
    name: &'static str,
    seals: &Seals,
    range: impl RangeBounds<B> + 'k,
    mut look: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> ControlFlow<()>,
) -> Result<(), RowError> {
    for row in table.range::<B>(range)? {
        let (key, value) = row?;
        let (value, tag) = value.value();
        seals.check::<K, V>(name, &key.value(), &value, tag)?;
        if look(key.value(), value).is_break() {
            break;
        }
    }
    Ok(())
}
