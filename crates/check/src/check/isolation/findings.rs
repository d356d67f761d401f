//! Findings while they are made: the first few of each name, and how many there were.

use rustc_hash::FxHashSet;

use crate::base::sort_by_key;
use crate::check::verdict::{Anomaly, Finding, Levels, Phenomenon};

/// How many findings of one name are kept. The others are counted.
pub const FINDINGS_KEPT: usize = 8;

/// Findings by name, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    counts: Vec<(Anomaly, usize)>,
    levels: Levels,
    /// What is wrong with values, by key and value. Never walked: order does not show.
    values: FxHashSet<(Phenomenon, u32, i64)>,
}

impl Findings {
    /// As [`add`](Self::add), for what is wrong with a value of a key: once, however many transactions saw it.
    pub(super) fn add_value(&mut self, phenomenon: Phenomenon, key: u32, value: i64, make: impl FnOnce() -> Finding) {
        if self.values.insert((phenomenon, key, value)) {
            self.add(Anomaly::data(phenomenon), make);
        }
    }

    /// Counts one more, and makes it if there is room.
    pub(super) fn add(&mut self, anomaly: Anomaly, make: impl FnOnce() -> Finding) {
        self.levels = self.levels.and(anomaly.levels());
        let place = self.counts.iter().position(|(counted, _)| *counted == anomaly).unwrap_or_else(|| {
            self.counts.push((anomaly, 0));
            self.counts.len() - 1
        });
        self.counts[place].1 += 1;
        if self.counts[place].1 <= FINDINGS_KEPT {
            self.kept.push(make());
        }
    }

    pub(super) const fn violated(&self) -> Levels {
        self.levels
    }

    /// By what they violate, the weakest level first.
    pub(super) fn finish(mut self) -> (Vec<Finding>, Vec<(Anomaly, usize)>) {
        let rank = |anomaly: Anomaly| (std::cmp::Reverse(anomaly.weakest()), anomaly);
        sort_by_key(&mut self.kept, |finding| rank(finding.anomaly));
        sort_by_key(&mut self.counts, |(anomaly, _)| rank(*anomaly));
        (self.kept, self.counts)
    }
}
