//! The circuit against the integer reference, honest and forged.

mod batch;
mod digits;
mod forged;
mod functions;
mod gadgets;
mod keyed;
mod products;
mod proofs;
mod sizes;

use std::collections::BTreeMap;

use halo2_proofs::dev::{MockProver, VerifyFailure};
use halo2_proofs::pasta::Fp;

use super::circuit::SliceCircuit;
use super::place::Kind;
use super::shape::shape_of;
use super::steps::steps;
use super::tamper::Tamper;
use super::width::with_width;
use super::*;
use crate::program::{Trace, ValueId};
use crate::prove::testing::{Model, plain, pool, with_map};

/// Widths of all kinds.
const WIDTHS: [Width; 4] = [
    Width::NARROWEST,
    Width { lanes: 4, accumulators: 3, tracks: 1 },
    Width { lanes: 8, accumulators: 2, tracks: 2 },
    Width { lanes: 6, accumulators: 4, tracks: 3 },
];

/// Every kind of advice cell.
const KINDS: [Kind; 15] = [
    Kind::Activation,
    Kind::Accumulator,
    Kind::Digit,
    Kind::Sum,
    Kind::Shifted,
    Kind::Value,
    Kind::Low,
    Kind::High,
    Kind::Maximum,
    Kind::Excess,
    Kind::Boundary,
    Kind::Packed,
    Kind::State,
    Kind::Square,
    Kind::Absorbed,
];

/// A slice with everything that its proof needs.
struct Case {
    program: Program,
    slice: ProgramSlice,
    trace: Trace,
    salts: BTreeMap<ValueId, Salt>,
    boundary: Vec<Commitment>,
}

impl Case {
    fn new(program: Program, trace: Trace, ops: std::ops::Range<usize>) -> Self {
        let slice = program.slice(ops);
        let ids = || slice.inputs.iter().chain(&slice.outputs).copied();
        let salts: BTreeMap<_, _> = ids().map(|id| (id, random_salt())).collect();
        let boundary = ids().map(|id| commit(&program, id, &trace[&id], &salts[&id])).collect();
        Self { program, slice, trace, salts, boundary }
    }

    fn whole((program, trace): (Program, Trace)) -> Self {
        let ops = 0..program.ops.len();
        Self::new(program, trace, ops)
    }

    fn statement(&self) -> Statement<'_> {
        let context = std::array::from_fn(|i| i as u8);
        let boundary = Boundary::Committed(&self.boundary);
        let weights = Weights::Public;
        Statement { program: &self.program, slice: &self.slice, context, boundary, weights }
    }

    fn witness(&self) -> Witness {
        Witness { trace: self.trace.clone(), salts: self.salts.clone() }
    }

    fn instance(&self) -> Vec<Fp> {
        instance(&self.statement()).unwrap()
    }

    /// What MockProver says to the circuit of this width.
    fn mock(
        &self,
        width: Width,
        tamper: Option<Tamper>,
        instance: Vec<Fp>,
    ) -> Result<(), Vec<VerifyFailure>> {
        mock(self, width, tamper, instance)
    }

    fn accepted(&self, what: &str) {
        for width in WIDTHS {
            let verdict = self.mock(width, None, self.instance());
            assert_eq!(verdict, Ok(()), "{what} {width}");
        }
    }
}

fn mock(
    case: &Case,
    width: Width,
    tamper: Option<Tamper>,
    instance: Vec<Fp>,
) -> Result<(), Vec<VerifyFailure>> {
    let steps = steps(&case.program, &case.slice).unwrap();
    let shape = shape_of(&case.program, &case.slice, &steps, width);
    let circuit = SliceCircuit {
        program: &case.program,
        slice: &case.slice,
        steps: &steps,
        shape: &shape,
        witness: Some((&case.trace, &case.salts)),
        tampering: tamper.into(),
    };
    with_width(width, || MockProver::run(shape.k, &circuit, vec![instance]).unwrap()).verify()
}

/// Every gadget at once, small: strided, padded convolution with a fused ReLU and pairwise
/// maximum, a residual sum of three with broadcast, a general maximum, an average, a dense layer,
/// functions alone and fused, a move and a gather.
fn small(bits: u32) -> Case {
    let mut model = Model::new(11, bits);
    model.least_shift = 2;
    let x = model.input(&[1, 2, 6, 6]);
    let a = model.conv(x, 3, 1, [[3; 2], [1; 2], [1; 2], [1; 2]]);
    let b = model.relu(a);
    let c = model.max_pool(b, pool(2));
    let d = model.max_pool(c, [[2; 2], [1; 2], [1; 2], [1; 2]]);
    let e = model.average(d, plain(2), true);
    let f = model.sum(&[c, e, c], &[1, 3, 3, 3], &[&[27, 9, 3, 1], &[27, 9, 3, 1], &[27, 9, 0, 0]]);
    let g = model.relu(f);
    let h = model.dense(g, 1, 3);
    let i = model.table(e);
    let j = model.moved(i, vec![vec![Some(9), Some(0)], vec![Some(3), Some(1), Some(3)]]);
    let k = model.gather(&[j, i], &[2, 3]);
    let l = model.table(k);
    // The ReLU's output is a boundary tensor too, as where a residual connection leaves a slice.
    Case::whole(model.finish(&[g, h, l]))
}

/// A circuit as small as can be, for the real prover.
fn tiny(seed: u64) -> Case {
    let mut model = Model::new(seed, 3);
    let x = model.input(&[1, 1, 4, 4]);
    let a = model.conv(x, 2, 1, plain(1));
    let b = model.max_pool(a, pool(2));
    let c = model.dense(b, 1, 2);
    let d = model.relu(c);
    Case::whole(model.finish(&[d]))
}

/// Quotient and remainder, and the limbs of the remainder, changed so that their sum is kept.
fn forgeries() -> Vec<Tamper> {
    let places = [(0, 1), (0, -1), (3, 1), (11, -1)];
    let quotients = places.map(|(index, amount)| Tamper::Quotient { index, amount });
    let limbs = places.map(|(index, amount)| Tamper::Limbs { index, amount });
    quotients.into_iter().chain(limbs).collect()
}
