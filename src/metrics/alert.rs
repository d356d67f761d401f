//! Alerts, as data: what a monitor watches, and when it calls.
//!
//! ```ron
//! alerts: [(name: "error budget", when: Above(Rate("errors"), "1%"), for: "5s")],
//! ```

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::base::{Duration, Metric, MetricSort, Rate, Ratio};
use crate::diagnostic::suggestion;
use crate::notation::{
    Chance, Codec as _, Count, Form, Given, Length, PositiveLength, Required, Settings, Text, Variant, Within, codec, list, quoted,
    settings,
};

/// The metrics that an alert can be about, of the system of this name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measurable {
    /// The name of the system.
    pub system: &'static str,
    /// What its runs measure.
    pub metrics: Vec<Metric>,
}

settings! {
    |measurable: Option<&'c Measurable>|
    /// Something that a monitor watches, and calls about.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Alert {
        /// What it is called: requirements and reports name it so.
        name: Option<String> = None, Required(Text);
        /// What must be so.
        when: Option<Condition> = None, Required(When(measurable));
        /// For how long it must have been so, each time that it was looked at, before the alert fires.
        r#for: Duration = Duration::ZERO, Length;
        /// How often it is looked at.
        every: Duration = Duration::from_secs(1), PositiveLength;
    }
}

settings! {
    |measurable: Option<&'c Measurable>|
    /// What is compared, and with what.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Comparison {
        /// What of the metrics is compared.
        of: Option<Expression> = None, Required(Compared(measurable));
        /// With what: of `Rate` a rate or a share, of others a length, a share or a whole number, as the unit of the metric is.
        bound: Option<Bound> = None, Required(Bounds(measurable, of.as_ref()));
    }
}

/// What must be so for an alert to fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether it must be above the bound, and not below it.
    pub above: bool,
    /// What is compared.
    pub of: Expression,
    /// With what.
    pub bound: Bound,
}

/// What of the metrics is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// How fast a counter grows, or which share of another it is.
    Rate(RateOf),
    /// How much there is of a gauge, or of a counter so far, in all series.
    Value(ValueOf),
    /// How much there is of a gauge in the series that has most.
    Most(ValueOf),
    /// A quantile of a histogram.
    Quantile(QuantileOf),
}

settings! {
    |measurable: Option<&'c Measurable>|
    /// How fast a counter grows.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RateOf {
        /// The counter; its series are added up.
        metric: Option<Selector> = None, Required(Selects(measurable, &[MetricSort::Counter]));
        /// Of what it is a share, where the bound is a share: another counter.
        of: Selector = Selector::named("operations"), Selects(measurable, &[MetricSort::Counter]);
        /// How far back it looks.
        over: Duration = WINDOW, PositiveLength;
    }
}

settings! {
    |measurable: Option<&'c Measurable>|
    /// How much there is.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ValueOf {
        /// The gauge or the counter.
        metric: Option<Selector> = None, Required(Selects(measurable, &[MetricSort::Gauge, MetricSort::Counter]));
    }
}

settings! {
    |measurable: Option<&'c Measurable>|
    /// A quantile of a histogram.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct QuantileOf {
        /// The histogram; its series are merged.
        metric: Option<Selector> = None, Required(Selects(measurable, &[MetricSort::Histogram]));
        /// Which share does not exceed it.
        quantile: Ratio = Ratio::new(99, 100).expect("it is below one"), Chance;
        /// How far back it looks.
        over: Duration = WINDOW, PositiveLength;
    }
}

/// How far back rates and quantiles look, unless it is said.
const WINDOW: Duration = Duration::from_secs(10);

/// What is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So often.
    Often(Rate),
    /// A share.
    Share(Ratio),
    /// So long.
    Long(Duration),
    /// So many.
    Many(u64),
}

impl Bound {
    /// It as a number: a second, or 1.
    pub fn number(self) -> f64 {
        match self {
            Self::Often(rate) => f64::from(rate.count()) / (rate.unit().as_nanos() as f64 / 1e9),
            Self::Share(share) => f64::from(share.parts()) / f64::from(share.whole()),
            Self::Long(length) => length.as_nanos() as f64 / 1e9,
            Self::Many(count) => count as f64,
        }
    }
}

impl Display for Bound {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Often(rate) => write!(f, "\"{rate}\""),
            Self::Share(share) => match u64::from(share.parts()) * 100 % u64::from(share.whole()) {
                0 => write!(f, "\"{}%\"", u64::from(share.parts()) * 100 / u64::from(share.whole())),
                _ => write!(f, "\"{share}\""),
            },
            Self::Long(length) => write!(f, "\"{length}\""),
            Self::Many(count) => write!(f, "{count}"),
        }
    }
}

/// Some series of a metric: `queue_length`, or `queue_length{service=db}` for those with this label alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The name of the metric.
    pub metric: String,
    /// What labels must say.
    pub labels: Vec<(String, String)>,
}

impl Selector {
    /// All series of this metric.
    pub fn named(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), labels: Vec::new() }
    }

    /// Whether it is about a series whose labels, of these names, say this.
    pub fn selects(&self, names: &[&'static str], values: &[String]) -> bool {
        let has = |label: &str, wanted: &str| names.iter().zip(values).any(|(name, value)| *name == label && value == wanted);
        self.labels.iter().all(|(label, wanted)| has(label, wanted))
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels: Vec<String> = self.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        write!(f, "{{{}}}", labels.join(","))
    }
}

impl FromStr for Selector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (metric, labels) = match text.split_once('{') {
            None => (text, ""),
            Some((metric, rest)) => (metric, rest.strip_suffix('}').ok_or("the brace is not closed: \"queue_length{service=db}\"")?),
        };
        let pairs = labels.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (label, value) = pair.split_once('=').ok_or("labels are written label=value: \"queue_length{service=db}\"")?;
            Ok((label.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        };
        Ok(Self { metric: metric.trim().to_owned(), labels: pairs.map(pair).collect::<Result<_, &str>>()? })
    }
}

/// A selector of metrics of some sorts.
struct Selects<'m>(Option<&'m Measurable>, &'static [MetricSort]);
codec!(Selects<'_>: Selector = Self::read_selector, |selector: &Selector| quoted(selector.to_string()),
    "the name of a metric, as `list metrics` has it, for some of its series with what their labels say: `\"queue_length{service=db}\"`";
    like "\"errors\"");

impl Selects<'_> {
    fn read_selector(&self, form: Form<'_>) -> Option<Selector> {
        let selector: Selector = form.from_text("the name of a metric")?;
        let Some(Measurable { system, metrics }) = self.0 else { return Some(selector) };
        let Some(metric) = metrics.iter().find(|metric| metric.name == selector.metric) else {
            let known: Vec<&str> = metrics.iter().filter(|metric| self.1.contains(&metric.sort)).map(|metric| metric.name).collect();
            form.report(
                form.problem(format!("`{system}` has no metric \"{}\"", selector.metric)).help(suggestion(&selector.metric, &known)),
            );
            return None;
        };
        if !self.1.contains(&metric.sort) {
            let (is, wanted) = (called(metric.sort), self.1.iter().map(|sort| called(*sort)).collect::<Vec<_>>().join(" or "));
            let problem = form.problem(format!("\"{}\" is {is}, and {wanted} is wanted here", metric.name));
            form.report(problem.help("`Rate` takes a counter, `Value` and `Most` a gauge, `Quantile` a histogram"));
            return None;
        }
        let is_known = |label: &str| label == "node" || metric.labels.contains(&label);
        if let Some((label, _)) = selector.labels.iter().find(|(label, _)| !is_known(label)) {
            let known: Vec<&str> = metric.labels.iter().copied().chain(["node"]).collect();
            form.report(form.problem(format!("\"{}\" has no label \"{label}\"", metric.name)).help(suggestion(label, &known)));
            return None;
        }
        Some(selector)
    }
}

fn called(sort: MetricSort) -> &'static str {
    match sort {
        MetricSort::Counter => "a counter",
        MetricSort::Gauge => "a gauge",
        MetricSort::Histogram => "a histogram",
    }
}

const fn condition(name: &'static str, about: &'static str, example: &'static str) -> Variant {
    Variant { bare: 2, ..Variant::new(name, about, example).with(Comparison::declared) }
}

const CONDITIONS: [Variant; 2] = [
    condition(
        "Above",
        "It is above the bound.",
        "alerts: [(name: \"error budget\", when: Above(Rate(\"errors\"), \"1%\"), for: \"1min\")]",
    ),
    condition(
        "Below",
        "It is below the bound.",
        "alerts: [(name: \"no leader\", when: Below(Value(\"role_holders{role=Leader}\"), 1), for: \"2s\")]",
    ),
];

const fn expression(name: &'static str, about: &'static str, example: &'static str) -> Variant {
    Variant { bare: 1, ..Variant::new(name, about, example) }
}

const EXPRESSIONS: [Variant; 4] = [
    expression(
        "Rate",
        "How fast a counter grows, compared with a rate such as \"5/s\"; or, compared with a share such as \"1%\", which share of the growth of \
         another counter that is, of all `operations` that ended, unless it is said.",
        "alerts: [(name: \"error budget\", when: Above(Rate(metric: \"errors\", over: \"30s\"), \"1%\"), for: \"1min\")]",
    )
    .with(RateOf::declared),
    expression(
        "Value",
        "How much there is of a gauge, or how much of a counter has come so far: all series added up.",
        "alerts: [(name: \"no leader\", when: Below(Value(\"role_holders{role=Leader}\"), 1), for: \"2s\")]",
    )
    .with(ValueOf::declared),
    expression(
        "Most",
        "How much there is of a gauge in the series that has most of it.",
        "alerts: [(name: \"disk behind\", when: Above(Most(\"messages_held\"), 100), for: \"1s\")]",
    )
    .with(ValueOf::declared),
    expression(
        "Quantile",
        "What so many of the values of a histogram do not exceed; its series are merged. Where there are none, it is neither above nor below.",
        "alerts: [(name: \"slow\", when: Above(Quantile(metric: \"operation_seconds\", quantile: \"99%\"), \"200ms\"), for: \"10s\")]",
    )
    .with(QuantileOf::declared),
];

/// What must be so.
struct When<'m>(Option<&'m Measurable>);
codec!(When<'_>: Condition = |own: &Self, form| Condition::read(form, own.0), Condition::to_string,
    "a condition, like `Above(Rate(\"errors\"), \"1%\")`"; within Within::OneOf("a condition", CONDITIONS.to_vec()));

/// What of the metrics is compared.
struct Compared<'m>(Option<&'m Measurable>);
codec!(Compared<'_>: Expression = |own: &Self, form| Expression::read(form, own.0), Expression::to_string,
    "what is compared, like `Rate(\"errors\")`"; within Within::OneOf("what is compared", EXPRESSIONS.to_vec()));

/// What this is compared with.
struct Bounds<'m>(Option<&'m Measurable>, Option<&'m Expression>);
codec!(Bounds<'_>: Bound = |own: &Self, form| own.1?.bound(form, own.0), Bound::to_string,
    "`\"5/s\"`, `\"1%\"`, `\"200ms\"` or `10`"; like "\"1%\"");

impl Condition {
    fn read(form: Form<'_>, measurable: Option<&Measurable>) -> Option<Self> {
        let variant = form.variant_of("a condition", &CONDITIONS)?;
        let mut fields = variant.fields_of(form)?;
        let (Comparison { of, bound }, given) = Comparison::read_within(&mut fields, None, measurable);
        fields.finish();
        let condition = Self { above: variant.name == "Above", of: of?, bound: bound? };
        condition.fits(measurable, &given).then_some(condition)
    }

    /// Complains of a share of what the system does not count.
    fn fits(&self, measurable: Option<&Measurable>, given: &Given<'_>) -> bool {
        let (Expression::Rate(RateOf { of, .. }), Bound::Share(_), Some(Measurable { system, metrics })) =
            (&self.of, self.bound, measurable)
        else {
            return true;
        };
        let is_known = metrics.iter().any(|metric| metric.name == of.metric);
        if let Some(form) = given.complain(&["of"]).filter(|_| !is_known) {
            let problem = form.problem(format!("`{system}` counts no \"{}\" of which this would be a share", of.metric));
            form.report(problem.help("name a counter: Rate(metric: \"…\", of: \"…\"); or compare with a rate, like \"5/s\""));
        }
        is_known
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}, {})", if self.above { "Above" } else { "Below" }, self.of, self.bound)
    }
}

impl Expression {
    fn read(form: Form<'_>, measurable: Option<&Measurable>) -> Option<Self> {
        let variant = form.variant_of("what is compared", &EXPRESSIONS)?;
        let mut fields = variant.fields_of(form)?;
        let read = match variant.name {
            "Rate" => Self::Rate(RateOf::read_within(&mut fields, None, measurable).0),
            "Value" => Self::Value(ValueOf::read_within(&mut fields, None, measurable).0),
            "Most" => Self::Most(ValueOf::read_within(&mut fields, None, measurable).0),
            _ => Self::Quantile(QuantileOf::read_within(&mut fields, None, measurable).0),
        };
        fields.finish();
        read.metric().is_some().then_some(read)
    }

    /// What it is about; nothing if that could not be read.
    pub fn metric(&self) -> Option<&Selector> {
        match self {
            Self::Rate(rate) => rate.metric.as_ref(),
            Self::Value(value) | Self::Most(value) => value.metric.as_ref(),
            Self::Quantile(quantile) => quantile.metric.as_ref(),
        }
    }

    /// What it is compared with, which is of its unit.
    fn bound(&self, form: Form<'_>, measurable: Option<&Measurable>) -> Option<Bound> {
        if let Self::Rate(_) = self {
            let text = Text.read(form)?;
            if let Ok(share) = text.parse() {
                return Some(Bound::Share(share));
            }
            return form.from_text("a rate, like \"5/s\", or a share, like \"1%\"").map(Bound::Often);
        }
        let unit = |selector: &Selector| Some(measurable?.metrics.iter().find(|metric| metric.name == selector.metric)?.unit);
        match self.metric().and_then(unit) {
            Some("seconds") => Length.read(form).map(Bound::Long),
            Some("ratio") => Chance.read(form).map(Bound::Share),
            Some(_) => Count(0..).read(form).map(Bound::Many),
            // What it is of is not known, as the system is not.
            None if form.raw().starts_with('"') => Length.read(form).map(Bound::Long),
            None => Count(0..).read(form).map(Bound::Many),
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fields = |fields: Vec<(&'static str, String, String)>| -> Vec<(&'static str, String)> {
            fields.into_iter().filter(|(_, value, usual)| value != usual).map(|(name, value, _)| (name, value)).collect()
        };
        let (place, fields) = match self {
            Self::Rate(rate) => (0, fields(rate.texts(None))),
            Self::Value(value) => (1, fields(value.texts(None))),
            Self::Most(value) => (2, fields(value.texts(None))),
            Self::Quantile(quantile) => (3, fields(quantile.texts(None))),
        };
        f.write_str(&EXPRESSIONS[place].written(&fields))
    }
}

/// A list of alerts.
pub struct Alerts<'m>(pub Option<&'m Measurable>);
codec!(Alerts<'_>: Vec<Alert> = Self::read_all, all_written,
    "a list, like `[(name: \"error budget\", when: Above(Rate(\"errors\"), \"1%\"), for: \"1min\")]`", Some("`[]`");
    within Within::Fields(Alert::declared()).each());

fn all_written(alerts: &[Alert]) -> String {
    if alerts.is_empty() { String::new() } else { list(alerts) }
}

impl Alerts<'_> {
    fn read_all(&self, form: Form<'_>) -> Option<Vec<Alert>> {
        let mut names: Vec<String> = Vec::new();
        form.list(|form| {
            let mut fields = form.record("(name: \"error budget\", when: Above(Rate(\"errors\"), \"1%\"))")?;
            let (alert, given) = Alert::read_within(&mut fields, None, self.0);
            fields.finish();
            if let Some(name) = &alert.name {
                if names.contains(name) {
                    let form = given.form("name").unwrap_or(form);
                    form.report(form.problem(format!("two alerts are called \"{name}\"")).help("requirements could not tell them apart"));
                    return None;
                }
                names.push(name.clone());
            }
            Some(alert)
        })
    }
}

impl Alert {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

impl Display for Alert {
    /// As it is written.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.unusual(None))
    }
}
