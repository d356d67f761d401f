//! What finds requests, queues and what is at work in the records of services, for those who demand something of them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::graph::Graph;
use super::super::message::{Answer, Message, Request};
use super::super::note::Note;
use super::OfServices;
use crate::base::{Duration, NodeId, Time};
use crate::require::{ALL, Meter, Open, Place, Reading};
use crate::trace::{Event, Record, Sort, Sorts};

/// Finds requests, queues and what is at work in the records of services.
#[derive(Clone, Debug)]
pub struct ServicesMeter {
    graph: Arc<Graph>,
    /// Calls that have begun and not ended, of clients and of services. It is counted, and no order of it shows.
    open: FxHashMap<(NodeId, u64), Begun>,
}

/// A call that has begun: that of a client, which waits for something, or one that an instance sent.
#[derive(Clone, Debug)]
struct Begun {
    service: u16,
    first: Sent,
    /// The same call, made on this node for another attempt of what it is made for.
    others: Vec<Sent>,
}

/// When a call was due, and where its caller keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    due: Time,
    place: Option<(u32, u32)>,
}

impl ServicesMeter {
    /// A meter of these services.
    pub fn new(graph: &Arc<Graph>) -> Self {
        Self { graph: Arc::clone(graph), open: FxHashMap::default() }
    }

    fn begun(&mut self, node: NodeId, call: u64, service: u16, sent: Sent) {
        let begun = self.open.entry((node, call)).or_insert(Begun { service, first: sent, others: Vec::new() });
        // A request that is sent twice is one.
        if begun.first.place != sent.place && begun.others.iter().all(|other| other.place != sent.place) {
            begun.others.push(sent);
        }
    }

    fn ended(&mut self, node: NodeId, call: u64) {
        let Some(begun) = self.open.get_mut(&(node, call)) else { return };
        match begun.others.pop() {
            Some(other) => begun.first = other,
            None => drop(self.open.remove(&(node, call))),
        }
    }

    /// How long a call from this node to this service may be open.
    fn patience(&self, node: NodeId, service: u16) -> Option<Duration> {
        let routes = if node.is_client() { self.graph.roots() } else { self.graph.routes(self.graph.at(node).0) };
        let routes = routes.iter().filter(|route| route.service == service);
        // Without a bound in one of them, the call may be that one.
        routes.map(|route| route.policy.patience()).try_fold(Duration::ZERO, |most, next| Some(most.max(next?)))
    }

    fn noted(&mut self, node: NodeId, note: &Note, at: Time, tell: &mut dyn FnMut(Reading)) {
        let mut count = |service: u16, place, count: u32| tell(Reading::Counted { of: u32::from(service), place, count: u64::from(count) });
        match *note {
            Note::Begun { service, call, .. } => self.begun(node, call, service, Sent { due: at, place: None }),
            Note::Ended { service, call, answer, took, priority, .. } => {
                self.ended(node, call);
                let due = Time::from_nanos(at.as_nanos().saturating_sub(took.as_nanos()));
                let succeeded = answer.is_some_and(Answer::served);
                tell(Reading::Ended { of: u32::from(service), due, succeeded, priority });
                if node.is_client() {
                    tell(Reading::Ended { of: ALL, due, succeeded, priority });
                }
            }
            Note::Queued { length } => count(self.graph.at(node).0, Place::Queue, length),
            Note::Working { count: working } => count(self.graph.at(node).0, Place::Work, working),
            Note::Held { service, count: held } => count(service, Place::Bulkhead, held),
            Note::Works { .. } | Note::Opened { .. } | Note::Idle => {}
        }
    }
}

impl<V: OfServices> Meter<V> for ServicesMeter {
    fn look(&mut self, record: &Record<'_, V>, tell: &mut dyn FnMut(Reading)) {
        match record.event {
            Event::Note { node, note } => self.noted(*node, note, record.at, tell),
            Event::ClientNote { node, note } => self.noted(*node, note, record.at, tell),
            Event::Send { id, message: Message::Request(Request { attempt, call, .. }), .. }
                if attempt.number == 0 && !id.from.is_client() =>
            {
                let sent = Sent { due: record.at, place: Some((attempt.slot, attempt.generation)) };
                self.begun(id.from, *call, self.graph.at(id.to).0, sent);
            }
            // What it had under way is gone with it.
            Event::Crash { node, .. } => self.open.retain(|(of, _), _| of != node),
            _ => {}
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Note, Sort::Send, Sort::Crash])
    }

    fn open(&self, tell: &mut dyn FnMut(Open)) {
        for ((node, _), begun) in &self.open {
            let patience = self.patience(*node, begun.service);
            for Sent { due, .. } in [&begun.first].into_iter().chain(&begun.others) {
                let open = Open { of: u32::from(begun.service), due: *due, late: patience.map(|patience| *due + patience) };
                tell(open);
                if node.is_client() {
                    tell(Open { of: ALL, ..open });
                }
            }
        }
    }
}
