//! SWIM with Lifeguard, after memberlist (`state.go`).
//!
//! A node keeps an entry for those members only about whom there is anything to say: who is not there lives, in incarnation 0.

mod order;
mod queue;
mod suspicion;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::Body;
use super::{Config, Detector, Message, Note, Rules, Said, State, SwimConfig, Tick, Timer, Update, mark};
use crate::base::{Duration, LocalTime, NodeId, RunKey, SortedMap, scale};
use crate::process;
use queue::Queue;
use suspicion::Suspicion;

/// A member of the group, which probes the others and hears of them.
#[derive(Debug)]
pub(super) struct Swim {
    config: SwimConfig,
    rules: Arc<dyn Rules>,
    slot: u8,
    nodes: u32,
    me: NodeId,
    incarnation: u32,
    /// Of all who are not plainly alive in incarnation 0.
    members: BTreeMap<u32, Member>,
    dead: u32,
    suspicions: SortedMap<u32, Suspicion>,
    queue: Queue,
    gossiping: bool,
    /// Whether another member has told what it knows since this node started.
    joined: bool,
    probe: Option<Probe>,
    sequence: u32,
    relays: SortedMap<u32, Relay>,
    round: u64,
    place: u32,
    /// Lifeguard's local health: 0 is good.
    health: u32,
    key: RunKey,
    draws: u64,
    changes: u64,
    /// How many updates a message carries, and how often each is passed on.
    updates_most: usize,
    transmissions: u32,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    state: State,
    incarnation: u32,
    since: LocalTime,
}

/// The probe under way.
#[derive(Debug)]
struct Probe {
    target: NodeId,
    sequence: u32,
    answered: bool,
    /// How many were asked to probe in this node's stead, and how many of them reported that they could not.
    asked: u32,
    nacks: u32,
}

/// A probe for another.
#[derive(Debug)]
struct Relay {
    origin: NodeId,
    sequence: u32,
}

type Context<'a> = process::Context<'a, Detector>;

/// About how many bytes an update takes on the wire, and a message besides its updates.
const UPDATE_BYTES: u32 = 12;
const HEADER_BYTES: u32 = 16;

impl Swim {
    pub(super) fn boot(config: &Config, swim: SwimConfig, context: &mut Context<'_>) -> Self {
        // One draw, whatever else the node draws: its probes are the same in any group.
        let key = RunKey::from_seed(context.random().word());
        let limit = swim.retransmit_limit(config.nodes);
        let mut machine = Self {
            config: swim,
            rules: Arc::clone(&config.rules),
            slot: config.slot,
            nodes: config.nodes,
            me: context.me(),
            incarnation: 0,
            members: BTreeMap::new(),
            dead: 0,
            suspicions: SortedMap::new(),
            queue: Queue::default(),
            gossiping: false,
            joined: false,
            probe: None,
            sequence: 0,
            relays: SortedMap::new(),
            round: 0,
            place: 0,
            health: 0,
            key,
            draws: 0,
            changes: 0,
            updates_most: (swim.packet.saturating_sub(HEADER_BYTES) / UPDATE_BYTES).max(1) as usize,
            transmissions: config.rules.transmissions(limit),
        };
        // The first probe comes at a time of each node's own, so that probes spread over the period.
        let phase = Duration::from_nanos(scale(machine.word(), swim.probe_interval.as_nanos()));
        machine.set(Tick::Probe, phase, context);
        machine.join(context);
        if !swim.push_pull_interval.is_zero() {
            let phase = Duration::from_nanos(scale(machine.word(), machine.push_pull_interval().as_nanos()));
            machine.set(Tick::PushPull, phase, context);
        }
        if !swim.reconnect_interval.is_zero() {
            let phase = Duration::from_nanos(scale(machine.word(), swim.reconnect_interval.as_nanos()));
            machine.set(Tick::Reconnect, phase, context);
        }
        machine
    }

    pub(super) fn suspects(&self, node: NodeId) -> bool {
        self.held(node).state == State::Dead
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn status(&self) -> String {
        let suspect = self.suspicions.len();
        format!("incarnation {}, {suspect} suspect, {} dead, health {}", self.incarnation, self.dead, self.health)
    }

    pub(super) fn tick(&mut self, tick: Tick, context: &mut Context<'_>) {
        match tick {
            Tick::Probe => self.next_probe(context),
            Tick::ProbeTimeout => self.go_indirect(context),
            Tick::Relay(number) => {
                if let Some(relay) = self.relays.remove(&number)
                    && self.config.awareness_max_multiplier > 1
                {
                    self.send(relay.origin, Body::Nack { sequence: relay.sequence }, context);
                }
            }
            Tick::Suspicion(node) => self.suspicion_over(node, context),
            Tick::Gossip => self.gossip(context),
            Tick::PushPull => self.push_pull(context),
            Tick::Join => self.join(context),
            Tick::Reconnect => self.reconnect(context),
            Tick::Beat | Tick::Overdue(_) => {}
        }
    }

    pub(super) fn hear(&mut self, from: NodeId, body: Body, context: &mut Context<'_>) {
        match body {
            Body::Ping { sequence, updates } => {
                self.learn(updates, context);
                let updates = self.news_for(from);
                self.send(from, Body::Ack { sequence, updates }, context);
            }
            Body::PingRequest { sequence, target, updates } => {
                self.learn(updates, context);
                let own = self.next_sequence();
                self.relays.insert(own, Relay { origin: from, sequence });
                let updates = self.news_for(target);
                self.send(target, Body::Ping { sequence: own, updates }, context);
                self.set(Tick::Relay(own), self.config.probe_timeout, context);
            }
            Body::Ack { sequence, updates } => {
                self.learn(updates, context);
                self.answered(sequence, context);
            }
            Body::Nack { sequence } => {
                if let Some(probe) = self.probe.as_mut().filter(|probe| probe.sequence == sequence && probe.nacks < probe.asked) {
                    probe.nacks += 1;
                    context.sometimes(mark::NACKED);
                }
            }
            Body::Gossip { updates } => self.learn(updates, context),
            Body::State { asks, updates } => {
                self.joined = true;
                // Another member's dead are merely suspect here: a member that is alive may still say so (memberlist, `mergeState`).
                let doubted =
                    |update: Update| if update.state == State::Dead { Update { state: State::Suspect, ..update } } else { update };
                self.learn(updates.into_iter().map(|update| Update { from, ..doubted(update) }).collect(), context);
                if asks {
                    self.tell_all(from, false, context);
                }
            }
            Body::Beat(_) | Body::Query { .. } | Body::Reply(_) => {}
        }
    }

    // Probing.

    fn next_probe(&mut self, context: &mut Context<'_>) {
        if let Some(probe) = self.probe.take().filter(|probe| !probe.answered) {
            // Lifeguard: a member that hears not even from those it asked for help had better doubt itself.
            let missing = if probe.asked > 0 && self.config.awareness_max_multiplier > 1 { probe.asked - probe.nacks } else { 1 };
            self.feel(missing as i32);
            self.accuse(probe.target, context);
        }
        let interval = self.at_my_health(self.config.probe_interval, context);
        self.set(Tick::Probe, interval, context);
        let Some(target) = self.next_target() else { return };
        let sequence = self.next_sequence();
        self.probe = Some(Probe { target, sequence, answered: false, asked: 0, nacks: 0 });
        let updates = self.news_for(target);
        self.send(target, Body::Ping { sequence, updates }, context);
        let timeout = self.config.probe_timeout * u64::from(self.health + 1);
        self.set(Tick::ProbeTimeout, timeout, context);
    }

    /// The next member in the order of this round who is not dead.
    fn next_target(&mut self) -> Option<NodeId> {
        let length = self.rules.round_length(self.nodes);
        for _ in 0..self.nodes {
            if self.place >= length {
                self.place = 0;
                self.round += 1;
            }
            let node = NodeId::server(order::at(self.key, self.round, self.place, length));
            self.place += 1;
            if node != self.me && self.held(node).state != State::Dead {
                return Some(node);
            }
        }
        None
    }

    /// The probe was not answered in time: others may reach its target.
    fn go_indirect(&mut self, context: &mut Context<'_>) {
        let Some(target) = self.probe.as_ref().filter(|probe| !probe.answered).map(|probe| probe.target) else { return };
        if self.rules.suspects_at_once() {
            return self.accuse(target, context);
        }
        let helpers = self.some_members(self.config.indirect_checks, target, false, context.now());
        context.sometimes(mark::INDIRECT);
        let sequence = self.probe.as_ref().map_or(0, |probe| probe.sequence);
        for helper in &helpers {
            let updates = self.news_for(*helper);
            self.send(*helper, Body::PingRequest { sequence, target, updates }, context);
        }
        if let Some(probe) = &mut self.probe {
            probe.asked = helpers.len() as u32;
        }
    }

    fn answered(&mut self, sequence: u32, context: &mut Context<'_>) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.sequence == sequence) {
            if !probe.answered {
                probe.answered = true;
                if probe.asked > 0 {
                    context.sometimes(mark::RELAYED);
                }
                self.feel(-1);
                context.cancel_timer(self.timer(Tick::ProbeTimeout));
            }
        } else if let Some(relay) = self.relays.remove(&sequence) {
            context.cancel_timer(self.timer(Tick::Relay(sequence)));
            let updates = self.news_for(relay.origin);
            self.send(relay.origin, Body::Ack { sequence: relay.sequence, updates }, context);
        }
    }

    fn accuse(&mut self, target: NodeId, context: &mut Context<'_>) {
        let update = Update { member: target, state: State::Suspect, incarnation: self.held(target).incarnation, from: self.me };
        self.hear_of(update, context);
    }

    // Local health (Lifeguard §IV-A).

    fn feel(&mut self, change: i32) {
        let worst = self.config.awareness_max_multiplier.saturating_sub(1);
        self.health = self.health.saturating_add_signed(change).min(worst);
    }

    fn at_my_health(&self, length: Duration, context: &mut Context<'_>) -> Duration {
        if self.health > 0 {
            context.sometimes(mark::UNHEALTHY);
        }
        length * u64::from(self.health + 1)
    }

    // Membership.

    fn held(&self, node: NodeId) -> Member {
        let unsaid = Member { state: State::Alive, incarnation: 0, since: LocalTime::default() };
        self.members.get(&node.raw()).copied().unwrap_or(unsaid)
    }

    fn learn(&mut self, updates: Vec<Update>, context: &mut Context<'_>) {
        for update in updates {
            self.hear_of(update, context);
        }
    }

    fn hear_of(&mut self, update: Update, context: &mut Context<'_>) {
        if update.member.is_client() || update.member.index() >= self.nodes as usize {
            return;
        }
        if update.member == self.me {
            return self.hear_of_myself(update, context);
        }
        let held = self.held(update.member);
        match update.state {
            State::Alive => {
                if self.rules.alive_overrides(update.incarnation, held.state, held.incarnation) {
                    self.hold(update, context);
                } else if held.state == State::Dead {
                    context.sometimes(mark::TOMBSTONE);
                }
            }
            State::Suspect if held.state == State::Suspect && update.incarnation >= held.incarnation => self.confirm(update, context),
            State::Suspect => {
                if self.rules.suspect_overrides(update.incarnation, held.state, held.incarnation) {
                    self.hold(update, context);
                }
            }
            State::Dead => {
                if self.rules.dead_overrides(update.incarnation, held.state, held.incarnation) {
                    self.hold(update, context);
                }
            }
        }
    }

    /// Another member says that this node has failed, or speaks of an earlier start of it: it says that it lives, louder.
    fn hear_of_myself(&mut self, update: Update, context: &mut Context<'_>) {
        let accused = update.state != State::Alive && update.incarnation >= self.incarnation;
        if !accused && update.incarnation <= self.incarnation {
            return;
        }
        let Some(incarnation) = self.rules.refutation(self.incarnation, update.incarnation) else { return };
        self.incarnation = incarnation;
        self.feel(1);
        context.sometimes(mark::REFUTED);
        context.note(Note { slot: self.slot, said: Said::Refutes { incarnation } });
        self.spread(Update { member: self.me, state: State::Alive, incarnation, from: self.me }, context);
    }

    /// Another accuses whom this node suspects already.
    fn confirm(&mut self, update: Update, context: &mut Context<'_>) {
        let Some(suspicion) = self.suspicions.get_mut(&update.member.raw()) else { return };
        if suspicion.confirm(update.from, &*self.rules) {
            let left = suspicion.left(context.now());
            context.sometimes(mark::CONFIRMED);
            self.set(Tick::Suspicion(update.member), left, context);
            self.spread(update, context);
        }
    }

    fn suspicion_over(&mut self, node: NodeId, context: &mut Context<'_>) {
        let held = self.held(node);
        self.suspicions.remove(&node.raw());
        if self.rules.confirms(held.state) {
            context.sometimes(mark::DECLARED);
            self.hold(Update { member: node, state: State::Dead, incarnation: held.incarnation, from: self.me }, context);
        }
    }

    /// Takes over what is said of a member, and passes it on.
    fn hold(&mut self, update: Update, context: &mut Context<'_>) {
        let Update { member, state, incarnation, .. } = update;
        let before = self.held(member).state;
        // Without suspicion, a member that does not answer is dead.
        let state = if state == State::Suspect && self.config.suspicion_mult == 0 { State::Dead } else { state };
        match (before, state) {
            (State::Dead, State::Dead) => {}
            (State::Dead, _) => {
                self.dead -= 1;
                context.sometimes(mark::CAME_BACK);
            }
            (_, State::Dead) => self.dead += 1,
            _ => {}
        }
        if (before == State::Dead) != (state == State::Dead) {
            self.changes += 1;
        }
        let forgotten = state == State::Dead && !self.rules.keeps_tombstone();
        if forgotten {
            self.dead -= 1;
            self.members.remove(&member.raw());
        } else {
            self.members.insert(member.raw(), Member { state, incarnation, since: context.now() });
        }
        if before != state || state == State::Alive {
            context.note(Note { slot: self.slot, said: Said::Holds { member, state, incarnation } });
        }
        if state == State::Suspect {
            context.sometimes(mark::DOUBTED);
            self.suspect(update, context);
        } else if self.rules.cancels_suspicion() && self.suspicions.remove(&member.raw()).is_some() {
            context.cancel_timer(self.timer(Tick::Suspicion(member)));
        }
        self.spread(Update { state, ..update }, context);
    }

    fn suspect(&mut self, update: Update, context: &mut Context<'_>) {
        let (shortest, longest) = (self.config.suspicion_min(self.nodes), self.config.suspicion_max(self.nodes));
        // Confirmations that cannot come are not waited for (memberlist, `suspectNode`).
        let wanted = self.config.suspicion_mult.saturating_sub(2);
        let wanted = if self.nodes.saturating_sub(2) < wanted { 0 } else { wanted };
        let suspicion = Suspicion::new(context.now(), update.from, shortest, longest, wanted);
        self.set(Tick::Suspicion(update.member), suspicion.length(), context);
        self.suspicions.insert(update.member.raw(), suspicion);
    }

    // Passing on.

    fn spread(&mut self, update: Update, context: &mut Context<'_>) {
        self.queue.put(update);
        if self.config.gossip_nodes > 0 && !self.gossiping {
            self.gossiping = true;
            self.set(Tick::Gossip, self.config.gossip_interval, context);
        }
    }

    /// What to tell a member: first of all that it is held to have failed, if it is (Lifeguard §IV-C), then what is new.
    fn news_for(&mut self, to: NodeId) -> Vec<Update> {
        let held = if self.config.buddy && !self.members.is_empty() { self.held(to) } else { return self.news() };
        if held.state == State::Alive {
            return self.news();
        }
        let mut updates = vec![Update { member: to, state: held.state, incarnation: held.incarnation, from: self.me }];
        updates.extend(self.news());
        updates
    }

    fn news(&mut self) -> Vec<Update> {
        self.queue.take(self.updates_most, self.transmissions)
    }

    fn gossip(&mut self, context: &mut Context<'_>) {
        self.gossiping = false;
        for to in self.some_members(self.config.gossip_nodes, self.me, true, context.now()) {
            let updates = self.news();
            if updates.is_empty() {
                break;
            }
            self.send(to, Body::Gossip { updates }, context);
        }
        if !self.queue.is_empty() {
            self.gossiping = true;
            self.set(Tick::Gossip, self.config.gossip_interval, context);
        }
    }

    /// Asks another member for all that it knows, until one has answered.
    fn join(&mut self, context: &mut Context<'_>) {
        if self.joined || self.nodes < 2 {
            return;
        }
        if let Some(to) = self.some_members(1, self.me, false, context.now()).first() {
            self.tell_all(*to, true, context);
        }
        self.set(Tick::Join, self.config.probe_interval, context);
    }

    fn push_pull(&mut self, context: &mut Context<'_>) {
        if let Some(to) = self.some_members(1, self.me, false, context.now()).first() {
            self.tell_all(*to, true, context);
        }
        self.set(Tick::PushPull, self.push_pull_interval(), context);
    }

    /// Beyond 32 members once as often for each doubling (memberlist, `pushPullScale`).
    fn push_pull_interval(&self) -> Duration {
        let doublings = if self.nodes <= 32 { 0 } else { (self.nodes - 1).ilog2() + 1 - 5 };
        self.config.push_pull_interval * u64::from(doublings + 1)
    }

    /// Tries a dead member, the more likely the larger the part of the members that is dead (Serf, `reconnect`).
    fn reconnect(&mut self, context: &mut Context<'_>) {
        self.set(Tick::Reconnect, self.config.reconnect_interval, context);
        let living = u64::from(self.nodes - self.dead);
        if self.dead == 0 || scale(self.word(), living.max(1)) >= u64::from(self.dead) {
            return;
        }
        let nth = scale(self.word(), u64::from(self.dead)) as usize;
        let dead = self.members.iter().filter(|(_, member)| member.state == State::Dead).nth(nth);
        if let Some((&raw, _)) = dead {
            self.tell_all(NodeId::server(raw), true, context);
        }
    }

    fn tell_all(&mut self, to: NodeId, asks: bool, context: &mut Context<'_>) {
        let known = self.members.iter().map(|(&raw, member)| Update {
            member: NodeId::server(raw),
            state: member.state,
            incarnation: member.incarnation,
            from: self.me,
        });
        let own = Update { member: self.me, state: State::Alive, incarnation: self.incarnation, from: self.me };
        let updates = known.chain((self.incarnation > 0).then_some(own)).collect();
        self.send(to, Body::State { asks, updates }, context);
    }

    // Small things.

    /// Up to so many others, each at most once: alive ones; for gossip also suspect ones, and those dead for a short while.
    fn some_members(&mut self, count: u32, besides: NodeId, gossip: bool, now: LocalTime) -> Vec<NodeId> {
        let mut chosen = Vec::new();
        // memberlist, `kRandomNodes`: so many attempts, and who has not been found by then is not.
        for _ in 0..3 * self.nodes.min(64) {
            if chosen.len() >= count as usize {
                break;
            }
            let node = NodeId::server(scale(self.word(), u64::from(self.nodes)) as u32);
            let held = self.held(node);
            let fits = match held.state {
                State::Alive => true,
                State::Suspect => gossip,
                State::Dead => gossip && now.since(held.since) <= self.config.gossip_to_the_dead,
            };
            if fits && node != self.me && node != besides && !chosen.contains(&node) {
                chosen.push(node);
            }
        }
        chosen
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn word(&mut self) -> u64 {
        self.draws += 1;
        self.key.word(u64::MAX, self.draws)
    }

    fn timer(&self, tick: Tick) -> Timer {
        Timer { slot: self.slot, tick }
    }

    fn set(&self, tick: Tick, after: Duration, context: &mut Context<'_>) {
        context.set_timer(self.timer(tick), after);
    }

    fn send(&self, to: NodeId, body: Body, context: &mut Context<'_>) {
        context.send(to, Message { slot: self.slot, body });
    }
}
