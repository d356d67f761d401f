//! Scenarios in tests.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use super::explanation_text;
use super::regressions::{self, FOLDER};
use super::small::shrunk;
use super::words::clean;
use crate::check::Verdict;
use crate::scenario::Scenario;
use crate::systems::Registry;
use crate::world::Outcome;

impl Scenario {
    /// Runs it under this seed, and panics unless every property holds. An unknown verdict is no pass.
    ///
    /// The seed is written to standard error before the run, past what captures the output of tests: one that never ends, or ends its
    /// process, names it.
    ///
    /// Where the variable `STORMGLASS_SEED` is set, it runs under the seed that it names instead: so a test replays the one that failed.
    ///
    /// Before its first run in a process, the failures of this scenario run that were saved in the folder `stormglass-regressions` of the
    /// package that is tested, if there is one.
    ///
    /// # Panics
    /// If a property is violated or unknown: with the verdict, the scenario as a file, the commands that show the run again, as a
    /// scenario and in this test, and last the scenario shrunk, as far as some seconds take it. If a failure that was saved is not mended.
    /// And if `STORMGLASS_SEED` names no seed.
    #[track_caller]
    pub fn assert_holds(&self, seed: u64) {
        let held = self.holds(seed);
        assert!(held.is_ok(), "{}", held.err().map(|why| why.to_string()).unwrap_or_default());
    }

    /// The same without a panic: for properties of `proptest`, which take an error for a failing case. They shrink it without a word, and
    /// tell of the last alone.
    ///
    /// # Errors
    /// If [`assert_holds`](Self::assert_holds) would panic.
    ///
    /// # Panics
    /// If `STORMGLASS_SEED` names no seed.
    pub fn holds(&self, seed: u64) -> Result<(), NotHeld> {
        let seed = seed_asked_for().unwrap_or(seed);
        if let Some(regressions) = regressions::own(self) {
            return Err(NotHeld(regressions));
        }
        // Where it cannot be written, the run is still worth its while.
        let _ = writeln!(std::io::stderr().lock(), "\"{}\" runs under seed {seed}", clean(&self.name));
        let outcome = self.run(seed);
        if outcome.verdict() == Verdict::Holds {
            return Ok(());
        }
        let small = shrunk(self, &outcome).map(|small| format!("\n// the same, shrunk; `shrink` may find less\n{}\n", small.trim_end()));
        Err(NotHeld(self.describe_failure(&outcome) + &in_this_test(seed) + &small.unwrap_or_default()))
    }

    /// What a failing test says: which properties did not hold, the scenario as a file, and the command that shows the run again.
    pub fn describe_failure(&self, outcome: &Outcome) -> String {
        let mut text = self.told(outcome);
        let (seed, is_ours) = (outcome.seed, Registry::standard().find(self.system()).is_some());
        let program = if is_ours { "stormglass" } else { "YOUR-PROGRAM" };
        let keep = format!("// run and not replay, with --save {FOLDER}, keeps it: assert_holds then runs it first");
        write!(text, "\n{}\n// save the above as SCENARIO.ron\n{keep}\n{program} replay SCENARIO.ron --seed {seed}\n", self.to_ron())
            .expect("a text takes everything");
        text
    }

    /// Which properties did not hold.
    pub(super) fn told(&self, outcome: &Outcome) -> String {
        let mut text = format!("\"{}\" is {} under seed {}\n", self.name, word(outcome.verdict()), outcome.seed);
        for property in outcome.properties.iter().filter(|property| property.verdict != Verdict::Holds) {
            let at = property.at.map(|at| format!(" at {at}")).unwrap_or_default();
            let why = property.explanation.as_ref().map(|why| format!(": {}", explanation_text(why).trim_end())).unwrap_or_default();
            writeln!(text, "  {} is {}{at}{why}", property.name, word(property.verdict)).expect("a text takes everything");
        }
        text
    }
}

/// A run that does not hold, or a failure that was saved and is not mended, as [`Scenario::holds`] tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct NotHeld(String);

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NotHeld {
    /// As it is told: `unwrap` shows it so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotHeld {}

/// The variable that names the seed of all runs of [`Scenario::assert_holds`].
const SEED: &str = "STORMGLASS_SEED";

/// The seed that a user wants to see again in a test.
#[expect(
    clippy::disallowed_methods,
    reason = "the one variable that tests are told a seed by; it comes before the run, as an argument would"
)]
fn seed_asked_for() -> Option<u64> {
    let text = std::env::var(SEED).ok()?;
    let seed = text.trim().parse();
    assert!(seed.is_ok(), "{SEED}={text} names no seed: a whole number is expected");
    seed.ok()
}

/// The command that runs the test that runs now under this seed. Test runners call a thread as they do the test that it runs.
fn in_this_test(seed: u64) -> String {
    let current = std::thread::current();
    let test = current.name().filter(|name| *name != "main").map(|name| format!(" {name} -- --exact")).unwrap_or_default();
    format!("{SEED}={seed} cargo test{test}\n")
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "held",
        Verdict::Unknown => "unknown",
        Verdict::Violated => "violated",
    }
}
