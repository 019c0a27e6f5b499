//! Honest witnesses: the circuit accepts what the integer reference computes.

use super::*;

#[test]
fn every_gadget_agrees_with_the_integer_reference() {
    for bits in [1, 2, 4, 5, 8] {
        small(bits).accepted(&format!("{bits} bits"));
    }
}

#[test]
fn random_chains_agree_with_the_integer_reference() {
    for seed in 0..24 {
        let case = Case::whole(random_chain(seed));
        case.accepted(&format!("seed {seed}"));
    }
}

/// A chain of random operations.
fn random_chain(seed: u64) -> (Program, Trace) {
    let mut model = Model::new(seed, 4);
    model.least_shift = 1 + model.random.below(3) as u32;
    let groups = 1 + model.random.below(3);
    let mut shape = [1, 2 * groups, 5 + model.random.below(4), 5 + model.random.below(4)];
    let mut x = model.input(&shape);
    for _ in 0..4 {
        let window = [
            [1 + model.random.below(3), 1 + model.random.below(3)],
            [1 + model.random.below(2), 1 + model.random.below(2)],
            [model.random.below(2), model.random.below(2)],
            [1 + model.random.below(2), 1 + model.random.below(2)],
        ];
        let spans = |axis: usize| shape[axis + 2] > 2 * window[0][axis];
        let pads = [0, 1].map(|axis| window[2][axis].min(window[0][axis] - 1));
        let window = [window[0], window[1], pads, window[3]];
        x = match model.random.below(8) {
            0 if spans(0) && spans(1) => model.conv(x, 2 * groups, groups, window),
            1 if spans(0) && spans(1) => model.average(x, window, seed.is_multiple_of(2)),
            2 if spans(0) && spans(1) => model.max_pool(x, [window[0], window[1], [0; 2], [1; 2]]),
            3 if shape[2] > 2 && shape[3] > 2 => {
                let conv = model.conv(x, 2 * groups, 1, plain(1));
                model.max_pool(conv, pool(2))
            }
            4 => {
                let strides: Vec<usize> =
                    (0..4).map(|axis| shape[axis + 1..].iter().product()).collect();
                model.sum(&[x, x], &shape, &[&strides, &strides])
            }
            5 => model.table(x),
            6 => {
                // Columns backwards, and the other dimensions as they are.
                let steps = |axis: usize| -> usize { shape[axis + 1..].iter().product() };
                let axis = |axis: usize| -> Vec<Option<u32>> {
                    (0..shape[axis]).map(|at| Some((at * steps(axis)) as u32)).collect()
                };
                let backwards = axis(3).into_iter().rev().collect();
                model.moved(x, vec![axis(0), axis(1), axis(2), backwards])
            }
            _ => model.relu(x),
        };
        shape.copy_from_slice(&model.program.value(x).shape);
    }
    model.finish(&[x])
}

#[test]
fn a_tensor_that_crosses_slices_has_one_commitment() {
    let whole = small(4);
    for cut in 1..whole.program.ops.len() {
        for ops in [0..cut, cut..whole.program.ops.len()] {
            Case::new(whole.program.clone(), whole.trace.clone(), ops).accepted(&cut.to_string());
        }
    }
}

#[test]
fn shifts_of_up_to_24_bits_agree_with_the_integer_reference() {
    for shift in [7, 8, 9, 15, 16, 17, 23, 24] {
        let mut model = Model::new(shift.into(), 6);
        model.least_shift = shift;
        let x = model.input(&[1, 9]);
        // Weights and biases large enough for quotients and remainders of every size.
        let random = &mut model.random;
        let linear = crate::program::Linear::new(
            crate::program::Map::Dense { rows: 1, inner: 9, outer: 12 },
            (0..108).map(|_| random.signed(1 << shift >> 2) as i32).collect(),
            (0..12).map(|_| random.signed(1 << shift)).collect(),
            shift,
        );
        let y = model.linear(linear, &[x], &[1, 12]);
        let case = Case::whole(model.finish(&[y]));
        case.accepted(&format!("shift {shift}"));
        for tamper in forgeries() {
            assert!(
                case.mock(Width::NARROWEST, Some(tamper), case.instance()).is_err(),
                "{tamper:?}"
            );
        }
    }
}
