//! What a frame of the window costs on a large model: logic, interface and tessellation, without
//! the pixels, which are the graphics card's.
//!
//! `cargo bench --workspace --bench frame [-- MODEL.onnx …]` opens a generated network of 3,000
//! nodes, or the models that are named, and prints the median, the 99th percentile and the longest
//! of all frames while the view is panned and zoomed and while a boundary is dragged. Times are
//! those that the thread of the window was on the processor, so that what else runs hardly matters.

#[path = "../tests/common/network.rs"]
mod network;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::App as _;
use egui::{Context, Event, FullOutput, Modifiers, PointerButton, Pos2, RawInput, Rect, Vec2};
use microtome_app::App;
use microtome_app::command::Command;

const SIZE: Vec2 = Vec2::new(1920.0, 1080.0);
const FRAME: f64 = 1.0 / 60.0;
/// Nodes of the generated network.
const NODES: usize = 3_000;
/// A frame at 60 a second.
const BUDGET: Duration = Duration::from_millis(16);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo adds arguments of its own, such as `--bench`.
    let named: Vec<_> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    let models = if named.is_empty() {
        let path = folder.path().join("generated.onnx");
        std::fs::write(&path, network::residual(NODES, network::Names::Scoped))?;
        vec![path]
    } else {
        named
    };
    for model in models {
        measure(&model);
    }
    Ok(())
}

fn measure(model: &Path) {
    let mut window = Window::new();
    let start = Instant::now();
    window.app.open_path(model);
    while window.app.session.is_none() && window.app.log.is_empty() {
        window.frame(Vec::new());
    }
    window.frame(Vec::new());
    let opened = start.elapsed();
    let mut longest = Duration::ZERO;
    while !window.is_ready() && start.elapsed() < Duration::from_secs(300) {
        longest = longest.max(window.frame(Vec::new()));
        std::thread::sleep(Duration::from_millis(2));
    }
    let Some(session) = &window.app.session else {
        println!("{}: {}", model.display(), window.app.log[0].text);
        return;
    };
    println!(
        "{}: {} nodes, drawn after {opened:.0?}, ready after {:.1?}, longest frame until then {longest:.1?}",
        session.graph.name,
        session.graph.nodes.len(),
        start.elapsed(),
    );
    println!("{:<34}{:>10}{:>10}{:>10}", "", "median", "p99", "max");
    for folded in [true, false] {
        let state = if folded { "folded" } else { "unfolded" };
        window.app.ask(if folded { Command::FoldBlocks } else { Command::UnfoldBlocks });
        window.app.ask(Command::Fit);
        window.settle();
        report(&format!("{state}, nothing happens"), &window.rest());
        report(&format!("{state}, pan"), &window.pan());
        report(&format!("{state}, zoom over all levels"), &window.zoom());
        report(&format!("{state}, drag a boundary"), &window.drag());
    }
    window.app.settings.balance.slices = 64;
    window.app.ask(Command::Balance);
    window.settle();
    report("64 slices, pan", &window.pan());
    report("64 slices, drag a boundary", &window.drag());
}

fn report(what: &str, frames: &[Duration]) {
    let mut sorted = frames.to_vec();
    sorted.sort_unstable();
    let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
    let millis = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let over = if at(0.99) > BUDGET { "  over 16 ms" } else { "" };
    println!(
        "{what:<34}{:>10}{:>10}{:>10}{over}",
        millis(at(0.5)),
        millis(at(0.99)),
        millis(at(1.0))
    );
}

/// How long this thread was on the processor.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

struct Window {
    ctx: Context,
    app: App,
    eframe: eframe::Frame,
    time: f64,
}

impl Window {
    fn new() -> Self {
        let ctx = Context::default();
        let app = App::with(&ctx, Default::default());
        Self { ctx, app, eframe: eframe::Frame::_new_kittest(), time: 0.0 }
    }

    fn is_ready(&self) -> bool {
        self.app
            .session
            .as_ref()
            .is_some_and(|s| s.obstacle.is_some() || (s.has_estimates() && s.provability.is_some()))
    }

    /// One frame, and how long it kept the processor.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
        self.time += FRAME;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(self.time),
            predicted_dt: FRAME as f32,
            events,
            ..RawInput::default()
        };
        let start = processor_time();
        let (app, eframe) = (&mut self.app, &mut self.eframe);
        let output = self.ctx.run_ui(input, |ui| {
            let ctx = ui.ctx().clone();
            app.logic(&ctx, eframe);
            app.ui(ui, eframe);
        });
        let FullOutput { shapes, pixels_per_point, mut textures_delta, .. } = output;
        std::hint::black_box(self.ctx.tessellate(shapes, pixels_per_point));
        let time = processor_time().saturating_sub(start);
        textures_delta.clear();
        time
    }

    fn settle(&mut self) {
        for _ in 0..60 {
            self.frame(Vec::new());
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    /// The middle of the graph.
    fn center(&self) -> Pos2 {
        self.app.graph.as_ref().map_or(Pos2::ZERO, |graph| graph.area().center())
    }

    fn rest(&mut self) -> Vec<Duration> {
        (0..120).map(|_| self.frame(Vec::new())).collect()
    }

    fn press(&self, pos: Pos2, pressed: bool) -> Event {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        Event::PointerButton { pos, button, pressed, modifiers }
    }

    /// Holds the button down and moves along a path.
    fn sweep(&mut self, from: Pos2, path: impl Iterator<Item = Vec2>) -> Vec<Duration> {
        self.frame(vec![Event::PointerMoved(from)]);
        self.frame(vec![self.press(from, true)]);
        let mut at = from;
        let mut times = Vec::new();
        for by in path {
            at = from + by;
            times.push(self.frame(vec![Event::PointerMoved(at)]));
        }
        self.frame(vec![self.press(at, false)]);
        self.frame(vec![Event::PointerGone]);
        times
    }

    fn pan(&mut self) -> Vec<Duration> {
        let mut times = Vec::new();
        for zoom in [1.0, 0.5, 0.2, 0.06] {
            if let Some(camera) = self.app.graph.as_mut().and_then(|g| g.camera.as_mut()) {
                camera.zoom = zoom;
            }
            // Beside the boxes, which would be clicked instead.
            let from = self.center() - Vec2::new(150.0, 0.0);
            let wave = |i: i32| {
                let part = i as f32 / 100.0 * std::f32::consts::TAU;
                Vec2::new(30.0 * part.sin(), -900.0 * (part / 2.0).sin())
            };
            times.extend(self.sweep(from, (0..200).map(wave)));
        }
        times
    }

    fn zoom(&mut self) -> Vec<Duration> {
        self.app.ask(Command::Fit);
        self.settle();
        let at = self.center();
        self.frame(vec![Event::PointerMoved(at)]);
        let step = |factor: f32| Event::Zoom(factor);
        let inwards = std::iter::repeat_n(1.02_f32, 120);
        let outwards = std::iter::repeat_n(1.0 / 1.02_f32, 280);
        let factors = inwards.clone().chain(outwards).chain(inwards.clone()).chain(inwards);
        let times = factors.map(|factor| self.frame(vec![step(factor)])).collect();
        self.frame(vec![Event::PointerGone]);
        times
    }

    fn drag(&mut self) -> Vec<Duration> {
        self.app.ask(Command::Fit);
        self.settle();
        let Some(session) = &self.app.session else { return vec![Duration::ZERO] };
        let Some(&cut) = session.cuts().first() else { return vec![Duration::ZERO] };
        let first = session.first_node(1).unwrap_or(cut);
        if let Some(graph) = &mut self.app.graph {
            graph.reveal = Some(first);
        }
        self.settle();
        let line = self.app.graph.as_ref().and_then(|graph| graph.cut_on_screen(cut));
        let Some(line) = line else { return vec![Duration::ZERO] };
        let from = Pos2::new(self.center().x - 300.0, line.y);
        let before = self.app.session.as_ref().map(|s| s.cuts().to_vec());
        let wave = |i: i32| Vec2::new(0.0, 260.0 * (i as f32 / 90.0 * std::f32::consts::TAU).sin());
        let times = self.sweep(from, (0..340).map(wave));
        let after = self.app.session.as_ref().map(|s| s.cuts().to_vec());
        if before == after {
            println!("the boundary did not move");
        }
        times
    }
}
