//! `lint`: scenario files, checked without running them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::{Session, files, input};
use crate::base::Source;

#[derive(Args)]
pub(super) struct Arguments {
    /// Scenario files
    #[arg(value_name = "SCENARIO", required = true)]
    files: Vec<PathBuf>,
}

/// Checks every file, whatever is wrong with those before it.
pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let mut exit = Exit::Held;
    for file in &arguments.files {
        match lint(file, session) {
            Ok(()) => session.console.print(&format!("✓ {}\n", file.display()))?,
            Err(failure) => {
                session.console.complain(&failure.text);
                // That a file cannot be read weighs more: nothing is known of it.
                exit = if exit == Exit::File { exit } else { failure.exit };
            }
        }
    }
    Ok(exit)
}

fn lint(file: &Path, session: &Session<'_>) -> Result<(), Failure> {
    let source = Source::new(file.display().to_string(), files::read(file)?);
    input::parse(&source, session).map(|_| ())
}
