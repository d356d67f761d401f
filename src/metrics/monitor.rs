//! A monitor: probes, samples and alerts of one run.

use std::collections::BTreeMap;

use super::alert::{Alert, Bound, Condition};
use super::collected::{Collected, Tally};
use super::probe::Probe;
use super::readings::Readings;
use super::sampler::Sampler;
use super::watch::{Firing, Watched, grain};
use crate::base::{Amount, Duration, Measure, Metric, MetricSort, NodeId, Time};
use crate::check::{Broken, Fact, PropertyReport, Rule, Verdict};
use crate::require::{ALERT_FIRES, ALERT_SILENT, Fires, Requirement};
use crate::trace::{Cell, Event, Record, Table, Vocabulary};

static FIRED: Rule = Rule::new(
    "alert-fired",
    "the alert \"{alert}\" fired at {at}, though it was to be silent: {condition} had been so since {since}, and it was {value} then",
);
static MISSED: Rule = Rule::new(
    "alert-missed",
    "the alert \"{alert}\" did not fire from {from} to {until}: {condition} never was so for long enough; {furthest}",
);
static NOT_YET: Rule =
    Rule::new("alert-not-yet", "nothing was judged: the run ended at {at}, before the alert \"{alert}\" had to fire, at {until}");

static NOTHING: Rule = Rule::new(
    "alert-without-values",
    "nothing was judged: the alert \"{alert}\" never had anything to compare, as {condition} is of nothing that was measured",
);

/// Watches one run: collects what its probes tell, a sample each so often, and looks at its alerts.
pub struct Monitor<V: Vocabulary> {
    probes: Vec<Box<dyn Probe<V>>>,
    own: Own,
    readings: Readings,
    sampler: Option<Sampler>,
    watched: Vec<Watched>,
    demands: Vec<Requirement>,
    /// When the first fault struck.
    struck: Option<Time>,
    /// When it was last asked how much there is.
    told: Option<Time>,
}

impl<V: Vocabulary> Monitor<V> {
    /// A monitor with these probes, which takes a sample each so often if that is wanted, and looks at these alerts, of which this is
    /// demanded.
    pub fn new(probes: Vec<Box<dyn Probe<V>>>, every: Option<Duration>, alerts: &[Alert], requirements: &[Requirement]) -> Self {
        Self {
            probes,
            own: Own::default(),
            readings: Readings::default(),
            sampler: every.map(Sampler::new),
            watched: alerts.iter().cloned().map(Watched::new).collect(),
            demands: requirements.iter().filter(|one| one.is_of_alert()).cloned().collect(),
            struck: None,
            told: None,
        }
    }

    /// Sees one record.
    pub fn look(&mut self, record: &Record<'_, V>) {
        if let Event::Strike { .. } = record.event {
            self.struck.get_or_insert(record.at);
        }
        self.probes.iter_mut().for_each(|probe| probe.look(record));
    }

    /// A process has measured something.
    pub fn measure(&mut self, node: NodeId, measure: &Measure) {
        self.own.measure(node, measure);
    }

    /// When it is to be asked next how much there is.
    pub fn due(&self) -> Time {
        let alerts = self.watched.iter().map(Watched::due);
        alerts.chain(self.sampler.as_ref().map(Sampler::due)).min().unwrap_or(Time::MAX)
    }

    /// Takes a sample and looks at alerts, those that are due at this time; `more` tells what stands in no record.
    pub fn tick(&mut self, at: Time, more: impl FnOnce(&mut Readings)) {
        self.ask(at, more);
        let Self { watched, readings, sampler, .. } = self;
        for alert in watched.iter_mut() {
            if alert.due() <= at {
                alert.look(at, readings);
            }
            alert.tell(readings);
        }
        if let Some(sampler) = sampler.as_mut().filter(|sampler| sampler.due() <= at) {
            sampler.take(at, readings);
        }
    }

    /// Takes the last sample, at the end of the run.
    pub fn end(&mut self, at: Time, more: impl FnOnce(&mut Readings)) {
        self.ask(at, more);
        if let Some(sampler) = &mut self.sampler {
            sampler.take(at, &self.readings);
        }
    }

    fn ask(&mut self, at: Time, more: impl FnOnce(&mut Readings)) {
        self.told = Some(at);
        self.probes.iter_mut().for_each(|probe| probe.tell(at, &mut self.readings));
        self.own.tell(&mut self.readings);
        more(&mut self.readings);
    }

    /// Whether a demand is violated already, whatever comes.
    pub fn violated(&self) -> bool {
        self.demands.iter().any(|demand| match demand {
            Requirement::Silent(_) => self.alert_of(demand).is_some_and(|alert| !alert.firings.is_empty()),
            _ => self.told.zip(self.struck).is_some_and(|(now, _)| self.report(demand, now).verdict == Verdict::Violated),
        })
    }

    /// Reports on what is demanded of alerts, at the end of the run, which was then.
    pub fn reports(&self, at: Time) -> Vec<PropertyReport> {
        let mut reports = Vec::new();
        for property in [&ALERT_FIRES, &ALERT_SILENT] {
            let judged = self.demands.iter().filter(|demand| demand.property() == property).map(|demand| self.report(demand, at));
            reports.extend(judged.reduce(|worst, next| if next.verdict > worst.verdict { next } else { worst }));
        }
        reports
    }

    fn alert_of(&self, demand: &Requirement) -> Option<&Watched> {
        self.watched.iter().find(|alert| Some(alert.alert().name()) == demand.alert())
    }

    fn report(&self, demand: &Requirement, at: Time) -> PropertyReport {
        let property = demand.property();
        let Some(alert) = self.alert_of(demand) else { return PropertyReport::holds(property) };
        match demand {
            Requirement::Fires(Fires { within, .. }) => {
                let from = self.struck.unwrap_or(Time::ZERO);
                let until = within.map_or(at, |within| from + within);
                let is_in_time = |firing: &Firing| firing.from <= until && firing.until.is_none_or(|ceased| ceased > from);
                if alert.firings.iter().any(is_in_time) {
                    return PropertyReport::holds(property);
                }
                if at < until {
                    let told = NOT_YET.with("at", at).with("alert", text(alert.alert().name())).with("until", until);
                    return PropertyReport { verdict: Verdict::Unknown, ..PropertyReport::holds(property) }.explained(told);
                }
                PropertyReport::violated(property, until, missed(alert, from, until))
            }
            _ => match alert.firings.first() {
                None if alert.furthest().is_none() => {
                    let told = NOTHING.with("alert", text(alert.alert().name())).with("condition", condition(alert));
                    PropertyReport { verdict: Verdict::Unknown, ..PropertyReport::holds(property) }.explained(told)
                }
                None => PropertyReport::holds(property),
                Some(firing) => PropertyReport::violated(property, firing.from, fired(alert, firing)),
            },
        }
    }

    /// What became of each alert.
    pub fn tables(&self, at: Time) -> Vec<Table> {
        if self.watched.is_empty() {
            return Vec::new();
        }
        let mut table = Table::new("alerts", &["fired", "first", "for"]);
        for alert in &self.watched {
            let first = alert.firings.first().map_or(Cell::Empty, |firing| Cell::Length(firing.from.since(Time::ZERO)));
            let lengths: Duration = alert.firings.iter().map(|firing| firing.until.unwrap_or(at).since(firing.from)).sum();
            let length = if alert.firings.is_empty() { Cell::Empty } else { Cell::Length(lengths) };
            table.row(alert.alert().name(), vec![Cell::Count(alert.firings.len() as u64), first, length]);
        }
        vec![table]
    }

    /// All that was collected, if samples were taken.
    pub fn collected(&mut self) -> Option<Collected> {
        self.sampler.take().map(Sampler::collected)
    }
}

fn text(text: &str) -> Fact {
    Fact::Text(text.to_owned())
}

fn condition(alert: &Watched) -> Fact {
    Fact::Text(alert.alert().when.as_ref().map(|when| format!("`{when}`")).unwrap_or_default())
}

fn fired(alert: &Watched, firing: &Firing) -> Broken {
    FIRED
        .with("alert", text(alert.alert().name()))
        .with("at", firing.from)
        .with("since", firing.since)
        .with("value", Fact::Text(in_words(alert, firing.value)))
        .with("condition", condition(alert))
}

fn missed(alert: &Watched, from: Time, until: Time) -> Broken {
    let furthest = match alert.furthest() {
        None => "there was nothing to compare".to_owned(),
        Some(value) => {
            let is_above = alert.alert().when.as_ref().is_some_and(|when| when.above);
            format!("it was {} at {}", in_words(alert, value), if is_above { "most" } else { "least" })
        }
    };
    MISSED
        .with("alert", text(alert.alert().name()))
        .with("from", from)
        .with("until", until)
        .with("condition", condition(alert))
        .with("furthest", Fact::Text(furthest))
}

/// A value of what the alert compares, as its bound is written.
fn in_words(alert: &Watched, value: f64) -> String {
    let short = |number: f64| Cell::Number(number).to_string();
    match alert.alert().when.as_ref().map(|Condition { bound, .. }| *bound) {
        Some(Bound::Often(_)) => format!("{}/s", short(value)),
        Some(Bound::Share(_)) => format!("{} %", short(value * 100.0)),
        Some(Bound::Long(_)) => Cell::Length(Duration::from_nanos((value * 1e9) as u64)).to_string(),
        Some(Bound::Many(_)) | None => short(value),
    }
}

/// What processes measure themselves.
#[derive(Default)]
struct Own(BTreeMap<(&'static str, NodeId, Vec<String>), (Metric, Sum)>);

/// What has come of one series.
enum Sum {
    Total(u64),
    Level(Amount),
    Sizes(Tally),
}

impl Own {
    fn measure(&mut self, node: NodeId, measure: &Measure) {
        let Measure { metric, labels, amount } = measure;
        let nothing = || match metric.sort {
            MetricSort::Counter => Sum::Total(0),
            MetricSort::Gauge => Sum::Level(*amount),
            MetricSort::Histogram => Sum::Sizes(Tally::default()),
        };
        // As many labels as are declared, whatever was given.
        let labels = labels.iter().cloned().chain(std::iter::repeat_with(String::new)).take(metric.labels.len()).collect();
        let (metric, sum) = self.0.entry((metric.name, node, labels)).or_insert_with(|| (*metric, nothing()));
        match sum {
            Sum::Total(total) => *total += if let Amount::Count(by) = amount { *by } else { amount.number() as u64 },
            Sum::Level(level) => *level = *amount,
            Sum::Sizes(tally) => tally.record(match amount {
                Amount::Length(length) if metric.unit == "seconds" => length.as_nanos(),
                amount => (amount.number() * grain(metric.unit)).round() as u64,
            }),
        }
    }

    fn tell(&mut self, readings: &mut Readings) {
        for ((_, node, labels), (metric, sum)) in self.0.iter_mut() {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            match sum {
                Sum::Total(total) => readings.total(metric, Some(*node), &labels, *total),
                Sum::Level(level) => readings.level(metric, Some(*node), &labels, *level),
                Sum::Sizes(tally) => readings.sizes(metric, Some(*node), &labels, tally),
            }
        }
    }
}
