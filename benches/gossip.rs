//! Messages per second of gossiping nodes through world, network, identities and digest, beside a bare loop that has all that a simulator
//! needs and nothing more. `cargo bench --bench gossip`.
//!
//! Both are measured in turn in one run, so that their ratio can be trusted where the figures cannot.

#![allow(missing_docs, reason = "nobody calls a benchmark")]

mod support {
    pub(crate) mod measure;
    pub(crate) mod village;
}
mod yardstick {
    pub(crate) mod gossip;
    pub(crate) mod heap;
}

use stormglass::base::Duration;
use stormglass::environment::{Latency, LinkModel};
use stormglass::world::{Conditions, Setup, World};
use support::measure::{cpu, median};
use support::village::{Mood, Village};

const ROUNDS: usize = 7;
const MESSAGES: u64 = 3_000_000;

fn main() {
    println!("{:>8} {:>14} {:>14} {:>8}", "nodes", "world ns/msg", "bare ns/msg", "ratio");
    for nodes in [5, 1_000] {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(world(nodes));
            bare.push(yardstick::gossip::run(nodes, MESSAGES));
        }
        let (ours, bare) = (median(ours), median(bare));
        println!("{nodes:>8} {ours:>14.1} {bare:>14.1} {:>8.2}", ours / bare);
    }
}

/// Nanoseconds of CPU time per delivered message.
fn world(nodes: u32) -> f64 {
    let conditions = Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..10ms".parse().expect("a range"))),
        duration: Duration::from_secs(1_000_000),
        settle: Duration::ZERO,
        events: MESSAGES,
        ..Conditions::default()
    };
    let servers = vec![Mood::Talkative(nodes); nodes as usize];
    let setup = Setup::<Village> { servers, clients: vec![], conditions, script: None };
    let (seconds, run) = cpu(|| World::run(setup, 1, vec![], vec![]));
    assert_eq!(run.outcome.messages.delivered, MESSAGES);
    seconds * 1e9 / MESSAGES as f64
}
