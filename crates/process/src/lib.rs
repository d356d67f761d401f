//! The contract of protocol code, and the basic types it needs: what production code of a protocol depends on.
//!
//! A protocol is written once, against [`process::Process`]: it is built from its configuration and its disk, takes messages, timers and
//! completed syncs, and answers with an ordered list of effects. It performs no input or output, so that the same code runs on real
//! sockets and files, under a simulator (`stormglass`), and by hand, in a test:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use stormglass_process::base::{Duration, NodeId};
//! use stormglass_process::process::{Context, Files, Harness, Message, NoNote, Process};
//!
//! /// Asks a peer whether it is there, again and again, until it answers.
//! struct Caller {
//!     peer: NodeId,
//!     answered: bool,
//! }
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! enum Call {
//!     Ping,
//!     Pong,
//! }
//! impl Message for Call {}
//!
//! impl Process for Caller {
//!     type Config = NodeId;
//!     type Message = Call;
//!     type Timer = ();
//!     type Note = NoNote;
//!
//!     fn boot(peer: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
//!         context.set_timer((), Duration::ZERO);
//!         Self { peer: *peer, answered: false }
//!     }
//!
//!     fn on_message(&mut self, from: NodeId, message: Call, context: &mut Context<'_, Self>) {
//!         match message {
//!             Call::Ping => context.send(from, Call::Pong),
//!             Call::Pong => self.answered = true,
//!         }
//!     }
//!
//!     fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
//!         if !self.answered {
//!             context.send(self.peer, Call::Ping);
//!             context.set_timer((), Duration::from_millis(100));
//!         }
//!     }
//! }
//!
//! let (here, there) = (NodeId::server(0), NodeId::server(1));
//! let mut caller = Harness::<Caller>::boot(here, there);
//! caller.fire(());
//! assert!(matches!(caller.take_sent()[..], [(to, Call::Ping)] if to == there));
//! caller.deliver(there, Call::Pong);
//! caller.fire(());
//! assert!(caller.take_sent().is_empty());
//! ```

// A library does not print.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod base;
pub mod process;
