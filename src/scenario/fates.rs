//! Messages whose fate is fixed.

use std::fmt;
use std::str::FromStr;

use super::conditions::{each_once, lines};
use super::names::Names;
use crate::base::{Fate, FixedFate, Loss, NodeId, Which};
use crate::fault::{Name, Named, Planned};
use crate::notation::{
    Codec as _, Count, Form, Maybe, Parsed, PositiveLength, Required, Settings as _, Variant, Within, codec, codecs, in_parentheses,
    settings,
};

/// Messages whose fate is fixed, each once.
pub(super) struct Fates<'n>(pub(super) Names<'n>);

const FATE: &str = "(from: n1, to: n2, kind: \"Vote\", count: 1, fate: Lost)";

codec!(Fates<'_>: Vec<FixedFate> = Self::fates, write_fates, format!("a list of messages: `[{FATE}]`"), Some("`[]`");
    within Within::Fields(FixedMessage::declared()).each());

impl Fates<'_> {
    fn fates(&self, form: Form<'_>) -> Option<Vec<FixedFate>> {
        let of = |fixed: &FixedFate| (fixed.from, fixed.to, fixed.kind, fixed.which);
        each_once(form, |form| fixed_fate(form, self.0), of, |_| "the fate of this message".to_owned())
    }
}

fn write_fates(fates: &[FixedFate]) -> String {
    lines(fates.iter().map(|fixed| in_parentheses(&FixedMessage::from(fixed).written())))
}

settings! {
    |names: Names<'c>|
    /// A message, named by its count or its content, and its fate.
    struct FixedMessage {
        /// The sender.
        from: Option<NodeId> = None, Required(Planned::new(&names, None));
        /// The receiver.
        to: Option<NodeId> = None, Required(Planned::new(&names, None));
        /// The kind of the message.
        kind: Option<&'static str> = None, Required(Name(Planned::new(&names, None), Named::Kind));
        /// Which of its kind it is on its link, counted from 1.
        count: Option<u32> = None, Maybe(Count(1..));
        /// What it says, in place of `count`: a digest, as traces show it.
        content: Option<Content> = None, Maybe(Parsed("the digest of a message's content, like \"0123456789abcdef\""));
        /// Which of those with this content it is on its link, counted from 1.
        nth: Option<u32> = None, Maybe(Count(1..));
        /// What becomes of it.
        fate: Option<Fate> = None, Required(Becomes);
    }
}

impl From<&FixedFate> for FixedMessage {
    fn from(&FixedFate { from, to, kind, which, fate }: &FixedFate) -> Self {
        let (count, content, nth) = match which {
            Which::Count(count) => (Some(count), None, None),
            Which::Content { content, nth } => (None, Some(Content(content)), Some(nth)),
        };
        Self { from: Some(from), to: Some(to), kind: Some(kind), count, content, nth, fate: Some(fate) }
    }
}

fn fixed_fate(form: Form<'_>, names: Names<'_>) -> Option<FixedFate> {
    let mut fields = form.record(FATE)?;
    let (FixedMessage { from, to, kind, count, content, nth, fate }, given) = FixedMessage::read_within(&mut fields, None, names);
    let by_content = given.form("content");
    let needed = if by_content.is_some() { "nth" } else { "count" };
    if given.form(needed).is_none() {
        fields.report_missing(needed, &crate::notation::Codec::<u32>::takes(&Count(1..)));
    }
    fields.finish();
    for other in ["count", "nth"].into_iter().filter(|name| *name != needed).filter_map(|name| given.form(name)) {
        let help = "a message is named by `count`, or by `content` and `nth`";
        other.report(other.problem(format!("this goes with {} `content`", if by_content.is_some() { "no" } else { "a" })).help(help));
    }
    let which = match content {
        Some(Content(content)) => Which::Content { content, nth: nth? },
        None => Which::Count(count?),
    };
    Some(FixedFate { from: from?, to: to?, kind: kind?, which, fate: fate? })
}

/// The digest of a message's content, as traces show it.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Content(pub(super) u64);

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

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

codecs! {
    /// What becomes of a message.
    Becomes: Fate = fate, write_fate, "`Lost`, `Deliver(\"5ms\")` or `Duplicate(\"5ms\", \"9ms\")`",
        within Within::OneOf("a fate", FATES.to_vec());
}

const FATES: [Variant; 3] = [
    Variant::new("Lost", "The message does not arrive.", "fate: Lost"),
    Variant::new("Deliver", "The message arrives after this length, which is above zero.", "fate: Deliver(\"5ms\")"),
    Variant::new(
        "Duplicate",
        "The message arrives twice, after these two lengths, which are above zero.",
        "fate: Duplicate(\"5ms\", \"9ms\")",
    ),
];

fn fate(form: Form<'_>) -> Option<Fate> {
    match form.variant_of("a fate", &FATES)?.name {
        "Lost" => form.arguments([]).map(|[]| Fate::Lost(Loss::Override)),
        "Deliver" => {
            let [delay] = form.arguments(["how long it takes"])?;
            PositiveLength.read(delay).map(Fate::Deliver)
        }
        _ => {
            let [first, second] = form.arguments(["how long the one takes", "how long the other takes"])?;
            let (first, second) = (PositiveLength.read(first), PositiveLength.read(second));
            Some(Fate::Duplicate(first?, second?))
        }
    }
}

/// What becomes of a message, as it is written.
pub(crate) fn write_fate(fate: &Fate) -> String {
    match fate {
        Fate::Lost(_) => "Lost".to_owned(),
        Fate::Deliver(delay) => format!("Deliver(\"{delay}\")"),
        Fate::Duplicate(first, second) => format!("Duplicate(\"{first}\", \"{second}\")"),
    }
}
