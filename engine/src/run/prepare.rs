//! What has to be there before the first proof: the integer run, salts, commitments, the header.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rand::TryRng;
use rand::rngs::SysRng;

use super::control::{Control, Stop};
use super::{Request, Reveal};
use crate::bundle::{
    Binding, Boundary, Custody, Header, Layout, Opening, Outline, Secrets, committed_digest,
};
use crate::program::{Trace, ValueId};
use crate::prove::whir::{self, WeightRoot};
use crate::prove::{Salt, System, halo2};

/// A header with all that the proofs under it need.
pub(super) struct Prepared {
    pub layout: Layout,
    /// The header, with its openings.
    pub header: Header,
    pub secrets: Secrets,
    pub salts: BTreeMap<ValueId, Salt>,
    /// The roots of the weights, one for each operation, where they are committed.
    pub roots: Option<Vec<Option<WeightRoot>>>,
    /// Seconds to commit to the boundary tensors.
    pub commit_secs: f64,
}

/// The integer run of the whole model, one operation after the other.
pub(super) fn execute(
    request: &Request,
    layout: &Layout,
    control: &Control,
) -> Result<Trace, Stop> {
    let program = &request.program;
    let mut trace = layout.quantise(program, &request.input)?;
    for op in 0..program.ops.len() {
        control.check()?;
        let step = program.slice(op..op + 1);
        trace = program.run_slice(&step, trace).map_err(|error| error.to_string())?;
    }
    Ok(trace)
}

/// Draws salts, commits to every boundary tensor of the plan, and opens what is to be revealed.
pub(super) fn prepare(
    request: &Request,
    layout: Layout,
    cuts: &[usize],
    systems: Vec<System>,
    proven: &BTreeSet<usize>,
    trace: &Trace,
    control: &Control,
) -> Result<Prepared, Stop> {
    let program = &request.program;
    let mut nonce = [0; 32];
    SysRng
        .try_fill_bytes(&mut nonce)
        .map_err(|error| format!("the system gives no randomness: {error}"))?;
    let public = layout.public(&systems);
    refuse_hidden_ends(request, &layout, &public.open)?;
    let mut revealed = revealed(request.reveal, &layout, &request.program.inputs, proven);
    revealed.extend(&public.open);
    let start = Instant::now();
    let mut salts = BTreeMap::new();
    let (mut boundaries, mut openings, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    for &value in &layout.boundary {
        control.check()?;
        let elements = trace
            .get(&value)
            .ok_or_else(|| format!("tensor {:?} was not computed", program.value(value).name))?;
        let salt = (!public.plain.contains(&value)).then(halo2::random_salt);
        let binding = Binding::of(program, value, elements, salt.as_ref());
        boundaries.push(Boundary { value, binding });
        let opening = Opening { value, salt, elements: elements.clone() };
        if revealed.contains(&value) {
            openings.push(opening);
        } else {
            hidden.push(opening);
        }
        salts.extend(salt.map(|salt| (value, salt)));
    }
    let commit_secs = start.elapsed().as_secs_f64();
    let cuts = cuts
        .iter()
        .map(|&cut| u32::try_from(cut).map_err(|_| "the model has too many nodes".to_owned()))
        .collect::<Result<_, String>>()?;
    let roots = match request.weights {
        Custody::Public => None,
        Custody::Committed => {
            let root = |op| {
                control.check()?;
                Ok(whir::weight_root(op)?)
            };
            Some(program.ops.iter().map(root).collect::<Result<Vec<_>, Stop>>()?)
        }
    };
    let digest = match &roots {
        None => program.digest(),
        Some(roots) => {
            let outline = Outline::of(&request.model.graph, &request.skeleton)?;
            committed_digest(&outline, &whir::strip(program), roots)
        }
    };
    let header = Header {
        model: request.model.graph.file_digest(),
        splits: request.model.graph.splits().0.into_iter().collect(),
        program: digest,
        weights: request.weights,
        cuts,
        systems,
        card: request.card.clone(),
        nonce,
        context: request.context.clone(),
        boundaries,
        openings,
    };
    let secrets = Secrets { run: header.run_digest(), tensors: hidden };
    Ok(Prepared { layout, header, secrets, salts, roots, commit_secs })
}

/// A system that hides nothing can't prove beside an end of the model that is to stay hidden.
fn refuse_hidden_ends(
    request: &Request,
    layout: &Layout,
    open: &BTreeSet<ValueId>,
) -> Result<(), String> {
    let Reveal { input, output, all, .. } = request.reveal;
    let is_open = |id: &ValueId| open.contains(id);
    let hidden_input = !(input || all) && request.program.inputs.iter().any(is_open);
    let hidden_output = !(output || all) && layout.outputs.iter().flatten().any(is_open);
    let what = match (hidden_input, hidden_output) {
        (false, false) => return Ok(()),
        (true, false) => "input",
        (false, true) => "output",
        (true, true) => "input and output",
    };
    Err(format!(
        "the {what} is to stay hidden, and a slice beside it is to be proven with a system that \
         hides nothing: take halo2 there, or reveal the {what}"
    ))
}

fn revealed(
    reveal: Reveal,
    layout: &Layout,
    inputs: &[ValueId],
    proven: &BTreeSet<usize>,
) -> BTreeSet<ValueId> {
    let mut revealed = BTreeSet::new();
    if reveal.all {
        revealed.extend(&layout.boundary);
    }
    if reveal.input {
        revealed.extend(inputs);
    }
    if reveal.output {
        revealed.extend(layout.outputs.iter().flatten());
    }
    if reveal.executed || reveal.input {
        // The model is public, so whoever has its inputs can compute every tensor anyway: opening
        // what a verifier runs again then tells nothing new, and links the slices.
        let executed = layout.slices.iter().enumerate().filter(|(i, _)| !proven.contains(i));
        let around =
            executed.flat_map(|(_, s)| s.program.inputs.iter().chain(&s.program.outputs).copied());
        let shown = |id: &ValueId| reveal.output || !layout.outputs.contains(&Some(*id));
        revealed.extend(around.filter(|id| reveal.executed || shown(id)));
    }
    revealed
}
