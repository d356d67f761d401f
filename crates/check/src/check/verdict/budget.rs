//! What a judge may spend before it says that it does not know.

/// How much a search for an answer may take. What is not given is as much as a history of that length usually needs.
///
/// Both are counted, never measured: the same history gives the same answer everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// How many states may be explored: about four million, and twenty for each operation, if nothing is said. A search that does not
    /// branch much needs fewer than ten an operation, even to find out that there is no order.
    pub states: Option<u64>,
    /// How many bytes of search state may be held at once, by the size of the judge's own tables: 1 GiB, or 4 KiB for each operation if
    /// that is more, if nothing is said. What the history itself takes is not counted.
    pub bytes: Option<u64>,
}

impl Budget {
    /// How many states may be explored in a history of so many operations.
    pub const fn states_for(self, operations: usize) -> u64 {
        match self.states {
            Some(states) => states,
            None => 4_000_000 + 20 * operations as u64,
        }
    }

    /// How many bytes of search state may be held for a history of so many operations.
    pub const fn bytes_for(self, operations: usize) -> u64 {
        const USUAL: u64 = 1 << 30;
        let by_length = (operations as u64).saturating_mul(4 << 10);
        match self.bytes {
            Some(bytes) => bytes,
            None if by_length > USUAL => by_length,
            None => USUAL,
        }
    }
}

/// So many states.
impl From<u64> for Budget {
    fn from(states: u64) -> Self {
        Self { states: Some(states), bytes: None }
    }
}

/// So many states, if it is said how many.
impl From<Option<u64>> for Budget {
    fn from(states: Option<u64>) -> Self {
        Self { states, bytes: None }
    }
}
