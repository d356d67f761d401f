//! `RaftKv`: a key-value store replicated by Raft, and the clients that use it.

use std::sync::LazyLock;

use super::kv::{self, KvWorkload};
use super::{Check, Mutant, Nodes, Population, System, Written};
use crate::base::{Duration, DurationRange, Form, KvOp, KvResponse};
use crate::check::{Judge, PropertyKind, PropertyReport};
use crate::history::History;
use crate::protocols::raft::{self, Raft};
use crate::workload::{Client, KvGenerator};
use crate::world::Cluster;

/// A key-value store replicated by Raft.
pub struct RaftKv;

impl Cluster for RaftKv {
    type Message = raft::Message;
    type Operation = KvOp;
    type Response = KvResponse;
    type Server = Raft;
    type Client = Client<raft::RaftKv, KvGenerator>;

    fn fingerprint(server: &Raft) -> Option<u64> {
        Some(server.fingerprint())
    }
}

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftKvConfig {
    /// How many servers there are.
    pub nodes: u32,
    /// How long a server waits for a leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives.
    pub heartbeat: Duration,
    /// How many entries one message carries at most.
    pub batch: u32,
    /// What the clients do.
    pub workload: KvWorkload,
}

impl Default for RaftKvConfig {
    /// Five servers with the timeouts of the paper.
    fn default() -> Self {
        let usual = raft::Config::of(5);
        Self {
            nodes: 5,
            election_timeout: usual.election_timeout,
            heartbeat: usual.heartbeat,
            batch: usual.batch_max as u32,
            workload: KvWorkload::default(),
        }
    }
}

impl System for RaftKv {
    const NAME: &'static str = "RaftKv";
    const ABOUT: &'static str = "a key-value store replicated by Raft: elections, replication, linearizable reads through ReadIndex, client \
                                 sessions, on disks that may lose what was not synced";

    type Config = RaftKvConfig;

    fn checks() -> Vec<Check> {
        let own = raft::properties::PROPERTIES.into_iter().map(|(name, about)| Check { name, kind: PropertyKind::Always, about });
        [kv::LINEARIZABILITY].into_iter().chain(own).collect()
    }

    fn mutants() -> &'static [Mutant] {
        static MUTANTS: LazyLock<Vec<Mutant>> = LazyLock::new(|| raft::MUTANTS.iter().map(described).collect());
        &MUTANTS
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<RaftKvConfig> {
        let usual = RaftKvConfig::default();
        let workload = KvWorkload::decode(workload, true);
        let mut fields = system.fields()?;
        let nodes = fields.read_or("nodes", usual.nodes, |form| form.count(1..=1000));
        let timeout = fields.take("election_timeout");
        let heartbeat_form = fields.take("heartbeat");
        let batch = fields.read_or("batch", usual.batch, |form| form.count(1..=100_000));
        fields.finish();
        let election_timeout = timeout.map_or(Some(usual.election_timeout), Form::duration_range);
        let heartbeat = heartbeat_form.map_or(Some(usual.heartbeat), Form::duration_positive);
        let (election_timeout, heartbeat) = (election_timeout?, heartbeat?);
        if heartbeat >= election_timeout.low() {
            let form = timeout.or(heartbeat_form).unwrap_or(system);
            form.report(
                form.problem(format!(
                    "the election timeout may be as short as {}, no longer than the heartbeat, {heartbeat}",
                    election_timeout.low()
                ))
                .label("followers would campaign against a healthy leader")
                .help("make the heartbeat a third of the election timeout, or less"),
            );
            return None;
        }
        Some(RaftKvConfig { nodes, election_timeout, heartbeat, batch, workload: workload? })
    }

    fn write(config: &RaftKvConfig) -> Written {
        let RaftKvConfig { nodes, election_timeout, heartbeat, batch, workload } = config;
        Written {
            system: format!("RaftKv(nodes: {nodes}, election_timeout: \"{election_timeout}\", heartbeat: \"{heartbeat}\", batch: {batch})"),
            workload: Some(workload.write()),
        }
    }

    fn population(config: &RaftKvConfig) -> Population {
        Population { servers: config.nodes, clients: config.workload.clients }
    }

    fn nodes(config: &RaftKvConfig, mutant: Option<&'static str>) -> Nodes<Self> {
        let rules = mutant.and_then(raft::mutant).map_or(&raft::Correct as &dyn raft::Rules, |mutant| mutant.rules);
        let server = raft::Config {
            election_timeout: config.election_timeout,
            heartbeat: config.heartbeat,
            batch_max: config.batch as usize,
            rules,
            ..raft::Config::of(config.nodes)
        };
        Nodes { servers: vec![server; config.nodes as usize], clients: config.workload.configs(config.nodes) }
    }

    fn judges(config: &RaftKvConfig) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(raft::properties::RaftJudge::new(config.nodes as usize))]
    }

    fn judge_history(_: &RaftKvConfig, history: &History<KvOp, KvResponse>, states: u64) -> Vec<PropertyReport> {
        vec![kv::judge(history, states)]
    }
}

fn described(mutant: &raft::Mutant) -> Mutant {
    let raft::Mutant { name, property, about, source, .. } = *mutant;
    Mutant { name, property, about, source, needs: mutant.needs }
}
