//! How a call is made: what guards the caller, and what is done when the call fails.

use crate::base::Duration;
use crate::policies::balancer::{BalancerSettings, Policy as Balance};
use crate::policies::breaker::BreakerSettings;
use crate::policies::bulkhead::BulkheadSettings;
use crate::policies::credits::CreditSettings;
use crate::policies::hedge::HedgeSettings;
use crate::policies::outlier::OutlierSettings;
use crate::policies::retry::RetrySettings;
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
        }
    }
}
