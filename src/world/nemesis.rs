//! Who applies the plan of faults: when each strikes, whom it strikes, and whether it made a difference.

use std::collections::VecDeque;

use super::calls::Call;
use super::host::State;
use super::outcome::FaultCount;
use super::setup::Cluster;
use super::{Doing, What, World};
use crate::base::{Duration, DurationRange, MessageId, NodeId, RunKey, Stream, Time};
use crate::fault::{Cut, Fault, FaultPlan, FaultStep, Happening, Target, Trigger};
use crate::process::Process;
use crate::trace::Event;

/// The plan, what of it is due, and what has struck.
pub(super) struct Nemesis {
    plan: Vec<FaultStep>,
    random: Stream,
    watches: Vec<Watch>,
    /// What strikes at the end of this instant, in order.
    due: VecDeque<Due>,
    /// What has struck, with every name and length settled.
    struck: Vec<FaultStep>,
    /// For each strike, whether it made a difference.
    bitten: Vec<bool>,
    /// Whether faults may strike still.
    active: bool,
}

/// A trigger that has not gone off.
struct Watch {
    step: u32,
    trigger: Trigger,
    /// The place of the kind of message that it waits for.
    kind: Option<u16>,
    seen: u32,
    gone_off: bool,
}

/// A step that is due, and what set it off.
#[derive(Clone, Copy)]
struct Due {
    step: u32,
    cause: Option<Cause>,
}

/// What set a trigger off.
#[derive(Clone, Copy, Default)]
struct Cause {
    node: Option<NodeId>,
    message: Option<MessageId>,
}

impl Nemesis {
    pub(super) fn new(plan: FaultPlan, key: RunKey, kinds: &[&str]) -> Self {
        let place_of = |name: &str| kinds.iter().position(|kind| *kind == name).map(|place| place as u16);
        let watches = plan.steps.iter().zip(0..).filter_map(|(step, number)| {
            let FaultStep::When(trigger, _) = step else { return None };
            let kind = match &trigger.on {
                Happening::Sent(name) | Happening::Delivered(name) => place_of(name),
                _ => None,
            };
            Some(Watch { step: number, trigger: trigger.clone(), kind, seen: 0, gone_off: false })
        });
        Self {
            watches: watches.collect(),
            plan: plan.steps,
            random: key.stream("nemesis", 0),
            due: VecDeque::new(),
            struck: Vec::new(),
            bitten: Vec::new(),
            active: true,
        }
    }

    /// Whether nothing is due at the end of this instant.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty()
    }

    /// A step of the plan is due.
    pub(super) fn fall_due(&mut self, step: u32) {
        self.due.push_back(Due { step, cause: None });
    }

    /// The strike with this number made a difference.
    pub(super) fn bite(&mut self, strike: u32) {
        if let Some(bitten) = self.bitten.get_mut(strike as usize) {
            *bitten = true;
        }
    }

    /// Lets the triggers see what happened.
    #[inline]
    pub(super) fn see<C: Cluster>(&mut self, event: &Event<'_, C>) {
        if self.active && !self.watches.is_empty() {
            self.watch(*event);
        }
    }

    /// Takes the event by value, so that nobody need put one together where nothing is waited for.
    #[inline(never)]
    fn watch<C: Cluster>(&mut self, event: Event<'_, C>) {
        for watch in &mut self.watches {
            if watch.gone_off {
                continue;
            }
            let Some(cause) = watch.cause_in(&event) else { continue };
            if watch.trigger.node.is_some_and(|node| cause.node != Some(node)) {
                continue;
            }
            watch.seen += 1;
            if watch.seen == watch.trigger.nth {
                watch.gone_off = true;
                self.due.push_back(Due { step: watch.step, cause: Some(cause) });
            }
        }
    }

    /// Of each kind of fault that the plan has, how often it struck and bit.
    pub(super) fn counts(&self) -> Vec<FaultCount> {
        let mut counts: Vec<FaultCount> = Fault::KINDS.iter().map(|kind| FaultCount { kind, strikes: 0, bites: 0 }).collect();
        for (step, bitten) in self.struck.iter().zip(&self.bitten) {
            let kind = step.fault().kind().expect("what has struck is no choice");
            counts[kind].strikes += 1;
            counts[kind].bites += u64::from(*bitten);
        }
        let mut planned = vec![false; Fault::KINDS.len()];
        self.plan.iter().for_each(|step| note_kinds(step.fault(), &mut planned));
        counts.into_iter().zip(planned).filter_map(|(count, planned)| planned.then_some(count)).collect()
    }

    pub(super) fn into_struck(self) -> FaultPlan {
        FaultPlan { steps: self.struck }
    }

    fn length(&mut self, range: DurationRange) -> Duration {
        if range.low() == range.high() { range.low() } else { self.random.within(range) }
    }
}

fn note_kinds(fault: &Fault, planned: &mut [bool]) {
    match fault {
        Fault::OneOf(faults) => faults.iter().for_each(|fault| note_kinds(fault, planned)),
        fault => planned[fault.kind().expect("only a choice has no kind")] = true,
    }
}

impl Watch {
    /// What set the trigger off, if this is what it waits for.
    fn cause_in<C: Cluster>(&self, event: &Event<'_, C>) -> Option<Cause> {
        let message = |id: &MessageId, node| Some(Cause { node: Some(node), message: Some(*id) });
        let subject = |node: &NodeId| Some(Cause { node: Some(*node), message: None });
        match (&self.trigger.on, event) {
            (Happening::Sent(_), Event::Send { id, .. }) if self.kind == Some(id.kind) => message(id, id.from),
            (Happening::Delivered(_), Event::Deliver { id, .. }) if self.kind == Some(id.kind) => message(id, id.to),
            (Happening::Wrote(wanted), Event::Write { node, file, .. }) if wanted == file => subject(node),
            (Happening::Synced, Event::Synced { node, .. }) => subject(node),
            (Happening::Marked(wanted), Event::Mark { node, mark }) if wanted == mark => subject(node),
            (Happening::Crashed, Event::Crash { node, .. }) => subject(node),
            // A first boot is no restart.
            (Happening::Restarted, Event::Boot { node, incarnation, .. }) if incarnation.0 > 1 => subject(node),
            _ => None,
        }
    }
}

impl<C: Cluster> World<'_, C> {
    /// Puts all timed steps into the queue.
    pub(super) fn plan_faults(&mut self) {
        for step in 0..self.core.nemesis.plan.len() {
            match self.core.nemesis.plan[step] {
                FaultStep::At(time, _) => {
                    self.core.engine.schedule(time, Call::Strike { step: step as u32 });
                }
                FaultStep::Every(gap, _) => self.schedule_again(step as u32, gap),
                FaultStep::When(..) => {}
            }
        }
    }

    fn schedule_again(&mut self, step: u32, gap: DurationRange) {
        let gap = self.core.nemesis.length(gap).max(Duration::from_nanos(1));
        self.core.engine.schedule(self.core.engine.now() + gap, Call::Strike { step });
    }

    /// The instant is over: strikes all that is due in it, in order. Strikes schedule nothing for the same instant, so that the same
    /// strikes given as times strike in the same places.
    pub(super) fn strike_due(&mut self) {
        while let Some(due) = self.core.nemesis.due.pop_front() {
            if !self.core.nemesis.active {
                continue;
            }
            let fault = match &self.core.nemesis.plan[due.step as usize] {
                FaultStep::Every(gap, fault) => {
                    let (gap, fault) = (*gap, fault.clone());
                    self.schedule_again(due.step, gap);
                    fault
                }
                step => step.fault().clone(),
            };
            for settled in self.settle_fault(fault, due.cause.unwrap_or_default()) {
                self.strike(settled);
            }
        }
        self.core.engine.set_until(self.end);
    }

    /// Ends all faults: heals the network, wakes and starts every node.
    pub(super) fn end_faults(&mut self) {
        self.core.nemesis.active = false;
        self.core.network.heal();
        self.core.network.calm();
        self.core.scribe.record(self.core.engine.now(), &Event::Settle);
        self.core.scribe.settling_since = Some(self.core.engine.now());
        for node in self.nodes().collect::<Vec<_>>() {
            on_host!(self, node, host, core => host.free_disk(core, None));
            self.start_soon(node);
        }
        self.begin_settling();
    }

    /// Lets a node that is down or paused go on, a nanosecond from now.
    fn start_soon(&mut self, node: NodeId) -> bool {
        let at = self.core.engine.now() + Duration::from_nanos(1);
        match self.state(node) {
            State::Up => return false,
            State::Down if self.is_destroyed(node) => return false,
            State::Down => {
                let incarnation = self.incarnation(node);
                self.core.engine.schedule(at, Call::Boot { node, incarnation });
            }
            State::Paused => {
                let pause = if node.is_client() { self.clients[node.index()].pauses() } else { self.servers[node.index()].pauses() };
                self.core.engine.schedule(at, Call::Wake { node, pause });
            }
        }
        true
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> + use<C> {
        let servers = (0..self.servers.len() as u32).map(NodeId::server);
        servers.chain((0..self.clients.len() as u32).map(NodeId::client))
    }

    /// Settles whom the fault strikes and for how long: one fault with one name each. Nothing if nobody fits.
    fn settle_fault(&mut self, fault: Fault, cause: Cause) -> Vec<Fault> {
        let length = |nemesis: &mut Nemesis, range: Option<DurationRange>| range.map(|range| DurationRange::from(nemesis.length(range)));
        match fault {
            Fault::OneOf(faults) => {
                let place = if faults.is_empty() { return vec![] } else { self.core.nemesis.random.below(faults.len() as u64) as usize };
                self.settle_fault(faults[place].clone(), cause)
            }
            Fault::Partition { cut, lasting } => {
                let Some(cut) = self.settle_cut(cut, cause) else { return vec![] };
                vec![Fault::Partition { cut, lasting: length(&mut self.core.nemesis, lasting) }]
            }
            Fault::Lose { chance, lasting } => vec![Fault::Lose { chance, lasting: length(&mut self.core.nemesis, lasting) }],
            Fault::Duplicate { chance, lasting } => vec![Fault::Duplicate { chance, lasting: length(&mut self.core.nemesis, lasting) }],
            Fault::Delay { by, node, lasting } => {
                let nodes = node.map(|node| self.settle_target(&node, cause));
                if nodes.as_ref().is_some_and(Vec::is_empty) {
                    return vec![];
                }
                vec![Fault::Delay { by, node: nodes.map(Target::Nodes), lasting: length(&mut self.core.nemesis, lasting) }]
            }
            Fault::StallDisk { node, lasting } => {
                let nodes = self.settle_target(&node, cause);
                let stall = |node| Fault::StallDisk { node: Target::Node(node), lasting: length(&mut self.core.nemesis, lasting) };
                nodes.into_iter().map(stall).collect()
            }
            Fault::Heal => vec![Fault::Heal],
            Fault::Crash { node, down } => {
                let nodes = self.settle_target(&node, cause);
                let crash = |node| Fault::Crash { node: Target::Node(node), down: length(&mut self.core.nemesis, down) };
                nodes.into_iter().map(crash).collect()
            }
            Fault::Pause { node, lasting } => {
                let nodes = self.settle_target(&node, cause);
                let pause = |node| Fault::Pause { node: Target::Node(node), lasting: length(&mut self.core.nemesis, lasting) };
                nodes.into_iter().map(pause).collect()
            }
            Fault::Destroy { node } => {
                self.settle_target(&node, cause).into_iter().map(|node| Fault::Destroy { node: Target::Node(node) }).collect()
            }
            Fault::Restart { node } => {
                self.settle_target(&node, cause).into_iter().map(|node| Fault::Restart { node: Target::Node(node) }).collect()
            }
            Fault::Resume { node } => {
                self.settle_target(&node, cause).into_iter().map(|node| Fault::Resume { node: Target::Node(node) }).collect()
            }
        }
    }

    fn settle_cut(&mut self, cut: Cut, cause: Cause) -> Option<Cut> {
        match cut {
            Cut::Groups(_) => Some(cut),
            Cut::Halves => {
                let mut servers: Vec<NodeId> = (0..self.servers.len() as u32).map(NodeId::server).collect();
                self.core.nemesis.random.shuffle(&mut servers);
                let mut rest = servers.split_off(servers.len() / 2);
                servers.sort_unstable();
                rest.sort_unstable();
                Some(Cut::Groups(vec![servers, rest]))
            }
            Cut::Isolate(target) => {
                let nodes = self.settle_target(&target, cause);
                let rest = (0..self.servers.len() as u32).map(NodeId::server).filter(|node| !nodes.contains(node)).collect();
                (!nodes.is_empty()).then(|| Cut::Groups(vec![nodes, rest]))
            }
            Cut::OneWay { from, to } => {
                let from = self.settle_target(&from, cause);
                let to: Vec<NodeId> = self.settle_target(&to, cause).into_iter().filter(|node| !from.contains(node)).collect();
                (!from.is_empty() && !to.is_empty()).then_some(Cut::OneWay { from: Target::Nodes(from), to: Target::Nodes(to) })
            }
        }
    }

    fn settle_target(&mut self, target: &Target, cause: Cause) -> Vec<NodeId> {
        let servers = self.servers.len() as u32;
        match target {
            Target::Node(node) => vec![*node],
            Target::Nodes(nodes) => nodes.clone(),
            Target::All => (0..servers).map(NodeId::server).collect(),
            Target::Any if servers == 0 => vec![],
            Target::Any => vec![NodeId::server(self.core.nemesis.random.below(u64::from(servers)) as u32)],
            Target::Minority => self.some_servers(servers.saturating_sub(1) / 2),
            Target::Majority => self.some_servers(servers / 2 + 1),
            Target::Role(role) => self.best_in_role(role).into_iter().collect(),
            Target::Sender => cause.message.map(|message| message.from).into_iter().collect(),
            Target::Receiver => cause.message.map(|message| message.to).into_iter().collect(),
            Target::Subject => cause.node.into_iter().collect(),
        }
    }

    fn some_servers(&mut self, count: u32) -> Vec<NodeId> {
        let mut servers: Vec<NodeId> = (0..self.servers.len() as u32).map(NodeId::server).collect();
        self.core.nemesis.random.shuffle(&mut servers);
        servers.truncate(count as usize);
        servers.sort_unstable();
        servers
    }

    /// The server with the best claim to the role, among those that run; of equals, the first.
    fn best_in_role(&mut self, role: &str) -> Option<NodeId> {
        let claims = self.servers.iter().zip(0..).filter_map(|(host, index)| {
            let node = NodeId::server(index);
            self.doing = Doing { node, what: What::Asked("role") };
            let claim = host.process().and_then(Process::role).filter(|claim| claim.name == role)?;
            Some((claim.rank, node))
        });
        claims.max_by_key(|(rank, node)| (*rank, std::cmp::Reverse(*node))).map(|(_, node)| node)
    }

    /// Carries out one fault whose every name and length is settled.
    fn strike(&mut self, fault: Fault) {
        let strike = self.core.nemesis.struck.len() as u32;
        let now = self.core.engine.now();
        self.core.nemesis.struck.push(FaultStep::At(now, fault.clone()));
        self.core.nemesis.bitten.push(false);
        self.core.record(&Event::Strike { fault: &fault });
        let bites = match fault {
            Fault::Heal => self.core.network.heal(),
            Fault::Partition { cut, lasting } => {
                match cut {
                    Cut::Groups(groups) => self.core.network.cut_groups(strike, &groups),
                    Cut::OneWay { from: Target::Nodes(from), to: Target::Nodes(to) } => self.core.network.cut_one_way(strike, from, to),
                    cut => unreachable!("{cut} was settled before it struck"),
                }
                self.lift_later(strike, lasting);
                false
            }
            Fault::Lose { chance, lasting } => {
                self.core.network.add_loss(strike, chance);
                self.lift_later(strike, lasting);
                false
            }
            Fault::Duplicate { chance, lasting } => {
                self.core.network.add_duplication(strike, chance);
                self.lift_later(strike, lasting);
                false
            }
            Fault::Delay { by, node: None, lasting } => {
                self.core.network.add_delay(strike, by, None);
                self.lift_later(strike, lasting);
                false
            }
            Fault::Delay { by, node: Some(Target::Nodes(nodes)), lasting } => {
                self.core.network.add_delay(strike, by, Some(nodes));
                self.lift_later(strike, lasting);
                false
            }
            Fault::StallDisk { node: Target::Node(node), lasting } => {
                on_host!(self, node, host, _core => host.stall_disk(strike));
                self.lift_later(strike, lasting);
                false
            }
            Fault::Crash { node: Target::Node(node), down } => self.crash(node, down),
            Fault::Destroy { node: Target::Node(node) } => self.destroy(node),
            Fault::Restart { node: Target::Node(node) } => self.state_if_exists(node) == Some(State::Down) && self.start_soon(node),
            Fault::Pause { node: Target::Node(node), lasting } => self.pause(node, lasting, strike),
            Fault::Resume { node: Target::Node(node) } => self.state_if_exists(node) == Some(State::Paused) && self.start_soon(node),
            fault => unreachable!("{fault} was settled before it struck"),
        };
        if bites {
            self.core.nemesis.bite(strike);
        }
    }

    /// What the strike with this number did is over.
    pub(super) fn lift(&mut self, strike: u32) {
        let mut lifted = self.core.network.lift(strike);
        if let Some(FaultStep::At(_, Fault::StallDisk { node: Target::Node(node), .. })) = self.core.nemesis.struck.get(strike as usize) {
            let node = *node;
            self.doing = Doing { node, what: What::Synced };
            on_host!(self, node, host, core => lifted |= host.free_disk(core, Some(strike)));
        }
        if lifted {
            self.core.record(&Event::Lift { strike });
        }
    }

    fn state_if_exists(&self, node: NodeId) -> Option<State> {
        self.exists(node).then(|| self.state(node))
    }

    /// Starts a node anew that a process has asked to be started anew.
    pub(super) fn restart(&mut self, node: NodeId) {
        if self.exists(node) && !self.is_destroyed(node) {
            on_host!(self, node, host, core => host.crash(core));
            self.start_soon(node);
        }
    }

    fn crash(&mut self, node: NodeId, down: Option<DurationRange>) -> bool {
        let mut struck = false;
        on_host!(self, node, host, core => struck = host.crash(core));
        if let (true, Some(down)) = (struck, down) {
            let at = self.after(down);
            let incarnation = self.incarnation(node);
            self.core.engine.schedule(at, Call::Boot { node, incarnation });
        }
        struck
    }

    /// A node that is down already is not started any more.
    fn destroy(&mut self, node: NodeId) -> bool {
        let (mut struck, mut news) = (false, false);
        on_host!(self, node, host, core => {
            struck = host.crash(core);
            news = host.destroy();
        });
        struck || news
    }

    /// Whether a pause bites is known when it ends: see [`Host::wake`](super::host::Host::wake).
    fn pause(&mut self, node: NodeId, lasting: Option<DurationRange>, strike: u32) -> bool {
        let mut pause = None;
        on_host!(self, node, host, core => pause = host.pause(core, strike));
        if let (Some(pause), Some(lasting)) = (pause, lasting) {
            let at = self.after(lasting);
            self.core.engine.schedule(at, Call::Wake { node, pause });
        }
        false
    }

    fn lift_later(&mut self, strike: u32, lasting: Option<DurationRange>) {
        if let Some(lasting) = lasting {
            let at = self.after(lasting);
            self.core.engine.schedule(at, Call::Lift { strike });
        }
    }

    /// The end of a settled length that begins now: never in the same instant.
    fn after(&self, length: DurationRange) -> Time {
        self.core.engine.now() + length.low().max(Duration::from_nanos(1))
    }
}
