//! Advice on lengths of time: what they are for is declared with them, and so it is known of any system what they must not be.

use super::names::Names;
use super::whole::Whole;
use crate::base::{Duration, DurationRange};
use crate::diagnostic::Diagnostic;
use crate::notation::{Form, Given, Setting, Timing, Within};

/// Reports time-outs that are over before an answer comes, ranges in which nobody is first, and intervals of which one more than fits.
pub(super) fn check(whole: &Whole, given: &Given<'_>, names: &Names<'_>) {
    let network = given.form("network").and_then(|form| taken(form, "latency"));
    let advice = Advice { takes: whole.network.usual.latency.mean(), network };
    let mut late = Vec::new();
    for (part, settings) in names.system.map(|system| system.settings()).unwrap_or_default() {
        let form = given.form(if part == "workload" { part } else { "system" });
        for group in Group::new(settings, form).and_within() {
            late.extend(group.check(&advice));
        }
    }
    if let Some(network) = network.filter(|_| !late.is_empty()) {
        let problem = Diagnostic::warning(network.span(), "an answer takes longer than is waited for it");
        let (round_trip, late) = (advice.round_trip(), late.join(", "));
        network.report(problem.label(format!("{round_trip} there and back, on average")).help(format!("make longer: {late}")));
    }
}

/// The value of this field.
fn taken<'s>(form: Form<'s>, name: &'static str) -> Option<Form<'s>> {
    form.has_fields().then_some(form)?.fields()?.take(name)
}

/// What lengths are held against.
struct Advice<'s> {
    /// How long a message takes on average.
    takes: Duration,
    /// Where that was given.
    network: Option<Form<'s>>,
}

impl Advice<'_> {
    fn round_trip(&self) -> Duration {
        self.takes * 2
    }

    /// This, with the place of the latency.
    fn with_latency(&self, problem: Diagnostic) -> Diagnostic {
        match self.network {
            Some(network) => problem.context(network.span(), "since messages take so long"),
            None => problem,
        }
    }
}

/// Settings that stand side by side, and where each was given.
struct Group<'s>(Vec<(Setting, Option<Form<'s>>)>);

impl<'s> Group<'s> {
    fn new(settings: Vec<Setting>, form: Option<Form<'s>>) -> Self {
        Self(settings.into_iter().map(|setting| (setting.clone(), form.and_then(|form| taken(form, setting.name)))).collect())
    }

    /// It, and all groups within its values.
    fn and_within(self) -> Vec<Self> {
        let within = self.0.iter().flat_map(|(setting, form)| groups(&setting.within, *form));
        let mut groups: Vec<Self> = within.flat_map(Self::and_within).collect();
        groups.insert(0, self);
        groups
    }

    /// Where this setting was given, and what it says; as it is by default, if it has one.
    fn find(&self, name: &str) -> Option<(Option<Form<'s>>, &str)> {
        let (setting, form) = self.0.iter().find(|(setting, _)| setting.name == name)?;
        // The example of what has no default is nothing that it says.
        let usual = setting.default.as_deref().and_then(|default| default.strip_prefix('`')?.strip_suffix('`'));
        Some((*form, form.map(Form::raw).or(usual)?))
    }

    fn length(&self, name: &str) -> Option<DurationRange> {
        self.find(name)?.1.trim_matches('"').parse().ok()
    }

    /// Reports what was given wrongly; of what was not given, the names of time-outs that are over before an answer comes.
    fn check(&self, advice: &Advice<'_>) -> Vec<&'static str> {
        let mut late = Vec::new();
        for (setting, form) in &self.0 {
            let Some(length) = self.length(setting.name) else { continue };
            let answered = |timing: &Timing| *timing == Timing::Answer || self.is_asked(timing);
            if setting.timings.iter().any(answered) && length.high() < advice.round_trip() {
                match form {
                    Some(form) => form.report(too_short(setting.name, *form, advice)),
                    None => late.push(setting.name),
                }
            } else if let Some(form) = form.as_ref().filter(|_| setting.timings.contains(&Timing::Apart)) {
                check_width(setting.name, length, *form, advice);
            }
            for timing in setting.timings {
                self.check_silence(setting.name, length.low(), *timing);
            }
        }
        late
    }

    fn is_asked(&self, timing: &Timing) -> bool {
        let Timing::Misses { asked: (setting, value), .. } = *timing else { return false };
        self.find(setting).is_some_and(|(_, given)| given == value)
    }

    /// Reports a silence that one lost message is enough for.
    fn check_silence(&self, name: &'static str, length: Duration, timing: Timing) {
        let (every, missed) = match timing {
            Timing::Silence(every) => (every, None),
            Timing::Misses { every, missed, .. } => (every, Some(missed)),
            Timing::Answer | Timing::Apart => return,
        };
        let Some(interval) = self.length(every).map(|range| range.high()) else { return };
        let missed = missed.and_then(|missed| self.find(missed)?.1.parse().ok()).unwrap_or(1_u64);
        let more = missed.saturating_sub(1) + u64::from(self.is_asked(&timing));
        let place = [name, every].into_iter().find_map(|name| self.find(name)?.0);
        if length + interval * more > interval * 2 {
            return;
        }
        if let Some(form) = place {
            let problem =
                Diagnostic::warning(form.span(), format!("`{every}` is close to `{name}`: one message lost, or late, is a failure"));
            let label = format!("one comes every {interval}, and {} without one is a failure", length + interval * more);
            form.report(problem.label(label).help(format!("make `{every}` a third of `{name}`, or less")));
        }
    }
}

/// The groups that are within a value.
fn groups<'s>(within: &Within, form: Option<Form<'s>>) -> Vec<Group<'s>> {
    match (within, form) {
        (Within::Fields(fields), form) => vec![Group::new(fields.clone(), form)],
        (Within::OneOf(_, variants), Some(form)) => {
            let variant = variants.iter().find(|variant| form.name() == Some(variant.name));
            variant.map(|variant| Group::new(variant.fields(), Some(form))).into_iter().collect()
        }
        (Within::Each(item), Some(form)) if form.raw().starts_with('[') => {
            form.list(Some).into_iter().flatten().flat_map(|form| groups(item, Some(form))).collect()
        }
        (Within::Nothing | Within::OneOf(..) | Within::Each(_), _) => Vec::new(),
    }
}

fn too_short(name: &str, form: Form<'_>, advice: &Advice<'_>) -> Diagnostic {
    let problem = Diagnostic::warning(form.span(), format!("`{name}` is over before an answer comes"));
    let problem = problem.label(format!("an answer takes {} there and back, on average", advice.round_trip()));
    advice.with_latency(problem).help(format!("make it longer, several times {}", advice.round_trip()))
}

/// Reports a range in which nobody is first.
fn check_width(name: &str, length: DurationRange, form: Form<'_>, advice: &Advice<'_>) {
    let (low, width) = (length.low(), length.high() - length.low());
    let help = format!("make the range wider, like \"{low}..{}\"", low * 2);
    if width.is_zero() {
        let problem = Diagnostic::warning(form.span(), format!("`{name}` has no width: all act at the same time, and nobody is first"));
        form.report(problem.help(help));
    } else if width < advice.takes {
        let problem = Diagnostic::warning(form.span(), format!("`{name}` is so narrow that all act before they hear of the first"));
        let problem = problem.label(format!("{width} wide, and a message takes {} on average", advice.takes));
        form.report(advice.with_latency(problem).help(help));
    }
}
