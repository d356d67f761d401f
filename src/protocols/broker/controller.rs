//! Who leads each partition, and who is in sync: decided by one node, which has on disk what it says before it says it.

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Layout, Message, Note, Rules, Standing, mark};
use crate::base::{LocalTime, NodeId, SortedMap};
use crate::process::{Claim, Context, Files, Mark, Process, Role};

/// The controller of a broker.
#[derive(Debug)]
pub struct Controller {
    config: ControllerConfig,
    version: u64,
    partitions: Vec<Standing>,
    brokers: SortedMap<u32, Broker>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// What all agree on.
    pub layout: Arc<Layout>,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// What it knows of a broker.
#[derive(Clone, Copy, Debug)]
struct Broker {
    life: u32,
    heard: LocalTime,
    alive: bool,
}

/// A change, as it is on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Line {
    /// A partition stands so, by the n-th change of all.
    Standing(u32, Standing, u64),
    /// A broker has begun this life.
    Life(u32, u32),
}

/// The file of all changes.
const CHANGES: &str = "changes";

/// The controller.
pub const CONTROLLER: Role = Role::new("Controller", "It decides who leads each partition, and who is in sync.");

impl Controller {
    fn alive(&self, broker: u32) -> bool {
        self.brokers.get(&broker).is_some_and(|known| known.alive)
    }

    /// Changes how a partition stands, on disk too.
    fn set(&mut self, partition: u32, mut standing: Standing, context: &mut Context<'_, Self>) {
        let before = &self.partitions[partition as usize];
        standing.version = before.version + 1;
        standing.eligible.retain(|broker| !standing.isr.contains(broker));
        if standing.isr.len() >= self.config.layout.min_insync as usize {
            standing.eligible.clear();
        }
        self.version += 1;
        context.append_record(CHANGES, &Line::Standing(partition, standing.clone(), self.version));
        self.partitions[partition as usize] = standing;
    }

    fn tell(&self, broker: u32, context: &mut Context<'_, Self>) {
        let Some(Broker { life, .. }) = self.brokers.get(&broker).copied() else { return };
        let image = Message::Image { life, version: self.version, partitions: self.partitions.clone() };
        context.send_when_durable(NodeId::server(broker), image);
    }

    fn tell_all(&self, context: &mut Context<'_, Self>) {
        self.brokers.iter().filter(|(_, known)| known.alive).for_each(|(broker, _)| self.tell(*broker, context));
    }

    /// Chooses a leader: one in sync; else one that has what is committed; else, if that is allowed, any.
    fn elect(&mut self, partition: u32, context: &mut Context<'_, Self>) {
        let Layout { unclean, .. } = *self.config.layout;
        let rules = &self.config.rules;
        let old = self.partitions[partition as usize].clone();
        let alive: Vec<u32> = self
            .config
            .layout
            .replicas_of(partition)
            .into_iter()
            .filter(|broker| self.alive(*broker) && old.leader != Some(*broker))
            .collect();
        // The last leader comes last: it has just gone, or come back.
        let last = old.leader.filter(|broker| self.alive(*broker));
        let candidates: Vec<u32> = alive.into_iter().chain(last).collect();
        let first = |may: &dyn Fn(u32) -> bool| candidates.iter().copied().find(|broker| may(*broker));
        let in_sync =
            first(&|broker| rules.may_lead(old.isr.contains(&broker))).or_else(|| first(&|broker| old.eligible.contains(&broker)));
        let chosen = in_sync.or_else(|| if unclean { candidates.first().copied() } else { None });
        let Some(leader) = chosen else {
            context.sometimes(mark::LEADERLESS);
            if old.leader.is_some() {
                self.set(partition, Standing { leader: None, ..old }, context);
            }
            return;
        };
        context.sometimes(if in_sync.is_some() { mark::ELECTED } else { mark::UNCLEAN });
        let (isr, gone): (Vec<u32>, Vec<u32>) = old.isr.iter().partition(|broker| **broker == leader || self.alive(**broker));
        let isr = if isr.contains(&leader) { isr } else { vec![leader] };
        let eligible = [old.eligible, gone].concat();
        let epoch = self.config.rules.next_epoch(old.epoch);
        self.set(partition, Standing { leader: Some(leader), epoch, isr, eligible, version: 0 }, context);
    }

    /// Takes a broker out of those in sync, everywhere, unless it is the last; it may have lost what it had, or is only gone.
    fn take_out(&mut self, broker: u32, lost: bool, context: &mut Context<'_, Self>) {
        for partition in self.config.layout.all() {
            let mut standing = self.partitions[partition as usize].clone();
            let others =
                standing.isr.iter().any(|other| *other != broker) || (lost && standing.eligible.iter().any(|other| *other != broker));
            let before = standing.clone();
            if lost {
                standing.eligible.retain(|other| *other != broker);
            }
            if others && standing.isr.contains(&broker) {
                standing.isr.retain(|other| *other != broker);
                if !lost {
                    standing.eligible.push(broker);
                }
            }
            if standing != before {
                self.set(partition, standing, context);
            }
            if self.partitions[partition as usize].leader == Some(broker) {
                self.elect(partition, context);
            }
        }
    }

    fn on_alive(&mut self, broker: u32, life: u32, whole: bool, version: u64, context: &mut Context<'_, Self>) {
        let known = self.brokers.get(&broker).copied();
        if known.is_some_and(|known| known.life > life) {
            return;
        }
        let before = self.version;
        self.brokers.insert(broker, Broker { life, heard: context.now(), alive: true });
        let is_new = known.is_none_or(|known| known.life != life);
        if is_new {
            context.append_record(CHANGES, &Line::Life(broker, life));
            if known.is_some() {
                self.take_out_anew(broker, whole, context);
            }
        }
        if known.is_none_or(|known| is_new || !known.alive) {
            let leaderless: Vec<u32> =
                self.config.layout.all().filter(|partition| self.partitions[*partition as usize].leader.is_none()).collect();
            leaderless.into_iter().for_each(|partition| self.elect(partition, context));
        }
        if self.version != before {
            self.tell_all(context);
        } else if version < self.version {
            self.tell(broker, context);
        }
    }

    /// It has started anew. What it led is led in another epoch from now on, perhaps by itself.
    fn take_out_anew(&mut self, broker: u32, whole: bool, context: &mut Context<'_, Self>) {
        if self.config.rules.takes_out(!whole) {
            return self.take_out(broker, true, context);
        }
        for partition in self.config.layout.all() {
            if self.partitions[partition as usize].leader == Some(broker) {
                self.elect(partition, context);
            }
        }
    }

    fn on_alter_isr(
        &mut self,
        from: u32,
        (partition, epoch, version): (u32, u32, u64),
        isr: &[(u32, u32)],
        context: &mut Context<'_, Self>,
    ) {
        let Some(standing) = self.partitions.get(partition as usize).cloned() else { return };
        let rules = Arc::clone(&self.config.rules);
        let present = (standing.leader, standing.epoch, standing.version) == (Some(from), epoch, version);
        let lives = |(broker, life): &(u32, u32)| {
            let known = self.brokers.get(broker);
            known.is_some_and(|known| known.alive && (rules.same_life(known.life == *life) || *broker == from))
        };
        if !rules.heeds(present) || !isr.iter().all(lives) {
            context.sometimes(mark::STALE_ISR);
            return self.tell(from, context);
        }
        let isr: Vec<u32> = isr.iter().map(|(broker, _)| *broker).collect();
        let gone = standing.isr.iter().copied().filter(|broker| !isr.contains(broker));
        let eligible: Vec<u32> = standing.eligible.iter().copied().chain(gone).collect();
        self.set(partition, Standing { isr, eligible, ..standing }, context);
        self.tell_all(context);
    }
}

impl Process for Controller {
    type Config = ControllerConfig;
    type Message = Message;
    /// That it looks who is silent.
    type Timer = ();
    type Note = Note;

    const ROLES: &'static [Role] = &[CONTROLLER];
    const MARKS: &'static [Mark] = mark::OF_CONTROLLERS;

    fn boot(config: &ControllerConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let layout = &config.layout;
        let first = |partition| {
            let isr = layout.replicas_of(partition);
            Standing { leader: isr.first().copied(), epoch: 1, isr, eligible: Vec::new(), version: 1 }
        };
        let mut controller =
            Self { config: config.clone(), version: 1, partitions: layout.all().map(first).collect(), brokers: SortedMap::new() };
        for line in disk.records(CHANGES) {
            match line {
                Line::Standing(partition, standing, version) => {
                    controller.partitions[partition as usize] = standing;
                    controller.version = version;
                }
                Line::Life(broker, life) => {
                    controller.brokers.insert(broker, Broker { life, heard: context.now(), alive: true });
                }
            }
        }
        context.set_timer((), layout.beat);
        controller
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        let from = from.index() as u32;
        match message {
            Message::Alive { life, whole, version } => self.on_alive(from, life, whole, version, context),
            Message::AlterIsr { partition, epoch, version, isr } => self.on_alter_isr(from, (partition, epoch, version), &isr, context),
            _ => {}
        }
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.set_timer((), self.config.layout.beat);
        let (now, silence, before) = (context.now(), self.config.layout.silence, self.version);
        let silent = |(broker, known): (&u32, &Broker)| (known.alive && now > known.heard + silence).then_some(*broker);
        let gone: Vec<u32> = self.brokers.iter().filter_map(silent).collect();
        for broker in &gone {
            self.brokers.entry(*broker).or_insert(Broker { life: 0, heard: now, alive: false }).alive = false;
        }
        gone.iter().for_each(|broker| self.take_out(*broker, false, context));
        if self.version != before {
            self.tell_all(context);
        }
    }

    fn role(&self) -> Option<Claim> {
        Some(CONTROLLER.ranked(1))
    }

    fn status(&self) -> String {
        let told = |standing: &Standing| {
            let leader = standing.leader.map_or("none".to_owned(), |leader| format!("n{}", leader + 1));
            format!("led by {leader} in epoch {}, {} in sync", standing.epoch, standing.isr.len())
        };
        self.partitions.iter().map(told).collect::<Vec<_>>().join("; ")
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
