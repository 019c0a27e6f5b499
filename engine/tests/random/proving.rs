//! A network proven by both systems, and a changed bundle that must be refused.

use std::collections::BTreeSet;
use std::path::Path;

use microtome_engine::bundle::{
    Backing, Binding, Bundle, Custody, Demands, Layout, Outline, Verdict, verify,
};
use microtome_engine::onnx::{Bindings, Model};
use microtome_engine::plan::Plan;
use microtome_engine::program::Source;
use microtome_engine::prove::{Shape, System};
use microtome_engine::run::{self, Event, Outcome, Pool, Request, Reveal};

use super::chance::Chance;
use super::network::Network;
use super::trial::{Trial, some_cuts};

/// Memory that a proof may take: far more than one of a small network does.
const MEMORY_BYTES: u64 = 6 << 30;

/// Which systems a bundle is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Only(System),
    /// Each slice by one or the other.
    Mixed,
}

/// What proving a network took.
#[derive(Default)]
pub struct Proven {
    pub bundles: usize,
    pub proofs: usize,
    /// The k of each circuit.
    pub ks: Vec<u32>,
    /// What was changed, and refused.
    pub changes: Vec<&'static str>,
    /// Bundles of which not all slices are proven.
    pub partial: usize,
}

/// Proves a network in both systems, each under a plan of its own. Nothing is proven where every
/// slice has an obstacle.
///
/// # Errors
/// A promise that isn't kept.
pub fn prove(network: &Network, trial: &Trial, child: Option<&Path>) -> Result<Proven, String> {
    let mut proven = Proven::default();
    let mut chance = Chance::of_part(network.seed.number, 4 << 32);
    let mut ways = [Way::Only(System::Halo2), Way::Only(System::Whir)];
    if chance.one_in(3) {
        ways[0] = Way::Mixed;
    }
    for (part, way) in ways.into_iter().enumerate() {
        let mut chance = Chance::of_part(network.seed.number, (5 << 32) + part as u64);
        prove_one(network, trial, way, part as u64, child, &mut chance, &mut proven)
            .map_err(|error| format!("{way:?}: {error}"))?;
    }
    Ok(proven)
}

fn prove_one(
    network: &Network,
    trial: &Trial,
    way: Way,
    part: u64,
    child: Option<&Path>,
    chance: &mut Chance,
    proven: &mut Proven,
) -> Result<(), String> {
    let Some(request) = request(network, trial, way, part, child, chance)? else { return Ok(()) };
    let layout = layout(trial, &request.plan)?;
    for &index in &request.prove {
        let system = request.plan.system(index).proof_system();
        let slice = &layout.slices[index].program;
        let shape = system.shape(&trial.program, slice).map_err(|e| format!("{index}: {e}"))?;
        if let Shape::Halo2(shape) = shape {
            proven.ks.push(shape.k);
        }
    }
    proven.bundles += 1;
    proven.proofs += request.prove.len();
    proven.partial += usize::from(request.prove.len() < layout.slices.len());

    let outcome = outcome(request.clone())?;
    // A verifier has the model's file and the bundle's bytes.
    let model = Model::read("random", &network.bytes, &Bindings::default())
        .map_err(|error| format!("second import: {error}"))?;
    let bytes = outcome.sliced.bundle.encode();
    let bundle = Bundle::decode(&bytes).map_err(|error| format!("decoding: {error}"))?;
    if bundle != outcome.sliced.bundle || bundle.encode() != bytes {
        return Err("the bundle is another one after decoding".to_owned());
    }
    check_honest(network, trial, &request, &layout, &bundle, &model)?;
    let is_whole = request.prove.len() == layout.slices.len();
    let demands = Demands { min_coverage: if is_whole { 1.0 } else { 0.0 }, ..Demands::default() };
    let changed = change(trial, &bundle, is_whole, chance);
    let Some((what, changed)) = changed else { return Ok(()) };
    let verdict = match Bundle::decode(&changed) {
        Ok(changed) => verify(&changed, &model, &demands),
        Err(error) => Verdict::damaged(model.graph.digest, error.to_string()),
    };
    if verdict.accepted {
        return Err(format!("accepted after a change: {what}"));
    }
    if verdict.reasons.is_empty() {
        return Err(format!("refused without a reason after a change: {what}"));
    }
    proven.changes.push(what);
    Ok(())
}

fn layout(trial: &Trial, plan: &Plan) -> Result<Layout, String> {
    let outline = Outline::of(&trial.model.graph, &trial.skeleton)?;
    Layout::new(&outline, &trial.program, plan.cuts())
}

/// A random plan with what to prove of it and to reveal; none where nothing can be proven.
fn request(
    network: &Network,
    trial: &Trial,
    way: Way,
    part: u64,
    child: Option<&Path>,
    chance: &mut Chance,
) -> Result<Option<Request>, String> {
    let cuts = some_cuts(network, &trial.skeleton, 1 + part);
    let mut plan = Plan::from_cuts(trial.model.graph.digest, &trial.skeleton, &cuts)
        .map_err(|error| error.to_string())?;
    for slice in 0..plan.slice_count() {
        let system = match way {
            Way::Only(system) => system,
            Way::Mixed => chance.pick(&System::ALL),
        };
        plan.set_system(slice, system);
    }
    let slices = layout(trial, &plan)?.slices;
    let provable =
        |&index: &usize| slices[index].obstacle.is_none() && !slices[index].program.ops.is_empty();
    let mut prove: BTreeSet<usize> = (0..slices.len()).filter(provable).collect();
    if chance.one_in(4) {
        prove.retain(|_| chance.one_in(2));
    }
    if prove.is_empty() {
        prove = (0..slices.len()).filter(provable).take(1).collect();
    }
    if prove.is_empty() {
        return Ok(None);
    }
    // Scales of the proven input tell of it, so it can't stay hidden then.
    let may_hide =
        way == Way::Only(System::Halo2) && matches!(trial.card.source, Source::Data { .. });
    let reveal = match (may_hide, chance.below(4)) {
        (true, 0) => Reveal::NONE,
        (true, 1) => Reveal { output: true, ..Reveal::NONE },
        (_, 2) => Reveal::ALL,
        _ => Reveal::ENDS,
    };
    Ok(Some(Request {
        model: trial.model.clone(),
        plan,
        skeleton: trial.skeleton.clone(),
        program: trial.program.clone(),
        card: trial.card.clone(),
        input: network.inputs.clone(),
        prove,
        reveal,
        context: format!("random network {}", network.seed.number),
        jobs: 1,
        memory_bytes: MEMORY_BYTES,
        weights: Custody::Public,
        whole_too: false,
        child_program: child.map(Path::to_owned),
        pool: Pool::default(),
    }))
}

fn outcome(request: Request) -> Result<Outcome, String> {
    let job = run::start(request, || {});
    for event in &job.events {
        match event {
            Event::Done { outcome } if outcome.failures.is_empty() => return Ok(*outcome),
            Event::Done { outcome } => return Err(format!("proving: {:?}", outcome.failures)),
            Event::Error { reason, .. } => return Err(format!("job: {reason}")),
            Event::Cancelled => break,
            _ => {}
        }
    }
    Err("the job ended without an outcome".to_owned())
}

/// The honest bundle is accepted, and says what was computed.
fn check_honest(
    network: &Network,
    trial: &Trial,
    request: &Request,
    layout: &Layout,
    bundle: &Bundle,
    model: &Model,
) -> Result<(), String> {
    let is_whole = request.prove.len() == layout.slices.len();
    let shows_input = request.reveal.input || request.reveal.all;
    let shows_output = request.reveal.output || request.reveal.all;
    let demands = Demands {
        input: shows_input.then(|| network.inputs.clone()),
        program: Some(trial.program.digest()),
        context: Some(request.context.clone()),
        min_coverage: if is_whole { 1.0 } else { 0.0 },
    };
    let verdict = verify(bundle, model, &demands);
    if !verdict.accepted {
        return Err(format!("an honest bundle is refused: {}", verdict.reasons.join("; ")));
    }
    let computed = layout.real_outputs(&trial.program, &trial.trace);
    if shows_output && verdict.output != computed {
        return Err(format!("the verdict's output is {:?}, not {computed:?}", verdict.output));
    }
    if is_whole && !verdict.output_proven {
        return Err("all slices are proven, and the output isn't".to_owned());
    }
    if !is_whole && verify(bundle, model, &Demands::default()).accepted {
        return Err("full coverage is demanded, and a part is accepted".to_owned());
    }
    Ok(())
}

/// A changed bundle's bytes, and what was changed. None where the drawn change isn't possible.
fn change(
    trial: &Trial,
    bundle: &Bundle,
    is_whole: bool,
    chance: &mut Chance,
) -> Option<(&'static str, Vec<u8>)> {
    let mut copy = bundle.clone();
    let proven: Vec<usize> = (0..copy.slices.len())
        .filter(|&index| matches!(copy.slices[index].backing, Backing::Proof(_)))
        .collect();
    let slice = chance.pick(&proven);
    let what = match chance.below(11) {
        0 | 1 => {
            let proof = proof(&mut copy, slice)?;
            let at = chance.below(proof.len());
            proof[at] ^= 1 << chance.below(8);
            "a bit of a proof"
        }
        2 => {
            let proof = proof(&mut copy, slice)?;
            match chance.one_in(2) {
                true => proof.push(0),
                false => proof.truncate(proof.len() - 1),
            }
            "a proof's length"
        }
        3 => {
            let other = *proven.iter().find(|&&other| other != slice)?;
            let backing = copy.slices[slice].backing.clone();
            copy.slices[slice].backing =
                std::mem::replace(&mut copy.slices[other].backing, backing);
            "two proofs swapped"
        }
        4 | 5 => {
            let at = chance.below(copy.header.openings.len());
            let opening = copy.header.openings.get_mut(at)?;
            let element = chance.below(opening.elements.len());
            opening.elements[element] ^= 1;
            let (value, salt) = (opening.value, opening.salt);
            if chance.one_in(3) {
                "an opened tensor"
            } else {
                let elements = copy.header.openings[at].elements.clone();
                let binding = Binding::of(&trial.program, value, &elements, salt.as_ref());
                let mut all = copy.header.boundaries.iter_mut();
                all.find(|boundary| boundary.value == value)?.binding = binding;
                "an opened tensor with its binding"
            }
        }
        6 => {
            copy.header.nonce[chance.below(32)] ^= 1;
            "the run's number"
        }
        7 => {
            let at = chance.below(copy.header.card.values.len());
            copy.header.card.values[at].scale *= 1.0 + f64::EPSILON;
            "a scale"
        }
        8 => {
            let system = &mut copy.header.systems[slice];
            *system = if *system == System::Halo2 { System::Whir } else { System::Halo2 };
            "the system of a proof"
        }
        9 if is_whole => {
            copy.slices[slice].backing = Backing::Executed;
            "a proof left out"
        }
        _ => {
            let mut bytes = copy.encode();
            let at = chance.below(bytes.len());
            bytes[at] ^= 1 << chance.below(8);
            return Some(("a bit of the file", bytes));
        }
    };
    Some((what, copy.encode()))
}

fn proof(bundle: &mut Bundle, slice: usize) -> Option<&mut Vec<u8>> {
    match &mut bundle.slices[slice].backing {
        Backing::Proof(proof) => Some(proof),
        Backing::Executed => None,
    }
}
