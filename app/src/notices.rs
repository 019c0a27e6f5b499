//! Notices: what just happened, for a while, in the corner of the window.
//!
//! They wrap, assistive technology reads them, and they neither slide nor ask for frames while they
//! stand: only for one when it is time to go.

use std::time::{Duration, Instant};

use egui::{Align2, Area, Context, Frame, Id, Margin, Order, Sense, Stroke, Vec2};

use crate::panels::log::Kind;
use crate::theme;

/// Notices that are shown at a time; the log has them all.
const MOST: usize = 4;
const WIDTH: f32 = 340.0;

/// One of them.
struct Notice {
    kind: Kind,
    text: String,
    ends: Instant,
}

/// The notices that are shown.
#[derive(Default)]
pub struct Notices {
    shown: Vec<Notice>,
}

impl Notices {
    /// Shows a text for some seconds.
    pub fn add(&mut self, kind: Kind, text: impl Into<String>, secs: u64) {
        let ends = Instant::now() + Duration::from_secs(secs);
        // What went well is of interest until something else goes well.
        self.shown.retain(|notice| kind != Kind::Note || notice.kind != Kind::Note);
        self.shown.push(Notice { kind, text: text.into(), ends });
        let surplus = self.shown.len().saturating_sub(MOST);
        self.shown.drain(..surplus);
    }

    /// The texts that are shown.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().map(|notice| notice.text.as_str())
    }

    /// Shows none of them any more.
    pub fn clear(&mut self) {
        self.shown.clear();
    }

    /// Draws them, and lets those go whose time is over or that are clicked.
    pub fn show(&mut self, ctx: &Context) {
        let now = Instant::now();
        self.shown.retain(|notice| notice.ends > now);
        let Some(first) = self.shown.iter().map(|notice| notice.ends).min() else { return };
        ctx.request_repaint_after(first.saturating_duration_since(now));
        let mut dismissed = None;
        Area::new(Id::new("notices"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, Vec2::new(-14.0, -38.0))
            .show(ctx, |ui| {
                let t = theme::of(ui);
                for (index, notice) in self.shown.iter().enumerate() {
                    let (mark, color) = match notice.kind {
                        Kind::Note => ("✔", t.good),
                        Kind::Warning => ("⚠", t.accent),
                        Kind::Error => ("✖", t.bad),
                    };
                    let frame = Frame::new()
                        .fill(t.raised)
                        .stroke(Stroke::new(1.0, color))
                        .corner_radius(6)
                        .inner_margin(Margin::symmetric(10, 8));
                    let card = frame.show(ui, |ui| {
                        ui.set_width(WIDTH);
                        ui.horizontal_top(|ui| {
                            ui.label(theme::strong(mark).color(color));
                            ui.add(egui::Label::new(&notice.text).wrap());
                        });
                    });
                    let card = card.response.interact(Sense::click());
                    card.widget_info(|| {
                        let name = format!("Dismiss the notice: {}", notice.text);
                        egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name)
                    });
                    if card.clicked() {
                        dismissed = Some(index);
                    }
                    card.on_hover_text("Click to dismiss");
                }
            });
        if let Some(index) = dismissed {
            self.shown.remove(index);
            ctx.request_repaint();
        }
    }
}
