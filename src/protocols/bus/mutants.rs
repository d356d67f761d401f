//! Bugs of the bus and of those who use it, planted one at a time: each overrides one rule.

use super::{Mutant, Order, Rules};

/// All mutants of the bus.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "bus/accepts-before-durable",
        rules: &AcceptsBeforeDurable,
        source: "jepsen: RabbitMQ, class of bugs: a confirm before fsync",
        needs: &["a crash of the bus"],
        property: Some("lost-write"),
        about: "The bus tells a publisher that its message was accepted when it is not on disk yet: a crash takes it along.",
    },
    Mutant {
        name: "bus/delivers-before-durable",
        rules: &DeliversBeforeDurable,
        source: "a broken rule: what was shown must stay (Kafka: consumers see nothing above the high watermark)",
        needs: &["a crash of the bus"],
        property: Some("inconsistent-offsets"),
        about: "The bus delivers what is not on disk yet: after a crash another message has its place.",
    },
    Mutant {
        name: "bus/forgets-ids",
        rules: &ForgetsIds,
        source: "a broken rule: ids are remembered as long as messages (Kafka, KAFKA-5793: idempotent producers and their snapshots)",
        needs: &["a crash of the bus"],
        property: Some("duplicate"),
        about: "The bus knows no ids after a crash: what a publisher asks for again is taken in again.",
    },
    Mutant {
        name: "bus/takes-all-in",
        rules: &TakesAllIn,
        source: "a broken rule: a retry has the id of what it repeats (Kafka, KIP-98)",
        needs: &["loss"],
        property: Some("duplicate"),
        about: "The bus takes in what it knows already: each retry is a message more.",
    },
    Mutant {
        name: "bus/id-of-the-attempt",
        rules: &IdOfTheAttempt,
        source: "class of bugs: an idempotency key that is made anew for each retry",
        needs: &["loss"],
        property: Some("duplicate"),
        about: "A publisher gives each attempt an id of its own: no one can tell a retry from a new message.",
    },
    Mutant {
        name: "bus/gives-up",
        rules: &GivesUp,
        source: "a broken rule: at least once is to deliver again until it is acknowledged",
        needs: &["loss"],
        property: Some("lost-write"),
        about: "The bus gives a message up that was not acknowledged in time, and goes on with the next one.",
    },
    Mutant {
        name: "bus/acknowledges-first",
        rules: &AcknowledgesFirst,
        source: "Kafka, enable.auto.commit; RabbitMQ, automatic acknowledgement",
        needs: &["a crash of a subscriber"],
        property: Some("lost-write"),
        about: "A subscriber acknowledges a message before it has processed it: a crash in between, and no one ever does.",
    },
    Mutant {
        name: "bus/forgets-what-it-had",
        rules: &ForgetsWhatItHad,
        source: "a broken rule: what tells a message that comes again from a new one lies with its effect",
        needs: &["a crash of a subscriber"],
        property: Some("redelivery"),
        about: "A subscriber knows not after a crash what it has had, and processes again what is delivered again.",
    },
    Mutant {
        name: "bus/sends-ahead",
        rules: &SendsAhead,
        source: "Kafka, max.in.flight.requests.per.connection above 1 without idempotence",
        needs: &["messages that overtake each other"],
        property: Some("poll-skip"),
        about: "The bus has four messages on their way to a subscriber at once, where they are to come one after another.",
    },
    Mutant {
        name: "bus/overtakes-in-key",
        rules: &OvertakesInKey,
        source: "a broken rule: messages of one key are processed in their order (Google Cloud Pub/Sub, ordering keys)",
        needs: &["messages that overtake each other"],
        property: Some("poll-skip"),
        about: "The bus has several messages of one key on their way to a subscriber at once, where those of a key are to come in order.",
    },
    Mutant {
        name: "bus/goes-back",
        rules: &GoesBack,
        source: "class of bugs: a delivery of an earlier connection, that comes when later messages have been processed",
        needs: &["a crash of the bus", "a delivery that is late"],
        property: Some("nonmonotonic-poll"),
        about: "A subscriber processes a late delivery of a message that the bus has dropped since, though it has had later ones.",
    },
    Mutant {
        name: "bus/no-bound",
        rules: &NoBound,
        source: "class of bugs: a bounded queue of which the bound is checked elsewhere",
        needs: &["a slow subscriber"],
        property: Some("bounded-buffers"),
        about: "A buffer takes in what comes, whatever its bound.",
    },
    Mutant {
        name: "bus/accepts-blocked",
        rules: &AcceptsBlocked,
        source: "a broken rule: back-pressure is felt by the publisher",
        needs: &["a slow subscriber"],
        property: Some("unseen"),
        about: "A publisher is told that a message was accepted for which there is no room: it is gone.",
    },
];

#[derive(Debug)]
struct AcceptsBeforeDurable;

impl Rules for AcceptsBeforeDurable {
    fn accepts_when_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DeliversBeforeDurable;

impl Rules for DeliversBeforeDurable {
    fn delivers_when_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsIds;

impl Rules for ForgetsIds {
    fn knows_ids_after_restart(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct TakesAllIn;

impl Rules for TakesAllIn {
    fn takes_in_again(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct IdOfTheAttempt;

impl Rules for IdOfTheAttempt {
    fn named(&self, nth: u32, attempt: u32) -> u32 {
        nth + 1_000_000 * attempt
    }
}

#[derive(Debug)]
struct GivesUp;

impl Rules for GivesUp {
    fn delivers_again(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct AcknowledgesFirst;

impl Rules for AcknowledgesFirst {
    fn acknowledges_first(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct ForgetsWhatItHad;

impl Rules for ForgetsWhatItHad {
    fn knows_had_after_restart(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct SendsAhead;

impl Rules for SendsAhead {
    fn window(&self, _: Order) -> usize {
        4
    }
}

#[derive(Debug)]
struct OvertakesInKey;

impl Rules for OvertakesInKey {
    fn waits_for_its_key(&self, _: Order) -> bool {
        false
    }
}

#[derive(Debug)]
struct GoesBack;

impl Rules for GoesBack {
    fn goes_back(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct NoBound;

impl Rules for NoBound {
    fn has_room(&self, _: usize, _: usize) -> bool {
        true
    }
}

#[derive(Debug)]
struct AcceptsBlocked;

impl Rules for AcceptsBlocked {
    fn accepts_blocked(&self) -> bool {
        true
    }
}
