//! The report of the last run, made by a worker from copies of what it needs.

use std::sync::Arc;

use microtome_engine::cost::Totals;
use microtome_engine::graph::Graph;
use microtome_engine::plan::{Estimator, Plan};
use microtome_engine::report::charts::TimelineData;
use microtome_engine::report::page::Report;
use microtome_engine::run::Outcome;

use super::Session;

/// What a report is made of.
pub struct Reporting {
    graph: Arc<Graph>,
    totals: Totals,
    plan: Plan,
    estimator: Arc<Estimator>,
    outcome: Box<Outcome>,
    timeline: TimelineData,
}

impl Session {
    /// What the report of the last run is made of: of the plan that was proven, which may have
    /// been edited since.
    #[must_use]
    pub fn reporting(&self) -> Option<Reporting> {
        // Of the plan that is shown, else there is nothing to report of it.
        self.outcome()?;
        let run = self.run.as_ref()?;
        Some(Reporting {
            graph: Arc::clone(&self.graph),
            totals: self.totals,
            plan: run.plan.clone(),
            estimator: Arc::clone(&self.prepared.as_ref()?.estimator),
            outcome: run.outcome.clone()?,
            timeline: run.timeline(self.graph.name.clone()),
        })
    }
}

impl Reporting {
    /// The report as one HTML page. It lays out circuits, so it is for workers.
    ///
    /// # Errors
    /// Where a chart can't be drawn; the text says why.
    pub fn to_html(&self) -> Result<String, String> {
        let slices = self.estimator.slices(&self.plan);
        let whole = self.estimator.whole(self.plan.system(0));
        let report = Report {
            graph: &self.graph,
            totals: self.totals,
            plan: &self.plan,
            estimates: slices.iter().map(AsRef::as_ref).collect(),
            whole: &whole,
            outcome: &self.outcome,
            timeline: Some(self.timeline.clone()),
        };
        report.to_html().map_err(|error| error.to_string())
    }
}
