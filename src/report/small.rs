//! What is left of a failing test's run, when it is shrunk.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::shrunk_ron;
use crate::base::SortedMap;
use crate::explore::shrink::Shrink;
use crate::explore::{fingerprint, first_violated};
use crate::scenario::Scenario;
use crate::systems::Watch;
use crate::world::Outcome;

/// How many runs a test may spend on it, and about how many events: seconds. The command `shrink` has all the time that it wants.
const RUNS: u64 = 200;
const EVENTS: u64 = 5_000_000;

/// The smallest scenario that was found to fail in the same way, as a file that names its seed; nothing if the run violates nothing.
/// Failures of scenarios of one name that are the same are shrunk once in a process: a property test shows many of them.
pub(super) fn shrunk(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    static KNOWN: Mutex<SortedMap<(String, u64), Option<String>>> = Mutex::new(SortedMap::new());
    let print = fingerprint(first_violated(outcome)?);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry((scenario.name.clone(), print)).or_insert_with(|| shrink(scenario, outcome.seed)).clone()
}

fn shrink(scenario: &Scenario, seed: u64) -> Option<String> {
    let (cancel, events) = (AtomicBool::new(false), AtomicU64::new(0));
    let run = |candidate: &Scenario, seed, watch: Watch<'_>| {
        let outcome = candidate.run_watched(seed, watch);
        let spent = events.fetch_add(outcome.events, Ordering::Relaxed) + outcome.events;
        cancel.fetch_or(spent > EVENTS, Ordering::Relaxed);
        outcome
    };
    // On one thread, so that where it ends hangs on nothing else.
    let shrink = Shrink { registry: &scenario.registry(), jobs: 1, runs: RUNS, cancel: &cancel, mends: true, run: &run };
    shrink.shrink(scenario, seed, &mut |_| ()).ok().map(|found| shrunk_ron(&found))
}
