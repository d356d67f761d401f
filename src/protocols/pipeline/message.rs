//! What the coordinator and subtasks send.

use serde::{Deserialize, Serialize};

use super::event::Element;
use crate::process;

/// A message of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A subtask has started, and does nothing until it is restored.
    Hello {
        /// How often it has started.
        life: u64,
    },
    /// Who are you?
    Who,
    /// Go back to a checkpoint, or let those go back that you feed.
    Restore {
        /// The number of the attempt to run the pipeline.
        attempt: u64,
        /// Which life of the receiver is meant.
        life: u64,
        /// Which checkpoint; 0 is the beginning.
        checkpoint: u64,
        /// The places of the stages that go back.
        region: Vec<usize>,
    },
    /// It is as it was.
    Restored {
        /// In which attempt.
        attempt: u64,
    },
    /// Take a checkpoint; or, of one who is no source: have you?
    Trigger {
        /// In which attempt.
        attempt: u64,
        /// Which.
        checkpoint: u64,
        /// The last one that is complete.
        completed: u64,
    },
    /// What belongs to a checkpoint is on disk.
    Acknowledge {
        /// In which attempt.
        attempt: u64,
        /// Which.
        checkpoint: u64,
        /// Whether nothing more is to come of what came before it.
        is_drained: bool,
    },
    /// A checkpoint is complete.
    Complete {
        /// Which.
        checkpoint: u64,
    },
    /// What was to be done for that is done.
    Noticed {
        /// Which.
        checkpoint: u64,
    },
    /// What comes through a channel.
    Data {
        /// Which edge of the graph.
        edge: u16,
        /// In which epoch of the channel.
        epoch: u64,
        /// The number of the message in the epoch, from 0.
        seq: u64,
        /// What.
        elements: Vec<Element>,
    },
    /// How far have you come?
    Probe {
        /// Which edge of the graph.
        edge: u16,
        /// In which epoch of the channel.
        epoch: u64,
    },
    /// So far.
    Ack {
        /// Which edge of the graph.
        edge: u16,
        /// In which epoch of the channel.
        epoch: u64,
        /// The message that comes next.
        next: u64,
        /// How many events may be sent in this epoch.
        limit: u64,
    },
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Hello" => "A subtask has started, and does nothing until it is restored.",
            "Who" => "The coordinator asks a subtask which life it is in.",
            "Restore" => "The coordinator asks a subtask to go back to a checkpoint, or to let those go back that it feeds.",
            "Restored" => "A subtask is as it was at a checkpoint.",
            "Trigger" => "The coordinator asks a source to take a checkpoint, and any other subtask whether it has.",
            "Acknowledge" => "What belongs to a checkpoint is on disk.",
            "Complete" => "A checkpoint is complete.",
            "Noticed" => "What was to be done for a complete checkpoint is done.",
            "Data" => "Events, watermarks and barriers that come through a channel.",
            "Probe" => "The sender of a channel asks how far its receiver has come.",
            "Ack" => "How far it has come, and how many events may be sent.",
            _ => "",
        }
    }
}
