//! Counterexample-guided abstraction refinement: a search that counts only what it has to.
//!
//! It starts with counting no operation of unknown outcome that leaves one state only, a write or a swap: each may take effect any number
//! of times once it was invoked. So the number of configurations does not depend on how many there are. If there is no order even so, there
//! is none. If there is one, it may take more of a class than there are, or before they were invoked. Then another search takes no more on
//! any one path than there are; what it finds is an order. If it finds none, the classes of which it had too few are counted from then on,
//! and all begins anew (E. Clarke et al., 2000). At the end everything is counted, and it is the search it stands for.

use super::strategy::{Conclusion, EncodedKey, Strategy};
use crate::check::linearizability::encoding::{Encoding, EquivalenceClass, ModelTable};
use crate::check::linearizability::search::{AnySearch, Order, Ration, SearchStatus, Tally};

pub(crate) struct Refinement {
    /// How many returns are to be passed.
    limit: u32,
    /// By class.
    counted: Vec<bool>,
    search: AnySearch,
    /// Whether the search takes no more on any path than there are: then only what it finds counts.
    limited: bool,
    /// Explored by searches given up.
    before: u64,
}

impl Refinement {
    /// Nothing if everything is counted anyway, or more is open than a search can hold.
    pub(crate) fn new(encoding: &Encoding, table: &ModelTable, limit: u32) -> Option<Self> {
        let counted = encoding.must_count(table);
        let search = if counted.iter().all(|counted| *counted) { None } else { search(encoding, limit, &counted) };
        search.map(|search| Self { limit, counted, search, limited: false, before: 0 })
    }

    /// Whether that could be done.
    fn begin_anew(&mut self, encoding: &Encoding, limited: bool) -> bool {
        let Some(mut search) = search(encoding, self.limit, &self.counted) else { return false };
        if limited {
            search.limit_uncounted(encoding);
        }
        self.before += self.search.extent().states;
        (self.search, self.limited) = (search, limited);
        true
    }

    /// Lets the operations of each class take effect in their order, the oldest first; whether there are enough of each class in time.
    fn is_concrete(&self, encoding: &Encoding, order: &mut Order) -> bool {
        let mut taken = vec![0; encoding.classes.len()];
        let mut oldest: Vec<(u32, usize)> = (0..encoding.classes.len())
            .filter(|class| !self.counted[*class])
            .map(|class| (encoding.indeterminate[encoding.classes[class].start as usize].index, class))
            .collect();
        oldest.sort_unstable();
        let mut enough = true;
        for (index, rank) in order {
            let Ok(found) = oldest.binary_search_by_key(index, |(index, _)| *index) else { continue };
            let class = oldest[found].1;
            let event = encoding.ranks.partition_point(|other| other < rank) as u32;
            let EquivalenceClass { start, count, .. } = encoding.classes[class];
            let next = &encoding.indeterminate[(start + taken[class].min(count - 1)) as usize];
            enough &= taken[class] < count && next.from <= event;
            *index = next.index;
            taken[class] += 1;
        }
        enough
    }
}

impl Strategy for Refinement {
    fn run(&mut self, key: &mut EncodedKey<'_>, allowance: Ration) -> Conclusion {
        let EncodedKey { encoding, object } = key;
        let mut transitions = object.transitions();
        let end = self.states().saturating_add(allowance.states);
        while self.states() < end {
            match self.search.run(encoding, &mut transitions, Ration { states: end - self.states(), ..allowance }) {
                SearchStatus::Paused => break,
                SearchStatus::Full => return Conclusion::Full,
                SearchStatus::Exhausted if self.limited => {
                    let short = self.search.short();
                    let all = !short.contains(&true);
                    self.counted.iter_mut().zip(short).for_each(|(counted, short)| *counted |= short || all);
                    if !self.begin_anew(encoding, false) {
                        break;
                    }
                }
                SearchStatus::Exhausted => return Conclusion::Violated(self.search.extent().horizon),
                SearchStatus::Found => {
                    let mut order = self.search.order(encoding, &mut transitions);
                    if self.is_concrete(encoding, &mut order) {
                        return Conclusion::Order(order);
                    }
                    if !self.begin_anew(encoding, true) {
                        break;
                    }
                }
            }
        }
        Conclusion::Open
    }

    fn states(&self) -> u64 {
        self.before + self.search.extent().states
    }

    fn bytes(&self) -> u64 {
        self.search.bytes()
    }
}

fn search(encoding: &Encoding, limit: u32, counted: &[bool]) -> Option<AnySearch> {
    AnySearch::new(encoding, limit, Tally::new(&encoding.classes, |class| counted[class]))
}
