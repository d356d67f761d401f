//! Which instance of a service a call goes to.
//!
//! A [`Balancer`] knows the instances and what it has sent them; some policies know more, of latencies or from probes. It is told of each
//! call's end, and of which instances must not be picked now (ejected, open breakers): that is not its to decide.
//!
//! ```
//! use stormglass_policies::policies::Outcome;
//! use stormglass_policies::policies::balancer::{Balancer, BalancerSettings, Instance, Policy};
//! use stormglass_process::base::{Duration, LocalTime, RunKey};
//!
//! let settings = BalancerSettings { policy: Policy::Weighted, slow_start: None };
//! let mut balancer = Balancer::new(&settings).unwrap();
//! let (now, mut random) = (LocalTime::from_nanos(0), RunKey::from_seed(1).stream("balancer", 0));
//! balancer.set_instances(now, &[(1, 5), (2, 1), (3, 1)].map(|(id, weight)| Instance { id, weight }));
//! let picks: Vec<u64> = (0..7).filter_map(|_| balancer.pick(now, 0, |_| true, &mut random)).collect();
//! assert_eq!(picks, [1, 1, 2, 1, 3, 1, 1]);
//! balancer.finished(now, 2, Duration::from_millis(3), Outcome::Success);
//! assert_eq!((balancer.in_flight(1), balancer.in_flight(2)), (5, 0));
//! ```

mod maglev;
mod member;
mod prequal;
mod ring;
mod slow_start;
#[cfg(test)]
mod tests;

use stormglass_process::base::{Duration, LocalTime, Stream};

pub use prequal::PrequalSettings;
pub use slow_start::SlowStartSettings;

use super::setting::demand;
use super::{Outcome, SettingError};
use maglev::Table;
use member::{Member, View};
use prequal::Pool;
use ring::Ring;

/// By which rule an instance is picked. An instance of weight zero is never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One after the other, in the order of their ids; weights do not matter.
    RoundRobin,
    /// As often as they are heavy, and those of the same instance as far apart as they can be: nginx's smooth weighted round robin.
    Weighted,
    /// At random, as likely as they are heavy.
    Random,
    /// The fewest calls of this balancer in flight, for its weight; at random among several.
    LeastRequests,
    /// Of `d` different ones at random, the one with the fewest calls in flight for its weight. Mitzenmacher, *The Power of Two Choices in
    /// Randomized Load Balancing*, IEEE TPDS 12(10), 2001.
    Choices {
        /// How many are looked at: above zero. With 1 it is random, and weights do not matter.
        d: u32,
    },
    /// The fewest calls in flight as they were when that was looked at last, or as the instance [reported](Balancer::report): stale
    /// information makes all callers go to the same one. Mitzenmacher, *How Useful Is Old Information?*, IEEE TPDS 11(1), 2000.
    LeastLoaded {
        /// How long a look is used. Of instances that report, only reports are.
        refresh: Duration,
    },
    /// Of two different ones at random, the one with the lesser product of calls in flight and average latency, where the average takes
    /// over what is longer at once and forgets it slowly: Finagle's peak EWMA.
    PeakEwma {
        /// The time in which a weight of the past falls to 1/e. Above zero; Finagle has 10 s.
        decay: Duration,
    },
    /// By the key: the first on a ring of hashes. Karger and others, *Consistent Hashing and Random Trees*, STOC 1997.
    RingHash {
        /// How many points an instance has for each unit of its weight: from 1 to 65,536, about a hundred.
        points: u32,
        /// An instance that bears so many percent of the mean is passed over: at least 100, 125 in practice. Without, none is.
        load_percent: Option<u32>,
    },
    /// By the key, through a table in which each instance has as many places; weights do not matter.
    Maglev {
        /// The size of the table: a prime, a hundred times as many as there are instances; 65,537 in the paper.
        table: u32,
    },
    /// By requests in flight and latency, as probes tell them.
    Prequal(PrequalSettings),
}

/// How calls are spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancerSettings {
    /// By which rule.
    pub policy: Policy,
    /// How the weight of a new instance grows, where weights matter: `Weighted`, `Random`, `LeastRequests`, `Choices`, `LeastLoaded`.
    pub slow_start: Option<SlowStartSettings>,
}

impl Default for BalancerSettings {
    /// The better of two, without slow start.
    fn default() -> Self {
        Self { policy: Policy::Choices { d: 2 }, slow_start: None }
    }
}

/// An instance of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    /// What it is known by.
    pub id: u64,
    /// How much it is to get, beside the others.
    pub weight: u32,
}

/// What an instance says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many requests it works on or has waiting.
    pub in_flight: u32,
    /// How long requests take that find as many in flight.
    pub latency: Duration,
}

/// Picks instances.
#[derive(Clone, Debug)]
pub struct Balancer {
    settings: BalancerSettings,
    /// In the order of their ids.
    members: Vec<Member>,
    /// The greatest weight of any.
    heaviest: u32,
    state: State,
}

/// What a policy remembers besides what is known of each member.
#[derive(Clone, Debug)]
enum State {
    Nothing,
    /// The one that was picked last.
    Last(Option<u64>),
    /// When all were looked at last.
    Looked(Option<LocalTime>),
    Ring(Ring),
    Table(Table),
    Pool(Pool),
}

impl Balancer {
    /// One that knows no instances yet.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &BalancerSettings) -> Result<Self, SettingError> {
        if let Some(slow_start) = &settings.slow_start {
            slow_start.check()?;
        }
        let state = match &settings.policy {
            Policy::RoundRobin => State::Last(None),
            Policy::Weighted | Policy::Random | Policy::LeastRequests => State::Nothing,
            Policy::Choices { d } => {
                demand(*d > 0, "d", "at least one is looked at")?;
                State::Nothing
            }
            Policy::LeastLoaded { .. } => State::Looked(None),
            Policy::PeakEwma { decay } => {
                demand(!decay.is_zero(), "decay", "the time in which the past is forgotten is above zero")?;
                State::Nothing
            }
            Policy::RingHash { points, load_percent } => {
                demand((1..=65_536).contains(points), "points", "an instance has from 1 to 65536 points on the ring")?;
                demand(
                    load_percent.is_none_or(|percent| percent >= 100),
                    "load_percent",
                    "a bound below the mean cannot be kept: at least 100",
                )?;
                State::Ring(Ring::default())
            }
            Policy::Maglev { table } => {
                demand((3..=10_000_000).contains(table), "table", "a table has from 3 to 10000000 places")?;
                demand(
                    maglev::is_prime(*table),
                    "table",
                    "its size is a prime, as 251, 65537 or 655373: steps of any length reach all places",
                )?;
                State::Table(Table::default())
            }
            Policy::Prequal(prequal) => {
                prequal.check()?;
                State::Pool(Pool::new(*prequal))
            }
        };
        Ok(Self { settings: settings.clone(), members: vec![], heaviest: 0, state })
    }

    /// These are the instances from now on; of two with the same id the first counts. What is known of those that stay is kept.
    pub fn set_instances(&mut self, now: LocalTime, instances: &[Instance]) {
        let mut listed = instances.to_vec();
        listed.sort_by_key(|instance| instance.id);
        listed.dedup_by_key(|instance| instance.id);
        let before: Vec<_> = self.members.iter().map(|member| (member.id, member.weight, member.listed)).collect();
        for member in &mut self.members {
            member.listed = false;
        }
        for instance in listed {
            match self.members.binary_search_by_key(&instance.id, |member| member.id) {
                Ok(place) => {
                    let member = &mut self.members[place];
                    if !before.iter().any(|(id, _, listed)| *id == instance.id && *listed) {
                        member.joined = now;
                    }
                    (member.weight, member.listed) = (instance.weight, true);
                }
                Err(place) => self.members.insert(place, Member::new(instance.id, instance.weight, now)),
            }
        }
        self.members.retain(|member| member.listed || member.in_flight > 0);
        self.heaviest = self.members.iter().map(|member| member.weight).max().unwrap_or(0);
        if !self.members.iter().map(|member| (member.id, member.weight, member.listed)).eq(before) {
            self.renew();
        }
    }

    /// The tables that say where members lie.
    fn renew(&mut self) {
        match (&mut self.state, &self.settings.policy) {
            (State::Ring(ring), Policy::RingHash { points, .. }) => *ring = Ring::new(&self.members, *points),
            (State::Table(table), Policy::Maglev { table: size }) => *table = Table::new(&self.members, *size),
            (State::Pool(pool), _) => pool.forget_unlisted(&self.members),
            _ => {}
        }
    }

    /// The instance that the next call goes to, of those that are eligible; nothing if there is none. The call is in flight from now on,
    /// until it is told to have [`finished`](Self::finished). `key` says which calls belong together, where the policy goes by that.
    pub fn pick(&mut self, now: LocalTime, key: u64, eligible: impl Fn(u64) -> bool, random: &mut Stream) -> Option<u64> {
        if self.members.is_empty() {
            return None;
        }
        self.look(now);
        let (heaviest, slow_start) = (self.heaviest, self.settings.slow_start);
        let view = View { members: &self.members, heaviest, now, slow_start, eligible: &eligible };
        let place = match (&self.settings.policy, &mut self.state) {
            (Policy::RoundRobin, State::Last(last)) => {
                let start = last.map_or(0, |last| view.members.partition_point(|member| member.id <= last));
                let place = (start..view.members.len()).chain(0..start).find(|place| view.may(*place))?;
                *last = Some(view.members[place].id);
                Some(place)
            }
            (Policy::Weighted, _) => {
                let heavy: Vec<(usize, u64)> = view.places().map(|place| (place, view.weight(place))).collect();
                smooth(&mut self.members, &heavy)
            }
            (Policy::LeastRequests, _) => view.lightest(|member| member.in_flight, random),
            (Policy::LeastLoaded { .. }, _) => view.lightest(|member| member.seen, random),
            (Policy::Choices { d }, _) => {
                let chosen = view.choose(*d as usize, random);
                let load = |place: usize| (u64::from(view.members[place].in_flight) + 1, place);
                chosen.into_iter().min_by(|one, other| view.lighter(load(*one), load(*other)))
            }
            (Policy::PeakEwma { decay }, _) => {
                let chosen = view.choose(2, random);
                let cost = |place: usize| cost(&view.members[place], now, *decay);
                chosen.into_iter().min_by(|one, other| cost(*one).total_cmp(&cost(*other)))
            }
            (Policy::RingHash { load_percent, .. }, State::Ring(ring)) => ring.pick(&view, key, *load_percent),
            (Policy::Maglev { .. }, State::Table(table)) => table.pick(&view, key),
            (Policy::Prequal(_), State::Pool(pool)) => pool.pick(&view, random),
            // Each policy is built with the state that it needs; `Random` needs none.
            _ => view.by_weight(random),
        };
        let member = &mut self.members[place?];
        member.in_flight = member.in_flight.saturating_add(1);
        Some(member.id)
    }

    /// Looks at what is in flight, where it is time to.
    fn look(&mut self, now: LocalTime) {
        let (Policy::LeastLoaded { refresh }, State::Looked(looked)) = (&self.settings.policy, &mut self.state) else { return };
        if looked.is_none_or(|looked| now.since(looked) >= *refresh) {
            *looked = Some(now);
            for member in self.members.iter_mut().filter(|member| !member.reports) {
                member.seen = member.in_flight;
            }
        }
    }

    /// A call has ended, after so long. Each pick ends once; of an instance that is not known nothing is.
    pub fn finished(&mut self, now: LocalTime, id: u64, latency: Duration, outcome: Outcome) {
        let Some(place) = self.place(id) else { return };
        let member = &mut self.members[place];
        member.in_flight = member.in_flight.saturating_sub(1);
        if let (Policy::PeakEwma { decay }, true) = (&self.settings.policy, outcome != Outcome::Ignored) {
            member.cost = averaged(member, now, *decay, latency.as_nanos() as f64);
            member.renewed = now;
        }
        if !member.listed && member.in_flight == 0 {
            self.members.remove(place);
            self.renew();
        }
    }

    /// An instance says how loaded it is: the answer to a [probe](Self::probes), or what it adds to its answers.
    pub fn report(&mut self, now: LocalTime, id: u64, load: Load) {
        let Some(place) = self.place(id) else { return };
        let member = &mut self.members[place];
        (member.seen, member.reports) = (load.in_flight, true);
        if let (State::Pool(pool), true) = (&mut self.state, member.listed) {
            pool.answered(now, id, load);
        }
    }

    /// Whom to ask now how loaded they are, if the policy wants to know: to be called once a request.
    pub fn probes(&mut self, now: LocalTime, random: &mut Stream) -> Vec<u64> {
        let State::Pool(pool) = &mut self.state else { return vec![] };
        let view = View { members: &self.members, heaviest: self.heaviest, now, slow_start: None, eligible: &|_| true };
        pool.probes(&view, random)
    }

    /// How many calls of this balancer to an instance are in flight.
    pub fn in_flight(&self, id: u64) -> u32 {
        self.place(id).map_or(0, |place| self.members[place].in_flight)
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.members.binary_search_by_key(&id, |member| member.id).ok()
    }
}

/// Each is given its weight; the one that has most pays for all. So in as many picks as all weigh together, each is picked as often as it
/// is heavy, and its picks are spread among those of the others.
fn smooth(members: &mut [Member], heavy: &[(usize, u64)]) -> Option<usize> {
    let mut total = 0;
    for (place, weight) in heavy {
        members[*place].credit += i128::from(*weight);
        total += i128::from(*weight);
    }
    let (best, _) = heavy.iter().rev().max_by_key(|(place, _)| members[*place].credit)?;
    members[*best].credit -= total;
    Some(*best)
}

/// Average latency times calls in flight. One that has calls in flight and has answered none yet is dear, so that a new instance is tried
/// and not flooded.
fn cost(member: &Member, now: LocalTime, decay: Duration) -> f64 {
    let average = averaged(member, now, decay, 0.0);
    let calls = f64::from(member.in_flight);
    if average == 0.0 && member.in_flight > 0 { UNKNOWN + calls } else { average * (calls + 1.0) }
}

/// Dearer than any that is known: more than a day.
const UNKNOWN: f64 = 1e14;

/// The average with one more latency: one that is longer is the average at once.
fn averaged(member: &Member, now: LocalTime, decay: Duration, latency: f64) -> f64 {
    if latency > member.cost {
        return latency;
    }
    let kept = libm::exp(-(now.since(member.renewed).as_nanos() as f64) / decay.as_nanos() as f64);
    member.cost * kept + latency * (1.0 - kept)
}
