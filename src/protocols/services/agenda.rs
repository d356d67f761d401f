//! What is due at a process, and when: any number of alarms behind one timer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::message::{Attempt, Message};
use super::note::Note;
use crate::base::{LocalTime, OperationId};
use crate::process::{Context, Process};

/// The timers of clients and instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Timer {
    /// A request is due.
    Arrive,
    /// The own work of the job at this place is done.
    Work(u32),
    /// Something on the agenda is due.
    Wake,
    /// This request is due, which was handed.
    Due(OperationId),
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// An attempt has taken as long as it may.
    Timeout(Attempt),
    /// A call is tried again.
    Again { slot: u32, generation: u32 },
    /// It is looked whether a copy of a call goes out.
    Hedge { slot: u32, generation: u32 },
    /// A call has taken as long as it may.
    Late { slot: u32, generation: u32 },
    /// This user asks for something.
    User(u32),
    /// A compensation is tried again.
    Undo(u32),
    /// Calls of this number may be waiting for credits.
    Blocked(u16),
    /// The instances that are called here are looked up.
    LookUp(u16),
    /// An instance tells the registry that it is there.
    Register,
    /// A lease may have ended.
    Expire,
}

/// A process that has an agenda.
pub(super) trait Node: Process<Message = Message, Timer = Timer> {
    /// A note as it makes it.
    fn noted(note: Note) -> Self::Note;
}

/// Alarms in the order in which they are due; of those that are due at one time, the one that was set first comes first.
///
/// One timer stands for all of them, since a node's timers are a list, and calls are many.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    alarms: BinaryHeap<Reverse<(LocalTime, u64, Alarm)>>,
    set: u64,
    /// For when the timer is set.
    armed: Option<LocalTime>,
}

impl Agenda {
    /// Sets an alarm.
    pub(super) fn set<P: Node>(&mut self, at: LocalTime, alarm: Alarm, context: &mut Context<'_, P>) {
        self.alarms.push(Reverse((at, self.set, alarm)));
        self.set += 1;
        if self.armed.is_none_or(|armed| at < armed) {
            self.arm(at, context);
        }
    }

    /// The timer has fired: takes what is due first, if anything is.
    pub(super) fn take<P: Node>(&mut self, context: &mut Context<'_, P>) -> Option<Alarm> {
        self.armed = None;
        let Reverse((at, _, alarm)) = *self.alarms.peek()?;
        if at > context.now() {
            self.arm(at, context);
            return None;
        }
        self.alarms.pop();
        Some(alarm)
    }

    fn arm<P: Node>(&mut self, at: LocalTime, context: &mut Context<'_, P>) {
        self.armed = Some(at);
        let after = at.since(context.now());
        context.set_timer(Timer::Wake, after);
    }
}
