//! Small graphs for tests, built without a file.

use microtome_engine::digest::Digest;
use microtome_engine::graph::{Attributes, ElementType, Graph, Node, Tensor, TensorId};

/// A graph whose nodes are `(operator, inputs)`; input 0 is the graph's input, input `n` the
/// output of node `n - 1`. The last node's output is the graph's.
#[must_use]
pub fn graph(nodes: &[(&str, &[u32])]) -> Graph {
    let tensor = |name: String, producer: Option<usize>, index: u32| Tensor {
        name,
        element: ElementType::F32,
        shape: Some(vec![1, 8, 16, 16]),
        constant: None,
        producer,
        consumers: nodes
            .iter()
            .enumerate()
            .filter(|(_, (_, inputs))| inputs.contains(&index))
            .map(|(n, _)| n)
            .collect(),
    };
    let values = (0u32..).zip(0..nodes.len()).map(|(i, n)| tensor(format!("t{n}"), Some(n), i + 1));
    let tensors: Vec<_> = std::iter::once(tensor("x".to_owned(), None, 0)).chain(values).collect();
    Graph {
        name: "test".to_owned(),
        opset: 13,
        digest: Digest::of("microtome test", b"graph"),
        nodes: (0u32..)
            .zip(nodes)
            .map(|(n, (op, inputs))| Node {
                name: format!("{op}_{n}"),
                op: (*op).to_owned(),
                inputs: inputs.iter().map(|&i| Some(TensorId(i))).collect(),
                outputs: vec![Some(TensorId(n + 1))],
                attributes: Attributes::default(),
            })
            .collect(),
        inputs: vec![TensorId(0)],
        outputs: vec![TensorId(u32::try_from(tensors.len() - 1).unwrap_or(0))],
        tensors,
    }
}

/// Two residual blocks, the first with a down-sampling branch.
#[must_use]
pub fn residual_graph() -> Graph {
    graph(&[
        ("Conv", &[0]),
        ("Relu", &[1]),
        ("Conv", &[2]),
        ("Relu", &[3]),
        ("Conv", &[4]),
        ("Conv", &[2]),
        ("Add", &[5, 6]),
        ("Relu", &[7]),
        ("Conv", &[8]),
        ("Relu", &[9]),
        ("Conv", &[10]),
        ("Add", &[11, 8]),
        ("Relu", &[12]),
        ("GlobalAveragePool", &[13]),
        ("Flatten", &[14]),
        ("Gemm", &[15]),
    ])
}
