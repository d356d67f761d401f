//! What a pipeline comes to: the graph, evaluated event by event in the order in which the input comes.
//!
//! Nothing is held but what is open: windows into which something of the input can still fall, the totals of keys, and how far each
//! partition is. How far that goes back is known from the input itself, and no watermark of the pipeline is asked.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::super::event::{END, Event, NO_WATERMARK, id_of_late, id_of_pair, id_of_result, id_of_union};
use super::super::{Does, Fold, Graph, Input, Timeline, Windowing, Windows};
use crate::base::{Duration, Ratio};

/// The words that the partitions are made of, by source and number.
pub(super) type Words = BTreeMap<(usize, u32), u64>;

/// An event, and what is known of it besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) event: Event,
    /// How many results there are with its id; nothing if that is open.
    pub(super) panes: Option<u32>,
    /// The highest watermark that its own partition can have told before it. That of several inputs is no higher.
    pub(super) ahead: i64,
}

impl Expected {
    /// A result of a stage, of which there are so many.
    pub(super) fn result(event: Event, panes: Option<u32>) -> Self {
        Self { event, panes, ahead: NO_WATERMARK }
    }
}

/// The partitions of all sources, read as they come.
#[derive(Debug)]
pub(super) struct Partitions<'a> {
    partitions: Vec<Partition<'a>>,
    /// When the next event of each comes that has one.
    next: BinaryHeap<Reverse<(i64, usize)>>,
}

#[derive(Debug)]
struct Partition<'a> {
    input: &'a Input,
    stage: usize,
    number: u32,
    word: u64,
    count: u64,
    offset: u64,
    newest: i64,
}

impl<'a> Partitions<'a> {
    /// Those of the sources of a graph of which the words are known.
    pub(super) fn of(graph: &'a Graph, words: &Words) -> Self {
        let mut partitions = Vec::new();
        for (stage, of) in graph.stages().iter().enumerate() {
            let Does::Source(input) = &of.does else { continue };
            for number in 0..of.parallelism {
                let Some(word) = words.get(&(stage, number)).copied() else { continue };
                let count = input.count(number, of.parallelism);
                partitions.push(Partition { input, stage, number, word, count, offset: 0, newest: NO_WATERMARK });
            }
        }
        let comes = |(place, partition): (usize, &Partition<'_>)| partition.comes().map(|at| Reverse((at, place)));
        let next = partitions.iter().enumerate().filter_map(comes).collect();
        Self { partitions, next }
    }

    /// Of each stage that is a source, the time before which none of its events is that is still to come.
    fn horizon(&self, stage: usize) -> i64 {
        let of_it = self.partitions.iter().filter(|partition| partition.stage == stage);
        of_it.map(Partition::horizon).min().unwrap_or(END)
    }
}

/// Each event, with the source that reads it.
impl Iterator for Partitions<'_> {
    type Item = (usize, Expected);

    fn next(&mut self) -> Option<(usize, Expected)> {
        let Reverse((_, place)) = self.next.pop()?;
        let partition = &mut self.partitions[place];
        let read = (partition.stage, partition.read());
        self.next.extend(partition.comes().map(|at| Reverse((at, place))));
        Some(read)
    }
}

impl Partition<'_> {
    /// When the next event comes.
    fn comes(&self) -> Option<i64> {
        (self.offset < self.count).then(|| self.input.comes(self.offset))
    }

    fn horizon(&self) -> i64 {
        let Input { disorder, stray, stray_by, .. } = *self.input;
        let oldest = if stray == Ratio::NEVER { disorder } else { disorder.max(stray_by) };
        self.comes().map_or(END, |at| at.saturating_sub_unsigned(oldest.as_nanos()))
    }

    fn read(&mut self) -> Expected {
        let event = self.input.event(self.stage, self.number, self.word, self.offset);
        // Without it, while it is idle, others can be anywhere.
        let ahead = if self.input.idle.is_some() { END } else { self.input.watermark(self.newest, false) };
        (self.offset, self.newest) = (self.offset + 1, self.newest.max(event.time));
        Expected { event, panes: Some(1), ahead }
    }
}

/// A graph at work.
#[derive(Debug)]
pub(super) struct Evaluation<'a> {
    graph: &'a Graph,
    /// Of each stage, what it feeds: the stages and their inputs.
    feeds: Vec<Vec<(usize, usize)>>,
    held: Vec<Held>,
    /// What stands for events that were counted late, by id, and whether they are left out therefore.
    late: &'a BTreeSet<u64>,
    leaves_out: bool,
    /// Of those, whether the watermark can have been past the window. What is not in here, nothing comes to.
    pub(super) can_be_late: BTreeMap<u64, bool>,
    /// What has come to sinks, by the places of their stages.
    pub(super) out: Vec<(usize, Expected)>,
}

/// What a stage holds.
#[derive(Debug)]
enum Held {
    Nothing,
    Windows(BTreeMap<Span, Total>),
    Sessions(Sessions),
    Totals(BTreeMap<i64, Total>),
    /// The events of two inputs, by the start of their window and the key.
    Pairs(BTreeMap<(i64, i64), [Vec<Event>; 2]>),
}

/// End, key and start of a window.
type Span = (i64, i64, i64);

/// What values have come to.
#[derive(Clone, Copy, Debug)]
struct Total {
    value: i64,
    weight: u32,
    count: u32,
}

/// The sessions of each key, which do not touch: by key and start, where they end and what they have come to. And all by their ends.
#[derive(Debug, Default)]
struct Sessions {
    by_key: BTreeMap<(i64, i64), (i64, Total)>,
    by_end: BTreeSet<Span>,
}

impl<'a> Evaluation<'a> {
    /// A graph to which nothing has come. Of what these ids stand for, it says whether it can be late, and does not count it if it
    /// `leaves_out` what is.
    pub(super) fn new(graph: &'a Graph, late: &'a BTreeSet<u64>, leaves_out: bool) -> Self {
        let of = |place: usize| graph.edges().iter().filter(move |edge| edge.from == place).map(|edge| (edge.to, edge.port));
        let feeds = (0..graph.stages().len()).map(|place| of(place).collect()).collect();
        let held = graph.stages().iter().map(|stage| Held::of(&stage.does)).collect();
        Self { graph, feeds, held, late, leaves_out, can_be_late: BTreeMap::new(), out: Vec::new() }
    }

    /// How much is held of windows that are open.
    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        let open = |held: &Held| match held {
            Held::Windows(open) => open.len(),
            Held::Sessions(sessions) => sessions.by_end.len(),
            Held::Pairs(waiting) => waiting.values().flatten().map(Vec::len).sum(),
            Held::Nothing | Held::Totals(_) => 0,
        };
        self.held.iter().map(open).sum()
    }

    /// Passes on what a stage tells.
    pub(super) fn tell(&mut self, place: usize, one: Expected) {
        for nth in 0..self.feeds[place].len() {
            let (to, port) = self.feeds[place][nth];
            self.take(to, port, one);
        }
    }

    fn take(&mut self, place: usize, port: usize, one: Expected) {
        let (graph, event) = (self.graph, one.event);
        let change = |event: Event| Expected { event, ..one };
        match &graph.stages()[place].does {
            Does::Source(_) => {}
            Does::Map(function) => self.tell(place, change(Event { value: function.of(event.key, event.value), ..event })),
            Does::KeyBy(function) => self.tell(place, change(Event { key: function.of(event.key, event.value), ..event })),
            Does::Union => self.tell(place, change(Event { id: id_of_union(place, port, event.id), ..event })),
            Does::Filter(keep) if keep.passes(event.key, event.value) => self.tell(place, one),
            Does::Filter(_) => {}
            Does::Window(windowing) => self.gather(place, &one, windowing),
            Does::Aggregate(fold) => {
                if let Held::Totals(totals) = &mut self.held[place] {
                    Total::of(fold, &event).join(totals, event.key, fold);
                }
            }
            Does::Join(size) => {
                let start = event.time.div_euclid(nanos(*size)) * nanos(*size);
                if self.counts(id_of_late(place, event.id, start), start.saturating_add(nanos(*size)) - 1, &one)
                    && let Held::Pairs(waiting) = &mut self.held[place]
                {
                    waiting.entry((start, event.key)).or_default()[usize::from(port > 0)].push(event);
                }
            }
            Does::Sink(_) => self.out.push((place, one)),
        }
    }

    /// Puts an event into its windows.
    fn gather(&mut self, place: usize, one: &Expected, windowing: &Windowing) {
        let Windowing { windows, fold, lateness, time: Timeline::Event | Timeline::Processing } = windowing;
        let (event, total) = (one.event, Total::of(fold, &one.event));
        let (size, slide) = match windows {
            Windows::Tumbling { size } => (nanos(*size), nanos(*size)),
            Windows::Sliding { size, slide } => (nanos(*size), nanos(*slide)),
            Windows::Session { gap } => {
                let is_counted = self.counts(id_of_late(place, event.id, event.time), event.time, one);
                if is_counted && let Held::Sessions(sessions) = &mut self.held[place] {
                    sessions.add(event.key, (event.time, event.time.saturating_add(nanos(*gap))), total, fold);
                }
                return;
            }
        };
        // The last window that holds it, and those before it that do.
        let mut start = event.time.div_euclid(slide) * slide;
        while event.time < start.saturating_add(size) {
            let end = start.saturating_add(size);
            if self.counts(id_of_late(place, event.id, start), (end - 1).saturating_add(nanos(*lateness)), one)
                && let Held::Windows(open) = &mut self.held[place]
            {
                total.join(open, (end, event.key, start), fold);
            }
            start -= slide;
        }
    }

    /// Whether an event counts in a window that takes nothing any more once the watermark is there; this id stands for it if it does not.
    fn counts(&mut self, id: u64, closes: i64, one: &Expected) -> bool {
        if !self.late.contains(&id) {
            return true;
        }
        self.can_be_late.insert(id, closes <= one.ahead);
        !self.leaves_out
    }

    /// Closes all windows into which nothing can fall any more, as far as the partitions are.
    pub(super) fn close(&mut self, partitions: &Partitions<'_>) {
        let graph = self.graph;
        let mut horizons = vec![END; graph.stages().len()];
        for &place in graph.order() {
            let stage = &graph.stages()[place];
            let of_input = graph.edges().iter().filter(|edge| edge.to == place).map(|edge| horizons[edge.from]);
            horizons[place] = match &stage.does {
                Does::Source(_) => partitions.horizon(place),
                _ => of_input.min().unwrap_or(END),
            };
            while let Some(result) = self.held[place].closed(place, &stage.does, horizons[place]) {
                result.into_iter().for_each(|one| self.tell(place, one));
            }
        }
    }
}

impl Held {
    fn of(does: &Does) -> Self {
        match does {
            Does::Window(Windowing { windows: Windows::Session { .. }, .. }) => Self::Sessions(Sessions::default()),
            Does::Window(_) => Self::Windows(BTreeMap::new()),
            Does::Aggregate(_) => Self::Totals(BTreeMap::new()),
            Does::Join(_) => Self::Pairs(BTreeMap::new()),
            Does::Source(_) | Does::Map(_) | Does::Filter(_) | Does::KeyBy(_) | Does::Union | Does::Sink(_) => Self::Nothing,
        }
    }

    /// What comes of the next window that is over, if one is, when nothing with an earlier time is to come.
    fn closed(&mut self, place: usize, does: &Does, horizon: i64) -> Option<Vec<Expected>> {
        let told = |(end, key, start): Span, total: Total, panes| {
            vec![Expected::result(total.result(id_of_result(place, key, start), key, end - 1), panes)]
        };
        match (self, does) {
            (Self::Windows(open), Does::Window(windowing)) => {
                let (span, total) = open.first_entry().filter(|first| first.key().0 <= horizon)?.remove_entry();
                Some(told(span, total, windowing.lateness.is_zero().then_some(1)))
            }
            (Self::Sessions(sessions), Does::Window(windowing)) => {
                let span = sessions.by_end.first().copied().filter(|(end, ..)| *end <= horizon)?;
                let (_, key, start) = span;
                sessions.by_end.remove(&span);
                let (_, total) = sessions.by_key.remove(&(key, start))?;
                Some(told(span, total, windowing.lateness.is_zero().then_some(1)))
            }
            (Self::Totals(totals), _) if horizon == END => {
                let (key, total) = totals.pop_first()?;
                Some(told((1, key, 0), total, Some(total.count)))
            }
            (Self::Pairs(waiting), Does::Join(size)) => {
                let is_over = |start: i64| start.saturating_add(nanos(*size)) <= horizon;
                let ((start, _), [left, right]) = waiting.first_entry().filter(|first| is_over(first.key().0))?.remove_entry();
                let end = start.saturating_add(nanos(*size));
                Some(left.iter().flat_map(|left| right.iter().map(move |right| pair(place, left, right, end))).collect())
            }
            _ => None,
        }
    }
}

impl Total {
    fn of(fold: &Fold, event: &Event) -> Self {
        Self { value: fold.one(event.value), weight: event.weight, count: 1 }
    }

    fn and(self, other: Self, fold: &Fold) -> Self {
        let (weight, count) = (self.weight.saturating_add(other.weight), self.count.saturating_add(other.count));
        Self { value: fold.both(self.value, other.value), weight, count }
    }

    /// Adds it to that of this key.
    fn join<K: Ord>(self, totals: &mut BTreeMap<K, Self>, key: K, fold: &Fold) {
        totals.entry(key).and_modify(|total| *total = total.and(self, fold)).or_insert(self);
    }

    fn result(self, id: u64, key: i64, time: i64) -> Event {
        Event { id, key, value: self.value, time, weight: self.weight, pane: 0, late: false }
    }
}

impl Sessions {
    /// Adds what has this start and end to the sessions that it touches, which become one.
    fn add(&mut self, key: i64, (mut start, mut end): (i64, i64), mut total: Total, fold: &Fold) {
        // As they do not touch one another, none before one that it does not touch can.
        while let Some((&(_, first), &(last, of_it))) = self.by_key.range((key, i64::MIN)..(key, end)).next_back() {
            if last <= start {
                break;
            }
            self.by_key.remove(&(key, first));
            self.by_end.remove(&(last, key, first));
            (start, end, total) = (start.min(first), end.max(last), of_it.and(total, fold));
        }
        self.by_key.insert((key, start), (end, total));
        self.by_end.insert((end, key, start));
    }
}

fn pair(place: usize, left: &Event, right: &Event, end: i64) -> Expected {
    let (id, value) = (id_of_pair(place, left.id, right.id), left.value.wrapping_add(right.value));
    let weight = left.weight.saturating_add(right.weight);
    Expected::result(Event { id, key: left.key, value, time: end - 1, weight, pane: 0, late: false }, Some(1))
}

fn nanos(length: Duration) -> i64 {
    length.as_nanos().cast_signed()
}
