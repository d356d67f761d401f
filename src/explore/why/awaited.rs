//! What was waited for, where something did not come to pass: who was to send it, and why it did not.
//!
//! From the operation that is still under way it follows the messages: its last question, whom that one asked in turn, and so on, up to
//! the node that was to send something and did not.

use std::collections::BTreeSet;

use crate::base::{Fate, MessageId, NodeId, Time};
use crate::check::{Explanation, PropertyReport};
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

/// The chain of waiting from what is still under way at the end.
pub(super) fn awaited(recording: &Recording, violated: &PropertyReport) -> Vec<Awaited> {
    let Some(Explanation::Pending(pending)) = &violated.explanation else { return Vec::new() };
    let lagging = pending.lagging.first().map(|lag| lag.node);
    let unsettled = pending.unsettled.first().map(|(node, _)| *node);
    let Some(first) = waiting_client(recording).or(lagging).or(unsettled) else { return Vec::new() };
    let (mut chain, mut seen, mut waits) = (Vec::new(), BTreeSet::new(), first);
    while chain.len() < LINKS && seen.insert(waits) {
        let link = link(recording, waits, &seen);
        let next = link.from.filter(|_| link.silence == Silence::WaitsItself);
        chain.push(link);
        match next {
            Some(next) => waits = next,
            None => break,
        }
    }
    chain
}

/// The client whose operation is under way at the end: the one that sent last without an answer.
fn waiting_client(recording: &Recording) -> Option<NodeId> {
    let records = recording.records();
    let clients: BTreeSet<NodeId> = records.iter().filter_map(|record| record.node).filter(|node| node.is_client()).collect();
    let is_open = |client: &NodeId| {
        let last = records.iter().rev().find(|record| record.sort == "client" && record.node == Some(*client));
        last.is_some_and(|record| record.debug().is_some_and(|text| text.starts_with("Invoke")))
    };
    clients.into_iter().find(is_open)
}

/// What this node waits for: the last that it asked of a node that has not answered since.
fn link(recording: &Recording, waits: NodeId, seen: &BTreeSet<NodeId>) -> Awaited {
    let records = recording.records();
    let sent_by = |record: &&OwnedRecord| record.sort == "send" && record.node == Some(waits);
    let questions = records.iter().rev().filter(sent_by);
    let open = questions.filter_map(|record| record.message.map(|(id, kind)| (record, id, kind.name)));
    let mut open = open.filter(|(question, id, _)| !answered(records, question, id.to, waits));
    let fresh = open.clone().find(|(_, id, _)| !seen.contains(&id.to));
    let Some((question, id, kind)) = fresh.or_else(|| open.next()) else {
        let since = records.iter().rev().find(|record| record.node == Some(waits)).map_or(Time::ZERO, |record| record.at);
        return Awaited { waits, since, asked: None, from: None, silence: Silence::NeverAsked };
    };
    let silence = silence(records, question, id, waits);
    Awaited { waits, since: question.at, asked: Some((id, kind)), from: Some(id.to), silence }
}

/// Whether anything arrived from there after the question.
fn answered(records: &[OwnedRecord], question: &OwnedRecord, from: NodeId, to: NodeId) -> bool {
    let after = &records[question.number as usize + 1..];
    after.iter().any(|record| record.sort == "deliver" && record.message.is_some_and(|(id, _)| (id.from, id.to) == (from, to)))
}

fn silence(records: &[OwnedRecord], question: &OwnedRecord, id: MessageId, waits: NodeId) -> Silence {
    if matches!(question.fate, Some(Fate::Lost(_))) {
        return Silence::QuestionLost;
    }
    let after = &records[question.number as usize + 1..];
    let is_it = |record: &&OwnedRecord| record.message.is_some_and(|(other, _)| other == id);
    let Some(arrival) = after.iter().filter(is_it).find(|record| matches!(record.sort, "deliver" | "discard")) else {
        return paused(records, id.to).map_or(Silence::UnderWay, Silence::Paused);
    };
    let since = &records[arrival.number as usize..];
    let of_it = |sort: &'static str| move |record: &&OwnedRecord| record.sort == sort && record.node == Some(id.to);
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
    if let Some(at) = paused(records, id.to) {
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
