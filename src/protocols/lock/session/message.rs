//! What servers of a registry, workers and the resource send.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::super::access::speaks;
use super::super::{Access, Answered, AtResource, Speaks};
use crate::base::Kind;
use crate::process::{self, Message as _};
use crate::protocols::registry;

/// A message of locks over a registry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// From and to servers of the registry.
    Registry(registry::Message),
    /// To the resource: a holder does something.
    Access(Access),
    /// From it: what came of that.
    Answered(Answered),
}

/// Those of the registry come first.
static KINDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| registry::Message::kinds().iter().copied().chain(["Access", "Answered"]).collect());

impl process::Message for Message {
    fn kind(&self) -> Kind {
        let own = |place: usize, name| Kind { index: (registry::Message::kinds().len() + place) as u16, name };
        match self {
            Self::Registry(message) => message.kind(),
            Self::Access(_) => own(0, "Access"),
            Self::Answered(_) => own(1, "Answered"),
        }
    }

    fn kinds() -> &'static [&'static str] {
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "Access" => "A holder does something at the resource.",
            "Answered" => "What came of an access.",
            other => registry::Message::about(other),
        }
    }
}

speaks!(Message);
