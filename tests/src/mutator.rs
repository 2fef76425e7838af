//! Changes bytes at random, by the same numbers on every machine.

/// Marsaglia, "Xorshift RNGs" (2003).
#[derive(Clone, Debug)]
pub struct Mutator(u64);

/// Numbers at which something ends.
const NUMBERS: [&str; 9] = [
    "0",
    "1",
    "-1",
    "0.5",
    "2147483648",
    "253402300800",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
];

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

    /// One thing changed: a bit, a byte, a number, a part taken away, doubled or exchanged with another.
    pub fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        if changed.is_empty() {
            return vec![self.byte()];
        }
        let (at, other) = (self.below(changed.len()), self.below(changed.len()));
        let (from, to) = (at.min(other), at.max(other));
        match self.below(7) {
            0 => changed[at] ^= 1 << self.below(8),
            1 => changed[at] = b"AB01.{}\"=-_+/ \n:,"[self.below(17)],
            2 => changed.swap(at, other),
            3 => drop(changed.drain(from..=to)),
            4 => changed.insert(at, self.byte()),
            5 => {
                let number = NUMBERS[self.below(NUMBERS.len())];
                let digits = run(&changed, at, u8::is_ascii_digit);
                changed.splice(digits, number.bytes());
            }
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

    /// One quoted text exchanged with one of another input, so that what was JSON stays JSON.
    pub fn exchange(&mut self, one: &[u8], other: &[u8]) -> Vec<u8> {
        let (at, from) = (self.below(one.len()), self.below(other.len()));
        let is_inside = |byte: &u8| *byte != b'"';
        let (old, new) = (run(one, at, is_inside), run(other, from, is_inside));
        let mut changed = one.to_vec();
        changed.splice(old, other[new].iter().copied());
        changed
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// The first run of such bytes from there on; empty, at the end, where there is none.
fn run(bytes: &[u8], from: usize, is_in: impl Fn(&u8) -> bool) -> std::ops::Range<usize> {
    let begin = bytes.iter().skip(from).position(&is_in).map_or(bytes.len(), |skipped| from + skipped);
    let length = bytes[begin..].iter().take_while(|byte| is_in(byte)).count();
    begin..begin + length
}
