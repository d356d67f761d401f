//! What surrounds a system: network, disks, clocks, budgets.

use super::names::Names;
use crate::base::{Duration, DurationRange, NodeId, Ratio, SortedMap};
use crate::diagnostic::Diagnostic;
use crate::environment::{Latency, LinkModel};
use crate::fault::Planned;
use crate::notation::{
    Advised, Chance, Codec, Count, Fields, Flag, Form, Length, LengthRange, Maybe, PartsPerMillion, Required, Setting, Settings, Variant,
    Within, codec, codecs, field, in_parentheses, joined, settings,
};
use crate::world::Conditions;

/// Links, and those that behave otherwise, each once.
#[derive(Clone, Default)]
pub(super) struct Network {
    pub(super) usual: LinkModel,
    pub(super) links: Vec<Single>,
}

type Single = (NodeId, NodeId, LinkModel);

/// `(latency: …, loss: …, duplicate: …, links: […])`.
pub(super) struct Networks<'n>(pub(super) Names<'n>);

impl Codec<Network> for Networks<'_> {
    fn read(&self, form: Form<'_>) -> Option<Network> {
        self.network(form)
    }

    fn write(&self, Network { usual, links }: &Network) -> String {
        in_parentheses(&joined([Link::from(*usual).unusual(None), field("links", &write_links(links, *usual))]))
    }

    fn write_whole(&self, Network { usual, links }: &Network) -> String {
        in_parentheses(&joined([Link::from(*usual).written(), field("links", &write_links(links, *usual))]))
    }

    fn takes(&self) -> String {
        format!("fields of its own: `{NETWORK}`")
    }

    fn within(&self) -> Within {
        Within::Fields([Link::declared(), Otherwise::declared()].concat())
    }
}

impl Networks<'_> {
    fn network(&self, form: Form<'_>) -> Option<Network> {
        let mut fields = form.record(NETWORK)?;
        let usual = link_model(&mut fields, LinkModel::default());
        let (Otherwise { links }, _) = Otherwise::read_within(&mut fields, None, (self.0, usual));
        fields.finish();
        Some(Network { usual, links })
    }
}

const NETWORK: &str = "(latency: Constant(\"1ms\"), loss: \"1%\")";
const LINK: &str = "(from: n1, to: n2, loss: \"1%\")";

settings! {
    |known: (Names<'c>, LinkModel)|
    /// Links that are not like the others.
    struct Otherwise {
        /// Links that behave otherwise, each in one direction: what is left out is as on every link.
        links: Vec<Single> = Vec::new(), Links(known.0, known.1);
    }
}

settings! {
    |names: Names<'c>|
    /// Which link is meant.
    struct LinkEnds {
        /// The sender.
        from: Option<NodeId> = None, Required(Planned::new(&names, None));
        /// The receiver.
        to: Option<NodeId> = None, Required(Planned::new(&names, None));
    }
}

/// Links, each once: what is not said is as on every link.
struct Links<'n>(Names<'n>, LinkModel);

codec!(Links<'_>: Vec<Single> = Self::links, |links: &Vec<Single>| write_links(links, LinkModel::default()), format!("a list of links: `[{LINK}]`"),
    Some("`[]`"); within Within::Fields(link_settings()).each());

/// The fields of a link that is not like the others.
fn link_settings() -> Vec<Setting> {
    let usual = |field| Setting { default: Some("as on every link".to_owned()), ..field };
    LinkEnds::declared().into_iter().chain(Link::declared().into_iter().map(usual)).collect()
}

fn write_links(links: &[Single], usual: LinkModel) -> String {
    lines(links.iter().map(|(from, to, model)| {
        let ends = LinkEnds { from: Some(*from), to: Some(*to) };
        in_parentheses(&joined([ends.written(), Link::from(*model).unusual(Some(&usual.into()))]))
    }))
}

impl Links<'_> {
    fn links(&self, form: Form<'_>) -> Option<Vec<Single>> {
        let what = |link: &Single| format!("the link from `{}` to `{}`", link.0, link.1);
        each_once(form, |form| self.link(form), |link| (link.0, link.1), what)
    }

    fn link(&self, form: Form<'_>) -> Option<Single> {
        let mut fields = form.record(LINK)?;
        let (LinkEnds { from, to }, _) = LinkEnds::read_within(&mut fields, None, self.0);
        let model = link_model(&mut fields, self.1);
        fields.finish();
        Some((from?, to?, model))
    }
}

settings! {
    /// How a link behaves.
    pub(super) struct Link {
        /// How long a message takes, drawn anew for each.
        latency: Latency = LinkModel::default().latency, Latencies;
        /// The chance that a message is lost.
        loss: Ratio = LinkModel::default().loss, LOST;
        /// The chance that a message is delivered twice.
        duplicate: Ratio = LinkModel::default().duplicate, Chance;
    }
}

settings! {
    /// How disks behave.
    #[derive(Clone)]
    pub(super) struct Disk {
        /// How long a sync takes, drawn anew for each.
        sync: Latency = Conditions::default().disk.sync, Latencies;
    }
}

settings! {
    /// How far off clocks are.
    #[derive(Clone)]
    pub(super) struct Clocks {
        /// How far each clock is off at most, either way.
        offset: Duration = Duration::ZERO, Length;
        /// How much faster or slower each clock goes at most, in parts per million.
        drift: u32 = 0, PartsPerMillion;
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
        /// How many messages may be under way at once; when there are more, `progress` is unknown.
        messages: u64 = Conditions::MESSAGES, Count(1..);
        /// How many bytes each node's disk may hold; when one is to hold more, `progress` is unknown.
        disk_bytes: u64 = Conditions::DISK_BYTES, Count(1..);
        /// How many effects one step of a process may have; one more is a violation of `no-panic`.
        effects: u64 = Conditions::EFFECTS, Count(1..);
        /// How many states the judging of the history may explore; when they are used up, its property is unknown. Without it, as many as
        /// `check` explores.
        states: Option<u64> = None, Maybe(Count(1..));
        /// How many bytes of search state the judging of the history may hold; when there are more, its property is unknown. Without it, as
        /// many as `check` holds: 1 GiB, or 4 KiB an operation if that is more.
        state_bytes: Option<u64> = None, Maybe(Count(1..));
        /// Whether the run ends as soon as it is known that something is violated.
        stop_at_violation: bool = false, Flag;
    }
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
const LOST: Advised<Chance, Ratio> = Advised(Chance, |chance, span| {
    let advice = || Diagnostic::warning(span, "every message is lost").help("to cut nodes off for a while, use a Partition");
    (*chance == Ratio::ALWAYS).then(advice)
});

codecs! {
    /// How long something takes.
    Latencies: Latency = latency, Latency::to_string,
        "`Constant(\"1ms\")`, `Uniform(\"1ms\", \"5ms\")` or `Exponential(low: \"1ms\", mean: \"2ms\")`",
        within Within::OneOf("a latency", LATENCIES.to_vec());
}

const LATENCIES: [Variant; 3] = [
    Variant::new("Constant", "It takes always as long.", "network: (latency: Constant(\"1ms\"))"),
    Variant::new("Uniform", "Each length from the shortest to the longest is as likely.", "network: (latency: Uniform(\"1ms\", \"5ms\"))"),
    Variant::new(
        "Exponential",
        "Seldom much longer than usual: the shortest, and what is added follows the exponential distribution.",
        "network: (latency: Exponential(low: \"1ms\", mean: \"2ms\"))",
    )
    .with(Tail::declared),
];

settings! {
    /// What an exponential latency has fields for.
    struct Tail {
        /// The shortest length.
        low: Option<Duration> = None, Required(Length);
        /// What is added to the shortest length, on average.
        mean: Option<Duration> = None, Required(Length);
    }
}

fn latency(form: Form<'_>) -> Option<Latency> {
    match form.variant_of("a latency", &LATENCIES)?.name {
        "Constant" => {
            let [length] = form.arguments(["a length"])?;
            Length.read(length).map(Latency::Constant)
        }
        "Uniform" => uniform(form).map(Latency::Uniform),
        _ => exponential(form),
    }
}

fn uniform(form: Form<'_>) -> Option<DurationRange> {
    let bounds = form.each_argument(Some)?;
    match bounds[..] {
        [range] => LengthRange.read(range),
        [low_form, high_form] => {
            let (low, high) = (Length.read(low_form), Length.read(high_form));
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
    let (Tail { low, mean }, _) = Tail::read(&mut fields);
    fields.finish();
    Some(Latency::Exponential { low: low?, mean: mean? })
}

/// The items of a list, none of them about the same.
pub(super) fn each_once<'s, T, K: Ord>(
    form: Form<'s>,
    read: impl Fn(Form<'s>) -> Option<T>,
    about: impl Fn(&T) -> K,
    what: impl Fn(&T) -> String,
) -> Option<Vec<T>> {
    let mut seen: SortedMap<K, Form<'_>> = SortedMap::new();
    form.list(|form| {
        let item = read(form)?;
        let Some(first) = seen.insert(about(&item), form) else { return Some(item) };
        let problem = form.problem(format!("{} is given twice", what(&item))).label("given again here");
        form.report(problem.context(first.span(), "given first here"));
        None
    })
}

/// A list, an item a line; nothing if there are none.
pub(super) fn lines(items: impl Iterator<Item = String>) -> String {
    let lines: String = items.map(|item| format!("        {item},\n")).collect();
    if lines.is_empty() { lines } else { format!("[\n{lines}    ]") }
}
