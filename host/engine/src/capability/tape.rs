//! What passes between a policy and the host, kept or played back.
//!
//! A policy learns nothing but its arguments and what the host answers. So one that is asked the same, and gets the same answers,
//! decides the same; a tape is those answers in their order. Documents are not on it: they are named by their hashes elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::bindings::placet::policy::counters::{Draw, Entry, Error, Member, Once, Place, Portion, Recorded, Supply};

/// One call of the host by a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) asked: Asked,
    pub(crate) answer: Answer,
}

/// What was asked: a function of `wit/clock.wit` or `wit/counters.wit`, with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Asked {
    Now,
    Wall,
    Clock,
    Read { counters: Vec<String> },
    Add { entries: Vec<Entry>, draws: Vec<Draw>, once: Option<Once> },
    Subtract { portions: Vec<Portion>, once: Option<Once> },
    Recall { key: String },
    Level { bucket: Draw },
    Set { counter: String, value: u64 },
    Raise { counter: String, value: u64 },
    Claim { pool: String, member: Member, capacity: u64 },
    Release { pool: String, holder: String },
    PlaceOf { pool: String, holder: String },
    Members { pool: String, after: Option<String>, limit: u32 },
}

/// What the host answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Answer {
    /// `now` and `wall`, both whatever was asked for.
    Time {
        now: u64,
        wall: u64,
    },
    Supply(Supply),
    Sum(Result<u64, Error>),
    Sums(Result<Vec<u64>, Error>),
    Recorded(Result<Option<Recorded>, Error>),
    Place(Result<Place, Error>),
    Members(Result<Vec<Member>, Error>),
}

/// What a function of the host answers.
pub(crate) trait Played: Sized {
    fn to_answer(&self) -> Answer;
    /// None: the answer of another function.
    fn from_answer(answer: Answer) -> Option<Self>;
}

macro_rules! played {
    ($($case:ident($type:ty)),+ $(,)?) => {
        $(impl Played for $type {
            fn to_answer(&self) -> Answer {
                Answer::$case(self.clone())
            }

            fn from_answer(answer: Answer) -> Option<Self> {
                if let Answer::$case(answer) = answer { Some(answer) } else { None }
            }
        })+
    };
}

played! {
    Supply(Supply),
    Sum(Result<u64, Error>),
    Sums(Result<Vec<u64>, Error>),
    Recorded(Result<Option<Recorded>, Error>),
    Place(Result<Place, Error>),
    Members(Result<Vec<Member>, Error>),
}

/// Where a policy asked something else than is on the tape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Strayed {
    /// The call of this number, from 0, is another one.
    Asked { index: usize, recorded: Option<Asked>, replayed: Asked },
    /// The call of this number has the answer of another function.
    Answer { index: usize },
}

/// Not what is on the tape; [`Tape::strayed`] tells where. Ends the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy asked something else than was recorded")]
pub(crate) struct OffTape;

/// A tape, or none: then it costs one comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape(Option<Arc<Mutex<Reel>>>);

#[derive(Debug)]
enum Reel {
    Recording(Vec<Call>),
    Playing { calls: Vec<Call>, at: usize, strayed: Option<Box<Strayed>> },
}

impl Tape {
    /// An empty tape that keeps what passes.
    pub(crate) fn recording() -> Self {
        Self(Some(Arc::new(Mutex::new(Reel::Recording(Vec::new())))))
    }

    /// A tape that answers in place of the host.
    pub(crate) fn playing(calls: Vec<Call>) -> Self {
        Self(Some(Arc::new(Mutex::new(Reel::Playing { calls, at: 0, strayed: None }))))
    }

    /// The host's answer to a call with these arguments, or the one on the tape.
    pub(crate) fn pass<A, T: Played>(
        &self,
        arguments: A,
        asked: impl FnOnce(&A) -> Asked,
        ask: impl FnOnce(A) -> T,
    ) -> Result<T, OffTape> {
        let Some(reel) = &self.0 else { return Ok(ask(arguments)) };
        let asked = asked(&arguments);
        match &mut *lock(reel) {
            Reel::Recording(calls) => {
                let answer = ask(arguments);
                calls.push(Call { asked, answer: answer.to_answer() });
                Ok(answer)
            }
            Reel::Playing { calls, at, strayed } => {
                let index = *at;
                let lost = match calls.get(index) {
                    Some(call) if call.asked == asked => {
                        *at += 1;
                        match T::from_answer(call.answer.clone()) {
                            Some(answer) => return Ok(answer),
                            None => Strayed::Answer { index },
                        }
                    }
                    call => Strayed::Asked { index, recorded: call.map(|call| call.asked.clone()), replayed: asked },
                };
                strayed.get_or_insert(Box::new(lost));
                Err(OffTape)
            }
        }
    }

    /// What was kept so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        match self.0.as_ref().map(lock).as_deref() {
            Some(Reel::Recording(calls)) => calls.clone(),
            _ => Vec::new(),
        }
    }

    /// Where the policy left the tape.
    pub(crate) fn strayed(&self) -> Option<Strayed> {
        match self.0.as_ref().map(lock).as_deref() {
            Some(Reel::Playing { strayed, .. }) => strayed.as_deref().cloned(),
            _ => None,
        }
    }

    /// The number of the first call on the tape that was not asked; none where all were.
    pub(crate) fn unasked(&self) -> Option<usize> {
        match self.0.as_ref().map(lock).as_deref() {
            Some(Reel::Playing { calls, at, .. }) if *at < calls.len() => Some(*at),
            _ => None,
        }
    }
}

fn lock(reel: &Arc<Mutex<Reel>>) -> MutexGuard<'_, Reel> {
    reel.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tape: &Tape, counter: &str, ask: impl FnOnce() -> u64) -> Result<Result<Vec<u64>, Error>, OffTape> {
        tape.pass(counter, |counter| Asked::Read { counters: vec![(*counter).to_owned()] }, |_| Ok(vec![ask()]))
    }

    /// Nobody is asked where a tape answers.
    fn nobody() -> u64 {
        u64::MAX
    }

    #[test]
    fn what_was_recorded_is_played_without_asking() {
        let tape = Tape::recording();
        assert_eq!(read(&tape, "a", || 1).unwrap().unwrap(), [1]);
        assert_eq!(read(&tape, "b", || 2).unwrap().unwrap(), [2]);
        let played = Tape::playing(tape.calls());
        assert_eq!(played.unasked(), Some(0));
        assert_eq!(read(&played, "a", nobody).unwrap().unwrap(), [1]);
        assert_eq!(played.unasked(), Some(1));
        assert_eq!(read(&played, "b", nobody).unwrap().unwrap(), [2]);
        assert_eq!((played.unasked(), played.strayed()), (None, None));
    }

    #[test]
    fn whoever_asks_otherwise_leaves_the_tape() {
        let tape = Tape::recording();
        read(&tape, "a", || 1).unwrap().unwrap();
        let asked = |counter: &str| Asked::Read { counters: vec![counter.to_owned()] };

        let played = Tape::playing(tape.calls());
        assert_eq!(read(&played, "b", nobody).unwrap_err(), OffTape);
        // What comes after the first difference follows from it.
        assert_eq!(read(&played, "c", nobody).unwrap_err(), OffTape);
        let strayed = Strayed::Asked { index: 0, recorded: Some(asked("a")), replayed: asked("b") };
        assert_eq!(played.strayed(), Some(strayed));

        let played = Tape::playing(tape.calls());
        read(&played, "a", nobody).unwrap().unwrap();
        assert_eq!(read(&played, "a", nobody).unwrap_err(), OffTape);
        let strayed = Strayed::Asked { index: 1, recorded: None, replayed: asked("a") };
        assert_eq!(played.strayed(), Some(strayed));

        let wrong = Call { asked: asked("a"), answer: Answer::Time { now: 1, wall: 1 } };
        let played = Tape::playing(vec![wrong]);
        assert_eq!(read(&played, "a", nobody).unwrap_err(), OffTape);
        assert_eq!(played.strayed(), Some(Strayed::Answer { index: 0 }));
    }

    #[test]
    fn without_a_tape_the_host_answers() {
        let none = Tape::default();
        assert_eq!(read(&none, "a", || 3).unwrap().unwrap(), [3]);
        assert!(none.calls().is_empty() && none.strayed().is_none() && none.unasked().is_none());
    }
}
