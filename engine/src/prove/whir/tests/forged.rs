//! A forger who commits to other values than a run gives, and goes on as the protocol asks.

use p3_field::PrimeCharacteristicRing;

use super::*;
use crate::prove::whir::cells::OpCells;
use crate::prove::whir::field::F;

/// What the verifier says to a proof made from these values by a forger, who leaves look-ups that
/// fail out of the argument.
pub(super) fn verdict(case: &Case, change: impl FnOnce(&mut [i64])) -> Result<(), Rejection> {
    let (cells, public) = (case.cells(), case.public());
    let mut values =
        witness::values(&case.program, &case.slice, &cells, &case.trace, &public).unwrap();
    change(&mut values.committed);
    // Counts again, as far as the rows exist.
    for (table, offset) in &cells.tables {
        values.committed[*offset..offset + table.rows()].fill(0);
    }
    let mut failing = Vec::new();
    let mut leaf = 0;
    for lookup in &cells.lookups {
        let (table, offset) = &cells.tables[lookup.table];
        for i in 0..lookup.len {
            let x = values.difference(&lookup.x, i);
            let y = lookup.y.as_ref().map_or(0, |y| values.difference(y, i));
            match table.find(x, y) {
                Some(row) => values.committed[offset + row] += 1,
                None => failing.push(leaf + i),
            }
        }
        leaf += lookup.len;
    }
    let digest = [7; 32];
    let proof = prover::prove_with(
        &case.program,
        &case.slice,
        &cells,
        &values,
        Weights::Public,
        &digest,
        |numerators| {
            for &leaf in &failing {
                numerators.as_mut_slice()[leaf] = F::ZERO;
            }
        },
    )
    .unwrap();
    verifier::verify(&case.program, &case.slice, &cells, &public, Weights::Public, &digest, &proof)
}

fn rejected(case: &Case, what: &str, change: impl FnOnce(&mut [i64])) {
    assert!(verdict(case, change).is_err(), "{what}");
}

#[test]
fn the_forger_convinces_with_an_honest_run() {
    assert_eq!(verdict(&small(5), |_| {}), Ok(()));
}

#[test]
fn every_kind_of_committed_value_is_bound() {
    let case = small(5);
    let cells = case.cells();
    let ops = &case.program.ops[case.slice.ops.clone()];
    for (op, op_cells) in ops.iter().zip(&cells.ops) {
        let mut offsets = Vec::new();
        if let Place::Committed(offset) = cells.places[&op.output] {
            offsets.push(("output", offset));
        }
        match op_cells {
            OpCells::Linear(limbs) | OpCells::Product(limbs) => {
                offsets.extend(limbs.iter().map(|limb| ("limb", limb.offset)));
            }
            OpCells::MaxPool { maxima, .. } => {
                offsets.extend(maxima.iter().filter_map(|place| match place {
                    Place::Committed(offset) => Some(("maximum", *offset)),
                    Place::Public(_) => None,
                }));
            }
            OpCells::OutputOnly => {}
        }
        let len = case.program.value(op.output).len();
        for (kind, offset) in offsets {
            for (element, amount) in [(0, 1), (len - 1, -1), (len / 2, 1 << 40)] {
                rejected(&case, &format!("{} {kind} {element} {amount}", op.name), |committed| {
                    committed[offset + element] += amount;
                });
            }
        }
    }
}

#[test]
fn quotient_and_remainder_change_together_in_vain() {
    // 2^s q + r keeps its value, and r leaves its range.
    let case = small(5);
    let cells = case.cells();
    let ops = &case.program.ops[case.slice.ops.clone()];
    let mut tried = 0;
    for (op, op_cells) in ops.iter().zip(&cells.ops) {
        let (OpCells::Linear(limbs), Place::Committed(offset)) =
            (op_cells, cells.places[&op.output])
        else {
            continue;
        };
        for amount in [1, -1] {
            tried += 1;
            let top = limbs.last().unwrap();
            rejected(&case, &format!("{} {amount}", op.name), |committed| {
                committed[offset] += amount;
                committed[top.offset] -= amount << top.bits;
            });
        }
    }
    assert!(tried >= 4);
}

#[test]
fn a_value_of_another_function_is_rejected() {
    let mut model = Model::new(8, 4);
    let x = model.input(&[1, 9]);
    let a = model.dense(x, 1, 9);
    let (b, c, d) = (model.table(a), model.table(a), model.relu(a));
    // Sums of what is looked up, so that all of it is inside.
    let steps: [&[usize]; 3] = [&[9, 1]; 3];
    let y = model.sum(&[b, c, d], &[1, 9], &steps);
    let case = Case::whole(model.finish(&[y]));
    let (cells, range) = (case.cells(), case.program.value(a).range());
    let offset = |id: &ValueId| match cells.places[id] {
        Place::Committed(offset) => offset,
        Place::Public(_) => panic!("{id:?} is inside"),
    };
    assert_eq!(verdict(&case, |_| {}), Ok(()));
    for (id, others) in [(b, [c, d]), (c, [b, d]), (d, [b, c])] {
        for other in others {
            rejected(&case, "a value of another function", |committed| {
                committed.copy_within(offset(&other)..offset(&other) + 9, offset(&id));
            });
        }
        for value in range.clone().filter(|&v| v != i64::from(case.trace[&id][0])) {
            rejected(&case, "any other value", |committed| committed[offset(&id)] = value);
        }
    }
    // An input that a function has no value for, under any value that is claimed for it.
    let kind = &case.program.ops[1].kind;
    let crate::program::Kind::Table(table) = kind else { panic!("a function") };
    let hole = range.clone().find(|&x| table.get(x).is_none()).unwrap();
    for value in range {
        rejected(&case, "a place without a value", |committed| {
            committed[offset(&a)] = hole;
            committed[offset(&b)] = value;
        });
    }
}

#[test]
fn a_multiplicity_too_many_is_rejected() {
    let case = tiny(3);
    let (cells, public) = (case.cells(), case.public());
    for row in 0..3 {
        let mut values =
            witness::values(&case.program, &case.slice, &cells, &case.trace, &public).unwrap();
        let at = cells.tables[0].1 + row;
        values.committed[at] += 1;
        // The argument runs on the honest numerators, which are not the committed ones.
        let leaf = cells.lookups.iter().map(|lookup| lookup.len).sum::<usize>() + row;
        let digest = [7; 32];
        let proof = prover::prove_with(
            &case.program,
            &case.slice,
            &cells,
            &values,
            Weights::Public,
            &digest,
            |numerators| numerators.as_mut_slice()[leaf] += F::ONE,
        )
        .unwrap();
        let verdict = verifier::verify(
            &case.program,
            &case.slice,
            &cells,
            &public,
            Weights::Public,
            &digest,
            &proof,
        );
        assert!(verdict.is_err());
    }
}

#[test]
fn padding_is_forced_to_zero() {
    let case = tiny(3);
    let (cells, public) = (case.cells(), case.public());
    let mut values =
        witness::values(&case.program, &case.slice, &cells, &case.trace, &public).unwrap();
    assert!(cells.used < 1 << cells.variables);
    values.committed.push(1);
    let digest = [7; 32];
    let proof =
        prover::prove(&case.program, &case.slice, &cells, &values, Weights::Public, &digest)
            .unwrap();
    let verdict = verifier::verify(
        &case.program,
        &case.slice,
        &cells,
        &public,
        Weights::Public,
        &digest,
        &proof,
    );
    // Everything else holds: without the claim on padding, this would be accepted.
    assert!(verdict.is_err());
}
