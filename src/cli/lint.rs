//! `lint`: scenario files, and failures that were saved, checked without running them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::{Format, Session, files};
use crate::diagnostic::{Diagnostics, Source};
use crate::report::{LintReport, Render, Report, Text};
use crate::scenario::Case;

#[derive(Args)]
pub(super) struct Arguments {
    /// Scenario files, or failures that were saved
    #[arg(value_name = "SCENARIO", required = true)]
    files: Vec<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Checks every file, whatever is wrong with those before it.
pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let mut exit = Exit::Held;
    let mut reports = Vec::new();
    for file in &arguments.files {
        let (report, found) = lint(file, session);
        // That a file cannot be read weighs more: nothing is known of it.
        exit = if exit == Exit::File || found == Exit::Held { exit } else { found };
        if arguments.format == Format::Text {
            tell(report, session)?;
        } else {
            reports.push(report);
        }
    }
    if arguments.format != Format::Text {
        session.print(arguments.format, &Report::Lint(&reports))?;
    }
    Ok(exit)
}

fn lint(file: &Path, session: &Session<'_>) -> (LintReport, Exit) {
    let name = file.display().to_string();
    let problems = Diagnostics::new();
    match files::read(file) {
        Ok(text) => {
            let source = Source::new(name, text).with_files(files::beside);
            let case = Case::parse(&source, session.registry, &problems);
            let exit = if case.is_some() && !problems.has_errors() { Exit::Held } else { Exit::Invalid };
            (LintReport { source, problems, unread: None }, exit)
        }
        Err(failure) => (LintReport { source: Source::new(name, ""), problems, unread: Some(failure.text) }, failure.exit),
    }
}

/// What is well goes to standard output; what is not, and warnings, to standard error.
fn tell(report: LintReport, session: &Session<'_>) -> Result<(), Failure> {
    if report.is_valid() {
        session.console.complain(&report.problems.render(&report.source, session.console.error_color));
        return session.print(Format::Text, &Report::Lint(&[report]));
    }
    session.console.complain(&Text { color: session.console.error_color, full: false }.render(&Report::Lint(&[report])));
    Ok(())
}
