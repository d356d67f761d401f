//! What was waited for, where something did not come to pass: who was to send it, and why it did not.
//!
//! From the operation that is still under way it follows the messages: its last question, whom that one asked in turn, and so on, up to
//! the node that was to send something and did not.

use crate::base::{Fate, MessageId, NodeId, SortedSet, Time};
use crate::check::{Explanation, Fact, PropertyKind, PropertyReport};
use crate::trace::{OwnedRecord, Recording};

/// A link in a chain of waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Who waits.
    pub waits: NodeId,
    /// Since when.
    pub since: Time,
    /// The message that asked for it: its identity and the name of its kind. Nothing, if nothing was asked.
    pub asked: Option<(MessageId, &'static str)>,
    /// Who was to answer; nothing, if nobody was asked.
    pub from: Option<NodeId>,
    /// Why it did not.
    pub silence: Silence,
}

/// Why a message was not sent, or did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The question was lost on its way.
    QuestionLost,
    /// The question has not arrived yet.
    UnderWay,
    /// It arrived at a node that was down, or that went down before it answered; since then. Whether it came back.
    Down(Time, bool),
    /// The node stood still, since then.
    Paused(Time),
    /// The answer was sent, and lost on its way.
    AnswerLost(MessageId, &'static str),
    /// The node waits itself: the next link says for what.
    WaitsItself,
    /// The node runs, was asked, and did nothing more.
    SaidNothing,
    /// Nobody was asked.
    NeverAsked,
}

/// No chain is followed further than this.
const LINKS: usize = 8;

/// The chain of waiting from what has not come to pass at the end.
pub(super) fn awaited(recording: &Recording, violated: &PropertyReport) -> Vec<Awaited> {
    let records = recording.records();
    let Some((mut waits, mut since)) = first(records, violated) else { return Vec::new() };
    let (mut chain, mut seen) = (Vec::new(), SortedSet::new());
    while chain.len() < LINKS && seen.insert(waits) {
        let (link, next) = link(records, waits, since, &seen);
        chain.push(link);
        match next {
            Some(next) => (waits, since) = next,
            None => break,
        }
    }
    chain
}

/// Who waits first, and the number of the record since when: a client whose operation is under way, or has no outcome; else a server that
/// the explanation names, since it heard something last.
fn first(records: &[OwnedRecord], violated: &PropertyReport) -> Option<(NodeId, u64)> {
    let named = match &violated.explanation {
        Some(Explanation::Pending(pending)) => {
            let lags = pending.lagging.first().map(|lag| lag.node);
            return waiting_client(records).or_else(|| heard_last(records, lags.or(pending.unsettled.first().map(|(node, _)| *node))?));
        }
        Some(Explanation::Rule(broken)) if violated.kind == PropertyKind::Eventually => {
            broken.facts.iter().find_map(|(_, fact)| if let Fact::Node(node) = fact { Some(*node) } else { None })
        }
        _ => None,
    };
    heard_last(records, named?)
}

fn heard_last(records: &[OwnedRecord], node: NodeId) -> Option<(NodeId, u64)> {
    let last = records.iter().rev().find(|record| record.node == Some(node) && matches!(record.sort, "deliver" | "boot"));
    Some((node, last?.number))
}

/// The client whose last operation has not come to an end with an outcome that it knows, and the record in which it was invoked.
fn waiting_client(records: &[OwnedRecord]) -> Option<(NodeId, u64)> {
    let clients: SortedSet<NodeId> = records.iter().filter_map(|record| record.node).filter(|node| node.is_client()).collect();
    clients.into_iter().find_map(|client| {
        let mut told = records.iter().rev().filter(|record| record.sort == "client" && record.node == Some(client));
        let last = told.next()?;
        let is_open = last.data().is_some_and(|data| data.get("Invoke").is_some() || data["Complete"]["outcome"] == "Unknown");
        let invoked = std::iter::once(last).chain(told).find(|record| record.data().is_some_and(|data| data.get("Invoke").is_some()));
        invoked.filter(|_| is_open).map(|invoked| (client, invoked.number))
    })
}

/// What this node waits for since a record: the first that it asked since then of a node that has sent nothing since. And who waits next.
fn link(records: &[OwnedRecord], waits: NodeId, since: u64, seen: &SortedSet<NodeId>) -> (Awaited, Option<(NodeId, u64)>) {
    let sent = records[since as usize..].iter().filter(|record| record.sort == "send" && record.node == Some(waits));
    let asked = sent.filter_map(|record| record.message.map(|(id, kind)| (record, id, kind.name)));
    let mut open = asked.filter(|(question, id, _)| !seen.contains(&id.to) && !answered(records, question, id.to, waits));
    let Some((question, id, kind)) = open.next() else {
        let since = records[since as usize].at;
        return (Awaited { waits, since, asked: None, from: None, silence: Silence::NeverAsked }, None);
    };
    let (silence, arrived) = silence(records, question, id, waits);
    let next = arrived.filter(|_| silence == Silence::WaitsItself).map(|arrived| (id.to, arrived));
    (Awaited { waits, since: question.at, asked: Some((id, kind)), from: Some(id.to), silence }, next)
}

/// Whether anything arrived from there after the question.
fn answered(records: &[OwnedRecord], question: &OwnedRecord, from: NodeId, to: NodeId) -> bool {
    let after = &records[question.number as usize + 1..];
    after.iter().any(|record| record.sort == "deliver" && record.message.is_some_and(|(id, _)| (id.from, id.to) == (from, to)))
}

/// Why there is no answer, and the number of the record in which the question arrived, if it did.
fn silence(records: &[OwnedRecord], question: &OwnedRecord, id: MessageId, waits: NodeId) -> (Silence, Option<u64>) {
    if matches!(question.fate, Some(Fate::Lost(_))) {
        return (Silence::QuestionLost, None);
    }
    let after = &records[question.number as usize + 1..];
    let is_it = |record: &&OwnedRecord| record.message.is_some_and(|(other, _)| other == id);
    let Some(arrival) = after.iter().filter(is_it).find(|record| matches!(record.sort, "deliver" | "discard")) else {
        return (paused(records, id.to).map_or(Silence::UnderWay, Silence::Paused), None);
    };
    (silence_after(records, arrival, id.to, waits), Some(arrival.number))
}

/// Why a node that was asked there has not answered.
fn silence_after(records: &[OwnedRecord], arrival: &OwnedRecord, asked: NodeId, waits: NodeId) -> Silence {
    let since = &records[arrival.number as usize..];
    let of_it = |sort: &'static str| move |record: &&OwnedRecord| record.sort == sort && record.node == Some(asked);
    let down = match arrival.sort {
        "discard" => records[..arrival.number as usize].iter().rev().find(of_it("crash")).or(Some(arrival)),
        _ => since.iter().find(of_it("crash")),
    };
    let answer = since.iter().filter(of_it("send")).find(|record| record.message.is_some_and(|(other, _)| other.to == waits));
    if let Some((lost, kind)) = answer.filter(|answer| matches!(answer.fate, Some(Fate::Lost(_)))).and_then(|answer| answer.message) {
        return Silence::AnswerLost(lost, kind.name);
    }
    if let Some(down) = down {
        let comes_back = records[down.number as usize..].iter().any(|record| of_it("boot")(&record));
        return Silence::Down(down.at, comes_back);
    }
    if let Some(at) = paused(records, asked) {
        return Silence::Paused(at);
    }
    match since.iter().any(|record| of_it("send")(&record)) {
        true => Silence::WaitsItself,
        false => Silence::SaidNothing,
    }
}

/// Since when this node stands still at the end, if it does.
fn paused(records: &[OwnedRecord], node: NodeId) -> Option<Time> {
    let last = records.iter().rev().find(|record| record.node == Some(node) && matches!(record.sort, "pause" | "resume" | "crash"))?;
    (last.sort == "pause").then_some(last.at)
}
