//! The search in depth, exhaustive unless it is told to jump back.

use super::bits::Bits;
use super::expansion::{Expansion, Extent};
use super::moves::{Arrival, Frame, Move, Retrace};
use super::tally::Tally;
use super::visited::{Configuration, Fates, Visited};
use crate::base::sort_by_numbers;
use crate::check::linearizability::encoding::{Encoding, INITIAL, StateId, Transitions};

/// How much a search may take before it pauses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ration {
    /// So many states more.
    pub(crate) states: u64,
    /// So many bytes in all, for its tables and for the states of the model.
    pub(crate) bytes: u64,
}

/// What a search has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchStatus {
    /// There is an order.
    Found,
    /// There is none.
    Exhausted,
    /// As many states were explored as it was allowed.
    Paused,
    /// It holds more than it was allowed.
    Full,
}

/// An order of operations: each with the rank, among all completions of the history, of the return before which it took effect.
pub(crate) type Order = Vec<(u32, u32)>;

/// A search that can be paused and taken up again.
pub(crate) struct Search<const W: usize> {
    pub(super) expansion: Expansion<W>,
    /// The path from the start to where the search is, with the move tried last at each place.
    pub(super) path: Vec<Frame>,
    /// Where to start, as far as that was not tried yet.
    starts: Vec<Checkpoint>,
    pub(super) started: bool,
    /// How many returns were passed where it starts.
    origin: u32,
    /// Where no further return had to be passed, if all ends are asked for.
    ends: Option<Vec<OrderEnd>>,
    /// Whether it goes back far when it gets no further.
    backjumps: Option<Backjumps>,
}

/// A configuration in the terms of its encoding, however wide the search: where to start, or where the last return was passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) state: StateId,
    /// Open operations that took effect, and those that are dominated, by their places in the encoding.
    pub(crate) done: Vec<u32>,
    pub(crate) dominated: Vec<u32>,
    /// How many operations of each class of unknown outcome took effect.
    pub(crate) used: Vec<u32>,
}

/// The end of an order that passes all returns asked for.
#[derive(Clone, Debug)]
pub(crate) struct OrderEnd {
    pub(crate) state: StateId,
    path: Vec<Frame>,
}

/// How many ends are kept: one for each state, and no more than this.
const ENDS: usize = 64;

/// When a search that need not look everywhere goes back far.
#[derive(Clone, Copy, Debug)]
struct Backjumps {
    /// So many states may lead no further.
    states: u64,
    /// The furthest return before which it stood, and how many states had been reached when it got there or went back.
    reached: u32,
    since: u64,
    /// How many returns it goes back next time.
    distance: u32,
    /// Whether it ever did.
    happened: bool,
}

const FIRST_BACKJUMP: u32 = 16;

impl<const W: usize> Search<W> {
    /// A search for an order that passes the first `limit` returns.
    pub(super) fn new(encoding: &Encoding, limit: u32, tally: Tally) -> Self {
        let expansion = Expansion::new(encoding, limit, tally);
        Self { expansion, path: Vec::new(), starts: Vec::new(), started: false, origin: 0, ends: None, backjumps: None }
    }

    /// Starts not in the initial state, but in each of these configurations. What they speak of is open before the first return.
    pub(super) fn start_from(&mut self, starts: Vec<Checkpoint>) {
        self.starts = starts;
    }

    /// Forgets what it knows, and starts where so many returns were passed and nothing is open, in each of these states. Another so many
    /// returns in all are to be passed. For one that was told to collect where orders end.
    pub(super) fn begin_at(&mut self, origin: u32, limit: u32, states: &[StateId]) {
        let start = |state: &StateId| Checkpoint { state: *state, done: Vec::new(), dominated: Vec::new(), used: Vec::new() };
        self.starts = states.iter().map(start).collect();
        self.path.clear();
        self.origin = origin;
        self.expansion.limit = limit;
        self.expansion.visited = Visited::new(&self.expansion.cursor.tally);
        self.expansion.checkpoints = Some(Vec::new());
    }

    /// The states in which the orders end that were collected, if nothing is open there.
    pub(super) fn end_states(&mut self) -> Vec<StateId> {
        let found = self.expansion.checkpoints.take().unwrap_or_default();
        found.into_iter().map(|id| self.expansion.visited.get(id).state).collect()
    }

    /// From now on, the search goes back far when so many states led no further. What it finds is an order all the same. Not for one that
    /// limits what is not counted.
    pub(super) fn backjump_after(&mut self, states: u64) {
        self.expansion.near_first = true;
        self.backjumps = Some(Backjumps { states, reached: 0, since: 0, distance: FIRST_BACKJUMP, happened: false });
    }

    /// Whether it ever went back far, and so may have passed by an order.
    pub(super) fn has_backjumped(&self) -> bool {
        self.backjumps.is_some_and(|backjumps| backjumps.happened)
    }

    /// From now on, the search does not stop at the first order, but collects all configurations in which one can end.
    pub(super) fn seek_checkpoints(&mut self) {
        self.expansion.checkpoints = Some(Vec::new());
    }

    /// The configurations collected so far.
    pub(super) fn checkpoints(&mut self, encoding: &Encoding, transitions: &Transitions<'_>) -> Vec<Checkpoint> {
        let found = self.expansion.checkpoints.take().unwrap_or_default();
        if found.is_empty() {
            return Vec::new();
        }
        self.expansion.cursor.seek(encoding, transitions, self.expansion.limit - 1);
        let places = |mut slots: Bits<W>| -> Vec<u32> {
            std::iter::from_fn(|| slots.pop()).map(|slot| self.expansion.cursor.slots[slot as usize]).collect()
        };
        let checkpoint = |id: &u32| {
            let Configuration { state, fates, .. } = self.expansion.visited.get(*id);
            let used = self.expansion.cursor.tally.fields.iter().map(|place| fates.used.count(place)).collect();
            Checkpoint { state: *state, done: places(fates.done), dominated: places(fates.dominated), used }
        };
        found.iter().filter(|id| !self.expansion.visited.is_outdone(**id, &found)).map(checkpoint).collect()
    }

    /// The state and the fates of a start.
    fn start(&self, encoding: &Encoding, start: &Checkpoint) -> (StateId, Fates<W>) {
        let mut fates = Fates::NONE;
        start.done.iter().for_each(|place| fates.done.insert(encoding.completed[*place as usize].slot));
        start.dominated.iter().for_each(|place| fates.dominated.insert(encoding.completed[*place as usize].slot));
        for (place, count) in self.expansion.cursor.tally.fields.iter().zip(&start.used).filter(|(place, _)| place.mask != 0) {
            fates.used.set_count(place, *count);
        }
        (start.state, fates)
    }

    pub(super) const fn extent(&self) -> &Extent {
        &self.expansion.extent
    }

    /// See [`Expansion::limit_uncounted`].
    pub(super) fn limit_uncounted(&mut self, encoding: &Encoding) {
        self.expansion.limit_uncounted(encoding);
    }

    /// See [`Expansion::short`].
    pub(super) fn short(&self) -> Vec<bool> {
        self.expansion.short()
    }

    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> u64 {
        let ends = self.ends.iter().flatten().map(|end| end.path.capacity()).sum::<usize>();
        (self.expansion.visited.bytes() + (self.path.capacity() + ends) * size_of::<Frame>()) as u64
    }

    /// Goes on until there is an answer, or as much was taken as is allowed.
    pub(super) fn run(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, allowance: Ration) -> SearchStatus {
        let end = self.expansion.extent.states.saturating_add(allowance.states);
        if !self.started {
            if self.expansion.limit == 0 {
                return match self.expansion.goal(INITIAL, &Fates::NONE) {
                    Arrival::Goal(state) if self.is_enough(state) => SearchStatus::Found,
                    _ => SearchStatus::Exhausted,
                };
            }
            if self.starts.is_empty() {
                self.starts.push(Checkpoint { state: INITIAL, done: Vec::new(), dominated: Vec::new(), used: Vec::new() });
            }
            self.started = true;
            self.expansion.cursor.open_before(encoding, transitions, 0);
        }
        loop {
            self.backjump();
            if self.path.is_empty() && self.starts.is_empty() {
                return SearchStatus::Exhausted;
            }
            if self.expansion.extent.states >= end {
                return SearchStatus::Paused;
            }
            if self.bytes() + transitions.table().bytes() > allowance.bytes {
                return SearchStatus::Full;
            }
            let arrival = if let Some(frame) = self.path.last().copied() {
                if let (Move::Indeterminate(_, class, _), Some(spent)) = (frame.taken, &mut self.expansion.spent) {
                    spent[class as usize] -= u32::from(self.expansion.cursor.tally.fields[class as usize].mask == 0);
                }
                let configuration = *self.expansion.visited.get(frame.configuration);
                self.expansion.cursor.seek(encoding, transitions, configuration.event);
                let Some((choice, state, next)) = self.expansion.choose(encoding, transitions, &configuration, frame.next, frame.unseen)
                else {
                    self.expansion.extent.horizon = self.expansion.extent.horizon.max(configuration.event + 1);
                    self.path.pop();
                    continue;
                };
                let top = self.path.last_mut().expect("there is a frame");
                top.next = next;
                top.taken = choice;
                self.expansion.follow(encoding, transitions, &configuration, choice, state, None)
            } else {
                let start = self.starts.pop().expect("there is a start if there is no path");
                let (state, fates) = self.start(encoding, &start);
                self.expansion.cursor.seek(encoding, transitions, self.origin);
                self.expansion.arrive(encoding, transitions, state, fates, false, None)
            };
            match arrival {
                Arrival::Goal(state) if self.is_enough(state) => return SearchStatus::Found,
                Arrival::Goal(_) | Arrival::Back => {}
                Arrival::New(id, unseen) => self.enter(encoding, id, unseen),
            }
        }
    }

    /// Goes back far at once, and further each time, if for long no return was reached that was not before.
    fn backjump(&mut self) {
        let Some(backjumps) = &mut self.backjumps else { return };
        if self.expansion.extent.deepest > backjumps.reached {
            (backjumps.reached, backjumps.since, backjumps.distance) =
                (self.expansion.extent.deepest, self.expansion.extent.states, FIRST_BACKJUMP);
        } else if self.expansion.extent.states - backjumps.since >= backjumps.states {
            let back = self.expansion.extent.deepest.saturating_sub(backjumps.distance);
            while self.path.pop_if(|frame| self.expansion.visited.get(frame.configuration).event > back).is_some() {}
            (backjumps.since, backjumps.distance, backjumps.happened) =
                (self.expansion.extent.states, backjumps.distance.saturating_mul(2), true);
        }
    }

    fn enter(&mut self, encoding: &Encoding, id: u32, unseen: bool) {
        self.expansion.invariants(encoding, id);
        let next = self.expansion.first_move(encoding, id, unseen);
        self.path.push(Frame { configuration: id, next, taken: Move::Nothing, unseen });
    }

    /// Whether to stop at this order, which leaves this state; notes its end if all are asked for.
    fn is_enough(&mut self, state: StateId) -> bool {
        let Some(ends) = &mut self.ends else { return true };
        if ends.len() < ENDS && ends.iter().all(|end| end.state != state) {
            ends.push(OrderEnd { state, path: self.path.clone() });
        }
        false
    }

    /// From now on, the search does not stop at the first order, but collects the ends of many.
    pub(super) fn seek_ends(&mut self) {
        self.ends = Some(Vec::new());
    }

    /// The ends collected so far.
    pub(super) fn ends(&mut self) -> &mut Vec<OrderEnd> {
        self.ends.get_or_insert_default()
    }

    /// The order that leads to this end.
    pub(super) fn order_of(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, end: &OrderEnd) -> Order {
        self.ends = None;
        self.path.clone_from(&end.path);
        self.order(encoding, transitions)
    }

    /// The order found, by walking the path again.
    pub(super) fn order(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>) -> Order {
        if self.expansion.limit == 0 {
            return Order::new();
        }
        let mut retrace = Retrace::new(encoding.slots);
        self.expansion.spent.iter_mut().for_each(|spent| spent.fill(0));
        self.expansion.cursor.seek(encoding, transitions, 0);
        self.expansion.arrive(encoding, transitions, INITIAL, Fates::NONE, false, Some(&mut retrace));
        for place in 0..self.path.len() {
            let frame = self.path[place];
            let configuration = *self.expansion.visited.get(frame.configuration);
            self.expansion.cursor.seek(encoding, transitions, configuration.event);
            let state = self.expansion.choose(encoding, transitions, &configuration, frame.taken, false).map(|(_, state, _)| state);
            let state = state.expect("a move once made can be made again");
            self.expansion.follow(encoding, transitions, &configuration, frame.taken, state, Some(&mut retrace));
        }
        // Stable: those that hide before one write stay in the order of their returns.
        sort_by_numbers(&mut retrace.hidden, |(place, _)| (*place as u64, 0));
        let mut hidden = retrace.hidden.into_iter().peekable();
        let mut order = Order::with_capacity(retrace.order.len());
        for (place, (index, event)) in retrace.order.into_iter().enumerate() {
            while let Some((_, hiding)) = hidden.next_if(|(before, _)| *before == place) {
                order.push((hiding, encoding.ranks[event as usize]));
            }
            order.push((index, encoding.ranks[event as usize]));
        }
        order
    }
}
