//! What is told of a history.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::anomaly::{Anomaly, Finding};
use super::level::Level;
use super::versions::LeftOut;
use crate::check::Verdict;

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

/// A key that was not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLeftOut {
    /// Which.
    pub key: String,
    /// Why.
    pub why: LeftOut,
}

/// What came of judging a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many transactions there are.
    pub transactions: usize,
    /// How many of them committed, as far as anybody knows.
    pub committed: usize,
    /// How many aborted.
    pub aborted: usize,
    /// Of how many nobody knows what became of them. Those whose writes were read count as committed.
    pub unknown: usize,
    /// Every level, strong ones first.
    pub levels: Vec<LevelReport>,
    /// What went wrong, the worst first; no more than [`FINDINGS_KEPT`](super::FINDINGS_KEPT) of each name.
    pub findings: Vec<Finding>,
    /// How often each went wrong. Circles that share transactions count once.
    pub counts: Vec<(Anomaly, usize)>,
    /// Keys that were not judged. Unless something is violated, nothing is known then.
    pub left_out: Vec<KeyLeftOut>,
    /// Keys of which the order of versions is known in part only, so that a level may be unknown.
    pub unordered: usize,
    /// How many dependencies there are.
    pub edges: usize,
    /// How many steps the search for circles took.
    pub steps: u64,
}

/// How many keys that were left out are named.
const KEYS_NAMED: usize = 5;

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

    /// As people read it: levels first, then what went wrong.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let strongest = self.strongest();
        let names: Vec<&str> = strongest.iter().map(|level| level.name()).collect();
        let strongest = if names.is_empty() { "none is known to hold".to_owned() } else { names.join(" and ") };
        let _ = writeln!(text, "the strongest level that holds: {strongest}");
        let _ = writeln!(
            text,
            "  {} transactions: {} committed, {} aborted, {} of unknown outcome · {} dependencies",
            self.transactions, self.committed, self.aborted, self.unknown, self.edges
        );
        for report in &self.levels {
            let names: Vec<String> = report.anomalies.iter().map(|anomaly| anomaly.name()).collect();
            let _ = write!(text, "  {:<34} {}", report.level, report.verdict);
            let _ = if names.is_empty() { writeln!(text) } else { writeln!(text, ": {}", names.join(", ")) };
        }
        self.doubts(&mut text);
        for (anomaly, count) in &self.counts {
            let findings: Vec<&Finding> = self.findings.iter().filter(|finding| finding.anomaly == *anomaly).collect();
            for finding in &findings {
                let _ = write!(text, "\n{}", finding.text());
            }
            if *count > findings.len() {
                let _ = writeln!(text, "\n… and {} more of {anomaly}", count - findings.len());
            }
        }
        text
    }

    /// Why something is unknown, in a line.
    pub(super) fn doubt(&self) -> String {
        let mut text = String::new();
        self.doubts(&mut text);
        if text.is_empty() { "the budget ended first".to_owned() } else { text.trim().to_owned() }
    }

    fn doubts(&self, text: &mut String) {
        if self.levels.iter().any(|report| report.verdict == Verdict::Unknown) && self.unordered > 0 {
            let _ = writeln!(text, "  {} do not show in which order all their versions were written", keys(self.unordered));
        }
        for why in [LeftOut::Added, LeftOut::Mixed, LeftOut::Repeated] {
            let left: Vec<&str> = self.left_out.iter().filter(|left| left.why == why).map(|left| left.key.as_str()).collect();
            if left.is_empty() {
                continue;
            }
            let named = left[..left.len().min(KEYS_NAMED)].join(", ");
            let more = if left.len() > KEYS_NAMED { ", …" } else { "" };
            let _ = writeln!(text, "  not judged: {} ({named}{more}): {}", keys(left.len()), why.reason());
        }
    }

    /// As one JSON object.
    pub fn json(&self) -> Json {
        let levels: Vec<Json> = self
            .levels
            .iter()
            .map(|report| {
                let anomalies: Vec<String> = report.anomalies.iter().map(|anomaly| anomaly.name()).collect();
                json!({"level": report.level.name(), "verdict": report.verdict, "anomalies": anomalies})
            })
            .collect();
        let counts: Vec<Json> = self.counts.iter().map(|(anomaly, count)| json!({"anomaly": anomaly.name(), "count": count})).collect();
        let left_out: Vec<Json> = self.left_out.iter().map(|left| json!({"key": left.key, "why": left.why.reason()})).collect();
        json!({
            "strongest": self.strongest().iter().map(|level| level.name()).collect::<Vec<_>>(),
            "levels": levels,
            "transactions": self.transactions,
            "committed": self.committed,
            "aborted": self.aborted,
            "unknown": self.unknown,
            "dependencies": self.edges,
            "steps": self.steps,
            "anomalies": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "counts": counts,
            "left_out": left_out,
            "unordered": self.unordered,
        })
    }
}

fn keys(count: usize) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}

impl Finding {
    /// As people read it: its name, who did what, and what that shows.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.anomaly, self.anomaly.meaning());
        for line in &self.cast {
            let _ = writeln!(text, "  {line}");
        }
        text.push('\n');
        for sentence in &self.sentences {
            let _ = writeln!(text, "  {sentence}");
        }
        text
    }

    fn json(&self) -> Json {
        json!({
            "anomaly": self.anomaly.name(),
            "violates": self.anomaly.weakest().name(),
            "transactions": self.transactions.iter().map(|place| place + 1).collect::<Vec<_>>(),
            "acts": self.cast,
            "why": self.sentences,
            "at": self.at.map(|at| at.as_nanos()),
        })
    }
}
