//! What each attack changes in a copy of the bundle.

use super::Attack;
use super::desk::{Desk, Ground};
use crate::bundle::{Backing, Binding, Bundle};
use crate::program::ValueId;
use crate::prove::{System, halo2};

/// Changes a copy, or says why there is nothing to change.
pub(super) fn apply(
    attack: Attack,
    desk: &Desk<'_>,
    ground: &Ground,
    copy: &mut Bundle,
) -> Result<(), &'static str> {
    match attack {
        Attack::Output => forge_opening(ground, copy, revealed_output(ground, copy)?),
        Attack::OutputRebound => {
            let value = revealed_output(ground, copy)?;
            forge_opening(ground, copy, value)?;
            rebind(ground, copy, value)
        }
        Attack::InnerBoundary => inner_boundary(ground, copy),
        Attack::SwapProofs => swap_proofs(copy),
        Attack::FlipByte => flip_byte(copy),
        Attack::Replay => replay(desk.other, copy),
        Attack::LeaveOut => leave_out(desk, ground, copy),
        Attack::Scales => scales(copy),
        Attack::Plan => plan(ground, copy),
        Attack::Relabel => relabel(copy),
    }
}

const NO_PROOF: &str = "no slice of the bundle is proven, so that there is no proof to change";

fn proven(bundle: &Bundle) -> impl Iterator<Item = usize> + '_ {
    let is_proven = |&slice: &usize| matches!(bundle.slices[slice].backing, Backing::Proof(_));
    (0..bundle.slices.len()).filter(is_proven)
}

fn revealed_output(ground: &Ground, bundle: &Bundle) -> Result<ValueId, &'static str> {
    let outputs = ground.layout.outputs.iter().flatten();
    outputs
        .copied()
        .find(|&id| bundle.header.opening(id).is_some_and(|o| !o.elements.is_empty()))
        .ok_or("the output is not revealed, so that there is no answer in the bundle to change")
}

/// Raises the smallest element as far as its bits go, so that another class wins.
fn forge_opening(ground: &Ground, copy: &mut Bundle, value: ValueId) -> Result<(), &'static str> {
    let most = i32::try_from(*ground.program.value(value).range().end()).unwrap_or(i32::MAX);
    let opening = copy.header.openings.iter_mut().find(|opening| opening.value == value);
    let element = opening.and_then(|opening| opening.elements.iter_mut().min());
    let element = element.ok_or("the tensor has no elements to change")?;
    *element = if *element == most { most.saturating_sub(1) } else { most };
    Ok(())
}

/// Gives a revealed tensor the binding that fits its elements.
fn rebind(ground: &Ground, copy: &mut Bundle, value: ValueId) -> Result<(), &'static str> {
    let opening = copy.header.opening(value).ok_or("the tensor is not revealed")?;
    let (elements, salt) = (&opening.elements, opening.salt.as_ref());
    let binding = Binding::of(&ground.program, value, elements, salt);
    set_binding(copy, value, binding);
    Ok(())
}

fn set_binding(copy: &mut Bundle, value: ValueId, binding: Binding) {
    for boundary in &mut copy.header.boundaries {
        if boundary.value == value {
            boundary.binding = binding;
        }
    }
}

fn inner_boundary(ground: &Ground, copy: &mut Bundle) -> Result<(), &'static str> {
    if copy.slices.len() < 2 {
        return Err("the plan has one slice only, so that nothing lies between slices");
    }
    let Ground { program, layout, .. } = ground;
    let is_inner = |id: &ValueId| !program.inputs.contains(id) && !program.outputs.contains(id);
    let beside_proofs = proven(copy).flat_map(|slice| {
        let slice = &layout.slices[slice].program;
        slice.inputs.iter().chain(&slice.outputs).copied()
    });
    let mut inner: Vec<ValueId> = beside_proofs.filter(is_inner).collect();
    inner.sort_unstable();
    let value = *inner.first().ok_or("no tensor between two slices is beside a proven slice")?;
    if copy.header.opening(value).is_some() {
        forge_opening(ground, copy, value)?;
        return rebind(ground, copy, value);
    }
    // A tensor that is hidden is replaced by one of zeros, under a new salt.
    let zeros = vec![0; program.value(value).len()];
    let binding = Binding::of(program, value, &zeros, Some(&halo2::random_salt()));
    set_binding(copy, value, binding);
    Ok(())
}

fn swap_proofs(copy: &mut Bundle) -> Result<(), &'static str> {
    let mut slices = proven(copy);
    let pair = slices.next().zip(slices.next());
    drop(slices);
    let (first, second) = pair.ok_or("fewer than two slices are proven, so that nothing swaps")?;
    let backing = copy.slices[first].backing.clone();
    copy.slices[first].backing = std::mem::replace(&mut copy.slices[second].backing, backing);
    Ok(())
}

fn flip_byte(copy: &mut Bundle) -> Result<(), &'static str> {
    let proofs = copy.slices.iter_mut().filter_map(|record| match &mut record.backing {
        Backing::Proof(proof) if !proof.is_empty() => Some(proof),
        _ => None,
    });
    let proof = proofs.into_iter().next().ok_or(NO_PROOF)?;
    let middle = proof.len() / 2;
    proof[middle] ^= 1;
    Ok(())
}

/// Takes the proof of another run; where there is none, the honest proofs come under another one.
fn replay(other: Option<&Bundle>, copy: &mut Bundle) -> Result<(), &'static str> {
    let slices: Vec<usize> = proven(copy).collect();
    if slices.is_empty() {
        return Err(NO_PROOF);
    }
    if let Some(other) = other.filter(|other| other.header.nonce != copy.header.nonce) {
        let theirs = |&slice: &usize| match &other.slices.get(slice)?.backing {
            Backing::Proof(proof) => Some((slice, Backing::Proof(proof.clone()))),
            Backing::Executed => None,
        };
        if let Some((slice, backing)) = slices.iter().find_map(theirs) {
            copy.slices[slice].backing = backing;
            return Ok(());
        }
    }
    copy.header.nonce[0] ^= 1;
    Ok(())
}

fn leave_out(desk: &Desk<'_>, ground: &Ground, copy: &mut Bundle) -> Result<(), &'static str> {
    let largest = proven(copy).max_by_key(|&slice| ground.layout.slices[slice].macs);
    let slice = largest.ok_or(NO_PROOF)?;
    if desk.min_coverage() <= 0.0 {
        return Err("the proven slices have no multiply-accumulates, so that nobody can demand \
                    a part of them");
    }
    copy.slices[slice].backing = Backing::Executed;
    Ok(())
}

fn scales(copy: &mut Bundle) -> Result<(), &'static str> {
    let value = copy.header.card.values.first_mut();
    value.ok_or("the quantisation card has no scales")?.scale *= 2.0;
    Ok(())
}

fn plan(ground: &Ground, copy: &mut Bundle) -> Result<(), &'static str> {
    let cuts = &mut copy.header.cuts;
    let free = ground
        .legal_cuts
        .iter()
        .filter_map(|&cut| u32::try_from(cut).ok())
        .find(|cut| !cuts.contains(cut))
        .ok_or("the network has no other place to cut")?;
    // The first free place takes the place of the nearest cut; a plan without cuts gets one.
    match cuts.iter_mut().min_by_key(|cut| cut.abs_diff(free)) {
        Some(cut) => *cut = free,
        None => cuts.push(free),
    }
    cuts.sort_unstable();
    Ok(())
}

fn relabel(copy: &mut Bundle) -> Result<(), &'static str> {
    let slice = proven(copy).next().ok_or(NO_PROOF)?;
    let system = &mut copy.header.systems[slice];
    *system = match *system {
        System::Halo2 => System::Whir,
        System::Whir => System::Halo2,
    };
    Ok(())
}
