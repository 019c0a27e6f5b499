//! Residual networks of any depth as ONNX files, so that tests and benchmarks of large graphs need
//! no file from elsewhere.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

const CHANNELS: i64 = 4;
const SIDE: i64 = 4;
/// Nodes of a block, and those behind the last block.
const BLOCK: usize = 5;
const TAIL: usize = 2;

/// How nodes are named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As PyTorch exports them: the scope tells the block.
    #[allow(dead_code, reason = "not every file that shares this module uses both")]
    Scoped,
    /// By a number alone.
    Plain,
}

/// A network of about this many nodes, in blocks of two convolutions with a skip connection.
pub fn residual(nodes: usize, names: Names) -> Vec<u8> {
    let mut network = Network::default();
    let mut x = "x".to_owned();
    for block in 0..nodes.saturating_sub(TAIL) / BLOCK {
        let scope = match names {
            Names::Scoped => format!("/layer{}/layer{}.{}", block / 40, block / 40, block % 40),
            Names::Plain => String::new(),
        };
        let mut y = network.conv(&format!("{scope}/conv1/Conv"), &x, 0.5);
        y = network.node("Relu", &format!("{scope}/relu/Relu"), &[&y], Vec::new());
        // Small enough for hundreds of blocks to add up to something finite.
        y = network.conv(&format!("{scope}/conv2/Conv"), &y, 0.01);
        y = network.node("Add", &format!("{scope}/Add"), &[&x, &y], Vec::new());
        x = network.node("Relu", &format!("{scope}/relu_1/Relu"), &[&y], Vec::new());
    }
    x = network.node("GlobalAveragePool", "/pool/GlobalAveragePool", &[&x], Vec::new());
    let output = network.node("Flatten", "/Flatten", &[&x], Vec::new());
    network.graph.name = "residual".into();
    network.graph.input = vec![value("x", &[1, CHANNELS, SIDE, SIDE])];
    network.graph.output = vec![value(&output, &[1, CHANNELS])];
    if names == Names::Plain {
        for (index, node) in network.graph.node.iter_mut().enumerate() {
            node.name = format!("node_{index}");
        }
    }
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(network.graph),
        ..ModelProto::default()
    }
    .encode_to_vec()
}

#[derive(Default)]
struct Network {
    graph: GraphProto,
}

impl Network {
    fn conv(&mut self, name: &str, x: &str, gain: f32) -> String {
        let weight = format!("w{}", self.graph.initializer.len());
        let count = usize::try_from(CHANNELS * CHANNELS).unwrap();
        self.graph.initializer.push(TensorProto {
            name: weight.clone(),
            dims: vec![CHANNELS, CHANNELS, 1, 1],
            data_type: DataType::Float as i32,
            float_data: (0..count).map(|i| gain * ((i * 7 % 5) as f32 - 2.0) / 4.0).collect(),
            ..TensorProto::default()
        });
        let kernel = AttributeProto {
            name: "kernel_shape".into(),
            r#type: AttributeType::Ints as i32,
            ints: vec![1, 1],
            ..AttributeProto::default()
        };
        self.node("Conv", name, &[x, &weight], vec![kernel])
    }

    fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> String {
        let output = format!("t{}", self.graph.node.len());
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            name: name.into(),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            attribute,
            ..NodeProto::default()
        });
        output
    }
}

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| tensor_shape_proto::Dimension {
        denotation: String::new(),
        value: Some(tensor_shape_proto::dimension::Value::DimValue(size)),
    };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    let r#type =
        TypeProto { denotation: String::new(), value: Some(type_proto::Value::TensorType(tensor)) };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), doc_string: String::new() }
}
