//! What all workloads have in common: how they read and write when clients ask, how long they wait, and which keys they choose.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use crate::base::{Duration, DurationRange, Rate};
use crate::notation::{
    Codec, Count, Form, Given, LengthRange, Maybe, Parsed, PositiveLength, PositiveLengthRange, Settings, Timed, Timing, Variant, Within,
    codecs, in_parentheses, settings,
};
use crate::workload::{ClientConfig, KeyChoice, Pace, Patience};

/// The most clients, and the most keys.
pub(super) const MOST: u32 = 100_000;

settings! {
    /// Who the clients are, when they ask, how long they wait, and how much they have under way.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Traffic {
        /// How many clients there are.
        clients: u32 = 3, Count(1..=MOST);
        /// Closed loop, instead of `rate`: how long each client thinks between two operations.
        think: Option<DurationRange> = None, Maybe(LengthRange);
        /// Open loop: what all clients together begin, however slow the answers are; per `ms`, `s` or `min`.
        rate: Option<Rate> = if think.is_none() { Rate::per_second(100) } else { None }, Maybe(Parsed("a rate, like \"100/s\""));
        /// How long one server is given to answer, before another is asked: not above `operation_timeout`.
        request_timeout: Duration = Patience::default().request_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long an operation may take with all its requests, before its client gives it up as unknown.
        operation_timeout: Duration = Patience::default().operation_timeout, Timed(PositiveLength, &[Timing::Answer]);
        /// How long a client pauses when servers send it in circles.
        pause: DurationRange = Patience::default().pause, PositiveLengthRange;
        /// How many operations a client may have under way; in an open loop, one more is left out.
        sessions: u32 = 64, Count(1..=4096);
    }
}

impl Traffic {
    /// Reports what does not fit together.
    pub(super) fn fits(&self, given: &Given<'_>) {
        if let (Some(_), Some(think)) = (given.form("rate"), given.form("think")) {
            think.report(think.problem("both a rate and a time to think").help(
                "an open loop has a rate: operations come however slow the answers are; a closed loop has a time to think after each answer",
            ));
        }
        let Self { request_timeout: request, operation_timeout: operation, .. } = *self;
        if request > operation
            && let Some(form) = given.complain(&["request_timeout", "operation_timeout"])
        {
            form.report(
                form.problem(format!("a request is given {request}, longer than the whole operation, {operation}"))
                    .help("make request_timeout shorter than operation_timeout"),
            );
        }
    }

    /// What each of the clients of this many servers is built from.
    pub(super) fn configs<C: Clone>(&self, servers: u32, generator: C) -> Vec<ClientConfig<C>> {
        let Self { clients, think, rate, request_timeout, operation_timeout, pause, sessions } = *self;
        let rate = rate.or_else(|| Rate::per_second(100)).expect("a hundred is a rate");
        let pace = think.map_or(Pace::Open(rate), |think| Pace::Closed { think });
        let patience = Patience { request_timeout, operation_timeout, pause };
        vec![ClientConfig { servers, clients, pace, patience, sessions_max: sessions, generator }; clients as usize]
    }
}

codecs! {
    /// How keys are chosen.
    pub(super) Choice: KeyChoice = choice, write_choice,
        "`Uniform`, or `Zipf(\"0.99\")`: by Zipf's law with this skew, at most 10; key 0 is the hottest",
        within Within::OneOf("a choice of keys", CHOICES.to_vec());
}

const CHOICES: [Variant; 2] = [
    Variant::new("Uniform", "Each key is as likely.", "workload: (choice: Uniform)"),
    Variant::new(
        "Zipf",
        "By Zipf's law with this skew, from 0 to 10, in thousandths: the k-th key has a chance in proportion to 1/k to the \
        power of the skew. Key 0 is the hottest; \"0.99\" is what YCSB uses.",
        "workload: (choice: Zipf(\"0.99\"))",
    ),
];

fn choice(form: Form<'_>) -> Option<KeyChoice> {
    match form.variant_of("a choice of keys", &CHOICES)?.name {
        "Zipf" => {
            let [skew] = form.arguments(["the skew, like \"0.99\""])?;
            skew.from_text("a skew, like \"0.99\"").map(KeyChoice::Zipf)
        }
        _ => Some(KeyChoice::Uniform),
    }
}

fn write_choice(choice: &KeyChoice) -> String {
    match choice {
        KeyChoice::Uniform => "Uniform".to_owned(),
        KeyChoice::Zipf(skew) => format!("Zipf(\"{skew}\")"),
    }
}

/// How many parts of a mix one thing may have.
pub(super) const PARTS: Count<RangeInclusive<u32>> = Count(0..=1_000_000);

/// So many parts of each thing to do, `(read: 3, append: 1)`, as these settings name them: an example. One that is not named is zero, not
/// all may be.
pub(super) struct Mixed<S>(&'static str, PhantomData<S>);

impl<S> Mixed<S> {
    /// These parts, with an example.
    pub(super) const fn like(example: &'static str) -> Self {
        Self(example, PhantomData)
    }
}

impl<S: Settings + Into<T>, T: Clone + Into<S>> Codec<T> for Mixed<S> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        let mut fields = form.fields()?;
        let (parts, _) = S::read(&mut fields);
        fields.finish();
        if parts.texts(None).iter().all(|(_, count, _)| count == "0") {
            form.report(form.problem("nothing to do: all parts of the mix are zero").help(format!("for example {}", self.0)));
            return None;
        }
        Some(parts.into())
    }

    fn write(&self, value: &T) -> String {
        in_parentheses(&value.clone().into().written())
    }

    fn takes(&self) -> String {
        format!("parts: `{}`", self.0)
    }

    fn within(&self) -> Within {
        Within::Fields(S::declared())
    }
}
