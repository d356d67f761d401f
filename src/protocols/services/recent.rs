//! How long requests take that find as many others under way: what an instance tells those who ask how loaded it is.

use std::collections::VecDeque;

use crate::base::Duration;

/// Requests of late. Wydrowski and others, *Load is not what you should balance: Introducing Prequal*, NSDI 2024, §4: latency is that of
/// requests that found about as many in flight as there are now.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(VecDeque<(u32, Duration)>);

impl Recent {
    /// So many are remembered.
    const KEPT: usize = 64;
    /// Of so many of them, those that found about as many, the median is told.
    const NEAREST: usize = 9;

    /// A request has ended that took so long, and found so many in flight.
    pub(super) fn add(&mut self, found: u32, took: Duration) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back((found, took));
    }

    /// How long one takes that finds so many; nothing where none has ended.
    pub(super) fn latency(&self, in_flight: u32) -> Duration {
        let mut nearest: Vec<(u32, Duration)> = self.0.iter().map(|(found, took)| (found.abs_diff(in_flight), *took)).collect();
        nearest.sort_unstable();
        nearest.truncate(Self::NEAREST);
        let mut lengths: Vec<Duration> = nearest.into_iter().map(|(_, took)| took).collect();
        lengths.sort_unstable();
        lengths.get(lengths.len() / 2).copied().unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_that_of_those_who_found_as_many() {
        let mut recent = Recent::default();
        assert_eq!(recent.latency(3), Duration::ZERO);
        (0..200).for_each(|number: u32| recent.add(number % 10, Duration::from_millis(u64::from(number % 10) * 10)));
        // The last 64 have six that found none under way, and seven that found nine: more than half of the nearest nine.
        assert_eq!(recent.latency(0), Duration::ZERO);
        assert_eq!(recent.latency(5), Duration::from_millis(50));
        assert_eq!(recent.latency(50), Duration::from_millis(90));
    }
}
