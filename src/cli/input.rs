//! Scenarios as commands take them: a file, and values to set in it.

use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::exit::{Exit, Failure};
use super::{Session, files};
use crate::base::{Duration, ParseDurationError};
use crate::diagnostic::{Diagnostics, Source};
use crate::notation::{self, Form};
use crate::report::Invocation;
use crate::scenario::{Aims, Case, FAILURE, Scenario};
use crate::systems::Registry;

/// A scenario on the command line.
#[derive(Args, Debug)]
pub(super) struct Input {
    /// A scenario file
    #[arg(value_name = "SCENARIO")]
    pub(super) file: PathBuf,
    /// Set a value of the scenario, such as system.nodes=7; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    settings: Vec<SetArgument>,
}

/// `system.nodes=7`.
#[derive(Clone, Debug)]
pub(super) struct SetArgument {
    path: String,
    value: String,
}

impl SetArgument {
    /// This value at this path.
    pub(super) fn new(path: &str, value: &str) -> Self {
        Self { path: path.to_owned(), value: value.to_owned() }
    }
}

impl FromStr for SetArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').ok_or("expected PATH=VALUE, like system.nodes=7")?;
        Ok(Self { path: path.trim().to_owned(), value: value.to_owned() })
    }
}

impl Input {
    /// A file as it is.
    pub(super) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), settings: Vec::new() }
    }

    /// A file with these values set.
    pub(super) fn with(file: &Path, settings: &[SetArgument]) -> Self {
        Self { file: file.to_owned(), settings: settings.to_vec() }
    }

    /// Reads the scenario, or says all that is wrong with it; and how the command was called. Warnings are printed.
    pub(super) fn load(&self, session: &Session<'_>) -> Result<(Scenario, Invocation), Failure> {
        self.read(session, Scenario::parse)
    }

    /// The same of a scenario, or of a failure that was saved.
    pub(super) fn load_case(&self, session: &Session<'_>) -> Result<(Case, Invocation), Failure> {
        self.read(session, Case::parse)
    }

    fn read<T>(&self, session: &Session<'_>, parse: Parse<T>) -> Result<(T, Invocation), Failure> {
        let mut source = Source::new(self.file.display().to_string(), files::read(&self.file)?).with_files(files::beside);
        // Annotations are read beside the file as it is, without --set.
        let aims = Aims::of(&source);
        if !self.settings.is_empty() {
            source = self.set(source, session)?;
        }
        let problems = Diagnostics::new();
        match parse(&source, session.registry, &problems) {
            Some(read) if !problems.has_errors() => {
                session.console.complain(&problems.render(&source, session.console.error_color));
                Ok((read, self.invocation(aims, session)))
            }
            _ => Err(invalid(&source, &problems, session)),
        }
    }

    fn invocation(&self, aims: Aims, session: &Session<'_>) -> Invocation {
        let settings = self.settings.iter().map(|setting| format!("{}={}", setting.path, setting.value)).collect();
        Invocation { aims, settings, ..Invocation::new(&session.program, &self.file.display().to_string()) }
    }

    fn set(&self, source: Source, session: &Session<'_>) -> Result<Source, Failure> {
        // What is wrong with the file is shown as its author wrote it, and is not the fault of the arguments.
        let problems = Diagnostics::new();
        let Some(form) = Form::parse(&source, &problems) else { return Err(invalid(&source, &problems, session)) };
        // Of a failure, a value of its scenario is set.
        let within = if form.name() == Some(FAILURE.name) { "scenario." } else { "" };
        let mut text = source.text.clone();
        for SetArgument { path, value } in &self.settings {
            text = notation::set(&text, &format!("{within}{path}"), value)
                .map_err(|error| Failure::new(Exit::Usage, &format!("--set {path}={value}: {error}")))?;
        }
        Ok(Source::new(format!("{} with --set", source.name), text).with_files(files::beside))
    }
}

/// How a file is read: what is wrong with it is reported.
type Parse<T> = fn(&Source, &Registry, &Diagnostics) -> Option<T>;

fn invalid(source: &Source, problems: &Diagnostics, session: &Session<'_>) -> Failure {
    Failure { exit: Exit::Invalid, text: problems.render(source, session.console.error_color) }
}

/// A seed on the command line: `7`, `0x1f`.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        _ => text.parse(),
    };
    number.map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// A length of time above zero.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let length: Duration = text.parse().map_err(|error: ParseDurationError| error.to_string())?;
    if length.is_zero() { Err("expected a length of time above zero".to_owned()) } else { Ok(length) }
}

/// A seed that the user has not chosen: short enough to be read out.
#[expect(
    clippy::disallowed_types,
    reason = "the one place where chance comes from outside; the seed is printed, and all else follows from it"
)]
pub(super) fn fresh_seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish() >> 32
}
