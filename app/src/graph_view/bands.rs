//! Slices as coloured bands behind the nodes, each with its title.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rangef, Rect, Stroke, Ui, Vec2};
use microtome_engine::report::format as fmt;

use super::layout::Layout;
use super::{Camera, Selection};
use crate::session::Session;
use crate::theme;

/// Width of the longest title.
const TITLE_WIDTH: f32 = 132.0;

/// The heights on the screen where the bands begin and end.
pub(super) fn band_edges(
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
) -> Vec<f32> {
    let y = |cut: usize| camera.screen(area.min, Pos2::new(0.0, layout.cut_heights[cut])).y;
    let margin = 26.0 * camera.zoom;
    let top = camera.screen(area.min, layout.bounds.min).y - margin;
    let bottom = camera.screen(area.min, layout.bounds.max).y + margin;
    std::iter::once(top).chain(session.cuts().iter().map(|&c| y(c))).chain([bottom]).collect()
}

/// Paints the wash of each slice and the lines between, to go under the nodes.
pub fn paint_bands(
    painter: &Painter,
    ui: &Ui,
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
    selection: Selection,
) {
    let t = theme::of(ui);
    let edges = band_edges(area, camera, layout, session);
    for (index, pair) in edges.windows(2).enumerate() {
        let range = Rangef::new(pair[0].max(area.top()), pair[1].min(area.bottom()));
        if range.min >= range.max {
            continue;
        }
        let band = Rect::from_x_y_ranges(area.x_range(), range);
        painter.rect_filled(band, 0, t.band(index));
        let width = if selection.slice == Some(index) { 5.0 } else { 3.0 };
        let edge = Rect::from_min_size(band.min, Vec2::new(width, band.height()));
        painter.rect_filled(edge, 0, t.slice(index));
    }
    for (&cut, &y) in session.cuts().iter().zip(&edges[1..]) {
        let color = if session.is_locked(cut) { t.weak } else { t.accent };
        painter.hline(area.x_range(), y, Stroke::new(1.5, color));
    }
}

/// Writes what each slice costs at the top of its band; the title of a band that is partly
/// scrolled away stays in sight.
pub fn paint_titles(
    painter: &Painter,
    ui: &Ui,
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
    selection: Selection,
) {
    let t = theme::of(ui);
    let edges = band_edges(area, camera, layout, session);
    let rows = session.rows();
    let nodes_left = camera.screen(area.min, layout.bounds.min).x;
    let total: u64 = rows.iter().map(|row| row.totals.macs).sum();
    for (index, pair) in edges.windows(2).enumerate() {
        let room = pair[1].min(area.bottom()) - pair[0].max(area.top());
        if room < 22.0 {
            continue;
        }
        let at = Pos2::new(area.left() + 14.0, pair[0].max(area.top()) + 7.0);
        let color = t.slice(index);
        let name = format!("Slice {index}");
        if nodes_left < area.left() + TITLE_WIDTH {
            // Nodes are under the title: it gets a ground of its own.
            let size = Vec2::new(TITLE_WIDTH, room.min(64.0) - 8.0);
            let ground = Rect::from_min_size(at - Vec2::new(6.0, 3.0), size);
            painter.rect_filled(ground, 4, theme::faded(t.canvas, 215));
        }
        let mark = if selection.slice == Some(index) { t.text } else { color };
        let title = painter.text(at, Align2::LEFT_TOP, name, theme::strong_font(12.5), mark);
        let Some(row) = rows.get(index) else { continue };
        let mut y = title.bottom() + 3.0;
        let mut line = |text: String, color: Color32| {
            if y + 13.0 < pair[0].max(area.top()) + room {
                let at = Pos2::new(at.x, y);
                painter.text(at, Align2::LEFT_TOP, text, FontId::proportional(11.0), color);
                y += 15.0;
            }
        };
        let share = if total > 0 { row.totals.macs as f64 / total as f64 } else { 0.0 };
        line(format!("{} MACs · {}", fmt::count(row.totals.macs), fmt::percent(share)), t.weak);
        if row.obstacle.is_some() {
            line("not provable here".to_owned(), t.bad);
        } else if let Some(p) = &row.prediction {
            let peak = fmt::bytes(p.peak_bytes);
            line(format!("≈ {} · {peak}", fmt::secs(p.prove_secs)), t.weak);
        }
    }
}
