//! What is drawn for one thing depends on that thing: a kind of message more, a server more, a client more, and the others' draws stay.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stormglass::base::{ClientId, Digest, Duration, DurationRange, Fate, FixedFate, KvOp, KvResponse, Loss, NodeId, OperationId, Which};
use stormglass::environment::{ClockModel, FateCounts, Latency, LinkModel};
use stormglass::process::{Context, Files, Message, Process, Reply, Service};
use stormglass::trace::{Sink, UntypedRecord};
use stormglass::workload::{Client, ClientConfig, KeyChoice, KvGenerator, KvLoad, Mix, Pace, Patience};
use stormglass::world::{Cluster, Conditions, Setup, World};

/// A store that answers at once, and whose servers count aloud, each to the next: with a few kinds of messages, and with more before them.
macro_rules! system {
    ($name:ident: $($others:ident),*) => {
        mod $name {
            use super::*;

            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub(super) enum Talk {
                $($others,)*
                Ask(ClientId, u64, KvOp),
                Answer(ClientId, u64, Reply<KvResponse>),
                Count(u64),
            }
            impl Message for Talk {}

            pub(super) struct Server {
                config: Config,
                counted: u64,
            }

            impl Process for Server {
                type Config = Config;
                type Message = Talk;
                type Timer = ();
                /// What the clock reads at the start, and a random word.
                type Note = (i64, u64);

                fn boot(config: &Config, _: &Files, context: &mut Context<'_, Self>) -> Self {
                    let word = context.random().word();
                    context.note((context.now().as_nanos(), word));
                    context.set_timer((), Duration::from_millis(10));
                    Self { config: *config, counted: 0 }
                }

                fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
                    if let Talk::Ask(session, number, _) = message {
                        context.send(from, Talk::Answer(session, number, Reply::Done(KvResponse::Value(None))));
                    }
                }

                fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
                    self.counted += 1;
                    if self.counted != self.config.skips {
                        let next = (context.me().index() as u32 + 1) % self.config.servers;
                        context.send(NodeId::server(next), Talk::Count(self.counted));
                    }
                    context.set_timer((), Duration::from_millis(10));
                }
            }

            pub(super) struct System;

            impl Service for System {
                type Message = Talk;
                type Operation = KvOp;
                type Response = KvResponse;

                fn request(session: ClientId, number: u64, operation: &KvOp) -> Talk {
                    Talk::Ask(session, number, *operation)
                }

                fn reply(message: Talk) -> Option<(ClientId, u64, Reply<KvResponse>)> {
                    if let Talk::Answer(session, number, reply) = message { Some((session, number, reply)) } else { None }
                }
            }

            impl Cluster for System {
                type Message = Talk;
                type Operation = KvOp;
                type Response = KvResponse;
                type Server = Server;
                type Client = Client<Self, KvGenerator>;
            }
        }
    };
}

system!(plain:);
system!(richer: Before, AndBefore);

/// How a server is to be.
#[derive(Clone, Copy)]
struct Config {
    servers: u32,
    /// It does not tell this number.
    skips: u64,
}

/// What was drawn in a run, by what it was drawn for.
#[derive(Default)]
struct Draws {
    /// By sender, receiver, kind and count.
    fates: BTreeMap<(NodeId, NodeId, &'static str, u32), Fate>,
    /// Clock and first word of each server.
    servers: BTreeMap<NodeId, Value>,
    /// Whom each client asked first.
    asked: BTreeMap<NodeId, NodeId>,
    operations: BTreeMap<OperationId, KvOp>,
    /// How long each client thought before an operation.
    thoughts: BTreeMap<OperationId, u64>,
    /// The messages that were lost since their fate is fixed.
    lost: Vec<Value>,
    fixed: FateCounts,
}

impl Sink for Draws {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let payload = || entry.payload.expect("messages and notes have a payload").json();
        match (entry.sort, entry.message, entry.fate) {
            ("send", Some((id, kind)), Some(fate)) => {
                self.fates.insert((id.from, id.to, kind.name, id.count), fate);
                if id.from.is_client() {
                    self.asked.entry(id.from).or_insert(id.to);
                }
                if fate == LOST {
                    self.lost.push(payload());
                }
            }
            ("note", ..) => drop(self.servers.insert(entry.node.expect("a server notes it"), payload())),
            _ => {}
        }
    }
}

const LOST: Fate = Fate::Lost(Loss::Override);

fn range(text: &str) -> DurationRange {
    text.parse().expect("a range")
}

fn run<C>(servers: u32, clients: u32, fates: Vec<FixedFate>, skips: u64) -> Draws
where
    C: Cluster<Operation = KvOp, Response = KvResponse>,
    C::Server: Process<Config = Config>,
    C::Client: Process<Config = ClientConfig<KvLoad>>,
{
    let load = KvLoad::new(5, KeyChoice::Uniform, Mix { read: 1, write: 1, cas: 0 }).expect("a load");
    let client = ClientConfig {
        servers,
        clients,
        pace: Pace::Closed { think: range("1ms..20ms") },
        patience: Patience::default(),
        sessions_max: 2,
        generator: load,
    };
    let link = LinkModel {
        latency: Latency::Uniform(range("1ms..5ms")),
        loss: "1/20".parse().expect("a chance"),
        duplicate: "1/20".parse().expect("a chance"),
    };
    let clocks = ClockModel { offset: Duration::from_millis(50), drift_ppm: 10_000 };
    let conditions = Conditions { link, clocks, fates, duration: Duration::from_secs(5), settle: Duration::ZERO, ..Conditions::default() };
    let (servers, clients) = (vec![Config { servers, skips }; servers as usize], vec![client; clients as usize]);
    let mut draws = Draws::default();
    let run = World::<C>::run(Setup { servers, clients, conditions, script: None }, 11, vec![], vec![&mut draws]);
    let mut ended = BTreeMap::new();
    for operation in run.history.operations() {
        draws.operations.insert(operation.id, operation.op);
        if let Some(before) = ended.get(&operation.client) {
            draws.thoughts.insert(operation.id, operation.invoked.as_nanos() - before);
        }
        ended.extend(operation.completed.map(|completed| (operation.client, completed.as_nanos())));
    }
    draws.fixed = run.outcome.fates;
    draws
}

/// What both have is the same, and both have at least so much.
fn check<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(before: &BTreeMap<K, V>, after: &BTreeMap<K, V>, least: usize) {
    let both: Vec<_> = before.iter().filter_map(|(key, value)| Some((key, value, after.get(key)?))).collect();
    assert!(both.len() >= least, "{} are in both", both.len());
    for (key, before, after) in both {
        assert_eq!(before, after, "{key:?}");
    }
}

fn check_all(before: &Draws, after: &Draws) {
    check(&before.fates, &after.fates, 500);
    check(&before.servers, &after.servers, 4);
    check(&before.operations, &after.operations, 200);
    check(&before.thoughts, &after.thoughts, 100);
}

#[test]
fn a_kind_of_message_more_leaves_all_draws_alone() {
    let (before, after) = (run::<plain::System>(4, 3, vec![], 0), run::<richer::System>(4, 3, vec![], 0));
    check_all(&before, &after);
    assert_eq!((before.fates, before.thoughts), (after.fates, after.thoughts));
}

#[test]
fn a_server_more_leaves_the_draws_of_others_alone() {
    check_all(&run::<plain::System>(4, 3, vec![], 0), &run::<plain::System>(5, 3, vec![], 0));
}

#[test]
fn a_client_more_leaves_the_draws_of_others_alone() {
    // From nine to ten, where their numbers become longer.
    check_all(&run::<plain::System>(4, 9, vec![], 0), &run::<plain::System>(4, 10, vec![], 0));
}

#[test]
fn whom_a_client_asks_first_changes_only_to_the_new_server() {
    let (before, after) = (run::<plain::System>(4, 40, vec![], 0).asked, run::<plain::System>(5, 40, vec![], 0).asked);
    let changed: Vec<NodeId> = before.iter().filter_map(|(client, asked)| Some(after[client]).filter(|now| now != asked)).collect();
    assert!((1..20).contains(&changed.len()), "{changed:?}");
    assert!(changed.iter().all(|asked| *asked == NodeId::server(4)), "{changed:?}");
    assert_eq!(before.values().collect::<std::collections::BTreeSet<_>>().len(), 4, "all are asked by some");
}

#[test]
fn what_becomes_of_an_operation_leaves_the_draws_of_others_alone() {
    let before = run::<plain::System>(4, 3, vec![], 0);
    // The first questions of each client are lost, so that it waits, draws pauses, and asks again.
    let lost = before.asked.iter().flat_map(|(client, asked)| {
        [1, 5, 9].map(|count| FixedFate { from: *client, to: *asked, kind: "Ask", which: Which::Count(count), fate: LOST })
    });
    let after = run::<plain::System>(4, 3, lost.collect(), 0);
    assert!(after.lost.len() > 3, "{:?}", after.lost);
    check(&before.operations, &after.operations, 200);
    check(&before.thoughts, &after.thoughts, 100);
}

fn fixed(which: Which) -> FixedFate {
    FixedFate { from: NodeId::server(0), to: NodeId::server(1), kind: "Count", which, fate: LOST }
}

fn content(number: u64) -> u64 {
    Digest::content(&plain::Talk::Count(number))
}

#[test]
fn a_fate_fixed_by_content_hits_its_message_when_another_is_gone() {
    let lost = |which, skips| run::<plain::System>(3, 1, vec![fixed(which)], skips).lost;
    let told = |number: u64| vec![serde_json::json!({ "Count": number })];
    let by_content = Which::Content { content: content(9), nth: 1 };
    assert_eq!([lost(by_content, 0), lost(by_content, 4)], [told(9), told(9)]);
    assert_eq!([lost(Which::Count(9), 0), lost(Which::Count(9), 4)], [told(9), told(10)], "a count shifts");
}

#[test]
fn the_content_of_a_message_stays_when_a_kind_comes() {
    assert_eq!(content(7), Digest::content(&richer::Talk::Count(7)));
    assert_ne!(content(7), content(8));
}

#[test]
fn a_fate_that_meets_nothing_is_counted() {
    let never = [fixed(Which::Count(1_000_000)), fixed(Which::Content { content: content(9), nth: 2 })];
    let table = vec![never[0], fixed(Which::Count(3)), never[1]];
    assert_eq!(run::<plain::System>(3, 1, table, 0).fixed, FateCounts { fixed: 3, never_met: never.to_vec() });
}
