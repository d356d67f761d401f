//! Messages per second of gossiping nodes through world, network, identities and digest, beside a bare loop.
//!
//! `cargo bench --bench gossip`. The yardstick is a loop with all that a simulator needs and nothing more: a 4-ary heap of packed keys,
//! messages in line, nodes behind a `dyn` call, a ChaCha stream for each node, an identity for each message, a running digest. Both are
//! measured in turn in one run, so that their ratio can be trusted where the figures cannot.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "nobody calls a benchmark")]

mod yardstick;

use std::time::Instant;

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, Duration, NodeId};
use stormglass::environment::{Latency, LinkModel};
use stormglass::history;
use stormglass::process::{ClientProcess, Context, Files, Message, NoNote, Process};
use stormglass::world::{Cluster, Conditions, Setup, World};

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Rumour {
    Heard { number: u64, hops: u64 },
}
impl Message for Rumour {}

/// Answers every message with one.
struct Gossip {
    heard: u64,
}

impl Process for Gossip {
    type Config = u32;
    type Message = Rumour;
    type Timer = ();
    type Note = NoNote;

    fn boot(nodes: &u32, _: &Files, context: &mut Context<'_, Self>) -> Self {
        let peer = context.random().below(u64::from(*nodes)) as u32;
        context.send(NodeId::server(peer), Rumour::Heard { number: 0, hops: 0 });
        Self { heard: 0 }
    }

    fn on_message(&mut self, from: NodeId, message: Rumour, context: &mut Context<'_, Self>) {
        let Rumour::Heard { number, hops } = message;
        self.heard = self.heard.wrapping_add(number);
        let number = context.random().word();
        context.send(from, Rumour::Heard { number, hops: hops + 1 });
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
}

/// There are no clients here, but a cluster must name some.
struct Nobody;

impl Process for Nobody {
    type Config = ();
    type Message = Rumour;
    type Timer = ();
    type Note = history::Event<u64, u64>;

    fn boot((): &(), _: &Files, _: &mut Context<'_, Self>) -> Self {
        Self
    }
    fn on_message(&mut self, _: NodeId, _: Rumour, _: &mut Context<'_, Self>) {}
    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.note(history::Event::Invoke { client: ClientId::new(0), op: 0 });
    }
}

impl ClientProcess for Nobody {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {}
    fn under_way(&self) -> usize {
        0
    }
}

struct Village;

impl Cluster for Village {
    type Message = Rumour;
    type Operation = u64;
    type Response = u64;
    type Server = Gossip;
    type Client = Nobody;
}

fn world(nodes: u32, messages: u64) -> f64 {
    let conditions = Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..10ms".parse().expect("a range"))),
        duration: Duration::from_secs(1_000_000),
        settle: Duration::ZERO,
        events: messages,
        ..Conditions::default()
    };
    let setup = Setup::<Village> { servers: vec![nodes; nodes as usize], clients: vec![], conditions };
    let start = Instant::now();
    let run = World::run(setup, 1, vec![], vec![]);
    let elapsed = start.elapsed().as_secs_f64();
    assert_eq!(run.outcome.messages.delivered, messages);
    elapsed * 1e9 / messages as f64
}

fn main() {
    let messages = 3_000_000;
    println!("{:>8} {:>14} {:>14} {:>8}", "nodes", "world ns/msg", "bare ns/msg", "ratio");
    for nodes in [5, 1_000] {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            ours.push(world(nodes, messages));
            bare.push(yardstick::gossip(nodes, messages));
        }
        let (ours, bare) = (median(&mut ours), median(&mut bare));
        println!("{nodes:>8} {ours:>14.1} {bare:>14.1} {:>8.2}", ours / bare);
    }
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
