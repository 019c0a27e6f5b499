//! `x / c` with broadcasting, for a constant or a computed `c`.

use super::function::Function;
use super::{Operator, Proof, moves, mul};
use crate::graph::Node;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewScale};
use crate::program::skeleton::{Greatest, SkeletonKind};

pub(super) static DIV: Operator = Operator {
    name: "Div",
    opsets: "7–21",
    proof: Proof::TableAndProduct,
    becomes: "product with 1/c for a constant c; product with a table of 1/x where the divisor is \
              computed, which stops the run at 0",
    error: "as Mul; a computed divisor: also half a step of 1/x times |x|, and as much as 1/x \
            changes over half a step of the divisor",
    lower: |builder, node| match builder.is_constant(node, 1) {
        true => mul::scaled(builder, node, 0, 1, |c| 1.0 / c),
        false => quotient(builder, node),
    },
};

fn quotient(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    if builder.is_constant(node, 0) {
        return Err("a quotient of a constant by a computed tensor is not supported".into());
    }
    let function = Function { evaluate: |x, _| 1.0 / x, parameters: [0.0; 2], from_top: false };
    let divisor = Input::Value(builder.data(node, 1)?);
    let (kind, shape) = (SkeletonKind::Function(function), builder.shape(node, 1)?.to_vec());
    let reciprocal = |x: &f32| f64::from(1.0 / x).abs();
    let greatest = move |divisors: &[f32]| divisors.iter().map(reciprocal).fold(0.0, f64::max);
    let scale = NewScale::Through(divisor, Greatest::found_by(greatest));
    let ops = vec![moves::step(kind, vec![divisor], "reciprocal", shape, scale)];
    mul::product_with(builder, node, ops, Input::Value(builder.data(node, 0)?), Input::Step(0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answered, case, draft};

    #[test]
    fn a_quotient_by_a_computed_tensor_is_within_its_error_bound() {
        for act_bits in [6, 8, 12] {
            let nodes = draft()
                .floats("half", &[], vec![0.5])
                .node("Abs", &["y"], &["size"], &[])
                .node("Add", &["size", "half"], &["divisor"], &[])
                .node("Div", &["x", "divisor"], &["z"], &[]);
            let case = case(answered(nodes), act_bits);
            let read = |name: &str| {
                let at = case.program.tensors.iter().position(|value| value.name == name).unwrap();
                let id = crate::program::ValueId(at as u32);
                (case.program.dequantise(id, &case.trace[&id]), case.program.value(id).scale)
            };
            let reciprocal = case.program.tensors.iter().find(|v| v.name.ends_with("/reciprocal"));
            let step = reciprocal.unwrap().scale;
            let ((x, _), (divisor, _), (z, scale)) = (read("x"), read("divisor"), read("z"));
            for ((x, c), z) in x.iter().zip(divisor).zip(z) {
                let (x, c, z) = (f64::from(*x), f64::from(c), f64::from(z));
                // The weight of the product is rounded to as many bits as a result has.
                let allowed = 0.5 * scale
                    + 0.5 * step * x.abs()
                    + (x / c).abs() * 0.5f64.powi(act_bits as i32 - 1);
                let error = (z - x / c).abs();
                assert!(error <= allowed, "{x} / {c} at {act_bits}: {error} of {allowed}");
            }
        }
    }

    #[test]
    fn a_divisor_of_zero_stops_the_run() {
        let nodes = draft()
            .floats("far", &[], vec![9.0])
            .node("Add", &["y", "far"], &["positive"], &[])
            .node("Div", &["x", "positive"], &["z"], &[]);
        let case = case(answered(nodes), 8);
        let mut program = case.program.clone();
        // Without its constant, the sum is 0 where y is.
        if let crate::program::Kind::Linear(linear) = &mut program.ops[0].kind {
            std::sync::Arc::make_mut(linear).bias.clear();
        }
        let error = program.run(&[vec![1; 60], vec![0; 60]]).unwrap_err().to_string();
        assert!(error.contains("(Div), element 0, is given 0"), "{error}");
    }
}
