//! Where a story ends: the records and operations that the explanation of a violation names, and the words it uses.

use crate::base::{NodeId, Time, sort_by_key};
use crate::check::isolation::Finding;
use crate::check::linearizability::Counterexample;
use crate::check::{Broken, Explanation, Fact, Pending, PropertyReport};
use crate::explore::causes::{Causes, Link, invokes};
use crate::trace::{OwnedRecord, Recording};

/// What an explanation names.
pub(super) struct Anchors {
    /// Records, in order: those in which the violation shows, and those of what they conflict with.
    pub(super) records: Vec<u64>,
    /// Operations, in order.
    pub(super) operations: Vec<Operation>,
    /// The last records, when it is violated, of the nodes that it names, or of all if it names none: what has come to pass by then lies
    /// before these.
    pub(super) horizon: Vec<u64>,
    /// What distinguishes what it speaks of: a transaction, a term.
    pub(super) words: Vec<Word>,
    /// Whether something was waited for that never came.
    pub(super) waits: bool,
}

/// An operation that is named: its records, and what it was, in the words of a model.
pub(super) struct Operation {
    pub(super) invoked: u64,
    pub(super) completed: Option<u64>,
    pub(super) words: Option<String>,
}

/// A word of an explanation, as notes and messages may have it, too.
pub(super) enum Word {
    /// This text, by itself.
    Text(String),
    /// This number, in a field of this name.
    Number(String, u64),
}

pub(super) fn of(report: &PropertyReport, recording: &Recording, causes: &Causes) -> Anchors {
    let mut found = Anchors { records: Vec::new(), operations: Vec::new(), horizon: Vec::new(), words: Vec::new(), waits: false };
    let naming = Naming { recording, causes };
    found.horizon = naming.horizon(report);
    match &report.explanation {
        Some(Explanation::Rule(broken)) => naming.rule(broken, &mut found),
        Some(Explanation::Linearizability(unordered)) => {
            let first = unordered.violations.iter().min_by_key(|violation| violation.at);
            first.into_iter().for_each(|violation| naming.counterexample(violation, &mut found));
        }
        Some(Explanation::Isolation(finding)) => naming.finding(finding, &mut found),
        Some(Explanation::Pending(pending)) => naming.pending(pending, &mut found),
        Some(Explanation::Panic(_)) => {
            found.records.extend(recording.records().iter().filter(|record| record.sort == "panic").map(|record| record.number))
        }
        _ => {}
    }
    found.records.extend(found.operations.iter().flat_map(|operation| [Some(operation.invoked), operation.completed]).flatten());
    if found.records.is_empty() {
        found.records.extend(naming.last_note(report.at.unwrap_or(Time::MAX), |_| true));
    }
    found.records.sort_unstable();
    found.records.dedup();
    found
}

struct Naming<'a> {
    recording: &'a Recording,
    causes: &'a Causes,
}

impl Naming<'_> {
    fn rule(&self, broken: &Broken, found: &mut Anchors) {
        found.records.extend(broken.records.iter().filter(|number| self.recording.get(**number).is_some()));
        for (name, fact) in broken.facts.iter().chain(&broken.within) {
            self.fact(name, fact, found);
        }
    }

    fn fact(&self, name: &str, fact: &Fact, found: &mut Anchors) {
        match fact {
            Fact::Operation { index, text } => found.operations.extend(self.operation(*index, Some(text.clone()))),
            Fact::Transaction(text) => found.words.push(Word::Text(text.clone())),
            Fact::Term(number) | Fact::Index(number) => found.words.push(Word::Number(name.to_owned(), *number)),
            Fact::All(facts) | Fact::Cycle(facts) => facts.iter().for_each(|fact| self.fact(name, fact, found)),
            _ => {}
        }
    }

    /// Of many operations those that complete last before the one that fits nowhere.
    fn counterexample(&self, violation: &Counterexample, found: &mut Anchors) {
        /// How many operations a story has besides that one.
        const SHOWN: usize = 4;
        let stuck = violation.stuck.filter(|place| *place < violation.operations.len());
        let mut others: Vec<usize> = violation.foremost.iter().copied().filter(|place| Some(*place) != stuck).collect();
        sort_by_key(&mut others, |place| violation.operations.get(*place).map(|operation| operation.interval));
        let others = others.split_off(others.len().saturating_sub(SHOWN));
        for operation in others.into_iter().chain(stuck).filter_map(|place| violation.operations.get(place)) {
            found.operations.extend(self.operation(operation.index, Some(operation.text.clone())));
        }
        sort_by_key(&mut found.operations, |operation| operation.invoked);
    }

    fn finding(&self, finding: &Finding, found: &mut Anchors) {
        for member in &finding.cast {
            let acts: Vec<String> = member.acts.iter().map(|act| act.to_string()).collect();
            found.operations.extend(self.operation(member.transaction, Some(acts.join(", "))));
        }
        finding.evidence.iter().for_each(|broken| found.records.extend(&broken.records));
        sort_by_key(&mut found.operations, |operation| operation.invoked);
    }

    /// What was waited for: operations that never completed with all that came of them; of nodes that are behind, what they noted last.
    fn pending(&self, pending: &Pending, found: &mut Anchors) {
        found.waits = true;
        let healed = self.recording.records().iter().find(|record| record.sort == "settle").map(|record| record.number);
        let is_open = |invoked: &u64| match self.completion(*invoked) {
            None => pending.under_way > 0 || pending.nothing_fresh,
            Some(completed) => pending.nothing_fresh && healed.is_some_and(|healed| *invoked > healed) && !self.is_done(completed),
        };
        // The first and the last stand for all.
        let mut open: Vec<u64> = self.invocations().filter(is_open).collect();
        open.drain(1.min(open.len())..open.len().saturating_sub(1).max(1.min(open.len())));
        for invoked in open {
            let came = self.causes.future(&[invoked], |link| link.is_narrow() && link != Link::Set);
            found.records.extend(came.last());
            found.operations.push(Operation { invoked, completed: self.completion(invoked), words: None });
        }
        let behind = pending.lagging.iter().flat_map(|lag| [lag.node, lag.behind]);
        for node in behind.chain(pending.unsettled.iter().map(|(node, _)| *node)) {
            found.records.extend(self.last_note(Time::MAX, |other| other == node));
        }
        for (_, text) in &pending.unsettled {
            let tokens = text.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | ':' | '(' | ')'));
            let names = tokens.filter(|token| token.contains('#'));
            found.words.extend(names.map(|name| Word::Text(name.to_owned())));
        }
    }

    /// The last record of each node that a rule names, by the time of the violation.
    fn horizon(&self, report: &PropertyReport) -> Vec<u64> {
        let Some(Explanation::Rule(broken)) = &report.explanation else { return Vec::new() };
        let named = broken.facts.iter().flat_map(|(_, fact)| match fact {
            Fact::Node(node) => vec![*node],
            Fact::Nodes(nodes) => nodes.clone(),
            _ => Vec::new(),
        });
        let mut nodes: Vec<NodeId> = named.collect();
        if nodes.is_empty() && broken.records.is_empty() {
            nodes = self.recording.nodes();
        }
        let until = report.at.unwrap_or(Time::MAX);
        let before = self.recording.records().iter().take_while(|record| record.at <= until);
        let last = |node: &NodeId| before.clone().filter(|record| record.node == Some(*node) && record.sort != "discard").last();
        nodes.iter().filter_map(last).map(|record| record.number).collect()
    }

    /// The operation at this place of the history.
    fn operation(&self, index: usize, words: Option<String>) -> Option<Operation> {
        let invoked = self.invocations().nth(index)?;
        Some(Operation { invoked, completed: self.completion(invoked), words })
    }

    fn invocations(&self) -> impl Iterator<Item = u64> {
        self.recording.records().iter().filter(|record| invokes(record)).map(|record| record.number)
    }

    fn completion(&self, invoked: u64) -> Option<u64> {
        self.causes
            .effects(invoked)
            .into_iter()
            .find(|(number, link)| *link == Link::Invoked && self.is_of_client(*number))
            .map(|(number, _)| number)
    }

    /// Whether a client learned with this what its operation returned.
    fn is_done(&self, completed: u64) -> bool {
        self.recording.get(completed).and_then(OwnedRecord::debug).is_some_and(|text| text.contains("outcome: Done"))
    }

    fn is_of_client(&self, number: u64) -> bool {
        self.recording.get(number).is_some_and(|record| record.sort == "client")
    }

    /// The last thing that a node of these noted by then.
    fn last_note(&self, until: Time, of: impl Fn(NodeId) -> bool) -> Option<u64> {
        let records = self.recording.records().iter().rev().filter(|record| record.at <= until && record.sort == "note");
        records.filter(|record| record.node.is_some_and(&of)).map(|record| record.number).next()
    }
}

impl Word {
    /// Whether a note or message speaks of it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let is_of_a_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '#');
        match self {
            Self::Text(word) => text.match_indices(word.as_str()).any(|(place, _)| {
                let (before, after) = (&text[..place], &text[place + word.len()..]);
                !before.ends_with(is_of_a_word) && !after.starts_with(is_of_a_word)
            }),
            Self::Number(name, number) => {
                let field = format!("{name}: ");
                let values = text.match_indices(&field).map(|(place, _)| &text[place + field.len()..]);
                values.into_iter().any(|value| {
                    // `7`, or as many write it `t7`.
                    let value = value.trim_start_matches(char::is_alphabetic).trim_start_matches('(');
                    let digits = value.find(|letter: char| !letter.is_ascii_digit()).map_or(value, |end| &value[..end]);
                    digits == number.to_string()
                })
            }
        }
    }
}
