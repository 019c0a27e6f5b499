//! The guided tour, from its first step to its last.

mod common;

use common::{Window, cuts, opened, proving, unnamed, wait};
use egui::Key;
use egui_kittest::kittest::Queryable as _;
use microtome_app::command::Command;
use microtome_app::tour::Step;

fn step(window: &Window) -> Step {
    window.state().tour.as_ref().unwrap().step()
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(4);
    assert_eq!(unnamed(window), Vec::<String>::new(), "after {label}");
}

#[test]
fn a_class_takes_the_tour() {
    let mut window = proving("digits-cnn");
    let mine = cuts(&window);
    window.state_mut().ask(Command::MergeAll);
    window.run_steps(3);
    window.state_mut().ask(Command::Tour);
    wait(&mut window, "the first step", |app| {
        app.tour.is_some() && app.session.as_ref().is_some_and(|s| s.drafts().all().len() == 2)
    });
    assert_eq!(step(&window), Step::Look);
    assert_eq!(cuts(&window), mine, "it begins as the model does");
    click(&mut window, "Next");
    assert_eq!(step(&window), Step::Slice);
    assert!(window.query_by_label("Pass").is_some(), "nothing was moved yet");
    click(&mut window, "Move it for me");
    assert_ne!(cuts(&window), mine);
    click(&mut window, "Next");
    assert_eq!(step(&window), Step::Estimate);
    click(&mut window, "Next");
    assert_eq!(step(&window), Step::Prove);
    window.state_mut().session.as_mut().unwrap().whole_too = false;
    // The user may choose what is proven, and by what, while the tour looks on.
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(3);
    click(&mut window, "Prove for me");
    wait(&mut window, "the verdict", |app| app.verified.is_some());
    click(&mut window, "Next");
    assert_eq!(step(&window), Step::Verify);
    click(&mut window, "Next");
    assert_eq!(step(&window), Step::Tamper);
    click(&mut window, "Cheat for me");
    wait(&mut window, "the attacks", |app| !app.tamper.is_busy());
    assert!(window.query_by_label("Pass").is_none());
    click(&mut window, "Back");
    assert_eq!(step(&window), Step::Verify);
    click(&mut window, "Next");
    click(&mut window, "Next");
    assert_eq!(step(&window), Step::End);
    click(&mut window, "Close");
    assert!(window.state().tour.is_none());

    // The plan that the user had is still there, as it was.
    window.state_mut().ask(Command::NextPlan);
    window.run_steps(3);
    assert!(cuts(&window).is_empty());
}

#[test]
fn the_tour_is_left_at_any_time_and_words_are_explained() {
    let mut window = opened("digits-cnn");
    window.state_mut().ask(Command::Tour);
    wait(&mut window, "the first step", |app| app.tour.is_some());
    window.run_steps(3);
    click(&mut window, "Leave the tour");
    assert!(window.state().tour.is_none());
    window.key_press(Key::F1);
    window.run_steps(4);
    assert!(window.query_by_label("Soundness").is_some());
    assert_eq!(unnamed(&window), Vec::<String>::new(), "words");
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(window.query_by_label("Soundness").is_none());
    window.try_run_realtime().expect("nothing asks for frames");
}
