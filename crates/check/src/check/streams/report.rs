//! What was found, and what that means for what is demanded.

use std::fmt;

use serde::Serialize;

use super::{Attempt, Demands, Logs, StreamAnomaly, StreamNames, attempts, cycles, delivery, order, tenure};
use crate::base::{StreamOp, Streamed, Time, sort_by_key};
use crate::check::verdict::{Broken, Fact, PropertyReport, Rule, Verdict};
use crate::history::History;

/// One anomaly, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamFinding {
    /// What it is.
    pub anomaly: StreamAnomaly,
    /// When it showed first.
    #[serde(rename = "at_ns")]
    pub at: Time,
    /// How.
    pub evidence: Broken,
    /// The operations that show it, by their places in the history.
    pub operations: Vec<usize>,
}

/// What came of judging streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// What was demanded.
    pub demands: Demands,
    /// All anomalies, forbidden or not, in their order and each in the order of time.
    pub findings: Vec<StreamFinding>,
    /// How many messages were acknowledged and never polled, where it is not known whether they would have been.
    pub undecided: usize,
    /// How many sends and polls took effect.
    pub judged: usize,
}

impl StreamReport {
    /// Whether what was demanded held.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.demands.forbidden().map(|anomaly| self.verdict_of(anomaly));
        verdicts.fold(Verdict::Holds, Verdict::and)
    }

    /// What was found of this kind.
    pub fn found(&self, anomaly: StreamAnomaly) -> impl Iterator<Item = &StreamFinding> {
        self.findings.iter().filter(move |finding| finding.anomaly == anomaly)
    }

    /// Whether there is none of this kind.
    pub fn verdict_of(&self, anomaly: StreamAnomaly) -> Verdict {
        if self.found(anomaly).next().is_some() {
            return Verdict::Violated;
        }
        let is_unknown = self.judged == 0 || anomaly == StreamAnomaly::Unseen && self.undecided > 0;
        if is_unknown { Verdict::Unknown } else { Verdict::Holds }
    }

    /// A report on each property that is demanded.
    pub fn reports(&self) -> Vec<PropertyReport> {
        static NO_QUIET_TAIL: Rule = Rule::new(
            "no-quiet-tail",
            "{messages} messages were acknowledged and polled by no one; but no one polled their keys once all sends were over",
        );
        let report = |anomaly: StreamAnomaly| {
            let property = anomaly.property();
            match self.found(anomaly).next() {
                Some(first) => PropertyReport::violated(property, first.at, self.explained(first)),
                None if self.judged > 0 && self.verdict_of(anomaly) == Verdict::Unknown => {
                    let why = NO_QUIET_TAIL.with("messages", self.undecided);
                    PropertyReport { verdict: Verdict::Unknown, ..PropertyReport::holds(property).explained(why) }
                }
                None => PropertyReport::holds(property),
            }
        };
        self.demands.forbidden().map(report).collect()
    }

    /// Why a finding violates what was promised.
    fn explained(&self, finding: &StreamFinding) -> Broken {
        let promise = Fact::Text(self.demands.promise.name().to_owned());
        finding.evidence.clone().with("times", self.found(finding.anomaly).count()).with("promise", promise)
    }
}

/// Judges what the clients of a run saw: a report for each property that is demanded.
pub fn judge(demands: Demands, history: &History<StreamOp, Streamed>) -> Vec<PropertyReport> {
    check(demands, &attempts(history), &StreamNames::default()).reports()
}

/// Judges these attempts, which are in the order of their invocation.
pub fn check(demands: Demands, attempts: &[Attempt], names: &StreamNames) -> StreamReport {
    let logs = Logs::of(attempts, demands);
    let mut finder = Finder { demands, attempts, logs: &logs, names, findings: Vec::new() };
    delivery::messages(&mut finder);
    let undecided = delivery::audiences(&mut finder);
    order::polls(&mut finder);
    order::sends(&mut finder);
    tenure::zombies(&mut finder);
    cycles::cycles(&mut finder);
    let mut findings = finder.findings;
    sort_by_key(&mut findings, |finding| (finding.anomaly, finding.at));
    let judged = attempts.iter().filter(|attempt| attempt.took_effect() && !attempt.op.acts().is_empty()).count();
    StreamReport { demands, findings, undecided, judged }
}

/// What all judges look at, and where they put what they find.
pub(super) struct Finder<'a> {
    pub(super) demands: Demands,
    pub(super) attempts: &'a [Attempt],
    pub(super) logs: &'a Logs,
    pub(super) names: &'a StreamNames,
    findings: Vec<StreamFinding>,
}

impl Finder<'_> {
    /// Notes what these operations show. It shows when the last of them is over.
    pub(super) fn found(&mut self, anomaly: StreamAnomaly, operations: &[usize], evidence: Broken) {
        let at = operations.iter().map(|index| self.attempts[*index].over()).max().unwrap_or_default();
        self.findings.push(StreamFinding { anomaly, at, evidence, operations: operations.to_vec() });
    }

    /// A rule that was broken with this message of a key.
    pub(super) fn broken(&self, rule: &'static Rule, key: u64, value: i64) -> Broken {
        rule.with("value", self.names.value(value)).with("key", self.names.key(key))
    }

    /// Whose attempt this is.
    pub(super) fn client(&self, attempt: usize) -> Fact {
        self.names.client(self.attempts[attempt].client)
    }
}

impl fmt::Debug for Finder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("findings", &self.findings).finish_non_exhaustive()
    }
}
