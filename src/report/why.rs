//! Why a run fails, as people read it.

use super::explanation::explanation_line;
use super::paint::Paint;
use super::shrink::{changes, violation};
use super::sibling::SideBySide;
use super::words::{clean, counted, grouped};
use super::{Invocation, quote};
use crate::base::{Fate, MessageId, Time};
use crate::explore::why::{Awaited, Came, Curve, KeptElement, NamedCause, Point, Rise, Share, ShrunkFirst, Silence, Why};
use crate::scenario::write_fate;
use crate::trace::OwnedRecord;
use crate::world::Entity;

/// How much of a record is shown.
const DETAIL: usize = 90;

/// All that was found out, that first which brings the failure about. The two runs stand on lines of so many characters.
pub fn why_text(why: &Why, called: &Invocation, width: usize, color: bool) -> String {
    let paint = Paint(color);
    let mut text = format!("{}\n\n", paint.bad(&format!("✗ {}", clean(&violation(&why.violated)))));
    if let Some(ShrunkFirst { before, after, .. }) = &why.shrunk {
        text += &format!("  shrunk first: {}\n", changes(before, after));
    }
    let end = if why.finished { "" } else { "; not all was asked: it was stopped, or had no runs left" };
    text += &format!("  {}\n", paint.faint(&format!("{}, in which all that is not changed is as it was{end}", counted(why.runs, "run"))));
    let sections = [
        ("what brings it about", causes(why, paint)),
        ("what is kept, and what becomes of the run without it", elements(why, paint)),
        ("whether that suffices", sufficiency(why)),
        ("how likely it is, if all that is drawn after so many records is drawn afresh", curve(&why.curve, paint)),
        ("whose chance carries it: with theirs alone drawn afresh, it still fails in", carriers(why)),
        ("the nearest run that passes", sibling(why, width, paint)),
        ("what was waited for", why.awaited.iter().map(|link| format!("    {}\n", awaited(link))).collect()),
    ];
    for (title, section) in sections.iter().filter(|(_, section)| !section.is_empty()) {
        text += &format!("\n  {}\n{section}", paint.strong(title));
    }
    let (program, file) = (quote(&called.program), quote(&called.file));
    match &why.shrunk {
        None => text += &format!("\n  {}\n", paint.strong(&format!("{program} replay {file} --seed {}", why.seed))),
        Some(cut) => text += &format!("\n  {}\n\n{}", paint.faint("this is the shrunk scenario"), cut.text),
    }
    text
}

fn causes(why: &Why, paint: Paint) -> String {
    let told = why.causes().into_iter().zip(1..).map(|(cause, place)| match cause {
        NamedCause::Element(element) => {
            let at = element.at.map(|at| format!("at {at}: ")).unwrap_or_default();
            let without = match element.without {
                Came::Violates(property) => paint.doubtful(&format!("· without it, it violates {property} instead")),
                _ => paint.good("· without it, it holds"),
            };
            format!("    {place}. {at}{} {without}\n", clean(&element.text))
        }
        NamedCause::Event(rise) => {
            let at = rise.records.first().map_or(Time::ZERO, |record| record.at);
            let chances = format!("· from {} to {}", percent(rise.before.part()), percent(rise.after.part()));
            let first = rise.records.first().map(in_words).unwrap_or_default();
            let shows = match rise.shows.first() {
                Some(shows) => {
                    format!("       what was drawn there shows first at {}: {}\n{}", shows.at, in_words(shows), event(&rise.shows))
                }
                None => String::new(),
            };
            format!("    {place}. at {at}: {first} {}\n{}{shows}", paint.doubtful(&chances), event(&rise.records))
        }
    });
    let told: String = told.collect();
    match told.is_empty() {
        true => "    nothing alone: it holds without none of what is kept, and no event makes it likelier\n".to_owned(),
        false => told,
    }
}

/// What else happened in an event.
fn event(records: &[OwnedRecord]) -> String {
    const SHOWN: usize = 8;
    let rest = records.len().saturating_sub(1 + SHOWN);
    let lines = records.iter().skip(1).take(SHOWN).map(|record| format!("         {}{}\n", in_words(record), way(record)));
    let more = if rest > 0 { format!("         and {}\n", counted(rest as u64, "record")) } else { String::new() };
    lines.chain([more]).collect()
}

/// How long a message that is sent will take.
pub(super) fn way(record: &OwnedRecord) -> String {
    match record.fate {
        Some(Fate::Deliver(delay)) => format!(" (takes {delay})"),
        Some(Fate::Duplicate(first, second)) => format!(" (takes {first}, and {second})"),
        _ => String::new(),
    }
}

pub(super) fn in_words(record: &OwnedRecord) -> String {
    clean(&record.line(DETAIL).to_string())
}

fn elements(why: &Why, paint: Paint) -> String {
    let width = why.elements.iter().map(|element| clean(&element.text).chars().count()).max().unwrap_or(0);
    let told = |element: &KeptElement| {
        let without = match element.without {
            Came::Holds => paint.good("holds"),
            Came::Violates(property) => paint.doubtful(&format!("violates {property} instead")),
            Came::Fails => paint.doubtful("fails all the same"),
            Came::Unknown => paint.doubtful("is not known: a defect in Stormglass"),
        };
        format!("    {:width$}  {without}\n", clean(&element.text))
    };
    why.elements.iter().map(told).collect()
}

pub(super) fn sufficiency(why: &Why) -> String {
    let found = &why.sufficiency;
    if found.alone.of == 0 {
        return String::new();
    }
    let mut text = format!("    with that as it is, and all else drawn afresh, it fails in {}\n", share(found.alone));
    let pins = found.pins.iter().map(|entity| entity_in_words(*entity));
    let pins: Vec<String> = pins.chain(found.fates.iter().map(|fate| format!("{fate}: {}", clean(&write_fate(&fate.fate))))).collect();
    if !pins.is_empty() {
        text += &format!("    with {} as they were, too, in {}\n", pins.join(", "), share(found.pinned));
    }
    if !found.suffices {
        text += "    what would suffice was not found\n";
    }
    text
}

fn curve(curve: &Curve, paint: Paint) -> String {
    const BAR: usize = 20;
    let mut text = String::new();
    let points = &curve.points;
    let is_told = |place: usize| {
        let differs = |other: Option<&Point>| other.is_none_or(|other| other.share.failed != points[place].share.failed);
        differs(place.checked_sub(1).map(|before| &points[before])) || differs(points.get(place + 1))
    };
    for (place, point) in points.iter().enumerate().filter(|(place, _)| is_told(*place)) {
        let full = (point.share.part() * BAR as f64 + 0.5) as usize;
        let bar = format!("{}{}", "█".repeat(full), "·".repeat(BAR - full.min(BAR)));
        let rises = curve.rises.iter().any(|rise| rise.records.first().is_some_and(|record| record.number + 1 == point.after));
        let mark = if rises && place > 0 { "▶" } else { " " };
        let (after, at) = (grouped(point.after), point.at.to_string());
        text += &format!("  {mark} {after:>7}  {at:>13}  {}  {}\n", paint.doubtful(&bar), share(point.share));
    }
    let at = |after: Option<u64>| points.iter().find(|point| Some(point.after) == after).map(|point| (point.after, point.at));
    let told = [("likely", curve.likely), ("inevitable", curve.inevitable)];
    let told = told.into_iter().filter_map(|(word, after)| {
        let (after, at) = at(after)?;
        Some(if after == 0 { format!("{word} from the start") } else { format!("{word} after {}, at {at}", counted(after, "record")) })
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { text } else { format!("{text}    {}\n", told.join(" · ")) }
}

pub(super) fn carriers(why: &Why) -> String {
    let told = why.carriers.iter().filter(|carrier| carrier.share.failed < carrier.share.of);
    let told: Vec<(String, Share)> = told.map(|carrier| (entity_in_words(carrier.entity), carrier.share)).collect();
    let width = told.iter().map(|(words, _)| words.chars().count()).max().unwrap_or(0);
    let others = why.carriers.len() - told.len();
    let mut text: String = told.iter().map(|(words, found)| format!("    {words:width$}  {}\n", share(*found))).collect();
    if others > 0 {
        let all = if told.is_empty() { "each" } else { "all others" };
        text += &format!("    {all}, {others} that draw anything: all\n");
    }
    text
}

pub(super) fn message_in_words(message: &MessageId, kind: &str) -> String {
    format!("{kind} #{} from {} to {}", message.count, message.from, message.to)
}

fn sibling(why: &Why, width: usize, paint: Paint) -> String {
    match &why.sibling {
        Some(found) => SideBySide::of(found).text(width, paint),
        None if why.finished => "    no run that differs in one thing holds in all\n".to_owned(),
        None => String::new(),
    }
}

pub(super) fn awaited(link: &Awaited) -> String {
    let Awaited { waits, since, asked, from, silence } = link;
    let (Some((message, kind)), Some(from)) = (asked, from) else {
        return format!("{waits}, since {since}: it asked nobody for anything that it does not have");
    };
    let why = match silence {
        Silence::QuestionLost => "that was lost on its way".to_owned(),
        Silence::UnderWay => "that has not arrived".to_owned(),
        Silence::Down(at, true) => format!("{from} went down at {at}, and knew nothing of it when it came back"),
        Silence::Down(at, false) => format!("{from} went down at {at}, and did not come back"),
        Silence::Paused(at) => format!("{from} stands still since {at}"),
        Silence::AnswerLost(answer, kind) => format!("its answer, {}, was lost on its way", message_in_words(answer, kind)),
        Silence::WaitsItself => format!("{from} waits itself:"),
        Silence::SaidNothing => format!("{from} had it, and sent nothing"),
        Silence::NeverAsked => "nobody was asked".to_owned(),
    };
    format!("{waits}, since {since}, for the answer of {from} to {}: {why}", message_in_words(message, kind))
}

/// `25 of 100 runs (17% to 35%)`.
fn share(share: Share) -> String {
    let (low, high) = share.interval();
    format!("{} of {} ({} to {})", share.failed, share.of, percent(low), percent(high))
}

pub(super) fn percent(part: f64) -> String {
    format!("{}%", (part * 100.0 + 0.5) as u64)
}

/// Whose draws they are.
pub(super) fn entity_in_words(entity: Entity) -> String {
    match entity {
        Entity::Node(node) => format!("{node}'s own draws"),
        Entity::Link(from, to) => format!("the link {from} → {to}"),
        Entity::Disk(node) => format!("{node}'s disk"),
        Entity::Clock(node) => format!("{node}'s clock"),
        Entity::Faults => "what the plan of faults leaves open".to_owned(),
    }
}

mod json {
    //! The same for programs.

    use serde_json::{Value, json};

    use super::*;
    use crate::base::Duration;
    use crate::explore::why::{Alteration, ElementSort, Parted, Sibling};
    use crate::report::SCHEMA;

    /// All that was found out as one JSON object: see `docs/schemas/why.json`.
    pub fn why_json(why: &Why) -> Value {
        let Why { violated, sufficiency, .. } = why;
        json!({
            "schema": SCHEMA,
            "scenario": why.scenario.name,
            "seed": why.seed,
            "property": violated.name,
            "at_ns": violated.at.map(Time::as_nanos),
            "explanation": violated.explanation.as_ref().map(explanation_line),
            "fingerprint": format!("{:016x}", why.fingerprint),
            "digest": format!("{:016x}", why.outcome.digest),
            "shrunk": why.shrunk.as_ref().map(|cut| &cut.text),
            "runs": why.runs,
            "finished": why.finished,
            "causes": why.causes().iter().map(cause).collect::<Vec<_>>(),
            "elements": why.elements.iter().map(element).collect::<Vec<_>>(),
            "sufficiency": {
                "alone": share(sufficiency.alone),
                "pins": sufficiency.pins.iter().map(|pin| entity(*pin)).collect::<Vec<_>>(),
                "fates": sufficiency.fates.iter().map(|pin| format!("{pin}: {}", write_fate(&pin.fate))).collect::<Vec<_>>(),
                "pinned": share(sufficiency.pinned),
                "suffices": sufficiency.suffices,
            },
            "curve": {
                "points": why.curve.points.iter().map(point).collect::<Vec<_>>(),
                "rises": why.curve.rises.iter().map(rise).collect::<Vec<_>>(),
                "likely": why.curve.likely,
                "inevitable": why.curve.inevitable,
            },
            "carriers": why.carriers.iter().map(|carrier| {
                json!({ "entity": entity(carrier.entity), "share": share(carrier.share) })
            }).collect::<Vec<_>>(),
            "sibling": why.sibling.as_ref().map(sibling),
            "awaited": why.awaited.iter().map(awaited).collect::<Vec<_>>(),
        })
    }

    fn cause(cause: &NamedCause<'_>) -> Value {
        match cause {
            NamedCause::Element(found) => json!({ "of": "element", "element": element(found) }),
            NamedCause::Event(found) => json!({ "of": "event", "rise": rise(found) }),
        }
    }

    fn element(element: &KeptElement) -> Value {
        let (without, instead) = match element.without {
            Came::Holds => ("holds", None),
            Came::Fails => ("fails", None),
            Came::Violates(property) => ("violates", Some(property)),
            Came::Unknown => ("unknown", None),
        };
        json!({
            "sort": sort(element.sort),
            "text": element.text,
            "at_ns": element.at.map(Time::as_nanos),
            "without": without,
            "instead": instead,
        })
    }

    fn sort(sort: ElementSort) -> &'static str {
        match sort {
            ElementSort::Fate => "fate",
            ElementSort::Operation => "operation",
            ElementSort::Strike => "strike",
        }
    }

    fn share(share: Share) -> Value {
        let (low, high) = share.interval();
        json!({ "failed": share.failed, "of": share.of, "low": low, "high": high })
    }

    fn entity(entity: Entity) -> Value {
        match entity {
            Entity::Node(node) => json!({ "of": "node", "node": node.to_string() }),
            Entity::Link(from, to) => json!({ "of": "link", "from": from.to_string(), "to": to.to_string() }),
            Entity::Disk(node) => json!({ "of": "disk", "node": node.to_string() }),
            Entity::Clock(node) => json!({ "of": "clock", "node": node.to_string() }),
            Entity::Faults => json!({ "of": "faults" }),
        }
    }

    fn point(point: &Point) -> Value {
        json!({ "after": point.after, "at_ns": point.at.as_nanos(), "share": share(point.share) })
    }

    fn rise(rise: &Rise) -> Value {
        json!({
            "before": share(rise.before),
            "after": share(rise.after),
            "records": rise.records.iter().map(record).collect::<Vec<_>>(),
            "shows": rise.shows.iter().map(record).collect::<Vec<_>>(),
        })
    }

    fn record(record: &OwnedRecord) -> Value {
        json!({ "record": record.number, "at_ns": record.at.as_nanos(), "line": in_words(record) })
    }

    fn sibling(sibling: &Sibling) -> Value {
        let parted = |row: &Parted| json!({ "fails": row.fails.as_ref().map(record), "passes": row.passes.as_ref().map(record) });
        let change = match &sibling.change {
            Alteration::Fate { message, kind, was, becomes } => json!({
                "of": "fate",
                "message": id(message, kind),
                "was": fate(*was),
                "becomes": fate(*becomes),
            }),
            Alteration::Without(left, text) => json!({ "of": "without", "sort": sort(*left), "text": text }),
            Alteration::Afresh(whose) => json!({ "of": "afresh", "entity": entity(*whose) }),
        };
        json!({ "change": change, "common": sibling.common, "parted": sibling.parted.iter().map(parted).collect::<Vec<_>>() })
    }

    fn id(message: &MessageId, kind: &str) -> Value {
        json!({ "from": message.from.to_string(), "to": message.to.to_string(), "kind": kind, "count": message.count })
    }

    /// How long it takes to arrive, each time; of one that is lost, never.
    fn fate(fate: Fate) -> Vec<u64> {
        match fate {
            Fate::Lost(_) => Vec::new(),
            Fate::Deliver(delay) => vec![delay.as_nanos()],
            Fate::Duplicate(first, second) => [first, second].map(Duration::as_nanos).to_vec(),
        }
    }

    fn awaited(link: &Awaited) -> Value {
        let (silence, since, answer) = match &link.silence {
            Silence::QuestionLost => ("question lost", None, None),
            Silence::UnderWay => ("under way", None, None),
            Silence::Down(at, true) => ("down for a while", Some(at), None),
            Silence::Down(at, false) => ("down", Some(at), None),
            Silence::Paused(at) => ("paused", Some(at), None),
            Silence::AnswerLost(answer, kind) => ("answer lost", None, Some(id(answer, kind))),
            Silence::WaitsItself => ("waits itself", None, None),
            Silence::SaidNothing => ("said nothing", None, None),
            Silence::NeverAsked => ("never asked", None, None),
        };
        json!({
            "waits": link.waits.to_string(),
            "since_ns": link.since.as_nanos(),
            "asked": link.asked.as_ref().map(|(message, kind)| id(message, kind)),
            "from": link.from.map(|node| node.to_string()),
            "silence": silence,
            "silent_since_ns": since.map(|at| at.as_nanos()),
            "answer": answer,
        })
    }
}

pub use json::why_json;
