//! How each operator is lowered.

use super::{Skeleton, SkeletonKind, SkeletonOp, SkeletonValue, ValueId, place, weights};
use crate::graph::{Constant, Graph, Node};

/// Operators that only rename elements.
const ALIASES: &[&str] = &["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout"];

/// Lowers node by node, in order.
pub struct Builder<'a> {
    pub(super) graph: &'a Graph,
    pub(super) skeleton: Skeleton,
    /// For each value, the operation that makes it.
    pub(super) maker: Vec<Option<usize>>,
}

/// What lowering a node found.
pub(super) enum Lowered {
    /// A new operation.
    Op { kind: SkeletonKind, inputs: Vec<ValueId> },
    /// It is folded into an operation before it: `y·factor + shift`, channel by channel.
    Folded { op: usize, factors: Vec<f64>, shifts: Vec<f64> },
}

impl<'a> Builder<'a> {
    pub fn new(graph: &'a Graph) -> Self {
        let nodes = graph.nodes.len();
        let mut skeleton = Skeleton {
            values: Vec::new(),
            ops: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            value_of: vec![None; graph.tensors.len()],
            owners: (0..nodes).collect(),
            obstacles: vec![None; nodes],
            legal_cuts: Vec::new(),
        };
        let mut maker = Vec::new();
        for &id in &graph.inputs {
            let tensor = graph.tensor(id);
            if let Some(shape) = tensor.shape.clone().filter(|_| !tensor.consumers.is_empty()) {
                let value = ValueId(skeleton.values.len() as u32);
                let name = tensor.name.clone();
                skeleton.values.push(SkeletonValue { tensor: id, name, shape, scale_of: value });
                skeleton.value_of[id.index()] = Some(value);
                skeleton.inputs.push(value);
                maker.push(None);
            }
        }
        Self { graph, skeleton, maker }
    }

    pub fn build(mut self) -> Skeleton {
        for index in 0..self.graph.nodes.len() {
            self.node(index);
        }
        self.settle_leading_aliases();
        self.find_outputs();
        let owners = &self.skeleton.owners;
        let own = (0..owners.len()).filter(|&n| owners[n] == n);
        self.skeleton.legal_cuts = own.skip(1).collect();
        self.skeleton
    }

    fn node(&mut self, index: usize) {
        let graph = self.graph;
        let node = &graph.nodes[index];
        if ALIASES.contains(&node.op.as_str()) && !self.is_training(node) {
            return self.alias(index);
        }
        match self.lower(node) {
            Ok(Lowered::Op { kind, inputs }) => self.push(index, kind, inputs),
            Ok(Lowered::Folded { op, factors, shifts }) => self.fold(index, op, &factors, &shifts),
            Err(reason) => {
                self.skeleton.obstacles[index] = Some(format!("{}: {reason}", place(node, graph)));
            }
        }
    }

    /// Whether a Dropout really drops: its third input is, or may be, true.
    fn is_training(&self, node: &Node) -> bool {
        let mode = self.graph.input(node, 2).filter(|_| node.op == "Dropout");
        mode.is_some_and(
            |t| !matches!(&t.constant, Some(Constant::Int(v)) if v.iter().all(|&x| x == 0)),
        )
    }

    fn push(&mut self, index: usize, kind: SkeletonKind, inputs: Vec<ValueId>) {
        let graph = self.graph;
        let Some(tensor) = graph.nodes[index].outputs.first().copied().flatten() else { return };
        let value = ValueId(self.skeleton.values.len() as u32);
        let scale_of = match kind {
            SkeletonKind::Relu | SkeletonKind::MaxPool(_) => {
                self.skeleton.values[inputs[0].index()].scale_of
            }
            _ => value,
        };
        self.skeleton.values.push(SkeletonValue {
            tensor,
            name: graph.tensor(tensor).name.clone(),
            shape: graph.tensor(tensor).shape.clone().unwrap_or_default(),
            scale_of,
        });
        self.maker.push(Some(self.skeleton.ops.len()));
        self.skeleton.value_of[tensor.index()] = Some(value);
        self.skeleton.ops.push(SkeletonOp { node: index, kind, inputs, output: value });
    }

    /// A folded node's output takes the place of its operation's.
    fn fold(&mut self, index: usize, op: usize, factors: &[f64], shifts: &[f64]) {
        let graph = self.graph;
        if let SkeletonKind::Conv { floats, .. } | SkeletonKind::Dense { floats, .. } =
            &mut self.skeleton.ops[op].kind
        {
            for (channel, (factor, shift)) in factors.iter().zip(shifts).enumerate() {
                floats.factors[channel] *= factor;
                floats.bias[channel] = floats.bias[channel] * factor + shift;
            }
        }
        let Some(tensor) = graph.nodes[index].outputs.first().copied().flatten() else { return };
        let value = self.skeleton.ops[op].output;
        let renamed = &mut self.skeleton.values[value.index()];
        self.skeleton.value_of[renamed.tensor.index()] = None;
        renamed.tensor = tensor;
        renamed.name = graph.tensor(tensor).name.clone();
        self.skeleton.value_of[tensor.index()] = Some(value);
        self.skeleton.owners[index] = self.skeleton.owners[self.skeleton.ops[op].node];
    }

    fn alias(&mut self, index: usize) {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let (Some(from), Some(to)) =
            (node.inputs.first().copied().flatten(), node.outputs.first().copied().flatten())
        else {
            return;
        };
        self.skeleton.owners[index] = match graph.tensor(from).producer {
            Some(producer) => self.skeleton.owners[producer],
            // Settled when it is known which nodes are their own.
            None => usize::MAX,
        };
        let same_length = graph.tensor(from).elements() == graph.tensor(to).elements();
        if same_length && graph.tensor(to).shape.is_some() {
            self.skeleton.value_of[to.index()] = self.skeleton.value_of[from.index()];
        }
    }

    /// An alias of an input has nothing before it to follow; it follows the next node of its own.
    fn settle_leading_aliases(&mut self) {
        let owners = &mut self.skeleton.owners;
        let mut next = owners.len().saturating_sub(1);
        for index in (0..owners.len()).rev() {
            if owners[index] == index {
                next = index;
            } else if owners[index] == usize::MAX {
                owners[index] = next;
            }
        }
        // Aliases of aliases copied the mark or a settled owner; follow it to the end.
        for index in 0..owners.len() {
            while owners[index] != owners[owners[index]] {
                owners[index] = owners[owners[index]];
            }
        }
    }

    fn find_outputs(&mut self) {
        let graph = self.graph;
        let skeleton = &mut self.skeleton;
        let read_by_unproven = (0..graph.nodes.len())
            .filter(|&n| skeleton.obstacles[n].is_some())
            .flat_map(|n| graph.data_inputs(&graph.nodes[n]).collect::<Vec<_>>());
        let wanted = graph.outputs.iter().copied().chain(read_by_unproven);
        let mut outputs: Vec<ValueId> =
            wanted.filter_map(|id| skeleton.value_of[id.index()]).collect();
        outputs.sort_unstable();
        outputs.dedup();
        // An input that a node reads which can't be proven is no answer of the program.
        outputs.retain(|id| self.maker[id.index()].is_some());
        skeleton.outputs = outputs;
    }

    fn lower(&self, node: &Node) -> Result<Lowered, String> {
        let op = |kind, inputs| Ok(Lowered::Op { kind, inputs });
        match node.op.as_str() {
            "Conv" => op(self.conv(node)?, vec![self.data(node, 0)?]),
            "Gemm" => op(self.gemm(node)?, vec![self.data(node, 0)?]),
            "MatMul" => op(self.matmul(node)?, vec![self.data(node, 0)?]),
            "BatchNormalization" => self.batch_normalization(node),
            "Add" | "Sum" => self.sum(node),
            "Relu" => op(SkeletonKind::Relu, vec![self.data(node, 0)?]),
            "MaxPool" => op(self.max_pool(node)?, vec![self.data(node, 0)?]),
            "AveragePool" | "GlobalAveragePool" => {
                op(self.average(node)?, vec![self.data(node, 0)?])
            }
            "Dropout" => Err("it is in training mode: export the model for inference".into()),
            other => Err(format!("operator {other} is not supported in a proof here")),
        }
    }

    /// The value at an input's position, with the reason where there is none.
    pub(super) fn data(&self, node: &Node, position: usize) -> Result<ValueId, String> {
        let id = node.inputs.get(position).copied().flatten();
        let id = id.ok_or_else(|| format!("input {position} is missing"))?;
        let tensor = self.graph.tensor(id);
        if tensor.constant.is_some() {
            return Err(format!(
                "input {position} is a constant where a computed tensor is expected"
            ));
        }
        self.skeleton.value_of[id.index()].ok_or_else(|| match tensor.producer {
            Some(p) => format!(
                "it reads {:?}, which node {:?} makes and no proof covers",
                tensor.name, self.graph.nodes[p].name
            ),
            None => format!("the shape of {:?} is not known", tensor.name),
        })
    }

    pub(super) fn shape(&self, node: &Node, position: usize) -> Result<&'a [usize], String> {
        let tensor = self.graph.input(node, position).ok_or("an input is missing")?;
        tensor
            .shape
            .as_deref()
            .ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
    }

    pub(super) fn output_shape(&self, node: &Node) -> Result<&'a [usize], String> {
        let tensor = self.graph.output(node, 0).ok_or("it has no output")?;
        tensor
            .shape
            .as_deref()
            .ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
    }

    pub(super) fn weights(
        &self,
        node: &Node,
        position: usize,
    ) -> Result<std::sync::Arc<[f32]>, String> {
        let tensor = self
            .graph
            .input(node, position)
            .ok_or_else(|| format!("input {position} is missing"))?;
        weights::floats(tensor)
    }
}
