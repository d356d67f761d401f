//! A guest: foca, a SWIM library that does no input or output of its own, beside Stormglass's detectors, under the same faults and judges.
//!
//! The guest runs as it is: each node owns a `Foca`, feeds it bytes and timers, and does what it asks for. What it says of members goes to
//! the judges of `stormglass::protocols::detector`, so that its table has the same columns. `cargo run --example foca_guest -- run
//! examples/foca_guest.ron --seed 1`; the scenario of our own SWIM to compare it with is `scenarios/detector/swim.ron`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use foca::{AccumulatingRuntime, Config, Foca, Identity, OwnedNotification, PostcardCodec};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};
use stormglass::base::{Duration, NodeId};
use stormglass::check::Property;
use stormglass::notation::Form;
use stormglass::process::{self, Context, Files, NoNote, Process};
use stormglass::protocols::detector::properties::{Bounds, DetectorJudge, Observations, PROPERTIES, Subject};
use stormglass::protocols::detector::{Note, Observers, Said, State};
use stormglass::systems::{Nodes, Population, Registry, System, Written};
use stormglass::trace::Judge;
use stormglass::workload::NoClient;
use stormglass::world::{Cluster, Conditions};

/// A member: a node, and which of its lives. Who starts anew is another one of the same address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    node: u32,
    life: u64,
}

impl Identity for Member {
    type Addr = u32;

    fn renew(&self) -> Option<Self> {
        Some(Self { life: self.life + 1, ..self.clone() })
    }

    fn addr(&self) -> u32 {
        self.node
    }

    fn win_addr_conflict(&self, other: &Self) -> bool {
        self.life > other.life
    }
}

/// What foca puts on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Packet(Vec<u8>);
impl process::Message for Packet {}

struct Guest {
    foca: Foca<Member, PostcardCodec, SmallRng, foca::NoCustomBroadcast>,
    nodes: u32,
    /// Timers that are set, by number: foca's own are not ordered.
    timers: BTreeMap<u64, foca::Timer<Member>>,
    next_timer: u64,
    /// Whom it holds to be up.
    up: BTreeMap<u32, bool>,
}

/// A timer that joins the group, and one of foca's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Timer {
    Join,
    /// Whoever is not a member by now is none.
    Joined,
    Foca(u64),
}

impl Guest {
    /// Lets foca do something, and does what it asks for.
    fn step(
        &mut self,
        context: &mut Context<'_, Self>,
        act: impl FnOnce(&mut Foca<Member, PostcardCodec, SmallRng, foca::NoCustomBroadcast>, &mut AccumulatingRuntime<Member>),
    ) {
        let mut runtime = AccumulatingRuntime::new();
        act(&mut self.foca, &mut runtime);
        while let Some((to, data)) = runtime.to_send() {
            context.send(NodeId::server(to.node), Packet(data.to_vec()));
        }
        while let Some((after, timer)) = runtime.to_schedule() {
            self.next_timer += 1;
            self.timers.insert(self.next_timer, timer);
            let after = Duration::from_nanos(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
            context.set_timer(Timer::Foca(self.next_timer), after);
        }
        while let Some(notification) = runtime.to_notify() {
            match notification {
                OwnedNotification::MemberUp(member) => self.hold(member.node, true, context),
                OwnedNotification::MemberDown(member) => self.hold(member.node, false, context),
                OwnedNotification::Rename(_, member) => self.hold(member.node, true, context),
                _ => {}
            }
        }
    }

    fn hold(&mut self, node: u32, up: bool, context: &mut Context<'_, Self>) {
        if self.up.insert(node, up) != Some(up) {
            let state = if up { State::Alive } else { State::Dead };
            context.note(Note { slot: 0, said: Said::Holds { member: NodeId::server(node), state, incarnation: 0 } });
        }
    }
}

impl Process for Guest {
    type Config = u32;
    type Message = Packet;
    type Timer = Timer;
    type Note = Note;

    fn boot(nodes: &u32, _: &Files, context: &mut Context<'_, Self>) -> Self {
        let me = context.me().index() as u32;
        // Its clock tells one life from another; its randomness comes from the run.
        let member = Member { node: me, life: context.now().as_nanos() as u64 };
        let random = SmallRng::seed_from_u64(context.random().word());
        let size = NonZeroU32::new(*nodes).unwrap_or(NonZeroU32::MIN);
        let foca = Foca::new(member, Config::new_lan(size), random, PostcardCodec);
        context.set_timer(Timer::Join, Duration::from_millis(1));
        context.set_timer(Timer::Joined, Duration::from_secs(10));
        Self { foca, nodes: *nodes, timers: BTreeMap::new(), next_timer: 0, up: BTreeMap::new() }
    }

    fn on_message(&mut self, _: NodeId, Packet(bytes): Packet, context: &mut Context<'_, Self>) {
        // What foca refuses (a message to an earlier life, say) it has dealt with.
        self.step(context, |foca, runtime| drop(foca.handle_data(&bytes, runtime)));
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        match timer {
            Timer::Join => {
                // foca knows members by address and life: it is told addresses, and learns the lives.
                if self.foca.num_members() == 0 {
                    let other = (context.me().index() as u32 + 1 + context.random().below(u64::from(self.nodes - 1)) as u32) % self.nodes;
                    self.step(context, |foca, runtime| drop(foca.announce(Member { node: other, life: 0 }, runtime)));
                }
                context.set_timer(Timer::Join, Duration::from_secs(1));
            }
            Timer::Joined => {
                let others = (0..self.nodes).filter(|node| *node as usize != context.me().index());
                let strangers: Vec<u32> = others.filter(|node| !self.up.contains_key(node)).collect();
                strangers.into_iter().for_each(|node| self.hold(node, false, context));
            }
            Timer::Foca(number) => {
                if let Some(timer) = self.timers.remove(&number) {
                    self.step(context, |foca, runtime| drop(foca.handle_timer(timer, runtime)));
                }
            }
        }
    }

    fn status(&self) -> String {
        format!("knows {} members", self.foca.num_members())
    }
}

struct FocaGuest;

#[derive(Clone, Debug)]
struct Parameters {
    nodes: u32,
    bounds: Bounds,
}

impl Cluster for FocaGuest {
    type Message = Packet;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Guest;
    type Client = NoClient<Packet>;
}

impl Observations for FocaGuest {
    fn detection(note: &Note) -> Option<Note> {
        Some(*note)
    }

    fn traffic(packet: &Packet) -> Option<(u8, u64)> {
        Some((0, packet.0.len() as u64))
    }
}

impl System for FocaGuest {
    const NAME: &'static str = "FocaGuest";
    const ABOUT: &'static str = "foca 2.0, a SWIM library, with its defaults for a local network";
    type Config = Parameters;

    fn properties() -> Vec<Property> {
        PROPERTIES.to_vec()
    }

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<Parameters> {
        let mut fields = system.fields()?;
        let nodes = fields.read_or("nodes", 5, |form| form.count(2..=1000));
        let detection = fields.optional("detection", Form::duration_positive);
        let recurrence = fields.optional("recurrence", Form::duration_positive);
        fields.finish();
        Some(Parameters { nodes, bounds: Bounds { detection, recurrence, ..Bounds::default() } })
    }

    fn write(parameters: &Parameters) -> Written {
        let given = |name: &str, length: Option<Duration>| length.map_or(String::new(), |length| format!(", {name}: \"{length}\""));
        let Bounds { detection, recurrence, .. } = parameters.bounds;
        let fields = given("detection", detection) + &given("recurrence", recurrence);
        Written { system: format!("FocaGuest(nodes: {}{fields})", parameters.nodes), workload: None }
    }

    fn population(parameters: &Parameters) -> Population {
        Population { servers: parameters.nodes, clients: 0 }
    }

    fn nodes(parameters: &Parameters, _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![parameters.nodes; parameters.nodes as usize], clients: vec![] }
    }

    fn judges(parameters: &Parameters, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let subject =
            Subject { name: "foca".to_owned(), observers: Observers::All, watches_work: false, doubts: false, bounds: parameters.bounds };
        vec![Box::new(DetectorJudge::new(parameters.nodes, vec![subject], Duration::from_secs(30)))]
    }
}

/// Every command of `stormglass`, for foca and for what Stormglass comes with.
fn main() -> std::process::ExitCode {
    stormglass::cli::main_with(Registry::standard().with::<FocaGuest>())
}
