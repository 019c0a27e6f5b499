//! What is kept without being asked, and several plans of one model.

mod common;

use std::path::Path;

use common::{Window, cuts, opened, proving, sample, unnamed, wait, window, window_with};
use egui::Key;
use egui_kittest::kittest::Queryable as _;
use microtome_app::command::Command;
use microtome_app::project::Project;
use microtome_app::run_view::State;
use microtome_engine::bundle::Custody;
use microtome_engine::run::Piece;

/// Waits until the project that is kept is the one that is open.
fn kept(window: &mut Window) -> Project {
    wait(window, "the project", |app| {
        let kept = app.project_file().and_then(|path| Project::read(&path).ok());
        kept.is_some() && kept == app.project()
    });
    window.state().project().unwrap()
}

/// A window that keeps projects, with a model whose plans it may know already.
fn reopened(folder: &Path, name: &str) -> Window {
    let mut window = window_with(sample(name), |app| app.keep_projects_in(folder.to_owned()));
    wait(&mut window, "estimates and an answer", |app| {
        app.session.as_ref().is_some_and(|s| s.has_estimates() && s.answer.is_some())
    });
    window
}

fn names(window: &Window) -> Vec<String> {
    let drafts = window.state().session.as_ref().unwrap().drafts();
    drafts.all().iter().map(|draft| draft.name.clone()).collect()
}

#[test]
fn a_model_comes_back_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = reopened(folder.path(), "digits-lenet");
    let first = cuts(&window);
    window.state_mut().ask(Command::NewPlan);
    window.run_steps(2);
    window.state_mut().ask(Command::MergeAll);
    window.state_mut().ask(Command::NextCase);
    window.state_mut().ask(Command::ZoomIn);
    window.run_steps(3);
    let before = kept(&mut window);
    assert_eq!(before.plans.len(), 2);
    assert!(before.place.is_some(), "the user looked closer");
    drop(window);

    let mut window = reopened(folder.path(), "digits-lenet");
    window.run_steps(5);
    assert!(cuts(&window).is_empty());
    let after = window.state().project().unwrap();
    assert_eq!((&after.plans, after.current), (&before.plans, 1));
    assert_eq!(after.input, before.input);
    let (a, b) = (after.place.unwrap(), before.place.unwrap());
    assert!((a.x - b.x).abs() < 1.0 && (a.y - b.y).abs() < 1.0 && a.zoom == b.zoom, "{a:?} {b:?}");
    window.state_mut().ask(Command::NextPlan);
    window.run_steps(3);
    assert_eq!(cuts(&window), first);
}

#[test]
fn results_are_kept_with_their_plan_and_marked_stale() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = proving("digits-cnn");
    window.state_mut().keep_projects_in(folder.path().to_owned());
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(3);
    window.state_mut().session.as_mut().unwrap().whole_too = false;
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    let proven = cuts(&window);
    let record = window.state().session.as_ref().unwrap().record().cloned().unwrap();
    assert!(record.accepted && record.pieces.len() == proven.len() + 1);
    assert!(window.query_by_label("stale").is_none());
    wait(&mut window, "the bundle", |app| app.kept_bundle().is_some());
    kept(&mut window);
    drop(window);

    // The model is opened again: the verdict is that of the bundle that was kept, checked anew.
    let mut window = reopened(folder.path(), "digits-cnn");
    wait(&mut window, "the verdict", |app| app.verified.is_some());
    let verified = window.state().verified.as_ref().unwrap();
    assert!(verified.verdict.accepted && verified.timed);
    let session = window.state().session.as_ref().unwrap();
    assert_eq!(session.record(), Some(&record));
    assert!((0..=proven.len()).all(|slice| session.measured(slice).is_some()));
    assert_eq!(session.state(Piece::Slice(0)), Some(&State::Verified));

    // A copy has no results; the plan that has them keeps them through an edit, as stale.
    window.state_mut().ask(Command::NewPlan);
    window.run_steps(3);
    assert!(window.state().session.as_ref().unwrap().record().is_none());
    window.state_mut().ask(Command::DeletePlan);
    window.run_steps(3);
    window.state_mut().selection.cut = proven.last().copied();
    window.state_mut().ask(Command::RemoveBoundary);
    window.run_steps(3);
    assert!(window.query_all_by_label("stale").count() >= 2, "the plan and its first slice");
    assert_eq!(unnamed(&window), Vec::<String>::new());
    let session = window.state().session.as_ref().unwrap();
    assert_eq!(session.state(Piece::Slice(0)), None);
    assert!(session.is_stale_slice(0) && !session.is_stale_slice(proven.len() - 1));
    window.get_by_label("Back to the proven plan").click();
    window.run_steps(3);
    assert_eq!(cuts(&window), proven);
    assert!(window.query_by_label("stale").is_none());
    window.state_mut().ask(Command::Undo);
    window.run_steps(3);
    assert_eq!(cuts(&window).len(), proven.len() - 1, "going back is a step like others");
}

#[test]
fn plans_are_begun_named_and_deleted() {
    let mut window = opened("digits-cnn");
    let first = cuts(&window);
    window.get_by_label("New plan from this one").click();
    window.run_steps(3);
    assert_eq!(names(&window), ["Plan 1", "Plan 2"]);
    assert_eq!(unnamed(&window), Vec::<String>::new());
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    window.key_press(Key::F2);
    window.run_steps(4);
    window.get_by_label("Name").focus();
    window.run_steps(2);
    window.event(egui::Event::Text(" by hand".to_owned()));
    window.run_steps(2);
    window.get_by_label("Rename").click();
    window.run_steps(3);
    assert_eq!(names(&window)[1], "Plan 2 by hand");

    window.get_by_label("Plan tab: Plan 1").click();
    window.run_steps(3);
    assert_eq!(cuts(&window), first);
    assert!(!window.state().session.as_ref().unwrap().can_undo(), "each has steps of its own");
    window.state_mut().ask(Command::DeletePlan);
    window.run_steps(3);
    assert_eq!(names(&window), ["Plan 2 by hand"]);
    window.state_mut().ask(Command::DeletePlan);
    window.run_steps(3);
    assert_eq!(names(&window).len(), 1, "the last one stays");
    window.state_mut().ask(Command::BringBackPlan);
    window.run_steps(3);
    assert_eq!(names(&window), ["Plan 1", "Plan 2 by hand"]);
    assert_eq!(cuts(&window), first);
}

#[test]
fn a_project_is_carried_to_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("net.onnx");
    std::fs::copy(sample("digits-cnn"), &model).unwrap();
    let mut first = window(model.clone());
    wait(&mut first, "estimates", |app| app.session.as_ref().is_some_and(|s| s.has_estimates()));
    first.state_mut().ask(Command::MergeAll);
    first.run_steps(3);
    let path = folder.path().join("net.microtome");
    first.state().project().unwrap().write(&path).unwrap();
    drop(first);

    // The model moved with its project.
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["net.onnx", "net.microtome"] {
        std::fs::rename(folder.path().join(name), elsewhere.path().join(name)).unwrap();
    }
    let project = elsewhere.path().join("net.microtome");
    let mut second = window(project.clone());
    wait(&mut second, "the model", |app| app.session.as_ref().is_some_and(|s| s.has_estimates()));
    assert!(cuts(&second).is_empty());
    drop(second);

    std::fs::remove_file(elsewhere.path().join("net.onnx")).unwrap();
    let mut third = window(project);
    wait(&mut third, "the reason", |app| !app.log.is_empty());
    let text = &third.state().log[0].text;
    assert!(text.contains("net.onnx") && text.contains("not there any more"), "{text}");
}

#[test]
fn a_bundle_with_committed_weights_finds_its_model_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = proving("digits-cnn");
    window.state_mut().keep_projects_in(folder.path().to_owned());
    window.state_mut().ask(Command::CommitWeights);
    window.run_steps(2);
    let custody = |window: &Window| window.state().session.as_ref().unwrap().custody();
    assert_eq!(custody(&window), Custody::Public, "halo2 can't");
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(2);
    window.state_mut().ask(Command::CommitWeights);
    window.run_steps(3);
    assert_eq!(custody(&window), Custody::Committed);
    window.state_mut().session.as_mut().unwrap().whole_too = false;
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    let bundle = window.state().session.as_ref().unwrap().bundle().unwrap().clone();
    assert_eq!(bundle.header.weights, Custody::Committed);
    kept(&mut window);
    drop(window);

    let path = folder.path().join("mine.bundle");
    bundle.write(&path).unwrap();
    let mut window =
        window_with(path.clone(), |app| app.keep_projects_in(folder.path().to_owned()));
    wait(&mut window, "the verdict", |app| {
        app.verified.as_ref().is_some_and(|verified| verified.from == "mine.bundle")
    });
    assert!(window.state().verified.as_ref().unwrap().verdict.accepted);
    drop(window);

    // Where the model is not known, that is said.
    let mut window = common::window(path);
    wait(&mut window, "the reason", |app| !app.log.is_empty());
    assert!(window.state().log[0].text.contains("open its model first"));
}

#[test]
fn the_bundle_of_a_plan_that_is_not_shown_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = proving("digits-cnn");
    window.state_mut().keep_projects_in(folder.path().to_owned());
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(3);
    window.state_mut().session.as_mut().unwrap().whole_too = false;
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "the run", |app| app.session.as_ref().unwrap().is_proving());
    window.state_mut().ask(Command::NewPlan);
    wait(&mut window, "its end", |app| {
        app.session.as_ref().unwrap().drafts().all()[0].record.is_some()
    });
    assert!(window.state().verified.is_none(), "the plan that is shown was not proven");
    assert!(window.state().kept_bundle().is_none());
    window.state_mut().ask(Command::NextPlan);
    wait(&mut window, "the bundle and its verdict", |app| {
        app.kept_bundle().is_some() && app.verified.is_some()
    });
    assert!(window.state().verified.as_ref().unwrap().verdict.accepted);
}
