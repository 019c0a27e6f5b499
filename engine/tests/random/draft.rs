//! A network under construction: its ONNX messages, and what is known of its tensors.

use std::collections::BTreeMap;

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{
    AttributeProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, tensor_shape_proto, type_proto,
};

use super::chance::Chance;

/// How large and how strange a network may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// So small that each of its slices is proven in a moment.
    Small,
    /// Larger sides and kernels, sides of 1, and more of everything: not for proving.
    Extreme,
}

impl Profile {
    /// Elements that a tensor may have.
    pub fn elements(self) -> usize {
        match self {
            Self::Small => 48,
            Self::Extreme => 1200,
        }
    }

    /// The longest side of an input.
    pub fn side(self) -> usize {
        match self {
            Self::Small => 5,
            Self::Extreme => 11,
        }
    }

    /// The longest side of a kernel.
    pub fn kernel(self) -> usize {
        match self {
            Self::Small => 3,
            Self::Extreme => 7,
        }
    }
}

/// A tensor that later nodes may read.
#[derive(Clone, Debug)]
pub struct Live {
    pub name: String,
    pub shape: Vec<usize>,
    /// No element is greater in magnitude.
    pub most: f64,
    /// No element is negative, in fixed point neither.
    pub is_positive: bool,
}

impl Live {
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A node under construction.
pub struct Node(NodeProto);

impl Node {
    pub fn new(operator: &str, inputs: &[&str]) -> Self {
        let input = inputs.iter().map(|&name| name.to_owned()).collect();
        Self(NodeProto { op_type: operator.to_owned(), input, ..NodeProto::default() })
    }

    pub fn reads(mut self, name: &str) -> Self {
        self.0.input.push(name.to_owned());
        self
    }

    pub fn int(self, name: &str, i: i64) -> Self {
        self.with(name, AttributeType::Int, AttributeProto { i, ..AttributeProto::default() })
    }

    pub fn ints(self, name: &str, values: &[usize]) -> Self {
        let values: Vec<i64> = values.iter().map(|&v| v as i64).collect();
        self.signed(name, &values)
    }

    pub fn signed(self, name: &str, values: &[i64]) -> Self {
        let attribute = AttributeProto { ints: values.to_vec(), ..AttributeProto::default() };
        self.with(name, AttributeType::Ints, attribute)
    }

    pub fn float(self, name: &str, f: f32) -> Self {
        self.with(name, AttributeType::Float, AttributeProto { f, ..AttributeProto::default() })
    }

    pub fn text(self, name: &str, text: &str) -> Self {
        let attribute = AttributeProto { s: text.into(), ..AttributeProto::default() };
        self.with(name, AttributeType::String, attribute)
    }

    fn with(mut self, name: &str, kind: AttributeType, attribute: AttributeProto) -> Self {
        let (name, r#type) = (name.to_owned(), kind as i32);
        self.0.attribute.push(AttributeProto { name, r#type, ..attribute });
        self
    }
}

/// What a node makes.
pub struct Made {
    pub shape: Vec<usize>,
    pub most: f64,
    pub is_positive: bool,
}

impl Made {
    pub fn new(shape: &[usize], most: f64) -> Self {
        Self { shape: shape.to_vec(), most, is_positive: false }
    }

    /// Elements of `x`, in another shape.
    pub fn of(x: &Live, shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), most: x.most, is_positive: x.is_positive }
    }

    pub fn positive(self, is_positive: bool) -> Self {
        Self { is_positive, ..self }
    }
}

/// A network under construction.
pub struct Draft {
    pub chance: Chance,
    pub opset: i64,
    pub profile: Profile,
    pub live: Vec<Live>,
    pub graph: GraphProto,
    /// The shapes of all tensors but constants, by the rules of ONNX.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Names of the tensors that a node reads.
    read: Vec<String>,
}

impl Draft {
    pub fn new(chance: Chance, opset: i64, profile: Profile) -> Self {
        Self {
            chance,
            opset,
            profile,
            live: Vec::new(),
            graph: GraphProto { name: "random".to_owned(), ..GraphProto::default() },
            shapes: BTreeMap::new(),
            read: Vec::new(),
        }
    }

    /// Whether a tensor of this shape is neither empty nor too large.
    pub fn fits(&self, shape: &[usize]) -> bool {
        let len: usize = shape.iter().product();
        shape.len() <= 5 && (1..=self.profile.elements()).contains(&len)
    }

    pub fn input(&mut self, shape: &[usize], most: f64) {
        let name = format!("in{}", self.graph.input.len());
        self.graph.input.push(value_info(&name, Some(shape)));
        self.make(name, Made::new(shape, most));
    }

    fn make(&mut self, name: String, made: Made) {
        let Made { shape, most, is_positive } = made;
        self.shapes.insert(name.clone(), shape.clone());
        self.live.push(Live { name, shape, most, is_positive });
    }

    /// Adds a constant of floats, and hands out its name.
    pub fn floats(&mut self, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Float, dims, raw)
    }

    /// Adds a list of integers, and hands out its name.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(DataType::Int64, &[values.len()], raw)
    }

    /// Adds a constant of truth values, and hands out its name.
    pub fn truths(&mut self, dims: &[usize], values: &[bool]) -> String {
        let raw = values.iter().map(|&v| u8::from(v)).collect();
        self.constant(DataType::Bool, dims, raw)
    }

    /// Takes a tensor away from the nodes to come.
    pub fn take(&mut self, name: &str) {
        self.live.retain(|live| live.name != name);
    }

    fn constant(&mut self, kind: DataType, dims: &[usize], raw_data: Vec<u8>) -> String {
        let name = format!("c{}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: kind as i32,
            name: name.clone(),
            raw_data,
            ..TensorProto::default()
        });
        name
    }

    /// Random weights, of any magnitude and sign, some or all of them zero at times; and the
    /// greatest magnitude that they may have.
    pub fn weights(&mut self, count: usize) -> (Vec<f32>, f64) {
        let chance = &mut self.chance;
        let most = chance.pick(&[1.0f32, 1.0, 0.3, 0.3, 0.05, 0.001, 6.0]);
        let zeros = chance.pick(&[0, 0, 0, 2, 4, 0, 0, 0, 0, 0, 0, 1]);
        let weights = (0..count).map(|_| {
            let weight = most * chance.signed();
            if zeros > 0 && chance.one_in(zeros) { 0.0 } else { weight }
        });
        (weights.collect(), f64::from(most))
    }

    /// Adds a node with its outputs, and hands out the name of the first.
    pub fn push(&mut self, node: Node, made: Vec<Made>) -> String {
        let Node(mut proto) = node;
        let number = self.graph.node.len();
        proto.name = format!("n{number}_{}", proto.op_type);
        proto.output = (0..made.len())
            .map(|at| if at == 0 { format!("t{number}") } else { format!("t{number}_{at}") })
            .collect();
        self.read.extend(proto.input.iter().cloned());
        for (name, made) in proto.output.clone().into_iter().zip(made) {
            self.make(name, made);
        }
        self.graph.node.push(proto);
        format!("t{number}")
    }

    pub fn is_read(&self, name: &str) -> bool {
        self.read.iter().any(|read| read == name)
    }

    /// Another tensor that `suits`, sometimes.
    pub fn other(&mut self, suits: impl Fn(&Live) -> bool) -> Option<Live> {
        let all: Vec<Live> = self.live.iter().filter(|live| suits(live)).cloned().collect();
        let at = self.chance.below(all.len());
        all.into_iter().nth(at)
    }

    /// A shape that broadcasts to `shape`: sides of 1 and leading sides left out at random.
    pub fn narrower(&mut self, shape: &[usize]) -> Vec<usize> {
        let mut narrow: Vec<usize> =
            shape.iter().map(|&side| if self.chance.one_in(3) { 1 } else { side }).collect();
        if self.chance.one_in(3) {
            narrow.drain(..self.chance.below(shape.len() + 1));
        }
        narrow
    }

    pub fn output(&mut self, name: &str) {
        self.graph.output.push(value_info(name, None));
    }
}

/// The shape of two tensors together, by NumPy's rules.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let side = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    let pair = |axis| match (side(a, axis), side(b, axis)) {
        (1, side) | (side, 1) => Some(side),
        (a, b) => (a == b).then_some(a),
    };
    (0..rank).map(pair).collect()
}

fn value_info(name: &str, shape: Option<&[usize]>) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&side: &usize| Dimension {
        value: Some(Value::DimValue(side as i64)),
        ..Dimension::default()
    };
    let shape = shape.map(|sides| TensorShapeProto { dim: sides.iter().map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
