//! What a verifier knows before it looks at a proof, built from the model or the card alone.

use std::sync::Arc;

use super::Bundle;
use super::layout::Layout;
use super::outline::Outline;
use super::weight_card::{Custody, WeightCard, committed_digest};
use crate::digest::Digest;
use crate::onnx::Model;
use crate::program::{Program, Skeleton};
use crate::prove::whir::{self, WeightRoot};

/// What a bundle is verified against.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// The model, weights included.
    Model(&'a Model),
    /// The card of a model whose weights are committed.
    Card(&'a WeightCard),
}

impl Subject<'_> {
    /// The digest of the model.
    #[must_use]
    pub fn digest(self) -> Digest {
        match self {
            Self::Model(model) => model.graph.file_digest(),
            Self::Card(card) => card.outline.model,
        }
    }
}

impl<'a> From<&'a Model> for Subject<'a> {
    fn from(model: &'a Model) -> Self {
        Self::Model(model)
    }
}

impl<'a> From<&'a Arc<Model>> for Subject<'a> {
    fn from(model: &'a Arc<Model>) -> Self {
        Self::Model(model)
    }
}

impl<'a> From<&'a WeightCard> for Subject<'a> {
    fn from(card: &'a WeightCard) -> Self {
        Self::Card(card)
    }
}

/// What a verifier knows.
pub(super) struct Reading {
    /// The program; of a card, without weights.
    pub program: Program,
    pub layout: Layout,
    pub digest: Digest,
    /// The roots of the weights, one for each operation, where they are committed.
    pub roots: Option<Vec<Option<WeightRoot>>>,
    pub has_weights: bool,
}

/// Builds from the model what the bundle is about, or says why it is about something else.
pub(super) fn read(bundle: &Bundle, subject: Subject<'_>) -> Result<Reading, String> {
    let header = &bundle.header;
    if header.model != subject.digest() {
        return Err(format!(
            "the bundle is of model {}, and this model (with these --shape bindings) is {}",
            header.model.short(),
            subject.digest().short()
        ));
    }
    let outline;
    let (outline, program, roots, has_weights) = match subject {
        Subject::Model(model) => {
            let model = header.split(model)?;
            let skeleton = Skeleton::of(&model.graph);
            let program =
                skeleton.lower(&model.graph, &header.card).map_err(|error| error.to_string())?;
            outline = Outline::of(&model.graph, &skeleton)?;
            let roots = match header.weights {
                Custody::Public => None,
                Custody::Committed => Some(whir::weight_roots(&program)?),
            };
            (&outline, program, roots, true)
        }
        Subject::Card(card) => {
            if header.weights == Custody::Public {
                return Err("the bundle's proofs are about public weights, and a card has none: \
                            verify it against the model"
                    .to_owned());
            }
            if header.splits() != Some(card.outline.splits.clone()) {
                return Err("the bundle splits other nodes than the card".to_owned());
            }
            if header.card != card.card {
                return Err("the bundle was quantised otherwise than the card".to_owned());
            }
            (&card.outline, card.program.clone(), Some(card.roots.clone()), false)
        }
    };
    let digest = match &roots {
        None => program.digest(),
        Some(roots) => committed_digest(outline, &whir::strip(&program), roots),
    };
    if header.program != digest {
        return Err(format!(
            "the bundle claims program {}, but model and card give {}",
            header.program.short(),
            digest.short()
        ));
    }
    let cuts: Vec<usize> = header.cuts.iter().map(|&cut| cut as usize).collect();
    let layout = Layout::new(outline, &program, &cuts)
        .map_err(|error| format!("the plan of the bundle doesn't fit the model: {error}"))?;
    let count = layout.slices.len();
    if header.systems.len() != count || bundle.slices.len() != count {
        return Err(format!(
            "the plan has {count} slices, the bundle {} systems and {} records",
            header.systems.len(),
            bundle.slices.len()
        ));
    }
    let mut places = (0u32..).zip(&bundle.slices);
    if let Some((place, record)) = places.find(|(place, record)| *place != record.index) {
        return Err(format!(
            "the record in the place of slice {place} says that it is slice {}",
            record.index
        ));
    }
    let committed = header.boundaries.iter().map(|boundary| boundary.value);
    if !committed.eq(layout.boundary.iter().copied()) {
        return Err(format!(
            "the bundle commits to {} tensors, which are not the {} on the plan's boundaries",
            header.boundaries.len(),
            layout.boundary.len()
        ));
    }
    let plain = layout.public(&header.systems).plain;
    let wrong = |b: &&super::Boundary| b.binding.is_salted() == plain.contains(&b.value);
    if let Some(boundary) = header.boundaries.iter().find(wrong) {
        return Err(format!(
            "tensor {:?} is not bound in the way that the plan's proof systems need",
            program.value(boundary.value).name
        ));
    }
    Ok(Reading { program, layout, digest, roots, has_weights })
}
