//! The instances that a balancer knows, and what it knows of each.

use std::cmp::Ordering;

use stormglass_process::base::{LocalTime, Stream, scale};

use super::slow_start::{SlowStartSettings, WHOLE};

/// An instance and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) weight: u32,
    /// Whether it is in the list still. One that is not stays known while calls to it are in flight.
    pub(super) listed: bool,
    pub(super) joined: LocalTime,
    pub(super) in_flight: u32,
    /// By how much it is behind its share: smooth weighted round robin.
    pub(super) credit: i128,
    /// How many were in flight when that was looked at last, and whether it said so itself.
    pub(super) seen: u32,
    pub(super) reports: bool,
    /// The peak-sensitive average of latencies, in nanoseconds, and when it was renewed.
    pub(super) cost: f64,
    pub(super) renewed: LocalTime,
}

impl Member {
    pub(super) fn new(id: u64, weight: u32, now: LocalTime) -> Self {
        Self { id, weight, listed: true, joined: now, in_flight: 0, credit: 0, seen: 0, reports: false, cost: 0.0, renewed: now }
    }
}

/// The members as one pick sees them.
pub(super) struct View<'a> {
    pub(super) members: &'a [Member],
    pub(super) heaviest: u32,
    pub(super) now: LocalTime,
    pub(super) slow_start: Option<SlowStartSettings>,
    pub(super) eligible: &'a dyn Fn(u64) -> bool,
}

impl View<'_> {
    /// Whether the member at this place may be picked.
    pub(super) fn may(&self, place: usize) -> bool {
        let member = &self.members[place];
        member.listed && member.weight > 0 && (self.eligible)(member.id)
    }

    /// The places of those that may be picked.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(|place| self.may(*place))
    }

    /// The weight of a member now, in millionths: above zero where it may be picked.
    pub(super) fn weight(&self, place: usize) -> u64 {
        let member = &self.members[place];
        let share = self.slow_start.map_or(WHOLE, |settings| settings.share(self.now.since(member.joined)));
        u64::from(member.weight) * share
    }

    /// Of two loads the one that is less for the weight of who bears it.
    pub(super) fn lighter(&self, one: (u64, usize), other: (u64, usize)) -> Ordering {
        let [ours, theirs] = [(one.0, other.1), (other.0, one.1)].map(|(load, place)| u128::from(load) * u128::from(self.weight(place)));
        ours.cmp(&theirs)
    }

    /// Of all that may be picked one that bears the least for its weight; of several, each is as likely.
    pub(super) fn lightest(&self, load: impl Fn(&Member) -> u32, random: &mut Stream) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        let mut alike = 0;
        for place in self.places() {
            // The one that is to come is counted, so that weights matter where nothing is in flight.
            let candidate = (u64::from(load(&self.members[place])) + 1, place);
            let order = best.map_or(Ordering::Less, |best| self.lighter(candidate, best));
            alike = if order == Ordering::Less { 1 } else { alike + u64::from(order == Ordering::Equal) };
            // The n-th alike takes the place of the one before it with a chance of 1/n.
            if order == Ordering::Less || order == Ordering::Equal && random.below(alike) == 0 {
                best = Some(candidate);
            }
        }
        best.map(|(_, place)| place)
    }

    /// One by weight.
    pub(super) fn by_weight(&self, random: &mut Stream) -> Option<usize> {
        let most = u64::from(self.heaviest.max(1)) * WHOLE;
        // Drawn from all, and kept as likely as it is heavy: mostly quicker than to add up the weights of all.
        for _ in 0..TRIES {
            let place = scale(random.word(), self.members.len() as u64) as usize;
            if random.below(most) < self.weight(place) && self.may(place) {
                return Some(place);
            }
        }
        let total = self.places().map(|place| u128::from(self.weight(place))).sum::<u128>();
        let mut left = (u128::from(random.word()) * total) >> 64;
        self.places().find(|place| {
            let weight = u128::from(self.weight(*place));
            let is_it = left < weight;
            left = left.saturating_sub(weight);
            is_it
        })
    }

    /// So many different ones, or all if there are not as many; each set of them is as likely.
    pub(super) fn choose(&self, count: usize, random: &mut Stream) -> Vec<usize> {
        let mut chosen: Vec<usize> = Vec::with_capacity(count.min(self.members.len()));
        // Mostly quicker than to list all that may be picked.
        for _ in 0..(TRIES + 2 * count).min(4 * self.members.len()) {
            if chosen.len() == count {
                return chosen;
            }
            let place = scale(random.word(), self.members.len() as u64) as usize;
            if !chosen.contains(&place) && self.may(place) {
                chosen.push(place);
            }
        }
        let mut others: Vec<usize> = self.places().filter(|place| !chosen.contains(place)).collect();
        while chosen.len() < count && !others.is_empty() {
            chosen.push(others.swap_remove(random.below(others.len() as u64) as usize));
        }
        chosen
    }
}

/// So many draws are tried before all are looked at.
const TRIES: usize = 16;
