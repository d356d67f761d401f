//! The Raft run of which the tables in docs/benchmarks.md speak: five servers, latency of 1 to 5 ms, a client write each 10 ms, the leader
//! crashes in the middle of each 10 s.

use stormglass::base::{Duration, Time};
use stormglass::check::Verdict;
use stormglass::environment::{Latency, LinkModel};
use stormglass::fault::{Fault, FaultPlan, FaultStep, Target};
use stormglass::systems::kv::{Access, KvWorkload, Traffic};
use stormglass::systems::{RaftKv, RaftKvConfig, System};
use stormglass::workload::Mix;
use stormglass::world::{Conditions, Outcome, World};

fn config(clients: u32) -> RaftKvConfig {
    let traffic = Traffic { clients, ..Traffic::default() };
    let access = Access { mix: Mix { read: 0, write: 1, cas: 0 }, ..Access::default() };
    let workload = KvWorkload { traffic, access };
    RaftKvConfig { workload, ..RaftKvConfig::default() }
}

/// A run of this length; judged, it must hold.
pub(crate) fn run(seed: u64, clients: u32, length: Duration, judged: bool) -> Outcome {
    let config = config(clients);
    let crash = Fault::Crash { node: Target::Role("Leader"), down: Some(Duration::from_secs(1).into()) };
    let crashes = (1..=length.as_nanos() / 10_000_000_000)
        .map(|nth| FaultStep::at(Time::ZERO + (Duration::from_secs(10) * nth - Duration::from_secs(5)), crash.clone()));
    let conditions = Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..5ms".parse().expect("a range"))),
        faults: FaultPlan::new(crashes.collect()),
        duration: length,
        settle: Duration::ZERO,
        ..Conditions::default()
    };
    let judges = if judged { RaftKv::judges(&config, &conditions) } else { vec![] };
    let run = World::run(RaftKv::nodes(&config, &[]).under(conditions), seed, judges, vec![]);
    if judged {
        let found = RaftKv::judge_history(&config, &run.history, 1_000_000.into());
        assert!(found.iter().all(|property| property.verdict == Verdict::Holds), "{found:?}");
        assert_eq!(run.outcome.verdict(), Verdict::Holds);
    }
    run.outcome
}
