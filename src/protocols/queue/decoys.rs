//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::{Mutant, Rules};

/// All decoys of the queue. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "queue/decoy-delivers-twice",
        rules: &DeliversTwice,
        source: "networks duplicate, too",
        needs: &[],
        property: None,
        about: "Each delivery is sent twice at once. Its consumer knows it by its number.",
    },
    Mutant {
        name: "queue/decoy-confirms-twice",
        rules: &ConfirmsTwice,
        source: "networks duplicate, too",
        needs: &[],
        property: None,
        about: "A publisher is told twice that the queue has its message. The second confirm is for nothing that it waits for.",
    },
    Mutant {
        name: "queue/decoy-marks-all",
        rules: &MarksAll,
        source: "AMQP 0-9-1, basic.deliver: redelivered is a hint that a message may have been delivered before",
        needs: &[],
        property: None,
        about: "Every delivery is marked as redelivered, also the first of a message. A consumer must take the mark for a hint.",
    },
    Mutant {
        name: "queue/decoy-fewest-first",
        rules: &FewestFirst,
        source: "RabbitMQ serves consumers in turn; fairness is nowhere promised",
        needs: &[],
        property: None,
        about: "A message goes to the consumer that holds the fewest, and not to the one whose turn it is.",
    },
];

#[derive(Debug)]
struct DeliversTwice;

impl Rules for DeliversTwice {
    fn deliveries(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct ConfirmsTwice;

impl Rules for ConfirmsTwice {
    fn confirms(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct MarksAll;

impl Rules for MarksAll {
    fn is_marked(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct FewestFirst;

impl Rules for FewestFirst {
    fn takes_turns(&self) -> bool {
        false
    }
}
