//! `TwoPhaseOverRaft`: a transactional store on groups of servers, atomic by two-phase commit, each group replicated by Raft.

use super::Mutant;
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, DurationRange, Fields, Form};
use crate::check::{Judge, Property};
use crate::protocols::commit::properties;
use crate::protocols::commit::raft_groups::properties::{GroupsJudge, RaftsJudge};
use crate::protocols::commit::raft_groups::{self, Config, GroupTransactions, Member};
use crate::protocols::raft;

/// A transactional store on which two-phase commit over Raft groups makes transactions atomic, with its clients.
pub type TwoPhaseOverRaft = Txn<GroupTransactions>;

/// Its part of a scenario.
pub type TwoPhaseOverRaftConfig = TxnConfig<TwoPhaseOverRaftSettings>;

/// What two-phase commit over Raft groups has fields for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoPhaseOverRaftSettings {
    /// How many groups there are.
    pub groups: u32,
    /// How many servers each group has.
    pub replicas: u32,
    /// How long a server waits for a leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives.
    pub heartbeat: Duration,
    /// How long a coordinator's leader waits for votes.
    pub vote_timeout: Duration,
    /// How often a coordinator's leader repeats what was not answered.
    pub resend: Duration,
}

impl Default for TwoPhaseOverRaftSettings {
    /// Three groups of three servers.
    fn default() -> Self {
        let Config { groups, replicas, election_timeout, heartbeat, vote_timeout, resend, .. } = Config::of(3, 3);
        Self { groups, replicas, election_timeout, heartbeat, vote_timeout, resend }
    }
}

impl Transactional for GroupTransactions {
    const NAME: &'static str = "TwoPhaseOverRaft";
    const ABOUT: &'static str = "a transactional key-value store on groups of servers: two-phase commit between the groups, over two-phase \
                                 locking (wait-die), each group replicated by Raft, so that the crash of any one server blocks nothing";

    type Server = Member;
    type Settings = TwoPhaseOverRaftSettings;

    fn read(fields: &mut Fields<'_>) -> Option<TwoPhaseOverRaftSettings> {
        let usual = TwoPhaseOverRaftSettings::default();
        let groups = fields.read_or("groups", usual.groups, |form| form.count(1..=100));
        let replicas = fields.read_or("replicas", usual.replicas, |form| form.count(1..=9));
        let (election_timeout, heartbeat) = super::raft_kv::timeouts(fields, usual.election_timeout, usual.heartbeat);
        Some(TwoPhaseOverRaftSettings {
            groups,
            replicas,
            election_timeout,
            heartbeat,
            vote_timeout: fields.read_or("vote_timeout", usual.vote_timeout, Form::duration_positive),
            resend: fields.read_or("resend", usual.resend, Form::duration_positive),
        })
    }

    fn write(settings: &TwoPhaseOverRaftSettings) -> Vec<(&'static str, String)> {
        vec![
            ("groups", settings.groups.to_string()),
            ("replicas", settings.replicas.to_string()),
            ("election_timeout", format!("\"{}\"", settings.election_timeout)),
            ("heartbeat", format!("\"{}\"", settings.heartbeat)),
            ("vote_timeout", format!("\"{}\"", settings.vote_timeout)),
            ("resend", format!("\"{}\"", settings.resend)),
        ]
    }

    fn count(settings: &TwoPhaseOverRaftSettings) -> u32 {
        settings.groups * settings.replicas
    }

    fn servers(settings: &TwoPhaseOverRaftSettings, mutant: Option<&'static str>) -> Vec<Config> {
        let server = Config {
            groups: settings.groups,
            replicas: settings.replicas,
            election_timeout: settings.election_timeout,
            heartbeat: settings.heartbeat,
            vote_timeout: settings.vote_timeout,
            resend: settings.resend,
            rules: raft_groups::rules_of(mutant),
        };
        vec![server; Self::count(settings) as usize]
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[raft_groups::MUTANTS, raft_groups::DECOYS])
    }

    fn properties() -> Vec<Property> {
        [&properties::PROPERTIES[..], &raft_groups::properties::PROPERTIES, &raft::properties::PROPERTIES].concat()
    }

    fn judges(settings: &TwoPhaseOverRaftSettings) -> Vec<Box<dyn Judge<TwoPhaseOverRaft>>> {
        let groups = GroupsJudge::new(settings.replicas);
        vec![Box::new(groups), Box::new(RaftsJudge::new(settings.groups, settings.replicas))]
    }

    fn unsettled(server: &Member) -> Option<String> {
        server.unsettled()
    }
}
