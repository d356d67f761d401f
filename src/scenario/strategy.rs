//! Fault plans for property tests: legal ones, which shrink to fewer, earlier and simpler faults.
//!
//! ```no_run
//! use proptest::prelude::*;
//! use stormglass::scenario::{Scenario, strategy};
//!
//! /// A scenario of your own: `Scenario::from_ron("Scenario(…)", &registry).unwrap()`.
//! fn scenario() -> Scenario {
//! #   unimplemented!()
//! }
//!
//! proptest! {
//!     // #[test]
//!     fn survives_every_storm(faults in strategy::fault_plan(&scenario()), seed: u64) {
//!         scenario().with_faults(faults).assert_holds(seed);
//!     }
//! }
//! # survives_every_storm();
//! ```

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::Scenario;
use crate::base::{Duration, DurationRange, NodeId, Ratio, Time};
use crate::fault::{Cut, Fault, FaultPlan, FaultStep, Happening, Target, Trigger};

/// Plans for this scenario: up to eight steps, most of them at given times, some again and again, some set off by a message. A plan shrinks
/// to fewer steps, earlier times and shorter lengths, and where it can, from roles to named nodes.
pub fn fault_plan(scenario: &Scenario) -> impl Strategy<Value = FaultPlan> + use<> {
    let draw = Draw::new(scenario);
    vec(draw.step(), 0..=8).prop_map(|steps| FaultPlan { steps })
}

/// What plans are drawn from.
#[derive(Clone)]
struct Draw {
    servers: u32,
    roles: &'static [&'static str],
    kinds: &'static [&'static str],
    /// All times and lengths are multiples of this: a thousandth of the run, so that they are short to write.
    grain: Duration,
    /// The last moment at which a fault can strike.
    last: Duration,
}

/// How many grains a run has.
const GRAINS: u64 = 1_000;

impl Draw {
    fn new(scenario: &Scenario) -> Self {
        let roster = scenario.roster();
        let duration = scenario.conditions.duration;
        let grain = Duration::from_nanos(duration.as_nanos().div_ceil(GRAINS));
        let last = duration.saturating_sub(Duration::from_nanos(1));
        Self { servers: roster.population.servers.max(1), roles: roster.roles, kinds: roster.kinds, grain, last }
    }

    fn step(&self) -> impl Strategy<Value = FaultStep> + use<> {
        let (grain, last) = (self.grain, self.last);
        let at = (0..GRAINS, self.fault(false)).prop_map(move |(time, fault)| FaultStep::At(Time::ZERO + (grain * time).min(last), fault));
        let every = (self.lengths(GRAINS / 20..GRAINS / 2), self.fault(false)).prop_map(|(gap, fault)| FaultStep::Every(gap, fault));
        let when = (self.trigger(), self.fault(true)).prop_map(|(trigger, fault)| FaultStep::When(trigger, fault));
        prop_oneof![6 => at, 1 => every, 1 => when]
    }

    fn trigger(&self) -> impl Strategy<Value = Trigger> + use<> {
        let trigger = |on: fn(String) -> Happening| move |(kind, nth): (&str, u32)| Trigger { on: on(kind.to_owned()), node: None, nth };
        let message = || (select(self.kinds), 1..50_u32);
        prop_oneof![message().prop_map(trigger(Happening::Delivered)), message().prop_map(trigger(Happening::Sent))]
    }

    fn fault(&self, set_off: bool) -> impl Strategy<Value = Fault> + use<> {
        let lasting = || proptest::option::weighted(0.8, self.lengths(1..GRAINS / 4));
        let crash = (self.target(set_off), lasting()).prop_map(|(node, down)| Fault::Crash { node, down });
        let pause = (self.target(set_off), lasting()).prop_map(|(node, lasting)| Fault::Pause { node, lasting });
        let partition = (self.cut(set_off), lasting()).prop_map(|(cut, lasting)| Fault::Partition { cut, lasting });
        let chance = (1..=9_u32).prop_map(|tenths| Ratio::new(tenths, 10).expect("less than one"));
        let lose = (chance, lasting()).prop_map(|(chance, lasting)| Fault::Lose { chance, lasting });
        let chance = (1..=9_u32).prop_map(|tenths| Ratio::new(tenths, 10).expect("less than one"));
        let duplicate = (chance, lasting()).prop_map(|(chance, lasting)| Fault::Duplicate { chance, lasting });
        let delayed = (self.lengths(1..GRAINS / 20), proptest::option::of(self.target(set_off)), lasting());
        let delay = delayed.prop_map(|(by, node, lasting)| Fault::Delay { by, node, lasting });
        let stall = (self.target(set_off), lasting()).prop_map(|(node, lasting)| Fault::StallDisk { node, lasting });
        let restart = self.target(set_off).prop_map(|node| Fault::Restart { node });
        let resume = self.target(set_off).prop_map(|node| Fault::Resume { node });
        let of_links = prop_oneof![3 => partition, 2 => Just(Fault::Heal), 1 => lose, 1 => duplicate, 2 => delay];
        let of_nodes = prop_oneof![4 => crash, 2 => pause, 1 => stall, 1 => restart, 1 => resume];
        prop_oneof![1 => of_nodes, 1 => of_links]
    }

    fn cut(&self, set_off: bool) -> impl Strategy<Value = Cut> + use<> {
        let isolate = self.target(set_off).prop_map(Cut::Isolate);
        let one_way = (self.node(), self.node()).prop_map(|(from, to)| Cut::OneWay { from: Target::Node(from), to: Target::Node(to) });
        let servers: Vec<NodeId> = (0..self.servers.min(9)).map(NodeId::server).collect();
        let groups = subsequence(servers.clone(), 0..=servers.len()).prop_map(move |one| {
            let rest = servers.iter().filter(|node| !one.contains(node)).copied().collect();
            Cut::Groups(vec![one, rest])
        });
        prop_oneof![3 => isolate, 2 => Just(Cut::Halves), 1 => one_way, 2 => groups]
    }

    fn target(&self, set_off: bool) -> BoxedStrategy<Target> {
        let node = self.node().prop_map(Target::Node);
        let mut open = vec![Target::Any, Target::Minority, Target::Majority];
        open.extend(self.roles.iter().map(|role| Target::Role(role)));
        if set_off {
            open.extend([Target::Receiver, Target::Sender, Target::Subject]);
        }
        prop_oneof![2 => node, 3 => select(open)].boxed()
    }

    fn node(&self) -> impl Strategy<Value = NodeId> + use<> {
        (0..self.servers).prop_map(NodeId::server)
    }

    /// Lengths of so many grains; as often as not a single one.
    fn lengths(&self, grains: std::ops::Range<u64>) -> impl Strategy<Value = DurationRange> + use<> {
        let (grain, end) = (self.grain, grains.end);
        (grains, prop_oneof![Just(0), 0..end]).prop_map(move |(low, more)| {
            let (low, high) = (grain * low, grain * (low + more));
            DurationRange::new(low, high).expect("in order")
        })
    }
}
