//! What the tests of the window share: a window without a display, and ways to drive it.
#![allow(dead_code, reason = "each test uses some of it, and one may use all")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::accesskit::{Action, Role};
use egui::{Pos2, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT as _;
use microtome_app::App;

/// How long a worker may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The window under test.
pub type Window = Harness<'static, App>;

pub fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name).join("model.onnx")
}

pub fn window(file: PathBuf) -> Window {
    window_with(file, |_| {})
}

/// The same with something done to it before its first frame.
pub fn window_with(file: PathBuf, prepare: impl FnOnce(&mut App)) -> Window {
    window_of_size([1280.0, 800.0], file, prepare)
}

/// The same of some size.
pub fn window_of_size(size: [f32; 2], file: PathBuf, prepare: impl FnOnce(&mut App)) -> Window {
    Harness::builder()
        .with_size(size)
        .with_pixels_per_point(1.0)
        .with_step_dt(1.0 / 60.0)
        .renderer(softrender::SoftRenderer::default())
        .build_eframe(|cc| {
            let mut app = App::new(cc, Some(file));
            prepare(&mut app);
            app
        })
}

/// Steps until something holds, as workers run beside.
pub fn wait(window: &mut Window, what: &str, holds: impl Fn(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        let log: Vec<_> = window.state().log.iter().map(|entry| &entry.text).collect();
        assert!(start.elapsed() < PATIENCE, "waited for {what}; log: {log:?}");
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    window.run_steps(3);
}

/// The same for a window of any kind.
pub fn wait_until<S>(window: &mut Harness<'_, S>, what: &str, holds: impl Fn(&S) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        assert!(start.elapsed() < PATIENCE, "waited for {what}");
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    window.run_steps(3);
}

pub fn opened(name: &str) -> Window {
    estimated(window(sample(name)))
}

/// The window once its model is estimated and answered.
pub fn estimated(mut window: Window) -> Window {
    wait(&mut window, "estimates and an answer", |app| {
        app.session.as_ref().is_some_and(|s| {
            s.has_estimates() && s.answer.as_ref().is_some_and(|a| a.fixed.is_some())
        })
    });
    window
}

pub fn cuts(window: &Window) -> Vec<usize> {
    window.state().session.as_ref().unwrap().cuts().to_vec()
}

pub fn drag(window: &mut Window, from: Pos2, by: Vec2) {
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    for part in 1..=8 {
        window.hover_at(from + by * (part as f32 / 8.0));
        window.step();
    }
    window.drop_at(from + by);
    window.run_steps(3);
}

/// A window whose proofs are made by the program that was built with this test.
pub fn proving(name: &str) -> Window {
    let mut window = opened(name);
    window.state_mut().prove_with(PathBuf::from(env!("CARGO_BIN_EXE_microtome")));
    window
}

/// Walks the tree that assistive technology sees.
pub fn unnamed(window: &Window) -> Vec<String> {
    fn visit(node: &egui_kittest::Node<'_>, found: &mut Vec<String>) {
        let it = node.accesskit_node();
        let interactive = it.data().supports_action(Action::Click)
            || matches!(
                it.role(),
                Role::Button
                    | Role::CheckBox
                    | Role::Slider
                    | Role::SpinButton
                    | Role::ComboBox
                    | Role::TextInput
                    | Role::Link
                    | Role::RadioButton
            );
        let named = it.label().is_some_and(|label| !label.trim().is_empty())
            || it.value().is_some_and(|value| !value.trim().is_empty());
        // The toolkit's scroll bars need no name, and neither do popups, which are only clicked to
        // bring them to the front.
        let popup = it.role() == Role::Unknown && node.children().next().is_some();
        if interactive && !named && !popup && it.role() != Role::ScrollBar {
            found.push(format!("{:?} at {:?}", it.role(), it.bounding_box()));
        }
        for child in node.children() {
            visit(&child, found);
        }
    }
    let mut found = Vec::new();
    visit(&window.root(), &mut found);
    found
}
