//! Many seeds, and what to do with one that fails.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::draft::Profile;
use super::network::{Network, Seed};
use super::proving::{Proven, prove};
use super::trial::{Ending, examine};

/// Whether a network is proven, and by which program.
#[derive(Clone, Copy, Debug)]
pub enum Proofs<'a> {
    /// It isn't.
    None,
    /// By this program; by the one that runs where there is none.
    By(Option<&'a Path>),
}

/// What a seed gave.
pub struct Found {
    pub operators: BTreeSet<String>,
    /// Why it was refused as a whole, or nodes of it were.
    pub refused: Option<String>,
    pub obstacles: Vec<String>,
    /// The greatest bound of an output, as a part of its range.
    pub looseness: Option<f64>,
    pub proven: Proven,
}

/// A seed that failed.
pub struct Failure {
    pub seed: Seed,
    pub reason: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}: {}", self.seed.number, self.reason)
    }
}

/// Takes one network through everything.
///
/// # Errors
/// The seed that failed and why; a panic is a failure too.
pub fn try_seed(seed: Seed, proofs: Proofs<'_>) -> Result<Found, Failure> {
    let failed = |reason| Failure { seed, reason };
    match catch_unwind(AssertUnwindSafe(|| attempt(seed, proofs))) {
        Ok(found) => found.map_err(failed),
        Err(panic) => Err(failed(format!("panic: {}", text_of(&*panic)))),
    }
}

fn text_of(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn attempt(seed: Seed, proofs: Proofs<'_>) -> Result<Found, String> {
    let network = Network::of(seed);
    let mut found = Found {
        operators: network.operators.clone(),
        refused: None,
        obstacles: Vec::new(),
        looseness: None,
        proven: Proven::default(),
    };
    match examine(&network)? {
        Ending::Refused(reason) => found.refused = Some(reason),
        Ending::Runs(trial) => {
            found.obstacles.clone_from(&trial.obstacles);
            found.looseness = Some(trial.looseness);
            if let Proofs::By(child) = proofs {
                found.proven = prove(&network, &trial, child)?;
            }
        }
    }
    Ok(found)
}

/// The fewest draws of nodes with which a seed still fails, and the failure then.
pub fn shrink(failure: Failure, proofs: Proofs<'_>) -> Failure {
    // What fails without a proof is tried without one.
    let proofs = if try_seed(failure.seed, Proofs::None).is_err() { Proofs::None } else { proofs };
    let fewer = (1..failure.seed.most_nodes)
        .map(|most_nodes| Seed { most_nodes, ..failure.seed })
        .find_map(|seed| try_seed(seed, proofs).err());
    let smaller = fewer.unwrap_or(failure);
    let alone = Seed { only_last: true, ..smaller.seed };
    try_seed(alone, proofs).err().unwrap_or(smaller)
}

/// Writes a failing network into a folder, and says how to see the failure again.
pub fn record(failure: &Failure, proofs: Proofs<'_>, folder: &Path) -> String {
    let Seed { number, profile, most_nodes, only_last } = failure.seed;
    let path = folder.join(format!("{number}.onnx"));
    let network = Network::of(failure.seed);
    let written =
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, network.bytes));
    let place = match written {
        Ok(()) => format!("the network is in {}", path.display()),
        Err(error) => format!("the network could not be written: {error}"),
    };
    let mut command = format!(
        "cargo run --release --example random_networks -- --count 1 --seed {number} --nodes \
         {most_nodes}"
    );
    if only_last {
        command.push_str(" --only-last");
    }
    if profile == Profile::Extreme {
        command.push_str(" --extreme");
    }
    if matches!(proofs, Proofs::None) {
        command.push_str(" --no-proofs");
    }
    format!("{failure}\n  {place}\n  again: {command}")
}

/// The folder for networks that fail.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/random-networks")
}

/// What many seeds gave.
#[derive(Default)]
pub struct Summary {
    pub networks: usize,
    pub refused: usize,
    /// Networks with a node that can't be proven.
    pub with_obstacles: usize,
    pub operators: BTreeMap<String, usize>,
    pub reasons: BTreeMap<String, usize>,
    pub bundles: usize,
    pub proofs: usize,
    pub partial: usize,
    pub ks: BTreeMap<u32, usize>,
    pub changes: BTreeMap<&'static str, usize>,
    pub loosenesses: Vec<f64>,
}

impl Summary {
    pub fn add(&mut self, found: Found) {
        self.networks += 1;
        self.refused += usize::from(found.refused.is_some());
        self.with_obstacles += usize::from(!found.obstacles.is_empty());
        for operator in found.operators {
            *self.operators.entry(operator).or_default() += 1;
        }
        for reason in found.obstacles.into_iter().chain(found.refused) {
            *self.reasons.entry(reason).or_default() += 1;
        }
        let Proven { bundles, proofs, ks, changes, partial } = found.proven;
        self.bundles += bundles;
        self.proofs += proofs;
        self.partial += partial;
        for k in ks {
            *self.ks.entry(k).or_default() += 1;
        }
        for change in changes {
            *self.changes.entry(change).or_default() += 1;
        }
        self.loosenesses.extend(found.looseness);
    }

    /// The middle one of the bounds, as a part of the outputs' ranges.
    pub fn median_looseness(&self) -> f64 {
        let mut all = self.loosenesses.clone();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    }
}
