//! How each operator is lowered.

use super::{
    FloatWeights, Operand, Skeleton, SkeletonKind, SkeletonOp, SkeletonValue, ValueId, Window, place,
};
use crate::graph::{Constant, Graph, Node, Tensor, TensorId};
use crate::program::geometry;

/// Operators that only rename elements.
const ALIASES: &[&str] = &["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout"];

/// Lowers node by node, in order.
pub struct Builder<'a> {
    graph: &'a Graph,
    skeleton: Skeleton,
    /// For each value, the operation that makes it.
    maker: Vec<Option<usize>>,
}

/// What lowering a node found.
enum Lowered {
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
        mode.is_some_and(|t| !matches!(&t.constant, Some(Constant::Int(v)) if v.iter().all(|&x| x == 0)))
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
        let (Some(from), Some(to)) = (
            node.inputs.first().copied().flatten(),
            node.outputs.first().copied().flatten(),
        ) else {
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
            "AveragePool" | "GlobalAveragePool" => op(self.average(node)?, vec![self.data(node, 0)?]),
            "Dropout" => Err("it is in training mode: export the model for inference".into()),
            other => Err(format!("operator {other} is not supported in a proof here")),
        }
    }

    /// The value at an input's position, with the reason where there is none.
    fn data(&self, node: &Node, position: usize) -> Result<ValueId, String> {
        let id = node.inputs.get(position).copied().flatten();
        let id = id.ok_or_else(|| format!("input {position} is missing"))?;
        let tensor = self.graph.tensor(id);
        if tensor.constant.is_some() {
            return Err(format!("input {position} is a constant where a computed tensor is expected"));
        }
        self.skeleton.value_of[id.index()].ok_or_else(|| match tensor.producer {
            Some(p) => format!("it reads {:?}, which node {:?} makes and no proof covers",
                tensor.name, self.graph.nodes[p].name),
            None => format!("the shape of {:?} is not known", tensor.name),
        })
    }

    fn shape(&self, node: &Node, position: usize) -> Result<&'a [usize], String> {
        let tensor = self.graph.input(node, position).ok_or("an input is missing")?;
        tensor.shape.as_deref().ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
    }

    fn output_shape(&self, node: &Node) -> Result<&'a [usize], String> {
        let tensor = self.graph.output(node, 0).ok_or("it has no output")?;
        tensor.shape.as_deref().ok_or_else(|| format!("the shape of {:?} is not known", tensor.name))
    }

    fn weights(&self, node: &Node, position: usize) -> Result<std::sync::Arc<[f32]>, String> {
        let tensor = self
            .graph
            .input(node, position)
            .ok_or_else(|| format!("input {position} is missing"))?;
        floats(tensor)
    }

    fn conv(&self, node: &Node) -> Result<SkeletonKind, String> {
        let (input, output) = (self.shape(node, 0)?, self.output_shape(node)?);
        let kernel = self.shape(node, 1)?;
        let weights = self.weights(node, 1)?;
        if input.len() < 3 || kernel.len() != input.len() || output.len() != input.len() {
            return Err(format!("a Conv of shape {input:?} with weights {kernel:?} is not supported"));
        }
        let window = geometry::window(node, input[0], &input[2..], &output[2..], &kernel[2..])?;
        let groups = usize::try_from(node.attributes.int("group").unwrap_or(1)).unwrap_or(0);
        let (channels_in, channels_out) = (input[1], kernel[0]);
        let fits = groups > 0
            && channels_in == kernel[1] * groups
            && channels_out % groups == 0
            && output[..2] == [input[0], channels_out];
        if !fits {
            return Err(format!(
                "weights {kernel:?} in {groups} groups don't fit an input {input:?}"
            ));
        }
        let bias = match node.inputs.get(2).copied().flatten() {
            None => vec![0.0; channels_out],
            Some(_) => doubles(&self.weights(node, 2)?),
        };
        if bias.len() != channels_out {
            return Err(format!("{} biases don't fit {channels_out} channels", bias.len()));
        }
        let floats = FloatWeights { weights, factors: vec![1.0; channels_out], bias };
        Ok(SkeletonKind::Conv { window, channels_in, groups, floats })
    }

    fn gemm(&self, node: &Node) -> Result<SkeletonKind, String> {
        let (a, b) = (self.shape(node, 0)?, self.shape(node, 1)?);
        let flag = |name: &str| node.attributes.int(name).unwrap_or(0) != 0;
        let &[rows, inner] = a else { return Err(format!("a Gemm of shape {a:?} is not supported")) };
        if flag("transA") {
            return Err("a Gemm with transA is not supported".into());
        }
        let &[first, second] = b else { return Err(format!("weights of shape {b:?}")) };
        let weights = self.weights(node, 1)?;
        let transposed = flag("transB");
        let (outer, inner_of_b) = if transposed { (first, second) } else { (second, first) };
        if inner_of_b != inner {
            return Err(format!("weights {b:?} don't fit an input {a:?}"));
        }
        let weights =
            if transposed { weights } else { transpose(&weights, inner, outer).into() };
        let factor = |name: &str| f64::from(node.attributes.float(name).unwrap_or(1.0));
        let bias = match node.inputs.get(2).copied().flatten() {
            None => vec![0.0; outer],
            Some(id) => {
                let shape = self.graph.tensor(id).shape.clone().unwrap_or_default();
                let values = doubles(&self.weights(node, 2)?);
                let per_feature = per_feature(&shape, &values, outer)
                    .ok_or_else(|| format!("a bias of shape {shape:?} is not supported"))?;
                per_feature.iter().map(|v| v * factor("beta")).collect()
            }
        };
        let floats = FloatWeights { weights, factors: vec![factor("alpha"); outer], bias };
        Ok(SkeletonKind::Dense { rows, inner, floats })
    }

    fn matmul(&self, node: &Node) -> Result<SkeletonKind, String> {
        let (a, b) = (self.shape(node, 0)?, self.shape(node, 1)?);
        if self.graph.input(node, 1).is_some_and(|t| t.constant.is_none()) {
            return Err("a MatMul of two computed tensors is not supported in a proof here".into());
        }
        let (&[inner_of_b, outer], Some((&inner, leading))) = (b, a.split_last()) else {
            return Err(format!("a MatMul of {a:?} with weights {b:?} is not supported"));
        };
        if inner != inner_of_b || leading.is_empty() {
            return Err(format!("a MatMul of {a:?} with weights {b:?} is not supported"));
        }
        let weights = transpose(&self.weights(node, 1)?, inner, outer).into();
        let floats = FloatWeights { weights, factors: vec![1.0; outer], bias: vec![0.0; outer] };
        Ok(SkeletonKind::Dense { rows: leading.iter().product(), inner, floats })
    }

    /// Folded into the convolution or dense layer before it where nothing else reads that, else a
    /// convolution of its own with one weight a channel.
    fn batch_normalization(&self, node: &Node) -> Result<Lowered, String> {
        let shape = self.shape(node, 0)?;
        if node.attributes.int("training_mode").unwrap_or(0) != 0 {
            return Err("it is in training mode: export the model for inference".into());
        }
        let (factors, shifts) = self.normalization(node)?;
        if shape.len() < 2 || shape[1] != factors.len() {
            return Err(format!("{} channels don't fit an input {shape:?}", factors.len()));
        }
        if node.outputs.iter().skip(1).flatten().any(|&id| !self.graph.tensor(id).consumers.is_empty())
        {
            return Err("its training outputs are not supported".into());
        }
        let input = self.data(node, 0)?;
        if let Some(op) = self.foldable(node, input)
            && (shape.len() == 2 || matches!(self.skeleton.ops[op].kind, SkeletonKind::Conv { .. }))
        {
            return Ok(Lowered::Folded { op, factors, shifts });
        }
        let plane: usize = shape[2..].iter().product();
        let window = Window {
            planes: shape[0],
            input: [1, plane],
            output: [1, plane],
            kernel: [1, 1],
            strides: [1, 1],
            pads: [0, 0],
            dilations: [1, 1],
        };
        let channels = factors.len();
        let floats =
            FloatWeights { weights: vec![1.0; channels].into(), factors, bias: shifts };
        let kind =
            SkeletonKind::Conv { window, channels_in: channels, groups: channels, floats };
        Ok(Lowered::Op { kind, inputs: vec![input] })
    }

    /// `y = x·factor + shift`, channel by channel (ONNX `BatchNormalization`, inference).
    fn normalization(&self, node: &Node) -> Result<(Vec<f64>, Vec<f64>), String> {
        let epsilon = f64::from(node.attributes.float("epsilon").unwrap_or(1e-5));
        let parts: Result<Vec<Vec<f64>>, String> =
            (1..5).map(|i| self.weights(node, i).map(|w| doubles(&w))).collect();
        let parts = parts?;
        let [scale, shift, mean, variance] = parts.as_slice() else {
            return Err("its parameters are incomplete".into());
        };
        let channels = scale.len();
        if [shift, mean, variance].iter().any(|p| p.len() != channels) {
            return Err("its parameters differ in length".into());
        }
        let factors: Vec<f64> =
            scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        if factors.iter().any(|f| !f.is_finite()) {
            return Err("its variance gives no finite factor".into());
        }
        let shifts = shift.iter().zip(mean).zip(&factors).map(|((b, m), f)| b - m * f).collect();
        Ok((factors, shifts))
    }

    /// The operation that a node after it can be folded into: a convolution or dense layer whose
    /// output, under its own shape, nothing else reads.
    fn foldable(&self, node: &Node, input: ValueId) -> Option<usize> {
        let op = self.maker[input.index()]?;
        let tensor = self.skeleton.values[input.index()].tensor;
        let is_direct = node.inputs.first().copied().flatten() == Some(tensor);
        let is_private = self.graph.tensor(tensor).consumers.len() == 1
            && !self.graph.outputs.contains(&tensor);
        let is_layer = matches!(
            self.skeleton.ops[op].kind,
            SkeletonKind::Conv { .. } | SkeletonKind::Dense { .. }
        );
        (is_direct && is_private && is_layer).then_some(op)
    }

    fn sum(&self, node: &Node) -> Result<Lowered, String> {
        let shape = self.output_shape(node)?;
        let (mut inputs, mut operands) = (Vec::new(), Vec::new());
        let mut bias: Vec<f64> = Vec::new();
        for position in 0..node.inputs.len() {
            let operand = broadcast(self.shape(node, position)?, shape)?;
            if self.graph.input(node, position).is_some_and(|t| t.constant.is_some()) {
                let values = self.weights(node, position)?;
                let len = shape.iter().product();
                bias.resize(len, 0.0);
                for (element, bias) in bias.iter_mut().enumerate() {
                    *bias += f64::from(values[operand.element(shape, element)]);
                }
            } else {
                inputs.push(self.data(node, position)?);
                operands.push(operand);
            }
        }
        if let &[input] = inputs.as_slice()
            && let Some(op) = self.foldable(node, input)
            && let Some(shifts) = self.channel_shifts(op, shape, &bias)
        {
            return Ok(Lowered::Folded { op, factors: vec![1.0; shifts.len()], shifts });
        }
        if inputs.is_empty() {
            return Err("it adds constants only".into());
        }
        let coefficients = vec![1.0; inputs.len()];
        let kind = SkeletonKind::Sum { shape: shape.to_vec(), operands, coefficients, bias };
        Ok(Lowered::Op { kind, inputs })
    }

    /// A constant addend as one number for each output channel of an operation, where it is
    /// the same over all of a channel and the sum has the operation's own shape.
    fn channel_shifts(&self, op: usize, shape: &[usize], addend: &[f64]) -> Option<Vec<f64>> {
        let value = &self.skeleton.values[self.skeleton.ops[op].output.index()];
        if value.shape != shape {
            return None;
        }
        let (channels, inner) = match &self.skeleton.ops[op].kind {
            SkeletonKind::Conv { floats, .. } => {
                (floats.bias.len(), shape.get(2..)?.iter().product::<usize>())
            }
            SkeletonKind::Dense { floats, .. } => (floats.bias.len(), 1),
            _ => return None,
        };
        let shifts: Vec<f64> = (0..channels).map(|c| addend[c * inner]).collect();
        let is_per_channel =
            addend.iter().enumerate().all(|(i, v)| *v == shifts[i / inner % channels]);
        is_per_channel.then_some(shifts)
    }

    fn max_pool(&self, node: &Node) -> Result<SkeletonKind, String> {
        let used = |id: &TensorId| {
            !self.graph.tensor(*id).consumers.is_empty() || self.graph.outputs.contains(id)
        };
        if node.outputs.iter().skip(1).flatten().any(used) {
            return Err("the indices of a MaxPool are not supported".into());
        }
        if node.attributes.int("storage_order").unwrap_or(0) != 0 {
            return Err("a MaxPool in column-major order is not supported".into());
        }
        Ok(SkeletonKind::MaxPool(self.pool_window(node)?))
    }

    fn average(&self, node: &Node) -> Result<SkeletonKind, String> {
        let include = node.attributes.int("count_include_pad").unwrap_or(0) != 0;
        if include && node.attributes.int("ceil_mode").unwrap_or(0) != 0 {
            return Err("an AveragePool with ceil_mode that counts its padding is not supported".into());
        }
        Ok(SkeletonKind::Average { window: self.pool_window(node)?, count_include_pad: include })
    }

    fn pool_window(&self, node: &Node) -> Result<Window, String> {
        let (input, output) = (self.shape(node, 0)?, self.output_shape(node)?);
        if input.len() < 3 || output.len() != input.len() || input[..2] != output[..2] {
            return Err(format!("a {} of shape {input:?} is not supported", node.op));
        }
        let planes = input[0] * input[1];
        if node.op.starts_with("Global") {
            let area = input[2..].iter().product();
            return Ok(Window {
                planes,
                input: [1, area],
                output: [1, 1],
                kernel: [1, area],
                strides: [1, 1],
                pads: [0, 0],
                dilations: [1, 1],
            });
        }
        let kernel = node.attributes.ints("kernel_shape").ok_or("kernel_shape is missing")?;
        let kernel: Vec<usize> = kernel.iter().map(|&k| usize::try_from(k).unwrap_or(0)).collect();
        let window = geometry::window(node, planes, &input[2..], &output[2..], &kernel)?;
        if !geometry::every_position_reads(&window) {
            return Err("a window lies in the padding alone".into());
        }
        Ok(window)
    }
}

fn floats(tensor: &Tensor) -> Result<std::sync::Arc<[f32]>, String> {
    match &tensor.constant {
        Some(Constant::Float(values)) => match values.iter().position(|v| !v.is_finite()) {
            None if Some(values.len() as u64) == tensor.elements() => Ok(values.clone()),
            None => Err(format!("weights {:?} don't fill their shape", tensor.name)),
            Some(at) => Err(format!(
                "weights {:?} hold {} at element {at}: train or export the model again",
                tensor.name, values[at]
            )),
        },
        Some(_) => Err(format!("weights {:?} are no floating-point numbers", tensor.name)),
        None => Err(format!("{:?} is computed where weights are expected", tensor.name)),
    }
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

/// A bias as one number a feature, where it is the same for all rows.
fn per_feature(shape: &[usize], values: &[f64], features: usize) -> Option<Vec<f64>> {
    let leading_are_one = shape.iter().rev().skip(1).all(|&d| d == 1);
    match values {
        [one] => Some(vec![*one; features]),
        _ if leading_are_one && values.len() == features => Some(values.to_vec()),
        _ => None,
    }
}

/// How a tensor of shape `from` is read as one of shape `to` (NumPy's rules).
fn broadcast(from: &[usize], to: &[usize]) -> Result<Operand, String> {
    let error = || format!("a shape {from:?} can't be broadcast to {to:?}");
    let offset = to.len().checked_sub(from.len()).ok_or_else(error)?;
    let mut strides = vec![0; to.len()];
    let mut step = 1;
    for (axis, &dim) in from.iter().enumerate().rev() {
        match dim {
            1 => {}
            d if d == to[offset + axis] => strides[offset + axis] = step,
            _ => return Err(error()),
        }
        step *= dim;
    }
    Ok(Operand { strides })
}
