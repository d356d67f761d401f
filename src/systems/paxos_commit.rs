//! `PaxosCommit`: transactions over several servers, made atomic by Paxos Commit.

use super::Mutant;
use super::probes::{CommitProbe, OF_COMMIT};
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, DurationRange, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Codec, Count, Form, LengthRange, PositiveLength, Timed, Timing, settings};
use crate::protocols::commit::paxos_commit::{self as protocol, PaxosCommitTransactions};
use crate::protocols::commit::properties;
use crate::trace::Judge;
use crate::world::Conditions;

/// A transactional store on which Paxos Commit makes transactions atomic, with its clients.
pub type PaxosCommit = Txn<PaxosCommitTransactions>;

/// Its part of a scenario.
pub type PaxosCommitConfig = TxnConfig<PaxosCommitSettings>;

settings! {
    /// What Paxos Commit has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaxosCommitSettings {
        /// How many servers there are.
        nodes: u32 = 5, Count(1..=1000);
        /// How many of them are acceptors, from the first on: an odd number, 1 by default if there are fewer than three servers.
        acceptors: u32 = if nodes < 3 { 1 } else { 3 }, Odd(nodes);
        /// How long all the work may take.
        work_timeout: Duration = protocol::Config::of(5).work_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a participant waits to be asked for its vote, before it aborts.
        abandon_timeout: Duration = protocol::Config::of(5).abandon_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a participant waits for a decision before taking over.
        takeover: DurationRange = protocol::Config::of(5).takeover, Timed(LengthRange, &[Timing::Answer, Timing::Apart]);
        /// How often a coordinator repeats what was not answered.
        resend: Duration = protocol::Config::of(5).resend, Timed(PositiveLength, &[Timing::Answer]);
    }
}

impl Transactional for PaxosCommitTransactions {
    const NAME: &'static str = "PaxosCommit";
    const ABOUT: &'static str = "transactions over several servers with Paxos Commit: each participant's vote is chosen by an instance of \
                                 Paxos, and a participant that waits too long for the decision takes over";

    type Server = protocol::PaxosCommit;
    type Settings = PaxosCommitSettings;

    fn count(settings: &PaxosCommitSettings) -> u32 {
        settings.nodes
    }

    fn servers(settings: &PaxosCommitSettings, mutants: &[&'static str]) -> Vec<protocol::Config> {
        let config = protocol::Config {
            acceptors: settings.acceptors as usize,
            work_timeout: settings.work_timeout,
            abandon_timeout: settings.abandon_timeout,
            takeover: settings.takeover,
            resend: settings.resend,
            rules: protocol::rules_of(mutants),
            ..protocol::Config::of(settings.nodes)
        };
        vec![config; settings.nodes as usize]
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[protocol::MUTANTS])
    }

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.to_vec()
    }

    fn metrics() -> Vec<Metric> {
        OF_COMMIT.to_vec()
    }

    fn probes(_: &PaxosCommitSettings) -> Vec<Box<dyn Probe<PaxosCommit>>> {
        vec![Box::new(CommitProbe::<PaxosCommit>::new(|note| Some((0, note)), 1))]
    }

    fn judges(_: &PaxosCommitSettings, _: &Conditions) -> Vec<Box<dyn Judge<PaxosCommit>>> {
        vec![Box::new(properties::CommitJudge::new())]
    }

    fn unsettled(server: &protocol::PaxosCommit) -> Option<String> {
        server.unsettled()
    }
}

/// An odd number, at most this one.
struct Odd(u32);

impl Codec<u32> for Odd {
    fn read(&self, form: Form<'_>) -> Option<u32> {
        let count: u32 = form.count(1..=self.0)?;
        if count.is_multiple_of(2) {
            form.report(form.problem(format!("{count} acceptors bear no more crashes than {}", count - 1)).help("give an odd number"));
            return None;
        }
        Some(count)
    }

    fn write(&self, count: &u32) -> String {
        count.to_string()
    }

    fn takes(&self) -> String {
        "an odd number, at most that of the servers".to_owned()
    }
}
