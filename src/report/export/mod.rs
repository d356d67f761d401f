//! A run in the formats of other tools.

mod shiviz;
mod trace_event;

use std::path::Path;

use crate::explore::causes::Causes;
use crate::trace::Recording;

/// A format of another tool that a run can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// A log with vector clocks, as ShiViz reads it.
    Shiviz,
    /// Trace Event JSON, which Perfetto opens.
    TraceEvent,
}

impl Export {
    /// Each format with the ends of its files' names, and what it is for.
    const FORMATS: &'static [(Self, &'static [&'static str], &'static str)] =
        &[(Self::Shiviz, &["shiviz", "log"], "a log for ShiViz"), (Self::TraceEvent, &["json"], "Trace Event JSON for Perfetto")];

    /// The format that goes with a file of this name.
    ///
    /// # Errors
    /// What the names of files can end with, if none does.
    pub fn of(path: &Path) -> Result<Self, String> {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let known = Self::FORMATS.iter().find(|(_, ends, _)| ends.contains(&end));
        known.map(|(format, ..)| *format).ok_or_else(|| {
            let ends = Self::FORMATS.iter().map(|(_, ends, about)| format!(".{} ({about})", ends.join(" or .")));
            format!("{}: the format goes by the end of the name; known are {}", path.display(), ends.collect::<Vec<_>>().join(", "))
        })
    }

    /// The run in this format.
    pub fn text(self, recording: &Recording, causes: &Causes) -> String {
        match self {
            Self::Shiviz => shiviz::text(recording, causes),
            Self::TraceEvent => trace_event::text(recording, causes),
        }
    }
}
