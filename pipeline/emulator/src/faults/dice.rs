//! Owns the choice of faults: seeded dice, and faults that were ordered for the next calls.
//! It must not know how a fault is carried out.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Fault, Faults, Once};

/// What a call has coming.
#[derive(Debug)]
pub(crate) struct Dice {
    faults: Faults,
    rng: StdRng,
}

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub(crate) fn new(faults: Faults) -> Dice {
        let rng = StdRng::seed_from_u64(faults.seed);
        Dice { faults, rng }
    }

    /// The settings in effect.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Orders faults for the next calls.
    pub(crate) fn order(&mut self, once: Vec<Once>) {
        self.faults.once.extend(once);
    }

    /// Decides about one call. Ordered faults go before the dice.
    pub(crate) fn roll(&mut self, method: &str, path: &str) -> Option<Fault> {
        if let Some(fault) = self.ordered(method, path) {
            return Some(fault);
        }
        let faults = &self.faults;
        if faults.writes_only && method == "GET" {
            return None;
        }
        let chances = [
            (faults.drop_before, Fault::DropBefore),
            (faults.drop_after, Fault::DropAfter),
            (faults.fail_before, Fault::FailBefore),
            (faults.fail_after, Fault::FailAfter),
            (faults.throttle, Fault::Throttle),
            (faults.truncate, Fault::Truncate),
            (faults.delay, Fault::Delay),
            (faults.duplicate, Fault::Duplicate),
            (faults.late, Fault::Late),
        ];
        if chances.iter().all(|(chance, _)| *chance <= 0.0) {
            return None;
        }
        let mut left: f64 = self.rng.random();
        for (chance, fault) in chances {
            if left < chance {
                return Some(fault);
            }
            left -= chance;
        }
        None
    }

    fn ordered(&mut self, method: &str, path: &str) -> Option<Fault> {
        let fits = |once: &Once| {
            (once.method.is_empty() || once.method.eq_ignore_ascii_case(method))
                && path.starts_with(&once.path)
        };
        for once in self.faults.once.iter_mut().filter(|once| fits(once)) {
            if once.skip > 0 {
                once.skip -= 1;
                continue;
            }
            once.count = once.count.saturating_sub(1);
            let fault = once.fault;
            self.faults.once.retain(|once| once.count > 0);
            return Some(fault);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Faults, Once};
    use super::Dice;

    #[test]
    fn an_ordered_fault_skips_and_then_hits_exactly_so_often() {
        let mut dice = Dice::new(Faults::default());
        let (method, path) = ("POST".to_owned(), "/api/tickets".to_owned());
        dice.order(vec![Once { fault: Fault::DropAfter, method, path, skip: 1, count: 2 }]);
        assert_eq!(dice.roll("GET", "/api/tickets"), None);
        let hits: Vec<bool> = (0..5).map(|_| dice.roll("POST", "/api/tickets").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let faults = Faults { seed: 7, drop_before: 0.2, throttle: 0.3, ..Faults::default() };
        let roll = |mut dice: Dice| -> Vec<Option<Fault>> {
            (0..200).map(|_| dice.roll("POST", "/api/tickets")).collect()
        };
        let first = roll(Dice::new(faults.clone()));
        assert_eq!(first, roll(Dice::new(faults)));
        let hits = first.iter().flatten().count();
        assert!((60..140).contains(&hits), "about half of 200 calls are hit, not {hits}");
    }
}
