//! Random dense layers, products of matrices and normalisations.

use super::draft::{Draft, Live, Made, Node, broadcast};

pub fn gemm(draft: &mut Draft, x: &Live) -> bool {
    let &[rows, inner] = x.shape.as_slice() else { return false };
    let outer = draft.chance.between(1, 5);
    if !draft.fits(&[rows, outer]) {
        return false;
    }
    let is_turned = draft.chance.one_in(2);
    let dims = if is_turned { [outer, inner] } else { [inner, outer] };
    let (weights, most) = draft.weights(outer * inner);
    let mut node = Node::new("Gemm", &[&x.name, &draft.floats(&dims, &weights)]);
    let mut greatest = most * x.most * inner as f64;
    // Before opset 11 there is always a bias.
    if draft.opset < 11 || draft.chance.one_in(2) {
        let shapes: [&[usize]; 5] = [&[outer], &[1, outer], &[1], &[], &[1, 1]];
        let dims = draft.chance.pick(&shapes);
        let (bias, most) = draft.weights(dims.iter().product());
        node = node.reads(&draft.floats(dims, &bias));
        greatest += 2.0 * most;
        if draft.chance.one_in(2) {
            node = node.float("beta", 2.0 * draft.chance.signed());
        }
    }
    if is_turned {
        node = node.int("transB", 1);
    }
    if draft.chance.one_in(3) {
        node = node.float("alpha", draft.chance.signed());
    }
    draft.push(node, vec![Made::new(&[rows, outer], greatest)]);
    true
}

pub fn matmul(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() < 2 {
        return false;
    }
    if draft.chance.one_in(2) { computed(draft, x) } else { dense(draft, x) }
}

fn dense(draft: &mut Draft, x: &Live) -> bool {
    let (inner, outer) = (x.shape[x.rank() - 1], draft.chance.between(1, 5));
    let mut shape = x.shape.clone();
    shape[x.rank() - 1] = outer;
    if !draft.fits(&shape) {
        return false;
    }
    let (weights, most) = draft.weights(inner * outer);
    let name = draft.floats(&[inner, outer], &weights);
    let made = Made::new(&shape, most * x.most * inner as f64);
    draft.push(Node::new("MatMul", &[&x.name, &name]), vec![made]);
    true
}

/// With another tensor where one fits, else with itself, turned.
fn computed(draft: &mut Draft, x: &Live) -> bool {
    let product = |a: &Live, b: &Live| -> Option<Vec<usize>> {
        let (outer_a, [rows, inner]) = a.shape.split_last_chunk::<2>()?;
        let (outer_b, [other, columns]) = b.shape.split_last_chunk::<2>()?;
        let outer = broadcast(outer_a, outer_b).filter(|_| inner == other)?;
        Some([outer.as_slice(), &[*rows, *columns]].concat())
    };
    let other = match draft.other(|other| product(x, other).is_some()) {
        Some(other) => other,
        None => {
            let mut order: Vec<usize> = (0..x.rank()).collect();
            order.swap(x.rank() - 1, x.rank() - 2);
            let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
            let node = Node::new("Transpose", &[&x.name]).ints("perm", &order);
            let name = draft.push(node, vec![Made::of(x, &shape)]);
            Live { name, shape, ..x.clone() }
        }
    };
    let Some(shape) = product(x, &other).filter(|shape| draft.fits(shape)) else { return false };
    let greatest = x.most * other.most * x.shape[x.rank() - 1] as f64;
    if greatest > 1e6 {
        return false;
    }
    let made = Made::new(&shape, greatest).positive(x.is_positive && other.is_positive);
    draft.push(Node::new("MatMul", &[&x.name, &other.name]), vec![made]);
    true
}

pub fn batch_normalization(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() < 2 {
        return false;
    }
    let channels = x.shape[1];
    let (scale, most_scale) = draft.weights(channels);
    let (shift, most_shift) = draft.weights(channels);
    let mean: Vec<f32> = (0..channels).map(|_| draft.chance.signed()).collect();
    let least = draft.chance.pick(&[0.5f32, 0.01, 0.0]);
    let variance: Vec<f32> =
        (0..channels).map(|_| draft.chance.signed().abs() * 2.0 + least).collect();
    let mut node = Node::new("BatchNormalization", &[&x.name]);
    for values in [scale, shift, mean, variance] {
        node = node.reads(&draft.floats(&[channels], &values));
    }
    if draft.chance.one_in(2) {
        node = node.float("epsilon", 0.001);
    }
    let greatest = most_scale * (x.most + 1.0) / 0.003 + most_shift;
    draft.push(node, vec![Made::new(&x.shape, greatest)]);
    true
}
