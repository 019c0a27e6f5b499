//! What a verifier found out about a bundle.

use serde::Serialize;

use super::Bundle;
use crate::digest::Digest;
use crate::graph::Splits;
use crate::program::Source;
use crate::prove::System;

/// What a verifier found out about a bundle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether every proof and every link that is present holds, and the demands are met.
    pub accepted: bool,
    /// Whether every slice is bound to its neighbours: by its proof, or by opened boundaries and
    /// running it again.
    pub linked: bool,
    /// Whether every slice that the output depends on is proven.
    pub output_proven: bool,
    /// The part of the model's multiply-accumulates that is in proven slices.
    pub coverage_macs: f64,
    /// One verdict for each slice of the plan.
    pub slices: Vec<SliceVerdict>,
    /// The output, in real numbers, where it is revealed and opens its commitment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Vec<Vec<f32>>>,
    /// The input, in real numbers, where it is revealed and opens its commitment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Vec<Vec<f32>>>,
    /// Digest of the program, as lowered by the verifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<Digest>,
    /// Digest of the model, as the verifier has it.
    pub model: Digest,
    /// The nodes of the model that the bundle splits into tiles.
    #[serde(skip_serializing_if = "Splits::is_empty")]
    pub splits: Splits,
    /// The receipt; none where the bundle can't be decoded or is of something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Digest>,
    /// The context text of the bundle; none where the bundle can't be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What the prover says the ranges were calibrated with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Source>,
    /// Seconds on the clock to derive the keys of all proofs.
    pub keys_secs: f64,
    /// Seconds on the clock to verify all proofs and to run executed slices again, keys apart.
    pub verify_secs: f64,
    /// Why the bundle was not accepted; empty where it was.
    pub reasons: Vec<String>,
}

/// What a verifier found out about one slice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SliceVerdict {
    /// Its index in the plan.
    pub index: usize,
    /// Its proof system.
    pub system: System,
    /// What holds.
    pub standing: Standing,
    /// Why, in a sentence.
    pub reason: String,
    /// Its multiply-accumulates.
    pub macs: u64,
    /// Bytes of its proof.
    pub proof_bytes: u64,
    /// Seconds to derive the key of its proof: next to none where this process did before, or the
    /// system has no keys. Keys of several slices are derived at the same time.
    pub keys_secs: f64,
    /// Seconds to verify it, keys apart. Proofs are verified together, so this is its share of the
    /// seconds that all proofs of its system took, in proportion to the work on its own proof.
    pub verify_secs: f64,
}

/// What holds for a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its proof holds.
    Proven,
    /// It has no proof; its boundary is open, and running it again gives the same.
    Rerun,
    /// It has no proof, and its boundary is hidden: nothing is known of it.
    Unchecked,
    /// Its proof or its boundary does not hold.
    Rejected,
}

impl Verdict {
    /// The verdict on bytes that are no bundle any more, such as a changed one.
    #[must_use]
    pub fn damaged(model: Digest, reason: String) -> Self {
        Self {
            accepted: false,
            linked: false,
            output_proven: false,
            coverage_macs: 0.0,
            slices: Vec::new(),
            output: None,
            input: None,
            program: None,
            model,
            splits: Splits::default(),
            root: None,
            context: None,
            calibration: None,
            keys_secs: 0.0,
            verify_secs: 0.0,
            reasons: vec![reason],
        }
    }

    /// The verdict on a bundle that is refused before any slice is looked at.
    pub(super) fn refused(model: Digest, bundle: &Bundle, reason: String) -> Self {
        // No root: a hostile bundle that is refused by now costs no more than reading it.
        Self { context: Some(bundle.header.context.clone()), ..Self::damaged(model, reason) }
    }
}
