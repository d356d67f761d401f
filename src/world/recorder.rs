//! The recorder of what happens: the digest, the judges, the sinks, the history and the counters.

use super::keys::{Entity, Keys};
use super::outcome::{MarkCount, Messages, Operations, Stray};
use super::setup::{Cluster, Counted};
use crate::base::{Digest, Measure, NodeId, Time};
use crate::check::{PropertyReport, Sighting};
use crate::environment::ClockModel;
use crate::history::{self, History};
use crate::process::{Message, Process};
use crate::trace::{Event, Judge, Record, Sink, Sorts, Table, Traced};

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watching {
    Nobody,
    Judge,
    Sink,
}

pub(super) struct Recorder<'a, C: Cluster> {
    digest: Digest,
    records: u64,
    /// The sorts of records that judges want to see, or all if there is a sink: the others are shown to none.
    shown: Sorts,
    /// Whether a judge collects what processes measure.
    pub(super) collects: bool,
    judges: Vec<Box<dyn Judge<C>>>,
    sinks: Vec<&'a mut dyn Sink>,
    /// The clocks of nodes, if they are off: sinks are shown what they read.
    clocks: Option<(ClockModel, Keys)>,
    /// The record in whose wake all happens that is recorded now: that of a message that arrived, a timer that fired, a fault that struck.
    pub(super) cause: Option<u64>,
    /// The faults that make a difference to what is recorded next, for sinks.
    blamed: Vec<u32>,
    /// Whether the run is to stop when a judge says that something is violated.
    stops: bool,
    /// Whether one has said so, or it is time to draw afresh: the run halts when this event is over.
    pub(super) halts: bool,
    /// After how many records it is time to draw afresh, if that is still to come.
    turns_after: Option<u64>,
    /// Who watches just now: a panic is its own then, and no node's.
    pub(super) watching: Watching,
    pub(super) history: History<C::Operation, C::Response>,
    /// Where and why the clients' notes make no history, if they do not: a defect of the client process.
    pub(super) malformed: Option<(Sighting, String)>,
    pub(super) messages: Messages,
    /// The operations that are in no history.
    pub(super) counted: Operations,
    pub(super) marks: Vec<MarkCount>,
    /// How many of these, from the first on, are listed.
    marks_listed: usize,
    /// When the faults ended, and whether an operation that was invoked after that has completed.
    pub(super) settling_since: Option<Time>,
    pub(super) fresh_completion: bool,
}

impl<'a, C: Cluster> Recorder<'a, C> {
    pub(super) fn new(
        judges: Vec<Box<dyn Judge<C>>>,
        sinks: Vec<&'a mut dyn Sink>,
        own_marks: &'static [crate::process::Mark],
        clocks: (ClockModel, Keys),
        stops: bool,
    ) -> Self {
        let turns_after = clocks.1.turns_after();
        let declared = C::Server::MARKS.iter().chain(C::Client::MARKS).chain(own_marks);
        let marks: Vec<_> = declared.map(|mark| MarkCount { name: mark.name, count: 0 }).collect();
        let wanted = judges.iter().fold(Sorts::NONE, |wanted, judge| wanted | judge.wants());
        Self {
            digest: Digest::new(),
            records: 0,
            shown: if sinks.is_empty() && turns_after.is_none() { wanted } else { Sorts::ALL },
            collects: judges.iter().any(|judge| judge.collects()),
            judges,
            sinks,
            clocks: Some(clocks).filter(|(model, _)| *model != ClockModel::default()),
            cause: None,
            blamed: Vec::new(),
            stops,
            halts: false,
            turns_after,
            watching: Watching::Nobody,
            history: History::new(),
            malformed: None,
            messages: Messages::default(),
            counted: Operations::default(),
            marks_listed: marks.len(),
            marks,
            settling_since: None,
            fresh_completion: false,
        }
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// How many records there are.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Tells the judges that the run is over, and asks them for all that they found and measured.
    pub(super) fn close(&mut self, at: Time) -> (Vec<PropertyReport>, Vec<Table>) {
        self.judges.iter_mut().for_each(|judge| judge.finish(at));
        let reports = self.judges.iter().flat_map(|judge| judge.reports());
        (reports.collect(), self.judges.iter().flat_map(|judge| judge.tables()).collect())
    }

    /// Asks no judge for anything any more.
    pub(super) fn dismiss_judges(&mut self) {
        self.watching = Watching::Nobody;
        // One that has panicked may do so again when it is dropped.
        std::mem::take(&mut self.judges).into_iter().for_each(std::mem::forget);
    }

    /// Writes one record down, everywhere.
    ///
    /// Inlined for its callers' sake, each of whom knows which event it is: what is not watched need not even be made.
    #[inline(always)]
    pub(super) fn record(&mut self, at: Time, event: &Event<'_, C>) {
        self.digest.join(event.digest(at));
        if self.shown.has(event.sort()) {
            self.show(at, *event);
        }
        let now = Sighting { record: self.records, at };
        if event.begins() {
            self.cause = Some(self.records);
        }
        self.records += 1;
        match event {
            Event::Client { event, .. } => self.note(now, event),
            Event::ClientNote { note, .. } => self.count(at, C::counted(note)),
            Event::Mark { mark, .. } => self.mark(mark),
            _ => {}
        }
    }

    /// Takes the event by value, so that none need be put together where nothing watches.
    #[inline(never)]
    fn show(&mut self, at: Time, event: Event<'_, C>) {
        self.watching = Watching::Judge;
        let record = Record { number: self.records, at, event: &event };
        for judge in &mut self.judges {
            judge.observe(&record);
        }
        self.halts |= self.stops && self.judges.iter().any(|judge| judge.violated());
        self.halts |= self.turns_after.is_some_and(|after| self.records + 1 >= after);
        if !self.sinks.is_empty() {
            self.watching = Watching::Sink;
            let mut entry = event.entry(self.records, at, self.digest.finish(), C::Message::kinds());
            if let (Some((model, keys)), Some(node)) = (&self.clocks, entry.node) {
                entry.clock = Some(model.clock(keys.of(Entity::Clock(node)), node).read(at));
            }
            if let Event::Write { node, .. } = event {
                entry.reads = Some(if node.is_client() { C::Client::read_records } else { C::Server::read_records });
            }
            entry.traced = traced(&event);
            entry.cause = self.cause;
            entry.blamed = &self.blamed;
            for sink in &mut self.sinks {
                sink.record(&entry);
            }
            self.blamed.clear();
        }
        self.watching = Watching::Nobody;
    }

    /// Tells sinks that a node is about to take a step that no record begins.
    pub(super) fn unrecorded_step(&mut self, node: NodeId, at: Time) {
        self.sinks.iter_mut().for_each(|sink| sink.unrecorded_step(node, at));
    }

    /// Tells the judges that collect it what a process has measured.
    #[cold]
    pub(super) fn measured(&mut self, at: Time, node: NodeId, measures: &[Measure]) {
        self.watching = Watching::Judge;
        for judge in self.judges.iter_mut().filter(|judge| judge.collects()) {
            measures.iter().for_each(|measure| judge.measure(at, node, measure));
        }
        self.watching = Watching::Nobody;
    }

    /// Whether it is time to draw afresh, once; if not, a halt is the end.
    pub(super) fn turns(&mut self) -> bool {
        let turns = self.turns_after.is_some_and(|after| self.records >= after);
        if turns {
            self.turns_after = None;
            self.halts = self.stops && self.judges.iter().any(|judge| judge.violated());
        }
        turns
    }

    /// The faults that make a difference to what is recorded next.
    #[inline]
    pub(super) fn blame(&mut self, faults: &[u32]) {
        if !faults.is_empty() && !self.sinks.is_empty() {
            self.blamed.extend_from_slice(faults);
        }
    }

    fn note(&mut self, now: Sighting, event: &history::Event<C::Operation, C::Response>) {
        if let Err(problem) = self.history.record(now.at, event) {
            self.malformed.get_or_insert_with(|| (now, problem.to_string()));
        }
        if let (history::Event::Complete { client, outcome: history::Outcome::Done(_) }, Some(since)) = (event, self.settling_since) {
            let latest = self.history.operations().iter().rev().find(|operation| operation.client == *client);
            self.fresh_completion |= latest.is_some_and(|operation| operation.invoked >= since);
        }
    }

    #[inline]
    fn count(&mut self, at: Time, counted: Option<Counted>) {
        match counted {
            None => {}
            Some(Counted::Invoked) => self.counted.invoked += 1,
            Some(Counted::Ended { outcome, took }) => {
                let is_done = outcome == history::Outcome::Done(());
                self.counted.add(&outcome);
                self.fresh_completion |= is_done && self.settling_since.is_some_and(|since| at.since(since) >= took);
            }
        }
    }

    /// The marks that were set though they are not listed.
    pub(super) fn unlisted_marks(&self) -> impl Iterator<Item = Stray> {
        self.marks[self.marks_listed..].iter().map(|mark| Stray::Mark { name: mark.name })
    }

    /// A mark that was not declared is counted all the same, so that nothing is lost.
    fn mark(&mut self, name: &'static str) {
        match self.marks.iter_mut().find(|mark| mark.name == name) {
            Some(mark) => mark.count += 1,
            None => self.marks.push(MarkCount { name, count: 1 }),
        }
    }
}

/// What it says of the operation of a client, or of a request.
fn traced<C: Cluster>(event: &Event<'_, C>) -> Option<Traced> {
    match event {
        Event::Send { message, .. } | Event::Deliver { message, .. } => message.part().map(Traced::Part),
        Event::Client { event, .. } => Some(Traced::event(event)),
        Event::ClientNote { note, .. } => {
            let operation = C::counted_as(note)?;
            Some(match C::counted(note)? {
                Counted::Invoked => Traced::Invoked { session: None, operation },
                Counted::Ended { outcome, .. } => Traced::Ended { session: None, operation: Some(operation), outcome },
            })
        }
        _ => None,
    }
}
