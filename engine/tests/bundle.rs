//! Bundles by somebody who knows the code and wants a false claim accepted.

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use common::jobs::{INPUT, model, outcome, request};
use microtome_engine::bundle::{
    Backing, Binding, Bundle, Demands, Inclusion, Secrets, Standing, Verdict, verify, verify_with,
};
use microtome_engine::digest::Digest;
use microtome_engine::program::Source;
use microtome_engine::prove::{Statement, System};
use microtome_engine::run::{self, Event, Job, Outcome, Piece, Reveal};

/// Two slices, both proven.
fn honest() -> &'static Outcome {
    static OUTCOME: OnceLock<Outcome> = OnceLock::new();
    OUTCOME.get_or_init(|| outcome(request(&[2], &[0, 1], "honest")))
}

fn demand(bundle: &Bundle) -> Verdict {
    verify(bundle, model(), &Demands::default())
}

/// Changes an honest bundle and asserts that it is refused for a reason with these words.
fn forge(words: &str, change: impl FnOnce(&mut Bundle)) {
    let mut bundle = honest().sliced.bundle.clone();
    change(&mut bundle);
    // What an attacker sends goes over a file.
    let verdict = match Bundle::decode(&bundle.encode()) {
        Ok(bundle) => demand(&bundle),
        Err(error) => Verdict::damaged(model().graph.digest, error.to_string()),
    };
    assert!(!verdict.accepted);
    let reasons = verdict.reasons.join("; ");
    assert!(reasons.contains(words), "{words:?} is not in {reasons:?}");
}

fn proof(bundle: &mut Bundle, slice: usize) -> &mut Vec<u8> {
    match &mut bundle.slices[slice].backing {
        Backing::Proof(proof) => proof,
        Backing::Executed => panic!("slice {slice} has no proof"),
    }
}

#[test]
fn an_honest_bundle_is_accepted() {
    let verdict = demand(&honest().sliced.bundle);
    assert!(verdict.accepted && verdict.linked && verdict.output_proven, "{verdict:?}");
    assert_eq!(verdict.coverage_macs, 1.0);
    assert_eq!(verdict.output, honest().output);
    assert!(honest().sliced.verdict.accepted);
    let digest = honest().sliced.bundle.header.program;
    let demands = Demands {
        input: Some(vec![INPUT.to_vec()]),
        program: Some(digest),
        context: Some("honest".to_owned()),
        min_coverage: 1.0,
    };
    assert!(verify(&honest().sliced.bundle, model(), &demands).accepted);
}

#[test]
fn proofs_checked_together_have_the_verdicts_of_each_alone() {
    let alone = |bundle: &Bundle| {
        let check = &mut |_: usize, system: System, statement: &Statement<'_>, proof: &[u8]| {
            system.proof_system().verify(statement, proof).map_err(|error| error.to_string())
        };
        verify_with(bundle, model().into(), &Demands::default(), check)
    };
    let bundles = (0..4).map(|wrong| {
        let mut bundle = honest().sliced.bundle.clone();
        for slice in (0..2).filter(|slice| wrong >> slice & 1 == 1) {
            proof(&mut bundle, slice)[200] ^= 1;
        }
        (wrong, bundle)
    });
    for (wrong, bundle) in bundles {
        let together = demand(&bundle);
        let alone = alone(&bundle);
        assert_eq!(together.reasons, alone.reasons);
        for (slice, alone) in together.slices.iter().zip(&alone.slices) {
            let is_wrong = wrong >> slice.index & 1 == 1;
            let expected = if is_wrong { Standing::Rejected } else { Standing::Proven };
            assert_eq!((slice.standing, alone.standing), (expected, expected), "{wrong}");
            assert_eq!(slice.reason, alone.reason);
        }
        let shares: f64 = together.slices.iter().map(|slice| slice.verify_secs).sum();
        assert!(shares > 0.0 && (shares - together.verify_secs).abs() < 1e-9);
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let bytes = honest().sliced.bundle.encode();
    let every = (bytes.len() / 60).max(1);
    // The first bytes hold lengths and digests, so each of them is changed.
    let places = (0..200).chain((200..bytes.len()).step_by(every)).chain([bytes.len() - 1]);
    let mut accepted = Vec::new();
    for place in places {
        for mask in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[place] ^= mask;
            if Bundle::decode(&changed).is_ok_and(|bundle| demand(&bundle).accepted) {
                accepted.push(place);
            }
        }
    }
    assert_eq!(accepted, Vec::<usize>::new());
}

#[test]
fn cut_off_and_longer_files_are_refused() {
    let bytes = honest().sliced.bundle.encode();
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        assert!(Bundle::decode(&bytes[..length]).is_err(), "{length}");
    }
    for tail in [&[0u8][..], &[0xff; 40]] {
        assert!(Bundle::decode(&[&bytes[..], tail].concat()).is_err());
    }
}

#[test]
fn swapped_changed_and_longer_proofs_are_refused() {
    forge("slice 0", |bundle| {
        let (first, second) = (proof(bundle, 0).clone(), proof(bundle, 1).clone());
        *proof(bundle, 0) = second;
        *proof(bundle, 1) = first;
    });
    forge("is slice 1", |bundle| bundle.slices.swap(0, 1));
    forge("slice 1", |bundle| proof(bundle, 1)[100] ^= 4);
    forge("bytes", |bundle| proof(bundle, 0).push(0));
    forge("bytes", |bundle| proof(bundle, 0).clear());
}

#[test]
fn a_replay_is_refused() {
    forge("slice 0", |bundle| bundle.header.context = "another".to_owned());
    forge("slice 0", |bundle| bundle.header.nonce[0] ^= 1);
    let demands = Demands { context: Some("another".to_owned()), ..Demands::default() };
    let verdict = verify(&honest().sliced.bundle, model(), &demands);
    assert!(!verdict.accepted && verdict.reasons[0].contains("context"));
}

#[test]
fn proofs_of_two_runs_do_not_mix() {
    let other = outcome(request(&[2], &[0, 1], "honest"));
    forge("slice 1", |bundle| bundle.slices[1] = other.sliced.bundle.slices[1].clone());
    assert_ne!(other.sliced.bundle.header.boundaries, honest().sliced.bundle.header.boundaries);
}

#[test]
fn another_model_program_or_plan_is_refused() {
    forge("model", |bundle| bundle.header.model = Digest([7; 32]));
    forge("program", |bundle| bundle.header.program = Digest([7; 32]));
    forge("program", |bundle| bundle.header.card.values[0].scale *= 2.0);
    forge("commits", |bundle| bundle.header.cuts[0] = 1);
    forge("do not increase", |bundle| bundle.header.cuts = vec![2, 2]);
    forge("no cut", |bundle| bundle.header.cuts = vec![u32::MAX]);
    forge("slices", |bundle| bundle.header.cuts = Vec::new());
    forge("slices", |bundle| {
        bundle.header.systems.pop();
    });
    let demands = Demands { program: Some(Digest([1; 32])), ..Demands::default() };
    assert!(!verify(&honest().sliced.bundle, model(), &demands).accepted);
}

#[test]
fn a_program_of_other_scales_is_not_the_one_pinned() {
    // A prover who is free to choose scales could round every weight to zero; the proofs then
    // hold, and only the pinned digest tells.
    let mut absurd = request(&[2], &[0, 1], "honest");
    for value in &mut absurd.card.values {
        value.scale *= 2.0;
    }
    let lowered = absurd.skeleton.lower(&model().graph, &absurd.card).unwrap();
    absurd.program = Arc::new(lowered);
    let bundle = outcome(absurd).sliced.bundle;
    assert!(demand(&bundle).accepted);
    let pinned = honest().sliced.bundle.header.program;
    let demands = Demands { program: Some(pinned), ..Demands::default() };
    assert!(!verify(&bundle, model(), &demands).accepted);
}

#[test]
fn forged_openings_and_commitments_are_refused() {
    let last = |bundle: &mut Bundle| bundle.header.openings.len() - 1;
    forge("not what the commitment is to", |bundle| {
        let at = last(bundle);
        bundle.header.openings[at].elements[0] ^= 1;
    });
    forge("opening", |bundle| {
        let at = last(bundle);
        bundle.header.openings[at].elements.push(0);
    });
    forge("outside its", |bundle| {
        let at = last(bundle);
        bundle.header.openings[at].elements[0] = i32::MAX;
    });
    forge("increasing order", |bundle| bundle.header.openings.reverse());
    forge("increasing order", |bundle| {
        let again = bundle.header.openings[0].clone();
        bundle.header.openings.insert(0, again);
    });
    forge("commits to", |bundle| {
        bundle.header.boundaries.remove(0);
    });
    forge("commits to", |bundle| bundle.header.boundaries.swap(0, 1));
    forge("slice 0", |bundle| {
        let other = bundle.header.boundaries[0].binding;
        bundle.header.boundaries[1].binding = other;
    });
    // A forged output with a commitment that fits it: the proof was not made for it.
    forge("slice 1", |bundle| {
        let at = last(bundle);
        let request = request(&[2], &[], "");
        let opening = &mut bundle.header.openings[at];
        opening.elements[0] ^= 1;
        let salt = opening.salt.as_ref();
        let binding = Binding::of(&request.program, opening.value, &opening.elements, salt);
        let value = opening.value;
        for boundary in &mut bundle.header.boundaries {
            if boundary.value == value {
                boundary.binding = binding;
            }
        }
    });
}

#[test]
fn the_input_must_be_the_one_demanded() {
    let with = |input: Vec<f32>| {
        let demands = Demands { input: Some(vec![input]), ..Demands::default() };
        verify(&honest().sliced.bundle, model(), &demands)
    };
    assert!(with(INPUT.to_vec()).accepted);
    for other in [vec![0.5, -0.25, 0.75, 0.25], vec![0.5, -0.25], vec![f32::NAN; 4], vec![]] {
        assert!(!with(other).accepted);
    }
    let mut hidden = honest().sliced.bundle.clone();
    hidden.header.openings.clear();
    assert!(demand(&hidden).accepted, "openings may be left out");
    let demands = Demands { input: Some(vec![INPUT.to_vec()]), ..Demands::default() };
    assert!(!verify(&hidden, model(), &demands).accepted);
}

#[test]
fn an_executed_slice_is_never_proven() {
    forge("demanded", |bundle| bundle.slices[1].backing = Backing::Executed);
    let part = Demands { min_coverage: 0.0, ..Demands::default() };
    let mut bundle = honest().sliced.bundle.clone();
    bundle.slices[0].backing = Backing::Executed;
    let verdict = verify(&bundle, model(), &part);
    // Nothing is known of its inner boundary.
    assert!(verdict.accepted && !verdict.linked && !verdict.output_proven, "{verdict:?}");
    assert_eq!(verdict.slices[0].standing, Standing::Unchecked);
    assert_eq!(verdict.coverage_macs, 12.0 / 28.0);
    bundle.slices[1].backing = Backing::Proof(vec![0; 64]);
    assert!(!verify(&bundle, model(), &part).accepted);
}

#[test]
fn a_slice_without_macs_counts_for_full_coverage() {
    // The last slice is a ReLU alone: no MACs, and yet it decides the output.
    let bundle = outcome(request(&[3], &[0], "")).sliced.bundle;
    let verdict = demand(&bundle);
    assert_eq!(verdict.coverage_macs, 1.0);
    assert!(!verdict.accepted && !verdict.output_proven, "{verdict:?}");
}

#[test]
fn an_open_executed_slice_is_run_again() {
    let bundle = outcome(request(&[2], &[1], "")).sliced.bundle;
    let part = Demands { min_coverage: 0.0, ..Demands::default() };
    let verdict = verify(&bundle, model(), &part);
    assert_eq!(verdict.slices[0].standing, Standing::Rerun);
    assert!(verdict.accepted && verdict.linked && !verdict.output_proven, "{verdict:?}");

    // Another honest run of slice 1 on a false inner tensor: its proof holds, the rerun doesn't.
    let mut forged = bundle.clone();
    let inner = forged.header.openings.iter_mut().find(|o| o.elements.len() == 4).unwrap();
    inner.elements[0] += 1;
    assert!(!verify(&forged, model(), &part).accepted);
}

#[test]
fn scales_that_tell_of_a_hidden_input_are_refused() {
    let mut request = request(&[], &[0], "");
    request.reveal = Reveal { output: true, ..Reveal::NONE };
    request.card.source = Source::ProvenInput { headroom: 1.25 };
    let job = run::start(request, || {});
    let last = job.events.iter().last();
    assert!(matches!(last, Some(Event::Error { reason, .. }) if reason.contains("--calib")));
}

#[test]
fn an_output_that_nothing_holds_up_is_refused_where_coverage_is_demanded() {
    let mut request = request(&[2], &[1], "");
    request.reveal = Reveal { output: true, ..Reveal::NONE };
    let bundle = outcome(request).sliced.bundle;
    let part = Demands { min_coverage: 0.1, ..Demands::default() };
    let verdict = verify(&bundle, model(), &part);
    assert!(!verdict.accepted && verdict.reasons[0].contains("depends on slice 0"), "{verdict:?}");
}

#[test]
fn secrets_open_what_is_hidden_and_nothing_else() {
    let mut closed = request(&[2], &[0, 1], "");
    closed.reveal = Reveal::NONE;
    let Outcome { sliced, .. } = outcome(closed);
    let (mut bundle, mut secrets) = (sliced.bundle, sliced.secrets);
    assert!(bundle.header.openings.is_empty());
    assert_eq!(demand(&bundle).output, None);
    // No element of a hidden tensor, nor its salt, is in the bundle's bytes.
    let bytes = bundle.encode();
    for secret in &secrets.tensors {
        let salt = String::from(secret.salt.unwrap());
        assert!(!bytes.windows(salt.len()).any(|window| window == salt.as_bytes()));
    }
    let hidden: BTreeSet<_> = secrets.tensors.iter().map(|secret| secret.value).collect();
    assert_eq!(hidden.len(), bundle.header.boundaries.len());
    let mut others: Secrets = honest().sliced.secrets.clone();
    let value = others.tensors[0].value;
    assert!(!others.reveal(&mut bundle, value), "secrets of another run");
    for value in hidden {
        assert!(secrets.reveal(&mut bundle, value));
    }
    let verdict = demand(&bundle);
    assert!(verdict.accepted && verdict.output.is_some(), "{verdict:?}");
}

#[test]
fn one_slice_is_shown_to_be_in_a_receipt() {
    let bundle = &honest().sliced.bundle;
    let receipt = bundle.root();
    for slice in 0..2 {
        let inclusion = bundle.inclusion(slice).unwrap();
        let inclusion = Inclusion::decode(&inclusion.encode()).unwrap();
        inclusion.check(&receipt).unwrap();
        assert!(inclusion.check(&Digest([0; 32])).is_err());
        let mut other = inclusion.clone();
        other.slice.index ^= 1;
        assert!(other.check(&receipt).is_err());
        let mut other = inclusion.clone();
        other.slice.backing = Backing::Executed;
        assert!(other.check(&receipt).is_err());
        let mut other = inclusion.clone();
        other.header.context.push('x');
        assert!(other.check(&receipt).is_err());
        let mut other = inclusion;
        other.header.systems.push(other.header.systems[0]);
        assert!(other.check(&receipt).is_err());
    }
    assert!(bundle.inclusion(2).is_none());
}

#[test]
fn a_cancelled_job_ends_at_once() {
    let start = std::time::Instant::now();
    let job = run::start(request(&[2], &[0, 1], ""), || {});
    let mut cancelled = false;
    for event in &job.events {
        match event {
            Event::Memory { .. } => job.cancel(),
            Event::Cancelled => cancelled = true,
            Event::Done { .. } => panic!("the job went on"),
            _ => {}
        }
    }
    assert!(cancelled);
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn a_crash_costs_one_slice_and_has_a_reason() {
    let mut request = request(&[2], &[0, 1], "");
    // Any program that ends without an answer stands for a crash.
    request.child_program = Some("/bin/false".into());
    let job: Job = run::start(request, || {});
    let events: Vec<Event> = job.events.iter().collect();
    let failed: Vec<Piece> = events
        .iter()
        .filter_map(|event| match event {
            Event::Failed { piece, reason } => {
                assert!(reason.contains("process"), "{reason}");
                Some(*piece)
            }
            _ => None,
        })
        .collect();
    assert_eq!(failed.len(), 2);
    assert!(matches!(events.last(), Some(Event::Done { outcome }) if outcome.failures.len() == 2));
}
