//! Outputs that share an accumulator, honest and forged.

use super::*;
use crate::prove::halo2::blocks::Row;
use crate::prove::halo2::digits::Digits;

/// A dense layer of so many outputs over seven inputs.
fn dense(outputs: usize, bits: u32) -> Case {
    let mut model = Model::new(outputs as u64, bits);
    let x = model.input(&[1, 7]);
    let y = model.dense(x, 1, outputs);
    Case::whole(model.finish(&[y]))
}

fn linear(case: &Case) -> &crate::program::Linear {
    match &case.program.ops[0].kind {
        crate::program::Kind::Linear(linear) => linear,
        _ => panic!("the first operation is linear"),
    }
}

#[test]
fn any_number_of_outputs_agrees_with_the_integer_reference() {
    for outputs in [1, 2, 3, 8, 9, 10, 17, 40] {
        dense(outputs, 6).accepted(&format!("{outputs} outputs"));
    }
}

#[test]
fn weights_of_both_extremes_keep_their_digits() {
    for weight in [-(1 << 21), 1 << 21] {
        let mut model = Model::new(1, 8);
        let x = model.input(&[1, 5]);
        model.trace.insert(x, vec![-128, 127, -128, 127, -128]);
        model.least_shift = 24;
        let weights = (0..60).map(|i| if i % 3 == 0 { weight } else { -weight }).collect();
        let map = crate::program::Map::Dense { rows: 1, inner: 5, outer: 12 };
        let bias = (0..12).map(|i| (i - 6) << 26).collect();
        let linear = crate::program::Linear::new(map, weights, bias, 24);
        let y = model.linear(linear, &[x], &[1, 12]);
        Case::whole(model.finish(&[y])).accepted(&format!("weights of {weight}"));
    }
}

/// The forgery that digits invite: one more of the upper digit is `2^width` more of the lower one,
/// and the accumulator is the same.
#[test]
fn nothing_moves_from_one_digit_to_the_next() {
    let case = dense(12, 4);
    for width in WIDTHS {
        for index in 0..5 {
            for amount in [1, -1] {
                let tamper = Tamper::Digits { index, amount };
                let verdict = case.mock(width, Some(tamper), case.instance());
                assert!(verdict.is_err(), "{width} {tamper:?}");
            }
        }
        for index in 0..12 {
            for amount in [1, -1, 1 << 20] {
                let tamper = Tamper::Cell { kind: Kind::Digit, index, amount };
                let verdict = case.mock(width, Some(tamper), case.instance());
                assert!(verdict.is_err(), "{width} {tamper:?}");
            }
        }
    }
}

/// With a width too small by some bits the forgery would pass: the test above can fail.
#[test]
fn the_width_is_what_rejects_it() {
    let case = dense(12, 4);
    let linear = linear(&case);
    let Digits { width, most } = Digits::of(linear, 4, 4);
    assert!(most >= 2, "{most} digits of {width} bits");
    // The upper digit's requantised range is 2^(shift + 4) wide, so a width below that lets the
    // lower one take a whole unit of the upper.
    assert!(width > linear.shift + 4);
}

#[test]
fn a_row_takes_digits_where_they_save_rows() {
    let case = dense(40, 4);
    let map = &linear(&case).map;
    assert_eq!(Row::fewest(8, 1, 10, map), Row { lanes: 8, accumulators: 1, digits: 8 });
    let one = dense(1, 4);
    assert_eq!(Row::fewest(8, 1, 10, &linear(&one).map).digits, 1);
}
