//! Random convolutions and pools.

use super::draft::{Draft, Live, Made, Node};

/// Kernel, strides, dilations and pads of a window over the sides of an image.
struct Window {
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// All those before, then all those after.
    pads: Vec<usize>,
}

impl Window {
    /// Positions from a kernel's first tap to its last, both included.
    fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilations[axis] + 1
    }

    fn padded(&self, axis: usize, side: usize) -> usize {
        side + self.pads[axis] + self.pads[self.kernel.len() + axis]
    }

    /// The sides of the output, or none where the kernel doesn't fit.
    fn output(&self, sides: &[usize], is_ceiled: bool) -> Option<Vec<usize>> {
        let side = |(axis, &side): (usize, &usize)| {
            let room = self.padded(axis, side).checked_sub(self.reach(axis))?;
            let stride = self.strides[axis];
            let floored = room / stride + 1;
            let ceiled = room.div_ceil(stride) + 1;
            // A last window that would start in the padding at the end is left out.
            let starts_inside = (ceiled - 1) * stride < side + self.pads[axis];
            Some(if is_ceiled && starts_inside { ceiled } else { floored })
        };
        sides.iter().enumerate().map(side).collect()
    }
}

fn window(draft: &mut Draft, sides: &[usize], has_dilations: bool) -> Window {
    let longest = draft.profile.kernel();
    let chance = &mut draft.chance;
    let kernel: Vec<usize> =
        sides.iter().map(|&side| chance.between(1, longest.min(side + 1))).collect();
    let strides = sides.iter().map(|_| chance.pick(&[1, 1, 1, 2, 3])).collect();
    let dilations: Vec<usize> = sides
        .iter()
        .map(|_| if has_dilations { chance.pick(&[1, 1, 1, 2, 3]) } else { 1 })
        .collect();
    let is_padded = chance.one_in(2);
    let pad = |(&kernel, &dilation): (&usize, &usize)| {
        let reach = (kernel - 1) * dilation;
        if is_padded { chance.between(0, reach.min(3)) } else { 0 }
    };
    // Each side for itself, so that most pads are not the same on both.
    let all = kernel.iter().zip(&dilations);
    let pads = all.clone().chain(all).map(pad).collect();
    Window { kernel, strides, dilations, pads }
}

/// Attributes that say the window; those that are the default are left out at times.
fn attributes(draft: &mut Draft, node: Node, window: &Window, auto_pad: Option<&str>) -> Node {
    let mut says = |is_default: bool| !is_default || draft.chance.one_in(2);
    let mut node = node;
    if says(window.strides.iter().all(|&s| s == 1)) {
        node = node.ints("strides", &window.strides);
    }
    if window.dilations.iter().any(|&d| d > 1) {
        node = node.ints("dilations", &window.dilations);
    }
    match auto_pad {
        Some(kind) => node.text("auto_pad", kind),
        None if says(window.pads.iter().all(|&p| p == 0)) => node.ints("pads", &window.pads),
        None => node,
    }
}

/// Pads that follow from the sides, by ONNX's `auto_pad`.
fn automatic(window: &mut Window, sides: &[usize], kind: &str) {
    let rank = sides.len();
    for (axis, &side) in sides.iter().enumerate() {
        let steps = side.div_ceil(window.strides[axis]) - 1;
        let needed = steps * window.strides[axis] + window.reach(axis);
        let total = if kind == "VALID" { 0 } else { needed.saturating_sub(side) };
        let small = total / 2;
        let before = if kind == "SAME_LOWER" { total - small } else { small };
        (window.pads[axis], window.pads[rank + axis]) = (before, total - before);
    }
}

fn auto_pad(draft: &mut Draft, window: &mut Window, sides: &[usize]) -> Option<&'static str> {
    if !draft.chance.one_in(5) {
        return None;
    }
    let kind = draft.chance.pick(&["SAME_UPPER", "SAME_LOWER", "VALID"]);
    automatic(window, sides, kind);
    Some(kind)
}

pub fn conv(draft: &mut Draft, x: &Live) -> bool {
    if !(3..=4).contains(&x.rank()) {
        return false;
    }
    let (channels, sides) = (x.shape[1], &x.shape[2..]);
    let mut window = window(draft, sides, true);
    let kind = auto_pad(draft, &mut window, sides);
    let groups = divisor(draft, channels);
    let outs = groups * draft.chance.between(1, 3);
    let Some(output) = window.output(sides, false) else { return false };
    let shape = [&[x.shape[0], outs], output.as_slice()].concat();
    if !draft.fits(&shape) {
        return false;
    }
    let dims = [&[outs, channels / groups], window.kernel.as_slice()].concat();
    let count: usize = dims.iter().product();
    let (weights, most) = draft.weights(count);
    let name = draft.floats(&dims, &weights);
    let mut node = Node::new("Conv", &[&x.name, &name]);
    let mut greatest = most * x.most * (count / outs) as f64;
    if draft.chance.one_in(2) {
        let (bias, most) = draft.weights(outs);
        node = node.reads(&draft.floats(&[outs], &bias));
        greatest += most;
    }
    if groups > 1 || draft.chance.one_in(3) {
        node = node.int("group", groups as i64);
    }
    if draft.chance.one_in(2) {
        node = node.ints("kernel_shape", &window.kernel);
    }
    let node = attributes(draft, node, &window, kind);
    draft.push(node, vec![Made::new(&shape, greatest)]);
    true
}

pub fn conv_transpose(draft: &mut Draft, x: &Live) -> bool {
    if !(3..=4).contains(&x.rank()) {
        return false;
    }
    let (channels, sides) = (x.shape[1], &x.shape[2..]);
    let mut window = window(draft, sides, true);
    window.pads.iter_mut().for_each(|pad| *pad = (*pad).min(1));
    let groups = divisor(draft, channels);
    let out_of_group = draft.chance.between(1, 2);
    let mut extra = vec![0; sides.len()];
    if draft.chance.one_in(3) {
        for (axis, extra) in extra.iter_mut().enumerate() {
            // It has to be less than the stride.
            *extra = draft.chance.below(window.strides[axis]);
        }
    }
    let rank = sides.len();
    let output: Option<Vec<usize>> = (0..rank)
        .map(|axis| {
            let full = (sides[axis] - 1) * window.strides[axis] + window.reach(axis) + extra[axis];
            full.checked_sub(window.pads[axis] + window.pads[rank + axis]).filter(|&side| side > 0)
        })
        .collect();
    let Some(output) = output else { return false };
    let shape = [&[x.shape[0], groups * out_of_group], output.as_slice()].concat();
    if !draft.fits(&shape) {
        return false;
    }
    let dims = [&[channels, out_of_group], window.kernel.as_slice()].concat();
    let count: usize = dims.iter().product();
    let (weights, most) = draft.weights(count);
    let name = draft.floats(&dims, &weights);
    let mut node = Node::new("ConvTranspose", &[&x.name, &name]);
    let mut greatest = most * x.most * count as f64;
    if draft.chance.one_in(2) {
        let (bias, most) = draft.weights(shape[1]);
        node = node.reads(&draft.floats(&[shape[1]], &bias));
        greatest += most;
    }
    if groups > 1 {
        node = node.int("group", groups as i64);
    }
    if extra.iter().any(|&e| e > 0) {
        node = node.ints("output_padding", &extra);
    }
    let node = attributes(draft, node, &window, None);
    draft.push(node, vec![Made::new(&shape, greatest)]);
    true
}

pub fn pool(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    if !(3..=4).contains(&x.rank()) {
        return false;
    }
    let is_max = operator == "MaxPool";
    let sides = &x.shape[2..];
    let has_dilations = draft.opset >= if is_max { 10 } else { 19 };
    let mut window = window(draft, sides, has_dilations);
    // Most windows of pools lie one beside another.
    if draft.chance.one_in(2) {
        window.strides = window.kernel.clone();
    }
    for axis in 0..sides.len() {
        // ONNX has pads below the kernel's side.
        for pad in [axis, sides.len() + axis] {
            window.pads[pad] = window.pads[pad].min(window.kernel[axis] - 1);
        }
    }
    let kind = auto_pad(draft, &mut window, sides);
    let is_ceiled = kind.is_none() && draft.opset >= 10 && draft.chance.one_in(3);
    let Some(output) = window.output(sides, is_ceiled) else { return false };
    let shape = [&x.shape[..2], output.as_slice()].concat();
    if !draft.fits(&shape) {
        return false;
    }
    let mut node = Node::new(operator, &[&x.name]).ints("kernel_shape", &window.kernel);
    if is_ceiled || (draft.opset >= 10 && draft.chance.one_in(4)) {
        node = node.int("ceil_mode", i64::from(is_ceiled));
    }
    if !is_max && draft.chance.one_in(3) {
        node = node.int("count_include_pad", 1);
    }
    let node = attributes(draft, node, &window, kind);
    draft.push(node, vec![Made::of(x, &shape)]);
    true
}

pub fn global_pool(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    if !(3..=4).contains(&x.rank()) {
        return false;
    }
    let mut shape = x.shape.clone();
    shape[2..].fill(1);
    draft.push(Node::new(operator, &[&x.name]), vec![Made::of(x, &shape)]);
    true
}

fn divisor(draft: &mut Draft, count: usize) -> usize {
    let all: Vec<usize> = (1..=count).filter(|d| count.is_multiple_of(*d)).collect();
    if draft.chance.one_in(2) { 1 } else { draft.chance.pick(&all) }
}
