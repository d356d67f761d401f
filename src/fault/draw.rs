//! What plans are drawn from at random.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::Union;

use super::notation::Value;
use super::{Fault, FaultStep, Happening, Kind, Moment, Target, Trigger};
use crate::base::{Duration, DurationRange, NodeId, Time};

/// What plans are drawn from.
#[derive(Clone)]
pub(crate) struct Draw {
    servers: u32,
    roles: Vec<&'static str>,
    kinds: &'static [&'static str],
    /// All times and lengths are multiples of this: a thousandth of the run, so that they are short to write.
    grain: Duration,
    /// The last moment at which a fault can strike.
    last: Duration,
    /// Whether there is a message that has set the fault off.
    set_off: bool,
}

/// How many grains a run has.
pub(super) const GRAINS: u64 = 1_000;

impl Draw {
    pub(crate) fn new(servers: u32, roles: Vec<&'static str>, kinds: &'static [&'static str], duration: Duration) -> Self {
        let grain = Duration::from_nanos(duration.as_nanos().div_ceil(GRAINS));
        let last = duration.saturating_sub(Duration::from_nanos(1));
        Self { servers: servers.max(1), roles, kinds, grain, last, set_off: false }
    }

    /// A step with a fault of one of these kinds.
    pub(crate) fn step(&self, wanted: &[&'static Kind]) -> BoxedStrategy<FaultStep> {
        let (grain, last) = (self.grain, self.last);
        let after_message = Self { set_off: true, ..self.clone() };
        let at = (0..GRAINS).prop_map(move |time| Moment::At(Time::ZERO + (grain * time).min(last)));
        let every = self.lengths(GRAINS / 20..GRAINS / 2).prop_map(Moment::Every);
        // Apart from the fault, so that a moment shrinks to a simpler one while the fault stays.
        let timed = (prop_oneof![6 => at, 1 => every], self.fault(wanted)).prop_map(|(moment, fault)| FaultStep::new(moment, fault));
        let when = (self.trigger(), after_message.fault(wanted)).prop_map(|(trigger, fault)| FaultStep::when(trigger, fault));
        prop_oneof![7 => timed, 1 => when].boxed()
    }

    fn trigger(&self) -> impl Strategy<Value = Trigger> + use<> {
        let trigger = |on: fn(String) -> Happening| move |(kind, nth): (&str, u32)| Trigger { on: on(kind.to_owned()), node: None, nth };
        let message = || (select(self.kinds), 1..50_u32);
        prop_oneof![message().prop_map(trigger(Happening::Delivered)), message().prop_map(trigger(Happening::Sent))]
    }

    fn fault(&self, wanted: &[&'static Kind]) -> BoxedStrategy<Fault> {
        let strategies = Fault::strategies(self).into_iter();
        let known = strategies.filter_map(|(name, strategy)| Some((wanted.iter().find(|kind| kind.name == name)?.weight, strategy)));
        let mut weighted: Vec<_> = known.collect();
        // What is drawn shrinks to what stands before it: to what is common.
        weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        Union::new_weighted(weighted).boxed()
    }

    /// Each as likely.
    pub(super) fn any_of<T: Value + std::fmt::Debug + 'static>(&self, named: Vec<(&'static str, BoxedStrategy<T>)>) -> BoxedStrategy<T> {
        Union::new(named.into_iter().map(|(_, strategy)| strategy)).boxed()
    }

    pub(super) fn groups(&self) -> impl Strategy<Value = Vec<Vec<NodeId>>> + use<> {
        let servers: Vec<NodeId> = (0..self.servers.min(9)).map(NodeId::server).collect();
        subsequence(servers.clone(), 0..=servers.len()).prop_map(move |one| {
            let rest = servers.iter().filter(|node| !one.contains(node)).copied().collect();
            vec![one, rest]
        })
    }

    pub(super) fn target(&self) -> BoxedStrategy<Target> {
        let node = (0..self.servers).prop_map(|server| Target::Node(NodeId::server(server)));
        let mut open = vec![Target::Any, Target::Minority, Target::Majority];
        open.extend(self.roles.iter().map(|role| Target::Role(role)));
        if self.set_off {
            open.extend([Target::Receiver, Target::Sender, Target::Subject]);
        }
        prop_oneof![2 => node, 3 => select(open)].boxed()
    }

    /// Lengths of so many grains; as often as not a single one.
    pub(super) fn lengths(&self, grains: std::ops::Range<u64>) -> impl Strategy<Value = DurationRange> + use<> {
        let (grain, end) = (self.grain, grains.end);
        (grains, prop_oneof![Just(0), 0..end]).prop_map(move |(low, more)| {
            let (low, high) = (grain * low, grain * (low + more));
            DurationRange::new(low, high).expect("in order")
        })
    }
}
