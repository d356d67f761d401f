//! Stormglass: a deterministic simulator for distributed systems.
//!
//! A protocol is written once, against a small contract: [`process::Process`]. Stormglass runs it among simulated nodes on one thread,
//! under partitions, lost and reordered messages, crashes, bad disks and bad clocks; records what clients saw; and judges that history. A
//! run is a pure function of its setup and its seed, so that a run that fails can be had again.
//!
//! Here is a counter that may answer before what it says is on disk, and how that comes to light. What clients ask it for, and what a
//! counter is to those who judge it, is left out here; `docs/protocols.md` has a whole one.
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! # use stormglass::base::{ClientId, Duration, DurationRange, NodeId, OperationId, Stream, Time};
//! # use stormglass::check::{Verdict, linearizability, model::{Model, Next}};
//! # use stormglass::fault::{Fault, FaultPlan, FaultStep, Target};
//! # use stormglass::process::{self, Context, Files, NoNote, Process, Reply, Service};
//! # use stormglass::workload::{Client, ClientConfig, Generator, Pace, Patience, Turn};
//! # use stormglass::world::{Cluster, Conditions, Run, Setup, World};
//! #
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! enum Message {
//!     Add { session: ClientId, number: u64, amount: u64 },
//!     Sum { session: ClientId, number: u64, sum: u64 },
//! }
//! impl process::Message for Message {}
//!
//! struct Counter {
//!     sum: u64,
//!     careful: bool,
//! }
//!
//! impl Process for Counter {
//!     type Config = bool;
//!     type Message = Message;
//!     type Timer = ();
//!     type Note = NoNote;
//!
//!     fn boot(careful: &bool, disk: &Files, _: &mut Context<'_, Self>) -> Self {
//!         let sum = disk.records::<[u64; 1]>("sums").last().map_or(0, |[sum]| sum);
//!         Self { sum, careful: *careful }
//!     }
//!
//!     fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
//!         let Message::Add { session, number, amount } = message else { return };
//!         self.sum += amount;
//!         context.append_record("sums", &[self.sum]);
//!         let answer = Message::Sum { session, number, sum: self.sum };
//!         if self.careful {
//!             context.send_when_durable(from, answer);
//!         } else {
//!             context.send(from, answer); // Fast, and wrong.
//!         }
//!     }
//!
//!     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
//! }
//!
//! # /// What clients need to know.
//! # struct Counting;
//! #
//! # impl Service for Counting {
//! #     type Message = Message;
//! #     type Operation = u64;
//! #     type Response = u64;
//! #     const RETRY: bool = false; // What is asked twice is added twice.
//! #
//! #     fn request(session: ClientId, number: u64, amount: &u64) -> Message {
//! #         Message::Add { session, number, amount: *amount }
//! #     }
//! #
//! #     fn reply(message: Message) -> Option<(ClientId, u64, Reply<u64>)> {
//! #         let Message::Sum { session, number, sum } = message else { return None };
//! #         Some((session, number, Reply::Done(sum)))
//! #     }
//! # }
//! #
//! # /// What clients ask for.
//! # struct Ones;
//! #
//! # impl Generator<u64, u64> for Ones {
//! #     type Config = ();
//! #     type Note = NoNote;
//! #
//! #     fn new((): &()) -> Self {
//! #         Self
//! #     }
//! #
//! #     fn next(&mut self, _: OperationId, _: &mut Stream, _: &mut Turn<NoNote>) -> u64 {
//! #         1
//! #     }
//! # }
//! #
//! # impl Cluster for Counting {
//! #     type Message = Message;
//! #     type Operation = u64;
//! #     type Response = u64;
//! #     type Server = Counter;
//! #     type Client = Client<Counting, Ones>;
//! # }
//! #
//! # /// What a counter is, to those who judge: it knows nothing of messages or disks.
//! # struct Sums;
//! #
//! # impl Model for Sums {
//! #     type State = u64;
//! #     type Op = u64;
//! #     type Ret = u64;
//! #
//! #     fn initial(&self) -> u64 {
//! #         0
//! #     }
//! #
//! #     fn step(&self, sum: &u64, amount: &u64, answer: Option<&u64>) -> Next<u64> {
//! #         let sum = sum + amount;
//! #         if answer.is_none_or(|answer| *answer == sum) { Next::One(sum) } else { Next::Illegal }
//! #     }
//! # }
//! #
//! /// One server, two clients, and a crash each second or so.
//! fn run(careful: bool, seed: u64) -> Run<Counting> {
//!     let length = |low, high| DurationRange::new(Duration::from_millis(low), Duration::from_millis(high)).expect("low before high");
//!     let client = ClientConfig {
//!         servers: 1,
//!         clients: 2,
//!         pace: Pace::Closed { think: length(1, 20) },
//!         patience: Patience::default(),
//!         sessions_max: 1,
//!         generator: (),
//!     };
//!     let crash = Fault::Crash { node: Target::Any, down: Some(length(10, 100).into()) };
//!     let faults = FaultPlan::new(vec![FaultStep::every(length(500, 1500), crash)]);
//!     let conditions = Conditions { faults, duration: Duration::from_secs(5), ..Conditions::default() };
//!     World::run(Setup { servers: vec![careful], clients: vec![client; 2], conditions, script: None }, seed, vec![], vec![])
//! }
//!
//! let judge = |run: &Run<Counting>| linearizability::check(&Sums, &run.history).verdict();
//! let found = (0..100).find(|seed| judge(&run(false, *seed)) == Verdict::Violated).expect("one in a hundred seeds finds it");
//!
//! // The seed is all that it takes to see it again,
//! assert_eq!(run(false, found).outcome.digest, run(false, found).outcome.digest);
//! // and whoever waits for the disk is safe.
//! assert!((0..100).all(|seed| judge(&run(true, seed)) == Verdict::Holds));
//! ```
//!
//! From here:
//!
//! - [`process`] is the contract that protocols are written against, and [`systems`] how a protocol of your own gets every command and
//!   every judge that ours have; `docs/protocols.md` leads by the hand.
//! - [`base`] and [`process`] are those of the crate `stormglass-process`, on which production code of a protocol depends alone;
//!   [`check`] and [`history`] those of `stormglass-check`, for those who only have a history; [`policies`] that of `stormglass-policies`,
//!   for services that balance, retry, queue or shed.
//! - `docs/testing.md` is about `cargo test`: generated plans of faults, replays, golden digests.
//! - `docs/ARCHITECTURE.md` is the map of the code, and `docs/glossary.md` says what its words mean.

// A library does not print, and the command prints by its `Console`.
#![warn(clippy::print_stderr, clippy::print_stdout)]

/// The examples in the documents, as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../docs/checking.md")]
    mod checking {}
    #[doc = include_str!("../docs/monitoring.md")]
    mod monitoring {}
    #[doc = include_str!("../docs/protocols.md")]
    mod protocols {}
    #[doc = include_str!("../docs/testing.md")]
    mod testing {}
}

pub use stormglass_check::{check, history, misspelling};
pub use stormglass_policies::policies;
pub use stormglass_process::{base, process};

#[cfg(feature = "cli")]
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod environment;
pub mod explore;
pub mod fault;
pub mod metrics;
pub mod notation;
pub mod protocols;
pub mod report;
pub mod require;
pub mod scenario;
pub mod systems;
pub mod trace;
pub mod workload;
pub mod world;
