//! A strip beside the graph that shows the whole model: slices, the cost of cutting at each
//! place, and the part that is in sight. Dragging on it scrolls. Beside it, the shares of slices.

use egui::{Id, Pos2, Rangef, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, WidgetType};

use super::{GraphAction, GraphView, Selection, share};
use crate::session::Session;
use crate::theme;

/// Width of the part that scrolls.
const SCROLLER: f32 = 30.0;
/// Width of the strip.
pub const WIDTH: f32 = SCROLLER + share::WIDTH + 6.0;
/// Lines of costs are at least this far apart.
const LINE_GAP: f32 = 3.0;

impl GraphView {
    /// Draws the strip at the right of `whole`, which the graph in `area` leaves free.
    pub(super) fn overview(
        &mut self,
        ui: &Ui,
        whole: Rect,
        area: Rect,
        session: &Session,
        selection: Selection,
        actions: &mut Vec<GraphAction>,
    ) {
        let strip = Rect::from_min_max(Pos2::new(area.right(), whole.top()), whole.max);
        ui.painter_at(strip).rect_filled(strip, 0, theme::of(ui).panel);
        let heights = Rangef::new(strip.top() + 4.0, strip.bottom() - 8.0);
        self.shares(ui, strip.left() + SCROLLER, heights, session, selection, actions);
        self.scroller(ui, strip.with_max_x(strip.left() + SCROLLER), area, session);
    }

    fn scroller(&mut self, ui: &Ui, strip: Rect, area: Rect, session: &Session) {
        let Some(camera) = &mut self.camera else { return };
        let t = theme::of(ui);
        let painter = ui.painter_at(strip);
        painter.vline(strip.left(), strip.y_range(), Stroke::new(1.0, t.border));
        let inner = strip.shrink2(Vec2::new(4.0, 8.0));
        let bounds = self.layout.bounds;
        let to_strip =
            |y: f32| inner.top() + (y - bounds.top()) / bounds.height().max(1.0) * inner.height();

        let heights = &self.layout.cut_heights;
        let last = heights.len().saturating_sub(1);
        let ends = session.cuts().iter().copied().chain([last]);
        let mut top = inner.top();
        for (index, end) in ends.enumerate() {
            let bottom = if end == last { inner.bottom() } else { to_strip(heights[end]) };
            let band = Rect::from_x_y_ranges(inner.x_range(), Rangef::new(top, bottom - 1.0));
            painter.rect_filled(band, 2, theme::faded(t.slice(index), 70));
            top = bottom;
        }
        let costs = session.crossing_bytes();
        let most = costs.iter().map(|&(_, bytes)| bytes).max().unwrap_or(1).max(1) as f32;
        // With many cuts the lines would fill the strip: of those that fall together, the longest.
        let mut drawn: Option<(f32, u64)> = None;
        let line = |y: f32, bytes: u64, color, width| {
            let length = 2.0 + (inner.width() - 4.0) * (bytes as f32 / most).sqrt();
            painter.hline(inner.left()..=inner.left() + length, y, Stroke::new(width, color));
        };
        for &(cut, bytes) in costs {
            let y = to_strip(heights[cut]);
            match &mut drawn {
                Some((last, longest)) if y - *last < LINE_GAP => *longest = bytes.max(*longest),
                _ => {
                    if let Some((y, bytes)) = drawn.replace((y, bytes)) {
                        line(y, bytes, t.faint, 1.0);
                    }
                }
            }
        }
        if let Some((y, bytes)) = drawn {
            line(y, bytes, t.faint, 1.0);
        }
        for &cut in session.cuts() {
            line(to_strip(heights[cut]), session.crossing_bytes_at(cut), t.accent, 2.5);
        }

        let seen_top = to_strip(camera.plane(area.min, area.min).y).max(inner.top() - 3.0);
        let seen_bottom = to_strip(camera.plane(area.min, area.max).y).min(inner.bottom() + 3.0);
        if seen_bottom - seen_top < inner.height() {
            let seen = Rect::from_x_y_ranges(
                inner.expand(2.0).x_range(),
                Rangef::new(seen_top, seen_bottom.max(seen_top + 6.0)),
            );
            painter.rect(
                seen,
                3,
                theme::faded(t.text, 18),
                Stroke::new(1.0, t.weak),
                StrokeKind::Inside,
            );
        }

        let response = ui.interact(strip, Id::new("overview"), Sense::click_and_drag());
        response
            .widget_info(|| WidgetInfo::labeled(WidgetType::Slider, true, "Overview of the model"));
        if let (true, Some(point)) =
            (response.dragged() || response.clicked(), response.interact_pointer_pos())
        {
            let part = ((point.y - inner.top()) / inner.height()).clamp(0.0, 1.0);
            camera.center_on(bounds.top() + part * bounds.height(), area.size());
            ui.ctx().request_repaint();
        }
        response.on_hover_text(
            "The whole model. Lines show how many bytes cross at each place where it can be cut. \
             Drag to scroll.",
        );
    }
}
