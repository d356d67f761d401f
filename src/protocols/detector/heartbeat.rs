//! Detection by heartbeats that fail to come.

use std::sync::Arc;

use super::arrival::{Arrival, Arrivals};
use super::message::{Beat, Body};
use super::{Config, Detector, HeartbeatConfig, Level, Message, Note, Observers, Rules, Said, State, Style, Tick, Timer, mark};
use crate::base::{LocalTime, NodeId};
use crate::process;

/// A node that sends heartbeats to those who watch it, and watches others.
#[derive(Debug)]
pub(super) struct Heartbeats {
    config: HeartbeatConfig,
    rules: Arc<dyn Rules>,
    slot: u8,
    nodes: u32,
    me: u32,
    booted: LocalTime,
    generation: u64,
    sequence: u64,
    work: u64,
    peers: Vec<Peer>,
    changes: u64,
    /// When it last sent heartbeats: if that is too long ago, it stood still itself.
    beaten: LocalTime,
    /// Until when it suspects no other node, because it stood still itself.
    lenient: LocalTime,
}

/// One who is watched.
#[derive(Debug)]
struct Peer {
    node: NodeId,
    generation: u64,
    sequence: u64,
    work: u64,
    suspected: bool,
    arrivals: Arrivals,
}

type Context<'a> = process::Context<'a, Detector>;

impl Heartbeats {
    pub(super) fn boot(config: &Config, heartbeat: HeartbeatConfig, context: &mut Context<'_>) -> Self {
        let me = context.me().index() as u32;
        let watched = (1..=heartbeat.observers.count(config.nodes)).map(|ahead| (me + ahead) % config.nodes);
        let mut watched: Vec<NodeId> = watched.map(NodeId::server).collect();
        watched.sort_unstable();
        let now = context.now();
        let peer = |node| Peer { node, generation: 0, sequence: 0, work: 0, suspected: false, arrivals: Arrivals::new() };
        let mut heartbeats = Self {
            config: heartbeat,
            rules: Arc::clone(&config.rules),
            slot: config.slot,
            nodes: config.nodes,
            me,
            booted: now,
            // Cassandra counts generations by the clock as well: a later start reads a higher one. Zero is no node's.
            generation: now.as_nanos().wrapping_sub(i64::MIN) as u64 | 1,
            sequence: 0,
            work: 0,
            peers: watched.into_iter().map(peer).collect(),
            changes: 0,
            beaten: now,
            lenient: now,
        };
        for place in 0..heartbeats.peers.len() {
            let arrivals = &mut heartbeats.peers[place].arrivals;
            let until = arrivals.unheard(&heartbeat.level, heartbeat.interval, now, &*config.rules);
            heartbeats.watch_until(place, until, context);
        }
        heartbeats.beat(context);
        heartbeats
    }

    pub(super) fn suspects(&self, node: NodeId) -> bool {
        self.place(node).is_some_and(|place| self.peers[place].suspected)
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn work_done(&mut self, work: u64) {
        self.work = work;
    }

    pub(super) fn status(&self) -> String {
        let suspected: Vec<String> = self.peers.iter().filter(|peer| peer.suspected).map(|peer| peer.node.to_string()).collect();
        if suspected.is_empty() { "suspects nobody".to_owned() } else { format!("suspects {}", suspected.join(", ")) }
    }

    pub(super) fn tick(&mut self, tick: Tick, context: &mut Context<'_>) {
        match tick {
            Tick::Beat => self.beat(context),
            Tick::Overdue(node) => {
                if let Some(place) = self.place(node) {
                    self.overdue(place, context);
                }
            }
            _ => {}
        }
    }

    pub(super) fn hear(&mut self, from: NodeId, body: Body, context: &mut Context<'_>) {
        match body {
            Body::Query { sequence, sent } => {
                let beat = Beat { generation: self.generation, sequence, sent, work: self.work };
                self.send(from, Body::Reply(beat), context);
            }
            Body::Beat(beat) if self.config.style == Style::Push => self.sign_of_life(from, beat, None, context),
            Body::Reply(beat) if self.config.style == Style::Ping => self.sign_of_life(from, beat, Some(beat.sent), context),
            _ => {}
        }
    }

    /// Sends heartbeats to those who watch, or asks those who are watched for theirs.
    fn beat(&mut self, context: &mut Context<'_>) {
        self.notice_own_pause(context.now());
        self.sequence += 1;
        let (sequence, sent) = (self.sequence, context.now());
        match self.config.style {
            Style::Push => {
                let beat = Beat { generation: self.generation, sequence, sent, work: self.work };
                for behind in 1..=self.config.observers.count(self.nodes) {
                    let watcher = NodeId::server((self.me + self.nodes - behind) % self.nodes);
                    for _ in 0..self.rules.copies() {
                        self.send(watcher, Body::Beat(beat), context);
                    }
                }
            }
            Style::Ping => {
                for peer in &self.peers {
                    self.send(peer.node, Body::Query { sequence, sent }, context);
                }
            }
        }
        context.set_timer(Timer { slot: self.slot, tick: Tick::Beat }, self.config.interval);
    }

    fn sign_of_life(&mut self, from: NodeId, beat: Beat, asked: Option<LocalTime>, context: &mut Context<'_>) {
        let Some(place) = self.place(from) else { return };
        let HeartbeatConfig { level, watch, interval, .. } = self.config;
        // The answer to a question of a former life is numbered by that one, and would hide those to the questions of this.
        if asked.is_some_and(|asked| asked < self.booted) {
            return context.sometimes(mark::OLD_BEAT);
        }
        let peer = &mut self.peers[place];
        if !self.rules.is_news((beat.generation, beat.sequence), (peer.generation, peer.sequence)) {
            return context.sometimes(mark::OLD_BEAT);
        }
        let first = peer.generation != beat.generation;
        let worked = if first { 0 } else { peer.work };
        (peer.generation, peer.sequence, peer.work) = (beat.generation, beat.sequence, beat.work);
        if !self.rules.is_life(watch, beat.work, worked) {
            return context.sometimes(mark::WORK_STALLED);
        }
        let arrival = Arrival {
            at: self.rules.came(context.now(), beat.sent),
            asked,
            sent: asked.is_none().then_some(beat.sent),
            sequence: beat.sequence,
            interval,
            suspected: peer.suspected,
            first,
        };
        let until = peer.arrivals.arrive(&level, arrival, &*self.rules);
        match until {
            Some(until) if until > context.now() => self.hold(place, false, context),
            Some(_) => self.hold(place, true, context),
            // Still too many were missed of the last ones: the next one is due all the same.
            None => {
                let timeout = if let Level::Timeout { timeout, .. } = level { timeout } else { interval };
                // One that is asked for comes no sooner than it is asked for.
                let next = asked.map_or(context.now(), |asked| asked + interval) + timeout;
                return self.watch_until(place, Some(next), context);
            }
        }
        self.watch_until(place, until.filter(|until| *until > context.now()), context);
    }

    fn overdue(&mut self, place: usize, context: &mut Context<'_>) {
        self.notice_own_pause(context.now());
        let now = context.now();
        if now < self.lenient {
            context.sometimes(mark::LENIENT);
            return self.watch_until(place, Some(self.lenient), context);
        }
        let (suspected, next) = self.peers[place].arrivals.overdue(&self.config.level, self.config.interval, now);
        self.hold(place, suspected, context);
        self.watch_until(place, next, context);
    }

    /// One who stood still has missed what others sent, and must not blame them for it.
    fn notice_own_pause(&mut self, now: LocalTime) {
        if let Level::Phi(phi) = self.config.level
            && let Some(most) = phi.local_pause_max
            && now.since(self.beaten) > most + self.config.interval
        {
            self.lenient = now + most;
        }
        self.beaten = now;
    }

    fn hold(&mut self, place: usize, suspected: bool, context: &mut Context<'_>) {
        let peer = &mut self.peers[place];
        if peer.suspected == suspected {
            return;
        }
        peer.suspected = suspected;
        self.changes += 1;
        context.sometimes(if suspected { mark::SUSPECTED } else { mark::TRUSTED_AGAIN });
        let state = if suspected { State::Dead } else { State::Alive };
        context.note(Note { slot: self.slot, said: Said::Holds { member: peer.node, state, incarnation: 0 } });
    }

    fn watch_until(&self, place: usize, until: Option<LocalTime>, context: &mut Context<'_>) {
        let timer = Timer { slot: self.slot, tick: Tick::Overdue(self.peers[place].node) };
        match until {
            Some(until) => context.set_timer(timer, until.since(context.now())),
            None => context.cancel_timer(timer),
        }
    }

    /// The place of one who is watched.
    fn place(&self, node: NodeId) -> Option<usize> {
        if self.config.observers == Observers::All {
            let index = node.index();
            let place = index.checked_sub(usize::from(index > self.me as usize))?;
            return self.peers.get(place).is_some_and(|peer| peer.node == node).then_some(place);
        }
        self.peers.binary_search_by_key(&node, |peer| peer.node).ok()
    }

    fn send(&self, to: NodeId, body: Body, context: &mut Context<'_>) {
        context.send(to, Message { slot: self.slot, body });
    }
}
