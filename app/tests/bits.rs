//! Bits in the window: chosen by hand, and for a target by a sweep.

mod common;

use common::{Window, estimated, opened, sample, unnamed, wait, window_of_size};
use egui::accesskit::Role;
use egui::{Key, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use microtome_app::command::Command;
use microtome_app::panels::charts::{ChartTab, chart};
use microtome_app::session::Session;
use microtome_engine::bits::{Bits, Target};
use microtome_engine::report::charts::{Chart, Look, Value};
use plotters::prelude::{IntoDrawingArea as _, SVGBackend};

const TITLE: &str = "Error against cost";

fn session(window: &Window) -> &Session {
    window.state().session.as_ref().unwrap()
}

fn swept(window: &mut Window) {
    window.state_mut().ask(Command::SweepBits);
    wait(window, "a sweep", |app| {
        app.session.as_ref().is_some_and(|s| s.bits_chart().is_some() && !s.is_sweeping())
    });
}

/// Waits until the model is quantised with these bits and has answered with them.
fn in_use(window: &mut Window, bits: Bits) {
    wait(window, "a program with these bits", |app| {
        app.session.as_ref().is_some_and(|s| {
            let card = s.prepared.as_ref().map(|p| &p.card);
            let has = card.is_some_and(|card| {
                card.weight_bits == bits.weight_bits && card.values[0].bits == bits.act_bits
            });
            has && s.has_estimates() && s.answer.as_ref().is_some_and(|a| a.fixed.is_some())
        })
    });
}

#[test]
fn bits_are_chosen_by_hand() {
    let mut window = opened("digits-mlp");
    let before = session(&window).prepared.as_ref().unwrap().digest;
    let secs = |window: &Window| {
        let rows = session(window).rows().iter();
        rows.filter_map(|row| row.prediction.as_ref()).map(|p| p.prove_secs).sum::<f64>()
    };
    let secs_before = secs(&window);
    let list = window.get_by_label("Bits of activations: 8");
    assert_eq!(list.accesskit_node().role(), Role::ComboBox);
    list.click();
    window.run_steps(4);
    window.get_by_label("12 bits").click();
    window.run_steps(2);
    let bits = Bits { act_bits: 12, ..Bits::default() };
    in_use(&mut window, bits);
    assert_eq!(session(&window).bits(), bits);
    assert_ne!(session(&window).prepared.as_ref().unwrap().digest, before);
    assert!(secs(&window) > secs_before, "longer tables take longer");
    assert!(window.query_by_label("Bits of activations: 12").is_some());
    // And back to the very same program.
    window.state_mut().ask(Command::Bits(Bits::default()));
    window.run_steps(2);
    in_use(&mut window, Bits::default());
    assert_eq!(session(&window).prepared.as_ref().unwrap().digest, before);
}

#[test]
fn a_sweep_chooses_bits_and_a_click_picks_others() {
    let size = [1280.0, 720.0];
    let mut window = estimated(window_of_size(size, sample("digits-mlp"), |_| {}));
    window.get_by_label("Choose bits for a target…").click();
    window.run_steps(3);
    assert_eq!(window.state().settings.chart, ChartTab::Bits);
    wait(&mut window, "a sweep", |app| {
        app.session.as_ref().is_some_and(|s| s.bits_chart().is_some())
    });
    window.run_steps(3);
    let choice = session(&window).bits_choice().unwrap();
    assert!(choice.target_met, "{}", choice.reason);
    assert!(window.query_by_label_contains("are the cheapest of 63 settings").is_some());
    assert_eq!(unnamed(&window), Vec::<String>::new());
    window.get_by_label("Use these bits").click();
    window.run_steps(2);
    in_use(&mut window, choice.bits);
    assert_eq!(session(&window).bits(), choice.bits);

    // A looser target needs no further sweep.
    window.state_mut().session.as_mut().unwrap().bits_view.target =
        Target { argmax_agreement: Some(0.5), d1: None };
    window.run_steps(3);
    assert!(window.query_by_label("Greatest mean D1").is_some());
    let looser = session(&window).bits_choice().unwrap();
    assert!(looser.bits < choice.bits, "{looser:?}");

    window.state_mut().session.as_mut().unwrap().bits_view.target = Target::DEFAULT;
    window.run_steps(3);

    // A point of the chart is clicked, and then used.
    let rect = window.get_by_label(TITLE).rect();
    let shown = chart(session(&window), ChartTab::Bits).unwrap();
    let mut svg = String::new();
    let pixels = (rect.width() as u32, rect.height() as u32);
    let area = SVGBackend::with_string(&mut svg, pixels).into_drawing_area();
    let look = Look { interactive: true, ..Look::on_paper(false, 1.0) };
    let scene = shown.draw(&area, look, &Default::default()).unwrap();
    let bits_of = |value: &Value| match value {
        Value::Setting { bits, .. } => *bits,
        other => panic!("{other:?}"),
    };
    // The largest error is at the top.
    let hit = scene.hits.iter().min_by(|a, b| a.frame.top.total_cmp(&b.frame.top)).unwrap();
    let middle = Vec2::new(
        (hit.frame.left + hit.frame.right) as f32 / 2.0,
        (hit.frame.top + hit.frame.bottom) as f32 / 2.0,
    );
    let at = rect.min + middle;
    window.hover_at(at);
    window.step();
    window.drag_at(at);
    window.step();
    window.drop_at(at);
    window.run_steps(3);
    let picked = session(&window).bits_view.picked.unwrap();
    assert_eq!(picked, bits_of(&hit.value));
    assert!(window.query_by_label_contains("misses the target").is_some());
    window.get_by_label("Back to the choice").click();
    window.run_steps(3);
    assert_eq!(session(&window).bits_view.picked, None);

    // The same by keyboard.
    window.get_by_label(TITLE).focus();
    window.run_steps(2);
    window.key_press(Key::End);
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(3);
    let last = bits_of(&scene.hits.last().unwrap().value);
    assert_eq!(session(&window).bits_view.picked, Some(last));
    window.get_by_label("Use these bits").click();
    window.run_steps(2);
    in_use(&mut window, last);
    window.try_run_realtime().expect("nothing asks for frames");
}

#[test]
fn a_sweep_is_cancelled_and_goes_stale() {
    let mut window = opened("digits-mlp");
    window.state_mut().settings.chart = ChartTab::Bits;
    window.run_steps(3);
    window.get_by_label("Sweep over bits").click();
    window.run_steps(1);
    window.step();
    assert!(session(&window).is_sweeping());
    assert!(window.state().hindrance(Command::SweepBits).is_some());
    window.state_mut().ask(Command::CancelSweep);
    window.run_steps(2);
    assert!(!session(&window).is_sweeping());
    assert!(session(&window).bits_chart().is_none());

    swept(&mut window);
    assert!(!session(&window).is_sweep_stale());
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(3);
    assert!(session(&window).is_sweep_stale());
    assert!(window.query_by_label_contains("sweep again for its costs").is_some());
    let shown = chart(session(&window), ChartTab::Bits);
    assert!(matches!(shown, Some(Chart::Bits(_))), "what was found is still shown");
}
