//! The table of slices: what each is estimated to cost, what it took, how it stands.

use egui::{
    Align, Color32, Id, Layout, RichText, ScrollArea, Sense, Ui, Vec2, WidgetInfo, WidgetType,
};
use egui_extras::{Column, TableBody, TableBuilder, TableRow};
use microtome_engine::plan::Metric;
use microtome_engine::predict::Prediction;
use microtome_engine::prove::{Shape, System};
use microtome_engine::report::format as fmt;
use microtome_engine::run::{Measured, Phase, Piece};

use crate::command::Command;
use crate::graph_view::Selection;
use crate::panels::{plans, systems};
use crate::run_view::{State, phase_name};
use crate::session::{Session, SliceRow};
use crate::theme;
use crate::words::Term;

const ROW_HEIGHT: f32 = 37.0;

/// What the user did in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SliceAction {
    /// Selects a slice.
    Select(usize),
    /// Marks a slice to be proven, or not.
    Mark(usize, bool),
    /// Proves the whole model too, or not.
    WholeToo(bool),
    /// Chooses the proof system of a slice.
    System(usize, System),
}

/// How to balance.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Balance {
    /// Into so many slices.
    pub slices: usize,
    /// By what.
    pub metric: Metric,
}

impl Default for Balance {
    fn default() -> Self {
        Self { slices: 3, metric: Metric::Flops }
    }
}

/// What people call a metric.
#[must_use]
pub fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Flops => "FLOPs",
        Metric::Params => "parameters",
        Metric::Activations => "activations",
        Metric::ProveTime => "proving time",
        Metric::ProveMemory => "proving memory",
    }
}

/// Draws the plans and the buttons above the table, and gives the plan that is to be shown.
pub fn toolbar(
    ui: &mut Ui,
    session: &Session,
    balance: &mut Balance,
    queue: &mut Vec<Command>,
) -> Option<usize> {
    let mut shown = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        shown = plans::tabs(ui, session, queue);
        let coverage = fmt::percent(session.coverage());
        let label = ui.label(theme::small(ui, format!("{coverage} of MACs proven")));
        Term::Coverage.explain(label);
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let button = ui.button("Balance into");
        button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Balance"));
        if button.on_hover_text(Command::Balance.hint(ui.ctx())).clicked() {
            queue.push(Command::Balance);
        }
        let most = session.legal_cuts().len() + 1;
        let count = egui::DragValue::new(&mut balance.slices).range(1..=most).speed(0.1);
        let count = ui.add(count).on_hover_text("How many slices");
        count.widget_info(|| {
            let mut info = WidgetInfo::labeled(WidgetType::DragValue, true, "Number of slices");
            info.value = Some(balance.slices as f64);
            info
        });
        ui.label(theme::weak(ui, "by"));
        let chosen = metric_name(balance.metric);
        let combo =
            egui::ComboBox::from_id_salt("metric").selected_text(chosen).show_ui(ui, |ui| {
                for metric in Metric::ALL {
                    ui.selectable_value(&mut balance.metric, metric, metric_name(metric));
                }
            });
        combo.response.widget_info(|| {
            WidgetInfo::labeled(WidgetType::ComboBox, true, format!("Balance by {chosen}"))
        });
        let merge = ui.add_enabled(!session.cuts().is_empty(), egui::Button::new("Merge all"));
        if merge.on_hover_text(Command::MergeAll.hint(ui.ctx())).clicked() {
            queue.push(Command::MergeAll);
        }
    });
    plans::staleness(ui, session, queue);
    shown
}

/// Draws the notice that a slice is too large, and gives whether it is to be split into tiles.
pub fn too_large(ui: &mut Ui, slice: usize) -> bool {
    let mut asked = false;
    ui.horizontal(|ui| {
        super::badge(ui, "too large", theme::of(ui).bad)
            .on_hover_text("It can't be proven in the memory that is free, or not at all.");
        let button = egui::Button::new(RichText::new(Command::SplitSlice.text()).size(12.0));
        let button = ui.add(button).on_hover_text(Command::SplitSlice.hint(ui.ctx()));
        asked = button.clicked();
        let text = format!("Slice {slice} takes too much memory.");
        ui.add(egui::Label::new(theme::small(ui, text)).truncate());
    });
    asked
}

/// Draws the table.
pub fn show(ui: &mut Ui, session: &Session, selection: Selection) -> Vec<SliceAction> {
    let mut actions = Vec::new();
    ScrollArea::horizontal().id_salt("slices").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let table = TableBuilder::new(ui)
            .id_salt("slices table")
            .striped(false)
            .cell_layout(Layout::right_to_left(Align::Center))
            .auto_shrink([false, true])
            .max_scroll_height(f32::INFINITY)
            .column(Column::exact(63.0))
            .column(Column::exact(88.0).clip(true))
            .column(Column::exact(56.0))
            .column(Column::exact(56.0))
            .column(Column::exact(60.0))
            .column(Column::exact(50.0))
            .column(Column::exact(60.0))
            .column(Column::remainder().at_least(46.0));
        let size = match session.common_system() {
            Some(System::Halo2) => ("k", "rows"),
            Some(System::Whir) => ("elements", "look-ups"),
            None => ("size", ""),
        };
        table
            .header(30.0, |mut header| {
                for (above, below) in [
                    ("#", "prove"),
                    ("state", "system"),
                    ("predicted", "memory"),
                    ("measured", "memory"),
                    ("MACs", "FLOPs"),
                    size,
                    ("params", "peak act."),
                    ("in", "out"),
                ] {
                    header.col(|ui| {
                        let left = above == "#" || above == "state";
                        stacked(ui, left, theme::small(ui, above), theme::small(ui, below));
                    });
                }
            })
            .body(|mut body| {
                for (index, row) in session.rows().iter().enumerate() {
                    body.row(ROW_HEIGHT, |row_ui| {
                        slice_row(row_ui, session, selection, index, row, &mut actions);
                    });
                }
                summaries(&mut body, session, &mut actions);
            });
    });
    actions
}

fn slice_row(
    mut row_ui: TableRow<'_, '_>,
    session: &Session,
    selection: Selection,
    index: usize,
    row: &SliceRow,
    actions: &mut Vec<SliceAction>,
) {
    let chosen = selection.slice == Some(index);
    row_ui.set_selected(chosen);
    row_ui.col(|ui| {
        whole_row(ui, index, chosen, actions);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            let t = theme::of(ui);
            let (chip, _) = ui.allocate_exact_size(Vec2::new(4.0, 20.0), Sense::hover());
            ui.painter().rect_filled(chip, 2, t.slice(index));
            ui.label(theme::strong(index.to_string()));
            let mut marked = session.is_marked(index);
            let provable = row.obstacle.is_none();
            let check = ui.add_enabled(provable, egui::Checkbox::without_text(&mut marked));
            let name = format!("Prove slice {index}");
            check.widget_info(|| {
                WidgetInfo::selected(WidgetType::Checkbox, provable, marked, &name)
            });
            if check.changed() {
                actions.push(SliceAction::Mark(index, marked));
            }
            let reason = row.obstacle.as_deref().unwrap_or("This slice can't be proven.");
            check.on_hover_text(name).on_disabled_hover_text(reason);
        });
    });
    row_ui.col(|ui| {
        two_lines(ui, |ui| {
            state_line(ui, session, row, Piece::Slice(index));
            if let Some(system) = systems::of_slice(ui, index, session.system(index)) {
                actions.push(SliceAction::System(index, system));
            }
        });
    });
    costs(&mut row_ui, row, session.measured(index).as_ref());
}

/// A click anywhere in the row selects the slice.
fn whole_row(ui: &Ui, index: usize, chosen: bool, actions: &mut Vec<SliceAction>) {
    let mut rect = ui.max_rect();
    rect.max.x = ui.clip_rect().right();
    let response = ui.interact(rect, Id::new(("slice row", index)), Sense::click());
    response.widget_info(|| {
        let name = format!("Slice {index}");
        WidgetInfo::selected(WidgetType::SelectableLabel, true, chosen, name)
    });
    if response.clicked() {
        actions.push(SliceAction::Select(index));
    }
}

/// The columns of what a piece is estimated to cost, and of what it took.
fn costs(row_ui: &mut TableRow<'_, '_>, row: &SliceRow, measured: Option<&Measured>) {
    row_ui.col(|ui| prediction_cell(ui, row.prediction.as_ref()));
    row_ui.col(|ui| match measured {
        Some(m) => pair(ui, fmt::secs(m.prove_secs), fmt::bytes(m.peak_bytes)),
        None => pair(ui, "–".to_owned(), String::new()),
    });
    let totals = &row.totals;
    row_ui.col(|ui| pair(ui, fmt::count(totals.macs), fmt::count(totals.flops)));
    row_ui.col(|ui| size_cell(ui, row.circuit.as_ref()));
    row_ui.col(|ui| {
        pair(ui, fmt::count(totals.params), fmt::bytes(totals.peak_activation_bytes));
    });
    row_ui.col(|ui| pair(ui, fmt::bytes(row.in_bytes), fmt::bytes(row.out_bytes)));
}

/// How large the proof's circuit is, in the terms of its system.
fn size_cell(ui: &mut Ui, shape: Option<&Shape>) {
    let text = match shape {
        Some(Shape::Halo2(circuit)) => {
            pair(ui, circuit.k.to_string(), fmt::short_count(circuit.rows.max() as u64));
            let tracks = circuit.rows.tracks();
            let tracks = tracks
                .iter()
                .map(|(name, rows)| format!("\n{name}: {} rows", fmt::count(*rows as u64)));
            format!("halo2: columns of 2^{} rows{}", circuit.k, tracks.collect::<String>())
        }
        Some(Shape::Whir(sizes)) => {
            let (cells, lookups) = (sizes.cells as u64, sizes.lookups as u64);
            pair(ui, fmt::short_count(cells), fmt::short_count(lookups));
            format!(
                "whir: {} committed elements in a vector of 2^{}\n{} look-ups and table rows",
                fmt::count(cells),
                sizes.variables,
                fmt::count(lookups),
            )
        }
        None => return pair(ui, "–".to_owned(), String::new()),
    };
    ui.response().on_hover_text(text);
}

fn prediction_cell(ui: &mut Ui, prediction: Option<&Prediction>) {
    match prediction {
        Some(p) => {
            let half = (p.prove_secs_high - p.prove_secs_low) / 2.0;
            let time = fmt::secs(p.prove_secs);
            pair(ui, time, fmt::bytes(p.peak_bytes));
            let text = format!(
                "Between {} and {} expected (± {}), after {} of set-up; a proof of {}",
                fmt::secs(p.prove_secs_low),
                fmt::secs(p.prove_secs_high),
                fmt::secs(half),
                fmt::secs(p.setup_secs),
                fmt::bytes(p.proof_bytes),
            );
            ui.response().on_hover_text(text);
        }
        None => pair(ui, "–".to_owned(), String::new()),
    }
}

/// The cell of the state, with the proof system under it.
fn two_lines(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().interact_size.y = theme::LINE;
        add_contents(ui);
    });
}

fn state_line(ui: &mut Ui, session: &Session, row: &SliceRow, piece: Piece) {
    let t = theme::of(ui);
    let wanted = match piece {
        Piece::Slice(index) => session.is_marked(index),
        Piece::Whole => session.proves_whole(),
    };
    ui.horizontal(|ui| match (session.state(piece), &row.obstacle) {
        (Some(State::Verified), _) => {
            super::badge(ui, "✔ verified", t.good);
        }
        (Some(State::Failed(reason)), _) => {
            super::badge(ui, "✖ failed", t.bad).on_hover_text(reason);
        }
        (Some(State::Cancelled), _) => {
            super::badge(ui, "cancelled", t.weak);
        }
        (Some(State::Queued), _) => {
            super::badge(ui, "queued", t.weak);
        }
        (Some(State::Running(phase)), _) => {
            let part = session.progress(piece, *phase, row.prediction.as_ref());
            progress(ui, *phase, part, t.busy);
        }
        (None, Some(reason)) => {
            super::badge(ui, "not provable", t.bad).on_hover_text(reason);
        }
        (None, None) if is_stale(session, piece) => {
            let text = "This slice was proven, in a bundle of this plan before it changed.";
            super::badge(ui, "stale", t.accent).on_hover_text(text);
        }
        (None, None) => {
            let text = match (wanted, piece) {
                (true, _) => "to be proven",
                (false, Piece::Slice(_)) => "executed",
                (false, Piece::Whole) => "for comparison",
            };
            ui.label(RichText::new(text).color(t.faint).size(12.0));
        }
    });
}

fn is_stale(session: &Session, piece: Piece) -> bool {
    matches!(piece, Piece::Slice(slice) if session.is_stale_slice(slice))
}

/// The phase above a bar that fills as predicted.
fn progress(ui: &mut Ui, phase: Phase, part: Option<f64>, color: Color32) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        let text = match part {
            Some(part) => format!("{} {}", phase_name(phase), fmt::percent(part)),
            None => phase_name(phase).to_owned(),
        };
        ui.label(RichText::new(text).size(10.5).color(color));
        super::bar(ui, Vec2::new(72.0, 3.0), part.unwrap_or(0.15) as f32, color);
    });
}

fn summaries(body: &mut TableBody<'_>, session: &Session, actions: &mut Vec<SliceAction>) {
    let summary = session.summary();
    if session.rows().len() > 1 {
        let names: [(&str, &str, &Option<SummaryRow>); 2] = [
            ("Σ", "All slices that are marked, one after the other", &summary.sum),
            (
                "slowest",
                "The largest of each: the cost with a machine for each slice",
                &summary.slowest,
            ),
        ];
        for (name, tip, row) in names {
            let Some(row) = row else { continue };
            body.row(ROW_HEIGHT, |mut row_ui| {
                row_ui.col(|ui| title(ui, name, tip));
                row_ui.col(|_| {});
                summary_cells(&mut row_ui, row);
            });
        }
    }
    let Some(whole) = session.whole() else { return };
    body.row(ROW_HEIGHT, |mut row_ui| {
        row_ui.col(|ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                ui.label(theme::strong("whole").size(12.0));
                let mut on = session.proves_whole();
                let provable = whole.obstacle.is_none();
                let check = ui.add_enabled(provable, egui::Checkbox::without_text(&mut on));
                check.widget_info(|| {
                    let name = "Prove the whole model too, for comparison";
                    WidgetInfo::selected(WidgetType::Checkbox, provable, on, name)
                });
                if check.changed() {
                    actions.push(SliceAction::WholeToo(on));
                }
                check.on_hover_text("Also prove the whole model as one slice, for comparison");
            });
        });
        row_ui.col(|ui| {
            two_lines(ui, |ui| {
                state_line(ui, session, whole, Piece::Whole);
                ui.label(theme::small(ui, session.whole_system().to_string()))
                    .on_hover_text("The whole is proven by the system of the first slice.");
            });
        });
        costs(&mut row_ui, whole, session.whole_measured().as_ref());
    });
}

/// Costs of several slices together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryRow {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Floating-point operations.
    pub flops: u64,
    /// Parameters.
    pub params: u64,
    /// Peak of activations.
    pub peak_activation_bytes: u64,
    /// Bytes that come in.
    pub in_bytes: u64,
    /// Bytes that go out.
    pub out_bytes: u64,
    /// Seconds and peak bytes as predicted.
    pub predicted: Option<(f64, u64)>,
    /// Seconds and peak bytes as measured.
    pub measured: Option<(f64, u64)>,
}

fn summary_cells(row_ui: &mut TableRow<'_, '_>, row: &SummaryRow) {
    for costs in [row.predicted, row.measured] {
        row_ui.col(|ui| match costs {
            Some((secs, bytes)) => pair(ui, fmt::secs(secs), fmt::bytes(bytes)),
            None => pair(ui, "–".to_owned(), String::new()),
        });
    }
    row_ui.col(|ui| pair(ui, fmt::count(row.macs), fmt::count(row.flops)));
    row_ui.col(|_| {});
    row_ui.col(|ui| pair(ui, fmt::count(row.params), fmt::bytes(row.peak_activation_bytes)));
    row_ui.col(|ui| pair(ui, fmt::bytes(row.in_bytes), fmt::bytes(row.out_bytes)));
}

fn title(ui: &mut Ui, name: &str, tip: &str) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.label(theme::strong(name).size(12.0)).on_hover_text(tip);
    });
}

/// Two figures in a cell, the second one calmer.
fn pair(ui: &mut Ui, above: String, below: String) {
    let below = RichText::new(below).size(11.0).color(theme::of(ui).weak);
    stacked(ui, false, RichText::new(above).size(12.5), below);
}

fn stacked(ui: &mut Ui, left: bool, above: RichText, below: RichText) {
    let align = if left { Align::Min } else { Align::Max };
    ui.with_layout(Layout::top_down(align), |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.add_space(1.0);
        ui.add(egui::Label::new(above).extend());
        if !below.is_empty() {
            ui.add(egui::Label::new(below).extend());
        }
    });
}
