//! What is [`Report`]ed of a run, a sweep, recorded histories or scenario files, in every format: each implements [`Render`].
//!
//! Nothing here prints. Text comes as a `String`, with colour if asked; what is shown while a run goes on goes to a writer that is given.
//! The text may change with any release; the JSON has a version, [`SCHEMA`].

mod causes;
mod charts;
mod command;
mod compared;
#[cfg(feature = "cli")]
mod curve;
mod cycles;
mod explanation;
mod export;
mod findings;
mod github;
mod history;
mod json;
mod junit;
mod lanes;
mod log;
mod metrics;
mod model;
mod nodes;
mod otlp;
mod page;
mod paint;
mod regressions;
mod replay;
mod rows;
mod run_data;
mod run_page;
mod saved;
mod shrink;
mod sibling;
mod small;
mod spoken;
mod story;
mod streams;
mod suites;
mod testing;
mod text;
mod trace;
mod transactions;
mod why;
mod words;

use crate::scenario::{Expectation, Expected, Scenario};
use crate::systems::Population;

pub use causes::CauseWords;
pub use command::{Invocation, as_file, quote};
pub use compared::{ComparedReport, compared_json, compared_text};
#[cfg(feature = "cli")]
pub use curve::{Curve, CurvePoint, curve_csv, curve_svg, curve_text, thresholds_text};
pub use explanation::explanation_text;
pub use export::Export;
pub use findings::{Findings, Kept};
pub use github::GitHub;
pub use history::{history_json, history_text, problems_text};
pub use json::{Json, SCHEMA};
pub use junit::JUnit;
pub use log::write_log;
#[cfg(feature = "cli")]
pub use metrics::metrics_csv;
pub use metrics::openmetrics;
pub use model::{Found, HistoryReport, LintReport, MeantViolation, Missing, Render, Report, RunReport, SweepReport, Unjudged};
pub use nodes::{changes_text, nodes_text};
pub use otlp::write_spans;
pub use page::{Html, PAGE_OPERATIONS, PAGE_VIOLATIONS};
pub use regressions::Regressions;
pub use replay::{Filter, ReplayWriter};
pub use rows::{HeaderDifference, RowsError, RowsHeader, RowsReader, WrittenRow, name_of};
pub use run_data::{PAGE_RECORDS, RunDetails};
pub use saved::{changed, standing};
pub use shrink::{ShrunkFiles, shrinking_line, shrunk_ron, shrunk_text};
pub use sibling::{SideBySide, SideRow};
pub use story::{StoryLine, StoryReport};
pub use testing::NotHeld;
pub use text::{Text, opening};
pub use trace::TraceWriter;
pub use transactions::isolation_text;
pub use why::{why_json, why_text};

/// What a report needs to know of the scenario.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its system.
    pub system: &'static str,
    /// How many nodes that has.
    pub population: Population,
    /// What the last server is, if it is told apart from the others.
    pub last_server: Option<&'static str>,
    /// The planted bugs that it runs with.
    pub mutants: &'a [&'static str],
    /// What a sweep must see.
    pub expect: &'a [Expectation],
    /// What it is meant to show.
    pub expected: Expected,
}

impl<'a> Subject<'a> {
    /// How many nodes there are: its servers, what it has besides, and its clients.
    fn nodes(&self) -> Vec<String> {
        let Population { servers, clients } = self.population;
        let mut nodes = vec![words::counted(servers - u32::from(self.last_server.is_some()), "server")];
        nodes.extend(self.last_server.map(|last| words::counted(1_u32, last)));
        nodes.extend((clients > 0).then(|| words::counted(clients, "client")));
        nodes
    }

    /// What a report needs to know of this scenario.
    pub fn of(scenario: &'a Scenario) -> Self {
        Self {
            name: &scenario.name,
            system: scenario.system(),
            population: scenario.roster().population,
            last_server: scenario.roster().last_server,
            mutants: &scenario.mutants,
            expect: &scenario.expect,
            expected: scenario.expected,
        }
    }
}

/// Subjects for the tests of this room.
#[cfg(test)]
mod samples {
    use super::*;

    pub(super) fn called() -> Invocation {
        Invocation { settings: vec!["duration=5s".to_owned()], ..Invocation::new("stormglass", "storm.ron") }
    }

    pub(super) fn subject() -> Subject<'static> {
        Subject {
            name: "a leader crashes",
            system: "RaftKv",
            population: Population { servers: 5, clients: 1 },
            last_server: None,
            mutants: &[],
            expect: &[Expectation::Sometimes("leader lost"), Expectation::Sometimes("client retried")],
            expected: Expected::Holds,
        }
    }
}
