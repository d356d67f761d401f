//! What a leader knows of its followers: who is in sync, and what is committed.

use super::{Layout, Request, Rules};
use crate::base::{LocalTime, NodeId, SortedMap};

/// What the leader of a partition keeps while it leads.
#[derive(Clone, Debug)]
pub(super) struct Leading {
    /// The replicas in sync, as the controller has said last.
    pub(super) isr: Vec<u32>,
    /// Those that the controller was asked to take to be in sync since it said so last, in any request, and when it was asked last. It
    /// heeds one of these requests at most, and that may be any.
    pub(super) asked: Option<(Vec<u32>, LocalTime)>,
    /// Its log's end when it began to lead.
    pub(super) began: u64,
    /// Since when.
    pub(super) since: LocalTime,
    /// The others that have the partition.
    pub(super) followers: SortedMap<u32, Follower>,
    /// Who is to be told when an entry is committed: its offset, and whom.
    pub(super) waiting: Vec<(u64, Waiting)>,
}

/// Who waits for an entry to be committed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    /// A client, for an answer to this request.
    Client(NodeId, Request),
    /// The coordinator of transactions: it is a marker.
    Coordinator(NodeId),
}

/// What a leader knows of a follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    /// It has all before this.
    pub(super) end: u64,
    /// In which life.
    pub(super) life: u32,
    /// When it last had all that there was.
    pub(super) caught_up: LocalTime,
    /// When it fetched last, and the log's end then.
    pub(super) fetched: (LocalTime, u64),
    /// Up to which offset it has been told of, and up to where that is committed, if it waits for more.
    pub(super) waits: bool,
}

impl Leading {
    /// It begins to lead.
    pub(super) fn new(isr: Vec<u32>, began: u64, since: LocalTime) -> Self {
        Self { isr, asked: None, began, since, followers: SortedMap::new(), waiting: Vec::new() }
    }

    /// A follower has all before this offset; the log ends there.
    pub(super) fn heard(&mut self, follower: u32, life: u32, offset: u64, end: u64, now: LocalTime) {
        let fresh = Follower { end: 0, life, caught_up: self.since, fetched: (self.since, u64::MAX), waits: false };
        let known = self.followers.entry(follower).or_insert(fresh);
        if offset >= end {
            known.caught_up = now;
        } else if offset >= known.fetched.1 {
            known.caught_up = known.fetched.0;
        }
        (known.end, known.life, known.fetched) = (offset, life, (now, end));
    }

    /// Up to where all have the log that are in sync, or may be: of this broker, whose own log counts up to there.
    pub(super) fn committed(&self, me: u32, own: u64, layout: &Layout, rules: &dyn Rules) -> Option<u64> {
        if !rules.commits_with(self.isr.len() >= layout.min_insync as usize) {
            return None;
        }
        let asked = self.asked.as_ref().map_or(&[][..], |(asked, _)| asked);
        let confirmed = self.isr.iter().filter(|broker| self.asked.is_none() || rules.waits_for_the_controller() || asked.contains(broker));
        let hoped = asked.iter().filter(|_| rules.counts_the_asked());
        confirmed.chain(hoped).map(|broker| if *broker == me { own } else { self.followers.get(broker).map_or(0, |known| known.end) }).min()
    }

    /// It asks the controller to take these to be in sync.
    pub(super) fn ask(&mut self, wanted: Vec<u32>, now: LocalTime, rules: &dyn Rules) {
        let mut asked = self.asked.take().map(|(asked, _)| asked).filter(|_| rules.remembers_what_it_asked()).unwrap_or_default();
        asked.extend(wanted);
        asked.sort_unstable();
        asked.dedup();
        self.asked = Some((asked, now));
    }

    /// The replicas that should be in sync by now, and in which life each has been heard; nothing if that is as it is, and no request is
    /// under way by which it might become otherwise.
    pub(super) fn should_be_in_sync(
        &self,
        me: (u32, u32),
        high: u64,
        now: LocalTime,
        layout: &Layout,
        rules: &dyn Rules,
    ) -> Option<Vec<(u32, u32)>> {
        let fresh = |broker: u32| {
            let caught_up = self.followers.get(&broker).map_or(self.since, |known| known.caught_up);
            now <= caught_up + layout.lag
        };
        let joins = |broker: u32, known: &Follower| rules.may_join(fresh(broker) && known.end >= high.max(self.began));
        let stays = self.isr.contains(&me.0) && self.isr.iter().all(|broker| *broker == me.0 || fresh(*broker));
        if stays && !self.followers.iter().any(|(broker, known)| !self.isr.contains(broker) && joins(*broker, known)) {
            return None;
        }
        let mut wanted = vec![me];
        for broker in self.isr.iter().copied().filter(|broker| *broker != me.0 && fresh(*broker)) {
            // One that was never heard keeps the place that it had.
            wanted.push((broker, self.followers.get(&broker).map_or(u32::MAX, |known| known.life)));
        }
        for (broker, known) in &self.followers {
            if !self.isr.contains(broker) && joins(*broker, known) {
                wanted.push((*broker, known.life));
            }
        }
        wanted.sort_unstable();
        let mut isr = self.isr.clone();
        isr.sort_unstable();
        (self.asked.is_some() || !wanted.iter().map(|(broker, _)| *broker).eq(isr)).then_some(wanted)
    }
}
