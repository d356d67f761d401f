//! Bugs of where calls go, of what they are told of, and of when they are made again.

use super::super::{Mutant, Rules};
use crate::base::{Duration, LocalTime, Ratio};
use crate::policies::balancer::{BalancerSettings, Policy as Balance};
use crate::policies::outlier::OutlierSettings;
use crate::policies::retry::Backoff;

/// The mutants of routing.
pub static ROUTING: &[Mutant] = &[
    Mutant {
        name: "service/herds-on-stale-load",
        rules: &HerdsOnStaleLoad,
        source: "Mitzenmacher, How useful is old information?, IEEE TPDS 11(1), 2000",
        needs: &["load that one instance cannot bear"],
        property: Some("latency"),
        about: "Whatever the balance, the instance is asked that had the least load when that was looked at last, a second ago: all go to the same.",
    },
    Mutant {
        name: "service/failures-look-fast",
        rules: &FailuresLookFast,
        source: "kubernetes/ingress-nginx#5540 and #9882, linkerd/linkerd2-proxy#4537: EWMA prefers the instance that fails at once",
        needs: &["instance that fails at once", "balance by latency"],
        property: Some("availability"),
        about: "What fails at once counts as fast: the instance that is broken has the least latency, and is asked for most.",
    },
    Mutant {
        name: "service/in-flight-leaks",
        rules: &InFlightLeaks,
        source: "vllm-project/router#215, llm-d#1950: counts of requests in flight that are wrong after time-outs",
        needs: &["instance that lets calls time out", "balance by requests under way"],
        property: Some("latency"),
        about: "A call that is given up counts as under way for ever: the instance that stood still seems loaded, and the others bear what it could.",
    },
    Mutant {
        name: "service/ejects-all",
        rules: &EjectsAll,
        source: "envoyproxy/envoy#2671 and #26877: max_ejection_percent and the panic threshold",
        needs: &["outage of what all instances need"],
        property: Some("recovers"),
        about: "There is no bound on how many instances are ejected at once. When all fail for what they need, none is left for half a minute.",
    },
    Mutant {
        name: "service/never-returns",
        rules: &NeverReturns,
        source: "envoyproxy/envoy#6016: instances that are ejected for longer and longer",
        needs: &["instance that fails for a while"],
        property: Some("latency"),
        about: "An instance that was ejected is never asked again. The others bear its share for good.",
    },
    Mutant {
        name: "service/calls-the-dead",
        rules: &CallsTheDead,
        source: "a broken rule: what is cached of a registry is renewed (kubernetes/kubernetes#59848 has the class)",
        needs: &["instance that dies, and a registry"],
        property: Some("recovers"),
        about: "A caller keeps the instances that it knew at first, whatever the registry lists: it calls what is dead.",
    },
    Mutant {
        name: "service/leases-never-end",
        rules: &LeasesNeverEnd,
        source: "Gray and Cheriton, Leases, SOSP 1989: what is not renewed ends",
        needs: &["instance that dies, and a registry"],
        property: Some("recovers"),
        about: "A registry lists for ever whom it has heard of once.",
    },
    Mutant {
        name: "service/tells-too-early",
        rules: &TellsTooEarly,
        source: "Netflix, Eureka: self-preservation, and a wait before a registry that has started takes traffic",
        needs: &["registry that starts anew"],
        property: Some("availability"),
        about: "A registry that has just started lists those that it has heard of: none yet, and callers believe it.",
    },
    Mutant {
        name: "service/hedges-to-the-same",
        rules: &HedgesToTheSame,
        source: "gRPC proposal A6 (grpc/proposal#12): copies of a hedged call go to distinct backends",
        needs: &["slow instance", "balance by key"],
        property: Some("latency"),
        about: "A copy of a call that is slow goes wherever the balance says: to the same slow instance.",
    },
    Mutant {
        name: "service/works-for-the-gone",
        rules: &WorksForTheGone,
        source: "palantir/dialogue#391; Dean and Barroso, The tail at scale, CACM 56(2), 2013: copies are cancelled",
        needs: &["hedging under load"],
        property: Some("latency"),
        about: "A request that is cancelled while it waits is worked on all the same: each copy is whole work, and there is too much of it.",
    },
    Mutant {
        name: "service/retries-the-final",
        rules: &RetriesTheFinal,
        source: "Google, Site Reliability Engineering (2016), ch. 22: errors that are not to be retried",
        needs: &["requests that are wrong themselves"],
        property: Some("latency"),
        about: "A request that is wrong itself is tried again, as if that could help: what cannot succeed is most of the load.",
    },
    Mutant {
        name: "service/retries-without-jitter",
        rules: &RetriesWithoutJitter,
        source: "Brooker, Exponential backoff and jitter (AWS, 2015)",
        needs: &["standstill before a short queue"],
        property: Some("availability"),
        about: "Calls that were refused together come back together, each time: there is room for a few of them, and then nothing to do.",
    },
    Mutant {
        name: "service/half-open-floods",
        rules: &HalfOpenFloods,
        source: "nodeshift/opossum#119, resilience4j#1432: calls beyond the probes while half open",
        needs: &["outage that opens the breaker"],
        property: Some("latency"),
        about: "A breaker that tries probes lets all calls through meanwhile: they wait for what does not answer.",
    },
    Mutant {
        name: "service/late-success-closes",
        rules: &LateSuccessCloses,
        source: "resilience4j#1090: results of calls from before the state changed",
        needs: &["dependency that answers some calls, and slowly"],
        property: Some("latency"),
        about: "The success of a call that began before the breaker opened closes it, though most calls fail.",
    },
    Mutant {
        name: "service/probe-is-lost",
        rules: &ProbeIsLost,
        source: "resilience4j#544 and #935: permits that are not given back",
        needs: &["outage that opens the breaker", "hedging"],
        property: Some("recovers"),
        about: "A probe that is cancelled gives its permit never back: the breaker waits for it, half open for ever.",
    },
    Mutant {
        name: "service/limit-off-by-one",
        rules: &LimitOffByOne,
        source: "Netflix/concurrency-limits#78: a limit that lets one more in",
        needs: &["overload"],
        property: Some("bounded"),
        about: "A queue that is full takes one more.",
    },
    Mutant {
        name: "service/deadline-from-arrival",
        rules: &DeadlineFromArrival,
        source: "envoyproxy/envoy#7358; the guide of gRPC on deadlines: what is left of one travels on",
        needs: &["queue that is longer than a deadline"],
        property: Some("in-time"),
        about: "A request has a whole deadline from when it arrives, not what is left of its own: its caller has gone.",
    },
];

#[derive(Debug)]
struct HerdsOnStaleLoad;

impl Rules for HerdsOnStaleLoad {
    fn balance(&self, settings: BalancerSettings) -> BalancerSettings {
        BalancerSettings { policy: Balance::LeastLoaded { refresh: Duration::from_secs(1) }, ..settings }
    }
}

#[derive(Debug)]
struct FailuresLookFast;

impl Rules for FailuresLookFast {
    fn length_of_failure(&self, took: Duration, _: Duration) -> Duration {
        took
    }
}

#[derive(Debug)]
struct InFlightLeaks;

impl Rules for InFlightLeaks {
    fn tells_balancer(&self, is_answered: bool) -> bool {
        is_answered
    }
}

#[derive(Debug)]
struct EjectsAll;

impl Rules for EjectsAll {
    fn outliers(&self, settings: OutlierSettings) -> OutlierSettings {
        OutlierSettings { ejected_max: Ratio::ALWAYS, panic_below: Ratio::NEVER, ..settings }
    }
}

#[derive(Debug)]
struct NeverReturns;

impl Rules for NeverReturns {
    fn outliers(&self, settings: OutlierSettings) -> OutlierSettings {
        let ever = Duration::from_secs(24 * 60 * 60);
        OutlierSettings { ejection: ever, ejection_max: ever, ..settings }
    }
}

#[derive(Debug)]
struct CallsTheDead;

impl Rules for CallsTheDead {
    fn heeds_registry(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LeasesNeverEnd;

impl Rules for LeasesNeverEnd {
    fn is_listed(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct TellsTooEarly;

impl Rules for TellsTooEarly {
    fn tells_instances(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct HedgesToTheSame;

impl Rules for HedgesToTheSame {
    fn copies_go_elsewhere(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct WorksForTheGone;

impl Rules for WorksForTheGone {
    fn heeds_cancel(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct RetriesTheFinal;

impl Rules for RetriesTheFinal {
    fn is_final(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct RetriesWithoutJitter;

impl Rules for RetriesWithoutJitter {
    fn backoff(&self, backoff: Backoff) -> Backoff {
        match backoff {
            Backoff::Equal { base, cap } | Backoff::Full { base, cap } | Backoff::Decorrelated { base, cap } => {
                Backoff::Exponential { base, cap }
            }
            Backoff::None | Backoff::Constant(_) | Backoff::Exponential { .. } => backoff,
        }
    }
}

#[derive(Debug)]
struct HalfOpenFloods;

impl Rules for HalfOpenFloods {
    fn passes(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct LateSuccessCloses;

impl Rules for LateSuccessCloses {
    fn counts_success(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct ProbeIsLost;

impl Rules for ProbeIsLost {
    fn tells_breaker(&self, is_ignored: bool) -> bool {
        !is_ignored
    }
}

#[derive(Debug)]
struct LimitOffByOne;

impl Rules for LimitOffByOne {
    fn bound(&self, bound: u32) -> u32 {
        bound.saturating_add(1)
    }
}

#[derive(Debug)]
struct DeadlineFromArrival;

impl Rules for DeadlineFromArrival {
    fn received(&self, deadline: Option<LocalTime>, now: LocalTime, whole: Option<Duration>) -> Option<LocalTime> {
        whole.map_or(deadline, |whole| Some(now + whole))
    }
}
