//! Kinds of operators that look alike, and what tells a node from its like.

use egui::Color32;
use microtome_engine::graph::{Graph, Node as Operator};

/// Kinds of operators that look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Convolutions and matrix products: where the multiplications are.
    Linear,
    /// Element-wise functions with one input.
    Activation,
    /// Windows that shrink.
    Pooling,
    /// Normalisations.
    Normalisation,
    /// Where branches meet: sums, products, concatenations.
    Join,
    /// What only renames or moves elements.
    Reshape,
    /// The graph's inputs and outputs.
    End,
    /// Nodes that are folded into one box.
    Block,
    /// Everything else.
    Other,
}

impl Family {
    /// The family of an ONNX operator.
    #[must_use]
    pub fn of(operator: &str) -> Self {
        match operator {
            "Conv" | "ConvTranspose" | "Gemm" | "MatMul" | "ConvInteger" | "MatMulInteger"
            | "QLinearConv" | "QLinearMatMul" | "Einsum" | "LSTM" | "GRU" | "RNN" => Self::Linear,
            "Relu" | "LeakyRelu" | "PRelu" | "Elu" | "Selu" | "Celu" | "Sigmoid"
            | "HardSigmoid" | "HardSwish" | "Tanh" | "Gelu" | "Erf" | "Softmax" | "LogSoftmax"
            | "Softplus" | "Softsign" | "Mish" | "Clip" | "Exp" | "Log" | "Sqrt" | "Abs"
            | "Neg" | "Reciprocal" => Self::Activation,
            "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool" | "LpPool"
            | "ReduceMean" | "ReduceMax" | "ReduceSum" | "ArgMax" | "TopK" => Self::Pooling,
            "BatchNormalization"
            | "LayerNormalization"
            | "InstanceNormalization"
            | "GroupNormalization"
            | "LRN"
            | "LpNormalization" => Self::Normalisation,
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Sum" | "Max" | "Min" | "Mean" | "Concat"
            | "Where" => Self::Join,
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Identity"
            | "Dropout" | "Cast" | "Slice" | "Split" | "Gather" | "Pad" | "Expand" | "Tile"
            | "Shape" | "Constant" | "DepthToSpace" | "SpaceToDepth" | "Resize" | "Upsample" => {
                Self::Reshape
            }
            _ => Self::Other,
        }
    }

    /// Whether its boxes are no rectangles.
    #[must_use]
    pub fn is_polygon(self) -> bool {
        matches!(self, Self::Pooling | Self::Normalisation | Self::Join)
    }

    /// The colour of its boxes.
    #[must_use]
    pub fn color(self, dark: bool) -> Color32 {
        let (on_dark, on_light) = match self {
            Self::Linear => ((0x35, 0x69, 0xa6), (0x3b, 0x78, 0xbe)),
            Self::Activation => ((0x3f, 0x83, 0x5a), (0x38, 0x8a, 0x5c)),
            Self::Pooling => ((0x80, 0x55, 0x96), (0x8a, 0x5a, 0xa6)),
            Self::Normalisation => ((0x2e, 0x7d, 0x83), (0x24, 0x80, 0x88)),
            Self::Join => ((0xa3, 0x5d, 0x43), (0xb8, 0x62, 0x42)),
            Self::Reshape | Self::Other => ((0x56, 0x5f, 0x70), (0x71, 0x7c, 0x8f)),
            Self::End => ((0x22, 0x26, 0x2f), (0xee, 0xf1, 0xf5)),
            Self::Block => ((0x2c, 0x36, 0x4a), (0xdd, 0xe5, 0xf1)),
        };
        let (r, g, b) = if dark { on_dark } else { on_light };
        Color32::from_rgb(r, g, b)
    }
}

/// What tells a node from others of its operator, in a few characters.
#[must_use]
pub fn detail(graph: &Graph, node: &Operator) -> String {
    let times = |dims: &[i64]| dims.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
    let weight_dims = graph.input(node, 1).and_then(|t| t.shape.clone());
    let features = match (node.op.as_str(), weight_dims) {
        ("Conv", Some(dims)) => dims.first().copied(),
        ("Gemm", Some(dims)) if dims.len() == 2 => {
            let transposed = node.attributes.int("transB").unwrap_or(0) != 0;
            dims.get(usize::from(!transposed)).copied()
        }
        ("MatMul", Some(dims)) => dims.last().copied(),
        _ => None,
    };
    let kernel = node.attributes.ints("kernel_shape").map(times);
    let stride = node
        .attributes
        .ints("strides")
        .filter(|s| s.iter().any(|&v| v != 1))
        .map(|s| format!("/{}", s.iter().max().copied().unwrap_or(1)));
    let window = kernel.map(|k| k + stride.as_deref().unwrap_or_default());
    match (window, features) {
        (Some(w), Some(f)) => format!("{w} → {f}"),
        (Some(w), None) => w,
        (None, Some(f)) => format!("→ {f}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_have_their_families() {
        for (operator, family) in [
            ("Conv", Family::Linear),
            ("Relu", Family::Activation),
            ("MaxPool", Family::Pooling),
            ("Add", Family::Join),
            ("BatchNormalization", Family::Normalisation),
            ("Flatten", Family::Reshape),
            ("NonMaxSuppression", Family::Other),
        ] {
            assert_eq!(Family::of(operator), family, "{operator}");
        }
    }
}
