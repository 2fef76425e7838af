//! Files that someone wrote with redb, but without the install key: each is told for what it is.

use redb::{Builder, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};

use super::disk::Disk;
use super::*;
use crate::store::{Ancestry, Head};

type Counter = TableDefinition<'static, (&'static str, &'static str), (u64, u128)>;

/// The table of counters, as redb has it.
type Rows<'t> = redb::Table<'t, (&'static str, &'static str), (u64, u128)>;

const COUNTERS: Counter = TableDefinition::new("counters");

fn at(time: u64) -> Moment {
    Moment { now: time, mark: time }
}

fn add(store: &RedbStore, counter: &str, amount: u64) {
    let entry = Entry { counter: counter.to_owned(), amount, ceiling: u64::MAX, slack: 0 };
    store.add("n", vec![entry], vec![], None, None, at(1)).unwrap();
}

/// A closed store with two counters.
fn disk() -> Disk {
    let disk = Disk::new();
    let store = RedbStore::open_with(disk.clone()).unwrap();
    add(&store, "a", 5);
    add(&store, "b", 7);
    disk
}

/// Changes it as any program could that knows redb.
fn edit(disk: &Disk, edit: impl FnOnce(&mut Rows<'_>)) {
    let database = Builder::new().create_with_backend(disk.clone()).unwrap();
    let txn = database.begin_write().unwrap();
    edit(&mut txn.open_table(COUNTERS).unwrap());
    txn.commit().unwrap();
    database.close().unwrap();
}

fn row(disk: &Disk, counter: &str) -> (u64, u128) {
    let database = Builder::new().create_with_backend(disk.clone()).unwrap();
    let table = database.begin_read().unwrap().open_table(COUNTERS).unwrap();
    let row = table.get(("n", counter)).unwrap().unwrap().value();
    drop(table);
    database.close().unwrap();
    row
}

fn reason(disk: Disk) -> &'static str {
    RedbStore::open_with(disk).unwrap_err().reason()
}

#[test]
fn a_row_that_was_edited_added_or_taken_away_is_told() {
    let edits: [fn(&mut Rows<'_>); 4] = [
        |table| {
            let tag = table.get(("n", "a")).unwrap().unwrap().value().1;
            table.insert(("n", "a"), (1, tag)).unwrap();
        },
        // With the tag of another row that holds the same.
        |table| {
            let other = table.get(("n", "b")).unwrap().unwrap().value();
            table.insert(("n", "a"), other).unwrap();
        },
        |table| drop(table.insert(("n", "c"), (0, 0)).unwrap()),
        |table| drop(table.remove(("n", "a")).unwrap()),
    ];
    for (number, change) in edits.into_iter().enumerate() {
        let disk = disk();
        edit(&disk, change);
        assert_eq!(reason(disk), "edited", "edit {number}");
    }
}

#[test]
fn a_row_that_was_moved_to_another_name_is_told_in_a_large_file_too() {
    let disk = super::damage::large_disk();
    edit(&disk, |table| {
        let row = table.remove(("n", "use/tokens")).unwrap().unwrap().value();
        table.insert(("n", "tse/tokens"), row).unwrap();
    });
    assert!(disk.image().len() > 4 << 20);
    assert_eq!(reason(disk), "edited");
}

#[test]
fn a_row_that_is_put_back_as_it_once_was_is_told() {
    let disk = disk();
    let before = row(&disk, "a");
    add(&RedbStore::open_with(disk.clone()).unwrap(), "a", 100);
    edit(&disk, |table| drop(table.insert(("n", "a"), before).unwrap()));
    assert_eq!(reason(disk), "edited");
}

#[test]
fn a_chain_that_was_edited_is_told() {
    let chain = TableDefinition::<(), (u64, Option<u64>, u128, &[u8; 32], &[u8; 32])>::new("chain");
    for field in 0..5 {
        let disk = disk();
        let database = Builder::new().create_with_backend(disk.clone()).unwrap();
        let txn = database.begin_write().unwrap();
        {
            let mut table = txn.open_table(chain).unwrap();
            let row = table.get(()).unwrap().unwrap();
            let (mut number, mut mark, mut digest, before, hash) = row.value();
            let (mut before, mut hash) = (*before, *hash);
            drop(row);
            match field {
                0 => number -= 1,
                1 => mark = None,
                2 => digest ^= 1,
                3 => before[0] ^= 1,
                _ => hash[0] ^= 1,
            }
            table.insert((), (number, mark, digest, &before, &hash)).unwrap();
        }
        txn.commit().unwrap();
        database.close().unwrap();
        assert_eq!(reason(disk), "edited", "field {field}");
    }
}

#[test]
fn every_table_of_rows_is_part_of_the_sum() {
    let disk = disk();
    let database = Builder::new().create_with_backend(disk.clone()).unwrap();
    let names: Vec<String> =
        database.begin_read().unwrap().list_tables().unwrap().map(|table| table.name().to_owned()).collect();
    database.close().unwrap();
    // A table that is not listed here is not looked at by `rows::check` either, until someone thinks of it.
    let known = [
        "blocks",
        "burned",
        "chain",
        "counters",
        "floors",
        "kept",
        "meta",
        "once",
        "once-order",
        "pool-ends",
        "pool-marks",
        "pool-sums",
        "pools",
        "reserved",
        "reserved-ends",
        "reserved-units",
        "told",
        "values",
    ];
    assert_eq!(names, known);
}

#[test]
fn the_file_of_another_installation_and_a_lost_key_are_told() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&one, &two] {
        add(&RedbStore::open(dir.path()).unwrap(), "a", 1);
    }
    let own = std::fs::read(one.path().join("counters.redb")).unwrap();
    std::fs::copy(two.path().join("counters.redb"), one.path().join("counters.redb")).unwrap();
    assert_eq!(RedbStore::open(one.path()).unwrap_err().reason(), "swapped");
    std::fs::write(one.path().join("counters.redb"), own).unwrap();
    drop(RedbStore::open(one.path()).unwrap());
    std::fs::remove_file(one.path().join("install.key")).unwrap();
    assert_eq!(RedbStore::open(one.path()).unwrap_err().reason(), "install-key-missing");
    assert!(!one.path().join("install.key").exists(), "no key is made for what another has sealed");
}

#[test]
fn counters_that_were_deleted_do_not_begin_anew() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name| temp.path().join(name);
    let reason = || RedbStore::open(temp.path()).unwrap_err().reason();
    add(&RedbStore::open(temp.path()).unwrap(), "a", 1);
    std::fs::remove_file(path("counters.redb")).unwrap();
    assert_eq!(reason(), "counters-missing");
    std::fs::create_dir(path("audit")).unwrap();
    std::fs::write(path("audit/1.jsonl"), "{}").unwrap();
    std::fs::remove_file(path("install.key")).unwrap();
    assert_eq!(reason(), "counters-missing");
    assert!(!path("counters.redb").exists() && !path("install.key").exists(), "nothing is made");
    // What the table of reasons says to whoever means it.
    std::fs::remove_dir_all(path("audit")).unwrap();
    let store = RedbStore::open(temp.path()).unwrap();
    assert_eq!(store.read("n", &["a".to_owned()], at(1)), Ok(vec![0]));
}

#[test]
fn counters_that_are_taken_away_or_replaced_under_the_store_are_not_counted_in_until_they_are_back() {
    let (temp, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name| temp.path().join(name);
    let store = RedbStore::open(temp.path()).unwrap();
    let count = || {
        let entry = Entry { counter: "a".to_owned(), amount: 1, ceiling: u64::MAX, slack: 0 };
        store.add("n", vec![entry], vec![], None, None, at(1))
    };
    let refused = |reason: &str| Err(Error::Unavailable(reason.to_owned()));
    assert_eq!(count(), Ok(vec![1]));
    std::fs::copy(path("counters.redb"), path("older")).unwrap();
    assert_eq!(count(), Ok(vec![2]));
    std::fs::rename(path("counters.redb"), path("aside")).unwrap();
    assert_eq!((count(), count()), (refused("counters-missing"), refused("counters-missing")));
    assert_eq!(store.read("n", &["a".to_owned()], at(1)), refused("counters-missing"));
    assert!(!path("counters.redb").exists(), "none is made anew");
    drop(RedbStore::open(other.path()).unwrap());
    std::fs::copy(other.path().join("counters.redb"), path("counters.redb")).unwrap();
    assert_eq!(count(), refused("swapped"));
    std::fs::rename(path("older"), path("counters.redb")).unwrap();
    assert_eq!(count(), refused("edited"), "what was told is not forgotten");
    std::fs::rename(path("aside"), path("counters.redb")).unwrap();
    assert_eq!(count(), Ok(vec![3]));
    std::fs::rename(temp.path(), other.path().join("moved")).unwrap();
    assert_eq!(count(), refused("counters-missing"));
    std::fs::rename(other.path().join("moved"), temp.path()).unwrap();
    assert_eq!((count(), store.read("n", &["a".to_owned()], at(1))), (Ok(vec![4]), Ok(vec![4])));
}

#[test]
fn an_older_file_is_told_from_the_first_call_also_where_nothing_was_counted_since_the_opening() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name| temp.path().join(name);
    let store = RedbStore::open(temp.path()).unwrap();
    add(&store, "a", 1);
    std::fs::copy(path("counters.redb"), path("older")).unwrap();
    add(&store, "a", 1);
    drop(store);
    let store = RedbStore::open(temp.path()).unwrap();
    std::fs::rename(path("older"), path("counters.redb")).unwrap();
    let entry = Entry { counter: "a".to_owned(), amount: 1, ceiling: u64::MAX, slack: 0 };
    let refused = store.add("n", vec![entry], vec![], None, None, at(1));
    assert_eq!(refused, Err(Error::Unavailable("edited".to_owned())));
}

#[test]
fn a_crash_between_key_and_counters_is_neither_a_lost_key_nor_lost_counters() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name| temp.path().join(name);
    add(&RedbStore::open(temp.path()).unwrap(), "a", 1);
    // The counters were made, and the key has no name yet.
    std::fs::rename(path("install.key"), path(".install.key.begun")).unwrap();
    let store = RedbStore::open(temp.path()).unwrap();
    assert_eq!(store.read("n", &["a".to_owned()], at(1)), Ok(vec![1]));
    drop(store);
    assert!(path("install.key").exists() && !path(".install.key.begun").exists());
    // Only the key was begun.
    std::fs::rename(path("install.key"), path(".install.key.begun")).unwrap();
    std::fs::remove_file(path("counters.redb")).unwrap();
    drop(RedbStore::open(temp.path()).unwrap());
    assert!(path("install.key").exists() && !path(".install.key.begun").exists());
}

#[test]
fn a_state_that_was_put_back_is_told_beside_a_head_of_later() {
    let disk = disk();
    let image = disk.image();
    let store = RedbStore::open_with(disk).unwrap();
    add(&store, "a", 1);
    let told = store.tell_head(1).unwrap();
    add(&store, "a", 1);
    let head = store.head().unwrap();
    assert_eq!(head.number, told.number + 2);
    for (earlier, expected) in [
        (told, Ancestry::Continued),
        (head, Ancestry::Continued),
        (Head { hash: [0; 32], ..told }, Ancestry::Forked),
        (Head { hash: [0; 32], ..head }, Ancestry::Forked),
        (Head { number: head.number + 1, ..head }, Ancestry::Restored),
    ] {
        assert_eq!(store.ancestry(&earlier).unwrap(), expected, "{earlier}");
    }
    let restored = RedbStore::open_with(Disk::holding(image)).unwrap();
    assert_eq!(restored.ancestry(&told).unwrap(), Ancestry::Restored);
    // It goes on, and passes the number: another history.
    for _ in 0..3 {
        add(&restored, "a", 2);
    }
    assert_eq!(restored.ancestry(&told).unwrap(), Ancestry::Forked);
    assert_eq!(restored.ancestry(&head).unwrap(), Ancestry::Forked);
}
