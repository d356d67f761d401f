//! Greedy, incomplete searches with restarts: they find an order soon, or most often nothing.
//!
//! A search that chose wrong may find out much later, and then tries everything in between first. These do not. Where every outcome is
//! known, one searches in depth and jumps back far when it gets no further: the exhaustive search may be stuck in one place of a long
//! history that other ways pass by. Where some are not, operations of unknown outcome must not be wasted on what could be had without: one
//! searches in breadth, and weighs how far each path came against how many it took. What they find is an order. When they left out
//! something and found none, they restart, and jump back later; each state counts.

use super::strategy::{Conclusion, EncodedKey, Strategy};
use crate::check::linearizability::encoding::{Encoding, Transitions};
use crate::check::linearizability::search::{AnySearch, Beam, Ration, SearchStatus};

/// So many states may lead no further at first; and how many times as many after a restart.
const FRUITLESS: u64 = 256;
const GROWTH: u64 = 4;

pub(crate) struct Greedy {
    search: AnySearch,
    beam: Beam,
    /// How many states may lead no further before it jumps back.
    fruitless: u64,
    /// Explored by searches given up.
    before: u64,
}

impl Greedy {
    /// Nothing if more is open, or unknown, than a search can hold.
    pub(crate) fn new(encoding: &Encoding) -> Option<Self> {
        search(encoding, FRUITLESS).map(|search| Self { search, beam: Beam::default(), fruitless: FRUITLESS, before: 0 })
    }

    fn search_on(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, allowance: Ration) -> SearchStatus {
        if encoding.indeterminate.is_empty() {
            self.search.run(encoding, transitions, allowance)
        } else {
            self.search.run_broad(&mut self.beam, encoding, transitions, allowance)
        }
    }
}

impl Strategy for Greedy {
    fn run(&mut self, key: &mut EncodedKey<'_>, allowance: Ration) -> Conclusion {
        let EncodedKey { encoding, object } = key;
        let mut transitions = object.transitions();
        let end = self.states().saturating_add(allowance.states);
        while self.states() < end {
            match self.search_on(encoding, &mut transitions, Ration { states: end - self.states(), ..allowance }) {
                SearchStatus::Paused => break,
                SearchStatus::Full => return Conclusion::Full,
                SearchStatus::Found => return Conclusion::Order(self.search.order(encoding, &mut transitions)),
                SearchStatus::Exhausted if !self.search.has_backjumped() => return Conclusion::Violated(self.search.extent().horizon),
                SearchStatus::Exhausted => {
                    self.fruitless = self.fruitless.saturating_mul(GROWTH);
                    let Some(search) = search(encoding, self.fruitless) else { break };
                    self.before += self.search.extent().states;
                    self.search = search;
                }
            }
        }
        Conclusion::Open
    }

    fn states(&self) -> u64 {
        self.before + self.search.extent().states
    }

    fn bytes(&self) -> u64 {
        self.search.bytes() + self.beam.bytes()
    }
}

fn search(encoding: &Encoding, fruitless: u64) -> Option<AnySearch> {
    let mut search = AnySearch::exact(encoding, encoding.returns.len() as u32)?;
    search.backjump_after(fruitless);
    Some(search)
}
