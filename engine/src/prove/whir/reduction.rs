//! The sumcheck over `Σ z(i) w(i)`, for the committed vector `z` and the weights `w` of the
//! claims: two factors of degree one.

use p3_field::PrimeCharacteristicRing;
use p3_multilinear_util::poly::Poly;
use p3_sumcheck::generic_degree::RoundProver;
use rayon::prelude::*;

use super::field::{EF, F};

/// Degree of the round polynomials.
pub(super) const DEGREE: usize = 2;

/// The prover's side of the sumcheck.
pub(super) struct Reduction {
    vector: Vector,
    weights: Poly<EF>,
}

enum Vector {
    /// Before the first challenge the elements are in the base field, where products cost half.
    Base(Vec<F>),
    Folded(Poly<EF>),
}

impl Reduction {
    pub(super) fn new(vector: Vec<F>, weights: Vec<EF>) -> Self {
        Self { vector: Vector::Base(vector), weights: Poly::new(weights) }
    }

    /// Of two vectors that are in the extension from the start.
    pub(super) fn of_extension(vector: Vec<EF>, weights: Vec<EF>) -> Self {
        Self { vector: Vector::Folded(Poly::new(vector)), weights: Poly::new(weights) }
    }
}

impl RoundProver<EF> for Reduction {
    fn fold(&mut self, challenge: EF) {
        match &mut self.vector {
            Vector::Base(vector) => {
                let (low, high) = vector.split_at(vector.len() / 2);
                let fold = |(&low, &high): (&F, &F)| challenge * (high - low) + low;
                self.vector =
                    Vector::Folded(Poly::new(low.par_iter().zip(high).map(fold).collect()));
            }
            Vector::Folded(vector) => vector.fix_prefix_var_mut(challenge),
        }
        self.weights.fix_prefix_var_mut(challenge);
    }

    /// The values at 0 and at 2; the one at 1 follows from the claim.
    fn round_poly(&self) -> Vec<EF> {
        match &self.vector {
            Vector::Base(vector) => products(vector, self.weights.as_slice()),
            Vector::Folded(vector) => products(vector.as_slice(), self.weights.as_slice()),
        }
    }
}

fn products<T>(vector: &[T], weights: &[EF]) -> Vec<EF>
where
    T: PrimeCharacteristicRing + Copy + Send + Sync,
    EF: std::ops::Mul<T, Output = EF>,
{
    let (z0, z1) = vector.split_at(vector.len() / 2);
    let (w0, w1) = weights.split_at(weights.len() / 2);
    let term = |i: usize| {
        let at_two = (w1[i].double() - w0[i]) * (z1[i].double() - z0[i]);
        (w0[i] * z0[i], at_two)
    };
    let add = |a: (EF, EF), b: (EF, EF)| (a.0 + b.0, a.1 + b.1);
    let (at_zero, at_two) = if z0.len() < 1 << 12 {
        (0..z0.len()).map(term).fold((EF::ZERO, EF::ZERO), add)
    } else {
        let chunks = (0..z0.len()).into_par_iter().with_min_len(1 << 11);
        chunks.map(term).reduce(|| (EF::ZERO, EF::ZERO), add)
    };
    vec![at_zero, at_two]
}
