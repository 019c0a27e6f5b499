//! Keeping what the user does without being asked: the project of the open model is written a
//! moment after each change, with the bundles of its runs beside it, and comes back with the model.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use directories::ProjectDirs;
use egui::Context;
use microtome_engine::bundle::{Bundle, Secrets};
use microtome_engine::digest::Digest;

use crate::app::App;
use crate::panels::log::Kind;
use crate::project::{ENDING, Project};
use crate::session::Session;
use crate::tasks::Message;

/// Changes are looked for this often while the window draws.
const PAUSE: Duration = Duration::from_secs(1);

/// Where projects are kept, and what was kept last.
#[derive(Default)]
pub(crate) struct Keeper {
    /// A folder with a folder for each model; without it nothing is kept.
    folder: Option<PathBuf>,
    checked: Option<Instant>,
    /// The project as it was written or read last.
    saved: Option<Project>,
    is_writing: bool,
    /// The user was told that it can't be written.
    has_complained: bool,
}

impl Keeper {
    /// Forgets what was kept last, as another model is being opened.
    pub(crate) fn forget(&mut self) {
        self.saved = None;
    }
}

/// Where the user's projects are kept, where there is a home for them.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "microtome")?.data_dir().join("projects"))
}

/// The folder of a model's project.
fn model_folder(projects: &Path, model: Digest) -> PathBuf {
    let digest = model.to_string();
    projects.join(&digest[..16])
}

fn project_path(folder: &Path) -> PathBuf {
    folder.join("project").with_extension(ENDING)
}

/// What was kept of a model. What can't be read is put aside, so that it isn't written over, and
/// the text says so.
pub(crate) fn kept_project(projects: &Path, model: Digest) -> Result<Option<Project>, String> {
    let path = project_path(&model_folder(projects, model));
    if !path.is_file() {
        return Ok(None);
    }
    match Project::read(&path) {
        Ok(project) if project.model.digest == model => Ok(Some(project)),
        Ok(_) => Ok(None),
        Err(reason) => {
            let aside = path.with_extension(format!("{ENDING}.unreadable"));
            let kept = match std::fs::rename(&path, &aside) {
                Ok(()) => format!("it is kept as {}", aside.display()),
                Err(error) => format!("it can't be put aside either: {error}"),
            };
            Err(format!("{reason}; {kept}"))
        }
    }
}

/// Writes a project into its folder, and removes bundles there that no plan names.
fn keep(project: &Project, folder: &Path, bundles: &BTreeSet<String>) -> Result<(), String> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("{}: can't be made: {error}", folder.display()))?;
    project.write(&project_path(folder))?;
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bundle = name.strip_suffix(".secrets").unwrap_or(&name);
        if bundle.ends_with(".bundle") && !bundles.contains(bundle) {
            // One that stays costs room and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

impl App {
    /// Keeps projects in a folder, and brings them back from there.
    pub fn keep_projects_in(&mut self, folder: PathBuf) {
        self.keeper.folder = Some(folder);
    }

    pub(crate) fn projects_folder(&self) -> Option<PathBuf> {
        self.keeper.folder.clone()
    }

    /// The project as it is now.
    #[must_use]
    pub fn project(&self) -> Option<Project> {
        let session = self.session.as_ref()?;
        let place = self.graph.as_ref().and_then(crate::graph_view::GraphView::place);
        Some(Project::of(session, place, self.selection.node))
    }

    /// Where the project of the open model is kept.
    #[must_use]
    pub fn project_file(&self) -> Option<PathBuf> {
        Some(project_path(&self.model_folder()?))
    }

    /// The model that a bundle is of, where it was open here before.
    pub(crate) fn model_of_bundle(&self, path: &Path) -> Result<PathBuf, String> {
        let bundle = Bundle::read(path).map_err(|error| {
            format!("{error}; what is opened is a model, a project, a plan or a bundle")
        })?;
        let model = bundle.header.model;
        let known =
            self.keeper.folder.as_ref().and_then(|projects| {
                Project::read(&project_path(&model_folder(projects, model))).ok()
            });
        known.map(|project| project.model.path).filter(|path| path.is_file()).ok_or_else(|| {
            format!("{}: to verify this bundle, open its model first.", path.display())
        })
    }

    fn model_folder(&self) -> Option<PathBuf> {
        let (session, projects) = (self.session.as_ref()?, self.keeper.folder.as_ref()?);
        Some(model_folder(projects, session.graph.file_digest()))
    }

    /// Writes the project in the background where it changed, at most once a while.
    pub(crate) fn autosave(&mut self, ctx: &Context) {
        if self.keeper.folder.is_none() {
            return;
        }
        let since = self.keeper.checked.map_or(PAUSE, |checked| checked.elapsed());
        if since < PAUSE {
            // Whatever this frame changes is written by one that comes after the pause.
            ctx.request_repaint_after(PAUSE - since);
            return;
        }
        self.keeper.checked = Some(Instant::now());
        let Some(project) = self.changed_project().filter(|_| !self.keeper.is_writing) else {
            return;
        };
        let (Some(folder), bundles) = (self.model_folder(), self.kept_bundles()) else { return };
        self.keeper.is_writing = true;
        self.workers.start("keep project", move || {
            let result = keep(&project, &folder, &bundles).map(|()| Box::new(project));
            Message::Kept { result }
        });
    }

    /// Writes the project now, as the window is being closed.
    pub(crate) fn save_now(&mut self) {
        let (Some(project), Some(folder)) = (self.changed_project(), self.model_folder()) else {
            return;
        };
        match keep(&project, &folder, &self.kept_bundles()) {
            Ok(()) => self.keeper.saved = Some(project),
            Err(reason) => eprintln!("microtome: the project can't be kept: {reason}"),
        }
    }

    fn changed_project(&self) -> Option<Project> {
        // A plan that is being dragged isn't one yet, and one that begins isn't the user's.
        let is_settled = self.session.as_ref().is_some_and(Session::is_settled);
        let project = self.project().filter(|_| is_settled)?;
        (self.keeper.saved.as_ref() != Some(&project)).then_some(project)
    }

    pub(crate) fn take_kept(&mut self, result: Result<Box<Project>, String>) {
        self.keeper.is_writing = false;
        match result {
            Ok(project) => {
                self.keeper.saved = Some(*project);
                self.keeper.has_complained = false;
            }
            Err(reason) => {
                if !std::mem::replace(&mut self.keeper.has_complained, true) {
                    let text = format!("The project can't be kept: {reason}");
                    self.say(Kind::Error, text);
                }
            }
        }
    }

    /// Brings back what was kept of the model that was just opened.
    pub(crate) fn restore(&mut self, project: Project) {
        self.keeper.saved = Some(project.clone());
        let Some(session) = &mut self.session else { return };
        let (input, place, node) = (project.input.clone(), project.place, project.node);
        let notes = session.restore(project);
        self.selection.node = node.filter(|&node| node < session.graph.nodes.len());
        if let Some(graph) = &mut self.graph {
            graph.go_to = place;
        }
        match input {
            Some(input) if session.input_path() == Some(&input.path) => {
                session.set_case(input.case);
            }
            Some(input) if input.path.is_file() => self.open_input_at(&input.path, input.case),
            Some(input) => {
                let text = format!("{}: this input is not there any more.", input.path.display());
                self.say(Kind::Warning, text);
            }
            None => {}
        }
        for note in notes {
            self.say(Kind::Warning, note);
        }
        self.say(Kind::Note, "Brought back the plans and results of this model.");
        self.verify_kept();
    }

    /// Keeps the bundle of a run that just ended beside the project.
    pub(crate) fn keep_bundle(&mut self) {
        let Some(folder) = self.model_folder() else { return };
        let Some(session) = &mut self.session else { return };
        let Some(name) = session.name_kept_bundle() else { return };
        // The plan that was proven may not be the one that is shown by now.
        let Some(outcome) = session.run.as_ref().and_then(|run| run.outcome.as_ref()) else {
            return;
        };
        let (bundle, secrets) = (outcome.sliced.bundle.clone(), outcome.sliced.secrets.clone());
        self.workers.start("keep bundle", move || {
            let path = folder.join(name);
            let written = std::fs::create_dir_all(&folder)
                .map_err(|error| format!("{}: can't be made: {error}", folder.display()))
                .and_then(|()| write_bundle(&bundle, &secrets, &path));
            Message::BundleKept(written)
        });
    }

    fn kept_bundles(&self) -> BTreeSet<String> {
        self.session.iter().flat_map(Session::kept_bundles).collect()
    }

    /// The file that keeps the bundle of the plan that is shown, where its results are those of
    /// the plan as it is.
    #[must_use]
    pub fn kept_bundle(&self) -> Option<PathBuf> {
        let record = self.session.as_ref()?.record()?;
        let path = self.model_folder()?.join(record.bundle.as_ref()?);
        path.is_file().then_some(path)
    }

    /// Shows the verdict on the bundle of the plan that is shown, or none.
    pub(crate) fn verify_kept(&mut self) {
        self.verified = None;
        self.tamper.clear();
        let Some(session) = &self.session else { return };
        let name = session.drafts().current().name.clone();
        let from = format!("the last run of {name}");
        if let Some(bundle) = session.bundle().cloned() {
            self.verify_quietly(from, move || Ok(bundle));
        } else if let Some(path) = self.kept_bundle() {
            self.verify_quietly(from, move || Bundle::read(&path).map_err(|e| e.to_string()));
        }
    }
}

/// Writes a bundle with the secrets beside it.
pub(crate) fn write_bundle(bundle: &Bundle, secrets: &Secrets, path: &Path) -> Result<(), String> {
    // The secrets first: a bundle without them could never be opened further.
    secrets
        .write(&Secrets::path_beside(path))
        .and_then(|()| bundle.write(path))
        .map_err(|error| error.to_string())
}

/// Reads a bundle with the secrets beside it.
pub(crate) fn read_bundle(path: &Path) -> Result<(Bundle, Secrets), String> {
    let bundle = Bundle::read(path).map_err(|error| error.to_string())?;
    let secrets = Secrets::read(&Secrets::path_beside(path)).map_err(|error| error.to_string())?;
    Ok((bundle, secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cant_be_read_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let model = Digest::of("microtome test", b"model");
        assert_eq!(kept_project(folder.path(), model), Ok(None));
        let path = project_path(&model_folder(folder.path(), model));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"{\"format\": ").unwrap();
        let reason = kept_project(folder.path(), model).unwrap_err();
        assert!(reason.contains("no project") && reason.contains("unreadable"), "{reason}");
        assert!(!path.exists());
        assert_eq!(kept_project(folder.path(), model), Ok(None), "and the next time all is well");
    }
}
