//! What a slice's proof is bound to beside its boundary: the run and its place in it.

use serde::Serialize;

use super::Header;
use super::format::{FORMAT_VERSION, bytes_of};
use crate::digest::Digest;
use crate::graph::Split;
use crate::prove::System;

/// The parts of the plan that are proven under.
#[derive(Serialize)]
struct PlanParts<'a> {
    splits: &'a [(String, Split)],
    cuts: &'a [u32],
    systems: &'a [System],
}

impl Header {
    /// The digest of the plan: splits, cuts and proof systems.
    #[must_use]
    pub fn plan_digest(&self) -> Digest {
        let parts = PlanParts { splits: &self.splits, cuts: &self.cuts, systems: &self.systems };
        Digest::of("microtome bundle plan v2", &bytes_of(&parts))
    }

    /// The digest of the run: all of the header but the openings, which the prover may choose
    /// after proving.
    #[must_use]
    pub fn run_digest(&self) -> Digest {
        let closed = (
            (self.model, self.program, &self.cuts, &self.systems, self.weights, &self.card),
            (self.nonce, &self.context, &self.boundaries),
        );
        let mut bytes = FORMAT_VERSION.to_le_bytes().to_vec();
        bytes.extend(self.plan_digest().0);
        bytes.extend(bytes_of(&closed));
        Digest::of("microtome run v1", &bytes)
    }

    /// The digest that the proof of a slice is bound to. It covers the format, the model, the
    /// program, the plan, the card, the run's nonce, the context text, every commitment, and the
    /// slice's index.
    #[must_use]
    pub fn slice_context(&self, slice: usize) -> Digest {
        let mut bytes = self.run_digest().0.to_vec();
        bytes.extend((slice as u64).to_le_bytes());
        Digest::of("microtome slice context v1", &bytes)
    }
}
