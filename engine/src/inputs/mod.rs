//! Inputs of a model, from the files that people have them in.
//!
//! | file | what it holds |
//! |---|---|
//! | `.json` | `{"input_data": [[…], …]}`: one list for each input of the model, flat or nested, row-major; an integer `label` may be there; other keys are ignored |
//! | `.npy` | one array, for a model with one input |
//! | `.npz` | one array for each input, by its name; or, for a model with one input, `x` or the only array; `y`, `label` or `labels` are labels |
//! | `.png`, `.jpg`, `.jpeg` | a picture, for a model with one input of shape `[1, C, H, W]`, `[C, H, W]` or `[H, W]`, with one channel (grey) or three (RGB); it is stretched to `H`×`W`, and its samples are scaled to 0..1 |
//!
//! A NumPy array may hold many cases: its first dimension then is a multiple of the model's batch.

mod arrays;
mod json;
mod picture;

use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::graph::Graph;

/// Bytes that an input file may have.
const MOST_FILE_BYTES: u64 = 1 << 30;

/// Elements that the cases of one file may have in all (1 GiB as 32-bit numbers).
const MOST_ELEMENTS: usize = 1 << 28;

/// One case: a tensor for each input of the model, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    /// One tensor for each of [`Graph::inputs`].
    pub tensors: Vec<Vec<f32>>,
    /// The class that it is known to have.
    pub label: Option<i64>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// At least one case.
    pub cases: Vec<Case>,
}

/// Why a file is no input of a model.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file's kind is not known.
    #[error(
        "{path}: inputs are read from .json, .npy, .npz, .png and .jpg files, by the file's ending",
        path = .path.display()
    )]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// The model can't take an input from a file.
    #[error("input {input:?} of the model has no known shape: bind it with --shape {input}=1,…")]
    UnknownShape {
        /// Name of the model's input.
        input: String,
    },
    /// The file's contents don't fit.
    #[error("{path}: {reason}", path = .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// An input of the model, as far as reading it goes.
struct Slot {
    name: String,
    shape: Vec<usize>,
    len: usize,
}

impl Slot {
    fn shape_text(&self) -> String {
        dimensions(&self.shape)
    }
}

/// Reads the cases of a file for the inputs of a model.
///
/// # Errors
/// Where the file can't be read or doesn't fit the model; the error says what and where.
pub fn read(path: &Path, graph: &Graph) -> Result<Inputs, InputError> {
    let inputs = graph.inputs.iter().map(|&id| graph.tensor(id));
    let inputs = inputs.map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect();
    read_for(path, inputs)
}

/// As [`read`], for inputs of these names and shapes.
///
/// # Errors
/// As [`read`].
pub fn read_for(
    path: &Path,
    inputs: Vec<(String, Option<Vec<usize>>)>,
) -> Result<Inputs, InputError> {
    let slots = slots(inputs)?;
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let reader = match ending.as_str() {
        "json" => json::read,
        "npy" => arrays::read_npy,
        "npz" => arrays::read_npz,
        "png" | "jpg" | "jpeg" => picture::read,
        _ => {
            return Err(InputError::Kind { path: path.to_owned() });
        }
    };
    let bytes = files::read(path, MOST_FILE_BYTES, "an input")?;
    reader(&bytes, &slots)
        .and_then(|inputs| finite(inputs, &slots))
        .map_err(|reason| InputError::Content { path: path.to_owned(), reason })
}

fn slots(inputs: Vec<(String, Option<Vec<usize>>)>) -> Result<Vec<Slot>, InputError> {
    let slot = |(name, shape): (String, Option<Vec<usize>>)| {
        let shape = shape.ok_or_else(|| InputError::UnknownShape { input: name.clone() })?;
        let len = shape.iter().product();
        Ok(Slot { name, shape, len })
    };
    inputs.into_iter().map(slot).collect()
}

/// Lets through only inputs whose every element is a number.
fn finite(inputs: Inputs, slots: &[Slot]) -> Result<Inputs, String> {
    for (number, case) in inputs.cases.iter().enumerate() {
        for (slot, tensor) in slots.iter().zip(&case.tensors) {
            if let Some(at) = tensor.iter().position(|v| !v.is_finite()) {
                return Err(format!(
                    "element {at} of input {:?} (case {number}) is {}, but inputs are finite \
                     numbers",
                    slot.name, tensor[at]
                ));
            }
        }
    }
    Ok(inputs)
}

/// Dimensions as people write them.
fn dimensions<T: ToString>(shape: &[T]) -> String {
    match shape {
        [] => "scalar".to_owned(),
        _ => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×"),
    }
}

#[cfg(test)]
mod tests;
