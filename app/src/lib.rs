//! app

pub mod plot_backend;
