//! From one moment of rest to the next: what is too hard to be searched is passed over, and the rest judged all the same.
//!
//! Where nothing is under way, all that matters of what came before is the state. So a history is as good as its *segments* between such
//! moments, each with the states in which it can begin. A segment that can be searched to its end tells in which states the next one
//! begins; one that cannot is taken to leave any state that something in it leaves. That, and that operations of unknown outcome are not
//! counted, only allows more: if a segment has no order then, from whatever state, there is none.

use super::strategy::{Conclusion, EncodedKey, Strategy};
use crate::check::linearizability::encoding::{Encoding, INITIAL, ModelTable, StateId};
use crate::check::linearizability::search::{AnySearch, Ration, SearchStatus, Tally};

/// How many states one segment may take at first, and how many times as many when all begins anew.
const PATIENCE: u64 = 1024;
const GROWTH: u64 = 4;

pub(crate) struct Segments {
    search: AnySearch,
    /// How many returns are passed at the end of each.
    ends: Vec<u32>,
    /// Which one is searched, since how many states, and the states in which it begins.
    at: usize,
    since: u64,
    starts: Vec<StateId>,
    patience: u64,
    /// Whether some segment was passed over.
    passed_over: bool,
}

impl Segments {
    /// Nothing if the states cannot be told that operations leave, if there is no rest, or if more is open than a search can hold.
    pub(crate) fn new(encoding: &Encoding, table: &ModelTable) -> Option<Self> {
        let count = encoding.returns.len() as u32;
        let ends: Vec<u32> = (1..=count).filter(|passed| encoding.opened[*passed as usize - 1] == *passed || *passed == count).collect();
        if !table.is_plain() || ends.len() < 2 {
            return None;
        }
        let mut search = AnySearch::new(encoding, ends[0], Tally::new(&encoding.classes, |_| false))?;
        search.seek_checkpoints();
        Some(Self { search, ends, at: 0, since: 0, starts: vec![INITIAL], patience: PATIENCE, passed_over: false })
    }

    /// Whether there is a segment left.
    pub(crate) fn can_go_on(&self) -> bool {
        self.at < self.ends.len()
    }

    /// The states in which a segment can end that is passed over.
    fn left(&self, encoding: &Encoding, table: &ModelTable) -> Vec<StateId> {
        let end = self.ends[self.at];
        let begin = self.at.checked_sub(1).map_or(0, |before| self.ends[before]);
        let completed = encoding.returns[begin as usize..end as usize].iter().map(|place| encoding.completed[*place as usize].kind);
        let unknown = encoding.indeterminate.iter().filter(|operation| operation.from <= end).map(|operation| operation.kind);
        let left = completed.chain(unknown).filter_map(|kind| table.role(kind).leaves());
        self.starts.iter().copied().chain(left).collect()
    }

    /// The next segment, which begins in one of these states. Whether there is one.
    fn go_on(&mut self, mut starts: Vec<StateId>) -> bool {
        starts.sort_unstable();
        starts.dedup();
        (self.at, self.starts) = (self.at + 1, starts);
        if self.at == self.ends.len() {
            if !self.passed_over {
                return false;
            }
            (self.at, self.starts, self.passed_over) = (0, vec![INITIAL], false);
            self.patience = self.patience.saturating_mul(GROWTH);
        }
        let begin = self.at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.search.begin_at(begin, self.ends[self.at], &self.starts);
        self.since = self.states();
        true
    }
}

impl Strategy for Segments {
    fn run(&mut self, key: &mut EncodedKey<'_>, allowance: Ration) -> Conclusion {
        let EncodedKey { encoding, object } = key;
        let end = self.states().saturating_add(allowance.states);
        while self.states() < end && self.at < self.ends.len() {
            let patience = (self.since + self.patience).saturating_sub(self.states());
            let states = patience.min(end - self.states());
            let status = self.search.run(encoding, &mut object.transitions(), Ration { states, ..allowance });
            let next = match status {
                SearchStatus::Full => return Conclusion::Full,
                SearchStatus::Paused if self.states() < self.since + self.patience => continue,
                SearchStatus::Paused | SearchStatus::Found => {
                    self.passed_over = true;
                    self.left(encoding, object.table())
                }
                SearchStatus::Exhausted => self.search.end_states(),
            };
            if next.is_empty() {
                return Conclusion::Violated(self.search.extent().horizon.max(self.ends[self.at]));
            }
            self.go_on(next);
        }
        Conclusion::Open
    }

    fn states(&self) -> u64 {
        self.search.extent().states
    }

    fn bytes(&self) -> u64 {
        self.search.bytes()
    }
}
