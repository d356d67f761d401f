//! What all workloads have in common: how they read and write when clients ask, how long they wait, and which keys they choose.

use crate::base::{DurationRange, Fields, Form, Rate};
use crate::workload::{ClientConfig, KeyChoice, Pace, Patience};

/// The most clients, and the most keys.
pub(super) const MOST: u32 = 100_000;

/// When clients ask, how long they wait, and how much they have under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) pace: Pace,
    pub(super) patience: Patience,
    pub(super) sessions: u32,
}

impl Default for Traffic {
    /// A hundred operations a second.
    fn default() -> Self {
        Self { pace: Pace::Open(Rate::per_second(100).expect("a hundred is a rate")), patience: Patience::default(), sessions: 64 }
    }
}

impl Traffic {
    /// Reads `rate` or `think`, `request_timeout`, `operation_timeout`, `pause` and `sessions`.
    pub(super) fn decode(fields: &mut Fields<'_>) -> Self {
        let usual = Self::default();
        let pace = pace(fields.take("rate"), fields.take("think"), usual.pace);
        let request_timeout = fields.take("request_timeout");
        let operation_timeout = fields.take("operation_timeout");
        let pause = fields.read_or("pause", usual.patience.pause, positive_range);
        let sessions = fields.read_or("sessions", usual.sessions, |form| form.count(1..=4096));

        let patience = Patience {
            request_timeout: request_timeout.and_then(Form::duration_positive).unwrap_or(usual.patience.request_timeout),
            operation_timeout: operation_timeout.and_then(Form::duration_positive).unwrap_or(usual.patience.operation_timeout),
            pause,
        };
        if patience.request_timeout > patience.operation_timeout
            && let Some(form) = request_timeout.or(operation_timeout)
        {
            let (request, operation) = (patience.request_timeout, patience.operation_timeout);
            form.report(
                form.problem(format!("a request is given {request}, longer than the whole operation, {operation}"))
                    .help("make request_timeout shorter than operation_timeout"),
            );
        }
        Self { pace: pace.unwrap_or(usual.pace), patience, sessions }
    }

    /// The same fields, as [`decode`](Self::decode) reads them.
    pub(super) fn write(&self) -> String {
        let mut text = match self.pace {
            Pace::Open(rate) => format!("rate: \"{rate}\""),
            Pace::Closed { think } => format!("think: \"{think}\""),
        };
        if self.patience != Patience::default() {
            let Patience { request_timeout, operation_timeout, pause } = self.patience;
            text += &format!(", request_timeout: \"{request_timeout}\", operation_timeout: \"{operation_timeout}\", pause: \"{pause}\"");
        }
        text + &format!(", sessions: {}", self.sessions)
    }

    /// What each of this many clients of this many servers is built from.
    pub(super) fn configs<C: Clone>(&self, servers: u32, clients: u32, generator: C) -> Vec<ClientConfig<C>> {
        let Self { pace, patience, sessions } = *self;
        vec![ClientConfig { servers, clients, pace, patience, sessions_max: sessions, generator }; clients as usize]
    }
}

fn pace(rate: Option<Form<'_>>, think: Option<Form<'_>>, usual: Pace) -> Option<Pace> {
    match (rate, think) {
        (Some(rate), None) => rate.from_text("a rate, like \"100/s\"").map(Pace::Open),
        (None, Some(think)) => think.duration_range().map(|think| Pace::Closed { think }),
        (None, None) => Some(usual),
        (Some(_), Some(think)) => {
            think.report(think.problem("both a rate and a time to think").help(
                "an open loop has a rate: operations come however slow the answers are; a closed loop has a time to think after each answer",
            ));
            None
        }
    }
}

fn positive_range(form: Form<'_>) -> Option<DurationRange> {
    let range = form.duration_range()?;
    if range.high().is_zero() {
        form.report(form.mismatch("a length above zero"));
        return None;
    }
    Some(range)
}

/// How keys are chosen: `Uniform` or `Zipf("0.99")`.
pub(super) fn key_choice(form: Form<'_>) -> Option<KeyChoice> {
    match form.variant("a choice of keys", &["Uniform", "Zipf"])? {
        "Zipf" => {
            let [skew] = form.arguments(["the skew, like \"0.99\""])?;
            skew.from_text("a skew, like \"0.99\"").map(KeyChoice::Zipf)
        }
        _ => Some(KeyChoice::Uniform),
    }
}

/// A field for a choice of keys other than the usual one.
pub(super) fn write_choice(choice: KeyChoice) -> String {
    match choice {
        KeyChoice::Uniform => String::new(),
        KeyChoice::Zipf(skew) => format!(", choice: Zipf(\"{skew}\")"),
    }
}

/// A part of a mix.
pub(super) fn part(form: Form<'_>) -> Option<u32> {
    form.count(0..=1_000_000_u32)
}

/// A mix of two parts, `(read: 3, append: 1)`; a part that is not named is zero.
pub(super) fn two_parts(form: Form<'_>, first: &'static str, second: &'static str) -> Option<(u32, u32)> {
    let mut fields = form.fields()?;
    let parts = (fields.read_or(first, 0, part), fields.read_or(second, 0, part));
    fields.finish();
    if parts == (0, 0) {
        nothing_to_do(form, &format!("({first}: 5, {second}: 4)"));
        return None;
    }
    Some(parts)
}

pub(super) fn nothing_to_do(form: Form<'_>, example: &str) {
    form.report(form.problem("nothing to do: all parts of the mix are zero").help(format!("for example {example}")));
}
