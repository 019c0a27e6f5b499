//! The proofs against the integer reference, honest and forged.

mod attacks;
mod claims;
mod committed;
mod forged;
mod messages;
mod products;
mod proofs;
mod sizes;

use super::cells::Place;
use super::witness::Values;
use super::*;
use crate::program::ValueId;
use crate::prove::testing::{Model, plain, pool};

/// A slice with everything that its proof needs.
struct Case {
    program: Program,
    slice: ProgramSlice,
    trace: Trace,
}

impl Case {
    fn new((program, trace): (Program, Trace), ops: std::ops::Range<usize>) -> Self {
        Self { slice: program.slice(ops), program, trace }
    }

    fn whole(model: (Program, Trace)) -> Self {
        let ops = 0..model.0.ops.len();
        Self::new(model, ops)
    }

    fn cells(&self) -> Cells {
        Cells::of(&self.program, &self.slice, KnownWeights::All).unwrap()
    }

    /// The tensors on the boundary.
    fn public(&self) -> Vec<&[i32]> {
        let ids = self.slice.inputs.iter().chain(&self.slice.outputs);
        ids.map(|id| self.trace[id].as_slice()).collect()
    }

    fn statement<'a>(&'a self, public: &'a [&'a [i32]]) -> Statement<'a> {
        let context = std::array::from_fn(|i| i as u8);
        let boundary = Boundary::Public(public);
        let weights = Weights::Public;
        Statement { program: &self.program, slice: &self.slice, context, boundary, weights }
    }

    fn witness(&self) -> Witness {
        Witness { trace: self.trace.clone(), salts: Default::default() }
    }

    fn prove(&self) -> Vec<u8> {
        let public = self.public();
        Whir.prove(&self.statement(&public), &self.witness(), &mut |_| {}).unwrap()
    }

    fn verify(&self, proof: &[u8]) -> Result<(), VerifyError> {
        let public = self.public();
        Whir.verify(&self.statement(&public), proof)
    }
}

/// Every operation at once, small, with channels and sides that are no powers of two: strided,
/// padded convolution, ReLU, two pools, an average, a residual sum of three with broadcast, a
/// grouped convolution with dilation, a dense layer, functions, a move and a gather.
fn small(bits: u32) -> Case {
    let mut model = Model::new(11, bits);
    model.least_shift = 2;
    let x = model.input(&[1, 2, 7, 6]);
    let a = model.conv(x, 3, 1, [[3; 2], [1, 1], [1; 2], [1; 2]]);
    let b = model.relu(a);
    let c = model.max_pool(b, pool(2));
    let d = model.max_pool(c, [[2; 2], [1; 2], [1; 2], [1; 2]]);
    let e = model.average(d, plain(2), true);
    let f = model.sum(&[c, e, c], &[1, 3, 3, 3], &[&[27, 9, 3, 1], &[27, 9, 3, 1], &[27, 9, 0, 0]]);
    let g = model.conv(f, 6, 3, [[2; 2], [1; 2], [1; 2], [2; 2]]);
    let h = model.relu(g);
    let i = model.dense(h, 1, 3);
    let j = model.table(e);
    let k = model.moved(j, vec![vec![Some(9), Some(0)], vec![Some(3), Some(1), Some(3)]]);
    let l = model.gather(&[k, j], &[2, 3]);
    let m = model.table(l);
    // Inner tensors on the boundary too, as where a residual connection leaves a slice.
    Case::whole(model.finish(&[c, h, i, m]))
}

/// A convolution, a pool, a dense layer and a ReLU, as small as can be.
fn tiny(seed: u64) -> Case {
    let mut model = Model::new(seed, 3);
    let x = model.input(&[1, 1, 4, 4]);
    let a = model.conv(x, 2, 1, plain(1));
    let b = model.max_pool(a, pool(2));
    let c = model.dense(b, 1, 2);
    let d = model.relu(c);
    Case::whole(model.finish(&[d]))
}
