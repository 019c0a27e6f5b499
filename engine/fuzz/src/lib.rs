//! What is fuzzed, shared with the test that replays the seeds.

use std::sync::Arc;

use microtome_engine::bundle::{
    self, Backing, Binding, Bundle, Custody, Header, Opening, SliceRecord,
};
use microtome_engine::digest::Digest;
use microtome_engine::graph::{Axis, Split};
use microtome_engine::program::{
    Card, CardValue, Kind, Linear, Map, Op, Program, ProgramSlice, Source, Trace, Value, ValueId,
    Window,
};
use microtome_engine::prove::whir::Whir;
use microtome_engine::prove::{
    Boundary, ProofSystem as _, ProveError, Statement, System, VerifyError, Weights, Witness,
};

/// Bits of every tensor: the tables of so many make up a committed vector of 2^13 elements, whose
/// opening has a round between the first and the last.
const BITS: u32 = 11;

/// A convolution, a ReLU, a pool and a dense layer, with a run of them: a statement that is
/// verified in little time and has every kind of claim.
pub struct Fixture {
    program: Program,
    slice: ProgramSlice,
    trace: Trace,
}

impl Default for Fixture {
    fn default() -> Self {
        let mut program = Program {
            tensors: vec![tensor("image", &[1, 1, 6, 6])],
            ops: vec![],
            inputs: vec![ValueId(0)],
            outputs: vec![ValueId(4)],
        };
        let channels = 2;
        let conv = Linear::new(
            Map::Conv {
                window: window(1, [6, 6], [3, 3], 1, 1),
                channels_in: 1,
                channels_out: channels,
                groups: 1,
            },
            (0..18).map(|i| scattered(i, 20)).collect(),
            vec![300, -500],
            8,
        );
        append(&mut program, Kind::Linear(Arc::new(conv)), &[1, channels, 6, 6]);
        append(&mut program, Kind::Relu, &[1, channels, 6, 6]);
        let pool = window(channels, [6, 6], [2, 2], 2, 0);
        append(&mut program, Kind::MaxPool(Arc::new(pool)), &[1, channels, 3, 3]);
        let dense = Linear::new(
            Map::Dense { rows: 1, inner: 18, outer: 3 },
            (0..54).map(|i| scattered(i + 7, 10)).collect(),
            vec![1000, 0, -1000],
            8,
        );
        append(&mut program, Kind::Linear(Arc::new(dense)), &[1, 3]);
        let image = (0..36).map(|i| scattered(i + 3, 1000)).collect();
        let trace = program.run(&[image]).expect("weights and image are small enough");
        Self { slice: program.slice(0..program.ops.len()), program, trace }
    }
}

impl Fixture {
    /// A proof of the statement, or of the same one in another context.
    ///
    /// # Errors
    /// Never, as long as the system can prove such a program.
    pub fn prove(&self, context: [u8; 32]) -> Result<Vec<u8>, ProveError> {
        let public = self.public();
        let witness = Witness { trace: self.trace.clone(), salts: Default::default() };
        Whir.prove(&self.statement(&public, context), &witness, &mut |_| {})
    }

    /// What the verifier says to bytes as a proof of the statement.
    ///
    /// # Errors
    /// Where they are none.
    pub fn verify(&self, proof: &[u8]) -> Result<(), VerifyError> {
        let public = self.public();
        Whir.verify(&self.statement(&public, [0; 32]), proof)
    }

    fn public(&self) -> Vec<&[i32]> {
        let boundary = self.slice.inputs.iter().chain(&self.slice.outputs);
        boundary.map(|id| self.trace[id].as_slice()).collect()
    }

    fn statement<'a>(&'a self, public: &'a [&'a [i32]], context: [u8; 32]) -> Statement<'a> {
        let boundary = Boundary::Public(public);
        let weights = Weights::Public;
        Statement { program: &self.program, slice: &self.slice, context, boundary, weights }
    }
}

/// A bundle with something in each of its lists.
#[must_use]
pub fn bundle() -> Bundle {
    let Fixture { program, slice, trace } = Fixture::default();
    let ends = || slice.inputs.iter().chain(&slice.outputs).map(|id| (*id, &trace[id]));
    let binding = |(value, elements): (ValueId, &Vec<i32>)| bundle::Boundary {
        value,
        binding: Binding::of(&program, value, elements, None),
    };
    let opening = |(value, elements): (ValueId, &Vec<i32>)| Opening {
        value,
        salt: None,
        elements: elements.clone(),
    };
    let value = |value: &Value| CardValue {
        name: value.name.clone(),
        bits: value.bits,
        scale: value.scale,
    };
    let header = Header {
        model: Digest::of("fuzz", b"model"),
        splits: vec![("conv".to_owned(), Split { axis: Axis::Rows, parts: 2 })],
        program: program.digest(),
        cuts: vec![2],
        systems: vec![System::Whir, System::Halo2],
        weights: Custody::Public,
        card: Card {
            source: Source::ProvenInput { headroom: 1.25 },
            weight_bits: 12,
            values: program.tensors.iter().map(value).collect(),
        },
        nonce: [1; 32],
        context: "fuzz".to_owned(),
        boundaries: ends().map(binding).collect(),
        openings: ends().map(opening).collect(),
    };
    let proof = SliceRecord { index: 0, backing: Backing::Proof(vec![7; 64]) };
    let executed = SliceRecord { index: 1, backing: Backing::Executed };
    Bundle { header, slices: vec![proof, executed] }
}

fn tensor(name: &str, shape: &[usize]) -> Value {
    Value { name: name.to_owned(), shape: shape.into(), scale: 1.0, bits: BITS }
}

/// Adds an operation that reads what the last one computed.
fn append(program: &mut Program, kind: Kind, shape: &[usize]) {
    let node = program.ops.len();
    let operator = match &kind {
        Kind::Linear(_) => "Linear",
        Kind::Relu => "Relu",
        Kind::MaxPool(_) => "MaxPool",
        Kind::Table(_) => "Table",
        Kind::Product(_) => "Product",
    };
    let (input, output) = (ValueId(node as u32), ValueId(node as u32 + 1));
    let (name, operator) = (format!("node{node}"), operator.to_owned());
    program.tensors.push(tensor(&name, shape));
    program.ops.push(Op { node, name, operator, kind, inputs: vec![input], output });
}

fn window(
    planes: usize,
    input: [usize; 2],
    kernel: [usize; 2],
    stride: usize,
    pad: usize,
) -> Window {
    let output = std::array::from_fn(|axis| (input[axis] + 2 * pad - kernel[axis]) / stride + 1);
    let (strides, pads, dilations) = ([stride; 2], [pad; 2], [1; 2]);
    Window { planes, input, output, kernel, strides, pads, dilations, spreads: [1; 2] }
}

/// Numbers from `-bound` to `bound` without a pattern.
fn scattered(i: u32, bound: u32) -> i32 {
    let hash = (i + 1).wrapping_mul(0x9e37_79b9);
    ((hash >> 8) % (2 * bound + 1)) as i32 - bound as i32
}
