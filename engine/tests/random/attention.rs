//! Random nodes of what an attention has between its products.

use super::draft::{Draft, Live, Made, Node, broadcast};

/// `Softmax`, at times behind a mask.
pub fn softmax(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() == 0 || x.most > 1e3 {
        return false;
    }
    let rank = x.rank() as i64;
    let axis = draft.chance.below(2 * x.rank()) as i64 - rank;
    // A row that is masked throughout is no row of a softmax: every other element is masked.
    if draft.opset >= 9 && x.len() > 1 && draft.chance.one_in(3) {
        let side = x.shape[x.rank() - 1];
        let condition: Vec<bool> = (0..side).map(|at| at % 2 == 0).collect();
        let condition = draft.truths(&[side], &condition);
        let least = draft.chance.pick(&[-1e4f32, -1e10, f32::MIN]);
        let least = draft.floats(&[], &[least]);
        let node = Node::new("Where", &[&condition, &x.name, &least]);
        let masked = draft.push(node, vec![Made::new(&x.shape, x.most)]);
        // What is less than everything is only of use to the softmax, and along other axes a
        // column may be masked throughout.
        draft.take(&masked);
        let node = Node::new("Softmax", &[&masked]).int("axis", rank - 1);
        draft.push(node, vec![Made::new(&x.shape, 1.0).positive(true)]);
        return true;
    }
    let node = Node::new("Softmax", &[&x.name]);
    // Before opset 13 the axis is 1 unless it is named, which a list doesn't have.
    let is_named = draft.opset < 13 && rank == 1 || !draft.chance.one_in(4);
    draft.push(
        if is_named { node.int("axis", axis) } else { node },
        vec![Made::new(&x.shape, 1.0).positive(true)],
    );
    true
}

/// `Where` of two tensors, or of one and a constant, in either order.
pub fn select(draft: &mut Draft, x: &Live) -> bool {
    let limit = draft.profile.elements();
    let suits = |other: &Live| {
        broadcast(&x.shape, &other.shape)
            .is_some_and(|shape| shape.iter().product::<usize>() <= limit)
    };
    let other = if draft.chance.one_in(2) { draft.other(suits) } else { None };
    let (name, shape, most) = match other {
        Some(other) => (other.name, other.shape, other.most),
        None => {
            let shape = draft.narrower(&x.shape);
            let (values, most) = draft.weights(shape.iter().product());
            (draft.floats(&shape, &values), shape, most)
        }
    };
    let Some(whole) = broadcast(&x.shape, &shape).filter(|shape| draft.fits(shape)) else {
        return false;
    };
    let condition = draft.narrower(&whole);
    let count = condition.iter().product();
    let truths: Vec<bool> = (0..count).map(|_| draft.chance.one_in(2)).collect();
    let condition = draft.truths(&condition, &truths);
    let inputs = match draft.chance.one_in(2) {
        true => [condition.as_str(), &x.name, &name],
        false => [condition.as_str(), &name, &x.name],
    };
    draft.push(Node::new("Where", &inputs), vec![Made::new(&whole, x.most.max(most))]);
    true
}

/// `Div` by a computed tensor that is kept away from zero.
pub fn quotient(draft: &mut Draft, x: &Live) -> bool {
    let limit = draft.profile.elements();
    let suits = |other: &Live| {
        other.is_positive
            && other.most <= 50.0
            && broadcast(&x.shape, &other.shape)
                .is_some_and(|shape| shape.iter().product::<usize>() <= limit)
    };
    let Some(divisor) = draft.other(suits) else { return false };
    let Some(shape) = broadcast(&x.shape, &divisor.shape).filter(|shape| draft.fits(shape)) else {
        return false;
    };
    let least = f64::from(draft.chance.pick(&[0.5f32, 1.0, 3.0])).max(0.2 * divisor.most);
    let offset = draft.floats(&[], &[least as f32]);
    let made = Made::new(&divisor.shape, divisor.most + least).positive(true);
    let divisor = draft.push(Node::new("Add", &[&divisor.name, &offset]), vec![made]);
    let made = Made::new(&shape, x.most / least).positive(x.is_positive);
    draft.push(Node::new("Div", &[&x.name, &divisor]), vec![made]);
    true
}
