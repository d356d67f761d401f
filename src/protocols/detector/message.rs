//! What detectors send each other.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::base::{Kind, LocalTime, NodeId};
use crate::process;

/// A message of one of the detectors that a node carries.
///
/// Detectors of different slots never share a kind of message, so that the fate of one's messages does not depend on what another sends: a
/// detector fares the same alone and in a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which of the node's detectors speaks, and is spoken to.
    pub slot: u8,
    /// What it says.
    pub body: Body,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_in_slot(&self.body, self.slot, f)
    }
}

/// Prints what belongs to one of the detectors of a node: of the second and those after it, which one, `Beat/2`.
pub(super) fn fmt_in_slot(inner: &dyn fmt::Debug, slot: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    inner.fmt(f)?;
    if slot == 0 { Ok(()) } else { write!(f, "/{}", slot + 1) }
}

/// What a detector says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// I live: a heartbeat that was not asked for.
    Beat(Beat),
    /// Do you live?
    Query {
        /// The asker's n-th question, counted from 1.
        sequence: u64,
        /// When it was asked, by the asker's clock.
        sent: LocalTime,
    },
    /// I live: a heartbeat that was asked for. Sequence and time are those of the question.
    Reply(Beat),
    /// SWIM: do you live?
    Ping {
        /// The asker's n-th probe, counted from 1.
        sequence: u32,
        /// What it has heard.
        updates: Vec<Update>,
    },
    /// SWIM: the probe was answered.
    Ack {
        /// Which probe of the one who is told.
        sequence: u32,
        /// What the answerer has heard.
        updates: Vec<Update>,
    },
    /// SWIM: probe a member in the sender's stead.
    PingRequest {
        /// Which probe of the asker.
        sequence: u32,
        /// Whom.
        target: NodeId,
        /// What the asker has heard.
        updates: Vec<Update>,
    },
    /// Lifeguard: whom you wanted probed does not answer me either, but I do.
    Nack {
        /// Which probe of the one who is told.
        sequence: u32,
    },
    /// SWIM: what I have heard.
    Gossip {
        /// That.
        updates: Vec<Update>,
    },
    /// SWIM: all that I know of members about whom there is anything to tell.
    State {
        /// Whether the same is asked for.
        asks: bool,
        /// That.
        updates: Vec<Update>,
    },
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When the sender started, by its own clock: a later start has a higher one.
    pub generation: u64,
    /// The n-th of its generation; of an answer, that of the question.
    pub sequence: u64,
    /// When it was sent, by the sender's clock; of an answer, when the question was sent, by the asker's.
    pub sent: LocalTime,
    /// How far the sender's worker has come.
    pub work: u64,
}

/// What SWIM tells of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Of whom.
    pub member: NodeId,
    /// What.
    pub state: State,
    /// Of which incarnation.
    pub incarnation: u32,
    /// Who found out; of an alive member, that member.
    pub from: NodeId,
}

/// What SWIM holds of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// It lives.
    Alive,
    /// It did not answer, and may refute that.
    Suspect,
    /// It is confirmed to have failed.
    Dead,
}

impl State {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
        }
    }
}

impl Body {
    fn index(&self) -> u16 {
        match self {
            Self::Beat(_) => 0,
            Self::Query { .. } => 1,
            Self::Reply(_) => 2,
            Self::Ping { .. } => 3,
            Self::Ack { .. } => 4,
            Self::PingRequest { .. } => 5,
            Self::Nack { .. } => 6,
            Self::Gossip { .. } => 7,
            Self::State { .. } => 8,
        }
    }
}

impl Message {
    /// How many detectors a node may carry.
    pub const SLOTS: u8 = 12;

    const NAMES: [&'static str; 9] = ["Beat", "Query", "Reply", "Ping", "Ack", "PingRequest", "Nack", "Gossip", "State"];
}

const _: () = assert!(Message::SLOTS as usize * Message::NAMES.len() < 1 << 15, "kinds are numbered, with room for those of a carrier");

/// The kinds of the first slot are named as above, those of the second `Beat/2` and so on.
impl process::Message for Message {
    #[inline]
    fn kind(&self) -> Kind {
        let index = u16::from(self.slot) * Self::NAMES.len() as u16 + self.body.index();
        Kind { index, name: Self::kinds().get(usize::from(index)).copied().unwrap_or("message") }
    }

    fn kinds() -> &'static [&'static str] {
        static KINDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
            let name = |slot: u8, name: &'static str| match slot {
                0 => name,
                slot => &*Box::leak(format!("{name}/{}", slot + 1).into_boxed_str()),
            };
            (0..Message::SLOTS).flat_map(|slot| Message::NAMES.map(|kind| name(slot, kind))).collect()
        });
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind.split('/').next().unwrap_or(kind) {
            "Beat" => "A heartbeat that was not asked for.",
            "Query" => "A detector asks a node whether it lives.",
            "Reply" => "The answer to Query: a heartbeat that was asked for.",
            "Ping" => "SWIM: a node is probed.",
            "Ack" => "SWIM: the probe was answered.",
            "PingRequest" => "SWIM: a node is asked to probe another in the sender's stead.",
            "Nack" => "Lifeguard: the member that was to be probed does not answer the sender of this either.",
            "Gossip" => "SWIM: what the sender has heard of members.",
            "State" => "SWIM: all that the sender knows of members about whom there is anything to tell.",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Message as _;

    #[test]
    fn each_slot_has_kinds_of_its_own() {
        let message = |slot| Message { slot, body: Body::Gossip { updates: vec![] } };
        assert_eq!(message(0).kind(), Kind { index: 7, name: "Gossip" });
        assert_eq!(message(2).kind(), Kind { index: 25, name: "Gossip/3" });
        assert_eq!(Message::kinds().len(), 9 * 12);
    }
}
