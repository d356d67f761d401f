//! The search in depth that looks everywhere, and counts every operation of unknown outcome.

use super::strategy::{Conclusion, EncodedKey, Strategy};
use crate::check::linearizability::encoding::Encoding;
use crate::check::linearizability::search::{AnySearch, Ration, SearchStatus};

/// So many states for each return passed are taken to be a search that is stuck.
const STUCK: u64 = 2;
/// So many states say nothing about that yet.
const GRACE: u64 = 4096;

pub(crate) struct Exhaustive {
    search: AnySearch,
    states: u64,
}

impl Exhaustive {
    /// Nothing if more is open, or unknown, than a search can hold.
    pub(crate) fn new(encoding: &Encoding) -> Option<Self> {
        AnySearch::exact(encoding, encoding.returns.len() as u32).map(|search| Self { search, states: 0 })
    }

    /// The furthest return before which it stood.
    pub(crate) fn deepest(&self) -> u32 {
        self.search.extent().deepest
    }

    /// Whether it has not been stuck yet for as long as it took to get where it is.
    pub(crate) fn gets_on(&self) -> bool {
        self.states < STUCK * (GRACE + u64::from(self.deepest()))
    }
}

impl Strategy for Exhaustive {
    fn run(&mut self, key: &mut EncodedKey<'_>, allowance: Ration) -> Conclusion {
        let EncodedKey { encoding, object } = key;
        let status = self.search.run(encoding, &mut object.transitions(), allowance);
        // To retrace the path explores nothing.
        self.states = self.search.extent().states;
        match status {
            SearchStatus::Found => Conclusion::Order(self.search.order(encoding, &mut object.transitions())),
            SearchStatus::Exhausted => Conclusion::Violated(self.search.extent().horizon),
            SearchStatus::Paused => Conclusion::Open,
            SearchStatus::Full => Conclusion::Full,
        }
    }

    fn states(&self) -> u64 {
        self.states
    }

    fn bytes(&self) -> u64 {
        self.search.bytes()
    }
}
