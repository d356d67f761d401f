//! Isolation of transactions: which level a history keeps, and if it does not keep one, the anomaly that shows it, by its name.
//!
//! The checker follows K. Kingsbury and P. Alvaro, *Elle: inferring isolation anomalies from experimental observations* (VLDB 2020), and
//! the phenomena of A. Adya's thesis (1999). From what transactions wrote and read it infers in which order the versions of each key were
//! installed, and from that which transaction comes before which. A cycle among these is an anomaly; its kind says which levels forbid it.
//!
//! | level | forbids |
//! | --- | --- |
//! | [`Level::ReadUncommitted`] | cycles of writes (G0) |
//! | [`Level::ReadCommitted`] | reads of what was aborted (G1a) or not final (G1b), cycles of writes and reads (G1c) |
//! | [`Level::ParallelSnapshotIsolation`] | cycles with one read that misses a write (G-single), lost updates among them |
//! | [`Level::SnapshotIsolation`] | cycles in which no two such reads come in a row, long forks among them |
//! | [`Level::Serializable`] | all cycles: write skew and the rest of G2-item |
//!
//! The strong session levels demand the same when the order of each client's transactions is added; strong snapshot isolation and strict
//! serializability, when real time is added. There are no predicates here, so PL-2.99 (repeatable read) is serializability.
//!
//! **What can be inferred.** A list shows the order of its elements to its readers, so [`Act::Append`](crate::base::Act) and reads
//! tell all but the order of elements that were not read. A register shows less: that its first version is empty, and what was read by a
//! transaction that then wrote. Where the run itself knows the order, it may be [given](Transactions::order). Sums tell nothing: a key that
//! is added to is left out, and the report says so; unless transactions are so few that all their orders can be tried.
//!
//! **What a verdict means.** A violation is always certain: it follows from what was seen, whatever is not known. A level holds if no
//! cycle remains that it forbids and the order of versions is known, or if there is *some* order of versions, consistent with all that
//! was seen, under which none remains. Otherwise it is unknown. A transaction of unknown outcome did commit if its writes were read;
//! otherwise it constrains nothing.

mod acyclic;
mod assumptions;
mod cycles;
mod evidence;
mod findings;
pub mod generate;
mod graph;
pub mod model;
mod ordering;
pub mod reference;
mod refutation;
mod report;
mod small;
mod transactions;
mod versions;

pub use super::verdict::{
    Access, Anomaly, CastMember, Did, Doubt, Fate, Finding, KeyLeftOut, LeftOut, Level, Phenomenon, Scope, Version, transaction_name,
};
pub use findings::FINDINGS_KEPT;
pub(super) use graph::{Dependency, Edge, Graph, Why};
pub use report::{LevelReport, Report};
pub(super) use transactions::Labels;
pub use transactions::Transactions;

use self::assumptions::{Problem, Shape, Unordered};
use self::findings::Findings;
use self::graph::{process_order, real_time_order};
use self::ordering::{Found, Search};
use super::verdict::{Budget, Explanation, Levels, Property, PropertyReport, Verdict};
use crate::base::{Committed, Transaction};
use crate::history::History;

/// How many steps the search for cycles may take that name an anomaly, by default. Whether there is a cycle, and so all
/// but one level, is decided without it.
pub const DEFAULT_BUDGET: u64 = 20_000_000;

/// Judges every level. Each search for an order takes so many steps at most, and so does that for short cycles; if that ends, parallel
/// snapshot isolation may be unknown, and cycles may be longer than need be. The bytes are those of one search.
pub fn check(transactions: &Transactions, budget: impl Into<Budget>) -> Report {
    let budget: Budget = budget.into();
    let steps = budget.states.unwrap_or(DEFAULT_BUDGET);
    let mut seen = analyse(transactions, steps);
    let mut holds = Levels::NONE;
    for level in Level::ALL {
        if !seen.violated.has(level) && (seen.is_exact(level) || seen.is_simple()) {
            holds = holds.and(level.weaker());
        }
    }
    let bytes = budget.bytes_for(transactions.len());
    let holds = seen.search(transactions, steps, bytes, holds);
    let holds = seen.try_orders(transactions, holds);
    seen.report(transactions, holds)
}

/// The property that transactions of clients are judged by.
pub const ISOLATION: Property = Property::always(
    "isolation",
    "what the clients saw can be put in one order, each transaction as a whole and between its invocation and its completion, that one \
     store would have answered the same: strict serializability (workloads with Lists or Registers)",
);

/// Judges the history of a run by one level, as this property.
///
/// It is violated at the time at which the last transaction of the first finding ended.
pub fn judge(property: &Property, level: Level, history: &History<Transaction, Committed>, budget: impl Into<Budget>) -> PropertyReport {
    judge_transactions(property, level, &Transactions::from(history), budget)
}

/// As [`judge`], for transactions that may have been given the [order](Transactions::order) of their versions.
pub fn judge_transactions(property: &Property, level: Level, transactions: &Transactions, budget: impl Into<Budget>) -> PropertyReport {
    let report = check(transactions, budget);
    let verdict = report.verdict(level);
    let found = report.against(level).next().filter(|_| verdict == Verdict::Violated);
    let explanation = match verdict {
        Verdict::Holds => None,
        Verdict::Unknown => Some(report.doubt().into()),
        Verdict::Violated => found.cloned().map(Explanation::from),
    };
    PropertyReport { verdict, explanation, at: found.and_then(|finding| finding.at), ..PropertyReport::holds(property) }
}

/// What one pass over the transactions shows.
struct Analysis {
    findings: Findings,
    violated: Levels,
    left_out: Vec<(u32, LeftOut)>,
    unordered: Vec<Unordered>,
    edges: usize,
    steps: u64,
    /// How many bytes were held, if that was too much for some search.
    held: Option<u64>,
    cut_short: bool,
    graph: Graph,
    /// Whether there is no cycle at all, real time included.
    is_acyclic: bool,
    /// Nodes from here on stand between ends and later beginnings.
    chain: u32,
}

fn analyse(transactions: &Transactions, budget: u64) -> Analysis {
    let mut versions = versions::infer(transactions);
    let mut order = Vec::with_capacity(transactions.len() * 4);
    process_order(transactions, &versions.committed, &mut order);
    let nodes = real_time_order(transactions, &versions.committed, versions.nodes, &mut order);
    let graph = Graph::new(nodes, &[&versions.edges, &order]);
    let components = graph.cycles();
    let edges = versions.edges.len() + order.len();
    let found = &mut versions.findings;
    let (steps, cut_short) = cycles::name_cycles(transactions, &graph, &components, &versions.lost, budget, found);
    Analysis {
        violated: versions.findings.violated(),
        findings: versions.findings,
        left_out: versions.left_out,
        unordered: versions.unordered,
        edges,
        steps,
        held: None,
        cut_short,
        graph,
        is_acyclic: components.is_empty(),
        chain: versions.nodes,
    }
}

impl Analysis {
    /// Whether this level holds if nothing was found that it forbids.
    fn is_exact(&self, level: Level) -> bool {
        let searched = level != Level::ParallelSnapshotIsolation || !self.cut_short;
        self.left_out.is_empty()
            && match level {
                Level::ReadUncommitted => true,
                Level::ReadCommitted => self.unordered.iter().all(|unordered| unordered.choices.is_empty()),
                _ => self.unordered.is_empty() && searched,
            }
    }

    /// Whether no transaction read a version whose place is not known, and all else has an order: then any order will do for the
    /// versions that this order allows, since none of their dependencies leads back.
    fn is_simple(&self) -> bool {
        let is_unread = |unordered: &Unordered| unordered.readers.is_empty() && unordered.choices.is_empty();
        self.is_acyclic && self.left_out.is_empty() && self.unordered.iter().all(is_unread)
    }

    /// Searches for an order of versions for each level that is not decided, strong ones first. Returns which hold.
    fn search(&mut self, transactions: &Transactions, steps: u64, bytes: u64, mut holds: Levels) -> Levels {
        let mut refuted = Vec::new();
        for level in Level::ALL {
            let Some((shape, kinds)) = Shape::of(level) else { continue };
            if self.violated.has(level) || holds.has(level) || !self.left_out.is_empty() {
                continue;
            }
            let Some(mut search) = Search::new(self.problem(transactions), shape, kinds, None) else { continue };
            let found = search.run(Budget { states: Some(steps), bytes: Some(bytes) });
            let steps = search.steps();
            match found {
                Found::Order => holds = holds.and(level.weaker()),
                Found::None(questions) => refuted.push((level, shape, kinds, questions)),
                Found::Unknown(held) => self.held = self.held.max(held),
            }
            self.steps += steps;
        }
        // What the weakest level forbids is told: it is forbidden by stronger ones, too.
        for (level, shape, kinds, questions) in refuted.into_iter().rev() {
            if !self.violated.has(level) {
                let finding = refutation::finding(self.problem(transactions), shape, kinds, questions, bytes);
                self.findings.add(finding.anomaly, || finding);
                self.violated = self.violated.and(level.stronger());
            }
        }
        holds
    }

    /// Where keys were left out, and transactions are few, tries all their orders. Returns which levels hold.
    fn try_orders(&mut self, transactions: &Transactions, mut holds: Levels) -> Levels {
        let mut refuted = Vec::new();
        for level in Level::ALL.into_iter().filter(|_| !self.left_out.is_empty()) {
            if self.violated.has(level) || holds.has(level) {
                continue;
            }
            let Some((kept, steps)) = small::keeps(transactions, level) else { return holds };
            self.steps += steps;
            if kept { holds = holds.and(level.weaker()) } else { refuted.push(level) }
        }
        for level in refuted.into_iter().rev() {
            if !self.violated.has(level) {
                let finding = refutation::by_all_orders(transactions, level, &self.left_out);
                self.findings.add(finding.anomaly, || finding);
                self.violated = self.violated.and(level.stronger());
            }
        }
        self.left_out.clear();
        holds
    }

    fn problem<'a>(&'a self, transactions: &'a Transactions) -> Problem<'a> {
        Problem { transactions, graph: &self.graph, chain: self.chain, unordered: &self.unordered }
    }

    fn report(self, transactions: &Transactions, holds: Levels) -> Report {
        let (findings, counts) = self.findings.finish();
        let verdict = |level| match (self.violated.has(level), holds.has(level)) {
            (true, _) => Verdict::Violated,
            (false, true) => Verdict::Holds,
            (false, false) => Verdict::Unknown,
        };
        let anomalies = |level: Level| {
            let all: Vec<Anomaly> = counts.iter().map(|(anomaly, _)| *anomaly).filter(|anomaly| anomaly.violates(level)).collect();
            let own: Vec<Anomaly> = all.iter().copied().filter(|anomaly| anomaly.weakest() == level).collect();
            if own.is_empty() { all } else { own }
        };
        let levels = Level::ALL.map(|level| LevelReport { level, verdict: verdict(level), anomalies: anomalies(level) });
        let fate = |fate: Fate| transactions.entries.iter().filter(|entry| entry.fate == fate).count();
        Report {
            transactions: transactions.len(),
            committed: fate(Fate::Committed),
            aborted: fate(Fate::Aborted),
            unknown: fate(Fate::Unknown),
            levels: levels.to_vec(),
            findings,
            counts,
            left_out: self.left_out.iter().map(|(key, why)| KeyLeftOut { key: transactions.key_name(*key), why: *why }).collect(),
            unordered: self.unordered.len(),
            edges: self.edges,
            steps: self.steps,
            bytes: self.held,
        }
    }
}
