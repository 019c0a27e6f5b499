//! How far each tensor of a fixed-point run is from the float reference.

use std::collections::BTreeMap;

use super::{Program, Skeleton, Trace, ValueId};
use crate::graph::Graph;
use crate::onnx::FloatTrace;

/// For each node of the graph, the error of what it answers with, as a part of its float range:
///
/// ```text
///       mean_i |s q_i - x_i|
/// e = -------------------------
///     max(x, 0) - min(x, 0)
/// ```
///
/// where `x` is the float reference's tensor, `q` the integers of the same run and `s` their scale:
/// the mean absolute error, normalised by the range that the tensor spans together with zero. Both
/// runs begin at the model's input, so that the error holds what the nodes before handed on, and
/// not only what this one's rounding adds; how such errors add up along a network is the subject
/// of Lin, Talathi and Annapureddy, "Fixed Point Quantization of Deep Convolutional Networks"
/// (ICML 2016, section 3).
///
/// A node that only renames elements has the error of what it reads; a layer and the normalisation
/// that is folded into it have that of both together. `None` where the program has no such tensor, or where the float tensor
/// is zero throughout and the integers aren't.
#[must_use]
pub fn node_errors(
    graph: &Graph,
    skeleton: &Skeleton,
    program: &Program,
    fixed: &Trace,
    float: &FloatTrace,
) -> Vec<Option<f64>> {
    let of_value: Vec<Option<f64>> = (0u32..)
        .zip(&skeleton.values)
        .map(|(index, value)| {
            let id = ValueId(index);
            let scale = program.tensors.get(id.index())?.scale;
            relative_error(fixed.get(&id)?, scale, float.get(&value.tensor?)?)
        })
        .collect();
    let of_output = |node: usize| {
        let tensor = graph.nodes[node].outputs.first().copied().flatten()?;
        of_value.get(skeleton.value_of(tensor)?.index()).copied()
    };
    // A normalisation that is folded into a layer leaves the layer's own tensor out.
    let of_op: BTreeMap<usize, ValueId> =
        skeleton.ops.iter().map(|op| (op.node, op.output)).collect();
    let of_owner = |node: usize| {
        let output = of_op.get(&skeleton.owner(node))?;
        of_value.get(output.index()).copied()
    };
    let nodes = 0..graph.nodes.len();
    nodes.map(|n| of_output(n).or_else(|| of_owner(n)).flatten()).collect()
}

/// The error of one tensor, see [`node_errors`].
fn relative_error(fixed: &[i32], scale: f64, float: &[f32]) -> Option<f64> {
    if fixed.len() != float.len() || float.is_empty() {
        return None;
    }
    let (mut sum, mut low, mut high) = (0.0, 0.0_f64, 0.0_f64);
    for (&q, &x) in fixed.iter().zip(float) {
        let x = f64::from(x);
        sum += (f64::from(q) * scale - x).abs();
        (low, high) = (low.min(x), high.max(x));
    }
    let mean = sum / float.len() as f64;
    let error = if mean == 0.0 { 0.0 } else { mean / (high - low) };
    error.is_finite().then_some(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::testing::noise;
    use crate::program::tests::everything;
    use crate::program::{Card, Settings, Source};

    #[test]
    fn the_error_is_the_mean_distance_over_the_range() {
        let check = |fixed: &[i32], float: &[f32], expected: Option<f64>| {
            let found = relative_error(fixed, 0.5, float);
            assert_eq!(found, expected, "{fixed:?} {float:?}");
        };
        check(&[0, 2, 4], &[0.0, 1.0, 2.0], Some(0.0));
        // Half a step wrong in one of four, over a range of 2.
        check(&[0, 2, 4, 1], &[0.0, 1.0, 2.0, 0.25], Some(0.25 / 4.0 / 2.0));
        // The range reaches to zero, and over it.
        check(&[8, 9], &[4.0, 5.0], Some(0.25 / 5.0));
        check(&[-2, 2], &[-1.0, 2.0], Some(0.5 / 3.0));
        check(&[0, 0], &[0.0, 0.0], Some(0.0));
        check(&[1, 0], &[0.0, 0.0], None);
        check(&[1], &[0.5, 0.5], None);
        check(&[], &[], None);
    }

    #[test]
    fn every_node_has_a_small_error_those_that_are_folded_too() {
        let model = everything().open().unwrap();
        let skeleton = Skeleton::of(&model.graph);
        let case = vec![noise(2 * 9 * 9, 9)];
        let source = Source::Data { cases: 1, headroom: 1.0 };
        let cases = std::slice::from_ref(&case);
        let card = Card::calibrate(&model, &skeleton, cases, Settings::DEFAULT, source).unwrap();
        let program = skeleton.lower(&model.graph, &card).unwrap();
        let fixed = program.run(&program.quantise_inputs(&case).unwrap()).unwrap();
        let float = model.float_run(&case).unwrap();
        let errors = node_errors(&model.graph, &skeleton, &program, &fixed, &float);
        let small = |e: &Option<f64>| e.is_some_and(|e| e > 0.0 && e < 0.01);
        assert!(errors.iter().all(small), "{errors:?}");
        let of = |op: &str| model.graph.nodes.iter().position(|node| node.op == op).unwrap();
        let (conv, normalisation) = (errors[of("Conv")], errors[of("BatchNormalization")]);
        assert_eq!(conv, normalisation, "they are one operation");
        let identity = of("Identity");
        assert_eq!(errors[identity], errors[identity - 1], "it hands on what it reads");
    }
}
