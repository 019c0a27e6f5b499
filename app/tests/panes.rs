//! Every pane of the window, drawn by itself in both looks and compared with a picture of it.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --workspace --test panes` renews the pictures: look at them
//! before they are kept.

mod common;

use std::path::Path;

use common::{sample, wait_until};
use egui::{Context, Frame, Theme, Ui, Vec2};
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use microtome_app::App;
use microtome_app::command::Command;
use microtome_app::panels::log::{Entry, Kind};
use microtome_app::panels::verify::Verified;
use microtome_app::panes::Pane;
use microtome_app::run_view::RunView;
use microtome_engine::attack::{Attack, Found};
use microtome_engine::bundle::{Bundle, SliceVerdict, Standing, Verdict};
use microtome_engine::digest::Digest;
use microtome_engine::plan::Plan;
use microtome_engine::prove::System;
use microtome_engine::run::{Event, Measured, Phase, Piece};

/// A window that shows one pane and nothing else.
struct Single {
    app: App,
    pane: Pane,
}

impl eframe::App for Single {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        let frame = Frame::new().fill(ui.visuals().panel_fill);
        let frame = if self.pane == Pane::Graph { frame } else { frame.inner_margin(10) };
        egui::CentralPanel::default().frame(frame).show(ui, |ui| self.app.pane(ui, self.pane));
    }
}

fn size(pane: Pane) -> Vec2 {
    match pane {
        Pane::Menu => Vec2::new(1280.0, 46.0),
        Pane::Status => Vec2::new(1280.0, 36.0),
        Pane::Input => Vec2::new(232.0, 640.0),
        Pane::Graph => Vec2::new(480.0, 560.0),
        Pane::Slices => Vec2::new(560.0, 340.0),
        Pane::Charts(_) => Vec2::new(560.0, 360.0),
        Pane::Bottom(_) => Vec2::new(480.0, 190.0),
    }
}

/// A verdict that is the same on every machine.
fn verdict() -> Verdict {
    let digest = |name: &str| Digest::of("microtome test", name.as_bytes());
    let slice = |index: usize, standing, system, reason: &str| SliceVerdict {
        index,
        system,
        standing,
        reason: reason.to_owned(),
        macs: 1000,
        proof_bytes: 8_512,
        keys_secs: 0.8,
        verify_secs: 0.02,
    };
    Verdict {
        accepted: false,
        linked: true,
        output_proven: false,
        coverage_macs: 0.75,
        program: Some(digest("program")),
        root: Some(digest("root")),
        slices: vec![
            slice(0, Standing::Proven, System::Halo2, ""),
            slice(1, Standing::Rejected, System::Whir, "the proof is of another slice"),
            slice(2, Standing::Unchecked, System::Halo2, "it was executed"),
        ],
        ..Verdict::damaged(digest("model"), "slice 1: the proof is of another slice".to_owned())
    }
}

/// A run in which one slice is proven, the next is on its way, and the last failed.
fn run(plan: Plan) -> RunView {
    let [first, second, third] = [0, 1, 2].map(Piece::Slice);
    let measured = Measured {
        witness_secs: 0.01,
        setup_secs: 0.8,
        prove_secs: 1.25,
        verify_secs: 0.02,
        peak_bytes: 65_000_000,
        proof_bytes: 8_512,
        ..Measured::default()
    };
    let phase = |piece, phase, at_secs| Event::Phase { piece, phase, at_secs };
    let memory = |piece, bytes, at_secs| Event::Memory { piece, bytes, at_secs };
    let events = [
        phase(first, Phase::Keys, 0.1),
        memory(first, 40_000_000, 0.5),
        phase(first, Phase::Prove, 0.9),
        memory(first, 65_000_000, 1.5),
        Event::Finished { piece: first, measured, at_secs: 2.2 },
        phase(third, Phase::Keys, 2.2),
        Event::Failed { piece: third, reason: "its process was killed".to_owned() },
        phase(second, Phase::Prove, 2.6),
        memory(second, 30_000_000, 2.8),
    ];
    let pieces = [first, second, third, Piece::Whole].into_iter();
    RunView::replay(plan, pieces, 12_000_000_000, events, 3.0)
}

fn window(theme: Theme) -> Harness<'static, Single> {
    let mut window = Harness::builder()
        .with_size([1280.0, 800.0])
        .with_pixels_per_point(1.0)
        .renderer(softrender::SoftRenderer::default())
        .build_eframe(|cc| {
            let app = App::new(cc, Some(sample("digits-cnn")));
            Single { app, pane: Pane::Graph }
        });
    window.ctx.set_theme(theme);
    wait_until(&mut window, "the model", |single| {
        single.app.session.as_ref().is_some_and(|session| {
            session.has_estimates()
                && session.provability.is_some()
                && session.systems().is_some()
                && session.answer.as_ref().is_some_and(|answer| answer.fixed.is_some())
        })
    });
    window.state_mut().app.ask(Command::SweepBits);
    wait_until(&mut window, "a sweep over bits", |single| {
        single.app.session.as_ref().is_some_and(|session| session.bits_chart().is_some())
    });
    let app = &mut window.state_mut().app;
    app.shown_memory = Some(12_000_000_000);
    app.selection.node = Some(0);
    app.selection.slice = Some(1);
    let entry = |at_secs, kind, text: &str| Entry { at_secs, kind, text: text.to_owned() };
    app.log = vec![
        entry(0.25, Kind::Note, "Opened model.onnx with 8 nodes."),
        entry(3.5, Kind::Warning, "test.npz: this input is not there any more."),
        entry(61.0, Kind::Error, "net.onnx: node Tanh_3 can't be read."),
    ];
    if let Some(session) = &mut app.session {
        session.run = Some(run(session.plan().clone()));
    }
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fuzz/seeds/bundle/honest");
    let bundle = Bundle::read(Path::new(seed)).expect("it is a bundle");
    app.tamper.hold("some.bundle".to_owned(), bundle);
    app.tamper.honest = Some(Ok(()));
    for (number, attack) in Attack::ALL.into_iter().enumerate() {
        let found = match number {
            0 => Found::Accepted,
            1 => Found::NotApplicable("there is one slice only".to_owned()),
            _ => Found::Caught("slice 0: the proof does not hold for this statement".to_owned()),
        };
        app.tamper.attempts.insert(attack, found);
    }
    app.verified =
        Some(Verified { from: "some.bundle".to_owned(), verdict: verdict(), timed: false });
    window
}

#[test]
fn every_pane_looks_as_it_did() {
    let mut results = SnapshotResults::new();
    for theme in [Theme::Dark, Theme::Light] {
        let mut window = window(theme);
        for pane in Pane::all() {
            window.state_mut().pane = pane;
            window.set_size(size(pane));
            window.run_steps(6);
            let name = format!("{}-{theme:?}", pane.name()).to_lowercase();
            // A program's digest depends on the last bits of floats that were measured.
            let letters = if pane == Pane::Status { 300 } else { 0 };
            let options = SnapshotOptions::new().max_failed_pixels(letters);
            window.snapshot_options(name, &options);
        }
        results.extend_harness(&mut window);
    }
}
