//! The share of each slice as bars along the flow: of the multiply-accumulates, and of the seconds
//! that proving is predicted to take.

use egui::{
    Align2, FontId, Id, Pos2, Rangef, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType,
};
use microtome_engine::report::format as fmt;

use super::{GraphAction, GraphView, Selection};
use crate::session::Session;
use crate::theme;

/// Width of one bar.
const BAR: f32 = 19.0;
/// Between two bars.
const GAP: f32 = 4.0;
/// Room for the captions above the bars.
const CAPTION: f32 = 14.0;
/// A segment lower than this has no number in it.
const LEAST_FOR_TEXT: f32 = 12.0;
/// Even the smallest slice can be seen and clicked.
const LEAST_HEIGHT: f32 = 3.0;

/// Width of both bars.
pub(super) const WIDTH: f32 = 2.0 * BAR + GAP;

/// One bar: what it shows, and of each slice how much of it.
struct Bar {
    caption: &'static str,
    /// What comes after "54% of".
    of: &'static str,
    values: Vec<f64>,
    format: fn(f64) -> String,
}

fn bars(session: &Session) -> [Bar; 2] {
    let rows = session.rows();
    let secs = |row: &crate::session::SliceRow| row.prediction.as_ref().map(|p| p.prove_secs);
    // A share of a sum that lacks a slice would be a lie.
    let all_secs: Option<Vec<f64>> = rows.iter().map(secs).collect();
    [
        Bar {
            caption: "MACs",
            of: "the MACs",
            values: rows.iter().map(|row| row.totals.macs as f64).collect(),
            format: |v| fmt::count(v as u64) + " MACs",
        },
        Bar {
            caption: "time",
            of: "the predicted seconds",
            values: all_secs.unwrap_or_default(),
            format: fmt::secs,
        },
    ]
}

impl GraphView {
    /// Draws both bars from `left` on, over this range of heights.
    pub(super) fn shares(
        &mut self,
        ui: &Ui,
        left: f32,
        heights: Rangef,
        session: &Session,
        selection: Selection,
        actions: &mut Vec<GraphAction>,
    ) {
        for (number, bar) in bars(session).iter().enumerate() {
            let x = left + number as f32 * (BAR + GAP);
            let column =
                Rect::from_min_max(Pos2::new(x, heights.min), Pos2::new(x + BAR, heights.max));
            if let Some(slice) = bar_ui(ui, column, bar, session, selection) {
                self.reveal = session.first_node(slice);
                actions.push(GraphAction::SelectSlice(slice));
            }
        }
    }
}

/// Draws a bar and returns the slice that was clicked.
fn bar_ui(
    ui: &Ui,
    column: Rect,
    bar: &Bar,
    session: &Session,
    selection: Selection,
) -> Option<usize> {
    let t = theme::of(ui);
    let painter = ui.painter();
    let at = Pos2::new(column.center().x, column.top());
    painter.text(at, Align2::CENTER_TOP, bar.caption, FontId::proportional(8.0), t.weak);
    let groove = column.with_min_y(column.top() + CAPTION);
    painter.rect_filled(groove, 2, t.sunken);
    let total: f64 = bar.values.iter().sum();
    if total <= 0.0 {
        let why = ui.interact(groove, Id::new(("no share", bar.caption)), Sense::hover());
        why.on_hover_text(format!("Shares of {} show once all slices have them", bar.of));
        return None;
    }
    let shares: Vec<f64> = bar.values.iter().map(|value| value / total).collect();
    let mut clicked = None;
    for (slice, range) in segments(groove.y_range(), &shares).into_iter().enumerate() {
        let segment = Rect::from_x_y_ranges(groove.x_range(), range);
        let share = fmt::percent(shares[slice]);
        let text = format!("Slice {slice}: {share} of {}", bar.of);
        let response = ui.interact(segment, Id::new(("share", bar.caption, slice)), Sense::click());
        let is_selected = selection.slice == Some(slice);
        response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, is_selected, &text));
        if response.clicked() {
            clicked = Some(slice);
        }
        let color = theme::between(t.canvas, t.slice(slice), 0.8);
        let color = if response.hovered() { theme::between(color, t.text, 0.2) } else { color };
        let drawn = segment.with_max_y(segment.bottom() - 1.0);
        painter.rect_filled(drawn, 2, color);
        if is_selected || response.has_focus() {
            painter.rect_stroke(drawn, 2, Stroke::new(1.5, t.text), StrokeKind::Inside);
        }
        if segment.height() >= LEAST_FOR_TEXT {
            // The unit stands in the caption's tooltip: a bar is as narrow as two digits.
            let number = format!("{:.0}", shares[slice] * 100.0);
            let font = FontId::proportional(9.0);
            painter.text(drawn.center(), Align2::CENTER_CENTER, number, font, theme::ink_on(color));
        }
        response.on_hover_ui(|ui| {
            ui.label(theme::strong(&text));
            let amount = format!("{} of {}", (bar.format)(bar.values[slice]), (bar.format)(total));
            ui.label(theme::small(ui, amount));
            if bar.caption == "time" {
                let system = session.system(slice);
                ui.label(theme::small(ui, format!("proven by {system}")));
            }
        });
    }
    clicked
}

/// Where each segment begins and ends: in proportion, but none lower than can be seen.
fn segments(heights: Rangef, shares: &[f64]) -> Vec<Rangef> {
    let least = LEAST_HEIGHT.min(heights.span() / shares.len().max(1) as f32);
    let free = heights.span() - least * shares.len() as f32;
    let mut top = heights.min;
    let mut segment = |share: &f64| {
        let bottom = top + least + free * *share as f32;
        let range = Rangef::new(top, bottom);
        top = bottom;
        range
    };
    shares.iter().map(&mut segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_fill_the_bar_and_none_vanishes() {
        let found = segments(Rangef::new(10.0, 110.0), &[0.5, 0.0, 0.5]);
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].min, found[1].min), (10.0, found[0].max));
        assert!((found[1].span() - LEAST_HEIGHT).abs() < 1e-4);
        assert!((found[2].max - 110.0).abs() < 1e-3);
        let tight = segments(Rangef::new(0.0, 4.0), &[0.5; 4]);
        assert!(tight.iter().all(|range| range.span() >= 1.0));
    }
}
