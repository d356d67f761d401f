//! Whether look-ups are linearizable: what clients asked for and saw, and with it what the registry did by itself, as operations with their
//! intervals: the expiry of a lease from when a leader proposed it until a server had applied it.
//!
//! Each directory is judged by itself. The end of a lease in several directories is taken for as many ends, at the same time.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Condition, Instance, Item, Key, LeaseId, Operation, Response, Value};
use crate::base::{ClientId, Time, sort_by_key};
use crate::check::PropertyReport;
use crate::check::linearizability::{self, LINEARIZABILITY, default_budget};
use crate::check::model::{self, Model, Next, Role};
use crate::history::{Event, History, Outcome};

/// What happened, as far as the order is concerned.
#[derive(Debug, Default)]
pub(super) struct Order {
    clients: Vec<(Time, Event<Operation, Response>)>,
    /// When the end of each lease was first proposed by a leader, and when it was first applied.
    expiries: BTreeMap<LeaseId, (Time, Option<Time>)>,
    /// The same of instances that were deregistered.
    deregistrations: BTreeMap<(Key, u64), (Time, Option<Time>)>,
}

/// What is asked of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Put {
        key: Key,
        value: Value,
        lease: Option<LeaseId>,
        only_absent: bool,
    },
    Delete {
        key: Key,
    },
    /// All that goes with the lease goes.
    End {
        directory: u32,
        lease: LeaseId,
    },
    List {
        directory: u32,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answered {
    Done,
    /// The condition was not met, or the lease was over.
    NotDone,
    Listed(Vec<(u32, Held)>),
}

/// What lies under a name: the value, but for what checks say of it, and the lease.
type Held = (Value, Option<LeaseId>);

/// A directory, as one copy of it would be.
pub(super) struct OneCopy;

impl Model for OneCopy {
    type State = BTreeMap<u32, Held>;
    type Op = Asked;
    type Ret = Answered;

    fn initial(&self) -> BTreeMap<u32, Held> {
        BTreeMap::new()
    }

    fn step(&self, state: &BTreeMap<u32, Held>, op: &Asked, ret: Option<&Answered>) -> Next<BTreeMap<u32, Held>> {
        let changed = |change: &dyn Fn(&mut BTreeMap<u32, Held>)| {
            let mut state = state.clone();
            change(&mut state);
            Next::One(state)
        };
        match (op, ret) {
            (Asked::List { .. }, Some(Answered::Listed(items))) => {
                if state.iter().map(|(name, held)| (*name, *held)).eq(items.iter().copied()) { Next::Same } else { Next::Illegal }
            }
            (Asked::List { .. }, _) => Next::Same,
            (Asked::Put { key, only_absent: true, .. }, Some(Answered::NotDone)) if !state.contains_key(&key.name) => Next::Same,
            (_, Some(Answered::NotDone)) => Next::Same,
            (Asked::Put { key, only_absent: true, .. }, Some(Answered::Done)) if state.contains_key(&key.name) => Next::Illegal,
            (Asked::Put { key, only_absent: true, .. }, None) if state.contains_key(&key.name) => Next::Same,
            (Asked::Put { key, value, lease, .. }, _) => changed(&|state| {
                state.insert(key.name, (*value, *lease));
            }),
            (Asked::Delete { key }, _) => changed(&|state| {
                state.remove(&key.name);
            }),
            (Asked::End { lease, .. }, _) => changed(&|state| state.retain(|_, (_, with)| *with != Some(*lease))),
        }
    }

    fn key<'a>(&self, op: &'a Asked) -> model::Key<'a> {
        model::Key::Number(u64::from(directory_of(op)))
    }

    fn part_noun(&self) -> &'static str {
        "service"
    }

    fn role(&self, op: &Asked, ret: Option<&Answered>) -> Role<BTreeMap<u32, Held>> {
        match (op, ret) {
            (Asked::List { .. }, Some(Answered::Listed(items))) => Role::Read(items.iter().copied().collect()),
            (Asked::List { .. }, _) | (_, Some(Answered::NotDone)) => Role::Observer,
            (Asked::Put { only_absent: true, .. }, _) => Role::Other,
            (Asked::Put { .. } | Asked::Delete { .. } | Asked::End { .. }, _) => Role::Update,
        }
    }

    fn describe(&self, op: &Asked, ret: Option<&Answered>) -> String {
        let op = match op {
            Asked::Put { key, value, .. } => format!("put {key} = {value}"),
            Asked::Delete { key } => format!("delete {key}"),
            Asked::End { directory, lease } => format!("end {lease} in {directory}"),
            Asked::List { directory } => format!("list {directory}"),
        };
        match ret {
            Some(Answered::Done) => op,
            Some(Answered::NotDone) => format!("{op} → no"),
            Some(Answered::Listed(items)) => format!("{op} → {}", in_words(items.iter().copied())),
            None => format!("{op} → ?"),
        }
    }

    fn describe_state(&self, state: &BTreeMap<u32, Held>) -> String {
        format!("holds {}", in_words(state.iter().map(|(name, held)| (*name, *held))))
    }

    fn expected(&self, state: &BTreeMap<u32, Held>, _: &Asked) -> String {
        format!("the directory held {}", in_words(state.iter().map(|(name, held)| (*name, *held))))
    }
}

fn in_words(items: impl Iterator<Item = (u32, Held)>) -> String {
    let items: Vec<String> = items.map(|(name, (value, _))| format!("{name} = {value}")).collect();
    format!("[{}]", items.join(", "))
}

fn directory_of(op: &Asked) -> u32 {
    match op {
        Asked::Put { key, .. } | Asked::Delete { key } => key.directory,
        Asked::End { directory, .. } | Asked::List { directory } => *directory,
    }
}

impl Order {
    pub(super) fn client(&mut self, at: Time, event: &Event<Operation, Response>) {
        self.clients.push((at, event.clone()));
    }

    pub(super) fn expires(&mut self, at: Time, lease: LeaseId) {
        self.expiries.entry(lease).or_insert((at, None));
    }

    pub(super) fn ended(&mut self, at: Time, lease: LeaseId) {
        if let Some((_, applied)) = self.expiries.get_mut(&lease) {
            applied.get_or_insert(at);
        }
    }

    pub(super) fn deregisters(&mut self, at: Time, key: Key, created: u64) {
        self.deregistrations.entry((key, created)).or_insert((at, None));
    }

    pub(super) fn deregistered(&mut self, at: Time, key: Key, created: u64) {
        if let Some((_, applied)) = self.deregistrations.get_mut(&(key, created)) {
            applied.get_or_insert(at);
        }
    }

    pub(super) fn judge(&self) -> PropertyReport {
        let history = self.history();
        let mut report = linearizability::judge(&LINEARIZABILITY, &OneCopy, &history, default_budget(history.len()));
        if history.operations().iter().all(|operation| operation.result().is_none()) {
            report.judged_nothing(history.len());
        }
        report
    }

    /// One history of all.
    fn history(&self) -> History<Asked, Answered> {
        // In which directories something was put under each lease.
        let mut of_lease: BTreeMap<LeaseId, BTreeSet<u32>> = BTreeMap::new();
        for (_, event) in &self.clients {
            if let Event::Invoke { op: Operation::Put { key, lease: Some(lease), .. }, .. } = event {
                of_lease.entry(*lease).or_default().insert(key.directory);
            }
        }
        let mut events: Vec<(Time, Event<Asked, Answered>)> = Vec::new();
        let mut actor = 0;
        let mut happened = |op: Asked, from: Time, until: Option<Time>, events: &mut Vec<_>| {
            // No client has such a number: it is the registry that acts.
            let client = ClientId::new(u32::MAX / 4 + actor);
            actor += 1;
            events.push((from, Event::Invoke { client, id: crate::base::OperationId::new(client, 1), op }));
            events.extend(until.map(|at| (at, Event::Complete { client, outcome: Outcome::Done(Answered::Done) })));
        };
        let mut ends: Vec<(LeaseId, Time, Option<Time>)> =
            self.expiries.iter().map(|(lease, (from, until))| (*lease, *from, *until)).collect();
        for ((key, _), (from, until)) in &self.deregistrations {
            if until.is_some() {
                happened(Asked::Delete { key: *key }, *from, *until, &mut events);
            }
        }
        let mut open: BTreeMap<ClientId, (Time, crate::base::OperationId, Operation)> = BTreeMap::new();
        for (at, event) in &self.clients {
            match event {
                Event::Invoke { client, id, op } => drop(open.insert(*client, (*at, *id, *op))),
                Event::Complete { client, outcome } => {
                    let Some((from, id, op)) = open.remove(client) else { continue };
                    if let (Operation::Revoke { lease }, Outcome::Done(_) | Outcome::Unknown) = (op, outcome) {
                        ends.push((lease, from, matches!(outcome, Outcome::Done(_)).then_some(*at)));
                    } else if let Some(asked) = asked(&op) {
                        events.push((from, Event::Invoke { client: *client, id, op: asked }));
                        events.push((*at, Event::Complete { client: *client, outcome: ended(outcome) }));
                    }
                }
                // Clients of a registry keep nothing on disk.
                Event::Recover { .. } => {}
            }
        }
        for (client, (from, id, op)) in open {
            if let Operation::Revoke { lease } = op {
                ends.push((lease, from, None));
            } else if let Some(asked) = asked(&op) {
                events.push((from, Event::Invoke { client, id, op: asked }));
            }
        }
        for (lease, from, until) in ends {
            for directory in of_lease.get(&lease).into_iter().flatten() {
                happened(Asked::End { directory: *directory, lease }, from, until, &mut events);
            }
        }
        // Of one client, what ended at an instant ended before the next began.
        sort_by_key(&mut events, |(at, _)| *at);
        let mut history = History::new();
        for (at, event) in &events {
            history.record(*at, event).expect("each client does one thing at a time, and events are in the order of time");
        }
        history
    }
}

fn asked(op: &Operation) -> Option<Asked> {
    match *op {
        Operation::Put { key, value, lease, only } => {
            Some(Asked::Put { key, value: unchecked(value), lease, only_absent: only == Condition::Absent })
        }
        Operation::Delete { key, .. } => Some(Asked::Delete { key }),
        Operation::List { directory } => Some(Asked::List { directory }),
        _ => None,
    }
}

fn ended(outcome: &Outcome<Response>) -> Outcome<Answered> {
    match outcome {
        Outcome::Done(Response::Listed(listing)) => {
            let held = |item: &Item| (unchecked(item.value), item.lease);
            Outcome::Done(Answered::Listed(listing.items.iter().map(|(name, item)| (*name, held(item))).collect()))
        }
        Outcome::Done(Response::Ended | Response::Unmet(_)) => Outcome::Done(Answered::NotDone),
        Outcome::Done(_) => Outcome::Done(Answered::Done),
        Outcome::Failed => Outcome::Failed,
        Outcome::Unknown => Outcome::Unknown,
    }
}

/// A value as it was put: without what checks say of it since.
fn unchecked(value: Value) -> Value {
    match value {
        Value::Instance(instance) => Value::Instance(Instance { health: super::super::Health::Passing, ..instance }),
        Value::Number(_) => value,
    }
}
