//! Random small networks, and what must hold of each of them.
//!
//! A network follows from its seed alone: operators of the registry, shapes, attributes, weights,
//! branches, inputs and outputs, the opset. The tests take some seeds, and the example
//! `random_networks` as many as are asked for.
//!
//! | part | what |
//! |---|---|
//! | [`network`] | a network from its seed |
//! | `draft`, `windows`, `layers`, `arithmetic`, `attention`, `moves` | its nodes |
//! | [`trial`] | import, program and both executions |
//! | [`bounds`] | how far the fixed-point run may be from the float one |
//! | [`proving`] | proofs by both systems, the bundle, and a change of it that must be refused |
//! | [`hunt`] | many seeds; a failure with its file and the fewest nodes that show it |

#![allow(dead_code, reason = "each program that includes this uses a part of it")]

pub mod arithmetic;
pub mod attention;
pub mod bounds;
pub mod chance;
pub mod draft;
pub mod hunt;
pub mod layers;
pub mod moves;
pub mod network;
pub mod proving;
pub mod trial;
pub mod windows;
