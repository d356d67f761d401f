//! `TwoPhase`: a transactional store on several servers, atomic by two-phase commit.

use super::Mutant;
use super::transactional::{Transactional, Txn, TxnConfig};
use crate::base::{Duration, Fields, Form};
use crate::check::{Judge, Property};
use crate::protocols::commit::locks::Policy;
use crate::protocols::commit::properties::{self, CommitJudge};
use crate::protocols::commit::two_phase::{self, Config, Variant};

/// A transactional store on which two-phase commit makes transactions atomic, with its clients.
pub type TwoPhase = Txn<two_phase::TwoPhaseTransactions>;

/// Its part of a scenario.
pub type TwoPhaseConfig = TxnConfig<TwoPhaseSettings>;

/// What two-phase commit has fields for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoPhaseSettings {
    /// How many servers there are.
    pub nodes: u32,
    /// What a coordinator that knows nothing of a transaction says of it.
    pub variant: Variant,
    /// Who gives way when two transactions want the same key.
    pub locking: Policy,
    /// Whether a participant in doubt asks the other participants, too.
    pub cooperative: bool,
    /// How long a coordinator waits until all the work is done.
    pub work_timeout: Duration,
    /// How long a coordinator waits for votes.
    pub vote_timeout: Duration,
    /// How long a participant waits to be asked for its vote.
    pub abandon_timeout: Duration,
    /// How long a participant in doubt waits before it asks, and asks again.
    pub doubt_timeout: Duration,
    /// How often a coordinator repeats what was not answered.
    pub resend: Duration,
}

impl Default for TwoPhaseSettings {
    /// Five servers that presume aborts and wound.
    fn default() -> Self {
        let usual = Config::of(5);
        Self {
            nodes: 5,
            variant: usual.variant,
            locking: usual.locking,
            cooperative: usual.cooperative,
            work_timeout: usual.work_timeout,
            vote_timeout: usual.vote_timeout,
            abandon_timeout: usual.abandon_timeout,
            doubt_timeout: usual.doubt_timeout,
            resend: usual.resend,
        }
    }
}

const VARIANTS: [(&str, Variant); 3] =
    [("PresumedNothing", Variant::PresumedNothing), ("PresumedAbort", Variant::PresumedAbort), ("PresumedCommit", Variant::PresumedCommit)];

const POLICIES: [(&str, Policy); 2] = [("WaitDie", Policy::WaitDie), ("WoundWait", Policy::WoundWait)];

impl Transactional for two_phase::TwoPhaseTransactions {
    const NAME: &'static str = "TwoPhase";
    const ABOUT: &'static str = "a transactional key-value store on several servers: two-phase commit (presumed nothing, abort or commit) with \
                                 cooperative termination and read-only participants, over two-phase locking (wait-die or wound-wait)";

    type Server = two_phase::TwoPhase;
    type Settings = TwoPhaseSettings;

    fn read(fields: &mut Fields<'_>) -> Option<TwoPhaseSettings> {
        let usual = TwoPhaseSettings::default();
        Some(TwoPhaseSettings {
            nodes: fields.read_or("nodes", usual.nodes, |form| form.count(1..=1000)),
            variant: fields.read_or("variant", usual.variant, |form| form.one_of("a variant", &VARIANTS)),
            locking: fields.read_or("locking", usual.locking, |form| form.one_of("a way of locking", &POLICIES)),
            cooperative: fields.read_or("cooperative", usual.cooperative, Form::boolean),
            work_timeout: fields.read_or("work_timeout", usual.work_timeout, Form::duration_positive),
            vote_timeout: fields.read_or("vote_timeout", usual.vote_timeout, Form::duration_positive),
            abandon_timeout: fields.read_or("abandon_timeout", usual.abandon_timeout, Form::duration_positive),
            doubt_timeout: fields.read_or("doubt_timeout", usual.doubt_timeout, Form::duration_positive),
            resend: fields.read_or("resend", usual.resend, Form::duration_positive),
        })
    }

    fn write(settings: &TwoPhaseSettings) -> Vec<(&'static str, String)> {
        let quoted = |length: Duration| format!("\"{length}\"");
        vec![
            ("nodes", settings.nodes.to_string()),
            ("variant", name_of(settings.variant, &VARIANTS)),
            ("locking", name_of(settings.locking, &POLICIES)),
            ("cooperative", settings.cooperative.to_string()),
            ("work_timeout", quoted(settings.work_timeout)),
            ("vote_timeout", quoted(settings.vote_timeout)),
            ("abandon_timeout", quoted(settings.abandon_timeout)),
            ("doubt_timeout", quoted(settings.doubt_timeout)),
            ("resend", quoted(settings.resend)),
        ]
    }

    fn count(settings: &TwoPhaseSettings) -> u32 {
        settings.nodes
    }

    fn servers(settings: &TwoPhaseSettings, mutant: Option<&'static str>) -> Vec<Config> {
        let server = Config {
            variant: settings.variant,
            locking: settings.locking,
            cooperative: settings.cooperative,
            work_timeout: settings.work_timeout,
            vote_timeout: settings.vote_timeout,
            abandon_timeout: settings.abandon_timeout,
            doubt_timeout: settings.doubt_timeout,
            resend: settings.resend,
            rules: two_phase::rules_of(mutant),
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

    fn judges(settings: &TwoPhaseSettings) -> Vec<Box<dyn Judge<TwoPhase>>> {
        let collects = settings.variant.logs_collecting();
        let audit = two_phase::properties::AuditJudge::new(settings.nodes as usize, collects);
        vec![Box::new(CommitJudge::new()), Box::new(audit)]
    }

    fn unsettled(server: &two_phase::TwoPhase) -> Option<String> {
        server.unsettled()
    }
}

fn name_of<T: PartialEq>(value: T, names: &[(&str, T)]) -> String {
    names.iter().find(|(_, known)| *known == value).map(|(name, _)| (*name).to_owned()).unwrap_or_default()
}
