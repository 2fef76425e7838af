//! Fuzzing on stable Rust: inputs of the corpus are answered as they were, and changed at random they make nothing panic and take no
//! time.
//!
//! The corpus of a target is a folder of `fuzz/`: the shortest input for everything that was ever answered or decided, whose name tells
//! the answer. What is answered or decided in a new way joins the search, so that it goes deeper than its corpus; the numbers are the
//! same on every machine, for as long as there is time: 2 seconds per target, with `PLACET_LONG` 60. `BLESS=1` writes what was found
//! into the corpus; read the names before they are committed. An input that panics is written there as `panic`.

mod targets;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use placet_tests::mutator::Mutator;
use sha2::{Digest, Sha256};

use crate::targets::{Target, Told};

/// What one input may take. What is not optimized is slower.
const SLOWEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 5 });
/// The longest input of a corpus; longer ones are searched from, and not written.
const WRITTEN: usize = 4_096;
/// The longest name of a file of a corpus.
const NAMED: usize = 120;

#[test]
fn envelopes() {
    Fuzz(Target::envelope()).fuzz();
}

#[test]
fn licenses() {
    Fuzz(Target::license()).fuzz();
}

#[test]
fn formats() {
    Target::formats().into_iter().for_each(|target| Fuzz(target).fuzz());
}

struct Fuzz(Target);

impl Fuzz {
    fn fuzz(&self) {
        let corpus = self.replay();
        let found = self.search(corpus.values().cloned().collect());
        if std::env::var_os("BLESS").is_some() {
            self.write(&corpus, found);
        }
    }

    /// The corpus by the names of its files, each of which is answered as its name says.
    fn replay(&self) -> BTreeMap<String, Vec<u8>> {
        let read = |path: PathBuf| {
            let name = path.file_name().expect("a name").to_str().expect("ASCII").to_owned();
            (name, std::fs::read(path).expect("reads"))
        };
        let files = std::fs::read_dir(self.folder()).expect("a corpus");
        let corpus: BTreeMap<String, Vec<u8>> = files.map(|entry| read(entry.expect("an entry").path())).collect();
        assert!(!corpus.is_empty(), "{}: the corpus is empty", self.0.name);
        if std::env::var_os("BLESS").is_none() {
            for (name, input) in &corpus {
                let answer = name.rsplit_once(',').map(|(answer, _)| answer);
                let found = named(&self.told(input).answer);
                assert_eq!(Some(&*found), answer, "{}: `{name}` is answered anew; BLESS=1 renames it", self.0.name);
            }
        }
        corpus
    }

    /// Changes what is known until time is up.
    fn search(&self, mut known: Vec<Vec<u8>>) -> BTreeMap<Told, Vec<u8>> {
        let seconds = if std::env::var_os("PLACET_LONG").is_some() { 60 } else { 2 };
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut mutator = Mutator::new(known.len() as u64);
        let mut found: BTreeMap<Told, Vec<u8>> = BTreeMap::new();
        for input in &known {
            keep(&mut found, self.told(input), input);
        }
        while Instant::now() < until {
            let mut input = known[mutator.below(known.len())].clone();
            for _ in 0..=mutator.below(4) {
                let other = mutator.below(known.len());
                input = match mutator.below(16) {
                    0 => mutator.cross(&input, &known[other]),
                    1..4 => mutator.exchange(&input, &known[other]),
                    _ => mutator.mutate(&input),
                };
            }
            if keep(&mut found, self.told(&input), &input) {
                known.push(input);
            }
        }
        found
    }

    /// Asks, and demands that it neither panics nor takes long.
    fn told(&self, input: &[u8]) -> Told {
        let documents = (self.0.documents)(input);
        let told: Vec<Told> = documents.iter().map(|document| self.told_of(document, input)).collect();
        Told {
            answer: told.iter().map(|told| &*told.answer).collect::<Vec<_>>().join(" "),
            decided: told.into_iter().flat_map(|told| told.decided).collect(),
        }
    }

    fn told_of(&self, document: &[u8], input: &[u8]) -> Told {
        // Others run on the machine as well: the fastest of a few counts.
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let begun = Instant::now();
            let Ok(told) = catch_unwind(AssertUnwindSafe(|| self.0.ask(document))) else {
                let path = self.folder().join("panic");
                std::fs::write(&path, input).expect("writes");
                panic!("it panics of {}", path.display());
            };
            fastest = fastest.min(begun.elapsed());
            if fastest < SLOWEST {
                return told;
            }
        }
        panic!("{}: it takes {fastest:?} of {:?}", self.0.name, String::from_utf8_lossy(input))
    }

    /// As `ANSWER,NUMBER`.
    fn write(&self, corpus: &BTreeMap<String, Vec<u8>>, found: BTreeMap<Told, Vec<u8>>) {
        for name in corpus.keys() {
            std::fs::remove_file(self.folder().join(name)).expect("removes");
        }
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for (told, input) in found.into_iter().filter(|(_, input)| input.len() <= WRITTEN) {
            let name = named(&told.answer);
            let number = numbers.entry(name.clone()).and_modify(|number| *number += 1).or_insert(1);
            std::fs::write(self.folder().join(format!("{name},{number}")), input).expect("writes");
        }
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(self.0.name)
    }
}

/// Is it news, or shorter than what was answered and decided like that before?
fn keep(found: &mut BTreeMap<Told, Vec<u8>>, told: Told, input: &[u8]) -> bool {
    let is_news = found.get(&told).is_none_or(|shortest| input.len() < shortest.len());
    if is_news {
        found.insert(told, input.to_vec());
    }
    is_news
}

/// An answer as the name of a file: a long one is cut, and told apart by its hash.
fn named(answer: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '+' };
    let name: String = answer.chars().map(plain).collect();
    if name.len() <= NAMED {
        return name;
    }
    let hash = Sha256::digest(answer);
    format!("{name:.NAMED$}~{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2])
}
