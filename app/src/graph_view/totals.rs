//! What each slice holds and costs, in the middle of its band: all that is left to read from afar.

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, FontId, Painter, Pos2, Rect, Ui};
use microtome_engine::report::format as fmt;

use super::Camera;
use super::bands::band_edges;
use super::detail::{Detail, in_part};
use super::layout::Layout;
use crate::session::{Session, SliceRow};
use crate::theme;

/// Heights of bands from which totals have one line, two lines and three.
const ROOM: [f32; 3] = [15.0, 36.0, 58.0];

/// What is written about a slice.
struct Totals {
    name: String,
    /// Nodes, multiply-accumulates and their share of the model's.
    size: String,
    /// What proving it is predicted to take.
    cost: String,
    is_obstacle: bool,
}

impl Totals {
    fn of(session: &Session, index: usize, nodes: usize, row: Option<&SliceRow>) -> Self {
        let all: u64 = session.totals.macs;
        let mut size = if nodes == 1 {
            "1 node".to_owned()
        } else {
            format!("{} nodes", fmt::count(nodes as u64))
        };
        let mut cost = String::new();
        if let Some(row) = row {
            let share = if all > 0 { row.totals.macs as f64 / all as f64 } else { 0.0 };
            size += &format!(" · {} MACs · {}", fmt::count(row.totals.macs), fmt::percent(share));
            if let Some(p) = &row.prediction {
                cost = format!("≈ {} · {}", fmt::secs(p.prove_secs), fmt::bytes(p.peak_bytes));
            } else if row.obstacle.is_some() {
                cost = "not provable here".to_owned();
            }
        }
        let is_obstacle = row.is_some_and(|row| row.obstacle.is_some());
        Self { name: format!("Slice {index}"), size, cost, is_obstacle }
    }
}

/// Writes the totals, as far as boxes have faded.
pub fn paint(
    painter: &Painter,
    ui: &Ui,
    area: Rect,
    camera: Camera,
    layout: &Layout,
    session: &Session,
) {
    let part = Detail::at(camera.zoom).totals;
    if part == 0.0 {
        return;
    }
    let t = theme::of(ui);
    let edges = band_edges(area, camera, layout, session);
    let starts = std::iter::once(0).chain(session.cuts().iter().copied());
    let ends = session.cuts().iter().copied().chain([session.graph.nodes.len()]);
    let nodes = starts.zip(ends).map(|(from, to)| to - from);
    for (index, (pair, nodes)) in edges.windows(2).zip(nodes).enumerate() {
        let (top, bottom) = (pair[0].max(area.top()), pair[1].min(area.bottom()));
        let lines = ROOM.iter().filter(|&&room| bottom - top >= room).count();
        if lines == 0 {
            continue;
        }
        let row = session.rows().get(index);
        let totals = Totals::of(session, index, row.map_or(nodes, |r| r.nodes.len()), row);
        let cost_color = if totals.is_obstacle { t.bad } else { t.weak };
        let small = |color| TextFormat {
            font_id: FontId::proportional(if lines == 1 { 11.0 } else { 12.0 }),
            color,
            valign: Align::Center,
            ..TextFormat::default()
        };
        let mut job = LayoutJob { halign: Align::Center, ..LayoutJob::default() };
        let strong = TextFormat {
            font_id: theme::strong_font(if lines == 1 { 12.0 } else { 15.0 }),
            color: t.slice(index),
            valign: Align::Center,
            ..TextFormat::default()
        };
        let breaks = |line: usize| if lines > line { "\n" } else { "   " };
        job.append(&totals.name, 0.0, strong);
        job.append(&format!("{}{}", breaks(1), totals.size), 0.0, small(t.text));
        if !totals.cost.is_empty() {
            job.append(&format!("{}{}", breaks(2), totals.cost), 0.0, small(cost_color));
        }
        let galley = painter.layout_job(job);
        // A line reaches further than a block of text: it leaves room for handles.
        let right = if lines == 1 { area.right() - super::PILL_ROOM } else { area.right() };
        let middle = area.left().midpoint(right);
        let at = Pos2::new(middle, top.midpoint(bottom) - galley.size().y / 2.0);
        let text = egui::epaint::TextShape::new(at, galley, in_part(t.text, part));
        painter.add(text.with_opacity_factor(part));
    }
}
