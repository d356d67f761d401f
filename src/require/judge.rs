//! The judge of requirements: it keeps counts and quantiles, and no history.

use hdrhistogram::Histogram;

use super::faults::{Faults, Turn};
use super::meter::{ALL, Meter, Open, Place, Reading};
use super::{Availability, Bound, Bounded, Latency, PROPERTIES, Recovers, Requirement, Subjects};
use crate::base::{Duration, Ratio, Time};
use crate::check::{Broken, Fact, PropertyReport, Rule, Sighting, Verdict};
use crate::trace::{Cell, Judge, Record, Sorts, Table, Vocabulary};

static TOO_SLOW: Rule = Rule::new(
    "too-slow",
    "{quantile} of the requests {of} is {measured}, above {bound}: {over} of {judged} took longer, {share}, where {allowed} may{open}; the \
     first of them was due at {first}, the last at {last}",
);
static TOO_FEW: Rule = Rule::new(
    "too-few",
    "{succeeded} of {judged} requests {of} succeeded, {share}, where {at_least} must{open}; the first that did not was due at {first}, the \
     last at {last}",
);
static NOT_RECOVERED: Rule = Rule::new(
    "not-recovered",
    "from {since} on, {within} after a fault had ended, up to {at}, {succeeded} of {judged} requests {of} succeeded, {share}, where \
     {at_least} must{open}; the first that did not was due at {first}, the last at {last}",
);
static TOO_LONG: Rule = Rule::new("too-long", "{count} requests {place} {of} at {at}, where {at_most} may");
static NOTHING_LEFT: Rule =
    Rule::new("nothing-left", "nothing is left to judge: all of {seen} requests {of} were left out, as faults lasted");
static NOTHING_SEEN: Rule = Rule::new("nothing-seen", "nothing was judged: no request {of} ended");
static NO_FAULT: Rule =
    Rule::new("no-fault", "nothing was judged: no fault ended so long before the end that a request {of} was due after it");

/// Why every length can be recorded.
const GROWS: &str = "the histogram grows as it must";

/// Judges what a scenario requires, while the run goes on.
pub struct RequirementJudge<V: Vocabulary> {
    meter: Box<dyn Meter<V>>,
    faults: Faults,
    counts: Vec<Count>,
}

/// What was counted for one requirement.
struct Count {
    requirement: Requirement,
    /// Whose requests: the index of a service, or all.
    of: u32,
    /// How they are called.
    name: String,
    /// Requests that ended, those that are left out among them.
    seen: u64,
    /// Those that are judged.
    judged: u64,
    /// Those of them that succeeded.
    succeeded: u64,
    /// Those of them that have not ended, and are open for longer than they may be.
    open: u64,
    /// When the first and the last were due that were not as is demanded.
    failed: Option<(Time, Time)>,
    /// The longest that any took that ended: what is open for longer is open too long, where nothing else says how long it may be.
    longest: Duration,
    tally: Tally,
}

/// What one kind of requirement counts besides.
enum Tally {
    Latency {
        bounds: Vec<Against>,
        lengths: Histogram<u64>,
    },
    Plain,
    Recovers {
        /// From when on requests count: so long after the last fault ended, if none has begun since.
        since: Option<Time>,
        /// The first span in which too few succeeded.
        broken: Option<(Time, Broken)>,
        /// Requests that were judged in spans that are over.
        before: u64,
    },
    Bounded {
        longest: u64,
        broken: Option<(Time, Broken)>,
    },
}

/// What was counted against a bound.
struct Against {
    bound: Bound,
    /// Requests that took longer, those that have not ended among them.
    over: u64,
    /// Those of them that have not ended.
    open: u64,
    /// When the first and the last of them were due.
    failed: Option<(Time, Time)>,
}

impl Against {
    const fn new(bound: Bound) -> Self {
        Self { bound, over: 0, open: 0, failed: None }
    }

    fn add(&mut self, due: Time) {
        self.over += 1;
        extend(&mut self.failed, due);
    }
}

impl<V: Vocabulary> RequirementJudge<V> {
    /// A judge of these requirements, on these subjects, which are told by this meter. What is demanded of alerts it leaves to others.
    pub fn new(requirements: &[Requirement], subjects: &Subjects, meter: Box<dyn Meter<V>>) -> Self {
        let count = |requirement: &Requirement| Count::new(requirement.clone(), subjects);
        Self { meter, faults: Faults::default(), counts: requirements.iter().filter(|one| !one.is_of_alert()).map(count).collect() }
    }
}

impl<V: Vocabulary> Judge<V> for RequirementJudge<V> {
    fn observe(&mut self, record: &Record<'_, V>) {
        let turn = self.faults.see(record);
        if turn != Turn::Nothing {
            let meter = &self.meter;
            self.counts.iter_mut().for_each(|count| count.turn(turn, record.at, &**meter));
        }
        let (faults, counts) = (&self.faults, &mut self.counts);
        self.meter.look(record, &mut |reading| counts.iter_mut().for_each(|count| count.read(reading, faults, record.sighting())));
    }

    fn wants(&self) -> Sorts {
        self.meter.wants() | Faults::WANTS
    }

    fn violated(&self) -> bool {
        self.counts
            .iter()
            .any(|count| matches!(&count.tally, Tally::Recovers { broken: Some(_), .. } | Tally::Bounded { broken: Some(_), .. }))
    }

    fn finish(&mut self, at: Time) {
        let Self { meter, faults, counts } = self;
        counts.iter_mut().for_each(|count| count.end(at, faults, &**meter));
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let mut reports: Vec<PropertyReport> = Vec::new();
        for property in PROPERTIES {
            let judged = self.counts.iter().filter(|count| count.requirement.property() == property).map(Count::report);
            // Of several demands of one kind the first that is violated tells; else the first that is unknown.
            reports.extend(judged.reduce(|worst, next| if next.verdict > worst.verdict { next } else { worst }));
        }
        reports
    }

    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new("requirements", &["requests", "judged", "succeeded", "median", "99 %", "longest"]);
        for count in &self.counts {
            table.row(count.requirement.to_string(), count.cells());
        }
        vec![table]
    }
}

impl Count {
    fn new(requirement: Requirement, subjects: &Subjects) -> Self {
        let place = requirement.service().and_then(|name| subjects.services.iter().position(|service| service == name));
        let name = match (requirement.service(), &requirement) {
            (None, _) => "of clients".to_owned(),
            (Some(name), Requirement::Bounded(_)) => format!("`{name}`"),
            (Some(name), _) => format!("to `{name}`"),
        };
        let name = requirement.priority().map_or(name.clone(), |priority| format!("{name} of priority {priority}"));
        let tally = match &requirement {
            Requirement::Latency(latency) => {
                let lengths = Histogram::new(3).expect("three digits are within what it takes");
                Tally::Latency { bounds: latency.bounds().map(Against::new).collect(), lengths }
            }
            Requirement::Availability(_) | Requirement::Fires(_) | Requirement::Silent(_) => Tally::Plain,
            Requirement::Recovers(_) => Tally::Recovers { since: None, broken: None, before: 0 },
            Requirement::Bounded(_) => Tally::Bounded { longest: 0, broken: None },
        };
        let of = place.map_or(ALL, |place| place as u32);
        Self { of, requirement, name, seen: 0, judged: 0, succeeded: 0, open: 0, failed: None, longest: Duration::ZERO, tally }
    }

    /// How long after a fault nothing counts.
    fn outside(&self) -> Option<Duration> {
        match &self.requirement {
            Requirement::Latency(Latency { outside, .. })
            | Requirement::Availability(Availability { outside, .. })
            | Requirement::Bounded(Bounded { outside, .. }) => *outside,
            Requirement::Recovers(_) | Requirement::Fires(_) | Requirement::Silent(_) => None,
        }
    }

    fn is_about(&self, priority: u8) -> bool {
        self.requirement.priority().is_none_or(|demanded| demanded == priority)
    }

    fn read(&mut self, reading: Reading, faults: &Faults, now: Sighting) {
        match reading {
            Reading::Ended { of, due, succeeded, priority } if of == self.of && self.is_about(priority) => {
                self.ended(due, succeeded, faults, now.at);
            }
            Reading::Counted { of, place, count } if of == self.of => self.counted(place, count, faults, now),
            Reading::Ended { .. } | Reading::Counted { .. } => {}
        }
    }

    fn ended(&mut self, due: Time, succeeded: bool, faults: &Faults, at: Time) {
        let left_out = self.outside().is_some_and(|after| faults.touch(due, after));
        let length = at.since(due);
        self.longest = self.longest.max(length);
        self.seen += 1;
        match &mut self.tally {
            Tally::Recovers { since, .. } if since.is_none_or(|since| due < since) => return,
            Tally::Latency { bounds, lengths } if succeeded && !left_out => {
                lengths.record(length.as_nanos().max(1)).expect(GROWS);
                bounds.iter_mut().filter(|against| length > against.bound.length).for_each(|against| against.add(due));
            }
            Tally::Latency { .. } | Tally::Plain | Tally::Recovers { .. } | Tally::Bounded { .. } => {}
        }
        if left_out {
            return;
        }
        self.judged += 1;
        self.succeeded += u64::from(succeeded);
        if !succeeded {
            extend(&mut self.failed, due);
        }
    }

    /// The requests that have begun and not ended: whether one is open for longer than it may be, which tells that it will not be served.
    fn each_open<V: Vocabulary>(&self, at: Time, meter: &dyn Meter<V>) -> Vec<(Open, bool)> {
        let mut open = Vec::new();
        let is_late = |one: &Open| match one.late {
            Some(late) => late <= at,
            None => at.since(one.due) > self.longest,
        };
        meter.open(&mut |one| open.extend((one.of == self.of).then(|| (one, is_late(&one)))));
        open
    }

    /// The run is over: what is open for too long was not served.
    fn end<V: Vocabulary>(&mut self, at: Time, faults: &Faults, meter: &dyn Meter<V>) {
        self.end_span(at, meter);
        let after = self.outside();
        if matches!(self.tally, Tally::Recovers { .. } | Tally::Bounded { .. }) {
            return;
        }
        for (Open { due, .. }, is_late) in self.each_open(at, meter) {
            let left_out = after.is_some_and(|after| faults.touch(due, after));
            let length = at.since(due);
            if let (Tally::Latency { bounds, lengths }, false) = (&mut self.tally, left_out) {
                let mut is_over = false;
                for against in bounds.iter_mut().filter(|against| is_late || length > against.bound.length) {
                    against.add(due);
                    against.open += 1;
                    is_over = true;
                }
                if is_over {
                    lengths.record(length.as_nanos().max(1)).expect(GROWS);
                }
            }
            if is_late {
                self.seen += 1;
                self.count_open(due, left_out);
            }
        }
    }

    fn count_open(&mut self, due: Time, left_out: bool) {
        if !left_out {
            self.judged += 1;
            self.open += 1;
            extend(&mut self.failed, due);
        }
    }

    fn counted(&mut self, place: Place, count: u64, faults: &Faults, now: Sighting) {
        let left_out = self.outside().is_some_and(|after| faults.touch(now.at, after));
        let (Requirement::Bounded(bounded), Tally::Bounded { longest, broken }) = (&self.requirement, &mut self.tally) else { return };
        if left_out || bounded.place() != place {
            return;
        }
        *longest = count.max(*longest);
        if let Some(at_most) = bounded.at_most.filter(|at_most| count > *at_most && broken.is_none()) {
            let words = match place {
                Place::Queue => "wait in a queue of",
                Place::Work => "are at work on an instance of",
                Place::Bulkhead => "wait before the bulkhead of a caller of",
            };
            let told = TOO_LONG.with("count", count).with("place", Fact::Text(words.to_owned())).with("of", self.name.as_str());
            *broken = Some((now.at, told.with("at_most", at_most).seen("at", now)));
        }
    }

    /// A fault has begun, or all are over.
    fn turn<V: Vocabulary>(&mut self, turn: Turn, at: Time, meter: &dyn Meter<V>) {
        let Requirement::Recovers(Recovers { within: Some(within), .. }) = &self.requirement else { return };
        let next = (turn == Turn::Over).then_some(at + *within);
        self.end_span(at, meter);
        if let Tally::Recovers { since, .. } = &mut self.tally {
            *since = next;
        }
    }

    /// Judges the span after a fault that ends now. What was due in it, or before it, and is open for too long was not served.
    fn end_span<V: Vocabulary>(&mut self, at: Time, meter: &dyn Meter<V>) {
        let Tally::Recovers { since, .. } = &mut self.tally else { return };
        let Some(began) = since.take() else { return };
        if began <= at {
            self.each_open(at, meter).into_iter().filter(|(_, is_late)| *is_late).for_each(|(one, _)| self.count_open(one.due, false));
        }
        let (Requirement::Recovers(Recovers { at_least, within, .. }), Tally::Recovers { broken, before, .. }) =
            (&self.requirement, &mut self.tally)
        else {
            return;
        };
        *before += self.judged;
        if broken.is_none() && !at_least.is_reached_by(self.succeeded, self.judged) {
            let told = NOT_RECOVERED.with("since", began).with("within", within.unwrap_or_default()).with("at", at);
            let told = shares(told, &self.name, [self.succeeded, self.judged, self.open], *at_least, self.failed);
            *broken = Some((at, told));
        }
        (self.judged, self.succeeded, self.open, self.failed) = (0, 0, 0, None);
    }

    fn report(&self) -> PropertyReport {
        let property = self.requirement.property();
        let violated = |at: Time, told: Broken| PropertyReport::violated(property, at, told);
        let unknown = |told: Broken| PropertyReport { verdict: Verdict::Unknown, ..PropertyReport::holds(property) }.explained(told);
        match (&self.requirement, &self.tally) {
            (_, Tally::Recovers { broken: Some((at, told)), .. } | Tally::Bounded { broken: Some((at, told)), .. }) => {
                violated(*at, told.clone())
            }
            (_, Tally::Recovers { before: 0, .. }) => unknown(NO_FAULT.with("of", self.name.as_str())),
            (_, Tally::Recovers { .. }) => PropertyReport::holds(property),
            (_, Tally::Latency { lengths, .. }) if lengths.is_empty() => unknown(self.nothing()),
            (_, Tally::Plain | Tally::Bounded { .. }) if self.judged == 0 => unknown(self.nothing()),
            (_, Tally::Latency { bounds, lengths }) => {
                match bounds.iter().find(|Against { bound, over, open, .. }| over * bound.of > (self.succeeded + open) * bound.allowed) {
                    Some(against) => PropertyReport { at: None, ..violated(Time::ZERO, self.too_slow(against, lengths)) },
                    None => PropertyReport::holds(property),
                }
            }
            (Requirement::Availability(Availability { at_least: Some(at_least), .. }), _)
                if !at_least.is_reached_by(self.succeeded, self.judged) =>
            {
                let told = shares(TOO_FEW.broken(), &self.name, [self.succeeded, self.judged, self.open], *at_least, self.failed);
                PropertyReport { at: None, ..violated(Time::ZERO, told) }
            }
            _ => PropertyReport::holds(property),
        }
    }

    fn nothing(&self) -> Broken {
        match self.seen {
            0 => NOTHING_SEEN.with("of", self.name.as_str()),
            seen => NOTHING_LEFT.with("of", self.name.as_str()).with("seen", seen),
        }
    }

    fn too_slow(&self, Against { bound, over, open, failed }: &Against, lengths: &Histogram<u64>) -> Broken {
        let judged = self.succeeded + open;
        let told = TOO_SLOW
            .with("quantile", bound.name)
            .with("of", self.name.as_str())
            .with("measured", rounded(at_quantile(lengths, bound.allowed, bound.of)))
            .with("bound", bound.length)
            .with("over", *over)
            .with("judged", judged)
            .with("share", Fact::Text(percent(*over, judged)))
            .with("allowed", judged * bound.allowed / bound.of);
        when(told, *open, *failed)
    }

    fn cells(&self) -> Vec<Cell> {
        let empty = || Cell::Empty;
        let [median, p99, longest] = match &self.tally {
            Tally::Latency { lengths, .. } if !lengths.is_empty() => {
                let at = |allowed, of| Cell::Length(at_quantile(lengths, allowed, of));
                [at(1, 2), at(1, 100), at(0, 1)]
            }
            Tally::Bounded { longest, .. } => [empty(), empty(), Cell::Count(*longest)],
            Tally::Latency { .. } | Tally::Plain | Tally::Recovers { .. } => [empty(), empty(), empty()],
        };
        let before = if let Tally::Recovers { before, .. } = self.tally { before } else { 0 };
        let share = match self.judged {
            judged if judged > 0 && !matches!(self.tally, Tally::Bounded { .. }) => Cell::Share(self.succeeded as f64 / judged as f64),
            _ => Cell::Empty,
        };
        vec![Cell::Count(self.seen), Cell::Count(self.judged + before), share, median, p99, longest]
    }
}

/// What is not exceeded but by so many of so many.
fn at_quantile(lengths: &Histogram<u64>, allowed: u64, of: u64) -> Duration {
    Duration::from_nanos(lengths.value_at_quantile(1.0 - allowed as f64 / of as f64))
}

/// To a thousandth, which is as much as the histogram knows.
fn rounded(length: Duration) -> Duration {
    let mut grain = 1;
    while length.as_nanos() / grain >= 10_000 {
        grain *= 10;
    }
    Duration::from_nanos(length.as_nanos() / grain * grain)
}

fn shares(told: Broken, name: &str, [succeeded, judged, open]: [u64; 3], at_least: Ratio, failed: Option<(Time, Time)>) -> Broken {
    let told = told
        .with("succeeded", succeeded)
        .with("judged", judged)
        .with("of", name)
        .with("share", Fact::Text(percent(succeeded, judged)))
        .with("at_least", Fact::Text(at_least.to_string()));
    when(told, open, failed)
}

/// How many have not ended, and when those were due that are told of.
fn when(told: Broken, open: u64, failed: Option<(Time, Time)>) -> Broken {
    let clause = match open {
        0 => String::new(),
        1 => ", and 1 has not ended".to_owned(),
        open => format!(", and {open} have not ended"),
    };
    let (first, last) = failed.unwrap_or_default();
    told.with("open", Fact::Text(clause)).with("first", first).with("last", last)
}

fn extend(span: &mut Option<(Time, Time)>, due: Time) {
    let (first, last) = span.unwrap_or((due, due));
    *span = Some((first.min(due), last.max(due)));
}

/// A share in hundredths of a percent, rounded down.
fn percent(part: u64, whole: u64) -> String {
    let parts = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02} %", parts / 100, parts % 100)
}
