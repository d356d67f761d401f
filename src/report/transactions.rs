//! Transactions in a file, judged: as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::SCHEMA;
use super::explanation::{doubt_lines, finding_text};
use super::history::{remarks, remarks_json};
use super::words::counted;
use crate::check::isolation::{Finding, Report, transaction_name};
use crate::check::recorded::transactions::FileReport;

/// The verdict in a line, without its end.
pub(super) fn transactions_headline(file: &FileReport) -> String {
    if let Some(why) = nothing_judged(file) {
        return format!("{}: {why}", file.verdict);
    }
    format!("{}: {} with respect to {}", file.verdict, file.model.name(), file.level)
}

/// Why nothing is known, if no transaction was judged.
fn nothing_judged(file: &FileReport) -> Option<String> {
    let why = || format!("nothing was judged: of {} none is known to have committed", counted(file.report.transactions, "transaction"));
    (file.report.committed == 0).then(why)
}

/// As people read it: the verdict first, then all levels and why, then where in the file that is.
pub(super) fn transactions_text(file: &FileReport) -> String {
    let mut text = format!("{}\n{}", transactions_headline(file), isolation_text(&file.report));
    for remark in remarks(&file.remarks) {
        let _ = writeln!(text, "  {remark}");
    }
    let lines = file.finding_lines();
    if !lines.is_empty() {
        text.push_str("\nwhere they are:\n");
        for (place, (begins, ends)) in lines {
            let lines = ends.map_or_else(|| format!("from line {begins}"), |ends| format!("lines {begins} to {ends}"));
            let _ = writeln!(text, "  {}: {lines}", transaction_name(place));
        }
    }
    text
}

/// Levels first, then what went wrong.
pub fn isolation_text(report: &Report) -> String {
    let mut text = String::new();
    let strongest = report.strongest();
    let names: Vec<&str> = strongest.iter().map(|level| level.name()).collect();
    let strongest = if names.is_empty() { "none is known to hold".to_owned() } else { names.join(" and ") };
    let _ = writeln!(text, "the strongest level that holds: {strongest}");
    let _ = writeln!(
        text,
        "  {}: {} committed, {} aborted, {} of unknown outcome · {}",
        counted(report.transactions, "transaction"),
        report.committed,
        report.aborted,
        report.unknown,
        counted(report.edges, "dependency")
    );
    for level in &report.levels {
        let names: Vec<String> = level.anomalies.iter().map(|anomaly| anomaly.name()).collect();
        let _ = write!(text, "  {:<34} {}", level.level, level.verdict);
        let _ = if names.is_empty() { writeln!(text) } else { writeln!(text, ": {}", names.join(", ")) };
    }
    for line in doubt_lines(&report.doubt()) {
        let _ = writeln!(text, "  {line}");
    }
    for (anomaly, count) in &report.counts {
        let findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.anomaly == *anomaly).collect();
        for finding in &findings {
            let _ = write!(text, "\n{}", finding_text(finding));
        }
        if *count > findings.len() {
            let _ = writeln!(text, "\n… and {} more of {anomaly}", count - findings.len());
        }
    }
    text
}

/// As one JSON object, of the version [`SCHEMA`].
pub(super) fn transactions_json(file: &FileReport) -> Json {
    let lines: Vec<Json> = file
        .finding_lines()
        .into_iter()
        .map(|(place, (begins, ends))| json!({"transaction": transaction_name(place), "begins": begins, "ends": ends}))
        .collect();
    let detail = file.report.findings.iter().map(finding_text).collect::<Vec<_>>().join("\n");
    json!({
        "schema": SCHEMA,
        "model": file.model.name(),
        "format": file.format.name(),
        "events": file.remarks.entries,
        "remarks": remarks_json(&file.remarks),
        "level": file.level.name(),
        "verdict": file.verdict,
        "detail": nothing_judged(file).unwrap_or_else(|| detail.trim_end().to_owned()),
        "isolation": isolation_json(&file.report),
        "lines": lines,
    })
}

fn isolation_json(report: &Report) -> Json {
    let levels: Vec<Json> = report
        .levels
        .iter()
        .map(|level| {
            let anomalies: Vec<String> = level.anomalies.iter().map(|anomaly| anomaly.name()).collect();
            json!({"level": level.level.name(), "verdict": level.verdict, "anomalies": anomalies})
        })
        .collect();
    let counts: Vec<Json> = report.counts.iter().map(|(anomaly, count)| json!({"anomaly": anomaly.name(), "count": count})).collect();
    json!({
        "strongest": report.strongest().iter().map(|level| level.name()).collect::<Vec<_>>(),
        "levels": levels,
        "transactions": report.transactions,
        "committed": report.committed,
        "aborted": report.aborted,
        "unknown": report.unknown,
        "dependencies": report.edges,
        "steps": report.steps,
        "anomalies": report.findings,
        "counts": counts,
        "left_out": report.left_out,
        "unordered": report.unordered,
        "bytes": report.bytes,
    })
}
