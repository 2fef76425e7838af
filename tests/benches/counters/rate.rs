//! Rates of several contenders, taking turns.

use std::thread;
use std::time::{Duration, Instant};

/// How long one contender runs before it is the next one's turn.
const SLICE: Duration = Duration::from_millis(100);
/// So often is it everyone's turn.
const ROUNDS: usize = 20;

/// One contender's figures.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    /// Calls per second.
    pub(crate) rate: f64,
    /// To the first contender's, in the same round.
    pub(crate) ratio: f64,
    /// Of one call.
    pub(crate) median: Duration,
    /// For 99 of 100 calls.
    pub(crate) most: Duration,
}

/// Contenders, the first of which is the measure of all.
#[derive(Default)]
pub(crate) struct Contest<'a> {
    contenders: Vec<Contender<'a>>,
}

struct Contender<'a> {
    name: &'static str,
    callers: usize,
    together: u32,
    caller: Box<dyn Fn(usize) -> Call<'a> + Sync + 'a>,
    rates: Vec<f64>,
    latencies: Vec<Duration>,
}

/// What one thread does over and over.
type Call<'a> = Box<dyn FnMut() + 'a>;

impl<'a> Contest<'a> {
    /// A contender whose `call` is made by so many threads; it gets the number of its thread.
    pub(crate) fn enter(&mut self, name: &'static str, callers: usize, call: impl Fn(usize) + Copy + Sync + 'a) {
        self.enter_each(name, callers, 1, move |caller| move || call(caller));
    }

    /// A contender whose threads are each given a call of its own. So many calls are timed together: reading the clock takes longer than one that
    /// stays in memory.
    pub(crate) fn enter_each<F: FnMut() + 'a>(
        &mut self,
        name: &'static str,
        callers: usize,
        together: u32,
        caller: impl Fn(usize) -> F + Sync + 'a,
    ) {
        self.contenders.push(Contender {
            name,
            callers,
            together,
            caller: Box::new(move |number| Box::new(caller(number))),
            rates: Vec::new(),
            latencies: Vec::new(),
        });
    }

    /// Measures all.
    pub(crate) fn run(mut self) -> Vec<Figure> {
        for _ in 0..ROUNDS {
            self.contenders.iter_mut().for_each(Contender::slice);
        }
        let measure: Vec<f64> = self.contenders.first().expect("a contender").rates.clone();
        self.contenders.into_iter().map(|contender| contender.figure(&measure)).collect()
    }
}

impl Contender<'_> {
    fn slice(&mut self) {
        let (caller, together) = (&self.caller, self.together);
        let begun = Instant::now();
        let latencies: Vec<Duration> = thread::scope(|scope| {
            let run = |number| {
                move || {
                    let (mut call, mut latencies) = (caller(number), Vec::new());
                    while begun.elapsed() < SLICE {
                        let before = Instant::now();
                        (0..together).for_each(|_| call());
                        latencies.push(before.elapsed() / together);
                    }
                    latencies
                }
            };
            let threads: Vec<_> = (0..self.callers).map(|number| scope.spawn(run(number))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        self.rates.push(latencies.len() as f64 * f64::from(together) / begun.elapsed().as_secs_f64());
        self.latencies.extend(latencies);
    }

    fn figure(mut self, measure: &[f64]) -> Figure {
        self.latencies.sort_unstable();
        let at = |share: usize| self.latencies[self.latencies.len() * share / 100];
        let ratios = self.rates.iter().zip(measure).map(|(rate, measure)| rate / measure).collect();
        Figure { name: self.name, ratio: middle(ratios), median: at(50), most: at(99), rate: middle(self.rates) }
    }
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// For a table.
pub(crate) fn micros(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e6)
}
