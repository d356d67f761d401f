//! A server of a registry among nodes that speak of other things, too.

use std::fmt::{self, Debug};

use serde::Serialize;

use super::Message;
use crate::base::NodeId;
use crate::process::{Claim, Context, Embeds, Files, Mark, Process, Role, SyncToken};
use crate::protocols::registry::{self, Config, Note, Server};

/// A server of the registry that keeps locks.
#[derive(Debug)]
pub struct Seat(Server);

/// A timer of such a server. It is shown as if the server stood alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SeatTimer(registry::Timer);

impl Debug for SeatTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Seat {
    /// The server.
    pub fn server(&self) -> &Server {
        &self.0
    }
}

impl Embeds<Server> for Seat {
    const SCOPE: &'static str = "registry";

    fn wrap_message(message: registry::Message) -> Message {
        Message::Registry(message)
    }

    fn wrap_timer(timer: registry::Timer) -> SeatTimer {
        SeatTimer(timer)
    }

    fn wrap_note(note: Note) -> Option<Note> {
        Some(note)
    }
}

impl Process for Seat {
    type Config = Config;
    type Message = Message;
    type Timer = SeatTimer;
    type Note = Note;

    const ROLES: &'static [Role] = Server::ROLES;
    const MARKS: &'static [Mark] = Server::MARKS;

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        Self(Self::boot_inner(config, disk, context))
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        if let Message::Registry(message) = message {
            context.embed(|context| self.0.on_message(from, message, context));
        }
    }

    fn on_timer(&mut self, SeatTimer(timer): SeatTimer, context: &mut Context<'_, Self>) {
        context.embed(|context| self.0.on_timer(timer, context));
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        context.embed(|context| self.0.on_synced(token, context));
    }

    fn role(&self) -> Option<Claim> {
        self.0.role()
    }

    fn status(&self) -> String {
        self.0.status()
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        self.0.inspect()
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        Self::read_inner_records(file, bytes)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        Self::read_inner_disk(disk)
    }
}
