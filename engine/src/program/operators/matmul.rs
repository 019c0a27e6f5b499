//! Products of matrices.

use super::moves::whole;
use super::{Operator, Proof, layers};
use crate::graph::Node;
use crate::program::Read;
use crate::program::skeleton::SkeletonKind;
use crate::program::skeleton::ops::{Builder, Input, Lowered, NewOp};

pub(super) static MATMUL: Operator = Operator {
    name: "MatMul",
    opsets: "7–21",
    proof: Proof::LinearOrProduct,
    becomes: "dense layer where the second operand is a constant matrix; sums of products where \
              both are computed, broadcast over their leading dimensions",
    error: layers::ERROR,
    lower: matmul,
};

fn matmul(builder: &Builder<'_>, node: &Node) -> Result<Lowered, String> {
    if builder.is_constant(node, 1) || builder.is_constant(node, 0) {
        return Lowered::one(builder.matmul(node)?, builder.data(node, 0)?);
    }
    let (a, b) = (builder.shape(node, 0)?, builder.shape(node, 1)?);
    let shape = builder.output_shape(node)?;
    let ([outer_a @ .., rows, inner], [outer_b @ .., other, columns]) = (a, b) else {
        return Err(format!("a MatMul of {a:?} and {b:?} is not supported"));
    };
    let Some((outer, [_, _])) = shape.split_last_chunk::<2>() else {
        return Err(format!("a MatMul of {a:?} and {b:?} is not supported"));
    };
    let (rows, inner, other, columns) = (*rows, *inner, *other, *columns);
    if inner != other || shape[outer.len()..] != [rows, columns] {
        return Err(format!("matrices {a:?} and {b:?} don't fit"));
    }
    let leading = |from: &[usize], matrix: usize| -> Result<Vec<Vec<Option<u32>>>, String> {
        let operand = crate::program::skeleton::weights::broadcast(from, outer)?;
        outer.iter().zip(operand.strides).map(|(&side, s)| whole(side, s * matrix)).collect()
    };
    let stay = |side: usize| vec![Some(0); side];
    let sum = |stride: usize| -> Result<Vec<Vec<u32>>, String> {
        Ok(vec![whole(inner, stride)?.into_iter().flatten().collect()])
    };
    let mut left = Read { axes: leading(outer_a, rows * inner)?, sums: sum(1)? };
    left.axes.extend([whole(rows, inner)?, stay(columns)]);
    let mut right = Read { axes: leading(outer_b, inner * columns)?, sums: sum(columns)? };
    right.axes.extend([stay(rows), whole(columns, 1)?]);
    let kind = SkeletonKind::Product { shape: shape.to_vec(), left, right };
    let inputs = vec![Input::Value(builder.data(node, 0)?), Input::Value(builder.data(node, 1)?)];
    Ok(Lowered::Ops(vec![NewOp::last(kind, inputs)]))
}
