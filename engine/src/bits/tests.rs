//! The choice against a slow reference, and a sweep of a small network against single runs.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::onnx::testing::{Dim, Draft, noise};
use crate::plan::Plan;
use crate::program::{Card, Fidelity, Skeleton, Source};
use crate::prove::System;

fn point(bits: [u32; 2], agreement: f64, d1: f64, secs: Option<f64>) -> Point {
    let cost = |secs| Cost { predicted_prove_secs: secs, ..Cost::default() };
    Point {
        bits: Bits { act_bits: bits[0], weight_bits: bits[1] },
        d1: Some(d1),
        tvd: Some(d1),
        argmax_agreement: Some(agreement),
        inputs: 40,
        failed: 0,
        problem: None,
        cost: secs.map(cost),
    }
}

fn sweep_of(points: Vec<Point>) -> Sweep {
    Sweep { points, evidence: Evidence { fitted: 40, judged: 40, held_out: true } }
}

#[test]
fn the_cheapest_that_meets_the_target_is_chosen_and_the_reason_says_so() {
    let sweep = sweep_of(vec![
        point([4, 8], 0.9, 0.03, Some(1.0)),
        point([6, 12], 1.0, 0.004, Some(2.0)),
        // As cheap, and no better than it has to be: fewer bits.
        point([6, 8], 0.995, 0.0049, Some(2.0)),
        point([8, 12], 1.0, 0.001, Some(4.0)),
    ]);
    let choice = sweep.choose(&Target::DEFAULT).unwrap();
    assert_eq!((choice.bits.act_bits, choice.bits.weight_bits), (6, 8));
    assert!(choice.target_met);
    assert_eq!(
        choice.reason,
        "6-bit activations and 8-bit weights are the cheapest of 4 settings that keep arg-max \
         agreement at 99% or more and D1 at 0.005 or less: 99.5% and 0.0049, on 40 inputs that \
         the scales were not fitted to, for 2.00 s of proving as predicted"
    );
    let near = Target { argmax_agreement: None, d1: Some(0.002) };
    assert_eq!(sweep.choose(&near).unwrap().bits.act_bits, 8);
    let any = Target { argmax_agreement: None, d1: None };
    assert_eq!(sweep.choose(&any).unwrap().bits.act_bits, 4);
    assert_eq!(sweep.frontier(), [0, 1, 3]);
}

#[test]
fn where_no_setting_meets_the_target_the_closest_is_chosen() {
    let sweep = sweep_of(vec![
        point([4, 8], 0.5, 0.001, Some(1.0)),
        point([8, 8], 0.98, 0.004, Some(2.0)),
        point([8, 12], 0.98, 0.003, Some(2.0)),
    ]);
    let choice = sweep.choose(&Target::DEFAULT).unwrap();
    assert!(!choice.target_met);
    assert_eq!((choice.bits.act_bits, choice.bits.weight_bits), (8, 12));
    assert!(choice.reason.starts_with("none of 3 settings keeps arg-max"), "{}", choice.reason);
    let silent = Point { d1: None, argmax_agreement: None, ..sweep.points[0].clone() };
    assert_eq!(sweep_of(vec![silent]).choose(&Target::DEFAULT), None);
    assert_eq!(sweep_of(Vec::new()).choose(&Target::DEFAULT), None);
}

#[test]
fn a_setting_that_does_less_than_others_can_is_not_chosen() {
    let mut sweep = sweep_of(vec![
        point([4, 8], 1.0, 0.001, Some(1.0)),
        point([6, 8], 1.0, 0.001, Some(0.5)),
        point([8, 8], 1.0, 0.001, Some(2.0)),
    ]);
    sweep.points[0].failed = 3;
    sweep.points[1].cost.as_mut().unwrap().unproven = 1;
    assert_eq!(sweep.choose(&Target::DEFAULT).unwrap().bits.act_bits, 8);
    // Inputs that fail whatever the bits don't count against fewer bits, and are told of.
    sweep.points[2].failed = 3;
    let choice = sweep.choose(&Target::DEFAULT).unwrap();
    assert_eq!(choice.bits.act_bits, 4);
    assert!(
        choice.reason.ends_with("3 of 40 inputs leave their ranges: calibrate with more cases")
    );
    for point in &mut sweep.points {
        point.cost = None;
    }
    let choice = sweep.choose(&Target::DEFAULT).unwrap();
    assert_eq!(choice.bits.act_bits, 4, "without costs, fewer bits are cheaper");
}

proptest! {
    /// Against a search by hand: among settings that meet the target none is cheaper, and of those
    /// that are as cheap none has fewer bits; where none meets it, none is closer.
    #[test]
    fn no_other_setting_is_better(
        figures in prop::collection::vec((4u32..=12, 4u32..=16, 0u32..=20, 0u32..=20, 0u32..=5), 1..40),
        least in 0u32..=20,
        most in 0u32..=20,
    ) {
        let points: Vec<Point> = figures
            .iter()
            .map(|&(act, weight, agreement, d1, secs)| {
                let (agreement, d1) = (f64::from(agreement) / 20.0, f64::from(d1) / 1000.0);
                point([act, weight], agreement, d1, Some(f64::from(secs)))
            })
            .collect();
        let target = Target {
            argmax_agreement: Some(f64::from(least) / 20.0),
            d1: Some(f64::from(most) / 1000.0),
        };
        let choice = sweep_of(points.clone()).choose(&target).unwrap();
        let chosen = &points[choice.point];
        let meets = |p: &Point| {
            p.argmax_agreement.unwrap() >= f64::from(least) / 20.0
                && p.d1.unwrap() <= f64::from(most) / 1000.0
        };
        let bits = |p: &Point| p.bits.act_bits + p.bits.weight_bits;
        prop_assert_eq!(choice.target_met, points.iter().any(meets));
        prop_assert_eq!(choice.target_met, meets(chosen));
        for other in points.iter().filter(|other| !choice.target_met || meets(other)) {
            if choice.target_met {
                let (other_secs, secs) = (other.prove_secs(), chosen.prove_secs());
                prop_assert!(secs < other_secs || secs == other_secs && bits(chosen) <= bits(other));
            } else {
                let both = |p: &Point| (p.argmax_agreement.unwrap(), -p.d1.unwrap());
                let (theirs, ours) = (both(other), both(chosen));
                prop_assert!(ours.0 >= theirs.0 || ours.1 >= theirs.1, "{other:?} is closer");
            }
        }
    }

    /// Along the frontier time rises and error falls, and no setting beats one that is on it.
    #[test]
    fn nothing_beats_the_frontier(
        figures in prop::collection::vec((0u32..=9, 0u32..=9), 0..30),
    ) {
        let one = |&(d1, secs): &(u32, u32)| {
            point([8, 8], 1.0, f64::from(d1), (secs > 0).then_some(f64::from(secs)))
        };
        let points: Vec<Point> = figures.iter().map(one).collect();
        let at = |index: usize| (points[index].prove_secs(), points[index].d1.unwrap());
        let frontier = frontier(&points);
        for pair in frontier.windows(2) {
            let (a, b) = (at(pair[0]), at(pair[1]));
            prop_assert!(a.0 < b.0 && a.1 > b.1);
        }
        for index in (0..points.len()).filter(|&i| points[i].cost.is_some()) {
            let (secs, d1) = at(index);
            prop_assert!(frontier.iter().any(|&f| at(f).0 <= secs && at(f).1 <= d1));
        }
    }
}

/// A network of one convolution and one dense layer, with classes.
fn classifier() -> Draft {
    Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(1), Dim::Is(6), Dim::Is(6)])
        .floats("w1", &[3, 1, 3, 3], noise(27, 1))
        .floats("w2", &[48, 4], noise(192, 2))
        .ints("flat", &[1, -1])
        .node("Conv", &["x", "w1"], &["c"], &[])
        .node("Relu", &["c"], &["r"], &[])
        .node("Reshape", &["r", "flat"], &["f"], &[])
        .node("MatMul", &["f", "w2"], &["y"], &[])
        .output("y")
}

fn question(cases: usize, grid: Grid) -> Question {
    let model = classifier().open().unwrap();
    let skeleton = Arc::new(Skeleton::of(&model.graph));
    let mut plan = Plan::from_cuts(model.graph.digest, &skeleton, &[2]).unwrap();
    plan.set_all_systems(System::Whir);
    let cases = Cases::data((0..cases as u64).map(|seed| vec![noise(36, 10 + seed)]).collect());
    Question { model: Arc::new(model), skeleton, plan, cases, grid }
}

fn grid(act_bits: &[u32], weight_bits: &[u32]) -> Grid {
    Grid { act_bits: act_bits.to_vec(), weight_bits: weight_bits.to_vec() }
}

#[test]
fn a_sweep_finds_what_single_runs_find() {
    let question = question(3, grid(&[4, 8, 12], &[4, 12]));
    let seen = Mutex::new(Vec::new());
    let progress = |done: usize, all: usize| seen.lock().unwrap().push((done, all));
    let sweep = question.sweep(&AtomicBool::new(false), &progress).unwrap();
    assert_eq!(sweep.evidence, Evidence { fitted: 3, judged: 3, held_out: false });
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (0..=9).map(|done| (done, 9)).collect::<Vec<_>>());

    let Question { model, skeleton, .. } = &question;
    for point in &sweep.points {
        // As `run` does it: calibrate, lower, run, compare.
        let cases: Vec<_> = (0..3).map(|seed| vec![noise(36, 10 + seed)]).collect();
        let settings = point.bits.settings(Settings::DEFAULT.headroom);
        let source = Source::Data { cases: 3, headroom: settings.headroom };
        let card = Card::calibrate(model, skeleton, &cases, settings, source).unwrap();
        let program = skeleton.lower(&model.graph, &card).unwrap();
        let fidelity: Vec<Fidelity> = cases
            .iter()
            .map(|case| {
                let trace = program.run(&program.quantise_inputs(case).unwrap()).unwrap();
                let fixed = program.dequantise(program.outputs[0], &trace[&program.outputs[0]]);
                let float = model.float_run(case).unwrap();
                Fidelity::of(&fixed, &float[&model.graph.outputs[0]])
            })
            .collect();
        let d1 = fidelity.iter().map(|f| f.d1).sum::<f64>() / 3.0;
        assert_eq!(point.d1, Some(d1), "{}", point.bits);
        let agree = fidelity.iter().filter(|f| f.argmax_agrees).count();
        assert_eq!(point.argmax_agreement, Some(agree as f64 / 3.0));
        let cost = point.cost.as_ref().unwrap();
        assert!(cost.predicted_prove_secs > 0.0 && cost.cells.unwrap() > 0 && cost.k.is_none());
        assert_eq!((cost.unproven, point.failed, point.inputs), (0, 0, 3));
    }
    let d1 = |act_bits, weight_bits| {
        let bits = Bits { act_bits, weight_bits };
        sweep.points.iter().find(|point| point.bits == bits).unwrap().d1.unwrap()
    };
    assert!(d1(4, 12) > d1(8, 12) && d1(8, 12) > d1(12, 12), "more bits, less error");
    assert!(d1(12, 4) > d1(12, 12));
}

#[test]
fn half_of_a_larger_set_judges_what_the_other_half_fits() {
    let sweep = question(9, grid(&[8], &[12])).sweep(&AtomicBool::new(false), &|_, _| {}).unwrap();
    assert_eq!(sweep.evidence, Evidence { fitted: 5, judged: 4, held_out: true });
    assert_eq!(sweep.points[0].inputs, 4);
    let choice = sweep.choose(&Target { argmax_agreement: Some(0.5), d1: None }).unwrap();
    assert!(choice.reason.contains("on 4 inputs that the scales were not fitted to"));
}

#[test]
fn inputs_that_leave_their_ranges_are_counted() {
    // Those that are fitted to are a tenth as large as those that judge.
    let loud = |seed: u64| noise(36, seed).iter().map(|v| v * 10.0).collect::<Vec<f32>>();
    let cases = (0..8).map(|i| vec![if i % 2 == 0 { noise(36, 10 + i) } else { loud(10 + i) }]);
    let question =
        Question { cases: Cases::data(cases.collect()), ..question(1, grid(&[8], &[12])) };
    let sweep = question.sweep(&AtomicBool::new(false), &|_, _| {}).unwrap();
    let point = &sweep.points[0];
    assert_eq!((point.failed, point.inputs, point.d1), (4, 4, None));
    assert!(point.problem.as_ref().unwrap().contains("outside its range"), "{point:?}");
    assert_eq!(sweep.choose(&Target::DEFAULT), None);
}

#[test]
fn a_sweep_is_cancelled() {
    let cancel = AtomicBool::new(false);
    let question = question(3, Grid::full());
    let progress = |done: usize, _: usize| {
        if done == 4 {
            cancel.store(true, Ordering::Relaxed);
        }
    };
    let found = question.sweep(&cancel, &progress);
    assert!(matches!(found, Err(SweepError::Cancelled)), "{found:?}");
    let nothing = Question { cases: Cases::data(Vec::new()), ..question };
    let found = nothing.sweep(&AtomicBool::new(false), &|_, _| {});
    assert!(matches!(found, Err(SweepError::Calibrate(_))), "{found:?}");
}

#[test]
fn the_grid_holds_the_usual_bits_and_the_ends() {
    let settings = Grid::full().settings();
    assert_eq!(settings.len(), 63);
    assert!(settings.contains(&Bits::default()));
    assert_eq!(settings[0], Bits { act_bits: 4, weight_bits: 4 });
    assert_eq!(settings[62], Bits { act_bits: 12, weight_bits: 16 });
    assert_eq!(Grid::full().held(Some(9), None).settings().len(), 7);
    assert_eq!(Grid::full().held(None, Some(5)).settings().len(), 9);
}
