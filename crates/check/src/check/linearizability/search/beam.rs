//! The search in breadth: from the best configuration wherever it is, but from no more than so many before each return.
//!
//! A configuration is good if it stands far along and took few operations of unknown outcome to get there: later returns may need them.

use std::collections::BinaryHeap;

use super::depth_first::{Ration, Search, SearchStatus};
use super::moves::{Arrival, Frame, Move};
use super::visited::{Fates, Visited};
use crate::check::linearizability::encoding::{Encoding, INITIAL, NONE, Transitions};

/// From how many configurations it goes on before each return at first, and how many times as many when it begins anew.
const WIDTH: u32 = 32;
const WIDENING: u32 = 4;
/// An operation of unknown outcome is worth this part of the returns on which there is one of them.
const PRICE: i64 = 8;

/// What such a search has ahead.
#[derive(Debug, Default)]
pub(crate) struct Beam {
    /// None before it began.
    width: u32,
    /// Whether some configuration was left out.
    narrow: bool,
    /// From how many it went on, by return.
    taken: Vec<u32>,
    ahead: BinaryHeap<Ahead>,
    /// For each configuration, from which one it was reached, and by what move.
    parents: Vec<(u32, Move)>,
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
    fn new(encoding: &Encoding, width: u32) -> Self {
        Self { width, taken: vec![0; encoding.returns.len()], ..Self::default() }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let Self { taken, ahead, parents, .. } = self;
        (taken.capacity() * size_of::<u32>() + ahead.capacity() * size_of::<Ahead>() + parents.capacity() * size_of::<(u32, Move)>()) as u64
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
    /// Goes on in breadth until there is an answer, or about as much was taken as is allowed. If there was no order among those that it
    /// looked at and it did not look at all, it begins anew. For a search that starts in the initial state and stops at the first order.
    pub(super) fn run_broad(
        &mut self,
        beam: &mut Beam,
        encoding: &Encoding,
        transitions: &mut Transitions<'_>,
        allowance: Ration,
    ) -> SearchStatus {
        if self.expansion.limit == 0 {
            return SearchStatus::Found;
        }
        let end = self.expansion.extent.states.saturating_add(allowance.states);
        while self.expansion.extent.states < end {
            if self.bytes() + beam.bytes() + transitions.table().bytes() > allowance.bytes {
                return SearchStatus::Full;
            }
            let found = match beam.next() {
                Some(next) => self.broaden(encoding, transitions, beam, next),
                None if beam.width > 0 && !beam.narrow => return SearchStatus::Exhausted,
                None => {
                    *beam = Beam::new(encoding, beam.width.saturating_mul(WIDENING).max(WIDTH));
                    self.begin(encoding, transitions, beam)
                }
            };
            if found {
                return SearchStatus::Found;
            }
        }
        SearchStatus::Paused
    }

    /// Whether there is nothing else to do.
    fn begin(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, beam: &mut Beam) -> bool {
        self.expansion.visited = Visited::new(&self.expansion.cursor.tally);
        if !std::mem::replace(&mut self.started, true) {
            self.expansion.cursor.open_before(encoding, transitions, 0);
        }
        self.expansion.cursor.seek(encoding, transitions, 0);
        let arrival = self.expansion.arrive(encoding, transitions, INITIAL, Fates::NONE, false, None);
        self.note(encoding, beam, &arrival, (NONE, Move::Nothing))
    }

    /// Makes every move that there is here; whether one led to the goal.
    fn broaden(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, beam: &mut Beam, here: Ahead) -> bool {
        let configuration = *self.expansion.visited.get(here.id);
        let mut next = self.expansion.first_move(encoding, here.id, here.unseen);
        loop {
            self.expansion.cursor.seek(encoding, transitions, here.event);
            let Some((choice, state, after)) = self.expansion.choose(encoding, transitions, &configuration, next, here.unseen) else {
                self.expansion.extent.horizon = self.expansion.extent.horizon.max(here.event + 1);
                return false;
            };
            next = after;
            let arrival = self.expansion.follow(encoding, transitions, &configuration, choice, state, None);
            if self.note(encoding, beam, &arrival, (here.id, choice)) {
                return true;
            }
        }
    }

    /// Whether this is the goal; then the path to it is known.
    fn note(&mut self, encoding: &Encoding, beam: &mut Beam, arrival: &Arrival, parent: (u32, Move)) -> bool {
        match *arrival {
            Arrival::Back => {}
            Arrival::New(id, unseen) => {
                self.expansion.invariants(encoding, id);
                let configuration = self.expansion.visited.get(id);
                let event = configuration.event;
                // Those that are of no use any more cost nothing.
                let used = configuration.fates.used.minus(&self.expansion.cursor.used_up);
                let used: u32 = self.expansion.cursor.tally.fields.iter().map(|place| used.count(place)).sum();
                let worth =
                    PRICE * encoding.indeterminate.len() as i64 * i64::from(event) - encoding.returns.len() as i64 * i64::from(used);
                beam.parents.push(parent);
                beam.ahead.push(Ahead { worth, event, id, unseen });
            }
            Arrival::Goal(_) => {
                let (mut configuration, mut taken) = parent;
                while configuration != NONE {
                    self.path.push(Frame { configuration, next: Move::Nothing, taken, unseen: false });
                    (configuration, taken) = beam.parents[configuration as usize];
                }
                self.path.reverse();
                return true;
            }
        }
        false
    }
}
