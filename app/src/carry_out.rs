//! What each command does.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use egui::{Context, ThemePreference, ViewportCommand};
use microtome_engine::bundle::{Custody, Secrets, WeightCard};
use microtome_engine::files::{self, Access};
use microtome_engine::onnx::Model;
use microtome_engine::prove::System;
use microtome_engine::report::charts;

use crate::app::{App, BottomTab};
use crate::command::Command;
use crate::dialogs::Purpose;
use crate::graph_view::Selection;
use crate::keeping;
use crate::panels::charts::chart;
use crate::panels::log::Kind;
use crate::project::ENDING;
use crate::session::Session;
use crate::tasks::Message;
use crate::theme;

/// Size of an exported chart on paper, in pixels of the design.
const CHART_SIZE: (u32, u32) = (960, 540);

impl App {
    /// Carries a command out.
    pub(crate) fn run(&mut self, ctx: &Context, command: Command) {
        if self.hindrance(command).is_some() {
            return;
        }
        match command {
            Command::Open => self.dialogs.open(ctx, Purpose::Open, ""),
            Command::OpenInput => self.dialogs.open(ctx, Purpose::OpenInput, ""),
            Command::OpenPlan => self.dialogs.open(ctx, Purpose::OpenPlan, ""),
            Command::OpenBundle => self.dialogs.open(ctx, Purpose::OpenBundle, ""),
            Command::SavePlan => self.save_as(ctx, Purpose::SavePlan, "plan.json"),
            Command::SaveProject => self.save_as(ctx, Purpose::SaveProject, ENDING),
            Command::SaveBundle => self.save_as(ctx, Purpose::SaveBundle, "bundle"),
            Command::SaveCard => self.save_as(ctx, Purpose::SaveCard, "card"),
            Command::ExportSlices => self.save_as(ctx, Purpose::ExportSlices, "slices"),
            Command::SaveChartSvg => self.save_as(ctx, Purpose::SaveChartSvg, "chart.svg"),
            Command::SaveChartPng => self.save_as(ctx, Purpose::SaveChartPng, "chart.png"),
            Command::SaveChartCsv => self.save_as(ctx, Purpose::SaveChartCsv, "chart.csv"),
            Command::SaveReport => self.save_as(ctx, Purpose::SaveReport, "report.html"),
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Command::Verify => self.verify_again(),
            Command::Prove => self.prove(ctx),
            Command::Fit => {
                if let Some(graph) = &mut self.graph {
                    graph.fit = true;
                }
            }
            Command::ZoomIn | Command::ZoomOut => {
                let factor = if command == Command::ZoomIn { 1.25 } else { 0.8 };
                if let Some(graph) = &mut self.graph {
                    graph.zoom_by(factor);
                }
            }
            Command::FoldBlocks | Command::UnfoldBlocks | Command::ToggleBlock => {
                self.fold(command);
            }
            Command::ThemeDark => ctx.set_theme(ThemePreference::Dark),
            Command::ThemeLight => ctx.set_theme(ThemePreference::Light),
            Command::ThemeSystem => ctx.set_theme(ThemePreference::System),
            Command::Tour => self.start_tour(),
            Command::Words => self.words = true,
            Command::ReduceMotion => {
                self.settings.reduced_motion = !self.settings.reduced_motion;
                theme::set_motion(ctx, self.settings.reduced_motion);
            }
            Command::ChartScale(scaling) => self.chart_view().scaling = scaling,
            Command::ShowAllSeries => self.chart_view().hidden.clear(),
            Command::About => self.about = true,
            Command::Palette => self.toggle_palette(ctx),
            Command::NextObstacle => self.next_obstacle(),
            Command::ColorBy(by) => self.settings.color_by = by,
            Command::PreviousCase | Command::NextCase => {
                if let Some(session) = &mut self.session {
                    session.step_case(command == Command::NextCase);
                }
                self.ask_model();
            }
            Command::SweepBits => self.sweep_bits(),
            Command::CancelSweep => {
                if let Some(session) = &mut self.session {
                    session.cancel_sweep();
                }
            }
            Command::Bits(bits) => self.use_bits(bits),
            Command::SplitSlice => self.split_slice(),
            Command::Undo if self.can_undo_split() => self.step_split(ctx, true),
            Command::Redo if self.can_redo_split() => self.step_split(ctx, false),
            Command::NextPlan => self.change_plan(Session::next_draft),
            Command::DeletePlan => self.change_plan(Session::delete_draft),
            Command::BringBackPlan => self.change_plan(Session::bring_back_draft),
            Command::NewPlan => {
                if let Some(session) = &mut self.session {
                    session.copy_draft();
                }
            }
            Command::RenamePlan => {
                self.renaming = self.session.as_ref().map(|s| s.drafts().current().name.clone());
            }
            _ => self.edit(command),
        }
        self.refresh_estimates(ctx);
        ctx.request_repaint();
    }

    fn edit(&mut self, command: Command) {
        let balance = self.settings.balance;
        let Some(session) = &mut self.session else { return };
        let selection = &mut self.selection;
        let node = selection.node.or(selection.block.map(|(start, _)| start));
        match (command, node) {
            (Command::Undo, ..) if session.can_undo() => session.undo(),
            (Command::Redo, ..) if session.can_redo() => session.redo(),
            (Command::Balance, ..) => {
                let model = session.graph.digest;
                if let Some(balancing) = session.balancing(balance.slices, balance.metric) {
                    self.workers.start("balance", move || Message::Balanced {
                        model,
                        result: balancing.run(),
                    });
                }
            }
            (Command::MergeAll, ..) => session.merge_all(),
            (Command::CommitWeights, ..) => {
                session.weights = match session.weights {
                    Custody::Public => Custody::Committed,
                    Custody::Committed => Custody::Public,
                };
            }
            (Command::UseHalo2, ..) => session.set_all_systems(System::Halo2),
            (Command::UseWhir, ..) => session.set_all_systems(System::Whir),
            (Command::NextSystem, ..) => {
                if let Some(slice) = selection.slice.filter(|&s| s < session.plan().slice_count()) {
                    let now = session.system(slice);
                    let mut after = System::ALL.into_iter().cycle().skip_while(|&s| s != now);
                    session.set_system(slice, after.nth(1).unwrap_or(now));
                }
            }
            (Command::BackToResults, ..) => session.back_to_results(),
            (Command::CutToFit, ..) => session.add_helpful_cuts(),
            (Command::ProveAll, ..) => session.mark_all(true),
            (Command::ProveNone, ..) => session.mark_all(false),
            (Command::Cancel, ..) => {
                if let Some(run) = &session.run {
                    run.cancel();
                }
            }
            (Command::AddBoundary, Some(node)) => selection.cut = session.add_cut_at(node),
            _ => self.edit_boundaries(command),
        }
        self.settle_selection();
    }

    fn fold(&mut self, command: Command) {
        let block = self.selected_block();
        let Some(graph) = &mut self.graph else { return };
        match (command, block) {
            (Command::FoldBlocks, _) => graph.fold_all(),
            (Command::UnfoldBlocks, _) => graph.unfold_all(),
            (_, Some(block)) => graph.toggle_block(&block),
            (_, None) => {}
        }
    }

    /// The block that is selected, or the one around the selected node.
    pub(crate) fn selected_block(&self) -> Option<Range<usize>> {
        let Selection { node, block, .. } = self.selection;
        let around = |node| self.graph.as_ref().and_then(|graph| graph.block_at(node));
        block.map(|(start, end)| start..end).or_else(|| node.and_then(around))
    }

    fn prove(&mut self, ctx: &Context) {
        let jobs = self.settings.jobs;
        let program = self.child_program.clone();
        let free_bytes = self.shown_memory.unwrap_or_else(microtome_engine::run::available_bytes);
        let Some(session) = &mut self.session else { return };
        let wake = ctx.clone();
        session.prove(jobs, free_bytes, program, move || wake.request_repaint());
        self.bottom = BottomTab::Jobs;
        self.say(Kind::Note, "Proving began.");
    }

    /// Changes which plan is shown. Its results come into sight with it.
    pub(crate) fn change_plan(&mut self, change: impl FnOnce(&mut Session)) {
        let Some(session) = &mut self.session else { return };
        let before = session.drafts().current().id;
        change(session);
        if session.drafts().current().id != before {
            self.picked.clear(&mut self.selection);
            self.selection.slice = None;
            self.verify_kept();
        }
    }

    fn verify_again(&mut self) {
        self.bottom = BottomTab::Verify;
        self.verify_kept();
    }

    fn save_as(&mut self, ctx: &Context, purpose: Purpose, ending: &str) {
        let name = self.session.as_ref().map_or("model", |session| &session.graph.name);
        let suggestion = match purpose {
            Purpose::SaveBundle | Purpose::SaveCard | Purpose::SaveProject => {
                format!("{name}.{ending}")
            }
            _ => format!("{name}-{ending}"),
        };
        self.dialogs.open(ctx, purpose, &suggestion);
    }

    /// Does with a file what it was chosen for, as when a dialog is answered.
    pub fn chosen(&mut self, ctx: &Context, purpose: Purpose, path: &Path) {
        ctx.request_repaint();
        match purpose {
            Purpose::Open => self.open_path(path),
            Purpose::OpenInput => self.open_input(path),
            Purpose::OpenBundle => self.open_bundle(path),
            Purpose::OpenPlan => self.open_plan(path),
            Purpose::SavePlan => {
                let text = self.session.as_ref().map(Session::plan_text);
                self.write("the plan", path, move || {
                    text.ok_or_else(String::new)?.map(String::into_bytes)
                });
            }
            Purpose::SaveProject => self.save_project(path),
            Purpose::SaveBundle => self.save_bundle(path),
            Purpose::SaveCard => self.save_card(path),
            Purpose::ExportSlices => self.export(path),
            Purpose::SaveReport => {
                let reporting = self.session.as_ref().and_then(Session::reporting);
                self.write("the report", path, move || {
                    let reporting = reporting.ok_or("There is no run to report yet.")?;
                    reporting.to_html().map(String::into_bytes)
                });
            }
            Purpose::SaveChartSvg | Purpose::SaveChartPng | Purpose::SaveChartCsv => {
                let tab = self.settings.chart;
                let view = self.chart_view().clone();
                let dark = ctx.global_style().visuals.dark_mode;
                let chart = self.session.as_ref().and_then(|session| chart(session, tab));
                self.write("the chart", path, move || {
                    let chart = chart.ok_or("There is no chart to save yet.")?;
                    let bytes = match purpose {
                        // The numbers are complete: what is hidden in the picture is in the table.
                        Purpose::SaveChartCsv => return Ok(chart.table().to_csv().into_bytes()),
                        Purpose::SaveChartSvg => {
                            let svg = charts::to_svg(&chart, &view, CHART_SIZE, dark);
                            svg.map(String::into_bytes)
                        }
                        _ => {
                            let look = charts::Look::on_paper(dark, 2.0);
                            charts::to_png(&chart, &view, CHART_SIZE, look)
                        }
                    };
                    bytes.map_err(|error| error.to_string())
                });
            }
        }
    }

    /// What of the chart that is open is shown.
    fn chart_view(&mut self) -> &mut charts::View {
        self.settings.chart_views.entry(self.settings.chart).or_default()
    }

    fn write(
        &mut self,
        what: &'static str,
        path: &Path,
        make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
    ) {
        let path = path.to_owned();
        self.workers.start("write", move || {
            let written = make().and_then(|bytes| {
                files::write(&path, &bytes, Access::Usual)
                    .map_err(|error| format!("Saving {what} failed. {error}"))
            });
            Message::Written(written.map(|()| format!("Saved {what} as {}.", path.display())))
        });
    }

    fn save_project(&mut self, path: &Path) {
        let Some(project) = self.project() else { return };
        let path = path.to_owned();
        self.workers.start("save project", move || {
            let saved = format!("Saved the project as {}.", path.display());
            Message::Written(project.write(&path).map(|()| saved))
        });
    }

    fn save_bundle(&mut self, path: &Path) {
        let outcome = self.session.as_ref().and_then(Session::outcome);
        let proven = outcome.map(|o| (o.sliced.bundle.clone(), o.sliced.secrets.clone()));
        let (kept, path) = (self.kept_bundle(), path.to_owned());
        self.workers.start("save bundle", move || {
            let proven = match (proven, kept) {
                (Some(proven), _) => Ok(proven),
                (None, Some(kept)) => keeping::read_bundle(&kept),
                (None, None) => Err("There is no bundle to save yet.".to_owned()),
            };
            let written = proven
                .and_then(|(bundle, secrets)| keeping::write_bundle(&bundle, &secrets, &path));
            Message::Written(written.map(|()| {
                let beside = Secrets::path_beside(&path);
                let (path, beside) = (path.display(), beside.display());
                format!("Saved the bundle as {path}; what stays hidden is in {beside}.")
            }))
        });
    }

    fn save_card(&mut self, path: &Path) {
        let Some(session) = &self.session else { return };
        let Some(prepared) = session.prepared.clone() else { return };
        let (model, skeleton) = (Arc::clone(&session.model), Arc::clone(&session.skeleton));
        let path = path.to_owned();
        self.workers.start("save card", move || {
            let card = WeightCard::of(&model.graph, &skeleton, &prepared.program, prepared.card);
            let written =
                card.and_then(|card| card.write(&path).map_err(|error| error.to_string()));
            let saved = format!("Saved the weight card as {}.", path.display());
            Message::Written(written.map(|()| saved))
        });
    }

    fn export(&mut self, folder: &Path) {
        let Some(session) = &self.session else { return };
        let (model, groups, folder) =
            (Arc::clone(&session.model), session.node_groups(), folder.to_owned());
        self.workers
            .start("export", move || Message::Written(write_slices(&model, &groups, &folder)));
    }

    /// Slices that a run would prove, for tests.
    #[must_use]
    pub fn marked(&self) -> BTreeSet<usize> {
        self.session.as_ref().map(Session::marked).unwrap_or_default()
    }
}

fn write_slices(model: &Model, groups: &[Vec<usize>], folder: &Path) -> Result<String, String> {
    let failed =
        |error: std::io::Error| format!("{}: slices can't be written: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let slices = model.export(groups);
    for (index, slice) in slices.iter().enumerate() {
        let path = folder.join(format!("slice-{index}.onnx"));
        std::fs::write(path, &slice.bytes).map_err(failed)?;
    }
    Ok(format!("Exported {} slices into {}.", slices.len(), folder.display()))
}
