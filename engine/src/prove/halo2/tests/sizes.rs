//! Sizes: columns, the last row, and what is too large.

use super::*;
use crate::prove::halo2::shape::UNUSABLE_ROWS;
use expect_test::expect;
use halo2_proofs::plonk::{Circuit, ConstraintSystem};

#[test]
fn the_columns_are_what_the_shape_says() {
    let rows = Rows { dot: 1, requantise: 1, pack: 1, poseidon: 1, table: 1 };
    for width in Width::ALL {
        let mut meta = ConstraintSystem::default();
        with_width(width, || SliceCircuit::configure(&mut meta));
        assert_eq!(meta.degree(), 5, "{width}: a higher degree doubles the extended domain");
        assert_eq!(meta.blinding_factors() + 1, UNUSABLE_ROWS, "{width}");
        let pinned = format!("{:?}", meta.pinned());
        let count = |name: &str| -> usize {
            let (_, rest) = pinned.split_once(&format!("{name}: ")).unwrap();
            rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        let shape = CircuitShape::new(width, rows);
        assert_eq!(count("num_advice_columns"), shape.advice, "{width}");
        assert_eq!(count("num_fixed_columns"), shape.fixed, "{width}");
    }
}

/// Rows that fill the columns to the last usable one, and one more.
#[test]
fn the_last_usable_row_is_used_and_none_beyond() {
    for (len, k) in [(165, 8), (166, 9)] {
        let mut model = Model::new(5, 2);
        let x = model.input(&[1, 1, 1, len]);
        let y = model.max_pool(x, [[1, 2], [1, 2], [0; 2], [1; 2]]);
        let case = Case::whole(model.finish(&[y]));
        let shape = circuit_shape(&case.program, &case.slice).unwrap();
        assert_eq!((shape.rows.max(), shape.k), (1 + len + len / 2, k));
        case.accepted(&format!("{len} elements"));
        // The last element is bound like the others.
        let tamper = Tamper::Cell { kind: Kind::Boundary, index: len + len / 2 - 1, amount: 1 };
        assert!(case.mock(Width::NARROWEST, Some(tamper), case.instance()).is_err());
    }
}

#[test]
fn the_proofs_on_offer_are_short_and_differ_in_length() {
    let mut model = Model::new(1, 4);
    let x = model.input(&[1, 3, 12, 12]);
    let y = model.conv(x, 8, 1, plain(3));
    let case = Case::whole(model.finish(&[y]));
    let shapes = circuit_shapes(&case.program, &case.slice).unwrap();
    assert!(shapes.len() > 8);
    assert!(shapes.is_sorted_by_key(|shape| shape.work()));
    let lengths: std::collections::BTreeSet<_> = shapes.iter().map(|s| s.proof_bytes).collect();
    assert_eq!(lengths.len(), shapes.len());
    assert!(lengths.last().unwrap() < &10_000);
}

#[test]
fn the_widest_values_still_fit_the_table() {
    let mut model = Model::new(0, 15);
    model.least_shift = 24;
    let x = model.input(&[1, 1, 2, 2]);
    let y = model.conv(x, 1, 1, plain(1));
    let z = model.max_pool(y, pool(2));
    let (program, _) = model.finish(&[y, z]);
    let shape = circuit_shape(&program, &program.slice(0..2)).unwrap();
    assert_eq!(shape.k, 17);
}

#[test]
fn what_cannot_be_proven_says_why() {
    let check = |(program, _): (Program, Trace), expected: expect_test::Expect| {
        let slice = program.slice(0..program.ops.len());
        expected.assert_eq(&circuit_shape(&program, &slice).unwrap_err().to_string());
    };
    let mut model = Model::new(0, 4);
    let x = model.input(&[1, 64, 64, 64]);
    let y = model.conv(x, 64, 1, plain(3));
    check(
        model.finish(&[y]),
        expect![[
            r#"node "n0" (Linear): needs k=19, over the limit of 17: one operation is not cut: split its node into tiles, where it can be"#
        ]],
    );

    let mut model = Model::new(0, 4);
    let x = model.input(&[1, 64, 64, 64]);
    let y = model.relu(x);
    let z = model.relu(y);
    check(
        model.finish(&[z]),
        expect![[
            r#"the slice from node "n0" to "n1": needs k=20, over the limit of 17: cut it smaller"#
        ]],
    );

    let mut model = Model::new(0, 4);
    let x = model.input(&[1, 2]);
    let y = model.relu(x);
    model.program.tensors[1].bits = 5;
    check(
        model.finish(&[y]),
        expect![[
            r#"node "n0" (Relu): its input has 4 bits and its output 5, which must be the same"#
        ]],
    );

    let mut model = Model::new(0, 17);
    let x = model.input(&[1, 2]);
    let y = model.relu(x);
    check(
        model.finish(&[y]),
        expect![[
            r#"tensor "t0": its values have 17 bits, and the table of the circuit holds 1 to 15: use fewer"#
        ]],
    );

    let (program, _) = Model::new(0, 4).finish(&[]);
    let slice = program.slice(0..0);
    expect!["the slice: it holds no operation"]
        .assert_eq(&circuit_shape(&program, &slice).unwrap_err().to_string());
    let forged = ProgramSlice { ops: 0..3, ..slice };
    expect!["the slice: it is not a piece of this program: cut the program anew"]
        .assert_eq(&circuit_shape(&program, &forged).unwrap_err().to_string());
}
