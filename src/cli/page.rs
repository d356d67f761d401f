//! The page about a run, as `run`, `shrink` and `why` write it.

use std::path::Path;

use super::exit::Failure;
use super::files::Draft;
use super::panics;
use super::run::tell;
use crate::report::{Findings, Html, Invocation, Render, Report, RunDetails, RunReport, StoryReport, Subject};
use crate::scenario::Scenario;
use crate::systems::Watch;

/// Writes the page about this run, which it runs again for that, with what is known of it besides.
pub(super) fn write(
    (draft, path): (Draft, &Path),
    (scenario, seed): (&Scenario, u64),
    called: &Invocation,
    findings: Findings,
) -> Result<(), Failure> {
    let again = |watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    let mut drawn = None;
    let outcome = again(Watch { drawing: Some(&mut drawn), ..Watch::default() });
    let details = RunDetails::of(&again, &outcome, findings);
    let story = tell(scenario, &outcome, true, StoryReport::WIDTH);
    let report = RunReport {
        subject: Subject::of(scenario),
        outcome: &outcome,
        called,
        drawing: drawn.as_ref(),
        story: story.as_ref(),
        details: Some(&details),
    };
    draft.fill(path, &Html.render(&Report::Run(report)))
}

/// How a command is called that runs the scenario which a page shows, if that is not the one that the command was given: from the file that
/// it was written to, or is to be.
pub(super) fn called_with(called: &Invocation, file: Option<&Path>) -> Invocation {
    let file = file.map_or_else(|| "shrunk.ron".to_owned(), |file| file.display().to_string());
    Invocation::new(&called.program, &file)
}
