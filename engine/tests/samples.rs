//! The bundled networks: their costs, and that what is proven is what they compute.

use std::path::{Path, PathBuf};

use microtome_engine::cost;
use microtome_engine::inputs;
use microtome_engine::onnx::{Bindings, Model, run_exported};
use microtome_engine::plan::Plan;
use microtome_engine::program::{
    Card, Fidelity, Program, Settings, Skeleton, Source, Trace, argmax,
};

const SAMPLES: [&str; 4] = ["digits-mlp", "digits-cnn", "digits-resnet", "digits-lenet"];

fn folder(sample: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(sample)
}

fn open(sample: &str) -> Model {
    Model::open(&folder(sample).join("model.onnx"), &Bindings::default()).unwrap()
}

fn cases(model: &Model, sample: &str, file: &str) -> Vec<inputs::Case> {
    inputs::read(&folder(sample).join(file), &model.graph).unwrap().cases
}

fn lower(model: &Model, sample: &str) -> (Skeleton, Program) {
    let skeleton = Skeleton::of(&model.graph);
    let calib: Vec<_> =
        cases(model, sample, "calib.npz").into_iter().map(|case| case.tensors).collect();
    let settings = Settings::DEFAULT;
    let source = Source::Data { cases: calib.len(), headroom: settings.headroom };
    let card = Card::calibrate(model, &skeleton, &calib, settings, source).unwrap();
    let program = skeleton.lower(&model.graph, &card).unwrap();
    (skeleton, program)
}

#[test]
fn costs_are_the_usual_counts() {
    let lenet = cost::totals(&open("digits-lenet").graph);
    assert_eq!((lenet.macs, lenet.flops > 2 * lenet.macs, lenet.params), (651_720, true, 62_006));
    let macs = SAMPLES.map(|sample| cost::totals(&open(sample).graph).macs);
    assert_eq!(macs, [6_464, 49_344, 209_568, 651_720]);
}

#[test]
fn the_published_five_slices_are_cuts_3_6_9_11() {
    let model = open("digits-lenet");
    let skeleton = Skeleton::of(&model.graph);
    let plan = Plan::from_cuts(model.graph.digest, &skeleton, &[3, 6, 9, 11]).unwrap();
    // Node 6 flattens, and follows the pool before it.
    assert_eq!(plan.cuts(), [3, 7, 9, 11]);
}

#[test]
fn every_node_of_every_sample_can_be_proven() {
    for sample in SAMPLES {
        let model = open(sample);
        let skeleton = Skeleton::of(&model.graph);
        for node in 0..model.graph.nodes.len() {
            assert_eq!(skeleton.obstacle(node), None, "{sample}");
        }
    }
}

#[test]
fn fixed_point_and_float_agree_on_the_test_sets() {
    for sample in SAMPLES {
        let model = open(sample);
        let (_, program) = lower(&model, sample);
        let tests = cases(&model, sample, "test.npz");
        let (mut agree, mut right, mut d1) = (0, 0, 0.0);
        for case in &tests {
            let float = &model.float_run(&case.tensors).unwrap()[&model.graph.outputs[0]];
            let inputs = program.quantise_inputs(&case.tensors).unwrap();
            let trace = program.run(&inputs).unwrap();
            let output = program.outputs[0];
            let fixed = program.dequantise(output, &trace[&output]);
            let fidelity = Fidelity::of(&fixed, float);
            agree += usize::from(fidelity.argmax_agrees);
            d1 += fidelity.d1;
            let widened: Vec<f64> = fixed.iter().map(|&v| f64::from(v)).collect();
            right += usize::from(argmax(&widened).map(|c| c as i64) == case.label);
        }
        let n = tests.len();
        println!("{sample}: {agree} of {n} agree, {right} right, mean D1 {:.5}", d1 / n as f64);
        assert!(agree as f64 >= 0.995 * n as f64, "{sample}: {agree} of {n} agree");
        assert!(right as f64 >= 0.97 * n as f64, "{sample}: {right} of {n} right");
    }
}

#[test]
fn slices_give_bit_for_bit_what_the_whole_gives() {
    for sample in SAMPLES {
        let model = open(sample);
        let (skeleton, program) = lower(&model, sample);
        let case = &cases(&model, sample, "input.json")[0];
        let inputs = program.quantise_inputs(&case.tensors).unwrap();
        let whole = program.run(&inputs).unwrap();
        let mut known: Trace = program.inputs.iter().copied().zip(inputs).collect();
        let cuts: Vec<usize> =
            skeleton.legal_cuts().iter().map(|&cut| program.op_at_node(cut)).collect();
        for slice in program.slices(&cuts) {
            let given = slice.inputs.iter().map(|id| (*id, known[id].clone())).collect();
            let trace = program.run_slice(&slice, given).unwrap();
            known.extend(slice.outputs.iter().map(|id| (*id, trace[id].clone())));
        }
        assert!(known.iter().all(|(id, values)| *values == whole[id]), "{sample}");
    }
}

#[test]
fn exported_slices_in_sequence_are_the_model() {
    for sample in SAMPLES {
        let model = open(sample);
        let graph = &model.graph;
        let skeleton = Skeleton::of(graph);
        let case = &cases(&model, sample, "input.json")[0];
        let plan = Plan::from_cuts(graph.digest, &skeleton, &skeleton.legal_cuts()[..4]).unwrap();
        let groups: Vec<_> = plan
            .ranges(graph.nodes.len())
            .into_iter()
            .map(|(from, to)| skeleton.nodes_between(from, to))
            .collect();
        let name = graph.tensor(graph.inputs[0]).name.clone();
        let known =
            run_exported(&model.export(&groups), [(name, case.tensors[0].clone())].into()).unwrap();
        let whole = &model.float_run(&case.tensors).unwrap()[&graph.outputs[0]];
        let sliced = &known[&graph.tensor(graph.outputs[0]).name];
        let distance = Fidelity::of(sliced, whole);
        assert!(distance.max_absolute_error < 1e-5, "{sample}: {distance:?}");
    }
}
