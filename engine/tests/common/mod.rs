//! What the tests of the command line and of bundles share.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod jobs;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use prost::Message;
use serde_json::Value;
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, tensor_proto::DataType, tensor_shape_proto, type_proto,
};

/// A file of the samples that come with the program.
pub fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(path)
}

/// The program under test.
pub fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_microtome-cli").into()
}

/// What a run of the program gave.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The JSON object on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Asserts an exit code and that stderr has these words.
    pub fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing in {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs the program.
pub fn cli(args: &[&dyn AsRef<OsStr>]) -> Ran {
    let output = Command::new(program()).args(args.iter().map(|a| a.as_ref())).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Asserts that an object has keys of these kinds; `n` number, `s` text, `b` truth value,
/// `a` list, `o` object.
pub fn has_keys(object: &Value, keys: &[(&str, char)]) {
    for (key, kind) in keys {
        let value = &object[key];
        let found = match value {
            Value::Number(_) => 'n',
            Value::String(_) => 's',
            Value::Bool(_) => 'b',
            Value::Array(_) => 'a',
            Value::Object(_) => 'o',
            Value::Null => '-',
        };
        assert_eq!(found, *kind, "key {key:?} in {object:#}");
    }
}

/// A dimension of a tiny model's input.
#[derive(Clone, Copy)]
pub enum Dim {
    Fixed(i64),
    Open(&'static str),
}

/// Dimensions and elements of a node's weights.
pub type Weights<'a> = (&'a [i64], Vec<f32>);

/// A tiny network: input `x`, nodes in a chain, output `y`. Each node is an operator with an
/// optional weight, which is its second input.
pub fn tiny(input: &[Dim], nodes: &[(&str, Option<Weights<'_>>)]) -> Vec<u8> {
    let mut graph = GraphProto {
        name: "tiny".to_owned(),
        input: vec![value_info("x", Some(input))],
        output: vec![value_info("y", None)],
        ..GraphProto::default()
    };
    for (index, (op, weight)) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let mut inputs = vec![if index == 0 { "x".to_owned() } else { format!("t{index}") }];
        if let Some((dims, elements)) = weight {
            let name = format!("w{index}");
            inputs.push(name.clone());
            graph.initializer.push(TensorProto {
                name,
                dims: dims.to_vec(),
                data_type: DataType::Float as i32,
                raw_data: elements.iter().flat_map(|v| v.to_le_bytes()).collect(),
                ..TensorProto::default()
            });
        }
        graph.node.push(NodeProto {
            name: format!("node_{index}_{op}"),
            op_type: (*op).to_owned(),
            input: inputs,
            output: vec![if last { "y".to_owned() } else { format!("t{}", index + 1) }],
            ..NodeProto::default()
        });
    }
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn value_info(name: &str, dims: Option<&[Dim]>) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension};
    let dim = |dim: &Dim| Dimension {
        value: Some(match dim {
            Dim::Fixed(n) => dimension::Value::DimValue(*n),
            Dim::Open(name) => dimension::Value::DimParam((*name).to_owned()),
        }),
        ..Dimension::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: dims.map(|dims| TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}

/// Weights that look random and are the same everywhere.
pub fn weights(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 101) as f32 / 101.0 - 0.5).collect()
}

/// `x[1,4] → MatMul[4,4] → Relu → MatMul[4,3]`.
pub fn tiny_mlp() -> Vec<u8> {
    tiny(
        &[Dim::Fixed(1), Dim::Fixed(4)],
        &[
            ("MatMul", Some((&[4, 4], weights(16)))),
            ("Relu", None),
            ("MatMul", Some((&[4, 3], weights(12)))),
        ],
    )
}

/// A folder with a model and an input for it.
pub struct Folder {
    pub dir: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn input(&self, name: &str, elements: &[f32]) -> PathBuf {
        self.write(name, serde_json::json!({ "input_data": [elements] }).to_string())
    }
}
