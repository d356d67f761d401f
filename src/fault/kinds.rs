//! The faults, each declared once.

use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

#[cfg(any(test, feature = "proptest"))]
use super::draw::Context;
use super::planned::{LASTING, LIKELY, LONGER, Planned};
use super::resolve::{Chooser, Resolve};
use super::{Cut, Lengths, Parting, Target};
use crate::base::{Duration, DurationRange, NodeId, Ratio};
use crate::notation::{Form, Maybe, Variants as _, variants};

/// A kind of fault: what is true of all faults of this name.
#[derive(Debug)]
pub struct FaultKind {
    /// As it is written and counted.
    pub name: &'static str,
    /// What it strikes.
    pub family: Family,
    /// When it makes a difference.
    pub bites: &'static str,
    /// Whether it takes nodes down.
    pub crashes: bool,
    /// What ends it, besides its own length if it has one.
    pub ends: Ends,
    /// How often plans that are drawn have it, compared with the others.
    pub weight: u32,
}

/// What ends a fault, besides its own length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It leaves nothing behind.
    AtOnce,
    /// The end of all faults.
    WithAll,
    /// The fault of this name, its cure; and the end of all faults.
    By(&'static str),
    /// Nothing: the system must do without what it struck.
    Never,
}

/// Declares the faults by family: the type of a plan, the type of what strikes, and what is true of each kind.
///
/// A field has two types, `Planned => Struck`: what a plan may say, and what is left of it when the fault strikes. Its codec is that
/// of what a plan may say.
macro_rules! faults {
    (|$context:ident| $(
        $(#[$group:meta])*
        $Family:ident {$(
            $(#[doc = $about:literal])+
            $Name:ident $({
                $( $(#[doc = $doc:literal])+ $field:ident: $Planned:ty => $Struck:ty $(= $default:literal)?, $codec:expr; )+
            })? $(bare $bare:literal)? => example: $example:literal,
            bites: $bites:literal,
            crashes: $crashes:literal,
            ends: $ends:expr,
            weight: $weight:literal;
        )+}
    )+) => {
        variants! {
            |$context: Planned<'c>, Context|
            /// Something that goes wrong, as a plan has it.
            pub enum Fault: "a fault" with () {
                $($(
                    $(#[doc = $about])+
                    $Name $({ $( $(#[doc = $doc])+ $field: $Planned $(= $default)?, $codec; )+ })? $(bare $bare)? => $example,
                )+)+
                /// One of several faults, each as likely.
                OneOf {
                    /// Those that it may be.
                    faults: Vec<Fault>, $context;
                } bare 1 => r#"Every("1s..4s", OneOf([Crash(node: Any, down: "1s"), Heal]))"#,
            }
        }

        /// Something that goes wrong, as it strikes: with the nodes and lengths that were open in the plan.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Strike {
            $($( $(#[doc = $about])+ $Name $({ $( $(#[doc = $doc])+ $field: $Struck ),+ })? ),+),+
        }

        impl Strike {
            /// The name of its kind.
            pub const fn name(&self) -> &'static str {
                match self { $($( Self::$Name { .. } => stringify!($Name) ),+),+ }
            }
        }

        /// What faults strike.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Family {
            $( $(#[$group])* $Family ),+
        }

        impl FaultKind {
            /// All kinds, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$($(
                Self {
                    name: stringify!($Name),
                    family: Family::$Family,
                    bites: $bites,
                    crashes: $crashes,
                    ends: $ends,
                    weight: $weight,
                }
            ),+),+];
        }

        impl Fault {
            /// What it strikes as now: nothing if no node fits, several if it strikes several nodes one by one.
            pub(crate) fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Strike> {
                let mut strikes = Vec::new();
                match self {
                    Self::OneOf { faults } if faults.is_empty() => {}
                    Self::OneOf { faults } => strikes = faults[chooser.one_of(faults.len())].resolve(chooser),
                    $($(
                        Self::$Name $({ $( $field ),+ })? => {
                            each!(strikes, chooser, Strike::$Name $({ $( $field: $field.clone() ),+ })?; $($( $field: $Planned => $Struck, )+)?);
                        }
                    )+)+
                }
                strikes
            }
        }

        impl Fault {
            /// The fault that strikes just so: as one of these, or as all of them if they belong together and are of one kind.
            pub(crate) fn struck(strikes: &[Strike]) -> Option<Self> {
                match strikes.first()? {
                    $($(
                        Strike::$Name { .. } => Some(Self::$Name $({ $(
                            $field: {
                                let field = |strike: &Strike| match strike {
                                    Strike::$Name { $field, .. } => Some($field.clone()),
                                    _ => None,
                                };
                                <$Planned as Resolve<$Struck>>::fixed(strikes.iter().filter_map(field).collect())?
                            }
                        ),+ })?),
                    )+)+
                }
            }
        }
    };
}

/// A strike for each way in which the fields can be resolved, one field after the other.
macro_rules! each {
    ($strikes:ident, $chooser:ident, $strike:expr;) => {
        $strikes.push($strike)
    };
    ($strikes:ident, $chooser:ident, $strike:expr; $field:ident: $Planned:ty => $Struck:ty, $($rest:tt)*) => {
        $chooser.enter(stringify!($field));
        for (nth, $field) in <$Planned as Resolve<$Struck>>::resolve($field, $chooser).into_iter().enumerate() {
            if let Some(node) = <$Planned as Resolve<$Struck>>::node(&$field) {
                $chooser.concern(node, nth);
            }
            each!($strikes, $chooser, $strike; $($rest)*);
        }
    };
}

faults! {
    |planned|
    /// Links between nodes.
    Links {
        /// Messages across a cut are lost when they are sent. Partitions add up.
        Partition {
            /// Who is cut off from whom.
            cut: Cut => Parting, planned;
            /// How long it lasts.
            lasting: Option<Lengths> => Option<Duration> = "until `Heal`", Maybe(LASTING);
        } bare 1 => example: "At(\"2s\", Partition(Isolate(Leader)))\nEvery(\"1s..4s\", Partition(cut: Halves, lasting: \"500ms..2s\"))",
        bites: "it loses a message", crashes: false, ends: Ends::By("Heal"), weight: 3;

        /// Ends all partitions, and all degradations in which links lose, duplicate, delay or reorder messages.
        Heal => example: r#"At("4s", Heal)"#,
        bites: "there is something to end", crashes: false, ends: Ends::AtOnce, weight: 2;

        /// Every link loses messages with a given chance, on top of its own.
        Lose {
            /// The chance for each message.
            chance: Ratio => Ratio, LIKELY;
            /// How long it lasts.
            lasting: Option<Lengths> => Option<Duration> = "until `Heal`", Maybe(LASTING);
        } => example: r#"At("2s", Lose(chance: "1/10", lasting: "1s"))"#,
        bites: "it loses a message", crashes: false, ends: Ends::By("Heal"), weight: 1;

        /// Every link delivers messages twice with a given chance, on top of its own.
        Duplicate {
            /// The chance for each message.
            chance: Ratio => Ratio, LIKELY;
            /// How long it lasts.
            lasting: Option<Lengths> => Option<Duration> = "until `Heal`", Maybe(LASTING);
        } => example: r#"At("2s", Duplicate(chance: "1/10", lasting: "1s"))"#,
        bites: "it duplicates a message", crashes: false, ends: Ends::By("Heal"), weight: 1;

        /// Messages take longer: those from and to a node, which is then slow, or all.
        Delay {
            /// How much longer a message takes: drawn for each.
            by: DurationRange => DurationRange, LONGER;
            /// Whose messages, to and fro.
            node: Option<Target> => Option<Vec<NodeId>> = "everybody's", Maybe(planned);
            /// How long it lasts.
            lasting: Option<Lengths> => Option<Duration> = "until `Heal`", Maybe(LASTING);
        } => example: r#"Every("1s..4s", Delay(by: "50ms..200ms", node: Any, lasting: "1s"))"#,
        bites: "it delays a message", crashes: false, ends: Ends::By("Heal"), weight: 2;

        /// Every link holds messages with a given chance until a later one on the same link has arrived.
        Reorder {
            /// The chance for each message.
            chance: Ratio => Ratio, LIKELY;
            /// How long a message is held at most: drawn for each.
            by: DurationRange => DurationRange, LONGER;
            /// How long it lasts.
            lasting: Option<Lengths> => Option<Duration> = "until `Heal`", Maybe(LASTING);
        } => example: r#"At("2s", Reorder(chance: "1/10", by: "20ms", lasting: "1s"))"#,
        bites: "a later message overtakes one that it holds", crashes: false, ends: Ends::By("Heal"), weight: 1;
    }

    /// Nodes: what runs, with its memory.
    Nodes {
        /// A node loses its volatile state, its timers, and of its unsynced writes all but a part that the seed decides. It starts again
        /// after a while.
        Crash {
            /// Whom it strikes.
            node: Target => NodeId, planned;
            /// How long the node is down.
            down: Option<Lengths> => Option<Duration> = "until `Restart`, or until the faults end", Maybe(LASTING);
        } => example: r#"At("2s", Crash(node: Leader, down: "500ms..3s"))"#,
        bites: "the node runs", crashes: true, ends: Ends::By("Restart"), weight: 4;

        /// A node that is down starts.
        Restart {
            /// Whom it strikes.
            node: Target => NodeId, planned;
        } => example: r#"At("5s", Restart(node: n2))"#,
        bites: "the node is down, and not for good", crashes: false, ends: Ends::AtOnce, weight: 1;

        /// A node stands still with its state. Messages queue and timers fire late.
        Pause {
            /// Whom it strikes.
            node: Target => NodeId, planned;
            /// How long it stands still.
            lasting: Option<Lengths> => Option<Duration> = "until `Resume`, or until the faults end", Maybe(LASTING);
        } => example: r#"At("2s", Pause(node: Any, lasting: "200ms..1s"))"#,
        bites: "it holds something up", crashes: false, ends: Ends::By("Resume"), weight: 2;

        /// A paused node goes on.
        Resume {
            /// Whom it strikes.
            node: Target => NodeId, planned;
        } => example: r#"At("3s", Resume(node: n2))"#,
        bites: "the node is paused", crashes: false, ends: Ends::AtOnce, weight: 1;

        /// A node crashes for good: nothing starts it again, not the end of the faults either. The rest must do without it.
        Destroy {
            /// Whom it strikes.
            node: Target => NodeId, planned;
        } => example: r#"At("5s", Destroy(node: Any))"#,
        bites: "the node is not destroyed yet", crashes: true, ends: Ends::Never, weight: 1;
    }

    /// Disks, while all else on their nodes goes on: gray failures.
    Disks {
        /// A node's disk completes no sync. All else on the node goes on: a gray failure.
        StallDisk {
            /// Whom it strikes.
            node: Target => NodeId, planned;
            /// How long it lasts.
            lasting: Option<Lengths> => Option<Duration> = "until the faults end", Maybe(LASTING);
        } => example: r#"At("2s", StallDisk(node: Leader, lasting: "2s"))"#,
        bites: "it holds a sync back", crashes: false, ends: Ends::WithAll, weight: 1;
    }
}

impl FaultKind {
    /// Whether it takes nodes down that start again.
    pub fn restarts(&self) -> bool {
        self.crashes && self.ends != Ends::Never
    }
}

impl Fault {
    /// Reads a fault, and notes where it is.
    pub(super) fn read_noted(planned: &Planned<'_>, form: Form<'_>) -> Option<Self> {
        let fault = Self::read(form, *planned)?;
        planned.note(|places| places.faults.push((fault.clone(), form.name_span())));
        Some(fault)
    }

    /// Its kind; nothing for a choice.
    pub fn kind(&self) -> Option<&'static FaultKind> {
        FaultKind::ALL.iter().find(|kind| kind.name == self.name())
    }

    /// How long it lasts, of what lasts.
    pub(crate) fn lasting_mut(&mut self) -> Option<&mut Option<Lengths>> {
        match self {
            Self::Partition { lasting, .. }
            | Self::Lose { lasting, .. }
            | Self::Duplicate { lasting, .. }
            | Self::Delay { lasting, .. }
            | Self::Reorder { lasting, .. }
            | Self::Crash { down: lasting, .. }
            | Self::Pause { lasting, .. }
            | Self::StallDisk { lasting, .. } => Some(lasting),
            Self::Heal | Self::Restart { .. } | Self::Resume { .. } | Self::Destroy { .. } | Self::OneOf { .. } => None,
        }
    }

    /// All that it may turn out to be.
    pub fn kinds(&self) -> Vec<&'static FaultKind> {
        match self {
            Self::OneOf { faults } => faults.iter().flat_map(Self::kinds).collect(),
            fault => fault.kind().into_iter().collect(),
        }
    }
}

impl Display for Family {
    /// As in a sentence: `links`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Links => "links",
            Self::Nodes => "nodes",
            Self::Disks => "disks",
        })
    }
}

impl Display for Ends {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtOnce => f.write_str("nothing: it leaves nothing behind"),
            Self::WithAll => f.write_str("the end of the faults"),
            Self::By(cure) => write!(f, "{cure}, and the end of the faults"),
            Self::Never => f.write_str("nothing: it is for good"),
        }
    }
}

impl Display for Strike {
    /// As the fault that strikes just so is written.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Fault::struck(std::slice::from_ref(self)).map_or(Ok(()), |fault| fault.fmt(f))
    }
}

impl Serialize for Strike {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
