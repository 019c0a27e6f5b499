//! Predictions of seconds and bytes from the size of a circuit.
//!
//! Every phase of a proof is linear in the number of rows `2^k` but for logarithms that a few
//! steps of `k` hide: commitments and coset transforms are made for each vector that the prover
//! commits to, evaluations for each fixed column, the opening once. So each cost is
//! `constant + 2^k · (a + b·vectors + c·fixed columns)`, with constants fitted to measurements.

use serde::{Deserialize, Serialize};

use crate::program::{Program, ProgramSlice};
use crate::prove::halo2::{CircuitShape, circuit_shapes};
use crate::prove::whir::WhirShape;
use crate::prove::{Shape, Unprovable};

/// What proving a slice is predicted to cost on the machine that the constants were measured on:
/// two cores of a server. Multiply by a measured factor for another one ([`Prediction::on`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Seconds to derive the keys, once for a slice.
    pub setup_secs: f64,
    /// Seconds to make the proof.
    pub prove_secs: f64,
    /// The seconds that proving takes at least, with little chance of less.
    pub prove_secs_low: f64,
    /// The seconds that proving takes at most, with little chance of more: the machine is busy.
    pub prove_secs_high: f64,
    /// Seconds to verify the proof, keys made.
    pub verify_secs: f64,
    /// Bytes of memory at the peak, keys included.
    pub peak_bytes: u64,
    /// Bytes of the proof: exact for `halo2`; for `whir` they depend on where its queries fall.
    pub proof_bytes: u64,
}

impl Prediction {
    /// The same on a machine that takes `factor` times as long.
    #[must_use]
    pub fn on(mut self, factor: f64) -> Self {
        for secs in [
            &mut self.setup_secs,
            &mut self.prove_secs,
            &mut self.prove_secs_low,
            &mut self.prove_secs_high,
            &mut self.verify_secs,
        ] {
            *secs *= factor;
        }
        self
    }
}

/// Predicts the cost of a proof from the size of its circuit.
#[must_use]
pub fn of(shape: &Shape) -> Prediction {
    match shape {
        Shape::Halo2(shape) => halo2(shape),
        Shape::Whir(shape) => whir(shape),
    }
}

/// Predicts the cost of a proof by `halo2`.
///
/// The constants come from `cargo run --release --example halo2_sizes`: LeNet in one and in five
/// slices, at several widths, k = 10 to 15, on two cores of a server. Seconds of proving were within
/// 15% of that, bytes within 5%.
#[must_use]
pub fn halo2(shape: &CircuitShape) -> Prediction {
    let rows = (1u64 << shape.k) as f64;
    let fixed = shape.fixed as f64;
    let permuted = shape.permuted as f64;
    // Advice, three vectors a look-up, and a permutation product for three columns.
    let vectors = shape.vectors() as f64;
    let micros = |per_row: f64| rows * per_row * 1e-6;
    let prove_secs = 0.15 + micros(102.0 + 3.75 * vectors + 1.28 * fixed);
    // A fixed or permuted column lives as values, coefficients and a fourfold coset, of which the
    // prover clones the last; a vector has them and its share of the quotient. Code, parameters
    // and tables take the rest.
    let elements = 11.0 * (fixed + permuted) + 9.7 * vectors;
    Prediction {
        setup_secs: 0.03 + micros(15.0 + 3.7 * (fixed + permuted)),
        prove_secs,
        prove_secs_low: 0.75 * prove_secs,
        prove_secs_high: 2.0 * prove_secs,
        verify_secs: 0.006 + micros(4.6),
        peak_bytes: (8e6 + rows * 32.0 * elements) as u64,
        proof_bytes: shape.proof_bytes as u64,
    }
}

/// The circuit of `halo2` for a slice: of those that are predicted to fit the memory, the one that
/// is least work; of all, where none fits.
///
/// # Errors
/// Where the slice cannot be proven.
pub fn halo2_within(
    program: &Program,
    slice: &ProgramSlice,
    memory_bytes: u64,
) -> Result<CircuitShape, Unprovable> {
    let mut shapes = circuit_shapes(program, slice)?;
    let fits = |shape: &CircuitShape| halo2(shape).peak_bytes <= memory_bytes;
    let at = shapes.iter().position(fits).unwrap_or(0);
    Ok(shapes.swap_remove(at))
}

/// Bytes of a proof by `whir` of 2^8 and more committed elements, measured: openings are most of it.
const WHIR_BYTES: [u64; 17] = [
    7_000, 11_500, 20_500, 38_000, 96_000, 103_000, 112_000, 124_000, 155_000, 189_000, 258_000,
    272_000, 279_000, 325_000, 361_000, 375_000, 390_000,
];

/// Predicts the cost of a proof by `whir`, about public weights.
///
/// Committing, look-ups and claims are linear in the committed vector and in the look-ups, folding
/// the weights in these; the verifier does the last two as well. The constants were fitted to 88
/// slices of 14 networks, from an MLP to a ResNet-18: seconds lie within the interval, bytes of
/// memory within 10%, proofs within 5%.
#[must_use]
pub fn whir(shape: &WhirShape) -> Prediction {
    let elements = ((1u64 << shape.variables) + (1u64 << shape.lookup_variables)) as f64;
    let weights = shape.weights as f64;
    // Openings with several rounds grind in each.
    let fixed_secs = if shape.variables < 12 { 2.0e-3 } else { 3.5e-3 };
    let prove_secs = fixed_secs + 190e-9 * elements + 9e-9 * weights;
    let size = shape.variables.saturating_sub(8).min(WHIR_BYTES.len() - 1);
    Prediction {
        setup_secs: 0.0,
        prove_secs,
        prove_secs_low: 0.6 * prove_secs,
        prove_secs_high: 2.0 * prove_secs,
        verify_secs: 0.5e-3 + 47e-9 * elements + 5e-9 * weights,
        peak_bytes: (11.5e6 + 66.0 * elements + 6.0 * weights) as u64,
        proof_bytes: WHIR_BYTES[size],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::halo2::{Rows, Width};

    fn predict(width: Width, rows: usize) -> Prediction {
        let rows = Rows { dot: rows, requantise: 0, pack: 0, poseidon: 0, table: 0 };
        halo2(&CircuitShape::new(width, rows))
    }

    fn width(text: &str) -> Width {
        text.parse().unwrap()
    }

    #[test]
    fn memory_is_what_was_measured() {
        // Rows and megabytes of LeNet, whole and in five slices.
        for (name, rows, megabytes) in [
            ("4x1x1", 19_581, 781.0),
            ("4x1x1", 10_193, 396.0),
            ("4x1x1", 8_001, 202.0),
            ("4x1x1", 1_134, 57.0),
            ("4x1x1", 652, 32.0),
            ("4x3x1", 9_670, 462.0),
            ("4x3x1", 7_056, 236.0),
            ("4x3x1", 2_651, 122.0),
            ("8x2x2", 6_030, 320.0),
            ("8x2x2", 2_101, 164.0),
            ("8x2x2", 652, 46.5),
        ] {
            let error = predict(width(name), rows).peak_bytes as f64 / 1e6 / megabytes;
            assert!((0.95..1.05).contains(&error), "{name} {rows}: {error}");
        }
    }

    #[test]
    fn what_was_measured_of_whir_lies_in_the_interval() {
        // LeNet whole, a convolution of 38M MACs, a stage and the whole of a ResNet-18.
        for (variables, lookup_variables, weights, secs, megabytes, kilobytes) in [
            (8, 8, 4_160, 0.0021, 11.4, 6.7),
            (15, 15, 62_006, 0.0170, 16.1, 124.0),
            (18, 18, 36_928, 0.0984, 45.4, 258.0),
            (19, 18, 222_208, 0.1298, 67.7, 272.0),
            (22, 21, 11_183_562, 1.1154, 488.0, 361.0),
        ] {
            let shape = WhirShape { cells: 0, variables, lookups: 0, lookup_variables, weights };
            let predicted = whir(&shape);
            let interval = predicted.prove_secs_low..predicted.prove_secs_high;
            assert!(interval.contains(&secs), "2^{variables}: {interval:?}");
            let memory = predicted.peak_bytes as f64 / 1e6 / megabytes;
            assert!((0.9..1.1).contains(&memory), "2^{variables}: {memory}");
            let bytes = predicted.proof_bytes as f64 / 1e3 / kilobytes;
            assert!((0.95..1.05).contains(&bytes), "2^{variables}: {bytes}");
        }
    }

    #[test]
    fn a_wider_circuit_pays_only_where_it_saves_rows() {
        let secs = |name, rows| predict(width(name), rows).prove_secs;
        assert!(secs("4x1x1", 1000) < secs("8x2x2", 1000));
        assert!(secs("4x1x1", 4000) > secs("8x2x2", 1000));
    }

    #[test]
    fn a_tight_budget_takes_a_circuit_of_less_memory() {
        use crate::prove::testing::{Model, plain};
        let mut model = Model::new(3, 4);
        let x = model.input(&[1, 2, 24, 24]);
        let y = model.conv(x, 4, 1, plain(3));
        let (program, _) = model.finish(&[y]);
        let slice = program.slice(0..1);
        let within = |bytes| halo2_within(&program, &slice, bytes).unwrap();
        let bytes = |shape: &CircuitShape| halo2(shape).peak_bytes;
        let shapes = circuit_shapes(&program, &slice).unwrap();
        assert_eq!(within(u64::MAX), shapes[0]);
        let least = shapes.iter().map(bytes).min().unwrap();
        for shape in &shapes {
            let chosen = within(bytes(shape));
            assert!(bytes(&chosen) <= bytes(shape) && chosen.work() <= shape.work());
        }
        assert_eq!(bytes(&within(least)), least);
        // It is refused then, with the number of the circuit that would be taken.
        assert_eq!(within(least - 1), shapes[0]);
    }

    #[test]
    fn circuits_compare_by_work_as_by_seconds() {
        let widths = ["4x1x1", "4x3x1", "8x2x2", "6x4x3"].map(width);
        let shapes: Vec<_> = [700, 3000, 9000]
            .into_iter()
            .flat_map(|dot| {
                let rows = Rows { dot, requantise: 0, pack: 0, poseidon: 0, table: 0 };
                widths.map(|width| CircuitShape::new(width, rows))
            })
            .collect();
        for a in &shapes {
            for b in &shapes {
                let work = a.work() as f64 / b.work() as f64;
                let secs = (halo2(a).prove_secs - 0.15) / (halo2(b).prove_secs - 0.15);
                assert!(
                    (0.9..1.1).contains(&(work / secs)),
                    "{} {}: {work} {secs}",
                    a.width,
                    b.width
                );
            }
        }
    }

    #[test]
    fn a_slower_machine_takes_longer_and_no_more_memory() {
        let here = predict(width("8x2x2"), 1000);
        let there = here.on(2.0);
        assert_eq!(there.prove_secs, 2.0 * here.prove_secs);
        assert_eq!(there.peak_bytes, here.peak_bytes);
    }
}
