//! Opening files, and what comes back from the workers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Context;
use microtome_engine::bits::{Bits, Sweep};
use microtome_engine::bundle::{self, Bundle, Demands, Verdict};
use microtome_engine::digest::Digest;
use microtome_engine::inputs::{self, Inputs};
use microtome_engine::plan::Plan;
use microtome_engine::prove::System;

use crate::app::{App, BottomTab};
use crate::graph_view::GraphView;
use crate::keeping;
use crate::panels::charts::ChartTab;
use crate::panels::log::Kind;
use crate::panels::verify::Verified;
use crate::project::{ENDING, Project};
use crate::run_view::Status;
use crate::samples;
use crate::session::{
    self, Answer, GroupKey, Opened, Prepared, Provability, Session, SliceRow, SplitModel,
};
use crate::tamper::Step;
use crate::worker::EstimateWorker;

/// What a frame spends on messages, so that a flood of them doesn't hold it up.
const BUDGET: Duration = Duration::from_millis(8);

/// What a worker found.
pub(crate) enum Message {
    Opened {
        path: PathBuf,
        result: Box<Result<(Opened, GraphView), String>>,
        /// What was kept of it.
        project: Box<Option<Project>>,
        notes: Vec<String>,
    },
    Kept {
        result: Result<Box<Project>, String>,
    },
    BundleKept(Result<(), String>),
    /// Estimates of a plan that is not shown.
    DraftEstimated {
        model: Digest,
        draft: u64,
        plan: Plan,
        rows: Vec<SliceRow>,
    },
    Prepared {
        model: Digest,
        /// The bits that it was prepared with.
        bits: Bits,
        result: Box<Result<Prepared, String>>,
    },
    Provable {
        model: Digest,
        found: Provability,
    },
    Answered {
        model: Digest,
        case: usize,
        version: u64,
        answer: Box<Answer>,
    },
    Inputs {
        model: Digest,
        path: PathBuf,
        case: usize,
        result: Result<Inputs, String>,
    },
    Verified {
        model: Digest,
        /// Which verification it is: what a newer one is under way for is of no use.
        number: u64,
        from: String,
        result: Box<Result<(Bundle, Verdict), String>>,
    },
    Tampered {
        trial: u64,
        step: Step,
    },
    /// What nodes would cost that were selected to become a slice.
    Grouped {
        model: Digest,
        key: GroupKey,
        row: SliceRow,
    },
    /// The plan before with the plan after.
    Balanced {
        model: Digest,
        result: Result<(Plan, Plan), String>,
    },
    /// What a sweep over bits found.
    Swept {
        model: Digest,
        number: u64,
        result: Result<Sweep, String>,
    },
    /// The model with other splits.
    Split {
        model: Digest,
        result: Box<Result<(SplitModel, GraphView), String>>,
    },
    Written(Result<String, String>),
}

impl App {
    /// Opens a file of any kind: a model, a plan, a bundle or an input.
    pub fn open_path(&mut self, path: &Path) {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        match (ending.as_str(), self.session.is_some()) {
            ("onnx", _) => self.open_model(path, None),
            (ENDING, _) => self.open_project(path),
            ("npz" | "npy" | "png" | "jpg" | "jpeg", true) => self.open_input(path),
            ("json", true) => self.open_json(path),
            ("npz" | "npy" | "png" | "jpg" | "jpeg" | "json", false) => {
                self.say(Kind::Error, format!("{}: open a model first.", path.display()));
            }
            (_, true) => self.open_bundle(path),
            (_, false) => match self.model_of_bundle(path) {
                Ok(model) => {
                    self.open_model(&model, None);
                    self.bundle_to_open = Some(path.to_owned());
                }
                Err(reason) => self.say(Kind::Error, reason),
            },
        }
    }

    /// Opens a model that comes with the program.
    pub fn open_sample(&mut self, name: &str) {
        let Some(sample) = samples::ALL.iter().find(|sample| sample.name == name) else { return };
        match sample.model_path() {
            Ok(path) => self.files_to_open.push_back(path),
            Err(reason) => self.say(Kind::Error, reason),
        }
    }

    /// Opens a model, with what was kept of it and, before that, what a project holds.
    fn open_model(&mut self, path: &Path, project: Option<Project>) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.opening = Some(name);
        let (path, projects) = (path.to_owned(), self.projects_folder());
        self.workers.start("open model", move || {
            let opened = session::open(&path);
            let mut notes = Vec::new();
            let mut project = project;
            if let (Ok(opened), Some(projects)) = (&opened, projects) {
                match (keeping::kept_project(&projects, opened.digest()), &mut project) {
                    (Ok(Some(kept)), Some(project)) => project.absorb(kept),
                    (Ok(kept), None) => project = kept,
                    (Ok(None), Some(_)) => {}
                    (Err(reason), _) => notes.push(reason),
                }
            }
            let splits = project.as_ref().map(|project| project.model.splits.clone());
            let result = opened.and_then(|opened| {
                let opened = opened.split(&splits.unwrap_or_default())?;
                let graph = GraphView::new(opened.graph(), opened.facts());
                Ok((opened, graph))
            });
            Message::Opened { path, result: Box::new(result), project: Box::new(project), notes }
        });
    }

    /// Opens a project: its model first.
    fn open_project(&mut self, path: &Path) {
        let project = match Project::read(path) {
            Ok(project) => project,
            Err(reason) => return self.say(Kind::Error, reason),
        };
        match project.find_model(path) {
            Some(model) => self.open_model(&model, Some(project)),
            None => {
                let text = format!(
                    "{}: its model {} is not there any more: put the model beside the project.",
                    path.display(),
                    project.model.path.display()
                );
                self.say(Kind::Error, text);
            }
        }
    }

    pub(crate) fn open_input(&mut self, path: &Path) {
        self.open_input_at(path, 0);
    }

    /// Opens an input and goes to one of its cases.
    pub(crate) fn open_input_at(&mut self, path: &Path, case: usize) {
        let Some(session) = &self.session else { return };
        let (graph, path) = (Arc::clone(&session.graph), path.to_owned());
        self.workers.start("read input", move || {
            let result = inputs::read(&path, &graph).map_err(|error| error.to_string());
            Message::Inputs { model: graph.digest, path, case, result }
        });
    }

    /// A JSON file is a plan or an input: a plan says which model it is for.
    fn open_json(&mut self, path: &Path) {
        let is_plan = std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"cuts\""));
        if is_plan { self.open_plan(path) } else { self.open_input(path) }
    }

    pub(crate) fn open_plan(&mut self, path: &Path) {
        let Some(session) = &mut self.session else { return };
        let result = session.read_plan(path);
        let text = match result {
            Ok(None) => (Kind::Note, format!("Opened the plan {}.", path.display())),
            Ok(Some(plan)) => {
                let splitting = session.splitting_for(plan);
                return self.start_splitting(splitting);
            }
            Err(reason) => (Kind::Error, reason),
        };
        self.say(text.0, text.1);
    }

    pub(crate) fn open_bundle(&mut self, path: &Path) {
        let path = path.to_owned();
        let from = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.verify(from, move || Bundle::read(&path).map_err(|error| error.to_string()));
    }

    pub(crate) fn verify(
        &mut self,
        from: String,
        bundle: impl FnOnce() -> Result<Bundle, String> + Send + 'static,
    ) {
        self.bottom = BottomTab::Verify;
        self.verify_quietly(from, bundle);
    }

    /// Verifies a bundle without bringing the verdict to the front.
    pub(crate) fn verify_quietly(
        &mut self,
        from: String,
        bundle: impl FnOnce() -> Result<Bundle, String> + Send + 'static,
    ) {
        let Some(session) = &self.session else { return };
        self.verifying = true;
        self.verifications += 1;
        let number = self.verifications;
        let model = Arc::clone(&session.model);
        self.workers.start("verify", move || {
            let demands = Demands { min_coverage: 0.0, ..Demands::default() };
            let result = bundle().map(|bundle| {
                let verdict = bundle::verify(&bundle, &model, &demands);
                (bundle, verdict)
            });
            Message::Verified { model: model.graph.digest, number, from, result: Box::new(result) }
        });
    }

    pub(crate) fn take_messages(&mut self, ctx: &Context) {
        let start = Instant::now();
        while let Some(message) = self.workers.next() {
            self.take(ctx, message);
            if start.elapsed() > BUDGET {
                ctx.request_repaint();
                break;
            }
        }
        let newest = self.estimates.as_ref().and_then(EstimateWorker::poll);
        if let (Some(session), Some(estimates)) = (&mut self.session, newest) {
            session.take_estimates(estimates);
        }
    }

    fn take(&mut self, ctx: &Context, message: Message) {
        let open = self.session.as_ref().map(|session| session.graph.digest);
        match message {
            Message::Opened { path, result, project, notes } => {
                self.opening = None;
                for note in notes {
                    self.say(Kind::Warning, note);
                }
                match *result {
                    Ok((opened, graph)) => self.opened(&path, opened, graph, *project),
                    Err(reason) => self.say(Kind::Error, reason),
                }
            }
            Message::Kept { result } => self.take_kept(result),
            Message::BundleKept(Ok(())) => {}
            Message::BundleKept(Err(reason)) => {
                self.say(Kind::Error, format!("The bundle can't be kept: {reason}"));
            }
            Message::DraftEstimated { model, draft, plan, rows } if Some(model) == open => {
                if let Some(session) = &mut self.session {
                    session.take_draft_estimates(draft, plan, rows);
                }
            }
            Message::Prepared { model, bits, result } if Some(model) == open => {
                // Other bits may have been chosen meanwhile; their program is on its way.
                if self.session.as_ref().is_some_and(|session| session.bits() == bits) {
                    self.prepared(ctx, *result);
                }
            }
            Message::Swept { model, number, result } if Some(model) == open => {
                let session = self.session.as_mut();
                if let Some(reason) = session.and_then(|s| s.take_sweep(number, result)) {
                    self.say(Kind::Error, reason);
                }
            }
            Message::Provable { model, found } if Some(model) == open => {
                if let Some(session) = &mut self.session {
                    session.provability = Some(found);
                }
            }
            Message::Answered { model, case, version, answer } if Some(model) == open => {
                if let Some(session) = &mut self.session
                    && (session.case_index(), session.inputs_version()) == (case, version)
                {
                    session.answer = Some(*answer);
                }
            }
            Message::Inputs { model, path, case, result } if Some(model) == open => match result {
                Ok(inputs) => {
                    if let Some(session) = &mut self.session {
                        session.set_inputs(&path, inputs);
                        session.set_case(case);
                    }
                    self.prepare_if_uncalibrated();
                    self.ask_model();
                }
                Err(reason) => self.say(Kind::Error, reason),
            },
            Message::Verified { model, number, from, result }
                if Some(model) == open && number == self.verifications =>
            {
                self.verifying = false;
                match *result {
                    Ok((bundle, verdict)) => {
                        let word = if verdict.accepted { "accepted" } else { "not accepted" };
                        self.say(Kind::Note, format!("Verified {from}: {word}."));
                        self.tamper.hold(from.clone(), bundle);
                        self.verified = Some(Verified { from, verdict, timed: true });
                    }
                    Err(reason) => self.say(Kind::Error, reason),
                }
            }
            Message::Tampered { trial, step } => self.tamper.take(trial, step),
            Message::Grouped { model, key, row } if Some(model) == open => {
                if let Some(session) = &mut self.session {
                    session.take_group(key, row);
                }
            }
            Message::Balanced { model, result } if Some(model) == open => match result {
                Ok((before, after)) => {
                    // An edit that was made meanwhile is newer than the wish to balance.
                    if let Some(session) = self.session.as_mut().filter(|s| *s.plan() == before) {
                        session.set_plan(after);
                    }
                    self.refresh_estimates(ctx);
                }
                Err(reason) => self.say(Kind::Error, reason),
            },
            Message::Split { model, result } if Some(model) == open => {
                self.take_split(*result);
            }
            Message::Written(Ok(text)) => self.say(Kind::Note, text),
            Message::Written(Err(reason)) => self.say(Kind::Error, reason),
            // What belongs to a model that was closed meanwhile is of no use.
            Message::Prepared { .. }
            | Message::Provable { .. }
            | Message::Answered { .. }
            | Message::Inputs { .. }
            | Message::Grouped { .. }
            | Message::Balanced { .. }
            | Message::Swept { .. }
            | Message::Split { .. }
            | Message::DraftEstimated { .. }
            | Message::Verified { .. } => {}
        }
    }

    fn opened(
        &mut self,
        path: &Path,
        opened: Opened,
        graph_view: GraphView,
        project: Option<Project>,
    ) {
        for note in &opened.notes {
            self.say(Kind::Warning, note.clone());
        }
        let session = Session::new(opened);
        let graph = &session.graph;
        let text = format!("Opened {} with {} nodes.", path.display(), graph.nodes.len());
        self.say(Kind::Note, text);
        if let Some(before) = &mut self.session {
            before.cancel_sweep();
        }
        // What was open before is written before it goes.
        self.save_now();
        self.keeper.forget();
        self.remember(path);
        self.splits.clear();
        let model = session.graph.file_digest();
        self.show_session(session, graph_view);
        match project {
            Some(project) if project.model.digest == model => self.restore(project),
            Some(_) => {
                self.say(Kind::Error, "The project is of another model than the one in its place.");
            }
            None => {}
        }
        self.prepare();
        self.ask_model();
        if let Some(bundle) = self.bundle_to_open.take() {
            self.open_bundle(&bundle);
        }
    }

    /// Shows another session, in the place of the one that is shown.
    pub(crate) fn show_session(&mut self, session: Session, graph: GraphView) {
        self.graph = Some(graph);
        self.selection = Default::default();
        self.picked = Default::default();
        self.verified = None;
        self.tamper.clear();
        self.verifying = false;
        self.estimates = None;
        self.session = Some(session);
    }

    pub(crate) fn prepare(&mut self) {
        let Some(session) = &self.session else { return };
        let (model, bits, preparation) =
            (session.graph.digest, session.bits(), session.preparation());
        self.workers.start("calibrate", move || {
            let result = Box::new(preparation.run());
            Message::Prepared { model, bits, result }
        });
    }

    /// Quantises the model with other bits.
    pub(crate) fn use_bits(&mut self, bits: Bits) {
        let Some(session) = &mut self.session else { return };
        if session.set_bits(bits) {
            self.say(Kind::Note, format!("The model is quantised with {bits} now."));
            self.prepare();
        }
    }

    /// Tries other bits, and shows what comes of it.
    pub(crate) fn sweep_bits(&mut self) {
        self.settings.chart = ChartTab::Bits;
        let Some(session) = &mut self.session else { return };
        let model = session.graph.digest;
        let Some(sweeping) = session.begin_sweep() else { return };
        let number = sweeping.number();
        self.workers.start("sweep over bits", move || Message::Swept {
            model,
            number,
            result: sweeping.run(),
        });
    }

    /// With its first input a model that came without data can be calibrated.
    fn prepare_if_uncalibrated(&mut self) {
        if self.session.as_ref().is_some_and(Session::is_nominal) {
            self.prepare();
        }
    }

    fn prepared(&mut self, ctx: &Context, result: Result<Prepared, String>) {
        let Some(session) = &mut self.session else { return };
        match result {
            Ok(prepared) => {
                let (model, estimator) = (session.graph.digest, Arc::clone(&prepared.estimator));
                self.estimates = Some(EstimateWorker::start(Arc::clone(&estimator), ctx));
                self.workers.start("provability", move || Message::Provable {
                    model,
                    found: session::provability(&estimator),
                });
                let is_first = session.prepared.is_none() && !session.is_restored();
                let begins_with = prepared.first_plan.as_ref().map(|plan| plan.system(0));
                session.set_prepared(prepared);
                let is_shown = is_first && session.common_system() == begins_with;
                if begins_with == Some(System::Whir) && is_shown {
                    let text = "A few slices of this model are too large for halo2: the plan \
                                begins with whir, which hides nothing. Cut it smaller for zero \
                                knowledge.";
                    self.say(Kind::Warning, text);
                }
                self.refresh_estimates(ctx);
                self.ask_model();
            }
            Err(reason) => {
                // The program of the bits before is still there.
                if !session.back_to_prepared_bits() {
                    session.obstacle = Some(reason.clone());
                }
                self.say(Kind::Error, reason);
            }
        }
    }

    /// Asks for estimates of the plan as it is now, where they are not there.
    pub(crate) fn refresh_estimates(&mut self, ctx: &Context) {
        let (Some(session), Some(worker)) = (&mut self.session, &self.estimates) else { return };
        if session.has_estimates() {
            return;
        }
        if let Some(estimates) = worker.ask(session.plan().clone()) {
            session.take_estimates(estimates);
        }
        self.estimate_drafts();
        ctx.request_repaint();
    }

    /// Estimates the plans that are not shown, so that the charts can compare them.
    fn estimate_drafts(&mut self) {
        let Some(session) = &mut self.session else { return };
        let Some(prepared) = &session.prepared else { return };
        let estimator = Arc::clone(&prepared.estimator);
        let model = session.graph.digest;
        for (draft, plan) in session.ask_estimates() {
            let estimator = Arc::clone(&estimator);
            self.workers.start("estimate plan", move || {
                let rows = estimator.slices(&plan);
                Message::DraftEstimated { model, draft, plan, rows }
            });
        }
    }

    /// Runs the case that is shown.
    pub(crate) fn ask_model(&mut self) {
        let Some(session) = &mut self.session else { return };
        session.answer = None;
        let Some(question) = session.question() else { return };
        let (model, case, version) =
            (session.graph.digest, session.case_index(), session.inputs_version());
        self.workers.start("run model", move || Message::Answered {
            model,
            case,
            version,
            answer: Box::new(question.answer()),
        });
    }

    pub(crate) fn take_run_events(&mut self, ctx: &Context) {
        let Some(session) = &mut self.session else { return };
        if !session.is_proving() {
            return;
        }
        session.take_events();
        let Some(run) = &session.run else { return };
        if run.is_running() {
            // Clocks and bars move while nothing else happens.
            ctx.request_repaint_after(Duration::from_millis(250));
            return;
        }
        let (status, report) = (run.status.clone(), run.report());
        let verdict = run.outcome.as_ref().map(|outcome| outcome.sliced.verdict.clone());
        let bundle = run.outcome.as_ref().map(|outcome| outcome.sliced.bundle.clone());
        let is_shown = run.draft == session.drafts().current().id;
        let failures = run.outcome.as_ref().map_or(0, |outcome| outcome.failures.len());
        session.take_outcome();
        self.keep_bundle();
        match status {
            Status::Done if failures == 0 => self.announce(ctx, Kind::Note, report),
            Status::Done => {
                let text = format!("{failures} of the pieces could not be proven: see Jobs.");
                self.announce(ctx, Kind::Error, text);
            }
            Status::Cancelled => self.say(Kind::Note, "The run was cancelled."),
            Status::Failed(reason) => self.announce(ctx, Kind::Error, reason),
            Status::Running => {}
        }
        // The verdict on a plan that is not shown waits until it is.
        let bundle = bundle.filter(|_| is_shown);
        let verdict = verdict.filter(|_| is_shown);
        if let Some(bundle) = bundle {
            self.tamper.hold("the last run".to_owned(), bundle);
        }
        if let Some(verdict) = verdict {
            // A verification of an older bundle comes too late now.
            self.verifications += 1;
            self.verifying = false;
            self.verified =
                Some(Verified { from: "the last run".to_owned(), verdict, timed: false });
            self.bottom = BottomTab::Verify;
        }
    }
}
