//! The plans of the model as tabs, what became of their results, and the box that renames one.

use std::time::{SystemTime, UNIX_EPOCH};

use egui::{
    Button, Context, Id, Key, Modal, RichText, Stroke, TextEdit, Ui, WidgetInfo, WidgetType,
};
use microtome_engine::report::format as fmt;

use crate::command::Command;
use crate::session::{Draft, Record, Session};
use crate::theme;

/// Draws the tabs, and gives the one that was clicked.
pub fn tabs(ui: &mut Ui, session: &Session, queue: &mut Vec<Command>) -> Option<usize> {
    let drafts = session.drafts();
    let mut shown = None;
    for (index, draft) in drafts.all().iter().enumerate() {
        let on = index == drafts.current_index();
        let t = theme::of(ui);
        let color = if on { t.text } else { t.weak };
        let text = theme::strong(&draft.name).size(12.5).color(color);
        let tab = ui.add(Button::new(text).frame(false));
        let name = format!("Plan tab: {}", draft.name);
        tab.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, on, &name));
        if on {
            let y = tab.rect.bottom() + 1.0;
            ui.painter().hline(tab.rect.x_range(), y, Stroke::new(2.0, t.accent));
        }
        if tab.clicked() {
            shown = Some(index);
        }
        if tab.double_clicked() {
            queue.push(Command::RenamePlan);
        }
        tab.context_menu(|ui| {
            for command in [Command::RenamePlan, Command::NewPlan, Command::DeletePlan] {
                let enabled = command != Command::DeletePlan || drafts.all().len() > 1;
                if ui.add_enabled(enabled, Button::new(command.text())).clicked() {
                    shown = Some(index);
                    queue.push(command);
                    ui.close();
                }
            }
        });
        tab.on_hover_text(about(draft));
    }
    let more = ui.add(Button::new(theme::strong("+")).frame(false));
    more.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, Command::NewPlan.text()));
    if more.on_hover_text(Command::NewPlan.hint(ui.ctx())).clicked() {
        queue.push(Command::NewPlan);
    }
    shown
}

/// What a plan is, and what came of it.
fn about(draft: &Draft) -> String {
    let slices = draft.plan().slice_count();
    let slices = if slices == 1 { "one slice".to_owned() } else { format!("{slices} slices") };
    let result = draft.record.as_ref().map_or_else(|| "not proven yet".to_owned(), outcome);
    format!("{}: {slices}, {result}. Double-click to rename.", draft.name)
}

fn outcome(record: &Record) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let ago = ago(now.saturating_sub(record.ended_unix_secs));
    let verdict = if record.accepted { "accepted" } else { "not accepted" };
    format!("{verdict} {ago}, after {}", fmt::secs(record.wall_secs))
}

/// How long ago something was, as people say it.
fn ago(secs: u64) -> String {
    let (count, unit) = match secs {
        0..60 => return "just now".to_owned(),
        60..3600 => (secs / 60, "minute"),
        3600..86_400 => (secs / 3600, "hour"),
        _ => (secs / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

/// Says that results are those of the plan as it was, and leads back to it.
pub fn staleness(ui: &mut Ui, session: &Session, queue: &mut Vec<Command>) {
    let Some(record) = session.record().filter(|_| session.is_stale()) else { return };
    ui.horizontal(|ui| {
        super::badge(ui, "stale", theme::of(ui).accent)
            .on_hover_text(format!("The last run of this plan: {}", outcome(record)));
        let button = Button::new(RichText::new(Command::BackToResults.text()).size(12.0));
        let back = ui.add(button);
        if back.on_hover_text(Command::BackToResults.hint(ui.ctx())).clicked() {
            queue.push(Command::BackToResults);
        }
        let text = "The results are of this plan before it changed.";
        ui.add(egui::Label::new(theme::small(ui, text)).truncate());
    });
}

/// Draws the box that renames the plan that is shown, and gives the name once it is accepted.
pub fn rename_box(ctx: &Context, text: &mut Option<String>) -> Option<String> {
    let name = text.as_mut()?;
    let mut accepted = false;
    let mut closed = false;
    let modal = Modal::new(Id::new("rename plan")).show(ctx, |ui| {
        ui.set_width(300.0);
        ui.heading("Rename the plan");
        let label = ui.label("Name");
        let field = ui.add(TextEdit::singleline(name).char_limit(40).desired_width(f32::INFINITY));
        let field = field.labelled_by(label.id);
        if !field.has_focus() && ui.memory(|m| m.focused().is_none()) {
            field.request_focus();
        }
        accepted = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        ui.horizontal(|ui| {
            let ready = !name.trim().is_empty();
            accepted |= ui.add_enabled(ready, Button::new("Rename")).clicked();
            closed = ui.button("Cancel").clicked();
        });
    });
    if accepted {
        return text.take();
    }
    if closed || modal.should_close() {
        *text = None;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        for (secs, text) in [
            (12, "just now"),
            (60, "1 minute ago"),
            (7_300, "2 hours ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(secs), text);
        }
    }
}
