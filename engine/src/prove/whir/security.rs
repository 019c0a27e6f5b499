//! The soundness error of a proof, term by term.

use super::cells::Cells;
use super::field::FIELD_BITS;
use super::pcs::OPENING_BITS;
use super::products;
use super::reduction::DEGREE;
use super::relation::{axes, axis_variables, claims};
use super::weights;
use crate::program::{Kind, Program, ProgramSlice};
use crate::prove::Weights;

/// Bits of security that all proofs of a bundle must have together.
pub const LEAST_BITS: f64 = 100.0;

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
    /// That the sumchecks of products of two tensors pass; minus infinity without any.
    pub products: f64,
    /// That the final sumcheck passes.
    pub reduction: f64,
    /// That the commitment opens to something else: by the library's own report, all of its terms
    /// summed, in the unique-decoding regime.
    pub opening: f64,
    /// That what is said of committed weights passes: joining by `δ`, a sumcheck and an opening for
    /// each operation. Nothing (minus infinity) where the weights are public.
    pub weights: f64,
}

impl Security {
    /// Bits of security: minus the logarithm of the sum of all terms.
    #[must_use]
    pub fn bits(&self) -> f64 {
        -self.error().log2()
    }

    fn error(&self) -> f64 {
        let Self {
            relations,
            lookups,
            lookup_argument,
            batching,
            products,
            reduction,
            opening,
            weights,
        } = *self;
        let terms =
            [relations, lookups, lookup_argument, batching, products, reduction, opening, weights];
        terms.iter().map(|term| term.exp2()).sum()
    }
}

/// Bits of security of several proofs: their errors add up.
#[must_use]
pub fn bits_of_all(proofs: &[Security]) -> f64 {
    -proofs.iter().map(Security::error).sum::<f64>().log2()
}

/// The soundness error of a proof of this slice.
pub(super) fn of(
    program: &Program,
    slice: &ProgramSlice,
    cells: &Cells,
    custody: Weights<'_>,
) -> Security {
    let over_field = |degree: usize| (degree as f64).log2() - FIELD_BITS;
    let ops = &program.ops[slice.ops.clone()];
    let linear = || {
        ops.iter().filter_map(|op| match &op.kind {
            Kind::Linear(linear) => Some((linear, program.value(op.output).len())),
            Kind::Relu | Kind::MaxPool(_) | Kind::Table(_) | Kind::Product(_) => None,
        })
    };
    // A tensor's extension and the padding's have degree one in each coordinate.
    let coordinates = linear()
        .map(|(linear, len)| axes(linear, len).into_iter().map(axis_variables).sum::<usize>());
    let products = || {
        ops.iter().filter_map(|op| match &op.kind {
            Kind::Product(product) => Some(&**product),
            _ => None,
        })
    };
    let of_products =
        products().flat_map(|product| product.shape.iter().map(|&side| axis_variables(side)));
    let relations = coordinates.sum::<usize>() + of_products.sum::<usize>() + cells.variables;
    let rounds: usize = products().map(products::variables).sum();
    // Sum over the layers: a sumcheck of degree 3 in as many rounds as the layer is deep, the
    // challenge that joins numerator and denominator, and the one that joins the halves.
    let layers = cells.leaf_variables;
    let lookup_argument = 3 * layers * (layers - 1) / 2 + 2 * layers;
    let weights = match custody {
        Weights::Public => 0.0,
        Weights::Committed(_) => linear()
            .map(|(linear, len)| {
                let (weights, biases) = weights::lengths(linear, len);
                let rounds = weights::variables(weights + biases);
                over_field(1 + DEGREE * rounds).exp2() + (-OPENING_BITS).exp2()
            })
            .sum(),
    };
    Security {
        relations: over_field(relations),
        // With denominators cleared, a polynomial in α and β of degree 2 a leaf but one. Leaves
        // that are 0 / 1 have no degree.
        lookups: over_field(2 * cells.leaves.saturating_sub(1).max(1)),
        lookup_argument: over_field(lookup_argument),
        batching: over_field(claims(cells)),
        products: over_field(DEGREE * rounds),
        reduction: over_field(DEGREE * cells.variables),
        // What `Opener::new` finds parameters for.
        opening: -OPENING_BITS,
        weights: weights.log2(),
    }
}
