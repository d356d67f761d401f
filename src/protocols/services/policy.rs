//! How a call is made: what guards the caller, and what is done when the call fails.

use crate::base::Duration;
use crate::policies::balancer::{BalancerSettings, Policy as Balance};
use crate::policies::breaker::BreakerSettings;
use crate::policies::bulkhead::BulkheadSettings;
use crate::policies::credits::CreditSettings;
use crate::policies::hedge::HedgeSettings;
use crate::policies::outlier::OutlierSettings;
use crate::policies::retry::{Backoff, RetrySettings};
use crate::policies::throttle::ThrottleSettings;

/// How a call is made. Whatever is nothing is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// After how long without an answer an attempt has failed.
    pub timeout: Option<Duration>,
    /// Within which time the call, with all attempts, must be over: a deadline that travels with it.
    pub deadline: Option<Duration>,
    /// How often, and when, it is tried again.
    pub retry: Option<RetrySettings>,
    /// When a copy goes out.
    pub hedge: Option<HedgeSettings>,
    /// When calls are not even tried.
    pub breaker: Option<BreakerSettings>,
    /// How many calls may be under way at once.
    pub bulkhead: Option<BulkheadSettings>,
    /// How calls are held back that would not be accepted.
    pub throttle: Option<ThrottleSettings>,
    /// How many requests an instance has room for, from each caller: a call waits for a credit.
    pub credits: Option<CreditSettings>,
    /// Which instances are not asked for a while.
    pub outliers: Option<OutlierSettings>,
    /// Which instance is asked.
    pub balance: BalancerSettings,
    /// Whether a call that is tried again goes to another instance than before, if there is one.
    pub elsewhere: bool,
    /// How often instances are asked how loaded they are, for a balance that goes by what they report.
    pub reports: Option<Duration>,
    /// How instances are looked up that are registered.
    pub lookup: LookUp,
}

/// How instances are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// How often.
    pub every: Duration,
    /// Whether the registry tells of changes in between.
    pub watch: bool,
}

impl Default for LookUp {
    /// Every five seconds, without being told of changes in between.
    fn default() -> Self {
        Self { every: Duration::from_secs(5), watch: false }
    }
}

impl Policy {
    /// Whether instances are asked how loaded they are.
    pub(super) fn probes(&self) -> bool {
        self.reports.is_some() || matches!(self.balance.policy, Balance::Prequal(_))
    }

    /// For how long a call may be open, with all attempts and what it waits between them; nothing if nothing says so.
    pub(super) fn patience(&self) -> Option<Duration> {
        let attempts = self.timeout.map(|timeout| {
            let Some(RetrySettings { attempts, backoff, .. }) = &self.retry else { return timeout };
            let wait = match *backoff {
                Backoff::None => Duration::ZERO,
                Backoff::Constant(wait) => wait,
                Backoff::Exponential { cap, .. }
                | Backoff::Equal { cap, .. }
                | Backoff::Full { cap, .. }
                | Backoff::Decorrelated { cap, .. } => cap,
            };
            timeout * u64::from(*attempts) + wait * u64::from(attempts.saturating_sub(1))
        });
        attempts.into_iter().chain(self.deadline).min()
    }
}

impl Default for Policy {
    /// Everything is off, and instances take turns.
    fn default() -> Self {
        Self {
            timeout: None,
            deadline: None,
            retry: None,
            hedge: None,
            breaker: None,
            bulkhead: None,
            throttle: None,
            credits: None,
            outliers: None,
            balance: BalancerSettings { policy: Balance::RoundRobin, slow_start: None },
            elsewhere: false,
            reports: None,
            lookup: LookUp::default(),
        }
    }
}
