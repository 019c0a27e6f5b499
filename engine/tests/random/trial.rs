//! A network through import, program and both executions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use microtome_engine::bundle::{Layout, Outline};
use microtome_engine::onnx::{Bindings, FloatTrace, Model, run_exported};
use microtome_engine::program::{
    CalibrateError, Card, KnownWeights, Program, Settings, Skeleton, Source, Trace, node_errors,
};
use microtome_engine::{cost, prove};

use super::bounds::{Bounds, bounds};
use super::chance::Chance;
use super::draft::Profile;
use super::network::Network;

/// A network that runs in fixed point.
pub struct Trial {
    pub model: Arc<Model>,
    pub skeleton: Arc<Skeleton>,
    pub card: Card,
    pub program: Arc<Program>,
    pub trace: Trace,
    /// Why nodes can't be proven.
    pub obstacles: Vec<String>,
    /// Greatest bound of an output in steps, a share of its range.
    pub looseness: f64,
}

/// How a network ended that kept all promises so far.
pub enum Ending {
    Runs(Box<Trial>),
    /// It was refused, for a reason that says where.
    Refused(String),
}

/// Takes a network to its runs.
///
/// # Errors
/// A promise that isn't kept.
pub fn examine(network: &Network) -> Result<Ending, String> {
    let model = Model::read("random", &network.bytes, &Bindings::default())
        .map_err(|error| format!("import: {error}"))?;
    let graph = Arc::clone(&model.graph);
    let skeleton = Skeleton::of(&graph);
    let obstacles = obstacles(&model, &skeleton)?;
    check_shapes(network, &model, obstacles.is_empty())?;
    let _ = cost::totals(&graph);
    if skeleton.is_empty() {
        return Ok(Ending::Refused("nothing to prove: it only renames elements".to_owned()));
    }
    let float = model.float_run(&network.inputs).map_err(|e| format!("float run: {e}"))?;
    check_float(&model, &float, obstacles.is_empty())?;

    let (settings, source, cases) = calibration(network);
    let nominal = skeleton.lower(&graph, &Card::nominal(&skeleton, settings));
    if let Ok(nominal) = nominal {
        nominal.check(KnownWeights::All).map_err(|e| format!("nominal program: {e}"))?;
    }
    let card = match Card::calibrate(&model, &skeleton, &cases, settings, source) {
        Ok(card) => card,
        Err(error @ CalibrateError::NotFinite { .. }) => {
            return Ok(Ending::Refused(format!("calibration: {error}")));
        }
        Err(error) => return Err(format!("calibration: {error}")),
    };
    let program = match skeleton.lower(&graph, &card) {
        Ok(program) => program,
        Err(error) => return Ok(Ending::Refused(format!("lowering: {error}"))),
    };
    program.check(KnownWeights::All).map_err(|e| format!("program: {e}"))?;
    let outline = Outline::of(&graph, &skeleton).map_err(|e| format!("outline: {e}"))?;
    let whole = Layout::new(&outline, &program, &[]).map_err(|e| format!("layout: {e}"))?;
    let inputs = whole.quantise(&program, &network.inputs).map_err(|e| format!("inputs: {e}"))?;
    let trace = match program.run_slice(&program.slice(0..program.ops.len()), inputs) {
        Ok(trace) => trace,
        Err(error) => return Ok(Ending::Refused(format!("run: {error}"))),
    };
    let bounds = bounds(&program, &trace);
    check_errors(&skeleton, &program, &trace, &float, &bounds)?;
    let _ = node_errors(&graph, &skeleton, &program, &trace, &float);
    let finest = skeleton.legal_cuts().to_vec();
    for cuts in [some_cuts(network, &skeleton, 0), finest] {
        let layout =
            Layout::new(&outline, &program, &cuts).map_err(|e| format!("{cuts:?}: {e}"))?;
        check_slices(&program, &layout, &trace).map_err(|e| format!("cuts {cuts:?}: {e}"))?;
        check_export(network, &model, &layout, &float)
            .map_err(|e| format!("export at cuts {cuts:?}: {e}"))?;
    }
    let looseness = looseness(&program, &bounds);
    Ok(Ending::Runs(Box::new(Trial {
        model: Arc::new(model),
        skeleton: Arc::new(skeleton),
        card,
        program: Arc::new(program),
        trace,
        obstacles,
        looseness,
    })))
}

/// Bits, headroom and cases.
fn calibration(network: &Network) -> (Settings, Source, Vec<Vec<Vec<f32>>>) {
    let mut chance = Chance::of_part(network.seed.number, 2 << 32);
    let act_bits = match network.seed.profile {
        Profile::Small => chance.pick(&[6, 7, 8, 8, 8]),
        Profile::Extreme => chance.pick(&[4, 6, 8, 8, 10, 12]),
    };
    let weight_bits = chance.pick(&[12, 12, 12, 8, 16]);
    // Few bits are off by more of the range.
    let headroom = if act_bits < 7 { 1.6 } else { Settings::INPUT_HEADROOM };
    let settings = Settings { act_bits, weight_bits, headroom };
    let own = network.inputs.clone();
    if chance.one_in(2) {
        return (settings, Source::ProvenInput { headroom }, vec![own]);
    }
    let cases = [network.others.clone(), vec![own]].concat();
    (settings, Source::Data { cases: cases.len(), headroom }, cases)
}

/// The obstacles, each of which must say which node and operator it is about.
fn obstacles(model: &Model, skeleton: &Skeleton) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for (index, node) in model.graph.nodes.iter().enumerate() {
        let Some(obstacle) = skeleton.obstacle(index) else { continue };
        if !obstacle.contains(&format!("{:?} ({}", node.name, node.op)) {
            return Err(format!("the obstacle of {:?} doesn't name it: {obstacle}", node.name));
        }
        all.push(obstacle.to_owned());
    }
    Ok(all)
}

fn check_shapes(network: &Network, model: &Model, must_be_known: bool) -> Result<(), String> {
    for tensor in model.graph.tensors.iter().filter(|tensor| tensor.constant.is_none()) {
        let Some(expected) = network.shapes.get(&tensor.name) else { continue };
        match &tensor.shape {
            Some(found) if found == expected => {}
            None if !must_be_known => {}
            found => {
                let maker = tensor.producer.map(|p| &model.graph.nodes[p].op);
                return Err(format!(
                    "tensor {:?} of {maker:?} has the shape {found:?} where ONNX gives {expected:?}",
                    tensor.name
                ));
            }
        }
    }
    Ok(())
}

fn check_float(model: &Model, float: &FloatTrace, must_be_there: bool) -> Result<(), String> {
    for &id in model.graph.nodes.iter().flat_map(|node| node.outputs.iter().flatten()) {
        let tensor = model.graph.tensor(id);
        if tensor.constant.is_some() {
            continue;
        }
        match float.get(&id) {
            Some(values) if Some(values.len() as u64) == tensor.elements() => {}
            None if !must_be_there => {}
            found => {
                return Err(format!(
                    "the float run gives {:?} elements for {:?} of shape {:?}",
                    found.map(Vec::len),
                    tensor.name,
                    tensor.shape
                ));
            }
        }
    }
    Ok(())
}

/// Each tensor of the program is within its bound of the float run.
fn check_errors(
    skeleton: &Skeleton,
    program: &Program,
    trace: &Trace,
    float: &FloatTrace,
    bounds: &Bounds,
) -> Result<(), String> {
    let mut computed: Vec<_> = program.inputs.clone();
    computed.extend(program.ops.iter().map(|op| op.output));
    for id in computed {
        let Some(tensor) = skeleton.values[id.index()].tensor else { continue };
        let value = program.value(id);
        let (fixed, float, bounds) = (&trace[&id], &float[&tensor], &bounds[&id]);
        if fixed.len() != float.len() || bounds.len() != float.len() {
            return Err(format!("{:?} has another length in fixed point", value.name));
        }
        // What the float run itself may be off by.
        let most = float.iter().fold(0.0f64, |most, x| most.max(f64::from(x.abs())));
        let slack = 1e-3 + 3e-5 * most / value.scale;
        // A choice of what is less than everything gets the end of the range.
        let maker = program.ops.iter().find(|op| op.output == id);
        let is_choice = maker.is_some_and(|op| op.operator == "Where");
        for (element, ((&q, &x), &bound)) in fixed.iter().zip(float).zip(bounds).enumerate() {
            let off = (f64::from(q) - f64::from(x) / value.scale).abs();
            if is_choice && x <= -1e4 && i64::from(q) == *value.range().start() {
                continue;
            }
            if off.is_nan() || off > bound + slack {
                return Err(format!(
                    "element {element} of {:?} is {off:.3} steps from the float run, {bound:.3} \
                     are allowed",
                    value.name
                ));
            }
        }
    }
    Ok(())
}

/// The greatest bound of an output, as a part of its range.
fn looseness(program: &Program, bounds: &Bounds) -> f64 {
    let of = |id| {
        let range = 2.0f64.powi(program.value(id).bits as i32);
        bounds[&id].iter().fold(0.0f64, |most, &bound| most.max(bound)) / range
    };
    program.outputs.iter().map(|&id| of(id)).fold(0.0, f64::max)
}

/// A random choice of legal cuts.
pub fn some_cuts(network: &Network, skeleton: &Skeleton, part: u64) -> Vec<usize> {
    let mut chance = Chance::of_part(network.seed.number, (3 << 32) + part);
    let sparse = chance.pick(&[2, 3, 4]);
    let legal = skeleton.legal_cuts().iter().copied();
    legal.filter(|_| chance.one_in(sparse)).collect()
}

/// The slices in turn give what the whole gives, and both systems say how large each one is.
fn check_slices(program: &Program, layout: &Layout, trace: &Trace) -> Result<(), String> {
    let mut known: Trace = program.inputs.iter().map(|id| (*id, trace[id].clone())).collect();
    let mut ops = 0;
    for (index, slice) in layout.slices.iter().enumerate() {
        let slice = &slice.program;
        ops += slice.ops.len();
        let given = slice.inputs.iter().filter_map(|id| Some((*id, known.get(id)?.clone())));
        let made = program
            .run_slice(slice, given.collect())
            .map_err(|error| format!("slice {index}: {error}"))?;
        known.extend(slice.outputs.iter().map(|id| (*id, made[id].clone())));
        program.check_slice(slice, KnownWeights::All).map_err(|e| format!("slice {index}: {e}"))?;
        for system in prove::System::ALL {
            if slice.ops.is_empty() {
                continue;
            }
            system
                .proof_system()
                .shape(program, slice)
                .map_err(|error| format!("slice {index} under {system}: {error}"))?;
        }
    }
    if ops != program.ops.len() {
        return Err(format!("the slices have {ops} of {} operations", program.ops.len()));
    }
    match known.iter().find(|&(id, values)| trace.get(id) != Some(values)) {
        None => Ok(()),
        Some((id, _)) => Err(format!("{:?} differs in slices", program.value(*id).name)),
    }
}

/// The slices as files of their own give what the model gives.
fn check_export(
    network: &Network,
    model: &Model,
    layout: &Layout,
    float: &FloatTrace,
) -> Result<(), String> {
    let groups: Vec<Vec<usize>> = layout.slices.iter().map(|slice| slice.nodes.clone()).collect();
    let nodes: BTreeSet<usize> = groups.iter().flatten().copied().collect();
    if nodes.len() != model.graph.nodes.len() {
        return Err("nodes are in no slice, or in several".to_owned());
    }
    let slices = model.export(&groups);
    let graph = &model.graph;
    let names = graph.inputs.iter().map(|id| graph.tensor(*id).name.clone());
    let given: BTreeMap<String, Vec<f32>> = names.zip(network.inputs.iter().cloned()).collect();
    let known = run_exported(&slices, given).map_err(|error| error.to_string())?;
    for &id in &graph.outputs {
        let Some(expected) = float.get(&id) else { continue };
        let name = &graph.tensor(id).name;
        let found = known.get(name).ok_or_else(|| format!("output {name:?} is missing"))?;
        let most = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let is_close = |(a, b): (&f32, &f32)| a == b || (a - b).abs() <= 1e-4 * (most + 1e-3);
        let is_same = |(a, b): (&f32, &f32)| (a.is_nan() && b.is_nan()) || is_close((a, b));
        if found.len() != expected.len() || !found.iter().zip(expected).all(is_same) {
            return Err(format!("output {name:?} differs: {found:?} for {expected:?}"));
        }
    }
    Ok(())
}
