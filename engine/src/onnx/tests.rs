use super::testing::{Dim, Draft, noise};
use super::*;
use crate::cost;
use crate::graph::Constant;

fn perceptron() -> Draft {
    Draft::new()
        .input("x", &[Dim::Open("n"), Dim::Is(4)])
        .floats("w", &[4, 3], noise(12, 1))
        .floats("b", &[3], noise(3, 2))
        .node("Gemm", &["x", "w", "b"], &["h"], &[])
        .node("Relu", &["h"], &["y"], &[])
        .output("y")
}

#[test]
fn an_open_batch_is_bound_to_one() {
    let model = perceptron().open().unwrap();
    let graph = &model.graph;
    assert_eq!(graph.tensor(graph.inputs[0]).shape, Some(vec![1, 4]));
    assert_eq!(graph.tensor(graph.outputs[0]).shape, Some(vec![1, 3]));
    assert_eq!(cost::totals(graph).macs, 12);
    assert_eq!(cost::totals(graph).params, 15);
}

#[test]
fn a_binding_wins_over_the_default() {
    let bindings = Bindings([("x".to_owned(), vec![5, 4])].into());
    let model = Model::read("m", &perceptron().bytes(), &bindings).unwrap();
    assert_eq!(model.graph.tensor(model.graph.outputs[0]).shape, Some(vec![5, 3]));
    assert_eq!(cost::totals(&model.graph).macs, 60);
}

#[test]
fn the_float_reference_shows_every_tensor() {
    let model = perceptron().open().unwrap();
    let trace = model.float_run(&[vec![1.0, 0.0, 0.0, 0.0]]).unwrap();
    let (w, b) = (noise(12, 1), noise(3, 2));
    let h: Vec<f32> = (0..3).map(|o| w[o] + b[o]).collect();
    let named = |name: &str| {
        let at = model.graph.tensors.iter().position(|t| t.name == name).unwrap();
        &trace[&crate::graph::TensorId(at as u32)]
    };
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close(named("h"), &h));
    assert!(close(named("y"), &h.iter().map(|v| v.max(0.0)).collect::<Vec<_>>()));
}

#[test]
fn shape_arithmetic_folds_away() {
    let model = Draft::new()
        .input("x", &[Dim::Open("n"), Dim::Is(2), Dim::Is(3)])
        .ints("axis", &[0])
        .ints("rest", &[-1])
        .node("Shape", &["x"], &["s"], &[])
        .node("Gather", &["s", "axis"], &["n"], &[])
        .node("Concat", &["n", "rest"], &["t"], &[("axis", &[0])])
        .node("Reshape", &["x", "t"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    let graph = &model.graph;
    assert_eq!(graph.nodes.len(), 1);
    assert_eq!(graph.tensor(graph.outputs[0]).shape, Some(vec![1, 6]));
    let shape = graph.input(&graph.nodes[0], 1).unwrap();
    assert!(matches!(&shape.constant, Some(Constant::Int(v)) if v.as_ref() == [1, -1]));
}

#[test]
fn large_constants_of_a_shape_keep_their_elements() {
    let model = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(2048)])
        .ints("shape", &[2048, 1024])
        .node("ConstantOfShape", &["shape"], &["w"], &[])
        .node("MatMul", &["x", "w"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    assert_eq!(model.graph.nodes.len(), 1);
    assert_eq!(cost::totals(&model.graph).params, 2048 * 1024);
}

#[test]
fn an_unknown_operator_opens_with_its_shape_unknown() {
    let model = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(4)])
        .node("Frobnicate", &["x"], &["h"], &[])
        .node("Relu", &["h"], &["y"], &[])
        .output("y")
        .open()
        .unwrap();
    assert_eq!(model.graph.nodes.len(), 2);
    assert_eq!(model.graph.tensor(model.graph.outputs[0]).shape, None);
    let trace = model.float_run(&[vec![0.0; 4]]).unwrap();
    assert_eq!(trace.len(), 1, "only the input is known");
}

#[test]
fn nodes_out_of_order_are_sorted() {
    let mut draft = perceptron();
    draft.graph.node.reverse();
    let model = draft.open().unwrap();
    let ops: Vec<_> = model.graph.nodes.iter().map(|n| n.op.as_str()).collect();
    assert_eq!(ops, ["Gemm", "Relu"]);
}

fn refused(bytes: &[u8], words: &[&str]) {
    let error = Model::read("test.onnx", bytes, &Bindings::default()).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[test]
fn damaged_files_are_refused_in_one_sentence() {
    let good = perceptron().bytes();
    refused(b"", &["test.onnx is not a complete ONNX file"]);
    refused(b"\x89PNG\r\n\x1a\n and more", &["is not a complete ONNX file"]);
    refused(&good[..good.len() - 3], &["is not a complete ONNX file"]);
    let mut without = perceptron();
    without.graph.initializer.remove(0);
    refused(&without.bytes(), &["\"H\" (Gemm, opset 13)", "\"w\""]);
    let mut old = perceptron();
    old.opset = 6;
    refused(&old.bytes(), &["opset 6", "convert"]);
    let mut cycle = perceptron();
    cycle.graph.node[0].input[0] = "y".into();
    refused(&cycle.bytes(), &["cycle"]);
    let mut twice = perceptron();
    twice.graph.node[1].output[0] = "h".into();
    refused(&twice.bytes(), &["elsewhere"]);
    let mut lost = perceptron();
    lost.graph.output[0].name = "z".into();
    refused(&lost.bytes(), &["\"z\"", "made by no node"]);
}

#[test]
fn hostile_sizes_are_refused() {
    let mut draft = perceptron();
    draft.graph.initializer[0].dims = vec![i64::MAX, 4];
    refused(&draft.bytes(), &["impossible shape"]);
    draft = perceptron();
    draft.graph.initializer[0].dims = vec![400, 3];
    refused(&draft.bytes(), &["not as many elements"]);
    let huge = Draft::new()
        .input("x", &[Dim::Is(1), Dim::Is(2)])
        .ints("shape", &[1 << 40, 2])
        .node("ConstantOfShape", &["shape"], &["w"], &[])
        .node("MatMul", &["x", "w"], &["y"], &[])
        .output("y");
    refused(&huge.bytes(), &["impossible shape"]);
}

#[test]
fn an_open_shape_asks_for_a_binding() {
    let draft = Draft::new()
        .input("x", &[Dim::Open("n"), Dim::Open("time"), Dim::Is(4)])
        .node("Relu", &["x"], &["y"], &[])
        .output("y");
    let bytes = draft.bytes();
    refused(&bytes, &["\"x\"", "[n, time, 4]", "--shape x="]);
    let bound = Bindings([("x".to_owned(), vec![1, 7, 4])].into());
    assert!(Model::read("m", &bytes, &bound).is_ok());
    let wrong = Bindings([("x".to_owned(), vec![1, 7, 5])].into());
    let error = Model::read("m", &bytes, &wrong).unwrap_err().to_string();
    assert!(error.contains("can't have the shape"), "{error}");
    let other = Bindings([("z".to_owned(), vec![1])].into());
    let error = Model::read("m", &bytes, &other).unwrap_err().to_string();
    assert!(error.contains("no input \"z\""), "{error}");
}

#[test]
fn exported_slices_in_sequence_are_the_model() {
    let model = Draft::new()
        .input("x", &[Dim::Open("n"), Dim::Is(1), Dim::Is(6), Dim::Is(6)])
        .floats("w", &[2, 1, 3, 3], noise(18, 3))
        .floats("v", &[2, 32], noise(64, 5))
        .ints("first", &[0])
        .ints("rest", &[-1])
        .node("Conv", &["x", "w"], &["a"], &[])
        .node("Relu", &["a"], &["r"], &[])
        .node("Add", &["a", "r"], &["c"], &[])
        // The shape of a tensor of the first slice, needed in the second.
        .node("Shape", &["a"], &["s"], &[])
        .node("Gather", &["s", "first"], &["n"], &[])
        .node("Concat", &["n", "rest"], &["t"], &[("axis", &[0])])
        .node("Reshape", &["c", "t"], &["f"], &[])
        .node("Gemm", &["f", "v"], &["y"], &[("transB", &[1])])
        .output("y")
        .open()
        .unwrap();
    let input = noise(36, 9);
    let whole = model.float_run(std::slice::from_ref(&input)).unwrap();
    let slices = model.export(&[vec![0], vec![1], vec![2, 3, 4]]);
    assert_eq!(slices[0].outputs, ["a"]);
    assert_eq!(slices[2].inputs, ["a", "r"]);
    let known = run_exported(&slices, [("x".to_owned(), input)].into()).unwrap();
    assert_eq!(known["y"], whole[&model.graph.outputs[0]]);
}

/// What the reference gives for the last output.
fn answer(draft: Draft, input: &[f32]) -> Vec<f32> {
    let model = draft.open().unwrap();
    let trace = model.float_run(&[input.to_vec()]).unwrap();
    trace[&model.graph.outputs[0]].clone()
}

#[test]
fn a_broadcast_before_a_product_of_matrices_is_kept() {
    let weights = noise(9, 3);
    for (rows, operator) in [(1usize, "MatMul"), (3, "MatMul"), (3, "Gemm")] {
        let draft = Draft::new()
            .input("x", &[Dim::Is(1), Dim::Is(1)])
            .ints("shape", &[rows as i64, 3])
            .floats("w", &[3, 3], weights.clone())
            .node("Expand", &["x", "shape"], &["wide"], &[])
            .node(operator, &["wide", "w"], &["y"], &[])
            .output("y");
        let row: Vec<f32> = (0..3)
            .map(|column| 2.0 * (0..3).map(|k| weights[3 * k + column]).sum::<f32>())
            .collect();
        let found = answer(draft, &[2.0]);
        let expected = row.repeat(rows);
        assert_eq!(found.len(), expected.len(), "{operator}");
        let far = found.iter().zip(&expected).fold(0.0f32, |far, (a, b)| far.max((a - b).abs()));
        assert!(far < 1e-5, "{operator}, {rows} rows: {found:?} for {expected:?}");
    }
}

#[test]
fn a_slice_with_steps_after_a_convolution_takes_its_elements() {
    let draft = |steps: bool| {
        let draft = Draft::new()
            .input("x", &[Dim::Is(1), Dim::Is(1), Dim::Is(3), Dim::Is(10)])
            .floats("w", &[1, 1, 3, 3], noise(9, 4))
            .ints("start", &[4])
            .ints("end", &[i64::MAX])
            .ints("axis", &[-1])
            .ints("step", &[3])
            .node("Conv", &["x", "w"], &["a"], &[]);
        match steps {
            true => {
                draft.node("Slice", &["a", "start", "end", "axis", "step"], &["y"], &[]).output("y")
            }
            false => draft.output("a"),
        }
    };
    let input = noise(30, 5);
    let (whole, part) = (answer(draft(false), &input), answer(draft(true), &input));
    assert_eq!(whole.len(), 8);
    let far = part.iter().zip([whole[4], whole[7]]).map(|(a, b)| (a - b).abs());
    assert!(part.len() == 2 && far.fold(0.0, f32::max) < 1e-5, "{part:?} of {whole:?}");
}
