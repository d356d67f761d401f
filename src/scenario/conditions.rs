//! What surrounds a system: network, disks, clocks, the fates of single messages, budgets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::lengths;
use super::names::Names;
use crate::base::{Diagnostic, Duration, DurationRange, Fate, Fields, Form, Loss, MessageId, NodeId, Ratio};
use crate::environment::{ClockModel, Latency, LinkModel};
use crate::systems::Watch;
use crate::world::{Conditions, DiskModel};

type Link = (NodeId, NodeId, LinkModel);

/// `(latency: …, loss: …, duplicate: …, links: […])`.
pub(super) fn network(form: Form<'_>, names: &Names<'_>) -> Option<(LinkModel, Vec<Link>)> {
    let mut fields = record(form, "(latency: Constant(\"1ms\"), loss: \"1%\")")?;
    let model = link_model(&mut fields, LinkModel::default());
    let links = fields.read_or("links", Vec::new(), |links| self::links(links, model, names));
    fields.finish();
    Some((model, links))
}

/// Links that behave otherwise, each once.
fn links(form: Form<'_>, usual: LinkModel, names: &Names<'_>) -> Option<Vec<Link>> {
    let mut seen = BTreeMap::new();
    form.list(|form| {
        let link = link(form, usual, names)?;
        match seen.insert((link.0, link.1), form) {
            None => Some(link),
            Some(first) => {
                given_twice(form, first, format!("the link from `{}` to `{}`", link.0, link.1));
                None
            }
        }
    })
}

/// `(from: n1, to: n2, loss: "1/2")`: what is not said is as on every link.
fn link(form: Form<'_>, usual: LinkModel, names: &Names<'_>) -> Option<Link> {
    let mut fields = record(form, "(from: n1, to: n2, loss: \"1%\")")?;
    let from = fields.required("from", |node| names.node(node));
    let to = fields.required("to", |node| names.node(node));
    let model = link_model(&mut fields, usual);
    fields.finish();
    Some((from?, to?, model))
}

fn link_model(fields: &mut Fields<'_>, usual: LinkModel) -> LinkModel {
    LinkModel {
        latency: fields.read_or("latency", usual.latency, latency),
        loss: fields.read_or("loss", usual.loss, loss),
        duplicate: fields.read_or("duplicate", usual.duplicate, Form::ratio),
    }
}

fn loss(form: Form<'_>) -> Option<Ratio> {
    let chance = form.ratio()?;
    if chance == Ratio::ALWAYS {
        form.report(Diagnostic::warning(form.span(), "every message is lost").help("to cut nodes off for a while, use a Partition"));
    }
    Some(chance)
}

/// `Constant("1ms")`, `Uniform("1ms", "5ms")` or `Uniform("1ms..5ms")`, `Exponential(low: "1ms", mean: "2ms")`.
pub(super) fn latency(form: Form<'_>) -> Option<Latency> {
    match form.variant("a latency", &["Constant", "Uniform", "Exponential"])? {
        "Constant" => {
            let [length] = form.arguments(["a length"])?;
            lengths::length(length).map(Latency::Constant)
        }
        "Uniform" => uniform(form).map(Latency::Uniform),
        _ => exponential(form),
    }
}

fn uniform(form: Form<'_>) -> Option<DurationRange> {
    let bounds = form.each_argument(Some)?;
    match bounds[..] {
        [range] => lengths::range(range),
        [low_form, high_form] => {
            let (low, high) = (lengths::length(low_form), lengths::length(high_form));
            let (low, high) = (low?, high?);
            let range = DurationRange::new(low, high);
            if range.is_none() {
                let problem = form.problem("the range is inverted: the shorter length comes first");
                form.report(problem.help(format!("write Uniform(\"{high}\", \"{low}\")")));
            }
            range
        }
        _ => {
            let problem = form.problem(format!("`Uniform` takes 2 arguments, the shortest and the longest length; found {}", bounds.len()));
            form.report(problem.help("write Uniform(\"1ms\", \"5ms\")"));
            None
        }
    }
}

fn exponential(form: Form<'_>) -> Option<Latency> {
    let mut fields = form.fields()?;
    let low = fields.required("low", lengths::length);
    let mean = fields.required("mean", lengths::length);
    fields.finish();
    Some(Latency::Exponential { low: low?, mean: mean? })
}

/// `(sync: …)`.
pub(super) fn disk(form: Form<'_>) -> Option<DiskModel> {
    let mut fields = record(form, "(sync: Constant(\"1ms\"))")?;
    let sync = fields.read_or("sync", Conditions::default().disk.sync, latency);
    fields.finish();
    Some(DiskModel { sync })
}

/// `(offset: "50ms", drift: "100ppm")`.
pub(super) fn clocks(form: Form<'_>) -> Option<ClockModel> {
    let mut fields = record(form, "(offset: \"50ms\", drift: \"100ppm\")")?;
    let offset = fields.read_or("offset", Duration::ZERO, lengths::length);
    let drift = fields.read_or("drift", Drift(0), |drift| drift.from_text("a drift, like \"100ppm\""));
    fields.finish();
    Some(ClockModel { offset, drift_ppm: drift.0 })
}

/// Parts per million, as they are written: `100ppm`.
pub(super) struct Drift(pub(super) u32);

impl Drift {
    /// A clock that lost a million parts per million would stand still.
    const END: u64 = 1_000_000;
}

impl FromStr for Drift {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let digits = text.trim().strip_suffix("ppm").ok_or("the unit is missing: parts per million, \"100ppm\"")?;
        match digits.trim_end().parse::<u64>() {
            Ok(ppm) if ppm < Self::END => Ok(Self(ppm as u32)),
            Ok(_) => Err("a clock that drifts by 1000000ppm or more would stand still"),
            Err(_) => Err("expected a whole number of parts per million"),
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ppm", self.0)
    }
}

/// Messages whose fate is fixed, each once.
pub(super) fn fates(form: Form<'_>, names: &Names<'_>) -> Option<Vec<(MessageId, Fate)>> {
    let mut seen = BTreeMap::new();
    form.list(|form| {
        let (message, fate) = fixed_fate(form, names)?;
        match seen.insert(message, form) {
            None => Some((message, fate)),
            Some(first) => {
                given_twice(form, first, "the fate of this message".to_owned());
                None
            }
        }
    })
}

/// `(from: n1, to: n2, kind: "AppendEntries", count: 3, fate: Lost)`.
fn fixed_fate(form: Form<'_>, names: &Names<'_>) -> Option<(MessageId, Fate)> {
    let mut fields = record(form, "(from: n1, to: n2, kind: \"…\", count: 1, fate: Lost)")?;
    let from = fields.required("from", |node| names.node(node));
    let to = fields.required("to", |node| names.node(node));
    let kind = fields.required("kind", |kind| names.kind(kind));
    let count = fields.required("count", |count| count.count(1..));
    let fate = fields.required("fate", fate);
    fields.finish();
    let kinds = names.system?.kinds();
    let place = kinds.iter().position(|known| Some(*known) == kind)?;
    Some((MessageId { from: from?, to: to?, kind: place as u16, count: count? }, fate?))
}

fn fate(form: Form<'_>) -> Option<Fate> {
    match form.variant("a fate", &["Lost", "Deliver", "Duplicate"])? {
        "Lost" => form.arguments([]).map(|[]| Fate::Lost(Loss::Override)),
        "Deliver" => {
            let [delay] = form.arguments(["how long it takes"])?;
            lengths::positive(delay).map(Fate::Deliver)
        }
        _ => {
            let [first, second] = form.arguments(["how long the one takes", "how long the other takes"])?;
            let (first, second) = (lengths::positive(first), lengths::positive(second));
            Some(Fate::Duplicate(first?, second?))
        }
    }
}

/// How much a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budgets {
    pub(super) events: u64,
    pub(super) same_instant: u64,
    pub(super) states: u64,
    pub(super) stop_at_violation: bool,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { events: Conditions::EVENTS, same_instant: Conditions::SAME_INSTANT, states: Watch::STATES, stop_at_violation: false }
    }
}

/// `(events: 1000000, states: 10000000)`.
pub(super) fn budget(form: Form<'_>) -> Option<Budgets> {
    let usual = Budgets::default();
    let mut fields = record(form, "(events: 1000000)")?;
    let budgets = Budgets {
        events: fields.read_or("events", usual.events, |count| count.count(1..)),
        same_instant: fields.read_or("same_instant", usual.same_instant, |count| count.count(1..)),
        states: fields.read_or("states", usual.states, |count| count.count(1..)),
        stop_at_violation: fields.read_or("stop_at_violation", usual.stop_at_violation, Form::boolean),
    };
    fields.finish();
    Some(budgets)
}

/// The fields of a value that has no name of its own.
fn record<'s>(form: Form<'s>, example: &str) -> Option<Fields<'s>> {
    if form.name().is_none() {
        return form.fields();
    }
    form.report(form.mismatch("named fields in parentheses").help(format!("write {example}")));
    None
}

fn given_twice(form: Form<'_>, first: Form<'_>, what: String) {
    form.report(form.problem(format!("{what} is given twice")).label("given again here").context(first.span(), "given first here"));
}
