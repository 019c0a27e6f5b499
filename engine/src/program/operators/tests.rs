//! Each operator on random values against the float reference.

use super::*;
use crate::onnx::Model;
use crate::onnx::testing::{Dim, Draft, noise};
use crate::program::{
    Card, Kind, Linear, Product, Program, Settings, Skeleton, Source, Trace, ValueId,
};

/// An input of two tensors that the drafts read, `x` and `y`.
const SHAPE: [i64; 4] = [1, 4, 3, 5];

pub(super) fn draft() -> Draft {
    let dims = || SHAPE.map(Dim::Is);
    let mut draft = Draft::new().input("x", &dims()).input("y", &dims());
    draft.opset = 14;
    draft
}

/// Every element of `nodes` is an output of its own, so that each reads the inputs as they are.
pub(super) fn answered(mut draft: Draft) -> Draft {
    let outputs: Vec<String> = draft.graph.node.iter().flat_map(|n| n.output.clone()).collect();
    for output in outputs {
        draft = draft.output(&output);
    }
    draft
}

fn functions() -> Draft {
    answered(
        draft()
            .floats("slope", &[1], vec![0.3])
            .floats("slopes", &[4, 1, 1], vec![0.3, -0.5, 1.7, 0.01])
            .floats("low", &[], vec![-0.2])
            .floats("high", &[], vec![0.3])
            .floats("zero", &[], vec![0.0])
            .floats("three", &[1], vec![3.0])
            .node("LeakyRelu", &["x"], &["leaky"], &[])
            .with_float("alpha", 0.1)
            .node("PRelu", &["x", "slope"], &["prelu"], &[])
            .node("PRelu", &["x", "slopes"], &["prelus"], &[])
            .node("Clip", &["x", "low", "high"], &["clip"], &[])
            .node("Clip", &["x", "zero"], &["relu"], &[])
            .node("Sigmoid", &["x"], &["sigmoid"], &[])
            .node("Tanh", &["x"], &["tanh"], &[])
            .node("HardSigmoid", &["x"], &["hard_sigmoid"], &[])
            .with_float("alpha", 0.4)
            .node("HardSwish", &["x"], &["hard_swish"], &[])
            .node("Abs", &["x"], &["abs"], &[])
            .node("Exp", &["x"], &["exp"], &[])
            .node("Mul", &["x", "x"], &["square"], &[])
            .node("Pow", &["x", "three"], &["cube"], &[]),
    )
}

fn arithmetic() -> Draft {
    answered(
        draft()
            .ints("zeros", &[0, 0])
            .ints("ones", &[1, 1])
            .ints("channel_axes", &[2, 3])
            .ints("batch_axes", &[0, 1])
            .floats("scalar", &[], vec![-1.3])
            .floats("channels", &[4, 1, 1], noise(4, 1))
            .floats("rows", &[1, 4, 1, 5], noise(20, 2))
            .floats("plane", &[3, 5], noise(15, 3))
            .floats("divisor", &[5], noise(5, 4).iter().map(|v| v + 0.7).collect())
            .floats("w", &[4, 2, 3, 2], noise(48, 5))
            .floats("b", &[2], noise(2, 6))
            .floats("wide", &[4, 3, 2, 2], noise(48, 7))
            .node("Sub", &["x", "y"], &["sub"], &[])
            .node("Sub", &["x", "channels"], &["sub_constant"], &[])
            .node("Sub", &["rows", "x"], &["constant_sub"], &[])
            .node("Neg", &["x"], &["neg"], &[])
            .node("Mul", &["x", "scalar"], &["mul_scalar"], &[])
            .node("Mul", &["channels", "x"], &["mul_channels"], &[])
            .node("Mul", &["x", "rows"], &["mul_rows"], &[])
            .node("Mul", &["x", "plane"], &["mul_plane"], &[])
            .node("Div", &["x", "divisor"], &["div"], &[])
            .node(
                "ConvTranspose",
                &["x", "w", "b"],
                &["deconv"],
                &[("strides", &[2, 3]), ("pads", &[1, 0, 0, 1]), ("group", &[1])],
            )
            .node(
                "ConvTranspose",
                &["x", "wide"],
                &["deconv_groups"],
                &[
                    ("strides", &[2, 1]),
                    ("dilations", &[1, 2]),
                    ("output_padding", &[1, 0]),
                    ("group", &[2]),
                ],
            )
            .node("Mul", &["x", "y"], &["product"], &[])
            .node("Slice", &["y", "zeros", "ones", "channel_axes"], &["channel"], &[])
            .node("Mul", &["channel", "x"], &["product_broadcast"], &[])
            .node("Transpose", &["y"], &["turned"], &[("perm", &[0, 1, 3, 2])])
            .node("MatMul", &["x", "turned"], &["matmul"], &[])
            .node("Slice", &["turned", "zeros", "ones", "batch_axes"], &["matrix"], &[])
            .node("MatMul", &["x", "matrix"], &["matmul_broadcast"], &[])
            .node("Max", &["x", "y"], &["max"], &[])
            .node("Max", &["x", "plane", "y"], &["max_of_three"], &[])
            .node("Min", &["x", "y"], &["min"], &[])
            .node("Min", &["x", "channels"], &["min_constant"], &[]),
    )
}

/// Quotients and what an attention has between its products.
fn attention() -> Draft {
    let triangle = |row: usize, column: usize| i32::from(column <= row + 1);
    let condition: Vec<i32> = (0..15).map(|at| triangle(at / 5, at % 5)).collect();
    answered(
        draft()
            .truths("condition", &[1, 1, 3, 5], &condition)
            .truths("channels", &[4, 1, 1], &[1, 0, 0, 1])
            .floats("least", &[], vec![-1e10])
            .floats("infinite", &[], vec![f32::NEG_INFINITY])
            .floats("half", &[], vec![0.5])
            .floats("plane", &[3, 5], noise(15, 3))
            .node("Abs", &["y"], &["size"], &[])
            .floats("one", &[], vec![1.0])
            .node("Add", &["size", "one"], &["divisor"], &[])
            .node("Div", &["x", "divisor"], &["quotient"], &[])
            .node("ReduceMax", &["divisor"], &["largest"], &[("axes", &[3])])
            .node("Div", &["x", "largest"], &["quotient_broadcast"], &[])
            .node("Where", &["condition", "x", "least"], &["masked"], &[])
            .node("Where", &["condition", "infinite", "x"], &["masked_otherwise"], &[])
            .node("Where", &["channels", "x", "half"], &["some"], &[])
            .node("Where", &["channels", "plane", "x"], &["planes"], &[])
            .node("Where", &["condition", "x", "y"], &["either"], &[])
            .node("Where", &["channels", "x", "largest"], &["either_broadcast"], &[])
            .node("Softmax", &["x"], &["softmax"], &[])
            .node("Softmax", &["x"], &["softmax_channels"], &[("axis", &[1])])
            .node("Softmax", &["masked"], &["causal"], &[("axis", &[-1])])
            .node("Softmax", &["masked_otherwise"], &["other"], &[("axis", &[3])]),
    )
}

fn reductions() -> Draft {
    answered(
        draft()
            .ints("axes", &[-1, 1])
            .node("ReduceMean", &["x"], &["mean"], &[("axes", &[2, 3]), ("keepdims", &[0])])
            .node("ReduceMean", &["x"], &["mean_channels"], &[("axes", &[1])])
            .node("ReduceSum", &["x", "axes"], &["sum"], &[("keepdims", &[0])])
            .node("ReduceSum", &["x"], &["sum_all"], &[])
            .node("ReduceMax", &["x"], &["max"], &[("axes", &[1, 3])])
            .node("ReduceMax", &["x"], &["max_all"], &[("keepdims", &[0])])
            .node("ReduceMin", &["x"], &["min"], &[("axes", &[2])])
            .node("GlobalMaxPool", &["x"], &["global"], &[]),
    )
}

fn moves() -> Draft {
    let scales = |h: f32, w: f32| vec![1.0, 1.0, h, w];
    let none = || vec![];
    let resize = |draft: Draft, name: &'static str, scales: &'static str, mode, nearest| {
        draft
            .node("Resize", &["x", "roi", scales], &[name], &[])
            .with_text("mode", "nearest")
            .with_text("coordinate_transformation_mode", mode)
            .with_text("nearest_mode", nearest)
    };
    let draft = draft()
        .floats("roi", &[0], none())
        .floats("double", &[4], scales(2.0, 2.0))
        .floats("odd", &[4], scales(1.7, 0.6))
        .floats("c", &[1, 2, 3, 5], noise(30, 9))
        .floats("value", &[], vec![0.4])
        .ints("starts", &[-1, 1])
        .ints("ends", &[-100, 4])
        .ints("axes", &[3, 1])
        .ints("steps", &[-2, 2])
        .ints("pads", &[0, 0, 1, 2, 0, 0, 0, 1])
        .ints("tiles", &[2, 1, 2, 1])
        .ints("larger", &[3, 4, 3, 5])
        .ints("indices", &[2, -1, 0])
        .node("Transpose", &["x"], &["transposed"], &[("perm", &[0, 2, 3, 1])])
        .node("Transpose", &["x"], &["backwards"], &[])
        .node("Slice", &["x", "starts", "ends", "axes", "steps"], &["slice"], &[])
        .node("Split", &["x"], &["half", "other_half"], &[("axis", &[1])])
        .node("Concat", &["x", "c", "y"], &["concat"], &[("axis", &[1])])
        .node("Pad", &["x", "pads"], &["pad"], &[])
        .node("Pad", &["x", "pads", "value"], &["pad_value"], &[])
        .node("Pad", &["x", "pads"], &["pad_edge"], &[])
        .with_text("mode", "edge")
        .node("Pad", &["x", "pads"], &["pad_reflect"], &[])
        .with_text("mode", "reflect")
        .node("Tile", &["x", "tiles"], &["tile"], &[])
        .node("Expand", &["x", "larger"], &["expand"], &[])
        .node("Gather", &["x", "indices"], &["gather"], &[("axis", &[2])]);
    let draft = resize(draft, "doubled", "double", "half_pixel", "round_prefer_floor");
    let draft = resize(draft, "resized", "odd", "half_pixel", "round_prefer_ceil");
    let draft = resize(draft, "floored", "odd", "asymmetric", "floor");
    let draft = resize(draft, "ceiled", "odd", "pytorch_half_pixel", "ceil");
    answered(resize(draft, "aligned", "odd", "align_corners", "round_prefer_floor"))
}

/// A model with its program and a run, under few bits so that circuits are small.
pub(crate) struct Case {
    pub model: Model,
    pub skeleton: Skeleton,
    pub program: Program,
    pub trace: Trace,
}

/// The models of these tests by name: all operators, many in each.
pub(crate) fn cases(act_bits: u32) -> Vec<(&'static str, Case)> {
    let drafts = [
        ("functions", functions()),
        ("arithmetic", arithmetic()),
        ("attention", attention()),
        ("reductions", reductions()),
        ("moves", moves()),
    ];
    drafts.into_iter().map(|(name, draft)| (name, case(draft, act_bits))).collect()
}

pub(super) fn case(draft: Draft, act_bits: u32) -> Case {
    let model = draft.open().unwrap();
    let skeleton = Skeleton::of(&model.graph);
    for (index, node) in model.graph.nodes.iter().enumerate() {
        assert_eq!(skeleton.obstacle(index), None, "{}", node.name);
    }
    let len = SHAPE.iter().product::<i64>() as usize;
    let louder = |seed| noise(len, seed).iter().map(|v| 4.0 * v).collect::<Vec<f32>>();
    let inputs: Vec<Vec<f32>> =
        (0..model.graph.inputs.len() as u64).map(|i| louder(50 + i)).collect();
    let settings = Settings { act_bits, ..Settings::DEFAULT };
    let source = Source::ProvenInput { headroom: settings.headroom };
    let card = Card::calibrate(&model, &skeleton, std::slice::from_ref(&inputs), settings, source)
        .unwrap();
    let program = skeleton.lower(&model.graph, &card).unwrap();
    program.check(crate::program::KnownWeights::All).unwrap();
    let trace = program.run(&program.quantise_inputs(&inputs).unwrap()).unwrap();
    Case { model, skeleton, program, trace }
}

/// How far an operation's output may be from the real one, in its steps, given exact inputs.
fn bound(linear: &Linear, inputs: &[&[i32]]) -> f64 {
    if linear.is_move() {
        return 0.0;
    }
    let mut most = 0.0f64;
    linear.visit(|site| {
        let reads = site.taps.iter();
        let sum: f64 = reads
            .map(|tap| f64::from(inputs[tap.operand as usize][tap.element as usize].abs()))
            .sum();
        most = most.max(sum);
    });
    // Half a step, and half a unit of each weight and of the bias.
    0.5 + (0.5 * most + 0.5) / f64::from(1u32 << linear.shift)
}

fn bound_of_product(product: &Product, inputs: &[&[i32]]) -> f64 {
    let mut most = 0.0f64;
    product.visit(|_, pairs| {
        let products = pairs.iter().map(|&(a, b)| f64::from((inputs[0][a] * inputs[1][b]).abs()));
        most = most.max(products.sum());
    });
    0.5 + 0.5 * most / f64::from(1u32 << product.shift)
}

#[test]
fn every_operator_is_within_its_error_bound() {
    for act_bits in [6, 8, 12] {
        for (name, case) in cases(act_bits) {
            let Case { model, skeleton, program, trace } = &case;
            // What the integers of the input stand for is the float input.
            let exact: Vec<Vec<f32>> =
                program.inputs.iter().map(|id| program.dequantise(*id, &trace[id])).collect();
            let mut inputs = exact.into_iter();
            let read = |id: &crate::graph::TensorId| skeleton.value_of(*id).is_some();
            let ids: Vec<_> = model.graph.inputs.iter().filter(|id| read(id)).collect();
            assert_eq!(ids.len(), program.inputs.len());
            let all: Vec<Vec<f32>> = model
                .graph
                .inputs
                .iter()
                .map(|id| if read(id) { inputs.next().unwrap() } else { vec![0.0; 60] })
                .collect();
            let float = model.float_run(&all).unwrap();
            let mut allowed = vec![0.0f64; program.tensors.len()];
            for op in &program.ops {
                let inputs: Vec<&[i32]> = op.inputs.iter().map(|id| trace[id].as_slice()).collect();
                let own = match &op.kind {
                    Kind::Linear(linear) => bound(linear, &inputs),
                    Kind::Product(product) => bound_of_product(product, &inputs),
                    Kind::Table(_) => 0.5,
                    Kind::Relu | Kind::MaxPool(_) => 0.0,
                };
                if ["Softmax", "Div"].contains(&op.operator.as_str()) && name == "attention" {
                    // Their steps have scales of their own; they have tests of their own.
                    continue;
                }
                // Steps inside a node have the scale of its output, or are exact.
                let before = op.inputs.iter().map(|id| allowed[id.index()]).fold(0.0, f64::max);
                allowed[op.output.index()] = own + before;
                let value = program.value(op.output);
                let Some(tensor) = skeleton.values[op.output.index()].tensor else { continue };
                let fixed = program.dequantise(op.output, &trace[&op.output]);
                assert_eq!(fixed.len(), float[&tensor].len(), "{name} {}", op.name);
                for (fixed, float) in fixed.iter().zip(&float[&tensor]) {
                    if float.abs() >= 1e4 {
                        // A constant beyond everything is the end of the range.
                        assert_eq!(
                            *fixed,
                            program.dequantise(op.output, &[*value.range().start() as i32])[0]
                        );
                        continue;
                    }
                    let error = f64::from((fixed - float).abs()) / value.scale;
                    let allowed = allowed[op.output.index()] + 1e-3;
                    assert!(
                        error <= allowed,
                        "{name} {} at {act_bits}: {error} of {allowed}",
                        op.name
                    );
                }
            }
        }
    }
}

#[test]
fn slices_in_turn_give_what_the_whole_gives() {
    for (name, Case { program, trace, .. }) in cases(8) {
        let mut known: Trace = program.inputs.iter().map(|id| (*id, trace[id].clone())).collect();
        for slice in program.slices(&(1..program.ops.len()).collect::<Vec<_>>()) {
            let given = slice.inputs.iter().map(|id| (*id, known[id].clone())).collect();
            let made = program.run_slice(&slice, given).unwrap();
            known.extend(slice.outputs.iter().map(|id| (*id, made[id].clone())));
        }
        for (id, values) in known {
            assert_eq!(values, trace[&id], "{name}");
        }
    }
}

#[test]
fn exact_operators_are_moves() {
    for (_, Case { program, .. }) in cases(8) {
        for op in &program.ops {
            let is_exact = find(&op.operator).unwrap().proof == Proof::Move;
            let Kind::Linear(linear) = &op.kind else { continue };
            assert!(!is_exact || linear.is_move(), "{}", op.name);
        }
    }
}

#[test]
fn every_operator_is_in_a_test_once_in_the_registry_and_has_a_cost() {
    let names: Vec<&str> = OPERATORS.iter().map(|operator| operator.name).collect();
    let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(distinct.len(), names.len());
    let mut tested: std::collections::BTreeSet<String> = [
        "Conv",
        "Gemm",
        "MatMul",
        "BatchNormalization",
        "Add",
        "Sum",
        "AveragePool",
        "Relu",
        "Sqrt",
    ]
    .into_iter()
    .chain(["GlobalAveragePool", "MaxPool", "Flatten", "Reshape", "Squeeze", "Unsqueeze"])
    .chain(["Identity", "Dropout"])
    .map(str::to_owned)
    .collect();
    for (_, case) in cases(8) {
        for node in &case.model.graph.nodes {
            tested.insert(node.op.clone());
            let (_, flops) = crate::cost::operators::macs_and_flops(&case.model.graph, node);
            let moves = matches!(find(&node.op).unwrap().proof, Proof::Move | Proof::Nothing)
                || ["Concat", "Pad"].contains(&node.op.as_str());
            assert_eq!(flops == 0, moves, "{}", node.op);
        }
    }
    for name in names {
        assert!(tested.contains(name), "{name} is in no test");
    }
}

#[test]
fn what_an_operator_cannot_do_is_refused_by_name() {
    let refused = |draft: Draft, words: &str| {
        let model = answered(draft).open().unwrap();
        let reason = Skeleton::of(&model.graph).obstacle(0).unwrap_or("nothing").to_owned();
        assert!(reason.contains(words), "{words:?} is not in {reason:?}");
    };
    let one = draft().floats("one", &[1], vec![1.0]);
    refused(one.node("Div", &["one", "y"], &["z"], &[]), "a quotient of a constant");
    let zero = draft().floats("zero", &[1], vec![0.0]);
    refused(zero.node("Div", &["x", "zero"], &["z"], &[]), "no finite factor at element 0");
    let bound = draft().floats("w", &[4, 1, 3, 3], noise(36, 1));
    let pads = ("pads", &[3i64, 3, 3, 3] as &[i64]);
    refused(
        bound.node("ConvTranspose", &["x", "w"], &["z"], &[pads, ("strides", &[5, 5])]),
        "pads more than its kernel reaches",
    );
    let scales = draft().floats("roi", &[0], vec![]).floats("s", &[4], vec![1.0, 1.0, 2.0, 2.0]);
    refused(
        scales.node("Resize", &["x", "roi", "s"], &["z"], &[]).with_text("mode", "linear"),
        "mode linear",
    );
}

#[test]
fn a_root_of_a_square_is_the_magnitude() {
    let draft =
        answered(draft().node("Mul", &["x", "x"], &["s"], &[]).node("Sqrt", &["s"], &["r"], &[]));
    let Case { program, trace, .. } = case(draft, 12);
    let [x, square, root] = [0, 1, 2].map(ValueId);
    let read = |id| program.dequantise(id, &trace[&id]);
    // A root is steepest at zero, where a step of the square is most of it.
    let allowed = program.value(square).scale.sqrt() + program.value(root).scale;
    for (x, root) in read(x).iter().zip(read(root)) {
        assert!(f64::from((x.abs() - root).abs()) <= allowed, "{x}: {root}");
    }
}

#[test]
fn a_value_without_a_place_in_the_table_stops_the_run() {
    let draft = answered(draft().node("HardSwish", &["x"], &["z"], &[]));
    let Case { program, .. } = case(draft, 8);
    let mut quiet = vec![0; 60];
    let id = program.inputs[0];
    program.run(&[quiet.clone()]).unwrap();
    // The scale of the output was measured: make it too small for what this input gives.
    let mut narrow = program.clone();
    if let Kind::Table(table) = &mut narrow.ops[0].kind {
        let outputs = &mut std::sync::Arc::make_mut(table).outputs;
        outputs[128 + 5] = None;
    }
    quiet[7] = 5;
    let error = narrow.run(&[quiet]).unwrap_err().to_string();
    assert!(error.contains("HardSwish), element 7, is given 5, for which its value"), "{error}");
    assert_eq!(id, ValueId(0));
}

/// The section of the README that the registry writes, between two markers.
#[test]
fn the_readme_says_what_the_registry_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- operators: begin -->\n", "<!-- operators: end -->");
    let (before, rest) = readme.split_once(begin).expect("the README marks the table's place");
    let (written, after) = rest.split_once(end).expect("the README marks the table's end");
    let table = coverage_table();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{begin}{table}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "renew it with UPDATE_README=1");
}

/// How many steps of its output's scale an operation is from the float reference at most; infinite
/// where it has another number of elements.
fn farthest(draft: Draft) -> Vec<(String, f64)> {
    let Case { model, skeleton, program, trace } = case(answered(draft), 12);
    let x = program.dequantise(program.inputs[0], &trace[&program.inputs[0]]);
    let float = model.float_run(&[x, vec![0.0; 60]]).unwrap();
    let mut all = Vec::new();
    for op in &program.ops {
        let Some(tensor) = skeleton.values[op.output.index()].tensor else { continue };
        let fixed = program.dequantise(op.output, &trace[&op.output]);
        let scale = program.value(op.output).scale;
        let far = match fixed.len() == float[&tensor].len() {
            true => fixed
                .iter()
                .zip(&float[&tensor])
                .fold(0.0f64, |far, (a, b)| far.max(f64::from((a - b).abs()) / scale)),
            false => f64::INFINITY,
        };
        all.push((op.name.clone(), far));
    }
    all
}

fn square() -> Draft {
    draft()
        .ints("starts", &[0])
        .ints("ends3", &[3])
        .ints("ends4", &[4])
        .ints("last", &[3])
        .node("Slice", &["x", "starts", "ends3", "last"], &["square"], &[])
        .node("Slice", &["x", "starts", "ends4", "last"], &["four"], &[])
}

#[test]
fn axes_and_pads_of_another_opset_dont_override_the_inputs() {
    for (name, far) in farthest(
        square()
            .ints("axes", &[2])
            .ints("pads", &[0, 0, 0, 1, 0, 0, 0, 0])
            .node("ReduceSum", &["square", "axes"], &["sum"], &[("axes", &[3])])
            .node("Pad", &["square", "pads"], &["pad"], &[("pads", &[0, 0, 0, 0, 0, 0, 0, 1])]),
    ) {
        assert!(far < 20.0, "{name} is {far} steps from the float reference");
    }
}

#[test]
fn slopes_of_one_dimension_mean_what_the_reference_takes_them_for() {
    for (name, far) in farthest(square().floats("slopes", &[4], vec![0.9, -0.5, 1.7, 0.01]).node(
        "PRelu",
        &["four", "slopes"],
        &["prelu"],
        &[],
    )) {
        assert!(far < 20.0, "{name} is {far} steps from the float reference");
    }
}

#[test]
fn tensors_without_elements_are_refused_before_they_run() {
    let model = answered(
        draft()
            .ints("starts", &[0])
            .ints("ends", &[0])
            .ints("last", &[3])
            .node("Slice", &["x", "starts", "ends", "last"], &["none"], &[])
            .node("ReduceMax", &["none"], &["max"], &[("axes", &[2])]),
    )
    .open()
    .unwrap();
    let skeleton = Skeleton::of(&model.graph);
    if skeleton.obstacle(1).is_none() {
        let card = Card::nominal(&skeleton, Settings::DEFAULT);
        let program = skeleton.lower(&model.graph, &card).unwrap();
        let inputs: Vec<_> = program.inputs.iter().map(|_| vec![0; 60]).collect();
        let _ = program.run(&inputs);
    }
    assert!(skeleton.obstacle(0).is_some_and(|o| o.contains("its shape is impossible")));
}

#[test]
fn a_tensor_of_two_to_the_forty_elements_is_refused_before_it_takes_memory() {
    let model = answered(draft().ints("shape", &[1 << 40, 4, 3, 5]).node(
        "Expand",
        &["x", "shape"],
        &["z"],
        &[],
    ))
    .open()
    .unwrap();
    let obstacle = Skeleton::of(&model.graph).obstacle(0).map(str::to_owned);
    let shape = &model.graph.tensors.last().unwrap().shape;
    assert!(
        obstacle.as_deref().is_some_and(|o| o.contains("its shape is impossible")),
        "{shape:?}: {obstacle:?}"
    );
}

#[test]
fn a_resize_of_opset_10_that_runtimes_disagree_on_is_refused() {
    let obstacle = |scale: f32| {
        let mut draft = draft().floats("s", &[4], vec![1.0, 1.0, scale, scale]);
        draft.opset = 10;
        let model = answered(draft.node("Resize", &["x", "s"], &["z"], &[])).open().unwrap();
        Skeleton::of(&model.graph).obstacle(0).map(str::to_owned)
    };
    assert_eq!(obstacle(2.0), None);
    assert!(obstacle(3.0).is_some_and(|o| o.contains("runtimes of opset 10 differ")));
}

/// A program of one maximum over a window of one plane.
fn pooled(window: crate::program::Window) -> Program {
    let tensor = |name: &str, [h, w]: [usize; 2]| crate::program::Value {
        name: name.into(),
        shape: vec![h, w],
        scale: 1.0,
        bits: 8,
    };
    let tensors = vec![tensor("x", window.input), tensor("y", window.output)];
    let op = crate::program::Op {
        node: 0,
        name: "Y".into(),
        operator: "MaxPool".into(),
        kind: Kind::MaxPool(window.into()),
        inputs: vec![ValueId(0)],
        output: ValueId(1),
    };
    Program { tensors, ops: vec![op], inputs: vec![ValueId(0)], outputs: vec![ValueId(1)] }
}

#[test]
fn a_maximum_of_two_tensors_of_more_than_a_million_elements_passes_the_check() {
    let window = max::column(1, 2, (1 << 20) + 1);
    assert_eq!(pooled(window).check(crate::program::KnownWeights::All), Ok(()));
}

/// Each output looks through all of the kernel for its one element: 2^39 steps.
#[test]
fn a_window_that_takes_hours_to_go_through_is_refused_at_once() {
    let side = 1 << 20;
    let mut window = max::column(1, 1, 1);
    (window.output, window.kernel, window.pads) = ([side, 1], [side, 1], [side - 1, 0]);
    let error = pooled(window).check(crate::program::KnownWeights::All).unwrap_err();
    assert!(error.contains("its window is impossible"), "{error}");
}
