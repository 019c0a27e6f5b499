//! Independent work on all cores, each piece on one of them.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Gives the items to at most `most` workers, each of which starts with a state of its own and
/// takes the next item when it is done with one. Hands out the states, at least one.
///
/// A worker is a thread pool of one thread. The proof libraries ask for the number of threads in
/// their pool: with several they cut work apart that is too small for it, which costs more than it
/// saves where all cores are busy anyway. And no worker waits inside a piece of work for another
/// piece, as threads of one pool do. A single worker has the threads of the caller instead.
pub(super) fn fold_on_cores<T: Sync, S: Send>(
    items: &[T],
    most: usize,
    start: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, usize, &T) + Sync,
) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut state = start();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return state };
            step(&mut state, at, item);
        }
    };
    let workers = most.min(items.len()).min(rayon::current_num_threads());
    let pool = |_| ThreadPoolBuilder::new().num_threads(1).build().ok();
    // Where the system gives no more threads, there are fewer workers.
    let pools: Vec<ThreadPool> = (0..workers).map_while(pool).collect();
    if pools.len() < 2 {
        return vec![work()];
    }
    std::thread::scope(|scope| {
        let spawn = |pool| {
            let run = move || ThreadPool::install(pool, work);
            std::thread::Builder::new().spawn_scoped(scope, run).ok()
        };
        let started: Vec<_> = pools.iter().map_while(spawn).collect();
        if started.is_empty() {
            return vec![work()];
        }
        let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|state| state.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// What a function makes of each item, in their order, by at most `most` workers.
pub(super) fn map_on_cores<T: Sync, R: Send>(
    items: &[T],
    most: usize,
    map: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let states = fold_on_cores(items, most, Vec::new, |made, at, item| made.push((at, map(item))));
    let mut made: Vec<(usize, R)> = states.into_iter().flatten().collect();
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_taken_once_and_in_order() {
        for (count, most) in [(0, 8), (1, 8), (2, 1), (100, 0), (100, 3), (1000, usize::MAX)] {
            let items: Vec<usize> = (0..count).collect();
            let made = map_on_cores(&items, most, |item| 3 * item);
            assert_eq!(made, items.iter().map(|item| 3 * item).collect::<Vec<_>>());
            let sums = fold_on_cores(&items, most, || 0, |sum, _, item| *sum += item);
            assert!(!sums.is_empty());
            assert_eq!(sums.iter().sum::<usize>(), items.iter().sum::<usize>());
        }
    }

    #[test]
    fn several_workers_have_one_thread_each() {
        let threads = map_on_cores(&[(); 16], 2, |()| rayon::current_num_threads());
        let several = rayon::current_num_threads() > 1;
        assert!(!several || threads.iter().all(|&threads| threads == 1), "{threads:?}");
    }
}
