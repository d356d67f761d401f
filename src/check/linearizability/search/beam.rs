//! The search in breadth: from the best configuration wherever it is, but from no more than so many before each return.
//!
//! A configuration is good if it stands far and took few operations of unknown outcome to get there: later returns may need them.

use std::collections::BinaryHeap;

use super::{Arrival, Choice, Frame, Progress, Search};
use crate::check::linearizability::machine::{INITIAL, Steps};
use crate::check::linearizability::plan::{NONE, Plan};
use crate::check::linearizability::visited::{Fates, Visited};

/// From how many configurations it goes on before each return at first, and how many times as many when it begins anew.
const WIDTH: u32 = 32;
const WIDENING: u32 = 4;
/// An operation of unknown outcome is worth this part of the returns on which there is one of them.
const PRICE: i64 = 8;

/// What such a search has ahead.
#[derive(Debug, Default)]
pub(super) struct Beam {
    /// None before it began.
    width: u32,
    /// Whether some configuration was left out.
    narrow: bool,
    /// From how many it went on, by return.
    taken: Vec<u32>,
    ahead: BinaryHeap<Ahead>,
    /// For each configuration, from which one it was reached, and by what choice.
    parents: Vec<(u32, Choice)>,
}

/// A configuration to go on from. The best comes first; of those that are as good, the one that was found last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ahead {
    worth: i64,
    event: u32,
    id: u32,
    /// See [`Frame::unseen`].
    unseen: bool,
}

impl Beam {
    fn new(plan: &Plan, width: u32) -> Self {
        Self { width, taken: vec![0; plan.returns.len()], ..Self::default() }
    }

    fn next(&mut self) -> Option<Ahead> {
        loop {
            let next = self.ahead.pop()?;
            let taken = &mut self.taken[next.event as usize];
            if *taken < self.width {
                *taken += 1;
                return Some(next);
            }
            self.narrow = true;
        }
    }
}

impl<const W: usize> Search<W> {
    /// Goes on in breadth until there is an answer, or about this many more states were reached. If there was no order among those that it
    /// looked at and it did not look at all, it begins anew. For a search that starts in the initial state and stops at the first order.
    pub(in crate::check::linearizability) fn run_broad(&mut self, plan: &Plan, steps: &mut Steps<'_>, budget: u64) -> Progress {
        if self.limit == 0 {
            return Progress::Found;
        }
        let end = self.states.saturating_add(budget);
        let mut beam = self.beam.take().unwrap_or_default();
        let progress = loop {
            if self.states >= end {
                break Progress::Paused;
            }
            let found = match beam.next() {
                Some(next) => self.broaden(plan, steps, &mut beam, next),
                None if beam.width > 0 && !beam.narrow => break Progress::Exhausted,
                None => {
                    beam = Beam::new(plan, beam.width.saturating_mul(WIDENING).max(WIDTH));
                    self.begin(plan, steps, &mut beam)
                }
            };
            if found {
                break Progress::Found;
            }
        };
        self.beam = Some(beam);
        progress
    }

    /// Whether there is nothing else to do.
    fn begin(&mut self, plan: &Plan, steps: &mut Steps<'_>, beam: &mut Beam) -> bool {
        self.visited = Visited::new(&self.cursor.tally);
        if !std::mem::replace(&mut self.started, true) {
            self.cursor.open_before(plan, steps, 0);
        }
        self.cursor.seek(plan, steps, 0);
        let arrival = self.arrive(plan, steps, INITIAL, Fates::NONE, false, None);
        self.note(plan, beam, &arrival, (NONE, Choice::Nothing))
    }

    /// Makes every choice that there is here; whether one led to the goal.
    fn broaden(&mut self, plan: &Plan, steps: &mut Steps<'_>, beam: &mut Beam, here: Ahead) -> bool {
        let configuration = *self.visited.get(here.id);
        let mut next = self.first_choice(plan, here.id, here.unseen);
        loop {
            self.cursor.seek(plan, steps, here.event);
            let Some((choice, state, after)) = self.choose(plan, steps, &configuration, next, here.unseen) else {
                self.horizon = self.horizon.max(here.event + 1);
                return false;
            };
            next = after;
            let arrival = self.follow(plan, steps, &configuration, choice, state, None);
            if self.note(plan, beam, &arrival, (here.id, choice)) {
                return true;
            }
        }
    }

    /// Whether this is the goal; then the way to it is known.
    fn note(&mut self, plan: &Plan, beam: &mut Beam, arrival: &Arrival, parent: (u32, Choice)) -> bool {
        match *arrival {
            Arrival::Back => {}
            Arrival::New(id, unseen) => {
                let configuration = self.visited.get(id);
                let event = configuration.event;
                // Those that can help nobody any more cost nothing.
                let used = configuration.fates.used.minus(&self.cursor.used_up);
                let used: u32 = self.cursor.tally.places.iter().map(|place| used.count(place)).sum();
                let worth = PRICE * plan.loose.len() as i64 * i64::from(event) - plan.returns.len() as i64 * i64::from(used);
                beam.parents.push(parent);
                beam.ahead.push(Ahead { worth, event, id, unseen });
            }
            Arrival::Goal => {
                let (mut configuration, mut taken) = parent;
                while configuration != NONE {
                    self.way.push(Frame { configuration, next: Choice::Nothing, taken, unseen: false });
                    (configuration, taken) = beam.parents[configuration as usize];
                }
                self.way.reverse();
                return true;
            }
        }
        false
    }
}
