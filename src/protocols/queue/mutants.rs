//! Bugs of the queue and of those who use it, planted one at a time: each overrides one rule.

use super::{Mutant, Rules, Source};
use crate::base::{LocalTime, OperationId};

/// All mutants of the queue.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "queue/confirms-before-committed",
        rules: &ConfirmsBeforeCommitted,
        source: "class of bugs: a confirm before fsync (RabbitMQ, publisher confirms: a persistent message is confirmed once it is on disk)",
        needs: &["a crash of the leader"],
        property: Some("unseen"),
        about: "The leader confirms a message that it has proposed and not committed: with the leader the message goes.",
    },
    Mutant {
        name: "queue/silent-of-repeats",
        rules: &SilentOfRepeats,
        source: "rabbitmq/rabbitmq-server#1782",
        needs: &["a confirm that is lost"],
        property: Some("progress"),
        about: "A message that the queue knows by its id is not confirmed again: its publisher, whose confirm was lost, waits for ever.",
    },
    Mutant {
        name: "queue/requeues-at-the-end",
        rules: &RequeuesAtTheEnd,
        source: "RabbitMQ before 2.7.0, in which requeued messages lost their places",
        needs: &["a consumer that fails"],
        property: Some("queue-order"),
        about: "A message that comes back goes behind all others, and not into the place that it had.",
    },
    Mutant {
        name: "queue/forgets-redelivered",
        rules: &ForgetsRedelivered,
        source: "a broken rule: AMQP 0-9-1, basic.deliver: what was delivered before is marked as redelivered",
        needs: &["a consumer that fails"],
        property: Some("redelivered-marked"),
        about: "A message is given out again without the mark that it may have been processed before.",
    },
    Mutant {
        name: "queue/tag-without-subscription",
        rules: &TagWithoutSubscription,
        source: "rabbitmq/rabbitmq-server#4305: a delivery tag that does not say of which leader, or which channel, it is",
        needs: &["a consumer that is cancelled, and subscribes anew"],
        property: Some("settled-by-holder"),
        about: "A delivery is known by its number alone: what a client has to say of its last subscription settles a message of this one.",
    },
    Mutant {
        name: "queue/revives-the-cancelled",
        rules: &RevivesTheCancelled,
        source: "a broken rule: a delivery tag is of one channel, which is opened once",
        needs: &["a request that is late, and a consumer that is silent"],
        property: Some("unseen"),
        about: "A subscription that has ended begins anew when a late request asks for it: its deliveries are numbered from 1 again, and its \
                client takes them for those that it has had.",
    },
    Mutant {
        name: "queue/settles-from-memory",
        rules: &SettlesFromMemory,
        source: "a broken rule: what a leader knows may be old (Raft, §8; etcd-io/etcd#15247)",
        needs: &["a leader that is deposed, and does not know"],
        property: Some("progress"),
        about: "A leader answers that a delivery is settled of which it knows nothing: another leads, and gave it out. Its consumer does not \
                say again that it is done, and the message is never settled.",
    },
    Mutant {
        name: "queue/settles-all-below",
        rules: &SettlesAllBelow,
        source: "class of bugs: basic.ack with multiple, where each message is settled for itself",
        needs: &["a requeue that is lost, and an acknowledgement that is not"],
        property: Some("unseen"),
        about: "An acknowledgement settles all deliveries before it, also one that its consumer could not process.",
    },
    Mutant {
        name: "queue/ignores-prefetch",
        rules: &IgnoresPrefetch,
        source: "a broken rule: AMQP 0-9-1, basic.qos: no more unacknowledged messages than the prefetch count",
        needs: &[],
        property: Some("prefetch-kept"),
        about: "A consumer is given messages without regard to how many it holds.",
    },
    Mutant {
        name: "queue/orphans-held",
        rules: &OrphansHeld,
        source: "rabbitmq/rabbitmq-server#15473",
        needs: &["a consumer that crashes"],
        property: Some("unseen"),
        about: "What a consumer held that is gone belongs to no consumer any more, and is not given to another.",
    },
    Mutant {
        name: "queue/counts-no-crash",
        rules: &CountsNoCrash,
        source: "a broken rule: RabbitMQ, quorum queues: a delivery that fails since its consumer crashed counts towards the limit",
        needs: &["a consumer that crashes"],
        property: Some("delivery-limit-kept"),
        about: "Only what consumers requeue counts towards the delivery limit: a message that crashes them comes back for ever.",
    },
    Mutant {
        name: "queue/dead-letter-loop",
        rules: &DeadLetterLoop,
        source: "RabbitMQ, dead letter exchanges: cycles, in which a message comes back to the queue that it left",
        needs: &["a message that no consumer can process"],
        property: Some("dies-once"),
        about: "Dead letters go to the queue that they came from, as new messages: one that no consumer can process dies again and again.",
    },
    Mutant {
        name: "queue/time-since-start",
        rules: &TimeSinceStart,
        source: "class of bugs: a deadline kept by a clock that starts anew with its process",
        needs: &["a restart of the queue", "messages that wait"],
        property: Some("expires-in-time"),
        about: "A leader tells the time since it started: after a restart, messages live longer by all the time that it ran before.",
    },
    Mutant {
        name: "queue/acknowledges-first",
        rules: &AcknowledgesFirst,
        source: "RabbitMQ, automatic acknowledgement: \"fire and forget\"",
        needs: &["a consumer that crashes"],
        property: Some("unseen"),
        about: "A consumer acknowledges a message before it has processed it: a crash in between, and no consumer ever does.",
    },
];

#[derive(Debug)]
struct ConfirmsBeforeCommitted;

impl Rules for ConfirmsBeforeCommitted {
    fn confirms_when_committed(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct SilentOfRepeats;

impl Rules for SilentOfRepeats {
    fn confirms_again(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct RequeuesAtTheEnd;

impl Rules for RequeuesAtTheEnd {
    fn goes_back_to_its_place(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsRedelivered;

impl Rules for ForgetsRedelivered {
    fn is_marked(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct TagWithoutSubscription;

impl Rules for TagWithoutSubscription {
    fn is_of(&self, named: OperationId, holder: OperationId) -> bool {
        named.client == holder.client
    }
}

#[derive(Debug)]
struct RevivesTheCancelled;

impl Rules for RevivesTheCancelled {
    fn revives(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct SettlesFromMemory;

impl Rules for SettlesFromMemory {
    fn settles_from_memory(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct SettlesAllBelow;

impl Rules for SettlesAllBelow {
    fn settles(&self, _: u64, _: u64) -> bool {
        true
    }
}

#[derive(Debug)]
struct IgnoresPrefetch;

impl Rules for IgnoresPrefetch {
    fn has_room(&self, _: usize, _: usize) -> bool {
        true
    }
}

#[derive(Debug)]
struct OrphansHeld;

impl Rules for OrphansHeld {
    fn returns_of_the_gone(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CountsNoCrash;

impl Rules for CountsNoCrash {
    fn counts_return_of_the_gone(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DeadLetterLoop;

impl Rules for DeadLetterLoop {
    fn dead_letters_go_to(&self) -> Source {
        Source::Work
    }
}

#[derive(Debug)]
struct TimeSinceStart;

impl Rules for TimeSinceStart {
    fn time(&self, now: LocalTime, started: LocalTime) -> LocalTime {
        LocalTime::from_nanos(now.as_nanos().saturating_sub(started.as_nanos()))
    }
}

#[derive(Debug)]
struct AcknowledgesFirst;

impl Rules for AcknowledgesFirst {
    fn acknowledges_first(&self) -> bool {
        true
    }
}
