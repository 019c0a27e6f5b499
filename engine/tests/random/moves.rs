//! Random moves of elements, reductions, and nodes that only rename.

use super::draft::{Draft, Live, Made, Node};

/// An axis as a file writes it: counted from the end at times, where that is allowed.
fn written(draft: &mut Draft, axis: usize, rank: usize) -> i64 {
    match draft.opset >= 11 && draft.chance.one_in(3) {
        true => axis as i64 - rank as i64,
        false => axis as i64,
    }
}

/// Some axes of a tensor, at least one, increasing.
fn some_axes(draft: &mut Draft, rank: usize) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..rank).filter(|_| draft.chance.one_in(2)).collect();
    if axes.is_empty() {
        axes.push(draft.chance.below(rank));
    }
    axes
}

/// Axes as an attribute or, from an opset on, as an input.
fn with_axes(draft: &mut Draft, node: Node, axes: &[usize], rank: usize, since: i64) -> Node {
    let axes: Vec<i64> = axes.iter().map(|&axis| written(draft, axis, rank)).collect();
    match draft.opset < since {
        true => node.signed("axes", &axes),
        false => node.reads(&draft.ints(&axes)),
    }
}

pub fn transpose(draft: &mut Draft, x: &Live) -> bool {
    let mut order: Vec<usize> = (0..x.rank()).rev().collect();
    let mut node = Node::new("Transpose", &[&x.name]);
    if !draft.chance.one_in(4) {
        draft.chance.shuffle(&mut order);
        node = node.ints("perm", &order);
    }
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

pub fn slice(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() == 0 {
        return false;
    }
    let axes = some_axes(draft, x.rank());
    let mut shape = x.shape.clone();
    let (mut starts, mut ends, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for &axis in &axes {
        let side = x.shape[axis];
        let step = match draft.opset < 10 {
            true => 1,
            false => draft.chance.pick(&[1i64, 1, 1, 2, 3, -1, -2]),
        };
        let (from, to) = (draft.chance.below(side), draft.chance.between(1, side));
        let (from, count) = match step > 0 {
            // A whole axis where the two are the wrong way round.
            true if from >= to => (0, side),
            true => (from, to - from),
            false => (from, from + 1),
        };
        shape[axis] = count.div_ceil(step.unsigned_abs() as usize);
        // Ends may be counted from the end, and lie beyond it.
        let beyond = draft.chance.one_in(3);
        let end = match step > 0 {
            true if from + count == side && beyond => i64::MAX,
            true if from + count < side && beyond => (from + count) as i64 - side as i64,
            true => (from + count) as i64,
            false => -(side as i64) - 1,
        };
        let start = if draft.chance.one_in(3) { from as i64 - side as i64 } else { from as i64 };
        starts.push(start);
        ends.push(end);
        steps.push(step);
    }
    let mut node = Node::new("Slice", &[&x.name]);
    if draft.opset < 10 {
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        node = node.signed("starts", &starts).signed("ends", &ends).signed("axes", &axes);
    } else {
        for list in [&starts, &ends] {
            node = node.reads(&draft.ints(list));
        }
        node = with_axes(draft, node, &axes, x.rank(), 0);
        if steps.iter().any(|&s| s != 1) {
            node = node.reads(&draft.ints(&steps));
        }
    }
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

pub fn split(draft: &mut Draft, x: &Live) -> bool {
    let Some(axis) = (0..x.rank()).rev().find(|&axis| x.shape[axis] > 1) else { return false };
    let side = x.shape[axis];
    let mut node = Node::new("Split", &[&x.name]).int("axis", written(draft, axis, x.rank()));
    let parts = if side.is_multiple_of(2) && draft.chance.one_in(2) {
        if draft.opset >= 18 {
            node = node.int("num_outputs", 2);
        }
        vec![side / 2; 2]
    } else {
        let first = draft.chance.between(1, side - 1);
        let parts = vec![first, side - first];
        if draft.opset < 13 {
            node = node.ints("split", &parts);
        } else {
            let lengths: Vec<i64> = parts.iter().map(|&p| p as i64).collect();
            node = node.reads(&draft.ints(&lengths));
        }
        parts
    };
    let made = parts.into_iter().map(|part| {
        let mut shape = x.shape.clone();
        shape[axis] = part;
        Made::of(x, &shape)
    });
    draft.push(node, made.collect());
    true
}

pub fn concat(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() == 0 {
        return false;
    }
    let axis = draft.chance.below(x.rank());
    let mut parts = vec![(x.name.clone(), x.shape[axis])];
    let (mut most, mut is_positive) = (x.most, x.is_positive);
    for _ in 0..draft.chance.between(0, 2) {
        let fits = |other: &Live| {
            let sides = || other.shape.iter().zip(&x.shape).enumerate();
            other.rank() == x.rank() && sides().all(|(at, (a, b))| at == axis || a == b)
        };
        if draft.chance.one_in(3) {
            let mut shape = x.shape.clone();
            shape[axis] = draft.chance.between(1, 2);
            let (values, greatest) = draft.weights(shape.iter().product());
            parts.push((draft.floats(&shape, &values), shape[axis]));
            (most, is_positive) = (most.max(greatest), false);
        } else if let Some(other) = draft.other(fits) {
            most = most.max(other.most);
            is_positive &= other.is_positive;
            parts.push((other.name, other.shape[axis]));
        }
    }
    draft.chance.shuffle(&mut parts);
    let mut shape = x.shape.clone();
    shape[axis] = parts.iter().map(|(_, side)| side).sum();
    if !draft.fits(&shape) {
        return false;
    }
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    let node = Node::new("Concat", &names).int("axis", written(draft, axis, x.rank()));
    draft.push(node, vec![Made::new(&shape, most).positive(is_positive)]);
    true
}

pub fn pad(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() == 0 {
        return false;
    }
    let mode = draft.chance.pick(&["constant", "constant", "edge", "reflect"]);
    let mut pads = vec![0i64; 2 * x.rank()];
    for (at, pad) in pads.iter_mut().enumerate() {
        let side = x.shape[at % x.rank()];
        let most = if mode == "reflect" { (side - 1).min(2) } else { 2 };
        if draft.chance.one_in(3) {
            *pad = draft.chance.between(0, most) as i64;
        }
    }
    let shape: Vec<usize> = (0..x.rank())
        .map(|axis| x.shape[axis] + pads[axis] as usize + pads[x.rank() + axis] as usize)
        .collect();
    if !draft.fits(&shape) {
        return false;
    }
    let value = if draft.chance.one_in(2) { 0.0 } else { 2.0 * draft.chance.signed() };
    let has_value = mode == "constant" && value != 0.0;
    let mut node = Node::new("Pad", &[&x.name]);
    if draft.opset < 11 {
        node = node.signed("pads", &pads);
        if has_value {
            node = node.float("value", value);
        }
    } else {
        node = node.reads(&draft.ints(&pads));
        if has_value {
            node = node.reads(&draft.floats(&[], &[value]));
        }
    }
    if mode != "constant" || draft.chance.one_in(2) {
        node = node.text("mode", mode);
    }
    let most = if has_value { x.most.max(f64::from(value.abs())) } else { x.most };
    let is_positive = x.is_positive && !(has_value && value < 0.0);
    draft.push(node, vec![Made::new(&shape, most).positive(is_positive)]);
    true
}

pub fn resize(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() != 4 {
        return false;
    }
    let scale = |draft: &mut Draft| match draft.opset < 11 {
        true => draft.chance.pick(&[1.0f32, 2.0, 2.0]),
        false => draft.chance.pick(&[1.0f32, 2.0, 3.0, 0.5, 1.5, 0.7]),
    };
    let scales = [1.0, 1.0, scale(draft), scale(draft)];
    let scaled = |(&side, &scale): (&usize, &f32)| (side as f32 * scale).floor() as usize;
    let mut shape: Vec<usize> = x.shape.iter().zip(&scales).map(scaled).collect();
    let by_size = draft.opset >= 11 && draft.chance.one_in(3);
    if by_size {
        for (side, &from) in shape.iter_mut().zip(&x.shape).skip(2) {
            *side = draft.chance.between(1, 2 * from);
        }
    }
    if !draft.fits(&shape) {
        return false;
    }
    let mut node = Node::new("Resize", &[&x.name]);
    if draft.opset < 11 {
        node = node.reads(&draft.floats(&[4], &scales));
    } else {
        // Until opset 12 the region of interest may not be left out.
        let roi = if draft.opset < 13 { draft.floats(&[0], &[]) } else { String::new() };
        node = node.reads(&roi);
        if by_size {
            let sizes: Vec<i64> = shape.iter().map(|&s| s as i64).collect();
            let scales = if draft.opset < 13 { draft.floats(&[0], &[]) } else { String::new() };
            node = node.reads(&scales).reads(&draft.ints(&sizes));
        } else {
            node = node.reads(&draft.floats(&[4], &scales));
        }
        let transform =
            draft.chance.pick(&["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"]);
        let nearest =
            draft.chance.pick(&["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]);
        if !draft.chance.one_in(4) {
            node = node.text("coordinate_transformation_mode", transform);
        }
        if !draft.chance.one_in(4) {
            node = node.text("nearest_mode", nearest);
        }
    }
    draft.push(node.text("mode", "nearest"), vec![Made::of(x, &shape)]);
    true
}

pub fn tile(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() == 0 {
        return false;
    }
    let times: Vec<usize> = x.shape.iter().map(|_| draft.chance.pick(&[1, 1, 2, 3])).collect();
    let shape: Vec<usize> = x.shape.iter().zip(&times).map(|(side, n)| side * n).collect();
    if !draft.fits(&shape) {
        return false;
    }
    let list: Vec<i64> = times.iter().map(|&n| n as i64).collect();
    let node = Node::new("Tile", &[&x.name]).reads(&draft.ints(&list));
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

pub fn expand(draft: &mut Draft, x: &Live) -> bool {
    let mut shape: Vec<usize> = x
        .shape
        .iter()
        .map(|&side| if side == 1 { draft.chance.between(1, 3) } else { side })
        .collect();
    // The shape that it is given may have sides of 1 where the tensor is wide.
    let given: Vec<i64> = shape
        .iter()
        .zip(&x.shape)
        .map(|(&to, &from)| if to == from && draft.chance.one_in(3) { 1 } else { to as i64 })
        .collect();
    let mut list = given;
    if shape.len() < 4 && draft.chance.one_in(3) {
        let side = draft.chance.between(1, 2);
        shape.insert(0, side);
        list.insert(0, side as i64);
    }
    if !draft.fits(&shape) || list.is_empty() {
        return false;
    }
    let node = Node::new("Expand", &[&x.name]).reads(&draft.ints(&list));
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

pub fn gather(draft: &mut Draft, x: &Live) -> bool {
    if x.rank() == 0 {
        return false;
    }
    let axis = draft.chance.below(x.rank());
    let side = x.shape[axis];
    let indices: Vec<i64> = (0..draft.chance.between(1, 4))
        .map(|_| {
            let at = draft.chance.below(side);
            written(draft, at, side)
        })
        .collect();
    let mut shape = x.shape.clone();
    shape[axis] = indices.len();
    if !draft.fits(&shape) {
        return false;
    }
    let node = Node::new("Gather", &[&x.name]).reads(&draft.ints(&indices));
    let node = node.int("axis", written(draft, axis, x.rank()));
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

pub fn reduce(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    if x.rank() == 0 {
        return false;
    }
    let mut node = Node::new(operator, &[&x.name]);
    let axes = match draft.chance.one_in(5) {
        true => (0..x.rank()).collect(),
        false => {
            let axes = some_axes(draft, x.rank());
            let since = if operator == "ReduceSum" { 13 } else { 18 };
            node = with_axes(draft, node, &axes, x.rank(), since);
            axes
        }
    };
    let keeps = draft.chance.one_in(2);
    if !keeps || draft.chance.one_in(2) {
        node = node.int("keepdims", i64::from(keeps));
    }
    let mut shape = x.shape.clone();
    for &axis in axes.iter().rev() {
        if keeps {
            shape[axis] = 1;
        } else {
            shape.remove(axis);
        }
    }
    let count: usize = axes.iter().map(|&axis| x.shape[axis]).product();
    let most = if operator == "ReduceSum" { x.most * count as f64 } else { x.most };
    draft.push(node, vec![Made::new(&shape, most).positive(x.is_positive)]);
    true
}

/// Nodes that leave all elements where they are.
pub fn alias(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    let node = Node::new(operator, &[&x.name]);
    let (node, shape) = match operator {
        "Identity" => (node, x.shape.clone()),
        "Dropout" => (dropout(draft, node), x.shape.clone()),
        "Flatten" => {
            let axis = draft.chance.between(0, x.rank());
            let (rows, columns) = x.shape.split_at(axis);
            let shape = vec![rows.iter().product(), columns.iter().product()];
            let is_default = axis == 1 && draft.chance.one_in(2);
            let node = if is_default { node } else { node.int("axis", axis as i64) };
            (node, shape)
        }
        "Reshape" => reshape(draft, node, x),
        "Squeeze" => {
            let axes: Vec<usize> = (0..x.rank()).filter(|&axis| x.shape[axis] == 1).collect();
            let Some(&first) = axes.first() else { return false };
            let axes = if draft.chance.one_in(2) { axes } else { vec![first] };
            let mut shape = x.shape.clone();
            for &axis in axes.iter().rev() {
                shape.remove(axis);
            }
            (with_axes(draft, node, &axes, x.rank(), 13), shape)
        }
        _ => {
            if x.rank() > 3 {
                return false;
            }
            let axis = draft.chance.between(0, x.rank());
            let mut shape = x.shape.clone();
            shape.insert(axis, 1);
            (with_axes(draft, node, &[axis], shape.len(), 13), shape)
        }
    };
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

fn dropout(draft: &mut Draft, node: Node) -> Node {
    match (draft.opset < 12, draft.chance.one_in(2)) {
        (true, true) => node.float("ratio", 0.3),
        (false, true) => node.reads(&draft.floats(&[], &[0.3])),
        (_, false) => node,
    }
}

/// The elements in up to four sides; one of them may be left to be worked out.
fn reshape(draft: &mut Draft, node: Node, x: &Live) -> (Node, Vec<usize>) {
    let mut rest = x.len();
    let mut shape = Vec::new();
    for _ in 0..draft.chance.between(0, 3) {
        let all: Vec<usize> = (1..=rest).filter(|side| rest.is_multiple_of(*side)).collect();
        let side = draft.chance.pick(&all);
        shape.push(side);
        rest /= side;
    }
    shape.push(rest);
    draft.chance.shuffle(&mut shape);
    let mut list: Vec<i64> = shape.iter().map(|&side| side as i64).collect();
    if draft.chance.one_in(2) {
        let at = draft.chance.below(list.len());
        list[at] = -1;
    }
    // Zero means the side of the input there.
    let same = list.iter().zip(&x.shape).position(|(&to, &from)| to == from as i64);
    if let Some(at) = same.filter(|_| draft.chance.one_in(2)) {
        list[at] = 0;
    }
    (node.reads(&draft.ints(&list)), shape)
}
