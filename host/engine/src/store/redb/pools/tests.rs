//! What a pool keeps beside its members: right at every step, told where it is not, and looked at no further than what is due.

use redb::ReadableTable;

use super::*;
use crate::store::redb::RedbStore;
use crate::store::redb::disk::Disk;
use crate::store::{Store, StoreError};

const POOL: Pool<'static> = Pool { namespace: "n", name: "pool" };

fn at(now: u64, mark: u64) -> Moment {
    Moment { now, mark }
}

fn claim(store: &RedbStore, holder: &str, weight: u64, expires: Option<u64>, moment: Moment) -> Result<u64, Error> {
    store.claim("n", "pool", Member { holder: holder.to_owned(), weight, expires }, u64::MAX, moment)
}

/// How many rows lie in the pool, expired or not.
fn rows(store: &RedbStore) -> usize {
    store.writer.view(|view| members(view, POOL, None, 9_999, at(0, 0))).unwrap().len()
}

#[test]
fn what_has_expired_is_taken_away_by_the_confirmed_time_alone() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    for number in 0..100 {
        claim(&store, &format!("h{number:03}"), 2, Some(1_000 + number), at(1, 1)).unwrap();
    }
    assert_eq!(store.place("n", "pool", "h099", at(1_050, 1)).unwrap().sum, 98);
    assert_eq!(store.place("n", "pool", "h099", at(2_000, 1)).unwrap(), Place { sum: 0, member: None });
    assert_eq!(rows(&store), 100, "a time that may be taken back takes nothing away");
    assert_eq!(store.place("n", "pool", "h000", at(1, 1)).unwrap().sum, 200);
    let head = store.head().unwrap();
    assert_eq!(store.place("n", "pool", "h099", at(1_063, 1_063)).unwrap().sum, 72);
    assert_eq!((rows(&store), store.head().unwrap()), (100, head), "a few that are due cost a look each");
    assert_eq!(store.place("n", "pool", "h099", at(1_064, 1_064)).unwrap().sum, 70);
    assert_eq!(rows(&store), 35, "many are taken away by whoever finds them");
    assert_eq!(claim(&store, "h099", 1, None, at(1_090, 1_090)), Ok(17));
    assert_eq!(rows(&store), 9, "and a claim takes away whatever is due");
}

#[test]
fn a_renewal_and_a_release_move_sum_and_end_along() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    assert_eq!(claim(&store, "ada", 3, Some(100), at(1, 1)), Ok(3));
    assert_eq!(claim(&store, "ada", 5, Some(200), at(50, 50)), Ok(5));
    assert_eq!(store.place("n", "pool", "", at(150, 150)).unwrap().sum, 5, "the earlier end is gone");
    assert_eq!(claim(&store, "bob", u64::MAX - 5, None, at(150, 150)), Ok(u64::MAX));
    assert_eq!(claim(&store, "ada", 1, None, at(150, 150)), Ok(u64::MAX - 4));
    assert_eq!(store.release("n", "pool", "bob", at(500, 500)), Ok(1));
    assert_eq!(store.release("n", "pool", "ada", at(500, 500)), Ok(0));
    drop(store);
    let store = RedbStore::open_with(disk).unwrap();
    assert_eq!(store.place("n", "pool", "", at(1, 1)).unwrap().sum, 0);
}

#[test]
fn a_page_of_members_goes_on_after_a_name_and_ends_with_its_pool() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    for number in 0..1_005 {
        claim(&store, &format!("h{number:04}"), 1, (number == 3).then_some(2), at(1, 1)).unwrap();
    }
    let other = Member { holder: "z".to_owned(), weight: 1, expires: None };
    store.claim("n", "pool2", other, 1, at(1, 1)).unwrap();
    let page = |after, limit| {
        let members = store.members("n", "pool", after, limit, at(3, 3)).unwrap();
        members.into_iter().map(|member| member.holder).collect::<Vec<_>>()
    };
    assert_eq!(page(Some("h0001"), 2), ["h0002", "h0004"]);
    assert_eq!(page(Some("h1003"), 9), ["h1004"]);
    assert_eq!(page(Some("h1004"), 9), [""; 0]);
    assert_eq!((page(None, 0).len(), page(None, usize::MAX).len()), (0, 1_000));
}

#[test]
fn a_place_that_was_claimed_under_a_clock_far_ahead_ends_when_its_time_has_passed() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    let (minute, ahead) = (60_000, 180 * 24 * 60 * 60_000);
    let claim = |holder: &str, moment: Moment| {
        let member = Member { holder: holder.to_owned(), weight: 1, expires: Some(moment.now + 10 * minute) };
        store.claim("n", "pool", member, 1, moment)
    };
    assert_eq!(claim("ada", at(ahead, 1)), Ok(1));
    let after = |minutes| at(1 + minutes * minute, 1 + minutes * minute);
    assert!(matches!(claim("bob", after(9)), Err(Error::Exceeded(_))));
    assert_eq!(store.place("n", "pool", "ada", after(10)).unwrap(), Place { sum: 0, member: None });
    assert_eq!(store.members("n", "pool", None, 9, after(10)).unwrap(), []);
    assert_eq!(store.pools("n", None, 9, after(10)).unwrap(), [""; 0]);
    assert_eq!(claim("bob", after(20)), Ok(1));
    assert_eq!(rows(&store), 1, "the place of before is gone for good");
}

#[test]
fn who_lost_a_place_to_another_by_a_clock_ahead_does_not_have_it_again_when_that_is_set_right() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    let claim = |holder: &str, moment: Moment| {
        let member = Member { holder: holder.to_owned(), weight: 1, expires: Some(moment.now + 600) };
        store.claim("n", "pool", member, 3, moment)
    };
    for (holder, time) in [("ada", 0), ("bob", 1), ("cyd", 2)] {
        claim(holder, at(time, time)).unwrap();
    }
    assert_eq!(claim("dan", at(1_000, 3)), Ok(1));
    assert_eq!(rows(&store), 3, "the first to end made room, and nobody else");
    let held = store.members("n", "pool", None, 9, at(4, 4)).unwrap();
    assert_eq!(held.iter().map(|member| &*member.holder).collect::<Vec<_>>(), ["bob", "cyd", "dan"]);
    assert!(matches!(claim("ada", at(5, 5)), Err(Error::Exceeded(_))));
    // One who renews takes no place from anybody.
    assert_eq!((claim("bob", at(1_000, 6)), claim("bob", at(7, 7)), rows(&store)), (Ok(2), Ok(3), 3));
}

#[test]
fn a_place_that_was_claimed_before_its_clock_was_confirmed_ends_no_earlier() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    assert_eq!(claim(&store, "ada", 1, Some(9_100), at(9_000, 10)), Ok(1));
    assert_eq!(store.place("n", "pool", "ada", at(9_099, 9_099)).unwrap().sum, 1);
    assert_eq!(store.place("n", "pool", "ada", at(9_100, 9_100)).unwrap().sum, 0);
}

#[test]
fn an_anchor_that_sets_the_time_back_leaves_places_what_they_had_left() {
    let store = RedbStore::open_with(Disk::new()).unwrap();
    assert_eq!(claim(&store, "ada", 1, Some(90_100), at(90_000, 90_000)), Ok(1));
    assert!(store.anchor("n", "a1", 1_000, 90_040).unwrap());
    assert_eq!(store.place("n", "pool", "ada", at(1_059, 1_059)).unwrap().sum, 1);
    assert_eq!(store.place("n", "pool", "ada", at(1_060, 1_060)).unwrap().sum, 0);
}

/// A closed store with two members, one of them for a time; changed by one who has the key.
fn edited(edit: impl FnOnce(&Txn<'_>) -> Result<(), RowError> + Send + 'static) -> Result<(), StoreError> {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    claim(&store, "ada", 3, Some(100), at(2, 1)).unwrap();
    claim(&store, "bob", 2, None, at(1, 1)).unwrap();
    store.writer.write(1, move |txn| edit(txn).map(Outcome::Changed)).unwrap();
    drop(store);
    RedbStore::open_with(disk).map(drop)
}

#[test]
fn a_sum_or_an_end_that_does_not_fit_the_members_is_told_at_opening() {
    edited(|_| Ok(())).unwrap();
    type Edit = fn(&Txn<'_>) -> Result<(), RowError>;
    let edits: [Edit; 11] = [
        |txn| txn.open(&SUMS)?.insert(("n", "pool"), 4),
        |txn| txn.open(&SUMS)?.remove(("n", "pool")).map(drop),
        |txn| txn.open(&SUMS)?.insert(("n", "another"), 1),
        |txn| txn.open(&ENDS)?.remove(("n", "pool", 100, "ada")).map(drop),
        |txn| txn.open(&ENDS)?.insert(("n", "pool", 100, "ada"), 4),
        |txn| txn.open(&ENDS)?.insert(("n", "pool", 101, "bob"), 2),
        |txn| txn.open(&POOLS)?.insert(("n", "pool", "ada"), (3, Some((99, 2, 98)))),
        |txn| txn.open(&MARKS)?.remove(("n", "pool", 99, "ada")).map(drop),
        |txn| txn.open(&MARKS)?.insert(("n", "pool", 99, "ada"), (3, 1, 100)),
        |txn| txn.open(&MARKS)?.insert(("n", "pool", 98, "bob"), (2, 2, 99)),
        |txn| txn.open(&POOLS)?.insert(("n", "pool", "bob"), (9, None)),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let told = edited(edit).unwrap_err();
        assert_eq!(told.reason(), "edited", "edit {number}: {told}");
    }
}

#[test]
fn a_sum_that_someone_else_wrote_is_told() {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    claim(&store, "ada", 3, None, at(1, 1)).unwrap();
    drop(store);
    let sums = redb::TableDefinition::<(&str, &str), (u128, u128)>::new("pool-sums");
    let database = redb::Builder::new().create_with_backend(disk.clone()).unwrap();
    let txn = database.begin_write().unwrap();
    {
        let mut table = txn.open_table(sums).unwrap();
        let (_, tag) = table.get(("n", "pool")).unwrap().unwrap().value();
        table.insert(("n", "pool"), (0, tag)).unwrap();
    }
    txn.commit().unwrap();
    database.close().unwrap();
    assert_eq!(RedbStore::open_with(disk).unwrap_err().reason(), "edited");
}
