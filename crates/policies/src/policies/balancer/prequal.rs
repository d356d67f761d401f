//! Prequal: requests in flight and latency, as probes tell them.

use std::collections::VecDeque;

use stormglass_process::base::{Duration, LocalTime, Stream};

use super::super::SettingError;
use super::super::setting::demand;
use super::member::View;
use super::{Load, Member};

/// How Prequal probes and picks. Wydrowski, Kleinberg, Rumble and Archer, *Load is not what you should balance: Introducing Prequal*,
/// NSDI 2024, §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrequalSettings {
    /// How many probes are sent a request, in thousandths: from 1 to 100,000.
    pub probes_milli: u32,
    /// How many answers are kept: from 2 to 1,000.
    pub pool: u32,
    /// An answer older than this is of no use.
    pub age: Duration,
    /// How many answers are removed a request, the oldest and the worst in turn, in thousandths.
    pub removed_milli: u32,
    /// An instance is hot that has more requests in flight than this part of the answers of late, in percent: at most 100.
    pub hot_percent: u32,
}

impl Default for PrequalSettings {
    /// As in §5 of the paper: three probes a request, sixteen answers, a second; of one removed a request, and hot above 2^-0.25.
    fn default() -> Self {
        Self { probes_milli: 3000, pool: 16, age: Duration::from_secs(1), removed_milli: 1000, hot_percent: 84 }
    }
}

impl PrequalSettings {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), SettingError> {
        demand((1..=100_000).contains(&self.probes_milli), "probes_milli", "probes a request, in thousandths: from 1 to 100000")?;
        demand((2..=1000).contains(&self.pool), "pool", "two answers are needed to choose: from 2 to 1000")?;
        demand(self.hot_percent <= 100, "hot_percent", "a part in percent is at most 100")
    }

    /// How often an answer is used, that the pool does not run empty: equation (1) of the paper, with δ = 1. Any number of times where
    /// more answers are removed than come.
    fn uses(&self, instances: usize) -> u32 {
        let (pool, instances) = (u64::from(self.pool).min(instances as u64), instances as u64);
        let come = u64::from(self.probes_milli) * (instances - pool) / instances.max(1);
        match come.checked_sub(u64::from(self.removed_milli)) {
            None | Some(0) => u32::MAX,
            Some(left) => u32::try_from(2000_u64.div_ceil(left)).unwrap_or(u32::MAX).max(1),
        }
    }
}

/// Answers of probes.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    settings: PrequalSettings,
    /// The oldest first; one of an instance.
    answers: VecDeque<Answer>,
    /// Requests in flight that were told of late, by any.
    of_late: VecDeque<u32>,
    /// Thousandths of probes to send, and of answers to remove.
    to_send: u32,
    to_remove: u32,
    /// Whether the worst is removed next, and not the oldest.
    worst_next: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) load: Load,
    pub(super) at: LocalTime,
    pub(super) used: u32,
}

/// So many answers make the distribution of requests in flight.
const OF_LATE: usize = 128;

impl Pool {
    pub(super) fn new(settings: PrequalSettings) -> Self {
        Self { settings, answers: VecDeque::new(), of_late: VecDeque::new(), to_send: 0, to_remove: 0, worst_next: false }
    }

    /// Whom to probe for one request.
    pub(super) fn probes(&mut self, view: &View<'_>, random: &mut Stream) -> Vec<u64> {
        self.to_send += self.settings.probes_milli;
        let count = self.to_send / 1000;
        self.to_send %= 1000;
        view.choose(count as usize, random).into_iter().map(|place| view.members[place].id).collect()
    }

    /// What a probe was answered. It takes the place of what the same instance said before.
    pub(super) fn answered(&mut self, now: LocalTime, id: u64, load: Load) {
        self.answers.retain(|answer| answer.id != id);
        self.answers.push_back(Answer { id, load, at: now, used: 0 });
        if self.answers.len() > self.settings.pool as usize {
            self.answers.pop_front();
        }
        self.of_late.push_back(load.in_flight);
        if self.of_late.len() > OF_LATE {
            self.of_late.pop_front();
        }
    }

    /// Of the cold ones the one with the least latency; where all are hot, the one with the fewest requests in flight. Where fewer than two
    /// answers are left, one at random.
    pub(super) fn pick(&mut self, view: &View<'_>, random: &mut Stream) -> Option<usize> {
        let (now, age) = (view.now, self.settings.age);
        let find = |id: u64| view.members.binary_search_by_key(&id, |member| member.id).ok();
        self.answers.retain(|answer| now.since(answer.at) <= age && find(answer.id).is_some_and(|place| view.may(place)));
        let uses = self.settings.uses(view.members.len());
        let hot_above = self.hot_above();
        let best = if self.answers.len() < 2 { None } else { best(self.answers.make_contiguous(), hot_above) };
        let picked = match best {
            Some(place) => {
                let answer = &mut self.answers[place];
                // Until it is probed again, what was sent to it is known.
                answer.load.in_flight = answer.load.in_flight.saturating_add(1);
                answer.used += 1;
                let (id, is_used_up) = (answer.id, answer.used >= uses);
                if is_used_up {
                    self.answers.remove(place);
                }
                find(id)
            }
            None => view.by_weight(random),
        };
        self.remove(hot_above);
        picked
    }

    /// The number of requests in flight above which an instance is hot.
    fn hot_above(&self) -> u32 {
        let mut sorted: Vec<u32> = self.of_late.iter().copied().collect();
        sorted.sort_unstable();
        let place = sorted.len() * self.settings.hot_percent as usize / 100;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
    }

    /// Removes what is due: the oldest and the worst in turn, so that no answer misleads for long.
    fn remove(&mut self, hot_above: u32) {
        self.to_remove += self.settings.removed_milli;
        while self.to_remove >= 1000 {
            self.to_remove -= 1000;
            // What is left alone is not removed: it would make the next pick a blind one.
            if self.answers.len() <= 2 {
                continue;
            }
            let place = if self.worst_next { worst(self.answers.make_contiguous(), hot_above).unwrap_or(0) } else { 0 };
            self.answers.remove(place);
            self.worst_next = !self.worst_next;
        }
    }

    pub(super) fn forget_unlisted(&mut self, members: &[Member]) {
        self.answers.retain(|answer| members.iter().any(|member| member.id == answer.id && member.listed));
    }
}

/// The place of the best answer.
pub(super) fn best(answers: &[Answer], hot_above: u32) -> Option<usize> {
    let ranked = answers.iter().enumerate().map(|(place, answer)| (rank(answer, hot_above), place));
    ranked.min().map(|(_, place)| place)
}

/// The place of the worst.
fn worst(answers: &[Answer], hot_above: u32) -> Option<usize> {
    let ranked = answers.iter().enumerate().map(|(place, answer)| (rank(answer, hot_above), place));
    ranked.max().map(|(_, place)| place)
}

/// The cold ones come first, by latency; then the hot ones, by requests in flight.
fn rank(answer: &Answer, hot_above: u32) -> (bool, u64, u64) {
    let (in_flight, latency) = (u64::from(answer.load.in_flight), answer.load.latency.as_nanos());
    if answer.load.in_flight > hot_above { (true, in_flight, latency) } else { (false, latency, in_flight) }
}
