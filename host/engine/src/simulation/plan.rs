//! What is assumed of the future: how long to look, and how much is used.

/// Requests come at the end of each hour, in milliseconds.
pub(super) const STEP: u64 = 3_600_000;

/// What a simulation lives through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Until then, in milliseconds since 1970.
    pub until: u64,
    /// What is used meanwhile.
    pub usage: Vec<Use>,
    /// For whom; it is also whose usage is told.
    pub tenant: Option<String>,
}

/// Even use of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its name.
    pub limit: String,
    /// Units in each `every`.
    pub amount: u64,
    /// In milliseconds, not 0.
    pub every: u64,
}

impl Use {
    /// Units from the beginning to the end of step `number` (from 1): rounded down, so that no unit comes early and none is lost.
    pub fn until_step(&self, number: u64) -> u64 {
        let elapsed = u128::from(number) * u128::from(STEP);
        let units = elapsed * u128::from(self.amount) / u128::from(self.every.max(1));
        u64::try_from(units).unwrap_or(u64::MAX)
    }

    /// Units that are asked for at the end of step `number`.
    pub fn in_step(&self, number: u64) -> u64 {
        self.until_step(number) - self.until_step(number.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_add_up_to_the_pace_and_never_run_ahead_of_it() {
        for (amount, every) in [(3_000_000, 86_400_000), (1, 86_400_000), (7, 604_800_000), (u64::MAX, 1), (0, 1)] {
            let pace = Use { limit: "tokens".to_owned(), amount, every };
            let sum = (1..=200).try_fold(0_u64, |sum, step| sum.checked_add(pace.in_step(step))).unwrap();
            assert_eq!(sum, pace.until_step(200), "{amount} in {every}");
            let exact = u128::from(amount) * 200 * u128::from(STEP) / u128::from(every);
            assert_eq!(u128::from(sum), exact.min(u128::from(u64::MAX)));
        }
        let daily = Use { limit: "tokens".to_owned(), amount: 1, every: 86_400_000 };
        assert_eq!((1..=48).filter(|step| daily.in_step(*step) == 1).collect::<Vec<_>>(), [24, 48]);
    }
}
