//! Random programs for tests, whose values fit their ranges.

use std::sync::Arc;

use crate::program::{
    Kind, Linear, Map, Op, Operand, Product, Program, Read, Table, Trace, Value, ValueId, Window,
    accumulators,
};

/// A small deterministic generator (SplitMix64), so that a failing test fails again.
pub(crate) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// From `-bound` to `bound`.
    pub fn signed(&mut self, bound: i64) -> i64 {
        (self.next() % (2 * bound as u64 + 1)) as i64 - bound
    }
}

/// A program that grows by operations, together with a run of it.
pub(crate) struct Model {
    pub program: Program,
    pub trace: Trace,
    pub random: Random,
    bits: u32,
    /// The least shift of a linear map; larger ones are taken where values need it.
    pub least_shift: u32,
}

impl Model {
    pub fn new(seed: u64, bits: u32) -> Self {
        let program = Program { tensors: vec![], ops: vec![], inputs: vec![], outputs: vec![] };
        Self { program, trace: Trace::new(), random: Random(seed), bits, least_shift: 1 }
    }

    fn tensor(&mut self, shape: &[usize]) -> ValueId {
        let id = ValueId(self.program.tensors.len() as u32);
        let name = format!("t{}", id.0);
        self.program.tensors.push(Value { name, shape: shape.into(), scale: 1.0, bits: self.bits });
        id
    }

    pub fn input(&mut self, shape: &[usize]) -> ValueId {
        let id = self.tensor(shape);
        let range = self.program.value(id).range();
        let len = self.program.value(id).len();
        let span = (range.end() - range.start() + 1) as usize;
        let elements =
            (0..len).map(|_| (self.random.below(span) as i64 + range.start()) as i32).collect();
        self.trace.insert(id, elements);
        self.program.inputs.push(id);
        id
    }

    fn op(&mut self, operator: &str, kind: Kind, inputs: Vec<ValueId>, shape: &[usize]) -> ValueId {
        let output = self.tensor(shape);
        let node = self.program.ops.len();
        let name = format!("n{node}");
        let operator = operator.to_owned();
        self.program.ops.push(Op { node, name, operator, kind, inputs, output });
        let slice = self.program.slice(node..node + 1);
        let ran = self.program.run_slice(&slice, self.trace.clone());
        self.trace = ran.expect("the shift was chosen so that values fit");
        output
    }

    pub fn linear(&mut self, linear: Linear, inputs: &[ValueId], shape: &[usize]) -> ValueId {
        let tensors: Vec<&[i32]> = inputs.iter().map(|id| self.trace[id].as_slice()).collect();
        let sums = accumulators(&linear, &tensors, shape.iter().product());
        let most = sums.iter().map(|sum| sum.abs()).max().unwrap_or(0);
        let mut shift = self.least_shift;
        while (most + (1 << (shift - 1))) >> shift >= 1 << (self.bits - 1) {
            shift += 1;
        }
        let kind =
            Kind::Linear(Arc::new(Linear::new(linear.map, linear.weights, linear.bias, shift)));
        self.op("Linear", kind, inputs.into(), shape)
    }

    pub fn conv(
        &mut self,
        input: ValueId,
        channels_out: usize,
        groups: usize,
        window: [[usize; 2]; 4],
    ) -> ValueId {
        let shape = self.program.value(input).shape.clone();
        let window = sliding(shape[0], [shape[2], shape[3]], window);
        let linear = random_conv(&mut self.random, window, shape[1], channels_out, groups);
        let Map::Conv { window, .. } = &linear.map else { unreachable!() };
        let shape = [shape[0], channels_out, window.output[0], window.output[1]];
        self.linear(linear, &[input], &shape)
    }

    pub fn dense(&mut self, input: ValueId, rows: usize, outer: usize) -> ValueId {
        let inner = self.program.value(input).len() / rows;
        let linear = random_dense(&mut self.random, rows, inner, outer);
        self.linear(linear, &[input], &[rows, outer])
    }

    pub fn sum(&mut self, inputs: &[ValueId], shape: &[usize], strides: &[&[usize]]) -> ValueId {
        let operands = strides.iter().map(|s| Operand { strides: s.to_vec() }).collect();
        let linear = random_sum(&mut self.random, shape, operands);
        self.linear(linear, inputs, shape)
    }

    pub fn average(&mut self, input: ValueId, window: [[usize; 2]; 4], include: bool) -> ValueId {
        let shape = self.program.value(input).shape.clone();
        let window = sliding(shape[0] * shape[1], [shape[2], shape[3]], window);
        let output = [shape[0], shape[1], window.output[0], window.output[1]];
        let linear = random_average(&mut self.random, window, include);
        self.linear(linear, &[input], &output)
    }

    pub fn relu(&mut self, input: ValueId) -> ValueId {
        let shape = self.program.value(input).shape.clone();
        self.op("Relu", Kind::Relu, vec![input], &shape)
    }

    /// A gather of one operand by its axes, without requantising.
    pub fn moved(&mut self, input: ValueId, axes: Vec<Vec<Option<u32>>>) -> ValueId {
        let shape: Vec<usize> = axes.iter().map(Vec::len).collect();
        let reads = vec![Read { axes, sums: vec![] }];
        let map = Map::Gather { shape: shape.clone(), reads };
        let kind = Kind::Linear(Arc::new(Linear::new(map, vec![2], vec![], 1)));
        self.op("Move", kind, vec![input], &shape)
    }

    /// A random gather of elements that these tensors have.
    pub fn gather(&mut self, inputs: &[ValueId], shape: &[usize]) -> ValueId {
        let reads = inputs.iter().map(|&id| {
            let most = self.program.value(id).len() / (shape.len() + 1);
            let random = &mut self.random;
            let mut step =
                |gap: bool| (!gap || random.below(4) > 0).then(|| random.below(most.max(1)) as u32);
            let axes = shape.iter().map(|&side| (0..side).map(|_| step(true)).collect()).collect();
            let sums = vec![(0..2).filter_map(|_| step(false)).collect()];
            Read { axes, sums }
        });
        let reads: Vec<Read> = reads.collect();
        let (weights, bias) = (weights(&mut self.random, reads.len()), vec![]);
        let linear = Linear::new(Map::Gather { shape: shape.into(), reads }, weights, bias, 1);
        self.linear(linear, inputs, shape)
    }

    /// A product of two tensors, read by these axes and sums.
    pub fn product(
        &mut self,
        inputs: [ValueId; 2],
        [left, right]: [Read; 2],
        weight: i32,
    ) -> ValueId {
        let shape: Vec<usize> = left.axes.iter().map(Vec::len).collect();
        let mut product = Product { shape: shape.clone(), left, right, weight, shift: 1 };
        let [a, b] = inputs.map(|id| self.trace[&id].as_slice());
        let sums = product.accumulators(a, b);
        let most = sums.iter().map(|sum| sum.abs()).max().unwrap_or(0);
        while (most + (1 << (product.shift - 1))) >> product.shift >= 1 << (self.bits - 1) {
            product.shift += 1;
        }
        self.op("Product", Kind::Product(Arc::new(product)), inputs.into(), &shape)
    }

    /// `a [m, k] · b [k, n]`.
    pub fn matmul(&mut self, inputs: [ValueId; 2], [m, k, n]: [usize; 3]) -> ValueId {
        let axis = |side: usize, step: usize| (0..side).map(|i| Some((i * step) as u32)).collect();
        let sum = |step: usize| vec![(0..k).map(|i| (i * step) as u32).collect()];
        let left = Read { axes: vec![axis(m, k), axis(n, 0)], sums: sum(1) };
        let right = Read { axes: vec![axis(m, 0), axis(n, 1)], sums: sum(n) };
        self.product(inputs, [left, right], 3)
    }

    /// `a [m, n] · b [n]`, element by element.
    pub fn scaled(&mut self, inputs: [ValueId; 2], [m, n]: [usize; 2]) -> ValueId {
        let axis = |side: usize, step: usize| (0..side).map(|i| Some((i * step) as u32)).collect();
        let left = Read { axes: vec![axis(m, n), axis(n, 1)], sums: vec![] };
        let right = Read { axes: vec![axis(m, 0), axis(n, 1)], sums: vec![] };
        self.product(inputs, [left, right], -5)
    }

    /// A random function, defined where the run needs it and on half of the other integers.
    pub fn table(&mut self, input: ValueId) -> ValueId {
        let value = self.program.value(input);
        let (shape, range) = (value.shape.clone(), value.range());
        let needed: Vec<i64> = self.trace[&input].iter().map(|&v| v.into()).collect();
        let span = (range.end() - range.start() + 1) as usize;
        let outputs = range.clone().map(|x| {
            let y = (self.random.below(span) as i64 + range.start()) as i32;
            (self.random.below(2) == 0 || needed.contains(&x)).then_some(y)
        });
        let outputs = outputs.collect();
        self.op("Table", Kind::Table(Arc::new(Table { outputs })), vec![input], &shape)
    }

    pub fn max_pool(&mut self, input: ValueId, window: [[usize; 2]; 4]) -> ValueId {
        let shape = self.program.value(input).shape.clone();
        let window = sliding(shape[0] * shape[1], [shape[2], shape[3]], window);
        let output = [shape[0], shape[1], window.output[0], window.output[1]];
        self.op("MaxPool", Kind::MaxPool(Arc::new(window)), vec![input], &output)
    }

    /// The finished program.
    pub fn finish(mut self, outputs: &[ValueId]) -> (Program, Trace) {
        self.program.outputs = outputs.into();
        (self.program, self.trace)
    }
}

/// A window from its kernel, strides, pads (on both sides) and dilations.
pub(crate) fn sliding(
    planes: usize,
    input: [usize; 2],
    [kernel, strides, pads, dilations]: [[usize; 2]; 4],
) -> Window {
    let output = std::array::from_fn(|i| {
        (input[i] + 2 * pads[i] - dilations[i] * (kernel[i] - 1) - 1) / strides[i] + 1
    });
    Window { planes, input, output, kernel, strides, pads, dilations, spreads: [1; 2] }
}

/// Kernel, no strides, no pads, no dilation.
pub(crate) fn plain(kernel: usize) -> [[usize; 2]; 4] {
    [[kernel; 2], [1; 2], [0; 2], [1; 2]]
}

/// Pooling by windows that don't overlap.
pub(crate) fn pool(kernel: usize) -> [[usize; 2]; 4] {
    [[kernel; 2], [kernel; 2], [0; 2], [1; 2]]
}

fn weights(random: &mut Random, count: usize) -> Vec<i32> {
    (0..count).map(|_| random.signed(9) as i32).collect()
}

fn biases(random: &mut Random, count: usize) -> Vec<i64> {
    (0..count).map(|_| random.signed(40)).collect()
}

fn random_conv(
    random: &mut Random,
    window: Window,
    channels_in: usize,
    channels_out: usize,
    groups: usize,
) -> Linear {
    let fan = channels_in / groups * window.kernel[0] * window.kernel[1];
    let (weights, bias) = (weights(random, channels_out * fan), biases(random, channels_out));
    Linear::new(Map::Conv { window, channels_in, channels_out, groups }, weights, bias, 1)
}

fn random_dense(random: &mut Random, rows: usize, inner: usize, outer: usize) -> Linear {
    let (weights, bias) = (weights(random, inner * outer), biases(random, outer));
    Linear::new(Map::Dense { rows, inner, outer }, weights, bias, 1)
}

fn random_sum(random: &mut Random, shape: &[usize], operands: Vec<Operand>) -> Linear {
    let weights = weights(random, operands.len());
    let bias = biases(random, shape.iter().product());
    Linear::new(Map::Sum { shape: shape.into(), operands }, weights, bias, 1)
}

fn random_average(random: &mut Random, window: Window, count_include_pad: bool) -> Linear {
    let area = window.kernel[0] * window.kernel[1];
    Linear::new(Map::Average { window, count_include_pad }, weights(random, area), vec![], 1)
}

/// Linear maps of every kind with random geometry, strange ones among them.
pub(crate) fn random_maps() -> Vec<(String, Linear)> {
    let mut maps = Vec::new();
    for seed in 0..120 {
        let random = &mut Random(seed);
        let kernel = [1 + random.below(4), 1 + random.below(4)];
        let strides = [1 + random.below(3), 1 + random.below(3)];
        // Pads beyond the kernel leave sites without taps.
        let pads = [random.below(4), random.below(4)];
        let dilations = [1 + random.below(2), 1 + random.below(2)];
        let input = [7 + random.below(6), 7 + random.below(12)];
        let window = |planes| sliding(planes, input, [kernel, strides, pads, dilations]);
        let planes = 1 + random.below(3);
        let groups = 1 + random.below(5);
        let (cin, cout) = (groups * (1 + random.below(3)), groups * (1 + random.below(4)));
        let conv = random_conv(random, window(planes), cin, cout, groups);
        maps.push((format!("groups {seed}"), conv));
        let (cin, cout) = (1 + random.below(4), 1 + random.below(20));
        maps.push((format!("conv {seed}"), random_conv(random, window(planes), cin, cout, 1)));
        let (rows, inner, outer) =
            (1 + random.below(9), 1 + random.below(30), 1 + random.below(20));
        maps.push((format!("dense {seed}"), random_dense(random, rows, inner, outer)));
        let include = random.below(2) == 0;
        // A pooling window always reaches the input.
        let pads = [pads[0].min(kernel[0] - 1), pads[1].min(kernel[1] - 1)];
        let window = sliding(planes, input, [kernel, strides, pads, dilations]);
        maps.push((format!("average {seed}"), random_average(random, window, include)));
        let shape: Vec<usize> = (0..1 + random.below(4)).map(|_| 1 + random.below(6)).collect();
        let operands = (0..1 + random.below(3)).map(|_| random_operand(random, &shape)).collect();
        maps.push((format!("sum {seed}"), random_sum(random, &shape, operands)));
        maps.push((format!("gather {seed}"), random_gather(random, &shape)));
        let spread = sliding(planes, input, [kernel, [1; 2], pads, dilations]);
        let spreads = [1 + random.below(3), 1 + random.below(3)];
        // As many outputs as the spread input has positions for the window.
        let output = std::array::from_fn(|i| (input[i] - 1) * (spreads[i] - 1) + spread.output[i]);
        let spread = Window { output, spreads, ..spread };
        maps.push((format!("spread {seed}"), random_conv(random, spread, cin, cout, 1)));
    }
    maps
}

/// Reads with gaps, repetitions and sums.
pub(crate) fn random_gather(random: &mut Random, shape: &[usize]) -> Linear {
    let mut reads = Vec::new();
    for _ in 0..1 + random.below(3) {
        let gaps = random.below(2) == 0;
        let mut axis = |side: usize| -> Vec<Option<u32>> {
            let step = 1 + random.below(5);
            let jumps = random.below(3) == 0;
            let at = |random: &mut Random, i| if jumps { random.below(9) } else { i * step };
            (0..side)
                .map(|i| (!gaps || random.below(4) > 0).then(|| at(random, i) as u32))
                .collect()
        };
        let axes = shape.iter().map(|&side| axis(side)).collect();
        let sums = (0..random.below(3))
            .map(|_| (0..1 + random.below(3)).map(|_| random.below(7) as u32).collect())
            .collect();
        reads.push(Read { axes, sums });
    }
    let bias = if random.below(2) == 0 { biases(random, shape.iter().product()) } else { vec![] };
    let weights = weights(random, reads.len());
    Linear::new(Map::Gather { shape: shape.into(), reads }, weights, bias, 1)
}

/// Row-major strides with some dimensions broadcast.
fn random_operand(random: &mut Random, shape: &[usize]) -> Operand {
    let (mut strides, mut step) = (vec![0; shape.len()], 1);
    for (axis, &dim) in shape.iter().enumerate().rev() {
        if random.below(3) > 0 {
            strides[axis] = step;
            step *= dim;
        }
    }
    Operand { strides }
}

/// A program of one linear map, between ReLUs so that all its tensors are inside.
pub(crate) fn with_map(seed: u64, linear: Linear) -> (Program, Trace) {
    let mut model = Model::new(seed, 8);
    let (inputs, output): (Vec<Vec<usize>>, Vec<usize>) = match &linear.map {
        Map::Conv { window, channels_in, channels_out, .. } => (
            vec![vec![window.planes, *channels_in, window.input[0], window.input[1]]],
            vec![window.planes, *channels_out, window.output[0], window.output[1]],
        ),
        Map::Dense { rows, inner, outer } => (vec![vec![*rows, *inner]], vec![*rows, *outer]),
        Map::Sum { shape, operands } => {
            let operand = |operand: &Operand| {
                vec![1 + operand.element(shape, shape.iter().product::<usize>() - 1)]
            };
            (operands.iter().map(operand).collect(), shape.clone())
        }
        Map::Gather { shape, reads } => {
            let len = |read: &Read| vec![1 + read.reach().unwrap_or(0) as usize];
            (reads.iter().map(len).collect(), shape.clone())
        }
        Map::Average { window, .. } => (
            vec![vec![window.planes, window.input[0], window.input[1]]],
            vec![window.planes, window.output[0], window.output[1]],
        ),
    };
    let ids: Vec<ValueId> = inputs.iter().map(|shape| model.input(shape)).collect();
    let read: Vec<ValueId> = ids.iter().map(|&id| model.relu(id)).collect();
    let output = model.linear(linear, &read, &output);
    let last = model.relu(output);
    model.finish(&[last])
}

/// Products of every kind: of matrices of sides that are no powers of two, whose factors are
/// inside and on the boundary, element by element with broadcasting, of a tensor with itself, and
/// of columns with rows, whose factors share no axis.
pub(crate) fn products(bits: u32) -> (Program, Trace) {
    let mut model = Model::new(21, bits);
    let x = model.input(&[3, 5]);
    let y = model.input(&[5, 3]);
    let a = model.relu(x);
    let b = model.matmul([a, y], [3, 5, 3]);
    let row = model.moved(b, vec![vec![Some(4), Some(0), Some(7)]]);
    let c = model.scaled([b, row], [3, 3]);
    let d = model.relu(c);
    let e = model.matmul([d, b], [3, 3, 3]);
    let f = model.matmul([row, row], [3, 1, 3]);
    let g = model.scaled([f, row], [3, 3]);
    model.finish(&[e, g])
}
