//! Slices made by hand in the window: boundaries dragged, several at a time, and nodes that become
//! a slice.

mod common;

use std::collections::BTreeSet;

use common::{Window, cuts, drag, opened, unnamed, wait};
use egui::accesskit::Toggled;
use egui::{Event, Key, Modifiers, Pos2, Rect, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use microtome_app::command::Command;
use microtome_app::graph_view::ColorBy;

/// Presses modifiers and keeps them down, or lets them go.
fn hold(window: &mut Window, modifiers: Modifiers) {
    window.event(Event::ModifiersChanged(modifiers));
    window.step();
}

fn handle(window: &Window, number: usize) -> Rect {
    window.get_by_label(&format!("Slice boundary {number}")).rect()
}

fn node(window: &Window, index: usize) -> Rect {
    window.get_by_label_contains(&format!("Node {index}: ")).rect()
}

/// Clicks at a place with modifiers held down all the while.
fn click(window: &mut Window, at: Pos2, modifiers: Modifiers) {
    hold(window, modifiers);
    window.hover_at(at);
    window.step();
    window.drag_at(at);
    window.step();
    window.drop_at(at);
    window.step();
    hold(window, Modifiers::NONE);
    window.run_steps(2);
}

/// Draws a rubber band over these nodes and no others.
fn band(window: &mut Window, first: usize, last: usize) {
    let (top, bottom) = (node(window, first), node(window, last));
    let from = Pos2::new(top.right() + 12.0, top.center().y);
    let to = Pos2::new(bottom.left() - 6.0, bottom.center().y);
    hold(window, Modifiers::SHIFT);
    drag(window, from, to - from);
    hold(window, Modifiers::NONE);
    window.run_steps(2);
}

fn picked(window: &Window) -> BTreeSet<usize> {
    window.state().picked.cuts(window.state().selection)
}

fn can_undo(window: &Window) -> bool {
    window.state().session.as_ref().unwrap().can_undo()
}

fn undo(window: &mut Window) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(2);
}

#[test]
fn a_boundary_that_is_dragged_out_is_removed_in_one_step() {
    for sideways in [140.0, -520.0] {
        let mut window = opened("digits-lenet");
        let before = cuts(&window);
        let from = handle(&window, 1).center();
        window.hover_at(from);
        window.step();
        window.drag_at(from);
        window.step();
        // It moves a little first, which is a part of the same step.
        for by in [Vec2::new(0.0, -40.0), Vec2::new(0.0, -80.0), Vec2::new(sideways, -80.0)] {
            window.hover_at(from + by);
            window.step();
        }
        window.run_steps(2);
        assert!(window.query_by_label("Release to remove").is_some());
        assert!(window.query_by_label("Slices 0 and 1 become one.").is_some());
        assert_eq!(cuts(&window).len(), before.len(), "nothing is removed yet");
        window.drop_at(from + Vec2::new(sideways, -80.0));
        window.run_steps(3);
        assert_eq!(cuts(&window), before[1..]);
        undo(&mut window);
        assert_eq!(cuts(&window), before, "one undo brings it back to where it was");
        assert!(!can_undo(&window));
    }
}

#[test]
fn escape_keeps_a_boundary_that_is_dragged_out() {
    let mut window = opened("digits-lenet");
    let before = cuts(&window);
    let from = handle(&window, 1).center();
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    for by in [Vec2::new(60.0, 0.0), Vec2::new(140.0, -60.0)] {
        window.hover_at(from + by);
        window.step();
    }
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert!(window.query_by_label("Release to remove").is_none());
    window.drop_at(from + Vec2::new(140.0, -60.0));
    window.run_steps(3);
    assert_eq!(cuts(&window), before);
    assert!(!can_undo(&window));
}

#[test]
fn a_handle_follows_the_pointer_and_shift_snaps_to_cheap_cuts() {
    let mut window = opened("digits-lenet");
    window.state_mut().session.as_mut().unwrap().merge_all();
    let session = window.state().session.as_ref().unwrap();
    let (legal, cheap) = (session.legal_cuts().to_vec(), session.cheap_cuts().to_vec());
    assert!(!cheap.is_empty() && cheap.len() < legal.len());
    window.state_mut().session.as_mut().unwrap().add_cut(cheap[0]);
    window.run_steps(3);
    let from = handle(&window, 1).center();
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    let mut plain = BTreeSet::new();
    for modifiers in [Modifiers::NONE, Modifiers::SHIFT] {
        hold(&mut window, modifiers);
        for y in (80..=520).step_by(10) {
            let to = Pos2::new(from.x, y as f32);
            window.hover_at(to);
            window.run_steps(2);
            let middle = handle(&window, 1).center().y;
            assert!((middle - to.y).abs() < 1.0, "the handle is at {middle}, not at {}", to.y);
            let cut = cuts(&window)[0];
            if modifiers.shift {
                assert!(cheap.contains(&cut), "{cut} is not among {cheap:?}");
            } else {
                plain.insert(cut);
            }
        }
    }
    assert!(plain.iter().any(|cut| !cheap.contains(cut)), "without Shift it snaps to {plain:?}");
    assert!(window.query_by_label_contains("Linking: ").is_some());
    assert!(window.query_by_label_contains("Shift: only cuts that are cheaper").is_some());
    // Let go, the handle sits on its line.
    window.drop_at(from);
    window.run_steps(3);
    let line = window.state().graph.as_ref().unwrap().cut_on_screen(cuts(&window)[0]).unwrap();
    assert!((handle(&window, 1).center().y - line.y).abs() < 1.0);
}

#[test]
fn several_boundaries_are_moved_locked_and_removed_as_one_step() {
    let mut window = opened("digits-lenet");
    let before = cuts(&window);
    assert_eq!(before.len(), 2);
    let at = handle(&window, 1).center();
    click(&mut window, at, Modifiers::NONE);
    let at = handle(&window, 2).center();
    click(&mut window, at, Modifiers::COMMAND);
    assert_eq!(picked(&window), before.iter().copied().collect());
    assert!(window.query_by_label("2 boundaries selected").is_some());
    for number in [1, 2] {
        let label = format!("Slice boundary {number}");
        let toggled = window.get_by_label(&label).accesskit_node().toggled();
        assert_eq!(toggled, Some(Toggled::True), "{label} is announced as selected");
    }
    assert_eq!(unnamed(&window), Vec::<String>::new());

    window.key_press(Key::ArrowUp);
    window.run_steps(3);
    let moved = cuts(&window);
    assert!(moved.iter().zip(&before).all(|(now, was)| now < was), "{before:?} to {moved:?}");
    assert_eq!(picked(&window), moved.iter().copied().collect(), "they stay selected");
    window.key_press(Key::L);
    window.run_steps(3);
    window.key_press(Key::Delete);
    window.run_steps(3);
    assert_eq!(cuts(&window), moved, "locked boundaries stay");
    assert!(window.query_by_label("2 boundaries selected, 2 locked").is_some());
    window.key_press(Key::L);
    window.run_steps(3);
    window.key_press(Key::Delete);
    window.run_steps(3);
    assert!(cuts(&window).is_empty() && picked(&window).is_empty());
    undo(&mut window);
    assert_eq!(cuts(&window), moved, "one undo brings both back");
    for _ in 0..3 {
        undo(&mut window);
    }
    assert_eq!(cuts(&window), before);
    assert!(!can_undo(&window));
}

#[test]
fn a_click_with_shift_lets_one_of_several_go() {
    let mut window = opened("digits-lenet");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(3);
    assert_eq!(picked(&window), cuts(&window).into_iter().collect());
    // The keys work at once, as one of them has the focus.
    let before = cuts(&window);
    window.key_press(Key::ArrowDown);
    window.run_steps(3);
    assert_ne!(cuts(&window), before);
    let at = handle(&window, 1).center();
    click(&mut window, at, Modifiers::SHIFT);
    assert_eq!(picked(&window), BTreeSet::from([cuts(&window)[1]]));
    assert!(window.query_by_label_contains("boundaries selected").is_none());
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(3);
    // Dragging one of several leaves the others where they are, and all of them selected.
    let other = cuts(&window)[1];
    let at = handle(&window, 1).center();
    drag(&mut window, at, Vec2::new(0.0, -90.0));
    assert_eq!(cuts(&window)[1], other);
    assert_eq!(picked(&window), cuts(&window).into_iter().collect());
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(picked(&window).is_empty());
}

#[test]
fn nodes_in_a_box_become_a_slice() {
    let mut window = opened("digits-lenet");
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    band(&mut window, 2, 4);
    let nodes: Vec<_> = window.state().picked.nodes().iter().copied().collect();
    assert_eq!(nodes, [2, 3, 4]);
    wait(&mut window, "the costs of the selection", |app| {
        let session = app.session.as_ref().unwrap();
        session.group(app.picked.nodes()).estimate.is_some()
    });
    assert!(window.query_by_label_contains("3 nodes · ").is_some());
    assert_eq!(unnamed(&window), Vec::<String>::new());
    window.get_by_label("Make this a slice").click();
    window.run_steps(4);
    assert_eq!(cuts(&window), [2, 5]);
    assert_eq!(window.state().selection.slice, Some(1));
    assert!(window.query_by_label("Make this a slice").is_none());
    undo(&mut window);
    assert!(cuts(&window).is_empty(), "one undo takes both boundaries back");
}

#[test]
fn a_range_of_nodes_becomes_a_slice_by_keys() {
    let mut window = opened("digits-lenet");
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    let at = node(&window, 1).center();
    click(&mut window, at, Modifiers::NONE);
    let at = node(&window, 3).center();
    click(&mut window, at, Modifiers::SHIFT);
    assert_eq!(window.state().picked.nodes().len(), 3);
    window.key_press_modifiers(Modifiers::COMMAND, Key::G);
    window.run_steps(3);
    assert_eq!(cuts(&window), [1, 4]);
}

#[test]
fn nodes_that_cant_be_a_slice_say_why() {
    let mut window = opened("digits-lenet");
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    let pick = |window: &mut Window, nodes: &[usize]| {
        let app = window.state_mut();
        app.picked.set_nodes(&mut app.selection, nodes.iter().copied().collect());
        window.run_steps(3);
    };
    pick(&mut window, &[1, 3]);
    let op = window.state().session.as_ref().unwrap().graph.nodes[2].op.clone();
    let reason = format!("Slices are contiguous: {op} 2 lies between and is not selected.");
    assert!(window.query_by_label(&reason).is_some(), "{reason}");
    let button = window.get_by_label("Make this a slice");
    assert!(button.accesskit_node().is_disabled());
    window.state_mut().ask(Command::MakeSlice);
    window.run_steps(3);
    assert!(cuts(&window).is_empty());

    let session = window.state_mut().session.as_mut().unwrap();
    session.add_cut(3);
    session.toggle_lock(3);
    band(&mut window, 2, 4);
    let reason = "Boundary 1 is locked inside the selection: unlock it first.";
    assert!(window.query_by_label(reason).is_some());
    window.get_by_label("Clear").click();
    window.run_steps(3);
    assert!(window.state().picked.nodes().is_empty());
    assert!(window.query_by_label(reason).is_none());
}

#[test]
fn shares_of_slices_are_told_and_clicked() {
    let mut window = opened("digits-lenet");
    for of in ["the MACs", "the predicted seconds"] {
        for slice in 0..3 {
            let start = format!("Slice {slice}: ");
            let found = window
                .query_all_by_label_contains(of)
                .any(|node| node.accesskit_node().label().unwrap().starts_with(&start));
            assert!(found, "{start}of {of}");
        }
    }
    let bar = window
        .query_all_by_label_contains("of the MACs")
        .find(|node| node.accesskit_node().label().unwrap().starts_with("Slice 1: "));
    bar.unwrap().click();
    window.run_steps(3);
    assert_eq!(window.state().selection.slice, Some(1));
}

#[test]
fn nodes_are_coloured_by_their_quantisation_error() {
    let mut window = opened("digits-lenet");
    let session = window.state().session.as_ref().unwrap();
    let errors: Vec<_> = (0..session.graph.nodes.len()).map(|n| session.node_error(n)).collect();
    assert!(errors.iter().all(|e| e.is_some_and(|e| e < 0.05)), "{errors:?}");
    window.state_mut().ask(Command::ColorBy(ColorBy::Error));
    window.run_steps(4);
    assert!(window.query_by_label_contains("Quantisation error of this case").is_some());
    window.state_mut().selection.node = Some(0);
    window.run_steps(3);
    assert!(window.query_by_label_contains("quantisation error").is_some());
}
