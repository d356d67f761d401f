//! What a scenario demands of requests: how long they take, how many succeed, how soon that is so again after a fault, how long queues get.
//!
//! ```ron
//! require: [
//!     Latency(p99: "200ms", outside: Faults(after: "2s")),
//!     Availability(at_least: "99.9%", outside: Faults(after: "2s")),
//!     Recovers(within: "5s"),
//! ],
//! ```
//!
//! A [`Requirement`] is data, and each kind is a property like all others. What a request is, the system says by a [`Meter`], which finds
//! requests in the records of a run; [`OfClients`] does so for the operations of clients, whatever they are. The judge streams: it keeps
//! counts, and no history.

mod faults;
mod judge;
mod meter;

use std::fmt::{self, Display, Formatter};

use crate::base::{Duration, Ratio};
use crate::check::Property;
use crate::diagnostic::suggestion;
use crate::notation::{
    Chance, Codec as _, Count, Form, Length, Maybe, PositiveLength, Required, Settings, Text, Variant, Within, codec, list, quoted,
    settings,
};

pub(crate) use faults::Faults;
pub use judge::RequirementJudge;
pub use meter::{ALL, Meter, OfClients, Open, Place, Reading};

/// That requests are answered in time.
pub const LATENCY: Property = Property::always(
    "latency",
    "requests are answered as fast as `require: [Latency(…)]` demands: no more of them than the percentile allows take longer. A request \
     counts from when it was due, and if it succeeds; Availability is about the others. One that never ends counts as longer than any bound",
);
/// That enough requests succeed.
pub const AVAILABILITY: Property = Property::always(
    "availability",
    "of the requests that have ended, and of those that are open for longer than their time-outs allow, at least the share succeeds that \
     `require: [Availability(…)]` demands",
);
/// That requests succeed again after faults.
pub const RECOVERS: Property = Property::eventually(
    "recovers",
    "once a fault has ended, and so long after it as `require: [Recovers(…)]` says, requests succeed again, and none is open any more for \
     longer than its time-outs allow",
);
/// That a queue stays short.
pub const BOUNDED: Property = Property::always(
    "bounded",
    "no queue gets longer than `require: [Bounded(…)]` allows; nor is more at work at once, or waits before a bulkhead, where that is bounded",
);

/// That a monitor calls.
pub const ALERT_FIRES: Property = Property::eventually(
    "alert-fires",
    "each alert that `require: [Fires(…)]` demands fires after the first fault, or where there is none after the start, in the time that is given",
);
/// That a monitor does not call without need.
pub const ALERT_SILENT: Property =
    Property::always("alert-silent", "no alert fires of which `require: [Silent(…)]` demands that it does not");

/// The properties that `require` can demand of the alerts of any scenario.
pub const OF_ALERTS: &[Property] = &[ALERT_FIRES, ALERT_SILENT];
/// The properties that `require` can demand of the operations of any clients.
pub const OF_REQUESTS: &[Property] = &[LATENCY, AVAILABILITY, RECOVERS];
/// All properties that `require` can demand of requests.
pub const PROPERTIES: &[Property] = &[LATENCY, AVAILABILITY, RECOVERS, BOUNDED];

/// What the requirements of a scenario can be about, as its system says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// The name of the system.
    pub system: &'static str,
    /// The properties that it can judge, of [`PROPERTIES`].
    pub properties: &'static [Property],
    /// Its services, by name; none, if it does not tell requests apart.
    pub services: Vec<String>,
}

/// One demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Requests are answered in time.
    Latency(Latency),
    /// Enough requests succeed.
    Availability(Availability),
    /// Requests succeed again after faults.
    Recovers(Recovers),
    /// A queue stays short.
    Bounded(Bounded),
    /// An alert fires.
    Fires(Fires),
    /// An alert does not fire.
    Silent(Silent),
}

settings! {
    |subjects: Option<&'c Subjects>|
    /// How long requests may take. One bound at least is given.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Latency {
        /// Whose requests: the name of a service, where the system has services; without it, what its clients ask for.
        service: Option<String> = None, Maybe(Service(subjects));
        /// Only requests of this priority; without it, all.
        priority: Option<u8> = None, Maybe(Priority(subjects));
        /// Half of the requests take no longer.
        p50: Option<Duration> = None, Maybe(PositiveLength);
        /// Nine in ten take no longer.
        p90: Option<Duration> = None, Maybe(PositiveLength);
        /// 95 in a hundred take no longer.
        p95: Option<Duration> = None, Maybe(PositiveLength);
        /// 99 in a hundred take no longer.
        p99: Option<Duration> = None, Maybe(PositiveLength);
        /// 999 in a thousand take no longer.
        p999: Option<Duration> = None, Maybe(PositiveLength);
        /// No request takes longer.
        max: Option<Duration> = None, Maybe(PositiveLength);
        /// What is left out.
        outside: Option<Duration> = None, Maybe(Outside);
    }
}

settings! {
    |subjects: Option<&'c Subjects>|
    /// How many requests must succeed.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Availability {
        /// Whose requests: the name of a service, where the system has services; without it, what its clients ask for.
        service: Option<String> = None, Maybe(Service(subjects));
        /// Only requests of this priority; without it, all.
        priority: Option<u8> = None, Maybe(Priority(subjects));
        /// The share of requests, of those that end, that must succeed. One that was given up does not, nor does one that is open too long.
        at_least: Option<Ratio> = None, Required(Chance);
        /// What is left out.
        outside: Option<Duration> = None, Maybe(Outside);
    }
}

settings! {
    |subjects: Option<&'c Subjects>|
    /// When requests must succeed again.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Recovers {
        /// Whose requests: the name of a service, where the system has services; without it, what its clients ask for.
        service: Option<String> = None, Maybe(Service(subjects));
        /// Only requests of this priority; without it, all.
        priority: Option<u8> = None, Maybe(Priority(subjects));
        /// How long after a fault has ended. Requests count that are due after that, up to the next fault.
        within: Option<Duration> = None, Required(Length);
        /// The share of them that must succeed.
        at_least: Ratio = Ratio::new(99, 100).expect("it is below one"), Chance;
    }
}

settings! {
    |subjects: Option<&'c Subjects>|
    /// How many requests may be in one place. One place is given.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Bounded {
        /// The queue of an instance: the name of its service. Each of its instances has one.
        queue: Option<String> = None, Maybe(Where(subjects));
        /// In place of that, what an instance of this service works on, requests among it whose worker is free again (`holds: false`).
        work: Option<String> = None, Maybe(Where(subjects));
        /// In place of both, the calls to this service that wait before the `bulkhead` of a caller.
        bulkhead: Option<String> = None, Maybe(Where(subjects));
        /// How many may be there.
        at_most: Option<u64> = None, Required(Count(0..));
        /// What is left out.
        outside: Option<Duration> = None, Maybe(Outside);
    }
}

settings! {
    /// An alert that must fire.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Fires {
        /// The name of the alert.
        alert: Option<String> = None, Required(Text);
        /// How long after the first fault, or after the start where no fault strikes, it must fire at the latest; without it, before the
        /// end.
        within: Option<Duration> = None, Maybe(PositiveLength);
    }
}

settings! {
    /// An alert that must not fire.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Silent {
        /// The name of the alert.
        alert: Option<String> = None, Required(Text);
    }
}

const VARIANTS: [Variant; 6] = [
    Variant::new(
        "Latency",
        "Requests are answered in time. One counts from when it was due, and if it succeeds. If none is left, that is unknown.",
        "require: [Latency(p99: \"200ms\")]",
    )
    .with(Latency::declared),
    Variant::new(
        "Availability",
        "Enough requests succeed. If none is left, that is unknown.",
        "require: [Availability(at_least: \"99.9%\")]",
    )
    .with(Availability::declared),
    Variant::new(
        "Recovers",
        "So long after a fault has ended, enough requests succeed again. Where no fault struck, or none is due after it, that is unknown.",
        "require: [Recovers(within: \"5s\")]",
    )
    .with(Recovers::declared),
    Variant::new(
        "Bounded",
        "A queue stays short, or what is at work, or what waits before a bulkhead, stays little.",
        "require: [Bounded(queue: \"db\", at_most: 100)]",
    )
    .with(Bounded::declared),
    Variant {
        bare: 1,
        ..Variant::new(
            "Fires",
            "An alert fires, or goes on firing, after the first fault. If the run ends before it must have, that is unknown.",
            "require: [Fires(alert: \"error budget\", within: \"2min\")]",
        )
        .with(Fires::declared)
    },
    Variant { bare: 1, ..Variant::new("Silent", "An alert never fires.", "require: [Silent(\"error budget\")]").with(Silent::declared) },
];

const OUTSIDE: [Variant; 1] = [Variant::new(
    "Faults",
    "What is due or under way from a fault's start to so long after its end is left out. A node that is destroyed for good counts as a fault \
     that has ended at once.",
    "outside: Faults(after: \"2s\")",
)
.with(After::declared)];

settings! {
    /// How long after its end a fault is still made allowance for.
    struct After {
        /// How long after its end a fault is still made allowance for.
        after: Duration = Duration::ZERO, Length;
    }
}

/// What is left out: how long after each fault.
struct Outside;
codec!(Outside: Duration = |_: &Self, form| read_outside(form), |after: &Duration| format!("Faults(after: \"{after}\")"),
    "`Faults(after: \"2s\")`: what is due or under way while a fault lasts, and so long after it";
    within Within::OneOf("what is left out", OUTSIDE.to_vec()));

fn read_outside(form: Form<'_>) -> Option<Duration> {
    form.variant_of("what is left out", &OUTSIDE)?;
    let mut fields = form.fields()?;
    let (After { after }, _) = After::read(&mut fields);
    fields.finish();
    Some(after)
}

/// The name of a service.
struct Service<'s>(Option<&'s Subjects>);
codec!(Service<'_>: String = Self::read_name, quoted, "the name of a service", Some("what clients ask for"); like "\"gateway\"");

/// The name of a service where one place of several is given.
struct Where<'s>(Option<&'s Subjects>);
codec!(Where<'_>: String = |own: &Self, form: Form<'_>| Service(own.0).read_name(form), quoted, "the name of a service";
    like "\"gateway\"");

impl Service<'_> {
    fn read_name(&self, form: Form<'_>) -> Option<String> {
        let name = Text.read(form)?;
        let Some(Subjects { system, services, .. }) = self.0 else { return Some(name) };
        if services.contains(&name) {
            return Some(name);
        }
        let problem = match services.is_empty() {
            true => form.problem(format!("`{system}` has no services")).help("leave it out: what its clients ask for is judged"),
            false => {
                let known: Vec<&str> = services.iter().map(String::as_str).collect();
                form.problem(format!("there is no service \"{name}\"")).help(suggestion(&name, &known))
            }
        };
        form.report(problem);
        None
    }
}

/// How important requests are.
struct Priority<'s>(Option<&'s Subjects>);
codec!(Priority<'_>: u8 = Self::read_priority, u8::to_string, "a whole number from 0 to 255, where requests of the system have priorities",
    Some("all requests"); like "1");

impl Priority<'_> {
    fn read_priority(&self, form: Form<'_>) -> Option<u8> {
        let priority = Count(0..=u8::MAX).read(form)?;
        let Some(Subjects { system, .. }) = self.0.filter(|subjects| subjects.services.is_empty()) else { return Some(priority) };
        form.report(form.problem(format!("requests of `{system}` have no priorities")).help("leave it out: all requests are judged"));
        None
    }
}

/// A list of requirements.
pub struct Requirements<'s>(pub Option<&'s Subjects>);
codec!(Requirements<'_>: Vec<Requirement> = Self::read_all, all_written,
    "a list, like `[Latency(p99: \"200ms\"), Availability(at_least: \"99.9%\")]`", Some("`[]`");
    within Within::OneOf(Requirement::WHAT, VARIANTS.to_vec()).each());

fn all_written(required: &[Requirement]) -> String {
    if required.is_empty() { String::new() } else { list(required) }
}

impl Requirements<'_> {
    fn read_all(&self, form: Form<'_>) -> Option<Vec<Requirement>> {
        form.list(|form| Requirement::read(form, self.0))
    }
}

impl Requirement {
    const WHAT: &'static str = "a requirement";

    /// The property that it demands.
    pub const fn property(&self) -> &'static Property {
        match self {
            Self::Latency(_) => &LATENCY,
            Self::Availability(_) => &AVAILABILITY,
            Self::Recovers(_) => &RECOVERS,
            Self::Bounded(_) => &BOUNDED,
            Self::Fires(_) => &ALERT_FIRES,
            Self::Silent(_) => &ALERT_SILENT,
        }
    }

    /// The alert that it is about, if it is about one.
    pub fn alert(&self) -> Option<&str> {
        match self {
            Self::Fires(Fires { alert, .. }) | Self::Silent(Silent { alert }) => alert.as_deref(),
            Self::Latency(_) | Self::Availability(_) | Self::Recovers(_) | Self::Bounded(_) => None,
        }
    }

    /// Whether it is about an alert, and not about requests.
    pub const fn is_of_alert(&self) -> bool {
        matches!(self, Self::Fires(_) | Self::Silent(_))
    }

    /// The service that it is about; without one, what clients ask for.
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::Latency(Latency { service, .. })
            | Self::Availability(Availability { service, .. })
            | Self::Recovers(Recovers { service, .. }) => service.as_deref(),
            Self::Bounded(bounded) => bounded.given().next().map(|(_, name)| name),
            Self::Fires(_) | Self::Silent(_) => None,
        }
    }

    /// The priority of the requests that it is about; without one, all.
    pub fn priority(&self) -> Option<u8> {
        match self {
            Self::Latency(Latency { priority, .. })
            | Self::Availability(Availability { priority, .. })
            | Self::Recovers(Recovers { priority, .. }) => *priority,
            Self::Bounded(_) | Self::Fires(_) | Self::Silent(_) => None,
        }
    }

    /// Reads one; reports what is wrong with it, and that the system cannot judge it.
    fn read(form: Form<'_>, subjects: Option<&Subjects>) -> Option<Self> {
        let variant = form.variant_of(Self::WHAT, &VARIANTS)?;
        let mut fields = if variant.bare == 0 { form.fields()? } else { variant.fields_of(form)? };
        let requirement = match variant.name {
            "Latency" => Self::Latency(Latency::read_within(&mut fields, None, subjects).0),
            "Availability" => Self::Availability(Availability::read_within(&mut fields, None, subjects).0),
            "Recovers" => Self::Recovers(Recovers::read_within(&mut fields, None, subjects).0),
            "Bounded" => Self::Bounded(Bounded::read_within(&mut fields, None, subjects).0),
            "Fires" => Self::Fires(Fires::read(&mut fields).0),
            _ => Self::Silent(Silent::read(&mut fields).0),
        };
        fields.finish();
        requirement.fits(form, subjects).then_some(requirement)
    }

    fn fits(&self, form: Form<'_>, subjects: Option<&Subjects>) -> bool {
        if let Self::Latency(latency) = self
            && latency.bounds().next().is_none()
        {
            form.report(form.problem("this demands nothing").help("give a bound: Latency(p99: \"200ms\")"));
            return false;
        }
        if let Self::Bounded(bounded) = self
            && bounded.given().count() != 1
        {
            form.report(form.problem("one place is bounded").help("name one: Bounded(queue: \"db\", at_most: 100)"));
            return false;
        }
        let Some(Subjects { system, properties, .. }) = subjects else { return true };
        if self.is_of_alert() || properties.contains(self.property()) {
            return true;
        }
        let judged: Vec<&str> =
            VARIANTS.iter().zip(PROPERTIES).filter(|(_, of)| properties.contains(of)).map(|(known, _)| known.name).collect();
        let problem = form.problem(format!("`{system}` cannot judge `{}`", form.name().unwrap_or_default()));
        form.report(match judged.is_empty() {
            true => problem.help("it has no clients whose requests could be judged: take the requirement out"),
            false => problem.help(format!("it judges {}", judged.join(", "))),
        });
        false
    }
}

impl Bounded {
    /// The places that are given, with their services.
    fn given(&self) -> impl Iterator<Item = (Place, &str)> {
        let places = [(Place::Queue, &self.queue), (Place::Work, &self.work), (Place::Bulkhead, &self.bulkhead)];
        places.into_iter().filter_map(|(place, name)| Some((place, name.as_deref()?)))
    }

    /// What is bounded.
    fn place(&self) -> Place {
        self.given().next().map_or(Place::Queue, |(place, _)| place)
    }
}

impl Latency {
    /// Each bound: what it is called, how many requests of how many may take longer, and how long.
    fn bounds(&self) -> impl Iterator<Item = Bound> {
        let bound = |name, allowed, of, length: Option<Duration>| length.map(|length| Bound { name, allowed, of, length });
        let bounds = [
            bound("p50", 1, 2, self.p50),
            bound("p90", 1, 10, self.p90),
            bound("p95", 5, 100, self.p95),
            bound("p99", 1, 100, self.p99),
            bound("p99.9", 1, 1000, self.p999),
            bound("max", 0, 1, self.max),
        ];
        bounds.into_iter().flatten()
    }
}

/// A bound on how long requests take.
#[derive(Clone, Copy, Debug)]
struct Bound {
    name: &'static str,
    /// So many may take longer,
    allowed: u64,
    /// of so many.
    of: u64,
    length: Duration,
}

impl Display for Requirement {
    /// As it is written: `Latency(p99: "200ms")`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bare = |alert: &Option<String>| quoted(alert.as_deref().unwrap_or_default());
        let (name, fields) = match self {
            Self::Fires(Fires { alert, within: None }) => ("Fires", bare(alert)),
            Self::Fires(fires) => ("Fires", fires.unusual(None)),
            Self::Silent(Silent { alert }) => ("Silent", bare(alert)),
            Self::Latency(latency) => ("Latency", latency.unusual(None)),
            Self::Availability(availability) => ("Availability", availability.unusual(None)),
            Self::Recovers(recovers) => ("Recovers", recovers.unusual(None)),
            Self::Bounded(bounded) => ("Bounded", bounded.unusual(None)),
        };
        write!(f, "{name}({fields})")
    }
}
