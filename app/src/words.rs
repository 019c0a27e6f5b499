//! Plain words for the field's terms, shown where the terms appear and all together in one box.

use egui::{Context, Id, Modal, Pos2, Response, ScrollArea, Shape, Ui};

use crate::app::App;
use crate::theme;

/// A term that a newcomer may not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// All values inside a computation.
    Witness,
    /// A sealed value.
    Commitment,
    /// What convinces a verifier.
    Proof,
    /// That nothing false can be proven.
    Soundness,
    /// That a proof tells nothing else.
    ZeroKnowledge,
    /// Computing in integers.
    FixedPoint,
    /// A part of the model.
    Slice,
    /// A file of proofs.
    Bundle,
    /// The fingerprint of a bundle.
    Receipt,
    /// How much is proven.
    Coverage,
    /// A unit of work.
    Macs,
}

impl Term {
    /// All of them, in the order in which they build on each other.
    pub const ALL: [Self; 11] = [
        Self::Slice,
        Self::Macs,
        Self::FixedPoint,
        Self::Witness,
        Self::Proof,
        Self::Soundness,
        Self::ZeroKnowledge,
        Self::Commitment,
        Self::Bundle,
        Self::Receipt,
        Self::Coverage,
    ];

    /// The term.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Witness => "Witness",
            Self::Commitment => "Commitment",
            Self::Proof => "Proof",
            Self::Soundness => "Soundness",
            Self::ZeroKnowledge => "Zero knowledge",
            Self::FixedPoint => "Fixed point",
            Self::Slice => "Slice",
            Self::Bundle => "Bundle",
            Self::Receipt => "Receipt",
            Self::Coverage => "Coverage",
            Self::Macs => "MACs",
        }
    }

    /// What it means, in words that need no others.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Witness => {
                "Every number inside the computation: what goes in, what each layer makes of it, \
                 what comes out. The prover knows it, and the proof is about it."
            }
            Self::Commitment => {
                "A sealed envelope for numbers: whoever holds it learns nothing of them, and \
                 whoever sealed it can't change them any more. Two slices that share an envelope \
                 must have worked with the same numbers."
            }
            Self::Proof => {
                "A short text that convinces anyone that a computation was done as it should be, \
                 in much less time than doing it again."
            }
            Self::Soundness => {
                "Nobody can make a proof of something false that passes, but for luck smaller \
                 than guessing a 100-bit number."
            }
            Self::ZeroKnowledge => {
                "The proof tells that the computation is right, and nothing else: not the input, \
                 not what flows between layers."
            }
            Self::FixedPoint => {
                "Proofs work with whole numbers, so that the network computes with scaled \
                 integers instead of floats. How far its answer is from the float one stands \
                 beside it."
            }
            Self::Slice => {
                "A part of the network that gets a proof of its own: smaller, so that it fits in \
                 memory, and able to run beside the others."
            }
            Self::Bundle => {
                "One file with the proofs of all slices and what links them. Anyone who has the \
                 model can check it without asking the prover."
            }
            Self::Receipt => {
                "The fingerprint of a bundle. Whoever keeps these few letters can tell later \
                 whether a bundle is the same one, and whether a slice belongs to it."
            }
            Self::Coverage => {
                "How much of the network's work is proven. A slice that is only executed has to \
                 be trusted, and the verdict says so."
            }
            Self::Macs => {
                "Multiply-accumulates: how many multiplications with an addition a network needs \
                 for one answer, the usual measure of its work. FLOPs count both."
            }
        }
    }

    /// Says what the term means where the pointer rests on something.
    pub fn explain(self, response: Response) -> Response {
        response.on_hover_ui(|ui| self.show(ui))
    }

    /// The calm name of a fact, which explains itself where the pointer rests on it.
    pub fn label(self, ui: &mut Ui, text: &str) -> Response {
        let label = ui.label(theme::weak(ui, text));
        let y = label.rect.bottom() - 1.0;
        let ends = [Pos2::new(label.rect.left(), y), Pos2::new(label.rect.right(), y)];
        ui.painter().extend(Shape::dotted_line(&ends, theme::of(ui).faint, 3.0, 0.7));
        self.explain(label)
    }

    fn show(self, ui: &mut Ui) {
        ui.set_max_width(340.0);
        ui.label(theme::strong(self.name()));
        ui.label(self.meaning());
    }
}

impl App {
    /// Draws the box with all terms, while it is open.
    pub(crate) fn words_box(&mut self, ctx: &Context) {
        if !self.words {
            return;
        }
        let height = ctx.content_rect().height() * 0.7;
        let modal = Modal::new(Id::new("words")).show(ctx, |ui| {
            ui.set_width(460.0);
            ui.heading("Words of the field");
            ui.add_space(theme::GAP);
            ScrollArea::vertical().max_height(height - 90.0).show(ui, |ui| {
                for term in Term::ALL {
                    ui.label(theme::strong(term.name()));
                    ui.label(theme::weak(ui, term.meaning()));
                    ui.add_space(theme::GAP);
                }
            });
            ui.add_space(theme::GAP);
            ui.button("Close").clicked()
        });
        if modal.inner || modal.should_close() {
            self.words = false;
        }
    }
}
