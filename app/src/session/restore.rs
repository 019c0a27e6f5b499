//! From a project to the open model, and from the open model to a project.

use microtome_engine::digest::Digest;
use microtome_engine::prove::System;

use super::drafts::Drafts;
use super::{MeasuredRanges, Session};
use crate::project::{KeptMeasured, KeptRange, Project};

impl Session {
    /// What ranges of nodes took, under the program as it is.
    #[must_use]
    pub fn measured_ranges(&self) -> Option<KeptMeasured> {
        let range = |(&((from, to), system), &measured): (&((usize, usize), System), &_)| {
            KeptRange { from, to, system, measured }
        };
        let kept = |program, ranges: &MeasuredRanges| {
            (!ranges.is_empty())
                .then(|| KeptMeasured { program, ranges: ranges.iter().map(range).collect() })
        };
        match (&self.prepared, &self.kept_measured) {
            (Some(prepared), _) => kept(prepared.digest, &self.last_measured),
            (None, Some((program, ranges))) => kept(*program, ranges),
            (None, None) => None,
        }
    }

    /// Takes the plans and results that were kept of this model, before it is prepared. Plans that
    /// don't fit the model any more are left out, and named.
    pub fn restore(&mut self, project: Project) -> Vec<String> {
        let mut notes = Vec::new();
        let mut drafts: Option<Drafts> = None;
        for (index, kept) in project.plans.into_iter().enumerate() {
            if let Err(error) = kept.plan.check(self.graph.digest, &self.skeleton) {
                notes.push(format!("{:?} is left out: {error}", kept.name));
                continue;
            }
            let drafts = match &mut drafts {
                None => drafts.insert(Drafts::kept(kept)),
                Some(drafts) => drafts.add(kept),
            };
            if index == project.current {
                drafts.show_last();
            }
        }
        if let Some(drafts) = drafts {
            self.drafts = drafts;
            self.is_restored = true;
        }
        self.whole_too = project.whole_too;
        self.weights = project.weights;
        self.set_bits(project.bits);
        self.kept_measured = project.measured.map(|kept| {
            let ranges = kept.ranges.into_iter();
            (kept.program, ranges.map(|r| (((r.from, r.to), r.system), r.measured)).collect())
        });
        notes
    }

    /// Whether its plans were kept from an earlier time.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.is_restored
    }

    /// Whether its plan is one that the user may want to have again: prepared, and not in a drag.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        (self.prepared.is_some() || self.obstacle.is_some()) && !self.draft().history.is_open()
    }

    /// Names the file that is to keep the bundle of the run that just ended.
    pub(crate) fn name_kept_bundle(&mut self) -> Option<String> {
        let run = self.run.as_ref()?;
        let bundle = &run.outcome.as_ref()?.sliced.bundle;
        let name = format!("{}.bundle", Digest(bundle.header.nonce).short());
        let draft = run.draft;
        let record = self.drafts.by_id(draft)?.record.as_mut()?;
        record.bundle = Some(name.clone());
        Some(name)
    }

    /// Names of the files that keep bundles of the plans, deleted ones that can be had back too.
    pub(crate) fn kept_bundles(&self) -> Vec<String> {
        let records = self.drafts.records();
        records.filter_map(|record| record.bundle.clone()).collect()
    }
}
