//! Functions of one integer, by their tables.

use serde::{Deserialize, Serialize};

use super::Value;

/// A function of the integers of a tensor. It is part of the program, so everyone who lowers the
/// model under the card has the same one.
///
/// Where the real function leaves the range of the output, the table has no value: a run that
/// comes there stops, and no proof of it exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Table {
    /// What `-2^(b-1)`, `-2^(b-1) + 1`, …, `2^(b-1) - 1` become, for an input of `b` bits.
    pub outputs: Vec<Option<i32>>,
}

impl Table {
    /// The least input.
    #[must_use]
    pub fn least(&self) -> i64 {
        -(self.outputs.len() as i64 / 2)
    }

    /// The place of an input in [`Table::outputs`].
    #[must_use]
    pub fn place(&self, input: i64) -> Option<usize> {
        let place = usize::try_from(input.checked_sub(self.least())?).ok()?;
        (place < self.outputs.len()).then_some(place)
    }

    /// What an input becomes, where the table says so.
    #[must_use]
    pub fn get(&self, input: i64) -> Option<i32> {
        self.outputs[self.place(input)?]
    }

    /// Whether it is a function from all integers of one tensor to integers of another.
    ///
    /// # Errors
    /// Says what doesn't fit.
    pub fn check(&self, input: &Value, output: &Value) -> Result<(), &'static str> {
        if input.len() != output.len() || self.outputs.len() as u64 != 1 << input.bits {
            return Err("its table doesn't fit its shapes and bits");
        }
        let range = output.range();
        let mut outputs = self.outputs.iter().flatten();
        if outputs.clone().next().is_none() || !outputs.all(|&v| range.contains(&i64::from(v))) {
            return Err("its table leaves the range of its output");
        }
        Ok(())
    }

    /// `(input, output)` of each place. A place without an output repeats the first pair that
    /// there is, so that a look-up can have a row for each place and no pair that isn't one.
    pub fn pairs(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let defined = |(input, output): (i64, &Option<i32>)| Some((input, i64::from((*output)?)));
        let first = (self.least()..).zip(&self.outputs).find_map(defined);
        (self.least()..).zip(&self.outputs).filter_map(move |pair| defined(pair).or(first))
    }
}
