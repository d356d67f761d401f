//! The plan of faults: what goes wrong, when, and to whom.

use std::cell::RefCell;

use super::decode::Ends;
use super::lengths;
use super::names::{Names, node_named, only_once};
use crate::base::{Diagnostic, Duration, DurationRange, Form, NodeId, Ratio, Span, Time, suggestion};
use crate::fault::{Cut, Fault, FaultPlan, FaultStep, Happening, Target, Trigger};
use crate::systems::Population;

/// A plan, and where in the file its parts are: what advice rests on.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) plan: FaultPlan,
    /// Of each fault the place in [`Fault::KINDS`], and where it is.
    pub(super) kinds: Vec<(usize, Span)>,
    /// What each trigger waits for, and where it is.
    pub(super) triggers: Vec<(Happening, Span)>,
}

/// Reads the value of `faults`.
pub(super) fn plan(form: Form<'_>, names: &Names<'_>, ends: &Ends<'_>) -> Planned {
    let decoder = Decoder { names, ends, planned: RefCell::default() };
    let steps = form.list(|step| decoder.step(step)).unwrap_or_default();
    Planned { plan: FaultPlan { steps }, ..decoder.planned.into_inner() }
}

/// More strikes of one step than this are refused: what struck is kept.
const STRIKES_MOST: u64 = 1_000_000;
/// More groups than this are refused: nobody means so many, and the limit catches a file that was made by mistake.
const GROUPS_MOST: usize = 254;

struct Decoder<'d> {
    names: &'d Names<'d>,
    ends: &'d Ends<'d>,
    planned: RefCell<Planned>,
}

/// What a fault may refer to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Nothing set it off.
    Nothing,
    /// A message did, on its way from a sender to a receiver.
    Message,
    /// A node did.
    Node,
    /// Something did, but it is not known what, since it is written wrong.
    Unclear,
}

/// When faults strike.
impl Decoder<'_> {
    fn step(&self, form: Form<'_>) -> Option<FaultStep> {
        let faults = fault_names();
        if form.name().is_some_and(|name| faults.contains(&name)) {
            let problem = Diagnostic { span: form.name_span(), ..form.problem("this fault does not say when it strikes") };
            form.report(problem.help("write At(\"2s\", …), Every(\"1s..4s\", …) or When(…, …) around it"));
            self.fault(form, Cause::Unclear);
            return None;
        }
        match form.variant("a step of the plan", &["At", "Every", "When"])? {
            "At" => self.at(form),
            "Every" => self.every(form),
            _ => self.when(form),
        }
    }

    /// `At("2s", Heal)`.
    fn at(&self, form: Form<'_>) -> Option<FaultStep> {
        let [time, fault] = form.arguments(["a time", "a fault"])?;
        let (time, fault) = (self.time(time), self.fault(fault, Cause::Nothing));
        Some(FaultStep::At(Time::ZERO + time?, fault?))
    }

    fn time(&self, form: Form<'_>) -> Option<Duration> {
        let time = lengths::length(form)?;
        let Some(end) = self.ends.duration.filter(|end| time >= *end) else { return Some(time) };
        let problem = form.problem("this fault never strikes");
        form.report(match self.ends.duration_form {
            Some(duration) => problem.label(format!("faults strike before {end} only")).context(duration.span(), "as said here"),
            None => problem.label(format!("faults strike before {end} only")).help("give the scenario a longer `duration`"),
        });
        None
    }

    /// `Every("1s..4s", Heal)`.
    fn every(&self, form: Form<'_>) -> Option<FaultStep> {
        let [gap, fault] = form.arguments(["a range of lengths", "a fault"])?;
        let (gap, fault) = (self.gap(gap), self.fault(fault, Cause::Nothing));
        Some(FaultStep::Every(gap?, fault?))
    }

    fn gap(&self, form: Form<'_>) -> Option<DurationRange> {
        let gap = lengths::range(form)?;
        if gap.high().is_zero() {
            form.report(form.problem("this fault would strike without end in one instant").label("expected a length above zero"));
            return None;
        }
        let Some(end) = self.ends.duration else { return Some(gap) };
        if gap.low() >= end {
            let problem = Diagnostic::warning(form.span(), "this fault never strikes");
            form.report(problem.label(format!("faults strike before {end} only")));
        }
        let mean = (gap.low().as_nanos() / 2 + gap.high().as_nanos() / 2).max(1);
        let strikes = end.as_nanos() / mean;
        if strikes > STRIKES_MOST {
            let problem = form.problem(format!("this fault would strike about {strikes} times in {end}"));
            form.report(problem.label(format!("at most {STRIKES_MOST} strikes")));
            return None;
        }
        Some(gap)
    }

    /// `When(Delivered(kind: "AppendEntries", nth: 7), Crash(node: Receiver))`.
    fn when(&self, form: Form<'_>) -> Option<FaultStep> {
        let [trigger, fault] = form.arguments(["what sets it off", "a fault"])?;
        let trigger = self.trigger(trigger);
        let cause = match trigger.as_ref().map(|trigger| &trigger.on) {
            None => Cause::Unclear,
            Some(Happening::Sent(_) | Happening::Delivered(_)) => Cause::Message,
            Some(_) => Cause::Node,
        };
        let fault = self.fault(fault, cause);
        Some(FaultStep::When(trigger?, fault?))
    }

    fn trigger(&self, form: Form<'_>) -> Option<Trigger> {
        const TRIGGERS: &[&str] = &["Sent", "Delivered", "Wrote", "Synced", "Marked", "Crashed", "Restarted"];
        let name = form.variant("what sets the fault off", TRIGGERS)?;
        let mut fields = form.fields()?;
        let on = match name {
            "Sent" => fields.required("kind", |kind| self.names.kind(kind)).map(|kind| Happening::Sent(kind.to_owned())),
            "Delivered" => fields.required("kind", |kind| self.names.kind(kind)).map(|kind| Happening::Delivered(kind.to_owned())),
            "Wrote" => fields.required("file", Form::text).map(Happening::Wrote),
            "Marked" => fields.required("mark", |mark| self.names.mark(mark)).map(|mark| Happening::Marked(mark.to_owned())),
            "Synced" => Some(Happening::Synced),
            "Crashed" => Some(Happening::Crashed),
            _ => Some(Happening::Restarted),
        };
        let node = fields.optional("node", |node| self.names.node(node));
        let nth = fields.read_or("nth", 1, |nth| nth.count(1..));
        fields.finish();
        let on = on?;
        self.planned.borrow_mut().triggers.push((on.clone(), form.name_span()));
        Some(Trigger { on, node, nth })
    }
}

/// What goes wrong.
impl Decoder<'_> {
    fn fault(&self, form: Form<'_>, cause: Cause) -> Option<Fault> {
        let name = form.variant("a fault", &fault_names())?;
        if let Some(kind) = Fault::KINDS.iter().position(|kind| *kind == name) {
            self.planned.borrow_mut().kinds.push((kind, form.name_span()));
        }
        match name {
            "Partition" => self.partition(form, cause),
            "Heal" => form.arguments([]).map(|[]| Fault::Heal),
            "Crash" => self.on_node(form, cause, Some("down"), |node, down| Fault::Crash { node, down }),
            "Restart" => self.on_node(form, cause, None, |node, _| Fault::Restart { node }),
            "Pause" => self.on_node(form, cause, Some("lasting"), |node, lasting| Fault::Pause { node, lasting }),
            "Resume" => self.on_node(form, cause, None, |node, _| Fault::Resume { node }),
            "Lose" => self.by_chance(form, "loses", |chance, lasting| Fault::Lose { chance, lasting }),
            "Duplicate" => self.by_chance(form, "doubles", |chance, lasting| Fault::Duplicate { chance, lasting }),
            "Delay" => self.delay(form, cause),
            "StallDisk" => self.on_node(form, cause, Some("lasting"), |node, lasting| Fault::StallDisk { node, lasting }),
            "Destroy" => self.on_node(form, cause, None, |node, _| Fault::Destroy { node }),
            _ => self.one_of(form, cause),
        }
    }

    /// `Crash(node: n1, down: "1s..3s")` and its like.
    fn on_node(
        &self,
        form: Form<'_>,
        cause: Cause,
        length: Option<&'static str>,
        make: impl FnOnce(Target, Option<DurationRange>) -> Fault,
    ) -> Option<Fault> {
        let mut fields = form.fields()?;
        let node = fields.required("node", |node| self.target(node, cause));
        let length = length.and_then(|name| fields.optional(name, lasting));
        fields.finish();
        Some(make(node?, length))
    }

    /// `Partition(Halves)` or `Partition(cut: Halves, lasting: "1s..3s")`.
    fn partition(&self, form: Form<'_>, cause: Cause) -> Option<Fault> {
        if !form.has_fields() {
            let [cut] = form.arguments(["a cut"])?;
            return Some(Fault::Partition { cut: self.cut(cut, cause)?, lasting: None });
        }
        let mut fields = form.fields()?;
        let cut = fields.required("cut", |cut| self.cut(cut, cause));
        let lasting = fields.optional("lasting", lasting);
        fields.finish();
        Some(Fault::Partition { cut: cut?, lasting })
    }

    /// `Lose(chance: "1/10", lasting: "2s")` and its like.
    fn by_chance(&self, form: Form<'_>, does: &str, make: impl FnOnce(Ratio, Option<DurationRange>) -> Fault) -> Option<Fault> {
        let mut fields = form.fields()?;
        let chance = fields.required("chance", |chance| {
            let ratio = chance.ratio()?;
            if ratio.is_never() {
                chance.report(Diagnostic::warning(chance.span(), format!("this fault {does} nothing")));
            }
            Some(ratio)
        });
        let lasting = fields.optional("lasting", lasting);
        fields.finish();
        Some(make(chance?, lasting))
    }

    /// `Delay(by: "50ms..200ms", node: Any, lasting: "2s")`.
    fn delay(&self, form: Form<'_>, cause: Cause) -> Option<Fault> {
        let mut fields = form.fields()?;
        let by = fields.required("by", |by| {
            let range = lengths::range(by)?;
            if range.high().is_zero() {
                by.report(Diagnostic::warning(by.span(), "this fault delays nothing"));
            }
            Some(range)
        });
        let node = fields.optional("node", |node| self.target(node, cause));
        let lasting = fields.optional("lasting", lasting);
        fields.finish();
        Some(Fault::Delay { by: by?, node, lasting })
    }

    /// `OneOf([Heal, …])`.
    fn one_of(&self, form: Form<'_>, cause: Cause) -> Option<Fault> {
        let [list] = form.arguments(["a list of faults"])?;
        let faults = list.list(|fault| self.fault(fault, cause))?;
        if faults.is_empty() {
            list.report(list.problem("there is no fault to choose from"));
            return None;
        }
        Some(Fault::OneOf(faults))
    }
}

/// Whom it strikes.
impl Decoder<'_> {
    fn cut(&self, form: Form<'_>, cause: Cause) -> Option<Cut> {
        let cut = match form.variant("a cut", &["Halves", "Isolate", "OneWay", "Groups"])? {
            "Halves" => form.arguments([]).map(|[]| Cut::Halves),
            "Isolate" => {
                let [target] = form.arguments(["a target"])?;
                self.target(target, cause).map(Cut::Isolate)
            }
            "OneWay" => self.one_way(form, cause),
            _ => self.groups(form),
        }?;
        if self.names.population.is_some_and(|population| parts_nobody(&cut, population)) {
            form.report(Diagnostic::warning(form.span(), "this cut parts nobody from anybody"));
        }
        Some(cut)
    }

    fn one_way(&self, form: Form<'_>, cause: Cause) -> Option<Cut> {
        let mut fields = form.fields()?;
        let from = fields.required("from", |target| self.target(target, cause));
        let to = fields.required("to", |target| self.target(target, cause));
        fields.finish();
        Some(Cut::OneWay { from: from?, to: to? })
    }

    fn groups(&self, form: Form<'_>) -> Option<Cut> {
        let [list] = form.arguments(["a list of groups"])?;
        let groups = list.list(|group| group.list(|node| Some((self.names.node(node)?, node.span()))))?;
        if groups.len() > GROUPS_MOST {
            list.report(list.problem(format!("{} groups are too many", groups.len())).label(format!("at most {GROUPS_MOST}")));
            return None;
        }
        let once = only_once(&groups.concat(), list);
        once.then(|| Cut::Groups(groups.into_iter().map(|group| group.into_iter().map(|(node, _)| node).collect()).collect()))
    }

    fn target(&self, form: Form<'_>, cause: Cause) -> Option<Target> {
        if form.raw().starts_with('[') {
            return self.nodes(form);
        }
        if let Some(node) = node_named(form) {
            return self.names.check_exists(node, form).then_some(Target::Node(node));
        }
        let target = self.named_target(form)?;
        if target.needs_trigger() && !self.fits(&target, cause, form) {
            return None;
        }
        if target == Target::Minority && self.names.population.is_some_and(|population| population.servers < 3) {
            form.report(Diagnostic::warning(form.span(), "this strikes nobody").label("there is no minority of fewer than three servers"));
        }
        Some(target)
    }

    fn nodes(&self, form: Form<'_>) -> Option<Target> {
        let nodes = self.names.nodes(form)?;
        if nodes.is_empty() {
            form.report(form.problem("this strikes nobody").label("expected at least one node"));
            return None;
        }
        Some(Target::Nodes(nodes))
    }

    /// `Any`, `Leader` and their like.
    fn named_target(&self, form: Form<'_>) -> Option<Target> {
        let roles = self.names.system.map_or(&[][..], |system| system.roles());
        let known: Vec<&str> = roles.iter().copied().chain(OPEN_TARGETS.iter().map(|(name, _)| *name)).collect();
        let name = form.name().filter(|name| *name == form.raw());
        if let Some(target) = OPEN_TARGETS.iter().find(|(open, _)| Some(*open) == name).map(|(_, target)| target.clone()) {
            return Some(target);
        }
        if let Some(role) = roles.iter().find(|role| Some(**role) == name) {
            return Some(Target::Role(role));
        }
        // A name that may be a role of a system that is not known is left alone.
        if self.names.system.is_some() || name.is_none() {
            let unquoted = form.raw().trim_matches('"');
            let quoted = unquoted != form.raw() && (known.contains(&unquoted) || unquoted.parse::<NodeId>().is_ok());
            let help = match quoted {
                true => format!("write {unquoted}, without quotes"),
                false => format!("{}, n1, [n1, n2]", suggestion(name.unwrap_or(""), &known)),
            };
            form.report(form.mismatch("a target").help(help));
        }
        None
    }

    /// Reports a reference to what set the fault off where there is none.
    fn fits(&self, target: &Target, cause: Cause, form: Form<'_>) -> bool {
        let problem = match (cause, target) {
            (Cause::Nothing, _) => form
                .problem(format!("nothing sets this fault off, so it has no `{target}`"))
                .help(format!("`{target}` means something within When(…, …) only")),
            (Cause::Node, Target::Sender | Target::Receiver) => form
                .problem(format!("no message sets this fault off, so it has no `{target}`"))
                .help("the node that sets it off is the `Subject`"),
            _ => return true,
        };
        form.report(problem);
        false
    }
}

/// Targets that are settled when the fault strikes, and that every system knows.
const OPEN_TARGETS: &[(&str, Target)] = &[
    ("Any", Target::Any),
    ("All", Target::All),
    ("Minority", Target::Minority),
    ("Majority", Target::Majority),
    ("Sender", Target::Sender),
    ("Receiver", Target::Receiver),
    ("Subject", Target::Subject),
];

fn fault_names() -> Vec<&'static str> {
    Fault::KINDS.iter().copied().chain(["OneOf"]).collect()
}

/// How long a fault lasts. Zero means something, if little: what was struck comes back in the next instant.
fn lasting(form: Form<'_>) -> Option<DurationRange> {
    let range = lengths::range(form)?;
    if range.high().is_zero() {
        form.report(Diagnostic::warning(form.span(), "this fault is over as soon as it strikes"));
    }
    Some(range)
}

/// Whether a cut can be seen to change nothing.
fn parts_nobody(cut: &Cut, population: Population) -> bool {
    match cut {
        Cut::Halves => population.servers < 2,
        Cut::Isolate(Target::All) => true,
        Cut::Isolate(Target::Nodes(nodes)) => nodes.iter().filter(|node| !node.is_client()).count() == population.servers as usize,
        Cut::Isolate(Target::Node(node)) => population.servers < 2 && !node.is_client(),
        Cut::Isolate(_) => population.servers < 2,
        Cut::OneWay { from, to } => from == to && !matches!(from, Target::Any | Target::Minority | Target::Majority),
        Cut::Groups(groups) => groups.iter().filter(|group| !group.is_empty()).count() < 2,
    }
}
