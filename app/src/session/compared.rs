//! The plans of a model beside each other, for the chart.

use microtome_engine::report::charts::{PieceCosts, PlanCosts, PlansData};

use super::{Draft, Session};

impl Session {
    /// The data of the chart that compares the plans: what is predicted of the slices that each is
    /// to prove, and what they took when they were last proven, in whichever plan. Nothing where
    /// nothing can be proven yet.
    #[must_use]
    pub fn plans(&self) -> Option<PlansData> {
        self.prepared.as_ref()?;
        let plans = self.drafts().all().iter().map(|draft| self.plan_costs(draft)).collect();
        Some(PlansData { subtitle: self.graph.name.clone(), plans })
    }

    fn plan_costs(&self, draft: &Draft) -> PlanCosts {
        let plan = draft.plan();
        // Estimates of a plan that is not shown may still be on their way.
        let rows = draft.rows().unwrap_or_default();
        let slices = plan
            .ranges(self.graph.nodes.len())
            .into_iter()
            .enumerate()
            .filter(|(_, (first, _))| !draft.skipped().contains(first))
            .map(|(slice, range)| {
                let predicted = rows.get(slice).and_then(|row| row.prediction.as_ref());
                let measured = self.last_measured(range, plan.system(slice));
                PieceCosts::of(slice.to_string(), predicted, measured.as_ref())
            });
        PlanCosts::new(&draft.name, slices.collect())
    }
}
