//! Constant tensors as weights, biases and broadcast operands.

use std::sync::Arc;

use super::Operand;
use crate::graph::{Constant, Tensor};

/// The elements of a float constant, all of them finite.
pub(in crate::program) fn floats(tensor: &Tensor) -> Result<Arc<[f32]>, String> {
    match &tensor.constant {
        Some(Constant::Float(values)) => match values.iter().position(|v| !v.is_finite()) {
            None if Some(values.len() as u64) == tensor.elements() => Ok(values.clone()),
            None => Err(format!("weights {:?} don't fill their shape", tensor.name)),
            Some(at) => Err(format!(
                "weights {:?} hold {} at element {at}: train or export the model again",
                tensor.name, values[at]
            )),
        },
        Some(_) => Err(format!("weights {:?} are no floating-point numbers", tensor.name)),
        None => Err(format!("{:?} is computed where weights are expected", tensor.name)),
    }
}

pub(in crate::program) fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

pub(in crate::program) fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

/// A bias as one number a feature, where it is the same for all rows.
pub(in crate::program) fn per_feature(
    shape: &[usize],
    values: &[f64],
    features: usize,
) -> Option<Vec<f64>> {
    let leading_are_one = shape.iter().rev().skip(1).all(|&d| d == 1);
    match values {
        [one] => Some(vec![*one; features]),
        _ if leading_are_one && values.len() == features => Some(values.to_vec()),
        _ => None,
    }
}

/// How a tensor of shape `from` is read as one of shape `to` (NumPy's rules).
pub(in crate::program) fn broadcast(from: &[usize], to: &[usize]) -> Result<Operand, String> {
    let error = || format!("a shape {from:?} can't be broadcast to {to:?}");
    let offset = to.len().checked_sub(from.len()).ok_or_else(error)?;
    let mut strides = vec![0; to.len()];
    let mut step = 1;
    for (axis, &dim) in from.iter().enumerate().rev() {
        match dim {
            1 => {}
            d if d == to[offset + axis] => strides[offset + axis] = step,
            _ => return Err(error()),
        }
        step *= dim;
    }
    Ok(Operand { strides })
}
