//! Tensors one after another along an axis.

use super::{Operator, Proof, moves, sums};
use crate::graph::Node;
use crate::program::Read;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp, NewScale};

pub(super) static CONCAT: Operator = Operator {
    name: "Concat",
    opsets: "7–21",
    proof: Proof::Linear,
    becomes: "gather under the least scale that holds every operand, constants in its bias",
    error: sums::ERROR,
    lower: concat,
};

fn concat(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let shape = builder.output_shape(node)?;
    let axis = moves::axis(node.attributes.int("axis").unwrap_or(1), shape.len())?;
    let inner: usize = shape[axis + 1..].iter().product();
    let mut gathered = Gathered::default();
    let mut start = 0;
    for position in 0..node.inputs.len() {
        let part = builder.shape(node, position)?;
        let side = *part.get(axis).ok_or("an operand has too few dimensions")?;
        if builder.is_constant(node, position) {
            let values = builder.weights(node, position)?;
            gathered.bias.resize(shape.iter().product(), 0.0);
            for (at, value) in values.iter().enumerate() {
                let (outer, rest) = (at / (side * inner).max(1), at % (side * inner).max(1));
                gathered.constant(outer * shape[axis] * inner + start * inner + rest, *value);
            }
        } else {
            let strides = moves::strides(part);
            let along = (0..shape[axis]).map(|at| at.checked_sub(start).filter(|&at| at < side));
            let along = moves::steps(along, strides[axis])?;
            let axes = (0..shape.len()).map(|other| match other == axis {
                true => Ok(along.clone()),
                false => moves::whole(shape[other], strides[other]),
            });
            let read = Read { axes: axes.collect::<Result<_, _>>()?, sums: Vec::new() };
            gathered.read(builder, node, position, read, 1.0)?;
        }
        start += side;
    }
    if start != shape[axis] {
        return Err("its operands don't fill its output".into());
    }
    if let (1, [Input::Value(_)]) = (node.inputs.len(), gathered.inputs.as_slice()) {
        return Ok(Lowered::Alias);
    }
    let (kind, inputs, scale) = gathered.finish(shape.to_vec());
    Ok(Lowered::Ops(vec![NewOp { scale, ..NewOp::last(kind, inputs) }]))
}

/// Positions that all operands may list together.
const MOST_POSITIONS: usize = 1 << 26;

/// Operands that are gathered into one tensor, under the least scale that holds all of them.
#[derive(Default)]
pub(super) struct Gathered {
    pub inputs: Vec<Input>,
    reads: Vec<Read>,
    coefficients: Vec<f64>,
    pub bias: Vec<f64>,
    /// The greatest magnitude of a constant.
    greatest: f64,
}

impl Gathered {
    pub fn read(
        &mut self,
        builder: &Builder<'_>,
        node: &Node,
        position: usize,
        read: Read,
        coefficient: f64,
    ) -> Result<(), String> {
        // Each operand lists all positions: many operands of many positions are refused.
        let positions: usize = read.axes.iter().map(Vec::len).sum();
        if positions.saturating_mul(node.inputs.len()) > MOST_POSITIONS {
            return Err("it has too many operands for their size".into());
        }
        self.inputs.push(Input::Value(builder.data(node, position)?));
        self.reads.push(read);
        self.coefficients.push(coefficient);
        Ok(())
    }

    pub fn constant(&mut self, element: usize, value: f32) {
        self.bias[element] = f64::from(value);
        self.greatest = self.greatest.max(f64::from(value.abs()));
    }

    pub fn finish(self, shape: Vec<usize>) -> (SkeletonKind, Vec<Input>, NewScale) {
        let Self { inputs, reads, coefficients, bias, greatest } = self;
        let scale = NewScale::Holding(inputs.clone(), greatest);
        (SkeletonKind::Gather { shape, reads, coefficients, bias }, inputs, scale)
    }
}
