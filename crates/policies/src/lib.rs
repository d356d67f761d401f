//! Policies of services under load, as pure state machines: what production code and a simulation can both use.
//!
//! A policy holds its state and nothing else. It is told the time, the randomness and what happened, and says what to do: it sends nothing,
//! reads no clock, draws nothing of itself and depends on no order of a hash, so that the same calls get the same answers on every machine.
//! Decisions are made in integers, and where those do not do, with `libm` and the basic operations of IEEE 754.
//!
//! Times, lengths, chances, rates and streams of randomness are those of `stormglass_process::base`: what a process that runs in Stormglass
//! is given by its context, so that nothing is converted there. [`LocalTime`] is what a node's own clock reads; in production that is the
//! time since some instant, and a clock that is set back harms no policy. A [`Stream`] is seeded from the machine's randomness in
//! production.
//!
//! ```
//! use stormglass_policies::policies::queue::{Popped, Queue, QueueSettings, Waiting};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let started = std::time::Duration::from_millis(7); // `Instant::elapsed` since the program began, say.
//! let now = LocalTime::from_nanos(started.as_nanos() as i64);
//! let mut queue = Queue::new(&QueueSettings::default()).expect("the usual settings make a queue");
//! queue.push(now, Waiting { item: "a request", priority: 0, deadline: Some(now + Duration::from_millis(50)) });
//! // What comes too late is not begun.
//! assert!(matches!(queue.pop(now + Duration::from_millis(60)), Some(Popped::Dropped { .. })));
//! ```
//!
//! Settings are plain data that are checked where a policy is built: a [`SettingError`] names the setting and says what it takes. Chances
//! are a [`Ratio`], factors whole percent. No policy panics on what it is told.
//!
//! [`LocalTime`]: stormglass_process::base::LocalTime
//! [`Ratio`]: stormglass_process::base::Ratio
//! [`SettingError`]: policies::SettingError
//! [`Stream`]: stormglass_process::base::Stream

// A library does not print.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod policies;
