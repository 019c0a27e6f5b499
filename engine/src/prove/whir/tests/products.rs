//! Products of two tensors, honest and forged.

use p3_field::PrimeCharacteristicRing;

use super::*;
use crate::prove::testing::products;
use crate::prove::whir::field::EF;

type Change = fn(&mut Proof);

/// Changes of what a proof says of its products.
const CHANGES: [(&str, Change); 9] = [
    ("sum", |p| p.products[0].reduction.claimed_sum += EF::ONE),
    ("another sum", |p| p.products[4].reduction.claimed_sum -= EF::ONE),
    ("round", |p| p.products[1].reduction.round_polys[0][1] += EF::ONE),
    ("a round less", |p| drop(p.products[0].reduction.round_polys.pop())),
    ("left", |p| p.products[2].left += EF::ONE),
    ("right", |p| p.products[2].right += EF::ONE),
    ("factors of one product", |p| {
        // Their product is what the sumcheck ends in, and they are not its factors.
        p.products[0].left = p.products[0].left.double();
        p.products[0].right = p.products[0].right.halve();
    }),
    ("one product less", |p| drop(p.products.pop())),
    ("order", |p| p.products.swap(0, 1)),
];

#[test]
fn products_are_proven_and_verified_in_every_slice() {
    for bits in [3, 8, 12] {
        let case = Case::whole(products(bits));
        case.verify(&case.prove()).unwrap();
        let count = case.program.ops.len();
        for cut in 1..count {
            for ops in [0..cut, cut..count] {
                let case = Case::new((case.program.clone(), case.trace.clone()), ops.clone());
                case.verify(&case.prove()).unwrap_or_else(|error| panic!("{ops:?}: {error}"));
            }
        }
    }
}

#[test]
fn every_message_about_a_product_is_bound() {
    let case = Case::whole(products(8));
    let honest = case.prove();
    for (what, change) in CHANGES {
        let mut proof = Proof::decode(&honest, 0).unwrap();
        change(&mut proof);
        let forged = proof.encode().unwrap();
        assert!(forged != honest, "{what}: nothing was changed");
        assert!(case.verify(&forged).is_err(), "{what}");
    }
}

#[test]
fn every_value_of_a_product_is_bound() {
    let case = Case::whole(products(5));
    let cells = case.cells();
    assert_eq!(forged::verdict(&case, |_| {}), Ok(()));
    for (op, op_cells) in case.program.ops.iter().zip(&cells.ops) {
        let mut offsets = Vec::new();
        if let Place::Committed(offset) = cells.places[&op.output] {
            offsets.push(("output", offset));
        }
        if let cells::OpCells::Product(limbs) = op_cells {
            offsets.extend(limbs.iter().map(|limb| ("limb", limb.offset)));
        }
        let len = case.program.value(op.output).len();
        for (kind, offset) in offsets {
            for (element, amount) in [(0, 1), (len - 1, -1), (len / 2, 1 << 40)] {
                let verdict = forged::verdict(&case, |committed| {
                    committed[offset + element] += amount;
                });
                assert!(verdict.is_err(), "{} {kind} {element} {amount}", op.name);
            }
        }
    }
    // Public tensors that are others.
    let honest = case.prove();
    for at in 0..case.public().len() {
        let mut public: Vec<Vec<i32>> = case.public().iter().map(|t| t.to_vec()).collect();
        public[at][1] ^= 1;
        let public: Vec<&[i32]> = public.iter().map(Vec::as_slice).collect();
        assert!(Whir.verify(&case.statement(&public), &honest).is_err(), "tensor {at}");
    }
}

#[test]
fn the_sumchecks_of_products_are_in_the_soundness_error() {
    let case = Case::whole(products(8));
    let security = Whir.security(&case.program, &case.slice, Weights::Public).unwrap();
    assert!(security.products > -125.0 && security.bits() >= 106.5, "{security:?}");
}
