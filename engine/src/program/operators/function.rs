//! Functions of one number, as tables of integers.

use crate::graph::Node;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Lowered};
use crate::program::{Table, Value};

/// A real function of one number, made of correctly rounded operations alone.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The function, given its parameters.
    pub evaluate: fn(f64, [f64; 2]) -> f64,
    /// What the operator's attributes say.
    pub parameters: [f64; 2],
    /// Whether the greatest integer of the input stands for 0, and each one below it for a step
    /// less.
    pub from_top: bool,
}

impl Function {
    /// The table from integers under the input's scale to integers under the output's: the real
    /// value, rounded half away from zero. Values outside the output's range are left out; `None`
    /// where that leaves nothing.
    pub(in crate::program) fn table(&self, input: &Value, output: &Value) -> Option<Table> {
        let range = output.range();
        let (least, most) = (*range.start() as f64, *range.end() as f64);
        let zero = if self.from_top { *input.range().end() } else { 0 };
        let integer = |x: i64| {
            let real = (self.evaluate)((x - zero) as f64 * input.scale, self.parameters);
            let rounded = (real / output.scale).round();
            (least <= rounded && rounded <= most).then_some(rounded as i32)
        };
        let outputs: Vec<Option<i32>> = input.range().map(integer).collect();
        outputs.iter().any(Option::is_some).then_some(Table { outputs })
    }

    /// The root mean square of the function over two deviations of its input to both sides.
    pub(in crate::program) fn estimated_deviation(&self, deviation: f64) -> f64 {
        let at = |i: i32| (self.evaluate)(f64::from(i) / 8.0 * deviation, self.parameters);
        let squares: f64 = (-16..=16).map(|i| at(i) * at(i)).sum();
        let mean = (squares / 33.0).sqrt();
        if mean > 0.0 && mean.is_finite() { mean } else { 1.0 }
    }
}

/// Lowers a node to a function of its first input.
pub(super) fn lower(
    builder: &Builder<'_>,
    node: &Node,
    evaluate: fn(f64, [f64; 2]) -> f64,
    parameters: [f64; 2],
) -> Result<Lowered, String> {
    if parameters.iter().any(|p| p.is_nan()) {
        return Err("an attribute of it is not a number".into());
    }
    let function = Function { evaluate, parameters, from_top: false };
    Lowered::one(SkeletonKind::Function(function), builder.data(node, 0)?)
}

/// A floating-point attribute with its default.
pub(super) fn attribute(node: &Node, name: &str, default: f64) -> f64 {
    node.attributes.float(name).map_or(default, f64::from)
}

/// The error bound of every function.
pub(super) const ERROR: &str = "half a step";
