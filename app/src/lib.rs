//! The workbench: a window in which neural networks are cut into slices that are proven.
//!
//! The window holds no arithmetic of its own: what it shows, `microtome-cli` prints.

pub mod app;
mod carry_out;
pub mod chart_view;
pub mod command;
pub mod dialogs;
pub mod graph_view;
pub mod history;
pub mod keeping;
mod menu;
pub mod notices;
mod palette;
pub mod panels;
pub mod panes;
pub mod plot_backend;
pub mod project;
pub mod remaining;
pub mod run_view;
pub mod samples;
pub mod session;
mod slicing;
mod splitting;
pub mod tamper;
mod tasks;
#[cfg(test)]
mod testing;
pub mod theme;
pub mod tour;
pub mod words;
pub mod worker;

pub use app::{App, Settings};
