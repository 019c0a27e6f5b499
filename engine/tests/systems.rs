//! Bundles of the fast system, and of both: what is public is bound, and what isn't stays hidden.

mod common;

use std::sync::OnceLock;

use common::jobs::{INPUT, model, outcome, request};
use microtome_engine::bundle::{Backing, Binding, Bundle, Demands, Standing, Verdict, verify};
use microtome_engine::program::{Program, ValueId};
use microtome_engine::prove::System;
use microtome_engine::run::{self, Event, Outcome, Reveal};

/// Three slices under these systems, all proven.
fn proven(systems: [System; 3]) -> Outcome {
    let mut request = request(&[1, 2], &[0, 1, 2], "systems");
    for (slice, system) in systems.into_iter().enumerate() {
        request.plan.set_system(slice, system);
    }
    outcome(request)
}

fn fast() -> &'static Outcome {
    static OUTCOME: OnceLock<Outcome> = OnceLock::new();
    OUTCOME.get_or_init(|| proven([System::Whir; 3]))
}

fn mixed() -> &'static Outcome {
    static OUTCOME: OnceLock<Outcome> = OnceLock::new();
    OUTCOME.get_or_init(|| proven([System::Halo2, System::Halo2, System::Whir]))
}

fn demand(bundle: &Bundle) -> Verdict {
    // What anybody sends goes over a file.
    match Bundle::decode(&bundle.encode()) {
        Ok(bundle) => verify(&bundle, model(), &Demands::default()),
        Err(error) => Verdict::damaged(model().graph.digest, error.to_string()),
    }
}

/// Changes a bundle and asserts that it is refused for a reason with these words.
fn forge(outcome: &Outcome, words: &str, change: impl FnOnce(&mut Bundle)) {
    let mut bundle = outcome.sliced.bundle.clone();
    change(&mut bundle);
    let verdict = demand(&bundle);
    assert!(!verdict.accepted);
    let reasons = verdict.reasons.join("; ");
    assert!(reasons.contains(words), "{words:?} is not in {reasons:?}");
}

fn program() -> std::sync::Arc<Program> {
    request(&[], &[], "").program
}

/// Puts other elements into an opening, with a binding that fits them.
fn rebind(bundle: &mut Bundle, value: ValueId) {
    let opening = bundle.header.openings.iter_mut().find(|o| o.value == value).unwrap();
    opening.elements[0] ^= 1;
    let binding = Binding::of(&program(), value, &opening.elements, opening.salt.as_ref());
    let boundary = bundle.header.boundaries.iter_mut().find(|b| b.value == value).unwrap();
    boundary.binding = binding;
}

#[test]
fn a_fast_bundle_is_accepted_and_says_what_it_is() {
    let Outcome { sliced, output, .. } = fast();
    assert!(sliced.verdict.accepted, "{:?}", sliced.verdict);
    let verdict = demand(&sliced.bundle);
    assert!(verdict.accepted && verdict.linked && verdict.output_proven, "{verdict:?}");
    assert_eq!(verdict.coverage_macs, 1.0);
    assert_eq!(verdict.output, *output);
    assert!(verdict.slices.iter().all(|s| s.system == System::Whir));
    assert!(verdict.slices.iter().all(|s| s.standing == Standing::Proven));
    // Everything on a boundary is public, and nothing is salted.
    assert_eq!(sliced.bundle.header.openings.len(), sliced.bundle.header.boundaries.len());
    assert!(sliced.bundle.header.boundaries.iter().all(|b| !b.binding.is_salted()));
    assert!(sliced.secrets.tensors.is_empty());
    let demands = Demands { input: Some(vec![INPUT.to_vec()]), ..Demands::default() };
    assert!(verify(&sliced.bundle, model(), &demands).accepted);
}

#[test]
fn a_mixed_plan_reveals_what_lies_beside_the_fast_slice_only() {
    let Outcome { sliced, .. } = mixed();
    let verdict = demand(&sliced.bundle);
    assert!(verdict.accepted && verdict.linked && verdict.output_proven, "{verdict:?}");
    let header = &sliced.bundle.header;
    let [input, first, second, output] = &header.boundaries[..] else { panic!() };
    let is_open = |value| header.opening(value).is_some();
    assert!(is_open(input.value), "the input is revealed by default");
    assert!(!is_open(first.value), "the boundary of two hiding slices stays hidden");
    assert!(is_open(second.value) && second.binding.is_salted(), "a hiding slice proves it too");
    assert!(is_open(output.value) && !output.binding.is_salted());
}

#[test]
fn a_forged_public_tensor_is_refused() {
    for outcome in [fast(), mixed()] {
        let values: Vec<_> =
            outcome.sliced.bundle.header.openings.iter().map(|o| o.value).collect();
        for value in values {
            forge(outcome, "not what the commitment is to", |bundle| {
                let openings = &mut bundle.header.openings;
                openings.iter_mut().find(|o| o.value == value).unwrap().elements[0] ^= 1;
            });
            // With a binding that fits, the proofs are those of another run.
            forge(outcome, "slice", |bundle| rebind(bundle, value));
        }
    }
}

#[test]
fn a_public_tensor_that_is_left_out_is_refused() {
    let at = |bundle: &Bundle| bundle.header.openings.len() - 1;
    forge(fast(), "is not revealed", |bundle| {
        let at = at(bundle);
        bundle.header.openings.remove(at);
    });
    forge(mixed(), "is not revealed", |bundle| {
        let at = at(bundle);
        bundle.header.openings.remove(at - 1);
    });
}

#[test]
fn a_binding_of_the_wrong_kind_is_refused() {
    let plain = fast().sliced.bundle.header.boundaries[0].binding;
    let salted = mixed().sliced.bundle.header.boundaries[0].binding;
    forge(fast(), "not bound in the way", |bundle| bundle.header.boundaries[1].binding = salted);
    forge(mixed(), "not bound in the way", |bundle| bundle.header.boundaries[1].binding = plain);
    forge(mixed(), "not bound in the way", |bundle| bundle.header.boundaries[3].binding = salted);
}

#[test]
fn the_system_of_a_slice_cannot_be_changed_afterwards() {
    forge(fast(), "not bound in the way", |bundle| bundle.header.systems[1] = System::Halo2);
    forge(mixed(), "not bound in the way", |bundle| bundle.header.systems[1] = System::Whir);
    forge(mixed(), "not bound in the way", |bundle| bundle.header.systems[2] = System::Halo2);
}

#[test]
fn proofs_are_bound_to_their_place_and_run() {
    forge(fast(), "slice 0", |bundle| bundle.header.nonce[0] ^= 1);
    forge(fast(), "slice 1", |bundle| {
        let proof = bundle.slices[0].backing.clone();
        bundle.slices[1].backing = proof;
    });
    forge(fast(), "slice 2", |bundle| {
        let Backing::Proof(proof) = &mut bundle.slices[2].backing else { panic!() };
        let middle = proof.len() / 2;
        proof[middle] ^= 8;
    });
    forge(mixed(), "slice 2", |bundle| {
        bundle.slices[2].backing = fast().sliced.bundle.slices[2].backing.clone();
    });
    let byte = |at: usize| {
        let mut bytes = fast().sliced.bundle.encode();
        bytes[at] ^= 1;
        Bundle::decode(&bytes).is_ok_and(|bundle| demand(&bundle).accepted)
    };
    let length = fast().sliced.bundle.encode().len();
    let accepted: Vec<usize> =
        (0..300).chain((300..length).step_by(length / 100)).filter(|&at| byte(at)).collect();
    assert_eq!(accepted, Vec::<usize>::new());
}

#[test]
fn a_hidden_end_beside_a_fast_slice_is_refused() {
    for (reveal, word) in [
        (Reveal { output: true, ..Reveal::NONE }, "the input is to stay hidden"),
        (Reveal { input: true, ..Reveal::NONE }, "the output is to stay hidden"),
        (Reveal::NONE, "input and output"),
    ] {
        let mut request = request(&[1], &[0, 1], "");
        request.plan.set_all_systems(System::Whir);
        request.reveal = reveal;
        let last = run::start(request, || {}).events.iter().last();
        assert!(
            matches!(last, Some(Event::Error { reason, .. }) if reason.contains(word)),
            "{word}"
        );
    }
    // A hiding slice at that end makes it possible.
    let mut request = request(&[1], &[0, 1], "");
    request.plan.set_system(1, System::Whir);
    request.reveal = Reveal { output: true, ..Reveal::NONE };
    let verdict = demand(&outcome(request).sliced.bundle);
    assert!(verdict.accepted && verdict.input.is_none(), "{verdict:?}");
}

#[test]
fn an_executed_slice_of_the_fast_system_is_run_again() {
    let mut request = request(&[1, 2], &[0, 2], "");
    request.plan.set_all_systems(System::Whir);
    let bundle = outcome(request).sliced.bundle;
    let part = Demands { min_coverage: 0.5, ..Demands::default() };
    let verdict = verify(&bundle, model(), &part);
    assert!(verdict.accepted && verdict.linked && !verdict.output_proven, "{verdict:?}");
    assert_eq!(verdict.slices[1].standing, Standing::Rerun);
    assert!(!demand(&bundle).accepted);
}
