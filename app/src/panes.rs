//! The panes of the window, each of which can be drawn by itself, and how they are arranged.

use egui::{CentralPanel, Context, Frame, Margin, Panel, ScrollArea, Ui};

use crate::app::{App, BottomTab};
use crate::command::Command;
use crate::panels::charts::ChartTab;
use crate::panels::{self, charts, input, inspector, jobs, log, slices, tamper, verify};
use crate::theme;
use crate::tour::{self, Anchor};

/// A part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// The menus and the main buttons.
    Menu,
    /// What is open, in a line.
    Status,
    /// The input, the answer and the selected node.
    Input,
    /// The graph.
    Graph,
    /// The plans, and the slices of the one that is shown.
    Slices,
    /// A chart.
    Charts(ChartTab),
    /// One of the panels at the bottom.
    Bottom(BottomTab),
}

impl Pane {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let fixed = [Self::Menu, Self::Status, Self::Input, Self::Graph, Self::Slices];
        let charts = ChartTab::ALL.map(|(tab, _)| Self::Charts(tab));
        fixed.into_iter().chain(charts).chain(BottomTab::ALL.map(|(tab, _)| Self::Bottom(tab)))
    }

    /// A name for files.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Menu => "menu".to_owned(),
            Self::Status => "status".to_owned(),
            Self::Input => "input".to_owned(),
            Self::Graph => "graph".to_owned(),
            Self::Slices => "slices".to_owned(),
            Self::Charts(tab) => format!("chart-{tab:?}").to_lowercase(),
            Self::Bottom(tab) => format!("{tab:?}").to_lowercase(),
        }
    }
}

impl App {
    /// Draws the window: its panels around the graph.
    pub(crate) fn panels(&mut self, ui: &mut Ui) {
        let margin =
            Frame::new().fill(theme::of(ui).panel).inner_margin(Margin::same(theme::MARGIN));
        Panel::top("menu bar")
            .frame(margin.inner_margin(Margin::symmetric(theme::MARGIN, 5)))
            .show(ui, |ui| self.pane(ui, Pane::Menu));
        Panel::bottom("status bar")
            .frame(margin.inner_margin(Margin::symmetric(theme::MARGIN, 4)))
            .show(ui, |ui| self.pane(ui, Pane::Status));
        let size = ui.available_size();
        let left = Panel::left("input and node")
            .frame(margin)
            .default_size(if size.x < 1100.0 { 196.0 } else { 232.0 })
            .size_range(180.0..=(size.x * 0.35).max(181.0))
            .show(ui, |ui| {
                // A panel is as wide as what it holds; this makes it as wide as the user chose.
                ui.take_available_width();
                self.pane(ui, Pane::Input);
            });
        tour::anchor(ui.ctx(), Anchor::Input, left.response.rect);
        Panel::right("slices and charts")
            .frame(margin)
            .default_size((size.x * 0.445).min(size.x - 640.0).clamp(360.0, 680.0))
            .size_range(300.0..=(size.x * 0.6).max(301.0))
            .show(ui, |ui| {
                ui.take_available_width();
                self.right(ui);
            });
        let bottom = Panel::bottom("jobs and verdict")
            .frame(margin)
            .default_size((size.y * 0.31).clamp(130.0, 272.0))
            .size_range(90.0..=(size.y * 0.6).max(91.0))
            .show(ui, |ui| {
                ui.take_available_height();
                self.bottom(ui);
            });
        tour::anchor(ui.ctx(), Anchor::Bottom, bottom.response.rect);
        CentralPanel::default().frame(Frame::new()).show(ui, |ui| self.pane(ui, Pane::Graph));
        name_resize_handles(ui.ctx());
    }

    /// Draws one pane.
    pub fn pane(&mut self, ui: &mut Ui, pane: Pane) {
        match pane {
            Pane::Menu => self.menu_bar(ui),
            Pane::Status => self.status_bar(ui),
            Pane::Input => self.input_pane(ui),
            Pane::Graph => self.graph_pane(ui),
            Pane::Slices => self.slices_pane(ui),
            Pane::Charts(tab) => self.charts_pane(ui, tab),
            Pane::Bottom(tab) => self.bottom_pane(ui, tab),
        }
    }

    fn input_pane(&mut self, ui: &mut Ui) {
        let Some(session) = &self.session else {
            theme::heading(ui, "Input");
            panels::nothing(ui, "Open a model to begin.");
            return;
        };
        ScrollArea::vertical().id_salt("left").auto_shrink(false).show(ui, |ui| {
            input::show(ui, session, &mut self.picture, &mut self.queue);
            ui.add_space(theme::GROUP);
            ui.separator();
            let top = ui.cursor().min;
            match (self.selection.block, &self.graph) {
                (Some(block), Some(graph)) => {
                    inspector::block(ui, session, block, graph.block_name(block));
                }
                _ => inspector::show(ui, session, self.selection.node),
            }
            if std::mem::take(&mut self.reveal_inspector) {
                let section = egui::Rect::from_min_max(top, ui.min_rect().max);
                ui.scroll_to_rect(section, Some(egui::Align::TOP));
            }
        });
    }

    fn right(&mut self, ui: &mut Ui) {
        if self.session.is_none() {
            theme::heading(ui, "Slices");
            return;
        }
        let height = ui.available_height();
        let top = Panel::top("slices")
            .frame(Frame::new())
            .default_size((height * 0.5).min(height - 300.0).max(160.0))
            .size_range(110.0..=(height - 120.0).max(111.0))
            .resizable(true)
            .show(ui, |ui| {
                ui.take_available_height();
                self.pane(ui, Pane::Slices);
            });
        tour::anchor(ui.ctx(), Anchor::Slices, top.response.rect);
        ui.add_space(theme::GAP);
        self.pane(ui, Pane::Charts(self.settings.chart));
    }

    fn slices_pane(&mut self, ui: &mut Ui) {
        let memory = self.free_memory();
        let Some(session) = &self.session else { return };
        let shown = slices::toolbar(ui, session, &mut self.settings.balance, &mut self.queue);
        let selected = self.selection.slice;
        let to_split = selected.filter(|&slice| session.is_too_large(slice, memory));
        if let Some(slice) = to_split.or_else(|| session.first_too_large(memory))
            && slices::too_large(ui, slice)
        {
            self.selection.slice = Some(slice);
            self.queue.push(Command::SplitSlice);
        }
        ui.add_space(2.0);
        for action in slices::show(ui, session, self.selection) {
            self.slice_action(ui.ctx(), action);
        }
        if let Some(index) = shown {
            self.change_plan(|session| session.show_draft(index));
            self.refresh_estimates(ui.ctx());
        }
    }

    fn charts_pane(&mut self, ui: &mut Ui, tab: ChartTab) {
        let Some(session) = &mut self.session else { return };
        let mut chosen = tab;
        let view = self.settings.chart_views.entry(tab).or_default();
        charts::show(ui, session, &mut chosen, view, &mut self.queue);
        if chosen != tab {
            self.settings.chart = chosen;
        }
    }

    fn bottom(&mut self, ui: &mut Ui) {
        let mut attacks = Vec::new();
        ui.horizontal(|ui| {
            panels::tabs(ui, &mut self.bottom, &BottomTab::ALL);
            if self.bottom == BottomTab::Tamper && self.session.is_some() {
                attacks = tamper::head(ui, &self.tamper);
            }
        });
        if !attacks.is_empty() {
            self.attack(attacks);
        }
        ui.add_space(theme::GAP);
        self.pane(ui, Pane::Bottom(self.bottom));
    }

    fn bottom_pane(&mut self, ui: &mut Ui, tab: BottomTab) {
        match (tab, &self.session) {
            (BottomTab::Log, _) => log::show(ui, &self.log),
            (_, None) => panels::nothing(ui, "Open a model to begin."),
            (BottomTab::Jobs, Some(session)) => jobs::show(ui, session, &mut self.queue),
            (BottomTab::Tamper, Some(_)) => {
                let attacks = tamper::show(ui, &mut self.tamper);
                if !attacks.is_empty() {
                    self.attack(attacks);
                }
            }
            (BottomTab::Verify, Some(session)) => {
                let can_save = session.bundle().is_some() || self.kept_bundle().is_some();
                verify::show(ui, self.verified.as_ref(), self.verifying, can_save, &mut self.queue);
            }
        }
    }

    fn graph_pane(&mut self, ui: &mut Ui) {
        let actions = match (&self.session, &mut self.graph) {
            (Some(session), Some(graph)) => {
                graph.show(ui, session, self.selection, &self.picked, self.settings.color_by)
            }
            _ => {
                let t = theme::of(ui);
                ui.painter().rect_filled(ui.max_rect(), 0, t.canvas);
                ui.centered_and_justified(|ui| match &self.opening {
                    Some(name) => ui.label(theme::weak(ui, format!("Opening {name}…"))),
                    None => ui.label(theme::weak(ui, "Drop an ONNX model here, or open one.")),
                });
                Vec::new()
            }
        };
        if !actions.is_empty() {
            ui.ctx().request_repaint();
        }
        for action in actions {
            self.graph_action(ui.ctx(), action);
        }
    }
}

/// Panels leave the edges that resize them without a name, which screen readers would read.
fn name_resize_handles(ctx: &Context) {
    let panels = ["input and node", "slices and charts", "jobs and verdict", "slices"];
    for panel in panels {
        let handle = ctx.read_response(egui::Id::new(panel).with("__resize"));
        if let Some(handle) = handle {
            let name = format!("Resize the panel of {panel}");
            handle.widget_info(|| {
                egui::WidgetInfo::labeled(egui::WidgetType::ResizeHandle, true, &name)
            });
        }
    }
}
