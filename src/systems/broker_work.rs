//! What the clients of a broker do.
//!
//! ```ron
//! workload: (producers: 2, consumers: 2, acks: All, idempotent: true, group: true, commit: After, promise: AtLeastOnce)
//! ```

use std::sync::Arc;

use super::lock_work::length_range;
use crate::base::{Duration, DurationRange};
use crate::check::streams::{Demands, Promise};
use crate::notation::{Count, Flag, Form, LengthRange, OneOf, PositiveLength, Settings, Timed, Timing, settings};
use crate::protocols::broker::{Acks, ClientConfig, ClientRole, CommitTime, Consuming, Layout, Producing, Rules};

const ACKS: OneOf<Acks> = OneOf(
    "who must have a message",
    &[
        ("None", "Nobody: the producer is told nothing.", Acks::None),
        ("Leader", "The leader.", Acks::Leader),
        ("All", "All replicas in sync.", Acks::All),
    ],
);

const COMMIT: OneOf<CommitTime> = OneOf(
    "when a member of a group says how far it is",
    &[("Before", "Before it processes what it has polled.", CommitTime::Before), ("After", "When it has processed it.", CommitTime::After)],
);

const PROMISE: OneOf<Promise> = OneOf(
    "a promise",
    &[
        ("AtMostOnce", "No message comes twice; one may be lost.", Promise::AtMostOnce),
        ("AtLeastOnce", "No message that was acknowledged is lost; one may come twice.", Promise::AtLeastOnce),
        ("ExactlyOnce", "No message that was acknowledged is lost, and none comes twice.", Promise::ExactlyOnce),
    ],
);

settings! {
    /// Clients that send, and clients that poll: first the producers, then the consumers.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BrokerWork {
        /// How many producers there are.
        producers: u32 = 2, Count(1..=1000);
        /// How many consumers there are.
        consumers: u32 = 2, Count(1..=1000);
        /// Who must have a message before its producer is told that it is sent.
        acks: Acks = Acks::All, ACKS;
        /// Whether producers number their messages, so that one that is sent again is appended once.
        idempotent: bool = true, Flag;
        /// Whether a producer sends again what is not answered in time.
        retries: bool = true, Flag;
        /// How many messages a producer sends in one operation, all at once: so many are under way.
        batch: u32 = 2, Count(1..=5);
        /// Whether the consumers share the partitions as a group; else each has all, from their beginning.
        group: bool = true, Flag;
        /// When a member of the group says how far it is.
        commit: CommitTime = CommitTime::After, COMMIT;
        /// How long a consumer processes what it has polled.
        work: DurationRange = length_range("1ms..10ms"), LengthRange;
        /// How often a member tells the group that it is there.
        heartbeat: Duration = Duration::from_millis(150), PositiveLength;
        /// How long a client thinks between two operations.
        think: DurationRange = length_range("0ms..50ms"), LengthRange;
        /// How long a broker is given to answer, before it is asked again.
        request_timeout: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
        /// How long an operation may take; then a producer does not know what came of its messages (`delivery.timeout.ms`).
        patience: Duration = Duration::from_secs(3), PositiveLength;
        /// What the broker is held to.
        promise: Promise = Promise::AtLeastOnce, PROMISE;
    }
}

impl BrokerWork {
    /// Reads the whole of `workload`, or takes the usual one.
    pub(super) fn of(workload: Option<Form<'_>>) -> Option<Self> {
        let Some(form) = workload else { return Some(Self::default()) };
        let mut fields = form.fields()?;
        let (work, _) = Self::read(&mut fields);
        fields.finish();
        Some(work)
    }

    /// How many clients there are.
    pub(super) fn clients(&self) -> u32 {
        self.producers + self.consumers
    }

    /// What is demanded of what they see.
    pub(super) fn demands(&self) -> Demands {
        Demands::of(self.promise)
    }

    /// What each client is built from.
    pub(super) fn configs(&self, layout: &Arc<Layout>, rules: &Arc<dyn Rules>) -> Vec<ClientConfig> {
        let Self { producers, consumers, acks, idempotent, retries, batch, group, commit, work, heartbeat, .. } = *self;
        let Self { think, request_timeout, patience, .. } = *self;
        let client = |role| {
            let (layout, rules) = (Arc::clone(layout), Arc::clone(rules));
            ClientConfig { layout, think, request_timeout, patience, rules, role }
        };
        let mut all = vec![client(ClientRole::Produces(Producing { acks, idempotent, retries, batch })); producers as usize];
        all.extend(vec![client(ClientRole::Consumes(Consuming { group, commit, work, heartbeat })); consumers as usize]);
        all
    }
}
