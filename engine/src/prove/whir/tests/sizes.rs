//! The sizes that estimates are made from are those of the proofs.

use super::*;

#[test]
fn the_shape_is_what_a_proof_commits_to() {
    for bits in [3, 8, 12] {
        let case = small(bits);
        let count = case.program.ops.len();
        for ops in [0..count, 0..2, 2..count, 3..5] {
            let case = Case::new((case.program.clone(), case.trace.clone()), ops);
            let (cells, public) = (case.cells(), case.public());
            let values =
                witness::values(&case.program, &case.slice, &cells, &case.trace, &public).unwrap();
            let shape = Cells::shape(&case.program, &case.slice).unwrap();
            assert_eq!(shape.cells, values.committed.len());
            assert_eq!(shape.variables, cells.variables);
            assert_eq!(shape.lookups, cells.leaves);
            assert_eq!(shape.lookup_variables, cells.leaf_variables);
        }
    }
}

#[test]
fn nothing_and_too_much_are_unprovable() {
    let case = tiny(1);
    let empty = case.program.slice(0..0);
    assert!(Cells::of(&case.program, &empty, KnownWeights::All).is_err());

    let mut model = Model::new(1, 8);
    let x = model.input(&[1]);
    let y = model.relu(x);
    let (mut program, _) = model.finish(&[y]);
    for tensor in &mut program.tensors {
        tensor.shape = vec![1 << 27];
    }
    let slice = program.slice(0..1);
    let error = Cells::shape(&program, &slice).unwrap_err().to_string();
    assert!(error.contains("cut it smaller"), "{error}");
}
