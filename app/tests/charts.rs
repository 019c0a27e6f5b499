//! Charts, the report, and how a run is followed, driven as a user drives them.

mod common;

use std::path::{Path, PathBuf};

use common::{Window, estimated, sample, wait, window_of_size};
use egui::accesskit::{Role, Toggled};
use egui::{Key, Pos2, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use microtome_app::command::Command;
use microtome_app::dialogs::Purpose;
use microtome_app::panels::charts::{ChartTab, chart};
use microtome_engine::report::charts::{Look, Scaling, Scene, Series, View};
use plotters::prelude::{IntoDrawingArea as _, SVGBackend};

const SIZE: [f32; 2] = [1280.0, 720.0];
const TITLE: &str = "Sliced against monolithic";

/// A window of the least size that everything has to fit in.
fn opened() -> Window {
    let mut window = estimated(window_of_size(SIZE, sample("digits-cnn"), |_| {}));
    window.state_mut().prove_with(PathBuf::from(env!("CARGO_BIN_EXE_microtome")));
    window
}

/// Where the chart that is open has its marks, by drawing it once more beside the window.
fn scene(window: &Window) -> (Scene, Pos2) {
    let rect = window.get_by_label(TITLE).rect();
    let app = window.state();
    let shown = chart(app.session.as_ref().unwrap(), app.settings.chart).unwrap();
    let mut svg = String::new();
    let size = (rect.width() as u32, rect.height() as u32);
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let view = app.settings.chart_views.get(&app.settings.chart).cloned().unwrap_or_default();
    let scene = shown.draw(&area, Look::on_paper(false, 1.0), &view).unwrap();
    (scene, rect.min)
}

#[test]
fn values_are_named_under_the_pointer_and_under_the_focus() {
    let mut window = opened();
    let (scene, origin) = scene(&window);
    let hit = scene.hits.iter().find(|hit| hit.label.starts_with("Prove: sum of")).unwrap();
    assert!(window.query_by_label(&hit.label).is_none());
    let middle = Vec2::new(
        (hit.frame.left + hit.frame.right) as f32 / 2.0,
        (hit.frame.top + hit.frame.bottom) as f32 / 2.0,
    );
    window.hover_at(origin + middle);
    window.run_steps(3);
    assert!(window.query_by_label(&hit.label).is_some(), "a tooltip names the bar");
    let (_, predicted) = hit.facts().into_iter().find(|(name, _)| *name == "predicted").unwrap();
    assert!(window.query_by_label(&predicted).is_some(), "and says {predicted}");

    // Away from the chart nothing is said.
    window.hover_at(Pos2::new(500.0, 300.0));
    window.run_steps(3);
    assert!(window.query_by_label(&hit.label).is_none());

    let node = window.get_by_label(TITLE);
    let description = node.accesskit_node().data().description().unwrap().to_owned();
    assert!(description.contains(&hit.sentence()), "{description}");
    node.focus();
    window.run_steps(2);
    for expected in [&scene.hits[1], &scene.hits[2]] {
        window.key_press(Key::ArrowRight);
        window.run_steps(2);
        let value = window.get_by_label(TITLE).accesskit_node().value().unwrap();
        assert_eq!(value, expected.sentence());
        assert!(window.query_by_label(&expected.label).is_some());
    }
    window.try_run_realtime().expect("nothing asks for frames");
}

#[test]
fn a_legend_entry_hides_its_series_in_the_window_and_in_files() {
    let mut window = opened();
    let drawn = scene(&window).0.hits.len();
    let entry = window.get_by_label("Show whole model");
    assert_eq!(entry.accesskit_node().role(), Role::CheckBox);
    entry.click();
    window.run_steps(3);
    let entry = window.get_by_label("Show whole model");
    assert_eq!(entry.accesskit_node().toggled(), Some(Toggled::False), "it can be shown again");
    assert!(scene(&window).0.hits.len() < drawn);
    assert!(scene(&window).0.hits.iter().all(|hit| hit.series != Series::Whole));

    let folder = tempfile::tempdir().unwrap();
    let saved = |window: &mut Window, purpose: Purpose, name: &str| {
        let path = folder.path().join(name);
        save(window, purpose, &path);
        std::fs::read_to_string(path).unwrap()
    };
    assert!(!saved(&mut window, Purpose::SaveChartSvg, "hidden.svg").contains("whole model"));
    let csv = saved(&mut window, Purpose::SaveChartCsv, "chart.csv");
    assert!(csv.starts_with("piece,setup_secs,") && csv.contains("\r\nwhole,"), "{csv}");
    window.state_mut().ask(Command::ShowAllSeries);
    window.run_steps(3);
    assert_eq!(scene(&window).0.hits.len(), drawn);
    assert!(saved(&mut window, Purpose::SaveChartSvg, "all.svg").contains("whole model"));

    // Each chart has a view of its own.
    window.state_mut().ask(Command::ChartScale(Scaling::Log));
    window.run_steps(3);
    let views = &window.state().settings.chart_views;
    assert_eq!(views[&ChartTab::Compare].scaling, Scaling::Log);
    assert_eq!(views.get(&ChartTab::PerSlice).cloned().unwrap_or_default(), View::default());
    assert!(saved(&mut window, Purpose::SaveChartSvg, "log.svg").contains("Prove (log scale)"));
    window.get_by_label("Scale of the chart: logarithmic").click();
    window.run_steps(4);
    window.get_by_label("automatic").click();
    window.run_steps(4);
    assert_eq!(window.state().settings.chart_views[&ChartTab::Compare], View::default());
}

/// Saves as a dialog does that was answered with this path.
fn save(window: &mut Window, purpose: Purpose, path: &Path) {
    let ctx = window.ctx.clone();
    window.state_mut().chosen(&ctx, purpose, path);
    let name = path.display().to_string();
    let is_said = |text: &String| text.starts_with("Saved") && text.contains(&name);
    wait(window, "the file", |app| app.log.iter().any(|entry| is_said(&entry.text)));
}

#[test]
fn a_run_is_announced_and_reported() {
    let mut window = opened();
    assert!(window.state().hindrance(Command::SaveReport).is_some());
    window.state_mut().ask(Command::UseWhir);
    window.run_steps(3);
    window.state_mut().ask(Command::Prove);
    wait(&mut window, "a verdict", |app| app.verified.is_some());
    let notices: Vec<_> = window.state().notices.texts().map(str::to_owned).collect();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(notice.contains("and the whole model proven and verified in "), "{notice}");
    assert!(window.state().log.iter().any(|entry| entry.text == *notice));
    window.get_by_label(&format!("Dismiss the notice: {notice}")).click();
    window.run_steps(3);
    assert_eq!(window.state().notices.texts().count(), 0);
    let outlook = window.state().session.as_ref().unwrap().run.as_ref().unwrap().outlook();
    assert_eq!((outlook.part, outlook.remaining_secs), (1.0, Some(0.0)));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    save(&mut window, Purpose::SaveReport, &path);
    let page = std::fs::read_to_string(path).unwrap();
    let root = window.state().session.as_ref().unwrap().bundle().unwrap().root().to_string();
    for part in ["accepted by the verifier", "class=\"graph\"", "Timeline", "slice 0", &root] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("<script") && !page.contains("http-equiv"));

    // At this size five attacks are seen at a time, each with the check that caught it.
    window.get_by_label("Tamper").click();
    window.run_steps(3);
    window.get_by_label("Try all").click();
    window.run_steps(2);
    wait(&mut window, "all attempts", |app| !app.tamper.is_busy());
    let list_ends = SIZE[1] - 26.0 - 10.0 - 31.0;
    let seen = window
        .query_all_by_label("caught")
        .filter(|badge| badge.rect().bottom() <= list_ends)
        .count();
    assert!(seen >= 5, "{seen} attacks are seen");
    window.get_by_label("Flip a bit of a proof").hover();
    window.run_steps(3);
    assert!(window.query_by_label_contains("Changes a single bit in the middle").is_some());
}

#[test]
fn plans_are_compared_in_a_chart() {
    let mut window = opened();
    let name = {
        window.state_mut().settings.chart = ChartTab::Plans;
        window.run_steps(3);
        let session = window.state().session.as_ref().unwrap();
        session.drafts().all()[0].name.clone()
    };
    assert!(window.query_by_label(&format!("Show {name}")).is_some());
    let data = window.state().session.as_ref().unwrap().plans().unwrap();
    assert_eq!(data.plans.len(), 1);
    assert!(data.plans[0].slices.iter().all(|slice| slice.prove_secs.predicted.is_some()));
    window.state_mut().ask(Command::ProveNone);
    window.run_steps(3);
    let data = window.state().session.as_ref().unwrap().plans().unwrap();
    assert_eq!(data.plans[0].slices, [], "only what is to be proven is counted");
}

#[test]
fn movement_is_reduced_and_kept_so() {
    let mut window = opened();
    assert!(!window.state().settings.reduced_motion);
    window.state_mut().ask(Command::ReduceMotion);
    window.run_steps(3);
    assert_eq!(window.ctx.global_style().animation_time, 0.0);
    assert!(window.state().settings.reduced_motion);
    window.state_mut().ask(Command::ReduceMotion);
    window.run_steps(3);
    assert!(window.ctx.global_style().animation_time > 0.0);
}
