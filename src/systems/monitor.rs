//! The monitor of a run: it sees records as a judge does, and the nodes as an observer does.

use std::cell::RefCell;
use std::rc::Rc;

use super::System;
use crate::base::{ClientId, Measure, Metric, NodeId, SortedMap, Time};
use crate::check::PropertyReport;
use crate::history::{self, Outcome};
use crate::metrics::{Alert, Collected, Monitor, OF_ALERTS, OF_REQUESTS, OF_RUNS, Probe, Readings, RequestProbe, RunProbe, Tally};
use crate::process::{ClientProcess as _, Message as _, Process as _, Role};
use crate::require::Requirement;
use crate::trace::{Event, Judge, Record, Table};
use crate::world::{Counted, Load, Moment, Observer, Standing, View};

const EVENTS: Metric = Metric::counter("events", "", "Events that the run has handled.");
const SCHEDULED: Metric = Metric::gauge("events_scheduled", "", "Events that are still to come: the length of the run's queue.");
const UNDER_WAY: Metric =
    Metric::gauge("messages_under_way", "", "Messages under way, those among them that wait for a disk, or for a pause to end.");
const ROLE: Metric = Metric::gauge("node_role", "", "1 while the node believes to have this role.").by(&["role"]);
const HOLDERS: Metric = Metric::gauge("role_holders", "", "How many nodes believe to have a role: leaders, say.").by(&["role"]);
const RANK: Metric = Metric::gauge("role_rank", "", "The best claim to a role that a node makes: the term of a leader, say.").by(&["role"]);
const HELD: Metric = Metric::gauge("messages_held", "", "Messages and notes that wait for the node's disk: how far that is behind.");
const DEFERRED: Metric = Metric::gauge("events_deferred", "", "What waits for the pause of the node to end.");
const SYNCING: Metric = Metric::gauge("disk_syncing", "", "1 while a sync of the node's disk is under way: how far that is used.");
const STALLED: Metric = Metric::gauge("disk_stalled", "", "1 while the node's disk stands still, because of a fault.");

/// The metrics of how a run and its nodes stand.
const OF_NODES: &[Metric] = &[EVENTS, SCHEDULED, UNDER_WAY, ROLE, HOLDERS, RANK, HELD, DEFERRED, SYNCING, STALLED];

const INVOKED: Metric = Metric::counter("operations_invoked", "", "Operations that clients began.");
const OPERATIONS: Metric = Metric::counter(
    "operations",
    "",
    "Operations of clients that ended: `done`, `failed` (known not to have taken effect), or `unknown` (given up).",
)
.by(&["outcome"]);
const ERRORS: Metric = Metric::counter("errors", "", "Operations of clients that ended and are not known to have taken effect.");
const LENGTHS: Metric =
    Metric::histogram("operation_seconds", "seconds", "How long operations of clients took, by how they ended.").by(&["outcome"]);
const OPEN: Metric = Metric::gauge("operations_under_way", "", "Operations of clients that have begun and not ended.");

/// The metrics of what clients do.
const OF_OPERATIONS: &[Metric] = &[INVOKED, OPERATIONS, ERRORS, LENGTHS, OPEN];

/// The heading of what every run measures, whatever its system.
pub const EVERY_RUN: &str = "every run";

/// What runs of a system measure, each under a heading: what every run does, and what is the system's own.
pub(super) fn metrics<S: System>() -> Vec<(&'static str, Vec<Metric>)> {
    let clients = if S::Client::INVOKES { OF_OPERATIONS } else { &[] };
    let own = S::Server::METRICS.iter().chain(S::Client::METRICS).copied();
    let mut own: Vec<Metric> = S::metrics().into_iter().chain(own).collect();
    own.dedup();
    vec![
        (EVERY_RUN, [OF_RUNS, OF_NODES, OF_ALERTS].concat()),
        ("clients", clients.to_vec()),
        ("services", if S::HAS_SERVICES { OF_REQUESTS.to_vec() } else { Vec::new() }),
        (S::NAME, own),
    ]
}

/// A monitor that is shared by who sees records and who sees nodes.
pub(super) struct Watcher<S: System> {
    monitor: Rc<RefCell<Monitor<S>>>,
    ended: Time,
}

impl<S: System> Watcher<S> {
    /// One that takes a sample each so often, if that is wanted, and looks at these alerts.
    pub(super) fn new(config: &S::Config, every: Option<crate::base::Duration>, alerts: &[Alert], requirements: &[Requirement]) -> Self {
        let mut probes: Vec<Box<dyn Probe<S>>> = vec![Box::new(RunProbe::new(S::Message::kinds()))];
        if S::Client::INVOKES {
            probes.push(Box::new(OperationProbe::default()));
        }
        let services = S::services(config);
        if !services.is_empty() {
            probes.push(Box::new(RequestProbe::new(services, S::meter(config))));
        }
        probes.extend(S::probes(config));
        Self { monitor: Rc::new(RefCell::new(Monitor::new(probes, every, alerts, requirements))), ended: Time::ZERO }
    }

    /// What sees the nodes for it, and shows them to another who wants to see them.
    pub(super) fn looks<'o>(&self, other: Option<&'o mut dyn Observer>) -> Looks<'o, S> {
        Looks { monitor: Rc::clone(&self.monitor), other, due: Time::ZERO }
    }

    /// What gives all that was collected, when the run is over.
    pub(super) fn collects(&self) -> impl FnOnce() -> Option<Collected> + use<S> {
        let monitor = Rc::clone(&self.monitor);
        move || monitor.borrow_mut().collected()
    }
}

impl<S: System> Judge<S> for Watcher<S> {
    fn observe(&mut self, record: &Record<'_, S>) {
        self.monitor.borrow_mut().look(record);
    }

    fn violated(&self) -> bool {
        self.monitor.borrow().violated()
    }

    fn collects(&self) -> bool {
        true
    }

    fn measure(&mut self, _: Time, node: NodeId, measure: &Measure) {
        self.monitor.borrow_mut().measure(node, measure);
    }

    fn finish(&mut self, at: Time) {
        self.ended = at;
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.monitor.borrow().reports(self.ended)
    }

    fn tables(&self) -> Vec<Table> {
        self.monitor.borrow().tables(self.ended)
    }
}

/// What sees the nodes of a run for its monitor.
pub(super) struct Looks<'o, S: System> {
    monitor: Rc<RefCell<Monitor<S>>>,
    other: Option<&'o mut dyn Observer>,
    due: Time,
}

impl<S: System> Observer for Looks<'_, S> {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        if let Some(other) = &mut self.other {
            other.observe(moment, view);
        }
        while self.due < moment.until || moment.is_last && self.due <= moment.until {
            let mut monitor = self.monitor.borrow_mut();
            monitor.tick(self.due, |readings| tell(view, S::Server::ROLES, S::Client::ROLES, readings));
            self.due = monitor.due();
        }
        if moment.is_last {
            self.monitor.borrow_mut().end(moment.until, |readings| tell(view, S::Server::ROLES, S::Client::ROLES, readings));
        }
    }
}

/// Tells how the run and its nodes stand.
fn tell(view: &dyn View, of_servers: &'static [Role], of_clients: &'static [Role], readings: &mut Readings) {
    let Load { events, scheduled, messages } = view.load();
    readings.total(&EVENTS, None, &[], events);
    readings.level(&SCHEDULED, None, &[], scheduled);
    readings.level(&UNDER_WAY, None, &[], messages);
    let (servers, clients) = view.population();
    let mut holders: SortedMap<&str, (u64, u64)> = of_servers.iter().chain(of_clients).map(|role| (role.name, (0, 0))).collect();
    for node in (0..servers).map(NodeId::server).chain((0..clients).map(NodeId::client)) {
        let Standing { claim, held, deferred, syncing, stalled, .. } = view.standing(node);
        for role in if node.is_client() { of_clients } else { of_servers } {
            let claimed = claim.filter(|claim| claim.role.name == role.name);
            readings.level(&ROLE, Some(node), &[role.name], u64::from(claimed.is_some()));
            if let (Some(claim), Some((count, rank))) = (claimed, holders.get_mut(role.name)) {
                *count += 1;
                *rank = (*rank).max(claim.rank);
            }
        }
        for (metric, amount) in [(HELD, held), (DEFERRED, deferred), (SYNCING, usize::from(syncing)), (STALLED, usize::from(stalled))] {
            readings.level(&metric, Some(node), &[], amount);
        }
    }
    for (role, (count, rank)) in holders {
        readings.level(&HOLDERS, None, &[role], count);
        readings.level(&RANK, None, &[role], rank);
    }
}

/// Measures what clients do.
#[derive(Default)]
struct OperationProbe {
    invoked: u64,
    /// By outcome: see [`OUTCOMES`].
    ended: [u64; OUTCOMES.len()],
    lengths: [Tally; OUTCOMES.len()],
    /// Of each session with an operation under way, when that was invoked.
    open: SortedMap<ClientId, Time>,
}

const OUTCOMES: [&str; 3] = ["done", "failed", "unknown"];

impl OperationProbe {
    fn ended<R>(&mut self, outcome: &Outcome<R>, took: crate::base::Duration) {
        let place = match outcome {
            Outcome::Done(_) => 0,
            Outcome::Failed => 1,
            Outcome::Unknown => 2,
        };
        self.ended[place] += 1;
        self.lengths[place].record(took.as_nanos());
    }

    fn history<O, R>(&mut self, event: &history::Event<O, R>, at: Time) {
        match event {
            history::Event::Invoke { client, .. } => {
                self.invoked += 1;
                self.open.insert(*client, at);
            }
            history::Event::Complete { client, outcome } => {
                if let Some(invoked) = self.open.remove(client) {
                    self.ended(outcome, at.since(invoked));
                }
            }
            // Its client had crashed, and does not know when it ended.
            history::Event::Recover { .. } => {}
        }
    }
}

impl<S: System> Probe<S> for OperationProbe {
    fn look(&mut self, record: &Record<'_, S>) {
        match record.event {
            Event::Client { event, .. } => self.history(event, record.at),
            Event::ClientNote { note, .. } => match S::counted(note) {
                Some(Counted::Invoked) => self.invoked += 1,
                Some(Counted::Ended { outcome, took }) => self.ended(&outcome, took),
                None => {}
            },
            _ => {}
        }
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        readings.total(&INVOKED, None, &[], self.invoked);
        let [done, failed, unknown] = self.ended;
        readings.total(&ERRORS, None, &[], failed + unknown);
        readings.level(&OPEN, None, &[], self.invoked.saturating_sub(done + failed + unknown));
        for ((outcome, ended), lengths) in OUTCOMES.iter().zip(self.ended).zip(&mut self.lengths) {
            readings.total(&OPERATIONS, None, &[outcome], ended);
            readings.sizes(&LENGTHS, None, &[outcome], lengths);
        }
    }
}
