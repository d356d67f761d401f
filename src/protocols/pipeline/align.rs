//! Barriers: when those of a checkpoint have come through all inputs (Carbone et al. 2015).

/// How far the barriers have come.
#[derive(Debug)]
pub(super) struct Alignment {
    /// The checkpoint of which barriers have come through some inputs; 0 if there is none.
    current: u64,
    /// The last one of which they have come through all.
    done: u64,
    /// Of each input, whether that of the current one has come.
    came: Vec<bool>,
}

impl Alignment {
    /// Of so many inputs, after this checkpoint.
    pub(super) fn new(inputs: usize, done: u64) -> Self {
        Self { current: 0, done, came: vec![false; inputs] }
    }

    /// A barrier has come through this input. If that was the last one, the checkpoint is to be taken.
    pub(super) fn comes(&mut self, input: usize, checkpoint: u64) -> bool {
        if checkpoint <= self.done || checkpoint < self.current {
            return false;
        }
        if checkpoint > self.current {
            // The one before was given up: its barriers are waited for no longer.
            self.current = checkpoint;
            self.came.fill(false);
        }
        if let Some(came) = self.came.get_mut(input) {
            *came = true;
        }
        if !self.came.iter().all(|came| *came) {
            return false;
        }
        (self.done, self.current) = (self.current, 0);
        self.came.fill(false);
        true
    }

    /// Whether what comes through this input belongs to the time after the current checkpoint.
    pub(super) fn is_ahead(&self, input: usize) -> bool {
        self.current > 0 && self.came.get(input).copied().unwrap_or_default()
    }

    /// The last checkpoint that was taken.
    pub(super) fn done(&self) -> u64 {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_inputs_are_waited_for() {
        let mut barriers = Alignment::new(2, 0);
        assert!(!barriers.comes(0, 1));
        assert!(barriers.is_ahead(0) && !barriers.is_ahead(1));
        assert!(barriers.comes(1, 1));
        assert!(!barriers.is_ahead(0));
    }

    #[test]
    fn a_checkpoint_that_was_given_up_holds_nothing_up() {
        let mut barriers = Alignment::new(2, 0);
        assert!(!barriers.comes(0, 1));
        assert!(!barriers.comes(1, 2));
        assert!(!barriers.is_ahead(0) && barriers.is_ahead(1));
        assert!(!barriers.comes(1, 1), "it is over");
        assert!(barriers.comes(0, 2));
        assert_eq!(barriers.done(), 2);
    }
}
