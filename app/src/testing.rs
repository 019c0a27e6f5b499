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
        tiling: None,
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

/// A graph whose nodes read whatever is there, with operators as they come; the same for the same
/// seed.
#[must_use]
pub fn random_graph(nodes: usize, seed: u64) -> Graph {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut below = |limit: usize| {
        // Knuth's generator; its high bits are the random ones.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let operators = ["Conv", "Relu", "Add", "Mul", "MatMul", "Softmax", "Concat", "MaxPool"];
    let chosen: Vec<(&str, Vec<u32>)> = (0..nodes)
        .map(|node| {
            let reads = 1 + below(2);
            (
                operators[below(operators.len())],
                (0..reads).map(|_| below(node + 1) as u32).collect(),
            )
        })
        .collect();
    let borrowed: Vec<_> = chosen.iter().map(|(op, inputs)| (*op, inputs.as_slice())).collect();
    graph(&borrowed)
}
