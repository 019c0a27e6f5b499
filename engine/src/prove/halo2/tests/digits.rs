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

#[test]
fn no_changed_digit_is_accepted() {
    let case = dense(12, 4);
    for width in WIDTHS {
        for index in 0..12 {
            for amount in [1, -1, 1 << 20] {
                let tamper = Tamper::Cell { kind: Kind::Digit, index, amount };
                let verdict = case.mock(width, Some(tamper), case.instance());
                assert!(verdict.is_err(), "{width} {tamper:?}");
            }
        }
    }
}

/// The forgery that digits invite: one less of the upper digit is `2^width` more of the lower one,
/// and the accumulator is the same. The outputs are committed to as forged, so nothing but the
/// ranges of the digits can reject them. In a circuit whose digits are too narrow it succeeds.
#[test]
fn nothing_moves_from_one_digit_to_the_next() {
    let mut model = Model::new(1, 4);
    let x = model.input(&[1, 16]);
    model.trace.insert(x, vec![0; 16]);
    let mut weights = vec![1; 17];
    weights.resize(32, 0);
    let map = crate::program::Map::Dense { rows: 1, inner: 16, outer: 2 };
    let y = model.linear(crate::program::Linear::new(map, weights, vec![0; 2], 1), &[x], &[1, 2]);
    let (program, mut trace) = model.finish(&[y]);
    // The sums are 109, which rounds to a value out of range, and 7. With digits of 5 bits they
    // could be 13 and 10.
    let mut elements = vec![7; 15];
    elements.push(4);
    trace.insert(x, elements);
    trace.insert(y, vec![7, 5]);
    let forged = Case::new(program, trace, 0..1);
    assert_eq!(Digits::of(linear(&forged), 4, 4).width, 8);
    let verdict = |amount, width| {
        let tamper = Tamper::Digits { index: 0, amount, width };
        forged.mock(Width::NARROWEST, Some(tamper), forged.instance())
    };
    assert_eq!(verdict(-3, Some(5)), Ok(()));
    for amount in -64..=64 {
        assert!(verdict(amount, None).is_err(), "{amount}");
    }
}

/// Values that no window reads share accumulators with values that one reads.
#[test]
fn digits_of_values_that_no_window_reads_are_checked_too() {
    let mut model = Model::new(4, 4);
    let x = model.input(&[1, 2, 5, 5]);
    let y = model.conv(x, 3, 1, plain(1));
    let z = model.max_pool(y, pool(2));
    let case = Case::whole(model.finish(&[z]));
    case.accepted("a border of one");
    for index in 0..75 {
        let tamper = Tamper::Cell { kind: Kind::Digit, index, amount: 1 << 12 };
        let verdict = case.mock(Width::NARROWEST, Some(tamper), case.instance());
        assert!(verdict.is_err(), "{tamper:?}");
    }
}

/// A tap that is named twice has the sum of its weights, which may leave 32 bits.
#[test]
fn weights_of_a_tap_that_is_named_twice_add_up() {
    use crate::program::{Linear, Map, Read};
    let gather = |times: usize, weight: i32| {
        let axes = vec![vec![Some(0), Some(1), Some(2)]];
        let reads = vec![Read { axes, sums: vec![vec![0; times]] }];
        Linear::new(Map::Gather { shape: vec![3], reads }, vec![weight], vec![], 24)
    };
    let mut model = Model::new(2, 8);
    let x = model.input(&[1, 3]);
    model.trace.insert(x, vec![3, -2, 1]);
    model.least_shift = 24;
    let y = model.linear(gather(2, 1 << 28), &[x], &[1, 3]);
    assert_eq!(model.trace[&y], [96, -64, 32]);
    Case::whole(model.finish(&[y])).accepted("twice");

    let mut blocks = Vec::new();
    crate::prove::halo2::blocks::visit(&gather(16, 1 << 27), 1, |block| {
        blocks.push(block.weights.to_vec());
        Ok::<_, ()>(())
    })
    .unwrap();
    assert_eq!(blocks, vec![vec![1i64 << 31]; 3]);
}

#[test]
fn biases_that_belong_to_no_output_are_refused() {
    let case = dense(2, 4);
    let mut program = case.program.clone();
    let crate::program::Kind::Linear(map) = &mut program.ops[0].kind else { panic!() };
    let linear = std::sync::Arc::make_mut(map);
    linear.bias = vec![0; 32];
    let error = circuit_shape(&program, &case.slice).unwrap_err();
    assert!(error.reason.contains("biases"), "{error}");
}

#[test]
fn a_row_takes_digits_where_they_save_rows() {
    let case = dense(40, 4);
    let map = &linear(&case).map;
    assert_eq!(Row::fewest(8, 1, 10, map), Row { lanes: 8, accumulators: 1, digits: 8 });
    let one = dense(1, 4);
    assert_eq!(Row::fewest(8, 1, 10, &linear(&one).map).digits, 1);
}
