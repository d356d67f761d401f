//! The first line of a file of rows: what was swept, and how.

use serde::{Deserialize, Serialize};

use super::hex::Hex;
use crate::base::Digest;
use crate::explore::{Seeds, Shard, Until};
use crate::report::{Invocation, SCHEMA};
use crate::scenario::{Expected, Scenario};

/// The first line of a file of rows, as `docs/schemas/rows.json` has it. With it the file says all that its rows are of: its scenario
/// and all that was set, the seeds, and what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsHeader {
    schema: u32,
    /// The version of Stormglass.
    pub version: String,
    /// The scenario's name.
    pub scenario: String,
    /// Its file, as the command was given it.
    pub file: String,
    scenario_digest: Hex,
    /// What was set: `system.nodes=7`.
    pub settings: Vec<String>,
    /// The first seed of the whole sweep.
    pub start: u64,
    /// How many seeds the whole sweep has.
    pub seeds: u64,
    /// Which part of it stands in the file; nothing if all of it does.
    pub shard: Option<Shard>,
    /// Whether it goes on after a violation.
    pub keep_going: bool,
    /// Whether what counts is that the scenario's outcome came true.
    pub as_meant: bool,
    /// Whether each seed is run twice.
    pub verify: bool,
    /// The scenario, with all that was set.
    pub text: String,
}

/// What differs between two headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderDifference {
    /// Of what.
    pub field: &'static str,
    /// What the one has.
    pub one: String,
    /// What the other has.
    pub other: String,
}

impl RowsHeader {
    /// That of a sweep of these seeds, or of a shard of it.
    pub fn new(scenario: &Scenario, called: &Invocation, seeds: Seeds, shard: Option<Shard>, verify: bool) -> Self {
        let text = scenario.to_ron();
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.name.clone(),
            file: called.file.clone(),
            scenario_digest: digest(&text),
            settings: called.settings.clone(),
            start: seeds.start,
            seeds: seeds.count,
            shard,
            keep_going: called.keep_going,
            as_meant: called.as_meant,
            verify,
            text,
        }
    }

    /// That of the whole sweep.
    #[must_use]
    pub fn of_whole(self) -> Self {
        Self { shard: None, ..self }
    }

    /// Reads it from a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Beginning {
            schema: u32,
        }
        let Beginning { schema } =
            serde_json::from_slice(line).map_err(|_| "there is no header: it is no file of rows, or an older one".to_owned())?;
        if schema != SCHEMA {
            return Err(format!("its rows are of schema {schema}, and those of this version of Stormglass of schema {SCHEMA}"));
        }
        let header: Self = serde_json::from_slice(line).map_err(|error| format!("in the header: {error}"))?;
        if digest(&header.text) != header.scenario_digest {
            return Err("in the header: `scenario_digest` is not that of `text`".to_owned());
        }
        if header.seeds > 0 && header.start.checked_add(header.seeds - 1).is_none() {
            return Err("in the header: `start` and `seeds` lead beyond the last seed".to_owned());
        }
        Ok(header)
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        // Texts and numbers alone can always be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// The seeds whose rows stand in the file.
    pub fn part(&self) -> Seeds {
        self.shard.map_or(self.whole(), |shard| shard.of(self.whole()))
    }

    /// The seeds of the whole sweep.
    pub const fn whole(&self) -> Seeds {
        Seeds { start: self.start, count: self.seeds }
    }

    /// What ends the sweep early. If what the scenario means came true, there is nothing to go on for.
    pub fn until(&self, expected: Expected) -> Until {
        match expected {
            _ if !self.keep_going => Until::Violated,
            Expected::Violates(property) if self.as_meant => Until::Violates(property),
            _ => Until::Done,
        }
    }

    /// How the sweep was called, by this program.
    pub fn called(&self, program: &str) -> Invocation {
        let (settings, as_meant, keep_going) = (self.settings.clone(), self.as_meant, self.keep_going);
        Invocation { settings, as_meant, keep_going, ..Invocation::new(program, &self.file) }
    }

    /// The first thing by which rows of the one are not rows of the same sweep as those of the other. Which shard it is, and by what path
    /// its file was named, does not count.
    pub fn differs(&self, other: &Self) -> Option<HeaderDifference> {
        let asked = |flag: bool| if flag { "given" } else { "not given" }.to_owned();
        let of = |header: &Self| {
            [
                ("the version of Stormglass", header.version.clone()),
                ("the name of the scenario", format!("{:?}", header.scenario)),
                ("--set", if header.settings.is_empty() { "not given".to_owned() } else { header.settings.join(", ") }),
                ("the digest of the scenario", format!("{:016x}", header.scenario_digest.0)),
                ("--start", header.start.to_string()),
                ("--seeds", header.seeds.to_string()),
                ("--keep-going", asked(header.keep_going)),
                ("--as-meant", asked(header.as_meant)),
                ("--verify", asked(header.verify)),
            ]
        };
        let both = of(self).into_iter().zip(of(other));
        let different = both.into_iter().find(|((_, one), (_, other))| one != other);
        different.map(|((field, one), (_, other))| HeaderDifference { field, one, other })
    }
}

fn digest(text: &str) -> Hex {
    let mut digest = Digest::new();
    digest.bytes(text.as_bytes());
    Hex(digest.finish())
}

/// A header for the tests of this folder.
#[cfg(test)]
pub(super) fn sample(seeds: u64, shard: Option<Shard>) -> RowsHeader {
    let text = "Scenario(name: \"a toy\")".to_owned();
    RowsHeader {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: "a toy".to_owned(),
        file: "toy.ron".to_owned(),
        scenario_digest: digest(&text),
        settings: vec!["system.odds=3".to_owned()],
        start: 0,
        seeds,
        shard,
        keep_going: true,
        as_meant: false,
        verify: false,
        text,
    }
}
