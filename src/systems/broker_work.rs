//! What the clients of a broker do.
//!
//! ```ron
//! workload: (producers: 2, consumers: 2, acks: All, idempotent: true, group: true, commit: After, promise: AtLeastOnce)
//! ```

use std::sync::Arc;

use super::lock_work::length_range;
use crate::base::{Duration, DurationRange, Ratio};
use crate::check::streams::Promise;
use crate::notation::{Chance, Count, Flag, Form, Given, LengthRange, OneOf, PositiveLength, Settings, Timed, Timing, settings};
use crate::protocols::broker::{
    Acks, ClientConfig, ClientRole, CommitTime, Consuming, Fencing, Layout, Processing, Producing, Reset, Rules,
};

const ACKS: OneOf<Acks> = OneOf(
    "who must have a message",
    &[
        ("None", "No replica: the producer is told nothing.", Acks::None),
        ("Leader", "The leader.", Acks::Leader),
        ("All", "All replicas in sync.", Acks::All),
    ],
);

const COMMIT: OneOf<CommitTime> = OneOf(
    "when a member of a group says how far it is",
    &[("Before", "Before it processes what it has polled.", CommitTime::Before), ("After", "When it has processed it.", CommitTime::After)],
);

const ISOLATION: OneOf<Isolation> = OneOf(
    "what a consumer reads of transactions",
    &[
        ("ReadUncommitted", "All, also what is open or was aborted.", Isolation::ReadUncommitted),
        ("ReadCommitted", "What was committed, up to the first that is open.", Isolation::ReadCommitted),
    ],
);

const FENCING: OneOf<Fencing> = OneOf(
    "what keeps a processor from acting for a partition that another has",
    &[
        ("Generation", "It says in which generation it has processed something (KIP-447).", Fencing::Generation),
        ("Epoch", "Each partition has a transactional id, whose epoch grows with each processor that has it.", Fencing::Epoch),
        ("Off", "Nothing.", Fencing::Off),
    ],
);

/// What a consumer reads of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All.
    ReadUncommitted,
    /// What was committed.
    ReadCommitted,
}

const RESET: OneOf<Reset> = OneOf(
    "where a consumer goes on if what it wants is gone",
    &[
        ("Earliest", "Where the partition begins.", Reset::Earliest),
        ("Latest", "Where it ends: what is there already is left out.", Reset::Latest),
    ],
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
    /// Clients that send, and clients that poll: first the producers, then the processors, then the consumers.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BrokerWork {
        /// How many producers there are.
        producers: u32 = 2, Count(1..=1000);
        /// How many processors there are: they share the partitions as a group, and send each message that they poll to a partition of as
        /// many others. The consumers are no group then, and have the partitions of both.
        processors: u32 = 0, Count(0..=1000);
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
        /// Whether what a producer sends in one operation, and what a processor sends and says it has processed, is a transaction.
        transactions: bool = false, Flag;
        /// How many keys the messages of a partition have: compaction goes by them. That of a message is the magnitude of its value modulo
        /// this.
        keys: u32 = 4, Count(1..=1_000_000);
        /// How often a message is a tombstone, which says that its key has none any more: its value is negative.
        tombstones: Ratio = Ratio::NEVER, Chance;
        /// Where a consumer goes on if what it wants is gone (`auto.offset.reset`).
        reset: Reset = Reset::Earliest, RESET;
        /// How often a producer aborts a transaction.
        aborts: Ratio = Ratio::NEVER, Chance;
        /// How long a transaction may be open, before it is aborted (`transaction.timeout.ms`).
        transaction_timeout: Duration = Duration::from_secs(2), PositiveLength;
        /// What consumers and processors read of transactions (`isolation.level`).
        isolation: Isolation = Isolation::ReadUncommitted, ISOLATION;
        /// What keeps a processor from acting for a partition that another has by now.
        fencing: Fencing = Fencing::Generation, FENCING;
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
        let (work, given) = Self::read(&mut fields);
        work.fits(&given);
        fields.finish();
        Some(work)
    }

    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        if self.processors > 0
            && self.group
            && let Some(form) = given.complain(&["group", "processors"])
        {
            form.report(form.problem("the processors are the group, and the consumers are none").help("write group: false"));
        }
        if self.aborts != Ratio::NEVER
            && !self.transactions
            && let Some(form) = given.complain(&["aborts", "transactions"])
        {
            form.report(form.problem("there is no transaction to abort").help("write transactions: true, or leave out aborts"));
        }
    }

    /// How many clients there are.
    pub(super) fn clients(&self) -> u32 {
        self.producers + self.processors + self.consumers
    }

    /// How long a transaction may be open, if there are any.
    pub(super) fn transaction_timeout(&self) -> Option<Duration> {
        self.transactions.then_some(self.transaction_timeout)
    }

    /// How many keys the messages of a partition have.
    pub(super) fn keys(&self) -> u32 {
        self.keys
    }

    /// What each client is built from.
    pub(super) fn configs(&self, layout: &Arc<Layout>, rules: &Arc<dyn Rules>) -> Vec<ClientConfig> {
        let Self { producers, processors, consumers, acks, idempotent, retries, batch, group, commit, work, heartbeat, .. } = *self;
        let Self { think, request_timeout, patience, transactions, aborts, fencing, tombstones, reset, .. } = *self;
        // What is under way when no more is sent is over after its patience, or aborted in time.
        let tail = self.transaction_timeout().map_or(patience, |timeout| patience + timeout * 2);
        let client = |role| {
            let (layout, rules) = (Arc::clone(layout), Arc::clone(rules));
            ClientConfig { layout, think, request_timeout, patience, tail, rules, role }
        };
        let committed = self.isolation == Isolation::ReadCommitted;
        let transactions = transactions.then_some(aborts);
        let producing = Producing { acks, idempotent, retries, batch, transactions, tombstones, handed: false };
        let consuming = Consuming { group, commit, work, heartbeat, committed, reset, processing: None };
        let processing = Some(Processing { transactional: transactions.is_some(), fencing });
        let processor = Consuming { group: true, commit: CommitTime::After, processing, ..consuming };
        let mut all = vec![client(ClientRole::Produces(producing)); producers as usize];
        all.extend(vec![client(ClientRole::Consumes(processor)); processors as usize]);
        all.extend(vec![client(ClientRole::Consumes(consuming)); consumers as usize]);
        all
    }
}
