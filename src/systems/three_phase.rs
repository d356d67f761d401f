//! `ThreePhase`: transactions over several servers, made atomic by three-phase commit.

use super::Mutant;
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, Fields, Form};
use crate::check::{Judge, Property};
use crate::protocols::commit::properties;
use crate::protocols::commit::three_phase::{self as protocol, ThreePhaseTransactions};

/// A transactional store on which three-phase commit makes transactions atomic, with its clients.
pub type ThreePhase = Txn<ThreePhaseTransactions>;

/// Its part of a scenario.
pub type ThreePhaseConfig = TxnConfig<ThreePhaseSettings>;

/// What three-phase commit has fields for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreePhaseSettings {
    /// How many servers there are.
    pub nodes: u32,
    /// How long all the work may take.
    pub work_timeout: Duration,
    /// How long a participant waits to be asked for its vote, before it aborts.
    pub abandon_timeout: Duration,
    /// How long an answer is waited for, before whoever owes it is taken to have crashed.
    pub answer_timeout: Duration,
    /// How long a participant in doubt waits before it asks the others.
    pub doubt_timeout: Duration,
    /// How much longer each participant waits than the one before it.
    pub stagger: Duration,
}

impl Default for ThreePhaseSettings {
    fn default() -> Self {
        let usual = protocol::Config::of(5);
        Self {
            nodes: usual.members.len() as u32,
            work_timeout: usual.work_timeout,
            abandon_timeout: usual.abandon_timeout,
            answer_timeout: usual.answer_timeout,
            doubt_timeout: usual.doubt_timeout,
            stagger: usual.stagger,
        }
    }
}

impl Transactional for ThreePhaseTransactions {
    const NAME: &'static str = "ThreePhase";
    const ABOUT: &'static str = "transactions over several servers with three-phase commit, which blocks nobody when a coordinator crashes, and \
                                 is wrong where the network falls apart or somebody is slow";

    type Server = protocol::ThreePhase;
    type Settings = ThreePhaseSettings;

    fn read(fields: &mut Fields<'_>) -> Option<ThreePhaseSettings> {
        let usual = ThreePhaseSettings::default();
        let mut length = |name, usual| (fields.take(name), usual);
        let answer = length("answer_timeout", usual.answer_timeout);
        let doubt = length("doubt_timeout", usual.doubt_timeout);
        let read = |(form, usual): (Option<Form<'_>>, Duration)| form.and_then(Form::duration_positive).unwrap_or(usual);
        let (answer_timeout, doubt_timeout) = (read(answer), read(doubt));
        if doubt_timeout <= answer_timeout * 2 {
            let form = doubt.0.or(answer.0).unwrap_or(fields.form());
            form.report(
                form.problem(format!(
                    "a participant doubts after {doubt_timeout}, and a coordinator may work for two times {answer_timeout}"
                ))
                .help("make doubt_timeout more than two times answer_timeout"),
            );
        }
        Some(ThreePhaseSettings {
            nodes: fields.read_or("nodes", usual.nodes, |form| form.count(1..=1000)),
            work_timeout: fields.read_or("work_timeout", usual.work_timeout, Form::duration_positive),
            abandon_timeout: fields.read_or("abandon_timeout", usual.abandon_timeout, Form::duration_positive),
            answer_timeout,
            doubt_timeout,
            stagger: fields.read_or("stagger", usual.stagger, Form::duration_positive),
        })
    }

    fn write(settings: &ThreePhaseSettings) -> Vec<(&'static str, String)> {
        vec![
            ("nodes", settings.nodes.to_string()),
            ("work_timeout", format!("\"{}\"", settings.work_timeout)),
            ("abandon_timeout", format!("\"{}\"", settings.abandon_timeout)),
            ("answer_timeout", format!("\"{}\"", settings.answer_timeout)),
            ("doubt_timeout", format!("\"{}\"", settings.doubt_timeout)),
            ("stagger", format!("\"{}\"", settings.stagger)),
        ]
    }

    fn count(settings: &ThreePhaseSettings) -> u32 {
        settings.nodes
    }

    fn servers(settings: &ThreePhaseSettings, mutant: Option<&'static str>) -> Vec<protocol::Config> {
        let config = protocol::Config {
            work_timeout: settings.work_timeout,
            abandon_timeout: settings.abandon_timeout,
            answer_timeout: settings.answer_timeout,
            doubt_timeout: settings.doubt_timeout,
            stagger: settings.stagger,
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

    fn judges(_: &ThreePhaseSettings) -> Vec<Box<dyn Judge<ThreePhase>>> {
        vec![Box::new(properties::CommitJudge::new())]
    }

    fn unsettled(server: &protocol::ThreePhase) -> Option<String> {
        server.unsettled()
    }
}
