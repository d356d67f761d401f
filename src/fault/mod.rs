//! Faults as data: what goes wrong in a run, when, and to whom.
//!
//! A [`FaultPlan`] is a list of steps. Whom a fault strikes may be left open (`Any`, `Leader`, `Minority`) until the moment it strikes;
//! what then struck is recorded as a plan of `At` steps with every name and length settled, which repeats the run when it is given in place
//! of the first. Everything prints as it is written in a scenario file.

mod print;

use crate::base::{DurationRange, NodeId, Ratio, Time};

/// What goes wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// In any order.
    pub steps: Vec<FaultStep>,
}

impl FaultPlan {
    /// Whether anything in it may crash a node.
    pub fn may_crash(&self) -> bool {
        self.steps.iter().any(|step| step.fault().may_crash())
    }
}

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultStep {
    /// Strikes once, at this time. Strikes come last in their instant, in the order of the plan.
    At(Time, Fault),
    /// Strikes again and again, each time after a length drawn from this range, until the faults end.
    Every(DurationRange, Fault),
    /// Strikes once, at the end of the instant in which this happens.
    When(Trigger, Fault),
}

impl FaultStep {
    /// The fault of the step.
    pub fn fault(&self) -> &Fault {
        match self {
            Self::At(_, fault) | Self::Every(_, fault) | Self::When(_, fault) => fault,
        }
    }
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Messages across the cut are lost when sent, until the network is healed or this length has passed. Partitions add up.
    Partition {
        /// Between whom.
        cut: Cut,
        /// For how long; until [`Fault::Heal`] if not given.
        lasting: Option<DurationRange>,
    },
    /// Ends all partitions, and all spells in which links lose, double or delay messages.
    Heal,
    /// A node loses its volatile state, timers and unsynced writes, and starts again after a while.
    Crash {
        /// Whom it strikes.
        node: Target,
        /// How long the node is down; until [`Fault::Restart`] or the end of the faults if not given.
        down: Option<DurationRange>,
    },
    /// A node that is down starts.
    Restart {
        /// Whom it strikes.
        node: Target,
    },
    /// A node stands still with its state: messages queue, timers fire late.
    Pause {
        /// Whom it strikes.
        node: Target,
        /// How long it stands still; until [`Fault::Resume`] or the end of the faults if not given.
        lasting: Option<DurationRange>,
    },
    /// A paused node goes on.
    Resume {
        /// Whom it strikes.
        node: Target,
    },
    /// Every link loses messages with this chance, on top of its own, for a while.
    Lose {
        /// The chance.
        chance: Ratio,
        /// For how long; until [`Fault::Heal`] if not given.
        lasting: Option<DurationRange>,
    },
    /// Every link delivers messages twice with this chance, on top of its own, for a while.
    Duplicate {
        /// The chance.
        chance: Ratio,
        /// For how long; until [`Fault::Heal`] if not given.
        lasting: Option<DurationRange>,
    },
    /// Messages take longer, for a while: those from and to a slow node, or all.
    Delay {
        /// By how much: drawn for each message.
        by: DurationRange,
        /// Whose messages, to and fro; everybody's if not given.
        node: Option<Target>,
        /// For how long; until [`Fault::Heal`] if not given.
        lasting: Option<DurationRange>,
    },
    /// A node's disk completes no sync, while all else on the node goes on: a gray failure.
    StallDisk {
        /// Whom it strikes.
        node: Target,
        /// For how long; until the end of the faults if not given.
        lasting: Option<DurationRange>,
    },
    /// A node crashes for good: nothing starts it again, not the end of the faults either. The rest must do without it.
    Destroy {
        /// Whom it strikes.
        node: Target,
    },
    /// One of these, each as likely.
    OneOf(Vec<Fault>),
}

/// Who is cut off from whom. Clients reach every server all the same, unless they are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The servers fall into two random halves; of an odd number, one half has one more.
    Halves,
    /// These nodes are cut off from all other servers.
    Isolate(Target),
    /// What the first send to the second is lost; the way back is open.
    OneWay {
        /// Senders.
        from: Target,
        /// Receivers.
        to: Target,
    },
    /// Each group is cut off from every other. A node in none reaches all.
    Groups(Vec<Vec<NodeId>>),
}

/// Whom a fault strikes: settled at the moment it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// These nodes.
    Nodes(Vec<NodeId>),
    /// A server, any.
    Any,
    /// All servers.
    All,
    /// Fewer than half of the servers, at least one if there are three or more.
    Minority,
    /// More than half of the servers.
    Majority,
    /// The server that believes itself in this role; of several, the one with the best claim, and then the first. Nobody if there is none.
    Role(&'static str),
    /// The sender of the message that set the trigger off.
    Sender,
    /// The receiver of the message that set the trigger off.
    Receiver,
    /// The node that set the trigger off.
    Subject,
}

impl Target {
    /// Whether it may name several nodes at once.
    pub fn is_plural(&self) -> bool {
        matches!(self, Self::Nodes(_) | Self::All | Self::Minority | Self::Majority)
    }

    /// Whether it needs a trigger to refer to.
    pub fn needs_trigger(&self) -> bool {
        matches!(self, Self::Sender | Self::Receiver | Self::Subject)
    }
}

/// What sets a fault off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// What must happen.
    pub on: Happening,
    /// On which node (for messages: at the receiver of a delivery, the sender of a sending); any if not given.
    pub node: Option<NodeId>,
    /// The how-manieth time, from 1.
    pub nth: u32,
}

/// What a trigger waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A message of this kind was sent.
    Sent(String),
    /// A message of this kind was delivered.
    Delivered(String),
    /// A file was written.
    Wrote(String),
    /// A sync completed.
    Synced,
    /// A *sometimes* mark was set.
    Marked(String),
    /// A node crashed.
    Crashed,
    /// A node started again.
    Restarted,
}

impl Fault {
    /// The names of all kinds of fault, as they are written and counted.
    pub const KINDS: &'static [&'static str] =
        &["Partition", "Heal", "Crash", "Restart", "Pause", "Resume", "Lose", "Duplicate", "Delay", "StallDisk", "Destroy"];

    /// Which of [`Self::KINDS`] it is; nothing for a choice.
    pub fn kind(&self) -> Option<usize> {
        match self {
            Self::Partition { .. } => Some(0),
            Self::Heal => Some(1),
            Self::Crash { .. } => Some(2),
            Self::Restart { .. } => Some(3),
            Self::Pause { .. } => Some(4),
            Self::Resume { .. } => Some(5),
            Self::Lose { .. } => Some(6),
            Self::Duplicate { .. } => Some(7),
            Self::Delay { .. } => Some(8),
            Self::StallDisk { .. } => Some(9),
            Self::Destroy { .. } => Some(10),
            Self::OneOf(_) => None,
        }
    }

    /// Whether it is, or may turn out to be, a crash.
    pub fn may_crash(&self) -> bool {
        match self {
            Self::OneOf(faults) => faults.iter().any(Self::may_crash),
            fault => matches!(fault, Self::Crash { .. } | Self::Destroy { .. }),
        }
    }

    /// Whom it strikes, if it strikes nodes.
    pub fn targets(&self) -> Vec<&Target> {
        match self {
            Self::Crash { node, .. }
            | Self::Restart { node }
            | Self::Pause { node, .. }
            | Self::Resume { node }
            | Self::StallDisk { node, .. }
            | Self::Destroy { node }
            | Self::Delay { node: Some(node), .. } => vec![node],
            Self::Partition { cut: Cut::Isolate(node), .. } => vec![node],
            Self::Partition { cut: Cut::OneWay { from, to }, .. } => vec![from, to],
            Self::OneOf(faults) => faults.iter().flat_map(Self::targets).collect(),
            Self::Partition { .. } | Self::Heal | Self::Lose { .. } | Self::Duplicate { .. } | Self::Delay { .. } => vec![],
        }
    }
}
