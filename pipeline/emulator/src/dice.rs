//! Repeatable chance: a small generator whose values belong to "same seed, same bytes".
//!
//! It is written out here because a library's generator may give other values after an upgrade.
//! It knows nothing of what is drawn.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A generator for one purpose and one ordinal, so that records do not depend on each other.
    pub(crate) fn new(seed: u64, purpose: &str, ordinal: u64) -> Dice {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in purpose.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Dice(mix(state ^ ordinal))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `end - 1`; 0 for an empty range.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low) + 1;
        low + i64::try_from(self.below(span)).expect("a span of i64 times fits i64")
    }

    /// True in `percent` of 100 draws.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(items.len() as u64)).expect("an index fits usize");
        &items[index]
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let high = self.next();
        let low = self.next();
        format!(
            "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            8 + (low >> 62),
            (low >> 48) & 0xfff,
            low & 0xffff_ffff_ffff,
        )
    }

    /// 24 hexadecimal digits, the form of many ids.
    pub(crate) fn hex24(&mut self) -> String {
        format!("{:016x}{:08x}", self.next(), self.next() >> 32)
    }
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_seed_never_change() {
        let mut dice = Dice::new(1, "test", 7);
        let again = Dice::new(1, "test", 7).uuid();
        assert_eq!(dice.uuid(), again);
        assert_ne!(Dice::new(1, "test", 8).uuid(), again);
        assert_eq!(again.len(), 36);
        assert_eq!(&again[14..15], "4");
    }
}
