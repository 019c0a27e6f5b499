//! Changes to a witness: tests forge cells with them, and everything else compiles to nothing.

#[cfg(test)]
pub(super) use forged::{Tamper, Tampering};
#[cfg(not(test))]
pub(super) use honest::Tampering;

#[cfg(not(test))]
mod honest {
    use crate::prove::halo2::place::Kind;

    /// No change at all.
    #[derive(Clone, Debug, Default)]
    pub struct Tampering {}

    impl Tampering {
        pub fn cell(&mut self, _: Kind) -> i64 {
            0
        }

        pub fn weight(&mut self) -> i64 {
            0
        }

        pub fn quotient(&mut self) -> (i64, i64) {
            (0, 0)
        }

        pub fn idle(&mut self) -> i64 {
            0
        }

        pub fn digit(&mut self) -> i64 {
            0
        }

        pub fn digit_width(&self, honest: u32) -> u32 {
            honest
        }
    }
}

#[cfg(test)]
mod forged {
    use std::collections::BTreeMap;

    use crate::prove::halo2::place::Kind;

    /// A change to the witness, or to a weight.
    #[derive(Clone, Copy, Debug)]
    pub enum Tamper {
        /// The `index`-th cell of a kind, plus `amount`.
        Cell { kind: Kind, index: usize, amount: i64 },
        /// `(q + amount, rem - amount·2^s)`, with the difference in the low limb.
        Quotient { index: usize, amount: i64 },
        /// `(low + 2^t·amount, high - amount)`.
        Limbs { index: usize, amount: i64 },
        /// The `index`-th weight that is written, plus `amount`.
        Weight { index: usize, amount: i64 },
        /// `1 · amount` in the `index`-th pair of lanes that a row of products leaves idle.
        Idle { index: usize, amount: i64 },
        /// `amount` moved from the `index`-th pair of neighbouring digits' upper to its lower one;
        /// in a circuit whose digits have this width, where one is given.
        Digits { index: usize, amount: i64, width: Option<u32> },
    }

    /// At most one change, and what has been written so far.
    #[derive(Clone, Debug, Default)]
    pub struct Tampering {
        change: Option<Tamper>,
        cells: BTreeMap<Kind, usize>,
        weights: usize,
        quotients: usize,
        idle: usize,
        digits: usize,
    }

    impl From<Option<Tamper>> for Tampering {
        fn from(change: Option<Tamper>) -> Self {
            Self { change, ..Self::default() }
        }
    }

    /// The number of this one, before it is counted.
    fn next(count: &mut usize) -> usize {
        *count += 1;
        *count - 1
    }

    impl Tampering {
        /// What to add to the next cell of a kind.
        pub fn cell(&mut self, kind: Kind) -> i64 {
            let number = next(self.cells.entry(kind).or_default());
            match self.change {
                Some(Tamper::Cell { kind: target, index, amount })
                    if target == kind && index == number =>
                {
                    amount
                }
                _ => 0,
            }
        }

        /// What to add to the next weight.
        pub fn weight(&mut self) -> i64 {
            let number = next(&mut self.weights);
            match self.change {
                Some(Tamper::Weight { index, amount }) if index == number => amount,
                _ => 0,
            }
        }

        /// What to add to the next quotient, and to move from its high limb to its low one.
        pub fn quotient(&mut self) -> (i64, i64) {
            let number = next(&mut self.quotients);
            match self.change {
                Some(Tamper::Quotient { index, amount }) if index == number => (amount, 0),
                Some(Tamper::Limbs { index, amount }) if index == number => (0, amount),
                _ => (0, 0),
            }
        }

        /// What to take from the upper of the next pair of neighbouring digits.
        pub fn digit(&mut self) -> i64 {
            let number = next(&mut self.digits);
            match self.change {
                Some(Tamper::Digits { index, amount, .. }) if index == number => amount,
                _ => 0,
            }
        }

        /// The width of the circuit's digits.
        pub fn digit_width(&self, honest: u32) -> u32 {
            match self.change {
                Some(Tamper::Digits { width: Some(width), .. }) => width,
                _ => honest,
            }
        }

        /// The product to put into the next pair of idle lanes.
        pub fn idle(&mut self) -> i64 {
            let number = next(&mut self.idle);
            match self.change {
                Some(Tamper::Idle { index, amount }) if index == number => amount,
                _ => 0,
            }
        }
    }
}
