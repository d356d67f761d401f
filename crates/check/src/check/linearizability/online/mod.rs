//! Judging while the history is made: operations come in as they are invoked and as they finish, and go as soon as they are settled.
//!
//! Of each key only a *window* is kept: what completed lately, what is open, and what is of unknown outcome. Behind a completion before
//! which nothing was invoked that is still open, all is known that can ever be known of what came before. So the window is cut there again
//! and again, and what remains of the past is the set of configurations that an order can have led to: states, each with what became of the
//! operations that reach across the cut (just-in-time linearization; G. Lowe, *Testing for linearizability*, 2017). Memory is bounded by
//! how many operations are open at once, by what completes while the slowest of them is, and by how many are of unknown outcome; not by how
//! long the history is.
//!
//! After each completion the window is asked whether there still is an order; a long window, after a thirty-second part of it. When there
//! is none, the history is violated, whatever comes. The completion that is named then is the first with which it is, if all
//! operations of unknown outcome could be counted.
//!
//! ```
//! use stormglass_check::base::{ClientId, Time};
//! use stormglass_check::check::{Verdict, linearizability::Online, model::register::{Register, RegisterOp, RegisterResult}};
//! use stormglass_check::history::Outcome;
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
//! assert_eq!(online.violation().map(|violation| (violation.operation, violation.at)), Some((2, at(5))));
//! # Ok::<(), stormglass_check::history::MalformedHistory>(())
//! ```

mod frontier;
mod window;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use self::frontier::{Cadence, Frontier, KeyStatus};
use self::window::{KeyWindow, ModelWindow, Window};
use super::explanation::named;
use crate::base::{ClientId, Time};
use crate::check::model::{Key, Model};
use crate::check::verdict::{Counterexample, Linearizability, Property, PropertyReport, Verdict};
use crate::history::{MalformedHistory, Outcome};

/// A judge of linearizability that gets operations one by one.
///
/// It says *holds* and *violated* of the same histories as [`check`](super::check), and *unknown* where it cannot know:
///
/// - if its budget ends. Once half of it does, operations of unknown outcome are not counted any more where that is possible: each may then
///   take effect any number of times, which only allows more. *Violated* is true even so, though perhaps found with a later completion;
/// - if an operation was open for very long, ever since before the last 32,768 completions on its key, and then ended after all: it is
///   taken to have an unknown outcome, which only allows more. *Violated* is true even so;
/// - if several clients go from one key to another at one instant. Then keys that hold apart may not hold together.
///
/// **Ties.** What happens at one instant is judged when time goes on, or at [`Online::finish`], so that a completion and an invocation at
/// one instant can be concurrent.
#[derive(Debug)]
pub struct Online<M: Model> {
    model: M,
    property: Option<Property>,
    budget: u64,
    cadence: Cadence,
    tracks: Vec<TrackedKey<M>>,
    places: KeyIndex,
    clients: BTreeMap<ClientId, ClientState>,
    /// The keys on which something completed at this instant, and the clients that went from one key to another.
    touched: Vec<usize>,
    crossing: Vec<ClientId>,
    now: Time,
    invoked: usize,
    explored: u64,
    /// How many operations are remembered, and with how many all windows are cut.
    remembered: usize,
    roomy: usize,
    violations: Vec<ViolatedKey>,
    /// Whether something is not known of all keys that are not violated.
    unknown: bool,
}

/// Where a history became violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViolatedKey {
    /// The key, as the model names it.
    pub key: String,
    /// The operation whose completion fits in no order, counted from zero in the order of invocation.
    pub operation: usize,
    /// When it completed.
    pub at: Time,
}

/// One key.
#[derive(Debug)]
struct TrackedKey<M: Model> {
    key: String,
    window: KeyWindow<M>,
    /// Nothing once there is no more to be known of it.
    frontier: Option<Frontier>,
}

/// Where each key is.
#[derive(Debug, Default)]
struct KeyIndex {
    texts: FxHashMap<String, usize>,
    numbers: FxHashMap<Key<'static>, usize>,
}

/// What a client is at.
#[derive(Debug, Default)]
struct ClientState {
    /// Its open operation was invoked then, on the key at this place.
    open: Option<(Time, usize)>,
    /// When and where the last one ended.
    last: Option<(Time, usize)>,
}

/// How many configurations may be explored at a time.
const BUDGET: u64 = 400_000;
/// How often that may be needed in whole; and how many configurations may be explored for each operation beyond that.
const TIMES: u64 = 10;
const EACH: u64 = 400;
/// As soon as can be.
const EAGER: Cadence = Cadence { look: 1, cut: 16, step: 512 };
/// As cheaply as can be.
const BATCHED: Cadence = Cadence { look: 512, cut: 512, step: 512 };
/// Keys of which little is known are not asked of before so many operations are remembered.
const ROOMY: usize = 1 << 16;

const LOOKED_AT: &str = "clients and time were looked at before";

impl<M: Model> Online<M> {
    /// A judge to which nothing was said yet.
    pub fn new(model: M) -> Self {
        Self {
            model,
            property: None,
            budget: BUDGET,
            cadence: EAGER,
            tracks: Vec::new(),
            places: KeyIndex::default(),
            clients: BTreeMap::new(),
            touched: Vec::new(),
            crossing: Vec::new(),
            now: Time::ZERO,
            invoked: 0,
            explored: 0,
            remembered: 0,
            roomy: ROOMY,
            violations: Vec::new(),
            unknown: false,
        }
    }

    /// Reports on this property. Without one it reports nothing; as a judge of a run it then only asks the run to stop.
    #[must_use]
    pub fn reporting(mut self, property: Property) -> Self {
        self.property = Some(property);
        self
    }

    /// Explores at most so many configurations whenever it looks at a key, 400,000 if nothing is said; and in all, for all keys together,
    /// at most ten times as many and four hundred for each operation. A key for which this is too little is given up: nothing is known of
    /// it.
    #[must_use]
    pub fn within(mut self, budget: u64) -> Self {
        self.budget = budget;
        self
    }

    /// Looks only now and then, and at [`Online::finish`]: several times as quick, and comes to the same end. A violation is known some
    /// hundred completions later.
    #[must_use]
    pub fn batched(mut self) -> Self {
        self.cadence = BATCHED;
        self
    }

    /// Cuts each window once so many operations in it have completed, into pieces of at most so many. With fewer, less is remembered, and
    /// it takes longer.
    #[must_use]
    pub fn with_windows_of(mut self, completions: usize) -> Self {
        let Cadence { look, step, .. } = self.cadence;
        self.cadence = Cadence { look: look.min(completions.max(1)), cut: completions, step: step.min(completions.max(1)) };
        self
    }

    /// A client invokes an operation, which is on the key that the model says.
    ///
    /// # Errors
    /// If time goes backwards, or the client's previous operation is still open; nothing has changed then.
    pub fn invoke(&mut self, at: Time, client: ClientId, op: M::Op) -> Result<(), MalformedHistory> {
        if at < self.now {
            return Err(MalformedHistory::TimeWentBack { at, after: self.now });
        }
        if let Some((since, _)) = self.clients.get(&client).and_then(|client| client.open) {
            return Err(MalformedHistory::StillOpen { client, at, since });
        }
        self.advance(at);
        let place = self.place(&op);
        let current = self.clients.entry(client).or_default();
        current.open = Some((at, place));
        if current.last.is_some_and(|(ended, before)| ended == at && before != place) && !self.crossing.contains(&client) {
            self.crossing.push(client);
        }
        let track = &mut self.tracks[place];
        if let Some(frontier) = &mut track.frontier {
            frontier.invoke(self.invoked);
            track.window.history.invoke(at, client, op).expect(LOOKED_AT);
            self.remembered += 1;
        }
        self.invoked += 1;
        Ok(())
    }

    /// A client's open operation ends.
    ///
    /// # Errors
    /// If time goes backwards, or the client has nothing open; nothing has changed then.
    pub fn complete(&mut self, at: Time, client: ClientId, outcome: Outcome<M::Ret>) -> Result<(), MalformedHistory> {
        if at < self.now {
            return Err(MalformedHistory::TimeWentBack { at, after: self.now });
        }
        if self.clients.get(&client).is_none_or(|current| current.open.is_none()) {
            return Err(MalformedHistory::NothingOpen { client, at });
        }
        self.advance(at);
        let current = self.clients.entry(client).or_default();
        let (_, place) = current.open.take().expect("it is open");
        current.last = Some((at, place));
        let track = &mut self.tracks[place];
        if let Some(frontier) = &mut track.frontier {
            track.window.history.complete(at, client, frontier.complete(client, outcome)).expect(LOOKED_AT);
            if self.touched.last() != Some(&place) {
                self.touched.push(place);
            }
        }
        Ok(())
    }

    /// The key of an operation.
    fn place(&mut self, op: &M::Op) -> usize {
        let key = self.model.key(op);
        let next = self.tracks.len();
        let known = match key {
            Key::Text(text) => self.places.texts.get(text).copied(),
            Key::Whole => self.places.numbers.get(&Key::Whole).copied(),
            Key::Number(number) => self.places.numbers.get(&Key::Number(number)).copied(),
            Key::Signed(number) => self.places.numbers.get(&Key::Signed(number)).copied(),
        };
        known.unwrap_or_else(|| {
            match key {
                Key::Text(text) => self.places.texts.insert(text.to_owned(), next),
                Key::Whole => self.places.numbers.insert(Key::Whole, next),
                Key::Number(number) => self.places.numbers.insert(Key::Number(number), next),
                Key::Signed(number) => self.places.numbers.insert(Key::Signed(number), next),
            };
            let (window, frontier) = (KeyWindow::new(&self.model), Some(Frontier::new(self.cadence)));
            self.tracks.push(TrackedKey { key: key.to_string(), window, frontier });
            next
        })
    }

    /// Time goes on: nothing more happens before this instant.
    pub fn advance(&mut self, to: Time) {
        if to > self.now {
            let touched = std::mem::take(&mut self.touched);
            for place in &touched {
                self.ask(*place, &Frontier::check);
            }
            self.touched = touched;
            self.touched.clear();
            self.unknown |= self.crossing.len() > 1;
            self.crossing.clear();
            self.now = to;
            if self.remembered > self.roomy {
                for place in 0..self.tracks.len() {
                    self.ask(place, &Frontier::settle);
                }
                self.roomy = ROOMY.max(2 * self.remembered);
            }
        }
    }

    /// Nothing more happens; what is still open has an unknown outcome.
    pub fn finish(&mut self) -> Verdict {
        for place in 0..self.tracks.len() {
            self.ask(place, &Frontier::look);
        }
        self.unknown |= self.crossing.len() > 1;
        self.verdict()
    }

    /// Asks about one key.
    fn ask(&mut self, place: usize, question: &dyn Fn(&mut Frontier, &mut dyn Window) -> KeyStatus) {
        let track = &mut self.tracks[place];
        let Some(frontier) = &mut track.frontier else { return };
        let (before, states) = (frontier.operations(), frontier.states());
        let allowed = self.budget.saturating_mul(TIMES).saturating_add(EACH * self.invoked as u64);
        frontier.allow(self.budget.min(allowed.saturating_sub(self.explored)));
        let answer = question(frontier, &mut ModelWindow { model: &self.model, window: &mut track.window });
        self.explored += frontier.states() - states;
        self.remembered -= before;
        match answer {
            KeyStatus::Holds => {
                self.remembered += frontier.operations();
                return;
            }
            KeyStatus::Violated { operation, at } => self.violations.push(ViolatedKey { key: track.key.clone(), operation, at }),
            KeyStatus::GivenUp => self.unknown = true,
        }
        (track.window, track.frontier) = (KeyWindow::new(&self.model), None);
    }

    /// What is known so far, of what happened before the present instant.
    pub fn verdict(&self) -> Verdict {
        let weakened = || self.tracks.iter().filter_map(|track| track.frontier.as_ref()).any(Frontier::is_weakened);
        match (self.violations.is_empty(), self.unknown || weakened()) {
            (false, _) => Verdict::Violated,
            (true, true) => Verdict::Unknown,
            (true, false) => Verdict::Holds,
        }
    }

    /// Where the history became violated, if it is.
    pub fn violation(&self) -> Option<&ViolatedKey> {
        self.violations.first()
    }

    /// Where each key that is violated became so, in the order in which that was found.
    pub fn violations(&self) -> &[ViolatedKey] {
        &self.violations
    }

    /// How many configurations were explored.
    pub const fn states(&self) -> u64 {
        self.explored
    }

    /// How many configurations the windows of all keys may begin in.
    pub fn configurations(&self) -> usize {
        self.tracks.iter().filter_map(|track| track.frontier.as_ref()).map(Frontier::configurations).sum()
    }

    /// How many operations are remembered: together with [`Online::configurations`], what memory is proportional to.
    pub const fn operations(&self) -> usize {
        self.remembered
    }

    /// What became of the property that it reports on; nothing without one.
    pub fn report(&self) -> Option<PropertyReport> {
        let property = self.property.as_ref()?;
        let found = self.violation().map(|found| {
            let violation = Counterexample::unexplained((self.model.part_noun(), named(&found.key)), Some(found.at), None);
            PropertyReport::violated(property, found.at, Linearizability { violations: vec![violation], undecided: Vec::new() })
        });
        Some(found.unwrap_or_else(|| PropertyReport { verdict: self.verdict(), ..PropertyReport::holds(property) }))
    }
}
