//! Maxima and averages over windows.

use super::ops::Builder;
use super::{SkeletonKind, Window};
use crate::graph::{Node, TensorId};
use crate::program::geometry;

impl Builder<'_> {
    pub(in crate::program) fn max_pool(&self, node: &Node) -> Result<SkeletonKind, String> {
        let used = |id: &TensorId| {
            !self.graph.tensor(*id).consumers.is_empty() || self.graph.outputs.contains(id)
        };
        if node.outputs.iter().skip(1).flatten().any(used) {
            return Err("the indices of a MaxPool are not supported".into());
        }
        if node.attributes.int("storage_order").unwrap_or(0) != 0 {
            return Err("a MaxPool in column-major order is not supported".into());
        }
        Ok(SkeletonKind::MaxPool(self.pool_window(node)?))
    }

    pub(in crate::program) fn average(&self, node: &Node) -> Result<SkeletonKind, String> {
        let include = node.attributes.int("count_include_pad").unwrap_or(0) != 0;
        if include && node.attributes.int("ceil_mode").unwrap_or(0) != 0 {
            return Err(
                "an AveragePool with ceil_mode that counts its padding is not supported".into()
            );
        }
        Ok(SkeletonKind::Average { window: self.pool_window(node)?, count_include_pad: include })
    }

    fn pool_window(&self, node: &Node) -> Result<Window, String> {
        let (input, output) = (self.shape(node, 0)?, self.output_shape(node)?);
        if input.len() < 3 || output.len() != input.len() || input[..2] != output[..2] {
            return Err(format!("a {} of shape {input:?} is not supported", node.op));
        }
        let planes = input[0] * input[1];
        if node.op.starts_with("Global") {
            let area = input[2..].iter().product();
            return Ok(Window {
                planes,
                input: [1, area],
                output: [1, 1],
                kernel: [1, area],
                strides: [1, 1],
                pads: [0, 0],
                dilations: [1, 1],
                spreads: [1, 1],
            });
        }
        let kernel = node.attributes.ints("kernel_shape").ok_or("kernel_shape is missing")?;
        let kernel: Vec<usize> = kernel.iter().map(|&k| usize::try_from(k).unwrap_or(0)).collect();
        let window = geometry::window(node, planes, &input[2..], &output[2..], &kernel)?;
        if !geometry::every_position_reads(&window) {
            return Err("a window lies in the padding alone".into());
        }
        Ok(window)
    }
}
