//! The circuit of a slice: columns of all tracks, and how the steps go into them.

use std::collections::BTreeMap;

use halo2_proofs::circuit::{Cell, Layouter, SimpleFloorPlanner, Value};
use halo2_proofs::pasta::Fp;
use halo2_proofs::plonk::{Circuit, Column, ConstraintSystem, Error, Instance, TableColumn};

use super::dot::{DotColumns, DotTrack};
use super::pack::{PackColumns, PackTrack};
use super::place::{Placer, Wire};
use super::poseidon::{PoseidonColumns, PoseidonTrack};
use super::requantise::{RequantiseColumns, RequantiseTrack};
use super::shape::CircuitShape;
use super::sponge::{Salt, capacity};
use super::steps::{Requantise, Source, Step, Steps};
use super::tamper::Tampering;
use super::width;
use crate::program::{Linear, Program, ProgramSlice, Trace, ValueId, Window};

/// The circuit of a slice, with its witness or, to derive keys, without.
#[derive(Clone)]
pub(super) struct SliceCircuit<'a> {
    pub program: &'a Program,
    pub slice: &'a ProgramSlice,
    pub steps: &'a Steps<'a>,
    pub shape: &'a CircuitShape,
    pub witness: Option<(&'a Trace, &'a BTreeMap<ValueId, Salt>)>,
    pub tampering: Tampering,
}

#[derive(Clone, Debug)]
pub(super) struct Columns {
    dot: DotColumns,
    requantise: Vec<RequantiseColumns>,
    pack: PackColumns,
    poseidon: PoseidonColumns,
    table: [TableColumn; 3],
    instance: Column<Instance>,
}

/// Instance cells before the digests: the two halves of the context. No gate reads them; the
/// transcript binds every proof to them.
pub(super) const CONTEXT_CELLS: usize = 2;

impl Circuit<Fp> for SliceCircuit<'_> {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure(meta: &mut ConstraintSystem<Fp>) -> Columns {
        let width = width::current();
        let table = std::array::from_fn(|_| meta.lookup_table_column());
        let columns = Columns {
            dot: DotColumns::configure(meta, width),
            requantise: (0..width.tracks)
                .map(|_| RequantiseColumns::configure(meta, table))
                .collect(),
            pack: PackColumns::configure(meta, table),
            poseidon: PoseidonColumns::configure(meta),
            table,
            instance: meta.instance_column(),
        };
        meta.enable_equality(columns.instance);
        meta.set_minimum_degree(5);
        columns
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fp>) -> Result<(), Error> {
        self.steps.tables.assign(&mut layouter, columns.table)?;
        // The planner runs the region twice, the first time to measure it. There is no other
        // region, so its size does not matter, and one cell stands for all.
        let mut measuring = true;
        let digests = layouter.assign_region(
            || "slice",
            |mut region| {
                if std::mem::take(&mut measuring) {
                    let column = columns.poseidon.first();
                    region.assign_advice(|| "first", column, 0, Value::<Fp>::unknown)?;
                    return Ok(Vec::new());
                }
                let placer = Placer {
                    region,
                    known: self.witness.is_some(),
                    tampering: self.tampering.clone(),
                };
                self.write(&columns, placer)
            },
        )?;
        for (row, digest) in digests.into_iter().enumerate() {
            layouter.constrain_instance(digest, columns.instance, CONTEXT_CELLS + row)?;
        }
        Ok(())
    }
}

/// All tracks while they are written.
struct Tracks<'a, 'r> {
    program: &'a Program,
    placer: Placer<'r>,
    dot: DotTrack<'a>,
    /// What a step writes goes to them in turn.
    requantise: Vec<RequantiseTrack<'a>>,
    pack: PackTrack<'a>,
    poseidon: PoseidonTrack<'a>,
    wires: BTreeMap<ValueId, Vec<Wire>>,
}

impl SliceCircuit<'_> {
    /// Writes the region; answers with the digests of the boundary tensors.
    fn write(&self, columns: &Columns, placer: Placer<'_>) -> Result<Vec<Cell>, Error> {
        let mut tracks = Tracks {
            program: self.program,
            placer,
            dot: DotTrack { columns: &columns.dot, row: 1 },
            requantise: columns
                .requantise
                .iter()
                .map(|columns| RequantiseTrack { columns, row: 0 })
                .collect(),
            pack: PackTrack { columns: &columns.pack, row: 1 },
            poseidon: PoseidonTrack { columns: &columns.poseidon, row: 0 },
            wires: BTreeMap::new(),
        };
        let mut digests = Vec::new();
        for &id in &self.slice.inputs {
            digests.push(self.read(&mut tracks, id)?);
        }
        for step in &self.steps.list {
            let (output, wires) = match step {
                Step::Requantise(step) => (step.output, tracks.requantise(step)?),
                Step::Move { linear, inputs, output, len } => {
                    (*output, tracks.moved(linear, inputs, *len)?)
                }
                Step::MaxPool { window, input, output, bits } => {
                    (*output, tracks.max_pool(window, *input, *bits)?)
                }
            };
            tracks.wires.insert(output, wires);
        }
        for &id in &self.slice.outputs {
            let value = self.program.value(id);
            let wires = tracks.wires.get(&id).ok_or(Error::Synthesis)?;
            let packed = tracks.pack.computed(&mut tracks.placer, wires, value.bits)?;
            let (salt, capacity) = (self.salt(id)?, capacity(value));
            digests.push(tracks.poseidon.digest(&mut tracks.placer, capacity, salt, &packed)?);
        }
        let rows = &self.shape.rows;
        let requantise = tracks.requantise.iter().map(|track| track.row).max().unwrap_or(0);
        assert_eq!(
            [tracks.dot.row, requantise, tracks.pack.row, tracks.poseidon.row],
            [rows.dot, rows.requantise, rows.pack, rows.poseidon],
            "the rows that were counted are the rows that were written"
        );
        Ok(digests)
    }

    /// Writes a tensor that the slice reads.
    fn read(&self, tracks: &mut Tracks<'_, '_>, id: ValueId) -> Result<Cell, Error> {
        let value = self.program.value(id);
        let elements: Vec<i64> = match self.witness {
            Some((trace, _)) => {
                trace.get(&id).ok_or(Error::Synthesis)?.iter().map(|&v| v.into()).collect()
            }
            None => vec![0; value.len()],
        };
        let (wires, packed) =
            tracks.pack.read(&mut tracks.placer, elements.into_iter(), value.bits)?;
        tracks.wires.insert(id, wires);
        let (salt, capacity) = (self.salt(id)?, capacity(value));
        tracks.poseidon.digest(&mut tracks.placer, capacity, salt, &packed)
    }

    fn salt(&self, id: ValueId) -> Result<Fp, Error> {
        match self.witness {
            Some((_, salts)) => Ok(salts.get(&id).ok_or(Error::Synthesis)?.field()),
            None => Ok(Fp::default()),
        }
    }
}

impl Tracks<'_, '_> {
    fn requantise(&mut self, step: &Requantise<'_>) -> Result<Vec<Wire>, Error> {
        let sums = match step.source {
            Source::Linear(linear, ids) => {
                let inputs = ids.iter().map(|id| self.wires.get(id).map(Vec::as_slice));
                let inputs = inputs.collect::<Option<Vec<_>>>().ok_or(Error::Synthesis)?;
                let linear = (linear, step.digits(self.program, linear, ids));
                self.dot.linear(&mut self.placer, linear, &inputs, step.len)?
            }
            Source::Product(product, ids) => {
                let [left, right] = ids.map(|id| self.wires.get(&id).map(Vec::as_slice));
                let (Some(left), Some(right)) = (left, right) else {
                    return Err(Error::Synthesis);
                };
                self.dot.product(&mut self.placer, product, [left, right])?
            }
            Source::Value(id) => self.wires.get(&id).ok_or(Error::Synthesis)?.clone(),
        };
        let bias = match step.source {
            Source::Linear(linear, _) => biases(linear, step.len),
            Source::Product(..) | Source::Value(_) => vec![0; step.len],
        };
        let (placer, tracks) = (&mut self.placer, &mut self.requantise);
        let count = tracks.len();
        let row = |track: &mut RequantiseTrack<'_>, placer: &mut Placer<'_>, at: usize| {
            track.requantise(placer, sums[at], bias[at], step.rounding)
        };
        let Some(window) = step.pool else {
            return (0..step.len).map(|at| row(&mut tracks[at % count], placer, at)).collect();
        };
        let mut maxima = Vec::with_capacity(window.planes * window.output_len());
        let mut pooled = vec![false; step.len];
        let mut offsets = Vec::new();
        for plane in 0..window.planes {
            for y in 0..window.output[0] {
                for x in 0..window.output[1] {
                    offsets.clear();
                    window.offsets(y, x, &mut offsets);
                    let track = &mut tracks[maxima.len() % count];
                    let mut values = [0; 4];
                    for (value, offset) in values.iter_mut().zip(&offsets) {
                        let at = plane * window.input_len() + offset;
                        pooled[at] = true;
                        *value = row(track, placer, at)?.value;
                    }
                    maxima.push(track.maximum_of_last_four(placer, values, step.value_bits)?);
                }
            }
        }
        // Values that no window reads keep their range check: the program stops where one leaves
        // its range, and a proof says that it did not.
        let rest = (0..step.len).filter(|&at| !pooled[at]);
        for (number, at) in rest.enumerate() {
            row(&mut tracks[number % count], placer, at)?;
        }
        Ok(maxima)
    }

    /// The wires of a tensor whose elements are all elsewhere already.
    fn moved(&self, linear: &Linear, inputs: &[ValueId], len: usize) -> Result<Vec<Wire>, Error> {
        let inputs = inputs.iter().map(|id| self.wires.get(id));
        let inputs = inputs.collect::<Option<Vec<_>>>().ok_or(Error::Synthesis)?;
        let mut wires = Vec::with_capacity(len);
        linear.visit(|site| {
            wires.extend(site.taps.iter().filter_map(|tap| {
                inputs.get(tap.operand as usize)?.get(tap.element as usize).copied()
            }));
        });
        if wires.len() == len { Ok(wires) } else { Err(Error::Synthesis) }
    }

    fn max_pool(&mut self, window: &Window, input: ValueId, bits: u32) -> Result<Vec<Wire>, Error> {
        let wires = self.wires.get(&input).ok_or(Error::Synthesis)?;
        let mut maxima = Vec::with_capacity(window.planes * window.output_len());
        let (mut offsets, mut values) = (Vec::new(), Vec::new());
        for (number, plane) in wires.chunks_exact(window.input_len()).enumerate() {
            let at = number % self.requantise.len();
            let track = &mut self.requantise[at];
            for y in 0..window.output[0] {
                for x in 0..window.output[1] {
                    offsets.clear();
                    window.offsets(y, x, &mut offsets);
                    values.clear();
                    values.extend(offsets.iter().map(|&at| plane[at]));
                    maxima.push(track.maximum_of_window(&mut self.placer, &values, bits)?);
                }
            }
        }
        Ok(maxima)
    }
}

/// The bias of each output element.
fn biases(linear: &Linear, len: usize) -> Vec<i64> {
    let mut biases = vec![0; len];
    linear.visit(|site| {
        for (&output, &bias) in site.outputs.iter().zip(site.biases) {
            biases[output as usize] = bias;
        }
    });
    biases
}
