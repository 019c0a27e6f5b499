//! What can be wrong with a file, one sentence each.

use std::path::PathBuf;

/// Why a model could not be opened, run or exported.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The file can't be read.
    #[error("can't read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are no ONNX model.
    #[error(
        "{name} is not a complete ONNX file ({detail}): export the model again, or check that the download finished"
    )]
    NotOnnx {
        /// The file's name.
        name: String,
        /// What the decoder said.
        detail: String,
    },
    /// An operator set older than any that is read here.
    #[error(
        "{name} uses opset {opset}, older than 7: convert it, for instance with onnx.version_converter"
    )]
    OldOpset {
        /// The file's name.
        name: String,
        /// Its opset.
        opset: i64,
    },
    /// A node reads a tensor that nothing makes.
    #[error(
        "node {node:?} ({op}, opset {opset}) reads tensor {tensor:?}, which nothing makes: the file is damaged or incomplete"
    )]
    MissingTensor {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// The opset.
        opset: i64,
        /// The tensor.
        tensor: String,
    },
    /// The model's own output is made by nothing.
    #[error("the model's output {tensor:?} is made by no node: the file is damaged or incomplete")]
    MissingOutput {
        /// The tensor.
        tensor: String,
    },
    /// Two nodes make one tensor.
    #[error(
        "node {node:?} ({op}, opset {opset}) makes tensor {tensor:?}, which is made elsewhere too: the file is damaged"
    )]
    MadeTwice {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// The opset.
        opset: i64,
        /// The tensor.
        tensor: String,
    },
    /// Nodes that wait for each other.
    #[error("node {node:?} ({op}, opset {opset}) is part of a cycle: ONNX graphs have none")]
    Cycle {
        /// A node of the cycle.
        node: String,
        /// Its operator.
        op: String,
        /// The opset.
        opset: i64,
    },
    /// A dimension without a number.
    #[error(
        "input {input:?} has the shape [{dims}]: give its open dimensions numbers with --shape {input}=1,…"
    )]
    OpenShape {
        /// The input.
        input: String,
        /// Its dimensions as the file writes them.
        dims: String,
    },
    /// A binding for an input that the model doesn't have.
    #[error("the model has no input {input:?} to bind a shape to; its inputs are {inputs:?}")]
    NoSuchInput {
        /// The name given.
        input: String,
        /// The names there are.
        inputs: Vec<String>,
    },
    /// A binding that contradicts the file.
    #[error("input {input:?} can't have the shape {given:?}: the file says [{dims}]")]
    WrongBinding {
        /// The input.
        input: String,
        /// The shape given.
        given: Vec<usize>,
        /// Its dimensions as the file writes them.
        dims: String,
    },
    /// A tensor whose size contradicts its data, or that no machine holds.
    #[error("tensor {tensor:?} {problem}: the file is damaged or hostile")]
    BadTensor {
        /// The tensor.
        tensor: String,
        /// What is wrong.
        problem: String,
    },
    /// The float reference can't run.
    #[error("the float reference can't run {what}: {detail}")]
    Run {
        /// The model or node.
        what: String,
        /// What tract said.
        detail: String,
    },
    /// An input of the wrong length.
    #[error("input {input:?} has {got} numbers, but its shape {shape} needs {expected}")]
    InputLength {
        /// The input.
        input: String,
        /// Numbers given.
        got: usize,
        /// Numbers needed.
        expected: usize,
        /// Its shape.
        shape: String,
    },
    /// The wrong number of inputs.
    #[error("the model takes {expected} inputs, {got} were given")]
    InputCount {
        /// Inputs given.
        got: usize,
        /// Inputs needed.
        expected: usize,
    },
}
