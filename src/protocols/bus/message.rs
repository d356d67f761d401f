//! What the bus, publishers and subscribers send.

use serde::{Deserialize, Serialize};

use crate::base::OperationId;
use crate::process;

/// A message on a topic, as the bus has numbered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// Which topic.
    pub topic: u64,
    /// Its key there.
    pub key: u64,
    /// Its place in the topic.
    pub offset: u64,
    /// What it says.
    pub value: i64,
    /// The id that its publisher gave it.
    pub id: OperationId,
}

/// A message of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Pass this on.
    Publish {
        /// Its id.
        id: OperationId,
        /// On which topic.
        topic: u64,
        /// Under which key.
        key: u64,
        /// What.
        value: i64,
    },
    /// It will be passed on.
    Accepted {
        /// Which.
        id: OperationId,
        /// Its place in its topic; nothing if it has none.
        offset: Option<u64>,
    },
    /// Pass on to me what comes on these topics.
    Subscribe {
        /// Which.
        topics: Vec<u64>,
    },
    /// It will be.
    Subscribed,
    /// Take this.
    Deliver(Item),
    /// It was taken.
    Taken {
        /// Of which topic.
        topic: u64,
        /// Which.
        offset: u64,
    },
    /// You are subscribed no longer.
    Disconnected,
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Publish" => "Pass this on.",
            "Accepted" => "It will be passed on.",
            "Subscribe" => "Pass on to me what comes on these topics.",
            "Subscribed" => "It will be passed on.",
            "Deliver" => "Take this.",
            "Taken" => "It was taken.",
            "Disconnected" => "You are subscribed no longer.",
            _ => "",
        }
    }
}
