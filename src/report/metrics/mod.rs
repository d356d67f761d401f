//! Metrics over time, for other programs: as OpenMetrics, and as CSV.

mod openmetrics;
#[cfg(feature = "cli")]
mod table;

use crate::base::Time;
#[cfg(feature = "cli")]
use crate::metrics::Collected;
use crate::metrics::{Family, Series};

pub use openmetrics::openmetrics;
#[cfg(feature = "cli")]
pub use table::metrics_csv;

/// A time in seconds, exactly.
fn seconds(at: Time) -> String {
    let (whole, rest) = (at.as_nanos() / 1_000_000_000, at.as_nanos() % 1_000_000_000);
    let text = format!("{whole}.{rest:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The labels of a series with their names.
fn labels<'s>(family: &'s Family, series: &'s Series) -> impl Iterator<Item = (&'static str, &'s str)> {
    family.labels.iter().copied().zip(series.labels.iter().map(String::as_str))
}

/// All series, each with its family.
#[cfg(feature = "cli")]
fn all(collected: &Collected) -> impl Iterator<Item = (&Family, &Series)> {
    collected.families.iter().flat_map(|family| family.series.iter().map(move |series| (family, series)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, Metric, NodeId};
    use crate::metrics::{Readings, Sampler, Tally};

    const SENT: Metric = Metric::counter("sent_bytes", "bytes", "What was \"sent\".\nAll of it.").by(&["kind"]);
    const WAITS: Metric = Metric::histogram("wait_seconds", "seconds", "How long it takes.");
    const LENGTH: Metric = Metric::gauge("queue_length", "", "How many wait.");

    fn some() -> Collected {
        let (mut sampler, mut readings, mut waits) = (Sampler::new(Duration::from_millis(500)), Readings::default(), Tally::default());
        for (half, wait) in [(0_u64, 1), (1, 30), (2, 7_000)] {
            waits.record(wait * 1_000_000);
            readings.sizes(&WAITS, None, &[], &mut waits);
            readings.total(&SENT, None, &["a \\ \"b\""], half * 100);
            if half > 0 {
                readings.level(&LENGTH, Some(NodeId::server(1)), &[], half);
            }
            let at = sampler.due();
            sampler.take(at, &readings);
        }
        sampler.collected()
    }

    #[test]
    fn openmetrics_has_families_sorted_with_timestamps_and_an_end() {
        expect_test::expect_file!["expected.om"].assert_eq(&openmetrics(&some()));
    }

    #[cfg(feature = "cli")]
    #[test]
    fn csv_has_a_line_for_each_value() {
        expect_test::expect_file!["expected.csv"].assert_eq(&metrics_csv(&some()));
    }

    #[test]
    fn times_are_exact() {
        let at = |nanos| seconds(Time::from_nanos(nanos));
        assert_eq!([at(0), at(1), at(1_500_000_000), at(10_000_000_000)], ["0", "0.000000001", "1.5", "10"].map(str::to_owned));
    }
}
