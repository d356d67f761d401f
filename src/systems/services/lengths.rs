//! How distributions of lengths of time are written: `LogNormal(median: "3ms", sigma: "0.5")`.

use std::fmt;
use std::str::FromStr;

use crate::base::{Duration, DurationRange, Ratio};
use crate::notation::{
    Chance, Codec, Count, Form, Length, LengthRange, Parsed, PositiveLength, Record, Required, Settings, Variant, Within, codec, codecs,
    settings,
};
use crate::policies::sampler::{Bucket, Distribution, Sampler};

codecs! {
    /// A distribution of lengths of time.
    pub(super) Lengths: Distribution = read, written, "a distribution, like `Exponential(\"1ms\")`",
        within Within::OneOf("a distribution", DISTRIBUTIONS.to_vec());
}

const DISTRIBUTIONS: [Variant; 7] = [
    Variant::new("Constant", "Always the same.", "work: Constant(\"1ms\")"),
    Variant::new("Uniform", "Each length of a range as likely.", "work: Uniform(\"1ms..5ms\")"),
    Variant::new("Exponential", "Exponential with this mean: short mostly, and now and then many times as long.", "work: Exponential(\"1ms\")"),
    Variant::new(
        "LogNormal",
        "The logarithm is normally distributed: with this median, and sigma as the deviation of the natural logarithm.",
        "work: LogNormal(median: \"3ms\", sigma: \"0.5\")",
    )
    .with(LogNormal::declared),
    Variant::new(
        "Pareto",
        "A heavy tail: the chance to be longer than x is (least/x) to the power of the shape. Up to a shape of 2 its variance is infinite, up \
         to 1 its mean.",
        "work: Pareto(least: \"1ms\", shape: \"2.5\")",
    )
    .with(Pareto::declared),
    Variant::new("Bimodal", "Mostly as usual, and with a chance slow.", "work: Bimodal(usual: Exponential(\"1ms\"), slow: Constant(\"100ms\"), chance: \"1%\")")
        .with(bimodal),
    Variant::new(
        "Empirical",
        "As a histogram was measured: each range as likely as its weight says, and within it each length alike.",
        "work: Empirical([(weight: 9, range: \"1ms..2ms\"), (weight: 1, range: \"10ms..50ms\")])",
    ),
];

settings! {
    /// `LogNormal`.
    struct LogNormal {
        /// Half of the lengths are shorter.
        median: Option<Duration> = None, Required(PositiveLength);
        /// The deviation of the natural logarithm, in thousandths.
        sigma: Option<Thousandths> = None, Required(Parsed("a number, like \"0.5\""));
    }
}

settings! {
    /// `Pareto`.
    struct Pareto {
        /// The shortest length.
        least: Option<Duration> = None, Required(PositiveLength);
        /// How fast longer ones get rare, in thousandths.
        shape: Option<Thousandths> = None, Required(Parsed("a number, like \"2.5\""));
    }
}

settings! {
    /// `Bimodal`, its chance. Its distributions stand beside it.
    struct Slow {
        /// The chance of a slow one.
        chance: Option<Ratio> = None, Required(Chance);
    }
}

/// A distribution within another: told by its name alone, or it would tell itself without end.
struct Plain;
codec!(Plain: Option<Distribution> = |_: &Self, form| read(form).map(Some), plain_written,
    "a distribution, like `Constant(\"1ms\")`", None);

settings! {
    /// `Bimodal`.
    struct Modes {
        /// The lengths that are usual.
        usual: Option<Distribution> = None, Plain;
        /// Those that are slow.
        slow: Option<Distribution> = None, Plain;
    }
}

fn plain_written(inner: &Option<Distribution>) -> String {
    inner.as_ref().map_or_else(String::new, written)
}

fn bimodal() -> Vec<crate::notation::Setting> {
    [Modes::declared(), Slow::declared()].concat()
}

settings! {
    /// A range of a histogram.
    struct Weighed {
        /// How many of all were in the range.
        weight: u32 = 1, Count(1..);
        /// The range.
        range: DurationRange = Duration::ZERO.into(), LengthRange;
    }
}

const WEIGHED: Record<Weighed> = Record::like("(weight: 9, range: \"1ms..2ms\")");

fn read(form: Form<'_>) -> Option<Distribution> {
    let kind = form.variant_of("a distribution", &DISTRIBUTIONS)?.name;
    let distribution = match kind {
        "Constant" => Distribution::Constant(one(form, &Length)?),
        "Uniform" => Distribution::Uniform(one(form, &LengthRange)?),
        "Exponential" => Distribution::Exponential { mean: one(form, &PositiveLength)? },
        "Empirical" => {
            let [list] = form.arguments(["a list of ranges"])?;
            let buckets = list.list(|form| WEIGHED.read(form))?;
            Distribution::Empirical(buckets.into_iter().map(|Weighed { weight, range }| Bucket { weight, range }).collect())
        }
        _ => {
            let mut fields = form.fields()?;
            let read = match kind {
                "LogNormal" => {
                    let LogNormal { median, sigma } = LogNormal::read(&mut fields).0;
                    median.zip(sigma).map(|(median, Thousandths(sigma_milli))| Distribution::LogNormal { median, sigma_milli })
                }
                "Pareto" => {
                    let Pareto { least, shape } = Pareto::read(&mut fields).0;
                    least.zip(shape).map(|(least, Thousandths(shape_milli))| Distribution::Pareto { least, shape_milli })
                }
                _ => {
                    let (Modes { usual, slow }, Slow { chance }) = (Modes::read(&mut fields).0, Slow::read(&mut fields).0);
                    usual.zip(slow).zip(chance).map(|((usual, slow), slow_chance)| Distribution::Bimodal {
                        usual: Box::new(usual),
                        slow: Box::new(slow),
                        slow_chance,
                    })
                }
            };
            fields.finish();
            read?
        }
    };
    // What the sampler cannot take it says itself.
    match Sampler::new(distribution.clone()) {
        Ok(_) => Some(distribution),
        Err(error) => {
            form.report(form.problem("this cannot be drawn from").label(error.to_string()));
            None
        }
    }
}

fn one<T>(form: Form<'_>, codec: &impl Codec<T>) -> Option<T> {
    let [argument] = form.arguments(["a length"])?;
    codec.read(argument)
}

fn written(distribution: &Distribution) -> String {
    match distribution {
        Distribution::Constant(length) => format!("Constant(\"{length}\")"),
        Distribution::Uniform(range) => format!("Uniform(\"{range}\")"),
        Distribution::Exponential { mean } => format!("Exponential(\"{mean}\")"),
        Distribution::LogNormal { median, sigma_milli } => {
            format!("LogNormal({})", LogNormal { median: Some(*median), sigma: Some(Thousandths(*sigma_milli)) }.written())
        }
        Distribution::Pareto { least, shape_milli } => {
            format!("Pareto({})", Pareto { least: Some(*least), shape: Some(Thousandths(*shape_milli)) }.written())
        }
        Distribution::Bimodal { usual, slow, slow_chance } => {
            let modes = Modes { usual: Some(*usual.clone()), slow: Some(*slow.clone()) };
            format!("Bimodal({}, {})", modes.written(), Slow { chance: Some(*slow_chance) }.written())
        }
        Distribution::Empirical(buckets) => {
            let bucket = |Bucket { weight, range }: &Bucket| WEIGHED.write_whole(&Weighed { weight: *weight, range: *range });
            format!("Empirical([{}])", buckets.iter().map(bucket).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A number in thousandths, as it is written: `0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thousandths(pub(super) u32);

impl FromStr for Thousandths {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "expected a number with at most three digits after the point";
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 3 {
            return Err(FORM);
        }
        let whole: u32 = whole.parse().map_err(|_| FORM)?;
        let part: u32 = format!("{part:0<3}").parse().map_err(|_| FORM)?;
        whole.checked_mul(1000).and_then(|whole| whole.checked_add(part)).map(Self).ok_or("it is too large")
    }
}

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
