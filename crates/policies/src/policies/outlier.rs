//! Outlier ejection: an instance that fails where others do not gets no calls for a while.
//!
//! An instance is ejected after so many failures in a row, or if its success rate lies far below that of the others: for longer each time.
//! Not too many are ejected at once, and where few are left, all get calls again: an outage of all is not the fault of each, and what is
//! left would break down under the load of all (panic). Envoy, *Outlier detection* and *Panic threshold*.
//!
//! ```
//! use stormglass_policies::policies::Outcome;
//! use stormglass_policies::policies::outlier::{OutlierSettings, Outliers};
//! use stormglass_process::base::LocalTime;
//!
//! let mut outliers = Outliers::new(&OutlierSettings::default()).unwrap();
//! outliers.set_instances(&[1, 2, 3]);
//! let at = |secs: i64| LocalTime::from_nanos(secs * 1_000_000_000);
//! for _ in 0..4 {
//!     assert_eq!(outliers.record(at(0), 2, Outcome::Failure), None);
//! }
//! assert_eq!(outliers.record(at(0), 2, Outcome::Failure).unwrap().until, at(30));
//! assert!(!outliers.eligible(at(29), 2) && outliers.eligible(at(29), 1));
//! assert!(outliers.eligible(at(30), 2));
//! ```

use stormglass_process::base::{Duration, LocalTime, Ratio};

use super::setting::demand;
use super::{Outcome, SettingError};

/// What makes an instance an outlier, and for how long it is ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierSettings {
    /// So many failures in a row eject: above zero. Without, none do.
    pub consecutive: Option<u32>,
    /// How far below the others a success rate ejects. Without, none does.
    pub success_rate: Option<SuccessRate>,
    /// How often success rates are looked at. Above zero.
    pub interval: Duration,
    /// For how long an instance is ejected the first time; twice as long the second time, and so on. Each interval without takes one off.
    pub ejection: Duration,
    /// For how long at most.
    pub ejection_max: Duration,
    /// Which share of the instances may be ejected at once: one at least may be.
    pub ejected_max: Ratio,
    /// Where less than this share is not ejected, all get calls.
    pub panic_below: Ratio,
}

/// How far below the others a success rate is that of an outlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuccessRate {
    /// So many instances must have had enough calls: at least two.
    pub hosts_min: u32,
    /// So many calls within an interval are enough: above zero.
    pub calls_min: u32,
    /// So many standard deviations below the mean, in thousandths.
    pub deviations_milli: u32,
}

impl Default for SuccessRate {
    /// 1.9 standard deviations, of five instances with a hundred calls each.
    fn default() -> Self {
        Self { hosts_min: 5, calls_min: 100, deviations_milli: 1900 }
    }
}

impl Default for OutlierSettings {
    /// As in Envoy: five failures in a row or 1.9 standard deviations; each ten seconds; for thirty seconds and more, to five minutes; a
    /// tenth at most, and panic below a half.
    fn default() -> Self {
        Self {
            consecutive: Some(5),
            success_rate: Some(SuccessRate::default()),
            interval: Duration::from_secs(10),
            ejection: Duration::from_secs(30),
            ejection_max: Duration::from_secs(300),
            ejected_max: Ratio::new(1, 10).expect("a tenth is a ratio"),
            panic_below: Ratio::new(1, 2).expect("a half is a ratio"),
        }
    }
}

/// An instance that is ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejected {
    /// Which.
    pub id: u64,
    /// From when on it gets calls again.
    pub until: LocalTime,
}

/// The instances of a service, as their calls end.
#[derive(Clone, Debug)]
pub struct Outliers {
    settings: OutlierSettings,
    /// In the order of their ids.
    hosts: Vec<Host>,
    /// When success rates were looked at last.
    looked: Option<LocalTime>,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    id: u64,
    failures_in_a_row: u32,
    /// In this interval.
    calls: u64,
    successes: u64,
    /// How often it was ejected, less one for each interval that it was not.
    times: u32,
    until: Option<LocalTime>,
}

impl Host {
    const fn new(id: u64) -> Self {
        Self { id, failures_in_a_row: 0, calls: 0, successes: 0, times: 0, until: None }
    }

    fn is_ejected(&self, now: LocalTime) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

impl Outliers {
    /// One that knows no instances yet.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &OutlierSettings) -> Result<Self, SettingError> {
        demand(settings.consecutive != Some(0), "consecutive", "one failure at least")?;
        demand(!settings.interval.is_zero(), "interval", "it is above zero")?;
        if let Some(rate) = &settings.success_rate {
            demand(rate.hosts_min >= 2, "hosts_min", "one alone lies below no other: at least 2")?;
            demand(rate.calls_min > 0, "calls_min", "of no calls there is no rate: above zero")?;
        }
        demand(settings.ejection <= settings.ejection_max, "ejection_max", "it is at least as long as the first time")?;
        Ok(Self { settings: *settings, hosts: vec![], looked: None })
    }

    /// These are the instances from now on. What is known of those that stay is kept.
    pub fn set_instances(&mut self, ids: &[u64]) {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let known = std::mem::take(&mut self.hosts);
        let host = |id: u64| known.binary_search_by_key(&id, |host| host.id).map_or_else(|_| Host::new(id), |place| known[place]);
        self.hosts = ids.into_iter().map(host).collect();
    }

    /// A call to an instance has ended. If that makes it an outlier, and not too many are ejected already, it is ejected.
    pub fn record(&mut self, now: LocalTime, id: u64, outcome: Outcome) -> Option<Ejected> {
        let place = self.place(id)?;
        let host = &mut self.hosts[place];
        // What ends while it is ejected was begun before, and is known to be bad.
        if outcome == Outcome::Ignored || host.is_ejected(now) {
            return None;
        }
        let succeeded = outcome == Outcome::Success;
        host.calls += 1;
        host.successes += u64::from(succeeded);
        host.failures_in_a_row = if succeeded { 0 } else { host.failures_in_a_row.saturating_add(1) };
        let is_outlier = self.settings.consecutive.is_some_and(|count| host.failures_in_a_row >= count);
        if is_outlier { self.eject(now, place) } else { None }
    }

    /// Looks at success rates, if it is time to: those that are ejected for theirs. To be called now and then, by a timer or with each
    /// call.
    pub fn tick(&mut self, now: LocalTime) -> Vec<Ejected> {
        let looked = *self.looked.get_or_insert(now);
        if now.since(looked) < self.settings.interval {
            return vec![];
        }
        self.looked = Some(now);
        let outliers = self.below_the_others(now);
        let ejected = outliers.into_iter().filter_map(|place| self.eject(now, place)).collect();
        for host in &mut self.hosts {
            (host.calls, host.successes) = (0, 0);
            if !host.is_ejected(now) {
                host.times = host.times.saturating_sub(1);
            }
        }
        ejected
    }

    /// The places of those whose success rate lies too far below the mean.
    fn below_the_others(&self, now: LocalTime) -> Vec<usize> {
        let Some(settings) = self.settings.success_rate else { return vec![] };
        let has_enough = |host: &Host| !host.is_ejected(now) && host.calls >= u64::from(settings.calls_min);
        let rated = self.hosts.iter().enumerate().filter(|(_, host)| has_enough(host));
        let rates: Vec<(usize, f64)> = rated.map(|(place, host)| (place, host.successes as f64 / host.calls as f64)).collect();
        if rates.len() < settings.hosts_min as usize {
            return vec![];
        }
        let count = rates.len() as f64;
        let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
        let variance = rates.iter().map(|(_, rate)| (rate - mean) * (rate - mean)).sum::<f64>() / count;
        let threshold = mean - libm::sqrt(variance) * f64::from(settings.deviations_milli) / 1000.0;
        rates.into_iter().filter(|(_, rate)| *rate < threshold).map(|(place, _)| place).collect()
    }

    fn eject(&mut self, now: LocalTime, place: usize) -> Option<Ejected> {
        let share = self.settings.ejected_max;
        let most = (self.hosts.len() as u64 * u64::from(share.parts()) / u64::from(share.whole())).max(1);
        if self.ejected(now) >= most {
            return None;
        }
        let host = &mut self.hosts[place];
        host.times = host.times.saturating_add(1);
        let length = (self.settings.ejection * u64::from(host.times)).min(self.settings.ejection_max);
        let until = now + length;
        (host.until, host.failures_in_a_row) = (Some(until), 0);
        Some(Ejected { id: host.id, until })
    }

    fn ejected(&self, now: LocalTime) -> u64 {
        self.hosts.iter().filter(|host| host.is_ejected(now)).count() as u64
    }

    /// Whether an instance is ejected. One that is not known is not.
    pub fn is_ejected(&self, now: LocalTime, id: u64) -> bool {
        self.place(id).is_some_and(|place| self.hosts[place].is_ejected(now))
    }

    /// Whether so few are left that all get calls. It looks at all instances: ask once for each pick.
    pub fn in_panic(&self, now: LocalTime) -> bool {
        let (all, ejected, below) = (self.hosts.len() as u64, self.ejected(now), self.settings.panic_below);
        (all - ejected) * u64::from(below.whole()) < all * u64::from(below.parts())
    }

    /// Whether an instance gets calls: it is not ejected, or all do.
    pub fn eligible(&self, now: LocalTime, id: u64) -> bool {
        !self.is_ejected(now, id) || self.in_panic(now)
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.hosts.binary_search_by_key(&id, |host| host.id).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(secs: i64) -> LocalTime {
        LocalTime::from_nanos(secs * 1_000_000_000)
    }

    fn outliers(settings: OutlierSettings, count: u64) -> Outliers {
        let mut outliers = Outliers::new(&settings).unwrap();
        outliers.set_instances(&(1..=count).collect::<Vec<_>>());
        outliers
    }

    /// So many calls to an instance, of which so many succeed, spread.
    fn calls(outliers: &mut Outliers, now: LocalTime, id: u64, calls: u32, successes: u32) {
        for nth in 0..calls {
            let succeeds = (nth + 1) * successes / calls > nth * successes / calls;
            outliers.record(now, id, if succeeds { Outcome::Success } else { Outcome::Failure });
        }
    }

    /// Nine of 99 % and one of 90 %: the mean is 98.1 %, the deviation 2.7 %, and 1.9 of them below lies 92.97 %.
    #[test]
    fn a_low_success_rate_is_that_of_an_outlier() {
        let settings = OutlierSettings { consecutive: None, ..OutlierSettings::default() };
        for (low, ejected) in [(90, vec![Ejected { id: 10, until: at(40) }]), (99, vec![])] {
            let mut outliers = outliers(settings, 10);
            outliers.tick(at(0));
            (1..10).for_each(|id| calls(&mut outliers, at(1), id, 100, 99));
            calls(&mut outliers, at(1), 10, 100, low);
            assert_eq!(outliers.tick(at(9)), [], "it is not time yet");
            assert_eq!(outliers.tick(at(10)), ejected);
        }
        // Too few calls, or too few instances that have enough.
        let mut few = outliers(settings, 10);
        few.tick(at(0));
        (1..5).for_each(|id| calls(&mut few, at(1), id, 100, 99));
        (5..=10).for_each(|id| calls(&mut few, at(1), id, 99, 0));
        assert_eq!(few.tick(at(10)), []);
    }

    #[test]
    fn each_time_is_longer_and_good_times_make_it_shorter() {
        let settings = OutlierSettings { success_rate: None, consecutive: Some(1), ..OutlierSettings::default() };
        let mut outliers = outliers(settings, 10);
        let mut now = 0;
        for expected in [30, 60, 90, 120] {
            let ejected = outliers.record(at(now), 1, Outcome::Failure).unwrap();
            assert_eq!(ejected.until, at(now + expected));
            assert_eq!(outliers.record(at(now + 1), 1, Outcome::Failure), None, "it is ejected already");
            now += expected;
        }
        // The first look only begins the interval; four intervals without take four off.
        (0..=4).for_each(|nth| assert_eq!(outliers.tick(at(now + nth * 10)), []));
        assert_eq!(outliers.record(at(now + 40), 1, Outcome::Failure).unwrap().until, at(now + 70));
        for _ in 0..20 {
            now += 1000;
            let length = outliers.record(at(now), 1, Outcome::Failure).unwrap().until.since(at(now));
            assert!(length <= settings.ejection_max);
        }
    }

    #[test]
    fn where_few_are_left_all_get_calls() {
        let settings =
            OutlierSettings { ejected_max: Ratio::ALWAYS, consecutive: Some(1), success_rate: None, ..OutlierSettings::default() };
        let mut outliers = outliers(settings, 4);
        for id in 1..=2 {
            outliers.record(at(0), id, Outcome::Failure);
        }
        assert!(!outliers.eligible(at(0), 1) && !outliers.in_panic(at(0)), "a half is left");
        outliers.record(at(0), 3, Outcome::Failure);
        assert!(outliers.in_panic(at(0)) && (1..=4).all(|id| outliers.eligible(at(0), id)));
        assert!(!outliers.in_panic(at(30)));
    }

    proptest! {
        /// Against a list of all calls and all ejections, searched anew: failures in a row, the share that may be ejected, times, panic.
        #[test]
        fn it_is_as_the_list_of_all_calls_says(
            count in 1_u64..8, consecutive in 1_usize..4, parts in 0_u32..=10, panic in 0_u32..=10,
            steps in proptest::collection::vec((0_u64..8, 0_u8..4, 0_i64..8), 0..150),
        ) {
            let ratio = |parts| Ratio::new(parts, 10).unwrap();
            let settings = OutlierSettings {
                consecutive: Some(consecutive as u32), success_rate: None, ejected_max: ratio(parts), panic_below: ratio(panic),
                ejection: Duration::from_secs(10), ejection_max: Duration::from_secs(25), ..OutlierSettings::default()
            };
            let mut outliers = outliers(settings, count);
            // Of calls: which instance, whether it succeeded; of ejections: which, how many calls there were, from when and until when.
            let (mut calls, mut ejections, mut now) = (Vec::<(u64, bool)>::new(), Vec::<(u64, usize, i64, i64)>::new(), 0);
            for (id, outcome, wait) in steps {
                now += wait;
                type Ejections = [(u64, usize, i64, i64)];
                let is_ejected = |all: &Ejections, id| all.iter().any(|ejection| ejection.0 == id && now < ejection.3);
                let outcome = [Outcome::Success, Outcome::Failure, Outcome::Failure, Outcome::Ignored][outcome as usize];
                let mut expected = None;
                if (1..=count).contains(&id) && outcome != Outcome::Ignored && !is_ejected(&ejections, id) {
                    calls.push((id, outcome == Outcome::Success));
                    let since = ejections.iter().filter(|ejection| ejection.0 == id).map(|ejection| ejection.1).max().unwrap_or(0);
                    let in_a_row = calls[since..].iter().rev().filter(|call| call.0 == id).take_while(|call| !call.1).count();
                    let ejected = (1..=count).filter(|id| is_ejected(&ejections, *id)).count() as u64;
                    if in_a_row >= consecutive && ejected < (count * u64::from(parts) / 10).max(1) {
                        let times = 1 + ejections.iter().filter(|ejection| ejection.0 == id).count() as i64;
                        let until = now + (10 * times).min(25);
                        ejections.push((id, calls.len(), now, until));
                        expected = Some(Ejected { id, until: at(until) });
                    }
                }
                prop_assert_eq!(outliers.record(at(now), id, outcome), expected);
                let ejected = (1..=count).filter(|id| is_ejected(&ejections, *id)).count() as u64;
                let in_panic = (count - ejected) * 10 < count * u64::from(panic);
                prop_assert_eq!(outliers.in_panic(at(now)), in_panic);
                for id in 1..=count {
                    prop_assert_eq!(outliers.eligible(at(now), id), in_panic || !is_ejected(&ejections, id));
                }
            }
        }

        /// What is said of instances that come and go is of those that stay.
        #[test]
        fn what_stays_is_known_still(
            before in proptest::collection::btree_set(0_u64..9, 0..9), after in proptest::collection::btree_set(0_u64..9, 0..9),
        ) {
            let settings = OutlierSettings { consecutive: Some(1), ejected_max: Ratio::ALWAYS, ..OutlierSettings::default() };
            let mut outliers = Outliers::new(&settings).unwrap();
            outliers.set_instances(&before.iter().copied().collect::<Vec<_>>());
            before.iter().for_each(|id| { outliers.record(at(0), *id, Outcome::Failure); });
            outliers.set_instances(&after.iter().rev().copied().collect::<Vec<_>>());
            for id in 0..9 {
                prop_assert_eq!(outliers.is_ejected(at(0), id), before.contains(&id) && after.contains(&id));
            }
        }
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        let usual = OutlierSettings::default;
        let setting = |settings: OutlierSettings| Outliers::new(&settings).map(|_| ()).map_err(|error| error.setting);
        assert_eq!(setting(OutlierSettings { consecutive: Some(0), ..usual() }), Err("consecutive"));
        assert_eq!(setting(OutlierSettings { interval: Duration::ZERO, ..usual() }), Err("interval"));
        assert_eq!(setting(OutlierSettings { ejection: Duration::from_secs(301), ..usual() }), Err("ejection_max"));
        let rate = |rate| OutlierSettings { success_rate: Some(rate), ..usual() };
        assert_eq!(setting(rate(SuccessRate { hosts_min: 1, ..SuccessRate::default() })), Err("hosts_min"));
        assert_eq!(setting(rate(SuccessRate { calls_min: 0, ..SuccessRate::default() })), Err("calls_min"));
    }
}
