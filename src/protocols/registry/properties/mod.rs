//! What must hold of a registry, judged from outside: from what its clients saw, from what its servers say that they have applied, and from
//! what they send.
//!
//! [`PROPERTIES`] says what each demands; [those of Raft](crate::protocols::raft::properties::PROPERTIES) are judged besides.

mod beneath;
mod disturbances;
mod leases;
mod order;
mod rules;
#[cfg(test)]
mod tests;
mod truth;
mod watches;

pub use self::beneath::{BENEATH, BeneathJudge, OverRegistry};
use self::disturbances::Disturbances;
use self::leases::Leases;
use self::order::Order;
use self::truth::Truth;
use self::watches::Watches;
use super::{AgentNote, Message, Note, Operation, RaftMessage, Response};
use crate::base::{Duration, NodeId, Time};
use crate::check::linearizability::LINEARIZABILITY;
use crate::check::{Property, PropertyReport, Violations};
use crate::fault::Strike;
use crate::history;
use crate::protocols::raft;
use crate::protocols::raft::properties::{RaftJudge, observe_within};
use crate::trace::{Event, Judge, Record, Vocabulary};

/// The properties, in the order in which they are reported.
pub const PROPERTIES: [Property; 1 + OWN.len() + 7] = {
    let mut all = [LINEARIZABILITY; 1 + OWN.len() + 7];
    let mut place = 0;
    while place < OWN.len() + 7 {
        all[1 + place] = if place < OWN.len() { OWN[place] } else { raft::properties::PROPERTIES[place - OWN.len()] };
        place += 1;
    }
    all
};

const OWN: [Property; 8] = [LEASE_KEPT, LEASE_LASTS, DEAD_GONE, SICK_GONE, WATCH_EXACT, AGE_BOUNDS, CACHE_BOUND, REGISTERED_FOUND];

const LEASE_KEPT: Property = Property::always(
    "lease-kept",
    "no lease expires, in true time, before its holder was last told that it lasts, less twice what the clocks may drift in a lease's \
     length",
);
const LEASE_LASTS: Property =
    Property::always("lease-lasts", "no lease of a node that lives expires, if that is demanded by lasting: true");
const DEAD_GONE: Property = Property::always(
    "dead-gone",
    "an instance whose node has crashed is gone within a lease's length and what two clocks drift apart in it, twice the tick, twice the \
     longest election timeout and a second (with the settings that are given by default and clocks that do not drift: 11.8s), counted \
     from its last keep-alive, or from the last disturbance of servers: a fault, the end of one, a change of leader",
);
const SICK_GONE: Property = Property::always(
    "sick-gone",
    "an instance that is not well is gone within (failures + 3) × check_every + deregister_after, or sick_max, and what dead-gone allows \
     for besides the lease and drift (with the settings that are given by default: 12.8s), counted as there, from its last good report",
);
const WATCH_EXACT: Property = Property::always(
    "watch-exact",
    "who watches sees what there is, and then every change once, in order, without a gap; or is told that changes are forgotten, and lists \
     anew",
);
const AGE_BOUNDS: Property =
    Property::always("age-bounds", "what a client is shown with an age is no older when it is shown, and was so at its revision");
const CACHE_BOUND: Property =
    Property::always("cache-bound", "what a client finds in its cache was so cache_max ago at most, if that is set");
const REGISTERED_FOUND: Property = Property::eventually(
    "registered-found",
    "when all has settled, every instance that lives and believes to be registered is, and all who watch have seen what there is",
);

/// What is demanded of a registry, by its settings.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    /// How much faster or slower each clock goes at most, in parts per million.
    pub drift_ppm: u32,
    /// How long a lease lasts when it is not kept alive.
    pub lease: Duration,
    /// How often a lease is kept alive.
    pub keep_alive: Duration,
    /// Whether no lease of a node that lives may expire.
    pub lasting: bool,
    /// How often a server looks for what is due.
    pub tick: Duration,
    /// How long an election timeout may be.
    pub election_max: Duration,
    /// After how long watchers are told that nothing has happened.
    pub progress: Duration,
    /// Within which time an instance that is not well must be gone, if it must.
    pub sick_max: Option<Duration>,
    /// How old what is in caches may be, if that is bounded.
    pub cache_max: Option<Duration>,
}

impl Demands {
    /// What clocks may drift apart in this length, either of them going fast or slow.
    fn drift(&self, length: Duration) -> Duration {
        let nanos = u128::from(length.as_nanos()) * 2 * u128::from(self.drift_ppm) / 1_000_000;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX) + 1)
    }

    /// Within which time an instance is gone whose node has crashed.
    pub fn dead_max(&self) -> Duration {
        self.lease + self.drift(self.lease) + self.slack()
    }

    /// Within which time an instance is gone that is not well, if it must be.
    pub fn sick_gone(&self) -> Option<Duration> {
        self.sick_max.map(|most| most + self.slack())
    }

    /// Each bound that is judged, with its property.
    pub fn promises(&self) -> Vec<(&'static str, Duration)> {
        let bounds = [(DEAD_GONE, Some(self.dead_max())), (SICK_GONE, self.sick_gone()), (CACHE_BOUND, self.cache_max)];
        bounds.into_iter().filter_map(|(property, bound)| Some((property.name, bound?))).collect()
    }

    /// Whether the property is judged: not without the setting that demands it.
    pub fn asks_for(&self, property: &Property) -> bool {
        (property.name != LEASE_LASTS.name || self.lasting)
            && (property.name != SICK_GONE.name || self.sick_max.is_some())
            && (property.name != CACHE_BOUND.name || self.cache_max.is_some())
    }

    /// What is allowed for messages, entries and looks at what is due.
    fn slack(&self) -> Duration {
        self.tick * 2 + self.election_max * 2 + Duration::from_secs(1)
    }
}

/// Judges a registry by its [`PROPERTIES`].
#[derive(Debug)]
pub struct RegistryJudge {
    demands: Demands,
    raft: RaftJudge<Operation>,
    disturbances: Disturbances,
    truth: Truth,
    order: Order,
    leases: Leases,
    watches: Watches,
    found: Violations,
    linearizability: PropertyReport,
}

/// How often it looks for what is overdue.
const LOOK: Duration = Duration::from_millis(100);

impl RegistryJudge {
    /// A judge of so many servers.
    pub fn new(servers: u32, demands: Demands) -> Self {
        Self {
            demands,
            raft: RaftJudge::new(servers as usize),
            disturbances: Disturbances::default(),
            truth: Truth::default(),
            order: Order::default(),
            leases: Leases::default(),
            watches: Watches::default(),
            found: Violations::default(),
            linearizability: PropertyReport::holds(&LINEARIZABILITY),
        }
    }
}

fn raft_message(message: &Message) -> Option<&RaftMessage> {
    if let Message::Raft(message) = message { Some(message) } else { None }
}

fn raft_note(note: &Note) -> Option<&raft::Note> {
    if let Note::Raft(note) = note { Some(note) } else { None }
}

impl<V> Judge<V> for RegistryJudge
where
    V: Vocabulary<Message = Message, Note = Note, Client = history::Event<Operation, Response>, ClientNote = AgentNote>,
{
    fn observe(&mut self, record: &Record<'_, V>) {
        observe_within(&mut self.raft, record, raft_message, raft_note);
        let now = record.sighting();
        self.disturbances.observe(now.at, record.event);
        match record.event {
            Event::Send { message: Message::KeptAlive { lease, remaining, .. }, .. } => {
                self.leases.told(now, *lease, *remaining, &self.demands, &mut self.found);
            }
            Event::Deliver { id, message } => self.leases.delivered(now.at, id.from, message),
            Event::Note { note, .. } => self.noted(now, note),
            Event::Client { event, .. } => {
                self.order.client(now.at, event);
                self.leases.client(now, event, &self.demands, &mut self.found);
            }
            Event::ClientNote { node, note } => {
                self.leases.client_note(now.at, *node, note);
                self.watches.client_note(now, *node, note, &self.truth, &self.demands, &mut self.found);
            }
            Event::Crash { node, .. } if node.is_client() => {
                self.leases.crashed(now.at, *node, self.truth.revision());
                self.watches.crashed(*node);
            }
            Event::Strike { strike: Strike::Destroy { node } } => self.watches.crashed(*node),
            _ => {}
        }
        if self.leases.is_due(now.at, LOOK) {
            self.leases.look(now, self.disturbances.of_servers, &self.truth, &self.demands, &mut self.found);
        }
    }

    fn violated(&self) -> bool {
        !self.found.is_empty() || Judge::<raft::properties::Within<Operation, Response>>::violated(&self.raft)
    }

    fn finish(&mut self, at: Time) {
        self.linearizability = self.order.judge();
        self.watches.finish(at, self.disturbances.last, &self.leases, &self.truth, &self.demands, &mut self.found);
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let raft = Judge::<raft::properties::Within<Operation, Response>>::reports(&self.raft);
        let own: Vec<Property> = OWN.into_iter().filter(|property| self.demands.asks_for(property)).collect();
        [self.linearizability.clone()].into_iter().chain(self.found.reports(&own)).chain(raft).collect()
    }
}

impl RegistryJudge {
    fn noted(&mut self, now: crate::check::Sighting, note: &Note) {
        match *note {
            Note::TookOver => self.disturbances.took_over(now.at),
            Note::Ended { lease, ending } => {
                self.order.ended(now.at, lease);
                self.leases.ended(now, lease, ending, &self.demands, &mut self.found);
            }
            Note::Changed(change) => self.truth.learn(change, now),
            Note::Expires { lease } => self.order.expires(now.at, lease),
            Note::Deregisters { key, created } => self.order.deregisters(now.at, key, created),
            Note::Deregistered { key, created } => {
                self.order.deregistered(now.at, key, created);
                self.watches.deregistered(now.at, key, created);
            }
            Note::Granted { lease, .. } => self.leases.granted(now.at, lease),
            Note::Raft(_) => {}
        }
    }
}

/// So long before, but not before the beginning.
fn before(time: Time, length: Duration) -> Time {
    Time::from_nanos(time.as_nanos().saturating_sub(length.as_nanos()))
}

/// The node on which the instance runs that lies here.
fn node_of(item: &super::Item) -> Option<NodeId> {
    item.value.instance().map(|instance| instance.node)
}
