//! Scenarios in tests.

use std::fmt::Write as _;
use std::io::Write as _;

use super::explanation_text;
use super::words::clean;
use crate::check::Verdict;
use crate::scenario::Scenario;
use crate::world::Outcome;

impl Scenario {
    /// Runs it under this seed, and panics unless every property holds. An unknown verdict is no pass.
    ///
    /// The seed is written to standard error before the run, past what captures the output of tests: one that never ends, or ends its
    /// process, names it.
    ///
    /// # Panics
    /// If a property is violated or unknown: with the verdict, the scenario as a file, and the command that shows the run again.
    #[track_caller]
    pub fn assert_holds(&self, seed: u64) {
        // Where it cannot be written, the run is still worth its while.
        let _ = writeln!(std::io::stderr().lock(), "\"{}\" runs under seed {seed}", clean(&self.name));
        let outcome = self.run(seed);
        assert!(outcome.verdict() == Verdict::Holds, "{}", self.describe_failure(&outcome));
    }

    /// What a failing test says: which properties did not hold, the scenario as a file, and the command that shows the run again.
    pub fn describe_failure(&self, outcome: &Outcome) -> String {
        let mut text = format!("\"{}\" is {} under seed {}\n", self.name, word(outcome.verdict()), outcome.seed);
        for property in outcome.properties.iter().filter(|property| property.verdict != Verdict::Holds) {
            let at = property.at.map(|at| format!(" at {at}")).unwrap_or_default();
            let why = property.explanation.as_ref().map(|why| format!(": {}", explanation_text(why).trim_end())).unwrap_or_default();
            writeln!(text, "  {} is {}{at}{why}", property.name, word(property.verdict)).expect("a text takes everything");
        }
        let seed = outcome.seed;
        write!(text, "\n{}\n// save the above as SCENARIO.ron\nstormglass replay SCENARIO.ron --seed {seed}\n", self.to_ron())
            .expect("a text takes everything");
        text
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "held",
        Verdict::Unknown => "unknown",
        Verdict::Violated => "violated",
    }
}
