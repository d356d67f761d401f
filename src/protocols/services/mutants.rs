//! Bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use super::{Mutant, Rules};
use crate::base::{Duration, LocalTime};
use crate::policies::retry::{Again, Stop};

/// All mutants.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "service/key-per-attempt",
        rules: &KeyPerAttempt,
        source: "Stripe, Designing robust and predictable APIs with idempotency (2017): one key for all attempts",
        needs: &["answer that is lost or late"],
        property: Some("effects-once"),
        about: "Each attempt of a call has an idempotency key of its own. One that is tried again since its answer was lost has its effect twice.",
    },
    Mutant {
        name: "service/answers-before-durable",
        rules: &AnswersBeforeDurable,
        source: "a broken rule: what is answered must outlive a crash",
        needs: &["crash between answer and disk"],
        property: Some("effects-once"),
        about: "A store answers before the effect is on disk. A crash takes the effect, and its caller was told of success.",
    },
    Mutant {
        name: "service/deadline-per-hop",
        rules: &DeadlinePerHop,
        source: "Google, Site Reliability Engineering (2016), ch. 22, deadline propagation",
        needs: &["queue that is longer than a deadline"],
        property: Some("in-time"),
        about: "Each call has a deadline of its own, and does not heed that of the request that it is made for: late work goes on below.",
    },
    Mutant {
        name: "service/works-too-late",
        rules: &WorksTooLate,
        source: "Google, Site Reliability Engineering (2016), ch. 22: work whose deadline has passed is dropped",
        needs: &["queue that is longer than a deadline"],
        property: Some("in-time"),
        about: "A request is worked on whatever its deadline says: what has waited too long is done in vain.",
    },
    Mutant {
        name: "service/retries-beyond-budget",
        rules: &RetriesBeyondBudget,
        source: "Bronson and others, Metastable failures in distributed systems, HotOS 2021",
        needs: &["standstill that makes requests late"],
        property: Some("recovers"),
        about: "A call is tried again though the budget is spent. The retries keep the queue so long that each of them is late.",
    },
    Mutant {
        name: "service/breaker-stays-open",
        rules: &BreakerStaysOpen,
        source: "Nygard, Release It! (2007), circuit breaker: half-open is what closes it",
        needs: &["outage that opens the breaker"],
        property: Some("recovers"),
        about: "A breaker that was open once lets nothing through any more: what it would try as a probe fails without being tried.",
    },
    Mutant {
        name: "service/bulkhead-leaks",
        rules: &BulkheadLeaks,
        source: "a broken rule: a permit is given back however the call ends",
        needs: &["outage that times calls out"],
        property: Some("recovers"),
        about: "A call that was given up does not leave its bulkhead. After an outage nothing is let in any more.",
    },
    Mutant {
        name: "service/waiting-never-starts",
        rules: &WaitingNeverStarts,
        source: "a broken rule: who leaves wakes who waits",
        needs: &["bulkhead with calls that wait"],
        property: Some("progress"),
        about: "A call that leaves a bulkhead wakes none of those that wait: they wait without end.",
    },
    Mutant {
        name: "service/drops-in-silence",
        rules: &DropsInSilence,
        source: "a broken rule: every request ends",
        needs: &["queue that drops, and a caller that waits without end"],
        property: Some("progress"),
        about: "What is dropped in the queue is not answered: its caller waits without end.",
    },
    Mutant {
        name: "service/forgets-keys",
        rules: &ForgetsKeys,
        source: "Stripe, Designing robust and predictable APIs with idempotency (2017): keys live where effects live",
        needs: &["crash after an effect, and an answer that is lost"],
        property: Some("effects-once"),
        about: "Keys are in memory alone, and gone with a crash. What is tried again then has its effect twice.",
    },
    Mutant {
        name: "service/remembers-failures",
        rules: &RemembersFailures,
        source: "a broken rule: an error is no result (negative caching of failures)",
        needs: &["work that fails now and then"],
        property: Some("availability"),
        about: "A failure is remembered under the key of its request: each retry is told of it again.",
    },
    Mutant {
        name: "service/effect-comes-first",
        rules: &EffectComesFirst,
        source: "Garcia-Molina and Salem, Sagas, SIGMOD 1987: what was done before a failure must be undone, or done last",
        needs: &["call that fails after the effect"],
        property: Some("effects-once"),
        about: "A store has the effect of a request before the calls that are made for it. If one fails, the request is tried again, and has its effect twice.",
    },
    Mutant {
        name: "service/answer-of-another",
        rules: &AnswerOfAnother,
        source: "a broken rule: an answer names the call that it is meant for",
        needs: &["answer that comes late"],
        property: Some("effects-once"),
        about: "An answer that comes late is taken for that of the call that has its place now, which ends as a success before it has had its effect.",
    },
];

#[derive(Debug)]
struct KeyPerAttempt;

impl Rules for KeyPerAttempt {
    fn key_of_attempt(&self, key: u64, number: u16) -> u64 {
        key.wrapping_add(u64::from(number))
    }
}

#[derive(Debug)]
struct AnswersBeforeDurable;

impl Rules for AnswersBeforeDurable {
    fn answers_when_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DeadlinePerHop;

impl Rules for DeadlinePerHop {
    fn deadline(&self, _: Option<LocalTime>, own: Option<LocalTime>) -> Option<LocalTime> {
        own
    }
}

#[derive(Debug)]
struct WorksTooLate;

impl Rules for WorksTooLate {
    fn is_too_late(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct RetriesBeyondBudget;

impl Rules for RetriesBeyondBudget {
    fn again(&self, said: Again) -> Again {
        if said == Again::Stop(Stop::Budget) { Again::After(Duration::from_millis(10)) } else { said }
    }
}

#[derive(Debug)]
struct BreakerStaysOpen;

impl Rules for BreakerStaysOpen {
    fn lets_probes_through(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct BulkheadLeaks;

impl Rules for BulkheadLeaks {
    fn leaves_bulkhead(&self, is_answered: bool) -> bool {
        is_answered
    }
}

#[derive(Debug)]
struct WaitingNeverStarts;

impl Rules for WaitingNeverStarts {
    fn starts_waiting(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DropsInSilence;

impl Rules for DropsInSilence {
    fn answers_dropped(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsKeys;

impl Rules for ForgetsKeys {
    fn keys_outlive_crash(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct RemembersFailures;

impl Rules for RemembersFailures {
    fn remembers(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct EffectComesFirst;

impl Rules for EffectComesFirst {
    fn effect_comes_last(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AnswerOfAnother;

impl Rules for AnswerOfAnother {
    fn takes_answer(&self, _: bool) -> bool {
        true
    }
}
