//! A network from its seed.

use std::collections::{BTreeMap, BTreeSet};

use microtome_engine::program::operators::{OPERATORS, Operator};
use prost::Message;
use tract_onnx::pb::{ModelProto, OperatorSetIdProto};

use super::chance::Chance;
use super::draft::{Draft, Live, Made, Node, Profile};
use super::{arithmetic, attention, layers, moves, windows};

/// Nodes that a network may have.
const MOST_NODES: usize = 10;
/// Draws of an operator until one finds a tensor that suits it.
const TRIES: usize = 40;
/// One node in so many is of an operator that no system proves.
const STRANGERS: usize = 90;

/// Which network: the seed, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    pub number: u64,
    pub profile: Profile,
    /// Draws of nodes at most: fewer give the beginning of the same network.
    pub most_nodes: usize,
    /// Whether only the last node answers, so that nothing stays that it doesn't need.
    pub only_last: bool,
}

impl Seed {
    pub fn new(number: u64, profile: Profile) -> Self {
        Self { number, profile, most_nodes: MOST_NODES, only_last: false }
    }
}

/// A network with an input.
pub struct Network {
    pub seed: Seed,
    pub bytes: Vec<u8>,
    /// Operators of its nodes.
    pub operators: BTreeSet<String>,
    /// The shapes of all tensors but constants, by the rules of ONNX.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// One tensor for each input.
    pub inputs: Vec<Vec<f32>>,
    /// Other inputs, to calibrate with.
    pub others: Vec<Vec<Vec<f32>>>,
}

impl Network {
    pub fn of(seed: Seed) -> Self {
        let mut chance = Chance::of_part(seed.number, 0);
        let opset = chance.between(7, 21) as i64;
        let count = chance.between(2, MOST_NODES);
        let mut draft = Draft::new(chance, opset, seed.profile);
        let amplitudes = draw_inputs(&mut draft);
        for draw in 0..count.min(seed.most_nodes) {
            // Each draw has a stream of its own, so that leaving out later ones changes nothing.
            draft.chance = Chance::of_part(seed.number, 1 + draw as u64);
            draw_node(&mut draft);
        }
        draft.chance = Chance::of_part(seed.number, 1 << 32);
        choose_outputs(&mut draft, seed.only_last);

        let shapes: Vec<Vec<usize>> = (0..draft.graph.input.len())
            .map(|at| draft.shapes[&format!("in{at}")].clone())
            .collect();
        let mut case = || draw_case(&mut draft.chance, &shapes, &amplitudes);
        let (inputs, others) = (case(), vec![case(), case()]);
        let operators = draft.graph.node.iter().map(|node| node.op_type.clone()).collect();
        let opsets = OperatorSetIdProto { domain: String::new(), version: draft.opset };
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![opsets],
            graph: Some(draft.graph),
            ..ModelProto::default()
        };
        Self { seed, bytes: model.encode_to_vec(), operators, shapes: draft.shapes, inputs, others }
    }
}

/// Adds the inputs, and hands out how great their elements get.
fn draw_inputs(draft: &mut Draft) -> Vec<f32> {
    let count = draft.chance.pick(&[1, 1, 1, 2, 3]);
    let mut amplitudes = Vec::new();
    let mut shape: Vec<usize> = Vec::new();
    for at in 0..count {
        // Several inputs have one shape at times, so that they meet.
        if at == 0 || draft.chance.one_in(2) {
            shape = draw_shape(draft);
        }
        let amplitude = draft.chance.pick(&[1.0f32, 1.0, 2.0, 0.01, 20.0]);
        draft.input(&shape.clone(), f64::from(amplitude));
        amplitudes.push(amplitude);
    }
    amplitudes
}

fn draw_shape(draft: &mut Draft) -> Vec<usize> {
    let longest = draft.profile.side();
    loop {
        let rank = draft.chance.pick(&[2, 3, 4, 4]);
        let shape: Vec<usize> = (0..rank)
            .map(|axis| match axis {
                0 => draft.chance.pick(&[1, 1, 1, 2]),
                _ if draft.chance.one_in(6) => 1,
                _ => draft.chance.between(1, longest),
            })
            .collect();
        if draft.fits(&shape) {
            return shape;
        }
    }
}

fn draw_case(chance: &mut Chance, shapes: &[Vec<usize>], amplitudes: &[f32]) -> Vec<Vec<f32>> {
    let is_zero = chance.one_in(30);
    let draw = |(shape, amplitude): (&Vec<usize>, &f32)| {
        let len: usize = shape.iter().product();
        (0..len).map(|_| if is_zero { 0.0 } else { amplitude * chance.signed() }).collect()
    };
    shapes.iter().zip(amplitudes).map(draw).collect()
}

/// The first operator set that an operator of the registry is for.
pub fn first_opset(operator: &Operator) -> i64 {
    let first = operator.opsets.split('–').next().unwrap_or_default();
    first.parse().unwrap_or_else(|_| panic!("{} says no opset", operator.name))
}

fn draw_node(draft: &mut Draft) {
    for _ in 0..TRIES {
        if draft.chance.one_in(STRANGERS) {
            let x = draft.live[draft.chance.below(draft.live.len())].clone();
            draft.push(Node::new("Erf", &[&x.name]), vec![Made::new(&x.shape, 1.0)]);
            return;
        }
        let operator = draft.chance.pick(OPERATORS);
        if draft.opset < first_opset(operator) {
            continue;
        }
        let mut all = draft.live.clone();
        draft.chance.shuffle(&mut all);
        // What nobody reads yet comes first, mostly, so that the network gets deep.
        if !draft.chance.one_in(4) {
            all.sort_by_key(|live| draft.is_read(&live.name));
        }
        if all.iter().any(|x| draw(draft, operator.name, x)) {
            return;
        }
    }
}

/// Adds a node of this operator that reads `x`, where they suit.
fn draw(draft: &mut Draft, operator: &str, x: &Live) -> bool {
    match operator {
        "Conv" => windows::conv(draft, x),
        "ConvTranspose" => windows::conv_transpose(draft, x),
        "AveragePool" | "MaxPool" => windows::pool(draft, operator, x),
        "GlobalAveragePool" | "GlobalMaxPool" => windows::global_pool(draft, operator, x),
        "Gemm" => layers::gemm(draft, x),
        "MatMul" => layers::matmul(draft, x),
        "BatchNormalization" => layers::batch_normalization(draft, x),
        "Add" | "Sub" | "Mul" | "Div" => arithmetic::binary(draft, operator, x),
        "Sum" | "Max" | "Min" => arithmetic::several(draft, operator, x),
        "Softmax" => attention::softmax(draft, x),
        "Where" => attention::select(draft, x),
        "Clip" => arithmetic::clip(draft, x),
        "Pow" => arithmetic::pow(draft, x),
        "PRelu" => arithmetic::prelu(draft, x),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" => moves::reduce(draft, operator, x),
        "Concat" => moves::concat(draft, x),
        "Slice" => moves::slice(draft, x),
        "Split" => moves::split(draft, x),
        "Pad" => moves::pad(draft, x),
        "Transpose" => moves::transpose(draft, x),
        "Expand" => moves::expand(draft, x),
        "Tile" => moves::tile(draft, x),
        "Gather" => moves::gather(draft, x),
        "Resize" => moves::resize(draft, x),
        "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Identity" | "Dropout" => {
            moves::alias(draft, operator, x)
        }
        _ => arithmetic::function(draft, operator, x),
    }
}

/// What nobody reads is an output, and at times something that is read too.
fn choose_outputs(draft: &mut Draft, only_last: bool) {
    let made: Vec<String> = draft
        .live
        .iter()
        .map(|live| live.name.clone())
        .filter(|name| name.starts_with('t'))
        .collect();
    let Some(last) = made.last() else { return };
    for name in &made {
        let is_open = !draft.is_read(name) || draft.chance.one_in(12);
        if if only_last { name == last } else { is_open } {
            draft.output(name);
        }
    }
    if only_last {
        keep_ancestors(draft, last);
    }
}

/// Leaves out the nodes that a tensor doesn't depend on.
fn keep_ancestors(draft: &mut Draft, tensor: &str) {
    let mut wanted: BTreeSet<String> = BTreeSet::from([tensor.to_owned()]);
    let mut nodes = std::mem::take(&mut draft.graph.node);
    nodes.reverse();
    nodes.retain(|node| {
        let is_wanted = node.output.iter().any(|name| wanted.contains(name));
        if is_wanted {
            wanted.extend(node.input.iter().cloned());
        }
        is_wanted
    });
    nodes.reverse();
    draft.graph.node = nodes;
    draft.graph.initializer.retain(|tensor| wanted.contains(&tensor.name));
}
