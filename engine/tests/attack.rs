//! Every attack on an honest bundle is caught, and the check that catches it is named.

mod common;

use std::sync::OnceLock;

use common::jobs::{model, network, outcome, request};
use common::{Folder, cli, has_keys};
use microtome_engine::attack::{Attack, Desk, Found};
use microtome_engine::bundle::Bundle;
use microtome_engine::prove::System;
use microtome_engine::run::Reveal;

fn proven(system: System, cuts: &[usize]) -> Bundle {
    let all: Vec<usize> = (0..=cuts.len()).collect();
    let mut request = request(cuts, &all, "attack");
    request.plan.set_all_systems(system);
    outcome(request).sliced.bundle
}

fn fast() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| proven(System::Whir, &[1, 2]))
}

fn hiding() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| proven(System::Halo2, &[2]))
}

/// The attacks that the desk can't try, after asserting that it catches all others by a check with
/// these words.
fn check(desk: &Desk<'_>, words: &[(Attack, &str)]) -> Vec<Attack> {
    assert!(desk.honest().accepted, "{:?}", desk.honest().reasons);
    let mut skipped = Vec::new();
    for attack in Attack::ALL {
        let attempt = desk.attempt(attack);
        match &attempt.found {
            Found::Caught(reason) => {
                for (_, words) in words.iter().filter(|(named, _)| *named == attack) {
                    assert!(reason.contains(words), "{attack}: {words:?} is not in {reason:?}");
                }
            }
            Found::NotApplicable(_) => skipped.push(attack),
            Found::Accepted => panic!("{attack} was accepted"),
        }
    }
    skipped
}

const BY_BOTH: [(Attack, &str); 8] = [
    (Attack::Output, "not what the commitment is to"),
    (Attack::OutputRebound, "slice"),
    (Attack::InnerBoundary, "slice 0"),
    (Attack::SwapProofs, "slice 0"),
    (Attack::FlipByte, "slice 0"),
    (Attack::Replay, "slice 0"),
    (Attack::Scales, "claims program"),
    (Attack::Relabel, "not bound in the way"),
];

#[test]
fn all_attacks_on_a_fast_bundle_are_caught() {
    assert_eq!(check(&Desk::new(fast(), model()), &BY_BOTH), []);
}

#[test]
fn all_attacks_on_a_hiding_bundle_are_caught() {
    let desk = Desk::new(hiding(), model());
    assert_eq!(check(&desk, &BY_BOTH), []);
    let left_out = desk.attempt(Attack::LeaveOut);
    assert!(left_out.reason().contains("demanded"), "{left_out:?}");
}

#[test]
fn a_proof_of_another_run_is_caught() {
    let other = proven(System::Whir, &[1, 2]);
    let desk = Desk::new(fast(), model()).with_other(Some(&other));
    let copy = Bundle::decode(&desk.apply(Attack::Replay).unwrap()).unwrap();
    assert_eq!(copy.slices[0], other.slices[0]);
    assert_eq!(copy.header, fast().header);
    assert!(desk.attempt(Attack::Replay).is_rejected());
}

#[test]
fn what_cannot_be_tried_says_why() {
    let mut request = request(&[], &[0], "");
    request.reveal = Reveal::NONE;
    let bundle = outcome(request).sliced.bundle;
    let desk = Desk::new(&bundle, model());
    let skipped = check(&desk, &[]);
    let expected =
        [Attack::Output, Attack::OutputRebound, Attack::InnerBoundary, Attack::SwapProofs];
    assert_eq!(skipped, expected);
    let reason = |attack| desk.attempt(attack).reason().to_owned();
    assert!(reason(Attack::Output).contains("not revealed"));
    assert!(reason(Attack::InnerBoundary).contains("one slice only"));
}

#[test]
fn all_that_a_part_proves_is_demanded_of_its_copies() {
    let mut request = request(&[1, 2], &[0, 2], "");
    request.plan.set_all_systems(System::Whir);
    let bundle = outcome(request).sliced.bundle;
    assert_eq!(check(&Desk::new(&bundle, model()), &BY_BOTH[..1]), []);
}

#[test]
fn nothing_is_tried_on_a_bundle_that_is_not_accepted() {
    let mut bundle = fast().clone();
    bundle.header.nonce[0] ^= 1;
    let desk = Desk::new(&bundle, model());
    assert!(!desk.honest().accepted);
    assert!(Attack::ALL.into_iter().all(|attack| !desk.attempt(attack).is_applicable()));
}

#[test]
fn the_command_line_prints_each_attempt() {
    let folder = Folder::new();
    let model = folder.write("model.onnx", network());
    let path = folder.path("honest.bundle");
    fast().write(&path).unwrap();
    let ran = cli(&[&"attack", &path, &"--model", &model, &"--json"]);
    let json = ran.succeeds().json();
    assert_eq!(json["honest"], true);
    let attacks = json["attacks"].as_array().unwrap();
    assert_eq!(attacks.len(), Attack::ALL.len());
    for attack in attacks {
        let texts = [("name", 's'), ("description", 's'), ("reason", 's')];
        has_keys(attack, &texts);
        has_keys(attack, &[("applicable", 'b'), ("rejected", 'b')]);
        assert_eq!(attack["rejected"], true, "{attack}");
    }
    let text = cli(&[&"attack", &path, &"--model", &model]).succeeds().stdout.clone();
    assert_eq!(text.matches("caught").count(), Attack::ALL.len(), "{text}");

    let mut changed = fast().clone();
    changed.header.nonce[0] ^= 1;
    changed.write(&path).unwrap();
    let ran = cli(&[&"attack", &path, &"--model", &model, &"--json"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.json()["honest"], false);
}
