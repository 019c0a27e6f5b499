//! How far a fixed-point run may be from the float run, element by element.
//!
//! The bound is carried along the program from the inputs, which are rounded to half a step, in
//! steps of each tensor's scale. What an operation adds is what the registry of operators states;
//! what it hands on follows from its weights, or from its table around the element.

use std::collections::BTreeMap;

use microtome_engine::program::{Kind, Linear, Product, Program, Table, Trace, ValueId, Window};

/// Steps by which every element may be off, by tensor.
pub type Bounds = BTreeMap<ValueId, Vec<f64>>;

pub fn bounds(program: &Program, trace: &Trace) -> Bounds {
    let mut bounds = Bounds::new();
    for id in &program.inputs {
        bounds.insert(*id, vec![0.5; program.value(*id).len()]);
    }
    for op in &program.ops {
        let inputs: Vec<&[i32]> = op.inputs.iter().map(|id| trace[id].as_slice()).collect();
        let before: Vec<&[f64]> = op.inputs.iter().map(|id| bounds[id].as_slice()).collect();
        let value = program.value(op.output);
        let mut after = match &op.kind {
            Kind::Linear(linear) => {
                // What is read under another scale is multiplied, if only by almost one.
                let is_exact = linear.is_move()
                    && op.inputs.iter().all(|id| program.value(*id).scale == value.scale);
                of_linear(linear, is_exact, &inputs, &before, value.len())
            }
            Kind::Relu => before[0].to_vec(),
            Kind::MaxPool(window) => of_maximum(window, before[0]),
            Kind::Table(table) => of_table(table, inputs[0], before[0]),
            Kind::Product(product) => of_product(product, &inputs, &before),
        };
        // Both runs stay in the range.
        let most = 2.0f64.powi(value.bits as i32);
        after.iter_mut().for_each(|bound| *bound = bound.min(most));
        bounds.insert(op.output, after);
    }
    bounds
}

fn of_linear(
    linear: &Linear,
    is_exact: bool,
    inputs: &[&[i32]],
    before: &[&[f64]],
    len: usize,
) -> Vec<f64> {
    let unit = 1.0 / f64::from(1u32 << linear.shift);
    // Half a unit for a weight's rounding, and none where nothing is computed.
    let half = if is_exact { 0.0 } else { 0.5 };
    let mut bounds = vec![0.0; len];
    linear.visit(|site| {
        for (number, &output) in site.outputs.iter().enumerate() {
            let row = &site.weights[number * site.taps.len()..];
            let handed: f64 = site
                .taps
                .iter()
                .zip(row)
                .map(|(tap, &w)| {
                    let at = tap.element as usize;
                    let x = f64::from(inputs[tap.operand as usize][at].abs());
                    let off = before[tap.operand as usize][at];
                    (f64::from(w.abs()) + half) * off + half * x
                })
                .sum();
            bounds[output as usize] = half + (handed + half) * unit;
        }
    });
    bounds
}

fn of_maximum(window: &Window, before: &[f64]) -> Vec<f64> {
    let mut bounds = Vec::with_capacity(window.planes * window.output_len());
    let mut offsets = Vec::new();
    for plane in before.chunks_exact(window.input_len()) {
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                offsets.clear();
                window.offsets(y, x, &mut offsets);
                bounds.push(offsets.iter().map(|&at| plane[at]).fold(0.0, f64::max));
            }
        }
    }
    bounds
}

/// The most that the table changes over the integers that the real number may lie between, and a
/// step for its rounding and for a turn between two of them.
fn of_table(table: &Table, input: &[i32], before: &[f64]) -> Vec<f64> {
    let bound = |(&q, &off): (&i32, &f64)| {
        let Some(here) = table.get(q.into()) else { return f64::INFINITY };
        let reach = off.ceil() as i64;
        let around = (i64::from(q) - reach)..=(i64::from(q) + reach);
        let far = around.map(|x| match table.get(x) {
            Some(y) => f64::from((y - here).abs()),
            None => f64::INFINITY,
        });
        far.fold(0.0, f64::max) + 1.0
    };
    input.iter().zip(before).map(bound).collect()
}

fn of_product(product: &Product, inputs: &[&[i32]], before: &[&[f64]]) -> Vec<f64> {
    let unit = 1.0 / f64::from(1u32 << product.shift);
    let weight = f64::from(product.weight.abs());
    let mut bounds = Vec::new();
    product.visit(|_, pairs| {
        let handed: f64 = pairs
            .iter()
            .map(|&(a, b)| {
                let (x, y) = (f64::from(inputs[0][a].abs()), f64::from(inputs[1][b].abs()));
                let (of_x, of_y) = (before[0][a], before[1][b]);
                (weight + 0.5) * (x * of_y + y * of_x + of_x * of_y) + 0.5 * x * y
            })
            .sum();
        bounds.push(0.5 + handed * unit);
    });
    bounds
}
