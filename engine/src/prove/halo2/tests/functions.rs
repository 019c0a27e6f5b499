//! Functions and moves, honest and forged.

use std::sync::Arc;

use super::*;
use crate::program::{Kind as Operation, Table};
use crate::prove::testing::random_maps;

/// A case of a function of the integers of four bits, alone or after a dense layer, with another
/// function beside it.
fn case(fused: bool) -> Case {
    let mut model = Model::new(4, 4);
    let x = model.input(&[1, 6]);
    let read = if fused { model.dense(x, 1, 6) } else { x };
    let y = model.table(read);
    let z = model.table(x);
    Case::whole(model.finish(&[y, z]))
}

fn table(program: &Program, op: usize) -> &Table {
    match &program.ops[op].kind {
        Operation::Table(table) => table,
        _ => panic!("operation {op} is no function"),
    }
}

#[test]
fn no_other_value_of_a_function_is_accepted() {
    for fused in [false, true] {
        let case = case(fused);
        case.accepted("functions");
        for index in 0..12 {
            for amount in (-15..=15).filter(|&amount| amount != 0) {
                let tamper = Tamper::Cell { kind: Kind::Value, index, amount };
                let verdict = case.mock(Width::NARROWEST, Some(tamper), case.instance());
                assert!(verdict.is_err(), "{tamper:?}");
            }
        }
    }
}

#[test]
fn an_input_without_a_value_has_no_proof() {
    let mut case = case(false);
    let holes: Vec<i32> = {
        let table = table(&case.program, 0);
        (-8..8).filter(|&x| table.get(x).is_none()).map(|x| x as i32).collect()
    };
    assert!(!holes.is_empty());
    let [x, y] = [case.slice.inputs[0], case.slice.outputs[0]];
    for hole in holes {
        // The other function must not be what refuses it.
        if table(&case.program, 1).get(hole.into()).is_none() {
            continue;
        }
        for claimed in -8..8 {
            case.trace.get_mut(&x).unwrap()[0] = hole;
            case.trace.get_mut(&y).unwrap()[0] = claimed;
            let z = case.slice.outputs[1];
            let other = table(&case.program, 1).get(hole.into()).unwrap();
            case.trace.get_mut(&z).unwrap()[0] = other;
            let forged =
                Case::new(case.program.clone(), case.trace.clone(), 0..case.program.ops.len());
            // The circuit writes 0 for a value that there is not; the forger writes the claim.
            let (kind, amount) = (Kind::Value, i64::from(claimed));
            let tamper = Tamper::Cell { kind, index: 0, amount };
            assert!(forged.mock(Width::NARROWEST, Some(tamper), forged.instance()).is_err());
        }
    }
}

#[test]
fn every_linear_map_of_random_geometry_is_accepted() {
    let chosen = |name: &str| name.starts_with("gather") || name.starts_with("spread");
    for (seed, (name, linear)) in (0u64..).zip(random_maps()) {
        if !chosen(&name) || !matches!(seed % 140, 5 | 6 | 12 | 13 | 19 | 20) {
            continue;
        }
        let case = Case::whole(with_map(seed, linear));
        let verdict = case.mock(Width::NARROWEST, None, case.instance());
        assert_eq!(verdict, Ok(()), "{name}");
        let tamper = Tamper::Cell { kind: Kind::Sum, index: 0, amount: 1 };
        assert!(case.mock(Width::NARROWEST, Some(tamper), case.instance()).is_err(), "{name}");
    }
}

#[test]
fn a_move_takes_no_rows_and_binds_every_element() {
    let mut model = Model::new(6, 4);
    let x = model.input(&[2, 3]);
    let y = model.moved(x, vec![vec![Some(2), Some(0), Some(1)], vec![Some(3), Some(0)]]);
    let case = Case::whole(model.finish(&[y]));
    let shape = circuit_shape(&case.program, &case.slice).unwrap();
    assert_eq!((shape.rows.requantise, shape.rows.dot), (0, 1));
    case.accepted("a move");
    for index in 0..12 {
        for amount in [1, -1] {
            let tamper = Tamper::Cell { kind: Kind::Boundary, index, amount };
            let verdict = case.mock(Width::NARROWEST, Some(tamper), case.instance());
            assert!(verdict.is_err(), "{tamper:?}");
        }
    }
    // The same elements in another order are another tensor.
    let mut trace = case.trace.clone();
    trace.get_mut(&y).unwrap().swap(0, 1);
    if trace[&y] != case.trace[&y] {
        let forged = Case::new(case.program.clone(), trace, 0..1);
        assert!(forged.mock(Width::NARROWEST, None, forged.instance()).is_err());
    }
}

#[test]
fn a_table_that_is_none_is_refused() {
    let honest = case(false);
    let refused = |change: &dyn Fn(&mut Table), words: &str| {
        let mut program = honest.program.clone();
        if let Operation::Table(table) = &mut program.ops[0].kind {
            change(Arc::make_mut(table));
        }
        let error = circuit_shape(&program, &honest.slice).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(&|table| table.outputs.truncate(9), "its table doesn't fit its shapes and bits");
    refused(&|table| table.outputs[3] = Some(8), "its table leaves the range of its output");
    refused(&|table| table.outputs.fill(None), "its table leaves the range of its output");
}
