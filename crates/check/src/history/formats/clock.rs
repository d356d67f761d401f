//! When entries happened.

use super::entry::Entry;
use super::read::Format;

/// Tells when each entry of a file happened, in nanoseconds.
///
/// The order of lines is the order of what happened. Where entries have times, these are kept as far as they agree with it, so that no two
/// are at one instant. Only in our own lines of JSON do equal times mean that the order is not known.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    format: Format,
    now: u64,
}

impl Clock {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format, now: 0 }
    }

    /// When the next entry happened.
    ///
    /// # Errors
    /// If that would be before the one read last.
    pub(crate) fn tell(&mut self, entry: &Entry) -> Result<u64, String> {
        let least = if self.format == Format::Json && entry.time.is_some() { self.now } else { self.now + 1 };
        match entry.time {
            Some(time) if time < self.now && self.format == Format::Json => {
                Err(format!("its time, {time}, is before that of the line above, {}: events are recorded in order", self.now))
            }
            time => {
                self.now = time.unwrap_or(0).max(least);
                Ok(self.now)
            }
        }
    }
}
