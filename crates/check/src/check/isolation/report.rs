//! What is told of a history.

use crate::check::verdict::{Anomaly, Doubt, Finding, KeyLeftOut, Level, Verdict};

/// What became of one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelReport {
    /// Which.
    pub level: Level,
    /// Whether it was kept.
    pub verdict: Verdict,
    /// What violated it: only anomalies that nothing weaker forbids, if there are such.
    pub anomalies: Vec<Anomaly>,
}

/// What came of judging a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many transactions there are.
    pub transactions: usize,
    /// How many of them committed, as far as is known.
    pub committed: usize,
    /// How many aborted.
    pub aborted: usize,
    /// Of how many it is not known what became of them. If the writes of one were read, it counts as committed.
    pub unknown: usize,
    /// Every level, strong ones first.
    pub levels: Vec<LevelReport>,
    /// What went wrong, the worst first; no more than [`FINDINGS_KEPT`](super::FINDINGS_KEPT) of each name.
    pub findings: Vec<Finding>,
    /// How often each went wrong. Cycles that share transactions count once.
    pub counts: Vec<(Anomaly, usize)>,
    /// Keys that were not judged. Unless something is violated, nothing is known then.
    pub left_out: Vec<KeyLeftOut>,
    /// Keys of which the order of versions is known in part only, so that a level may be unknown.
    pub unordered: usize,
    /// How many dependencies there are.
    pub edges: usize,
    /// How many steps the search for cycles took.
    pub steps: u64,
    /// How many bytes of search state were held, if that was too much for some search. A larger budget of steps need not help then.
    pub bytes: Option<u64>,
}

impl Report {
    /// What became of this level.
    pub fn verdict(&self, level: Level) -> Verdict {
        self.levels.iter().find(|report| report.level == level).map_or(Verdict::Unknown, |report| report.verdict)
    }

    /// The strongest levels that hold: those that no other one implies that holds.
    pub fn strongest(&self) -> Vec<Level> {
        let kept: Vec<Level> = self.levels.iter().filter(|report| report.verdict == Verdict::Holds).map(|report| report.level).collect();
        let implied = |level: Level| kept.iter().any(|other| *other != level && other.implies(level));
        kept.iter().copied().filter(|level| !implied(*level)).collect()
    }

    /// The findings that this level forbids.
    pub fn against(&self, level: Level) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.anomaly.violates(level))
    }

    /// Why a level is unknown.
    pub fn doubt(&self) -> Doubt {
        let unknown = self.levels.iter().any(|report| report.verdict == Verdict::Unknown);
        Doubt {
            unordered: if unknown { self.unordered } else { 0 },
            left_out: self.left_out.clone(),
            bytes: self.bytes.filter(|_| unknown),
        }
    }
}
