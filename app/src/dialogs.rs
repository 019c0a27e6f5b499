//! Choosing files: the desktop's own dialog, or a box to type a path into where there is none.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use egui::{Context, Id, Key, Modal};

use crate::project::ENDING;
use crate::theme;

/// A dialog that comes back empty sooner than a hand can close it was never shown: the desktop
/// has no portal for it.
const NEVER_SHOWN: Duration = Duration::from_millis(400);

/// What a file is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A model, a bundle or a plan to open.
    Open,
    /// A file with inputs for the open model.
    OpenInput,
    /// A bundle to verify against the open model.
    OpenBundle,
    /// A plan for the open model.
    OpenPlan,
    /// Where the plan goes.
    SavePlan,
    /// Where the project goes.
    SaveProject,
    /// Where the bundle goes.
    SaveBundle,
    /// Where the card of the weights goes.
    SaveCard,
    /// The folder that the slices go to.
    ExportSlices,
    /// Where the chart goes as a drawing.
    SaveChartSvg,
    /// Where the chart goes as a picture.
    SaveChartPng,
    /// Where the chart's numbers go.
    SaveChartCsv,
    /// Where the report goes.
    SaveReport,
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Open => "Open a model, a project, a plan or a bundle",
            Self::OpenInput => "Open an input",
            Self::OpenBundle => "Open a bundle to verify",
            Self::OpenPlan => "Open a plan",
            Self::SavePlan => "Save the plan",
            Self::SaveProject => "Save the project",
            Self::SaveBundle => "Save the bundle",
            Self::SaveCard => "Save the weight card",
            Self::ExportSlices => "Export the slices into a folder",
            Self::SaveChartSvg => "Save the chart as SVG",
            Self::SaveChartPng => "Save the chart as PNG",
            Self::SaveChartCsv => "Save the chart's numbers as CSV",
            Self::SaveReport => "Save the report of the last run",
        }
    }

    fn kinds(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Open => &[
                ("Models, projects, plans, bundles", &["onnx", ENDING, "json", "bundle"]),
                ("ONNX models", &["onnx"]),
            ],
            Self::OpenInput => &[("Inputs", &["json", "npy", "npz", "png", "jpg", "jpeg"])],
            Self::OpenBundle | Self::SaveBundle => &[("Bundles", &["bundle"])],
            Self::OpenPlan | Self::SavePlan => &[("Plans", &["json"])],
            Self::SaveProject => &[("Projects", &[ENDING])],
            Self::SaveCard => &[("Weight cards", &["card"])],
            Self::ExportSlices => &[],
            Self::SaveChartSvg => &[("SVG drawings", &["svg"])],
            Self::SaveChartPng => &[("PNG pictures", &["png"])],
            Self::SaveChartCsv => &[("Tables", &["csv"])],
            Self::SaveReport => &[("HTML pages", &["html"])],
        }
    }

    fn saves(self) -> bool {
        matches!(
            self,
            Self::SavePlan
                | Self::SaveProject
                | Self::SaveBundle
                | Self::SaveCard
                | Self::SaveChartSvg
                | Self::SaveChartPng
                | Self::SaveChartCsv
                | Self::SaveReport
        )
    }
}

struct Waiting {
    purpose: Purpose,
    suggestion: String,
    answer: Receiver<Option<PathBuf>>,
    since: Instant,
}

struct PathBox {
    purpose: Purpose,
    text: String,
}

/// The dialog that is open, if one is.
#[derive(Default)]
pub struct Dialogs {
    waiting: Option<Waiting>,
    path_box: Option<PathBox>,
}

impl Dialogs {
    /// Opens a dialog. `suggestion` is a file name to start from when saving.
    pub fn open(&mut self, ctx: &Context, purpose: Purpose, suggestion: &str) {
        let (send, answer) = channel();
        let (name, repaint) = (suggestion.to_owned(), ctx.clone());
        let ask = move || {
            let mut dialog = rfd::FileDialog::new().set_title(purpose.title());
            for (name, endings) in purpose.kinds() {
                dialog = dialog.add_filter(*name, endings);
            }
            let chosen = match purpose {
                Purpose::ExportSlices => dialog.pick_folder(),
                _ if purpose.saves() => dialog.set_file_name(name).save_file(),
                _ => dialog.pick_file(),
            };
            // Where the window is gone already, nobody waits for the answer.
            let _ = send.send(chosen);
            repaint.request_repaint();
        };
        let thread = std::thread::Builder::new().name("file dialog".to_owned()).spawn(ask);
        if thread.is_ok() {
            self.waiting = Some(Waiting {
                purpose,
                suggestion: suggestion.to_owned(),
                answer,
                since: Instant::now(),
            });
        } else {
            self.path_box = Some(PathBox { purpose, text: suggestion.to_owned() });
        }
    }

    /// What was chosen since the last frame.
    pub fn poll(&mut self) -> Option<(Purpose, PathBuf)> {
        let waiting = self.waiting.as_ref()?;
        match waiting.answer.try_recv() {
            Err(TryRecvError::Empty) => None,
            Ok(Some(path)) => {
                let purpose = waiting.purpose;
                self.waiting = None;
                Some((purpose, path))
            }
            Ok(None) | Err(TryRecvError::Disconnected) => {
                if waiting.since.elapsed() < NEVER_SHOWN {
                    let text = waiting.suggestion.clone();
                    self.path_box = Some(PathBox { purpose: waiting.purpose, text });
                }
                self.waiting = None;
                None
            }
        }
    }

    /// Draws the box to type a path into, while it is open.
    pub fn show(&mut self, ctx: &Context) -> Option<(Purpose, PathBuf)> {
        let path_box = self.path_box.as_mut()?;
        let purpose = path_box.purpose;
        let mut accepted = false;
        let mut closed = false;
        let modal = Modal::new(Id::new("path box")).show(ctx, |ui| {
            ui.set_width(460.0);
            ui.heading(purpose.title());
            let note = "This desktop offers no file dialog. Type or paste a path, or drop a file \
                        on the window.";
            ui.label(theme::small(ui, note));
            let label = ui.label("Path");
            let field = ui
                .add(egui::TextEdit::singleline(&mut path_box.text).desired_width(f32::INFINITY))
                .labelled_by(label.id);
            if !field.has_focus() && ui.memory(|m| m.focused().is_none()) {
                field.request_focus();
            }
            accepted = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            ui.horizontal(|ui| {
                let text = if purpose.saves() || purpose == Purpose::ExportSlices {
                    "Save"
                } else {
                    "Open"
                };
                let ready = !path_box.text.trim().is_empty();
                accepted |= ui.add_enabled(ready, egui::Button::new(text)).clicked();
                closed = ui.button("Cancel").clicked();
            });
        });
        let path = PathBuf::from(path_box.text.trim());
        if accepted && !path.as_os_str().is_empty() {
            self.path_box = None;
            return Some((purpose, path));
        }
        if closed || modal.should_close() {
            self.path_box = None;
        }
        None
    }
}
