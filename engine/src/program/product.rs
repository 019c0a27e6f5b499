//! Products of two computed tensors: element by element, and of matrices.

use serde::{Deserialize, Serialize};

use super::gather::positions;
use super::{Read, Value};

/// `y = (w · Σ a·b + 2^(s-1)) >> s`: each output is a sum of products of elements of one tensor
/// with elements of another, both picked by position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Dimensions in which the output is seen.
    pub shape: Vec<usize>,
    /// How the first factor is read. It has a step at every position.
    pub left: Read,
    /// How the second factor is read. It is summed over as many positions as the first.
    pub right: Read,
    /// The weight of every product.
    pub weight: i32,
    /// The shift `s`, at least 1 and at most 24.
    pub shift: u32,
}

/// Products that all outputs may have together.
const MOST_PRODUCTS: usize = 1 << 30;

impl Product {
    /// Products that an output sums.
    #[must_use]
    pub fn fan(&self) -> usize {
        self.left.sums.iter().map(Vec::len).product()
    }

    /// Visits the outputs in order, each with the elements that it multiplies.
    pub fn visit(&self, mut f: impl FnMut(usize, &[(usize, usize)])) {
        let (left, right) = (self.left.offsets(), self.right.offsets());
        let mut pairs = Vec::with_capacity(left.len());
        positions(&self.shape, |element, position| {
            pairs.clear();
            if let (Some(a), Some(b)) = (self.left.element(position), self.right.element(position))
            {
                pairs.extend(left.iter().zip(&right).map(|(l, r)| (a + l, b + r)));
            }
            f(element, &pairs);
        });
    }

    /// The accumulators, one for each output: they fit 64 bits where [`Product::check`] passed.
    #[must_use]
    pub fn accumulators(&self, left: &[i32], right: &[i32]) -> Vec<i64> {
        let mut sums = Vec::new();
        self.visit(|_, pairs| {
            let products = pairs.iter().map(|&(a, b)| i64::from(left[a]) * i64::from(right[b]));
            sums.push(i64::from(self.weight) * products.sum::<i64>());
        });
        sums
    }

    /// Whether it stays inside its factors and its accumulators below 2^62.
    ///
    /// # Errors
    /// Says what doesn't fit.
    pub fn check(&self, left: &Value, right: &Value, output: &Value) -> Result<(), &'static str> {
        if !(1..=24).contains(&self.shift) {
            return Err("its shift is impossible");
        }
        let fits = |read: &Read| {
            let is_whole = |(axis, &side): (&Vec<Option<u32>>, &usize)| {
                axis.len() == side && axis.iter().all(Option::is_some)
            };
            read.axes.len() == self.shape.len() && read.axes.iter().zip(&self.shape).all(is_whole)
        };
        let sides = |read: &Read| read.sums.iter().map(Vec::len).collect::<Vec<_>>();
        let len = self.shape.iter().try_fold(1usize, |len, &side| len.checked_mul(side));
        if self.shape.len() > 16
            || len != Some(output.len())
            || !fits(&self.left)
            || !fits(&self.right)
            || sides(&self.left) != sides(&self.right)
        {
            return Err("its factors don't fit its shapes");
        }
        let inside =
            |read: &Read, value: &Value| read.reach().is_some_and(|last| last < value.len() as u64);
        if !inside(&self.left, left) || !inside(&self.right, right) {
            return Err("it reads what its factors don't have");
        }
        let fan = self.left.fan().unwrap_or(usize::MAX);
        if !fan.checked_mul(output.len()).is_some_and(|all| (1..=MOST_PRODUCTS).contains(&all)) {
            return Err("its sums are impossible");
        }
        let reach = |value: &Value| 1i128 << (value.bits - 1);
        let most =
            i128::from(self.weight.unsigned_abs()) * fan as i128 * reach(left) * reach(right);
        if most + (1i128 << (self.shift - 1)) + (1i128 << (self.shift + output.bits)) < 1 << 62 {
            Ok(())
        } else {
            Err("its accumulator could leave 62 bits")
        }
    }
}
