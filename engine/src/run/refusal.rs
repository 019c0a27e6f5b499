//! Why a slice is refused before it starts: it would take more memory than is allowed. What would
//! help is said with it.

use std::sync::Arc;

use super::Request;
use crate::plan::Estimator;
use crate::prove::System;

/// A refusal, and the cuts that would help.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub reason: String,
    /// To be added to the plan; none where no cut helps.
    pub cuts: Vec<usize>,
}

/// Refuses a slice of the plan that is predicted to take too much.
pub(super) fn of_slice(request: &Request, index: usize, peak_bytes: u64) -> Refusal {
    let estimator = Estimator::new(
        Arc::clone(&request.model.graph),
        Arc::clone(&request.skeleton),
        Arc::clone(&request.program),
    );
    let parts = Parts::of(request, &estimator, index);
    let allowed = request.memory_bytes;
    let over = format!("slice {index} is {}", too_much(peak_bytes, allowed));
    if let Some((cut, peak_bytes)) = parts.best_cut().filter(|&(_, peak)| peak <= allowed) {
        let name = estimator.node_name(cut);
        let reason = format!(
            "{over}: a cut before node {name:?} ({}) would leave at most {}",
            all_cuts(request, &[cut]),
            rounded_up(peak_bytes)
        );
        return Refusal { reason, cuts: vec![cut] };
    }
    if let Some(cuts) = parts.fewest_cuts(allowed) {
        let reason = format!(
            "{over}: no single cut is enough, and {} slices in its place would each fit ({})",
            cuts.len() + 1,
            all_cuts(request, &cuts)
        );
        return Refusal { reason, cuts };
    }
    let (node, least_bytes) = parts.obstacle();
    let needs = match least_bytes {
        Some(bytes) => format!("takes {} or more", rounded_up(bytes)),
        None => "takes more than can be said".to_owned(),
    };
    let other = match request.plan.system(index) {
        System::Halo2 => "prove the slice with whir, ",
        System::Whir => "",
    };
    let reason = format!(
        "{over}: no cut is enough, since every slice with node {:?} {needs}; split that operation \
         into smaller ones, {other}or allow more memory",
        estimator.node_name(node)
    );
    Refusal { reason, cuts: Vec::new() }
}

/// Refuses the whole model as one slice.
pub(super) fn of_whole(peak_bytes: u64, allowed_bytes: u64) -> String {
    let over = too_much(peak_bytes, allowed_bytes);
    format!("the whole model is {over}: prove it in slices only, or allow more memory")
}

fn too_much(peak_bytes: u64, allowed_bytes: u64) -> String {
    format!(
        "predicted to take {}, and {} are allowed",
        rounded_up(peak_bytes),
        rounded_down(allowed_bytes)
    )
}

/// The plan's cuts with some more, as the command line takes them.
fn all_cuts(request: &Request, more: &[usize]) -> String {
    let mut cuts: Vec<usize> = request.plan.cuts().iter().chain(more).copied().collect();
    cuts.sort_unstable();
    let cuts: Vec<String> = cuts.iter().map(usize::to_string).collect();
    format!("--cuts {}", cuts.join(","))
}

/// The places in a slice at which it could be cut.
struct Parts<'a> {
    estimator: &'a Estimator,
    system: System,
    /// Its start, the legal cuts inside, its end.
    at: Vec<usize>,
}

impl<'a> Parts<'a> {
    fn of(request: &Request, estimator: &'a Estimator, index: usize) -> Self {
        let ranges = request.plan.ranges(request.skeleton.node_count());
        let (from, to) = ranges.get(index).copied().unwrap_or_default();
        let legal = request.skeleton.legal_cuts().iter().copied();
        let inside = legal.filter(|cut| (from + 1..to).contains(cut));
        let at = std::iter::once(from).chain(inside).chain([to]).collect();
        Self { estimator, system: request.plan.system(index), at }
    }

    /// What is predicted between two places; `None` where nothing there can be proven.
    fn peak_bytes(&self, from: usize, to: usize) -> Option<u64> {
        let slice = self.estimator.slice(self.at[from], self.at[to], self.system);
        slice.prediction.as_ref().map(|prediction| prediction.peak_bytes)
    }

    /// The cut that makes the greater peak of both parts least, with that peak.
    fn best_cut(&self) -> Option<(usize, u64)> {
        let last = self.at.len() - 1;
        (1..last)
            .filter_map(|i| {
                let peak = self.peak_bytes(0, i)?.max(self.peak_bytes(i, last)?);
                Some((self.at[i], peak))
            })
            .min_by_key(|&(_, peak)| peak)
    }

    /// The cuts that make the fewest parts which each fit; among those, the ones whose greatest
    /// peak is least. By dynamic programming over the places.
    fn fewest_cuts(&self, most_bytes: u64) -> Option<Vec<usize>> {
        // Of the parts up to each place: how many, the greatest peak, where the last one starts.
        let mut best: Vec<Option<(usize, u64, usize)>> = vec![None; self.at.len()];
        best[0] = Some((0, 0, 0));
        for to in 1..self.at.len() {
            for from in 0..to {
                let Some((count, greatest, _)) = best[from] else { continue };
                let Some(peak) = self.peak_bytes(from, to).filter(|&p| p <= most_bytes) else {
                    continue;
                };
                let candidate = (count + 1, greatest.max(peak), from);
                if best[to].is_none_or(|known| candidate < known) {
                    best[to] = Some(candidate);
                }
            }
        }
        let mut cuts = Vec::new();
        let (_, _, mut at) = best[self.at.len() - 1]?;
        while at > 0 {
            cuts.push(self.at[at]);
            (_, _, at) = best[at]?;
        }
        cuts.reverse();
        Some(cuts)
    }

    /// The node that stands most in the way: the least that a slice with it takes is greatest.
    fn obstacle(&self) -> (usize, Option<u64>) {
        let pieces = self.at.len() - 1;
        let mut least: Vec<Option<u64>> = vec![None; pieces];
        for from in 0..pieces {
            for to in from + 1..=pieces {
                let Some(peak) = self.peak_bytes(from, to) else { continue };
                for least in &mut least[from..to] {
                    *least = Some(least.map_or(peak, |known| known.min(peak)));
                }
            }
        }
        let each = self.at.iter().copied().zip(least);
        // What is in no slice that can be predicted stands in the way most.
        each.max_by_key(|&(_, peak)| (peak.is_none(), peak)).unwrap_or((self.at[0], None))
    }
}

/// What is needed is rounded up and what is there down, so that they never look equal.
fn rounded_up(bytes: u64) -> String {
    if bytes < 1 << 30 {
        format!("{} MiB", bytes.div_ceil(1 << 20))
    } else {
        format!("{:.1} GiB", (bytes as f64 / (1u64 << 30) as f64 * 10.0).ceil() / 10.0)
    }
}

fn rounded_down(bytes: u64) -> String {
    if bytes < 1 << 30 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{:.1} GiB", (bytes as f64 / (1u64 << 30) as f64 * 10.0).floor() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_never_looks_like_what_is_allowed() {
        let gibibyte = 1u64 << 30;
        for bytes in [5 << 20, 300 << 20, gibibyte, 2 * gibibyte, 7 * gibibyte / 3] {
            assert_ne!(rounded_up(bytes + 1), rounded_down(bytes), "{bytes}");
        }
        assert_eq!(rounded_up(2 * gibibyte), "2.0 GiB");
        assert_eq!(rounded_up(2 * gibibyte + 1), "2.1 GiB");
        assert_eq!(rounded_down(3 * gibibyte - 1), "2.9 GiB");
        assert_eq!(rounded_up(gibibyte - 1), "1024 MiB");
    }
}
