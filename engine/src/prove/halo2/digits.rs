//! Several outputs in one accumulator, as the digits of a large number.
//!
//! The field has 254 bits and a dot product some 25. So the weights of `n` outputs over the same
//! inputs are packed into one fixed cell, `w_0 + 2^S·w_1 + 2^2S·w_2 + …`, and one accumulator sums
//! `A = Σ_j 2^(S·j)·a_j`, with `a_j` the dot product of output `j`. Afterwards the prover splits `A`:
//! it gives numbers `d_j` that the circuit requantises one by one, and shows `A = Σ_j 2^(S·j)·d_j`
//! in the field.
//!
//! Then `d_j = a_j` for every `j`. Both are small integers whatever the prover does:
//! * `|a_j| ≤ reach·2^(b-1)`, where `reach` is the greatest sum of the magnitudes of an output's
//!   weights, since each input was range-checked to its `b` bits where it was made or read;
//! * `d_j = 2^s·q + rem - 2^(s-1) - bias` with `rem` range-checked to `s` bits and `q` to those of the
//!   output, since each `d_j` is copied to a row that requantises it.
//!
//! The width `S` is such that `|a_j| + |d_j| < 2^S`, and `S·n` is below the bits of the field. So
//! `Σ_j 2^(S·j)·(a_j - d_j)` is less than the modulus in magnitude, is zero in the field, and
//! therefore zero; its lowest difference is divisible by `2^S` and smaller, hence zero, and so on
//! upwards.

use crate::program::Linear;

/// Bits of the field that digits may fill: the modulus is just above 2^254.
const FIELD_BITS: u32 = 252;

/// How outputs of a linear map share an accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    /// Bits `S` between one output and the next.
    pub width: u32,
    /// How many fit at most, at least 1.
    pub most: usize,
}

impl Digits {
    /// Those of a linear map whose inputs have at most `input_bits` and whose outputs have
    /// `output_bits`.
    pub fn of(linear: &Linear, input_bits: u32, output_bits: u32) -> Self {
        let sum = linear.reach().saturating_mul(1 << (input_bits - 1));
        let bias = linear.bias.iter().map(|b| b.unsigned_abs()).max().unwrap_or(0);
        let quotient = 1u128 << (linear.shift + output_bits - 1);
        // The remainder and the half take less than twice 2^s.
        let digit = quotient + (2 << linear.shift) + u128::from(bias);
        let width = (u128::BITS - sum.saturating_add(digit).leading_zeros()).max(1);
        Self { width, most: (FIELD_BITS / width).max(1) as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::testing::random_maps;

    #[test]
    fn no_sum_and_no_digit_leaves_the_width() {
        for (number, (name, mut linear)) in random_maps().into_iter().enumerate() {
            linear.shift = 1 + number as u32 % 24;
            if let Some(bias) = linear.bias.first_mut() {
                *bias = [0, 1 << 30, -(1 << 61)][number % 3];
            }
            for (input_bits, bits) in [(1, 1), (4, 8), (8, 4), (12, 12), (15, 15)] {
                let Digits { width, most } = Digits::of(&linear, input_bits, bits);
                assert!(most == 1 || width * most as u32 <= FIELD_BITS, "{name}");
                linear.visit(|site| {
                    let taps = site.taps.len();
                    for (j, &bias) in site.biases.iter().enumerate().take(site.outputs.len()) {
                        let weights = &site.weights[j * taps..(j + 1) * taps];
                        let sum: i128 = weights.iter().map(|w| i128::from(w.abs())).sum();
                        let digit = (1i128 << (linear.shift + bits - 1))
                            + (1 << linear.shift)
                            + (1 << (linear.shift - 1))
                            + i128::from(bias).abs();
                        assert!((sum << (input_bits - 1)) + digit < 1 << width, "{name} {bits}");
                    }
                });
            }
        }
    }
}
