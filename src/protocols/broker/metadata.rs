//! What the controllers agree on: who leads each partition, who is in sync, and which brokers are there. Raft replicates it, and each
//! decision is made where it is applied, from what is agreed alone.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Layout, Rules, Standing};
use crate::base::{Digest, SortedMap};
use crate::protocols::raft;

/// How partitions and brokers stand.
#[derive(Clone, Debug)]
pub struct Metadata {
    layout: Arc<Layout>,
    rules: Arc<dyn Rules>,
    version: u64,
    partitions: Vec<Standing>,
    brokers: SortedMap<u32, Registration>,
}

/// What is agreed of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Registration {
    /// How often it has started, as far as is known.
    pub life: u32,
    /// Whether it is there: one that is not is *fenced*.
    pub alive: bool,
}

/// An entry of the controllers' log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// A broker is there, in this life.
    Register {
        /// Which.
        broker: u32,
        /// How often it has started.
        life: u32,
        /// Whether its start has cost it nothing that it had told others of.
        whole: bool,
    },
    /// A broker was silent for too long.
    Fence {
        /// Which.
        broker: u32,
    },
    /// The leader of a partition wants these to be in sync.
    AlterIsr {
        /// Which broker says so.
        from: u32,
        /// Of which partition.
        partition: u32,
        /// In which epoch it leads.
        epoch: u32,
        /// Which version of the partition's standing it knows.
        version: u64,
        /// The replicas, and in which life each has been heard.
        isr: Vec<(u32, u32)>,
    },
}

/// What has come of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Partitions stand otherwise.
    Changed,
    /// What this broker wants to be in sync is not heeded: it is to be told how partitions stand.
    Refused(u32),
    /// Another leader was chosen: one that has what is committed, or any.
    Elected {
        /// Whether it is known to have what is committed.
        clean: bool,
    },
    /// No replica that may lead is there.
    Leaderless,
}

impl Metadata {
    /// As all begins: each partition is led by the first of its replicas, and all are in sync and taken to be there.
    pub fn new(layout: Arc<Layout>, rules: Arc<dyn Rules>) -> Self {
        let first = |partition| {
            let isr = layout.replicas_of(partition);
            Standing { leader: isr.first().copied(), epoch: 1, isr, eligible: Vec::new(), version: 1 }
        };
        let partitions = layout.all().map(first).collect();
        let brokers = (0..layout.brokers).map(|broker| (broker, Registration { life: 0, alive: true })).collect();
        Self { layout, rules, version: 1, partitions, brokers }
    }

    /// How often anything has changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How each partition stands.
    pub fn partitions(&self) -> &[Standing] {
        &self.partitions
    }

    /// What is known of a broker.
    pub fn registered(&self, broker: u32) -> Option<Registration> {
        self.brokers.get(&broker).copied()
    }

    /// The brokers that are taken to be there.
    pub fn alive(&self) -> impl Iterator<Item = u32> + '_ {
        self.brokers.iter().filter(|(_, known)| known.alive).map(|(broker, _)| *broker)
    }

    fn is_alive(&self, broker: u32) -> bool {
        self.registered(broker).is_some_and(|known| known.alive)
    }

    /// Changes how a partition stands.
    fn set(&mut self, partition: u32, mut standing: Standing, outputs: &mut Vec<Output>) {
        let before = &self.partitions[partition as usize];
        standing.version = before.version + 1;
        standing.eligible.retain(|broker| !standing.isr.contains(broker));
        if standing.isr.len() >= self.layout.min_insync as usize {
            standing.eligible.clear();
        }
        self.version += 1;
        self.partitions[partition as usize] = standing;
        if outputs.last() != Some(&Output::Changed) {
            outputs.push(Output::Changed);
        }
    }

    /// Chooses a leader: one in sync; else one that has what is committed; else, if that is allowed, any.
    fn elect(&mut self, partition: u32, outputs: &mut Vec<Output>) {
        let (unclean, rules) = (self.layout.unclean, Arc::clone(&self.rules));
        let old = self.partitions[partition as usize].clone();
        let replicas = self.layout.replicas_of(partition).into_iter();
        let alive: Vec<u32> = replicas.filter(|broker| self.is_alive(*broker) && old.leader != Some(*broker)).collect();
        // The last leader comes last: it has just gone, or come back.
        let last = old.leader.filter(|broker| self.is_alive(*broker));
        let candidates: Vec<u32> = alive.into_iter().chain(last).collect();
        let first = |may: &dyn Fn(u32) -> bool| candidates.iter().copied().find(|broker| may(*broker));
        let in_sync =
            first(&|broker| rules.may_lead(old.isr.contains(&broker))).or_else(|| first(&|broker| old.eligible.contains(&broker)));
        let chosen = in_sync.or_else(|| if unclean { candidates.first().copied() } else { None });
        let Some(leader) = chosen else {
            outputs.push(Output::Leaderless);
            if old.leader.is_some() {
                self.set(partition, Standing { leader: None, ..old }, outputs);
            }
            return;
        };
        outputs.push(Output::Elected { clean: in_sync.is_some() });
        let (isr, gone): (Vec<u32>, Vec<u32>) = old.isr.iter().partition(|broker| **broker == leader || self.is_alive(**broker));
        let isr = if isr.contains(&leader) { isr } else { vec![leader] };
        let eligible = [old.eligible, gone].concat();
        let epoch = rules.next_epoch(old.epoch);
        self.set(partition, Standing { leader: Some(leader), epoch, isr, eligible, version: 0 }, outputs);
    }

    /// Takes a broker out of those in sync, everywhere, unless it is the last; it may have lost what it had, or is only gone.
    fn take_out(&mut self, broker: u32, lost: bool, outputs: &mut Vec<Output>) {
        for partition in self.layout.all() {
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
                self.set(partition, standing, outputs);
            }
            if self.partitions[partition as usize].leader == Some(broker) {
                self.elect(partition, outputs);
            }
        }
    }

    fn register(&mut self, broker: u32, life: u32, whole: bool, outputs: &mut Vec<Output>) {
        let Some(known) = self.registered(broker).filter(|known| known.life <= life) else { return };
        self.brokers.insert(broker, Registration { life, alive: true });
        if known.life != life {
            self.take_out_anew(broker, whole, outputs);
        }
        let leads = |partition: &u32| self.partitions[*partition as usize].leader.is_some();
        let leaderless: Vec<u32> = self.layout.all().filter(|partition| !leads(partition)).collect();
        leaderless.into_iter().for_each(|partition| self.elect(partition, outputs));
    }

    /// It has started anew. What it led is led in another epoch from now on, perhaps by itself.
    fn take_out_anew(&mut self, broker: u32, whole: bool, outputs: &mut Vec<Output>) {
        if self.rules.takes_out(!whole) {
            return self.take_out(broker, true, outputs);
        }
        for partition in self.layout.all() {
            if self.partitions[partition as usize].leader == Some(broker) {
                self.elect(partition, outputs);
            }
        }
    }

    fn fence(&mut self, broker: u32, outputs: &mut Vec<Output>) {
        let Some(known) = self.registered(broker).filter(|known| known.alive) else { return };
        self.brokers.insert(broker, Registration { alive: false, ..known });
        self.take_out(broker, false, outputs);
    }

    fn alter_isr(&mut self, from: u32, (partition, epoch, version): (u32, u32, u64), isr: &[(u32, u32)], outputs: &mut Vec<Output>) {
        let Some(standing) = self.partitions.get(partition as usize).cloned() else { return };
        let present = (standing.leader, standing.epoch, standing.version) == (Some(from), epoch, version);
        let lives = |(broker, life): &(u32, u32)| {
            let known = self.registered(*broker);
            known.is_some_and(|known| known.alive && (self.rules.same_life(known.life == *life) || *broker == from))
        };
        if !self.rules.heeds(present) || !isr.iter().all(lives) {
            return outputs.push(Output::Refused(from));
        }
        let isr: Vec<u32> = isr.iter().map(|(broker, _)| *broker).collect();
        let gone = standing.isr.iter().copied().filter(|broker| !isr.contains(broker));
        let eligible: Vec<u32> = standing.eligible.iter().copied().chain(gone).collect();
        self.set(partition, Standing { isr, eligible, ..standing }, outputs);
    }
}

impl raft::StateMachine for Metadata {
    type Operation = Operation;
    type Response = ();
    type Output = Output;

    fn execute(&mut self, operation: &Operation, changes: &mut Digest, outputs: &mut Vec<Output>) {
        changes.word(Digest::of(operation));
        match operation {
            Operation::Register { broker, life, whole } => self.register(*broker, *life, *whole, outputs),
            Operation::Fence { broker } => self.fence(*broker, outputs),
            Operation::AlterIsr { from, partition, epoch, version, isr } => {
                self.alter_isr(*from, (*partition, *epoch, *version), isr, outputs);
            }
        }
        changes.word(self.version);
    }

    fn query(&self, _: &Operation) {}

    fn fingerprint(&self) -> u64 {
        let brokers: Vec<_> = self.brokers.iter().collect();
        Digest::of(&(self.version, &self.partitions, brokers))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = |broker: u32| format!("n{}", broker + 1);
        match self {
            Self::Register { broker, life, .. } => write!(f, "register {} in life {life}", node(*broker)),
            Self::Fence { broker } => write!(f, "fence {}", node(*broker)),
            Self::AlterIsr { from, partition, isr, .. } => {
                let isr: Vec<String> = isr.iter().map(|(broker, _)| node(*broker)).collect();
                write!(f, "{} wants {} in sync for partition {partition}", node(*from), isr.join(", "))
            }
        }
    }
}

impl raft::Operation for Operation {
    fn is_read(&self) -> bool {
        false
    }
}

impl raft::properties::Audited for Operation {}
