//! Undo and redo of a small document: whole copies of it, newest last.

/// Steps that are kept; older ones are forgotten.
const MOST_STEPS: usize = 200;

/// What undo and redo go back to.
#[derive(Clone, Debug)]
pub struct History<T> {
    undo: Vec<T>,
    redo: Vec<T>,
    /// The state before an edit that lasts for several frames, such as a drag.
    open: Option<T>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { undo: Vec::new(), redo: Vec::new(), open: None }
    }
}

impl<T: Clone + PartialEq> History<T> {
    /// Remembers the state before an edit. While a longer edit is open, its parts are not steps.
    pub fn remember(&mut self, before: T) {
        if self.open.is_none() && self.undo.last() != Some(&before) {
            self.undo.push(before);
            self.redo.clear();
            let surplus = self.undo.len().saturating_sub(MOST_STEPS);
            self.undo.drain(..surplus);
        }
    }

    /// Begins an edit that lasts for several frames and is one step.
    pub fn begin(&mut self, before: T) {
        self.open.get_or_insert(before);
    }

    /// Ends the edit that [`begin`](Self::begin) began; one that changed nothing is no step.
    pub fn end(&mut self, after: &T) {
        if let Some(before) = self.open.take().filter(|before| before != after) {
            self.remember(before);
        }
    }

    /// Gives up the edit that [`begin`](Self::begin) began: the state to go back to.
    pub fn cancel(&mut self) -> Option<T> {
        self.open.take()
    }

    /// The state before the last step. `now` can be had back with [`redo`](Self::redo).
    pub fn undo(&mut self, now: &T) -> Option<T> {
        let before = self.undo.pop()?;
        self.redo.push(now.clone());
        Some(before)
    }

    /// The state that the last undo left.
    pub fn redo(&mut self, now: &T) -> Option<T> {
        let after = self.redo.pop()?;
        self.undo.push(now.clone());
        Some(after)
    }

    /// Whether an edit that lasts for several frames goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether there is a step to undo.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty() && self.open.is_none()
    }

    /// Whether there is a step to redo.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty() && self.open.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_undone_and_redone() {
        let mut history = History::default();
        history.remember(1);
        history.remember(2);
        assert_eq!(history.undo(&3), Some(2));
        assert_eq!(history.undo(&2), Some(1));
        assert_eq!(history.undo(&1), None);
        assert_eq!(history.redo(&1), Some(2));
        history.remember(2);
        assert!(!history.can_redo(), "a new edit ends what could be redone");
    }

    #[test]
    fn a_long_edit_is_one_step_and_an_empty_one_is_none() {
        let mut history = History::default();
        history.begin(1);
        for part in 2..9 {
            history.remember(part);
        }
        history.end(&9);
        assert_eq!(history.undo(&9), Some(1));
        history.begin(1);
        history.end(&1);
        assert!(!history.can_undo());
        history.begin(1);
        assert_eq!(history.cancel(), Some(1));
        assert!(!history.can_undo());
    }
}
