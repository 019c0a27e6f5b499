//! One field that finds every command and every node.

use std::cmp::Reverse;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Color32, Context, FontId, Id, Key, Modal, Modifiers, ScrollArea, Sense, TextEdit, Ui,
    Vec2, WidgetInfo, WidgetType,
};
use microtome_engine::digest::Digest;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::app::App;
use crate::command::Command;
use crate::session::Session;
use crate::theme;

/// What assistive technology calls the field.
const NAME: &str = "Search commands and nodes";
const WIDTH: f32 = 560.0;
const ROW_HEIGHT: f32 = 26.0;

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Command(Command),
    Node(usize),
}

/// One row.
#[derive(Debug)]
struct Entry {
    target: Target,
    /// What is read first: the command, or the operator.
    title: String,
    /// What tells it from its like: names of the node and of its outputs.
    detail: String,
    /// Keys, or where a node is, or why a command can't be carried out.
    note: String,
    enabled: bool,
}

impl Entry {
    fn command(app: &App, ctx: &Context, command: Command) -> Self {
        let hindrance = app.hindrance(command);
        let keys = command.shortcut().map(|keys| ctx.format_shortcut(&keys));
        Self {
            target: Target::Command(command),
            title: command.text().to_owned(),
            detail: String::new(),
            note: hindrance.map_or_else(|| keys.unwrap_or_default(), str::to_owned),
            enabled: hindrance.is_none(),
        }
    }

    fn node(session: &Session, index: usize) -> Self {
        let node = &session.graph.nodes[index];
        let outputs = node.outputs.iter().flatten();
        let names = outputs.map(|&id| session.graph.tensor(id).name.as_str());
        let mut parts: Vec<_> = std::iter::once(node.name.as_str()).chain(names).collect();
        parts.retain(|part| !part.is_empty());
        parts.dedup();
        let slice = session.slice_of_node(index);
        let provable = session.facts[index].obstacle.is_none();
        let note = if provable { format!("slice {slice}") } else { "not provable".to_owned() };
        Self {
            target: Target::Node(index),
            title: node.op.clone(),
            detail: parts.join("  ·  "),
            note: format!("node {index} · {note}"),
            enabled: true,
        }
    }

    fn label(&self) -> String {
        match self.target {
            Target::Command(_) => format!("Command: {}", self.title),
            Target::Node(index) => format!("Go to node {index}: {} {}", self.title, self.detail),
        }
    }
}

/// The entries that fit, best first. An operator's name lists its nodes first, in their order.
fn rank(entries: &[Entry], query: &str) -> Vec<usize> {
    let query = query.trim();
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    let mut found: Vec<_> = entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let text = format!("{} {}", entry.title, entry.detail);
            let score = pattern.score(Utf32Str::new(&text, &mut letters), &mut matcher)?;
            let is_operator =
                matches!(entry.target, Target::Node(_)) && entry.title.eq_ignore_ascii_case(query);
            Some((Reverse(is_operator), Reverse(score), index))
        })
        .collect();
    found.sort_unstable();
    // All nodes of an operator fit equally well, whatever their names.
    let operators = found.partition_point(|(is_operator, ..)| is_operator.0);
    found[..operators].sort_unstable_by_key(|&(.., index)| index);
    found.into_iter().map(|(.., index)| index).collect()
}

/// The overlay while it is open.
pub struct Palette {
    query: String,
    model: Option<Digest>,
    entries: Vec<Entry>,
    found: Vec<usize>,
    chosen: usize,
    /// The chosen row may be out of sight.
    reveal: bool,
    offset: f32,
}

impl Palette {
    fn new(app: &App, ctx: &Context) -> Self {
        let commands = Command::all().filter(|&command| command != Command::Palette);
        let mut entries: Vec<_> = commands.map(|c| Entry::command(app, ctx, c)).collect();
        if let Some(session) = &app.session {
            entries.extend((0..session.graph.nodes.len()).map(|n| Entry::node(session, n)));
        }
        Self {
            query: String::new(),
            model: app.model(),
            found: rank(&entries, ""),
            entries,
            chosen: 0,
            reveal: false,
            offset: 0.0,
        }
    }

    fn step(&mut self, rows: isize) {
        let last = self.found.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(rows).min(last);
        self.reveal = true;
    }

    fn target(&self, row: usize) -> Option<Target> {
        let entry = self.found.get(row).map(|&index| &self.entries[index])?;
        entry.enabled.then_some(entry.target)
    }

    fn show(&mut self, ui: &mut Ui) -> Option<Target> {
        let room = ui.ctx().content_rect().size();
        ui.set_width(WIDTH.min(room.x - 80.0));
        let field = TextEdit::singleline(&mut self.query)
            .id(Id::new("palette field"))
            .hint_text("Command, operator, node or tensor")
            .font(FontId::proportional(15.0))
            .margin(Vec2::new(8.0, 6.0))
            .desired_width(f32::INFINITY);
        let response = ui.add(field);
        let info = WidgetInfo {
            label: Some(NAME.to_owned()),
            ..WidgetInfo::text_edit(true, &self.query, &self.query, "")
        };
        response.widget_info(|| info.clone());
        if !response.has_focus() {
            response.request_focus();
        }
        if response.changed() {
            self.found = rank(&self.entries, &self.query);
            (self.chosen, self.reveal, self.offset) = (0, true, 0.0);
        }
        ui.add_space(theme::GAP);
        let clicked = self.rows(ui, (room.y * 0.5 / ROW_HEIGHT).floor().min(14.0) * ROW_HEIGHT);
        ui.add_space(theme::GAP);
        let count = self.found.len();
        let text = format!("{count} found · Enter runs it or goes there · Esc closes");
        ui.label(theme::small(ui, text));
        clicked.and_then(|row| self.target(row))
    }

    fn rows(&mut self, ui: &mut Ui, height: f32) -> Option<usize> {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical().max_height(height).min_scrolled_height(height);
        area = area.auto_shrink([false, true]);
        if std::mem::take(&mut self.reveal) {
            let top = self.chosen as f32 * ROW_HEIGHT;
            self.offset = self.offset.min(top).max(top + ROW_HEIGHT - height);
            area = area.vertical_scroll_offset(self.offset);
        }
        let mut clicked = None;
        let output = area.show_rows(ui, ROW_HEIGHT, self.found.len(), |ui, rows| {
            for row in rows {
                let entry = &self.entries[self.found[row]];
                if row_ui(ui, entry, row == self.chosen) {
                    clicked = Some(row);
                }
            }
        });
        self.offset = output.state.offset.y;
        clicked
    }
}

/// Draws one row; whether it was clicked.
fn row_ui(ui: &mut Ui, entry: &Entry, is_chosen: bool) -> bool {
    let t = theme::of(ui);
    let size = Vec2::new(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let label = entry.label();
    response
        .widget_info(|| WidgetInfo::selected(WidgetType::Button, entry.enabled, is_chosen, &label));
    if is_chosen {
        ui.painter().rect_filled(rect, 5, ui.visuals().selection.bg_fill);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 5, t.hover);
    }
    let inner = rect.shrink2(Vec2::new(8.0, 0.0));
    let font = FontId::proportional(11.0);
    let note = ui.painter().text(
        inner.right_center(),
        Align2::RIGHT_CENTER,
        &entry.note,
        font,
        if is_chosen { t.text } else { t.weak },
    );
    let section =
        |font_id: FontId, color: Color32| TextFormat { font_id, color, ..TextFormat::default() };
    let mut job = LayoutJob::default();
    let title_color = if entry.enabled { t.text } else { t.faint };
    job.append(&entry.title, 0.0, section(theme::strong_font(13.0), title_color));
    job.append(&entry.detail, 8.0, section(FontId::proportional(12.0), t.weak));
    job.wrap = TextWrapping::truncate_at_width((note.left() - inner.left() - 14.0).max(20.0));
    let galley = ui.painter().layout_job(job);
    let at = inner.left_center() - Vec2::new(0.0, galley.size().y / 2.0);
    ui.painter().galley(at, galley, t.text);
    response.clicked()
}

impl App {
    fn model(&self) -> Option<Digest> {
        self.session.as_ref().map(|session| session.graph.digest)
    }

    /// Opens the overlay, or closes it.
    pub(crate) fn toggle_palette(&mut self, ctx: &Context) {
        self.palette = match self.palette {
            Some(_) => None,
            None => Some(Palette::new(self, ctx)),
        };
    }

    /// Takes the keys of the overlay before any widget sees them.
    pub(crate) fn palette_keys(&mut self, ctx: &Context) {
        let Some(palette) = &mut self.palette else { return };
        let count = |key| {
            let times = ctx.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key));
            isize::try_from(times).unwrap_or(0)
        };
        let rows = count(Key::ArrowDown) - count(Key::ArrowUp)
            + 10 * (count(Key::PageDown) - count(Key::PageUp));
        if rows != 0 {
            palette.step(rows);
        }
        if count(Key::Escape) > 0 {
            self.palette = None;
        } else if count(Key::Enter) > 0
            && let Some(target) = palette.target(palette.chosen)
        {
            self.follow(ctx, target);
        }
    }

    pub(crate) fn palette_ui(&mut self, ctx: &Context) {
        if self.palette.as_ref().is_some_and(|palette| palette.model != self.model()) {
            self.palette = Some(Palette::new(self, ctx));
        }
        let Some(palette) = &mut self.palette else { return };
        let id = Id::new("palette");
        let top = ctx.content_rect().height() * 0.12;
        let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, [0.0, top]);
        let modal = Modal::new(id).area(area).show(ctx, |ui| palette.show(ui));
        if let Some(target) = modal.inner {
            self.follow(ctx, target);
        } else if modal.should_close() {
            self.palette = None;
        }
    }

    fn follow(&mut self, ctx: &Context, target: Target) {
        self.palette = None;
        match target {
            Target::Command(command) => self.ask(command),
            Target::Node(node) => self.go_to(node),
        }
        ctx.request_repaint();
    }

    /// Selects a node and looks at it.
    pub(crate) fn go_to(&mut self, node: usize) {
        (self.selection.node, self.selection.block) = (Some(node), None);
        self.reveal_inspector = true;
        if let Some(graph) = &mut self.graph {
            graph.look_at = Some(node);
        }
    }

    /// Goes to the node after the selected one that can't be proven, from the last to the first.
    pub(crate) fn next_obstacle(&mut self) {
        let Some(session) = &self.session else { return };
        let unprovable = session.unprovable();
        let after = self.selection.node.map_or(0, |node| node + 1);
        let next = unprovable.iter().find(|&&node| node >= after).or(unprovable.first());
        if let Some(&node) = next {
            self.go_to(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(target: Target, title: &str, detail: &str) -> Entry {
        let (title, detail) = (title.to_owned(), detail.to_owned());
        Entry { target, title, detail, note: String::new(), enabled: true }
    }

    #[test]
    fn an_operator_lists_its_nodes_in_order_and_letters_find_the_rest() {
        let entries = [
            entry(Target::Command(Command::Balance), "Balance", ""),
            entry(Target::Node(0), "Conv", "/features/0/Conv"),
            entry(Target::Node(1), "Relu", "/conv/Relu"),
            entry(Target::Node(2), "Conv", "conv"),
        ];
        assert_eq!(rank(&entries, ""), [0, 1, 2, 3]);
        assert_eq!(rank(&entries, "conv")[..2], [1, 3]);
        assert_eq!(rank(&entries, "blnc"), [0]);
        assert_eq!(rank(&entries, "relu"), [2]);
        assert!(rank(&entries, "zzz").is_empty());
    }
}
