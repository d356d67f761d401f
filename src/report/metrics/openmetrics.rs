//! Metrics as OpenMetrics 1.0 text, with timestamps:
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.
//!
//! `prometheus-client` writes what a process measures now, for a server that asks: its samples have no timestamps, and a series has one
//! value.

use std::fmt::Write as _;

use super::{labels, seconds};
use crate::base::MetricSort;
use crate::metrics::{Collected, Family, Points, Series, Spread, grain};

/// All that was collected, as OpenMetrics. Times are seconds since the start of the run, which takes the place of the epoch.
pub fn openmetrics(collected: &Collected) -> String {
    let mut text = String::new();
    for family in &collected.families {
        head(family, &mut text);
        for series in &family.series {
            match &series.points {
                Points::Numbers(numbers) => {
                    let suffix = if family.metric.sort == MetricSort::Counter { "_total" } else { "" };
                    for (at, number) in collected.times[series.first..].iter().zip(numbers) {
                        let _ = writeln!(text, "{}{suffix}{} {number} {}", family.metric.name, braces(family, series, None), seconds(*at));
                    }
                }
                Points::Spreads(spreads) => {
                    let mut so_far = Spread::default();
                    for (at, spread) in collected.times[series.first..].iter().zip(spreads) {
                        so_far.merge(spread);
                        histogram(family, series, &so_far, &seconds(*at), &mut text);
                    }
                }
            }
        }
    }
    text + "# EOF\n"
}

fn head(Family { metric, .. }: &Family, text: &mut String) {
    let sort = match metric.sort {
        MetricSort::Counter => "counter",
        MetricSort::Gauge => "gauge",
        MetricSort::Histogram => "histogram",
    };
    let _ = writeln!(text, "# TYPE {} {sort}", metric.name);
    if !metric.unit.is_empty() {
        let _ = writeln!(text, "# UNIT {} {}", metric.name, metric.unit);
    }
    let _ = writeln!(text, "# HELP {} {}", metric.name, escaped(metric.about));
}

fn histogram(family: &Family, series: &Series, so_far: &Spread, at: &str, text: &mut String) {
    let (name, grain) = (family.metric.name, grain(family.metric.unit));
    for bound in bounds(family.metric.unit) {
        let count = so_far.up_to((bound * grain) as u64);
        let _ = writeln!(text, "{name}_bucket{} {count} {at}", braces(family, series, Some(&format!("{bound:?}"))));
    }
    let _ = writeln!(text, "{name}_bucket{} {} {at}", braces(family, series, Some("+Inf")), so_far.count());
    let _ = writeln!(text, "{name}_count{} {} {at}", braces(family, series, None), so_far.count());
    let _ = writeln!(text, "{name}_sum{} {} {at}", braces(family, series, None), so_far.sum() as f64 / grain);
}

/// The upper ends of buckets: 1, 2.5, 5 and so on; of lengths from a tenth of a millisecond to a hundred seconds.
fn bounds(unit: &str) -> impl Iterator<Item = f64> {
    // Divided, for a tenth is no multiple of another in binary.
    let (first, decades, parts) = if unit == "seconds" { (1.0, 6, 10_000.0) } else { (1.0, 6, 1.0) };
    let steps = (0..decades).scan(first, |decade, _| {
        let steps = [1.0, 2.5, 5.0].map(|step| step * *decade);
        *decade *= 10.0;
        Some(steps)
    });
    steps.flatten().chain([1_000_000.0]).map(move |bound| bound / parts)
}

/// The labels in braces, and of a bucket its upper end.
fn braces(family: &Family, series: &Series, le: Option<&str>) -> String {
    let own = labels(family, series).map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    let all: Vec<String> = own.chain(le.map(|le| format!("le=\"{le}\""))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
