//! Streams in a file, judged: as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::SCHEMA;
use super::explanation::sentence;
use super::history::{remarks, remarks_json};
use super::words::counted;
use crate::base::SortedMap;
use crate::check::Verdict;
use crate::check::recorded::streams::{MODEL, StreamsReport};
use crate::check::streams::{StreamAnomaly, StreamFinding};

/// How many findings of one kind are shown.
const SHOWN: usize = 3;

/// The verdict in a line, without its end.
pub(super) fn streams_headline(file: &StreamsReport) -> String {
    let promise = file.report.demands.promise;
    if let Some(why) = nothing_judged(file) {
        return format!("unknown: {why}");
    }
    match file.verdict {
        Verdict::Holds => format!("holds: {MODEL} keeps the promise {promise}"),
        Verdict::Violated => format!("violated: {MODEL} does not keep the promise {promise}"),
        Verdict::Unknown => format!("unknown: whether {MODEL} keeps the promise {promise}: {}", undecided(file)),
    }
}

fn nothing_judged(file: &StreamsReport) -> Option<String> {
    let why =
        || format!("nothing was judged: of {} no send and no poll is known to have taken effect", counted(file.counts[0], "operation"));
    (file.report.judged == 0).then(why)
}

fn undecided(file: &StreamsReport) -> String {
    let messages = counted(file.report.undecided, "message");
    format!(
        "{messages} that {} acknowledged came to no poll, but no poll of their keys began once all sends were over",
        was(file.report.undecided)
    )
}

const fn was(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// How often what was found, and whether it is forbidden.
fn counts(file: &StreamsReport) -> SortedMap<StreamAnomaly, (Vec<&StreamFinding>, bool)> {
    let mut counts: SortedMap<StreamAnomaly, (Vec<&StreamFinding>, bool)> = SortedMap::new();
    for finding in &file.report.findings {
        let is_forbidden = file.report.demands.forbid(finding.anomaly);
        counts.entry(finding.anomaly).or_insert((Vec::new(), is_forbidden)).0.push(finding);
    }
    counts
}

/// What was judged: how many operations, and what became of them.
pub(super) fn streams_facts(file: &StreamsReport) -> [String; 3] {
    let [operations, failed, unknown] = file.counts;
    [counted(operations, "operation"), format!("{failed} failed, {unknown} of unknown outcome"), file.format.to_string()]
}

/// As people read it: the verdict first, then what was found, with the lines where it is; what is forbidden before what is not.
pub(super) fn streams_text(file: &StreamsReport, full: bool) -> String {
    let [operations, outcomes, format] = streams_facts(file);
    let mut text = format!("{}\n  {operations}: {outcomes} · {format}\n", streams_headline(file));
    for remark in remarks(&file.remarks) {
        let _ = writeln!(text, "  {remark}");
    }
    let counts = counts(file);
    for forbidden in [true, false] {
        for (anomaly, (findings, _)) in counts.iter().filter(|(_, (_, is_forbidden))| *is_forbidden == forbidden) {
            let promised = if forbidden { "" } else { ", which the promise allows" };
            let _ = writeln!(text, "\n{anomaly}: {}{promised}", counted(findings.len(), "time"));
            let shown = if full { findings.len() } else { SHOWN };
            for finding in findings.iter().take(shown) {
                let _ = writeln!(text, "  {} ({})", sentence(&finding.evidence), lines_in_words(&lines(file, finding)));
            }
            if findings.len() > shown {
                let _ = writeln!(text, "  … and {} more", findings.len() - shown);
            }
        }
    }
    text
}

/// The lines on which what shows it ends, or begins if it does not end.
fn lines(file: &StreamsReport, finding: &StreamFinding) -> Vec<u64> {
    let mut lines: Vec<u64> =
        finding.operations.iter().map(|place| file.lines[*place]).map(|(begins, ends)| ends.unwrap_or(begins)).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn lines_in_words(lines: &[u64]) -> String {
    let numbers: Vec<String> = lines.iter().map(u64::to_string).collect();
    format!("line{} {}", if lines.len() == 1 { "" } else { "s" }, numbers.join(", "))
}

/// The line on which the first of what is forbidden shows.
pub(super) fn streams_line(file: &StreamsReport) -> Option<u64> {
    let forbidden = file.report.findings.iter().filter(|finding| file.report.demands.forbid(finding.anomaly));
    forbidden.filter_map(|finding| lines(file, finding).last().copied()).min()
}

/// As one JSON object, of the version [`SCHEMA`].
pub(super) fn streams_json(file: &StreamsReport) -> Json {
    let finding = |finding: &StreamFinding| {
        json!({
            "anomaly": finding.anomaly,
            "detail": sentence(&finding.evidence),
            "evidence": finding.evidence,
            "lines": lines(file, finding),
        })
    };
    let anomalies = counts(file)
        .into_iter()
        .map(|(anomaly, (findings, forbidden))| json!({ "anomaly": anomaly, "count": findings.len(), "forbidden": forbidden }));
    let [operations, failed, unknown] = file.counts;
    json!({
        "schema": SCHEMA,
        "model": MODEL,
        "format": file.format.name(),
        "events": file.remarks.entries,
        "remarks": remarks_json(&file.remarks),
        "promise": file.report.demands.promise,
        "verdict": file.verdict,
        "detail": streams_headline(file),
        "operations": operations,
        "failed": failed,
        "unknown": unknown,
        "undecided": file.report.undecided,
        "counts": anomalies.collect::<Vec<_>>(),
        "anomalies": file.report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
