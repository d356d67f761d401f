//! What surrounds a system: network, disks, clocks, the fates of single messages, budgets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::names::Names;
use super::{DURATION_DEFAULT, SETTLE_DEFAULT, lengths};
use crate::base::{Duration, DurationRange, Fate, FixedFate, Loss, NodeId, Ratio, Which};
use crate::diagnostic::Diagnostic;
use crate::environment::{ClockModel, Latency, LinkModel};
use crate::notation::{Chance, Count, Fields, Flag, Form, Length, Notation, Parsed, PositiveLength, Setting, Settings, settings};
use crate::systems::Watch;
use crate::world::{Conditions, DiskModel};

type Single = (NodeId, NodeId, LinkModel);

/// `(latency: …, loss: …, duplicate: …, links: […])`.
pub(super) fn network(form: Form<'_>, names: &Names<'_>) -> Option<(LinkModel, Vec<Single>)> {
    let mut fields = record(form, "(latency: Constant(\"1ms\"), loss: \"1%\")")?;
    let model = link_model(&mut fields, LinkModel::default());
    let links = fields.read_or("links", Vec::new(), |links| self::links(links, model, names));
    fields.finish();
    Some((model, links))
}

/// Links that behave otherwise, each once.
fn links(form: Form<'_>, usual: LinkModel, names: &Names<'_>) -> Option<Vec<Single>> {
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
fn link(form: Form<'_>, usual: LinkModel, names: &Names<'_>) -> Option<Single> {
    let mut fields = record(form, "(from: n1, to: n2, loss: \"1%\")")?;
    let from = fields.required("from", |node| names.node(node));
    let to = fields.required("to", |node| names.node(node));
    let model = link_model(&mut fields, usual);
    fields.finish();
    Some((from?, to?, model))
}

settings! {
    /// How a link behaves.
    pub(super) struct Link {
        /// How long a message takes, drawn anew for each.
        latency: Latency = LinkModel::default().latency, Latencies;
        /// The chance that a message is lost.
        loss: Ratio = LinkModel::default().loss, Lost;
        /// The chance that a message is delivered twice.
        duplicate: Ratio = LinkModel::default().duplicate, Chance;
    }
}

settings! {
    /// How disks behave.
    pub(super) struct Disk {
        /// How long a sync takes, drawn anew for each.
        sync: Latency = Conditions::default().disk.sync, Latencies;
    }
}

settings! {
    /// How far off clocks are.
    pub(super) struct Clocks {
        /// How far each clock is off at most, either way.
        offset: Duration = Duration::ZERO, Length;
        /// How much faster or slower each clock goes at most, in parts per million.
        drift: Drift = Drift(0), Parsed("a drift, like \"100ppm\"");
    }
}

settings! {
    /// How much a run may take.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Budgets {
        /// How many events; when they are used up, `progress` is unknown.
        events: u64 = Conditions::EVENTS, Count(1..);
        /// How many events in one instant, without time going on; one more is a violation of `time-advances`.
        same_instant: u64 = Conditions::SAME_INSTANT, Count(1..);
        /// How many states the judging of the history may explore; when they are used up, its property is unknown.
        states: u64 = Watch::STATES, Count(1..);
        /// Whether the run ends as soon as it is known that something is violated.
        stop_at_violation: bool = false, Flag;
    }
}

settings! {
    /// How long a run is.
    pub(super) struct Lasting {
        /// How long faults may strike: until they are over.
        duration: Duration = DURATION_DEFAULT, PositiveLength;
        /// How long the run may then take to settle; with "0s", nobody looks whether it does.
        settle: Duration = SETTLE_DEFAULT, Length;
    }
}

/// What is told of the fields of a scenario, and of each part that surrounds a system.
pub(super) fn declared() -> Vec<(&'static str, Vec<Setting>)> {
    vec![
        ("Scenario", Lasting::declared()),
        ("network", Link::declared()),
        ("disk", Disk::declared()),
        ("clocks", Clocks::declared()),
        ("budget", Budgets::declared()),
    ]
}

impl From<LinkModel> for Link {
    fn from(LinkModel { latency, loss, duplicate }: LinkModel) -> Self {
        Self { latency, loss, duplicate }
    }
}

fn link_model(fields: &mut Fields<'_>, usual: LinkModel) -> LinkModel {
    let (Link { latency, loss, duplicate }, _) = Link::read_over(fields, Some(&usual.into()));
    LinkModel { latency, loss, duplicate }
}

/// A chance that should not be certain.
struct Lost;

impl Notation<Ratio> for Lost {
    fn read(&self, form: Form<'_>) -> Option<Ratio> {
        let chance = form.ratio()?;
        if chance == Ratio::ALWAYS {
            form.report(Diagnostic::warning(form.span(), "every message is lost").help("to cut nodes off for a while, use a Partition"));
        }
        Some(chance)
    }

    fn write(&self, chance: &Ratio) -> String {
        Chance.write(chance)
    }

    fn takes(&self) -> String {
        Notation::<Ratio>::takes(&Chance)
    }
}

/// `Constant("1ms")`, `Uniform("1ms", "5ms")` or `Uniform("1ms..5ms")`, `Exponential(low: "1ms", mean: "2ms")`.
struct Latencies;

impl Notation<Latency> for Latencies {
    fn read(&self, form: Form<'_>) -> Option<Latency> {
        latency(form)
    }

    fn write(&self, latency: &Latency) -> String {
        latency.to_string()
    }

    fn takes(&self) -> String {
        "`Constant(\"1ms\")`, `Uniform(\"1ms\", \"5ms\")` or `Exponential(low: \"1ms\", mean: \"2ms\")`".to_owned()
    }
}

fn latency(form: Form<'_>) -> Option<Latency> {
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
    let (Disk { sync }, _) = Disk::read(&mut fields);
    fields.finish();
    Some(DiskModel { sync })
}

/// `(offset: "50ms", drift: "100ppm")`.
pub(super) fn clocks(form: Form<'_>) -> Option<ClockModel> {
    let mut fields = record(form, "(offset: \"50ms\", drift: \"100ppm\")")?;
    let (Clocks { offset, drift }, _) = Clocks::read(&mut fields);
    fields.finish();
    Some(ClockModel { offset, drift_ppm: drift.0 })
}

/// Parts per million, as they are written: `100ppm`.
#[derive(Clone, Copy)]
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
pub(super) fn fates(form: Form<'_>, names: &Names<'_>) -> Option<Vec<FixedFate>> {
    let mut seen = BTreeMap::new();
    form.list(|form| {
        let fixed = fixed_fate(form, names)?;
        match seen.insert((fixed.from, fixed.to, fixed.kind, fixed.which), form) {
            None => Some(fixed),
            Some(first) => {
                given_twice(form, first, "the fate of this message".to_owned());
                None
            }
        }
    })
}

/// `(from: n1, to: n2, kind: "AppendEntries", count: 3, fate: Lost)`, or `content: "0123456789abcdef", nth: 2` in place of the count.
fn fixed_fate(form: Form<'_>, names: &Names<'_>) -> Option<FixedFate> {
    let mut fields = record(form, "(from: n1, to: n2, kind: \"…\", count: 1, fate: Lost)")?;
    let from = fields.required("from", |node| names.node(node));
    let to = fields.required("to", |node| names.node(node));
    let kind = fields.required("kind", |kind| names.kind(kind));
    let which = match fields.take("content") {
        None => fields.required("count", |count| count.count(1..)).map(Which::Count),
        Some(content) => {
            let content = content.from_text("the digest of a message's content, like \"0123456789abcdef\"");
            let nth = fields.required("nth", |nth| nth.count(1..));
            content.zip(nth).map(|(Content(content), nth)| Which::Content { content, nth })
        }
    };
    let fate = fields.required("fate", fate);
    fields.finish();
    Some(FixedFate { from: from?, to: to?, kind: kind?, which: which?, fate: fate? })
}

/// The digest of a message's content, as traces show it.
struct Content(u64);

impl FromStr for Content {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = Some(text).filter(|text| text.len() == 16 && text.bytes().all(is_digit));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or("expected sixteen hexadecimal digits, in small letters")
    }
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

/// `(events: 1000000, states: 10000000)`.
pub(super) fn budget(form: Form<'_>) -> Option<Budgets> {
    let mut fields = record(form, "(events: 1000000)")?;
    let (budgets, _) = Budgets::read(&mut fields);
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
