//! When entries happened.

use super::entry::Entry;
use super::read::Format;
use super::value::Value;

/// Tells when each entry of a file happened, in nanoseconds.
///
/// The order of lines is the order of what happened. Where entries have times, these are kept as far as they agree with it, so that no two
/// are at one instant. Only in our own lines of JSON do equal times mean that the order is not known. Times that contradict the order of
/// lines are counted.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    format: Format,
    now: u64,
    /// The latest time that an entry had.
    latest: u64,
    /// The last index that an entry had, and its line.
    index: Option<(i64, u64)>,
    late: Late,
}

/// Entries whose times contradict the order of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// How many there are.
    pub events: u64,
    /// By how many nanoseconds at most one is before the latest that stands above it.
    pub most: u64,
}

impl Clock {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format, now: 0, latest: 0, index: None, late: Late { events: 0, most: 0 } }
    }

    /// What contradicted the order of lines so far.
    pub(crate) const fn late(&self) -> Late {
        self.late
    }

    /// When the next entry happened.
    pub(crate) fn tell(&mut self, entry: &Entry) -> u64 {
        let behind = entry.time.map_or(0, |time| self.latest.saturating_sub(time));
        self.late.events += u64::from(behind > 0);
        self.late.most = self.late.most.max(behind);
        self.latest = self.latest.max(entry.time.unwrap_or(0));
        let tied = self.format == Format::Json && entry.time.is_some() && behind == 0;
        self.now = entry.time.unwrap_or(0).max(if tied { self.now } else { self.now + 1 });
        self.now
    }

    /// Whether the index of the next entry says so, too.
    ///
    /// # Errors
    /// If it says that the entry happened before the one read last.
    pub(crate) fn in_order(&mut self, entry: &Entry) -> Result<(), String> {
        let Some((_, Value::Int(index))) = entry.rest.iter().find(|(name, _)| name.as_str() == "index") else { return Ok(()) };
        match self.index.replace((*index, entry.line)) {
            Some((before, line)) if before >= *index => Err(format!(
                "its index is {index}, but above it, on line {line}, stands {before}: which order counts, of lines or of indices?"
            )),
            _ => Ok(()),
        }
    }
}
