//! Random sums, products, extremes and functions.

use super::draft::{Draft, Live, Made, Node, broadcast};

/// The other operand of a node with two: a tensor, or a constant.
struct Operand {
    name: String,
    shape: Vec<usize>,
    most: f64,
    /// A constant is not said to have none negative.
    is_positive: bool,
}

fn operand(draft: &mut Draft, x: &Live) -> Operand {
    let limit = draft.profile.elements();
    let suits = |other: &Live| {
        broadcast(&x.shape, &other.shape)
            .is_some_and(|shape| shape.iter().product::<usize>() <= limit)
    };
    if !draft.chance.one_in(3)
        && let Some(Live { name, shape, most, is_positive }) = draft.other(suits)
    {
        return Operand { name, shape, most, is_positive };
    }
    let mut shape = draft.narrower(&x.shape);
    // A constant may be the larger one too.
    if draft.chance.one_in(6) {
        shape = x.shape.clone();
        shape.insert(0, 2);
    }
    if broadcast(&x.shape, &shape).is_none_or(|shape| !draft.fits(&shape)) {
        shape = Vec::new();
    }
    let (values, most) = draft.weights(shape.iter().product());
    Operand { name: draft.floats(&shape, &values), shape, most, is_positive: false }
}

/// `Add`, `Sub`, `Mul`, `Div`: of two, in either order.
pub fn binary(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    if operator == "Div" {
        return quotient(draft, x);
    }
    let y = match operator == "Mul" && draft.chance.one_in(4) {
        true => Operand {
            name: x.name.clone(),
            shape: x.shape.clone(),
            most: x.most,
            is_positive: x.is_positive,
        },
        false => operand(draft, x),
    };
    let is_product = operator == "Mul";
    let most = if is_product { x.most * y.most } else { x.most + y.most };
    let Some(shape) = broadcast(&x.shape, &y.shape).filter(|shape| draft.fits(shape)) else {
        return false;
    };
    if is_product && most > 1e6 {
        return false;
    }
    let is_square = is_product && x.name == y.name;
    let is_positive = is_square || operator != "Sub" && x.is_positive && y.is_positive;
    let inputs = match draft.chance.one_in(2) {
        true => [x.name.as_str(), &y.name],
        false => [y.name.as_str(), &x.name],
    };
    let made = Made::new(&shape, most).positive(is_positive);
    draft.push(Node::new(operator, &inputs), vec![made]);
    true
}

fn quotient(draft: &mut Draft, x: &Live) -> bool {
    if draft.chance.one_in(2) && super::attention::quotient(draft, x) {
        return true;
    }
    let shape = draft.narrower(&x.shape);
    let count: usize = shape.iter().product();
    let divisors: Vec<f32> = (0..count)
        .map(|_| {
            let magnitude = 0.25 + 3.0 * draft.chance.signed().abs();
            if draft.chance.one_in(2) { magnitude } else { -magnitude }
        })
        .collect();
    let name = draft.floats(&shape, &divisors);
    draft.push(Node::new("Div", &[&x.name, &name]), vec![Made::new(&x.shape, 4.0 * x.most)]);
    true
}

/// `Sum`, `Max`, `Min`: of one to three.
pub fn several(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    let (mut node, mut shape) = (Node::new(operator, &[&x.name]), x.shape.clone());
    let (mut most, mut is_positive) = (x.most, x.is_positive);
    for _ in 0..draft.chance.pick(&[0, 1, 1, 1, 2]) {
        let wide = Live { shape: shape.clone(), ..x.clone() };
        let y = operand(draft, &wide);
        let Some(wider) = broadcast(&shape, &y.shape).filter(|shape| draft.fits(shape)) else {
            break;
        };
        shape = wider;
        node = node.reads(&y.name);
        most = if operator == "Sum" { most + y.most } else { most.max(y.most) };
        is_positive &= y.is_positive;
    }
    draft.push(node, vec![Made::new(&shape, most).positive(is_positive)]);
    true
}

/// Functions of each element by itself.
pub fn function(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    let node = Node::new(operator, &[&x.name]);
    let slope = 1.5 * draft.chance.signed();
    let made = |most: f64, is_positive: bool| Made::new(&x.shape, most).positive(is_positive);
    let (node, made) = match operator {
        "Relu" | "Abs" => (node, made(x.most, true)),
        "Neg" => (node, made(x.most, false)),
        "LeakyRelu" if draft.chance.one_in(3) => (node, made(x.most, x.is_positive)),
        "LeakyRelu" => (node.float("alpha", slope), made(1.5 * x.most, x.is_positive)),
        "Sigmoid" => (node, made(1.0, true)),
        "Tanh" => (node, made(1.0, x.is_positive)),
        "HardSigmoid" if draft.chance.one_in(3) => (node, made(1.0, true)),
        "HardSigmoid" => {
            (node.float("alpha", slope).float("beta", draft.chance.signed()), made(1.0, true))
        }
        "HardSwish" => (node, made(x.most, x.is_positive)),
        "Exp" if x.most <= 8.0 => (node, made(x.most.exp(), true)),
        "Sqrt" if x.is_positive => (node, made(x.most.sqrt(), true)),
        _ => return false,
    };
    draft.push(node, vec![made]);
    true
}

pub fn clip(draft: &mut Draft, x: &Live) -> bool {
    let most = x.most.min(4.0) as f32;
    let low = draft.chance.pick(&[0.0, -0.5 * most, 0.1 * most, f32::MIN]);
    let high = low.max(0.0) + draft.chance.pick(&[0.5 * most, most, f32::MAX]);
    let (has_low, has_high) = (!draft.chance.one_in(4), !draft.chance.one_in(4));
    let mut node = Node::new("Clip", &[&x.name]);
    if draft.opset < 11 {
        if has_low {
            node = node.float("min", low);
        }
        if has_high {
            node = node.float("max", high);
        }
    } else {
        let bound = |draft: &mut Draft, is_there: bool, value: f32| match is_there {
            true => draft.floats(&[], &[value]),
            false => String::new(),
        };
        let (low, high) = (bound(draft, has_low, low), bound(draft, has_high, high));
        if has_low || has_high {
            node = node.reads(&low);
        }
        if has_high {
            node = node.reads(&high);
        }
    }
    // The bounds may lie outside of what it reads.
    let most = x.most.max(f64::from(most));
    let is_positive = x.is_positive || has_low && low >= 0.0;
    draft.push(node, vec![Made::new(&x.shape, most).positive(is_positive)]);
    true
}

pub fn pow(draft: &mut Draft, x: &Live) -> bool {
    let exponent = draft.chance.pick(&[1.0f32, 2.0, 2.0, 3.0, 4.0, 0.5]);
    let most = x.most.powf(f64::from(exponent));
    if most > 1e5 || (exponent == 0.5 && !x.is_positive) {
        return false;
    }
    // An exponent of one dimension would make a list of a single number.
    let dims: &[usize] = if x.rank() > 0 && draft.chance.one_in(2) { &[1] } else { &[] };
    // Whole exponents of integers are for opset 12 and later.
    let name = match x.rank() > 0
        && draft.opset >= 12
        && exponent.fract() == 0.0
        && draft.chance.one_in(3)
    {
        true => draft.ints(&[exponent as i64]),
        false => draft.floats(dims, &[exponent]),
    };
    let is_positive = x.is_positive || exponent % 2.0 == 0.0;
    let made = Made::new(&x.shape, most).positive(is_positive);
    draft.push(Node::new("Pow", &[&x.name, &name]), vec![made]);
    true
}

pub fn prelu(draft: &mut Draft, x: &Live) -> bool {
    let shape = draft.narrower(&x.shape);
    let (slopes, most) = draft.weights(shape.iter().product());
    let name = draft.floats(&shape, &slopes);
    let made = Made::new(&x.shape, x.most * most.max(1.0)).positive(x.is_positive);
    draft.push(Node::new("PRelu", &[&x.name, &name]), vec![made]);
    true
}
