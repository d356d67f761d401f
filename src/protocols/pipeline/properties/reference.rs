//! What a pipeline comes to: the graph, evaluated stage by stage on the whole input. Slow, and obviously right: the reference that the
//! evaluation event by event is held against.

use std::collections::{BTreeMap, BTreeSet};

use super::super::event::{END, Event, NO_WATERMARK, id_of_late, id_of_pair, id_of_result, id_of_union};
use super::super::{Does, Fold, Graph, Input, Timeline, Windowing, Windows};
use super::evaluation::{Expected, Words};
use crate::base::Duration;

/// What the whole input comes to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Of each sink, by the place of its stage, what comes to it, by id.
    pub(super) sinks: BTreeMap<usize, BTreeMap<u64, Expected>>,
    /// What can stand for a late event, by id, and whether the watermark can have been past its window.
    pub(super) late: BTreeMap<u64, bool>,
}

/// Evaluates a graph, without those that were counted late.
pub(super) fn evaluate(graph: &Graph, words: &Words, late: &BTreeSet<u64>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut told: BTreeMap<usize, Vec<Expected>> = BTreeMap::new();
    for place in graph.order() {
        let stage = &graph.stages()[*place];
        let fed = |port: usize| -> Vec<Expected> {
            let edge = graph.edges().iter().find(|edge| (edge.to, edge.port) == (*place, port));
            edge.and_then(|edge| told.get(&edge.from)).cloned().unwrap_or_default()
        };
        let all = || (0..stage.from.len()).flat_map(|port| fed(port).into_iter().map(move |event| (port, event)));
        let map = |change: &dyn Fn(usize, Event) -> Event| -> Vec<Expected> {
            all().map(|(port, one)| Expected { event: change(port, one.event), ..one }).collect()
        };
        let tells = match &stage.does {
            Does::Source(input) => partitions(input, *place, stage.parallelism, words),
            Does::Map(function) => map(&|_, event| Event { value: function.of(event.key, event.value), ..event }),
            Does::KeyBy(function) => map(&|_, event| Event { key: function.of(event.key, event.value), ..event }),
            Does::Union => map(&|port, event| Event { id: id_of_union(*place, port, event.id), ..event }),
            Does::Filter(keep) => fed(0).into_iter().filter(|one| keep.passes(one.event.key, one.event.value)).collect(),
            Does::Window(windowing) => window(&fed(0), windowing, *place, late, &mut outcome.late),
            Does::Aggregate(fold) => totals(&fed(0), fold, *place),
            Does::Join(size) => join((&fed(0), &fed(1)), *size, *place, late, &mut outcome.late),
            Does::Sink(_) => {
                outcome.sinks.insert(*place, fed(0).into_iter().map(|one| (one.event.id, one)).collect());
                Vec::new()
            }
        };
        told.insert(*place, tells);
    }
    outcome
}

fn partitions(input: &Input, stage: usize, of: u32, words: &Words) -> Vec<Expected> {
    let mut events = Vec::new();
    for partition in 0..of {
        let Some(word) = words.get(&(stage, partition)) else { continue };
        let mut newest = NO_WATERMARK;
        for offset in 0..input.count(partition, of) {
            let event = input.event(stage, partition, *word, offset);
            // Without it, while it is idle, others can be anywhere.
            let ahead = if input.idle.is_some() { END } else { input.watermark(newest, false) };
            newest = newest.max(event.time);
            events.push(Expected { event, panes: Some(1), ahead });
        }
    }
    events
}

/// Those of one window.
fn fold_all(fold: &Fold, within: &[Expected], stage: usize, key: i64, (start, end): (i64, i64)) -> Option<Event> {
    let value = within.iter().map(|one| fold.one(one.event.value)).reduce(|left, right| fold.both(left, right))?;
    let weight = within.iter().map(|one| one.event.weight).sum();
    Some(Event { id: id_of_result(stage, key, start), key, value, time: end - 1, weight, pane: 0, late: false })
}

fn window(
    events: &[Expected],
    windowing: &Windowing,
    stage: usize,
    late: &BTreeSet<u64>,
    can_be_late: &mut BTreeMap<u64, bool>,
) -> Vec<Expected> {
    let Windowing { windows, fold, lateness, time: Timeline::Event | Timeline::Processing } = windowing;
    let lateness = nanos(*lateness);
    let mut spans: BTreeMap<(i64, i64, i64), Vec<Expected>> = BTreeMap::new();
    if let Windows::Session { gap } = windows {
        let mut sorted = Vec::new();
        for one in events {
            let id = id_of_late(stage, one.event.id, one.event.time);
            can_be_late.insert(id, one.event.time <= one.ahead);
            if !late.contains(&id) {
                sorted.push(*one);
            }
        }
        sorted.sort_by_key(|one| (one.event.key, one.event.time));
        for session in sorted.chunk_by(|left, right| left.event.key == right.event.key && right.event.time < left.event.time + nanos(*gap))
        {
            if let [first, .., last] | [first @ last] = session {
                spans.insert((first.event.key, first.event.time, last.event.time + nanos(*gap)), session.to_vec());
            }
        }
    } else {
        for one in events {
            for (start, end) in every_window(*windows, one.event.time) {
                let id = id_of_late(stage, one.event.id, start);
                can_be_late.insert(id, end - 1 + lateness <= one.ahead);
                if !late.contains(&id) {
                    spans.entry((one.event.key, start, end)).or_default().push(*one);
                }
            }
        }
    }
    let panes = (lateness == 0).then_some(1);
    let result = |((key, start, end), within): (&(i64, i64, i64), &Vec<Expected>)| fold_all(fold, within, stage, *key, (*start, *end));
    spans.iter().filter_map(result).map(|event| Expected { event, panes, ahead: NO_WATERMARK }).collect()
}

/// Each window that holds this time, found by trying those around it.
fn every_window(windows: Windows, time: i64) -> Vec<(i64, i64)> {
    let (size, slide) = match windows {
        Windows::Sliding { size, slide } => (nanos(size), nanos(slide)),
        Windows::Tumbling { size } | Windows::Session { gap: size } => (nanos(size), nanos(size)),
    };
    let around = time.div_euclid(slide);
    let tried = (around - size / slide - 1..=around + 1).map(|nth| nth * slide);
    tried.filter(|start| *start <= time && time < *start + size).map(|start| (start, start + size)).collect()
}

fn totals(events: &[Expected], fold: &Fold, stage: usize) -> Vec<Expected> {
    let mut by_key: BTreeMap<i64, Vec<Expected>> = BTreeMap::new();
    events.iter().for_each(|one| by_key.entry(one.event.key).or_default().push(*one));
    let total = |(key, within): (&i64, &Vec<Expected>)| {
        let event = fold_all(fold, within, stage, *key, (0, 1))?;
        Some(Expected { event, panes: Some(within.len() as u32), ahead: NO_WATERMARK })
    };
    by_key.iter().filter_map(total).collect()
}

fn join(
    (left, right): (&[Expected], &[Expected]),
    size: Duration,
    stage: usize,
    late: &BTreeSet<u64>,
    can_be_late: &mut BTreeMap<u64, bool>,
) -> Vec<Expected> {
    let mut in_time = |side: &[Expected]| -> Vec<(i64, Expected)> {
        let mut kept = Vec::new();
        for one in side {
            let start = one.event.time.div_euclid(nanos(size)) * nanos(size);
            let id = id_of_late(stage, one.event.id, start);
            can_be_late.insert(id, start + nanos(size) - 1 <= one.ahead);
            if !late.contains(&id) {
                kept.push((start, *one));
            }
        }
        kept
    };
    let (left, right) = (in_time(left), in_time(right));
    let mut pairs = Vec::new();
    for (start, one) in &left {
        for (_, other) in right.iter().filter(|(beside, other)| beside == start && other.event.key == one.event.key) {
            let (one, other) = (one.event, other.event);
            let (value, weight) = (one.value.wrapping_add(other.value), one.weight + other.weight);
            let id = id_of_pair(stage, one.id, other.id);
            let event = Event { id, key: one.key, value, time: start + nanos(size) - 1, weight, pane: 0, late: false };
            pairs.push(Expected { event, panes: Some(1), ahead: NO_WATERMARK });
        }
    }
    pairs
}

fn nanos(length: Duration) -> i64 {
    length.as_nanos().cast_signed()
}
