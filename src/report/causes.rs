//! What each record came of and what came of it, in words.

use super::story::names;
use super::words::counted;
use crate::base::{Fate, NodeId};
use crate::explore::causes::{Causes, Link};
use crate::trace::{OwnedRecord, Recording};

/// What is said of the records of a run: where each comes from, and what it leads to.
pub struct CauseWords<'a> {
    /// The run.
    pub recording: &'a Recording,
    /// What came of what.
    pub causes: &'a Causes,
}

impl CauseWords<'_> {
    /// Both in lines.
    pub fn lines(&self, number: u64) -> Vec<String> {
        let both = [("←", self.cause(number)), ("→", self.effect(number))];
        both.into_iter().filter_map(|(arrow, text)| Some(format!("{arrow} {}", text?))).collect()
    }

    /// What the record came of: `sent by n2 3.1ms before, on timer Election`. Nothing if it came of nothing.
    pub fn cause(&self, number: u64) -> Option<String> {
        let record = self.recording.get(number)?;
        let causes = self.causes.causes(number);
        let by = |wanted: Link| causes.iter().find(|(_, link)| *link == wanted).and_then(|(cause, _)| self.recording.get(*cause));
        let before = |cause: &OwnedRecord| format!("{} before", record.at.since(cause.at));
        let count = |wanted: Link| causes.iter().filter(|(_, link)| *link == wanted).count();
        let mut said = Vec::new();
        if let Some(sent) = by(Link::Sent) {
            said.push(format!("sent by {} {}{}", names(&sent.node.into_iter().collect::<Vec<_>>()), before(sent), self.on(sent)));
        }
        if let Some(set) = by(Link::Set) {
            said.push(format!("set {}, on {}", before(set), step(set)));
        }
        if let Some(step_of) = by(Link::Step) {
            let waited =
                if by(Link::Released).is_some() { format!(" {}, and waited for the disk", before(step_of)) } else { String::new() };
            said.push(format!("on {}{waited}", step(step_of)));
        }
        if let Some(fault) = by(Link::Struck) {
            said.push(format!("by the fault {}", fault.line(120).detail));
        }
        if let (Some(write), "synced") = (by(Link::Written), record.sort) {
            said.push(format!("covers {}, the first made {}", counted(count(Link::Written), "write"), before(write)));
        }
        if by(Link::Unsynced).is_some() {
            said.push(format!("takes along {} that no sync has covered", counted(count(Link::Unsynced), "write")));
        }
        if let (Some(invoked), "client") = (by(Link::Invoked), record.sort) {
            said.push(format!("invoked {}", before(invoked)));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// What came of the record: `delivered to n3 2ms later`. Nothing if nothing did.
    pub fn effect(&self, number: u64) -> Option<String> {
        let record = self.recording.get(number)?;
        let effects = self.causes.effects(number);
        let of =
            |wanted: Link| effects.iter().filter(move |(_, link)| *link == wanted).filter_map(|(effect, _)| self.recording.get(*effect));
        let later = |effect: &OwnedRecord| format!("{} later", effect.at.since(record.at));
        let mut said: Vec<String> = Vec::new();
        said.extend(of(Link::Sent).map(|arrival| {
            let to = names(&arrival.node.into_iter().collect::<Vec<_>>());
            let what = if arrival.sort == "discard" { format!("finds {to} down") } else { format!("delivered to {to}") };
            format!("{what} {}", later(arrival))
        }));
        if said.is_empty() && matches!(record.fate, Some(Fate::Deliver(_) | Fate::Duplicate(..))) {
            said.push("has not arrived when the run ends".to_owned());
        }
        said.extend(self.done(&of(Link::Step).collect::<Vec<_>>()));
        said.extend(of(Link::Set).map(|timer| format!("timer {} fires {}", timer.line(60).detail, later(timer))));
        match record.sort {
            "write" => said.extend(of(Link::Written).map(|sync| format!("durable {}", later(sync)))),
            "client" => {
                said.extend(of(Link::Invoked).filter(|done| done.sort == "client").map(|done| format!("completes {}", later(done))))
            }
            _ => {}
        }
        said.extend(of(Link::Unsynced).map(|crash| format!("not durable when it crashes {}", later(crash))));
        said.extend(self.struck(&of(Link::Struck).collect::<Vec<_>>()));
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// In which step of its node it was.
    fn on(&self, record: &OwnedRecord) -> String {
        record.cause.and_then(|cause| self.recording.get(cause)).map(|cause| format!(", on {}", step(cause))).unwrap_or_default()
    }

    /// What a node did in a step.
    fn done(&self, effects: &[&OwnedRecord]) -> Option<String> {
        let mut kinds: Vec<(String, Vec<NodeId>)> = Vec::new();
        for effect in effects {
            let (what, to) = match (effect.message, effect.sort) {
                (Some((id, kind)), _) => (format!("sends {}", kind.name), Some(id.to)),
                (None, "write") => (format!("writes {}", effect.name.as_deref().unwrap_or_default()), None),
                (None, "note" | "client") => (format!("notes {}", effect.line(60).detail), None),
                _ => continue,
            };
            match kinds.iter_mut().find(|(known, _)| *known == what) {
                Some((_, receivers)) => receivers.extend(to.filter(|to| !receivers.contains(to))),
                None => kinds.push((what, to.into_iter().collect())),
            }
        }
        let words = kinds.into_iter().map(|(what, to)| if to.is_empty() { what } else { format!("{what} to {}", names(&to)) });
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// What a fault struck.
    fn struck(&self, effects: &[&OwnedRecord]) -> Option<String> {
        let messages = effects.iter().filter(|effect| effect.sort == "send").count();
        let nodes: Vec<NodeId> =
            effects.iter().filter(|effect| matches!(effect.sort, "crash" | "pause")).filter_map(|effect| effect.node).collect();
        let words = [
            (!nodes.is_empty()).then(|| format!("strikes {}", names(&nodes))),
            (messages > 0).then(|| format!("makes a difference to {}", counted(messages, "message"))),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// What a node's step began with.
fn step(begin: &OwnedRecord) -> String {
    match (begin.message, begin.sort) {
        (Some((id, kind)), _) => format!("{} #{} from {}", kind.name, id.count, id.from),
        (None, "timer") => format!("timer {}", begin.line(60).detail),
        (None, "synced") => "a completed sync".to_owned(),
        (None, "boot") => "its start".to_owned(),
        (None, "resume") => "its waking".to_owned(),
        (None, "crash") => "its crash".to_owned(),
        (None, sort) => sort.to_owned(),
    }
}
