//! `ThreePhase`: transactions over several servers, made atomic by three-phase commit.

use super::Mutant;
use super::probes::{CommitProbe, OF_COMMIT};
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Count, Given, PositiveLength, Timed, Timing, settings};
use crate::protocols::commit::properties;
use crate::protocols::commit::three_phase::{self as protocol, ThreePhaseTransactions};
use crate::trace::Judge;
use crate::world::Conditions;

/// A transactional store on which three-phase commit makes transactions atomic, with its clients.
pub type ThreePhase = Txn<ThreePhaseTransactions>;

/// Its part of a scenario.
pub type ThreePhaseConfig = TxnConfig<ThreePhaseSettings>;

settings! {
    /// What three-phase commit has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ThreePhaseSettings {
        /// How many servers there are.
        nodes: u32 = 5, Count(1..=1000);
        /// How long all the work may take.
        work_timeout: Duration = protocol::Config::of(5).work_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a participant waits to be asked for its vote, before it aborts.
        abandon_timeout: Duration = protocol::Config::of(5).abandon_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long an answer is waited for, before the server that owes it is taken to have crashed.
        answer_timeout: Duration = protocol::Config::of(5).answer_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a participant in doubt waits before it asks the others: more than two times `answer_timeout`.
        doubt_timeout: Duration = protocol::Config::of(5).doubt_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How much longer each participant waits than the one before it.
        stagger: Duration = protocol::Config::of(5).stagger, PositiveLength;
    }
}

impl Transactional for ThreePhaseTransactions {
    const NAME: &'static str = "ThreePhase";
    const ABOUT: &'static str = "transactions over several servers with three-phase commit, which does not block when a coordinator crashes, \
                                 and is wrong where the network falls apart or a server is slow";

    type Server = protocol::ThreePhase;
    type Settings = ThreePhaseSettings;

    fn fits(settings: &ThreePhaseSettings, given: &Given<'_>) {
        let ThreePhaseSettings { answer_timeout, doubt_timeout, .. } = settings;
        if *doubt_timeout <= *answer_timeout * 2
            && let Some(form) = given.complain(&["doubt_timeout", "answer_timeout"])
        {
            form.report(
                form.problem(format!(
                    "a participant doubts after {doubt_timeout}, and a coordinator may work for two times {answer_timeout}"
                ))
                .help("make doubt_timeout more than two times answer_timeout"),
            );
        }
    }

    fn count(settings: &ThreePhaseSettings) -> u32 {
        settings.nodes
    }

    fn servers(settings: &ThreePhaseSettings, mutants: &[&'static str]) -> Vec<protocol::Config> {
        let config = protocol::Config {
            work_timeout: settings.work_timeout,
            abandon_timeout: settings.abandon_timeout,
            answer_timeout: settings.answer_timeout,
            doubt_timeout: settings.doubt_timeout,
            stagger: settings.stagger,
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

    fn probes(_: &ThreePhaseSettings) -> Vec<Box<dyn Probe<ThreePhase>>> {
        vec![Box::new(CommitProbe::<ThreePhase>::new(|note| Some((0, note)), 1))]
    }

    fn judges(_: &ThreePhaseSettings, _: &Conditions) -> Vec<Box<dyn Judge<ThreePhase>>> {
        vec![Box::new(properties::CommitJudge::new())]
    }

    fn unsettled(server: &protocol::ThreePhase) -> Option<String> {
        server.unsettled()
    }
}
