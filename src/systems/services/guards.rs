//! How a call is made, as it is written: `Call(to: "users", timeout: "50ms", retry: (attempts: 3))`.

use std::marker::PhantomData;

use super::balances::{Balances, SLOW_START, SlowStartFields};
use super::lengths::Thousandths;
use crate::base::{Duration, Rate, Ratio};
use crate::notation::{
    Chance, Codec, Count, Fields, Flag, Form, Length, Maybe, Parsed, PositiveLength, Record, Settings, Timed, Timing, Variant, Within,
    codecs, settings,
};
use crate::policies::SettingError;
use crate::policies::balancer::{Balancer, BalancerSettings, Policy as Balance};
use crate::policies::breaker::{Breaker, BreakerSettings, Trip, Window};
use crate::policies::bulkhead::{Bulkhead, BulkheadSettings};
use crate::policies::cache::{Cache, CacheSettings};
use crate::policies::credits::{CreditSender, CreditSettings};
use crate::policies::hedge::{Hedge, HedgeDelay, HedgeSettings};
use crate::policies::outlier::{OutlierSettings, Outliers, SuccessRate};
use crate::policies::retry::{Backoff, BudgetSettings, Retry, RetrySettings};
use crate::policies::throttle::{Throttle, ThrottleSettings};
use crate::protocols::services::{LookUp, Policy};

settings! {
    /// How a call is made. Whatever is not given is off.
    #[derive(Clone, Debug)]
    pub(super) struct CallFields {
        /// After how long without an answer an attempt has failed. Without it, an answer is waited for without end.
        timeout: Option<Duration> = None, Timed(Maybe(PositiveLength), &[Timing::Answer]);
        /// Within which time the call must be over, with all attempts. It travels with the call, as a time of day: no later call that is
        /// made for it is given longer, and no work is begun on it after that.
        deadline: Option<Duration> = None, Maybe(PositiveLength);
        /// How often, and when, a call is tried again that has failed.
        retry: Option<RetryFields> = None, Switch::like("(attempts: 3)");
        /// After how long without an answer a copy of the call is sent.
        hedge: Option<HedgeFields> = None, Switch::like("(after: \"50ms\")");
        /// When calls are not even tried, as too many have failed.
        breaker: Option<BreakerFields> = None, Switch::like("(share: \"1/2\", open: \"5s\")");
        /// How many calls may be under way at once from one caller.
        bulkhead: Option<BulkheadFields> = None, Switch::like("(in_flight: 25)");
        /// How a caller holds calls back that would not be accepted (adaptive throttling).
        throttle: Option<ThrottleFields> = None, Switch::like("(k_percent: 200)");
        /// How many requests an instance has room for, from each caller (back-pressure): a call that has no credit waits, and with it the
        /// worker of its caller, until the instance has begun with others. It waits as long as its `deadline` lets it.
        credits: Option<CreditFields> = None, Switch::like("(window: 64)");
        /// Which instances are not asked for a while, as their calls fail.
        outliers: Option<OutlierFields> = None, Switch::like("(in_a_row: 5)");
        /// Which instance is asked.
        balance: Balance = Balance::RoundRobin, Balances;
        /// That an instance which has come gets its share little by little, by a balance that weighs: `Weighted`, `Random`,
        /// `LeastRequests`, `Choices` and `LeastLoaded`.
        slow_start: Option<SlowStartFields> = None, SLOW_START;
        /// How often instances are asked how many requests they have, for `LeastLoaded` to go by. Without it, it goes by this caller's.
        reports: Option<Duration> = None, Maybe(PositiveLength);
        /// How instances are looked up that are registered.
        lookup: LookUpFields = LookUpFields::default(), Record::like("(every: \"5s\", watch: true)");
    }
}

settings! {
    /// How instances are looked up that are registered.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) struct LookUpFields {
        /// How often.
        every: Duration = LookUp::default().every, PositiveLength;
        /// Whether the registry tells of changes in between, too.
        watch: bool = false, Flag;
    }
}

settings! {
    /// Retries.
    #[derive(Clone, Debug)]
    pub(super) struct RetryFields {
        /// How often a call is tried, the first time included.
        attempts: u32 = 3, Count(1..=1000);
        /// How long to wait before it is tried again.
        backoff: Backoff = RetrySettings::default().backoff, Backoffs;
        /// A budget: so many retries for each call, on average over all. Without it, as many as there are attempts.
        budget: Option<Ratio> = None, Maybe(Chance);
        /// With a budget: how many retries may be saved up.
        burst: u32 = BudgetSettings::default().burst, Count(1..);
        /// With a budget: so many retries besides, for where there are few calls.
        reserve: Option<Rate> = None, Maybe(Parsed("a rate, like \"1/s\""));
        /// Whether it is tried at another instance than before, if there is one.
        elsewhere: bool = false, Flag;
    }
}

settings! {
    /// Hedging.
    #[derive(Clone, Debug)]
    pub(super) struct HedgeFields {
        /// After how long; with `share`, until as many latencies are known.
        after: Duration = Duration::from_millis(100), PositiveLength;
        /// In place of that: after the time within which such a share of the last `of` calls ended.
        share: Option<Ratio> = None, Maybe(Chance);
        /// Of how many calls that is.
        of: u32 = 100, Count(1..=100_000);
        /// How many copies are sent at most.
        copies: u32 = 1, Count(1..=100);
        /// Whether the other copies are cancelled when one is answered.
        cancel: bool = true, Flag;
        /// A budget: so many copies for each call, on average over all. Without it, any.
        budget: Option<Ratio> = None, Maybe(Chance);
        /// With a budget: how many copies may be saved up.
        burst: u32 = BudgetSettings::default().burst, Count(1..);
    }
}

settings! {
    /// A circuit breaker.
    #[derive(Clone, Debug)]
    pub(super) struct BreakerFields {
        /// It opens if so large a share of calls in the window fails.
        share: Ratio = Ratio::new(1, 2).expect("a half is a ratio"), Chance;
        /// In place of that: if so many in the window fail.
        failures: Option<u32> = None, Maybe(Count(1..));
        /// In place of both: if so many fail in a row.
        in_a_row: Option<u32> = None, Maybe(Count(1..));
        /// How long the window is.
        window: Duration = Duration::from_secs(10), PositiveLength;
        /// In place of that: the last so many calls.
        calls: Option<u32> = None, Maybe(Count(1..));
        /// With fewer calls in the window it does not open.
        calls_min: u32 = 20, Count(0..);
        /// For how long it is open before it lets probes through.
        open: Duration = Duration::from_secs(5), PositiveLength;
        /// How many probes are let through, and have to succeed for it to close.
        probes: u32 = 3, Count(1..);
        /// A success that takes as long counts as a failure.
        slow: Option<Duration> = None, Maybe(PositiveLength);
    }
}

settings! {
    /// A bulkhead.
    #[derive(Clone, Debug)]
    pub(super) struct BulkheadFields {
        /// How many calls may be under way.
        in_flight: u32 = 25, Count(1..);
        /// How many may wait besides; more are refused.
        waiting: u32 = 0, Count(0..);
    }
}

settings! {
    /// Adaptive throttling.
    #[derive(Clone, Debug)]
    pub(super) struct ThrottleFields {
        /// K, in percent: so many calls are tried for each that is accepted.
        k_percent: u32 = ThrottleSettings::default().k_percent, Count(100..);
        /// What is counted: calls of late.
        window: Duration = ThrottleSettings::default().window, PositiveLength;
    }
}

settings! {
    /// Credits.
    #[derive(Clone, Debug)]
    pub(super) struct CreditFields {
        /// For how many requests of a caller each instance has room in its queue.
        window: u32 = CreditSettings::default().window, Count(1..);
        /// After how many that have left the queue the caller is told; no more than the window.
        batch: u32 = CreditFields::usual_batch(window), Count(1..);
    }
}

impl CreditFields {
    /// A half of the window.
    fn usual_batch(window: u32) -> u32 {
        window.div_ceil(2)
    }
}

settings! {
    /// A cache.
    #[derive(Clone, Debug)]
    pub(super) struct CacheFields {
        /// How long a value is fresh, from when it was asked for.
        ttl: Duration = CacheSettings::default().ttl, PositiveLength;
        /// By which share of that a value is fresh for less, at most and at random: so values that were loaded together are not loaded
        /// together again.
        jitter: Ratio = Ratio::NEVER, Chance;
        /// For how long after that a value is used while it is loaded anew (stale while revalidate).
        stale: Duration = Duration::ZERO, Length;
        /// For how long after that a value is used where loading fails (stale if error). The answer is degraded then.
        stale_on_error: Duration = Duration::ZERO, Length;
        /// For how long it is known that there is nothing under an item. Without it, that is not kept.
        negative: Option<Duration> = None, Maybe(PositiveLength);
        /// Whether one load serves all requests that need its value meanwhile.
        single_flight: bool = true, Flag;
        /// For how many items there is room; the one that was used least lately goes first.
        capacity: u32 = 10_000, Count(1..);
    }
}

settings! {
    /// Ejection of outliers.
    #[derive(Clone, Debug)]
    pub(super) struct OutlierFields {
        /// So many failures in a row eject an instance.
        in_a_row: u32 = 5, Count(1..);
        /// For how long, the first time; each time it is longer by as much.
        ejection: Duration = OutlierSettings::default().ejection, PositiveLength;
        /// The share of instances that may be ejected at once; one may at least.
        ejected_max: Ratio = OutlierSettings::default().ejected_max, Chance;
        /// Where a smaller share is left than this, all are asked.
        panic_below: Ratio = OutlierSettings::default().panic_below, Chance;
        /// For how long it is at most.
        longest: Duration = OutlierSettings::default().ejection_max, PositiveLength;
        /// How often it is looked at who fails more often than others; and one that has not been an outlier for so long is ejected for
        /// less long the next time.
        interval: Duration = OutlierSettings::default().interval, PositiveLength;
        /// So many standard deviations below the mean of all, a share of successes ejects, too. Without it, none does.
        deviations: Option<Thousandths> = None, Maybe(Parsed("a number, like \"1.9\""));
        /// With `deviations`: so many instances must have had enough calls.
        hosts_min: u32 = SuccessRate::default().hosts_min, Count(2..);
        /// With `deviations`: so many calls in an interval are enough.
        calls_min: u32 = SuccessRate::default().calls_min, Count(1..);
    }
}

const BACKOFFS: [Variant; 6] = [
    Variant::new("None", "Not at all.", "backoff: None"),
    Variant::new("Constant", "Always as long.", "backoff: Constant(\"100ms\")"),
    Variant::new(
        "Exponential",
        "Twice as long each time, from the first to the second of these.",
        "backoff: Exponential(\"100ms\", \"2s\")",
    ),
    Variant::new("Equal", "Half of what Exponential has, and up to as much again at random.", "backoff: Equal(\"100ms\", \"2s\")"),
    Variant::new("Full", "Up to what Exponential has, at random.", "backoff: Full(\"100ms\", \"2s\")"),
    Variant::new(
        "Decorrelated",
        "From the first of these to three times as long as the last time, at random.",
        "backoff: Decorrelated(\"100ms\", \"2s\")",
    ),
];

codecs! {
    /// How long to wait before a retry.
    Backoffs: Backoff = backoff, backoff_written, "a back-off, like `Full(\"100ms\", \"2s\")`",
        within Within::OneOf("a back-off", BACKOFFS.to_vec());
}

/// Settings of what is off where they are not given: `(attempts: 3)`, or `Off`.
pub(super) struct Switch<S>(&'static str, PhantomData<S>);

impl<S> Switch<S> {
    pub(super) const fn like(example: &'static str) -> Self {
        Self(example, PhantomData)
    }
}

impl<S: Guard> Codec<Option<S>> for Switch<S> {
    fn read(&self, form: Form<'_>) -> Option<Option<S>> {
        if form.raw() == "Off" {
            return Some(None);
        }
        let mut fields = form.record(self.0)?;
        let (settings, _) = S::read(&mut fields);
        fields.finish();
        if let Err(error) = settings.check() {
            form.report(form.problem("there is no such policy").label(error.to_string()));
            return None;
        }
        Some(Some(settings))
    }

    fn write(&self, value: &Option<S>) -> String {
        value.as_ref().map_or_else(String::new, |settings| format!("({})", settings.written()))
    }

    fn takes(&self) -> String {
        format!("fields of its own: `{}`, or `Off`", self.0)
    }

    fn within(&self) -> Within {
        Within::Fields(S::declared())
    }

    fn absence(&self) -> Option<&'static str> {
        Some("`Off`")
    }
}

/// Settings that a policy may refuse.
pub(super) trait Guard: Settings {
    fn check(&self) -> Result<(), SettingError>;
}

macro_rules! guards {
    ($( $Fields:ident => $Policy:ident, )+) => {
        $( impl Guard for $Fields {
            fn check(&self) -> Result<(), SettingError> {
                $Policy::new(&self.clone().into()).map(drop)
            }
        } )+
    };
}

guards! {
    RetryFields => Retry,
    HedgeFields => Hedge,
    BreakerFields => Breaker,
    BulkheadFields => Bulkhead,
    ThrottleFields => Throttle,
    OutlierFields => Outliers,
    CreditFields => CreditSender,
}

impl Guard for CacheFields {
    fn check(&self) -> Result<(), SettingError> {
        Cache::<u32, (), ()>::new(&self.clone().into()).map(drop)
    }
}

impl From<CacheFields> for CacheSettings {
    fn from(CacheFields { ttl, jitter, stale, stale_on_error, negative, single_flight, capacity }: CacheFields) -> Self {
        Self { ttl, stale, stale_on_error, negative, single_flight, jitter, capacity: Some(capacity) }
    }
}

impl From<CacheSettings> for CacheFields {
    fn from(CacheSettings { ttl, stale, stale_on_error, negative, single_flight, jitter, capacity }: CacheSettings) -> Self {
        Self { ttl, jitter, stale, stale_on_error, negative, single_flight, capacity: capacity.unwrap_or(u32::MAX) }
    }
}

impl From<CreditFields> for CreditSettings {
    fn from(CreditFields { window, batch }: CreditFields) -> Self {
        Self { window, batch }
    }
}

impl From<CreditSettings> for CreditFields {
    fn from(CreditSettings { window, batch }: CreditSettings) -> Self {
        Self { window, batch }
    }
}

impl From<ThrottleFields> for ThrottleSettings {
    fn from(ThrottleFields { k_percent, window }: ThrottleFields) -> Self {
        Self { k_percent, window, ..Self::default() }
    }
}

impl From<ThrottleSettings> for ThrottleFields {
    fn from(ThrottleSettings { k_percent, window, .. }: ThrottleSettings) -> Self {
        Self { k_percent, window }
    }
}

impl From<OutlierFields> for OutlierSettings {
    fn from(fields: OutlierFields) -> Self {
        let OutlierFields { in_a_row, ejection, ejected_max, panic_below, longest, interval, deviations, hosts_min, calls_min } = fields;
        let success_rate = deviations.map(|Thousandths(deviations_milli)| SuccessRate { hosts_min, calls_min, deviations_milli });
        Self { consecutive: Some(in_a_row), success_rate, interval, ejection, ejection_max: longest, ejected_max, panic_below }
    }
}

impl From<OutlierSettings> for OutlierFields {
    fn from(settings: OutlierSettings) -> Self {
        let OutlierSettings { consecutive, success_rate, interval, ejection, ejection_max, ejected_max, panic_below } = settings;
        let usual = Self::default();
        let rate = success_rate.unwrap_or_default();
        Self {
            in_a_row: consecutive.unwrap_or(usual.in_a_row),
            ejection,
            ejected_max,
            panic_below,
            longest: ejection_max,
            interval,
            deviations: success_rate.map(|rate| Thousandths(rate.deviations_milli)),
            hosts_min: rate.hosts_min,
            calls_min: rate.calls_min,
        }
    }
}

impl From<RetryFields> for RetrySettings {
    fn from(RetryFields { attempts, backoff, budget, burst, reserve, .. }: RetryFields) -> Self {
        Self { attempts, backoff, budget: budget.map(|share| BudgetSettings { share, reserve, burst }) }
    }
}

impl From<RetrySettings> for RetryFields {
    fn from(RetrySettings { attempts, backoff, budget }: RetrySettings) -> Self {
        let usual = Self { attempts, backoff, ..Self::default() };
        match budget {
            Some(BudgetSettings { share, reserve, burst }) => Self { budget: Some(share), burst, reserve, ..usual },
            None => usual,
        }
    }
}

impl From<HedgeFields> for HedgeSettings {
    fn from(HedgeFields { after, share, of, copies, cancel, budget, burst }: HedgeFields) -> Self {
        let delay = share.map_or(HedgeDelay::Fixed(after), |share| HedgeDelay::Percentile { share, of, until_then: after });
        Self { delay, copies, cancel, budget: budget.map(|share| BudgetSettings { share, reserve: None, burst }) }
    }
}

impl From<HedgeSettings> for HedgeFields {
    fn from(HedgeSettings { delay, copies, cancel, budget }: HedgeSettings) -> Self {
        let usual = Self { copies, cancel, ..Self::default() };
        let usual = match delay {
            HedgeDelay::Fixed(after) => Self { after, ..usual },
            HedgeDelay::Percentile { share, of, until_then } => Self { after: until_then, share: Some(share), of, ..usual },
        };
        match budget {
            Some(BudgetSettings { share, burst, .. }) => Self { budget: Some(share), burst, ..usual },
            None => usual,
        }
    }
}

/// In how many parts a window of time is counted.
const BUCKETS: u32 = 10;

impl From<BreakerFields> for BreakerSettings {
    fn from(BreakerFields { share, failures, in_a_row, window, calls, calls_min, open, probes, slow }: BreakerFields) -> Self {
        let trip = match (in_a_row, failures) {
            (Some(failures), _) => Trip::Consecutive(failures),
            (None, Some(failures)) => Trip::Count(failures),
            (None, None) => Trip::Ratio(share),
        };
        let window = calls.map_or(Window::Time { length: window, buckets: BUCKETS }, Window::Calls);
        Self { trip, window, calls_min, open, probes, slow }
    }
}

impl From<BreakerSettings> for BreakerFields {
    fn from(BreakerSettings { trip, window, calls_min, open, probes, slow }: BreakerSettings) -> Self {
        let usual = Self { calls_min, open, probes, slow, ..Self::default() };
        let usual = match trip {
            Trip::Consecutive(failures) => Self { in_a_row: Some(failures), ..usual },
            Trip::Count(failures) => Self { failures: Some(failures), ..usual },
            Trip::Ratio(share) => Self { share, ..usual },
        };
        match window {
            Window::Calls(calls) => Self { calls: Some(calls), ..usual },
            Window::Time { length, .. } => Self { window: length, ..usual },
        }
    }
}

impl From<BulkheadFields> for BulkheadSettings {
    fn from(BulkheadFields { in_flight, waiting }: BulkheadFields) -> Self {
        Self { in_flight, waiting }
    }
}

impl From<BulkheadSettings> for BulkheadFields {
    fn from(BulkheadSettings { in_flight, waiting }: BulkheadSettings) -> Self {
        Self { in_flight, waiting }
    }
}

impl CallFields {
    /// Reads them; what is wrong is reported.
    pub(super) fn policy(fields: &mut Fields<'_>) -> Option<Policy> {
        let (read, given) = Self::read(fields);
        let Self { timeout, deadline, retry, hedge, breaker, bulkhead, throttle, credits, outliers, .. } = read;
        let (balance, slow_start, reports, lookup) = (read.balance, read.slow_start, read.reports, read.lookup);
        let balance = BalancerSettings { policy: balance, slow_start: slow_start.map(Into::into) };
        if let Err(error) = Balancer::new(&balance) {
            if let Some(form) = given.complain(&["balance", "slow_start"]) {
                form.report(form.problem("instances cannot be chosen like this").label(error.to_string()));
            }
            return None;
        }
        if reports.is_some() && !matches!(balance.policy, Balance::LeastLoaded { .. }) {
            if let Some(form) = given.complain(&["reports", "balance"]) {
                let problem = form.problem("no balance goes by what is reported");
                form.report(problem.help("LeastLoaded does: balance: LeastLoaded; Prequal asks instances by itself"));
            }
            return None;
        }
        Some(Policy {
            timeout,
            deadline,
            elsewhere: retry.as_ref().is_some_and(|retry| retry.elsewhere),
            retry: retry.map(Into::into),
            hedge: hedge.map(Into::into),
            breaker: breaker.map(Into::into),
            bulkhead: bulkhead.map(Into::into),
            throttle: throttle.map(Into::into),
            credits: credits.map(Into::into),
            outliers: outliers.map(Into::into),
            balance,
            reports,
            lookup: LookUp { every: lookup.every, watch: lookup.watch },
        })
    }
}

impl From<Policy> for CallFields {
    fn from(policy: Policy) -> Self {
        let Policy { timeout, deadline, retry, hedge, breaker, bulkhead, throttle, credits, outliers, .. } = policy;
        let (balance, elsewhere, reports, lookup) = (policy.balance, policy.elsewhere, policy.reports, policy.lookup);
        let BalancerSettings { policy, slow_start } = balance;
        Self {
            timeout,
            deadline,
            retry: retry.map(|retry| RetryFields { elsewhere, ..retry.into() }),
            hedge: hedge.map(Into::into),
            breaker: breaker.map(Into::into),
            bulkhead: bulkhead.map(Into::into),
            throttle: throttle.map(Into::into),
            credits: credits.map(Into::into),
            outliers: outliers.map(Into::into),
            balance: policy,
            slow_start: slow_start.map(Into::into),
            reports,
            lookup: LookUpFields { every: lookup.every, watch: lookup.watch },
        }
    }
}

fn backoff(form: Form<'_>) -> Option<Backoff> {
    let name = form.variant_of("a back-off", &BACKOFFS)?.name;
    match name {
        "None" => return form.arguments([]).map(|[]| Backoff::None),
        "Constant" => {
            let [length] = form.arguments(["a length"])?;
            return PositiveLength.read(length).map(Backoff::Constant);
        }
        _ => {}
    }
    let [base, cap] = form.arguments(["the first length", "the longest"])?;
    let (base, cap) = (PositiveLength.read(base)?, PositiveLength.read(cap)?);
    Some(match name {
        "Exponential" => Backoff::Exponential { base, cap },
        "Equal" => Backoff::Equal { base, cap },
        "Full" => Backoff::Full { base, cap },
        _ => Backoff::Decorrelated { base, cap },
    })
}

fn backoff_written(backoff: &Backoff) -> String {
    match backoff {
        Backoff::None => "None".to_owned(),
        Backoff::Constant(length) => format!("Constant(\"{length}\")"),
        Backoff::Exponential { base, cap } => format!("Exponential(\"{base}\", \"{cap}\")"),
        Backoff::Equal { base, cap } => format!("Equal(\"{base}\", \"{cap}\")"),
        Backoff::Full { base, cap } => format!("Full(\"{base}\", \"{cap}\")"),
        Backoff::Decorrelated { base, cap } => format!("Decorrelated(\"{base}\", \"{cap}\")"),
    }
}
