//! What goes to stdout: one JSON object, or text for people.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

/// Prints one JSON object.
pub fn json(value: &impl Serialize) -> Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Prints lines of text.
pub fn text(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// Whether an error is only that nobody reads our output any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Tensors as people read them, cut off where they are long.
pub fn tensors(tensors: &[Vec<f32>]) -> String {
    const MOST: usize = 12;
    let one = |tensor: &Vec<f32>| {
        let shown: Vec<_> = tensor.iter().take(MOST).map(|v| format!("{v:.4}")).collect();
        let more = if tensor.len() > MOST { ", …" } else { "" };
        format!("[{}{more}]", shown.join(", "))
    };
    tensors.iter().map(one).collect::<Vec<_>>().join(" ")
}
