//! The verdict on a bundle, by someone who has the model and trusts nothing in the bundle.
//!
//! Everything that a proof is about is built here from the model, the card and the plan: the
//! program, the slices, which tensors lie on boundaries, the circuits, the keys, the instances.
//! The bundle contributes commitments, proofs and openings only, and each of them is checked.

use std::time::Instant;

use super::claims::{Checked, CheckedSlice, SliceClaim, check_each, check_together, weights_of};
use super::layout::Layout;
use super::reading::{Reading, Subject, read};
use super::verdict::{SliceVerdict, Standing, Verdict};
use super::{Backing, Binding, Bundle, Header, Opening};
use crate::digest::Digest;
use crate::program::{Program, ProgramSlice, Trace};
use crate::prove::whir::{self, Security};
use crate::prove::{Statement, System};

/// What a verifier asks of a bundle.
#[derive(Clone, Debug)]
pub struct Demands {
    /// The input that the answer must be to, one tensor for each input of the model.
    pub input: Option<Vec<Vec<f32>>>,
    /// The program that must be proven, so that a prover can't choose absurd scales.
    pub program: Option<Digest>,
    /// The context that the proofs must be bound to.
    pub context: Option<String>,
    /// The part of the model's multiply-accumulates that must be proven. From 1 on, every slice
    /// must be proven, also one without any multiply-accumulate.
    pub min_coverage: f64,
}

impl Default for Demands {
    fn default() -> Self {
        Self { input: None, program: None, context: None, min_coverage: 1.0 }
    }
}

/// Checks one proof against the statement that the verifier built, or says why it doesn't hold.
pub type ProofCheck<'a> =
    dyn FnMut(usize, System, &Statement<'_>, &[u8]) -> Result<(), String> + 'a;

/// Verifies a bundle against a model, or against the card of one: all proofs of a system together.
#[must_use]
pub fn verify<'a>(bundle: &Bundle, subject: impl Into<Subject<'a>>, demands: &Demands) -> Verdict {
    judge(bundle, subject.into(), demands, check_together)
}

/// Verifies a bundle with another way to check single proofs, such as one that runs in a process
/// of its own. Proofs are checked in the order of the slices.
#[must_use]
pub fn verify_with(
    bundle: &Bundle,
    subject: Subject<'_>,
    demands: &Demands,
    check: &mut ProofCheck<'_>,
) -> Verdict {
    judge(bundle, subject, demands, |claims| check_each(claims, check))
}

fn judge(
    bundle: &Bundle,
    subject: Subject<'_>,
    demands: &Demands,
    check: impl FnOnce(&[&SliceClaim<'_>]) -> Checked,
) -> Verdict {
    let header = &bundle.header;
    let reading = match read(bundle, subject) {
        Ok(reading) => reading,
        Err(reason) => return Verdict::refused(subject.digest(), bundle, reason),
    };
    let Reading { program, layout, .. } = &reading;
    let mut reasons = demand_reasons(header, demands);
    let opened = check_openings(header, program).unwrap_or_else(|reason| {
        reasons.push(reason);
        Trace::new()
    });
    if let Some(input) = &demands.input {
        reasons.extend(input_reason(program, layout, &opened, input));
    }

    let backings: Vec<(SliceBacking<'_>, f64)> = (0..layout.slices.len())
        .map(|index| {
            let start = Instant::now();
            let backing = slice_backing(&reading, bundle, &opened, index);
            (backing, start.elapsed().as_secs_f64())
        })
        .collect();
    let claims: Vec<&SliceClaim<'_>> =
        backings.iter().filter_map(|(backing, _)| backing.as_ref().ok()).collect();
    let mut checked = check(&claims);
    let mut verify_secs = checked.verify_secs;

    let mut slices = Vec::new();
    for (index, (backing, secs)) in backings.into_iter().enumerate() {
        let (standing, reason, keys_secs, secs) = match (backing, checked.slices.remove(&index)) {
            (Err((standing, reason)), _) => {
                verify_secs += secs;
                (standing, reason, 0.0, secs)
            }
            (Ok(_), Some(CheckedSlice { result: Ok(()), keys_secs, verify_secs })) => {
                (Standing::Proven, "the proof holds".to_owned(), keys_secs, verify_secs)
            }
            (Ok(_), Some(CheckedSlice { result: Err(reason), keys_secs, verify_secs })) => {
                (Standing::Rejected, reason, keys_secs, verify_secs)
            }
            (Ok(_), None) => (Standing::Rejected, "its proof was not checked".to_owned(), 0.0, 0.0),
        };
        if standing == Standing::Rejected {
            reasons.push(format!("slice {index}: {reason}"));
        }
        slices.push(SliceVerdict {
            index,
            system: header.systems[index],
            standing,
            reason,
            macs: layout.slices[index].macs,
            proof_bytes: bundle.slices[index].proof_bytes(),
            keys_secs,
            verify_secs: secs,
        });
    }

    reasons.extend(soundness_reason(&reading, bundle));
    let proven: Vec<bool> = slices.iter().map(|s| s.standing == Standing::Proven).collect();
    let macs: Vec<u64> = layout.slices.iter().map(|slice| slice.macs).collect();
    let coverage_macs = coverage(&macs, &proven);
    reasons.extend(coverage_reason(coverage_macs, &proven, demands.min_coverage));
    let output = layout.real_outputs(program, &opened);
    if demands.min_coverage > 0.0 && output.is_some() {
        reasons.extend(unfounded_output(layout, &slices));
    }
    Verdict {
        accepted: reasons.is_empty(),
        linked: slices.iter().all(|s| matches!(s.standing, Standing::Proven | Standing::Rerun)),
        output_proven: layout
            .ancestors_of_outputs()
            .is_some_and(|ancestors| ancestors.iter().all(|&slice| proven[slice])),
        coverage_macs,
        output,
        input: real_inputs(program, &opened),
        program: Some(reading.digest),
        model: subject.digest(),
        splits: header.splits().unwrap_or_default(),
        root: Some(bundle.root()),
        context: Some(header.context.clone()),
        calibration: Some(header.card.source.clone()),
        keys_secs: checked.keys_secs,
        verify_secs,
        slices,
        reasons,
    }
}

/// What there is of a slice: a proof of it to check, or what is known without one.
type SliceBacking<'a> = Result<SliceClaim<'a>, (Standing, String)>;

fn slice_backing<'a>(
    reading: &'a Reading,
    bundle: &'a Bundle,
    opened: &'a Trace,
    index: usize,
) -> SliceBacking<'a> {
    let slice = &reading.layout.slices[index];
    Err(match (&bundle.slices[index].backing, &slice.obstacle) {
        (Backing::Proof(_), Some(obstacle)) => {
            (Standing::Rejected, format!("it can't be proven, so no proof of it holds: {obstacle}"))
        }
        (Backing::Executed, Some(obstacle)) => {
            (Standing::Unchecked, format!("executed, not proven; not linked: {obstacle}"))
        }
        (Backing::Proof(proof), None) => {
            return SliceClaim::new(reading, &bundle.header, opened, index, proof)
                .map_err(|reason| (Standing::Rejected, reason));
        }
        (Backing::Executed, None) if !reading.has_weights => (
            Standing::Unchecked,
            "executed, not proven; not linked, since its weights are with their owner".into(),
        ),
        (Backing::Executed, None) => rerun(&reading.program, &slice.program, opened),
    })
}

fn demand_reasons(header: &Header, demands: &Demands) -> Vec<String> {
    let mut reasons = Vec::new();
    if demands.program.is_some_and(|program| program != header.program) {
        reasons.push(format!("the program is {}, not the one demanded", header.program));
    }
    if demands.context.as_ref().is_some_and(|context| *context != header.context) {
        reasons.push(format!("the context is {:?}, not the one demanded", header.context));
    }
    if !(0.0..=1.0).contains(&demands.min_coverage) {
        reasons.push(format!("a coverage of {} can't be demanded", demands.min_coverage));
    }
    reasons
}

/// The opened tensors, each shown to be what its commitment is to.
fn check_openings(header: &Header, program: &Program) -> Result<Trace, String> {
    let mut opened = Trace::new();
    let mut last = None;
    for Opening { value, salt, elements } in &header.openings {
        if last.is_some_and(|last| last >= *value) {
            return Err("the openings are not in increasing order".to_owned());
        }
        last = Some(*value);
        let binding = header
            .binding(*value)
            .ok_or_else(|| format!("tensor {} is opened and not on a boundary", value.0))?;
        let tensor = program.value(*value);
        let range = tensor.range();
        if elements.len() != tensor.len() {
            return Err(format!(
                "the opening of tensor {:?} has {} elements, its shape needs {}",
                tensor.name,
                elements.len(),
                tensor.len()
            ));
        }
        if let Some(element) = elements.iter().find(|&&v| !range.contains(&i64::from(v))) {
            return Err(format!(
                "the opening of tensor {:?} has the element {element}, outside its {} bits",
                tensor.name, tensor.bits
            ));
        }
        if Binding::of(program, *value, elements, salt.as_ref()) != binding {
            return Err(format!(
                "the opening of tensor {:?} is not what the commitment is to",
                tensor.name
            ));
        }
        opened.insert(*value, elements.clone());
    }
    Ok(opened)
}

/// Why the revealed input is not the one demanded, where it isn't.
fn input_reason(
    program: &Program,
    layout: &Layout,
    opened: &Trace,
    input: &[Vec<f32>],
) -> Option<String> {
    let wanted = match layout.quantise(program, input) {
        Ok(wanted) => wanted,
        Err(error) => return Some(format!("the input to compare with doesn't fit: {error}")),
    };
    wanted.iter().find_map(|(id, wanted)| {
        let name = &program.value(*id).name;
        match opened.get(id) {
            None => Some(format!("input {name:?} is not revealed, so it can't be compared")),
            Some(found) if found != wanted => {
                Some(format!("input {name:?} is another one than was proven"))
            }
            Some(_) => None,
        }
    })
}

/// The program's inputs in real numbers, where all are opened.
fn real_inputs(program: &Program, opened: &Trace) -> Option<Vec<Vec<f32>>> {
    program.inputs.iter().map(|id| Some(program.dequantise(*id, opened.get(id)?))).collect()
}

/// What is known of a slice without a proof.
fn rerun(program: &Program, slice: &ProgramSlice, opened: &Trace) -> (Standing, String) {
    let boundary = slice.inputs.iter().chain(&slice.outputs);
    if let Some(hidden) = boundary.clone().find(|id| !opened.contains_key(id)) {
        let reason = format!(
            "executed, not proven; not linked, since tensor {:?} on its boundary is hidden",
            program.value(*hidden).name
        );
        return (Standing::Unchecked, reason);
    }
    let inputs: Trace = slice.inputs.iter().map(|id| (*id, opened[id].clone())).collect();
    match program.run_slice(slice, inputs) {
        Err(error) => (Standing::Rejected, format!("executed, and it does not run: {error}")),
        Ok(trace) => match slice.outputs.iter().find(|id| trace.get(id) != opened.get(id)) {
            None => {
                (Standing::Rerun, "executed, not proven; running it again gives the same".into())
            }
            Some(id) => {
                let name = &program.value(*id).name;
                (
                    Standing::Rejected,
                    format!("executed, and running it again gives another tensor {name:?}"),
                )
            }
        },
    }
}

/// Why the proofs of a bundle are not sound enough together, where they aren't.
fn soundness_reason(reading: &Reading, bundle: &Bundle) -> Option<String> {
    let Reading { program, layout, roots, .. } = reading;
    let whir = bundle.slices.iter().zip(&bundle.header.systems).zip(&layout.slices).filter(
        |((record, system), slice)| {
            **system == System::Whir
                && slice.obstacle.is_none()
                && matches!(record.backing, Backing::Proof(_))
        },
    );
    let slices = whir.map(|(_, slice)| &slice.program);
    let all: Vec<Security> = slices
        .filter_map(|slice| {
            whir::Whir.security(program, slice, weights_of(roots.as_deref(), slice)).ok()
        })
        .collect();
    let bits = whir::bits_of_all(&all);
    (bits < whir::LEAST_BITS).then(|| {
        format!(
            "its {} proofs by whir are sound to {bits:.1} bits together, and {} are needed: fewer \
             or smaller slices have more",
            all.len(),
            whir::LEAST_BITS
        )
    })
}

/// Why a revealed output may be invented, where it may: a slice that it depends on is neither
/// proven nor run again.
fn unfounded_output(layout: &Layout, slices: &[SliceVerdict]) -> Option<String> {
    let is_founded = |s: &SliceVerdict| matches!(s.standing, Standing::Proven | Standing::Rerun);
    match layout.ancestors_of_outputs() {
        None => Some("the revealed output is not what the program answers with".into()),
        Some(ancestors) => {
            ancestors.into_iter().find(|&slice| !is_founded(&slices[slice])).map(|slice| {
                format!("the revealed output depends on slice {slice}, of which nothing holds")
            })
        }
    }
}

/// The part of the multiply-accumulates that is proven; the part of the slices where there are no
/// multiply-accumulates at all.
fn coverage(macs: &[u64], proven: &[bool]) -> f64 {
    let ratio = |part: u64, all: u64| {
        if all == 0 { 0.0 } else { part as f64 / all as f64 }
    };
    let total: u64 = macs.iter().sum();
    if total == 0 {
        return ratio(proven.iter().filter(|&&p| p).count() as u64, proven.len() as u64);
    }
    ratio(macs.iter().zip(proven).filter(|&(_, &p)| p).map(|(&m, _)| m).sum(), total)
}

fn coverage_reason(coverage: f64, proven: &[bool], min_coverage: f64) -> Option<String> {
    if coverage < min_coverage {
        return Some(format!("{coverage:.4} of the MACs are proven, {min_coverage} are demanded"));
    }
    // A slice of activations has no MACs, and could be forged under full coverage otherwise.
    let missing = proven.iter().position(|&p| !p)?;
    (min_coverage >= 1.0)
        .then(|| format!("slice {missing} is not proven, and full coverage is demanded"))
}
