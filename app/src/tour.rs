//! A guided tour for newcomers and classrooms: slice, estimate, prove, verify, tamper, on a sample.
//!
//! The tour watches what the user does and never stands in the way: every step can be done by hand,
//! done by the tour, or passed, and the tour can be left at any time.

use std::path::Path;

use egui::{
    Area, Button, Context, Frame, Id, Order, Pos2, Rect, RichText, Stroke, StrokeKind, Ui, Vec2,
};
use microtome_engine::attack::Attack;
use microtome_engine::plan::Plan;

use crate::app::{App, BottomTab};
use crate::command::Command;
use crate::samples;
use crate::session::Session;
use crate::theme;
use crate::words::Term;

/// What the tour's plan is called, beside those of the user.
const PLAN: &str = "Tour";
const CARD_WIDTH: f32 = 320.0;
/// Least height that a card is given room for.
const CARD_HEIGHT: f32 = 190.0;

/// Places in the window that steps point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The input and the answer.
    Input,
    /// The handle of the first boundary.
    Boundary,
    /// The table of slices.
    Slices,
    /// The button that proves.
    Prove,
    /// The panel at the bottom.
    Bottom,
    /// The charts.
    Charts,
}

/// Tells the tour where something is.
pub fn anchor(ctx: &Context, anchor: Anchor, rect: Rect) {
    ctx.data_mut(|data| data.insert_temp(anchor_id(anchor), rect));
}

fn anchor_id(anchor: Anchor) -> Id {
    Id::new(("tour", anchor))
}

/// One stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What is on the screen.
    Look,
    /// Move a boundary.
    Slice,
    /// Read the predictions.
    Estimate,
    /// Prove.
    Prove,
    /// Read the verdict.
    Verify,
    /// Cheat.
    Tamper,
    /// Where to go from here.
    End,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Look,
        Self::Slice,
        Self::Estimate,
        Self::Prove,
        Self::Verify,
        Self::Tamper,
        Self::End,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Look => "A small network",
            Self::Slice => "Slice it",
            Self::Estimate => "What it will cost",
            Self::Prove => "Prove it",
            Self::Verify => "Check it as a stranger",
            Self::Tamper => "Now cheat",
            Self::End => "That is all",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Look => {
                "This network reads a small picture and says which digit it shows; the graph in \
                 the middle is what it computes, from top to bottom."
            }
            Self::Slice => {
                "Drag the amber handle up or down: it is the boundary between two slices, each \
                 of which gets a proof of its own."
            }
            Self::Estimate => {
                "Before anything is paid, the table predicts what each slice takes, and the chart \
                 compares the slices with the whole network in one proof."
            }
            Self::Prove => {
                "Press Prove: in the background each slice gets a proof that it was computed \
                 rightly, which hides what flows through it."
            }
            Self::Verify => {
                "The verifier had only the model and the bundle of proofs: it checked every proof \
                 and that each slice goes on with what the one before it gave."
            }
            Self::Tamper => {
                "Press Try all: each attack changes a copy of the bundle, a swapped proof, a \
                 forged output, and the verifier says which check caught it."
            }
            Self::End => {
                "Open a model of your own with File, Open, and drag its boundaries; Help, Words \
                 explains the terms."
            }
        }
    }

    fn anchor(self) -> Option<Anchor> {
        match self {
            Self::Look => Some(Anchor::Input),
            Self::Slice => Some(Anchor::Boundary),
            Self::Estimate => Some(Anchor::Slices),
            Self::Prove => Some(Anchor::Prove),
            Self::Verify | Self::Tamper => Some(Anchor::Bottom),
            Self::End => None,
        }
    }

    fn terms(self) -> &'static [Term] {
        match self {
            Self::Look => &[Term::FixedPoint],
            Self::Slice => &[Term::Slice],
            Self::Estimate => &[Term::Macs],
            Self::Prove => &[Term::Witness, Term::Proof, Term::ZeroKnowledge],
            Self::Verify => &[Term::Bundle, Term::Commitment, Term::Coverage],
            Self::Tamper => &[Term::Soundness],
            Self::End => &[Term::Receipt],
        }
    }

    /// What the button says that does it for the user.
    fn help(self) -> Option<&'static str> {
        match self {
            Self::Slice => Some("Move it for me"),
            Self::Prove => Some("Prove for me"),
            Self::Tamper => Some("Cheat for me"),
            Self::Look | Self::Estimate | Self::Verify | Self::End => None,
        }
    }
}

/// The tour while it goes on.
pub struct Tour {
    step: usize,
    /// The plan when the step began.
    plan: Option<Plan>,
    /// The model is being opened.
    waits_for_model: bool,
}

impl Tour {
    /// Where it is.
    #[must_use]
    pub fn step(&self) -> Step {
        Step::ALL[self.step.min(Step::ALL.len() - 1)]
    }
}

/// What the user asked the card for.
enum Asked {
    Back,
    Next,
    Help,
    Leave,
}

impl App {
    /// Begins the tour on the first sample.
    pub(crate) fn start_tour(&mut self) {
        if !self.is_sample_open() {
            self.open_sample(samples::ALL[0].name);
        }
        self.settings.knows_tour = true;
        self.tour = Some(Tour { step: 0, plan: None, waits_for_model: true });
    }

    fn is_sample_open(&self) -> bool {
        let there = |path: &Path| path.canonicalize().ok();
        let sample = samples::ALL[0].model_path().ok().and_then(|path| there(&path));
        self.session.as_ref().is_some_and(|session| there(&session.path) == sample)
    }

    /// Ends it where it is.
    pub(crate) fn leave_tour(&mut self) {
        self.tour = None;
    }

    /// Whether what the step asks for is done.
    fn is_done(&self, tour: &Tour) -> bool {
        let Some(session) = &self.session else { return false };
        match tour.step() {
            Step::Look | Step::Estimate | Step::Verify | Step::End => true,
            Step::Slice => tour.plan.as_ref().is_some_and(|plan| plan != session.plan()),
            Step::Prove => session.record().is_some(),
            Step::Tamper => self.tamper.attempts.len() == Attack::ALL.len(),
        }
    }

    /// Draws the tour, or the offer of one.
    pub(crate) fn tour_ui(&mut self, ctx: &Context) {
        self.offer_ui(ctx);
        self.await_model(ctx);
        let Some(tour) = self.tour.as_ref().filter(|tour| !tour.waits_for_model) else { return };
        let step = tour.step();
        let done = self.is_done(tour);
        let number = tour.step + 1;
        let busy = self.session.as_ref().is_some_and(Session::is_proving) || self.tamper.is_busy();
        let target = step.anchor().and_then(|anchor| place(ctx, anchor));
        if let Some(target) = target {
            ring(ctx, target);
        }
        let at = card_place(ctx.content_rect(), target);
        let card =
            Area::new(Id::new("tour")).order(Order::Foreground).fixed_pos(at).show(ctx, |ui| {
                Frame::popup(ui.style()).show(ui, |ui| card(ui, step, number, done, busy)).inner
            });
        match card.inner {
            Some(Asked::Leave) => self.leave_tour(),
            Some(Asked::Back) => self.go_to_step(number.saturating_sub(2)),
            Some(Asked::Next) if number == Step::ALL.len() => self.leave_tour(),
            Some(Asked::Next) => self.go_to_step(number),
            Some(Asked::Help) => {
                self.help_with(step);
                self.refresh_estimates(ctx);
            }
            None => {}
        }
    }

    /// Offers the tour to someone who has not seen it, out of the way of everything else.
    fn offer_ui(&mut self, ctx: &Context) {
        if !self.offers_tour || self.tour.is_some() {
            return;
        }
        // The panel at the bottom has nothing to show yet.
        let Some(bottom) = place(ctx, Anchor::Bottom) else { return };
        let at = Pos2::new(bottom.left() + 14.0, bottom.bottom() - 110.0);
        let area = Area::new(Id::new("tour offer")).order(Order::Foreground).fixed_pos(at);
        area.show(ctx, |ui| {
            Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_width(260.0);
                ui.label(theme::strong("New here?"));
                ui.label("A tour of two minutes: slice a network, prove it, verify it, cheat.");
                ui.horizontal(|ui| {
                    if ui.button("Take the tour").clicked() {
                        self.ask(Command::Tour);
                        self.offers_tour = false;
                    }
                    if ui.button("No, thanks").clicked() {
                        self.offers_tour = false;
                        self.settings.knows_tour = true;
                    }
                });
            });
        });
    }

    /// Goes on once the sample is there: on a plan of its own, so that the user's stay as they are.
    fn await_model(&mut self, ctx: &Context) {
        if !self.tour.as_ref().is_some_and(|tour| tour.waits_for_model) || !self.is_sample_open() {
            return;
        }
        let Some(session) = self.session.as_mut().filter(|s| s.has_estimates()) else { return };
        session.show_fresh_plan(PLAN);
        self.verify_kept();
        self.refresh_estimates(ctx);
        self.go_to_step(0);
    }

    fn go_to_step(&mut self, step: usize) {
        let Some(tour) = &mut self.tour else { return };
        tour.waits_for_model = false;
        tour.step = step;
        tour.plan = self.session.as_ref().map(|session| session.plan().clone());
        match tour.step() {
            Step::Prove => self.bottom = BottomTab::Jobs,
            Step::Verify => self.bottom = BottomTab::Verify,
            Step::Tamper => self.bottom = BottomTab::Tamper,
            _ => {}
        }
    }

    fn help_with(&mut self, step: Step) {
        match step {
            Step::Slice => {
                if let Some(session) = &mut self.session
                    && let Some(&cut) = session.cuts().first()
                {
                    let moved = session.nudge(cut, true).or_else(|| session.nudge(cut, false));
                    self.selection.cut = moved;
                }
            }
            Step::Prove => self.ask(Command::Prove),
            Step::Tamper => self.attack(Attack::ALL.to_vec()),
            _ => {}
        }
    }
}

/// Where an anchor was drawn last.
fn place(ctx: &Context, anchor: Anchor) -> Option<Rect> {
    if anchor == Anchor::Boundary {
        return ctx.read_response(Id::new(("boundary", 0usize))).map(|handle| handle.rect);
    }
    ctx.data(|data| data.get_temp(anchor_id(anchor)))
}

fn ring(ctx: &Context, target: Rect) {
    let layer = egui::LayerId::new(Order::Foreground, Id::new("tour ring"));
    let t = theme::tokens(ctx.global_style().visuals.dark_mode);
    let rect = target.expand(3.0).intersect(ctx.content_rect().shrink(1.0));
    let painter = ctx.layer_painter(layer);
    painter.rect_stroke(rect, 7, Stroke::new(2.5, t.accent), StrokeKind::Inside);
}

/// Where the card stands: beside what it points at, on the side that has room.
fn card_place(screen: Rect, target: Option<Rect>) -> Pos2 {
    let size = Vec2::new(CARD_WIDTH + 30.0, CARD_HEIGHT);
    let gap = 14.0;
    let Some(target) = target else { return screen.center() - size / 2.0 };
    let top = target.top().clamp(screen.top() + gap, (screen.bottom() - size.y - gap).max(gap));
    let left = target.left().clamp(screen.left() + gap, (screen.right() - size.x - gap).max(gap));
    let places = [
        (screen.right() - target.right(), Pos2::new(target.right() + gap, top)),
        (target.left() - screen.left(), Pos2::new(target.left() - gap - size.x, top)),
    ];
    for (room, place) in places {
        if room > size.x + 2.0 * gap {
            return place;
        }
    }
    if screen.bottom() - target.bottom() > size.y + gap {
        Pos2::new(left, target.bottom() + gap)
    } else {
        Pos2::new(left, (target.top() - gap - size.y).max(screen.top() + gap))
    }
}

fn card(ui: &mut Ui, step: Step, number: usize, done: bool, busy: bool) -> Option<Asked> {
    let mut asked = None;
    ui.set_width(CARD_WIDTH);
    let t = theme::of(ui);
    ui.label(theme::small(ui, format!("Tour, step {number} of {}", Step::ALL.len())));
    ui.label(theme::strong(step.title()).size(15.0));
    ui.label(step.sentence());
    ui.horizontal_wrapped(|ui| {
        for term in step.terms() {
            let word = RichText::new(term.name()).small().color(t.busy).underline();
            term.explain(ui.label(word));
        }
    });
    ui.add_space(theme::GAP);
    ui.horizontal(|ui| {
        let last = number == Step::ALL.len();
        let text = match (last, done) {
            (true, _) => "Close",
            (false, true) => "Next",
            (false, false) => "Pass",
        };
        let mut next =
            Button::new(theme::strong(text).color(if done { t.on_accent } else { t.text }));
        if done {
            next = next.fill(t.accent);
        }
        if ui.add(next).clicked() {
            asked = Some(Asked::Next);
        }
        if let Some(help) = step.help().filter(|_| !done)
            && ui.add_enabled(!busy, Button::new(help)).clicked()
        {
            asked = Some(Asked::Help);
        }
        if number > 1 && ui.button("Back").clicked() {
            asked = Some(Asked::Back);
        }
        if !last && ui.button("Leave the tour").clicked() {
            asked = Some(Asked::Leave);
        }
    });
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_on_the_screen_and_beside_what_it_points_at() {
        let screen = Rect::from_min_size(Pos2::ZERO, Vec2::new(1280.0, 720.0));
        let size = Vec2::new(CARD_WIDTH, CARD_HEIGHT);
        for target in [
            Rect::from_min_size(Pos2::new(0.0, 40.0), Vec2::new(230.0, 640.0)),
            Rect::from_min_size(Pos2::new(1150.0, 5.0), Vec2::new(120.0, 26.0)),
            Rect::from_min_size(Pos2::new(230.0, 520.0), Vec2::new(560.0, 190.0)),
            Rect::from_min_size(Pos2::new(720.0, 40.0), Vec2::new(550.0, 330.0)),
        ] {
            let card = Rect::from_min_size(card_place(screen, Some(target)), size);
            assert!(screen.contains_rect(card), "{target} {card}");
            assert!(!card.intersects(target), "{target} {card}");
        }
    }
}
