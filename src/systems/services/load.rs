//! When clients have requests, as it is written: `(to: "gateway", arrivals: Poisson("500/s"))`.

use std::sync::Arc;

use super::ServicesConfig;
use super::guards::CallFields;
use super::lengths::Lengths;
use crate::base::{Duration, Rate, Ratio};
use crate::notation::{
    Chance, Codec as _, Count, Form, Given, Length, Maybe, Parsed, PositiveLength, Record, Required, Settings, Text, Variant, Within,
    codecs, settings,
};
use crate::policies::sampler::{Distribution, RateStep, Spacing};
use crate::protocols::services::{Call, Items, Load, OpenLoop, Policy, Service};

settings! {
    /// What clients of services do. How they call stands beside it.
    #[derive(Clone, Debug)]
    pub(super) struct ClientFields {
        /// What they ask: a service, or an endpoint of one, as in `shop.buy`.
        to: Option<String> = None, Required(Text);
        /// How many clients there are. Each has the whole load.
        clients: u32 = 1, Count(1..=100_000);
        /// Open loop: when a client's requests are due, however slow the answers are.
        arrivals: Option<Arriving> = None, Maybe(Loops);
        /// Closed loop, in place of `arrivals`: how many users a client has, each with one request at a time. Such a load gives way where
        /// services are slow, and hides how slow they would be for others.
        users: Option<u32> = None, Maybe(Count(1..=1_000_000));
        /// Closed loop: how long a user thinks after an answer, and before the first request.
        think: Distribution = Distribution::Constant(Duration::ZERO), Lengths;
        /// How many of the requests have priority 1; the others have 0.
        important: Ratio = Ratio::NEVER, Chance;
        /// What else they ask for, in the same way as for the first: so they read and write.
        mix: Vec<Part> = Vec::new(), Mix;
        /// Where services have items, or answers are kept: how many items there are. Each request is about one.
        items: u32 = 1000, Count(1..);
        /// How many of the requests are about the first item; the others are about each of the others as likely. Without it, each item is
        /// as likely.
        hot: Ratio = Ratio::NEVER, Chance;
        /// From when on it is measured what the tables tell. What is judged is judged from the beginning.
        warm_up: Duration = Duration::ZERO, Length;
    }
}

settings! {
    /// `mix`: something else that clients ask for.
    struct PartFields {
        /// What they ask: a service, or an endpoint of one.
        to: Option<String> = None, Required(Text);
        /// For how many of the requests: of those that are not for an entry before it.
        share: Option<Ratio> = None, Required(Chance);
    }
}

/// Something else that clients ask for: what, and how often.
pub(super) type Part = (String, Ratio);

settings! {
    /// `Steps`: a step.
    struct StepFields {
        /// From when on.
        from: Duration = Duration::ZERO, Length;
        /// How many come; without it, none.
        rate: Option<Rate> = None, Maybe(RATE);
    }
}

settings! {
    /// `Spike`: a load that is higher once.
    struct Spike {
        /// How many come as a rule.
        rate: Option<Rate> = None, Required(RATE);
        /// How many come while the spike lasts.
        peak: Option<Rate> = None, Required(RATE);
        /// When it begins.
        at: Duration = Duration::from_secs(1), Length;
        /// How long it lasts.
        lasting: Duration = Duration::from_secs(1), PositiveLength;
    }
}

settings! {
    /// `Bursts`: a load that is higher now and then.
    struct Bursts {
        /// How many come as a rule.
        rate: Option<Rate> = None, Maybe(RATE);
        /// How many come during a burst.
        peak: Option<Rate> = None, Required(RATE);
        /// How long after the beginning of one burst the next begins.
        every: Duration = Duration::from_secs(1), PositiveLength;
        /// How long a burst lasts: shorter than that.
        lasting: Duration = every / 10, PositiveLength;
    }
}

settings! {
    /// `Day`: a curve that comes again.
    struct Day {
        /// The steps of one period, from its beginning on.
        steps: Vec<RateStep> = Vec::new(), Steps;
        /// How long a period is.
        period: Duration = Duration::from_secs(24 * 60 * 60), PositiveLength;
    }
}

const RATE: Parsed = Parsed("a rate, like \"100/s\"");
const PART: Record<PartFields> = Record::like("(to: \"shop.buy\", share: \"1/10\")");
const STEP: Record<StepFields> = Record::like("(from: \"10s\", rate: \"500/s\")");

codecs! {
    /// An open loop.
    Loops: Arriving = read_loop, written, "an open loop, like `Poisson(\"500/s\")`", within Within::OneOf("an open loop", LOOPS.to_vec());
    /// Other things that clients ask for.
    Mix: Vec<Part> = mix, |mix: &Vec<Part>| mix_written(mix), "a list, like `[(to: \"shop.buy\", share: \"1/10\")]`",
        within Within::Fields(PartFields::declared()).each();
    /// Steps of a rate.
    Steps: Vec<RateStep> = steps, |steps: &Vec<RateStep>| steps_written(steps),
        "a list of steps, like `[(from: \"0s\", rate: \"100/s\"), (from: \"10s\", rate: \"500/s\")]`",
        within Within::Fields(StepFields::declared()).each();
}

const LOOPS: [Variant; 8] = [
    Variant::new("Poisson", "Requests come independently of each other, so many on average.", "arrivals: Poisson(\"500/s\")"),
    Variant::new("Constant", "One comes after the other, in equal gaps.", "arrivals: Constant(\"500/s\")"),
    Variant::new(
        "Steps",
        "As Poisson, with a rate that changes.",
        "arrivals: Steps([(from: \"0s\", rate: \"100/s\"), (from: \"10s\", rate: \"500/s\")])",
    ),
    Variant::new(
        "Spike",
        "As Poisson, with a rate that is higher once.",
        "arrivals: Spike(rate: \"100/s\", peak: \"1000/s\", at: \"10s\", lasting: \"2s\")",
    )
    .with(Spike::declared),
    Variant::new(
        "Bursts",
        "As Poisson, with a rate that is higher now and then.",
        "arrivals: Bursts(rate: \"100/s\", peak: \"1000/s\", every: \"1s\", lasting: \"100ms\")",
    )
    .with(Bursts::declared),
    Variant::new(
        "Day",
        "As Poisson, with a rate that follows a curve, again and again.",
        "arrivals: Day(steps: [(from: \"0s\", rate: \"10/s\"), (from: \"8h\", rate: \"500/s\")])",
    )
    .with(Day::declared),
    Variant::new(
        "File",
        "At the times that stand in a file, one a line: a length since the beginning, like `1.25s`, or a number of seconds; each no earlier than \
         the one before. Empty lines and what follows a `#` are passed over. The path is relative to the folder of the scenario.",
        "arrivals: File(\"arrivals.txt\")",
    ),
    Variant::new("Times", "At these times.", "arrivals: Times([\"10ms\", \"15ms\", \"1.25s\"])"),
];

/// When requests are due in an open loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arriving {
    /// At a rate.
    Rate(OpenLoop),
    /// At these times.
    Times(Arc<[Duration]>),
}

/// What a workload says.
pub(super) struct Read<'s> {
    /// What is asked, one thing at least.
    pub(super) roots: Vec<Call>,
    /// Where it says so of each.
    pub(super) to: Vec<Form<'s>>,
    /// How often the second is asked for, and so on.
    pub(super) mix: Vec<Ratio>,
    pub(super) items: Items,
    pub(super) clients: u32,
    pub(super) load: Load,
    pub(super) important: Ratio,
    pub(super) warm_up: Duration,
}

/// Reads a workload; what is wrong is reported.
pub(super) fn read(form: Form<'_>) -> Option<Read<'_>> {
    let mut fields = form.fields()?;
    let (client, given) = ClientFields::read(&mut fields);
    let policy = CallFields::policy(&mut fields);
    fields.finish();
    let load = client.load(form, &given);
    let ClientFields { to, clients, important, mix, items: count, hot, warm_up, .. } = client;
    let policy = policy?;
    let asked = [to?].into_iter().chain(mix.iter().map(|(to, _)| to.clone()));
    let roots = asked.map(|to| Call::new(to, policy.clone())).collect();
    let others = given.form("mix").and_then(|form| form.list(Some)).unwrap_or_default();
    let to = [given.form("to")?].into_iter().chain(others.into_iter().filter_map(|form| form.fields()?.take("to"))).collect();
    let (mix, items) = (mix.into_iter().map(|(_, share)| share).collect(), Items { count, hot });
    Some(Read { roots, to, mix, items, clients, load: load?, important, warm_up })
}

/// What clients of these services do where nothing is said of it: they ask the first one, a hundred times a second.
pub(super) fn usual<'s>(system: Form<'s>, services: &[Service]) -> Read<'s> {
    let steps = vec![RateStep { from: Duration::ZERO, rate: Rate::per_second(100) }];
    let load = Load::Open(OpenLoop { spacing: Spacing::Poisson, steps, period: None });
    let to = services.first().map(|first| first.name.clone()).unwrap_or_default();
    let ClientFields { clients, important, items: count, hot, warm_up, .. } = ClientFields::default();
    let (roots, items) = (vec![Call::new(to, Policy::default())], Items { count, hot });
    Read { roots, to: vec![system], mix: Vec::new(), items, clients, load, important, warm_up }
}

impl ClientFields {
    fn load(&self, form: Form<'_>, given: &Given<'_>) -> Option<Load> {
        match (&self.arrivals, self.users) {
            (Some(Arriving::Rate(open)), None) => Some(Load::Open(open.clone())),
            (Some(Arriving::Times(times)), None) => Some(Load::Times(Arc::clone(times))),
            (None, Some(users)) => Some(Load::Closed { users, think: self.think.clone() }),
            (Some(_), Some(_)) => {
                let place = given.form("users").unwrap_or(form);
                place.report(
                    place
                        .problem("both an open and a closed loop")
                        .help("arrivals come however slow the answers are; users wait for an answer, and think, before they ask again"),
                );
                None
            }
            // What was wrong is reported.
            (None, None) if given.is_wrong("arrivals") || given.is_wrong("users") => None,
            (None, None) => {
                form.report(
                    form.problem("clients have no requests").help("an open loop: arrivals: Poisson(\"100/s\"); a closed one: users: 10"),
                );
                None
            }
        }
    }

    /// The fields that say this.
    pub(super) fn of(config: &ServicesConfig) -> Self {
        let ServicesConfig { roots, mix, items: Items { count, hot }, clients, load, important, warm_up, .. } = config.clone();
        let mut asked = roots.into_iter().map(|root| root.to);
        let to = asked.next();
        let usual = Self { to, clients, important, warm_up, mix: asked.zip(mix).collect(), items: count, hot, ..Self::default() };
        match load {
            Load::Open(open) => Self { arrivals: Some(Arriving::Rate(open)), ..usual },
            Load::Times(times) => Self { arrivals: Some(Arriving::Times(times)), ..usual },
            Load::Closed { users, think } => Self { users: Some(users), think, ..usual },
        }
    }
}

fn mix(form: Form<'_>) -> Option<Vec<Part>> {
    form.list(|form| PART.read(form).and_then(|PartFields { to, share }| to.zip(share)))
}

fn mix_written(mix: &[Part]) -> String {
    let part = |(to, share): &Part| PART.write_whole(&PartFields { to: Some(to.clone()), share: Some(*share) });
    if mix.is_empty() { String::new() } else { format!("[{}]", mix.iter().map(part).collect::<Vec<_>>().join(", ")) }
}

fn read_loop(form: Form<'_>) -> Option<Arriving> {
    let kind = form.variant_of("an open loop", &LOOPS)?.name;
    if kind == "File" || kind == "Times" {
        let [given] = form.arguments(["when requests are due"])?;
        let times = if kind == "File" { from_file(given)? } else { given.list(|time| Length.read(time))? };
        return in_order(&times, given).then(|| Arriving::Times(times.into()));
    }
    let poisson = |steps, period| OpenLoop { spacing: Spacing::Poisson, steps, period };
    let step = |from, rate| RateStep { from, rate };
    let open = match kind {
        "Poisson" | "Constant" => {
            let [rate] = form.arguments(["a rate"])?;
            let spacing = if kind == "Poisson" { Spacing::Poisson } else { Spacing::Even };
            OpenLoop { spacing, steps: vec![step(Duration::ZERO, Some(RATE.read(rate)?))], period: None }
        }
        "Steps" => {
            let [list] = form.arguments(["a list of steps"])?;
            poisson(steps(list)?, None)
        }
        _ => {
            let mut fields = form.fields()?;
            let open = match kind {
                "Spike" => {
                    let Spike { rate, peak, at, lasting } = Spike::read(&mut fields).0;
                    let before = (!at.is_zero()).then_some(step(Duration::ZERO, rate));
                    rate.and(peak).map(|_| poisson(before.into_iter().chain([step(at, peak), step(at + lasting, rate)]).collect(), None))
                }
                "Bursts" => {
                    let Bursts { rate, peak, every, lasting } = Bursts::read(&mut fields).0;
                    peak.map(|_| poisson(vec![step(Duration::ZERO, peak), step(lasting, rate)], Some(every)))
                }
                _ => {
                    let Day { steps, period } = Day::read(&mut fields).0;
                    Some(poisson(steps, Some(period)))
                }
            };
            fields.finish();
            open?
        }
    };
    match open.arrivals() {
        Ok(_) => Some(Arriving::Rate(open)),
        Err(error) => {
            form.report(form.problem("requests cannot come like this").label(error.to_string()));
            None
        }
    }
}

/// The times in a file.
fn from_file(form: Form<'_>) -> Option<Vec<Duration>> {
    let path = Text.read(form)?;
    let refuse = |problem: String| form.report(form.problem(problem).help("one time a line: `1.25s`, `1250ms`, or seconds, `1.25`"));
    let text = form.file(&path).map_err(refuse).ok()?;
    let mut times = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let time = line.split('#').next().unwrap_or_default().trim();
        if time.is_empty() {
            continue;
        }
        let seconds = if time.ends_with(|last: char| last.is_ascii_digit()) { "s" } else { "" };
        match format!("{time}{seconds}").parse() {
            Ok(time) => times.push(time),
            Err(error) => {
                refuse(format!("line {} of {}: `{time}` is no time: {error}", number + 1, path));
                return None;
            }
        }
    }
    Some(times)
}

fn in_order(times: &[Duration], form: Form<'_>) -> bool {
    let problem = match times.windows(2).position(|pair| pair[1] < pair[0]) {
        _ if times.is_empty() => "no request is ever due".to_owned(),
        Some(place) => format!("time {} is earlier than the one before: {} after {}", place + 2, times[place + 1], times[place]),
        None => return true,
    };
    form.report(form.problem(problem));
    false
}

fn steps(form: Form<'_>) -> Option<Vec<RateStep>> {
    form.list(|form| STEP.read(form).map(|StepFields { from, rate }| RateStep { from, rate }))
}

fn steps_written(steps: &[RateStep]) -> String {
    let step = |RateStep { from, rate }: &RateStep| STEP.write_whole(&StepFields { from: *from, rate: *rate });
    if steps.is_empty() { String::new() } else { format!("[{}]", steps.iter().map(step).collect::<Vec<_>>().join(", ")) }
}

fn written(arriving: &Arriving) -> String {
    let OpenLoop { spacing, steps, period } = match arriving {
        Arriving::Rate(open) => open,
        Arriving::Times(times) => {
            let times: Vec<String> = times.iter().map(|time| format!("\"{time}\"")).collect();
            return format!("Times([{}])", times.join(", "));
        }
    };
    match (spacing, &steps[..], period) {
        (Spacing::Even, [RateStep { rate: Some(rate), .. }], None) => format!("Constant(\"{rate}\")"),
        (_, [RateStep { rate: Some(rate), from }], None) if from.is_zero() => format!("Poisson(\"{rate}\")"),
        (_, _, Some(period)) => format!("Day({})", Day { steps: steps.clone(), period: *period }.written()),
        _ => format!("Steps({})", steps_written(steps)),
    }
}
