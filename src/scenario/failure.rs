//! Failures as files: a scenario, the seed under which it failed, and how it did.

use super::Scenario;
use super::decode;
use super::fates::Content;
use crate::diagnostic::{Diagnostics, Source};
use crate::notation::{Count, Form, Maybe, Parsed, Record, Required, Settings as _, Text, Variant, codec, settings};
use crate::systems::Registry;
use crate::world::Outcome;

/// A run that failed: all that it takes to run it again, and by what to know whether it still is what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What ran.
    pub scenario: Scenario,
    /// The seed under which it failed.
    pub seed: u64,
    /// The version of Stormglass that it failed with.
    pub version: String,
    /// What was violated, and why: equal for failures that are the same.
    pub fingerprint: u64,
    /// The digest of the run.
    pub digest: u64,
    /// Where it stood in the sweep that met it last, if one did.
    pub sweep: Option<Standing>,
}

/// What a command is to run: a scenario, or a failure that was saved.
#[derive(Clone, Debug, PartialEq)]
pub enum Case {
    /// A scenario.
    Scenario(Box<Scenario>),
    /// A failure.
    Failure(Box<Failure>),
}

/// What a file of a failure holds.
pub const FAILURE: Variant = Variant::new(
    "Failure",
    "A run that failed, as `--save` writes it: its scenario, its seed, and how it failed. `run`, `replay` and `shrink` take it in place of a \
     scenario.",
    "Failure(scenario: Scenario(…), seed: 7, version: \"0.1.0\", fingerprint: \"0123456789abcdef\", digest: \"0123456789abcdef\")",
)
.with(Saved::declared);

/// What reading the scenario within takes.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading<'c>(Option<(&'c Registry, &'c Diagnostics)>);

codec!(Reading<'_>: Scenario = Self::scenario, write_within, "a whole scenario, `Scenario(…)`", None);

settings! {
    |reading: Reading<'c>|
    /// The fields of `Failure(…)`.
    struct Saved {
        /// What ran.
        scenario: Option<Scenario> = None, Required(reading);
        /// The seed under which it failed.
        seed: Option<u64> = None, Required(Count(0..));
        /// The version of Stormglass that it failed with.
        version: Option<String> = None, Required(Text);
        /// What was violated, and why: equal for failures that are the same.
        fingerprint: Option<Content> = None, Required(DIGEST);
        /// The digest of the run.
        digest: Option<Content> = None, Required(DIGEST);
        /// Where it stood in the sweep that met it last: `sweep --save` adds it at the end.
        sweep: Option<Standing> = None, Maybe(Record::like("(seeds: 1000, failed: 31, kinds: 5, alike: 4, rank: 2)"));
    }
}

settings! {
    /// Where a failure stands in a sweep.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Standing {
        /// The first seed of the sweep.
        start: u64 = 0, Count(0..);
        /// How many seeds were run.
        seeds: u64 = 0, Count(0..);
        /// How many of them violated something.
        failed: u64 = 0, Count(0..);
        /// How many kinds of failures these are, told apart by their fingerprints.
        kinds: u64 = 0, Count(0..);
        /// How many of them are of this kind.
        alike: u64 = 0, Count(0..);
        /// Which of the kinds that is, from 1, the most frequent first.
        rank: u64 = 0, Count(0..);
    }
}

const DIGEST: Parsed = Parsed("sixteen hexadecimal digits, like \"0123456789abcdef\"");

impl Reading<'_> {
    fn scenario(&self, form: Form<'_>) -> Option<Scenario> {
        let (registry, problems) = self.0?;
        decode::scenario_of(form, registry, problems)
    }
}

/// The scenario, one step further to the right.
fn write_within(scenario: &Scenario) -> String {
    scenario.to_ron().trim_end().replace('\n', "\n    ")
}

impl Failure {
    /// The failure that this run of the scenario is, by the fingerprint of what it violates.
    pub fn new(scenario: &Scenario, outcome: &Outcome, fingerprint: u64) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { scenario: scenario.clone(), seed: outcome.seed, version, fingerprint, digest: outcome.digest, sweep: None }
    }

    /// Reads a file of a failure. Every problem is reported; nothing is returned if any is an error.
    pub fn parse(source: &Source, registry: &Registry, problems: &Diagnostics) -> Option<Self> {
        match Case::parse(source, registry, problems)? {
            Case::Failure(failure) => Some(*failure),
            Case::Scenario(_) => {
                let form = Form::parse(source, problems)?;
                form.report(form.mismatch("`Failure(…)`").help("`run --save DIR` and `sweep --save DIR` write what failed"));
                None
            }
        }
    }

    fn read(form: Form<'_>, registry: &Registry, problems: &Diagnostics) -> Option<Self> {
        let mut fields = form.fields()?;
        let (Saved { scenario, seed, version, fingerprint, digest, sweep }, _) =
            Saved::read_within(&mut fields, None, Reading(Some((registry, problems))));
        fields.finish();
        let (fingerprint, digest) = (fingerprint?.0, digest?.0);
        let failure = Self { scenario: scenario?, seed: seed?, version: version?, fingerprint, digest, sweep };
        (!problems.has_errors()).then_some(failure)
    }

    /// The failure as a file: reading it gives the same again.
    pub fn to_ron(&self) -> String {
        let saved = Saved {
            scenario: Some(self.scenario.clone()),
            seed: Some(self.seed),
            version: Some(self.version.clone()),
            fingerprint: Some(Content(self.fingerprint)),
            digest: Some(Content(self.digest)),
            sweep: self.sweep,
        };
        let texts = saved.texts(None);
        let told = texts.iter().filter(|(_, value, _)| !value.is_empty());
        let fields: String = told.map(|(name, value, _)| format!("    {name}: {value},\n")).collect();
        format!("Failure(\n{fields})\n")
    }
}

impl Case {
    /// Reads a file that holds either. Every problem is reported, warnings too; nothing is returned if any is an error.
    pub fn parse(source: &Source, registry: &Registry, problems: &Diagnostics) -> Option<Self> {
        let form = decode::value(source, registry, problems)?;
        match form.name() {
            Some("Failure") => Failure::read(form, registry, problems).map(|failure| Self::Failure(Box::new(failure))),
            _ => decode::scenario_of(form, registry, problems).map(|scenario| Self::Scenario(Box::new(scenario))),
        }
    }

    /// The seed of a failure, or that which the scenario names.
    pub fn seed(&self) -> Option<u64> {
        match self {
            Self::Scenario(scenario) => scenario.seed,
            Self::Failure(failure) => Some(failure.seed),
        }
    }

    /// What is to run.
    pub fn scenario(&self) -> &Scenario {
        match self {
            Self::Scenario(scenario) => scenario,
            Self::Failure(failure) => &failure.scenario,
        }
    }

    /// How it failed, if it is a failure.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Scenario(_) => None,
            Self::Failure(failure) => Some(failure),
        }
    }
}
