//! How likely the failure is, from each place of the run on: all that was drawn before stays, all that comes after is drawn afresh.

use std::cmp::Reverse;

use super::event::{Common, event};
use super::trials::{Rerun, everything, fresh, redrawn};
use super::{Came, Share, Trials};
use crate::base::{SortedMap, Time, sort_by, sort_by_key};
use crate::scenario::Scenario;
use crate::trace::{OwnedRecord, Recording};

/// The failure's chance along the run.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// In the order of the run.
    pub points: Vec<Point>,
    /// The one to three events at which it rose most, in the order of the run.
    pub rises: Vec<Rise>,
    /// From which point on more than half of the reruns fail.
    pub likely: Option<u64>,
    /// From which point on nearly all do.
    pub inevitable: Option<u64>,
}

/// The failure's chance at one place of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// So many records are made.
    pub after: u64,
    /// When the last of them was made.
    pub at: Time,
    /// How many of the reruns fail in which what is drawn from there on is drawn afresh.
    pub share: Share,
}

/// An event at which the chance rose.
#[derive(Clone, Debug)]
pub struct Rise {
    /// Before it.
    pub before: Share,
    /// After it.
    pub after: Share,
    /// The records of the event, the one that begins it first. More than one event, if there were too few runs to tell them apart.
    pub records: Vec<OwnedRecord>,
    /// The records of the event in which it shows first what was drawn there: where the run parts from a rerun that draws it afresh, with
    /// all else that comes, and does not fail.
    pub shows: Vec<OwnedRecord>,
}

impl Rise {
    /// By how much it rose.
    pub fn by(&self) -> f64 {
        self.after.part() - self.before.part()
    }
}

/// How many reruns each point has.
const RERUNS: u64 = 40;
/// At how many places it is asked at first.
const PLACES: u64 = 24;
/// How many places more it may take to find the events at which it rises.
const MORE: usize = 48;
/// A rise of less than this is not looked into: it may well be of no meaning.
const LEAST: f64 = 0.1;
/// At most so many rises are named.
const NAMED: usize = 3;
/// From this share on it is taken for inevitable.
const NEARLY_ALL: f64 = 0.95;

/// The reruns at each place.
type Places = SortedMap<u64, Vec<Rerun>>;

/// The curve of this run, whose first so many records lead to the violation.
pub(super) fn curve(trials: &mut Trials<'_>, scenario: &Scenario, recording: &Recording, records: u64) -> Curve {
    let mut places = Places::new();
    let count = PLACES.min(records).max(1);
    for place in 0..=count {
        ask(trials, scenario, &mut places, records * place / count);
    }
    for _ in 0..MORE {
        let Some(middle) = steepest(&places) else { break };
        ask(trials, scenario, &mut places, middle);
    }
    let at = |after: u64| after.checked_sub(1).and_then(|last| recording.get(last)).map_or(Time::ZERO, |record| record.at);
    let points: Vec<Point> =
        places.iter().map(|(after, reruns)| Point { after: *after, at: at(*after), share: Share::of(reruns) }).collect();
    let lasts = |least: f64| {
        let below = points.iter().rposition(|point| point.share.part() < least);
        points.get(below.map_or(0, |place| place + 1)).map(|point| point.after)
    };
    let mut rises: Vec<Rise> = points.windows(2).filter_map(|pair| rise(pair[0], pair[1], recording)).collect();
    sort_by(&mut rises, |one, other| other.by().total_cmp(&one.by()));
    rises.truncate(NAMED);
    sort_by_key(&mut rises, |rise| rise.records[0].number);
    for rise in &mut rises {
        rise.shows = shows(trials, scenario, recording, &places, rise.records[0].number);
    }
    Curve { rises, likely: lasts(0.5), inevitable: lasts(NEARLY_ALL), points }
}

fn ask(trials: &mut Trials<'_>, scenario: &Scenario, places: &mut Places, after: u64) {
    if places.contains_key(&after) {
        return;
    }
    let reruns = trials.afresh(scenario, after, &everything(), RERUNS);
    if reruns.len() as u64 == RERUNS {
        places.insert(after, reruns);
    }
}

/// The middle of the steepest rise or fall that could be told more exactly.
fn steepest(places: &Places) -> Option<u64> {
    let shares: Vec<(u64, Share)> = places.iter().map(|(after, reruns)| (*after, Share::of(reruns))).collect();
    let open = shares.windows(2).filter_map(|pair| {
        let ((from, before), (to, after)) = (pair[0], pair[1]);
        let by = after.failed.abs_diff(before.failed);
        (to - from > 1 && by as f64 >= LEAST * RERUNS as f64).then_some((by, Reverse(from), from.midpoint(to)))
    });
    open.max().map(|(.., middle)| middle)
}

fn rise(before: Point, after: Point, recording: &Recording) -> Option<Rise> {
    let first = before.after as usize;
    let records = match after.after - before.after {
        1 => event(recording, first),
        _ => recording.records().get(first..after.after as usize)?,
    };
    let rise = Rise { before: before.share, after: after.share, records: records.to_vec(), shows: Vec::new() };
    (rise.by() >= LEAST && !rise.records.is_empty()).then_some(rise)
}

/// The event in which it shows first what was drawn after so many records.
fn shows(trials: &mut Trials<'_>, scenario: &Scenario, recording: &Recording, places: &Places, after: u64) -> Vec<OwnedRecord> {
    let (Some(before), Some((_, later))) = (places.get(&after), places.iter().find(|(place, _)| **place > after)) else {
        return Vec::new();
    };
    let turned = before.iter().zip(later).position(|(before, later)| before.came != Came::Fails && later.came == Came::Fails);
    let Some(nth) = turned.filter(|_| !trials.is_over()) else { return Vec::new() };
    let mut common = Common::with(recording);
    trials.watch(&redrawn(scenario, fresh(trials.seed, nth as u64), after, &everything()), &mut common);
    event(recording, common.records).to_vec()
}
