//! Windows: into which an event falls, what they hold, and when they tell it (Akidau et al. 2015).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{Event, id_of_late, id_of_result};
use super::function::Fold;
use super::graph::Windowing;
use crate::base::Duration;

/// Into which windows an event falls. A window holds its start, and not its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// One after the other, each of this size.
    Tumbling {
        /// How long each is.
        size: Duration,
    },
    /// One begins each slide.
    Sliding {
        /// How long each is.
        size: Duration,
        /// How long after one the next begins.
        slide: Duration,
    },
    /// As long as the next event of the key comes within the gap.
    Session {
        /// How long after an event its session ends.
        gap: Duration,
    },
}

impl Windows {
    /// The windows into which an event of this time falls, by start and end; of a session, the one that it makes alone.
    pub fn of(self, time: i64) -> impl Iterator<Item = (i64, i64)> {
        let (size, slide) = match self {
            Self::Tumbling { size } => (size, size),
            Self::Sliding { size, slide } => (size, slide),
            Self::Session { gap } => (gap, gap),
        };
        let (size, slide) = (nanos(size), nanos(slide).max(1));
        let last = match self {
            Self::Session { .. } => time,
            _ => time.saturating_sub(time.rem_euclid(slide)),
        };
        let starts = std::iter::successors(Some(last), move |start| start.checked_sub(slide));
        starts.map(move |start| (start, start.saturating_add(size))).take_while(move |(start, end)| *start <= time && time < *end)
    }
}

/// A length in the unit of event times.
pub(super) fn nanos(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// What a window of a key has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cell {
    value: i64,
    weight: u32,
    /// How many results it has told.
    told: u32,
    /// Whether it has more than its last result says.
    is_due: bool,
}

/// End, key and start of a window: in the order in which they close.
type Place = (i64, i64, i64);

/// The windows that a subtask holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cells {
    #[serde(with = "as_list")]
    cells: BTreeMap<Place, Cell>,
    /// Of each session its place, by key and start.
    #[serde(with = "as_list")]
    sessions: BTreeMap<(i64, i64), i64>,
}

/// Maps whose keys are no strings, as lists.
pub(super) mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in super::super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(in super::super) fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        let mut map = BTreeMap::new();
        // As they come: to collect them would sort them first.
        map.extend(Vec::<(K, V)>::deserialize(deserializer)?);
        Ok(map)
    }
}

impl Cells {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Takes an event in, at this watermark. What stands for it in windows for which it comes too late goes to `late`.
    pub(super) fn take(&mut self, event: &Event, watermark: i64, stage: usize, windowing: &Windowing, late: &mut impl FnMut(Event)) {
        let lateness = nanos(windowing.lateness);
        if let Windows::Session { .. } = windowing.windows {
            // A session that has told its result ends behind the watermark: what is before that could be a part of it.
            if event.time <= watermark {
                return late(too_late(event, stage, event.time));
            }
            return windowing.windows.of(event.time).for_each(|span| self.join_session(event, span, &windowing.fold));
        }
        for (start, end) in windowing.windows.of(event.time) {
            if is_over(end, lateness, watermark) {
                late(too_late(event, stage, start));
            } else {
                self.add((end, event.key, start), windowing.fold.one(event.value), event.weight, &windowing.fold);
            }
        }
    }

    fn add(&mut self, place: Place, value: i64, weight: u32, fold: &Fold) {
        let more = Cell { value, weight, told: 0, is_due: true };
        self.cells.entry(place).and_modify(|cell| cell.add(&more, fold)).or_insert(more);
    }

    /// Adds an event to the sessions that it touches, which become one.
    fn join_session(&mut self, event: &Event, (mut start, mut end): (i64, i64), fold: &Fold) {
        let mut whole = Cell { value: fold.one(event.value), weight: event.weight, told: 0, is_due: true };
        let key = event.key;
        // Those that begin before this one ends: the last of them may touch it, and then the one before that.
        while let Some((&(_, first), &last)) = self.sessions.range((key, i64::MIN)..(key, end)).next_back()
            && last > start
        {
            self.sessions.remove(&(key, first));
            if let Some(cell) = self.cells.remove(&(last, key, first)) {
                whole.add(&cell, fold);
            }
            (start, end) = (start.min(first), end.max(last));
        }
        self.sessions.insert((key, start), end);
        self.cells.insert((end, key, start), whole);
    }

    /// The next result that is due at this watermark. A window that takes nothing any more goes with it.
    pub(super) fn due(&mut self, watermark: i64, stage: usize, windowing: &Windowing) -> Option<Event> {
        let lateness = nanos(windowing.lateness);
        loop {
            let due = self.cells.iter().take_while(|(place, _)| is_over(place.0, 0, watermark));
            let (&place, cell) = due.into_iter().find(|((end, ..), cell)| cell.is_due || is_over(*end, lateness, watermark))?;
            let (result, was_due) = (cell.result(place, stage), cell.is_due);
            if is_over(place.0, lateness, watermark) {
                self.cells.remove(&place);
                self.sessions.remove(&(place.1, place.2));
            } else if let Some(cell) = self.cells.get_mut(&place) {
                (cell.told, cell.is_due) = (cell.told + 1, false);
            }
            if was_due {
                return Some(result);
            }
        }
    }
}

impl Cell {
    fn add(&mut self, more: &Self, fold: &Fold) {
        self.value = fold.both(self.value, more.value);
        self.weight = self.weight.saturating_add(more.weight);
        self.is_due = true;
    }

    fn result(&self, (end, key, start): Place, stage: usize) -> Event {
        let Self { value, weight, told, .. } = *self;
        Event { id: id_of_result(stage, key, start), key, value, time: end.saturating_sub(1), weight, pane: told, late: false }
    }
}

/// Whether a window that ends then, and takes events for so long after, takes none any more at this watermark.
fn is_over(end: i64, lateness: i64, watermark: i64) -> bool {
    end.saturating_sub(1).saturating_add(lateness) <= watermark
}

fn too_late(event: &Event, stage: usize, start: i64) -> Event {
    Event { id: id_of_late(stage, event.id, start), time: start, late: true, ..*event }
}

/// The events that wait for their pairs, of one window and key: those of the left input, and those of the right one.
type Pairs = (Vec<Event>, Vec<Event>);

/// The events that a join holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Joined {
    #[serde(with = "as_list")]
    waiting: BTreeMap<(i64, i64), Pairs>,
    /// Pairs of a window that is over.
    due: std::collections::VecDeque<Event>,
}

impl Joined {
    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.values().map(|(left, right)| left.len() + right.len()).sum::<usize>() + self.due.len()
    }

    /// Takes in an event of this input: 0 is the left one.
    pub(super) fn take(&mut self, event: &Event, port: usize, watermark: i64, stage: usize, size: Duration, late: &mut impl FnMut(Event)) {
        for (start, end) in (Windows::Tumbling { size }).of(event.time) {
            if is_over(end, 0, watermark) {
                late(too_late(event, stage, start));
                continue;
            }
            let (left, right) = self.waiting.entry((end, event.key)).or_default();
            if port == 0 { left } else { right }.push(*event);
        }
    }

    /// The next pair of a window that is over at this watermark.
    pub(super) fn due(&mut self, watermark: i64, stage: usize) -> Option<Event> {
        while self.due.is_empty() {
            let first = self.waiting.first_entry().filter(|entry| is_over(entry.key().0, 0, watermark))?;
            let ((end, _), (left, right)) = first.remove_entry();
            let pairs = left.iter().flat_map(|left| right.iter().map(move |right| pair(stage, left, right, end)));
            self.due.extend(pairs);
        }
        self.due.pop_front()
    }
}

/// A pair: its value is the sum of both.
pub(super) fn pair(stage: usize, left: &Event, right: &Event, end: i64) -> Event {
    let id = super::event::id_of_pair(stage, left.id, right.id);
    let (value, weight) = (left.value.wrapping_add(right.value), left.weight.saturating_add(right.weight));
    Event { id, key: left.key, value, time: end.saturating_sub(1), weight, pane: 0, late: false }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocols::pipeline::graph::Timeline;

    fn windowing(windows: Windows, lateness: u64) -> Windowing {
        Windowing { windows, fold: Fold::Sum, lateness: Duration::from_nanos(lateness), time: Timeline::Event }
    }

    fn event(id: u64, key: i64, time: i64) -> Event {
        Event { id, key, value: id.cast_signed(), time, weight: 1, pane: 0, late: false }
    }

    fn length(nanos: u64) -> Duration {
        Duration::from_nanos(nanos)
    }

    #[test]
    fn an_event_falls_into_its_windows() {
        let of = |windows: Windows, time| windows.of(time).collect::<Vec<_>>();
        assert_eq!(of(Windows::Tumbling { size: length(10) }, 19), [(10, 20)]);
        assert_eq!(of(Windows::Tumbling { size: length(10) }, -1), [(-10, 0)]);
        assert_eq!(of(Windows::Sliding { size: length(10), slide: length(5) }, 12), [(10, 20), (5, 15)]);
        assert!(of(Windows::Sliding { size: length(5), slide: length(10) }, 17).is_empty(), "between two");
        assert_eq!(of(Windows::Session { gap: length(7) }, 3), [(3, 10)]);
    }

    fn windows() -> impl Strategy<Value = Windows> {
        prop_oneof![
            (1..20_u64).prop_map(|size| Windows::Tumbling { size: length(size) }),
            (1..20_u64, 1..20_u64).prop_map(|(size, slide)| Windows::Sliding { size: length(size), slide: length(slide) }),
            (1..20_u64).prop_map(|gap| Windows::Session { gap: length(gap) }),
        ]
    }

    /// By key and start: the value, the weight, and how many results.
    type Results = BTreeMap<(i64, i64), (i64, u32, u32)>;

    /// All windows over these events, but for what came too late: from each start that there can be.
    fn slow(windows: Windows, events: &[Event], late: &[u64], stage: usize) -> Results {
        let mut results = Results::new();
        for key in 0..3 {
            let mut times: Vec<&Event> = events.iter().filter(|event| event.key == key).collect();
            times.sort_by_key(|event| event.time);
            let mut spans: Vec<(i64, i64)> = Vec::new();
            if let Windows::Session { gap } = windows {
                times.retain(|event| !late.contains(&id_of_late(stage, event.id, event.time)));
                for event in &times {
                    match spans.last_mut() {
                        Some((_, end)) if event.time < *end => *end = event.time + nanos(gap),
                        _ => spans.push((event.time, event.time + nanos(gap))),
                    }
                }
            } else {
                let (size, slide) = match windows {
                    Windows::Sliding { size, slide } => (nanos(size), nanos(slide)),
                    Windows::Tumbling { size } | Windows::Session { gap: size } => (nanos(size), nanos(size)),
                };
                spans.extend((-200..=400).filter(|start| start % slide == 0).map(|start| (start, start + size)));
            }
            for (start, end) in spans {
                let is_session = matches!(windows, Windows::Session { .. });
                let within = |event: &&&Event| {
                    start <= event.time && event.time < end && (is_session || !late.contains(&id_of_late(stage, event.id, start)))
                };
                let counted: Vec<_> = times.iter().filter(within).collect();
                if !counted.is_empty() {
                    let value = counted.iter().map(|event| event.value).sum();
                    results.insert((key, start), (value, counted.len() as u32, 0));
                }
            }
        }
        results
    }

    proptest! {
        /// Whatever the order and the watermarks: the last result of each window is that of all its events that were not told to be late;
        /// and none is late that is not behind the watermark.
        #[test]
        fn windows_hold_what_falls_into_them(
            windows in windows(),
            lateness in 0..30_u64,
            steps in prop::collection::vec((0..3_i64, 0..100_i64, 0..8_i64), 1..80),
        ) {
            let is_session = matches!(windows, Windows::Session { .. });
            let windowing = windowing(windows, if is_session { 0 } else { lateness });
            let (mut cells, mut watermark, mut newest) = (Cells::default(), i64::MIN, i64::MIN);
            let (mut events, mut late, mut results) = (Vec::new(), Vec::new(), Results::new());
            let mut tell = |cells: &mut Cells, watermark| {
                while let Some(result) = cells.due(watermark, 1, &windowing) {
                    let start = (-200..=400).find(|start| id_of_result(1, result.key, *start) == result.id).expect("it has a start");
                    let earlier = results.insert((result.key, start), (result.value, result.weight, result.pane));
                    assert_eq!(result.pane, earlier.map_or(0, |(.., pane)| pane + 1), "results are numbered");
                }
            };
            for (nth, (key, time, lag)) in steps.into_iter().enumerate() {
                let event = event(nth as u64 + 1, key, time);
                events.push(event);
                cells.take(&event, watermark, 1, &windowing, &mut |row| {
                    assert!(event.time <= watermark, "{event:?} at {watermark}");
                    late.push(row.id);
                });
                newest = newest.max(time);
                watermark = watermark.max(newest - lag * 5);
                tell(&mut cells, watermark);
            }
            tell(&mut cells, i64::MAX);
            prop_assert_eq!((cells.len(), cells.sessions.len()), (0, 0));
            results.values_mut().for_each(|result| result.2 = 0);
            prop_assert_eq!(results, slow(windows, &events, &late, 1));
        }

        /// What a checkpoint keeps of windows is what they are.
        #[test]
        fn windows_are_read_back(windows in windows(), times in prop::collection::vec((0..3_i64, 0..100_i64), 0..30)) {
            let mut cells = Cells::default();
            for (nth, (key, time)) in times.into_iter().enumerate() {
                cells.take(&event(nth as u64, key, time), i64::MIN, 0, &windowing(windows, 0), &mut |_| ());
            }
            let text = serde_json::to_string(&cells).expect("written");
            prop_assert_eq!(serde_json::from_str::<Cells>(&text).expect("read"), cells);
        }

        #[test]
        fn a_join_pairs_what_is_in_one_window(
            size in 1..30_u64,
            steps in prop::collection::vec((0..2_usize, 0..3_i64, 0..60_i64), 0..40),
        ) {
            let (mut joined, mut events) = (Joined::default(), Vec::new());
            for (nth, (port, key, time)) in steps.into_iter().enumerate() {
                let event = event(nth as u64, key, time);
                joined.take(&event, port, i64::MIN, 0, length(size), &mut |_| ());
                events.push((port, event));
            }
            let mut pairs: Vec<u64> = std::iter::from_fn(|| joined.due(i64::MAX, 0)).map(|pair| pair.id).collect();
            let mut slow = Vec::new();
            for (_, left) in events.iter().filter(|(port, _)| *port == 0) {
                for (_, right) in events.iter().filter(|(port, _)| *port == 1) {
                    if left.key == right.key && left.time / nanos(length(size)) == right.time / nanos(length(size)) {
                        slow.push(super::super::event::id_of_pair(0, left.id, right.id));
                    }
                }
            }
            pairs.sort_unstable();
            slow.sort_unstable();
            prop_assert_eq!(pairs, slow);
            prop_assert_eq!(joined.len(), 0);
        }
    }
}
