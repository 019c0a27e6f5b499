//! The charts: sliced against monolithic, slice by slice, what ran when, the proof systems and the
//! plans beside each other, live while a run goes on.

use egui::{ScrollArea, Ui, Vec2, WidgetInfo, WidgetType};
use microtome_engine::report::charts::{Chart, Scaling, Value, View};

use crate::chart_view;
use crate::command::Command;
use crate::session::Session;
use crate::theme;

/// Below this height charts get crowded.
const LEAST_HEIGHT: f32 = 264.0;

/// From this width on, the tools stand behind the tabs.
const WIDE: f32 = 470.0;

/// Which chart is shown.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
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
    /// The plans of the model beside each other.
    Plans,
    /// Error against cost over bits.
    Bits,
}

impl ChartTab {
    /// All of them, with what the tabs say.
    pub const ALL: [(Self, &str); 6] = [
        (Self::Compare, "Compare"),
        (Self::PerSlice, "By slice"),
        (Self::Timeline, "Timeline"),
        (Self::Systems, "Systems"),
        (Self::Plans, "Plans"),
        (Self::Bits, "Bits"),
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
        ChartTab::Plans => session.plans().map(Chart::Plans),
        ChartTab::Bits => session.bits_chart().map(Chart::Bits),
    }
}

/// Draws the tabs, the tools and the chart. `view` says what of the chart is shown; its legend
/// changes it.
pub fn show(
    ui: &mut Ui,
    session: &mut Session,
    tab: &mut ChartTab,
    view: &mut View,
    queue: &mut Vec<Command>,
) {
    let chart = chart(session, *tab);
    let wide = ui.available_width() >= WIDE;
    ui.horizontal(|ui| {
        if super::tabs(ui, tab, &ChartTab::ALL) {
            // What is drawn below is still that of the tab before.
            ui.ctx().request_repaint();
        }
        if wide {
            tools(ui, chart.as_ref(), view, queue);
        }
    });
    if !wide {
        ui.horizontal(|ui| tools(ui, chart.as_ref(), view, queue));
    }
    ui.add_space(theme::GAP);
    if *tab == ChartTab::Bits {
        super::bits::head(ui, session, queue);
    }
    let Some(chart) = chart else {
        let text = match tab {
            ChartTab::Bits => "Sweep to see what fewer or more bits do to answers and to costs.",
            _ => "There is nothing to draw until something can be proven.",
        };
        super::nothing(ui, text);
        return;
    };
    // Bars in too little room would be left out: the panel scrolls instead.
    ScrollArea::vertical().id_salt("chart").auto_shrink(false).show(ui, |ui| {
        // One row of bars needs less room than two, and points need less than bars.
        let least = match chart {
            Chart::Systems(_) => 220.0,
            Chart::Bits(_) => 200.0,
            _ => LEAST_HEIGHT,
        };
        let size = Vec2::new(ui.available_width(), ui.available_height().max(least));
        let chosen = chart_view::chart(ui, size, &chart, view).chosen;
        if let Some(Value::Setting { bits, .. }) = chosen {
            session.bits_view.picked = Some(bits);
            ui.ctx().request_repaint();
        }
    });
}

/// The scale and where to save, at the right edge.
fn tools(ui: &mut Ui, chart: Option<&Chart>, view: &View, queue: &mut Vec<Command>) {
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let save = ui.menu_button("Save", |ui| {
            for command in [Command::SaveChartSvg, Command::SaveChartPng, Command::SaveChartCsv] {
                let button = ui.add_enabled(chart.is_some(), egui::Button::new(command.text()));
                if button.on_hover_text(command.hint(ui.ctx())).clicked() {
                    queue.push(command);
                    ui.close();
                }
            }
        });
        save.response
            .widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Save the chart"));
        if !chart.is_some_and(Chart::has_scaling) {
            return;
        }
        let text = match view.scaling {
            Scaling::Auto => "Scale: auto",
            Scaling::Linear => "Scale: linear",
            Scaling::Log => "Scale: log",
        };
        let scale = ui.menu_button(text, |ui| {
            for scaling in Scaling::ALL {
                let command = Command::ChartScale(scaling);
                let radio = ui.radio(view.scaling == scaling, scaling.label());
                if radio.on_hover_text(command.tooltip()).clicked() {
                    queue.push(command);
                    ui.close();
                }
            }
        });
        let name = format!("Scale of the chart: {}", view.scaling.label());
        scale.response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &name));
    });
}
