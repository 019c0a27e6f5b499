//! Split models against the models that they were, bit for bit.

use std::collections::BTreeMap;

use super::*;
use crate::graph::TensorId;
use crate::onnx::run_exported;
use crate::onnx::testing::{Dim, Draft, noise};
use crate::program::{Card, Program, Settings, Source, Trace};

const CASES: u64 = 3;

fn splits(text: &[(&str, &str)]) -> Splits {
    Splits(text.iter().map(|(node, split)| ((*node).to_owned(), split.parse().unwrap())).collect())
}

fn inputs(model: &Model, seed: u64) -> Vec<Vec<f32>> {
    let shapes = model.graph.inputs.iter().map(|&id| model.graph.tensor(id).elements().unwrap());
    (seed..).zip(shapes).map(|(seed, len)| noise(len as usize, seed)).collect()
}

fn lowered(model: &Model) -> (Skeleton, Program) {
    let skeleton = Skeleton::of(&model.graph);
    let cases: Vec<_> = (0..CASES).map(|seed| inputs(model, 50 + 7 * seed)).collect();
    let source = Source::Data { cases: cases.len(), headroom: 1.3 };
    let settings = Settings { headroom: 1.3, ..Settings::DEFAULT };
    let card = Card::calibrate(model, &skeleton, &cases, settings, source).unwrap();
    let program = skeleton.lower(&model.graph, &card).unwrap();
    (skeleton, program)
}

fn run(model: &Model) -> (Skeleton, Program, Trace) {
    let (skeleton, program) = lowered(model);
    let floats: Vec<Vec<f32>> = inputs(model, 57);
    let places = skeleton.inputs.iter().map(|id| skeleton.values[id.index()].tensor.unwrap());
    let used: Vec<Vec<f32>> = places
        .map(|id| floats[model.graph.inputs.iter().position(|&input| input == id).unwrap()].clone())
        .collect();
    let trace = program.run(&program.quantise_inputs(&used).unwrap()).unwrap();
    (skeleton, program, trace)
}

/// The elements of a part.
fn cut_out<T: Copy>(
    values: &[T],
    shape: &[usize],
    axis: usize,
    range: &std::ops::Range<usize>,
) -> Vec<T> {
    let inner: usize = shape[axis + 1..].iter().product();
    values
        .chunks_exact(shape[axis] * inner)
        .flat_map(|block| &block[range.start * inner..range.end * inner])
        .copied()
        .collect()
}

/// Splits a model, and checks that every tensor of the split one is the part of the whole one that
/// it says it is. Returns the split model and how many tiles it has.
fn check(model: &Model, splits: &Splits) -> (Model, usize) {
    let after = split(model, splits).unwrap_or_else(|error| panic!("{splits}: {error}"));
    let (skeleton, program, trace) = run(model);
    let (tiles, tile_program, tile_trace) = run(&after);
    let by_name: BTreeMap<&str, TensorId> =
        (0u32..).zip(&model.graph.tensors).map(|(id, t)| (t.name.as_str(), TensorId(id))).collect();
    let tiling = after.graph.tiling.clone().unwrap();
    let mut compared = 0;
    for (place, value) in (0u32..).zip(&tiles.values) {
        let id = crate::program::ValueId(place);
        let Some(tensor) = value.tensor else { continue };
        let part = tiling.parts.get(&tensor);
        let before = part
            .map_or_else(|| by_name[after.graph.tensor(tensor).name.as_str()], |part| part.tensor);
        let Some(whole) = skeleton.value_of(before) else { continue };
        let shape = model.graph.tensor(before).shape.clone().unwrap();
        let expected = match part {
            None => trace[&whole].clone(),
            Some(part) => cut_out(&trace[&whole], &shape, part.axis, &part.range),
        };
        let name = &value.name;
        assert_eq!(program.value(whole).scale, tile_program.value(id).scale, "{splits}: {name}");
        assert_eq!(expected, tile_trace[&id], "{splits}: {name}");
        compared += 1;
    }
    assert!(compared > tiling.tiles.len() / 2, "{splits}: {compared} of the tensors compared");
    for (a, b) in model.graph.outputs.iter().zip(&after.graph.outputs) {
        let (a, b) = (skeleton.value_of(*a).unwrap(), tiles.value_of(*b).unwrap());
        assert_eq!(trace[&a], tile_trace[&b], "{splits}");
    }
    let macs = |model: &Model| crate::cost::totals(&model.graph).macs;
    assert_eq!(macs(model), macs(&after), "{splits}");
    let count = tiling.tiles.len();
    (after, count)
}

/// A convolution with what usually follows it.
fn conv(attributes: &[(&str, &[i64])], groups: i64, side: i64, kernel: i64) -> Draft {
    let mut attributes = attributes.to_vec();
    let group = [groups];
    attributes.push(("group", &group));
    let (channels_in, channels_out) = (4, 8);
    let weights = channels_out * channels_in / groups * kernel * kernel;
    Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(channels_in), Dim::Is(side), Dim::Is(side - 1)])
        .floats(
            "w",
            &[channels_out, channels_in / groups, kernel, kernel],
            noise(weights as usize, 3)
                .iter()
                .enumerate()
                .map(|(i, v)| v * (1.0 + i as f32))
                .collect(),
        )
        .floats("b", &[channels_out], noise(8, 4))
        .node("Conv", &["x", "w", "b"], &["c"], &attributes)
}

fn normalised(draft: Draft) -> Draft {
    draft
        .floats("scale", &[8], noise(8, 5).iter().map(|v| v + 1.0).collect())
        .floats("shift", &[8], noise(8, 6))
        .floats("mean", &[8], noise(8, 7))
        .floats("variance", &[8], noise(8, 8).iter().map(|v| v + 1.0).collect())
        .node("BatchNormalization", &["c", "scale", "shift", "mean", "variance"], &["n"], &[])
        .node("Relu", &["n"], &["r"], &[])
}

#[test]
fn convolutions_of_all_geometries_give_the_same() {
    for (attributes, groups, side, kernel) in [
        (&[("pads", &[1i64, 1, 1, 1][..])][..], 1, 9, 3),
        (&[("pads", &[2, 0, 1, 3]), ("strides", &[2, 1])], 1, 10, 4),
        (&[("pads", &[2, 2, 2, 2]), ("dilations", &[2, 2])], 4, 9, 3),
        (&[("strides", &[3, 2])], 4, 11, 2),
        (&[("strides", &[2, 2])], 1, 8, 1),
    ] {
        let model = conv(attributes, groups, side, kernel).output("c").open().unwrap();
        for split in ["rows:2", "rows:3", "channels:2", "channels:4"] {
            check(&model, &splits(&[("C", split)]));
        }
    }
}

#[test]
fn random_convolutions_and_tails_give_the_same() {
    let mut state = 7u64;
    let mut below = |bound: i64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % bound
    };
    for _ in 0..30 {
        let (kernel, dilation) = (1 + below(4), 1 + below(2));
        let reach = (kernel - 1) * dilation + 1;
        let side = reach + 4 + below(8);
        let pads: [i64; 4] = std::array::from_fn(|_| below(reach));
        let strides = [1 + below(2), 1 + below(2)];
        let groups = [1, 2, 4][below(3) as usize];
        let attributes: [(&str, &[i64]); 3] =
            [("pads", &pads), ("strides", &strides), ("dilations", &[dilation; 2])];
        let draft = conv(&attributes, groups, side, kernel);
        let pool = |draft: Draft, kernel: i64, pad: i64| {
            let pads = [pad; 4];
            let attributes: [(&str, &[i64]); 3] =
                [("kernel_shape", &[kernel; 2]), ("strides", &[2, 2]), ("pads", &pads)];
            draft.node("MaxPool", &["r"], &["p"], &attributes).output("p")
        };
        let draft = match below(4) {
            0 => draft.output("c"),
            1 => normalised(draft).output("r"),
            2 => pool(normalised(draft), 2, 0),
            _ => pool(normalised(draft), 3, 1),
        };
        let model = draft.open().unwrap();
        let how = format!("rows:{}", 2 + below(3));
        // Where there are too few rows for so many tiles.
        let fits = split(&model, &splits(&[("C", &how)])).is_ok();
        check(&model, &splits(&[("C", if fits { &how } else { "rows:2" })]));
        check(&model, &splits(&[("C", "channels:2")]));
    }
}

#[test]
fn automatic_padding_is_that_of_the_whole() {
    for kind in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        let draft = conv(&[("strides", &[2, 2])], 1, 9, 4).with_text("auto_pad", kind);
        let model = draft.output("c").open().unwrap();
        check(&model, &splits(&[("C", "rows:3")]));
        check(&model, &splits(&[("C", "channels:3")]));
    }
}

#[test]
fn what_follows_a_convolution_is_split_with_it() {
    let draft = normalised(conv(&[("pads", &[1, 1, 1, 1])], 1, 9, 3))
        .node("MaxPool", &["r"], &["p"], &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])])
        .output("p");
    let model = draft.open().unwrap();
    // Nine rows: the pool leaves the last one out, which is computed nevertheless.
    for (split, tiles) in [("rows:4", 4), ("rows:2", 2), ("channels:2", 2)] {
        let (after, count) = check(&model, &splits(&[("C", split)]));
        assert_eq!(count, 4 * tiles, "{split}");
        let ops: Vec<&str> = after.graph.nodes.iter().map(|n| n.op.as_str()).collect();
        let at = ops.iter().position(|&op| op == "Conv").unwrap();
        assert_eq!(ops[at..at + 4], ["Conv", "BatchNormalization", "Relu", "MaxPool"]);
    }
}

#[test]
fn tiles_read_pieces_of_their_neighbours() {
    let draft = normalised(conv(&[("pads", &[1, 1, 1, 1])], 1, 12, 3))
        .floats("w2", &[8, 8, 3, 3], noise(576, 9))
        .floats("w3", &[6, 8, 1, 1], noise(48, 10))
        .node("Conv", &["r", "w2"], &["d"], &[("pads", &[1, 1, 1, 1])])
        .node("Add", &["d", "r"], &["a"], &[])
        .node("Relu", &["a"], &["s"], &[])
        .node("AveragePool", &["s"], &["v"], &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])])
        .node("Conv", &["v", "w3"], &["e"], &[])
        .node("GlobalAveragePool", &["e"], &["y"], &[])
        .output("y");
    let model = draft.open().unwrap();
    check(&model, &splits(&[("C", "rows:4"), ("D", "rows:4"), ("E", "rows:2")]));
    check(&model, &splits(&[("C", "rows:5"), ("D", "rows:3"), ("E", "channels:3")]));
    check(&model, &splits(&[("C", "channels:2"), ("D", "rows:3")]));
    let (after, _) = check(&model, &splits(&[("C", "rows:6"), ("D", "rows:6")]));
    let joined = after.graph.nodes.iter().any(|n| n.name == "r joined");
    assert!(!joined, "no tile reads the whole");
}

#[test]
fn pools_and_lone_operators_are_split_too() {
    let model = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(3), Dim::Is(11), Dim::Is(7)])
        .node(
            "MaxPool",
            &["x"],
            &["m"],
            &[("kernel_shape", &[3, 3]), ("strides", &[2, 2]), ("pads", &[1, 1, 1, 1])],
        )
        .node("Sigmoid", &["m"], &["s"], &[])
        .node(
            "MaxPool",
            &["s"],
            &["q"],
            &[("kernel_shape", &[3, 3]), ("strides", &[2, 2]), ("ceil_mode", &[1])],
        )
        .node("Mul", &["q", "q"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    check(&model, &splits(&[("M", "rows:3")]));
    check(&model, &splits(&[("M", "rows:2"), ("Q", "rows:3")]));
    check(&model, &splits(&[("Y", "rows:3"), ("S", "channels:3")]));
}

#[test]
fn dense_layers_are_split_by_their_features() {
    let dense = |op: &str| {
        let draft = Draft::new()
            .input("x", &[Dim::Is(2), Dim::Is(6)])
            .floats("w", &[6, 9], noise(54, 1).iter().zip(1..).map(|(v, i)| v * i as f32).collect())
            .floats("b", &[9], noise(9, 2));
        let draft = match op {
            "Gemm" => draft.node("Gemm", &["x", "w", "b"], &["h"], &[]).with_float("alpha", 0.5),
            _ => {
                draft.node("MatMul", &["x", "w"], &["m"], &[]).node("Add", &["m", "b"], &["h"], &[])
            }
        };
        let draft = draft.node("Relu", &["h"], &["r"], &[]).floats("v", &[4, 9], noise(36, 3));
        draft.node("Gemm", &["r", "v"], &["y"], &[("transB", &[1])]).output("y").open().unwrap()
    };
    check(&dense("Gemm"), &splits(&[("H", "channels:4"), ("Y", "channels:2")]));
    check(&dense("MatMul"), &splits(&[("M", "channels:3")]));
}

/// Attention of four heads over six tokens, with a quotient before it.
fn attention() -> Model {
    let parts = [("q", 1), ("k", 2), ("v", 3)];
    let mut draft = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(6), Dim::Is(8)])
        .ints("heads", &[1, 6, 4, 2])
        .floats("least", &[], vec![-1e9])
        .floats("half", &[], vec![0.5])
        .truths("past", &[6, 6], &(0..36).map(|at| i32::from(at % 6 <= at / 6)).collect::<Vec<_>>())
        .node("Abs", &["x"], &["size"], &[])
        .node("Add", &["size", "half"], &["divisor"], &[])
        .node("Div", &["x", "divisor"], &["normal"], &[]);
    for (name, seed) in parts {
        let [weights, flat, split] = ["w", "flat", "split"].map(|kind| format!("{kind}_{name}"));
        let turn: &[i64] = if name == "k" { &[0, 2, 3, 1] } else { &[0, 2, 1, 3] };
        draft = draft
            .floats(&weights, &[8, 8], noise(64, seed))
            .node("MatMul", &["normal", &weights], &[&flat], &[])
            .node("Reshape", &[&flat, "heads"], &[&split], &[])
            .node("Transpose", &[&split], &[name], &[("perm", turn)]);
    }
    draft
        .node("MatMul", &["q", "k"], &["scores"], &[])
        .node("Where", &["past", "scores", "least"], &["masked"], &[])
        .node("Softmax", &["masked"], &["shares"], &[("axis", &[-1])])
        .node("MatMul", &["shares", "v"], &["mixed"], &[])
        .output("mixed")
        .open()
        .unwrap()
}

#[test]
fn attention_is_split_by_heads_and_by_rows() {
    let model = attention();
    let (after, tiles) = check(&model, &splits(&[("SCORES", "channels:2")]));
    // The mask, the softmax and the second product go with the heads.
    assert_eq!(tiles, 8, "{:?}", after.graph.tiling);
    check(&model, &splits(&[("SCORES", "rows:3"), ("MIXED", "rows:2")]));
    check(&model, &splits(&[("SCORES", "channels:4"), ("NORMAL", "channels:3")]));
    check(&model, &splits(&[("MASKED", "rows:3")]));
    // By itself a softmax would not know what its mask is.
    let error = split(&model, &splits(&[("SHARES", "rows:3")])).unwrap_err().to_string();
    assert!(error.contains("lowered otherwise as a part"), "{error}");
    let error = split(&model, &splits(&[("FLAT_Q", "rows:2")])).unwrap_err().to_string();
    assert!(error.contains("only its channels can be divided"), "{error}");
}

#[test]
fn sequences_have_rows_too() {
    let model = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(2), Dim::Is(20)])
        .floats("w", &[4, 2, 5], noise(40, 1))
        .node("Conv", &["x", "w"], &["c"], &[("pads", &[2, 2]), ("strides", &[2])])
        .node("Relu", &["c"], &["r"], &[])
        .node("MaxPool", &["r"], &["y"], &[("kernel_shape", &[2]), ("strides", &[2])])
        .output("y")
        .open()
        .unwrap();
    check(&model, &splits(&[("C", "rows:5")]));
}

#[test]
fn older_operator_sets_slice_by_attributes() {
    let mut draft = normalised(conv(&[("pads", &[1, 1, 1, 1])], 1, 8, 3)).output("r");
    draft.opset = 9;
    check(&draft.open().unwrap(), &splits(&[("C", "rows:3")]));
}

#[test]
fn the_exported_tiles_are_the_model() {
    let draft = normalised(conv(&[("pads", &[1, 1, 1, 1])], 1, 9, 3)).output("r");
    let model = draft.open().unwrap();
    let (after, _) = check(&model, &splits(&[("C", "rows:3")]));
    let groups: Vec<Vec<usize>> = (0..after.graph.nodes.len()).map(|node| vec![node]).collect();
    let input = inputs(&after, 57);
    let given = BTreeMap::from([("x".to_owned(), input[0].clone())]);
    let exported = run_exported(&after.export(&groups), given).unwrap();
    let float = after.float_run(&input).unwrap();
    for (id, values) in &float {
        let Some(other) = exported.get(&after.graph.tensor(*id).name) else { continue };
        let near = values.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-4 * a.abs().max(1.0));
        assert!(near, "{}", after.graph.tensor(*id).name);
    }
    assert_eq!(float[&after.graph.outputs[0]].len(), 8 * 9 * 8);
}

#[test]
fn what_cannot_be_split_says_why() {
    let draft = normalised(conv(&[("pads", &[1, 1, 1, 1])], 1, 9, 3))
        .node(
            "AveragePool",
            &["r"],
            &["v"],
            &[("kernel_shape", &[2, 2]), ("strides", &[2, 2]), ("pads", &[1, 1, 0, 0])],
        )
        .node("GlobalAveragePool", &["v"], &["y"], &[])
        .output("y");
    let model = draft.open().unwrap();
    for (node, how, reason) in [
        ("Z", "rows:2", "has no node \"Z\" to split"),
        ("C", "rows:0", "2 to 9 tiles, not 0"),
        ("C", "rows:1", "2 to 9 tiles, not 1"),
        ("C", "rows:10", "2 to 9 tiles, not 10"),
        ("C", "rows:1025", "1024 are possible"),
        ("C", "channels:18446744073709551615", "1024 are possible"),
        ("V", "rows:2", "leaves its padding out"),
        ("Y", "rows:2", "this operator is not divided here"),
        ("Y", "channels:2", "this operator is not divided here"),
    ] {
        let error = split(&model, &splits(&[(node, how)])).unwrap_err().to_string();
        assert!(error.contains(reason), "{node} {how}: {error}");
    }
    // A layer that folds what can't be divided with it.
    let model = conv(&[], 1, 9, 3)
        .floats("k", &[8, 1, 1], noise(8, 9))
        .node("Mul", &["c", "k"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    let error = split(&model, &splits(&[("C", "channels:2")])).unwrap_err().to_string();
    assert!(error.contains("lowered otherwise as a part"), "{error}");
    check(&model, &splits(&[("C", "rows:2")]));
}

#[test]
fn splitting_again_replaces_the_splits() {
    let model = conv(&[], 1, 9, 3).output("c").open().unwrap();
    let once = split(&model, &splits(&[("C", "rows:2")])).unwrap();
    let twice = split(&once, &splits(&[("C", "rows:3")])).unwrap();
    let direct = split(&model, &splits(&[("C", "rows:3")])).unwrap();
    assert_eq!(twice.graph.digest, direct.graph.digest);
    assert_ne!(once.graph.digest, twice.graph.digest);
    let back = split(&twice, &Splits::default()).unwrap();
    assert_eq!(back.graph.digest, model.graph.digest);
    assert_eq!(twice.graph.file_digest(), model.graph.digest);
}
