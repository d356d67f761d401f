//! `RaftKv`: a key-value store replicated by Raft.

use super::Mutant;
use super::kv::{KeyValue, Kv, KvConfig};
use super::probes::{self, OF_RAFT, RaftProbe};
use crate::base::{Duration, DurationRange, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Count, Given, LengthRange, PositiveLength, Timed, Timing, settings};
use crate::protocols::raft::{self, Raft};
use crate::trace::Judge;
use crate::world::{Conditions, Reached};

/// A key-value store replicated by Raft, with its clients.
pub type RaftKv = Kv<raft::RaftKv>;

/// Its part of a scenario.
pub type RaftKvConfig = KvConfig<RaftSettings>;

settings! {
    /// What Raft has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RaftSettings {
        /// How long a server waits for a leader before it campaigns: drawn anew each time.
        election_timeout: DurationRange = <raft::Config>::of(1).election_timeout, Timed(LengthRange, ELECTION_TIMEOUT);
        /// How often a leader shows that it lives: shorter than every election timeout.
        heartbeat: Duration = <raft::Config>::of(1).heartbeat, PositiveLength;
        /// How many log entries one message carries at most.
        batch: u32 = <raft::Config>::of(1).batch_max as u32, Count(1..=100_000);
    }
}

/// What an election timeout is for.
pub(super) const ELECTION_TIMEOUT: &[Timing] = &[Timing::Answer, Timing::Apart, Timing::Silence("heartbeat")];

impl Default for RaftKvConfig {
    /// Five servers with the timeouts of the paper, under the usual workload.
    fn default() -> Self {
        Self { nodes: 5, settings: RaftSettings::default(), workload: super::kv::KvWorkload::default() }
    }
}

impl KeyValue for raft::RaftKv {
    const NAME: &'static str = "RaftKv";
    const ABOUT: &'static str = "a key-value store replicated by Raft: elections, replication, linearizable reads through ReadIndex, client \
                                 sessions, on disks that may lose what was not synced";

    type Server = Raft;
    type Settings = RaftSettings;

    fn fits(settings: &RaftSettings, given: &Given<'_>) {
        timeouts_fit(settings.election_timeout, settings.heartbeat, given);
    }

    fn server(settings: &RaftSettings, servers: u32, mutants: &[&'static str]) -> raft::Config {
        raft::Config {
            election_timeout: settings.election_timeout,
            heartbeat: settings.heartbeat,
            batch_max: settings.batch as usize,
            rules: raft::rules_of(mutants),
            ..raft::Config::of(servers)
        }
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[raft::MUTANTS])
    }

    fn properties() -> Vec<Property> {
        raft::properties::PROPERTIES.to_vec()
    }

    fn metrics() -> Vec<Metric> {
        OF_RAFT.to_vec()
    }

    fn probes(_: &RaftSettings) -> Vec<Box<dyn Probe<RaftKv>>> {
        vec![Box::new(RaftProbe::<RaftKv>::new(probes::whole))]
    }

    fn judges(_: &RaftSettings, servers: u32, _: &Conditions) -> Vec<Box<dyn Judge<RaftKv>>> {
        vec![Box::new(raft::properties::RaftJudge::new(servers as usize))]
    }

    fn fingerprint(server: &Raft) -> Option<u64> {
        Some(server.fingerprint())
    }

    fn reached(server: &Raft) -> Option<Reached> {
        Some(Reached { count: server.applied(), of: "applied entries" })
    }
}

/// Complains of a heartbeat that is not shorter than every election timeout.
pub(super) fn timeouts_fit(election_timeout: DurationRange, heartbeat: Duration, given: &Given<'_>) {
    let shortest = election_timeout.low();
    if heartbeat >= shortest
        && let Some(form) = given.complain(&["election_timeout", "heartbeat"])
    {
        form.report(
            form.problem(format!("the election timeout may be as short as {shortest}, no longer than the heartbeat, {heartbeat}"))
                .label("followers would campaign against a healthy leader")
                .help("make the heartbeat a third of the election timeout, or less"),
        );
    }
}
