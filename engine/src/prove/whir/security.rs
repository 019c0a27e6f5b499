//! The soundness error of a proof, term by term.

use super::cells::Cells;
use super::field::FIELD_BITS;
use super::pcs::Opener;
use super::reduction::DEGREE;
use super::relation::{axes, axis_variables, claims};
use crate::program::{Kind, Program, ProgramSlice};

/// The soundness error of a proof. Each term is the base-two logarithm of a probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Security {
    /// That a wrong operation passes at its random point.
    pub relations: f64,
    /// That a wrong look-up passes at `α` and `β`.
    pub lookups: f64,
    /// That the reduction of the look-ups to one point passes.
    pub lookup_argument: f64,
    /// That a wrong claim vanishes in the sum with powers of `γ`.
    pub batching: f64,
    /// That the final sumcheck passes.
    pub reduction: f64,
    /// That the commitment opens to something else: the library's own report, all of its terms
    /// summed, in the unique-decoding regime.
    pub opening: f64,
}

impl Security {
    /// Bits of security: minus the logarithm of the sum of all terms.
    #[must_use]
    pub fn bits(&self) -> f64 {
        let Self { relations, lookups, lookup_argument, batching, reduction, opening } = *self;
        let terms = [relations, lookups, lookup_argument, batching, reduction, opening];
        -terms.iter().map(|term| term.exp2()).sum::<f64>().log2()
    }
}

/// The soundness error of a proof of this slice; none where the library has no report.
pub(super) fn of(program: &Program, slice: &ProgramSlice, cells: &Cells) -> Option<Security> {
    let over_field = |degree: usize| (degree as f64).log2() - FIELD_BITS;
    let ops = &program.ops[slice.ops.clone()];
    let coordinates = ops.iter().filter_map(|op| match &op.kind {
        Kind::Linear(linear) => {
            let axes = axes(linear, program.value(op.output).len());
            Some(axes.into_iter().map(axis_variables).sum::<usize>())
        }
        Kind::Relu | Kind::MaxPool(_) => None,
    });
    // A tensor's extension and the padding's have degree one in each coordinate.
    let relations = coordinates.sum::<usize>() + cells.variables;
    // Sum over the layers: a sumcheck of degree 3 in as many rounds as the layer is deep, the
    // challenge that joins numerator and denominator, and the one that joins the halves.
    let layers = cells.leaf_variables;
    let lookup_argument = 3 * layers * (layers - 1) / 2 + 2 * layers;
    Some(Security {
        relations: over_field(relations),
        // With denominators cleared, a polynomial in α and β of degree at most 2 a leaf.
        lookups: over_field(2 * (1 << cells.leaf_variables)),
        lookup_argument: over_field(lookup_argument),
        batching: over_field(claims(cells)),
        reduction: over_field(DEGREE * cells.variables),
        opening: -Opener::new(cells.variables).ok()?.security_bits()?,
    })
}
