//! Judging while the history is made: operations come in as they are invoked and as they finish, and go as soon as they are settled.
//!
//! What is kept is a *frontier*: all configurations in which the object can be after what has completed so far. A configuration is a state,
//! and what became of each operation that is still open. At a completion, operations take effect in each configuration as far as this one
//! needs them to (just-in-time linearization; G. Lowe, *Testing for linearizability*, 2017); where it cannot have returned what it did, the
//! configuration goes. When none is left, the history is violated, and stays so whatever comes. So memory is bounded by how many operations
//! are open at once and how many are of unknown outcome, and not by how long the history is.
//!
//! The answer of an open operation is not known yet. So a configuration remembers in which state such an operation took effect, and checks
//! the answer against that when it comes; or, if it has not taken effect, which states it has seen: one that changes nothing could have
//! taken effect in any of them. What [`Model::is_silent`] says saves most of this.
//!
//! ```
//! use stormglass::base::{ClientId, Time};
//! use stormglass::check::{Verdict, linearizability::Online, model::register::{Register, RegisterOp, RegisterResult}};
//! use stormglass::history::Outcome;
//!
//! let (writer, reader) = (ClientId::new(0), ClientId::new(1));
//! let at = Time::from_nanos;
//! let mut online = Online::new(Register::empty());
//! online.invoke(at(1), writer, RegisterOp::Write(5))?;
//! online.invoke(at(2), reader, RegisterOp::Read)?;
//! online.complete(at(3), reader, Outcome::Done(RegisterResult::Value(Some(5))))?;
//! online.invoke(at(4), reader, RegisterOp::Read)?;
//! online.complete(at(5), reader, Outcome::Done(RegisterResult::Value(None)))?; // the write is still open, but was seen
//! assert_eq!(online.finish(), Verdict::Violated);
//! assert_eq!(online.breach().map(|breach| (breach.operation, breach.at)), Some((2, at(5))));
//! # Ok::<(), stormglass::history::MalformedHistory>(())
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::frontier::{Answer, Frontier};
use crate::base::{ClientId, Time};
use crate::check::model::Model;
use crate::check::{Judge, PropertyReport, Verdict};
use crate::history::{self, MalformedHistory, Outcome};
use crate::trace::{Event, Record, Vocabulary};

/// A judge of linearizability that is told of operations one by one.
///
/// **Ties.** What happens at one instant is taken in when time goes on, or at [`Online::finish`], so that a completion and an invocation at
/// one instant can be concurrent. Where several clients do several things at one instant, what one of them did is not held to its order:
/// so *violated* is always true, and *holds* may be said of what [`check`](super::check) would refuse for such an instant alone. The same
/// goes for equal operations of unknown outcome: which of them took effect is not held against when each was invoked.
#[derive(Debug)]
pub struct Online<M: Model> {
    model: M,
    name: Option<&'static str>,
    budget: u64,
    frontiers: Vec<(String, Frontier<M>)>,
    keys: BTreeMap<String, usize>,
    clients: BTreeMap<ClientId, Client>,
    /// What has happened at this instant.
    held: Vec<Held<M>>,
    now: Time,
    invoked: usize,
    states: u64,
    breach: Option<Breach>,
    /// Whether some key was given up.
    unknown: bool,
}

/// Where a history became violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The key, as the model names it.
    pub key: String,
    /// The operation whose completion fits in no order, counted from zero in the order of invocation.
    pub operation: usize,
    /// When it completed.
    pub at: Time,
}

/// What a client is at.
#[derive(Debug, Default)]
struct Client {
    /// Its open operation was invoked then.
    open: Option<Time>,
    /// Those that were taken in: which frontier, which slot, which operation.
    taken: VecDeque<(usize, usize, usize)>,
}

#[derive(Debug)]
enum Held<M: Model> {
    Invoke(ClientId, M::Op, usize),
    Complete(ClientId, Outcome<M::Ret>),
}

impl<M: Model> Held<M> {
    const fn client(&self) -> ClientId {
        match self {
            Self::Invoke(client, ..) | Self::Complete(client, _) => *client,
        }
    }
}

/// How many configurations may be explored for one completion before its key is given up.
const BUDGET: u64 = 200_000;

impl<M: Model> Online<M> {
    /// A judge to whom nothing was told yet.
    pub fn new(model: M) -> Self {
        Self {
            model,
            name: None,
            budget: BUDGET,
            frontiers: Vec::new(),
            keys: BTreeMap::new(),
            clients: BTreeMap::new(),
            held: Vec::new(),
            now: Time::ZERO,
            invoked: 0,
            states: 0,
            breach: None,
            unknown: false,
        }
    }

    /// As a [`Judge`], reports on a property of this name. Without a name it reports nothing, and only asks the run to stop.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Explores at most so many configurations for one completion. A key for which this is too little is given up: nothing is known of it.
    #[must_use]
    pub fn within(mut self, budget: u64) -> Self {
        self.budget = budget;
        self
    }

    /// A client starts an operation.
    ///
    /// # Errors
    /// If time goes backwards, or the client's previous operation is still open; nothing has changed then.
    pub fn invoke(&mut self, at: Time, client: ClientId, op: M::Op) -> Result<(), MalformedHistory> {
        if at < self.now {
            return Err(MalformedHistory::TimeWentBack { at, after: self.now });
        }
        let current = self.clients.entry(client).or_default();
        if let Some(since) = current.open {
            return Err(MalformedHistory::StillOpen { client, at, since });
        }
        current.open = Some(at);
        self.advance(at);
        self.held.push(Held::Invoke(client, op, self.invoked));
        self.invoked += 1;
        Ok(())
    }

    /// A client's operation ends, or the client gives up on it.
    ///
    /// # Errors
    /// If time goes backwards, or the client has nothing open; nothing has changed then.
    pub fn complete(&mut self, at: Time, client: ClientId, outcome: Outcome<M::Ret>) -> Result<(), MalformedHistory> {
        if at < self.now {
            return Err(MalformedHistory::TimeWentBack { at, after: self.now });
        }
        let open = self.clients.get_mut(&client).and_then(|current| current.open.take());
        open.ok_or(MalformedHistory::NothingOpen { client, at })?;
        self.advance(at);
        self.held.push(Held::Complete(client, outcome));
        Ok(())
    }

    /// Time goes on: nothing more happens before this instant.
    pub fn advance(&mut self, to: Time) {
        if to > self.now {
            self.settle();
            self.now = to;
        }
    }

    /// Nothing more happens; what is still open has an unknown outcome.
    pub fn finish(&mut self) -> Verdict {
        self.settle();
        self.verdict()
    }

    /// What is known so far, of what happened before the present instant.
    pub const fn verdict(&self) -> Verdict {
        match (&self.breach, self.unknown) {
            (Some(_), _) => Verdict::Violated,
            (None, true) => Verdict::Unknown,
            (None, false) => Verdict::Holds,
        }
    }

    /// Where the history became violated, if it is.
    pub const fn breach(&self) -> Option<&Breach> {
        self.breach.as_ref()
    }

    /// How many configurations were explored.
    pub const fn states(&self) -> u64 {
        self.states
    }

    /// How many configurations are kept, of all keys together: what memory is proportional to.
    pub fn configurations(&self) -> usize {
        self.frontiers.iter().map(|(_, frontier)| frontier.len()).sum()
    }

    /// Takes in what has happened at this instant.
    fn settle(&mut self) {
        let held = std::mem::take(&mut self.held);
        if self.breach.is_some() {
            return;
        }
        let alone = held.windows(2).all(|pair| pair[0].client() == pair[1].client());
        let (first, then): (Vec<_>, Vec<_>) =
            if alone { (held, Vec::new()) } else { held.into_iter().partition(|event| matches!(event, Held::Invoke(..))) };
        for event in first.into_iter().chain(then) {
            if self.breach.is_none() {
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: Held<M>) {
        match event {
            Held::Invoke(client, op, index) => {
                let key = self.model.key(&op).to_string();
                let place = self.keys.get(&key).copied().unwrap_or_else(|| {
                    self.frontiers.push((key.clone(), Frontier::new(&self.model)));
                    self.keys.insert(key, self.frontiers.len() - 1);
                    self.frontiers.len() - 1
                });
                let slot = self.frontiers[place].1.invoke(&self.model, op);
                self.clients.entry(client).or_default().taken.push_back((place, slot, index));
            }
            Held::Complete(client, outcome) => {
                let taken = self.clients.get_mut(&client).and_then(|current| current.taken.pop_front());
                let (place, slot, operation) = taken.expect("what completes was invoked before");
                let (key, frontier) = &mut self.frontiers[place];
                let before = frontier.states();
                let answer = match outcome {
                    Outcome::Done(ret) => frontier.done(&self.model, slot, &ret, self.budget),
                    Outcome::Failed => frontier.failed(&self.model, slot),
                    Outcome::Unknown => frontier.unknown(&self.model, slot),
                };
                self.states += frontier.states() - before;
                match answer {
                    Answer::Holds => {}
                    Answer::Violated => self.breach = Some(Breach { key: key.clone(), operation, at: self.now }),
                    Answer::GivenUp => self.unknown = true,
                }
            }
        }
    }
}

impl<M, V> Judge<V> for Online<M>
where
    M: Model<Op: Clone, Ret: Clone>,
    V: Vocabulary<Client = history::Event<M::Op, M::Ret>>,
{
    fn observe(&mut self, record: &Record<'_, V>) {
        self.advance(record.at);
        if let Event::Client { event, .. } = record.event {
            // Notes that make no history are the world's to complain of.
            let _ = match event {
                history::Event::Invoke { client, op } => self.invoke(record.at, *client, op.clone()),
                history::Event::Complete { client, outcome } => self.complete(record.at, *client, outcome.clone()),
            };
        }
    }

    fn violated(&self) -> bool {
        self.breach.is_some()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let Some(name) = self.name else { return Vec::new() };
        let report = PropertyReport { verdict: self.verdict(), ..PropertyReport::holds(name) };
        vec![match &self.breach {
            Some(Breach { key, operation, at }) => {
                PropertyReport::violated(name, *at, format!("{key}: operation {operation}, completed at {at}, fits in no order"))
            }
            None if self.unknown => {
                PropertyReport { detail: "too many operations were open or unknown at once to follow".to_owned(), ..report }
            }
            None => report,
        }]
    }
}
