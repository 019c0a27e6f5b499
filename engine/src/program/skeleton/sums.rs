//! Normalisations and sums, folded into the layer before them where nothing else reads it.

use super::ops::{Builder, Lowered};
use super::weights::{broadcast, doubles};
use super::{FloatWeights, SkeletonKind, ValueId, Window};
use crate::graph::Node;

impl Builder<'_> {
    /// Folded into the convolution or dense layer before it where nothing else reads that, else a
    /// convolution of its own with one weight a channel.
    pub(super) fn batch_normalization(&self, node: &Node) -> Result<Lowered, String> {
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
            && (shape.len() == 2 || matches!(self.skeleton.ops[op].kind, SkeletonKind::Conv { .. }))
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
        };
        let channels = factors.len();
        let floats = FloatWeights { weights: vec![1.0; channels].into(), factors, bias: shifts };
        let kind = SkeletonKind::Conv { window, channels_in: channels, groups: channels, floats };
        Ok(Lowered::Op { kind, inputs: vec![input] })
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
    fn foldable(&self, node: &Node, input: ValueId) -> Option<usize> {
        let op = self.maker[input.index()]?;
        let tensor = self.skeleton.values[input.index()].tensor;
        let is_direct = node.inputs.first().copied().flatten() == Some(tensor);
        let is_private =
            self.graph.tensor(tensor).consumers.len() == 1 && !self.graph.outputs.contains(&tensor);
        let is_layer = matches!(
            self.skeleton.ops[op].kind,
            SkeletonKind::Conv { .. } | SkeletonKind::Dense { .. }
        );
        (is_direct && is_private && is_layer).then_some(op)
    }

    pub(super) fn sum(&self, node: &Node) -> Result<Lowered, String> {
        let shape = self.output_shape(node)?;
        let (mut inputs, mut operands) = (Vec::new(), Vec::new());
        let mut bias: Vec<f64> = Vec::new();
        for position in 0..node.inputs.len() {
            let operand = broadcast(self.shape(node, position)?, shape)?;
            if self.graph.input(node, position).is_some_and(|t| t.constant.is_some()) {
                let values = self.weights(node, position)?;
                let len = shape.iter().product();
                bias.resize(len, 0.0);
                for (element, bias) in bias.iter_mut().enumerate() {
                    *bias += f64::from(values[operand.element(shape, element)]);
                }
            } else {
                inputs.push(self.data(node, position)?);
                operands.push(operand);
            }
        }
        if let &[input] = inputs.as_slice()
            && let Some(op) = self.foldable(node, input)
            && let Some(shifts) = self.channel_shifts(op, shape, &bias)
        {
            return Ok(Lowered::Folded { op, factors: vec![1.0; shifts.len()], shifts });
        }
        if inputs.is_empty() {
            return Err("it adds constants only".into());
        }
        let coefficients = vec![1.0; inputs.len()];
        let kind = SkeletonKind::Sum { shape: shape.to_vec(), operands, coefficients, bias };
        Ok(Lowered::Op { kind, inputs })
    }

    /// A constant addend as one number for each output channel of an operation, where it is
    /// the same over all of a channel and the sum has the operation's own shape.
    fn channel_shifts(&self, op: usize, shape: &[usize], addend: &[f64]) -> Option<Vec<f64>> {
        let value = &self.skeleton.values[self.skeleton.ops[op].output.index()];
        if value.shape != shape {
            return None;
        }
        let (channels, inner) = match &self.skeleton.ops[op].kind {
            SkeletonKind::Conv { floats, .. } => {
                (floats.bias.len(), shape.get(2..)?.iter().product::<usize>())
            }
            SkeletonKind::Dense { floats, .. } => (floats.bias.len(), 1),
            _ => return None,
        };
        let shifts: Vec<f64> = (0..channels).map(|c| addend[c * inner]).collect();
        let is_per_channel =
            addend.iter().enumerate().all(|(i, v)| *v == shifts[i / inner % channels]);
        is_per_channel.then_some(shifts)
    }
}
