//! Every order in which a few threads can change the word of a block: two that take and one that closes, and three that take.
//!
//! The word is the only thing that threads share, and all changes of one word have one order, whatever the memory order of the operations:
//! so the orders of its operations are all there are.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::{Block, Take, Word};

/// A word whose every operation waits for its turn.
struct Turned(Mutex<u64>);

thread_local! {
    static OWN: RefCell<Option<(Arc<Turns>, usize)>> = const { RefCell::new(None) };
}

impl Turned {
    fn act<T>(&self, act: impl FnOnce(&mut u64) -> T) -> T {
        OWN.with_borrow(|own| own.iter().for_each(|(turns, thread)| turns.wait(*thread)));
        act(&mut self.0.lock().unwrap())
    }
}

impl Word for Turned {
    fn new(value: u64) -> Self {
        Self(value.into())
    }

    fn load(&self) -> u64 {
        self.act(|word| *word)
    }

    fn exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
        self.act(|word| if *word == current { Ok(std::mem::replace(word, new)) } else { Err(*word) })
    }

    fn set(&self, bits: u64) -> u64 {
        self.act(|word| std::mem::replace(word, *word | bits))
    }
}

/// Where each thread is, and whose turn it is.
struct Turns {
    state: Mutex<(Vec<Place>, Option<usize>)>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Running,
    Waiting,
    Done,
}

impl Turns {
    fn new(threads: usize) -> Self {
        Self { state: Mutex::new((vec![Place::Running; threads], None)), changed: Condvar::new() }
    }

    fn wait(&self, thread: usize) {
        let mut state = self.state.lock().unwrap();
        state.0[thread] = Place::Waiting;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |(_, turn)| *turn != Some(thread)).unwrap();
        state.0[thread] = Place::Running;
        state.1 = None;
    }

    fn end(&self, thread: usize) {
        self.state.lock().unwrap().0[thread] = Place::Done;
        self.changed.notify_all();
    }

    /// Gives one turn after the other, each to the waiting thread that `choose` names of so many. Ends when all threads have.
    fn give(&self, mut choose: impl FnMut(usize) -> usize) {
        loop {
            let state = self.state.lock().unwrap();
            let busy =
                |(places, turn): &mut (Vec<Place>, Option<usize>)| turn.is_some() || places.contains(&Place::Running);
            let mut state = self.changed.wait_while(state, busy).unwrap();
            let waiting = |(thread, place): (usize, &Place)| (*place == Place::Waiting).then_some(thread);
            let waiting: Vec<usize> = state.0.iter().enumerate().filter_map(waiting).collect();
            if waiting.is_empty() {
                return;
            }
            state.1 = Some(waiting[choose(waiting.len())]);
            self.changed.notify_all();
        }
    }
}

/// What one thread does.
type Call<'a, T> = &'a (dyn Fn(&Block<Turned>) -> T + Sync);

/// Runs the calls in every order of their operations, depth first. Each order gets a block of its own. Answers how many there were.
fn every_order<T: Send>(
    block: impl Fn() -> Block<Turned>,
    calls: &[Call<'_, T>],
    check: impl Fn(&Block<Turned>, Vec<T>),
) -> usize {
    // Of each turn: the chosen thread, and among how many.
    let mut plan: Vec<(usize, usize)> = Vec::new();
    let mut orders = 0;
    loop {
        let (block, turns) = (block(), Arc::new(Turns::new(calls.len())));
        let answers = thread::scope(|scope| {
            let run = |(thread, call)| {
                let (block, turns): (_, Arc<Turns>) = (&block, turns.clone());
                let call: Call<'_, T> = call;
                scope.spawn(move || {
                    OWN.set(Some((turns.clone(), thread)));
                    let answer = call(block);
                    turns.end(thread);
                    answer
                })
            };
            let threads: Vec<_> = calls.iter().copied().enumerate().map(run).collect();
            let mut turn = 0;
            turns.give(|among| {
                if turn == plan.len() {
                    plan.push((0, among));
                }
                turn += 1;
                plan[turn - 1].0
            });
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        check(&block, answers);
        orders += 1;
        while plan.pop_if(|(chosen, among)| *chosen + 1 == *among).is_some() {}
        match plan.last_mut() {
            Some((chosen, _)) => *chosen += 1,
            None => return orders,
        }
    }
}

const END: u64 = 20;
const LEFT: u64 = 10;

fn block() -> Block<Turned> {
    Block::new(END, LEFT, 0)
}

fn taken(amount: u64, take: Take) -> u64 {
    if matches!(take, Take::Taken(_)) { amount } else { 0 }
}

#[test]
fn whatever_the_order_a_block_that_is_closed_tells_exactly_what_was_taken() {
    let take = |amount| move |block: &Block<Turned>| taken(amount, block.take(amount, 100, u64::MAX));
    let (three, five) = (take(3), take(5));
    let close = |block: &Block<Turned>| block.close();
    let orders = every_order(block, &[&three, &five, &close], |block, answers| {
        assert_eq!(answers[2], END - LEFT + answers[0] + answers[1]);
        assert_eq!(block.value(), answers[2]);
        assert_eq!(block.take(1, 100, u64::MAX), Take::Missing, "nothing is taken from a closed block");
    });
    assert!(orders > 20, "only {orders} orders");
}

#[test]
fn whatever_the_order_a_block_gives_each_unit_once_and_none_past_the_ceiling() {
    let ceiling = END - LEFT + 7;
    let take = |amount| move |block: &Block<Turned>| (amount, block.take(amount, ceiling, LEFT));
    let (three, four, five) = (take(3), take(4), take(5));
    let orders = every_order(block, &[&three, &four, &five], |block, answers| {
        let mut sums: Vec<(u64, u64)> = Vec::new();
        for (amount, take) in answers {
            match take {
                Take::Taken(sum) => sums.push((sum, amount)),
                Take::Exceeded(held) => assert!(held + amount > ceiling),
                Take::Missing => panic!("enough is left, and nobody closes it"),
            }
        }
        sums.sort_unstable();
        let told = sums.iter().fold(END - LEFT, |before, (sum, amount)| {
            assert_eq!(*sum, before + amount, "two callers were told of the same units");
            *sum
        });
        assert_eq!((block.value(), told <= ceiling), (told, true));
    });
    assert!(orders > 80, "only {orders} orders");
}
