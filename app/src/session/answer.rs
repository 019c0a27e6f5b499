//! The model's answer to a case, in floats and in fixed point.

use std::sync::Arc;

use microtome_engine::onnx::Model;
use microtome_engine::program::{
    Fidelity, Program, Skeleton, Trace, ValueId, node_errors, softmax,
};

/// The model's answer to a case.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Probabilities by the float reference.
    pub float: Vec<f64>,
    /// Probabilities by the fixed-point program.
    pub fixed: Option<Vec<f64>>,
    /// How far the two are from each other.
    pub fidelity: Option<Fidelity>,
    /// Of each node the error of its fixed-point output, as a part of its float range.
    pub errors: Vec<Option<f64>>,
    /// Whether a verified run gave the fixed-point answer.
    pub proven: bool,
    /// Whether the output is a list of classes, so that probabilities mean something.
    pub classes: bool,
    /// What didn't work, in a sentence.
    pub problem: Option<String>,
}

/// A class with its probabilities.
#[derive(Clone, Copy, Debug)]
pub struct ClassBar {
    /// Which class.
    pub index: usize,
    /// By the float reference.
    pub float: f64,
    /// By the fixed-point program.
    pub fixed: Option<f64>,
}

impl Answer {
    /// The most probable class in floats.
    #[must_use]
    pub fn top_float(&self) -> Option<(usize, f64)> {
        top(&self.float)
    }

    /// The most probable class in fixed point.
    #[must_use]
    pub fn top_fixed(&self) -> Option<(usize, f64)> {
        top(self.fixed.as_deref()?)
    }

    /// The most probable classes.
    #[must_use]
    pub fn top_classes(&self, most: usize) -> Vec<ClassBar> {
        let mut bars: Vec<_> = self
            .float
            .iter()
            .enumerate()
            .map(|(index, &float)| ClassBar {
                index,
                float,
                fixed: self.fixed.as_ref().and_then(|f| f.get(index).copied()),
            })
            .collect();
        bars.sort_by(|a, b| b.float.total_cmp(&a.float));
        bars.truncate(most);
        bars
    }
}

fn top(probabilities: &[f64]) -> Option<(usize, f64)> {
    probabilities.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// A case to run, to be taken to a worker.
pub struct Question {
    pub(super) model: Arc<Model>,
    pub(super) program: Option<Arc<Program>>,
    pub(super) skeleton: Arc<Skeleton>,
    pub(super) tensors: Vec<Vec<f32>>,
    /// The program's tensor that is the model's first output, where it gets that far.
    pub(super) value: Option<ValueId>,
}

impl Question {
    /// Runs the case in floats and in fixed point. It takes long: for a worker.
    #[must_use]
    pub fn answer(self) -> Answer {
        let floats =
            |values: &[f32]| softmax(&values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
        let output = self.model.graph.outputs.first();
        let trace = match self.model.float_run(&self.tensors) {
            Ok(trace) => trace,
            Err(error) => return Answer { problem: Some(error.to_string()), ..Answer::default() },
        };
        let float_output = output.and_then(|id| trace.get(id)).cloned().unwrap_or_default();
        let dims = output.and_then(|&id| self.model.graph.tensor(id).shape.as_deref());
        let classes = dims.is_some_and(|dims| dims.iter().filter(|&&d| d > 1).count() == 1);
        let answer = Answer { float: floats(&float_output), classes, ..Answer::default() };
        let (Some(program), Some(value)) = (self.program, self.value) else { return answer };
        match run_fixed(&program, &self.tensors, value) {
            Ok((integers, fixed)) => Answer {
                errors: node_errors(&self.model.graph, &self.skeleton, &program, &integers, &trace),
                fidelity: Some(Fidelity::of(&fixed, &float_output)),
                fixed: Some(floats(&fixed)),
                ..answer
            },
            Err(problem) => Answer { problem: Some(problem), ..answer },
        }
    }
}

/// All integers of the run, and the output that they stand for.
fn run_fixed(
    program: &Program,
    tensors: &[Vec<f32>],
    output: ValueId,
) -> Result<(Trace, Vec<f32>), String> {
    let inputs = program.quantise_inputs(tensors).map_err(|error| error.to_string())?;
    let trace = program.run(&inputs).map_err(|error| error.to_string())?;
    let integers = trace.get(&output).ok_or("the program's output was not computed")?;
    let answer = program.dequantise(output, integers);
    Ok((trace, answer))
}
