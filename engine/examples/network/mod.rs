//! Random programs for measuring.

use std::error::Error;
use std::sync::Arc;

use microtome_engine::program::{Kind, Linear, Op, Program, Trace, Value, ValueId, accumulators};

/// A program that grows by operations, with a run of it.
pub struct Builder {
    pub program: Program,
    pub trace: Trace,
    bits: u32,
    seed: u64,
}

impl Builder {
    /// With tensors of so many bits.
    pub fn new(bits: u32) -> Self {
        let program = Program { tensors: vec![], ops: vec![], inputs: vec![], outputs: vec![] };
        Self { program, trace: Trace::new(), bits, seed: 7 }
    }

    /// The greatest value of a tensor.
    pub fn most(&self) -> i32 {
        (1 << (self.bits - 1)) - 1
    }

    /// From `-bound` to `bound`.
    pub fn signed(&mut self, bound: i32) -> i32 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.seed >> 33) % (2 * bound as u64 + 1)) as i32 - bound
    }

    pub fn weights(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.signed(self.most())).collect()
    }

    pub fn biases(&mut self, count: usize) -> Vec<i64> {
        (0..count).map(|_| self.signed(2000).into()).collect()
    }

    pub fn tensor(&mut self, shape: &[usize]) -> ValueId {
        let id = ValueId(self.program.tensors.len() as u32);
        let name = format!("t{}", id.0);
        self.program.tensors.push(Value { name, shape: shape.into(), scale: 1.0, bits: self.bits });
        id
    }

    pub fn op(
        &mut self,
        operator: &str,
        kind: Kind,
        input: ValueId,
        shape: &[usize],
    ) -> Result<ValueId, Box<dyn Error>> {
        let output = self.tensor(shape);
        let node = self.program.ops.len();
        let (name, operator) = (format!("n{node}"), operator.to_owned());
        let inputs = vec![input];
        self.program.ops.push(Op { node, name, operator, kind, inputs, output });
        let slice = self.program.slice(node..node + 1);
        self.trace = self.program.run_slice(&slice, std::mem::take(&mut self.trace))?;
        Ok(output)
    }

    /// A linear map with the smallest shift for which the values fit.
    pub fn linear(
        &mut self,
        operator: &str,
        input: ValueId,
        mut linear: Linear,
        shape: &[usize],
    ) -> Result<ValueId, Box<dyn Error>> {
        let len = shape.iter().product();
        let sums = accumulators(&linear, &[&self.trace[&input]], len);
        let most = sums.iter().map(|sum| sum.abs()).max().unwrap_or(0);
        while (most + (1 << (linear.shift - 1))) >> linear.shift > self.most().into() {
            linear.shift += 1;
        }
        self.op(operator, Kind::Linear(Arc::new(linear)), input, shape)
    }
}
