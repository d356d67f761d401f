//! The minimal Raft of the benchmarks on simcore, a simulator of discrete events. `raft-on-simcore SEEDS SECONDS` runs so many seeds of so
//! many simulated seconds, and prints the CPU seconds that took, the writes that were answered, and the events.

use std::cell::RefCell;
use std::rc::Rc;

use cpu_time::ProcessTime;
use raft::{Agenda, Cluster, Event, NEMESIS};
use simcore::{EventHandler, Id, Simulation, SimulationContext, cast};

#[path = "../../../yardstick/heap.rs"]
#[allow(dead_code)]
mod heap;
#[path = "../../../yardstick/raft.rs"]
#[allow(dead_code)]
mod raft;

/// What all nodes share: who they are to simcore, how many messages there were, and how many events were handled.
struct Shared {
    ids: Vec<Id>,
    sent: u64,
    handled: u64,
    cluster: Option<Cluster>,
}

/// One node of the cluster, or who strikes.
struct Node {
    context: SimulationContext,
    shared: Rc<RefCell<Shared>>,
}

/// The agenda of a node while it handles an event.
struct Handling<'a> {
    context: &'a SimulationContext,
    ids: &'a [Id],
    sent: &'a mut u64,
}

impl Agenda for Handling<'_> {
    fn now(&self) -> u64 {
        (self.context.time() * 1e9).round() as u64
    }

    fn schedule(&mut self, after: u64, event: Event) {
        let to = self.ids[event.node() as usize];
        self.context.emit(Happens { event }, to, after as f64 * 1e-9);
    }

    fn count(&mut self) -> u64 {
        *self.sent += 1;
        *self.sent
    }
}

#[derive(Clone, serde::Serialize)]
struct Happens {
    event: Event,
}

impl EventHandler for Node {
    fn on(&mut self, event: simcore::Event) {
        cast!(match event.data {
            Happens { event } => {
                let Shared { ids, sent, handled, cluster } = &mut *self.shared.borrow_mut();
                *handled += 1;
                let mut agenda = Handling { context: &self.context, ids, sent };
                if let Some(cluster) = cluster {
                    cluster.handle(event, &mut agenda);
                }
            }
        })
    }
}

fn run(seed: u64, seconds: u64) -> (u64, u64) {
    let mut simulation = Simulation::new(seed);
    let shared = Rc::new(RefCell::new(Shared { ids: Vec::new(), sent: seed << 32, handled: 0, cluster: None }));
    for node in 0..=NEMESIS {
        let name = format!("n{node}");
        let context = simulation.create_context(&name);
        let id = simulation.add_handler(&name, Rc::new(RefCell::new(Node { context, shared: Rc::clone(&shared) })));
        shared.borrow_mut().ids.push(id);
    }
    let context = simulation.create_context("start");
    {
        let shared = &mut *shared.borrow_mut();
        let mut agenda = Handling { context: &context, ids: &shared.ids, sent: &mut shared.sent };
        shared.cluster = Some(Cluster::start(seed, seconds, &mut agenda));
    }
    simulation.step_until_time(seconds as f64);
    let shared = shared.borrow();
    (shared.cluster.as_ref().map_or(0, Cluster::written), shared.handled)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let (seeds, seconds) = (arguments.next().expect("how many seeds"), arguments.next().expect("how many seconds"));
    let start = ProcessTime::now();
    let (mut writes, mut events) = (0, 0);
    for seed in 0..seeds {
        let (written, handled) = run(seed, seconds);
        writes += written;
        events += handled;
    }
    println!("{} {writes} {events}", start.elapsed().as_secs_f64());
}
