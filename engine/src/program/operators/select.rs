//! One of two tensors, element by element, by a constant condition, with broadcasting.

use super::moves::{self, broadcast};
use super::mul::{Channels, broadcast_first};
use super::{Operator, Proof, sums};
use crate::graph::{Constant, Node};
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewScale, NewValue};
use crate::program::skeleton::weights;
use crate::program::{Operand, Read};

/// Constants of this magnitude are there to be greater or less than everything: they become the end
/// of the range, whatever it is.
const BEYOND: f64 = 1e4;

pub(super) static WHERE: Operator = Operator {
    name: "Where",
    opsets: "9–21",
    proof: Proof::Linear,
    becomes: "convolution with a weight of 0 or 1 an element, constants in its bias, those of 10^4 \
              and more as the end of the range; for two computed tensors one for each, and their \
              sum; a computed condition is refused",
    error: sums::ERROR,
    lower: select,
};

fn select(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    let choice = Choice::of(builder, node)?;
    let finite = choice.bias.iter().filter(|b| b.is_finite());
    let greatest = finite.fold(0.0f64, |most, b| most.max(b.abs()));
    let (mut ops, mut parts) = (Vec::new(), Vec::new());
    for (position, wanted) in CHOICES.into_iter().filter(|&(at, _)| !builder.is_constant(node, at))
    {
        let input = Input::Value(builder.data(node, position)?);
        let from = builder.shape(node, position)?;
        let read = broadcast_first(&mut ops, input, from, &choice.shape)?;
        let scale = NewScale::Holding(vec![input], greatest);
        let shape = choice.shape.clone();
        ops.push(moves::step(choice.kept(wanted), vec![read], "chosen", shape, scale));
        parts.push(Input::Step(ops.len() - 1));
    }
    if parts.is_empty() {
        return Err("it chooses between constants only".into());
    }
    if parts.len() > 1 {
        let whole = || -> Result<Read, String> {
            Ok(Read { axes: broadcast(&choice.shape, &choice.shape)?, sums: Vec::new() })
        };
        let kind = moves::gather(choice.shape.clone(), vec![whole()?, whole()?], vec![1.0; 2]);
        let scale = NewScale::Holding(parts.clone(), 0.0);
        ops.push(moves::step(kind, parts, "sum", choice.shape.clone(), scale));
    }
    if let Some(last) = ops.last_mut() {
        last.output = NewValue::Output(0);
    }
    Ok(Lowered::Ops(ops))
}

/// The inputs that are chosen from, each with what the condition says there.
const CHOICES: [(usize, bool); 2] = [(1, true), (2, false)];

/// What a Where with a constant condition chooses, element by element.
pub(super) struct Choice {
    shape: Vec<usize>,
    /// What the condition says.
    is_first: Vec<bool>,
    /// The constant that is chosen, where one is: infinite beyond [`BEYOND`].
    bias: Vec<f64>,
    /// Per dimension 1 where condition or constants vary along it.
    varying: Operand,
}

impl Choice {
    fn of(builder: &Builder<'_>, node: &Node) -> Result<Self, String> {
        let shape = builder.output_shape(node)?.to_vec();
        let mut varying = vec![0; shape.len()];
        let mut read = |position: usize| -> Result<Operand, String> {
            let operand = weights::broadcast(builder.shape(node, position)?, &shape)?;
            let strides = varying.iter_mut().zip(&operand.strides);
            strides.for_each(|(varies, &stride)| *varies |= usize::from(stride > 0));
            Ok(operand)
        };
        let condition = builder.graph.input(node, 0).ok_or("its condition is missing")?;
        let Some(Constant::Int(condition)) = &condition.constant else {
            return Err("a computed condition is not supported in a proof here".into());
        };
        let operand = read(0)?;
        let len: usize = shape.iter().product();
        let is_first: Vec<bool> =
            (0..len).map(|at| condition[operand.element(&shape, at)] != 0).collect();
        let mut bias = vec![0.0; len];
        for (position, wanted) in CHOICES {
            let Some(Constant::Float(values)) =
                builder.graph.input(node, position).and_then(|tensor| tensor.constant.as_ref())
            else {
                continue;
            };
            if values.iter().any(|value| value.is_nan()) {
                return Err(format!("input {position} holds a NaN"));
            }
            let operand = read(position)?;
            for at in (0..len).filter(|&at| is_first[at] == wanted) {
                let value = f64::from(values[operand.element(&shape, at)]);
                bias[at] = if value.abs() < BEYOND { value } else { value * f64::INFINITY };
            }
        }
        Ok(Self { shape, is_first, bias, varying: Operand { strides: varying } })
    }

    /// The Where that makes a node's first input with a constant less than everything in it,
    /// where there is one.
    pub fn mask_before(builder: &Builder<'_>, node: &Node) -> Result<Option<Self>, String> {
        let maker = builder.graph.input(node, 0).and_then(|tensor| tensor.producer);
        let Some(maker) = maker.map(|at| &builder.graph.nodes[at]).filter(|n| n.op == "Where")
        else {
            return Ok(None);
        };
        let choice = Self::of(builder, maker)?;
        Ok(choice.bias.contains(&f64::NEG_INFINITY).then_some(choice))
    }

    /// A tensor where the condition chooses it, and the constants elsewhere.
    fn kept(&self, wanted: bool) -> SkeletonKind {
        let kept = self.is_first.iter().map(|&is_first| f64::from(is_first == wanted)).collect();
        self.weighted(kept, &self.bias)
    }

    /// A tensor of this shape with 0 in place of what is less than everything.
    pub fn unmasked(&self) -> SkeletonKind {
        let kept = self.bias.iter().map(|&bias| f64::from(bias != f64::NEG_INFINITY)).collect();
        self.weighted(kept, &vec![0.0; self.bias.len()])
    }

    /// The convolution with these factors and biases, which vary as the choice does.
    fn weighted(&self, factors: Vec<f64>, bias: &[f64]) -> SkeletonKind {
        let channels = Channels::of(&self.shape, &self.varying);
        let pick = |all: &[f64]| -> Vec<f64> {
            (0..channels.channels).map(|channel| all[channel * channels.inner]).collect()
        };
        let ones = vec![1.0; channels.channels];
        channels.biased(1, ones, pick(&factors), pick(bias))
    }
}
