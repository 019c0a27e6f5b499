//! The bar of menus, the buttons beside them, the status bar, and the box about the program.

use std::time::{Duration, Instant};

use egui::{
    Button, Checkbox, Context, Id, MenuBar, Modal, RichText, Ui, Widget, WidgetInfo, WidgetType,
};
use microtome_engine::bundle::Custody;
use microtome_engine::prove::System;
use microtome_engine::report::charts::Scaling;
use microtome_engine::report::format as fmt;

use crate::app::App;
use crate::command::Command;
use crate::graph_view::ColorBy;
use crate::panels::systems;
use crate::samples;
use crate::session::Session;
use crate::theme;
use crate::tour::{self, Anchor};

impl App {
    /// Why a command can't be carried out now, where it can't.
    #[must_use]
    pub fn hindrance(&self, command: Command) -> Option<&'static str> {
        let needs = |there: bool, reason: &'static str| (!there).then_some(reason);
        let session = self.session.as_ref();
        let no_model = "Open a model first.";
        match command {
            Command::Open
            | Command::Quit
            | Command::ThemeDark
            | Command::ThemeLight
            | Command::ThemeSystem
            | Command::ReduceMotion
            | Command::Palette
            | Command::Tour
            | Command::Words
            | Command::About => None,
            Command::NextObstacle => match session {
                None => Some(no_model),
                Some(session) => {
                    needs(!session.unprovable().is_empty(), "No node is known to be unprovable.")
                }
            },
            Command::Undo => {
                let there = session.is_some_and(|s| s.can_undo()) || self.can_undo_split();
                needs(there, "There is nothing to undo.")
            }
            Command::Redo => {
                let there = session.is_some_and(|s| s.can_redo()) || self.can_redo_split();
                needs(there, "There is nothing to redo.")
            }
            Command::AddBoundary => {
                let is_selected = self.selection.node.is_some() || self.selection.block.is_some();
                needs(session.is_some() && is_selected, "Select a node first.")
            }
            Command::RemoveBoundary
            | Command::LockBoundary
            | Command::BoundaryUp
            | Command::BoundaryDown => {
                needs(self.selection.cut.is_some(), "Select a boundary first.")
            }
            Command::SelectBoundaries => {
                needs(session.is_some_and(|s| !s.cuts().is_empty()), "There is no boundary yet.")
            }
            Command::MakeSlice => match session {
                None => Some(no_model),
                Some(_) if self.picked.nodes().is_empty() => {
                    Some("Select nodes first: Shift-drag a box over them.")
                }
                Some(session) => {
                    let legal = session.group(self.picked.nodes()).obstacle.is_none();
                    needs(legal, "These nodes can't be a slice: the bar in the graph says why.")
                }
            },
            Command::SplitSlice => match session {
                None => Some(no_model),
                Some(session) if session.is_proving() => Some("Wait until the proofs are done."),
                Some(session) => needs(session.has_estimates(), "Wait for the estimates."),
            },
            Command::NextSystem => {
                needs(session.is_some() && self.selection.slice.is_some(), "Select a slice first.")
            }
            Command::Prove => match session {
                None => Some(no_model),
                Some(session) => session.why_not_prove(),
            },
            Command::Cancel => needs(
                session.is_some_and(Session::is_proving),
                "Nothing runs that could be stopped.",
            ),
            Command::SaveReport => {
                needs(session.is_some_and(|s| s.bundle().is_some()), "Prove something first.")
            }
            Command::Verify | Command::SaveBundle => {
                let there = session.is_some_and(|s| s.bundle().is_some());
                needs(there || self.kept_bundle().is_some(), "Prove something first.")
            }
            Command::CommitWeights => needs(
                session.is_some_and(Session::can_commit_weights),
                "Only whir binds weights by commitments: choose it for all slices.",
            ),
            Command::NextPlan | Command::DeletePlan => {
                let several = session.is_some_and(|s| s.drafts().all().len() > 1);
                needs(several, "There is one plan only.")
            }
            Command::BringBackPlan => {
                needs(session.is_some_and(|s| s.can_bring_back()), "No plan was deleted.")
            }
            Command::CutToFit => needs(
                session.is_some_and(|s| !s.helpful_cuts().is_empty()),
                "No run was refused for its memory.",
            ),
            Command::BackToResults => needs(
                session.is_some_and(|s| s.is_stale()),
                "There are no results of the plan as it was before.",
            ),
            Command::SweepBits => match session {
                None => Some(no_model),
                Some(session) => session.why_not_sweep(),
            },
            Command::CancelSweep => {
                needs(session.is_some_and(Session::is_sweeping), "No bits are being tried.")
            }
            Command::Bits(_) => needs(
                session.is_some_and(|s| !s.is_proving()),
                "A run goes on: wait for its end, or cancel it.",
            ),
            Command::PreviousCase | Command::NextCase => {
                needs(session.is_some_and(|s| s.case_count() > 1), "There is one case at most.")
            }
            Command::SaveCard => needs(
                session.is_some_and(|s| s.prepared.is_some() && !s.is_nominal()),
                "The model is not calibrated yet.",
            ),
            Command::FoldBlocks | Command::UnfoldBlocks => match &self.graph {
                None => Some(no_model),
                Some(graph) => needs(graph.has_blocks(), "This model has no repeated blocks."),
            },
            Command::ToggleBlock => {
                needs(self.selected_block().is_some(), "Select a block, or a node in one, first.")
            }
            Command::Balance => needs(
                session.is_some_and(|s| s.prepared.is_some()),
                "The model is not in fixed point yet.",
            ),
            _ => needs(session.is_some(), no_model),
        }
    }

    fn item(&mut self, ui: &mut Ui, command: Command) {
        let mut button = Button::new(command.text());
        if let Some(keys) = command.shortcut() {
            button = button.shortcut_text(ui.ctx().format_shortcut(&keys));
        }
        self.entry(ui, command, button);
    }

    /// An entry of a menu that asks for a command.
    fn entry(&mut self, ui: &mut Ui, command: Command, widget: impl Widget) {
        let hindrance = self.hindrance(command);
        let response = ui.add_enabled(hindrance.is_none(), widget);
        if response.clicked() {
            self.queue.push(command);
            ui.close();
        }
        response
            .on_hover_text(command.tooltip())
            .on_disabled_hover_text(hindrance.unwrap_or_default());
    }

    fn items(&mut self, ui: &mut Ui, groups: &[&[Command]]) {
        ui.set_min_width(220.0);
        for (index, group) in groups.iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            for &command in *group {
                self.item(ui, command);
            }
        }
    }

    pub(crate) fn menu_bar(&mut self, ui: &mut Ui) {
        use Command as C;
        MenuBar::new().ui(ui, |ui| {
            ui.menu_button("File", |ui| {
                self.items(ui, &[&[C::Open]]);
                ui.menu_button("Samples", |ui| {
                    for sample in samples::ALL {
                        if ui.button(sample.name).on_hover_text(sample.about).clicked() {
                            self.open_sample(sample.name);
                            ui.close();
                        }
                    }
                });
                self.recent_menu(ui);
                ui.separator();
                self.items(
                    ui,
                    &[
                        &[C::OpenInput, C::OpenPlan, C::OpenBundle],
                        &[C::SaveProject, C::SavePlan, C::SaveBundle, C::SaveCard, C::ExportSlices],
                        &[C::SaveChartSvg, C::SaveChartPng, C::SaveChartCsv, C::SaveReport],
                        &[C::Quit],
                    ],
                );
            });
            ui.menu_button("Edit", |ui| self.items(ui, &[&[C::Undo, C::Redo], &[C::Palette]]));
            ui.menu_button("Plan", |ui| {
                self.items(
                    ui,
                    &[
                        &[C::AddBoundary, C::RemoveBoundary, C::LockBoundary],
                        &[C::BoundaryUp, C::BoundaryDown, C::SelectBoundaries],
                        &[C::MakeSlice, C::SplitSlice],
                        &[C::Balance, C::CutToFit, C::MergeAll],
                        &[C::NewPlan, C::NextPlan, C::RenamePlan],
                        &[C::DeletePlan, C::BringBackPlan, C::BackToResults],
                    ],
                );
            });
            ui.menu_button("Prove", |ui| {
                self.items(
                    ui,
                    &[
                        &[C::Prove, C::Cancel, C::Verify],
                        &[C::ProveAll, C::ProveNone],
                        &[C::UseHalo2, C::UseWhir, C::NextSystem],
                        &[C::NextObstacle],
                        &[C::SweepBits],
                        &[C::PreviousCase, C::NextCase],
                    ],
                );
                ui.separator();
                self.weights_item(ui);
            });
            ui.menu_button("View", |ui| {
                self.items(
                    ui,
                    &[
                        &[C::Fit, C::ZoomIn, C::ZoomOut],
                        &[C::FoldBlocks, C::UnfoldBlocks, C::ToggleBlock],
                    ],
                );
                ui.separator();
                ui.menu_button("Colour nodes by", |ui| self.color_items(ui));
                ui.menu_button("Chart", |ui| self.chart_items(ui));
                ui.separator();
                self.items(ui, &[&[C::ThemeDark, C::ThemeLight, C::ThemeSystem]]);
                ui.separator();
                self.motion_item(ui);
            });
            ui.menu_button("Help", |ui| self.items(ui, &[&[C::Tour, C::Words], &[C::About]]));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.main_buttons(ui);
            });
        });
    }

    fn weights_item(&mut self, ui: &mut Ui) {
        let custody = self.session.as_ref().map(Session::custody);
        let mut on = custody == Some(Custody::Committed);
        let check = Checkbox::new(&mut on, Command::CommitWeights.text());
        self.entry(ui, Command::CommitWeights, check);
    }

    fn color_items(&mut self, ui: &mut Ui) {
        ui.set_min_width(160.0);
        for by in ColorBy::ALL {
            let command = Command::ColorBy(by);
            let response = ui.radio(self.settings.color_by == by, by.text());
            if response.on_hover_text(command.tooltip()).clicked() {
                self.queue.push(command);
                ui.close();
            }
        }
    }

    fn chart_items(&mut self, ui: &mut Ui) {
        ui.set_min_width(220.0);
        let view = self.settings.chart_views.get(&self.settings.chart);
        let chosen = view.map_or(Scaling::Auto, |view| view.scaling);
        for scaling in Scaling::ALL {
            let command = Command::ChartScale(scaling);
            let radio = ui.radio(chosen == scaling, command.text());
            if radio.on_hover_text(command.tooltip()).clicked() {
                self.queue.push(command);
                ui.close();
            }
        }
        ui.separator();
        self.item(ui, Command::ShowAllSeries);
    }

    fn motion_item(&mut self, ui: &mut Ui) {
        let command = Command::ReduceMotion;
        let mut on = self.settings.reduced_motion;
        let tick = ui.checkbox(&mut on, command.text());
        if tick.on_hover_text(command.tooltip()).clicked() {
            self.queue.push(command);
            ui.close();
        }
    }

    fn recent_menu(&mut self, ui: &mut Ui) {
        let recent = self.settings.recent.clone();
        ui.add_enabled_ui(!recent.is_empty(), |ui| {
            ui.menu_button("Recent", |ui| {
                for path in recent {
                    let text = path.to_string_lossy().into_owned();
                    if ui.button(&text).clicked() {
                        self.files_to_open.push_back(path);
                        ui.close();
                    }
                }
            });
        });
    }

    fn main_buttons(&mut self, ui: &mut Ui) {
        // A menu bar squeezes its buttons.
        ui.spacing_mut().button_padding = egui::Vec2::new(12.0, 4.0);
        let t = theme::of(ui);
        self.main_button(ui, Command::Verify, "✔ Verify".to_owned(), None);
        let running = self.session.as_ref().is_some_and(Session::is_proving);
        if running {
            self.main_button(ui, Command::Cancel, "✖ Cancel".to_owned(), Some((t.raised, t.bad)));
            theme::spinner(ui, 16.0);
        } else {
            let count = self.session.as_ref().map_or(0, |s| s.marked().len());
            let text = match count {
                0 => "▶ Prove".to_owned(),
                1 => "▶ Prove 1 slice".to_owned(),
                n => format!("▶ Prove {n} slices"),
            };
            self.main_button(ui, Command::Prove, text, Some((t.accent, t.on_accent)));
        }
        if let Some(session) = &self.session
            && let Some(system) = systems::of_plan(ui, session)
        {
            self.queue.push(match system {
                System::Halo2 => Command::UseHalo2,
                System::Whir => Command::UseWhir,
            });
        }
    }

    fn main_button(
        &mut self,
        ui: &mut Ui,
        command: Command,
        text: String,
        colors: Option<(egui::Color32, egui::Color32)>,
    ) {
        let hindrance = self.hindrance(command);
        let mut label = theme::strong(text);
        let mut button = None;
        if let (Some((fill, ink)), None) = (colors, hindrance) {
            label = label.color(ink);
            button = Some(fill);
        }
        let widget = Button::new(label).min_size(egui::Vec2::new(72.0, 26.0));
        let widget = match button {
            Some(fill) => widget.fill(fill),
            None => widget,
        };
        let response = ui.add_enabled(hindrance.is_none(), widget);
        let enabled = hindrance.is_none();
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, command.text()));
        if command == Command::Prove {
            tour::anchor(ui.ctx(), Anchor::Prove, response.rect);
        }
        if response.clicked() {
            self.queue.push(command);
        }
        response
            .on_hover_text(command.hint(ui.ctx()))
            .on_disabled_hover_text(hindrance.unwrap_or_default());
    }

    /// Free memory of this machine, asked for now and then: asking takes longer than drawing.
    pub(crate) fn free_memory(&mut self) -> u64 {
        if let Some(bytes) = self.shown_memory {
            return bytes;
        }
        let stale = Duration::from_secs(3);
        let (asked, bytes) = self
            .free_memory
            .filter(|(at, _)| at.elapsed() < stale)
            .unwrap_or_else(|| (Instant::now(), microtome_engine::run::available_bytes()));
        self.free_memory = Some((asked, bytes));
        bytes
    }

    pub(crate) fn status_bar(&mut self, ui: &mut Ui) {
        let memory = self.free_memory();
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 18.0;
            if let Some(name) = &self.opening {
                theme::spinner(ui, 13.0);
                ui.label(theme::small(ui, format!("Opening {name}…")));
            }
            let Some(session) = &self.session else { return };
            let graph = &session.graph;
            let text =
                format!("{} · {} nodes · opset {}", graph.name, graph.nodes.len(), graph.opset);
            ui.label(theme::small(ui, text)).on_hover_text(session.path.to_string_lossy());
            let totals = &session.totals;
            let text = format!(
                "{} MACs · {} parameters",
                fmt::count(totals.macs),
                fmt::count(totals.params)
            );
            ui.label(theme::small(ui, text));
            let unprovable = session.unprovable().len();
            if unprovable > 0 {
                let nodes = if unprovable == 1 { "node" } else { "nodes" };
                let text = format!("{unprovable} {nodes} can't be proven");
                let text = RichText::new(text).small().color(theme::of(ui).bad).underline();
                let response = ui.add(Button::new(text).frame(false));
                if response.clicked() {
                    self.queue.push(Command::NextObstacle);
                }
                response.on_hover_text(Command::NextObstacle.tooltip());
            }
            match (&session.prepared, &session.obstacle) {
                (Some(_), _) => {
                    ui.label(theme::small(ui, session.calibration_text()));
                }
                (None, Some(reason)) => {
                    let color = theme::of(ui).bad;
                    let text = RichText::new(reason).small().color(color);
                    ui.add(egui::Label::new(text).truncate()).on_hover_text(reason);
                }
                (None, None) => {
                    ui.label(theme::small(ui, "calibrating…"));
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(theme::small(ui, format!("{} free", fmt::bytes(memory))))
                    .on_hover_text("Proofs start while their predicted memory fits into this.");
            });
        });
    }

    pub(crate) fn about_box(&mut self, ctx: &Context) {
        if !self.about {
            return;
        }
        let modal = Modal::new(Id::new("about")).show(ctx, |ui| {
            ui.set_width(380.0);
            ui.heading("Microtome");
            ui.label(theme::weak(ui, concat!("version ", env!("CARGO_PKG_VERSION"))));
            ui.add_space(theme::GAP);
            ui.label(
                "A microtome cuts specimens into slices thin enough to examine. This one cuts \
                 neural networks into slices small enough to prove in zero knowledge.",
            );
            ui.add_space(theme::GAP);
            ui.label(theme::small(
                ui,
                "MIT or Apache-2.0. The typeface is Inter, under the SIL OFL.",
            ));
            ui.add_space(theme::GAP);
            ui.button("Close").clicked()
        });
        if modal.inner || modal.should_close() {
            self.about = false;
        }
    }
}
