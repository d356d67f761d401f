//! Alerts while a run goes on: looked at each so often, as a monitor does.

use std::collections::VecDeque;

use super::alert::{Alert, Condition, Expression, QuantileOf, RateOf, Selector, ValueOf};
use super::collected::Spread;
use super::readings::{Now, Readings};
use crate::base::{Duration, Metric, Time};

const VALUE: Metric = Metric::gauge("alert_value", "", "What an alert compares with its bound, when it was last looked at.").by(&["alert"]);
const PENDING: Metric =
    Metric::gauge("alert_pending", "", "1 while what an alert watches for is so, and has not been so for long enough.").by(&["alert"]);
const FIRING: Metric = Metric::gauge("alert_firing", "", "1 while an alert fires.").by(&["alert"]);

/// The metrics of alerts.
pub const OF_ALERTS: &[Metric] = &[VALUE, PENDING, FIRING];

/// An alert, and how it stands.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    alert: Alert,
    /// How often it was looked at.
    looks: u64,
    /// What its metrics were when they were looked at, as far back as it looks.
    past: VecDeque<(Time, Reading)>,
    value: Option<f64>,
    /// The value that went furthest towards the bound or beyond.
    furthest: Option<f64>,
    /// Since when what it watches for is so.
    since: Option<Time>,
    /// When it fired, and when it ceased to.
    pub(super) firings: Vec<Firing>,
}

/// A time for which an alert fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Firing {
    pub(super) from: Time,
    /// Since when what it watches for was so.
    pub(super) since: Time,
    /// When it ceased; nothing if it goes on.
    pub(super) until: Option<Time>,
    /// What it compared when it fired.
    pub(super) value: f64,
}

/// What its metrics were.
#[derive(Clone, Debug, Default)]
struct Reading {
    /// Of a counter, and of what it is a share.
    totals: (f64, f64),
    spread: Spread,
}

impl Watched {
    pub(super) fn new(alert: Alert) -> Self {
        Self { alert, looks: 0, past: VecDeque::new(), value: None, furthest: None, since: None, firings: Vec::new() }
    }

    pub(super) fn alert(&self) -> &Alert {
        &self.alert
    }

    /// When it is looked at next.
    pub(super) fn due(&self) -> Time {
        Time::ZERO + self.alert.every * self.looks
    }

    /// The value that went furthest towards the bound or beyond; nothing if there was nothing to compare.
    pub(super) fn furthest(&self) -> Option<f64> {
        self.furthest
    }

    /// Looks at it.
    pub(super) fn look(&mut self, at: Time, readings: &Readings) {
        self.looks += 1;
        let Some(Condition { above, of, bound }) = self.alert.when.clone() else { return };
        self.value = self.evaluate(&of, at, readings);
        let bound = bound.number();
        let is_so = self.value.is_some_and(|value| if above { value > bound } else { value < bound });
        if let Some(value) = self.value {
            self.furthest = Some(self.furthest.map_or(value, |most| if above { most.max(value) } else { most.min(value) }));
        }
        let firing = self.firings.last_mut().filter(|firing| firing.until.is_none());
        match (is_so, firing) {
            (false, Some(firing)) => {
                firing.until = Some(at);
                self.since = None;
            }
            (false, None) => self.since = None,
            (true, Some(_)) => {}
            (true, None) => {
                let since = *self.since.get_or_insert(at);
                if at.since(since) >= self.alert.r#for {
                    self.firings.push(Firing { from: at, since, until: None, value: self.value.unwrap_or_default() });
                }
            }
        }
    }

    /// Whether it fires now.
    pub(super) fn is_firing(&self) -> bool {
        self.firings.last().is_some_and(|firing| firing.until.is_none())
    }

    /// Tells how it stands.
    pub(super) fn tell(&self, readings: &mut Readings) {
        let labels = [self.alert.name()];
        if let Some(value) = self.value {
            readings.level(&VALUE, None, &labels, value);
        }
        readings.level(&PENDING, None, &labels, u64::from(self.since.is_some() && !self.is_firing()));
        readings.level(&FIRING, None, &labels, u64::from(self.is_firing()));
    }

    /// What the expression is now; nothing if there is nothing to compare.
    fn evaluate(&mut self, of: &Expression, at: Time, readings: &Readings) -> Option<f64> {
        match of {
            Expression::Value(ValueOf { metric }) => numbers(metric.as_ref()?, readings).reduce(|sum, next| sum + next),
            Expression::Most(ValueOf { metric }) => numbers(metric.as_ref()?, readings).reduce(f64::max),
            Expression::Rate(RateOf { metric, of, over }) => {
                // A counter that has not begun is zero.
                let total = |selector: &Selector| numbers(selector, readings).sum::<f64>();
                let now = Reading { totals: (total(metric.as_ref()?), total(of)), ..Reading::default() };
                let (then, before) = self.back(at, *over, now.clone());
                let (grown, whole) = (now.totals.0 - before.totals.0, now.totals.1 - before.totals.1);
                let length = at.since(then).as_nanos() as f64 / 1e9;
                match self.alert.when.as_ref()?.bound {
                    super::alert::Bound::Share(_) => (whole > 0.0).then(|| grown / whole),
                    _ => (length > 0.0).then(|| grown / length),
                }
            }
            Expression::Quantile(QuantileOf { metric, quantile, over }) => {
                let selector = metric.as_ref()?;
                let mut all = Spread::default();
                spreads(selector, readings).for_each(|spread| all.merge(spread));
                let (_, before) = self.back(at, *over, Reading { spread: all.clone(), ..Reading::default() });
                let size = all.since(&before.spread).quantile(u64::from(quantile.parts()), u64::from(quantile.whole()))?;
                let unit = readings.find(&selector.metric).map_or("", |reading| reading.metric.unit);
                Some(size as f64 / grain(unit))
            }
        }
    }

    /// What was read so long ago, or before that, and when; at the start nothing had come. Takes note of what is read now.
    fn back(&mut self, at: Time, over: Duration, now: Reading) -> (Time, Reading) {
        let is_old = |then: &Time| at.since(*then) >= over;
        while self.past.get(1).is_some_and(|(then, _)| is_old(then)) {
            self.past.pop_front();
        }
        let before = self.past.front().cloned().filter(|(then, _)| is_old(then));
        self.past.push_back((at, now));
        before.unwrap_or_default()
    }
}

/// How many grains of a histogram of this unit are one: lengths are kept in nanoseconds.
pub fn grain(unit: &str) -> f64 {
    if unit == "seconds" { 1e9 } else { 1.0 }
}

fn numbers<'r>(selector: &'r Selector, readings: &'r Readings) -> impl Iterator<Item = f64> + 'r {
    selected(selector, readings).filter_map(|now| if let Now::Number(number) = now { Some(*number) } else { None })
}

fn spreads<'r>(selector: &'r Selector, readings: &'r Readings) -> impl Iterator<Item = &'r Spread> + 'r {
    selected(selector, readings).filter_map(|now| if let Now::Spread(spread) = now { Some(spread) } else { None })
}

fn selected<'r>(selector: &'r Selector, readings: &'r Readings) -> impl Iterator<Item = &'r Now> + 'r {
    let family = readings.find(&selector.metric);
    family.into_iter().flat_map(move |reading| {
        reading.series.iter().filter(move |told| selector.selects(&reading.labels, &told.labels())).map(|told| &told.now)
    })
}
