//! Products of computed tensors, honest and forged.

use super::*;
use crate::prove::testing::products;

#[test]
fn products_agree_with_the_integer_reference() {
    for bits in [3, 4, 8] {
        Case::whole(products(bits)).accepted(&format!("{bits} bits"));
    }
}

#[test]
fn no_changed_factor_sum_or_quotient_is_accepted() {
    let case = Case::whole(products(4));
    for width in [Width::NARROWEST, WIDTHS[1]] {
        for kind in [Kind::Activation, Kind::Accumulator, Kind::Sum, Kind::Value, Kind::Shifted] {
            for index in [0, 1, 2, 3, 7, 18, 23] {
                for amount in [1, -1, 16] {
                    let tamper = Tamper::Cell { kind, index, amount };
                    let verdict = case.mock(width, Some(tamper), case.instance());
                    assert!(verdict.is_err(), "{width} {tamper:?}");
                }
            }
        }
        for index in 0..12 {
            for tamper in [
                Tamper::Quotient { index, amount: 1 },
                Tamper::Quotient { index, amount: -1 },
                Tamper::Limbs { index, amount: 1 },
            ] {
                let verdict = case.mock(width, Some(tamper), case.instance());
                assert!(verdict.is_err(), "{width} {tamper:?}");
            }
        }
    }
}

#[test]
fn the_rows_of_a_product_follow_from_its_fan() {
    let mut model = Model::new(2, 4);
    let (x, y) = (model.input(&[2, 9]), model.input(&[9, 3]));
    let z = model.matmul([x, y], [2, 9, 3]);
    let case = Case::whole(model.finish(&[z]));
    for (width, rows) in [(Width::NARROWEST, 5), (WIDTHS[2], 3)] {
        let shape = circuit_shape_of(&case.program, &case.slice, width).unwrap();
        assert_eq!(shape.rows.dot, 2 + 6 * rows);
    }
}

/// The product gate multiplies every pair of lanes of a row, also those that no factor is copied
/// to: a prover who may choose them adds what they like to any sum.
#[test]
fn no_product_in_idle_lanes_makes_another_output_accepted() {
    let mut model = Model::new(5, 6);
    let (x, y) = (model.input(&[2, 3]), model.input(&[3, 2]));
    let z = model.matmul([x, y], [2, 3, 2]);
    let (program, mut trace) = model.finish(&[z]);
    let crate::program::Kind::Product(product) = &program.ops[0].kind else { panic!() };
    let sums = product.accumulators(&trace[&x], &trace[&y]);
    let honest = trace[&z].clone();
    let (amount, claimed) = (-200..200)
        .map(|amount| {
            let sum = sums[0] + i64::from(product.weight) * amount;
            (amount, crate::program::requantise(sum, product.shift) as i32)
        })
        .find(|(_, claimed)| {
            *claimed != honest[0] && program.value(z).range().contains(&i64::from(*claimed))
        })
        .unwrap();
    trace.get_mut(&z).unwrap()[0] = claimed;
    let forged = Case::new(program, trace, 0..1);
    for width in WIDTHS {
        let tamper = Tamper::Idle { index: 0, amount };
        let verdict = forged.mock(width, Some(tamper), forged.instance());
        assert!(verdict.is_err(), "{width}: {:?} proven as {claimed}", honest[0]);
    }
}
