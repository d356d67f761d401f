//! Metrics as CSV: a line for each value.

use super::{all, labels, seconds};
use crate::base::MetricSort;
use crate::metrics::{Collected, Spread, grain};

/// All that was collected, a line for each value: when, which metric, which of its values, which series, and how much. Of a histogram the
/// values are those that came since the sample before: how many, their sum and quantiles.
pub fn metrics_csv(collected: &Collected) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut write = |line: [&str; 5]| csv.write_record(line).expect("a vector takes all that is written");
    write(["time", "metric", "is", "labels", "value"]);
    for (family, series) in all(collected) {
        let (metric, labels) = (family.metric.name, labels(family, series).map(|(name, value)| format!("{name}={value}")));
        let labels = labels.collect::<Vec<_>>().join(";");
        if family.is_histogram() {
            for (at, spread) in collected.spreads(series) {
                for (is, value) in statistics(spread, grain(family.metric.unit)) {
                    write([&seconds(at), metric, is, &labels, &value.to_string()]);
                }
            }
            continue;
        }
        let is = if family.metric.sort == MetricSort::Counter { "total" } else { "value" };
        for (at, number) in collected.numbers(series) {
            write([&seconds(at), metric, is, &labels, &number.to_string()]);
        }
    }
    String::from_utf8(csv.into_inner().expect("a vector takes all that is written")).expect("texts were written")
}

fn statistics(spread: &Spread, grain: f64) -> Vec<(&'static str, f64)> {
    let mut all = vec![("count", spread.count() as f64), ("sum", spread.sum() as f64 / grain)];
    let quantiles = [("p50", 1, 2), ("p90", 9, 10), ("p99", 99, 100), ("max", 1, 1)];
    all.extend(quantiles.iter().filter_map(|(name, of, parts)| Some((*name, spread.quantile(*of, *parts)? as f64 / grain))));
    all
}
