//! What plans are drawn from at random.

use std::ops::Range;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::Union;

use super::planned::{EachLength, Name, Named, OccasionKind, Planned};
use super::step::{Gap, Instant};
use super::{Cut, Fault, FaultKind, FaultStep, Happening, Lengths, Moment, Target, Trigger};
use crate::base::{Duration, DurationRange, NodeId, Ratio, Time, sort_by_key};
use crate::notation::{Advised, Chance, Drawn, LengthRange, Maybe, Text};

/// What plans are drawn from.
#[derive(Clone)]
pub(crate) struct Draw {
    /// The kinds of faults that are wanted.
    pub(crate) wanted: Vec<&'static FaultKind>,
    /// How many servers there are, at least one.
    pub(crate) servers: u32,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) kinds: &'static [&'static str],
    pub(crate) marks: Vec<&'static str>,
    /// How long faults may strike.
    pub(crate) duration: Duration,
}

/// How many grains a run has: all times and lengths are multiples of one, so that they are short to write.
const GRAINS: u64 = 1_000;

impl Draw {
    /// A step with a fault of one of the wanted kinds.
    pub(crate) fn step(&self) -> BoxedStrategy<FaultStep> {
        let moments = Moment::strategies(&Context { draw: self.clone(), occasion: OccasionKind::Nothing }).into_iter();
        let timed = moments.filter_map(|(name, strategy)| match name {
            "At" => Some((6, strategy)),
            "Every" => Some((1, strategy)),
            _ => None,
        });
        // Apart from the fault, so that a moment shrinks to a simpler one while the fault stays.
        let timed = (Union::new_weighted(timed.collect()), self.fault(OccasionKind::Nothing))
            .prop_map(|(moment, fault)| FaultStep::new(moment, fault));
        let set_off = self.triggers().into_iter().map(|(occasion, trigger)| {
            let strategy = (trigger, self.fault(occasion)).prop_map(|(trigger, fault)| FaultStep::when(trigger, fault));
            strategy.boxed()
        });
        prop_oneof![3 => timed, 1 => Union::new(set_off)].boxed()
    }

    /// The triggers that can go off, and what a fault that they set off may refer to.
    fn triggers(&self) -> Vec<(OccasionKind, BoxedStrategy<Trigger>)> {
        let can_happen = |name: &str| match name {
            "Sent" | "Delivered" => !self.kinds.is_empty(),
            "Marked" => !self.marks.is_empty(),
            "Crashed" => self.wanted.iter().any(|kind| kind.crashes),
            "Restarted" => self.wanted.iter().any(|kind| kind.restarts()),
            _ => true,
        };
        let happenings = Happening::strategies(&Context { draw: self.clone(), occasion: OccasionKind::Nothing });
        let triggers = happenings.into_iter().filter(|(name, _)| can_happen(name)).map(|(name, on)| {
            let trigger = (on, option::weighted(0.2, self.node()), 1..50_u32).prop_map(|(on, node, nth)| Trigger { on, node, nth });
            (Happening::occasion_of(name), trigger.boxed())
        });
        triggers.collect()
    }

    fn fault(&self, occasion: OccasionKind) -> BoxedStrategy<Fault> {
        let strategies = Fault::strategies(&Context { draw: self.clone(), occasion }).into_iter();
        let weighted =
            strategies.filter_map(|(name, strategy)| Some((self.wanted.iter().find(|kind| kind.name == name)?.weight, strategy)));
        let mut weighted: Vec<_> = weighted.collect();
        // What is drawn shrinks to what stands before it: to what is common.
        sort_by_key(&mut weighted, |(weight, _)| std::cmp::Reverse(*weight));
        Union::new_weighted(weighted).boxed()
    }

    fn grain(&self) -> Duration {
        Duration::from_nanos(self.duration.as_nanos().div_ceil(GRAINS))
    }

    /// Lengths of so many grains; as often as not a single one.
    fn lengths(&self, grains: Range<u64>) -> BoxedStrategy<DurationRange> {
        let (grain, end) = (self.grain(), grains.end);
        let lengths = (grains, prop_oneof![Just(0), 0..end]).prop_map(move |(low, more)| {
            let (low, high) = (grain * low, grain * (low + more));
            DurationRange::new(low, high).expect("in order")
        });
        lengths.boxed()
    }

    fn node(&self) -> BoxedStrategy<NodeId> {
        (0..self.servers).prop_map(NodeId::server).boxed()
    }

    /// The first few servers.
    fn nodes(&self) -> Vec<NodeId> {
        (0..self.servers.min(9)).map(NodeId::server).collect()
    }
}

/// What the fields of one step are drawn from.
pub(super) struct Context {
    draw: Draw,
    occasion: OccasionKind,
}

/// From what the values of codecs are drawn.
macro_rules! drawn {
    ($($Codec:ty: $Type:ty = |$context:pat_param| $strategy:expr;)+) => {$(
        impl Drawn<$Type, Context> for $Codec {
            fn strategy(&self, $context: &Context) -> BoxedStrategy<$Type> {
                Strategy::boxed($strategy)
            }
        }
    )+};
}

drawn! {
    Instant: Time = |Context { draw, .. }| {
        let (grain, last) = (draw.grain(), draw.duration.saturating_sub(Duration::from_nanos(1)));
        (0..GRAINS).prop_map(move |time| Time::ZERO + (grain * time).min(last))
    };
    Gap: DurationRange = |Context { draw, .. }| draw.lengths(GRAINS / 20..GRAINS / 2);
    Advised<LengthRange, DurationRange>: DurationRange = |Context { draw, .. }| draw.lengths(1..GRAINS / 20);
    Maybe<Advised<EachLength, Lengths>>: Option<Lengths> = |Context { draw, .. }| {
        option::weighted(0.8, draw.lengths(1..GRAINS / 4).prop_map(Lengths::Drawn))
    };
    Advised<Chance, Ratio>: Ratio = |_| (1..=9_u32).prop_map(|tenths| Ratio::new(tenths, 10).expect("less than one"));
    Planned<'_>: Trigger = |Context { draw, .. }| Union::new(draw.triggers().into_iter().map(|(_, trigger)| trigger));
    Planned<'_>: Target = |context| context.target();
    Maybe<Planned<'_>>: Option<Target> = |context| option::of(context.target());
    Planned<'_>: Cut = |context| {
        let (cuts, servers) = (Union::new(Cut::strategies(context).into_iter().map(|(_, cut)| cut)), context.draw.servers);
        // Where there is but one server, every cut parts no nodes.
        cuts.prop_filter("this cut parts no nodes", move |cut| servers < 2 || !cut.parts_no_nodes(servers))
    };
    Planned<'_>: Vec<Vec<NodeId>> = |Context { draw, .. }| {
        let nodes = draw.nodes();
        subsequence(nodes.clone(), 0..=nodes.len()).prop_map(move |one| {
            let rest = nodes.iter().filter(|node| !one.contains(node)).copied().collect();
            vec![one, rest]
        })
    };
    // Plans that are drawn choose among faults by themselves.
    Planned<'_>: Vec<Fault> = |_| Just(vec![Fault::Heal]);
    // Any file: files are not declared.
    Maybe<Text>: Option<String> = |_| Just(None);
}

impl Drawn<&'static str, Context> for Name<'_> {
    fn strategy(&self, Context { draw, .. }: &Context) -> BoxedStrategy<&'static str> {
        let names = match self.1 {
            Named::Kind => draw.kinds.to_vec(),
            Named::Mark => draw.marks.clone(),
        };
        if names.is_empty() { Just("").boxed() } else { select(names).boxed() }
    }
}

impl Context {
    fn target(&self) -> BoxedStrategy<Target> {
        let Self { draw, occasion } = self;
        let fits = |target: &&Target| match target {
            Target::Minority => draw.servers >= 3,
            Target::Sender | Target::Receiver => *occasion == OccasionKind::Message,
            Target::Subject => *occasion != OccasionKind::Nothing,
            _ => true,
        };
        let open = Target::OPEN.iter().filter(fits).cloned().chain(draw.roles.iter().map(|role| Target::Role(role)));
        let nodes = draw.nodes();
        let some = subsequence(nodes.clone(), 1..=nodes.len()).prop_map(Target::Nodes);
        prop_oneof![2 => draw.node().prop_map(Target::Node), 3 => select(open.collect::<Vec<_>>()), 1 => some].boxed()
    }
}
