//! `RaftKv`: a key-value store replicated by Raft.

use super::Mutant;
use super::kv::{KeyValue, Kv, KvConfig};
use crate::base::{Duration, DurationRange, Fields, Form};
use crate::check::{Judge, Property};
use crate::protocols::raft::{self, Raft};

/// A key-value store replicated by Raft, with its clients.
pub type RaftKv = Kv<raft::RaftKv>;

/// Its part of a scenario.
pub type RaftKvConfig = KvConfig<RaftSettings>;

/// What Raft has fields for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftSettings {
    /// How long a server waits for a leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives.
    pub heartbeat: Duration,
    /// How many entries one message carries at most.
    pub batch: u32,
}

impl Default for RaftSettings {
    /// The timeouts of the paper.
    fn default() -> Self {
        let raft::Config { election_timeout, heartbeat, batch_max, .. } = <raft::Config>::of(1);
        Self { election_timeout, heartbeat, batch: batch_max as u32 }
    }
}

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

    fn read(fields: &mut Fields<'_>) -> Option<RaftSettings> {
        let usual = RaftSettings::default();
        let (election_timeout, heartbeat) = timeouts(fields, usual.election_timeout, usual.heartbeat);
        let batch = fields.read_or("batch", usual.batch, |form| form.count(1..=100_000));
        Some(RaftSettings { election_timeout, heartbeat, batch })
    }

    fn write(settings: &RaftSettings) -> Vec<(&'static str, String)> {
        vec![
            ("election_timeout", format!("\"{}\"", settings.election_timeout)),
            ("heartbeat", format!("\"{}\"", settings.heartbeat)),
            ("batch", settings.batch.to_string()),
        ]
    }

    fn server(settings: &RaftSettings, servers: u32, mutant: Option<&'static str>) -> raft::Config {
        raft::Config {
            election_timeout: settings.election_timeout,
            heartbeat: settings.heartbeat,
            batch_max: settings.batch as usize,
            rules: raft::rules_of(mutant),
            ..raft::Config::of(servers)
        }
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[raft::MUTANTS])
    }

    fn properties() -> Vec<Property> {
        raft::properties::PROPERTIES.to_vec()
    }

    fn judges(servers: u32) -> Vec<Box<dyn Judge<RaftKv>>> {
        vec![Box::new(raft::properties::RaftJudge::new(servers as usize))]
    }

    fn fingerprint(server: &Raft) -> Option<u64> {
        Some(server.fingerprint())
    }
}

/// Reads the election timeout and the heartbeat, which must fit each other; these where there are none.
pub(super) fn timeouts(fields: &mut Fields<'_>, usual_timeout: DurationRange, usual_beat: Duration) -> (DurationRange, Duration) {
    let (timeout, beat) = (fields.take("election_timeout"), fields.take("heartbeat"));
    let election_timeout = timeout.map_or(Some(usual_timeout), Form::duration_range);
    let heartbeat = beat.map_or(Some(usual_beat), Form::duration_positive);
    if let (Some(election_timeout), Some(heartbeat)) = (election_timeout, heartbeat)
        && heartbeat >= election_timeout.low()
    {
        complain(timeout.or(beat).unwrap_or(fields.form()), election_timeout.low(), heartbeat);
    }
    (election_timeout.unwrap_or(usual_timeout), heartbeat.unwrap_or(usual_beat))
}

fn complain(form: Form<'_>, shortest: Duration, heartbeat: Duration) {
    form.report(
        form.problem(format!("the election timeout may be as short as {shortest}, no longer than the heartbeat, {heartbeat}"))
            .label("followers would campaign against a healthy leader")
            .help("make the heartbeat a third of the election timeout, or less"),
    );
}
