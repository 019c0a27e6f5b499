//! Which piece may start: as long as the predicted memory of all running ones fits the budget.

use std::collections::VecDeque;

use super::Piece;
use crate::prove::halo2::KeyName;

/// A piece that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub piece: Piece,
    /// Predicted bytes of memory while it is proven.
    pub peak_bytes: u64,
    /// The keys that it needs; none where it needs none.
    pub keys: Option<KeyName>,
}

/// Pieces that wait, and what the running ones take.
#[derive(Debug)]
pub(super) struct Schedule {
    waiting: VecDeque<Waiting>,
    running: usize,
    running_bytes: u64,
    jobs: usize,
    budget_bytes: u64,
}

impl Schedule {
    /// At most `jobs` pieces run at a time, and take at most `budget_bytes` together. A piece that
    /// is larger by itself must have been refused before; here it would run alone.
    pub(super) fn new(pieces: Vec<Waiting>, jobs: usize, budget_bytes: u64) -> Self {
        Self {
            waiting: pieces.into(),
            running: 0,
            running_bytes: 0,
            jobs: jobs.max(1),
            budget_bytes,
        }
    }

    /// How many pieces may run at a time: as many as `jobs`, as there are, and as always fit the
    /// budget together, so that none waits for memory while its share of the cores is idle.
    pub(super) fn at_a_time(pieces: &[Waiting], jobs: usize, budget_bytes: u64) -> usize {
        let mut peaks: Vec<u64> = pieces.iter().map(|piece| piece.peak_bytes).collect();
        peaks.sort_unstable_by(|a, b| b.cmp(a));
        let together = peaks.iter().scan(0u64, |sum, &peak| {
            *sum = sum.saturating_add(peak);
            (*sum <= budget_bytes).then_some(())
        });
        together.take(jobs).count().max(1)
    }

    /// Takes the first waiting piece that fits beside the running ones.
    pub(super) fn admit(&mut self) -> Option<Waiting> {
        if self.running >= self.jobs {
            return None;
        }
        let free = self.free_bytes();
        let fits = |waiting: &Waiting| self.running == 0 || waiting.peak_bytes <= free;
        let place = self.waiting.iter().position(fits)?;
        let next = self.waiting.remove(place)?;
        self.running += 1;
        self.running_bytes = self.running_bytes.saturating_add(next.peak_bytes);
        Some(next)
    }

    /// Gives back what a piece took.
    pub(super) fn release(&mut self, done: &Waiting) {
        self.running = self.running.saturating_sub(1);
        self.running_bytes = self.running_bytes.saturating_sub(done.peak_bytes);
    }

    /// What of the budget the running ones leave.
    pub(super) fn free_bytes(&self) -> u64 {
        self.budget_bytes.saturating_sub(self.running_bytes)
    }

    /// Whether a piece that waits needs these keys, or needs none either.
    pub(super) fn needs(&self, keys: Option<KeyName>) -> bool {
        self.waiting.iter().any(|waiting| waiting.keys == keys)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(peaks: &[u64]) -> Vec<Waiting> {
        peaks
            .iter()
            .enumerate()
            .map(|(i, &peak_bytes)| Waiting { piece: Piece::Slice(i), peak_bytes, keys: None })
            .collect()
    }

    #[test]
    fn a_small_piece_passes_a_large_one_that_has_to_wait() {
        let mut schedule = Schedule::new(pieces(&[60, 50, 40]), 3, 100);
        let first = schedule.admit().unwrap();
        assert_eq!(first.piece, Piece::Slice(0));
        assert_eq!(schedule.admit().unwrap().piece, Piece::Slice(2));
        assert_eq!(schedule.admit(), None);
        schedule.release(&first);
        assert_eq!(schedule.admit().unwrap().piece, Piece::Slice(1));
        assert!(schedule.is_empty());
    }

    #[test]
    fn as_many_run_as_always_fit_together() {
        let waiting = pieces(&[10, 60, 50, 40]);
        assert_eq!(Schedule::at_a_time(&waiting, 8, 1000), 4);
        assert_eq!(Schedule::at_a_time(&waiting, 2, 1000), 2);
        assert_eq!(Schedule::at_a_time(&waiting, 8, 110), 2);
        assert_eq!(Schedule::at_a_time(&waiting, 8, 109), 1);
        assert_eq!(Schedule::at_a_time(&waiting, 8, 1), 1);
        assert_eq!(Schedule::at_a_time(&[], 8, 100), 1);
    }

    #[test]
    fn no_more_run_than_jobs_allow() {
        let mut schedule = Schedule::new(pieces(&[1, 1]), 1, 100);
        let first = schedule.admit().unwrap();
        assert_eq!(schedule.admit(), None);
        schedule.release(&first);
        assert!(schedule.admit().is_some());
    }
}
