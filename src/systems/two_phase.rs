//! `TwoPhase`: a transactional store on several servers, atomic by two-phase commit.

use super::Mutant;
use super::probes::{CommitProbe, OF_COMMIT};
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Count, Flag, OneOf, PositiveLength, Timed, Timing, settings};
use crate::protocols::commit::locks::Policy;
use crate::protocols::commit::properties::{self, CommitJudge};
use crate::protocols::commit::two_phase::{self, Config, Variant};
use crate::trace::Judge;
use crate::world::Conditions;

/// A transactional store on which two-phase commit makes transactions atomic, with its clients.
pub type TwoPhase = Txn<two_phase::TwoPhaseTransactions>;

/// Its part of a scenario.
pub type TwoPhaseConfig = TxnConfig<TwoPhaseSettings>;

settings! {
    /// What two-phase commit has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TwoPhaseSettings {
        /// How many servers there are.
        nodes: u32 = 5, Count(1..=1000);
        /// What a coordinator that knows nothing of a transaction says of it.
        variant: Variant = Config::of(5).variant, OneOf("a variant", &VARIANTS);
        /// Who gives way when two transactions want the same key.
        locking: Policy = Config::of(5).locking, OneOf("a way of locking", &POLICIES);
        /// Whether a participant in doubt asks the other participants, too.
        cooperative: bool = Config::of(5).cooperative, Flag;
        /// How long a coordinator waits until all the work is done.
        work_timeout: Duration = Config::of(5).work_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a coordinator waits for votes.
        vote_timeout: Duration = Config::of(5).vote_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a participant waits to be asked for its vote, before it aborts.
        abandon_timeout: Duration = Config::of(5).abandon_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a participant in doubt waits before it asks, and asks again.
        doubt_timeout: Duration = Config::of(5).doubt_timeout, PositiveLength;
        /// How often a coordinator repeats what was not answered.
        resend: Duration = Config::of(5).resend, Timed(PositiveLength, &[Timing::Answer]);
    }
}

const VARIANTS: [(&str, &str, Variant); 3] = [
    (
        "PresumedNothing",
        "Everything is logged and acknowledged: a coordinator knows nothing only of what no participant can ask about.",
        Variant::PresumedNothing,
    ),
    (
        "PresumedAbort",
        "What a coordinator does not know has aborted: aborts are neither forced to disk nor acknowledged.",
        Variant::PresumedAbort,
    ),
    (
        "PresumedCommit",
        "What a coordinator does not know has committed: commits are not acknowledged, and that it collects votes is on disk before it does.",
        Variant::PresumedCommit,
    ),
];

const POLICIES: [(&str, &str, Policy); 2] = [
    ("WaitDie", "An older transaction waits for a younger one; a younger one that would wait for an older one aborts.", Policy::WaitDie),
    (
        "WoundWait",
        "A younger transaction waits for an older one; an older one that would wait makes the younger one abort, unless that has voted yes.",
        Policy::WoundWait,
    ),
];

impl Transactional for two_phase::TwoPhaseTransactions {
    const NAME: &'static str = "TwoPhase";
    const ABOUT: &'static str = "a transactional key-value store on several servers: two-phase commit (presumed nothing, abort or commit) with \
                                 cooperative termination and read-only participants, over two-phase locking (wait-die or wound-wait)";

    type Server = two_phase::TwoPhase;
    type Settings = TwoPhaseSettings;

    fn count(settings: &TwoPhaseSettings) -> u32 {
        settings.nodes
    }

    fn servers(settings: &TwoPhaseSettings, mutants: &[&'static str]) -> Vec<Config> {
        let server = Config {
            variant: settings.variant,
            locking: settings.locking,
            cooperative: settings.cooperative,
            work_timeout: settings.work_timeout,
            vote_timeout: settings.vote_timeout,
            abandon_timeout: settings.abandon_timeout,
            doubt_timeout: settings.doubt_timeout,
            resend: settings.resend,
            rules: two_phase::rules_of(mutants),
            ..Config::of(settings.nodes)
        };
        vec![server; settings.nodes as usize]
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[two_phase::MUTANTS, two_phase::DECOYS])
    }

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.into_iter().chain(two_phase::properties::PROPERTIES).collect()
    }

    fn metrics() -> Vec<Metric> {
        OF_COMMIT.to_vec()
    }

    fn probes(_: &TwoPhaseSettings) -> Vec<Box<dyn Probe<TwoPhase>>> {
        vec![Box::new(CommitProbe::<TwoPhase>::new(|note| Some((0, note)), 1))]
    }

    fn judges(settings: &TwoPhaseSettings, _: &Conditions) -> Vec<Box<dyn Judge<TwoPhase>>> {
        let collects = settings.variant.logs_collecting();
        let audit = two_phase::properties::AuditJudge::new(settings.nodes as usize, collects);
        vec![Box::new(CommitJudge::new()), Box::new(audit)]
    }

    fn unsettled(server: &two_phase::TwoPhase) -> Option<String> {
        server.unsettled()
    }
}
