//! Which instance is asked, as it is written: `balance: Choices(d: 2)`.

use super::guards::{Guard, Switch};
use super::lengths::Thousandths;
use crate::base::Duration;
use crate::notation::{Count, Form, Maybe, Parsed, PositiveLength, Settings, Variant, Within, codecs, settings};
use crate::policies::SettingError;
use crate::policies::balancer::{Balancer, BalancerSettings, Policy as Balance, PrequalSettings, SlowStartSettings};

settings! {
    /// `Choices`.
    struct ChoicesFields {
        /// Among how many.
        d: u32 = 2, Count(1..=1000);
    }
}

settings! {
    /// `LeastLoaded`.
    struct LeastLoadedFields {
        /// For how long a look at how many calls are under way is used.
        refresh: Duration = Duration::from_millis(100), PositiveLength;
    }
}

settings! {
    /// `PeakEwma`.
    struct PeakEwmaFields {
        /// The time in which the weight of what is past falls to 1/e.
        decay: Duration = Duration::from_secs(10), PositiveLength;
    }
}

settings! {
    /// `RingHash`.
    struct RingHashFields {
        /// How many points an instance has on the ring.
        points: u32 = 100, Count(1..=65_536);
        /// An instance that bears so many percent of the mean is passed over. Without it, none is.
        load_percent: Option<u32> = None, Maybe(Count(100..));
    }
}

settings! {
    /// `Maglev`.
    struct MaglevFields {
        /// The size of the table: a prime, a hundred times as many as there are instances.
        table: u32 = 65_537, Count(2..);
    }
}

settings! {
    /// `Prequal`.
    struct PrequalFields {
        /// How many probes are sent a call.
        probes: Thousandths = Thousandths(PrequalSettings::default().probes_milli), Parsed("a number, like \"3\"");
        /// How many answers are kept.
        pool: u32 = PrequalSettings::default().pool, Count(2..=1000);
        /// An answer older than this is of no use.
        age: Duration = PrequalSettings::default().age, PositiveLength;
        /// How many answers are removed a call, the oldest and the worst in turn.
        removed: Thousandths = Thousandths(PrequalSettings::default().removed_milli), Parsed("a number, like \"1\"");
        /// An instance is hot that has more requests than this part of the answers of late, in percent.
        hot_percent: u32 = PrequalSettings::default().hot_percent, Count(0..=100);
    }
}

impl From<PrequalFields> for PrequalSettings {
    fn from(PrequalFields { probes, pool, age, removed, hot_percent }: PrequalFields) -> Self {
        Self { probes_milli: probes.0, pool, age, removed_milli: removed.0, hot_percent }
    }
}

impl From<PrequalSettings> for PrequalFields {
    fn from(PrequalSettings { probes_milli, pool, age, removed_milli, hot_percent }: PrequalSettings) -> Self {
        Self { probes: Thousandths(probes_milli), pool, age, removed: Thousandths(removed_milli), hot_percent }
    }
}

settings! {
    /// Slow start.
    #[derive(Clone, Debug)]
    pub(super) struct SlowStartFields {
        /// How long it takes until an instance that has come gets its whole share.
        window: Duration = SlowStartSettings::default().window, PositiveLength;
        /// How much it gets at first, in percent of that.
        least_percent: u32 = SlowStartSettings::default().least_percent, Count(1..=100);
        /// How steep the share grows at first, in percent: with 100 it grows evenly.
        aggression_percent: u32 = SlowStartSettings::default().aggression_percent, Count(1..);
    }
}

impl From<SlowStartFields> for SlowStartSettings {
    fn from(SlowStartFields { window, least_percent, aggression_percent }: SlowStartFields) -> Self {
        Self { window, least_percent, aggression_percent }
    }
}

impl From<SlowStartSettings> for SlowStartFields {
    fn from(SlowStartSettings { window, least_percent, aggression_percent }: SlowStartSettings) -> Self {
        Self { window, least_percent, aggression_percent }
    }
}

impl Guard for SlowStartFields {
    fn check(&self) -> Result<(), SettingError> {
        Balancer::new(&BalancerSettings { policy: Balance::Random, slow_start: Some(self.clone().into()) }).map(drop)
    }
}

/// Slow start, which is off where it is not given.
pub(super) const SLOW_START: Switch<SlowStartFields> = Switch::like("(window: \"30s\")");

const BALANCES: [Variant; 10] = [
    Variant::new("RoundRobin", "One after the other.", "balance: RoundRobin"),
    Variant::new("Weighted", "One after the other, as often as they are heavy (smooth weighted round robin).", "balance: Weighted"),
    Variant::new("Random", "At random.", "balance: Random"),
    Variant::new("LeastRequests", "The one with the fewest calls of this caller under way.", "balance: LeastRequests"),
    Variant::new("Choices", "Of several at random, the one with the fewest calls of this caller under way.", "balance: Choices(d: 2)")
        .with(ChoicesFields::declared),
    Variant::new(
        "LeastLoaded",
        "The one that had the fewest when that was looked at last: callers herd to it.",
        "balance: LeastLoaded(refresh: \"100ms\")",
    )
    .with(LeastLoadedFields::declared),
    Variant::new(
        "PeakEwma",
        "Of two at random, the one with the lesser product of calls under way and latency.",
        "balance: PeakEwma(decay: \"10s\")",
    )
    .with(PeakEwmaFields::declared),
    Variant::new(
        "RingHash",
        "By the call, on a ring of hashes, with bounded loads if so wanted.",
        "balance: RingHash(points: 100, load_percent: 125)",
    )
    .with(RingHashFields::declared),
    Variant::new("Maglev", "By the call, through a table.", "balance: Maglev(table: 65537)").with(MaglevFields::declared),
    Variant::new(
        "Prequal",
        "By requests under way and latency, as instances tell that are asked at random: of the cold the one with the least latency, and where \
         all are hot the one with the fewest requests.",
        "balance: Prequal(probes: \"3\", pool: 16)",
    )
    .with(PrequalFields::declared),
];

codecs! {
    /// Which instance is asked.
    pub(super) Balances: Balance = balance, balance_written, "a way to choose an instance, like `RoundRobin`",
        within Within::OneOf("a way to choose an instance", BALANCES.to_vec());
}

fn balance(form: Form<'_>) -> Option<Balance> {
    let variant = form.variant_of("a way to choose an instance", &BALANCES)?;
    if variant.fields().is_empty() || !form.has_fields() && form.raw() == variant.name {
        return plain(variant.name);
    }
    let mut fields = form.fields()?;
    let balance = match variant.name {
        "Choices" => Balance::Choices { d: ChoicesFields::read(&mut fields).0.d },
        "LeastLoaded" => Balance::LeastLoaded { refresh: LeastLoadedFields::read(&mut fields).0.refresh },
        "PeakEwma" => Balance::PeakEwma { decay: PeakEwmaFields::read(&mut fields).0.decay },
        "RingHash" => {
            let RingHashFields { points, load_percent } = RingHashFields::read(&mut fields).0;
            Balance::RingHash { points, load_percent }
        }
        "Maglev" => Balance::Maglev { table: MaglevFields::read(&mut fields).0.table },
        _ => Balance::Prequal(PrequalFields::read(&mut fields).0.into()),
    };
    fields.finish();
    Some(balance)
}

/// The one of this name, with all that it has as it usually is.
fn plain(name: &str) -> Option<Balance> {
    Some(match name {
        "RoundRobin" => Balance::RoundRobin,
        "Weighted" => Balance::Weighted,
        "Random" => Balance::Random,
        "LeastRequests" => Balance::LeastRequests,
        "Choices" => Balance::Choices { d: ChoicesFields::default().d },
        "LeastLoaded" => Balance::LeastLoaded { refresh: LeastLoadedFields::default().refresh },
        "PeakEwma" => Balance::PeakEwma { decay: PeakEwmaFields::default().decay },
        "RingHash" => Balance::RingHash { points: RingHashFields::default().points, load_percent: None },
        "Maglev" => Balance::Maglev { table: MaglevFields::default().table },
        _ => Balance::Prequal(PrequalSettings::default()),
    })
}

fn balance_written(balance: &Balance) -> String {
    match balance {
        Balance::RoundRobin => "RoundRobin".to_owned(),
        Balance::Weighted => "Weighted".to_owned(),
        Balance::Random => "Random".to_owned(),
        Balance::LeastRequests => "LeastRequests".to_owned(),
        Balance::Choices { d } => format!("Choices({})", ChoicesFields { d: *d }.written()),
        Balance::LeastLoaded { refresh } => format!("LeastLoaded({})", LeastLoadedFields { refresh: *refresh }.written()),
        Balance::PeakEwma { decay } => format!("PeakEwma({})", PeakEwmaFields { decay: *decay }.written()),
        Balance::RingHash { points, load_percent } => {
            format!("RingHash({})", RingHashFields { points: *points, load_percent: *load_percent }.written())
        }
        Balance::Maglev { table } => format!("Maglev({})", MaglevFields { table: *table }.written()),
        Balance::Prequal(prequal) => format!("Prequal({})", PrequalFields::from(*prequal).written()),
    }
}
