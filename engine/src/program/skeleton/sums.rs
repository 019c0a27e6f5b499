//! Normalisations and sums, folded into the layer before them where nothing else reads it.

use super::ops::{Builder, Input, Lowered, NewOp};
use super::weights::{broadcast, doubles};
use super::{FloatWeights, SkeletonKind, ValueId, Window};
use crate::graph::Node;

impl Builder<'_> {
    /// Folded into the convolution or dense layer before it where nothing else reads that, else a
    /// convolution of its own with one weight a channel.
    pub(in crate::program) fn batch_normalization(&self, node: &Node) -> Result<Lowered, String> {
        let shape = self.shape(node, 0)?;
        if node.attributes.int("training_mode").unwrap_or(0) != 0 {
            return Err("it is in training mode: export the model for inference".into());
        }
        let (factors, shifts) = self.normalization(node)?;
        if shape.len() < 2 || shape[1] != factors.len() {
            return Err(format!("{} channels don't fit an input {shape:?}", factors.len()));
        }
        if node
            .outputs
            .iter()
            .skip(1)
            .flatten()
            .any(|&id| !self.graph.tensor(id).consumers.is_empty())
        {
            return Err("its training outputs are not supported".into());
        }
        let input = self.data(node, 0)?;
        if let Some(op) = self.foldable(node, input)
            && self.channels(op) == Some((factors.len(), shape[2..].iter().product()))
        {
            return Ok(Lowered::Folded { op, factors, shifts });
        }
        let plane: usize = shape[2..].iter().product();
        let window = Window {
            planes: shape[0],
            input: [1, plane],
            output: [1, plane],
            kernel: [1, 1],
            strides: [1, 1],
            pads: [0, 0],
            dilations: [1, 1],
            spreads: [1, 1],
        };
        let channels = factors.len();
        let floats = FloatWeights { weights: vec![1.0; channels].into(), factors, bias: shifts };
        let kind = SkeletonKind::Conv { window, channels_in: channels, groups: channels, floats };
        Lowered::one(kind, input)
    }

    /// `y = x·factor + shift`, channel by channel (ONNX `BatchNormalization`, inference).
    fn normalization(&self, node: &Node) -> Result<(Vec<f64>, Vec<f64>), String> {
        let epsilon = f64::from(node.attributes.float("epsilon").unwrap_or(1e-5));
        let parts: Result<Vec<Vec<f64>>, String> =
            (1..5).map(|i| self.weights(node, i).map(|w| doubles(&w))).collect();
        let parts = parts?;
        let [scale, shift, mean, variance] = parts.as_slice() else {
            return Err("its parameters are incomplete".into());
        };
        let channels = scale.len();
        if [shift, mean, variance].iter().any(|p| p.len() != channels) {
            return Err("its parameters differ in length".into());
        }
        let factors: Vec<f64> =
            scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        if factors.iter().any(|f| !f.is_finite()) {
            return Err("its variance gives no finite factor".into());
        }
        let shifts = shift.iter().zip(mean).zip(&factors).map(|((b, m), f)| b - m * f).collect();
        Ok((factors, shifts))
    }

    /// The operation that a node after it can be folded into: a convolution or dense layer whose
    /// output, under its own shape, nothing else reads.
    pub(in crate::program) fn foldable(&self, node: &Node, input: ValueId) -> Option<usize> {
        let op = self.maker[input.index()]?;
        let tensor = self.skeleton.values[input.index()].tensor?;
        let is_direct = node.inputs.contains(&Some(tensor));
        let is_private =
            self.graph.tensor(tensor).consumers.len() == 1 && !self.graph.outputs.contains(&tensor);
        let is_layer = matches!(
            self.skeleton.ops[op].kind,
            SkeletonKind::Conv { .. } | SkeletonKind::Dense { .. }
        );
        (is_direct && is_private && is_layer).then_some(op)
    }

    /// The output channels of a convolution or dense layer, and the elements that each has in a
    /// row.
    fn channels(&self, op: usize) -> Option<(usize, usize)> {
        match &self.skeleton.ops[op].kind {
            SkeletonKind::Conv { window, floats, .. } => {
                Some((floats.bias.len(), window.output_len()))
            }
            SkeletonKind::Dense { floats, .. } => Some((floats.bias.len(), 1)),
            _ => None,
        }
    }

    /// The sum of all inputs, each times its sign; `signs` repeats its last one.
    pub(in crate::program) fn sum(&self, node: &Node, signs: &[f64]) -> Result<Lowered, String> {
        let shape = self.output_shape(node)?;
        let (mut inputs, mut operands, mut coefficients) = (Vec::new(), Vec::new(), Vec::new());
        let len = shape.iter().product();
        let mut bias: Vec<f64> = Vec::new();
        for position in 0..node.inputs.len() {
            let operand = broadcast(self.shape(node, position)?, shape)?;
            let sign = signs.get(position).or(signs.last()).copied().unwrap_or(1.0);
            if self.is_constant(node, position) {
                let values = self.weights(node, position)?;
                bias.resize(len, 0.0);
                for (element, bias) in bias.iter_mut().enumerate() {
                    *bias += sign * f64::from(values[operand.element(shape, element)]);
                }
            } else {
                inputs.push(self.data(node, position)?);
                operands.push(operand);
                coefficients.push(sign);
            }
        }
        if let &[input] = inputs.as_slice()
            && let Some(op) = self.foldable(node, input)
            && let Some(shifts) =
                self.per_channel(op, shape, |at| bias.get(at).copied().unwrap_or(0.0))
        {
            let factors = vec![coefficients[0]; shifts.len()];
            return Ok(Lowered::Folded { op, factors, shifts });
        }
        if inputs.is_empty() {
            return Err("it adds constants only".into());
        }
        let kind = SkeletonKind::Sum { shape: shape.to_vec(), operands, coefficients, bias };
        let inputs = inputs.into_iter().map(Input::Value).collect();
        Ok(Lowered::Ops(vec![NewOp::last(kind, inputs)]))
    }

    /// Numbers for all elements as one for each output channel of an operation, where it is the
    /// same over all of a channel and the elements have the operation's own shape.
    pub(in crate::program) fn per_channel(
        &self,
        op: usize,
        shape: &[usize],
        number: impl Fn(usize) -> f64,
    ) -> Option<Vec<f64>> {
        let value = &self.skeleton.values[self.skeleton.ops[op].output.index()];
        if value.shape != shape {
            return None;
        }
        let (channels, inner) = self.channels(op)?;
        let numbers: Vec<f64> = (0..channels).map(|c| number(c * inner)).collect();
        let len = shape.iter().product();
        (0..len).all(|at| number(at) == numbers[at / inner % channels]).then_some(numbers)
    }
}
