//! `TwoPhaseOverRaft`: a transactional store on groups of servers, atomic by two-phase commit, each group replicated by Raft.

use super::Mutant;
use super::probes::{CommitProbe, OF_COMMIT, OF_RAFT, RaftProbe};
use super::raft_kv::ELECTION_TIMEOUT;
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, DurationRange, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Count, Given, LengthRange, PositiveLength, Timed, Timing, settings};
use crate::protocols::commit::raft_groups::properties::{GroupsJudge, RaftsJudge};
use crate::protocols::commit::raft_groups::{self, Config, GroupTransactions, Member, Note};
use crate::protocols::commit::{self, properties};
use crate::protocols::raft;
use crate::trace::Judge;
use crate::world::Conditions;

/// A transactional store on which two-phase commit over Raft groups makes transactions atomic, with its clients.
pub type TwoPhaseOverRaft = Txn<GroupTransactions>;

/// Its part of a scenario.
pub type TwoPhaseOverRaftConfig = TxnConfig<TwoPhaseOverRaftSettings>;

settings! {
    /// What two-phase commit over Raft groups has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TwoPhaseOverRaftSettings {
        /// How many groups there are.
        groups: u32 = 3, Count(1..=100);
        /// How many servers each group has.
        replicas: u32 = 3, Count(1..=9);
        /// How long a server waits for a leader before it campaigns: drawn anew each time.
        election_timeout: DurationRange = Config::of(3, 3).election_timeout, Timed(LengthRange, ELECTION_TIMEOUT);
        /// How often a leader shows that it lives: shorter than every election timeout.
        heartbeat: Duration = Config::of(3, 3).heartbeat, PositiveLength;
        /// How many log entries one message of Raft carries at most.
        batch: u32 = Config::of(3, 3).batch, Count(1..=100_000);
        /// How long a coordinator's leader waits for votes.
        vote_timeout: Duration = Config::of(3, 3).vote_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How often a coordinator's leader repeats what was not answered.
        resend: Duration = Config::of(3, 3).resend, Timed(PositiveLength, &[Timing::Answer]);
    }
}

/// What a replica says as one of its group, and the n-th of what that says.
fn of_group(note: &Note) -> Option<(u64, &commit::Note)> {
    if let Note::Group(nth, note) = note { Some((*nth, note)) } else { None }
}

impl Transactional for GroupTransactions {
    const NAME: &'static str = "TwoPhaseOverRaft";
    const ABOUT: &'static str = "a transactional key-value store on groups of servers: two-phase commit between the groups, over two-phase \
                                 locking (wait-die), each group replicated by Raft, so that the crash of any one server blocks nothing";

    type Server = Member;
    type Settings = TwoPhaseOverRaftSettings;

    fn fits(settings: &TwoPhaseOverRaftSettings, given: &Given<'_>) {
        super::raft_kv::timeouts_fit(settings.election_timeout, settings.heartbeat, given);
    }

    fn count(settings: &TwoPhaseOverRaftSettings) -> u32 {
        settings.groups * settings.replicas
    }

    fn servers(settings: &TwoPhaseOverRaftSettings, mutants: &[&'static str]) -> Vec<Config> {
        let server = Config {
            groups: settings.groups,
            replicas: settings.replicas,
            election_timeout: settings.election_timeout,
            heartbeat: settings.heartbeat,
            batch: settings.batch,
            vote_timeout: settings.vote_timeout,
            resend: settings.resend,
            rules: raft_groups::rules_of(mutants),
        };
        vec![server; Self::count(settings) as usize]
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[raft_groups::MUTANTS, raft_groups::DECOYS])
    }

    fn properties() -> Vec<Property> {
        [&properties::PROPERTIES[..], &raft_groups::properties::PROPERTIES, &raft::properties::PROPERTIES].concat()
    }

    fn metrics() -> Vec<Metric> {
        [OF_COMMIT, OF_RAFT].concat()
    }

    fn probes(settings: &TwoPhaseOverRaftSettings) -> Vec<Box<dyn Probe<TwoPhaseOverRaft>>> {
        let rafts = RaftProbe::<TwoPhaseOverRaft>::new(|note| if let Note::Raft(note) = note { Some(note) } else { None });
        vec![Box::new(CommitProbe::<TwoPhaseOverRaft>::new(of_group, settings.replicas)), Box::new(rafts)]
    }

    fn judges(settings: &TwoPhaseOverRaftSettings, _: &Conditions) -> Vec<Box<dyn Judge<TwoPhaseOverRaft>>> {
        let groups = GroupsJudge::new(settings.replicas);
        vec![Box::new(groups), Box::new(RaftsJudge::new(settings.groups, settings.replicas))]
    }

    fn unsettled(server: &Member) -> Option<String> {
        server.unsettled()
    }
}
