//! The charts: sliced against monolithic, slice by slice, and the proof systems beside each other,
//! live while a run goes on.

use egui::{ScrollArea, Ui, Vec2};
use microtome_engine::report::charts::Chart;

use crate::command::Command;
use crate::plot_backend;
use crate::session::Session;
use crate::theme;

/// Below this height charts get crowded.
const LEAST_HEIGHT: f32 = 300.0;

/// Which chart is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ChartTab {
    /// Sliced against monolithic.
    #[default]
    Compare,
    /// Slice by slice.
    PerSlice,
    /// What ran when.
    Timeline,
    /// The proof systems on the same slices.
    Systems,
}

impl ChartTab {
    /// All of them, with what the tabs say.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Compare, "Compare"),
        (Self::PerSlice, "By slice"),
        (Self::Timeline, "Timeline"),
        (Self::Systems, "Systems"),
    ];
}

/// The chart that a tab shows, where there is data for it.
#[must_use]
pub fn chart(session: &Session, tab: ChartTab) -> Option<Chart> {
    match tab {
        ChartTab::Compare => session.compare().map(Chart::Compare),
        ChartTab::PerSlice => session.per_slice().map(Chart::PerSlice),
        ChartTab::Timeline => session.timeline().map(Chart::Timeline),
        ChartTab::Systems => session.systems().map(Chart::Systems),
    }
}

/// Draws the tabs and the chart.
pub fn show(ui: &mut Ui, session: &Session, tab: &mut ChartTab, queue: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        super::tabs(ui, tab, &ChartTab::ALL);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            for (text, command) in [("PNG", Command::SaveChartPng), ("SVG", Command::SaveChartSvg)]
            {
                let button = ui.small_button(text).on_hover_text(command.hint(ui.ctx()));
                button.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::WidgetType::Button, true, command.text())
                });
                if button.clicked() {
                    queue.push(command);
                }
            }
        });
    });
    ui.add_space(theme::GAP);
    let Some(chart) = chart(session, *tab) else {
        super::nothing(ui, "There is nothing to draw until something can be proven.");
        return;
    };
    // Bars in too little room would be left out: the panel scrolls instead.
    ScrollArea::vertical().id_salt("chart").auto_shrink(false).show(ui, |ui| {
        // One row of bars needs less room than two.
        let least = if *tab == ChartTab::Systems { 220.0 } else { LEAST_HEIGHT };
        let size = Vec2::new(ui.available_width(), ui.available_height().max(least));
        plot_backend::chart(ui, size, &chart);
    });
}
