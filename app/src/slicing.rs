//! Slices made by hand: what happens in the graph, and commands on all that is selected there.

use egui::Context;

use crate::app::App;
use crate::command::Command;
use crate::graph_view::GraphAction;
use crate::panels::log::Kind;
use crate::tasks::Message;

impl App {
    /// Does what the user did in the graph.
    pub(crate) fn graph_action(&mut self, ctx: &Context, action: GraphAction) {
        let Some(session) = &mut self.session else { return };
        let (selection, picked) = (&mut self.selection, &mut self.picked);
        match action {
            GraphAction::SelectNode(node) => {
                (selection.node, selection.block) = (Some(node), None);
            }
            GraphAction::SelectBlock(nodes) => {
                selection.node = None;
                selection.block = Some((nodes.start, nodes.end));
            }
            GraphAction::SelectSlice(slice) => selection.slice = Some(slice),
            GraphAction::SelectCut(cut) => picked.set_cuts(selection, [cut]),
            GraphAction::ToggleCut(cut) => picked.toggle_cut(selection, cut),
            GraphAction::SelectNothing => {
                picked.clear(selection);
                *selection = Default::default();
            }
            GraphAction::PickNodes(nodes) => {
                picked.set_nodes(selection, nodes);
                self.ask_group();
            }
            GraphAction::PickRange(nodes) => {
                let nodes = picked.range_to(*selection, nodes);
                picked.set_nodes(selection, nodes);
                self.ask_group();
            }
            GraphAction::PickFrom(nodes) => picked.begin_range(nodes),
            GraphAction::PickNothing => picked.clear(selection),
            GraphAction::Ask(command) => self.queue.push(command),
            GraphAction::AddCut(cut) => {
                session.add_cut(cut);
                picked.set_cuts(selection, [cut]);
            }
            GraphAction::RemoveCut(cut) => session.remove_cut(cut),
            GraphAction::ToggleLock(cut) => session.toggle_lock(cut),
            GraphAction::DragStarted => session.begin_drag(),
            GraphAction::DragMoved { from, to } => {
                session.drag(from, to);
                picked.move_cut(from, to);
                if selection.cut == Some(from) {
                    selection.cut = Some(to);
                }
            }
            GraphAction::DragEnded => session.end_drag(),
            GraphAction::DragCancelled => session.cancel_drag(),
        }
        self.settle_selection();
        self.refresh_estimates(ctx);
    }

    /// What commands do to the boundaries and nodes that are selected.
    pub(crate) fn edit_boundaries(&mut self, command: Command) {
        let Some(session) = &mut self.session else { return };
        let (selection, picked) = (&mut self.selection, &mut self.picked);
        let cuts = picked.cuts(*selection);
        match command {
            Command::RemoveBoundary => session.remove_cuts(&cuts),
            Command::LockBoundary => session.toggle_locks(&cuts),
            Command::BoundaryUp | Command::BoundaryDown => {
                let is_seen = |cut| self.graph.as_ref().is_none_or(|graph| graph.is_visible(cut));
                let moved = session.nudge_all(&cuts, command == Command::BoundaryDown, is_seen);
                let now = |cut: usize| moved.get(&cut).copied().unwrap_or(cut);
                selection.cut = selection.cut.map(now);
                picked.set_cuts(selection, cuts.into_iter().map(now));
            }
            Command::SelectBoundaries => {
                picked.set_cuts(selection, session.cuts().iter().copied());
                if let Some(graph) = &mut self.graph {
                    graph.focus_cut = selection.cut;
                }
            }
            Command::MakeSlice => match session.make_slice(picked.nodes()) {
                Ok(slice) => {
                    picked.clear(selection);
                    selection.slice = Some(slice);
                }
                Err(reason) => self.say(Kind::Warning, reason),
            },
            _ => {}
        }
    }

    /// A boundary that went away can't stay selected.
    pub(crate) fn settle_selection(&mut self) {
        if let Some(session) = &self.session {
            self.picked.retain_cuts(&mut self.selection, session.cuts());
        }
    }

    /// Asks what the selected nodes would cost as a slice.
    fn ask_group(&mut self) {
        let Some(session) = &self.session else { return };
        let Some(question) = session.group_question(self.picked.nodes()) else { return };
        let model = session.graph.digest;
        self.workers.start("estimate a selection", move || {
            let (key, row) = question.run();
            Message::Grouped { model, key, row }
        });
    }
}
