//! The exponential function with the same bits on every machine.
//!
//! System libraries differ in the last bits of `exp`, and a table that differs in one integer is
//! another program. Here only correctly rounded operations are used, in a fixed order.

/// `ln 2` with its last 21 bits zero, so that its products with small integers are exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// What is missing of `ln 2`.
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// Terms of the series: the next one is below 2^-62 of the sum.
const TERMS: u32 = 14;

/// `e^x`, to a few units in the last place: `x = k ln 2 + r` with `|r| ≤ ln 2 / 2`, Taylor's series
/// of `e^r` by Horner's rule, times `2^k`. Beyond ±700, the value there.
pub(super) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let k = (x * std::f64::consts::LOG2_E).round();
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let series = (1..=TERMS).rev().fold(1.0, |sum, n| 1.0 + sum * r / f64::from(n));
    // The exponent is between -1010 and 1010, so this is a normal number.
    series * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential_function() {
        for i in -7000..=7000 {
            let x = f64::from(i) * 0.1 + 0.013;
            let expected = x.clamp(-700.0, 700.0).exp();
            assert!((exp(x) - expected).abs() <= 1e-15 * expected, "{x}");
        }
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn its_bits_are_pinned() {
        let bits = [-3.7, -0.5, 1e-9, 0.3, 1.0, 11.25].map(|x| exp(x).to_bits());
        let mut hasher = blake3::Hasher::new();
        bits.iter().for_each(|b| {
            hasher.update(&b.to_le_bytes());
        });
        expect_test::expect!["7d246f6caa457600"].assert_eq(&hasher.finalize().to_hex()[..16]);
    }
}
