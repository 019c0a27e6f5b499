//! The window, driven as a user drives it, without a display.

mod common;

use std::time::{Duration, Instant};

use common::{Window, cuts, drag, opened, proving, sample, unnamed, wait, window};
use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use microtome_app::app::{App, BottomTab};
use microtome_app::command::Command;
use microtome_app::graph_view::ColorBy;
use microtome_app::panels::charts::ChartTab;
use microtome_app::run_view::{State, Status};
use microtome_engine::attack::{Attack, Found};
use microtome_engine::prove::{Shape, System};
use microtome_engine::run::Piece;

#[test]
fn a_sample_opens_with_estimates_and_an_answer() {
    let window = opened("digits-cnn");
    let session = window.state().session.as_ref().unwrap();
    assert_eq!(session.rows().len(), session.cuts().len() + 1);
    assert!(session.rows().iter().all(|row| row.circuit.is_some() && row.prediction.is_some()));
    let answer = session.answer.as_ref().unwrap();
    assert_eq!(answer.problem, None);
    assert!(answer.fidelity.as_ref().unwrap().argmax_agrees);
    assert!(window.query_by_label("Slice boundary 1").is_some());
}

#[test]
fn a_boundary_is_dragged_and_undone_in_one_step() {
    let mut window = opened("digits-cnn");
    let before = cuts(&window);
    let from = window.get_by_label("Slice boundary 1").rect().center();
    drag(&mut window, from, Vec2::new(0.0, -90.0));
    let after = cuts(&window);
    assert!(after[0] < before[0], "{before:?} became {after:?}");
    assert_eq!(after[1..], before[1..]);
    assert!(window.state().session.as_ref().unwrap().has_estimates());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(2);
    assert_eq!(cuts(&window), before, "one undo takes the whole drag back");
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.run_steps(2);
    assert_eq!(cuts(&window), after);
}

#[test]
fn escape_gives_a_drag_up() {
    let mut window = opened("digits-cnn");
    let before = cuts(&window);
    let from = window.get_by_label("Slice boundary 1").rect().center();
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    for dy in [-20.0, -50.0, -90.0] {
        window.hover_at(from + Vec2::new(0.0, dy));
        window.step();
    }
    assert_ne!(cuts(&window), before);
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert_eq!(cuts(&window), before);
    window.drop_at(from + Vec2::new(0.0, -90.0));
    window.run_steps(2);
    assert_eq!(cuts(&window), before);
    assert!(!window.state().session.as_ref().unwrap().can_undo());
}

#[test]
fn keys_move_remove_and_lock_a_boundary() {
    let mut window = opened("digits-cnn");
    let before = cuts(&window);
    window.get_by_label("Slice boundary 1").click();
    window.run_steps(2);
    assert_eq!(window.state().selection.cut, Some(before[0]));
    window.key_press(Key::ArrowUp);
    window.run_steps(2);
    assert!(cuts(&window)[0] < before[0]);
    window.key_press(Key::ArrowDown);
    window.run_steps(2);
    assert_eq!(cuts(&window), before);
    window.key_press(Key::L);
    window.run_steps(2);
    window.key_press(Key::Delete);
    window.run_steps(2);
    assert_eq!(cuts(&window), before, "a locked boundary stays");
    window.key_press(Key::L);
    window.run_steps(2);
    window.key_press(Key::Delete);
    window.run_steps(2);
    assert_eq!(cuts(&window), before[1..]);
}

#[test]
fn a_double_click_in_a_gap_adds_a_boundary() {
    let mut window = opened("digits-cnn");
    let before = cuts(&window);
    let session = window.state().session.as_ref().unwrap();
    let free = session.legal_cuts().iter().copied().find(|c| !before.contains(c)).unwrap();
    let at = window.state().graph.as_ref().unwrap().cut_on_screen(free).unwrap();
    let at = Pos2::new(at.x - 180.0, at.y);
    window.hover_at(at);
    window.run_steps(2);
    for _ in 0..2 {
        window.drag_at(at);
        window.step();
        window.drop_at(at);
        window.step();
    }
    window.run_steps(2);
    assert!(cuts(&window).contains(&free), "{:?} has no {free}", cuts(&window));
    assert_eq!(cuts(&window).len(), before.len() + 1);
}

#[test]
fn a_node_that_is_clicked_is_inspected() {
    let mut window = opened("digits-cnn");
    let label = {
        let session = window.state().session.as_ref().unwrap();
        let node = &session.graph.nodes[0];
        format!("Node 0: {} {}", node.op, node.name)
    };
    window.get_by_label(&label).click();
    window.run_steps(2);
    assert_eq!(window.state().selection.node, Some(0));
}

#[test]
fn balance_and_merge_are_steps() {
    let mut window = opened("digits-lenet");
    let before = cuts(&window);
    window.state_mut().settings.balance.slices = 4;
    window.state_mut().ask(Command::Balance);
    wait(&mut window, "four slices", |app| app.session.as_ref().unwrap().cuts().len() == 3);
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    assert!(cuts(&window).is_empty());
    window.state_mut().ask(Command::Undo);
    window.state_mut().ask(Command::Undo);
    window.run_steps(3);
    assert_eq!(cuts(&window), before);
}

#[test]
fn an_idle_window_rests() {
    let mut window = opened("digits-lenet");
    window.run_steps(20);
    let drawn = window.state().graph.as_ref().unwrap().drawings();
    window.try_run_realtime().expect("nothing asks for frames");
    for _ in 0..10 {
        window.step();
    }
    let again = window.state().graph.as_ref().unwrap().drawings();
    assert_eq!(again, drawn, "nothing changed, so nothing is drawn anew");
}

#[test]
fn frames_go_on_while_a_model_is_opened() {
    let start = Instant::now();
    let mut window = window(sample("digits-lenet"));
    let (mut frames, mut slowest) = (0, Duration::ZERO);
    while start.elapsed() < Duration::from_secs(120)
        && !window.state().session.as_ref().is_some_and(|s| s.has_estimates())
    {
        let frame = Instant::now();
        window.step();
        slowest = slowest.max(frame.elapsed());
        frames += 1;
    }
    let total = start.elapsed();
    assert!(window.state().session.as_ref().is_some_and(|s| s.has_estimates()));
    // One frame lays out all text for the first time, which a test build does slowly.
    assert!(frames > 5 && slowest < total / 2, "{frames} frames, {slowest:?} of {total:?}");
}

#[test]
fn what_is_no_model_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.onnx");
    std::fs::write(&path, b"not a model").unwrap();
    let mut window = window(path);
    wait(&mut window, "an entry in the log", |app| !app.log.is_empty());
    assert!(window.state().session.is_none());
    let text = &window.state().log[0].text;
    assert!(text.contains("broken"), "{text}");
}

#[test]
fn every_control_has_a_name() {
    let mut window = opened("digits-lenet");
    assert_eq!(unnamed(&window), Vec::<String>::new(), "after opening");
    for label in ["Verify", "Tamper", "Log", "Jobs"] {
        let tab = window
            .query_all_by_label(label)
            .find(|n| n.accesskit_node().role() == Role::RadioButton);
        tab.unwrap().click();
        window.run_steps(3);
        assert_eq!(unnamed(&window), Vec::<String>::new(), "tab {label}");
    }
    for menu in ["File", "Edit", "Plan", "Prove", "View", "Help"] {
        let button = window
            .query_all_by_label(menu)
            .find(|n| n.rect().top() < 40.0 && n.rect().left() < 500.0);
        button.unwrap().click();
        window.run_steps(4);
        assert_eq!(unnamed(&window), Vec::<String>::new(), "menu {menu}");
        window.key_press(Key::Escape);
        window.run_steps(3);
    }
    window.state_mut().ask(Command::About);
    window.run_steps(3);
    assert_eq!(unnamed(&window), Vec::<String>::new(), "about");
}

#[test]
fn a_slice_is_proven_and_its_bundle_is_accepted_again_from_a_file() {
    let mut window = proving("digits-cnn");
    let slices = cuts(&window).len() + 1;
    // The last slice alone: the smallest circuit.
    window.state_mut().ask(Command::ProveNone);
    window.run_steps(2);
    window.get_by_label(&format!("Prove slice {}", slices - 1)).click();
    window.run_steps(2);
    assert_eq!(window.state().marked().into_iter().collect::<Vec<_>>(), [slices - 1]);
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    let session = window.state().session.as_ref().unwrap();
    let measured = session.measured(slices - 1).expect("it was measured");
    assert!(measured.prove_secs > 0.0 && measured.proof_bytes > 0);
    assert_eq!(unnamed(&window), Vec::<String>::new(), "after proving");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits.bundle");
    window.state().session.as_ref().unwrap().bundle().unwrap().write(&path).unwrap();
    window.state_mut().verified = None;
    window.state_mut().open_path(&path);
    wait(&mut window, "the verdict on the file", |app| app.verified.is_some());
    let verified = window.state().verified.as_ref().unwrap();
    assert!(verified.verdict.linked && verified.verdict.reasons.is_empty());
    assert_eq!(verified.from, "digits.bundle");
}

/// Opens a list and chooses from it.
fn choose(window: &mut Window, list: &str, choice: &str) {
    window.get_by_label(list).click();
    window.run_steps(4);
    assert_eq!(unnamed(window), Vec::<String>::new(), "list {list}");
    window.get_by_label(choice).click();
    window.run_steps(4);
}

const ALL_HALO2: &str = "Proof system of all slices: halo2, zero knowledge";
const ALL_WHIR: &str = "Proof system of all slices: whir, integrity only";
const MIXED: &str = "Proof system of all slices: mixed, some tensors public";

fn systems(window: &Window) -> Vec<System> {
    let session = window.state().session.as_ref().unwrap();
    (0..=session.cuts().len()).map(|slice| session.system(slice)).collect()
}

#[test]
fn all_slices_are_proven_by_the_other_system() {
    let mut window = proving("digits-cnn");
    let slices = cuts(&window).len() + 1;
    choose(&mut window, ALL_HALO2, "whir, integrity only");
    assert_eq!(systems(&window), vec![System::Whir; slices]);
    wait(&mut window, "estimates", |app| app.session.as_ref().unwrap().has_estimates());
    let session = window.state().session.as_ref().unwrap();
    let whole = session.whole().unwrap();
    for row in session.rows().iter().chain([whole]) {
        assert!(matches!(row.circuit, Some(Shape::Whir(_))), "{:?}", row.circuit);
        assert_eq!(row.system, System::Whir);
    }
    assert!(window.query_by_label(ALL_WHIR).is_some());
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    let verdict = &window.state().verified.as_ref().unwrap().verdict;
    assert!(verdict.accepted && verdict.output_proven, "{:?}", verdict.reasons);
    assert!(verdict.slices.iter().all(|slice| slice.system == System::Whir));
    let session = window.state().session.as_ref().unwrap();
    assert!((0..slices).all(|slice| session.state(Piece::Slice(slice)) == Some(&State::Verified)));

    // Results are those of a system: by the other one nothing was proven yet.
    window.state_mut().ask(Command::UseHalo2);
    window.run_steps(3);
    let session = window.state().session.as_ref().unwrap();
    for piece in (0..slices).map(Piece::Slice).chain([Piece::Whole]) {
        assert_eq!(session.state(piece), None);
    }
    assert!((0..slices).all(|slice| session.measured(slice).is_none()));
    assert!(session.whole_measured().is_none());

    // The chart of the systems remembers both.
    wait(&mut window, "both estimates", |app| app.session.as_ref().unwrap().systems().is_some());
    let data = window.state().session.as_ref().unwrap().systems().unwrap();
    assert_eq!(data.pieces.len(), slices + 1);
    for piece in &data.pieces {
        let [halo2, whir] = piece.prove_secs;
        assert!(halo2.predicted.is_some() && halo2.measured.is_none(), "{piece:?}");
        assert!(whir.predicted.is_some() && whir.measured.is_some(), "{piece:?}");
    }
    window.state_mut().settings.chart = ChartTab::Systems;
    window.run_steps(3);
    assert!(window.query_by_label("Proof systems").is_some());
}

#[test]
fn one_slice_is_proven_by_another_system_and_taken_back() {
    let mut window = proving("digits-cnn");
    let slices = cuts(&window).len() + 1;
    choose(&mut window, "Proof system of slice 0: halo2", "whir, integrity only");
    let mut mixed = vec![System::Halo2; slices];
    mixed[0] = System::Whir;
    assert_eq!(systems(&window), mixed);
    window.get_by_label(MIXED).click();
    window.run_steps(4);
    assert!(window.query_by_label_contains("mixed: ").is_some());
    window.key_press(Key::Escape);
    window.run_steps(3);

    window.state_mut().session.as_mut().unwrap().whole_too = false;
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    let verdict = &window.state().verified.as_ref().unwrap().verdict;
    assert!(verdict.accepted && verdict.linked, "{:?}", verdict.reasons);
    let proven: Vec<_> = verdict.slices.iter().map(|slice| slice.system).collect();
    assert_eq!(proven, mixed);

    window.state_mut().ask(Command::Undo);
    window.run_steps(3);
    assert_eq!(systems(&window), vec![System::Halo2; slices]);
    let session = window.state().session.as_ref().unwrap();
    assert_eq!(session.state(Piece::Slice(0)), None, "it was proven by whir");
    assert_eq!(session.state(Piece::Slice(1)), Some(&State::Verified));
    window.state_mut().ask(Command::Redo);
    window.run_steps(3);
    assert_eq!(systems(&window), mixed);
}

#[test]
fn both_parts_of_a_slice_that_is_cut_keep_its_system() {
    let mut window = opened("digits-cnn");
    let session = window.state().session.as_ref().unwrap();
    let is_free = |cut: &usize| !session.cuts().contains(cut);
    let free = session.legal_cuts().iter().copied().find(is_free).unwrap();
    let slice = session.slice_of_node(free);
    let mut expected = systems(&window);
    window.state_mut().selection.slice = Some(slice);
    window.state_mut().ask(Command::NextSystem);
    window.run_steps(3);
    window.state_mut().session.as_mut().unwrap().add_cut(free);
    window.run_steps(3);
    expected.splice(slice..=slice, [System::Whir; 2]);
    assert_eq!(systems(&window), expected);
}

#[test]
fn a_run_is_cancelled_at_once() {
    let mut window = proving("digits-lenet");
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "the run", |app| app.session.as_ref().unwrap().is_proving());
    let start = Instant::now();
    window.state_mut().ask(Command::Cancel);
    wait(&mut window, "its end", |app| !app.session.as_ref().unwrap().is_proving());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(window.state().session.as_ref().unwrap().bundle().is_none());
}

#[test]
fn a_run_that_is_too_large_offers_the_cut_that_helps() {
    let mut window = proving("digits-lenet");
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    let cut = Command::CutToFit.text();
    assert!(window.query_by_label(cut).is_none(), "nothing was refused yet");
    wait(&mut window, "estimates", |app| app.session.as_ref().unwrap().has_estimates());
    let whole = window.state().session.as_ref().unwrap().whole().unwrap().clone();
    let allowed = whole.prediction.as_ref().unwrap().peak_bytes - 1;
    window.state_mut().shown_memory = Some(allowed);
    window.state_mut().ask(Command::Prove);
    let failed = |app: &App| {
        let run = app.session.as_ref().and_then(|session| session.run.as_ref());
        run.is_some_and(|run| matches!(&run.status, Status::Failed(why) if why.contains("cut")))
    };
    wait(&mut window, "the refusal", failed);
    window.get_by_label(cut).click();
    window.run_steps(3);
    assert_eq!(cuts(&window).len(), 1);
    wait(&mut window, "estimates", |app| app.session.as_ref().unwrap().has_estimates());
    for row in window.state().session.as_ref().unwrap().rows() {
        assert!(row.prediction.as_ref().unwrap().peak_bytes <= allowed);
    }
    assert!(window.query_by_label(cut).is_none(), "the plan is another one now");
    window.state_mut().ask(Command::Undo);
    window.run_steps(3);
    assert!(cuts(&window).is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_proven_again_finds_its_keys() {
    let mut window = proving("digits-mlp");
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    window.state_mut().session.as_mut().unwrap().whole_too = false;
    for again in [false, true] {
        window.state_mut().verified = None;
        window.state_mut().ask(Command::Prove);
        wait(&mut window, "a verdict", |app| app.verified.is_some());
        let session = window.state().session.as_ref().unwrap();
        assert_eq!(session.measured(0).unwrap().keys_reused, again);
        window.state_mut().bottom = BottomTab::Jobs;
        window.run_steps(3);
        assert_eq!(window.query_by_label_contains("keys kept").is_some(), again);
        window.state_mut().ask(Command::NextCase);
        wait(&mut window, "an answer", |app| app.session.as_ref().unwrap().answer.is_some());
    }
}

#[test]
fn every_attack_on_a_bundle_is_caught() {
    let mut window = proving("digits-cnn");
    let tab = |window: &mut Window| {
        window.get_by_label("Tamper").click();
        window.run_steps(3);
    };
    tab(&mut window);
    assert!(window.query_by_label("Try all").is_none(), "there is no bundle yet");
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(3);
    window.state_mut().session.as_mut().unwrap().whole_too = false;
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    tab(&mut window);
    assert_eq!(unnamed(&window), Vec::<String>::new(), "tamper desk");

    window.get_by_label("Flip a bit of a proof").click_accesskit();
    wait(&mut window, "one attempt", |app| app.tamper.attempts.len() == 1);
    window.get_by_label("Try all").click();
    window.run_steps(2);
    wait(&mut window, "all attempts", |app| !app.tamper.is_busy());
    let tamper = &window.state().tamper;
    assert_eq!(tamper.honest, Some(Ok(())));
    assert_eq!(tamper.attempts.len(), Attack::ALL.len());
    for (attack, found) in &tamper.attempts {
        assert!(matches!(found, Found::Caught(_)), "{attack}: {found:?}");
    }
    assert_eq!(window.query_all_by_label("caught").count(), Attack::ALL.len());
    assert!(window.query_by_label("ACCEPTED").is_none());
    assert_eq!(window.query_all_by_label("accepted").count(), 1);
    assert_eq!(unnamed(&window), Vec::<String>::new(), "after the attacks");
    window.try_run_realtime().expect("nothing asks for frames");
}

#[test]
fn a_plan_is_opened_again() {
    let mut window = opened("digits-cnn");
    let text = window.state().session.as_ref().unwrap().plan_text().unwrap();
    let before = cuts(&window);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    std::fs::write(&path, text).unwrap();
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(2);
    window.state_mut().open_path(&path);
    window.run_steps(2);
    assert_eq!(cuts(&window), before);
}

/// Opens the palette with a key and types into it.
fn search(window: &mut Window, key: Key, query: &str) {
    window.key_press_modifiers(Modifiers::COMMAND, key);
    window.run_steps(4);
    assert!(window.query_by_label("Search commands and nodes").is_some());
    window.event(egui::Event::Text(query.to_owned()));
    window.run_steps(4);
    assert_eq!(unnamed(window), Vec::<String>::new(), "palette");
}

#[test]
fn the_palette_goes_to_a_node_by_keyboard_alone() {
    let mut window = opened("digits-lenet");
    let convs: Vec<_> = {
        let nodes = &window.state().session.as_ref().unwrap().graph.nodes;
        (0..nodes.len()).filter(|&n| nodes[n].op == "Conv").collect()
    };
    search(&mut window, Key::K, "conv");
    window.key_press(Key::ArrowDown);
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert_eq!(window.state().selection.node, Some(convs[1]), "they are listed in order");
    assert!(window.query_by_label("Search commands and nodes").is_none());
    let label = format!("Node {}: Conv", convs[1]);
    let node = window.get_by_label_contains(&label).rect();
    assert!(node.height() > 25.0, "it is large enough to read: {node}");

    // The other key opens it too, and Escape leaves everything as it is.
    search(&mut window, Key::P, "gemm");
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(window.query_by_label("Search commands and nodes").is_none());
    assert_eq!(window.state().selection.node, Some(convs[1]));
    window.try_run_realtime().expect("nothing asks for frames");
}

#[test]
fn the_palette_runs_a_command_and_colours_the_nodes() {
    let mut window = opened("digits-lenet");
    search(&mut window, Key::K, "merge all");
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert!(cuts(&window).is_empty());

    assert!(window.query_by_label_contains("Colours of nodes").is_none());
    search(&mut window, Key::K, "colour by macs");
    window.get_by_label("Command: Colour nodes by MACs").click();
    window.run_steps(4);
    let legend = "Colours of nodes: MACs from ";
    assert!(window.query_by_label_contains(legend).is_some());
    window.try_run_realtime().expect("colours ask for no frames");
    wait(&mut window, "verdicts", |app| app.session.as_ref().unwrap().provability.is_some());
    for (by, text) in [
        (ColorBy::Params, "Parameters from "),
        (ColorBy::Bytes, "Activation bytes from "),
        (ColorBy::Seconds, "Predicted seconds by halo2 from "),
        (ColorBy::Slice, "slices 0 to 0"),
    ] {
        window.state_mut().ask(Command::ColorBy(by));
        window.run_steps(4);
        assert!(window.query_by_label_contains(text).is_some(), "{by:?}");
    }
    window.state_mut().ask(Command::ColorBy(ColorBy::Operator));
    window.run_steps(4);
    assert!(window.query_by_label_contains("Colours of nodes").is_none());
}

#[test]
fn what_cant_be_proven_leads_to_its_node_and_the_reason() {
    // An operator of the same length that no system proves.
    let mut bytes = std::fs::read(sample("digits-cnn")).unwrap();
    let relu = bytes.windows(6).position(|part| part == b"\x22\x04Relu").unwrap();
    bytes[relu + 2..relu + 6].copy_from_slice(b"Sinh");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    let mut window = window(path);
    wait(&mut window, "the model", |app| app.session.is_some());
    let session = window.state().session.as_ref().unwrap();
    let unprovable = session.unprovable();
    assert_eq!(session.graph.nodes[unprovable[0]].op, "Sinh");
    let reason = session.facts[unprovable[0]].obstacle.clone().unwrap();
    let count = format!("{} nodes can't be proven", unprovable.len());
    window.get_by_label(&count).click();
    window.run_steps(4);
    assert_eq!(window.state().selection.node, Some(unprovable[0]));
    assert!(window.query_by_label(&reason).is_some(), "the inspector says why: {reason}");
    search(&mut window, Key::K, "can't be proven");
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert_eq!(window.state().selection.node, Some(unprovable[1]));
}
