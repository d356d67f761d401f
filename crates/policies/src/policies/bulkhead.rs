//! Bulkheads: what one kind of work may take of what it shares with others.
//!
//! A service that waits for one slow dependency with all its workers answers nothing any more, not even what needs that dependency not at
//! all. A bulkhead gives each dependency so many of the workers, and so many that wait for one. Nygard, *Release It!*, 2007, ch. 5.
//!
//! ```
//! use stormglass_policies::policies::bulkhead::{Bulkhead, BulkheadSettings, Entry};
//!
//! let mut bulkhead = Bulkhead::new(&BulkheadSettings { in_flight: 1, waiting: 1 }).unwrap();
//! assert_eq!([bulkhead.enter(), bulkhead.enter(), bulkhead.enter()], [Entry::Starts, Entry::Waits, Entry::Refused]);
//! assert!(bulkhead.leave(), "the one that waits starts");
//! assert!(!bulkhead.leave());
//! ```

use super::SettingError;
use super::setting::demand;

/// How wide a bulkhead is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSettings {
    /// How many may be in flight. Above zero.
    pub in_flight: u32,
    /// How many may wait besides.
    pub waiting: u32,
}

impl Default for BulkheadSettings {
    /// Twenty-five, and none that waits, as in Resilience4j.
    fn default() -> Self {
        Self { in_flight: 25, waiting: 0 }
    }
}

/// What becomes of one that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is in flight.
    Starts,
    /// It waits until one [leaves](Bulkhead::leave).
    Waits,
    /// As many are in flight, and wait, as may.
    Refused,
}

/// Counts what is in flight and what waits. In which order these start is the caller's to say, as by a [`Queue`](super::queue::Queue).
#[derive(Clone, Debug)]
pub struct Bulkhead {
    settings: BulkheadSettings,
    in_flight: u32,
    waiting: u32,
}

impl Bulkhead {
    /// An empty one.
    ///
    /// # Errors
    /// If nothing may be in flight.
    pub fn new(settings: &BulkheadSettings) -> Result<Self, SettingError> {
        demand(settings.in_flight > 0, "in_flight", "one at least may be in flight, or none ever starts")?;
        Ok(Self { settings: *settings, in_flight: 0, waiting: 0 })
    }

    /// One comes.
    pub fn enter(&mut self) -> Entry {
        if self.in_flight < self.settings.in_flight {
            self.in_flight += 1;
            Entry::Starts
        } else if self.waiting < self.settings.waiting {
            self.waiting += 1;
            Entry::Waits
        } else {
            Entry::Refused
        }
    }

    /// One that was in flight has ended, however: whether one that waits starts now.
    pub fn leave(&mut self) -> bool {
        if self.waiting > 0 {
            self.waiting -= 1;
            return true;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        false
    }

    /// One that waited does not any more: its time is up, or its caller has gone.
    pub fn gave_up(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// How many are in flight.
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// How many wait.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against two lists.
        #[test]
        fn it_counts_as_two_lists_do(in_flight in 1_u32..4, waiting in 0_u32..4, steps in proptest::collection::vec(0_u8..5, 0..80)) {
            let mut bulkhead = Bulkhead::new(&BulkheadSettings { in_flight, waiting }).unwrap();
            let (mut flights, mut queue): (Vec<()>, Vec<()>) = (vec![], vec![]);
            for step in steps {
                match step {
                    0..=2 => {
                        let entry = if flights.len() < in_flight as usize { flights.push(()); Entry::Starts }
                            else if queue.len() < waiting as usize { queue.push(()); Entry::Waits }
                            else { Entry::Refused };
                        prop_assert_eq!(bulkhead.enter(), entry);
                    }
                    3 if !flights.is_empty() => {
                        flights.pop();
                        let starts = queue.pop().is_some();
                        flights.extend(starts.then_some(()));
                        prop_assert_eq!(bulkhead.leave(), starts);
                    }
                    _ if queue.pop().is_some() => bulkhead.gave_up(),
                    _ => {}
                }
                prop_assert_eq!((bulkhead.in_flight() as usize, bulkhead.waiting() as usize), (flights.len(), queue.len()));
            }
        }
    }

    #[test]
    fn one_that_holds_nothing_is_refused() {
        assert!(Bulkhead::new(&BulkheadSettings { in_flight: 0, waiting: 9 }).is_err());
    }
}
