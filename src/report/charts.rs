//! What was measured over a run, as its page draws it: series of numbers for a table, and charts of those that tell most.

use serde_json::{Value, json};

use crate::base::{Duration, MetricSort, Time};
use crate::metrics::{Collected, Family, OF_ALERTS, OF_REQUESTS, OF_RUNS, Points, Series, Spread, grain};

/// How many samples a page has, about, and at least.
const SAMPLES: u64 = 240;
const SAMPLES_MIN: u64 = 24;
/// Of a run with more nodes than this fewer samples are taken: each has series of its own.
const NODES: u64 = 200;
/// How many charts of metrics that are the system's own are drawn.
const OWN: usize = 3;

/// How often a run of this length, of so many nodes, is sampled for its page: a length that reads well.
pub(super) fn every(length: Time, nodes: u64) -> Duration {
    let samples = (SAMPLES * NODES / nodes.max(NODES)).max(SAMPLES_MIN);
    let wanted = (length.as_nanos() / samples).max(1);
    let mut unit = 1;
    while unit <= wanted / 10 {
        unit *= 10;
    }
    let nice = [1, 2, 5, 10].into_iter().map(|times| times * unit).find(|nice| *nice >= wanted);
    Duration::from_nanos(nice.unwrap_or(wanted))
}

/// A chart: what is drawn over one another, in one unit.
struct Chart {
    title: &'static str,
    /// Each line: its metric, what its row says, its name in the chart, and the colour that it has.
    lines: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

/// The charts that every run has, as far as it has the metrics. A colour is a name of the page's style; `area` is one that is filled.
const CHARTS: &[Chart] = &[
    Chart {
        title: "latency of operations that ended",
        lines: &[("operation_seconds", "50 %", "p50", "thread"), ("operation_seconds", "99 %", "p99", "stuck-edge")],
    },
    Chart {
        title: "operations that ended",
        lines: &[
            ("operations", "done", "done", "good"),
            ("operations", "failed", "failed", "stuck-edge"),
            ("operations", "unknown", "unknown", "doubt"),
        ],
    },
    Chart {
        title: "under way and in queues",
        lines: &[
            ("operations_under_way", "", "operations", "thread"),
            ("queue_length", ALL, "in queues", "stuck-edge"),
            ("requests_at_work", ALL, "at work", "good"),
            ("bulkhead_waiting", ALL, "before bulkheads", "doubt"),
        ],
    },
    Chart {
        title: "what breakers, bounds and retries do",
        lines: &[
            ("marks", "breaker open", "kept back by breakers", "stuck-edge"),
            ("marks", "request refused", "refused by full queues", "doubt"),
            ("marks", "request shed", "shed", "good"),
            ("marks", "call retried", "retried", "thread"),
        ],
    },
    Chart { title: "messages", lines: &[("messages_sent", ALL, "sent", "bar-edge"), ("messages_lost", ALL, "lost", "stuck-edge")] },
];

/// What stands for all rows of a metric together.
const ALL: &str = "all";
/// What stands for the node that has most.
const MOST: &str = "most of a node";

/// A metric as rows of numbers: of a counter how much came each second since the sample before, of a gauge how much there was, of a
/// histogram what half of what had come since then did not exceed, and what all but one of a hundred did not.
struct Table {
    name: &'static str,
    about: &'static str,
    unit: &'static str,
    rows: Vec<(String, &'static str, Vec<Option<f64>>)>,
}

/// All of it, as the page's script reads it.
pub(super) fn charts(collected: &Collected) -> Value {
    let tables: Vec<Table> =
        collected.families.iter().map(|family| table(collected, family)).filter(|table| !table.rows.is_empty()).collect();
    let place = |metric: &str, row: &str| {
        let table = tables.iter().position(|table| table.name == metric)?;
        let rows = &tables[table].rows;
        // Where there is one row, it is all there is.
        let only = (row == ALL && rows.iter().filter(|(name, ..)| !name.ends_with(MOST)).count() == 1).then_some(0);
        Some((table, rows.iter().position(|(name, ..)| name == row).or(only)?))
    };
    let line =
        |metric: &str, row: &str, name: &str, color: &str| Some(json!([place(metric, row).map(|(table, row)| [table, row])?, name, color]));
    let mut charts: Vec<Value> = Vec::new();
    for Chart { title, lines } in CHARTS {
        let lines: Vec<Value> = lines.iter().filter_map(|(metric, row, name, color)| line(metric, row, name, color)).collect();
        if !lines.is_empty() {
            charts.push(json!({ "title": title, "lines": lines }));
        }
    }
    // How many hold each role; and what the system itself measures.
    let own = tables.iter().filter(|table| is_own(table.name)).take(OWN);
    let roles = tables.iter().filter(|table| table.name == "role_holders");
    for table in roles.chain(own) {
        let title = if table.name == "role_holders" { "who holds a role".to_owned() } else { table.name.replace('_', " ") };
        let has_most = table.rows.iter().any(|(row, ..)| row.ends_with(MOST));
        let is_drawn = |row: &str| row != ALL && row.ends_with(MOST) == has_most && !row.starts_with(ALL);
        let drawn = table.rows.iter().filter(|(row, unit, _)| is_drawn(row) && *unit == table.rows[0].1).take(COLORS.len());
        let lines =
            drawn.zip(COLORS).filter_map(|((row, ..), color)| line(table.name, row, if row.is_empty() { &title } else { row }, color));
        charts.push(json!({ "title": title, "lines": lines.collect::<Vec<_>>() }));
    }
    let tables = tables.iter().map(|table| {
        let rows = table.rows.iter().map(|(name, unit, numbers)| json!([name, unit, numbers]));
        json!({ "name": table.name, "about": table.about, "unit": table.unit, "rows": rows.collect::<Vec<_>>() })
    });
    let mut before = 0;
    let after = collected.times.iter().map(|at| {
        let after = at.as_nanos() - before;
        before = at.as_nanos();
        after
    });
    let after: Vec<u64> = after.collect();
    let tables: Vec<Value> = tables.collect();
    json!({ "every_ns": collected.every.as_nanos(), "after_ns": after, "charts": charts, "tables": tables })
}

/// The colours of lines that have none of their own.
const COLORS: [&str; 5] = ["role-0", "role-2", "role-3", "role-1", "role-4"];

/// Whether it is neither of every run, nor of every client or service.
fn is_own(name: &str) -> bool {
    const OF_CLIENTS_AND_NODES: &[&str] = &[
        "events",
        "events_scheduled",
        "events_deferred",
        "messages_under_way",
        "messages_held",
        "node_role",
        "role_holders",
        "role_rank",
        "disk_syncing",
        "disk_stalled",
        "operations_invoked",
        "operations",
        "errors",
        "operation_seconds",
        "operations_under_way",
    ];
    let known = [OF_RUNS, OF_REQUESTS, OF_ALERTS].into_iter().flatten();
    !OF_CLIENTS_AND_NODES.contains(&name) && known.into_iter().all(|metric| metric.name != name)
}

/// A metric, with what nodes have of it added up.
fn table(collected: &Collected, family: &Family) -> Table {
    let mut groups: Vec<(String, Vec<&Series>)> = Vec::new();
    for series in &family.series {
        let told: Vec<&str> =
            family.labels.iter().zip(&series.labels).filter(|(label, _)| **label != "node").map(|(_, told)| told.as_str()).collect();
        let name = told.join(", ");
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(series),
            None => groups.push((name, vec![series])),
        }
    }
    // Roles of nodes are told by who holds them, and are no amount.
    if groups.len() > 1 {
        groups.push((ALL.to_owned(), family.series.iter().collect()));
    }
    let samples = collected.times.len();
    let is_of_nodes = family.labels.contains(&"node");
    let mut rows = Vec::new();
    for (name, group) in groups {
        if family.is_histogram() {
            let spreads = merged(&group, samples);
            let unit = family.metric.unit;
            let shares = [(1, 2, "50 %"), (99, 100, "99 %")];
            let quantile =
                |of, parts| spreads.iter().map(|spread| spread.quantile(of, parts).map(|size| size as f64 / grain(unit))).collect();
            for (of, parts, share) in shares {
                let row = if name == ALL || name.is_empty() { share.to_owned() } else { format!("{name}, {share}") };
                rows.push((row, unit, quantile(of, parts)));
            }
            continue;
        }
        let sums = added(&group, samples);
        if family.metric.sort == MetricSort::Counter {
            let unit = if family.metric.unit == "bytes" { "bytes/s" } else { "/s" };
            rows.push((name, unit, rates(&sums, &collected.times)));
        } else {
            // Of a term or an index the sum over nodes says little, and the most of them much.
            let most = is_of_nodes && group.len() > 1;
            let label = if name.is_empty() { MOST.to_owned() } else { format!("{name}, {MOST}") };
            rows.push((name, family.metric.unit, sums.into_iter().map(Some).collect()));
            if most {
                rows.push((label, family.metric.unit, greatest(&group, samples)));
            }
        }
    }
    // What was never anything tells nothing.
    rows.retain(|(_, _, numbers): &(String, &str, Vec<Option<f64>>)| numbers.iter().flatten().any(|number| *number != 0.0));
    for (_, _, numbers) in &mut rows {
        numbers.iter_mut().flatten().for_each(|number| *number = rounded(*number));
    }
    Table { name: family.metric.name, about: family.metric.about, unit: family.metric.unit, rows }
}

/// What these add up to, at each sample.
fn added(group: &[&Series], samples: usize) -> Vec<f64> {
    let mut sums = vec![0.0; samples];
    for series in group {
        let Points::Numbers(numbers) = &series.points else { continue };
        sums.iter_mut().skip(series.first).zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    sums
}

/// The greatest of these, at each sample.
fn greatest(group: &[&Series], samples: usize) -> Vec<Option<f64>> {
    let mut most: Vec<Option<f64>> = vec![None; samples];
    for series in group {
        let Points::Numbers(numbers) = &series.points else { continue };
        most.iter_mut()
            .skip(series.first)
            .zip(numbers)
            .for_each(|(most, number)| *most = Some(most.map_or(*number, |most| most.max(*number))));
    }
    most
}

/// What came to these since the sample before, at each sample.
fn merged(group: &[&Series], samples: usize) -> Vec<Spread> {
    let mut all = vec![Spread::default(); samples];
    for series in group {
        let Points::Spreads(spreads) = &series.points else { continue };
        all.iter_mut().skip(series.first).zip(spreads).for_each(|(sum, spread)| sum.merge(spread));
    }
    all
}

/// How much came each second since the sample before; nothing at the first.
fn rates(totals: &[f64], times: &[Time]) -> Vec<Option<f64>> {
    let grown = |place: usize| {
        let before = place.checked_sub(1)?;
        let length = times[place].since(times[before]).as_nanos() as f64 / 1e9;
        (length > 0.0).then(|| (totals[place] - totals[before]) / length)
    };
    (0..totals.len()).map(grown).collect()
}

/// To four digits, of which more are not seen.
fn rounded(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Metric;

    #[test]
    fn runs_are_sampled_at_lengths_that_read_well() {
        for (length, nodes, expected) in [
            (0, 3, 1),
            (239, 3, 1),
            (1_000_000_000, 3, 5_000_000),
            (15_200_000_000, 200, 100_000_000),
            (60_000_000_000, 6, 500_000_000),
            (60_000_000_000, 400, 500_000_000),
            (60_000_000_000, 10_000, 5_000_000_000),
        ] {
            assert_eq!(every(Time::from_nanos(length), nodes).as_nanos(), expected, "{length}");
        }
    }

    #[test]
    fn counters_are_rates_nodes_are_added_up_and_sizes_are_merged() {
        let series =
            |labels: &[&str], first, points| Series { labels: labels.iter().map(|text| (*text).to_owned()).collect(), first, points };
        let family = |metric: Metric, labels, series| Family { metric, labels, series };
        let second = |count: u64| Time::from_nanos(count * 1_000_000_000);
        let seconds = |sizes: &[u64]| sizes.iter().map(|size| size * 1_000_000_000).collect::<Spread>();
        let collected = Collected {
            every: Duration::from_secs(1),
            times: vec![second(0), second(1), second(3)],
            families: vec![
                family(
                    Metric::counter("operations", "", "Ended.").by(&["outcome"]),
                    vec!["outcome"],
                    vec![
                        series(&["done"], 0, Points::Numbers(vec![0.0, 10.0, 40.0])),
                        series(&["failed"], 1, Points::Numbers(vec![0.0, 0.0])),
                    ],
                ),
                family(
                    Metric::gauge("queue_length", "", "Waiting.").by(&["service"]),
                    vec!["node", "service"],
                    vec![
                        series(&["n1", "api"], 0, Points::Numbers(vec![1.0, 2.0, 3.0])),
                        series(&["n2", "api"], 2, Points::Numbers(vec![5.0])),
                    ],
                ),
                family(
                    Metric::histogram("operation_seconds", "seconds", "How long.").by(&["outcome"]),
                    vec!["outcome"],
                    vec![
                        series(&["done"], 1, Points::Spreads(vec![seconds(&[1, 1, 1]), Spread::default()])),
                        series(&["unknown"], 1, Points::Spreads(vec![seconds(&[9]), Spread::default()])),
                    ],
                ),
            ],
        };
        let all = charts(&collected);
        assert_eq!(all["after_ns"], json!([0, 1_000_000_000, 2_000_000_000_u64]));
        assert_eq!(all["tables"][0]["rows"], json!([["done", "/s", [null, 10.0, 15.0]], ["all", "/s", [null, 10.0, 15.0]]]));
        assert_eq!(all["tables"][1]["rows"], json!([["api", "", [1.0, 2.0, 8.0]], ["api, most of a node", "", [1.0, 2.0, 5.0]]]));
        let latencies = &all["tables"][2]["rows"];
        let row = |name: &str| latencies.as_array().into_iter().flatten().find(|row| row[0] == name).map(|row| row[2].clone());
        assert_eq!((row("50 %"), row("99 %")), (Some(json!([null, 1.0, null])), Some(json!([null, 9.0, null]))));
        let titles: Vec<&str> = all["charts"].as_array().into_iter().flatten().filter_map(|chart| chart["title"].as_str()).collect();
        assert_eq!(titles, ["latency of operations that ended", "operations that ended", "under way and in queues"]);
    }
}
