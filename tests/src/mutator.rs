//! Changes bytes at random, by the same numbers on every machine.

/// Marsaglia, "Xorshift RNGs" (2003).
#[derive(Clone, Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// Each seed, which must not be 0, makes another sequence.
    pub fn new(seed: u64) -> Self {
        assert!(seed != 0, "0 would stay 0");
        Self(seed)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).expect("64 bits") % end.max(1)
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    /// One thing changed: a bit, a byte, a part taken away, doubled or exchanged with another.
    pub fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        if changed.is_empty() {
            return vec![self.byte()];
        }
        let (at, other) = (self.below(changed.len()), self.below(changed.len()));
        let (from, to) = (at.min(other), at.max(other));
        match self.below(6) {
            0 => changed[at] ^= 1 << self.below(8),
            1 => changed[at] = b"AB01.{}\"=-_+/ \n:,"[self.below(17)],
            2 => changed.swap(at, other),
            3 => drop(changed.drain(from..=to)),
            4 => changed.insert(at, self.byte()),
            _ => {
                let part = changed[from..(from + 16).min(to)].to_vec();
                changed.splice(to..to, part);
            }
        }
        changed
    }

    /// The beginning of one and the end of another.
    pub fn cross(&mut self, one: &[u8], other: &[u8]) -> Vec<u8> {
        let (end, begin) = (self.below(one.len() + 1), self.below(other.len() + 1));
        [&one[..end], &other[begin..]].concat()
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
