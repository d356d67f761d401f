//! Requests to services, as those are measured that demand something of them.

use std::collections::BTreeMap;

use super::collected::Tally;
use super::probe::Probe;
use super::readings::Readings;
use crate::base::{Metric, NodeId, Time};
use crate::require::{ALL, Meter, Place, Reading};
use crate::trace::{Event, Record, Vocabulary};

const REQUESTS: Metric =
    Metric::counter("requests", "", "Requests to a service that ended, by whether they succeeded.").by(&["service", "outcome"]);
const LENGTHS: Metric =
    Metric::histogram("request_seconds", "seconds", "How long requests to a service took, from when they were due, by how they ended.")
        .by(&["service", "outcome"]);
const QUEUE: Metric = Metric::gauge("queue_length", "", "Requests that wait in the queue of an instance.").by(&["service"]);
const WORK: Metric =
    Metric::gauge("requests_at_work", "", "Requests that an instance works on, those among them whose worker is free again.")
        .by(&["service"]);
const BULKHEAD: Metric =
    Metric::gauge("bulkhead_waiting", "", "Calls to a service that wait before the bulkhead of a caller.").by(&["service"]);

/// The metrics of requests to services.
pub const OF_REQUESTS: &[Metric] = &[REQUESTS, LENGTHS, QUEUE, WORK, BULKHEAD];

/// Measures requests to services: rate, errors and duration, and the queues before them.
pub struct RequestProbe<V: Vocabulary> {
    meter: Box<dyn Meter<V>>,
    services: Vec<Service>,
    /// How many are in each place of each node, by the index of the service.
    places: BTreeMap<(NodeId, u32, Kind), u64>,
}

struct Service {
    name: String,
    ended: [Ended; OUTCOMES.len()],
}

#[derive(Default)]
struct Ended {
    count: u64,
    lengths: Tally,
}

const OUTCOMES: [&str; 2] = ["succeeded", "failed"];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Queue,
    Work,
    Bulkhead,
}

impl<V: Vocabulary> RequestProbe<V> {
    /// A probe of these services, whose requests this meter finds.
    pub fn new(services: Vec<String>, meter: Box<dyn Meter<V>>) -> Self {
        let services = services.into_iter().map(|name| Service { name, ended: Default::default() }).collect();
        Self { meter, services, places: BTreeMap::new() }
    }
}

impl<V: Vocabulary> Probe<V> for RequestProbe<V> {
    fn look(&mut self, record: &Record<'_, V>) {
        let node = match record.event {
            Event::Note { node, .. } | Event::ClientNote { node, .. } => Some(*node),
            // What waited there is gone.
            Event::Crash { node, .. } => {
                self.places.iter_mut().filter(|((at, ..), _)| at == node).for_each(|(_, count)| *count = 0);
                None
            }
            _ => None,
        };
        let Self { meter, services, places } = self;
        meter.look(record, &mut |reading| match reading {
            Reading::Ended { of, due, succeeded, .. } if of != ALL => {
                let Some(service) = services.get_mut(of as usize) else { return };
                let ended = &mut service.ended[usize::from(!succeeded)];
                ended.count += 1;
                ended.lengths.record(record.at.since(due).as_nanos());
            }
            Reading::Counted { of, place, count } => {
                let kind = match place {
                    Place::Queue => Kind::Queue,
                    Place::Work => Kind::Work,
                    Place::Bulkhead => Kind::Bulkhead,
                };
                if let Some(node) = node {
                    places.insert((node, of, kind), count);
                }
            }
            Reading::Ended { .. } => {}
        });
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        for Service { name, ended } in &mut self.services {
            for (outcome, ended) in OUTCOMES.iter().zip(ended) {
                readings.total(&REQUESTS, None, &[name, outcome], ended.count);
                readings.sizes(&LENGTHS, None, &[name, outcome], &mut ended.lengths);
            }
        }
        for ((node, of, kind), count) in &self.places {
            let Some(service) = self.services.get(*of as usize) else { continue };
            let metric = match kind {
                Kind::Queue => QUEUE,
                Kind::Work => WORK,
                Kind::Bulkhead => BULKHEAD,
            };
            readings.level(&metric, Some(*node), &[&service.name], *count);
        }
    }
}
