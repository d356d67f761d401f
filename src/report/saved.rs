//! Whether a failure that was saved is what it was.

use super::words::{counted, grouped};
use crate::check::PropertyReport;
use crate::explore::{fingerprint, first_violated, violated_as};
use crate::scenario::{Failure, Standing};
use crate::world::Outcome;

/// Where a failure stood in the sweep that met it.
pub fn standing(sweep: &Standing) -> String {
    let Standing { start, seeds, failed, kinds, alike, rank } = *sweep;
    let seeds = format!("in a sweep of {} from {start} on, {} failed", counted(seeds, "seed"), grouped(failed));
    match kinds {
        1 => format!("{seeds}, all of them in this way"),
        _ => format!("{seeds}, {} of them in this way: number {rank} of {kinds} kinds, the most frequent first", grouped(alike)),
    }
}

/// What is not as it was when this failure was saved, now that it ran again, in a line; nothing if all is.
pub fn changed(saved: &Failure, outcome: &Outcome) -> Option<String> {
    let version = env!("CARGO_PKG_VERSION");
    let (other_seed, other_version) = (outcome.seed != saved.seed, saved.version != version);
    let other_digest = outcome.digest != saved.digest;
    let what = [
        other_seed.then(|| format!("seed {} is not that of the file, {}", outcome.seed, saved.seed)),
        other_version.then(|| format!("it was saved by version {}, and this is {version}", saved.version)),
        (other_digest && !other_seed).then(|| format!("its digest was {:016x}", saved.digest)),
    ];
    let what: Vec<String> = what.into_iter().flatten().collect();
    let lost = lost(saved, outcome);
    if what.is_empty() {
        return lost;
    }
    Some(format!("{}: {}", what.join("; "), lost.unwrap_or_else(|| "it is the same failure still".to_owned())))
}

/// How it is no longer the same failure, if it is not.
fn lost(saved: &Failure, outcome: &Outcome) -> Option<String> {
    if violated_as(outcome, saved.fingerprint).is_some() {
        return None;
    }
    let another = |first: &PropertyReport| {
        let print = fingerprint(first);
        format!("it is another failure now: of {}, fingerprint {print:016x} and not {:016x}", first.name, saved.fingerprint)
    };
    Some(first_violated(outcome).map_or_else(|| "it fails no more".to_owned(), another))
}
