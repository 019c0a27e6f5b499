//! Convolutions and dense layers.

use super::ops::Builder;
use super::weights::{doubles, per_feature, transpose};
use super::{FloatWeights, SkeletonKind};
use crate::graph::Node;
use crate::program::geometry;

impl Builder<'_> {
    pub(in crate::program) fn conv(&self, node: &Node) -> Result<SkeletonKind, String> {
        let (input, output) = (self.shape(node, 0)?, self.output_shape(node)?);
        let kernel = self.shape(node, 1)?;
        let weights = self.weights(node, 1)?;
        if input.len() < 3 || kernel.len() != input.len() || output.len() != input.len() {
            return Err(format!(
                "a Conv of shape {input:?} with weights {kernel:?} is not supported"
            ));
        }
        let window = geometry::window(node, input[0], &input[2..], &output[2..], &kernel[2..])?;
        let groups = usize::try_from(node.attributes.int("group").unwrap_or(1)).unwrap_or(0);
        let (channels_in, channels_out) = (input[1], kernel[0]);
        let fits = groups > 0
            && Some(channels_in) == kernel[1].checked_mul(groups)
            && channels_out % groups == 0
            && output[..2] == [input[0], channels_out];
        if !fits {
            return Err(format!(
                "weights {kernel:?} in {groups} groups don't fit an input {input:?}"
            ));
        }
        let bias = match node.inputs.get(2).copied().flatten() {
            None => vec![0.0; channels_out],
            Some(_) => doubles(&self.weights(node, 2)?),
        };
        if bias.len() != channels_out {
            return Err(format!("{} biases don't fit {channels_out} channels", bias.len()));
        }
        let floats = FloatWeights { weights, factors: vec![1.0; channels_out], bias };
        Ok(SkeletonKind::Conv { window, channels_in, groups, floats })
    }

    pub(in crate::program) fn gemm(&self, node: &Node) -> Result<SkeletonKind, String> {
        let (a, b) = (self.shape(node, 0)?, self.shape(node, 1)?);
        let flag = |name: &str| node.attributes.int(name).unwrap_or(0) != 0;
        let &[rows, inner] = a else {
            return Err(format!("a Gemm of shape {a:?} is not supported"));
        };
        if flag("transA") {
            return Err("a Gemm with transA is not supported".into());
        }
        let &[first, second] = b else { return Err(format!("weights of shape {b:?}")) };
        let weights = self.weights(node, 1)?;
        let transposed = flag("transB");
        let (outer, inner_of_b) = if transposed { (first, second) } else { (second, first) };
        if inner_of_b != inner {
            return Err(format!("weights {b:?} don't fit an input {a:?}"));
        }
        let weights = if transposed { weights } else { transpose(&weights, inner, outer).into() };
        let factor = |name: &str| f64::from(node.attributes.float(name).unwrap_or(1.0));
        let bias = match node.inputs.get(2).copied().flatten() {
            None => vec![0.0; outer],
            Some(id) => {
                let shape = self.graph.tensor(id).shape.clone().unwrap_or_default();
                let values = doubles(&self.weights(node, 2)?);
                let per_feature = per_feature(&shape, &values, outer)
                    .ok_or_else(|| format!("a bias of shape {shape:?} is not supported"))?;
                per_feature.iter().map(|v| v * factor("beta")).collect()
            }
        };
        let floats = FloatWeights { weights, factors: vec![factor("alpha"); outer], bias };
        Ok(SkeletonKind::Dense { rows, inner, floats })
    }

    pub(in crate::program) fn matmul(&self, node: &Node) -> Result<SkeletonKind, String> {
        let (a, b) = (self.shape(node, 0)?, self.shape(node, 1)?);
        if self.graph.input(node, 1).is_some_and(|t| t.constant.is_none()) {
            return Err("a MatMul of two computed tensors is not supported in a proof here".into());
        }
        let (&[inner_of_b, outer], Some((&inner, leading))) = (b, a.split_last()) else {
            return Err(format!("a MatMul of {a:?} with weights {b:?} is not supported"));
        };
        if inner != inner_of_b || leading.is_empty() {
            return Err(format!("a MatMul of {a:?} with weights {b:?} is not supported"));
        }
        let weights = transpose(&self.weights(node, 1)?, inner, outer).into();
        let floats = FloatWeights { weights, factors: vec![1.0; outer], bias: vec![0.0; outer] };
        Ok(SkeletonKind::Dense { rows: leading.iter().product(), inner, floats })
    }
}
