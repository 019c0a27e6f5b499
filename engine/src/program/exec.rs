//! Integer execution: the reference that every circuit is held against.

use std::collections::BTreeMap;

use super::{Kind, Linear, Op, Program, ProgramSlice, Table, Value, ValueId, Window};

/// The integer tensors of a run, by id. Elements are row-major.
pub type Trace = BTreeMap<ValueId, Vec<i32>>;

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RunError {
    /// A value left the range that its tensor was calibrated for.
    #[error(
        "{place} computes {value}, outside its range {low}..={high}: calibrate with inputs like \
         this one, or with more headroom"
    )]
    OutOfRange {
        /// The node, its operator and the element.
        place: String,
        /// The value.
        value: i64,
        /// Least value of the range.
        low: i64,
        /// Greatest value of the range.
        high: i64,
    },
    /// A function's value leaves the range that its tensor was calibrated for.
    #[error(
        "{place} is given {input}, for which its value is outside its range {low}..={high}: \
         calibrate with inputs like this one, or with more headroom"
    )]
    NoOutput {
        /// The node, its operator and the element.
        place: String,
        /// What the function is given.
        input: i32,
        /// Least value of the range.
        low: i64,
        /// Greatest value of the range.
        high: i64,
    },
    /// A number of an input is outside the range that its tensor was calibrated for.
    #[error(
        "input {name:?} holds {value} at element {element}, outside its range {low:.4} to \
         {high:.4}: calibrate with inputs like this one, or with more headroom"
    )]
    InputRange {
        /// Name of the input.
        name: String,
        /// Index of the element.
        element: usize,
        /// The number, as text, since it may be none.
        value: String,
        /// Least number of the range.
        low: f64,
        /// Greatest number of the range.
        high: f64,
    },
    /// An input has the wrong number of elements.
    #[error("input {name:?} has {got} elements, but its shape {shape:?} needs {expected}")]
    InputLength {
        /// Name of the input.
        name: String,
        /// Elements given.
        got: usize,
        /// Elements needed.
        expected: usize,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A tensor that the slice reads was not given.
    #[error("tensor {name:?} is needed and was not given")]
    MissingInput {
        /// Name of the tensor.
        name: String,
    },
}

/// Rounds half up: `(accumulator + 2^(shift-1)) >> shift`, the rounding of every requantisation.
#[must_use]
pub fn requantise(accumulator: i64, shift: u32) -> i64 {
    (accumulator + (1i64 << (shift - 1))) >> shift
}

impl Program {
    /// Runs the whole program. `inputs` holds one row-major tensor for each of
    /// [`Program::inputs`]; the trace holds every tensor.
    ///
    /// # Errors
    /// Where an input has the wrong length, or a value leaves its range.
    pub fn run(&self, inputs: &[Vec<i32>]) -> Result<Trace, RunError> {
        let trace = self.inputs.iter().copied().zip(inputs.iter().cloned()).collect();
        self.run_slice(&self.slice(0..self.ops.len()), trace)
    }

    /// Runs one slice. `trace` holds its inputs; what comes back holds also what it computed.
    ///
    /// # Errors
    /// As [`Program::run`], and where an input of the slice is missing.
    pub fn run_slice(&self, slice: &ProgramSlice, mut trace: Trace) -> Result<Trace, RunError> {
        for &id in &slice.inputs {
            let value = self.value(id);
            let given = trace
                .get(&id)
                .ok_or_else(|| RunError::MissingInput { name: value.name.clone() })?;
            if given.len() != value.len() {
                return Err(RunError::InputLength {
                    name: value.name.clone(),
                    got: given.len(),
                    expected: value.len(),
                    shape: value.shape.clone(),
                });
            }
            in_range(value, given, || format!("input {:?}", value.name))?;
        }
        for op in &self.ops[slice.ops.clone()] {
            let output = self.run_op(op, &trace)?;
            trace.insert(op.output, output);
        }
        Ok(trace)
    }

    fn run_op(&self, op: &Op, trace: &Trace) -> Result<Vec<i32>, RunError> {
        let inputs: Vec<&[i32]> = op.inputs.iter().map(|id| trace[id].as_slice()).collect();
        let value = self.value(op.output);
        let output = match &op.kind {
            Kind::Linear(linear) => run_linear(linear, &inputs, value, op)?,
            Kind::Relu => inputs[0].iter().map(|&v| v.max(0)).collect(),
            Kind::MaxPool(window) => run_max_pool(window, inputs[0]),
            Kind::Table(table) => run_table(table, inputs[0], value, op)?,
            Kind::Product(product) => {
                let sums = product.accumulators(inputs[0], inputs[1]);
                requantised(sums, product.shift, value, op)?
            }
        };
        debug_assert_eq!(output.len(), value.len(), "{} computes its shape", op.name);
        Ok(output)
    }
}

/// The accumulators of a linear map (without the rounding half), one for each output element.
/// They fit 64 bits: [`Program`]s are built only where the enforced ranges prove it.
#[must_use]
pub fn accumulators(linear: &Linear, inputs: &[&[i32]], len: usize) -> Vec<i64> {
    let mut sums = vec![0; len];
    let mut x = Vec::new();
    linear.visit(|site| {
        x.clear();
        x.extend(
            site.taps
                .iter()
                .map(|tap| i64::from(inputs[tap.operand as usize][tap.element as usize])),
        );
        for (number, (&output, &bias)) in site.outputs.iter().zip(site.biases).enumerate() {
            let row = &site.weights[number * x.len()..(number + 1) * x.len()];
            let dot: i64 = row.iter().zip(&x).map(|(&w, &x)| i64::from(w) * x).sum();
            sums[output as usize] = dot + bias;
        }
    });
    sums
}

fn run_linear(
    linear: &Linear,
    inputs: &[&[i32]],
    value: &Value,
    op: &Op,
) -> Result<Vec<i32>, RunError> {
    requantised(accumulators(linear, inputs, value.len()), linear.shift, value, op)
}

fn requantised(sums: Vec<i64>, shift: u32, value: &Value, op: &Op) -> Result<Vec<i32>, RunError> {
    let range = value.range();
    sums.into_iter()
        .enumerate()
        .map(|(element, sum)| {
            let q = requantise(sum, shift);
            if !range.contains(&q) {
                return Err(RunError::OutOfRange {
                    place: format!("node {:?} ({}), element {element},", op.name, op.operator),
                    value: q,
                    low: *range.start(),
                    high: *range.end(),
                });
            }
            Ok(q as i32)
        })
        .collect()
}

fn run_table(table: &Table, input: &[i32], value: &Value, op: &Op) -> Result<Vec<i32>, RunError> {
    let run = |(element, &x): (usize, &i32)| {
        table.get(i64::from(x)).ok_or_else(|| {
            let range = value.range();
            RunError::NoOutput {
                place: format!("node {:?} ({}), element {element},", op.name, op.operator),
                input: x,
                low: *range.start(),
                high: *range.end(),
            }
        })
    };
    input.iter().enumerate().map(run).collect()
}

fn run_max_pool(window: &Window, input: &[i32]) -> Vec<i32> {
    let mut output = Vec::with_capacity(window.planes * window.output_len());
    let mut offsets = Vec::new();
    for plane in input.chunks_exact(window.input_len()) {
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                offsets.clear();
                window.offsets(y, x, &mut offsets);
                output.extend(offsets.iter().map(|&at| plane[at]).max());
            }
        }
    }
    output
}

fn in_range(value: &Value, given: &[i32], place: impl Fn() -> String) -> Result<(), RunError> {
    let range = value.range();
    match given.iter().position(|&v| !range.contains(&i64::from(v))) {
        None => Ok(()),
        Some(at) => Err(RunError::OutOfRange {
            place: format!("{}, element {at},", place()),
            value: i64::from(given[at]),
            low: *range.start(),
            high: *range.end(),
        }),
    }
}
