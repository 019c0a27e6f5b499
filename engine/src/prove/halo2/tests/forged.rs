//! Forged witnesses: no changed cell, digest or salt is accepted.

use super::*;
use crate::prove::halo2::circuit::CONTEXT_CELLS;
use ff::Field;

#[test]
fn every_changed_cell_is_rejected() {
    let case = small(4);
    for width in WIDTHS {
        for kind in KINDS {
            for index in [0, 1, 5] {
                for amount in [1, -1, 16] {
                    let tamper = Tamper::Cell { kind, index, amount };
                    let verdict = case.mock(width, Some(tamper), case.instance());
                    assert!(verdict.is_err(), "{width} {tamper:?}");
                }
            }
        }
        for tamper in forgeries() {
            assert!(case.mock(width, Some(tamper), case.instance()).is_err(), "{width} {tamper:?}");
        }
    }
}

#[test]
fn another_digest_or_salt_is_rejected() {
    let mut case = small(4);
    for at in CONTEXT_CELLS..CONTEXT_CELLS + case.boundary.len() {
        let mut instance = case.instance();
        instance[at] += Fp::ONE;
        assert!(case.mock(Width::NARROWEST, None, instance).is_err(), "digest {at}");
    }
    let ids: Vec<ValueId> = case.salts.keys().copied().collect();
    for id in ids {
        let salt = case.salts.insert(id, random_salt()).unwrap();
        assert!(case.mock(Width::NARROWEST, None, case.instance()).is_err(), "salt {id:?}");
        case.salts.insert(id, salt);
    }
}

#[test]
fn sites_without_taps_are_their_biases_and_nothing_else() {
    // Pads beyond the kernel: the outer pixels see no input at all.
    let mut model = Model::new(3, 4);
    let x = model.input(&[1, 1, 2, 2]);
    let y = model.conv(x, 2, 1, [[1; 2], [1; 2], [2; 2], [1; 2]]);
    let case = Case::whole(model.finish(&[y]));
    case.accepted("bias only");
    for index in 0..8 {
        for kind in [Kind::Accumulator, Kind::Sum] {
            let tamper = Tamper::Cell { kind, index, amount: 1 };
            assert!(
                case.mock(Width::NARROWEST, Some(tamper), case.instance()).is_err(),
                "{tamper:?}"
            );
        }
    }
}

/// Values below zero, and every way to claim a maximum that is none.
#[test]
fn a_maximum_of_negative_values_cannot_be_forged() {
    for window in [pool(2), plain(2)] {
        let mut model = Model::new(9, 4);
        let x = model.input(&[1, 1, 4, 4]);
        let conv = model.conv(x, 1, 1, plain(1));
        // A bias that pushes every value below zero.
        let op = model.program.ops.last_mut().unwrap();
        if let crate::program::Kind::Linear(linear) = &mut op.kind {
            let mut low = (**linear).clone();
            low.shift += 1;
            low.bias = vec![-6 << low.shift];
            low.weights = vec![1];
            *linear = std::sync::Arc::new(low);
        }
        let slice = model.program.slice(0..1);
        model.trace = model.program.run_slice(&slice, model.trace).unwrap();
        assert!(model.trace[&conv].iter().all(|&v| v < 0));
        let y = model.max_pool(conv, window);
        let case = Case::whole(model.finish(&[y]));
        case.accepted("negative maxima");
        for index in 0..4 {
            for amount in -15..=15 {
                if amount == 0 {
                    continue;
                }
                let tamper = Tamper::Cell { kind: Kind::Maximum, index, amount };
                assert!(case.mock(Width::NARROWEST, Some(tamper), case.instance()).is_err());
            }
        }
    }
}
