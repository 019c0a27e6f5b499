//! Workers that wait for their next request, and which of them serves a request.

use std::collections::VecDeque;

use super::worker::Start;
use crate::prove::halo2::KeyName;

/// A worker that holds less than this may serve any request: what it holds is nearly nothing but
/// its program, so that the peak of the request is the request's own.
const LIGHT_BYTES: u64 = 24 << 20;

/// What a worker is for. A proof is checked by another process than the one that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Prove,
    Check,
}

/// What tells workers apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub start: Start,
    pub role: Role,
}

/// A worker that waits.
pub(super) struct Waiting<W> {
    pub worker: W,
    pub kind: Kind,
    /// The keys that it used last, and so has; none where its proofs need none.
    pub keys: Option<KeyName>,
    /// What it holds.
    pub bytes: u64,
}

/// Workers that wait, the last used first.
pub(super) struct Shelf<W> {
    waiting: VecDeque<Waiting<W>>,
}

impl<W> Default for Shelf<W> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<W> Shelf<W> {
    /// Takes the worker that has the keys of a request, else one that holds nearly nothing.
    pub(super) fn take(&mut self, kind: &Kind, keys: Option<KeyName>) -> Option<W> {
        let fits = |waiting: &Waiting<W>| waiting.kind == *kind;
        let has_keys = |waiting: &Waiting<W>| fits(waiting) && waiting.keys == keys;
        let is_light = |waiting: &Waiting<W>| waiting.bytes < LIGHT_BYTES;
        let mut at = None;
        if keys.is_some() {
            at = self.waiting.iter().position(has_keys);
        }
        // A light worker with the keys of a small circuit is of more use to that circuit.
        let is_free = |waiting: &Waiting<W>| {
            fits(waiting)
                && is_light(waiting)
                && (waiting.keys.is_none() || kind.role == Role::Check)
        };
        let at = at.or_else(|| self.waiting.iter().position(is_free))?;
        Some(self.waiting.remove(at)?.worker)
    }

    /// Puts a worker there, as the one that was used last.
    pub(super) fn put(&mut self, waiting: Waiting<W>) {
        self.waiting.push_front(waiting);
    }

    /// Bytes that all of them hold.
    pub(super) fn bytes(&self) -> u64 {
        self.waiting.iter().fold(0, |sum, waiting| sum.saturating_add(waiting.bytes))
    }

    /// Gives up those that were used longest ago, until the others hold no more than so much.
    pub(super) fn shrink(&mut self, most_bytes: u64) -> Vec<W> {
        let mut given_up = Vec::new();
        while self.bytes() > most_bytes {
            let Some(last) = self.waiting.pop_back() else { break };
            given_up.push(last.worker);
        }
        given_up
    }

    /// Gives up those that a test finds.
    pub(super) fn give_up(&mut self, is_over: impl Fn(&Waiting<W>) -> bool) -> Vec<W> {
        let all = std::mem::take(&mut self.waiting);
        let (over, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_over);
        self.waiting = rest.into();
        over.into_iter().map(|waiting| waiting.worker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::prove::halo2::Width;

    fn kind(role: Role) -> Kind {
        Kind { start: Start { program: "program".into(), threads: None }, role }
    }

    fn keys(number: u8) -> Option<KeyName> {
        Some((Digest([number; 32]), Width::NARROWEST, 8))
    }

    fn shelf(role: Role, workers: &[(u32, Option<KeyName>, u64)]) -> Shelf<u32> {
        let mut shelf = Shelf::default();
        for &(worker, keys, mebibytes) in workers {
            shelf.put(Waiting { worker, kind: kind(role), keys, bytes: mebibytes << 20 });
        }
        shelf
    }

    #[test]
    fn a_worker_with_the_keys_is_taken_and_no_other_proves_beside_keys() {
        let workers = [(1, keys(1), 100), (2, keys(2), 10), (3, None, 300)];
        let mut shelf = shelf(Role::Prove, &workers);
        let prove = kind(Role::Prove);
        assert_eq!(shelf.take(&prove, keys(3)), None);
        assert_eq!(shelf.take(&kind(Role::Check), keys(1)), None);
        let slow = Start { threads: Some(1), ..prove.start.clone() };
        assert_eq!(shelf.take(&Kind { start: slow, ..prove.clone() }, keys(1)), None);
        assert_eq!(shelf.take(&prove, keys(1)), Some(1));
        assert_eq!(shelf.take(&prove, keys(1)), None, "it is taken");
        assert_eq!(shelf.take(&prove, None), None, "what is left holds too much, or keys");
    }

    #[test]
    fn a_light_worker_serves_what_nobody_has_keys_for() {
        let mut proving = shelf(Role::Prove, &[(1, None, 10)]);
        assert_eq!(proving.take(&kind(Role::Prove), keys(3)), Some(1));
        let mut checking = shelf(Role::Check, &[(1, keys(1), 10), (2, keys(2), 100)]);
        let check = kind(Role::Check);
        assert_eq!(checking.take(&check, keys(2)), Some(2));
        assert_eq!(checking.take(&check, keys(3)), Some(1));
    }

    #[test]
    fn the_ones_used_longest_ago_go_first() {
        let mut shelf = shelf(Role::Prove, &[(1, keys(1), 40), (2, keys(2), 30), (3, keys(3), 20)]);
        assert_eq!(shelf.bytes(), 90 << 20);
        assert!(shelf.shrink(90 << 20).is_empty());
        assert_eq!(shelf.shrink(50 << 20), [1]);
        assert_eq!(shelf.give_up(|waiting| waiting.keys == keys(3)), [3]);
        assert_eq!(shelf.shrink(0), [2]);
        assert_eq!(shelf.bytes(), 0);
    }
}
