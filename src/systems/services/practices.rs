//! Practices of services, each with a pair of scenarios that differ in it.

use crate::systems::Practice;

/// All of them.
pub(super) static PRACTICES: &[Practice] = &[
    Practice {
        name: "idempotency-key",
        about: "A request carries a key that all attempts of it have, and what stores its effect remembers under the key what it answered: a caller that does not know whether a request took effect can ask again.",
        with: "scenarios/service/idempotency-keys.ron",
        without: "scenarios/service/idempotency-no-keys.ron",
    },
    Practice {
        name: "graceful-degradation",
        about: "A caller answers without what an optional call would have added, when that fails: with less, and still in time.",
        with: "scenarios/service/degradation-optional.ron",
        without: "scenarios/service/degradation-needed.ron",
    },
    Practice {
        name: "circuit-breaker",
        about: "A caller that has seen too large a share of its calls fail does not try others for a while, and then a few as probes: it does not wait for what will not answer, and gives that time to recover.",
        with: "scenarios/service/breaker-on.ron",
        without: "scenarios/service/breaker-off.ron",
    },
    Practice {
        name: "bulkhead",
        about: "A caller lets so many calls of one kind be under way at once, and no more: what hangs holds a part of it and not all.",
        with: "scenarios/service/bulkhead-on.ron",
        without: "scenarios/service/bulkhead-off.ron",
    },
    Practice {
        name: "deadline-propagation",
        about: "A deadline travels with a request through all services, and no work is begun on what is too late: nothing is done for callers who have given up.",
        with: "scenarios/service/deadlines-carried.ron",
        without: "scenarios/service/deadlines-not-carried.ron",
    },
    Practice {
        name: "retry-budget",
        about: "Retries of all calls together are bounded to a share of the calls: they mend what is rare, and cannot multiply the load where everything fails.",
        with: "scenarios/service/retries-budget.ron",
        without: "scenarios/service/retries-storm.ron",
    },
    Practice {
        name: "bounded-queue",
        about: "A queue takes so many requests, and refuses the others at once: those that are served are served in time.",
        with: "scenarios/service/queue-bounded.ron",
        without: "scenarios/service/queue-unbounded.ron",
    },
    Practice {
        name: "hedging",
        about: "A copy of a request that is slow to be answered goes to another instance, and the first answer counts: the answer is late only if both are.",
        with: "scenarios/service/hedging-on.ron",
        without: "scenarios/service/hedging-off.ron",
    },
    Practice {
        name: "outlier-ejection",
        about: "An instance whose calls fail in a row is not asked for a while: one that is down costs a few requests and not its share of all.",
        with: "scenarios/service/outliers-ejected.ron",
        without: "scenarios/service/outliers-kept.ron",
    },
    Practice {
        name: "power-of-two-choices",
        about: "Of two instances at random, the one with fewer requests under way is asked: queues stay short, without looking at all instances.",
        with: "scenarios/service/balance-choices.ron",
        without: "scenarios/service/balance-random.ron",
    },
    Practice {
        name: "one-queue",
        about: "All workers take from one queue: none is idle while a request waits.",
        with: "scenarios/service/one-queue.ron",
        without: "scenarios/service/two-queues.ron",
    },
    Practice {
        name: "cache-stampede",
        about: "When the time of a popular value in a cache is up, all that need it go to the store at once, which gets slow by that, so that more of them come. One load for all (single flight), the old value while it is under way (stale while revalidate), and times that differ (jitter) leave the store a load at a time.",
        with: "scenarios/service/cache-single-flight.ron",
        without: "scenarios/service/cache-stampede.ron",
    },
    Practice {
        name: "cache-fallback",
        about: "Where a value cannot be loaded, the old one is used for longer than usual (stale if error), and where there is none, a default: both are degraded answers, and better than none.",
        with: "scenarios/service/cache-fallback.ron",
        without: "scenarios/service/cache-no-fallback.ron",
    },
    Practice {
        name: "saga",
        about: "A transaction over several services without locks: its steps are calls, each with another one that undoes it. Where one fails for good, those that were begun are undone in reverse, each until that has succeeded, and a log on disk says after a crash which. Others see what is undone later.",
        with: "scenarios/service/shop-saga.ron",
        without: "scenarios/service/shop-no-saga.ron",
    },
    Practice {
        name: "back-pressure",
        about: "An instance says for how many requests it has room, and no more are sent: who calls waits for a credit, and so does who calls that one in turn. What is too much is refused at the edge, before anything was done for it, and nothing piles up within.",
        with: "scenarios/service/back-pressure-credits.ron",
        without: "scenarios/service/back-pressure-none.ron",
    },
    Practice {
        name: "load-shedding",
        about: "Where more requests come than can be done, the least important go first: the queue is ordered by priority, and what comes displaces the youngest of the lowest. Important requests are as fast as ever.",
        with: "scenarios/service/shedding-priority.ron",
        without: "scenarios/service/shedding-newest.ron",
    },
    Practice {
        name: "latency-aware-balancing",
        about: "The instance is asked whose latency, times the calls under way, is the least (peak EWMA): one that gets slow and fails nothing is seen by no breaker and no ejection, and gets little.",
        with: "scenarios/service/slow-instance-avoided.ron",
        without: "scenarios/service/slow-instance-asked.ron",
    },
    Practice {
        name: "bridged-discovery",
        about: "A list of instances from a registry is as old as a lease and a look-up: what has died is called until then. A retry at another instance, and ejection of one whose calls fail in a row, bridge that time.",
        with: "scenarios/service/discovery-bridged.ron",
        without: "scenarios/service/discovery-stale.ron",
    },
    Practice {
        name: "redundant-proxies",
        about: "A proxy that balances is a node that can fail, and all behind it with it: there are several, and what is asked of one that does not answer is asked of another.",
        with: "scenarios/service/proxy-two.ron",
        without: "scenarios/service/proxy-one.ron",
    },
    Practice {
        name: "short-queue",
        about: "A queue is shorter than its callers wait: what is not refused is answered in time, so the work that is done is of use, and a metastable failure ends although everything is tried again.",
        with: "scenarios/service/metastable-short-queue.ron",
        without: "scenarios/service/retries-storm.ron",
    },
];
