//! The units of a run that a story may be made of, and what each is worth.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::What;
use super::anchors::{Anchors, Word};
use crate::base::{Fate, NodeId, sort_by_key};
use crate::explore::causes::{Causes, Link, invokes};
use crate::trace::{OwnedRecord, Recording};

/// What is worth less is told only where there would be hardly a story without.
pub(super) const WORTH_TELLING: u32 = 300;

/// Records that belong together.
pub(super) struct Unit {
    pub(super) what: What,
    pub(super) records: Vec<u64>,
    pub(super) node: Option<NodeId>,
    /// What it is worth to the story: nothing if it is not of its causal past.
    pub(super) worth: u32,
    pub(super) named: bool,
}

/// The units of the run's causal past, in order, each with its worth.
pub(super) fn of(recording: &Recording, causes: &Causes, anchors: &Anchors) -> Vec<Unit> {
    let mut building = Building {
        recording,
        causes,
        units: Vec::new(),
        unit_of: vec![None; recording.records().len()],
        strikes: Vec::new(),
        down: FxHashMap::default(),
    };
    recording.records().iter().for_each(|record| building.add(record));
    let mut units = building.units;
    let worth = Worth::new(recording, causes, anchors);
    units.iter_mut().for_each(|unit| unit.named = worth.names(unit));
    let on_path: FxHashSet<NodeId> = units.iter().filter(|unit| worth.depth_of(unit).is_some()).filter_map(|unit| unit.node).collect();
    let undone: FxHashSet<u64> = units.iter().filter(|unit| worth.is_past(unit)).flat_map(|unit| undone(&unit.what).to_vec()).collect();
    let mattered: FxHashSet<u64> = units.iter().filter(|unit| worth.matters(unit)).flat_map(|unit| unit.records.iter().copied()).collect();
    for unit in &mut units {
        unit.worth = worth.of(unit, &on_path, &undone, &mattered);
    }
    prefer_faults(&mut units);
    units.retain(|unit| unit.worth > 0);
    sort_by_key(&mut units, |unit| unit.records[0]);
    units
}

/// A story without its faults is none: the few that tell most come before all but what the explanation names.
fn prefer_faults(units: &mut [Unit]) {
    const PREFERRED: usize = 3;
    let mut faults: Vec<&mut Unit> = units.iter_mut().filter(|unit| matches!(unit.what, What::Struck { .. }) && unit.worth > 0).collect();
    sort_by_key(&mut faults, |unit| std::cmp::Reverse(unit.worth));
    faults.into_iter().take(PREFERRED).for_each(|unit| unit.worth = unit.worth.saturating_add(1_000));
}

fn undone(what: &What) -> &[u64] {
    if let What::Struck { undone, .. } = what { undone } else { &[] }
}

struct Building<'a> {
    recording: &'a Recording,
    causes: &'a Causes,
    units: Vec<Unit>,
    unit_of: Vec<Option<u32>>,
    /// The units of the faults that struck, in order.
    strikes: Vec<u32>,
    /// The unit in which a node that is down or paused came to be so.
    down: FxHashMap<NodeId, u32>,
}

impl Building<'_> {
    fn open(&mut self, record: &OwnedRecord, what: What) -> u32 {
        self.units.push(Unit { what, records: Vec::new(), node: record.node, worth: 0, named: false });
        self.units.len() as u32 - 1
    }

    fn put(&mut self, unit: u32, record: u64) {
        self.units[unit as usize].records.push(record);
        self.unit_of[record as usize] = Some(unit);
    }

    fn add(&mut self, record: &OwnedRecord) {
        let number = record.number;
        let of_cause = record.cause.and_then(|cause| self.unit_of[cause as usize]);
        let unit = match record.sort {
            "fault" => {
                let unit = self.open(
                    record,
                    What::Struck { fault: Some(number), crashes: vec![], undone: vec![], restarts: vec![], messages: vec![] },
                );
                self.strikes.push(unit);
                unit
            }
            "crash" | "pause" => self.struck(record, of_cause),
            "lift" => match self.strikes.get(record.number_of("strike").unwrap_or_default() as usize) {
                Some(unit) => *unit,
                None => return,
            },
            "settle" => self.open(record, What::Healed),
            "boot" | "resume" if record.node.is_some_and(|node| self.down.contains_key(&node)) => self.goes_on(record),
            "client" => self.operation(record),
            "deliver" | "timer" | "boot" | "synced" | "resume" => self.handled(record),
            "discard" => {
                let sent = self.causes.causes(number).into_iter().find(|(_, link)| *link == Link::Sent);
                let Some((sent, _)) = sent else { return };
                self.missed(record, sent);
                let unit = self.open(record, What::Lost { sent, discarded: Some(number) });
                self.put(unit, number);
                self.units[unit as usize].records.push(sent);
                return;
            }
            _ => of_cause.unwrap_or_else(|| self.handled(record)),
        };
        self.put(unit, number);
        if matches!(record.fate, Some(Fate::Lost(_))) {
            let unit = self.open(record, What::Lost { sent: number, discarded: None });
            self.units[unit as usize].records.push(number);
        }
        for strike in &record.blamed {
            if let Some(What::Struck { messages, .. }) = self.strikes.get(*strike as usize).map(|unit| &mut self.units[*unit as usize].what)
            {
                messages.push(number);
            }
        }
    }

    /// What took the receiver down made a difference to the message.
    fn missed(&mut self, discard: &OwnedRecord, sent: u64) {
        let down = discard.node.and_then(|node| self.down.get(&node)).copied();
        if let Some(What::Struck { messages, .. }) = down.map(|unit| &mut self.units[unit as usize].what) {
            messages.push(sent);
        }
    }

    fn handled(&mut self, record: &OwnedRecord) -> u32 {
        self.open(record, What::Handled { on: record.number, did: vec![], early: false, alike: vec![] })
    }

    /// A node goes down or stands still: with the fault that did it, or by itself.
    fn struck(&mut self, record: &OwnedRecord, of_fault: Option<u32>) -> u32 {
        let is_fault = |unit: &u32| matches!(self.units[*unit as usize].what, What::Struck { .. });
        let known = of_fault.filter(is_fault);
        let unit = known.unwrap_or_else(|| {
            self.open(record, What::Struck { fault: None, crashes: vec![], undone: vec![], restarts: vec![], messages: vec![] })
        });
        if let Some(node) = record.node {
            self.down.insert(node, unit);
        }
        let lost: Vec<u64> =
            self.causes.causes(record.number).into_iter().filter(|(_, link)| *link == Link::Unsynced).map(|(write, _)| write).collect();
        // The first of them, as far as that goes, are on disk all the same.
        let mut kept = record.number_of("kept").unwrap_or_default();
        let is_undone = |write: &u64| {
            let length = self.recording.get(*write).and_then(|write| write.bytes.as_ref()).map_or(0, |bytes| bytes.len() as u64);
            let whole = kept >= length;
            kept = kept.saturating_sub(length);
            !whole
        };
        let lost: Vec<u64> = lost.into_iter().filter(is_undone).collect();
        let unit_node = &mut self.units[unit as usize];
        unit_node.node = unit_node.node.or(record.node);
        if let What::Struck { crashes, undone, .. } = &mut unit_node.what {
            crashes.push(record.number);
            undone.extend(lost);
        }
        unit
    }

    fn goes_on(&mut self, record: &OwnedRecord) -> u32 {
        let unit = record.node.and_then(|node| self.down.remove(&node)).expect("it is down");
        if let What::Struck { restarts, .. } = &mut self.units[unit as usize].what {
            restarts.push(record.number);
        }
        unit
    }

    /// An invocation opens a unit of its own; the completion is of the same.
    fn operation(&mut self, record: &OwnedRecord) -> u32 {
        if invokes(record) {
            return self.open(record, What::Operation { invoked: record.number, completed: None, words: None });
        }
        let invoked = self.causes.causes(record.number).into_iter().find(|(_, link)| *link == Link::Invoked);
        let unit = invoked.and_then(|(invoked, _)| self.unit_of[invoked as usize]);
        let Some(unit) = unit else { return self.handled(record) };
        if let What::Operation { completed, .. } = &mut self.units[unit as usize].what {
            *completed = Some(record.number);
        }
        unit
    }
}

/// What units are worth.
struct Worth<'a> {
    recording: &'a Recording,
    anchors: &'a Anchors,
    /// Whether a record is in the causal past of the violation.
    past: Vec<bool>,
    /// Of records from which narrow links lead to the violation: over how many.
    depth: FxHashMap<u64, u32>,
    /// How often there is a note of each name.
    notes: FxHashMap<String, u32>,
}

impl<'a> Worth<'a> {
    fn new(recording: &'a Recording, causes: &Causes, anchors: &'a Anchors) -> Self {
        let mut past = vec![false; recording.records().len()];
        for number in causes.past(&[&anchors.records[..], &anchors.horizon].concat(), |_| true) {
            past[number as usize] = true;
        }
        let mut notes: FxHashMap<String, u32> = FxHashMap::default();
        for record in recording.records().iter().filter(|record| record.sort == "note") {
            *notes.entry(name(record).to_owned()).or_default() += 1;
        }
        let mut depth: FxHashMap<u64, u32> = anchors.records.iter().map(|number| (*number, 0)).collect();
        let mut queue: VecDeque<u64> = anchors.records.iter().copied().collect();
        while let Some(number) = queue.pop_front() {
            let deeper = depth[&number] + 1;
            for (cause, _) in causes.causes(number).into_iter().filter(|(_, link)| link.is_narrow()) {
                depth.entry(cause).or_insert_with(|| {
                    queue.push_back(cause);
                    deeper
                });
            }
        }
        Self { recording, anchors, past, depth, notes }
    }

    fn names(&self, unit: &Unit) -> bool {
        unit.records.iter().any(|number| self.anchors.records.binary_search(number).is_ok())
    }

    fn is_past(&self, unit: &Unit) -> bool {
        // What lies behind the first record of a unit may come later than the violation.
        let struck = match &unit.what {
            What::Struck { crashes, messages, .. } => [&crashes[..], messages].concat(),
            What::Lost { sent, .. } => vec![*sent],
            _ => vec![],
        };
        unit.records.first().into_iter().chain(&struck).any(|number| self.past[*number as usize])
    }

    /// Whether a step of a node leads to the violation, or is spoken of.
    fn matters(&self, unit: &Unit) -> bool {
        let is_spoken_of = || unit.records.iter().any(|number| self.spoken_of(*number) > 0);
        matches!(unit.what, What::Handled { .. }) && self.is_past(unit) && (self.depth_of(unit).is_some() || is_spoken_of())
    }

    fn depth_of(&self, unit: &Unit) -> Option<u32> {
        unit.records.iter().filter_map(|number| self.depth.get(number).copied()).min()
    }

    /// How rare a note is.
    fn rarity(&self, record: &OwnedRecord) -> u32 {
        match self.notes.get(name(record)).copied().unwrap_or(1) {
            0..=3 => 200,
            4..=8 => 120,
            9..=30 => 60,
            _ => 10,
        }
    }

    /// How much the explanation speaks of what the record does, too: that of a name is sure, that of a number may be by chance.
    fn spoken_of(&self, number: u64) -> u32 {
        let text = self.recording.get(number).and_then(OwnedRecord::debug).unwrap_or_default();
        let words = self.anchors.words.iter().filter(|word| word.is_in(text));
        words.map(|word| if let Word::Text(_) = word { 250 } else { 80 }).max().unwrap_or(0)
    }

    fn of(&self, unit: &Unit, on_path: &FxHashSet<NodeId>, undone: &FxHashSet<u64>, mattered: &FxHashSet<u64>) -> u32 {
        let is_first_start = matches!(unit.what, What::Handled { on, .. } if self.recording.get(on).is_some_and(|on| on.sort == "boot"));
        match unit.named {
            // What a node has at first is nothing.
            true if is_first_start => return WORTH_TELLING + 5,
            true => return u32::MAX,
            false if is_first_start => return 1,
            false => {}
        }
        if !self.is_past(unit) && !self.anchors.waits {
            return 0;
        }
        let end = self.anchors.records.last().copied().unwrap_or_default().max(1);
        let near = (100 * unit.records[0] / end).min(100) as u32;
        let spoken = unit.records.iter().map(|number| self.spoken_of(*number)).max().unwrap_or(0);
        let mentions = !self.anchors.words.is_empty();
        match &unit.what {
            What::Struck { crashes, messages, undone, .. } => {
                // Where what was lost had a part in it, so had the crash; one that loses nothing else is one of many.
                let lost = match undone.iter().any(|write| mattered.contains(write)) {
                    true => 350,
                    false if undone.is_empty() => 50,
                    false => 0,
                };
                let here = crashes.iter().filter_map(|crash| self.recording.get(*crash)?.node).any(|node| on_path.contains(&node));
                let bites = !crashes.is_empty() || !messages.is_empty();
                if bites { 150 + lost + if here { 100 } else { 0 } + near } else { 0 }
            }
            What::Lost { .. } => 150 + spoken + near + if self.anchors.waits { 150 } else { 0 },
            What::Operation { .. } => self.depth_of(unit).map_or(0, |depth| 400_u32.saturating_sub(depth * 4)),
            What::Healed => {
                if self.anchors.waits {
                    500
                } else {
                    0
                }
            }
            What::Violated => 0,
            What::Handled { .. } => {
                let notes = unit.records.iter().filter_map(|number| self.recording.get(*number)).filter(|record| record.sort == "note");
                // What a client does is told as its operation.
                if notes.clone().next().is_none() && unit.node.is_some_and(NodeId::is_client) {
                    return 1;
                }
                let rarity = notes.map(|note| self.rarity(note)).max().unwrap_or(0);
                let taken = if unit.records.iter().any(|number| undone.contains(number)) { 400 } else { 0 };
                // Where the violation is spoken of in words that notes have, too, what has none of them matters less.
                let spoken = if mentions { spoken } else { 100 };
                match self.depth_of(unit) {
                    Some(depth) if rarity > 0 => 420_u32.saturating_sub(depth * 10).max(60) + rarity + spoken + taken,
                    Some(depth) => 200_u32.saturating_sub(depth * 10).max(20) + spoken / 2 + taken,
                    None if rarity > 0 => 20 + rarity + spoken + taken,
                    None => 1 + spoken / 5 + taken,
                }
            }
        }
    }
}

/// What a note is called: its first word.
pub(super) fn name(record: &OwnedRecord) -> &str {
    let text = record.debug().unwrap_or_default();
    text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default()
}
