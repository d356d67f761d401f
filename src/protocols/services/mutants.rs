//! Bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

mod routing;

use super::{Mutant, Rules};
use crate::base::{Duration, LocalTime};
use crate::policies::retry::{Again, Stop};

pub use routing::ROUTING;

/// The mutants of all but routing.
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
        name: "service/key-reused-after-expiry",
        rules: &ReusesKeys,
        source: "Stripe, API reference, Idempotent requests: a key may be removed after 24 hours, and then stands for a new request",
        needs: &["attempts that go on for longer than the service knows their key"],
        property: Some("effects-once"),
        about: "A call is tried again under its key when the service has forgotten that. It has its effect twice.",
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
    Mutant {
        name: "service/checks-then-does",
        rules: &ChecksThenDoes,
        source: "alphagov/pay-connector#4460: two requests with one key at once, and both took effect",
        needs: &["a second attempt while the first is under way"],
        property: Some("effects-once"),
        about: "A store looks for the key of a request when its work begins, and notes it when that is done: two attempts that are worked on at once both have their effect.",
    },
    Mutant {
        name: "service/counts-stock-first",
        rules: &CountsStockFirst,
        source: "a broken rule: what is checked is taken in the same step (time of check, time of use)",
        needs: &["a stock that is nearly used up"],
        property: Some("all-or-nothing"),
        about: "A store looks how much is left of an item before the work for a request, and takes it after that: more is sold than there is.",
    },
    Mutant {
        name: "service/does-what-was-undone",
        rules: &DoesWhatWasUndone,
        source: "apache/incubator-seata, TCC: suspension, where the try comes after its cancel",
        needs: &["a compensation that overtakes what it undoes"],
        property: Some("all-or-nothing"),
        about: "A call that comes after its own compensation has its effect all the same: there is no one left who would undo it.",
    },
    Mutant {
        name: "service/undoes-twice",
        rules: &UndoesTwice,
        source: "Garcia-Molina and Salem, Sagas, SIGMOD 1987; apache/incubator-seata, TCC: a cancel must be idempotent",
        needs: &["answer to a compensation that is lost"],
        property: Some("effects-once"),
        about: "A compensation that is tried again since its answer was lost undoes the same effect again: what was taken once is given back twice.",
    },
    Mutant {
        name: "service/compensates-the-last-only",
        rules: &CompensatesTheLastOnly,
        source: "apache/servicecomb-pack#227: of several steps not all are compensated",
        needs: &["call that fails after two others"],
        property: Some("all-or-nothing"),
        about: "Of the steps of a saga that were begun only the last one is undone.",
    },
    Mutant {
        name: "service/compensates-once",
        rules: &CompensatesOnce,
        source: "apache/incubator-seata#2861; hoangdaochuz/booking#39: a refund that is sent and forgotten",
        needs: &["compensation that is lost or fails"],
        property: Some("all-or-nothing"),
        about: "A compensation is tried once. One that fails, or is not answered, is taken for done.",
    },
    Mutant {
        name: "service/forgets-sagas",
        rules: &ForgetsSagas,
        source: "Garcia-Molina and Salem, Sagas, SIGMOD 1987: after a crash, what the log has open is brought to an end",
        needs: &["crash of the orchestrator"],
        property: Some("all-or-nothing"),
        about: "A saga that a crash has left open is not gone on with, and is taken for undone.",
    },
    Mutant {
        name: "service/logs-sagas-late",
        rules: &LogsSagasLate,
        source: "a broken rule: what is to be undone must be on disk before it is done (write-ahead log)",
        needs: &["crash of the orchestrator before its log is on disk"],
        property: Some("all-or-nothing"),
        about: "The calls of a saga are sent before it is on disk that it has begun: after a crash it begins anew, and what had been done of it is counted to no saga.",
    },
    Mutant {
        name: "service/caches-errors",
        rules: &CachesErrors,
        source: "docker/docker-agent#3206: an error is cached for as long as a value",
        needs: &["store that is down for less than a value lives"],
        property: Some("recovers"),
        about: "What a failed load was answered is kept like a value: the store is back, and requests fail until its time is up.",
    },
    Mutant {
        name: "service/one-load-per-caller",
        rules: &OneLoadPerCaller,
        source: "Nishtala and others, Scaling Memcache at Facebook, NSDI 2013, §3.2.1 (leases against thundering herds)",
        needs: &["item that many ask for"],
        property: Some("bounded"),
        about: "Each request that misses the cache loads the value itself: when that of a popular item expires, all of them go to the store.",
    },
    Mutant {
        name: "service/load-dies-with-caller",
        rules: &LoadDiesWithCaller,
        source: "bucketeer-io/bucketeer#2552; authzed/spicedb#925: the context of the first caller cancels the load of all",
        needs: &["load that takes about as long as requests may"],
        property: Some("availability"),
        about: "A load has the deadline of the request that it was begun for: all that wait for it fail with that one.",
    },
    Mutant {
        name: "service/load-never-ends",
        rules: &LoadNeverEnds,
        source: "thanos-io/thanos#4379: what if a load never comes to its end",
        needs: &["load that fails"],
        property: Some("progress"),
        about: "A load that fails is never ended: all that need its value wait for it, for ever.",
    },
    Mutant {
        name: "service/keeps-what-was-overtaken",
        rules: &KeepsWhatWasOvertaken,
        source: "Nishtala and others, Scaling Memcache at Facebook, NSDI 2013, §3.2.1 (stale sets)",
        needs: &["write while its item is loaded"],
        property: Some("reads-current"),
        about: "A load that began before its item was changed is kept after that: readers are told what was before, until the value's time is up.",
    },
    Mutant {
        name: "service/forgets-to-invalidate",
        rules: &ForgetsToInvalidate,
        source: "a broken rule: who changes what it caches forgets it first",
        needs: &["write of an item that is cached"],
        property: Some("reads-current"),
        about: "A service that changes an item goes on answering from its cache what there was before.",
    },
    Mutant {
        name: "service/stays-fresh-while-used",
        rules: &StaysFreshWhileUsed,
        source: "a broken rule: a time to live counts from when a value was read, not from when it was used last (sliding expiration)",
        needs: &["item that many ask for, and that is changed elsewhere"],
        property: Some("reads-current"),
        about: "Each use of a cached value makes it fresh anew: that of a popular item never expires, whatever becomes of the item.",
    },
    Mutant {
        name: "service/caches-under-one-key",
        rules: &CachesUnderOneKey,
        source: "Kettle, Practical web cache poisoning (2018): what a response depends on and the key of a cache leaves out",
        needs: &["two items"],
        property: Some("reads-current"),
        about: "The key under which an answer is kept leaves out which item it is about: one is told what there is of another.",
    },
    Mutant {
        name: "service/sends-without-credit",
        rules: &SendsWithoutCredit,
        source: "a broken rule: no more is sent than there is room for (RFC 9000, §4.1)",
        needs: &["callee that is slower than its caller"],
        property: Some("bounded"),
        about: "A caller sends whether it has credits or not, and the instance takes it in: its queue grows as if there were none.",
    },
    Mutant {
        name: "service/credit-lost-with-message",
        rules: &CreditLostWithMessage,
        source: "etcd-io/raft e419ba5: in-flight messages that are lost are never freed, and replication stops",
        needs: &["request that is lost"],
        property: Some("recovers"),
        about: "A request that is lost takes its credit along. When all are gone, nothing is sent any more.",
    },
    Mutant {
        name: "service/dropped-keeps-its-place",
        rules: &DroppedKeepsItsPlace,
        source: "palantir/conjure-java-runtime#1147: a permit that is not given back on each way out",
        needs: &["queue that drops what waits too long"],
        property: Some("availability"),
        about: "A request that is dropped in the queue does not leave its place: with each, its caller has one credit less, until it has none.",
    },
    Mutant {
        name: "service/sheds-the-important",
        rules: &ShedsTheImportant,
        source: "Google, Site Reliability Engineering (2016), ch. 21, criticality",
        needs: &["more load than there is capacity"],
        property: Some("availability"),
        about: "All requests wait as if they were equally important: the newest is shed, whatever it is.",
    },
    Mutant {
        name: "service/answer-of-another-life",
        rules: &AnswerOfAnotherLife,
        source: "a broken rule: the numbers of requests are not used again after a crash (RFC 9293, §3.4.1, on sequence numbers)",
        needs: &["caller that crashes while it waits"],
        property: Some("effects-once"),
        about: "A caller that crashed counts its calls from the beginning: an answer to one from before is taken for that of one from after.",
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
struct ReusesKeys;

impl Rules for ReusesKeys {
    fn gives_up_with_key(&self) -> bool {
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

#[derive(Debug)]
struct ChecksThenDoes;

impl Rules for ChecksThenDoes {
    fn claims_key_first(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CountsStockFirst;

impl Rules for CountsStockFirst {
    fn counts_stock_last(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DoesWhatWasUndone;

impl Rules for DoesWhatWasUndone {
    fn refuses_undone(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct UndoesTwice;

impl Rules for UndoesTwice {
    fn undoes_once(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CompensatesTheLastOnly;

impl Rules for CompensatesTheLastOnly {
    fn compensates(&self, before_last: usize) -> bool {
        before_last == 0
    }
}

#[derive(Debug)]
struct CompensatesOnce;

impl Rules for CompensatesOnce {
    fn compensates_again(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsSagas;

impl Rules for ForgetsSagas {
    fn resumes_sagas(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LogsSagasLate;

impl Rules for LogsSagasLate {
    fn logs_saga_first(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CachesErrors;

impl Rules for CachesErrors {
    fn caches(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct OneLoadPerCaller;

impl Rules for OneLoadPerCaller {
    fn one_load_for_all(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LoadDiesWithCaller;

impl Rules for LoadDiesWithCaller {
    fn load_outlives_caller(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LoadNeverEnds;

impl Rules for LoadNeverEnds {
    fn ends_failed_load(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct KeepsWhatWasOvertaken;

impl Rules for KeepsWhatWasOvertaken {
    fn voids_loads(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsToInvalidate;

impl Rules for ForgetsToInvalidate {
    fn invalidates(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct StaysFreshWhileUsed;

impl Rules for StaysFreshWhileUsed {
    fn ages_when_used(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CachesUnderOneKey;

impl Rules for CachesUnderOneKey {
    fn cached_under(&self, _: u32) -> u32 {
        0
    }
}

#[derive(Debug)]
struct SendsWithoutCredit;

impl Rules for SendsWithoutCredit {
    fn waits_for_credit(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CreditLostWithMessage;

impl Rules for CreditLostWithMessage {
    fn finds_lost_credits(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DroppedKeepsItsPlace;

impl Rules for DroppedKeepsItsPlace {
    fn frees_dropped(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ShedsTheImportant;

impl Rules for ShedsTheImportant {
    fn priority(&self, _: u8) -> u8 {
        0
    }
}

#[derive(Debug)]
struct AnswerOfAnotherLife;

impl Rules for AnswerOfAnotherLife {
    fn counts_on_after_crash(&self) -> bool {
        false
    }
}
