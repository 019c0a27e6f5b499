//! The choice of a proof system, for all slices and for one, with what each of them promises.

use egui::{Align, Button, Layout, Popup, Response, RichText, Ui, WidgetInfo, WidgetType};
use microtome_engine::bundle::Custody;
use microtome_engine::prove::System;

use crate::session::Session;
use crate::theme;
use crate::words::Term;

/// Width of the list of choices: a promise takes two or three lines of it.
const LIST_WIDTH: f32 = 340.0;

/// Why a revealed tensor tells more than itself.
const REVEALED: &str = "The model is public: whoever sees a revealed tensor can compute \
                        everything after it, and can often guess what came before.";

/// What people call the difference between the systems.
#[must_use]
pub fn kind(system: System) -> &'static str {
    if system.is_zero_knowledge() { "zero knowledge" } else { "integrity only" }
}

/// What a plan's systems promise together.
fn promise(common: Option<System>) -> String {
    let text = common.map_or(
        "The slices differ: some hide what flows through them, and the tensors on the boundaries \
         of those by whir become public.",
        System::promise,
    );
    let hides = common.is_some_and(System::is_zero_knowledge);
    if hides { text.to_owned() } else { format!("{text} {REVEALED}") }
}

/// The button that chooses the system of all slices.
pub fn of_plan(ui: &mut Ui, session: &Session) -> Option<System> {
    let common = session.common_system();
    let (name, kind) = match common {
        Some(system) if session.custody() == Custody::Committed => {
            (system.to_string(), "weights committed")
        }
        Some(system) => (system.to_string(), kind(system)),
        None => ("mixed".to_owned(), "some tensors public"),
    };
    let button = Button::new(RichText::new(format!("{name} · {kind} ⏷")).size(12.5));
    let response = ui.add(button);
    let label = format!("Proof system of all slices: {name}, {kind}");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, &label));
    let chosen = list(&response, |ui| {
        theme::heading(ui, "Proof system of all slices");
        if common.is_none() {
            let slices = |system: System| {
                let all = 0..session.plan().slice_count();
                all.filter(|&slice| session.system(slice) == system).count()
            };
            let counts = System::ALL.map(|system| format!("{} by {system}", slices(system)));
            ui.label(theme::strong(format!("mixed: {}", counts.join(", "))));
            ui.label(theme::weak(ui, promise(None)));
            ui.separator();
        }
        choices(ui, common)
    });
    response.on_hover_text(promise(common));
    chosen.filter(|&system| common != Some(system))
}

/// The small button in the table that chooses the system of one slice.
pub fn of_slice(ui: &mut Ui, slice: usize, system: System) -> Option<System> {
    let color = theme::of(ui).weak;
    let text = RichText::new(format!("{system} ⏷")).size(11.0).color(color);
    let response = ui.add(Button::new(text).frame(false));
    let label = format!("Proof system of slice {slice}: {system}");
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, &label));
    let chosen = list(&response, |ui| {
        theme::heading(ui, &format!("Proof system of slice {slice}"));
        choices(ui, Some(system))
    });
    response.on_hover_text(format!("{}: {}", kind(system), promise(Some(system))));
    chosen.filter(|&chosen| chosen != system)
}

/// A list that opens under a button.
fn list(button: &Response, add_contents: impl FnOnce(&mut Ui) -> Option<System>) -> Option<System> {
    let list = Popup::menu(button).show(|ui| {
        ui.set_width(LIST_WIDTH);
        // A menu stretches what it holds, and would stretch sentences too.
        ui.with_layout(Layout::top_down(Align::Min), add_contents).inner
    });
    list?.inner
}

fn choices(ui: &mut Ui, current: Option<System>) -> Option<System> {
    let mut chosen = None;
    for system in System::ALL {
        let on = current == Some(system);
        let text = theme::strong(format!("{system} · {}", kind(system)));
        let response = ui.add(Button::selectable(on, text).min_size([LIST_WIDTH, 24.0].into()));
        let label = format!("{system}, {}", kind(system));
        response.widget_info(|| WidgetInfo::selected(WidgetType::RadioButton, true, on, &label));
        if response.clicked() {
            chosen = Some(system);
        }
        ui.label(theme::weak(ui, promise(Some(system))));
        let terms: &[Term] = match system {
            System::Halo2 => &[Term::ZeroKnowledge, Term::Soundness, Term::Commitment],
            System::Whir => &[Term::Soundness, Term::Proof],
        };
        ui.horizontal_wrapped(|ui| {
            for term in terms {
                term.label(ui, term.name());
            }
        });
        ui.add_space(theme::GAP);
    }
    chosen
}
