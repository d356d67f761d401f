//! What is in the stores against what the reference says.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Event, Graph};
use super::reference::{Expected, Outcome, Words, evaluate};
use super::{Demands, IN_ITS_WINDOW, NONE_LATE, Promise};
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

/// How the rows are to be read.
pub(super) struct Ledger<'a> {
    pub(super) demands: Demands,
    /// Whether all is over: what is not there will not come.
    pub(super) is_finished: bool,
    /// Whether a sink puts rows into their places.
    pub(super) is_put: &'a dyn Fn(usize) -> bool,
}

impl Ledger<'_> {
    /// What is wrong with these rows, of each sink by the place of its stage.
    pub(super) fn judge(&self, graph: &Graph, words: &Words, rows: &BTreeMap<usize, Vec<Event>>) -> Vec<(Property, Broken)> {
        let late: BTreeSet<u64> = rows.values().flatten().filter(|row| row.late).map(|row| row.id).collect();
        let (least, most) = (evaluate(graph, words, &late), evaluate(graph, words, &BTreeSet::new()));
        let mut found = Vec::new();
        for (stage, of_sink) in rows {
            let name = &graph.stages()[*stage].name;
            let mut complain = |property: Property, broken: Broken| found.push((property, broken.with("stage", Fact::Text(name.clone()))));
            self.judge_late(of_sink, &most, &mut complain);
            let mut by_id: BTreeMap<u64, Vec<&Event>> = BTreeMap::new();
            of_sink.iter().filter(|row| !row.late).for_each(|row| by_id.entry(row.id).or_default().push(row));
            let nothing = BTreeMap::new();
            let [least, most] = [&least, &most].map(|outcome| outcome.sinks.get(stage).unwrap_or(&nothing));
            for (id, rows) in &mut by_id {
                rows.sort_by_key(|row| row.pane);
                match (least.get(id), most.get(id)) {
                    (None, None) => complain(IN_ITS_WINDOW, MADE_UP.with("row", shown(rows[0]))),
                    (of_fewer, of_all) => {
                        let bounds = (of_fewer.map_or(0, |one| one.event.weight), of_all.or(of_fewer).map_or(0, |one| one.event.weight));
                        self.judge_rows(rows, of_fewer, bounds, (self.is_put)(*stage), &mut complain);
                    }
                }
            }
            let missing = least.iter().find(|(id, _)| !by_id.contains_key(id));
            if let Some((_, one)) = missing.filter(|_| self.is_finished && self.demands.promise != Promise::AtMostOnce) {
                complain(self.demands.promise.property(), MISSING.with("row", shown(&one.event)));
            }
        }
        found
    }

    fn judge_late(&self, rows: &[Event], most: &Outcome, complain: &mut impl FnMut(Property, Broken)) {
        let mut times: BTreeMap<u64, u64> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.late) {
            let count = times.entry(row.id).or_default();
            *count += 1;
            if self.demands.none_late {
                complain(NONE_LATE, LATE.with("row", shown(row)));
            }
            match most.late.get(&row.id) {
                None => complain(IN_ITS_WINDOW, MADE_UP.with("row", shown(row))),
                Some(false) => complain(IN_ITS_WINDOW, NOT_LATE.with("row", shown(row))),
                Some(true) if *count > 1 && self.demands.promise == Promise::ExactlyOnce => {
                    complain(self.demands.promise.property(), LATE_TWICE.with("row", shown(row)).with("count", *count));
                }
                Some(true) => {}
            }
        }
    }

    /// Judges the rows of one id, by pane, against what is expected without all that was counted late at any time. The bounds are how many
    /// events must, and how many can, be counted in it.
    fn judge_rows(
        &self,
        rows: &[&Event],
        expected: Option<&Expected>,
        (least, most): (u32, u32),
        is_put: bool,
        complain: &mut impl FnMut(Property, Broken),
    ) {
        let Some(last) = rows.last() else { return };
        let property = self.demands.promise.property();
        let told = |rule: &'static Rule| rule.with("row", shown(last));
        let counted: u32 = match self.demands.promise {
            Promise::AtMostOnce if expected.is_none_or(|one| one.panes == Some(1)) => rows.iter().map(|row| row.weight).sum(),
            Promise::AtLeastOnce => rows.iter().map(|row| row.weight).max().unwrap_or_default(),
            Promise::AtMostOnce | Promise::ExactlyOnce => last.weight,
        };
        let is_exact = self.demands.promise == Promise::ExactlyOnce && !is_put;
        if is_exact && let Some(twice) = rows.chunk_by(|left, right| left.pane == right.pane).find(|same| same.len() > 1) {
            return complain(property, TWICE.with("row", shown(twice[0])).with("count", twice.len() as u64));
        }
        let panes = expected.and_then(|one| one.panes).unwrap_or(last.pane + 1) as usize;
        if is_exact && rows.len() > panes {
            return complain(property, TWICE.with("row", shown(last)).with("count", rows.len() as u64));
        }
        if is_exact && self.is_finished && rows.len() < panes {
            return complain(property, FEWER.with("row", shown(last)).with("count", rows.len() as u64).with("expected", panes as u64));
        }
        let most = if is_exact { least } else { most };
        let of = |rule: &'static Rule, expected: u32| told(rule).with("count", u64::from(counted)).with("expected", u64::from(expected));
        if counted > most && self.demands.promise != Promise::AtLeastOnce {
            complain(property, of(&COUNTED_TWICE, most));
        } else if counted < least && self.is_finished && self.demands.promise != Promise::AtMostOnce {
            complain(property, of(&LOST, least));
        } else if let Some(one) = expected
            && self.is_finished
            && self.demands.promise == Promise::ExactlyOnce
            && least == most
            && (last.value, last.key) != (one.event.value, one.event.key)
        {
            complain(property, told(&OTHER_VALUE).with("expected", Fact::Text(one.event.value.to_string())));
        }
    }
}

/// A row in words.
fn shown(row: &Event) -> Fact {
    let Event { key, value, time, .. } = row;
    let millis = time.div_euclid(1_000_000);
    Fact::Text(format!("the value {value} of key {key} at {millis}ms"))
}
