//! A slice that is too large, split into tiles in the window, and that taken back.

mod common;

use common::{Window, estimated, opened, unnamed, wait};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use microtome_app::App;
use microtome_app::session::Session;

fn session(app: &App) -> &Session {
    app.session.as_ref().unwrap()
}

fn nodes(window: &Window) -> usize {
    session(window.state()).graph.nodes.len()
}

/// Undoes, or with Shift does again, and waits for what that brings.
fn step(window: &mut Window, more: Modifiers, is_there: impl Fn(&App) -> bool) {
    window.key_press_modifiers(Modifiers::COMMAND | more, Key::Z);
    wait(window, "the step", |app| is_there(app) && session(app).has_estimates());
}

#[test]
fn a_slice_that_is_too_large_is_split_and_that_is_undone() {
    let mut window = opened("digits-lenet");
    assert!(window.query_by_label("Split into tiles").is_none(), "all slices fit");
    let before = nodes(&window);
    let peaks = |app: &App| -> Vec<u64> {
        let rows = session(app).rows().iter();
        rows.filter_map(|row| row.prediction.as_ref().map(|p| p.peak_bytes)).collect()
    };
    let most = peaks(window.state()).into_iter().max().unwrap();
    window.state_mut().shown_memory = Some(most - 1);
    window.run_steps(2);
    assert_eq!(unnamed(&window), Vec::<String>::new());
    window.get_by_label("Split into tiles").click();
    wait(&mut window, "tiles", |app| !session(app).graph.splits().is_empty());
    let mut window = estimated(window);

    let split = session(window.state()).graph.splits();
    let (head, how) = split.0.first_key_value().unwrap();
    assert!(nodes(&window) > before, "{head} {how}");
    let tile = format!("{head} {} 0..", how.axis.name());
    let graph = &session(window.state()).graph;
    assert!(graph.nodes.iter().any(|node| node.name.starts_with(&tile)));
    let slices = session(window.state()).cuts().len() + 1;
    assert!(slices > how.parts, "each tile is a slice: {slices}");
    let said = |text: &str| window.state().log.iter().any(|entry| entry.text.contains(text));
    assert!(said(&format!("Split {head:?} into {} by", how.parts)));

    step(&mut window, Modifiers::NONE, |app| session(app).graph.splits().is_empty());
    assert_eq!(nodes(&window), before);
    step(&mut window, Modifiers::SHIFT, |app| !session(app).graph.splits().is_empty());
    assert_eq!(session(window.state()).graph.splits(), split);

    // What is kept of the model says how it was split.
    let project = window.state().project().unwrap();
    assert_eq!(project.model.splits, split);
    assert_eq!(project.plans[0].plan.splits, split);
    assert_eq!(project.model.digest, session(window.state()).graph.file_digest());
}
