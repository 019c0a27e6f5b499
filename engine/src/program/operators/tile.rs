//! A tensor several times over along each dimension.

use super::{Operator, Proof, moves};

pub(super) static TILE: Operator = Operator {
    name: "Tile",
    opsets: "7–21",
    proof: Proof::Move,
    becomes: "gather",
    error: moves::EXACT,
    lower: |builder, node| {
        let (input, output) = (builder.shape(node, 0)?, builder.output_shape(node)?);
        let fits = |(&from, &to): (&usize, &usize)| from > 0 && to.is_multiple_of(from);
        if input.len() != output.len() || !input.iter().zip(output).all(fits) {
            return Err("its output is no multiple of its input".into());
        }
        let sides = input.iter().zip(output).zip(moves::strides(input));
        let axes = sides
            .map(|((&from, &to), stride)| moves::steps((0..to).map(|at| Some(at % from)), stride));
        moves::moved(builder, node, output.to_vec(), axes.collect::<Result<_, _>>()?)
    },
};
