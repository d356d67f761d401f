//! Sequential consistency: a search for one order of everything, over the clients' positions.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Guarantee, GuaranteeReport, describe, rules};
use crate::base::{ClientId, sort_by_numbers};
use crate::check::linearizability::{Judged, KindId, Numbered, StateId, Subject};
use crate::check::model::{Key, Model, Role};
use crate::check::verdict::{Broken, Budget, Fact, Verdict};
use crate::history::{History, Outcome};

/// Judges whether there is one order of all operations that keeps to each client's own, spending no more than about this.
///
/// An operation of unknown outcome follows what its client did before it; what its client did next need not wait for it.
pub fn check_sequential<M: Model>(model: &M, history: &History<M::Op, M::Ret>, budget: impl Into<Budget>) -> GuaranteeReport {
    check(&Judged { model, history }, budget.into())
}

/// As [`check_sequential`].
pub(super) fn check(subject: &dyn Subject, budget: Budget) -> GuaranteeReport {
    let guarantee = Guarantee::Sequential;
    let model = subject.numbered();
    let mut keys: Vec<Key<'_>> = (0..subject.timeline().len()).map(|index| subject.key(index)).collect();
    keys.sort_unstable();
    keys.dedup();
    let operations = subject.timeline().len();
    let (budget, bytes) = (budget.states_for(operations), budget.bytes_for(operations));
    let mut states = 0;
    // If one key has no order, neither has the whole; and a key is quicker to search.
    for key in keys.iter().filter(|_| keys.len() > 1) {
        let mut search = Search::new(subject, &model, Some(*key));
        let found = search.run(budget.saturating_sub(states) / 4, bytes);
        states += search.states;
        if found == Some(false) {
            return violated(subject, &search, states, rules::KEY_ALONE.with("key", Fact::Key(key.to_string())));
        }
    }
    let mut search = Search::new(subject, &model, None);
    let found = search.run(budget.saturating_sub(states), bytes);
    states += search.states;
    match found {
        Some(true) => GuaranteeReport::holds(guarantee, states),
        Some(false) => {
            violated(subject, &search, states, if keys.len() > 1 { &rules::KEYS_TOGETHER } else { &rules::NO_OWN_ORDER }.broken())
        }
        None => {
            let why = match search.full {
                Some(bytes) => rules::NO_ROOM.with("states", states).with("bytes", bytes),
                None => rules::UNDECIDED.with("states", states),
            };
            GuaranteeReport { guarantee, verdict: Verdict::Unknown, why: vec![why], states }
        }
    }
}

fn violated(subject: &dyn Subject, search: &Search<'_, '_>, states: u64, why: Broken) -> GuaranteeReport {
    let stuck = search.blocked.iter().map(|index| describe(subject, *index)).collect();
    let why = vec![why.with("stuck", Fact::All(stuck))];
    GuaranteeReport { guarantee: Guarantee::Sequential, verdict: Verdict::Violated, why, states }
}

/// One operation, laid out for the search.
struct PlacedOperation {
    index: usize,
    op: KindId,
    ret: Option<KindId>,
    key: u32,
    role: Role<StateId>,
    /// For an observer: which operations could leave what it needs; nothing if any could.
    sources: Option<Vec<Position>>,
}

/// An operation by where it stands: in a client's line, or among those of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Position {
    Line(u32, u32),
    Unknown(u32),
}

struct Search<'h, 'o> {
    model: &'h Numbered<'o>,
    /// Each client's operations that are known to have taken effect.
    lines: Vec<Vec<PlacedOperation>>,
    /// Those of unknown outcome, each with the client and the position that it follows.
    unknown: Vec<(PlacedOperation, u32, u32)>,
    keys: usize,
    states: u64,
    /// How many bytes it held, if that was too much.
    full: Option<u64>,
    /// The operations at which the furthest attempt was stuck.
    blocked: Vec<usize>,
    furthest: u32,
}

/// Where each client is, what of unknown outcome took effect, and what each key holds.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Point {
    positions: Vec<u32>,
    used: Vec<u64>,
    held: Vec<u32>,
}

impl<'h, 'o> Search<'h, 'o> {
    fn new(subject: &dyn Subject, model: &'h Numbered<'o>, only: Option<Key<'_>>) -> Self {
        let mut numbers: FxHashMap<Key<'_>, u32> = FxHashMap::default();
        let mut clients: FxHashMap<ClientId, u32> = FxHashMap::default();
        let mut lines: Vec<Vec<PlacedOperation>> = Vec::new();
        let mut unknown = Vec::new();
        for (index, operation) in model.history.operations().iter().enumerate() {
            let key = subject.key(index);
            if only.is_some_and(|only| only != key) || matches!(operation.outcome, Outcome::Failed) {
                continue;
            }
            let count = numbers.len() as u32;
            let key = *numbers.entry(key).or_insert(count);
            let line = *clients.entry(operation.client).or_insert(lines.len() as u32) as usize;
            if line == lines.len() {
                lines.push(Vec::new());
            }
            let ret = operation.result();
            let placed = PlacedOperation {
                index,
                op: operation.op,
                ret: ret.copied(),
                key,
                role: model.role(&operation.op, ret).effect(),
                sources: None,
            };
            match operation.outcome {
                Outcome::Unknown if placed.role == Role::Observer => {}
                Outcome::Unknown => unknown.push((placed, line as u32, lines[line].len() as u32)),
                _ => lines[line].push(placed),
            }
        }
        let mut search = Self { model, lines, unknown, keys: numbers.len(), states: 0, full: None, blocked: Vec::new(), furthest: 0 };
        search.find_sources();
        search
    }

    /// Where every operation of a key leaves one known state, it is known which of them can serve an observer.
    fn find_sources(&mut self) {
        let mut plain = vec![true; self.keys];
        let mut writers: Vec<(Position, u32, StateId)> = Vec::new();
        let all = self.lines.iter().enumerate().flat_map(|(line, operations)| {
            operations.iter().enumerate().map(move |(place, placed)| (Position::Line(line as u32, place as u32), placed))
        });
        for (place, placed) in
            all.chain(self.unknown.iter().enumerate().map(|(place, (placed, ..))| (Position::Unknown(place as u32), placed)))
        {
            match &placed.role {
                Role::Observer => {}
                Role::Write(state) | Role::Swap(state) => writers.push((place, placed.key, *state)),
                Role::Update | Role::Read(_) | Role::Exchange { .. } | Role::Other => plain[placed.key as usize] = false,
            }
        }
        let by_state: FxHashMap<(u32, StateId), Vec<Position>> =
            writers.into_iter().fold(FxHashMap::default(), |mut map, (place, key, state)| {
                map.entry((key, state)).or_insert_with(Vec::new).push(place);
                map
            });
        let mut by_key: Vec<Vec<StateId>> = vec![Vec::new(); self.keys];
        by_state.keys().for_each(|(key, state)| by_key[*key as usize].push(*state));
        for placed in self.lines.iter_mut().flatten().filter(|placed| placed.role == Role::Observer && plain[placed.key as usize]) {
            let serving =
                by_key[placed.key as usize].iter().filter(|state| self.model.step(state, &placed.op, placed.ret.as_ref()).is_legal());
            let mut places: Vec<Position> = serving.filter_map(|state| by_state.get(&(placed.key, *state))).flatten().copied().collect();
            places.sort_unstable();
            placed.sources = Some(places);
        }
    }

    /// Whether there is an order; nothing if the budget ended.
    fn run(&mut self, budget: u64, bytes: u64) -> Option<bool> {
        let start = Point {
            positions: vec![0; self.lines.len()],
            used: vec![0; self.unknown.len().div_ceil(64)],
            held: vec![self.model.initial(); self.keys],
        };
        let each = size_of_val(&*start.positions) + size_of_val(&*start.used) + size_of_val(&*start.held);
        let mut visited: FxHashSet<Point> = FxHashSet::default();
        let mut stack = vec![start];
        while let Some(mut point) = stack.pop() {
            self.observe(&mut point);
            if self.lines.iter().zip(&point.positions).all(|(line, position)| *position as usize == line.len()) {
                return Some(true);
            }
            if !self.serves(&point) || !visited.insert(point.clone()) {
                continue;
            }
            self.states += 1;
            if self.states > budget {
                return None;
            }
            let points = visited.capacity() + stack.capacity();
            let held = (points * size_of::<Point>() + (visited.len() + stack.len()) * each) as u64 + self.model.bytes();
            if held > bytes {
                self.full = Some(held);
                return None;
            }
            // The last pushed is tried first: what really began first.
            let mut next = self.followers(&point);
            sort_by_numbers(&mut next, |(index, _)| (u64::MAX - *index as u64, 0));
            stack.extend(next.into_iter().map(|(_, point)| point));
        }
        Some(false)
    }

    /// Passes every observer that is legal now: it only gets out of the way.
    fn observe(&mut self, point: &mut Point) {
        for (line, position) in self.lines.iter().zip(&mut point.positions) {
            while let Some(placed) = line.get(*position as usize) {
                let state = point.held[placed.key as usize];
                if placed.role != Role::Observer || !self.model.step(&state, &placed.op, placed.ret.as_ref()).is_legal() {
                    break;
                }
                *position += 1;
            }
        }
        let passed: u32 = point.positions.iter().sum();
        if passed >= self.furthest {
            self.furthest = passed;
            let heads = self.lines.iter().zip(&point.positions).filter_map(|(line, position)| line.get(*position as usize));
            self.blocked = heads.filter(|placed| placed.role == Role::Observer).map(|placed| placed.index).collect();
        }
    }

    /// Whether each observer that waits can still be served.
    fn serves(&self, point: &Point) -> bool {
        let left = |place: &Position| match place {
            Position::Line(line, place) => *place >= point.positions[*line as usize],
            Position::Unknown(place) => point.used[*place as usize / 64] >> (place % 64) & 1 == 0,
        };
        let heads = self.lines.iter().zip(&point.positions).filter_map(|(line, position)| line.get(*position as usize));
        heads.filter_map(|placed| placed.sources.as_ref()).all(|sources| sources.iter().any(left))
    }

    /// All points that one more operation leads to, with the index of the operation.
    fn followers(&self, point: &Point) -> Vec<(usize, Point)> {
        let mut next = Vec::new();
        for line in 0..self.lines.len() {
            let Some(placed) = self.lines[line].get(point.positions[line] as usize) else { continue };
            if placed.role == Role::Observer {
                continue;
            }
            let (index, key) = (placed.index, placed.key as usize);
            for held in self.after(point, placed) {
                let mut point = point.clone();
                point.positions[line] += 1;
                point.held[key] = held;
                next.push((index, point));
            }
        }
        for place in 0..self.unknown.len() {
            let (placed, line, follows) = &self.unknown[place];
            let used = point.used[place / 64] >> (place % 64) & 1 == 1;
            if used || point.positions[*line as usize] < *follows {
                continue;
            }
            let (index, key) = (placed.index, placed.key as usize);
            for held in self.after(point, placed) {
                if held != point.held[key] {
                    let mut point = point.clone();
                    point.used[place / 64] |= 1 << (place % 64);
                    point.held[key] = held;
                    next.push((index, point));
                }
            }
        }
        next
    }

    fn after(&self, point: &Point, placed: &PlacedOperation) -> Vec<StateId> {
        let state = point.held[placed.key as usize];
        self.model.step(&state, &placed.op, placed.ret.as_ref()).states(&state)
    }
}
