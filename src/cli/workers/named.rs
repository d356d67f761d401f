//! What the explanation of a run rests on, found out in a worker before the run is shown.

use std::time::Duration;

use serde_json::Value;

use super::crew::now;
use super::message::{Answer, Closeness};
use super::worker::{Heard, Surroundings, Worker};
use crate::check::Verdict;
use crate::explore::Row;
use crate::scenario::Scenario;

/// How long that may take: longer, and the run is shown without.
const PATIENCE: Duration = Duration::from_secs(20);

/// The numbers of the records that the explanations of what a seed violates name, in order. Of a run that does not end none are known: it
/// is to be shown all the same, up to there.
pub(in crate::cli) fn named_records(scenario: &Scenario, seed: u64) -> Vec<u64> {
    let Some(row) = run(scenario, seed) else { return Vec::new() };
    let mut named = Vec::new();
    let violated = row.result.iter().flat_map(|outcome| &outcome.properties).filter(|report| report.verdict == Verdict::Violated);
    for data in violated.filter_map(|report| serde_json::to_value(report.explanation.as_ref()?).ok()) {
        named.extend(data["records"].as_array().into_iter().flatten().filter_map(Value::as_u64));
    }
    named.sort_unstable();
    named.dedup();
    named
}

fn run(scenario: &Scenario, seed: u64) -> Option<Row> {
    let mut worker = Worker::start(scenario, Surroundings::Overheard).ok()?;
    worker.run([seed], Closeness::Outcome, false);
    let begun = now();
    while begun.elapsed() < PATIENCE {
        match worker.hear() {
            Heard::Answer(Answer::Ended(sent)) => return Some(sent.into_row()),
            Heard::Answer(_) | Heard::Nothing => {}
            Heard::Gone => break,
        }
    }
    None
}
