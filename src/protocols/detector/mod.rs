//! Failure detectors: who watches over others, and says who has failed.
//!
//! - *Heartbeats* with a timeout and a threshold of m of n missed ones, unasked (push) or asked for (ping); with freshness points (Chen,
//!   Toueg and Aguilera, *On the Quality of Service of Failure Detectors*, IEEE Trans. Computers 51(5), 2002: NFD-S and NFD-E); or with an
//!   accrued level of suspicion, φ (Hayashibara et al., SRDS 2004), with the distributions and guards of Akka and Cassandra.
//! - *SWIM* (Das, Gupta and Motivala, DSN 2002) with suspicion, incarnations, round-robin probing and updates that ride on other messages,
//!   and the extensions of *Lifeguard* (Dadgar, Phillips and Currey, DSN-W 2018). Parameters are named as memberlist names them.
//!
//! [`Detector`] is any one of them: a process that runs alone, several in the [`DetectorGroup`] of others on one node, or beneath another
//! protocol, which asks it [whom it suspects](Detector::suspects). [`Omega`] elects a leader that way, and [`Supervisor`] has failed nodes
//! replaced.
//!
//! [`Rules`] are the decisions that their correctness and quality rest on; each mutant in [`MUTANTS`] breaks one, each decoy in [`DECOYS`]
//! bends one that may be bent. [`properties`] judges by what detectors say, against what in truth happened.

mod arrival;
mod decoys;
mod group;
mod heartbeat;
mod machine;
mod mark;
mod message;
mod mutants;
mod note;
mod omega;
mod phi;
pub mod properties;
mod rules;
mod supervisor;
mod swim;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::base::Duration;
use crate::notation::{Count, Flag, Length, PositiveLength, Timed, Timing, settings};

pub use decoys::DECOYS;
pub use group::{DetectorGroup, DetectorGroupConfig, DetectorGroupMessage, DetectorGroupTimer, WorkerConfig};
pub use machine::{Detector, Tick, Timer};
pub use message::{Beat, Body, Message, State, Update};
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use note::{Note, Said};
pub use omega::{Omega, OmegaNote};
pub use phi::Law;
pub use rules::{Correct, Rules};
pub use supervisor::{Supervisor, SupervisorConfig, SupervisorMessage, SupervisorNote, SupervisorTimer};

/// What a detector is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many nodes there are; all are servers.
    pub nodes: u32,
    /// Its place among the detectors of its node: below [`Message::SLOTS`].
    pub slot: u8,
    /// How it detects.
    pub method: Method,
    /// Its rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

/// How failures are detected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// By heartbeats that fail to come.
    Heartbeat(HeartbeatConfig),
    /// By probes and gossip.
    Swim(SwimConfig),
}

/// A detector by heartbeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeartbeatConfig {
    /// How often they come.
    pub interval: Duration,
    /// Whether they are asked for.
    pub style: Style,
    /// Who watches whom.
    pub observers: Observers,
    /// What counts as a sign of life.
    pub watch: Watch,
    /// When their absence is a failure.
    pub level: Level,
}

impl Default for HeartbeatConfig {
    /// Unasked each second, suspected when none has come for 2.5 s.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            style: Style::Push,
            observers: Observers::All,
            watch: Watch::Node,
            level: Level::Timeout { timeout: Duration::from_millis(2500), missed: 1, of: 1 },
        }
    }
}

/// Whether heartbeats are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The watched one sends them unasked.
    Push,
    /// The watcher asks, and is answered.
    Ping,
}

/// Who watches whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observers {
    /// Each node watches all others.
    All,
    /// The nodes form a ring, and each watches so many that follow it.
    Ring(u32),
}

impl Observers {
    /// How many each node of so many watches.
    pub fn count(self, nodes: u32) -> u32 {
        match self {
            Self::All => nodes - 1,
            Self::Ring(count) => count.min(nodes - 1),
        }
    }

    /// Whether the first of so many nodes, by index, watches the second.
    pub fn watches(self, nodes: u32, watcher: u32, watched: u32) -> bool {
        let ahead = (watched + nodes - watcher) % nodes;
        (1..=self.count(nodes)).contains(&ahead)
    }
}

/// What counts as a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Each heartbeat.
    Node,
    /// A heartbeat that tells of progress of the node's worker. One that does not is not taken for a sign of life: a node whose heart beats
    /// while its worker stands still has failed in what it is there for (Huang et al., *Gray Failure*, HotOS 2017).
    Work,
}

/// When the absence of heartbeats is a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// A heartbeat is missed when none has come for so long since the last one (since the last one was asked for, with the interval on top,
    /// if they are asked for), another one with each further interval. So many missed of the last so many, at most 32, are a failure.
    Timeout {
        /// How long.
        timeout: Duration,
        /// How many missed.
        missed: u32,
        /// Of how many.
        of: u32,
    },
    /// NFD-E: freshness points a margin after the expected arrival, which is estimated from the last so many.
    Expected {
        /// The margin, α.
        margin: Duration,
        /// Of how many arrivals.
        window: u32,
    },
    /// NFD-S: freshness points a margin after the next sending; clocks must agree.
    Synchronised {
        /// The margin, δ.
        margin: Duration,
    },
    /// φ beyond a threshold.
    Phi(Phi),
}

/// A detector by an accrued level of suspicion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phi {
    /// The distribution that intervals are taken to have.
    pub law: Law,
    /// The threshold, in thousandths: 8000 is φ = 8.
    pub threshold: u32,
    /// What the threshold comes to under the law: see [`Law::factor`].
    factor: f64,
    /// How many intervals it is fitted to.
    pub window: u32,
    /// The standard deviation is taken to be no less: without this floor, a heart that beats evenly is suspected at its first stumble.
    pub deviation_min: Duration,
    /// Added to the mean: how long heartbeats may stay out for no bad reason.
    pub pause: Duration,
    /// Intervals that are longer are not learned from.
    pub interval_max: Option<Duration>,
    /// A watcher that stood still itself for longer than this suspects no other until as much time has passed again.
    pub local_pause_max: Option<Duration>,
}

impl Phi {
    /// Akka's defaults: φ of 8, a thousand intervals, a floor of 100 ms, a pause of 3 s (`akka-cluster` `reference.conf`).
    pub fn akka() -> Self {
        Self { window: 1000, deviation_min: Duration::from_millis(100), pause: Duration::from_secs(3), ..Self::of(Law::Logistic, 8000) }
    }

    /// Cassandra's defaults: φ of 8, a thousand intervals, none above 2 s, and forbearance after a pause of its own of 5 s
    /// (`org.apache.cassandra.gms.FailureDetector`).
    pub fn cassandra() -> Self {
        let (interval_max, local_pause_max) = (Some(Duration::from_secs(2)), Some(Duration::from_secs(5)));
        Self { interval_max, local_pause_max, ..Self::of(Law::Exponential, 8000) }
    }

    /// As published: a normal law, fitted to a thousand intervals, without guards but for a floor of 10 ms.
    pub fn hayashibara() -> Self {
        Self { deviation_min: Duration::from_millis(10), ..Self::of(Law::Normal, 8000) }
    }

    /// A law with a threshold, in thousandths, and no guards.
    pub fn of(law: Law, threshold: u32) -> Self {
        Self {
            law,
            threshold,
            factor: law.factor(threshold),
            window: 1000,
            deviation_min: Duration::from_nanos(1),
            pause: Duration::ZERO,
            interval_max: None,
            local_pause_max: None,
        }
    }

    /// The same with another threshold, in thousandths.
    #[must_use]
    pub fn with_threshold(self, threshold: u32) -> Self {
        Self { threshold, factor: self.law.factor(threshold), ..self }
    }
}

settings! {
    /// SWIM with Lifeguard, as memberlist names its parameters (`config.go`); by default as memberlist has them for a local network.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SwimConfig {
        /// How often a member is probed: SWIM's protocol period.
        probe_interval: Duration = Duration::from_secs(1), PositiveLength;
        /// How long a probe waits for its answer before it asks others to probe. Shorter than the interval.
        probe_timeout: Duration = Duration::from_millis(500), Timed(PositiveLength, &[Timing::Answer]);
        /// How many others are asked to probe in one's stead.
        indirect_checks: u32 = 3, Count(0..=100);
        /// Updates are passed on this many times ⌈log₁₀(n + 1)⌉ times.
        retransmit_mult: u32 = 4, Count(1..=100);
        /// A suspicion lasts at least this many times max(1, log₁₀ n) probe intervals. With 0, a member that does not answer is
        /// dead at once.
        suspicion_mult: u32 = 4, Count(0..=100);
        /// A suspicion lasts at most this many times as long, until others confirm it (Lifeguard). With 1, confirmations change nothing.
        suspicion_max_timeout_mult: u32 = 6, Count(1..=100);
        /// Lifeguard's local health goes up to one less than this, and lengthens probes by as much. With 1, probes are never lengthened.
        awareness_max_multiplier: u32 = 8, Count(1..=100);
        /// Lifeguard's buddy system: a suspected member that is probed is told so at once. So is a prober that is held suspect or dead.
        buddy: bool = true, Flag;
        /// How often updates are passed on besides.
        gossip_interval: Duration = Duration::from_millis(200), PositiveLength;
        /// To how many members updates are passed on each time. With 0, updates ride on probes and their answers only, as SWIM has it.
        gossip_nodes: u32 = 3, Count(0..=100);
        /// How long updates are passed on to a dead member too.
        gossip_to_the_dead: Duration = Duration::from_secs(30), Length;
        /// How often all that is known is exchanged with another member; in large clusters less often. Zero: never.
        push_pull_interval: Duration = Duration::from_secs(30), Length;
        /// How often a dead member is tried again (Serf's `ReconnectInterval`). Zero: never.
        reconnect_interval: Duration = Duration::from_secs(30), Length;
        /// How many bytes a message may carry.
        packet: u32 = 1400, Count(64..=65_507);
    }
}

impl SwimConfig {
    /// The same without Lifeguard: SWIM with suspicion, as published in 2002.
    #[must_use]
    pub fn without_lifeguard(self) -> Self {
        Self { suspicion_max_timeout_mult: 1, awareness_max_multiplier: 1, buddy: false, ..self }
    }

    /// How long a suspicion lasts at least in a cluster of so many.
    pub fn suspicion_min(&self, nodes: u32) -> Duration {
        let scale = libm::log10(f64::from(nodes.max(1))).max(1.0);
        let millis = f64::from(self.suspicion_mult) * scale * (self.probe_interval.as_nanos() as f64 / 1e6);
        Duration::from_millis(millis as u64)
    }

    /// How long it lasts at most.
    pub fn suspicion_max(&self, nodes: u32) -> Duration {
        self.suspicion_min(nodes) * u64::from(self.suspicion_max_timeout_mult.max(1))
    }

    /// How many times an update is passed on in a cluster of so many.
    pub fn retransmit_limit(&self, nodes: u32) -> u32 {
        self.retransmit_mult * (libm::ceil(libm::log10(f64::from(nodes) + 1.0)) as u32)
    }
}
