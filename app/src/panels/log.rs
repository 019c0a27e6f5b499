//! What happened since the window opened.

use egui::{ScrollArea, Ui};

use crate::theme;

/// How an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something went as asked.
    Note,
    /// Something that the user should know.
    Warning,
    /// Something failed.
    Error,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Seconds after the window opened.
    pub at_secs: f64,
    /// How it is meant.
    pub kind: Kind,
    /// What happened, in a sentence.
    pub text: String,
}

/// Draws the log, newest last.
pub fn show(ui: &mut Ui, entries: &[Entry]) {
    if entries.is_empty() {
        super::nothing(ui, "Nothing happened yet.");
        return;
    }
    ScrollArea::vertical().id_salt("log").stick_to_bottom(true).auto_shrink(false).show(ui, |ui| {
        for entry in entries {
            let t = theme::of(ui);
            let color = match entry.kind {
                Kind::Note => t.text,
                Kind::Warning => t.accent,
                Kind::Error => t.bad,
            };
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::small(ui, format!("{:>7.1} s", entry.at_secs)));
                ui.label(egui::RichText::new(&entry.text).color(color).size(12.5));
            });
        }
    });
}
