//! What is in the stores against what the graph comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::{Does, Event, Graph, Sink, Timeline, Windowing, Windows};
use super::evaluation::{Evaluation, Expected, Partitions, Words};
use super::{Demands, IN_ITS_WINDOW, NONE_LATE, Promise};
use crate::base::sort_by_key;
use crate::check::{Broken, Fact, Property, Rule};

static MADE_UP: Rule = Rule::new("made-up", "{stage} has stored {row}, and nothing of the input comes to that");
static TWICE: Rule = Rule::new("stored-twice", "{stage} has stored {row} {count} times");
static MISSING: Rule = Rule::new("missing", "{stage} has not stored {row}, and all was over");
static FEWER: Rule = Rule::new("fewer", "{stage} has stored {row} {count} times, each with what was new, where that is {expected} times");
static COUNTED_TWICE: Rule = Rule::new("counted-twice", "{stage} has stored {row}, and counted {count} events in it, of {expected}");
static LOST: Rule = Rule::new("lost", "{stage} has stored {row}, and counted only {count} events in it, of {expected}");
static OTHER_VALUE: Rule = Rule::new("other-value", "{stage} has stored {row}, where the value is {expected}");
static NOT_LATE: Rule =
    Rule::new("not-late", "{stage} has counted {row} as late, and no watermark can have been past the end of its window");
static LATE: Rule = Rule::new("late", "{stage} has counted {row} as late");
static LATE_TWICE: Rule = Rule::new("late-twice", "{stage} has counted {row} as late {count} times");
static MORE_IN_ALL: Rule =
    Rule::new("more-in-all", "{stage} has counted {count} events in all that it has stored, where the whole input comes to {expected}");
static FEWER_IN_ALL: Rule = Rule::new(
    "fewer-in-all",
    "{stage} has counted only {count} events in all that it has stored, where the whole input comes to {expected}",
);

/// How the rows are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ledger<'a> {
    pub(super) graph: &'a Graph,
    pub(super) demands: Demands,
    /// Whether all is over: what is not there will not come.
    pub(super) is_finished: bool,
}

/// After how many events it is looked at which windows are over.
const CLOSES: usize = 256;

impl Ledger<'_> {
    /// What is wrong with these rows, of each sink by the place of its stage: of each sink and property the first that was found.
    ///
    /// Where events were counted late, the graph is evaluated with them and without them, side by side.
    pub(super) fn judge(&self, words: &Words, rows: BTreeMap<usize, Vec<Event>>) -> Vec<(Property, Broken)> {
        let late: BTreeSet<u64> = rows.values().flatten().filter(|row| row.late).map(|row| row.id).collect();
        let mut books: BTreeMap<usize, Book<'_>> = rows.into_iter().map(|(place, rows)| (place, Book::new(self, place, rows))).collect();
        let mut with_late = Evaluation::new(self.graph, &late, false);
        let mut without = (!late.is_empty()).then(|| Evaluation::new(self.graph, &late, true));
        let mut partitions = Partitions::of(self.graph, words);
        loop {
            let mut is_over = true;
            for (source, one) in partitions.by_ref().take(CLOSES) {
                is_over = false;
                [Some(&mut with_late), without.as_mut()].into_iter().flatten().for_each(|evaluation| evaluation.tell(source, one));
            }
            [Some(&mut with_late), without.as_mut()].into_iter().flatten().for_each(|evaluation| evaluation.close(&partitions));
            for (place, one) in with_late.out.drain(..) {
                let Some(book) = books.get_mut(&place) else { continue };
                if without.is_some() { book.comes(one.event.id, |half| half.1 = Some(one)) } else { book.expects(Some(one), Some(one)) }
            }
            for (place, one) in without.iter_mut().flat_map(|without| without.out.drain(..)) {
                let Some(book) = books.get_mut(&place) else { continue };
                book.comes(one.event.id, |half| half.0 = Some(one));
            }
            if is_over {
                return books.into_values().flat_map(|book| book.close(&with_late.can_be_late)).collect();
            }
        }
    }
}

/// Whether what windows hold is a function of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contents {
    /// It is.
    Known,
    /// Windows go by the clock: each event is in some window.
    Shifted,
    /// What comes of those is no sum any more.
    Open,
}

impl Contents {
    /// Of what comes to this stage.
    fn of(graph: &Graph, place: usize) -> Self {
        let mut known = vec![Self::Known; graph.stages().len()];
        for &stage in graph.order() {
            let fed = graph.edges().iter().filter(|edge| edge.to == stage).map(|edge| known[edge.from]).max().unwrap_or(Self::Known);
            let by_clock = match &graph.stages()[stage].does {
                Does::Window(Windowing { time: Timeline::Processing, windows: Windows::Sliding { size, slide }, .. })
                    if size.as_nanos() % slide.as_nanos().max(1) > 0 =>
                {
                    Self::Open
                }
                Does::Window(Windowing { time: Timeline::Processing, .. }) => Self::Shifted,
                Does::Filter(_) | Does::Join(_) if fed > Self::Known => Self::Open,
                _ => Self::Known,
            };
            known[stage] = fed.max(by_clock);
        }
        known[place]
    }
}

/// What a sink has stored, and what comes to it.
#[derive(Debug)]
struct Book<'a> {
    demands: Demands,
    is_finished: bool,
    name: &'a str,
    /// Whether it puts rows into their places.
    is_put: bool,
    contents: Contents,
    /// By id and pane, but for those that stand for late events.
    rows: Vec<Event>,
    /// Of the first row of each id, whether something comes to it.
    is_expected: Vec<bool>,
    late: Vec<Event>,
    /// What has come in one evaluation so far: in that without late events, or in that with them.
    halves: BTreeMap<u64, Half>,
    /// The first that is missing.
    missing: Option<Event>,
    /// How many events all rows count, and how many they should.
    totals: (u64, u64),
    found: Vec<(Property, Broken)>,
}

type Half = (Option<Expected>, Option<Expected>);

impl<'a> Book<'a> {
    fn new(ledger: &Ledger<'a>, place: usize, rows: Vec<Event>) -> Self {
        let stage = &ledger.graph.stages()[place];
        let (late, mut rows): (Vec<Event>, Vec<Event>) = rows.into_iter().partition(|row| row.late);
        sort_by_key(&mut rows, |row| (row.id, row.pane));
        Self {
            demands: ledger.demands,
            is_finished: ledger.is_finished,
            name: &stage.name,
            is_put: stage.does == Does::Sink(Sink::Idempotent),
            contents: Contents::of(ledger.graph, place),
            is_expected: vec![false; rows.len()],
            rows,
            late,
            halves: BTreeMap::new(),
            missing: None,
            totals: (0, 0),
            found: Vec::new(),
        }
    }

    /// Notes what is wrong, unless the property was violated before.
    fn complain(&mut self, property: Property, broken: Broken) {
        if self.found.iter().all(|(found, _)| found.name != property.name) {
            self.found.push((property, broken.with("stage", Fact::Text(self.name.to_owned()))));
        }
    }

    /// The property that says how many events a row counts.
    fn content(&self) -> Property {
        if self.contents == Contents::Known { self.demands.promise.property() } else { IN_ITS_WINDOW }
    }

    /// Something comes in one of the two evaluations.
    fn comes(&mut self, id: u64, note: impl FnOnce(&mut Half)) {
        let half = self.halves.entry(id).or_default();
        note(half);
        if let (Some(least), Some(most)) = *half {
            self.halves.remove(&id);
            self.expects(Some(least), Some(most));
        }
    }

    /// This comes to it, without late events and with them.
    fn expects(&mut self, least: Option<Expected>, most: Option<Expected>) {
        let Some(one) = least.or(most) else { return };
        let first = self.rows.partition_point(|row| row.id < one.event.id);
        let count = self.rows[first..].iter().take_while(|row| row.id == one.event.id).count();
        if count > 0 {
            self.is_expected[first] = true;
            let bounds = (least.map_or(0, |one| one.event.weight), most.or(least).map_or(0, |one| one.event.weight));
            self.judge_rows(first..first + count, least.as_ref(), bounds);
        } else if least.is_some() {
            self.missing = self.missing.or(Some(one.event));
        }
        self.totals.1 += u64::from(one.event.weight);
    }

    /// All has come. These late events are there at all, and can be late or not.
    fn close(mut self, can_be_late: &BTreeMap<u64, bool>) -> Vec<(Property, Broken)> {
        std::mem::take(&mut self.halves).into_values().for_each(|(least, most)| self.expects(least, most));
        let so_far = std::mem::take(&mut self.found);
        self.judge_late(can_be_late);
        so_far.into_iter().for_each(|(property, broken)| {
            if self.found.iter().all(|(found, _)| found.name != property.name) {
                self.found.push((property, broken));
            }
        });
        let is_first = |place: usize| place == 0 || self.rows[place - 1].id != self.rows[place].id;
        let made_up: Vec<usize> = (0..self.rows.len()).filter(|place| is_first(*place) && !self.is_expected[*place]).collect();
        for place in made_up {
            let row = self.rows[place];
            self.totals.0 += u64::from(row.weight);
            self.complain(IN_ITS_WINDOW, MADE_UP.with("row", shown(&row)));
        }
        if let Some(missing) = self.missing.filter(|_| self.is_finished && self.demands.promise != Promise::AtMostOnce) {
            self.complain(self.content(), MISSING.with("row", shown(&missing)));
        }
        self.judge_totals();
        self.found
    }

    /// Where no row has to count these events or those, all rows have to count all of them.
    fn judge_totals(&mut self) {
        if self.contents != Contents::Shifted || !self.late.is_empty() {
            return;
        }
        let ((counted, expected), promise) = (self.totals, self.demands.promise);
        let told = |rule: &'static Rule| rule.with("count", counted).with("expected", expected);
        if counted > expected && promise != Promise::AtLeastOnce {
            self.complain(promise.property(), told(&MORE_IN_ALL));
        } else if counted < expected && self.is_finished && promise != Promise::AtMostOnce {
            self.complain(promise.property(), told(&FEWER_IN_ALL));
        }
    }

    fn judge_late(&mut self, can_be_late: &BTreeMap<u64, bool>) {
        let mut times: BTreeMap<u64, u64> = BTreeMap::new();
        for row in std::mem::take(&mut self.late) {
            let count = *times.entry(row.id).and_modify(|count| *count += 1).or_insert(1);
            if self.demands.none_late {
                self.complain(NONE_LATE, LATE.with("row", shown(&row)));
            }
            match can_be_late.get(&row.id) {
                None => self.complain(IN_ITS_WINDOW, MADE_UP.with("row", shown(&row))),
                Some(false) => self.complain(IN_ITS_WINDOW, NOT_LATE.with("row", shown(&row))),
                Some(true) if count > 1 && self.demands.promise == Promise::ExactlyOnce => {
                    self.complain(self.demands.promise.property(), LATE_TWICE.with("row", shown(&row)).with("count", count));
                }
                Some(true) => {}
            }
        }
    }

    /// Judges the rows of one id, by pane, against what is expected without all that was counted late at any time. The bounds are how many
    /// events must, and how many can, be counted in it.
    fn judge_rows(&mut self, places: Range<usize>, expected: Option<&Expected>, (least, most): (u32, u32)) {
        let rows = &self.rows[places];
        let Some(last) = rows.last().copied() else { return };
        let (promise, content, count) = (self.demands.promise, self.content(), rows.len());
        let told = |rule: &'static Rule| rule.with("row", shown(&last));
        let counted: u32 = match promise {
            Promise::AtMostOnce if expected.is_none_or(|one| one.panes == Some(1)) => rows.iter().map(|row| row.weight).sum(),
            Promise::AtLeastOnce => rows.iter().map(|row| row.weight).max().unwrap_or_default(),
            Promise::AtMostOnce | Promise::ExactlyOnce => last.weight,
        };
        self.totals.0 += u64::from(counted);
        let is_exact = promise == Promise::ExactlyOnce && !self.is_put;
        let twice = rows.chunk_by(|left, right| left.pane == right.pane).find(|same| same.len() > 1).map(|same| (same[0], same.len()));
        if is_exact && let Some((row, times)) = twice {
            return self.complain(promise.property(), TWICE.with("row", shown(&row)).with("count", times as u64));
        }
        // Of windows that go by the clock, it is not known how many results come to what they feed.
        let known = expected.filter(|_| self.contents == Contents::Known).and_then(|one| one.panes);
        let panes = known.unwrap_or(last.pane + 1) as usize;
        if is_exact && count > panes {
            return self.complain(promise.property(), told(&TWICE).with("count", count as u64));
        }
        if is_exact && self.is_finished && count < panes {
            return self.complain(promise.property(), told(&FEWER).with("count", count as u64).with("expected", panes as u64));
        }
        let most = if is_exact { least } else { most };
        let of = |rule: &'static Rule, expected: u32| told(rule).with("count", u64::from(counted)).with("expected", u64::from(expected));
        if counted > most && promise != Promise::AtLeastOnce {
            self.complain(content, of(&COUNTED_TWICE, most));
        } else if counted < least && self.is_finished && promise != Promise::AtMostOnce {
            self.complain(content, of(&LOST, least));
        } else if let Some(one) = expected
            && self.is_finished
            && promise == Promise::ExactlyOnce
            && least == most
            && (last.value, last.key) != (one.event.value, one.event.key)
        {
            self.complain(content, told(&OTHER_VALUE).with("expected", Fact::Text(one.event.value.to_string())));
        }
    }
}

/// A row in words.
fn shown(row: &Event) -> Fact {
    let Event { key, value, time, .. } = row;
    let millis = time.div_euclid(1_000_000);
    Fact::Text(format!("the value {value} of key {key} at {millis}ms"))
}
