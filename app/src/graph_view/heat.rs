//! The colours of nodes: their operators, or a quantity as heat, with the legend that explains it.

use std::ops::Range;

use egui::{
    Align2, Color32, FontId, Id, Mesh, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo,
    WidgetType,
};
use microtome_engine::prove::System;
use microtome_engine::report::format as fmt;
use serde::{Deserialize, Serialize};

use crate::session::Session;
use crate::theme::{self, Tokens};

/// Height of the legend, which takes it from the graph.
pub const LEGEND_HEIGHT: f32 = 42.0;
/// Room for the word at its end that explains the colour of nothing.
const NONE_ROOM: f32 = 62.0;
/// Values that span more than this factor are shown on a logarithmic scale.
const WIDE_SPAN: f64 = 30.0;

/// What the colours of nodes tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColorBy {
    /// The kind of operator.
    #[default]
    Operator,
    /// Multiply-accumulates.
    Macs,
    /// Parameters.
    Params,
    /// Bytes of the outputs.
    Bytes,
    /// Seconds of proving, each operation as a slice by itself.
    Seconds,
    /// Error of the fixed-point output for the case that is shown, as a part of its float range.
    Error,
    /// The slice.
    Slice,
}

impl ColorBy {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 7] = [
        Self::Operator,
        Self::Macs,
        Self::Params,
        Self::Bytes,
        Self::Seconds,
        Self::Error,
        Self::Slice,
    ];

    /// What the menu says.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Operator => "Operator",
            Self::Macs => "MACs",
            Self::Params => "Parameters",
            Self::Bytes => "Activation bytes",
            Self::Seconds => "Predicted seconds",
            Self::Error => "Quantisation error",
            Self::Slice => "Slice",
        }
    }

    fn value(self, session: &Session, node: usize, system: System) -> Option<f64> {
        let facts = &session.facts[node];
        match self {
            Self::Operator | Self::Slice => None,
            Self::Macs => Some(facts.macs as f64),
            Self::Params => Some(facts.params as f64),
            Self::Bytes => Some(facts.output_bytes as f64),
            Self::Seconds => session.node_secs(node, system),
            Self::Error => session.node_error(node),
        }
    }

    fn format(self, value: f64) -> String {
        match self {
            Self::Bytes => fmt::bytes_f64(value),
            Self::Seconds => fmt::secs(value),
            Self::Error => error_text(value),
            _ => fmt::count(value.round() as u64),
        }
    }

    fn title(self, system: System) -> String {
        match self {
            Self::Seconds => format!("Predicted seconds by {system}"),
            Self::Error => "Quantisation error of this case, of the float range".to_owned(),
            _ => self.text().to_owned(),
        }
    }
}

/// An error as a part of a range: `0.012%`.
#[must_use]
pub fn error_text(error: f64) -> String {
    format!("{}%", fmt::three_digits(error * 100.0))
}

/// The colours of a model's nodes.
pub struct Heat {
    /// Of each node its colour; nothing where its operator says it.
    pub tints: Vec<Option<Color32>>,
    values: Vec<Option<f64>>,
    by: ColorBy,
    system: System,
    scale: Option<Scale>,
}

impl Heat {
    /// The colours that a look gives to the nodes of a model.
    #[must_use]
    pub fn of(session: &Session, by: ColorBy, t: &Tokens) -> Self {
        let nodes = 0..session.graph.nodes.len();
        let system = session.whole_system();
        let values: Vec<_> = nodes.clone().map(|node| by.value(session, node, system)).collect();
        let scale = Scale::of(values.iter().copied().flatten());
        let tint = |node: usize| match by {
            ColorBy::Operator => None,
            ColorBy::Slice => {
                Some(theme::between(t.canvas, t.slice(session.slice_of_node(node)), 0.75))
            }
            _ => {
                let place = scale.as_ref().zip(values[node]).and_then(|(s, v)| s.place(v));
                Some(place.map_or(t.no_heat(), |place| t.heat(place)))
            }
        };
        Self { tints: nodes.map(tint).collect(), values, by, system, scale }
    }

    /// Whether colours are those of operators.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.by == ColorBy::Operator
    }

    /// The colour of several nodes in one box: that of the hottest.
    #[must_use]
    pub fn tint_of(&self, nodes: Range<usize>) -> Option<Color32> {
        let value = |node: &usize| self.values[*node].unwrap_or(f64::NEG_INFINITY);
        let hottest = nodes.max_by(|a, b| value(a).total_cmp(&value(b)))?;
        self.tints.get(hottest).copied().flatten()
    }

    /// Room that the legend needs.
    #[must_use]
    pub fn legend_height(&self) -> f32 {
        if self.by == ColorBy::Operator { 0.0 } else { LEGEND_HEIGHT }
    }

    /// What the legend tells, in words.
    fn words(&self, slices: usize) -> String {
        let title = self.by.title(self.system);
        match (&self.scale, self.by) {
            (_, ColorBy::Slice) => format!("Colours of nodes: slices 0 to {}", slices - 1),
            (None, _) => format!("Colours of nodes: {title}, not known yet"),
            (Some(scale), by) => format!(
                "Colours of nodes: {title} from {} to {}, {} scale",
                by.format(scale.low),
                by.format(scale.high),
                scale.kind()
            ),
        }
    }

    /// Draws the legend.
    pub fn legend_ui(&self, ui: &Ui, rect: Rect, session: &Session) {
        if rect.height() < 1.0 {
            return;
        }
        let t = theme::of(ui);
        let slices = session.cuts().len() + 1;
        let response = ui.interact(rect, Id::new("legend"), Sense::hover());
        let words = self.words(slices);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &words));
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 0, t.panel);
        painter.hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, t.border));
        let text = |x: f32, y: f32, text: &str, font: FontId, color: Color32| {
            painter.text(Pos2::new(x, y), Align2::LEFT_CENTER, text, font, color).right()
        };
        let (left, title_y, y) = (rect.left() + 12.0, rect.top() + 12.0, rect.top() + 29.0);
        let small = || FontId::proportional(11.0);
        let title = self.by.title(self.system);
        let mut x = text(left, title_y, &title, theme::strong_font(11.0), t.text);
        if self.by == ColorBy::Slice {
            x = left;
            for slice in 0..slices {
                if x + 34.0 > rect.right() {
                    break;
                }
                let color = theme::between(t.canvas, t.slice(slice), 0.75);
                painter.rect_filled(swatch(x, y), 2, color);
                x = text(x + 15.0, y, &slice.to_string(), small(), t.weak) + 12.0;
            }
            return;
        }
        let Some(scale) = &self.scale else {
            text(left, y, "not known yet", small(), t.weak);
            return;
        };
        text(x + 8.0, title_y, scale.kind(), small(), t.weak);
        let high = self.by.format(scale.high);
        let high_width = painter.layout_no_wrap(high.clone(), small(), t.weak).size().x;
        x = text(left, y, &self.by.format(scale.low), small(), t.weak) + 7.0;
        // In a narrow window the ramp gets shorter, so that its ends stay readable.
        let room = rect.right() - x - 7.0 - high_width - NONE_ROOM;
        let bar =
            Rect::from_min_size(Pos2::new(x, y - 5.0), Vec2::new(room.clamp(24.0, 120.0), 10.0));
        painter.add(ramp(bar, t));
        x = text(bar.right() + 7.0, y, &high, small(), t.weak) + 12.0;
        painter.rect_filled(swatch(x, y), 2, t.no_heat());
        text(x + 15.0, y, "none", small(), t.weak);
    }
}

fn swatch(x: f32, y: f32) -> Rect {
    Rect::from_min_size(Pos2::new(x, y - 5.0), Vec2::splat(10.0))
}

/// The ramp from its low end to its high end.
fn ramp(bar: Rect, t: &Tokens) -> Shape {
    const STEPS: u32 = 24;
    let mut mesh = Mesh::default();
    for step in 0..=STEPS {
        let part = step as f32 / STEPS as f32;
        let x = bar.left() + part * bar.width();
        mesh.colored_vertex(Pos2::new(x, bar.top()), t.heat(part));
        mesh.colored_vertex(Pos2::new(x, bar.bottom()), t.heat(part));
        if step > 0 {
            let corner = 2 * step;
            mesh.add_triangle(corner - 2, corner - 1, corner);
            mesh.add_triangle(corner - 1, corner, corner + 1);
        }
    }
    Shape::mesh(mesh)
}

/// How values become places on the ramp.
#[derive(Debug)]
struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    /// The scale of all values above zero, where there are any.
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = values
            .filter(|&v| v > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        (high > 0.0).then(|| Self { low, high, is_log: high / low > WIDE_SPAN })
    }

    /// From 0 to 1; nothing for what is nothing.
    fn place(&self, value: f64) -> Option<f32> {
        let (low, high, value) = if self.is_log {
            (self.low.ln(), self.high.ln(), value.ln())
        } else {
            (self.low, self.high, value)
        };
        let span = high - low;
        let part = if span > 0.0 { (value - low) / span } else { 1.0 };
        value.is_finite().then_some(part as f32).filter(|part| *part >= 0.0)
    }

    fn kind(&self) -> &'static str {
        if self.is_log { "log" } else { "linear" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_span_is_logarithmic_and_nothing_has_no_place() {
        let scale = Scale::of([0.0, 10.0, 1000.0, 100_000.0].into_iter()).unwrap();
        assert!(scale.is_log);
        assert_eq!(scale.place(0.0), None);
        assert!((scale.place(1000.0).unwrap() - 0.5).abs() < 1e-6);
        let narrow = Scale::of([10.0, 20.0].into_iter()).unwrap();
        assert_eq!((narrow.is_log, narrow.place(20.0)), (false, Some(1.0)));
        assert_eq!(narrow.place(0.0), None);
        assert!(Scale::of([0.0].into_iter()).is_none());
    }
}
