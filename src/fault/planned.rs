//! How what stands in a plan is read and written: the codecs of its values, and what reading them takes besides their text.

use std::cell::RefCell;

use super::{Cut, Fault, FaultPlan, FaultStep, Happening, Lengths, Moment, Target, Trigger};
use crate::base::{DurationRange, NodeId, Ratio};
use crate::diagnostic::{Diagnostic, Span};
use crate::notation::{Advised, Chance, Codec, Form, LengthRange, Variant, Variants as _, Within, codec, codecs, in_quotes, list, quoted};

/// What the names in a plan may mean; by default nothing is known, and nothing held against them. What is wrong with one is reported.
pub(crate) trait Scope {
    /// A node that there is.
    fn node(&self, form: Form<'_>) -> Option<NodeId> {
        form.raw().parse().ok()
    }

    /// Reports a node that there is not.
    fn exists(&self, _: NodeId, _: Form<'_>) -> bool {
        true
    }

    /// A kind of message.
    fn kind(&self, _: Form<'_>) -> Option<&'static str> {
        None
    }

    /// A *sometimes* mark.
    fn mark(&self, _: Form<'_>) -> Option<&'static str> {
        None
    }

    /// The roles that faults can be aimed at, if they are known.
    fn roles(&self) -> Option<Vec<&'static str>> {
        None
    }

    /// How many servers there are, if that is known.
    fn servers(&self) -> Option<u32> {
        None
    }
}

impl Scope for () {}

/// What kind of occasion sets a fault off: what its targets may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OccasionKind {
    /// Nothing set it off.
    Nothing,
    /// A message did, on its way from a sender to a receiver.
    Message,
    /// A node did.
    Node,
    /// Something did, but it is not known what, since it is written wrong.
    Unclear,
}

/// Where the parts of a plan are in its file: what advice rests on.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) moments: Vec<(Moment, Span)>,
    pub(crate) faults: Vec<(Fault, Span)>,
    pub(crate) triggers: Vec<(Happening, Span)>,
    /// The names that steps are given, and whether the step strikes again and again.
    pub(super) names: Vec<(String, Span, bool)>,
}

/// The codec of what stands in a plan: with what its names may mean, what sets its faults off, and where its parts are noted.
#[derive(Clone, Copy)]
pub(crate) struct Planned<'r> {
    scope: &'r dyn Scope,
    pub(super) occasion: OccasionKind,
    places: Option<&'r RefCell<Places>>,
}

impl Default for Planned<'_> {
    fn default() -> Self {
        Self { scope: &(), occasion: OccasionKind::Nothing, places: None }
    }
}

codec!(Planned<'_>: NodeId = |planned: &Self, form| planned.scope.node(form), NodeId::to_string, "a node, like `n1`";
    within Within::OneOf("a node", NODES.to_vec()));
codec!(Planned<'_>: Vec<Vec<NodeId>> = Self::groups, write_groups, "a list of groups: `[[n1, n2], [n3, n4, n5]]`";
    within Within::OneOf("a node", NODES.to_vec()).each().each());
codec!(Planned<'_>: Target = Target::read, Target::to_string, "a target, like `Any`, `Leader`, `n1` or `[n1, n2]`"; within Target::within());
codec!(Planned<'_>: Cut = Cut::read_checked, Cut::to_string, "a cut, like `Halves`"; within Cut::within());
codec!(Planned<'_>: Fault = Fault::read_noted, Fault::to_string, "a fault, like `Heal`"; within Fault::within());
codec!(Planned<'_>: Vec<Fault> = Self::faults, |faults: &Vec<Fault>| list(faults), "a list of faults, like `[Heal]`";
    within Fault::within().each());
codec!(Planned<'_>: Trigger = Trigger::read, Trigger::to_string, "a trigger, like `Synced`"; within Happening::within());
codec!(Planned<'_>: FaultPlan = Self::plan, write_plan, "a list of steps, like `[At(\"2s\", Heal)]`",
    Some("`[]`"); within Moment::within().each());

/// What stands for all nodes.
const NODES: [Variant; 2] = [
    Variant::new("n1", "A server: n1, n2 and so on, as many as the system has.", "At(\"2s\", Crash(node: n1, down: \"1s\"))"),
    Variant::new("c1", "A client: c1, c2 and so on, as many as the workload has.", "At(\"2s\", Partition(Groups([[n1, c1], [n2, n3]])))"),
];

fn write_groups(groups: &[Vec<NodeId>]) -> String {
    list(&groups.iter().map(|group| list(group)).collect::<Vec<_>>())
}

fn write_plan(plan: &FaultPlan) -> String {
    if plan.steps().is_empty() { String::new() } else { plan.to_string() }
}

/// A chance that something happens.
pub(super) const LIKELY: Advised<Chance, Ratio> = Advised(Chance, |chance, span| changes_nothing(chance.is_never(), span));
/// How much longer something takes.
pub(super) const LONGER: Advised<LengthRange, DurationRange> =
    Advised(LengthRange, |range, span| changes_nothing(range.high().is_zero(), span));
/// How long a fault lasts. Zero means something, if little: what was struck comes back in the next instant.
pub(super) const LASTING: Advised<EachLength, Lengths> = Advised(EachLength, |lengths, span| {
    let is_zero = match lengths {
        Lengths::Drawn(range) => range.high().is_zero(),
        Lengths::Each(lengths) => lengths.iter().all(|length| length.is_zero()),
    };
    is_zero.then(|| Diagnostic::warning(span, "this fault is over as soon as it strikes"))
});

fn changes_nothing(is_so: bool, span: Span) -> Option<Diagnostic> {
    is_so.then(|| Diagnostic::warning(span, "this fault changes nothing"))
}

codecs! {
    /// A range of lengths, or one after the other: `["1s", "3s"]`.
    pub(super) EachLength: Lengths = each_length, Lengths::to_string, "a length, a range of lengths, or a list of lengths",
        like "\"1s..3s\"";
}

fn each_length(form: Form<'_>) -> Option<Lengths> {
    if !form.raw().starts_with('[') {
        return LengthRange.read(form).map(Lengths::Drawn);
    }
    let lengths = form.list(|length| {
        let range = LengthRange.read(length)?;
        if range.low() != range.high() {
            length.report(length.problem("a list of lengths has no ranges"));
            return None;
        }
        Some(range.low())
    })?;
    if lengths.is_empty() {
        form.report(form.problem("there is no length in this list"));
        return None;
    }
    Some(Lengths::Each(lengths))
}

impl std::fmt::Display for Lengths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Drawn(range) => f.write_str(&in_quotes(range)),
            Self::Each(lengths) => f.write_str(&list(&lengths.iter().map(in_quotes).collect::<Vec<_>>())),
        }
    }
}

/// The name of something that the system has: a kind of message, or a mark.
pub(crate) struct Name<'r>(pub(crate) Planned<'r>, pub(crate) Named);

/// What has the name.
#[derive(Clone, Copy)]
pub(crate) enum Named {
    Kind,
    Mark,
}

impl Codec<&'static str> for Name<'_> {
    fn read(&self, form: Form<'_>) -> Option<&'static str> {
        match self.1 {
            Named::Kind => self.0.scope.kind(form),
            Named::Mark => self.0.scope.mark(form),
        }
    }

    fn write(&self, name: &&'static str) -> String {
        quoted(name)
    }

    fn takes(&self) -> String {
        match self.1 {
            Named::Kind => "a kind of message that the system has, like `\"AppendEntries\"`".to_owned(),
            Named::Mark => "a mark that the system has, like `\"leader lost\"`".to_owned(),
        }
    }
}

/// Reports names that would mean two steps, or a step and a strike of another: what is drawn hangs on them.
fn check_names(names: &[(String, Span, bool)], form: Form<'_>) {
    for (place, (name, span, _)) in names.iter().enumerate() {
        if let Some((_, first, _)) = names[..place].iter().find(|(other, ..)| other == name) {
            let problem = Diagnostic::error(*span, format!("the name {name:?} is given twice")).label("given again here");
            form.report(problem.context(*first, "given first here"));
        }
        let strike_of = |other: &str| name.strip_prefix(other)?.strip_prefix(" #")?.parse::<u64>().ok();
        if let Some((_, first, _)) = names.iter().find(|(other, _, again)| *again && strike_of(other).is_some()) {
            let problem = Diagnostic::error(*span, format!("the name {name:?} is that of a strike of another step")).label("given here");
            form.report(problem.context(*first, "this step strikes again and again, and its strikes are numbered"));
        }
    }
}

impl<'r> Planned<'r> {
    pub(crate) fn new(scope: &'r dyn Scope, places: Option<&'r RefCell<Places>>) -> Self {
        Self { scope, occasion: OccasionKind::Nothing, places }
    }

    /// The same for a fault that this sets off.
    pub(super) fn after(self, occasion: OccasionKind) -> Self {
        Self { occasion, ..self }
    }

    /// Notes where something is.
    pub(super) fn note(&self, note: impl FnOnce(&mut Places)) {
        if let Some(places) = self.places {
            note(&mut places.borrow_mut());
        }
    }

    pub(super) fn scope(&self) -> &'r dyn Scope {
        self.scope
    }

    fn plan(&self, form: Form<'_>) -> Option<FaultPlan> {
        let steps = form.list(|step| FaultStep::read(step, *self));
        self.note(|places| check_names(&places.names, form));
        steps.map(FaultPlan::new)
    }

    fn faults(&self, form: Form<'_>) -> Option<Vec<Fault>> {
        let faults = form.list(|fault| Fault::read_noted(self, fault))?;
        if faults.is_empty() {
            form.report(form.problem("there is no fault to choose from"));
            return None;
        }
        Some(faults)
    }

    /// Lists of nodes, none of them twice in all.
    fn groups(&self, form: Form<'_>) -> Option<Vec<Vec<NodeId>>> {
        let groups = form.list(|group| group.list(|node| self.placed(node)))?;
        if groups.len() > GROUPS_MOST {
            form.report(form.problem(format!("{} groups are too many", groups.len())).label(format!("at most {GROUPS_MOST}")));
            return None;
        }
        let once = only_once(&groups.concat(), form);
        once.then(|| groups.into_iter().map(|group| group.into_iter().map(|(node, _)| node).collect()).collect())
    }

    /// A list of nodes that there are, none of them twice.
    pub(super) fn nodes(&self, form: Form<'_>) -> Option<Vec<NodeId>> {
        let nodes = form.list(|node| self.placed(node))?;
        only_once(&nodes, form).then(|| nodes.into_iter().map(|(node, _)| node).collect())
    }

    fn placed(&self, form: Form<'_>) -> Option<(NodeId, Span)> {
        Some((self.scope.node(form)?, form.span()))
    }

    /// Reports a reference to what set the fault off where there is none.
    pub(super) fn refers(&self, target: &Target, form: Form<'_>) -> bool {
        let of_message = matches!(target, Target::Sender | Target::Receiver);
        let problem = match self.occasion {
            OccasionKind::Nothing if of_message || *target == Target::Subject => form
                .problem(format!("nothing sets this fault off, so it has no `{target}`"))
                .help(format!("`{target}` means something within When(…, …) only")),
            OccasionKind::Node if of_message => form
                .problem(format!("no message sets this fault off, so it has no `{target}`"))
                .help("the node that sets it off is the `Subject`"),
            _ => return true,
        };
        form.report(problem);
        false
    }
}

/// More groups than this are refused: no plan needs so many, and the limit catches a file that was made by mistake.
const GROUPS_MOST: usize = 254;

/// Reports nodes that are named twice.
fn only_once(nodes: &[(NodeId, Span)], form: Form<'_>) -> bool {
    let mut sorted = nodes.to_vec();
    sorted.sort_unstable();
    let twice: Vec<_> = sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
    for pair in &twice {
        let ((node, first), (_, again)) = (pair[0], pair[1]);
        let problem = Diagnostic::error(again, format!("`{node}` is named twice"));
        form.report(problem.label("named again here").context(first, "named first here"));
    }
    twice.is_empty()
}
