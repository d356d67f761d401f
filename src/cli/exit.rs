//! What a command ends with.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::files::shown;
use crate::base::printable;
use crate::check::Verdict;
use crate::report::MeantViolation;

macro_rules! exits {
    ($( $(#[doc = $about:literal])+ $Name:ident = $code:literal; )+) => {
        /// The exit codes: one table, also in `docs/command.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Exit {
            $( $(#[doc = $about])+ $Name = $code ),+
        }

        impl Exit {
            /// Each code, and what it means.
            pub(super) const ALL: &'static [(&'static str, &'static str)] =
                &[$( (stringify!($code), concat!($($about),+).trim_ascii()) ),+];
        }
    };
}

exits! {
    /// All held.
    Held = 0;
    /// A property was violated.
    Violated = 1;
    /// The command line makes no sense.
    Usage = 2;
    /// An input file makes no sense.
    Invalid = 3;
    /// A budget ended before the answer was known, a seed of a sweep gave no answer in time, or a merge misses seeds.
    Unknown = 4;
    /// Something expected was never seen: a mark or a strike by a sweep, or the violation that was meant.
    NeverSeen = 5;
    /// Stormglass itself failed.
    Defect = 70;
    /// A file could not be read or written.
    File = 74;
    /// The command was interrupted, by Ctrl-C, SIGTERM or SIGHUP.
    Interrupted = 130;
}

impl Exit {
    /// What a run or a sweep ends with by `--as-meant`, if without it it ends with this.
    pub(super) fn as_meant(self, meant: Option<MeantViolation>) -> Self {
        match (meant, self) {
            (Some(MeantViolation { shown: true, .. }), Self::Violated) => Self::Held,
            (Some(MeantViolation { shown: false, .. }), Self::Held | Self::Unknown) => Self::NeverSeen,
            _ => self,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Holds => Self::Held,
            Verdict::Unknown => Self::Unknown,
            Verdict::Violated => Self::Violated,
        }
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// What is said about it, in full.
    pub(super) text: String,
}

impl Failure {
    /// A message in a line.
    pub(super) fn new(exit: Exit, message: &str) -> Self {
        Self { exit, text: format!("error: {}\n", printable(message)) }
    }

    /// Something could not be done to a file.
    pub(super) fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(Exit::File, &format!("cannot {what} {}: {}", shown(path), reason(error)))
    }
}

/// What went wrong, in the words of the system, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
