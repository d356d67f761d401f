//! Metrics: what is measured while a process runs, each declared once.

use super::Duration;

/// Something that is measured: its name, its unit, what it means, and what becomes of its values.
///
/// Names are as in OpenMetrics: lower-case letters, digits and `_`, and the unit, if there is one, is the name's last part. That is
/// checked while it is compiled.
///
/// ```
/// use stormglass_process::base::Metric;
///
/// const RETRIES: Metric = Metric::counter("retries", "", "Calls that were tried again.").by(&["service"]);
/// const BACKLOG: Metric = Metric::gauge("backlog_bytes", "bytes", "What waits to be written.");
/// const WAITS: Metric = Metric::histogram("wait_seconds", "seconds", "How long a call waits for a connection.");
/// # assert_eq!((RETRIES.labels, BACKLOG.unit, WAITS.name), (&["service"][..], "bytes", "wait_seconds"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name: `wait_seconds`.
    pub name: &'static str,
    /// Its unit, in the plural: `seconds`, `bytes`; `ratio` where all is 1; empty where it is a number of things.
    pub unit: &'static str,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// What becomes of its values.
    pub sort: MetricSort,
    /// What its series are told apart by, besides the node.
    pub labels: &'static [&'static str],
}

/// What becomes of the values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricSort {
    /// They are added up: how often something has happened so far, or how much there was of it.
    Counter,
    /// Each takes the place of the one before: how much there is now.
    Gauge,
    /// How many there are of each size is kept.
    Histogram,
}

impl Metric {
    /// Something that is counted.
    ///
    /// # Panics
    /// If it is not named as OpenMetrics demands, or not explained: in a constant, while it is compiled.
    pub const fn counter(name: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self::of(MetricSort::Counter, name, unit, about)
    }

    /// Something of which there is so much at a time.
    ///
    /// # Panics
    /// As [`counter`](Self::counter) does.
    pub const fn gauge(name: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self::of(MetricSort::Gauge, name, unit, about)
    }

    /// Something whose sizes are of interest.
    ///
    /// # Panics
    /// As [`counter`](Self::counter) does.
    pub const fn histogram(name: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self::of(MetricSort::Histogram, name, unit, about)
    }

    const fn of(sort: MetricSort, name: &'static str, unit: &'static str, about: &'static str) -> Self {
        assert!(is_name(name), "a metric's name begins with a lower-case letter, and has such letters, digits and _");
        assert!(unit.is_empty() || ends_with_unit(name, unit), "a metric's name ends with its unit: wait_seconds");
        assert!(!about.is_empty(), "a metric says what it means");
        Self { name, unit, about, sort, labels: &[] }
    }

    /// The same in several series, told apart by these besides the node.
    ///
    /// # Panics
    /// If a label is not named as a metric is, or is one of those that have their own meaning, `node` and `le`.
    #[must_use]
    pub const fn by(self, labels: &'static [&'static str]) -> Self {
        let mut place = 0;
        while place < labels.len() {
            assert!(is_name(labels[place]), "a label's name begins with a lower-case letter, and has such letters, digits and _");
            assert!(!is(labels[place], "node") && !is(labels[place], "le"), "`node` and `le` have their own meaning");
            place += 1;
        }
        Self { labels, ..self }
    }

    /// The series with these labels, as many as it has: `context.count(RETRIES.with(&["db"]), 1)`.
    pub const fn with<'l>(&self, labels: &'l [&'l str]) -> Labelled<'l> {
        Labelled { metric: *self, labels }
    }
}

/// One series of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labelled<'l> {
    /// Which metric.
    pub metric: Metric,
    /// What its labels say, in their order.
    pub labels: &'l [&'l str],
}

impl From<Metric> for Labelled<'_> {
    /// The only series of a metric without labels of its own.
    fn from(metric: Metric) -> Self {
        Self { metric, labels: &[] }
    }
}

/// A value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A number of things.
    Count(u64),
    /// How much, in the metric's unit.
    Number(f64),
    /// How long.
    Length(Duration),
}

impl Amount {
    /// The value in its unit; of a length, seconds.
    pub fn number(self) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Number(number) => number,
            Self::Length(length) => length.as_nanos() as f64 / 1e9,
        }
    }
}

impl From<u64> for Amount {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Amount {
    fn from(count: u32) -> Self {
        Self::Count(u64::from(count))
    }
}

impl From<usize> for Amount {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for Amount {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Duration> for Amount {
    fn from(length: Duration) -> Self {
        Self::Length(length)
    }
}

/// One value that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Of what.
    pub metric: Metric,
    /// What its labels say, in their order.
    pub labels: Vec<String>,
    /// How much.
    pub amount: Amount,
}

const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut place = 0;
    while place < bytes.len() {
        let is_letter = bytes[place].is_ascii_lowercase();
        if !is_letter && (place == 0 || !bytes[place].is_ascii_digit() && bytes[place] != b'_') {
            return false;
        }
        place += 1;
    }
    place > 0
}

const fn is(one: &str, other: &str) -> bool {
    one.len() == other.len() && ends_with(one, other)
}

const fn ends_with_unit(name: &str, unit: &str) -> bool {
    name.len() > unit.len() + 1 && name.as_bytes()[name.len() - unit.len() - 1] == b'_' && ends_with(name, unit)
}

const fn ends_with(text: &str, end: &str) -> bool {
    let (text, end) = (text.as_bytes(), end.as_bytes());
    let mut place = 1;
    while place <= end.len() {
        if text[text.len() - place] != end[end.len() - place] {
            return false;
        }
        place += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_openmetrics() {
        for name in ["waits", "wait_seconds", "p99", "a"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "9_lives", "_waits", "Waits", "wait-seconds", "wait seconds", "wärme"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(ends_with_unit("wait_seconds", "seconds"));
        assert!(!ends_with_unit("seconds", "seconds"), "a name is more than its unit");
        assert!(!ends_with_unit("waitseconds", "seconds"));
        assert!(is("node", "node") && !is("nodes", "node") && !is("a_node", "node"));
    }
}
