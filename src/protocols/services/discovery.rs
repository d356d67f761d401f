//! Which instances a caller knows: those that were installed, or those that a registry lists, as old as its list is; and how loaded they
//! say they are.

use super::agenda::{Alarm, Node};
use super::caller::{Caller, Site};
use super::graph::Graph;
use super::mark;
use super::message::Message;
use crate::base::{LocalTime, NodeId};
use crate::policies::balancer::{Instance, Load};
use crate::process::Context;

/// What a caller knows from a registry.
#[derive(Clone, Debug)]
pub(super) struct Discovery {
    /// The place of the registry.
    registry: u16,
    /// How often it was asked: its instances take turns.
    asked: u32,
    /// When that was so which is known, by the registry's clock; nothing before it was answered.
    known: Option<LocalTime>,
    instances: Vec<u32>,
}

impl Discovery {
    /// Nothing is known yet from the registry at this place.
    pub(super) const fn new(registry: u16) -> Self {
        Self { registry, asked: 0, known: None, instances: Vec::new() }
    }
}

impl<T: Copy> Caller<T> {
    /// Looks up all instances that are registered.
    pub(super) fn discover<P: Node>(&mut self, context: &mut Context<'_, P>) {
        for site in 0..self.sites.len() {
            self.look_up(site as u16, context);
        }
    }

    /// Looks up the instances that are called here, and does so again when it is time to.
    pub(super) fn look_up<P: Node>(&mut self, number: u16, context: &mut Context<'_, P>) {
        let site = &mut self.sites[usize::from(number)];
        let (service, lookup) = (site.route.service, site.route.policy.lookup);
        let Some(discovery) = &mut site.discovery else { return };
        let registry = self.graph.service(discovery.registry);
        let asked = self.graph.node(discovery.registry, discovery.asked % registry.instances);
        discovery.asked = discovery.asked.wrapping_add(1);
        context.send(asked, Message::LookUp { site: number, service, watch: lookup.watch });
        self.agenda.set(context.now() + lookup.every, Alarm::LookUp(number), context);
    }

    /// A registry tells which instances there are. One that is older than what is known says nothing new.
    pub(super) fn listed<P: Node>(&mut self, number: u16, at: LocalTime, instances: Vec<u32>, context: &mut Context<'_, P>) {
        let Some(site) = self.sites.get_mut(usize::from(number)) else { return };
        let Some(discovery) = &mut site.discovery else { return };
        if discovery.known.is_some_and(|known| at < known) || !self.rules.heeds_registry() {
            return;
        }
        discovery.known = Some(at);
        if discovery.instances != instances {
            context.sometimes(mark::INSTANCES_CHANGED);
            site.set_instances(&self.graph, &instances, context.now());
        }
    }

    /// An instance tells how loaded it is.
    pub(super) fn loaded(&mut self, number: u16, from: NodeId, load: Load, now: LocalTime) {
        let Some(site) = self.sites.get_mut(usize::from(number)) else { return };
        let (service, instance) = self.graph.at(from);
        if service == site.route.service {
            site.balancer.report(now, u64::from(instance), load);
        }
    }
}

impl Site {
    /// These instances are there from now on.
    pub(super) fn set_instances(&mut self, graph: &Graph, instances: &[u32], now: LocalTime) {
        let unlike = &graph.service(self.route.service).unlike;
        let weight = |id: u32| unlike.iter().find(|odd| odd.instance == id + 1).map_or(1, |odd| odd.weight);
        let all: Vec<Instance> = instances.iter().map(|id| Instance { id: u64::from(*id), weight: weight(*id) }).collect();
        self.balancer.set_instances(now, &all);
        if let Some(outliers) = &mut self.outliers {
            outliers.set_instances(&all.iter().map(|instance| instance.id).collect::<Vec<_>>());
        }
        if let Some(discovery) = &mut self.discovery {
            discovery.instances = instances.to_vec();
        }
    }

    /// Asks instances how loaded they are: those that the balance wants to know of, or all when it is time to.
    pub(super) fn probe<P: Node>(&mut self, number: u16, graph: &Graph, context: &mut Context<'_, P>) {
        let now = context.now();
        let wanted: Vec<u32> = match self.route.policy.reports {
            None => self.balancer.probes(now, context.random()).into_iter().map(|id| id as u32).collect(),
            Some(every) if self.asked.is_some_and(|asked| now.since(asked) < every) => return,
            Some(_) => {
                self.asked = Some(now);
                self.discovery.as_ref().map_or_else(|| (0..self.instances).collect(), |discovery| discovery.instances.clone())
            }
        };
        wanted.into_iter().for_each(|id| context.send(graph.node(self.route.service, id), Message::Probe { site: number }));
    }
}
