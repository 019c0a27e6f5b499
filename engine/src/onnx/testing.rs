//! Small models for tests, written as ONNX messages.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

use super::{Bindings, Model, OnnxError};

/// A model under construction.
pub struct Draft {
    pub opset: i64,
    pub graph: GraphProto,
}

/// A dimension: a number, or a name where the file leaves it open.
pub enum Dim {
    Is(i64),
    Open(&'static str),
}

impl Draft {
    pub fn new() -> Self {
        Self { opset: 13, graph: GraphProto { name: "test".into(), ..GraphProto::default() } }
    }

    pub fn input(mut self, name: &str, dims: &[Dim]) -> Self {
        self.graph.input.push(value(name, dims));
        self
    }

    pub fn output(mut self, name: &str) -> Self {
        self.graph.output.push(value(name, &[]));
        // The shape of an output is inferred, not read.
        if let Some(output) = self.graph.output.last_mut() {
            output.r#type = value_type(None);
        }
        self
    }

    pub fn floats(mut self, name: &str, dims: &[i64], data: Vec<f32>) -> Self {
        self.graph.initializer.push(TensorProto {
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            name: name.into(),
            float_data: data,
            ..TensorProto::default()
        });
        self
    }

    pub fn ints(mut self, name: &str, data: &[i64]) -> Self {
        self.graph.initializer.push(TensorProto {
            dims: vec![data.len() as i64],
            data_type: DataType::Int64 as i32,
            name: name.into(),
            int64_data: data.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub fn truths(mut self, name: &str, dims: &[i64], data: &[i32]) -> Self {
        self.graph.initializer.push(TensorProto {
            dims: dims.to_vec(),
            data_type: DataType::Bool as i32,
            name: name.into(),
            int32_data: data.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub fn node(
        mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, &[i64])],
    ) -> Self {
        let texts = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            name: outputs[0].to_uppercase(),
            input: texts(inputs),
            output: texts(outputs),
            attribute: attributes.iter().map(|(name, values)| attribute(name, values)).collect(),
            ..NodeProto::default()
        });
        self
    }

    /// Gives the last node an attribute that is a number.
    pub fn with_float(self, name: &str, value: f32) -> Self {
        let attribute = AttributeProto { f: value, ..AttributeProto::default() };
        self.with(name, AttributeType::Float, attribute)
    }

    /// Gives the last node an attribute that is a text.
    pub fn with_text(self, name: &str, value: &str) -> Self {
        let attribute = AttributeProto { s: value.into(), ..AttributeProto::default() };
        self.with(name, AttributeType::String, attribute)
    }

    fn with(mut self, name: &str, kind: AttributeType, attribute: AttributeProto) -> Self {
        let (name, r#type) = (name.to_owned(), kind as i32);
        if let Some(node) = self.graph.node.last_mut() {
            node.attribute.push(AttributeProto { name, r#type, ..attribute });
        }
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        let opset = OperatorSetIdProto { domain: String::new(), version: self.opset };
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![opset],
            graph: Some(self.graph),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    pub fn open(self) -> Result<Model, OnnxError> {
        Model::read("test.onnx", &self.bytes(), &Bindings::default())
    }
}

fn attribute(name: &str, values: &[i64]) -> AttributeProto {
    let lists = [
        "pads",
        "strides",
        "dilations",
        "kernel_shape",
        "axes",
        "perm",
        "output_padding",
        "starts",
        "ends",
    ];
    let is_list = lists.contains(&name);
    let kind = if is_list { AttributeType::Ints } else { AttributeType::Int };
    AttributeProto {
        name: name.into(),
        r#type: kind as i32,
        i: if is_list { 0 } else { values[0] },
        ints: if is_list { values.to_vec() } else { Vec::new() },
        ..AttributeProto::default()
    }
}

fn value(name: &str, dims: &[Dim]) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |d: &Dim| Dimension {
        denotation: String::new(),
        value: Some(match d {
            Dim::Is(n) => Value::DimValue(*n),
            Dim::Open(name) => Value::DimParam((*name).into()),
        }),
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    ValueInfoProto { name: name.into(), r#type: value_type(Some(shape)), ..Default::default() }
}

fn value_type(shape: Option<TensorShapeProto>) -> Option<TypeProto> {
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape };
    Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() })
}

/// Numbers that look random and are the same everywhere.
pub fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..n).map(|_| next()).collect()
}
