//! The engine of Microtome: it cuts ONNX networks into slices and proves the slices.
//!
//! Data flows one way, and a user of the library can stop at any arrow:
//!
//! ```text
//! ONNX bytes ─► Graph ─► Plan (slices) ─► Estimate
//!                 │         │
//!                 └► Program (fixed point, global scales) ─► Trace (integer tensors)
//!                           │
//!                           └► slice circuit ─► slice proof ─► Bundle ─► Verdict / Report
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`onnx`] | bytes to [`graph::Graph`]: shapes, constant folding, the float reference |
//! | [`graph`] | nodes, tensors, their order |
//! | [`program`] | the fixed-point program: lowering, calibration, integer execution, fidelity |
//! | [`bits`] | how many bits a model needs: error against cost over many settings, and the choice |
//! | [`split`] | nodes that are too big, as tiles that compute the same |
//! | [`inputs`] | model inputs from JSON, NumPy and image files |
//! | [`bundle`] | the proof bundle and its verdict |
//! | [`attack`] | changed copies of a bundle, and the check that catches each |
//! | [`run`] | jobs in the background: proofs in child processes, progress, cancel |
//! | [`machine`] | whether the processor has the instructions that the program was built with |
//! | [`report`] | numbers as text, tables, and charts for the window, SVG and PNG |

#![warn(missing_docs)]

pub mod attack;
pub mod bits;
pub mod bundle;
pub mod cost;
pub mod digest;
pub mod files;
pub mod graph;
pub mod inputs;
pub mod machine;
pub mod onnx;
pub mod plan;
pub mod predict;
pub mod program;
pub mod prove;
pub mod report;
pub mod run;
pub mod split;
