//! Splitting a node into tiles, and taking that back. Another split is another model, so the steps
//! that can be undone are whole sessions.

use egui::Context;

use crate::app::App;
use crate::graph_view::GraphView;
use crate::panels::log::Kind;
use crate::session::{Session, SplitModel, Splitting};
use crate::tasks::Message;
use crate::worker::EstimateWorker;

/// Sessions of the same model with other splits, newest last.
#[derive(Default)]
pub(crate) struct SplitSteps {
    undo: Vec<Session>,
    redo: Vec<Session>,
    /// Whether a worker splits the model just now.
    is_busy: bool,
}

impl SplitSteps {
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl App {
    /// Splits the largest operation of a slice: of the selected one, else of the first that is too
    /// large.
    pub(crate) fn split_slice(&mut self) {
        let (memory, selection) = (self.free_memory(), self.selection);
        let Some(session) = &self.session else { return };
        let of_node = selection.node.map(|node| session.slice_of_node(node));
        let too_large = session.first_too_large(memory);
        let slice = selection.slice.or(of_node).or(too_large).unwrap_or(0);
        let splitting = session.splitting(slice, memory);
        match splitting {
            Some(splitting) => self.start_splitting(splitting),
            None => self.say(Kind::Warning, "Nothing of this slice can be split."),
        }
    }

    pub(crate) fn start_splitting(&mut self, splitting: Splitting) {
        let Some(session) = self.session.as_ref().filter(|_| !self.splits.is_busy) else { return };
        self.splits.is_busy = true;
        let model = session.graph.digest;
        self.workers.start("split", move || {
            let result = splitting.run().map(|split| {
                let graph = GraphView::new(split.opened.graph(), split.opened.facts());
                (split, graph)
            });
            Message::Split { model, result: Box::new(result) }
        });
    }

    pub(crate) fn take_split(&mut self, result: Result<(SplitModel, GraphView), String>) {
        self.splits.is_busy = false;
        let (split, graph) = match result {
            Ok(split) => split,
            Err(reason) => return self.say(Kind::Error, reason),
        };
        // A run that began meanwhile belongs to the model as it is.
        let Some(before) = self.session.take_if(|session| !session.is_proving()) else { return };
        let session = before.split(split.opened, split.plan);
        self.splits.undo.push(before);
        self.splits.redo.clear();
        self.show_session(session, graph);
        self.say(Kind::Note, split.text);
        self.prepare();
        self.ask_model();
    }

    /// Whether the last split can be taken back: nothing was done after it that is newer.
    pub(crate) fn can_undo_split(&self) -> bool {
        let is_idle = self.session.as_ref().is_some_and(|s| !s.is_proving() && !s.can_undo());
        is_idle && !self.splits.undo.is_empty()
    }

    /// Whether a split can be done again that was taken back.
    pub(crate) fn can_redo_split(&self) -> bool {
        let is_idle = self.session.as_ref().is_some_and(|s| !s.is_proving() && !s.can_redo());
        is_idle && !self.splits.redo.is_empty()
    }

    /// Goes back to the session before the last split, or to the one after it.
    pub(crate) fn step_split(&mut self, ctx: &Context, back: bool) {
        let steps = &mut self.splits;
        let (from, to) = match back {
            true => (&mut steps.undo, &mut steps.redo),
            false => (&mut steps.redo, &mut steps.undo),
        };
        let Some(session) = from.pop() else { return };
        to.extend(self.session.take());
        let graph = GraphView::new(&session.graph, &session.facts);
        let estimator = session.prepared.as_ref().map(|prepared| prepared.estimator.clone());
        self.show_session(session, graph);
        match estimator {
            Some(estimator) => self.estimates = Some(EstimateWorker::start(estimator, ctx)),
            None => self.prepare(),
        }
        self.ask_model();
    }
}
