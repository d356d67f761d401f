//! The evaluation event by event against the reference, on graphs at random; and the ledger, on rows with one thing wrong.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::evaluation::{Evaluation, Expected, Partitions, Words};
use super::reference::evaluate;
use super::rows::Ledger;
use super::{Demands, IN_ITS_WINDOW, Promise};
use crate::base::{Duration, Ratio, RunKey, Stream};
use crate::protocols::pipeline::{Does, Event, Fold, Function, Graph, Input, Predicate, Sink, Stage, Timeline, Windowing, Windows};

/// So short that ends and starts often meet.
fn nanos(random: &mut Stream, most: u64) -> Duration {
    Duration::from_nanos(1 + random.below(most))
}

fn source(random: &mut Stream) -> Does {
    let (stray, silent) = ([Ratio::NEVER, Ratio::new(1, 8).expect("an eighth")][random.below(2) as usize], random.below(2) as u32);
    Does::Source(Input {
        events: random.below(40),
        gap: nanos(random, 20),
        keys: 1 + random.below(3) as u32,
        disorder: nanos(random, 40),
        stray,
        stray_by: nanos(random, 200),
        silent,
        bound: nanos(random, 40),
        idle: (random.below(3) == 0).then_some(Duration::from_millis(1)),
    })
}

fn windowing(random: &mut Stream) -> Windowing {
    let (size, times) = (nanos(random, 60), 1 + random.below(3));
    let windows = match random.below(3) {
        0 => Windows::Tumbling { size },
        1 => Windows::Sliding { size: Duration::from_nanos(size.as_nanos() * times), slide: size },
        _ => Windows::Session { gap: size },
    };
    let is_session = matches!(windows, Windows::Session { .. });
    let lateness = if is_session || random.below(2) == 0 { Duration::ZERO } else { nanos(random, 50) };
    let fold = [Fold::Sum, Fold::Count, Fold::Least, Fold::Greatest][random.below(4) as usize].clone();
    Windowing { windows, fold, lateness, time: Timeline::Event }
}

fn stage(name: &str, from: Vec<String>, parallelism: u32, does: Does) -> Stage {
    Stage { name: name.to_owned(), from, parallelism, work: Duration::ZERO.into(), does }
}

/// A few sources, stages that are fed by what is there, and a sink for whatever feeds nothing.
fn graph(random: &mut Stream) -> Option<Graph> {
    let mut stages: Vec<Stage> = Vec::new();
    for nth in 0..1 + random.below(2) {
        let (parallelism, does) = (1 + random.below(3) as u32, source(random));
        stages.push(stage(&format!("in-{nth}"), vec![], parallelism, does));
    }
    for nth in 0..random.below(6) {
        let some = |random: &mut Stream| stages[random.below(stages.len() as u64) as usize].name.clone();
        let (one, other) = (some(random), some(random));
        let does = match random.below(8) {
            0 => Does::Map(Function::Multiply(3)),
            1 => Does::Filter(Predicate::MultipleOf(2)),
            2 | 3 => Does::KeyBy(Function::Modulo(1 + random.below(3).cast_signed())),
            4 => Does::Union,
            5 => Does::Aggregate(Fold::Sum),
            6 => Does::Join(nanos(random, 60)),
            _ => Does::Window(windowing(random)),
        };
        let from = if matches!(does, Does::Union | Does::Join(_)) { vec![one, other] } else { vec![one] };
        stages.push(stage(&format!("s-{nth}"), from, 1, does));
    }
    let is_fed = |name: &String| stages.iter().any(|stage| stage.from.contains(name));
    let ends: Vec<String> = stages.iter().map(|stage| stage.name.clone()).filter(|name| !is_fed(name)).collect();
    stages.extend(ends.into_iter().map(|end| stage(&format!("out-of-{end}"), vec![end], 1, Does::Sink(Sink::Append))));
    Graph::new(stages).ok()
}

fn words(graph: &Graph, random: &mut Stream) -> Words {
    let of = |(place, stage): (usize, &Stage)| (0..stage.parallelism).map(move |number| (place, number));
    graph.stages().iter().enumerate().flat_map(of).map(|source| (source, random.word())).collect()
}

type Sinks = BTreeMap<usize, BTreeMap<u64, Expected>>;

/// What comes to the sinks, event by event, and how much was held at most.
fn event_by_event(evaluation: &mut Evaluation<'_>, graph: &Graph, words: &Words, at_once: usize) -> (Sinks, usize) {
    let sinks = (0..graph.stages().len()).filter(|place| matches!(graph.stages()[*place].does, Does::Sink(_)));
    let (mut told, mut held): (Sinks, usize) = (sinks.map(|place| (place, BTreeMap::new())).collect(), 0);
    let mut partitions = Partitions::of(graph, words);
    loop {
        let batch: Vec<_> = partitions.by_ref().take(at_once).collect();
        batch.iter().for_each(|(source, one)| evaluation.tell(*source, *one));
        held = held.max(evaluation.open());
        evaluation.close(&partitions);
        for (place, one) in evaluation.out.drain(..) {
            let earlier = told.entry(place).or_default().insert(one.event.id, one);
            assert_eq!(earlier, None, "each comes once");
        }
        if batch.is_empty() {
            return (told, held);
        }
    }
}

/// But for what is known of the watermark, which is of no account in a sink.
fn plain(sinks: &Sinks) -> Vec<(usize, Event, Option<u32>)> {
    sinks.iter().flat_map(|(place, of)| of.values().map(|one| (*place, one.event, one.panes))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn event_by_event_it_comes_to_the_same(seed in any::<u64>(), at_once in 1..20_usize) {
        let mut random = RunKey::from_seed(seed).stream("graphs", 0);
        let Some(graph) = (0..50).find_map(|_| graph(&mut random)) else { return Ok(()) };
        let words = words(&graph, &mut random);
        let all = evaluate(&graph, &words, &BTreeSet::new());
        let late: BTreeSet<u64> = all.late.keys().copied().filter(|_| random.below(4) == 0).collect();
        let fewer = evaluate(&graph, &words, &late);
        let (mut with_late, mut without) = (Evaluation::new(&graph, &late, false), Evaluation::new(&graph, &late, true));
        prop_assert_eq!(plain(&event_by_event(&mut with_late, &graph, &words, at_once).0), plain(&all.sinks));
        prop_assert_eq!(plain(&event_by_event(&mut without, &graph, &words, at_once).0), plain(&fewer.sinks));
        let can_be_late: BTreeMap<u64, bool> = all.late.into_iter().filter(|(id, _)| late.contains(id)).collect();
        prop_assert_eq!(with_late.can_be_late, can_be_late);
    }
}

/// One source of so many events in each of two partitions, sums by key in a window, a sink.
fn sums(events: u64, windows: Windows, time: Timeline) -> Graph {
    let micros = Duration::from_micros;
    let input = Input { events, gap: micros(10), disorder: micros(500), keys: 10, ..Input::default() };
    let windowing = Windowing { windows, fold: Fold::Sum, lateness: Duration::ZERO, time };
    let by_key = stage("by-key", vec!["in".to_owned()], 2, Does::KeyBy(Function::Key));
    let sums = stage("sums", vec!["by-key".to_owned()], 2, Does::Window(windowing));
    let sink = stage("out", vec!["sums".to_owned()], 2, Does::Sink(Sink::TwoPhase));
    Graph::new(vec![stage("in", vec![], 2, Does::Source(input)), by_key, sums, sink]).expect("a graph without flaws")
}

const WORDS: [((usize, u32), u64); 2] = [((0, 0), 3), ((0, 1), 4)];

/// However long the input is, no more is held than falls into what is open.
#[test]
fn what_is_over_is_not_held() {
    let size = Duration::from_millis(2);
    let (words, late) = (Words::from(WORDS), BTreeSet::new());
    for windows in [Windows::Tumbling { size }, Windows::Session { gap: Duration::from_micros(30) }] {
        let held = |events: u64| {
            let graph = sums(events, windows, Timeline::Event);
            event_by_event(&mut Evaluation::new(&graph, &late, true), &graph, &words, 256).1
        };
        let (few, many) = (held(2_000), held(20_000));
        assert!(many <= few * 2 && many < 500, "{windows:?}: {few}, and of ten times as many events {many}");
    }
}

/// What is violated by these rows.
fn violated(graph: &Graph, promise: Promise, rows: &[Event]) -> Vec<&'static str> {
    let ledger = Ledger { graph, demands: Demands { promise, none_late: false }, is_finished: true };
    let found = ledger.judge(&Words::from(WORDS), BTreeMap::from([(3, rows.to_vec())]));
    found.into_iter().map(|(property, _)| property.name).collect()
}

fn right_rows(graph: &Graph) -> Vec<Event> {
    let mut rows: Vec<Event> = evaluate(graph, &Words::from(WORDS), &BTreeSet::new()).sinks[&3].values().map(|one| one.event).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.weight));
    rows
}

#[test]
fn what_is_wrong_with_rows_is_found() {
    let graph = sums(100, Windows::Tumbling { size: Duration::from_millis(1) }, Timeline::Event);
    let rows = right_rows(&graph);
    assert!(Promise::ALL.into_iter().all(|promise| violated(&graph, promise, &rows).is_empty()));
    let with = |change: &dyn Fn(&mut Vec<Event>)| {
        let mut wrong = rows.clone();
        change(&mut wrong);
        Promise::ALL.map(|promise| violated(&graph, promise, &wrong).concat())
    };
    let [most, least, once] = Promise::ALL.map(|promise| promise.property().name);
    let in_its_window = IN_ITS_WINDOW.name;
    assert_eq!(with(&|rows| rows.truncate(rows.len() - 1)), ["", least, once], "one is missing");
    assert_eq!(with(&|rows| rows.push(rows[0])), [most, "", once], "one is there twice");
    assert_eq!(with(&|rows| rows[1].weight += 1), [most, "", once], "an event counts twice");
    assert_eq!(with(&|rows| rows[1].weight -= 1), ["", least, once], "an event does not count");
    assert_eq!(with(&|rows| rows[1].value += 1), ["", "", once], "the value is another");
    let made_up = |rows: &mut Vec<Event>| rows.push(Event { id: 1, ..rows[0] });
    assert_eq!(with(&made_up), [in_its_window; 3], "nothing comes to one");
    let late = |rows: &mut Vec<Event>| rows.push(Event { id: 1, late: true, ..rows[0] });
    assert_eq!(with(&late), [in_its_window; 3], "one that is late is none of the input");
}

/// Where windows go by the clock, that an event is in another one is no matter of how often it counts; that it is in none is.
#[test]
fn what_is_in_another_window_by_the_clock_counts_once() {
    let graph = sums(100, Windows::Tumbling { size: Duration::from_millis(1) }, Timeline::Processing);
    let mut rows = right_rows(&graph);
    rows[0].weight += 1;
    rows[1].weight -= 1;
    let (in_its_window, once) = (IN_ITS_WINDOW.name, Promise::ExactlyOnce.property().name);
    assert_eq!(violated(&graph, Promise::ExactlyOnce, &rows), [in_its_window]);
    rows[1].weight -= 1;
    assert_eq!(violated(&graph, Promise::ExactlyOnce, &rows), [in_its_window, once]);
    rows[1].weight += 2;
    assert_eq!(violated(&graph, Promise::AtMostOnce, &rows), [in_its_window, Promise::AtMostOnce.property().name]);
}
