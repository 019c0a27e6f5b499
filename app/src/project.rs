//! Projects: what the user did with a model, kept in a file.
//!
//! A project holds the plans of one model with the results of their runs, which input was shown,
//! what ranges of nodes were measured to take, and where the user looked. It names the model by
//! path and digest and doesn't hold it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use microtome_engine::bits::Bits;
use microtome_engine::bundle::Custody;
use microtome_engine::digest::Digest;
use microtome_engine::files::{self, Access};
use microtome_engine::graph::Splits;
use microtome_engine::plan::Plan;
use microtome_engine::prove::System;
use microtome_engine::run::Measured;
use serde::{Deserialize, Serialize};

use crate::graph_view::Place;
use crate::session::{Record, Session};

/// What the first key of a project's file says.
const FORMAT: &str = "microtome project";
const VERSION: u32 = 1;
/// No project is larger; a wrong path must not fill the memory.
const MOST_BYTES: u64 = 64 << 20;
/// How a project's file ends.
pub const ENDING: &str = "microtome";

/// What is kept of a model and the work on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    format: String,
    version: u32,
    /// The model that it is about.
    pub model: ModelRef,
    /// The input that was shown.
    pub input: Option<InputRef>,
    /// The plans, in the order of their tabs.
    pub plans: Vec<KeptPlan>,
    /// Which of them was shown.
    pub current: usize,
    /// Whether the whole model is proven too, for comparison.
    pub whole_too: bool,
    /// Where the weights are while slices are proven.
    #[serde(default)]
    pub weights: Custody,
    /// Bits of activations and weights.
    #[serde(default)]
    pub bits: Bits,
    /// What ranges of nodes took, under which program.
    pub measured: Option<KeptMeasured>,
    /// Where the user looked; nothing for all of the model.
    #[serde(default)]
    pub place: Option<Place>,
    /// The node that was selected.
    #[serde(default)]
    pub node: Option<usize>,
}

/// A model by path and digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRef {
    /// Where it was opened from.
    pub path: PathBuf,
    /// Digest of its file.
    pub digest: Digest,
    /// The nodes of it that were split.
    #[serde(default, skip_serializing_if = "Splits::is_empty")]
    pub splits: Splits,
}

/// An input by path and case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRef {
    /// The file.
    pub path: PathBuf,
    /// Which of its cases.
    pub case: usize,
}

/// A plan with its results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPlan {
    /// What the user calls it.
    pub name: String,
    /// Where it cuts.
    pub plan: Plan,
    /// First nodes of the slices that are not to be proven.
    #[serde(default)]
    pub skipped: BTreeSet<usize>,
    /// What came of its last run.
    #[serde(default)]
    pub record: Option<Record>,
}

/// What ranges of nodes took under a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptMeasured {
    /// Digest of the program.
    pub program: Digest,
    /// The ranges.
    pub ranges: Vec<KeptRange>,
}

/// What a range of nodes took when it was last proven by a system.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRange {
    /// Its first node.
    pub from: usize,
    /// The node after its last.
    pub to: usize,
    /// What proved it.
    pub system: System,
    /// What it took.
    pub measured: Measured,
}

impl Project {
    /// What there is to keep of a session.
    #[must_use]
    pub fn of(session: &Session, place: Option<Place>, node: Option<usize>) -> Self {
        let drafts = session.drafts();
        let kept = |draft: &crate::session::Draft| KeptPlan {
            name: draft.name.clone(),
            plan: draft.plan().clone(),
            skipped: draft.skipped().clone(),
            record: draft.record.clone(),
        };
        let case = session.case_index();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            model: ModelRef {
                path: session.path.clone(),
                digest: session.graph.file_digest(),
                splits: session.graph.splits(),
            },
            input: session.input_path().map(|path| InputRef { path: path.to_owned(), case }),
            plans: drafts.all().iter().map(kept).collect(),
            current: drafts.current_index(),
            whole_too: session.whole_too,
            weights: session.weights,
            bits: session.bits(),
            measured: session.measured_ranges(),
            place,
            node,
        }
    }

    /// Reads a project.
    ///
    /// # Errors
    /// Where the file can't be read, or holds something else; the text says so.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes =
            files::read(path, MOST_BYTES, "a project").map_err(|error| error.to_string())?;
        Self::from_bytes(&bytes).map_err(|reason| format!("{}: {reason}", path.display()))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Mark {
            format: String,
            version: u32,
        }
        let no_project = |error| format!("this is no project: {error}");
        let mark: Mark = serde_json::from_slice(bytes).map_err(no_project)?;
        if mark.format != FORMAT {
            return Err(format!("this is no project: it says {:?}", mark.format));
        }
        if mark.version > VERSION {
            return Err(format!(
                "the project is of version {}, and this program reads versions up to {VERSION}: \
                 take a newer Microtome",
                mark.version
            ));
        }
        serde_json::from_slice(bytes).map_err(no_project)
    }

    /// Writes the project: beside its place first, then renamed into it.
    ///
    /// # Errors
    /// Where it can't be written; the text says why.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        files::write(path, &bytes, Access::Usual).map_err(|error| error.to_string())
    }

    /// Where its model is: where it was, else beside the project's file.
    #[must_use]
    pub fn find_model(&self, project: &Path) -> Option<PathBuf> {
        let beside = project.with_file_name(self.model.path.file_name()?);
        [self.model.path.clone(), beside].into_iter().find(|path| path.is_file())
    }

    /// Takes the plans of another project of the same model that this one hasn't.
    pub fn absorb(&mut self, other: Self) {
        for kept in other.plans {
            let known = self.plans.iter().any(|plan| {
                plan.plan == kept.plan && (kept.record.is_none() || plan.record == kept.record)
            });
            if !known {
                self.plans.push(kept);
            }
        }
        if self.measured.is_none() {
            self.measured = other.measured;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(cuts: &str) -> Project {
        let digest = Digest::of("microtome test", b"model");
        let text = format!(
            r#"{{"format": "microtome project", "version": 1,
                 "model": {{"path": "/models/net.onnx", "digest": "{digest}"}},
                 "input": null, "current": 0, "whole_too": true, "measured": null,
                 "plans": [{{"name": "by hand", "plan": {{"model": "{digest}", "cuts": {cuts}}}}}]}}"#
        );
        Project::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_project_is_written_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.microtome");
        let before = project("[2, 4]");
        before.write(&path).unwrap();
        assert_eq!(Project::read(&path).unwrap(), before);
        assert_eq!(before.find_model(&path), None);
        std::fs::write(folder.path().join("net.onnx"), b"").unwrap();
        assert_eq!(before.find_model(&path), Some(folder.path().join("net.onnx")));
    }

    #[test]
    fn what_is_no_project_is_explained() {
        let reason = |bytes: &[u8]| Project::from_bytes(bytes).unwrap_err();
        assert!(reason(b"{").contains("no project"));
        assert!(reason(br#"{"format": "tune", "version": 1}"#).contains("tune"));
        let newer = reason(br#"{"format": "microtome project", "version": 9, "more": 1}"#);
        assert!(newer.contains("version 9") && newer.contains("newer"), "{newer}");
    }

    #[test]
    fn a_project_takes_the_plans_of_another_that_it_lacks() {
        let mut one = project("[2, 4]");
        one.absorb(project("[3]"));
        one.absorb(project("[2, 4]"));
        assert_eq!(one.plans.len(), 2);
    }
}
