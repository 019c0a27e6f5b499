//! What prover and verifier absorb before anything else, and the challenges that both draw.

use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;
use p3_multi_stark::fractional_gkr::FractionGkrOutput;

use super::cells::{Cells, OpCells};
use super::field::{Challenger, EF, sample_point};
use super::relation::{Challenges, axes, axis_variables};
use crate::program::{Kind, Program, ProgramSlice};
use crate::prove::Weights;

/// The version of the protocol; another one for every change of what is absorbed or proven.
const DOMAIN: &str = "microtome whir slice v2";

/// The digest of everything that is public: the slice's operations with their weights, the shapes,
/// scales and bits of its tensors, the context, and the tensors on its boundary. Where the weights
/// are committed, the program must have none, and their roots stand for them.
pub(super) fn statement_digest(
    program: &Program,
    slice: &ProgramSlice,
    context: &[u8; 32],
    public: &[&[i32]],
    weights: Weights<'_>,
) -> Result<[u8; 32], String> {
    let ops = &program.ops[slice.ops.clone()];
    let ids = slice.inputs.iter().copied().chain(ops.iter().map(|op| op.output));
    let tensors: Vec<_> = ids.map(|id| (id, program.value(id))).collect();
    let roots = match weights {
        Weights::Public => None,
        Weights::Committed(roots) => Some(roots),
    };
    let parts = (slice.ops.len(), &slice.inputs, &slice.outputs, tensors, ops, roots);
    let bytes = postcard::to_stdvec(&parts).map_err(|error| error.to_string())?;
    let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
    let mut absorb = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    absorb(context);
    absorb(&bytes);
    for elements in public {
        let bytes: Vec<u8> = elements.iter().flat_map(|v| v.to_le_bytes()).collect();
        absorb(&bytes);
    }
    Ok(*hasher.finalize().as_bytes())
}

impl Challenges {
    /// Draws those that come once the vector is committed to. The others are zero until then.
    pub(super) fn draw(
        outputs: Vec<Vec<Vec<EF>>>,
        variables: usize,
        challenger: &mut Challenger,
    ) -> Self {
        Self {
            outputs,
            padding: sample_point(challenger, variables),
            alpha: challenger.sample_algebra_element(),
            beta: challenger.sample_algebra_element(),
            leaf_point: Vec::new(),
            numerator: EF::ZERO,
            denominator: EF::ZERO,
            gamma: EF::ZERO,
            products: Vec::new(),
        }
    }

    /// Takes what the look-up argument ended in, and draws `γ`.
    pub(super) fn join(&mut self, end: &FractionGkrOutput<EF>, challenger: &mut Challenger) {
        self.leaf_point = end.point.as_slice().to_vec();
        (self.numerator, self.denominator) = (end.numerator, end.denominator);
        self.gamma = challenger.sample_algebra_element();
    }
}

/// For each linear operation and product, a random point for each axis of its output.
pub(super) fn output_points(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    challenger: &mut Challenger,
) -> Vec<Vec<Vec<EF>>> {
    let ops = &program.ops[slice.ops.clone()];
    let mut points = Vec::new();
    for (op, op_cells) in ops.iter().zip(&cells.ops) {
        let axes = match (&op.kind, op_cells) {
            (Kind::Linear(linear), OpCells::Linear(_)) => {
                Some(axes(linear, program.value(op.output).len()))
            }
            (Kind::Product(product), OpCells::Product(_)) => Some(product.shape.clone()),
            _ => None,
        };
        if let Some(axes) = axes {
            let point = |len| sample_point(challenger, axis_variables(len));
            points.push(axes.into_iter().map(point).collect());
        }
    }
    points
}
