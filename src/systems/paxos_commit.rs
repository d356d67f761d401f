//! `PaxosCommit`: transactions over several servers, made atomic by Paxos Commit.

use super::Mutant;
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, DurationRange, Fields, Form};
use crate::check::{Judge, Property};
use crate::protocols::commit::paxos_commit::{self as protocol, PaxosCommitTransactions};
use crate::protocols::commit::properties;

/// A transactional store on which Paxos Commit makes transactions atomic, with its clients.
pub type PaxosCommit = Txn<PaxosCommitTransactions>;

/// Its part of a scenario.
pub type PaxosCommitConfig = TxnConfig<PaxosCommitSettings>;

/// What Paxos Commit has fields for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaxosCommitSettings {
    /// How many servers there are.
    pub nodes: u32,
    /// How many of them are acceptors, from the first on: an odd number.
    pub acceptors: u32,
    /// How long all the work may take.
    pub work_timeout: Duration,
    /// How long a participant waits to be asked for its vote, before it aborts.
    pub abandon_timeout: Duration,
    /// How long somebody waits for a decision before taking over.
    pub takeover: DurationRange,
    /// How often a coordinator repeats what was not answered.
    pub resend: Duration,
}

impl Default for PaxosCommitSettings {
    fn default() -> Self {
        let protocol::Config { members, acceptors, work_timeout, abandon_timeout, takeover, resend, .. } = protocol::Config::of(5);
        Self { nodes: members.len() as u32, acceptors: acceptors as u32, work_timeout, abandon_timeout, takeover, resend }
    }
}

impl Transactional for PaxosCommitTransactions {
    const NAME: &'static str = "PaxosCommit";
    const ABOUT: &'static str = "transactions over several servers with Paxos Commit: each participant's vote is chosen by an instance of \
                                 Paxos, and whoever waits too long for the decision takes over";

    type Server = protocol::PaxosCommit;
    type Settings = PaxosCommitSettings;

    fn read(fields: &mut Fields<'_>) -> Option<PaxosCommitSettings> {
        let usual = PaxosCommitSettings::default();
        let nodes = fields.read_or("nodes", usual.nodes, |form| form.count(1..=1000));
        let acceptors = fields.read_or("acceptors", if nodes < 3 { 1 } else { 3 }, |form| odd(form, nodes));
        let work_timeout = fields.read_or("work_timeout", usual.work_timeout, Form::duration_positive);
        let abandon_timeout = fields.read_or("abandon_timeout", usual.abandon_timeout, Form::duration_positive);
        let takeover = fields.read_or("takeover", usual.takeover, Form::duration_range);
        let resend = fields.read_or("resend", usual.resend, Form::duration_positive);
        Some(PaxosCommitSettings { nodes, acceptors, work_timeout, abandon_timeout, takeover, resend })
    }

    fn write(settings: &PaxosCommitSettings) -> Vec<(&'static str, String)> {
        vec![
            ("nodes", settings.nodes.to_string()),
            ("acceptors", settings.acceptors.to_string()),
            ("work_timeout", format!("\"{}\"", settings.work_timeout)),
            ("abandon_timeout", format!("\"{}\"", settings.abandon_timeout)),
            ("takeover", format!("\"{}\"", settings.takeover)),
            ("resend", format!("\"{}\"", settings.resend)),
        ]
    }

    fn count(settings: &PaxosCommitSettings) -> u32 {
        settings.nodes
    }

    fn servers(settings: &PaxosCommitSettings, mutant: Option<&'static str>) -> Vec<protocol::Config> {
        let config = protocol::Config {
            acceptors: settings.acceptors as usize,
            work_timeout: settings.work_timeout,
            abandon_timeout: settings.abandon_timeout,
            takeover: settings.takeover,
            resend: settings.resend,
            rules: protocol::rules_of(mutant),
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

    fn judges(_: &PaxosCommitSettings) -> Vec<Box<dyn Judge<PaxosCommit>>> {
        vec![Box::new(properties::CommitJudge::new())]
    }

    fn unsettled(server: &protocol::PaxosCommit) -> Option<String> {
        server.unsettled()
    }
}

fn odd(form: Form<'_>, most: u32) -> Option<u32> {
    let count = form.count(1..=most)?;
    if count % 2 == 0 {
        form.report(form.problem(format!("{count} acceptors bear no more crashes than {}", count - 1)).help("give an odd number"));
        return None;
    }
    Some(count)
}
