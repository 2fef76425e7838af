//! A call on its way through the thread that writes.

use std::sync::mpsc::SyncSender;

use super::error::RowError;
use super::rows::Outcome;
use super::sealed::Txn;
use crate::store::StoreError;

/// A call, whatever it answers.
pub(super) trait Job: Send {
    /// Tells the caller, where that needs no transaction. Whether it did.
    fn answer_in_memory(&self) -> bool;

    /// Does it. Answers the time mark to commit, if it changed something.
    fn apply(&mut self, txn: &Txn<'_>) -> Result<Option<u64>, RowError>;

    /// Tells the caller.
    fn answer(self: Box<Self>, done: &Result<(), StoreError>);
}

/// A call with what it does, and what it does without the disk where it can.
pub(super) struct Call<M, F, T> {
    mark: u64,
    in_memory: M,
    apply: Option<F>,
    outcome: Option<T>,
    answer: SyncSender<Result<T, StoreError>>,
}

impl<M, F, T> Call<M, F, T> {
    /// It changes something at the time `mark`.
    pub(super) fn new(mark: u64, in_memory: M, apply: F, answer: SyncSender<Result<T, StoreError>>) -> Self {
        Self { mark, in_memory, apply: Some(apply), outcome: None, answer }
    }
}

impl<M, F, T> Job for Call<M, F, T>
where
    M: Fn() -> Option<T> + Send,
    F: FnOnce(&Txn<'_>) -> Result<Outcome<T>, RowError> + Send,
    T: Send,
{
    fn answer_in_memory(&self) -> bool {
        // A caller that is gone needs no answer.
        (self.in_memory)().map(|outcome| drop(self.answer.send(Ok(outcome)))).is_some()
    }

    fn apply(&mut self, txn: &Txn<'_>) -> Result<Option<u64>, RowError> {
        let Some(apply) = self.apply.take() else { return Ok(None) };
        let (outcome, mark) = match apply(txn)? {
            Outcome::Changed(outcome) => (outcome, Some(self.mark)),
            Outcome::Same(outcome) => (outcome, None),
        };
        self.outcome = Some(outcome);
        Ok(mark)
    }

    fn answer(self: Box<Self>, done: &Result<(), StoreError>) {
        let answer = match (done, self.outcome) {
            (Ok(()), Some(outcome)) => Ok(outcome),
            (Err(error), _) => Err(error.clone()),
            // Not reached: what was done without an error has an outcome. Without an answer the caller is told of an error.
            (Ok(()), None) => return,
        };
        // A caller that is gone needs no answer.
        drop(self.answer.send(answer));
    }
}
