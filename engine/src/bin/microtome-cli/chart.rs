//! Charts in files.

use std::path::Path;

use anyhow::{Result, bail};
use microtome_engine::files::{self, Access};
use microtome_engine::plan::SliceEstimate;
use microtome_engine::prove::System;
use microtome_engine::report::charts::{
    Chart, CompareData, Look, PieceCosts, Quantity, Scales, SystemsData, SystemsPiece, View,
    to_png, to_svg,
};
use microtome_engine::run::Measured;

/// Pixels of a chart, before a PNG doubles them.
const SIZE_PX: (u32, u32) = (960, 540);

/// What was measured and predicted for a piece.
pub type Piece<'a> = (&'a Measured, &'a SliceEstimate);

/// Whether a chart can be written to a file of this name, found out before anything is proven.
pub fn check(path: &Path) -> Result<()> {
    match ending(path).as_str() {
        "svg" | "png" | "csv" => Ok(()),
        _ => bail!(
            "{}: charts are written as .svg or .png, their numbers as .csv, by the file's ending",
            path.display()
        ),
    }
}

/// Writes the comparison of slices with the whole.
pub fn write(
    path: &Path,
    name: &str,
    slices: &[Piece<'_>],
    whole: Piece<'_>,
    linking_secs: f64,
) -> Result<()> {
    let costs = |name: String, (measured, estimate): Piece<'_>| {
        PieceCosts::of(name, estimate.prediction.as_ref(), Some(measured))
    };
    let slices = (0..).zip(slices).map(|(index, piece)| costs(format!("slice {index}"), *piece));
    let chart = Chart::Compare(CompareData {
        subtitle: name.to_owned(),
        slices: slices.collect(),
        whole: costs("whole".to_owned(), whole),
        linking_secs: Quantity::measured(linking_secs),
        scales: Scales::Own,
    });
    write_chart(path, &chart)
}

/// Writes a chart in the form that the file's ending says.
pub fn write_chart(path: &Path, chart: &Chart) -> Result<()> {
    let view = View::default();
    let bytes = match ending(path).as_str() {
        "svg" => to_svg(chart, &view, SIZE_PX, false)?.into_bytes(),
        "csv" => chart.table().to_csv().into_bytes(),
        _ => to_png(chart, &view, SIZE_PX, Look::on_paper(false, 2.0))?,
    };
    Ok(files::write(path, &bytes, Access::Usual)?)
}

/// Writes the comparison of systems on the same pieces: seconds to prove each slice, and the whole.
pub fn write_systems(path: &Path, name: &str, measured: &[(System, Vec<f64>)]) -> Result<()> {
    let count = measured.iter().map(|(_, secs)| secs.len()).max().unwrap_or(0);
    let piece = |index: usize| SystemsPiece {
        name: if index + 1 == count { "whole".to_owned() } else { index.to_string() },
        prove_secs: System::ALL.map(|system| {
            let of = measured.iter().find(|(measured, _)| *measured == system);
            let secs = of.and_then(|(_, secs)| secs.get(index));
            secs.map_or_else(Quantity::default, |&secs| Quantity::measured(secs))
        }),
    };
    let pieces = (0..count).map(piece).collect();
    write_chart(path, &Chart::Systems(SystemsData { subtitle: name.to_owned(), pieces }))
}

fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase()
}
