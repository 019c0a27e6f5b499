//! Measures what `halo2` proofs cost on this machine, on a LeNet for 3×32×32 images with random
//! weights: as one slice and as five, each with the width that is searched for it and with one that
//! is fixed. The constants of `predict::halo2` were fitted to its output.
//!
//! ```text
//! cargo run --release --example halo2_sizes            # everything, each proof in a process of its own
//! cargo run --release --example halo2_sizes -- slices 4x1x1 8x2x2   # `whole` or `slices`, widths
//! ```

mod network;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use microtome_engine::predict;
use microtome_engine::program::{Kind, Linear, Map, Program, Trace, Window};
use microtome_engine::prove::halo2::{Halo2, Width, commit, random_salt};
use microtome_engine::prove::{Boundary, Event, Phase, ProofSystem, Statement, Weights, Witness};
use network::Builder;

/// The operations at which the five slices start.
const CUTS: [usize; 4] = [3, 6, 8, 10];

/// The one that serves all slices best, where one has to.
const FIXED: &str = "8x2x1";
/// The width that is searched for each slice.
const SEARCHED: &str = "searched";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let ["one", width, first, last] =
        arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        let width = if width == SEARCHED { None } else { Some(width.parse()?) };
        return measure(width, first.parse()?, last.parse()?);
    }
    let is_plan = |argument: &String| ["whole", "slices"].contains(&argument.as_str());
    let (plans, mut widths): (Vec<_>, Vec<_>) = arguments.into_iter().partition(is_plan);
    if widths.is_empty() {
        widths = vec![SEARCHED.to_owned(), FIXED.to_owned()];
    }
    let (program, _) = lenet()?;
    println!(
        "width    k  proof B |  seconds (predicted): keys, prove, verify | peak MB (predicted) | rows"
    );
    for (plan, cuts) in [("whole", &[][..]), ("slices", &CUTS[..])] {
        if !plans.is_empty() && !plans.iter().any(|wanted| wanted == plan) {
            continue;
        }
        for slice in program.slices(cuts) {
            for width in &widths {
                // A process of its own, so that its peak of memory is this proof's.
                let ops = [slice.ops.start.to_string(), slice.ops.end.to_string()];
                Command::new(std::env::current_exe()?).args(["one", width]).args(ops).status()?;
            }
        }
    }
    Ok(())
}

fn measure(width: Option<Width>, first: usize, last: usize) -> Result<(), Box<dyn Error>> {
    let (program, trace) = lenet()?;
    let slice = program.slice(first..last);
    let system = Halo2 { width };
    let shape = system.circuit_shape(&program, &slice)?;
    let ids = || slice.inputs.iter().chain(&slice.outputs).copied();
    let salts: BTreeMap<_, _> = ids().map(|id| (id, random_salt())).collect();
    let boundary: Vec<_> = ids().map(|id| commit(&program, id, &trace[&id], &salts[&id])).collect();
    let statement = Statement {
        program: &program,
        slice: &slice,
        context: [0; 32],
        boundary: Boundary::Committed(&boundary),
        weights: Weights::Public,
    };
    let witness = Witness { trace, salts };
    let mut secs = BTreeMap::new();
    let proof = system.prove(&statement, &witness, &mut |event| {
        if let Event::Finished(phase, took) = event {
            secs.insert(phase, took);
        }
    })?;
    let peak = peak_bytes();
    let start = Instant::now();
    system.verify(&statement, &proof)?;
    let verify = start.elapsed().as_secs_f64();
    let predicted = predict::halo2(&shape);
    println!(
        "{:>6} {:>3} {:>8} | {:6.2} ({:5.2}) {:6.2} ({:5.2}) {:6.3} ({:5.3}) | {:>5} ({:>5}) | {:?}",
        shape.width.to_string(),
        shape.k,
        proof.len(),
        secs[&Phase::Keys],
        predicted.setup_secs,
        secs[&Phase::Prove],
        predicted.prove_secs,
        verify,
        predicted.verify_secs,
        peak / 1_000_000,
        predicted.peak_bytes / 1_000_000,
        shape.rows.tracks(),
    );
    Ok(())
}

/// The peak of this process's resident memory, where the system tells it.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// LeNet with ReLU and 2×2 maxima, 8 bits everywhere, random weights and a random input.
fn lenet() -> Result<(Program, Trace), Box<dyn Error>> {
    let mut model = Builder::new(8);
    let mut shape = [3, 32, 32];
    let mut x = model.tensor(&shape);
    let image = (0..3 * 32 * 32).map(|_| model.signed(127)).collect();
    model.trace.insert(x, image);
    model.program.inputs = vec![x];
    for channels in [6, 16] {
        let [channels_in, side, _] = shape;
        let window = window(1, side, 5, 1);
        let linear = Linear::new(
            Map::Conv { window, channels_in, channels_out: channels, groups: 1 },
            model.weights(channels * channels_in * 25),
            model.biases(channels),
            1,
        );
        shape = [channels, side - 4, side - 4];
        x = model.linear("Conv", x, linear, &shape)?;
        x = model.op("Relu", Kind::Relu, x, &shape)?;
        let pool = window_of_pool(channels, side - 4);
        shape = [channels, (side - 4) / 2, (side - 4) / 2];
        x = model.op("MaxPool", Kind::MaxPool(Arc::new(pool)), x, &shape)?;
    }
    for (inner, outer) in [(400, 120), (120, 84), (84, 10)] {
        let linear = Linear::new(
            Map::Dense { rows: 1, inner, outer },
            model.weights(inner * outer),
            model.biases(outer),
            1,
        );
        x = model.linear("Gemm", x, linear, &[1, outer])?;
        if outer != 10 {
            x = model.op("Relu", Kind::Relu, x, &[1, outer])?;
        }
    }
    model.program.outputs = vec![x];
    Ok((model.program, model.trace))
}

fn window(planes: usize, side: usize, kernel: usize, stride: usize) -> Window {
    Window {
        planes,
        input: [side; 2],
        output: [(side - kernel) / stride + 1; 2],
        kernel: [kernel; 2],
        strides: [stride; 2],
        pads: [0; 2],
        dilations: [1; 2],
        spreads: [1; 2],
    }
}

fn window_of_pool(planes: usize, side: usize) -> Window {
    window(planes, side, 2, 2)
}
