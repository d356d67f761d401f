//! Back-pressure by credits between a caller and the instances that it calls, over links that lose messages.
//!
//! A caller numbers what it sends to an instance, and an instance knows by that what did not come: a number that was passed over is lost,
//! or late, and its place is free. Where the last ones are lost, nothing comes that would show it; so a caller whose calls wait says, now
//! and then, how far it has come ([`Message::Blocked`](super::Message::Blocked)), as a sender of QUIC does (RFC 9000, §4.1). Each side
//! may forget all in a crash: a caller begins another life then, and an instance counts from the first number that it sees.

use std::collections::VecDeque;

use super::message::{Channel, Credit};
use crate::base::{Duration, NodeId, SortedMap};
use crate::policies::credits::{CreditReceiver, CreditSender, CreditSettings};

/// How long calls wait until their caller says how far it has come.
pub(super) const BLOCKED_AFTER: Duration = Duration::from_millis(50);

/// The credits that a caller has for one of its calls, and the calls that wait for one.
pub(super) struct Credits {
    life: u32,
    /// Of each instance.
    senders: Vec<Sender>,
    /// Calls that wait: for the instance of this place, or, where any will do, all at the first.
    waiting: Vec<VecDeque<(u32, u32)>>,
    /// Whether it is to be said how far it has come.
    pub(super) is_armed: bool,
}

struct Sender {
    credits: CreditSender,
    sent: u64,
}

impl Credits {
    pub(super) fn new(settings: CreditSettings, instances: u32, life: u32) -> Self {
        let credits = CreditSender::new(&settings).expect("settings were looked at when they were read");
        let senders = (0..instances).map(|_| Sender { credits: credits.clone(), sent: 0 }).collect();
        let waiting = (0..instances).map(|_| VecDeque::new()).collect();
        Self { life, senders, waiting, is_armed: false }
    }

    /// Whether there is a credit for an instance.
    pub(super) fn has(&self, instance: u32) -> bool {
        self.senders[instance as usize].credits.left() > 0
    }

    /// Whether there is one for this instance; for any, if any will do.
    pub(super) fn has_for(&self, instance: Option<u32>) -> bool {
        instance.map_or_else(|| self.senders.iter().any(|sender| sender.credits.left() > 0), |instance| self.has(instance))
    }

    /// A credit for an instance is used, even if there is none.
    pub(super) fn take(&mut self, site: u16, instance: u32) -> Credit {
        let sender = &mut self.senders[instance as usize];
        sender.credits.try_send();
        sender.sent += 1;
        Credit { channel: Channel { site, life: self.life }, number: sender.sent }
    }

    /// A call waits for this instance, or for any.
    pub(super) fn wait(&mut self, instance: Option<u32>, slot: u32, generation: u32) {
        self.waiting[instance.unwrap_or(0) as usize].push_back((slot, generation));
    }

    /// An instance has room up to this number, if that is said of this life.
    pub(super) fn granted(&mut self, channel: Channel, instance: u32, limit: u64) {
        if channel.life == self.life {
            self.senders[instance as usize].credits.granted(limit);
        }
    }

    /// The next call that waits for this instance, if there is a credit for it; of those that any instance will do for, the next of all.
    pub(super) fn next(&mut self, instance: u32, any: bool) -> Option<(u32, u32)> {
        if !self.has(instance) {
            return None;
        }
        self.waiting[if any { 0 } else { instance as usize }].pop_front()
    }

    /// What is said of each instance that has no room while calls wait: how far this caller has come.
    pub(super) fn blocked(&self, site: u16) -> impl Iterator<Item = (u32, Channel, u64)> {
        let channel = Channel { site, life: self.life };
        let told = (0..).zip(&self.senders).filter(|(_, sender)| sender.credits.left() == 0);
        told.filter(|_| self.has_waiting()).map(move |(instance, sender)| (instance, channel, sender.sent))
    }

    /// Whether a call waits.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.is_empty())
    }
}

/// The room that an instance has for the requests of callers.
#[derive(Default)]
pub(super) struct Rooms(SortedMap<(NodeId, u16), Room>);

struct Room {
    life: u32,
    receiver: CreditReceiver,
    /// How many had been used before the first that was seen.
    before: u64,
    /// The highest number that was seen.
    highest: u64,
}

/// What became of a request that came for a credit.
pub(super) struct Taken {
    /// Whether there was room; else it is to be refused.
    pub(super) has_room: bool,
    /// How many before it are lost, or late.
    pub(super) lost: u64,
    /// The limit to tell, if there is a new one.
    pub(super) limit: Option<u64>,
    /// Whether it has a place that it leaves: one that was taken for lost has none.
    pub(super) has_place: bool,
}

impl Rooms {
    /// A request comes from this node for this credit.
    pub(super) fn takes(&mut self, settings: &CreditSettings, from: NodeId, credit: Credit, counts_lost: bool) -> Taken {
        let Credit { channel, number } = credit;
        let room = self.of(settings, from, channel, number.saturating_sub(1));
        if number <= room.highest {
            return Taken { has_room: true, lost: 0, limit: None, has_place: false };
        }
        let lost = number - room.highest - 1;
        let limit = if counts_lost { room.pass_over(lost) } else { None };
        room.highest = number;
        Taken { has_room: room.receiver.received(), lost, limit, has_place: true }
    }

    /// A caller has come so far: how many of those are lost or late, and the limit to tell.
    pub(super) fn blocked(
        &mut self,
        settings: &CreditSettings,
        from: NodeId,
        channel: Channel,
        number: u64,
        counts_lost: bool,
    ) -> (u64, u64) {
        let room = self.of(settings, from, channel, number);
        let lost = number.saturating_sub(room.highest);
        if counts_lost {
            room.pass_over(lost);
            room.highest = room.highest.max(number);
        }
        (lost, room.before + room.receiver.limit())
    }

    /// A request leaves its place: the limit to tell, if there is a new one.
    pub(super) fn left(&mut self, from: NodeId, channel: Channel) -> Option<u64> {
        let room = self.0.get_mut(&(from, channel.site)).filter(|room| room.life == channel.life)?;
        room.receiver.consumed().map(|limit| room.before + limit)
    }

    fn of(&mut self, settings: &CreditSettings, from: NodeId, channel: Channel, before: u64) -> &mut Room {
        let new = || Room {
            life: channel.life,
            receiver: CreditReceiver::new(settings).expect("settings were looked at when they were read"),
            before,
            highest: before,
        };
        let room = self.0.entry((from, channel.site)).or_insert_with(new);
        if room.life != channel.life {
            *room = new();
        }
        room
    }
}

impl Room {
    /// So many that were sent did not come: each has had its place, and has left it.
    fn pass_over(&mut self, lost: u64) -> Option<u64> {
        let mut told = None;
        for _ in 0..lost {
            self.receiver.received();
            told = self.receiver.consumed().or(told);
        }
        told.map(|limit| self.before + limit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: CreditSettings = CreditSettings { window: 4, batch: 2 };
    const CALLER: NodeId = NodeId::client(0);
    const CHANNEL: Channel = Channel { site: 0, life: 7 };

    fn limit_told(rooms: &mut Rooms, credits: &mut Credits) {
        for (instance, channel, number) in credits.blocked(0).collect::<Vec<_>>() {
            let (_, limit) = rooms.blocked(&SETTINGS, CALLER, channel, number, true);
            credits.granted(channel, instance, limit);
        }
    }

    proptest! {
        /// Whatever is lost, and whichever side forgets all in a crash: never more wait in the queue than there is room for, and where
        /// calls wait and the queue is empty, they have credits as soon as their caller has said how far it has come.
        #[test]
        fn credits_outlive_what_is_lost(steps in proptest::collection::vec((0_u8..8, any::<bool>()), 0..300)) {
            let (mut credits, mut rooms) = (Credits::new(SETTINGS, 1, 1), Rooms::default());
            let (mut queued, mut life) = (VecDeque::new(), 1);
            for (step, is_lost) in steps {
                match step {
                    0..=3 if credits.has(0) => {
                        let credit = credits.take(0, 0);
                        if !is_lost {
                            let taken = rooms.takes(&SETTINGS, CALLER, credit, true);
                            prop_assert!(taken.has_room);
                            prop_assert!(taken.has_place, "they come in order");
                            queued.push_back(credit.channel);
                            if let Some(limit) = taken.limit {
                                credits.granted(credit.channel, 0, limit);
                            }
                        }
                    }
                    4 | 5 => {
                        let Some(channel) = queued.pop_front() else { continue };
                        if let Some(limit) = rooms.left(CALLER, channel).filter(|_| !is_lost) {
                            credits.granted(channel, 0, limit);
                        }
                    }
                    6 if is_lost => {
                        // The instance crashes.
                        rooms = Rooms::default();
                        queued.clear();
                    }
                    7 if is_lost && queued.is_empty() => {
                        // The caller crashes. What it had sent has been worked on.
                        life += 1;
                        credits = Credits::new(SETTINGS, 1, life);
                    }
                    _ => {}
                }
                prop_assert!(queued.len() <= SETTINGS.window as usize);
            }
            while let Some(channel) = queued.pop_front() {
                rooms.left(CALLER, channel);
            }
            credits.wait(None, 1, 1);
            limit_told(&mut rooms, &mut credits);
            prop_assert!(credits.has(0));
            prop_assert_eq!(credits.next(0, true), Some((1, 1)));
        }
    }

    #[test]
    fn what_comes_late_has_no_place_of_its_own() {
        let mut rooms = Rooms::default();
        let mut comes = |number| rooms.takes(&SETTINGS, CALLER, Credit { channel: CHANNEL, number }, true);
        assert!(comes(1).has_place);
        let third = comes(3);
        assert_eq!((third.has_place, third.lost), (true, 1));
        let second = comes(2);
        assert_eq!((second.has_room, second.has_place, second.lost), (true, false, 0));
        assert!(!comes(3).has_place, "it has come twice");
    }
}
