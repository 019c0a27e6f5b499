//! Measures what verifying 20 slices proven by `halo2` together costs, against verifying each of
//! them alone: seconds on the clock, keys apart, the median of several rounds in turn.
//!
//! ```text
//! cargo run --release --example verify_bundle            # all networks
//! cargo run --release --example verify_bundle -- mixed   # or `equal`, `tiny`
//! ```

mod network;

use std::collections::BTreeMap;
use std::error::Error;

use microtome_engine::program::{Linear, Map, Program, ProgramSlice, Trace};
use microtome_engine::prove::halo2::{Commitment, Halo2, commit, random_salt};
use microtome_engine::prove::{Boundary, Claim, ProofSystem, Statement, Weights, Witness};
use network::Builder;

const SLICES: usize = 20;
const ROUNDS: usize = 7;

/// Networks of dense layers: a name, bits of each tensor, and the layers' widths in turn.
const NETWORKS: [(&str, u32, &[usize]); 3] =
    [("equal", 8, &[32]), ("mixed", 8, &[32, 32, 1000, 32, 3000, 32, 6000, 32]), ("tiny", 5, &[8])];

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!("network  slices of each k           | alone ms  together ms  ratio");
    for (name, bits, widths) in NETWORKS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            measure(name, layers(bits, widths)?)?;
        }
    }
    Ok(())
}

fn measure(name: &str, (program, trace): (Program, Trace)) -> Result<(), Box<dyn Error>> {
    let slices: Vec<ProgramSlice> = (0..SLICES).map(|op| program.slice(op..op + 1)).collect();
    let salts: BTreeMap<_, _> = trace.keys().map(|&id| (id, random_salt())).collect();
    let boundaries: Vec<Vec<Commitment>> = slices
        .iter()
        .map(|slice| {
            let ids = slice.inputs.iter().chain(&slice.outputs);
            ids.map(|id| commit(&program, *id, &trace[id], &salts[id])).collect()
        })
        .collect();
    let witness = Witness { trace, salts };
    let (mut proofs, mut of_k) = (Vec::new(), BTreeMap::<u32, usize>::new());
    for (slice, boundary) in slices.iter().zip(&boundaries) {
        let statement = statement(&program, slice, boundary);
        proofs.push(Halo2::AUTO.prove(&statement, &witness, &mut |_| {})?);
        *of_k.entry(Halo2::AUTO.circuit_shape(&program, slice)?.k).or_default() += 1;
    }
    let claims: Vec<Claim<'_>> = slices
        .iter()
        .zip(&boundaries)
        .zip(&proofs)
        .map(|((slice, boundary), proof)| Claim {
            statement: statement(&program, slice, boundary),
            proof,
        })
        .collect();

    let secs = |claims: &[Claim<'_>]| -> Result<f64, Box<dyn Error>> {
        let checks = Halo2::AUTO.verify_all(claims);
        for check in checks.claims {
            check.result?;
        }
        Ok(checks.verify_secs)
    };
    let (mut alone, mut together, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut each = 0.0;
        for claim in &claims {
            each += secs(std::slice::from_ref(claim))?;
        }
        let all = secs(&claims)?;
        alone.push(1e3 * each);
        together.push(1e3 * all);
        ratios.push(all / each);
    }
    let of_k: Vec<String> = of_k.iter().map(|(k, count)| format!("{count} of k={k}")).collect();
    println!(
        "{name:<8} {:<26} | {:8.1}  {:11.1}  {:5.3}",
        of_k.join(", "),
        median(alone),
        median(together),
        median(ratios),
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn statement<'a>(
    program: &'a Program,
    slice: &'a ProgramSlice,
    boundary: &'a [Commitment],
) -> Statement<'a> {
    let boundary = Boundary::Committed(boundary);
    Statement { program, slice, context: [0; 32], boundary, weights: Weights::Public }
}

/// Dense layers, one a slice.
fn layers(bits: u32, widths: &[usize]) -> Result<(Program, Trace), Box<dyn Error>> {
    let mut model = Builder::new(bits);
    let mut widths = widths.iter().copied().cycle().take(SLICES + 1);
    let mut inner = widths.next().unwrap_or(1);
    let mut x = model.tensor(&[1, inner]);
    let most = model.most();
    let input = (0..inner).map(|_| model.signed(most)).collect();
    model.trace.insert(x, input);
    model.program.inputs = vec![x];
    for outer in widths {
        let map = Map::Dense { rows: 1, inner, outer };
        let linear = Linear::new(map, model.weights(inner * outer), model.biases(outer), 1);
        x = model.linear("Gemm", x, linear, &[1, outer])?;
        inner = outer;
    }
    model.program.outputs = vec![x];
    Ok((model.program, model.trace))
}
