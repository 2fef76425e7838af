//! What counting is compared with, on the same disk.

use std::fs::File;
use std::io::Write;
use std::sync::Mutex;

use placet_tests::rig::Site;
use rusqlite::{Connection, params};

/// The bare disk: a file for each writer.
pub(crate) struct Raw {
    files: Vec<Mutex<File>>,
}

impl Raw {
    pub(crate) fn new(site: &Site, writers: usize) -> Self {
        let file = |number| File::create(site.path(&format!("raw-{writers}-{number}"))).expect("a file");
        Self { files: (0..writers).map(|number| Mutex::new(file(number))).collect() }
    }

    pub(crate) fn write(&self, writer: usize) {
        append(&mut self.files[writer].lock().expect("no panic"), &[1; 64]);
    }
}

/// A log that all callers append to: under its lock the sum is compared with the ceiling and written.
pub(crate) struct Log {
    state: Mutex<(File, u64)>,
}

impl Log {
    pub(crate) fn new(site: &Site) -> Self {
        Self { state: Mutex::new((File::create(site.path("log")).expect("a file"), 0)) }
    }

    pub(crate) fn count(&self) {
        let (file, sum) = &mut *self.state.lock().expect("no panic");
        assert!(*sum < u64::MAX);
        *sum += 1;
        let mut record = [0; 64];
        record[..8].copy_from_slice(&sum.to_le_bytes());
        append(file, &record);
    }
}

fn append(file: &mut File, record: &[u8]) {
    file.write_all(record).expect("writes");
    file.sync_data().expect("syncs");
}

/// One row, one connection, as most programs use it.
pub(crate) struct Sqlite {
    connection: Mutex<Connection>,
}

impl Sqlite {
    pub(crate) fn new(site: &Site) -> Self {
        let connection = Connection::open(site.path("counters.sqlite")).expect("opens");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, sum INTEGER) WITHOUT ROWID;
                 INSERT OR REPLACE INTO counters VALUES ('tokens', 0);",
            )
            .expect("a table");
        Self { connection: Mutex::new(connection) }
    }

    pub(crate) fn count(&self) {
        let connection = self.connection.lock().expect("no panic");
        let mut add = connection
            .prepare_cached("UPDATE counters SET sum = sum + ?1 WHERE name = ?2 AND sum + ?1 <= ?3")
            .expect("prepares");
        assert_eq!(add.execute(params![1, "tokens", i64::MAX]).expect("counts"), 1);
    }
}
