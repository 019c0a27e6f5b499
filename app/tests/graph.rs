//! Large graphs in the window: folded blocks, what is drawn from afar, and the boundaries between.

#[path = "common/network.rs"]
mod network;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::{Key, Modifiers, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use microtome_app::App;
use microtome_app::command::Command;
use network::Names;

type Window = Harness<'static, App>;

fn wait(window: &mut Window, what: &str, holds: impl Fn(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        let log: Vec<_> = window.state().log.iter().map(|entry| &entry.text).collect();
        assert!(start.elapsed() < Duration::from_secs(120), "waited for {what}; log: {log:?}");
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    window.run_steps(3);
}

/// Lets the layout arrive, which another thread makes.
fn settle(window: &mut Window) {
    for _ in 0..10 {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn window(file: PathBuf) -> Window {
    let mut window = Harness::builder()
        .with_size([1280.0, 800.0])
        .with_pixels_per_point(1.0)
        .with_step_dt(1.0 / 60.0)
        .renderer(softrender::SoftRenderer::default())
        .build_eframe(|cc| {
            let mut app = App::with(&cc.egui_ctx, Default::default());
            app.open_path(&file);
            app
        });
    wait(&mut window, "estimates", |app| app.session.as_ref().is_some_and(|s| s.has_estimates()));
    settle(&mut window);
    window
}

/// A window with a residual network of 202 nodes: large enough to begin folded.
fn residual(names: Names) -> Window {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("residual.onnx");
    std::fs::write(&path, network::residual(202, names)).unwrap();
    let mut window = window(path);
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(2);
    window.state_mut().ask(Command::FoldBlocks);
    window.state_mut().ask(Command::Fit);
    settle(&mut window);
    window
}

fn folded(window: &Window) -> Vec<std::ops::Range<usize>> {
    window.state().graph.as_ref().unwrap().folded_blocks().map(|(_, nodes)| nodes).collect()
}

fn cuts(window: &Window) -> Vec<usize> {
    window.state().session.as_ref().unwrap().cuts().to_vec()
}

fn is_there(window: &Window, label: &str) -> bool {
    window.query_by_label(label).is_some()
}

#[test]
fn a_large_model_begins_folded_and_a_button_opens_a_block() {
    let mut window = residual(Names::Scoped);
    assert_eq!(folded(&window).len(), 40);
    let block = window.get_by_label("Block layer0.0: 5 nodes").rect();
    assert!(!is_there(&window, "Node 0: Conv /layer0/layer0.0/conv1/Conv"));
    window.get_by_label("Unfold layer0.0").click();
    settle(&mut window);
    assert_eq!(folded(&window).len(), 39);
    let first = window.get_by_label("Node 0: Conv /layer0/layer0.0/conv1/Conv").rect();
    assert!((first.top() - block.top()).abs() < 1.0, "{first} where {block} was");
    window.get_by_label("Fold layer0.0").click();
    settle(&mut window);
    assert_eq!(folded(&window).len(), 40);
    assert!(
        (window.get_by_label("Block layer0.0: 5 nodes").rect().top() - block.top()).abs() < 1.0
    );
    window.try_run_realtime().expect("nothing asks for frames");
}

#[test]
fn keys_and_double_clicks_fold_too() {
    let mut window = residual(Names::Plain);
    let all = folded(&window).len();
    assert_eq!(all, 40, "structure finds what names don't tell");
    window.get_by_label("Block Residual block 2: 5 nodes").click();
    window.run_steps(2);
    assert_eq!(window.state().selection.block, Some((5, 10)));
    assert!(is_there(&window, "nodes 5–9 · slice 0"), "the side panel tells what it holds");
    window.key_press_modifiers(Modifiers::COMMAND, Key::U);
    settle(&mut window);
    assert_eq!(folded(&window).len(), all - 1);
    window.key_press_modifiers(Modifiers::COMMAND, Key::U);
    settle(&mut window);
    assert_eq!(folded(&window).len(), all);

    // A click long ago is no part of a double click.
    window.run_steps(60);
    let at = window.get_by_label("Block Residual block 2: 5 nodes").rect().center();
    let at = at - Vec2::new(40.0, 0.0);
    window.hover_at(at);
    for _ in 0..2 {
        window.drag_at(at);
        window.step();
        window.drop_at(at);
        window.step();
    }
    settle(&mut window);
    assert_eq!(folded(&window).len(), all - 1, "a double click opens");
    window.state_mut().ask(Command::UnfoldBlocks);
    settle(&mut window);
    assert!(folded(&window).is_empty());
    window.state_mut().ask(Command::FoldBlocks);
    settle(&mut window);
    assert_eq!(folded(&window).len(), all);
}

#[test]
fn folding_keeps_the_middle_of_the_view_where_it_is() {
    let mut window = residual(Names::Scoped);
    window.state_mut().ask(Command::UnfoldBlocks);
    settle(&mut window);
    // Look at a block in the middle of the model.
    window.state_mut().graph.as_mut().unwrap().look_at = Some(102);
    settle(&mut window);
    let middle = window.state().graph.as_ref().unwrap().area().center().y;
    window.state_mut().ask(Command::FoldBlocks);
    settle(&mut window);
    let block = window.get_by_label("Block layer0.20: 5 nodes").rect();
    assert!(block.y_range().contains(middle), "{block} is at {middle}");
}

#[test]
fn going_to_a_node_opens_its_block() {
    let mut window = residual(Names::Scoped);
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(4);
    window.event(egui::Event::Text("layer0.30/conv2".to_owned()));
    window.run_steps(4);
    window.key_press(Key::Enter);
    settle(&mut window);
    assert_eq!(window.state().selection.node, Some(152));
    assert_eq!(folded(&window).len(), 39);
    let area = window.state().graph.as_ref().unwrap().area();
    let node = window.get_by_label_contains("Node 152: Conv").rect();
    assert!(area.contains(node.center()) && node.height() > 25.0, "{node} in {area}");
}

#[test]
fn a_boundary_inside_a_block_keeps_it_open() {
    let mut window = residual(Names::Scoped);
    window.state_mut().session.as_mut().unwrap().add_cut(52);
    settle(&mut window);
    let inside = |window: &Window| folded(window).iter().any(|nodes| nodes.contains(&52));
    assert!(!inside(&window), "{:?}", folded(&window));
    window.state_mut().ask(Command::FoldBlocks);
    settle(&mut window);
    assert!(!inside(&window), "a cut is a line that no box crosses");
    assert_eq!(folded(&window).len(), 39);
    // Once the boundary is gone, the block can be folded.
    window.state_mut().ask(Command::Undo);
    window.state_mut().ask(Command::FoldBlocks);
    settle(&mut window);
    assert!(inside(&window));
}

#[test]
fn boundaries_move_over_folded_blocks_to_places_that_are_seen() {
    let mut window = residual(Names::Scoped);
    window.state_mut().session.as_mut().unwrap().add_cut(10);
    settle(&mut window);
    window.get_by_label("Slice boundary 1").click();
    window.run_steps(2);
    window.key_press(Key::ArrowDown);
    settle(&mut window);
    assert_eq!(cuts(&window), [15], "the keyboard goes to the next cut that is seen");
    assert_eq!(folded(&window).len(), 40);

    let from = window.get_by_label("Slice boundary 1").rect().center();
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    let mut places = Vec::new();
    for step in 1..=40 {
        window.hover_at(from + Vec2::new(0.0, 4.0 * step as f32));
        window.step();
        places.extend(cuts(&window));
        assert_eq!(folded(&window).len(), 40, "nothing opens under the pointer");
    }
    window.drop_at(from + Vec2::new(0.0, 160.0));
    settle(&mut window);
    assert!(places.iter().all(|cut| cut % 5 == 0), "{places:?}");
    assert!(cuts(&window)[0] > 15);
    // What no longer has a boundary inside is not folded behind the user's back.
    assert_eq!(folded(&window).len(), 40);
}

#[test]
fn a_small_model_is_drawn_as_it_is() {
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../samples/digits-resnet");
    let window = window(sample.join("model.onnx"));
    assert!(folded(&window).is_empty());
    assert!(window.query_by_label_contains("Fold ").is_none());
}

/// What can be clicked in the graph, from afar and from near.
#[test]
fn nodes_can_be_hit_until_only_bands_are_left() {
    let mut window = residual(Names::Scoped);
    window.state_mut().ask(Command::UnfoldBlocks);
    window.state_mut().ask(Command::Fit);
    settle(&mut window);
    let mut seen = Vec::new();
    for zoom in [1.0, 0.4, 0.2, 0.08] {
        let graph = window.state_mut().graph.as_mut().unwrap();
        let now = graph.camera.unwrap().zoom;
        graph.zoom_by(zoom / now);
        window.run_steps(3);
        seen.push(window.query_all_by_label_contains("Node ").count());
        let drawn = window.state().graph.as_ref().unwrap().drawings();
        window.run_steps(3);
        let again = window.state().graph.as_ref().unwrap().drawings();
        assert_eq!(drawn, again, "at zoom {zoom} nothing is drawn anew");
    }
    assert!(seen[0] > 0 && seen[0] < seen[1] && seen[1] < seen[2], "{seen:?}");
    assert_eq!(seen[3], 0);
    assert!(is_there(&window, "Slice 0"), "the table still names the slice");
}

#[test]
fn every_control_of_folded_blocks_has_a_name() {
    fn unnamed(node: &egui_kittest::Node<'_>) -> usize {
        let it = node.accesskit_node();
        let is_button = it.role() == egui::accesskit::Role::Button;
        let is_unnamed = is_button && it.label().is_none_or(|label| label.trim().is_empty());
        node.children().map(|child| unnamed(&child)).sum::<usize>() + usize::from(is_unnamed)
    }
    let mut window = residual(Names::Scoped);
    window.get_by_label("Unfold layer0.1").click();
    settle(&mut window);
    assert_eq!(unnamed(&window.root()), 0);
}
