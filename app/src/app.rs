//! The window: what it holds, and how a frame goes.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Instant;

use egui::{Context, ThemePreference, Ui};
use microtome_engine::report::charts::View;
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::dialogs::Dialogs;
use crate::graph_view::picked::Picked;
use crate::graph_view::{ColorBy, GraphView, Selection};
use crate::keeping::Keeper;
use crate::notices::Notices;
use crate::palette::Palette;
use crate::panels::charts::ChartTab;
use crate::panels::input::InputPicture;
use crate::panels::log::{Entry, Kind};
use crate::panels::plans;
use crate::panels::slices::{Balance, SliceAction};
use crate::panels::verify::Verified;
use crate::session::Session;
use crate::splitting::SplitSteps;
use crate::tamper::Tamper;
use crate::tasks::Message;
use crate::theme;
use crate::tour::Tour;
use crate::worker::{EstimateWorker, Workers};

/// Recent files that are remembered.
const MOST_RECENT: usize = 8;

/// What is kept between sessions.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Files that were opened, newest first.
    pub recent: Vec<PathBuf>,
    /// Dark, light, or as the desktop.
    pub theme: ThemePreference,
    /// What the colours of nodes tell.
    pub color_by: ColorBy,
    /// How to balance.
    pub balance: Balance,
    /// The chart that is shown.
    pub chart: ChartTab,
    /// What of each chart is shown, and on what scale.
    pub chart_views: BTreeMap<ChartTab, View>,
    /// Proofs that may run at a time.
    pub jobs: usize,
    /// The tour was taken, or declined.
    pub knows_tour: bool,
    /// Nothing turns, slides or fades.
    pub reduced_motion: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            theme: ThemePreference::System,
            color_by: ColorBy::default(),
            balance: Balance::default(),
            chart: ChartTab::default(),
            chart_views: BTreeMap::new(),
            jobs: 1,
            knows_tour: false,
            reduced_motion: false,
        }
    }
}

/// What the bottom panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BottomTab {
    /// What runs.
    Jobs,
    /// The verdict on a bundle.
    Verify,
    /// Attacks on the bundle.
    Tamper,
    /// What happened.
    Log,
}

/// The window.
pub struct App {
    /// What is kept between sessions.
    pub settings: Settings,
    /// The open model.
    pub session: Option<Session>,
    /// The graph of the open model.
    pub graph: Option<GraphView>,
    /// What is selected.
    pub selection: Selection,
    /// What is selected together: boundaries, or nodes.
    pub picked: Picked,
    /// What the bottom panel shows.
    pub bottom: BottomTab,
    /// What happened.
    pub log: Vec<Entry>,
    /// The verdict that is shown.
    pub verified: Option<Verified>,
    /// Attacks on the newest bundle.
    pub tamper: Tamper,
    /// What is being opened.
    pub opening: Option<String>,
    pub(crate) queue: Vec<Command>,
    pub(crate) dialogs: Dialogs,
    pub(crate) workers: Workers<Message>,
    pub(crate) estimates: Option<EstimateWorker>,
    /// What just happened, in the corner.
    pub notices: Notices,
    pub(crate) verifying: bool,
    /// How many verifications were begun.
    pub(crate) verifications: u64,
    pub(crate) about: bool,
    /// The box with the words of the field is open.
    pub(crate) words: bool,
    /// The tour, while it goes on.
    pub tour: Option<Tour>,
    /// The tour is offered.
    pub(crate) offers_tour: bool,
    pub(crate) palette: Option<Palette>,
    /// The new name of the plan, while it is typed.
    pub(crate) renaming: Option<String>,
    /// What is said to be free instead of what is, where pictures have to stay the same.
    pub shown_memory: Option<u64>,
    /// When it was asked for last, and what it was.
    pub(crate) free_memory: Option<(Instant, u64)>,
    pub(crate) files_to_open: VecDeque<PathBuf>,
    /// A bundle that waits for its model.
    pub(crate) bundle_to_open: Option<PathBuf>,
    /// Splits that can be taken back.
    pub(crate) splits: SplitSteps,
    pub(crate) child_program: Option<PathBuf>,
    pub(crate) keeper: Keeper,
    /// Bring what is known of the selected node into sight at the next drawing.
    pub(crate) reveal_inspector: bool,
    pub(crate) picture: InputPicture,
    started: Instant,
}

impl BottomTab {
    /// All of them, with what the tabs say.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Jobs, "Jobs"),
        (Self::Verify, "Verify"),
        (Self::Tamper, "Tamper"),
        (Self::Log, "Log"),
    ];
}

impl App {
    /// The window as `eframe` creates it, with a file to open, else with the newest of the recent
    /// ones, else with a sample.
    #[must_use]
    pub fn new(cc: &eframe::CreationContext<'_>, file: Option<PathBuf>) -> Self {
        let settings: Settings = cc
            .storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
        let mut app = Self::with(&cc.egui_ctx, settings);
        let newest = || app.settings.recent.first().filter(|path| path.is_file()).cloned();
        match file.or_else(newest) {
            // Opened in the first frame: where projects are kept is known then.
            Some(path) => app.files_to_open.push_back(path),
            None => {
                app.offers_tour = !app.settings.knows_tour;
                app.open_sample(crate::samples::ALL[0].name);
            }
        }
        app
    }

    /// A window with these settings and nothing open.
    #[must_use]
    pub fn with(ctx: &Context, settings: Settings) -> Self {
        theme::install(ctx);
        if settings.reduced_motion {
            theme::set_motion(ctx, true);
        }
        ctx.set_theme(settings.theme);
        microtome_engine::report::charts::register_fonts();
        Self {
            settings,
            session: None,
            graph: None,
            selection: Selection::default(),
            picked: Picked::default(),
            bottom: BottomTab::Jobs,
            log: Vec::new(),
            verified: None,
            tamper: Tamper::default(),
            opening: None,
            queue: Vec::new(),
            dialogs: Dialogs::default(),
            workers: Workers::new(ctx),
            estimates: None,
            notices: Notices::default(),
            verifying: false,
            verifications: 0,
            about: false,
            words: false,
            tour: None,
            offers_tour: false,
            palette: None,
            renaming: None,
            shown_memory: None,
            free_memory: None,
            files_to_open: VecDeque::new(),
            bundle_to_open: None,
            splits: SplitSteps::default(),
            child_program: None,
            keeper: Keeper::default(),
            reveal_inspector: false,
            picture: InputPicture::default(),
            started: Instant::now(),
        }
    }

    /// Proves in children of another program than this one, which must be a `microtome`.
    pub fn prove_with(&mut self, program: PathBuf) {
        self.child_program = Some(program);
    }

    /// Asks for a command, as a menu does.
    pub fn ask(&mut self, command: Command) {
        self.queue.push(command);
    }

    /// Writes into the log; what failed also shows for a while on the window.
    pub fn say(&mut self, kind: Kind, text: impl Into<String>) {
        let text = text.into();
        match kind {
            Kind::Note => {}
            Kind::Warning => self.notices.add(kind, text.clone(), 8),
            Kind::Error => self.notices.add(kind, text.clone(), 12),
        }
        let at_secs = self.started.elapsed().as_secs_f64();
        self.log.push(Entry { at_secs, kind, text });
    }

    /// Writes into the log and shows on the window what a user may have waited for elsewhere: where
    /// the window is not in front, the desktop is asked to point at it.
    pub(crate) fn announce(&mut self, ctx: &Context, kind: Kind, text: impl Into<String>) {
        let text = text.into();
        if kind == Kind::Note {
            self.notices.add(kind, text.clone(), 8);
        }
        self.say(kind, text);
        if !ctx.input(|input| input.focused) {
            let attention = egui::UserAttentionType::Informational;
            ctx.send_viewport_cmd(egui::ViewportCommand::RequestUserAttention(attention));
        }
    }

    pub(crate) fn remember(&mut self, path: &Path) {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.settings.recent.retain(|known| *known != path);
        self.settings.recent.insert(0, path);
        self.settings.recent.truncate(MOST_RECENT);
    }

    pub(crate) fn slice_action(&mut self, ctx: &Context, action: SliceAction) {
        let Some(session) = &mut self.session else { return };
        match action {
            SliceAction::Select(slice) => {
                self.selection.slice = Some(slice);
                if let (Some(graph), Some(node)) = (&mut self.graph, session.first_node(slice)) {
                    graph.reveal = Some(node);
                }
            }
            SliceAction::Mark(slice, on) => session.mark(slice, on),
            SliceAction::WholeToo(on) => session.whole_too = on,
            SliceAction::System(slice, system) => session.set_system(slice, system),
        }
        self.refresh_estimates(ctx);
        ctx.request_repaint();
    }

    fn dropped_files(&mut self, ctx: &Context) {
        let dropped = ctx.input(|i| i.raw.dropped_files.clone());
        self.files_to_open.extend(dropped.iter().map(|file| file.path().to_owned()));
        if ctx.input(|i| !i.raw.hovered_files.is_empty()) {
            let painter = ctx.layer_painter(egui::LayerId::new(
                egui::Order::Foreground,
                egui::Id::new("drop target"),
            ));
            let t = theme::tokens(ctx.global_style().visuals.dark_mode);
            let rect = ctx.content_rect();
            painter.rect_filled(rect, 0, theme::faded(t.canvas, 200));
            painter.text(
                rect.center(),
                egui::Align2::CENTER_CENTER,
                "Drop to open",
                theme::strong_font(22.0),
                t.text,
            );
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.take_messages(ctx);
        self.take_run_events(ctx);
        let commands = std::mem::take(&mut self.queue);
        for command in commands {
            self.run(ctx, command);
        }
        while let Some(path) = self.files_to_open.pop_front() {
            self.open_path(&path);
        }
        self.autosave(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.queue.extend(Command::pressed(&ctx));
        self.palette_keys(&ctx);
        self.dropped_files(&ctx);
        self.panels(ui);
        let chosen = self.dialogs.poll().or_else(|| self.dialogs.show(&ctx));
        if let Some((purpose, path)) = chosen {
            self.chosen(&ctx, purpose, &path);
        }
        self.about_box(&ctx);
        self.words_box(&ctx);
        self.tour_ui(&ctx);
        if let (Some(name), Some(session)) =
            (plans::rename_box(&ctx, &mut self.renaming), &mut self.session)
        {
            session.rename_draft(&name);
        }
        self.palette_ui(&ctx);
        self.notices.show(&ctx);
        self.settings.theme = ctx.options(|options| options.theme_preference);
        if !self.queue.is_empty() || !self.files_to_open.is_empty() {
            ctx.request_repaint();
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, eframe::APP_KEY, &self.settings);
        self.save_now();
    }
}
