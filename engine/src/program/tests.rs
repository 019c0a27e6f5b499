//! Lowering, calibration and execution on small models.

use super::*;
use crate::onnx::Model;
use crate::onnx::testing::{Dim, Draft, noise};

/// Every operator that is lowered: strides, pads, dilations, groups, residuals, pools, folding.
pub(super) fn everything() -> Draft {
    Draft::new()
        .input("x", &[Dim::Open("n"), Dim::Is(2), Dim::Is(9), Dim::Is(9)])
        .floats("w1", &[4, 2, 3, 3], noise(72, 1))
        .floats("b1", &[4], noise(4, 2))
        .floats("scale", &[4], noise(4, 3).iter().map(|v| v + 1.0).collect())
        .floats("shift", &[4], noise(4, 4))
        .floats("mean", &[4], noise(4, 5))
        .floats("variance", &[4], noise(4, 6).iter().map(|v| v + 1.0).collect())
        .floats("w2", &[4, 2, 3, 3], noise(72, 7))
        .floats("offset", &[4, 1, 1], noise(4, 8))
        .floats("w3", &[16, 6], noise(96, 9))
        .floats("b3", &[6], noise(6, 10))
        .floats("w4", &[3, 6], noise(18, 11))
        .ints("flat", &[0, -1])
        .node("Conv", &["x", "w1", "b1"], &["c1"], &[("pads", &[1, 1, 1, 1])])
        .node("BatchNormalization", &["c1", "scale", "shift", "mean", "variance"], &["n1"], &[])
        .node("Relu", &["n1"], &["r1"], &[])
        .node(
            "Conv",
            &["r1", "w2"],
            &["c2"],
            &[("pads", &[2, 2, 2, 2]), ("dilations", &[2, 2]), ("group", &[2])],
        )
        .node("Add", &["c2", "r1"], &["a"], &[])
        .node("Sum", &["a", "r1", "c2"], &["s"], &[])
        .node("Add", &["s", "offset"], &["o"], &[])
        .node("BatchNormalization", &["o", "scale", "shift", "mean", "variance"], &["n2"], &[])
        .node(
            "MaxPool",
            &["n2"],
            &["m"],
            &[("kernel_shape", &[3, 3]), ("strides", &[2, 2]), ("pads", &[1, 1, 1, 1])],
        )
        .node(
            "AveragePool",
            &["m"],
            &["v"],
            &[("kernel_shape", &[2, 2]), ("strides", &[2, 2]), ("pads", &[0, 0, 1, 1])],
        )
        .node("MaxPool", &["v"], &["p"], &[("kernel_shape", &[2, 2])])
        .node("Reshape", &["p", "flat"], &["f"], &[])
        .node("MatMul", &["f", "w3"], &["d"], &[])
        .node("Add", &["d", "b3"], &["e"], &[])
        .node("Identity", &["e"], &["i"], &[])
        .node("Gemm", &["i", "w4"], &["y"], &[("transB", &[1])])
        .node("GlobalAveragePool", &["n2"], &["g"], &[])
        .output("y")
        .output("g")
}

fn lowered(model: &Model, settings: Settings) -> (Skeleton, Program) {
    let skeleton = Skeleton::of(&model.graph);
    let shape = model.graph.tensor(model.graph.inputs[0]).elements().unwrap() as usize;
    let cases: Vec<_> = (0..4).map(|seed| vec![noise(shape, 100 + seed)]).collect();
    let source = Source::Data { cases: cases.len(), headroom: settings.headroom };
    let card = Card::calibrate(model, &skeleton, &cases, settings, source).unwrap();
    let program = skeleton.lower(&model.graph, &card).unwrap();
    (skeleton, program)
}

#[test]
fn the_structure_absorbs_and_folds() {
    let model = everything().open().unwrap();
    let skeleton = Skeleton::of(&model.graph);
    let nodes = &model.graph.nodes;
    for (index, node) in nodes.iter().enumerate() {
        assert_eq!(skeleton.obstacle(index), None, "{}", node.name);
    }
    let absorbed: Vec<_> = (0..nodes.len())
        .filter(|&n| skeleton.owner(n) != n)
        .map(|n| (nodes[n].name.as_str(), nodes[skeleton.owner(n)].name.as_str()))
        .collect();
    let expected = [("N1", "C1"), ("F", "P"), ("E", "D"), ("I", "D")];
    assert_eq!(absorbed, expected);
    assert_eq!(skeleton.canonical_cut(1), Some(2));
    assert_eq!(skeleton.canonical_cut(0), None);
}

#[test]
fn fixed_point_is_close_to_float() {
    let model = everything().open().unwrap();
    let (skeleton, program) = lowered(&model, Settings { act_bits: 12, ..Settings::DEFAULT });
    let input = noise(162, 101);
    let float = model.float_run(std::slice::from_ref(&input)).unwrap();
    let trace = program.run(&program.quantise_inputs(&[input]).unwrap()).unwrap();
    for (value, id) in skeleton.values.iter().zip((0..).map(ValueId)) {
        let fixed = program.dequantise(id, &trace[&id]);
        let distance = Fidelity::of(&fixed, &float[&value.tensor.unwrap()]);
        let step = program.value(id).scale;
        assert!(
            distance.max_absolute_error < 8.0 * step,
            "{}: {distance:?} with steps of {step}",
            value.name
        );
    }
}

#[test]
fn slices_in_turn_give_what_the_whole_gives() {
    let model = everything().open().unwrap();
    let (_, program) = lowered(&model, Settings::DEFAULT);
    let inputs = program.quantise_inputs(&[noise(162, 102)]).unwrap();
    let whole = program.run(&inputs).unwrap();
    for cuts in [vec![1, 2, 3], vec![4], (1..program.ops.len()).collect()] {
        let mut known: Trace = program.inputs.iter().copied().zip(inputs.clone()).collect();
        for slice in program.slices(&cuts) {
            let given = slice.inputs.iter().map(|id| (*id, known[id].clone())).collect();
            let trace = program.run_slice(&slice, given).unwrap();
            known.extend(slice.outputs.iter().map(|id| (*id, trace[id].clone())));
        }
        for (id, values) in known {
            assert_eq!(values, whole[&id], "cuts {cuts:?}");
        }
    }
}

#[test]
fn lowering_gives_the_same_bits_everywhere() {
    let model = everything().open().unwrap();
    let skeleton = Skeleton::of(&model.graph);
    let card = Card::nominal(&skeleton, Settings::DEFAULT);
    let program = skeleton.lower(&model.graph, &card).unwrap();
    expect_test::expect!["d3ebd3374d8f22d4fbe4d3838b1ef79107c8b3436f355291cc04d56a52cbfa7d"]
        .assert_eq(&program.digest().to_string());
}

#[test]
fn a_card_of_another_model_is_refused() {
    let model = everything().open().unwrap();
    let skeleton = Skeleton::of(&model.graph);
    let good = Card::nominal(&skeleton, Settings::DEFAULT);
    let refused = |change: &dyn Fn(&mut Card)| {
        let mut card = good.clone();
        change(&mut card);
        skeleton.lower(&model.graph, &card).unwrap_err().to_string()
    };
    let said = [
        refused(&|c| c.values.truncate(3)),
        refused(&|c| c.values[1].name = "other".into()),
        refused(&|c| c.values[2].bits = 63),
        refused(&|c| c.values[2].bits = 9),
        refused(&|c| c.values[0].scale = f64::NAN),
        refused(&|c| c.values[0].scale = 0.0),
        refused(&|c| c.values[2].scale *= 2.0),
        refused(&|c| c.weight_bits = 40),
    ];
    for sentence in said {
        assert!(
            sentence.starts_with("the quantisation card doesn't fit the model: "),
            "{sentence}"
        );
    }
}

#[test]
fn a_value_out_of_range_names_its_node() {
    let model = everything().open().unwrap();
    let (_, program) = lowered(&model, Settings::DEFAULT);
    let loud: Vec<i32> = noise(162, 7).iter().map(|v| if *v > 0.0 { 127 } else { -128 }).collect();
    let error = program.run(&[loud]).unwrap_err().to_string();
    assert!(error.contains("node \"") && error.contains("outside its range -128..=127"), "{error}");
    let error = program.quantise_inputs(&[vec![1e9; 162]]).unwrap_err().to_string();
    assert!(error.contains("input \"x\" holds 1000000000 at element 0"), "{error}");
    assert!(program.quantise_inputs(&[vec![f32::NAN; 162]]).is_err());
    let error = program.quantise_inputs(&[vec![0.0; 3]]).unwrap_err().to_string();
    assert!(error.contains("has 3 elements") && error.contains("needs 162"), "{error}");
}

#[test]
fn what_cannot_be_proven_says_why() {
    let mish = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(4)])
        .floats("w", &[4, 4], noise(16, 1))
        .node("Gemm", &["x", "w"], &["h"], &[])
        .node("Mish", &["h"], &["s"], &[])
        .node("Relu", &["s"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    let skeleton = Skeleton::of(&mish.graph);
    assert_eq!(skeleton.obstacle(0), None);
    assert!(skeleton.obstacle(1).unwrap().contains("(Mish, opset 13): operator Mish is not"));
    assert!(skeleton.obstacle(2).unwrap().contains("which node \"S\" makes"));
    assert_eq!(skeleton.outputs.len(), 1);

    let mut weights = noise(16, 1);
    weights[5] = f32::NAN;
    let nan = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(4)])
        .floats("w", &[4, 4], weights)
        .node("Gemm", &["x", "w"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    let reason = Skeleton::of(&nan.graph).obstacle(0).unwrap().to_owned();
    assert!(reason.contains("weights \"w\" hold NaN at element 5"), "{reason}");
}

#[test]
fn rounding_is_half_up() {
    let rounded: Vec<i64> = [-6, -5, -4, -3, -2, 2, 3, 5, 6].map(|v| requantise(v, 2)).to_vec();
    assert_eq!(rounded, [-1, -1, -1, -1, 0, 1, 1, 1, 2]);
}
