//! Whether a failure that was saved is what it was.

use crate::explore::{fingerprint, first_violated};
use crate::scenario::Failure;
use crate::world::Outcome;

/// What is not as it was when this failure was saved, now that it ran again, in a line; nothing if all is.
pub fn changed(saved: &Failure, outcome: &Outcome) -> Option<String> {
    let version = env!("CARGO_PKG_VERSION");
    let (other_seed, other_version) = (outcome.seed != saved.seed, saved.version != version);
    let other_digest = outcome.digest != saved.digest;
    if !other_seed && !other_version && !other_digest {
        return None;
    }
    let found = first_violated(outcome).map(|first| (first.name, fingerprint(first)));
    let what = [
        other_seed.then(|| format!("seed {} is not that of the file, {}", outcome.seed, saved.seed)),
        other_version.then(|| format!("it was saved by version {}, and this is {version}", saved.version)),
        (other_digest && !other_seed).then(|| format!("its digest was {:016x}", saved.digest)),
    ];
    let what: Vec<String> = what.into_iter().flatten().collect();
    let still = match found {
        Some((_, print)) if print == saved.fingerprint => "it is the same failure still".to_owned(),
        Some((property, print)) => {
            format!("it is another failure now: of {property}, fingerprint {print:016x} and not {:016x}", saved.fingerprint)
        }
        None => "it fails no more".to_owned(),
    };
    Some(format!("{}: {still}", what.join("; ")))
}
