//! Plans on a small model, and balance against brute force.

use std::sync::Arc;

use super::*;
use crate::onnx::Model;
use crate::onnx::testing::{Dim, Draft, noise};
use crate::program::{Card, Settings};

/// Six layers of different widths, with a residual around the middle.
pub(super) fn chain() -> Model {
    let widths = [6i64, 40, 8, 8, 30, 5, 12];
    let mut draft = Draft::new().input("x", &[Dim::Open("n"), Dim::Is(6)]);
    let mut from = "x".to_owned();
    for (layer, pair) in widths.windows(2).enumerate() {
        let (weights, to) = (format!("w{layer}"), format!("h{layer}"));
        let count = (pair[0] * pair[1]) as usize;
        draft = draft.floats(&weights, &[pair[0], pair[1]], noise(count, layer as u64 + 1)).node(
            "Gemm",
            &[&from, &weights],
            &[&to],
            &[],
        );
        from = to;
        if layer == 2 {
            draft = draft.node("Add", &["h1", "h2"], &["sum"], &[]);
            from = "sum".into();
        }
        let relu = format!("r{layer}");
        draft = draft.node("Relu", &[&from], &[&relu], &[]);
        from = relu;
    }
    draft.node("Identity", &[&from], &["y"], &[]).output("y").open().unwrap()
}

pub(super) fn estimator(model: &Model) -> Estimator {
    let skeleton = Arc::new(Skeleton::of(&model.graph));
    let card = Card::nominal(&skeleton, Settings::DEFAULT);
    let program = Arc::new(skeleton.lower(&model.graph, &card).unwrap());
    Estimator::new(model.graph.clone(), skeleton, program)
}

#[test]
fn edits_keep_a_plan_legal() {
    let model = chain();
    let estimator = estimator(&model);
    let skeleton = estimator.skeleton();
    let end = model.graph.nodes.len() - 1;
    let mut plan = Plan::from_cuts(model.graph.digest, skeleton, &[3, 7]).unwrap();
    plan.add(skeleton, 5).unwrap();
    assert_eq!(plan.cuts(), [3, 5, 7]);
    assert!(plan.add(skeleton, 5).is_err());
    // The last node is an identity: nothing is left behind a cut before it.
    assert!(matches!(plan.add(skeleton, end), Err(PlanError::NoSuchCut { .. })));
    plan.move_cut(skeleton, 5, 4).unwrap();
    assert!(plan.move_cut(skeleton, 4, 7).is_err());
    assert!(plan.move_cut(skeleton, 4, 3).is_err());
    plan.set_locked(4, true).unwrap();
    let refusal = plan.remove(4).unwrap_err().to_string();
    assert_eq!(refusal, "the cut at 4 is locked: unlock it first");
    plan.set_locked(4, false).unwrap();
    plan.remove(4).unwrap();
    assert_eq!(plan.cuts(), [3, 7]);
    plan.check(model.graph.digest, skeleton).unwrap();
}

#[test]
fn several_cuts_move_together_and_stop_at_the_ends() {
    let model = chain();
    let skeleton = Skeleton::of(&model.graph);
    let mut plan = Plan::from_cuts(model.graph.digest, &skeleton, &[1, 2, 5, 7]).unwrap();
    plan.set_locked(7, true).unwrap();
    let all: BTreeSet<usize> = plan.cuts().iter().copied().collect();
    assert_eq!(plan.nudge(&skeleton, &all, false, |_| true), BTreeMap::from([(5, 4)]));
    assert_eq!(plan.cuts(), [1, 2, 4, 7]);
    let all: BTreeSet<usize> = plan.cuts().iter().copied().collect();
    assert_eq!(
        plan.nudge(&skeleton, &all, true, |_| true),
        BTreeMap::from([(1, 2), (2, 3), (4, 5)])
    );
    assert_eq!(plan.cuts(), [2, 3, 5, 7]);
}

#[test]
fn cuts_that_are_wrong_say_so() {
    let model = chain();
    let skeleton = Skeleton::of(&model.graph);
    let make = |cuts: &[usize]| {
        Plan::from_cuts(model.graph.digest, &skeleton, cuts).unwrap_err().to_string()
    };
    assert!(make(&[0]).contains("there is no cut at 0"));
    assert!(make(&[99]).contains("there is no cut at 99"));
    assert!(make(&[5, 3]).contains("3 follows 5"));
    let other = Digest::of("other", b"");
    let plan = Plan::whole(other);
    let said = plan.check(model.graph.digest, &skeleton).unwrap_err().to_string();
    assert!(said.contains("the plan was made for model"), "{said}");
}

#[test]
fn a_plan_survives_its_file() {
    let model = chain();
    let skeleton = Skeleton::of(&model.graph);
    let mut plan = Plan::from_cuts(model.graph.digest, &skeleton, &[3, 7]).unwrap();
    plan.set_locked(7, true).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn a_residual_crosses_the_cuts_that_it_spans() {
    let model = chain();
    let estimator = estimator(&model);
    let names = |cut: usize| -> Vec<String> {
        let crossing = estimator.crossing(cut);
        crossing.values.iter().map(|&id| estimator.program().value(id).name.clone()).collect()
    };
    // Nodes: gemm relu gemm relu gemm add relu …; h1 is read by node 5.
    assert_eq!(names(3), ["h1"]);
    assert_eq!(names(4), ["h1", "r1"]);
    assert_eq!(names(5), ["h1", "h2"]);
    assert_eq!(names(6), ["sum"]);
}

#[test]
fn slices_add_up_to_the_whole() {
    let model = chain();
    let estimator = estimator(&model);
    let plan = Plan::from_cuts(model.graph.digest, estimator.skeleton(), &[2, 5, 8]).unwrap();
    let slices = estimator.slices(&plan);
    let whole = estimator.whole(System::default());
    let sum = |f: fn(&SliceEstimate) -> u64| slices.iter().map(|s| f(s)).sum::<u64>();
    assert_eq!(sum(|s| s.totals.macs), whole.totals.macs);
    assert_eq!(sum(|s| s.totals.params), whole.totals.params);
    assert_eq!(sum(|s| s.nodes.len() as u64), model.graph.nodes.len() as u64);
    assert!(slices.iter().all(|s| s.prediction.is_some() && s.circuit.is_some()));
}

/// All plans with so many slices.
fn all_plans(legal: &[usize], cuts: usize) -> Vec<Vec<usize>> {
    if cuts == 0 {
        return vec![Vec::new()];
    }
    let with_last = |(i, &last): (usize, &usize)| {
        all_plans(&legal[..i], cuts - 1).into_iter().map(move |mut plan| {
            plan.push(last);
            plan
        })
    };
    legal.iter().enumerate().flat_map(with_last).collect()
}

#[test]
fn balance_is_exact() {
    let model = chain();
    let estimator = estimator(&model);
    let skeleton = estimator.skeleton().clone();
    let value: fn(&SliceEstimate, Metric) -> f64 = |slice, metric| match metric {
        Metric::Flops => slice.totals.flops as f64,
        Metric::Params => slice.totals.params as f64,
        Metric::Activations => slice.totals.peak_activation_bytes as f64,
        Metric::ProveTime => slice.prediction.as_ref().unwrap().prove_secs,
        Metric::ProveMemory => slice.prediction.as_ref().unwrap().peak_bytes as f64,
    };
    let score = |cuts: &[usize], metric: Metric| {
        let plan = Plan::from_cuts(model.graph.digest, &skeleton, cuts).unwrap();
        let worst = estimator.slices(&plan).iter().map(|s| value(s, metric)).fold(0.0, f64::max);
        let bytes: u64 = cuts.iter().map(|&c| estimator.crossing(c).bytes).sum();
        (worst, bytes)
    };
    for metric in Metric::ALL {
        for slices in 1..=4 {
            for tolerance in [0.0, 0.3] {
                let plans = all_plans(skeleton.legal_cuts(), slices - 1);
                let scores: Vec<_> = plans.iter().map(|cuts| score(cuts, metric)).collect();
                let worst = scores.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
                let bound = worst * (1.0 + tolerance);
                let bytes = scores.iter().filter(|s| s.0 <= bound).map(|s| s.1).min().unwrap();
                let plan = Plan::whole(model.graph.digest)
                    .balanced(&estimator, slices, metric, tolerance)
                    .unwrap();
                let got = score(plan.cuts(), metric);
                assert_eq!(plan.slice_count(), slices);
                assert!(got.0 <= bound, "{metric} {slices} {tolerance}: {got:?} over {bound}");
                assert_eq!(got.1, bytes, "{metric} {slices} {tolerance}");
            }
        }
    }
}

#[test]
fn locked_cuts_stay() {
    let model = chain();
    let estimator = estimator(&model);
    let mut plan = Plan::from_cuts(model.graph.digest, estimator.skeleton(), &[1]).unwrap();
    plan.set_locked(1, true).unwrap();
    let balanced = plan.balanced(&estimator, 3, Metric::Flops, 0.0).unwrap();
    assert!(balanced.cuts().contains(&1) && balanced.is_locked(1));
    assert!(matches!(
        plan.balanced(&estimator, 1, Metric::Flops, 0.0),
        Err(BalanceError::Locked { .. })
    ));
    assert!(matches!(
        plan.balanced(&estimator, 99, Metric::Flops, 0.0),
        Err(BalanceError::SliceCount { .. })
    ));
}

#[test]
fn a_budget_finds_the_fewest_slices() {
    let model = chain();
    let estimator = estimator(&model);
    let peak = |s: &SliceEstimate| s.prediction.as_ref().unwrap().peak_bytes;
    let whole = peak(&estimator.whole(System::default()));
    let plan = Plan::whole(model.graph.digest);
    assert_eq!(plan.within_budget(&estimator, whole).unwrap().slice_count(), 1);
    let refused = plan.within_budget(&estimator, 1).unwrap_err().to_string();
    assert!(refused.contains("alone needs"), "{refused}");
    for cuts in 1..=3 {
        let plans = all_plans(estimator.skeleton().legal_cuts(), cuts);
        let least = plans.iter().map(|cuts| {
            let plan = Plan::from_cuts(model.graph.digest, estimator.skeleton(), cuts).unwrap();
            estimator.slices(&plan).iter().map(|s| peak(s)).max().unwrap()
        });
        let budget = least.min().unwrap();
        let found = plan.within_budget(&estimator, budget).unwrap();
        assert!(found.slice_count() <= cuts + 1);
        assert!(estimator.slices(&found).iter().all(|s| peak(s) <= budget));
    }
}

#[test]
fn slices_keep_their_proof_systems_through_edits() {
    let model = chain();
    let estimator = estimator(&model);
    let skeleton = estimator.skeleton();
    let legal = skeleton.legal_cuts();
    let mut plan = Plan::from_cuts(model.graph.digest, skeleton, &legal[..1]).unwrap();
    plan.set_system(1, System::Whir);
    // Both parts of a slice that is divided are proven as it was.
    plan.add(skeleton, legal[1]).unwrap();
    let systems = |plan: &Plan| (0..plan.slice_count()).map(|s| plan.system(s)).collect::<Vec<_>>();
    assert_eq!(systems(&plan), [System::Halo2, System::Whir, System::Whir]);
    plan.remove(legal[0]).unwrap();
    assert_eq!(systems(&plan), [System::Halo2, System::Whir]);
    // Balancing keeps the system of a slice that still starts at the same cut.
    plan.set_locked(legal[1], true).unwrap();
    let balanced = plan.balanced(&estimator, 2, Metric::Flops, 0.0).unwrap();
    assert_eq!(systems(&balanced), [System::Halo2, System::Whir]);
    plan.set_all_systems(System::Whir);
    assert_eq!(systems(&plan), [System::Whir; 2]);
    let balanced = plan.balanced(&estimator, 3, Metric::Flops, 0.0).unwrap();
    assert_eq!(systems(&balanced), [System::Whir; 3]);
}
