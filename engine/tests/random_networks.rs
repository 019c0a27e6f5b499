//! Random networks, a fixed choice of seeds: the example of this name takes as many as one likes.

mod common;
mod random;

use std::collections::BTreeSet;

use microtome_engine::program::operators::OPERATORS;
use random::draft::Profile;
use random::hunt::{Proofs, Summary, folder, record, shrink, try_seed};
use random::network::{Network, Seed};

/// Takes these seeds through everything; one that fails is told with its file and the command to
/// see it again.
fn try_all(numbers: impl Iterator<Item = u64>, profile: Profile, proofs: Proofs<'_>) -> Summary {
    let mut summary = Summary::default();
    for number in numbers {
        match try_seed(Seed::new(number, profile), proofs) {
            Ok(found) => summary.add(found),
            Err(failure) => panic!("{}", record(&shrink(failure, proofs), proofs, &folder())),
        }
    }
    summary
}

#[test]
fn every_operator_of_the_registry_is_drawn() {
    let mut drawn: BTreeSet<String> = BTreeSet::new();
    for number in 0..200 {
        drawn.extend(Network::of(Seed::new(number, Profile::Small)).operators);
    }
    let missing: Vec<&str> =
        OPERATORS.iter().map(|o| o.name).filter(|name| !drawn.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn a_network_follows_from_its_seed_and_fewer_draws_are_its_beginning() {
    for number in 0..30 {
        let seed = Seed::new(number, Profile::Small);
        let (one, two) = (Network::of(seed), Network::of(seed));
        assert_eq!(one.bytes, two.bytes);
        assert_eq!(one.inputs, two.inputs);
        let part = Network::of(Seed { most_nodes: 2, ..seed });
        assert!(part.shapes.iter().all(|(name, shape)| one.shapes.get(name) == Some(shape)));
        let alone = Network::of(Seed { only_last: true, ..seed });
        assert!(alone.bytes.len() <= one.bytes.len() && !alone.operators.is_empty());
    }
}

#[test]
fn random_networks_run_in_fixed_point_as_in_float_whole_and_in_slices() {
    let summary = try_all(0..150, Profile::Small, Proofs::None);
    let unusual = summary.refused + summary.with_obstacles;
    assert!(unusual * 3 < summary.networks, "{unusual} of {}", summary.networks);
    // A bound that allows everything would show nothing.
    assert!(summary.median_looseness() < 0.1, "{}", summary.median_looseness());
}

#[test]
fn larger_and_stranger_networks_run_in_fixed_point_as_in_float() {
    try_all(0..60, Profile::Extreme, Proofs::None);
}

/// What the optimiser of the float reference failed on or changed, a product of matrices after a
/// broadcast and a slice after a convolution among them; and a maximum under almost one scale.
#[test]
fn seeds_that_found_something_once_stay_well() {
    try_all([80, 10000].into_iter(), Profile::Small, Proofs::None);
    try_all([733, 1159, 1779, 2892].into_iter(), Profile::Extreme, Proofs::None);
}

#[test]
fn random_networks_are_proven_by_both_systems_and_changed_bundles_refused() {
    let program = common::program();
    let summary = try_all(1..8, Profile::Small, Proofs::By(Some(&program)));
    assert!(summary.bundles >= 8 && summary.proofs >= 12, "{} bundles", summary.bundles);
    assert!(summary.changes.len() >= 3, "{:?}", summary.changes);
    assert!(!summary.ks.is_empty());
}
