//! Events in, operations out.

use std::fmt;

use rustc_hash::FxHashMap;

use super::{Event, Operation, Outcome};
use crate::base::{ClientId, OperationId, Time};

/// Operations in the order of their invocation, and their completions in the order in which those were noted.
///
/// Nothing already recorded ever changes but by its own completion, so a prefix of the events gives a prefix of the history.
#[derive(Clone, Debug)]
pub struct History<O, R> {
    operations: Vec<Operation<O, R>>,
    completions: Vec<usize>,
    /// For each completion, how many operations had been invoked when it was recorded.
    invoked_before: Vec<usize>,
    clients: FxHashMap<ClientId, Current>,
    now: Time,
}

/// What one client is at.
#[derive(Clone, Copy, Debug)]
struct Current {
    operation: usize,
    open: bool,
    /// How many operations it has invoked.
    invoked: u32,
}

impl<O, R> Default for History<O, R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O, R> History<O, R> {
    /// A history in which nothing has happened yet.
    pub fn new() -> Self {
        Self { operations: Vec::new(), completions: Vec::new(), invoked_before: Vec::new(), clients: FxHashMap::default(), now: Time::ZERO }
    }

    /// Records what a client noted at this time. A completion closes the operation that its client has open.
    ///
    /// # Errors
    /// If the event cannot follow what was recorded before; the history is then unchanged.
    pub fn record(&mut self, at: Time, event: &Event<O, R>) -> Result<(), MalformedHistory>
    where
        O: Clone,
        R: Clone,
    {
        match event {
            Event::Invoke { client, id, op } => self.invoke_as(at, *client, Some(*id), op.clone()).map(|_| ()),
            Event::Complete { client, outcome } => self.complete(at, *client, outcome.clone()).map(|_| ()),
            Event::Recover { client, id, outcome } => self.recover(at, *client, *id, outcome.clone()),
        }
    }

    /// Records an invocation and says which index its operation has. It is told from others as the n-th of its client.
    ///
    /// # Errors
    /// If time goes backwards, or the client's previous operation is still open; the history is then unchanged.
    pub fn invoke(&mut self, at: Time, client: ClientId, op: O) -> Result<usize, MalformedHistory> {
        self.invoke_as(at, client, None, op)
    }

    fn invoke_as(&mut self, at: Time, client: ClientId, id: Option<OperationId>, op: O) -> Result<usize, MalformedHistory> {
        self.check_time(at)?;
        let operation = self.operations.len();
        let current = self.clients.entry(client).or_insert(Current { operation, open: false, invoked: 0 });
        if current.open {
            return Err(MalformedHistory::StillOpen { client, at, since: self.operations[current.operation].invoked });
        }
        *current = Current { operation, open: true, invoked: current.invoked + 1 };
        let id = id.unwrap_or(OperationId::new(client, current.invoked));
        self.operations.push(Operation { client, id, op, invoked: at, completed: None, outcome: Outcome::Unknown });
        self.now = at;
        Ok(operation)
    }

    /// Records how the operation that the client has open ended, and says which index that operation has.
    ///
    /// # Errors
    /// If time goes backwards, or the client has nothing open; the history is then unchanged.
    pub fn complete(&mut self, at: Time, client: ClientId, outcome: Outcome<R>) -> Result<usize, MalformedHistory> {
        self.check_time(at)?;
        let current = self.clients.get_mut(&client).filter(|current| current.open);
        let current = current.ok_or(MalformedHistory::NothingOpen { client, at })?;
        current.open = false;
        let operation = &mut self.operations[current.operation];
        operation.completed = Some(at);
        operation.outcome = outcome;
        self.completions.push(current.operation);
        self.invoked_before.push(self.operations.len());
        self.now = at;
        Ok(current.operation)
    }

    /// Records how an operation of this client ended, if it is open.
    fn recover(&mut self, at: Time, client: ClientId, id: OperationId, outcome: Outcome<R>) -> Result<(), MalformedHistory> {
        let current = self.clients.get(&client).ok_or(MalformedHistory::NothingOpen { client, at })?;
        if current.open && self.operations[current.operation].id == id {
            self.complete(at, client, outcome)?;
        }
        self.check_time(at)
    }

    fn check_time(&self, at: Time) -> Result<(), MalformedHistory> {
        if at < self.now { Err(MalformedHistory::TimeWentBack { at, after: self.now }) } else { Ok(()) }
    }

    /// All operations, in the order of their invocation. Everything that speaks of an operation by number means its index here.
    pub fn operations(&self) -> &[Operation<O, R>] {
        &self.operations
    }

    /// The indices of the operations that ended, in the order in which they did.
    pub fn completions(&self) -> &[usize] {
        &self.completions
    }

    /// Whether the operation was recorded as invoked before the completion with this rank among all: finer than time, where several things
    /// happened at one instant, and more than anybody was promised.
    ///
    /// # Panics
    /// If there is no such completion.
    pub fn recorded_before(&self, operation: usize, rank: usize) -> bool {
        operation < self.invoked_before[rank]
    }

    /// Forgets operations for good, as if they had never been: those for which this says no. The others keep their order, and are
    /// counted anew. One that is open is not to be forgotten.
    pub(crate) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        const GONE: usize = usize::MAX;
        let mut kept = 0;
        let mut renamed = Vec::with_capacity(self.operations.len());
        // How many are kept of those before each.
        let mut before = vec![0];
        for index in 0..self.operations.len() {
            let keeps = keep(index);
            renamed.push(if keeps { kept } else { GONE });
            kept += usize::from(keeps);
            before.push(kept);
        }
        let completions = self.completions.iter().zip(&self.invoked_before).filter(|(index, _)| renamed[**index] != GONE);
        (self.completions, self.invoked_before) = completions.map(|(index, invoked)| (renamed[*index], before[*invoked])).unzip();
        let mut index = 0;
        self.operations.retain(|_| {
            index += 1;
            renamed[index - 1] != GONE
        });
        self.clients.retain(|_, current| {
            current.operation = renamed[current.operation];
            current.operation != GONE
        });
    }

    /// What happened, one after another: when, and what.
    pub fn into_events(self) -> impl Iterator<Item = (Time, Event<O, R>)> {
        let Self { operations, completions, invoked_before, .. } = self;
        let mut outcomes = Vec::with_capacity(operations.len());
        let mut invocations = Vec::with_capacity(operations.len());
        for Operation { client, id, op, invoked, completed, outcome } in operations {
            outcomes.push(completed.map(|at| (at, Event::Complete { client, outcome })));
            invocations.push((invoked, Event::Invoke { client, id, op }));
        }
        let mut invocations = invocations.into_iter().enumerate().peekable();
        let mut completions = completions.into_iter().zip(invoked_before).peekable();
        std::iter::from_fn(move || match (invocations.peek(), completions.peek()) {
            (Some((index, _)), Some((_, before))) if before <= index => completions.next().and_then(|(over, _)| outcomes[over].take()),
            (Some(_), _) => invocations.next().map(|(_, event)| event),
            (None, _) => completions.next().and_then(|(over, _)| outcomes[over].take()),
        })
    }

    /// The same history in other words.
    pub fn map<P, S>(self, op: impl Fn(O) -> P, result: impl Fn(R) -> S) -> History<P, S> {
        let operation = |old: Operation<O, R>| Operation {
            client: old.client,
            id: old.id,
            op: op(old.op),
            invoked: old.invoked,
            completed: old.completed,
            outcome: match old.outcome {
                Outcome::Done(old) => Outcome::Done(result(old)),
                Outcome::Failed => Outcome::Failed,
                Outcome::Unknown => Outcome::Unknown,
            },
        };
        let operations = self.operations.into_iter().map(operation).collect();
        History { operations, completions: self.completions, invoked_before: self.invoked_before, clients: self.clients, now: self.now }
    }

    /// A history of the same shape: who did something when, and how it ended, with this in place of what was asked and answered.
    pub(crate) fn with<P, S>(&self, op: &mut dyn FnMut(usize) -> P, result: &mut dyn FnMut(usize) -> S) -> History<P, S> {
        let operation = |(index, old): (usize, &Operation<O, R>)| Operation {
            client: old.client,
            id: old.id,
            op: op(index),
            invoked: old.invoked,
            completed: old.completed,
            outcome: match old.outcome {
                Outcome::Done(_) => Outcome::Done(result(index)),
                Outcome::Failed => Outcome::Failed,
                Outcome::Unknown => Outcome::Unknown,
            },
        };
        let (completions, invoked_before) = (self.completions.clone(), self.invoked_before.clone());
        let operations = self.operations.iter().enumerate().map(operation).collect();
        History { operations, completions, invoked_before, clients: self.clients.clone(), now: self.now }
    }

    /// Whether no operation is known to have taken effect, so that there is nothing to judge.
    pub fn shows_nothing(&self) -> bool {
        !self.operations.iter().any(|operation| operation.result().is_some())
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many operations were invoked.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether operation `a` precedes operation `b`: it completed strictly before the other was invoked, or one client did one after the
    /// other. An operation of unknown outcome precedes nothing.
    ///
    /// # Panics
    /// If one of the two does not exist.
    pub fn precedes(&self, a: usize, b: usize) -> bool {
        let (first, second) = (&self.operations[a], &self.operations[b]);
        match (&first.outcome, first.completed) {
            (Outcome::Done(_) | Outcome::Failed, Some(completed)) => completed < second.invoked || (first.client == second.client && a < b),
            _ => false,
        }
    }
}

/// Why an event cannot follow those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedHistory {
    /// The event is earlier than the one before it.
    TimeWentBack {
        /// When the event is said to have happened.
        at: Time,
        /// When the one before it happened.
        after: Time,
    },
    /// The client invokes an operation while it waits for another. One that gives up waiting completes with [`Outcome::Unknown`] first.
    StillOpen {
        /// Whose operation it is.
        client: ClientId,
        /// When the second was invoked.
        at: Time,
        /// When the first was.
        since: Time,
    },
    /// An operation ends that was never invoked, or has ended before.
    NothingOpen {
        /// Whose operation it is.
        client: ClientId,
        /// When it is said to have ended.
        at: Time,
    },
}

impl fmt::Display for MalformedHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeWentBack { at, after } => write!(f, "an event at {at} follows one at {after}: events are recorded in order"),
            Self::StillOpen { client, at, since } => {
                write!(f, "{client} invokes an operation at {at} while that of {since} is open: complete it first, as unknown if need be")
            }
            Self::NothingOpen { client, at } => write!(f, "{client} completes an operation at {at}, but has none open"),
        }
    }
}

impl std::error::Error for MalformedHistory {}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClientId = ClientId::new(0);
    const B: ClientId = ClientId::new(1);

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    /// A history of numbered operations; `(time, client, Some(op))` invokes, `(time, client, None)` completes.
    fn history(events: &[(u64, ClientId, Option<u32>)]) -> History<u32, ()> {
        let mut history = History::new();
        for (time, client, op) in events {
            let event = match op {
                Some(op) => Event::Invoke { client: *client, id: OperationId::new(*client, *op), op: *op },
                None => Event::Complete { client: *client, outcome: Outcome::Done(()) },
            };
            history.record(at(*time), &event).expect("a well-formed history");
        }
        history
    }

    #[test]
    fn what_cannot_follow_is_refused_and_changes_nothing() {
        let mut history = history(&[(5, A, Some(1))]);
        assert_eq!(history.invoke(at(6), A, 2), Err(MalformedHistory::StillOpen { client: A, at: at(6), since: at(5) }));
        assert_eq!(history.complete(at(6), B, Outcome::Failed), Err(MalformedHistory::NothingOpen { client: B, at: at(6) }));
        assert_eq!(history.invoke(at(4), B, 2), Err(MalformedHistory::TimeWentBack { at: at(4), after: at(5) }));
        assert_eq!((history.len(), history.completions()), (1, [].as_slice()));
        assert_eq!(history.complete(at(6), A, Outcome::Done(())), Ok(0));
        assert_eq!(history.complete(at(7), A, Outcome::Done(())), Err(MalformedHistory::NothingOpen { client: A, at: at(7) }));
    }

    #[test]
    fn what_is_recovered_ends_what_is_open_and_changes_nothing_else() {
        let recover = |op| Event::Recover { client: A, id: OperationId::new(A, op), outcome: Outcome::Done(()) };
        let mut history = history(&[(0, A, Some(1)), (1, A, None), (2, A, Some(2))]);
        assert_eq!(history.record(at(3), &recover(1)), Ok(()), "its end was noted");
        assert_eq!(history.operations()[1].completed, None);
        assert_eq!(history.record(at(4), &recover(2)), Ok(()));
        assert_eq!(history.record(at(5), &recover(2)), Ok(()));
        assert_eq!((history.operations()[1].completed, history.completions()), (Some(at(4)), [0, 1].as_slice()));
        let unknown = Event::Recover { client: B, id: OperationId::new(B, 1), outcome: Outcome::Done(()) };
        assert_eq!(history.record(at(6), &unknown), Err(MalformedHistory::NothingOpen { client: B, at: at(6) }));
    }

    #[test]
    fn events_come_back_as_they_were() {
        let events = [(0, A, Some(1)), (3, B, Some(2)), (3, A, None), (3, A, Some(3)), (4, B, None), (5, B, Some(4)), (6, A, None)];
        let back: Vec<(u64, ClientId, Option<u32>)> = history(&events)
            .into_events()
            .map(|(at, event)| match event {
                Event::Invoke { client, op, .. } => (at.as_nanos(), client, Some(op)),
                Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
                    assert_eq!(outcome, Outcome::Done(()));
                    (at.as_nanos(), client, None)
                }
            })
            .collect();
        assert_eq!(back, events);
    }

    #[test]
    fn what_is_forgotten_was_never_there() {
        let events = [(0, A, Some(1)), (1, B, Some(2)), (2, A, None), (3, A, Some(3)), (4, B, None), (5, B, Some(4))];
        let mut fewer = history(&events);
        fewer.retain(|index| index % 2 == 1);
        let left = history(&[(1, B, Some(2)), (4, B, None), (5, B, Some(4))]);
        assert_eq!((fewer.operations(), fewer.completions()), (left.operations(), left.completions()));
        assert!(fewer.recorded_before(0, 0) && !fewer.recorded_before(1, 0));
        assert!(fewer.invoke(at(6), B, 5).is_err(), "what is open stays so");
        assert_eq!(fewer.invoke(at(6), A, 5), Ok(2), "a client of whom nothing is left may begin");
    }

    #[test]
    fn a_client_goes_on_after_an_unknown_outcome() {
        let mut history = history(&[(0, A, Some(1))]);
        history.complete(at(1), A, Outcome::Unknown).expect("it is open");
        assert_eq!(history.invoke(at(2), A, 2), Ok(1));
        assert_eq!(history.complete(at(3), A, Outcome::Done(())), Ok(1));
        assert!(!history.precedes(0, 1), "an unknown operation may take effect later");
    }

    #[test]
    fn a_tie_is_concurrent_unless_one_client_made_it() {
        let tied = history(&[(0, A, Some(1)), (3, A, None), (3, B, Some(2)), (3, A, Some(3)), (4, B, None)]);
        assert!(!tied.precedes(0, 1) && !tied.precedes(1, 0), "a completion and another client's invocation at one instant");
        assert!(tied.precedes(0, 2), "one client does one thing after the other");
        let apart = history(&[(0, A, Some(1)), (3, A, None), (4, B, Some(2)), (5, B, None)]);
        assert!(apart.precedes(0, 1));
    }
}
