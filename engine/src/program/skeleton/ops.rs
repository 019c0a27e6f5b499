//! How each operator is lowered.

use super::{
    Greatest, Scale, Skeleton, SkeletonKind, SkeletonOp, SkeletonValue, ValueId, place, weights,
};
use crate::graph::{Constant, Graph, Node};
use crate::program::{check, operators};

/// Lowers node by node, in order.
pub(in crate::program) struct Builder<'a> {
    pub(in crate::program) graph: &'a Graph,
    pub(in crate::program) skeleton: Skeleton,
    /// For each value, the operation that makes it.
    pub(super) maker: Vec<Option<usize>>,
}

/// What lowering a node found.
pub(in crate::program) enum Lowered {
    /// New operations, in order.
    Ops(Vec<NewOp>),
    /// It is folded into an operation before it: `y·factor + shift`, channel by channel.
    Folded { op: usize, factors: Vec<f64>, shifts: Vec<f64> },
    /// Its first output has the elements of its first input, in their order.
    Alias,
}

/// An operation that a node becomes, or one step of several.
pub(in crate::program) struct NewOp {
    pub kind: SkeletonKind,
    pub inputs: Vec<Input>,
    pub output: NewValue,
    pub scale: NewScale,
}

/// A tensor that a new operation reads.
#[derive(Clone, Copy)]
pub(in crate::program) enum Input {
    /// One that was there before the node.
    Value(ValueId),
    /// What the node's operation of this index computes.
    Step(usize),
}

/// A tensor that a new operation computes.
pub(in crate::program) enum NewValue {
    /// The node's output at this position.
    Output(usize),
    /// A tensor between steps, which gets the node's name and this one.
    Step(&'static str, Vec<usize>),
}

/// As [`Scale`], for a tensor that is not there yet.
pub(in crate::program) enum NewScale {
    Measured,
    Through(Input, Greatest),
    Of(Input),
    Holding(Vec<Input>, f64),
}

impl NewOp {
    /// An operation that computes the node's first output, under a scale of its own.
    pub fn last(kind: SkeletonKind, inputs: Vec<Input>) -> Self {
        Self { kind, inputs, output: NewValue::Output(0), scale: NewScale::Measured }
    }
}

impl Lowered {
    /// One operation of one input, under a scale of its own.
    pub fn one(kind: SkeletonKind, input: ValueId) -> Result<Self, String> {
        Ok(Self::Ops(vec![NewOp::last(kind, vec![Input::Value(input)])]))
    }

    /// One operation of one input, under the input's scale.
    pub fn of_scale(kind: SkeletonKind, input: ValueId) -> Result<Self, String> {
        let input = Input::Value(input);
        Ok(Self::Ops(vec![NewOp { scale: NewScale::Of(input), ..NewOp::last(kind, vec![input]) }]))
    }
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
                let (tensor, scale) = (Some(id), Scale::Measured);
                skeleton.values.push(SkeletonValue { tensor, name, shape, scale });
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
        self.join_tiles();
        let owners = &self.skeleton.owners;
        let own = (0..owners.len()).filter(|&n| owners[n] == n);
        self.skeleton.legal_cuts = own.skip(1).collect();
        self.skeleton
    }

    fn node(&mut self, index: usize) {
        let graph = self.graph;
        let node = &graph.nodes[index];
        match self.lower(node) {
            Ok(Lowered::Alias) => self.alias(index),
            Ok(Lowered::Ops(ops)) => self.push(index, ops),
            Ok(Lowered::Folded { op, factors, shifts }) => self.fold(index, op, &factors, &shifts),
            Err(reason) => {
                self.skeleton.obstacles[index] = Some(format!("{}: {reason}", place(node, graph)));
            }
        }
    }

    /// Whether a Dropout really drops: its third input is, or may be, true.
    pub(in crate::program) fn is_training(&self, node: &Node) -> bool {
        let mode = self.graph.input(node, 2).filter(|_| node.op == "Dropout");
        mode.is_some_and(
            |t| !matches!(&t.constant, Some(Constant::Int(v)) if v.iter().all(|&x| x == 0)),
        )
    }

    fn push(&mut self, index: usize, ops: Vec<NewOp>) {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let mut steps: Vec<ValueId> = Vec::with_capacity(ops.len());
        for op in ops {
            let id = |input: Input| match input {
                Input::Value(value) => value,
                Input::Step(step) => steps[step],
            };
            let (tensor, name, shape) = match op.output {
                NewValue::Output(position) => {
                    // Nobody asks for an optional output that is left out.
                    let Some(tensor) = node.outputs.get(position).copied().flatten() else {
                        continue;
                    };
                    let known = graph.tensor(tensor);
                    (Some(tensor), known.name.clone(), known.shape.clone().unwrap_or_default())
                }
                NewValue::Step(name, shape) => (None, format!("{}/{name}", node.name), shape),
            };
            let scale = match op.scale {
                NewScale::Measured => Scale::Measured,
                NewScale::Through(input, greatest) => {
                    Scale::Through { from: id(input), greatest, first: None }
                }
                NewScale::Of(input) => Scale::Of(id(input)),
                NewScale::Holding(inputs, least) => {
                    Scale::Holding(inputs.into_iter().map(id).collect(), least)
                }
            };
            let inputs = op.inputs.into_iter().map(id).collect();
            let value = ValueId(self.skeleton.values.len() as u32);
            self.skeleton.values.push(SkeletonValue { tensor, name, shape, scale });
            self.maker.push(Some(self.skeleton.ops.len()));
            if let Some(tensor) = tensor {
                self.skeleton.value_of[tensor.index()] = Some(value);
            }
            self.skeleton.ops.push(SkeletonOp {
                node: index,
                kind: op.kind,
                inputs,
                output: value,
                greatest: 0.0,
            });
            steps.push(value);
        }
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
        if let Some(before) = renamed.tensor {
            self.skeleton.value_of[before.index()] = None;
        }
        renamed.tensor = Some(tensor);
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
        // What no program may hold is refused before anything of its size is made.
        let ids = node.inputs.iter().chain(&node.outputs).flatten();
        for tensor in ids.map(|&id| self.graph.tensor(id)).filter(|t| t.constant.is_none()) {
            if let Some(shape) = tensor.shape.as_deref()
                && !check::is_possible(shape)
            {
                return Err(format!("{:?} is {shape:?}: its shape is impossible", tensor.name));
            }
        }
        match operators::find(&node.op) {
            Some(operator) => (operator.lower)(self, node),
            None => Err(format!("operator {} is not supported in a proof here", node.op)),
        }
    }

    /// The value at an input's position, with the reason where there is none.
    pub(in crate::program) fn data(&self, node: &Node, position: usize) -> Result<ValueId, String> {
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

    pub(in crate::program) fn shape(
        &self,
        node: &Node,
        position: usize,
    ) -> Result<&'a [usize], String> {
        let tensor = self.graph.input(node, position).ok_or("an input is missing")?;
        tensor
            .shape
            .as_deref()
            .ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
    }

    pub(in crate::program) fn output_shape(&self, node: &Node) -> Result<&'a [usize], String> {
        let tensor = self.graph.output(node, 0).ok_or("it has no output")?;
        tensor
            .shape
            .as_deref()
            .ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
    }

    /// Whether an input is there and known before the network runs.
    pub(in crate::program) fn is_constant(&self, node: &Node, position: usize) -> bool {
        self.graph.input(node, position).is_some_and(|t| t.constant.is_some())
    }

    /// The integers of a constant input; none where the input is left out.
    pub(in crate::program) fn ints(
        &self,
        node: &Node,
        position: usize,
    ) -> Result<Option<&'a [i64]>, String> {
        let Some(tensor) = self.graph.input(node, position) else { return Ok(None) };
        match &tensor.constant {
            Some(Constant::Int(values)) => Ok(Some(values)),
            _ => Err(format!("{:?} must be constant integers", tensor.name)),
        }
    }

    pub(in crate::program) fn weights(
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
