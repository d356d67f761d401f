//! A subtask of a stage: what comes through its channels, what it makes of it, and what it keeps in checkpoints.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;

use super::align::Alignment;
use super::channel::{Incoming, Outgoing, Position};
use super::event::{Element, Event, NO_WATERMARK, id_of};
use super::graph::{Does, Shuffle, Stage};
use super::note::{Cut, SubtaskNote};
use super::operator::{Moment, State};
use super::plan::{Barriers, COORDINATOR, Plan, Recovery, Restart};
use super::reader::Reader;
use super::saved::{Saved, Slots};
use super::store::{Line, STORE};
use super::watermark::{Advance, Watermarks};
use super::writer::Writer;
use super::{Message, Rules, mark};
use crate::base::{Duration, LocalTime, NodeId};
use crate::process::{Context, Files, Mark, Process, SyncToken};

/// A subtask.
///
/// It does nothing until the coordinator has it restored. From then on it takes what comes through its channels, one element at a time, as
/// long as those that it feeds have room; a barrier that has come through all inputs has it taken a checkpoint of itself.
#[derive(Debug)]
pub struct Subtask {
    config: SubtaskConfig,
    stage: Stage,
    /// How often it has started, and in which attempt to run the pipeline it is; 0 if in none.
    life: u64,
    attempt: u64,
    state: State,
    watermarks: Watermarks,
    /// The watermark that was told.
    told: i64,
    alignment: Alignment,
    incoming: Vec<Incoming>,
    /// The input to look at first.
    turn: usize,
    outputs: Vec<Output>,
    /// Results that wait for room.
    results: VecDeque<Event>,
    reader: Option<Reader>,
    writer: Option<Writer>,
    /// Whether it is at work on an event.
    is_busy: bool,
    /// Whether it reads no events as they are on their way to disk: so many will have been told.
    ahead: Option<(SyncToken, u64)>,
    /// How many events a source has told at most, over all its lives, where it skips.
    skipped: u64,
    slots: Slots,
    /// The last checkpoint that it knows to be complete.
    completed: u64,
    /// The last one that it has acknowledged, and whether nothing was left to do.
    acknowledged: (u64, bool),
    /// Checkpoints on their way to disk.
    unsynced: VecDeque<(SyncToken, bool, Cut)>,
}

/// What feeds another stage.
#[derive(Debug)]
struct Output {
    shuffle: Shuffle,
    edge: u16,
    channels: Vec<Outgoing>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct SubtaskConfig {
    /// What runs where.
    pub plan: Arc<Plan>,
    /// The place of its stage.
    pub stage: usize,
    /// Its number there.
    pub number: u32,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// A timer of a subtask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum SubtaskTimer {
    /// A source looks for what has come.
    Read,
    /// Nothing has come for so long.
    Idle,
    /// It is done with an event.
    Worked,
    /// Windows that go by the clock are looked at.
    Clock,
    /// What was not answered is said again.
    Again,
}

type Ctx<'a> = Context<'a, Subtask>;

/// What random words are for.
const WORK: u64 = 1;
/// A byte for each start.
const LIVES: &str = "lives";
/// The word that a source's partition is made of, and when it began.
const INPUT: &str = "input";
/// How many events a source will have told.
const AHEAD: &str = "ahead";
/// How often windows that go by the clock are looked at.
const CLOCK: Duration = Duration::from_millis(10);

impl Subtask {
    fn plan(&self) -> &Plan {
        &self.config.plan
    }

    fn buffer(&self) -> u64 {
        u64::from(self.plan().flow.buffer)
    }

    fn limit(&self) -> Option<u64> {
        self.plan().flow.credits.then(|| self.buffer())
    }

    /// Which attempt it is in.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }

    /// What it must bring to an end, in words.
    pub fn unsettled(&self) -> Option<String> {
        if self.attempt == 0 {
            return Some("not restored".to_owned());
        }
        let held = self.incoming.iter().filter(|channel| !channel.is_empty()).count();
        let sending = self.outputs.iter().flat_map(|output| &output.channels).filter(|channel| channel.is_under_way()).count();
        let (left, open) = (self.reader.as_ref().map_or(0, Reader::left), self.state.open());
        let undecided = self.writer.as_ref().map_or(0, Writer::undecided);
        let parts = [
            (left, "events to read"),
            (open as u64, "results to come"),
            (held as u64, "inputs not taken"),
            (sending as u64, "channels not acknowledged"),
            (undecided as u64, "transactions not decided"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        (!parts.is_empty()).then(|| format!("{}: {}", self.stage.name, parts.join(", ")))
    }

    fn moment(&self, clock: LocalTime) -> Moment<'_> {
        Moment { watermark: self.watermarks.current(), clock: clock.as_nanos(), rules: self.config.rules.as_ref() }
    }

    /// Whether windows are closed by the clock, so that it must be looked at.
    fn goes_by_clock(&self) -> bool {
        let by_rule = self.config.rules.closes_windows_by(NO_WATERMARK, 0) != NO_WATERMARK;
        match &self.stage.does {
            Does::Window(windowing) => by_rule || windowing.time == super::Timeline::Processing,
            Does::Join(_) => by_rule,
            _ => false,
        }
    }
}

/// Going back.
impl Subtask {
    fn on_restore(&mut self, (attempt, life, checkpoint): (u64, u64, u64), region: &[usize], context: &mut Ctx<'_>) {
        if life != self.life || attempt < self.attempt {
            return;
        }
        let rules = Arc::clone(&self.config.rules);
        if attempt > self.attempt {
            self.attempt = attempt;
            if rules.forgets_acknowledgements() {
                self.acknowledged = (0, false);
            }
            if region.contains(&self.config.stage) {
                self.go_back(attempt, checkpoint, region.len() == self.plan().graph.stages().len(), context);
            } else {
                self.notice(checkpoint, context);
                let (plan, limit) = (Arc::clone(&self.config.plan), self.limit());
                let channels = self.outputs.iter_mut().flat_map(|output| &mut output.channels);
                let concerned = channels.filter(|channel| plan.stage_on(channel.to).is_some_and(|stage| region.contains(&stage)));
                concerned.for_each(|channel| channel.rewind(attempt, limit, checkpoint));
            }
            self.go_on(context);
        }
        context.send_when_durable(COORDINATOR, Message::Restored { attempt });
    }

    /// What it goes back to. One who has nothing of the checkpoint begins with nothing.
    fn saved(&self, checkpoint: u64) -> Saved {
        let (incoming, outgoing) = (self.incoming.len(), self.outputs.iter().map(|output| output.channels.len()).sum());
        let nothing = || Saved::nothing(State::of(&self.stage.does), incoming, outgoing);
        if self.plan().flow.recovery == Recovery::Skip {
            return Saved { offset: self.skipped, ..nothing() };
        }
        self.slots.of(checkpoint).cloned().unwrap_or_else(nothing)
    }

    fn go_back(&mut self, attempt: u64, checkpoint: u64, is_whole: bool, context: &mut Ctx<'_>) {
        let saved = self.saved(checkpoint);
        let (rules, buffer, limit) = (Arc::clone(&self.config.rules), self.buffer(), self.limit());
        self.state = if rules.restores_state(is_whole) { saved.state } else { State::of(&self.stage.does) };
        (self.watermarks, self.told) = (saved.watermarks, saved.told);
        // Where barriers are overtaken, so are they by watermarks: events that are read again would be late by those.
        let has_watermarks = rules.restores_watermarks() && self.plan().flow.barriers == Barriers::Aligned;
        if !has_watermarks {
            (self.watermarks, self.told) = (Watermarks::new(self.incoming.len()), NO_WATERMARK);
        }
        self.alignment = Alignment::new(self.incoming.len(), checkpoint);
        for (channel, position) in self.incoming.iter_mut().zip(saved.received) {
            channel.restore(attempt, buffer, position);
        }
        let channels = self.outputs.iter_mut().flat_map(|output| &mut output.channels);
        for (channel, position) in channels.zip(saved.sent) {
            channel.restore(attempt, limit, checkpoint, position);
        }
        (self.is_busy, self.ahead, self.completed) = (false, None, checkpoint);
        self.results.clear();
        self.unsynced.clear();
        context.cancel_timer(SubtaskTimer::Worked);
        if let Some(reader) = &mut self.reader {
            reader.offset = saved.offset;
            reader.newest = if rules.restores_watermarks() { saved.newest } else { NO_WATERMARK };
            context.set_timer(SubtaskTimer::Read, Duration::ZERO);
            // That it is idle may have been told since.
            if let Some(idle) = reader.idle() {
                context.set_timer(SubtaskTimer::Idle, idle);
            }
        }
        if let Some(writer) = &mut self.writer {
            let lines = writer.restore(&saved.staged, rules.as_ref());
            lines.iter().for_each(|line| {
                context.sometimes(if matches!(line, Line::Commit(_)) { mark::COMMITTED_LATE } else { mark::ABORTED });
                context.append_record(STORE, line);
            });
        }
        if self.goes_by_clock() {
            context.set_timer(SubtaskTimer::Clock, CLOCK);
        }
    }

    /// A checkpoint is complete.
    fn notice(&mut self, completed: u64, context: &mut Ctx<'_>) {
        if completed <= self.completed {
            return;
        }
        self.completed = completed;
        self.outputs.iter_mut().flat_map(|output| &mut output.channels).for_each(|channel| channel.trim(completed));
        if let Some(writer) = &mut self.writer {
            writer.commit(completed).iter().for_each(|line| context.append_record(STORE, line));
        }
    }
}

/// Going on.
impl Subtask {
    /// Takes what there is to be taken, and sends what comes of it.
    fn go_on(&mut self, context: &mut Ctx<'_>) {
        while self.step(context) {}
        self.flush(context);
        let rules = Arc::clone(&self.config.rules);
        for channel in self.outputs.iter_mut().flat_map(|output| &mut output.channels) {
            while let Some(message) = channel.message(rules.as_ref()) {
                (0..rules.copies()).for_each(|_| context.send(channel.to, message.clone()));
            }
        }
        let buffer = self.buffer();
        for channel in &mut self.incoming {
            if let Some(answer) = channel.answer(buffer) {
                context.send(channel.from, answer);
            }
        }
    }

    /// Whether those that it feeds have room for one more.
    fn has_room(&self) -> bool {
        let (bound, credits) = (self.plan().flow.buffer as usize, self.plan().flow.credits);
        !credits || self.outputs.iter().flat_map(|output| &output.channels).all(|channel| channel.queued() < bound)
    }

    /// Does one thing; says whether there was one.
    fn step(&mut self, context: &mut Ctx<'_>) -> bool {
        if self.is_busy || self.attempt == 0 {
            return false;
        }
        if !self.has_room() {
            context.sometimes(mark::HELD_UP);
            return false;
        }
        if let Some(result) = self.results.pop_front() {
            self.tell(result);
            return true;
        }
        let moment = Moment { rules: self.config.rules.as_ref(), ..self.moment(context.now()) };
        if let Some(result) = self.state.due((self.config.stage, &self.stage.does), &moment) {
            self.tell(result);
            return true;
        }
        if self.watermarks.current() > self.told {
            self.told = self.watermarks.current();
            self.tell_all(Element::Watermark(self.told));
            return true;
        }
        let Some(input) = self.next_input() else { return false };
        let Some(element) = self.incoming[input].take() else { return false };
        self.take(input, element, context);
        true
    }

    /// The next input of which something may be taken.
    fn next_input(&mut self) -> Option<usize> {
        let count = self.incoming.len();
        let is_aligned = self.plan().flow.barriers == Barriers::Aligned;
        let waits = self.config.rules.waits_for_barriers(is_aligned);
        let must_wait = |input: usize| self.incoming[input].is_empty() || waits && self.alignment.is_ahead(input);
        let input = (0..count).map(|nth| (self.turn + nth) % count).find(|input| !must_wait(*input))?;
        self.turn = (input + 1) % count;
        Some(input)
    }

    fn take(&mut self, input: usize, element: Element, context: &mut Ctx<'_>) {
        let rules = Arc::clone(&self.config.rules);
        match element {
            Element::Event(event) => {
                self.watermarks.is_active(input);
                self.compute(input, event, context);
            }
            Element::Watermark(watermark) => drop(self.watermarks.reaches(input, watermark, rules.as_ref())),
            Element::Idle => {
                if self.watermarks.idles(input, rules.as_ref()) == Some(Advance::Idle) {
                    self.tell_all(Element::Idle);
                }
            }
            Element::Barrier { checkpoint, completed } => {
                self.notice(completed, context);
                let is_taken = self.alignment.comes(input, checkpoint);
                if is_taken {
                    self.save(checkpoint, context);
                } else if self.alignment.is_ahead(input) {
                    context.sometimes(mark::ALIGNED);
                }
            }
        }
    }

    fn compute(&mut self, input: usize, event: Event, context: &mut Ctx<'_>) {
        if !self.stage.work.high().is_zero() {
            let work = context.random().fork(WORK, event.id).within(self.stage.work);
            self.is_busy = true;
            context.set_timer(SubtaskTimer::Worked, work);
        }
        if let Some(writer) = &mut self.writer {
            return writer.add(event);
        }
        let (results, was_late) = (&mut self.results, event.late);
        let moment = Moment { watermark: self.watermarks.current(), clock: context.now().as_nanos(), rules: self.config.rules.as_ref() };
        let mut is_late = false;
        self.state.take((self.config.stage, &self.stage.does), self.incoming[input].port, event, &moment, &mut |result: Event| {
            is_late |= result.late;
            results.push_back(result);
        });
        if is_late && !was_late {
            context.sometimes(mark::TOO_LATE);
        }
    }

    /// Tells an event to those whom it concerns. What stands for a late one goes one way only, so that it is counted once.
    fn tell(&mut self, event: Event) {
        let ways = if event.late { 1 } else { self.outputs.len() };
        for output in self.outputs.iter_mut().take(ways) {
            let count = output.channels.len() as u64;
            let place = match output.shuffle {
                Shuffle::Forward => 0,
                Shuffle::Keyed => id_of(&[event.key.cast_unsigned()]) % count,
                Shuffle::Spread => event.id % count,
            };
            output.channels[place as usize].push(Element::Event(event));
        }
    }

    fn tell_all(&mut self, element: Element) {
        self.outputs.iter_mut().flat_map(|output| &mut output.channels).for_each(|channel| channel.push(element));
    }

    fn flush(&mut self, context: &mut Ctx<'_>) {
        if let Some(line) = self.writer.as_mut().and_then(Writer::flush) {
            context.append_record(STORE, &line);
        }
    }
}

/// Reading.
impl Subtask {
    fn read(&mut self, context: &mut Ctx<'_>) {
        if self.attempt == 0 {
            return;
        }
        let now = context.now();
        let Some(reader) = &mut self.reader else { return };
        let come = reader.come(now);
        if self.plan().flow.recovery == Recovery::Skip {
            self.read_ahead(come, context);
        } else {
            self.read_up_to(come, context);
        }
    }

    /// Writes down how many events it will have told before it tells any: none is told twice.
    fn read_ahead(&mut self, come: u64, context: &mut Ctx<'_>) {
        let Some(reader) = &self.reader else { return };
        if self.ahead.is_some() {
            return;
        }
        let upto = come.min(reader.offset + self.buffer());
        if upto == reader.offset {
            return self.read_up_to(upto, context);
        }
        context.append_record(AHEAD, &(upto,));
        let token = context.sync();
        self.ahead = Some((token, upto));
    }

    fn read_up_to(&mut self, upto: u64, context: &mut Ctx<'_>) {
        let before = self.reader.as_ref().map_or(0, |reader| reader.offset);
        while self.has_room()
            && let Some(reader) = self.reader.as_mut().filter(|reader| reader.offset < upto)
        {
            let event = reader.read();
            self.tell(event);
        }
        let Some(reader) = &self.reader else { return };
        let (watermark, linger) = (reader.watermark(), self.plan().flow.linger);
        if watermark > self.told {
            self.told = watermark;
            self.tell_all(Element::Watermark(watermark));
        }
        let Some(reader) = &self.reader else { return };
        match reader.next_in(context.now()) {
            Some(_) if reader.offset < upto => context.sometimes(mark::HELD_UP),
            Some(comes) => context.set_timer(SubtaskTimer::Read, comes.max(linger)),
            None => {}
        }
        if let Some(idle) = reader.idle()
            && reader.offset > before
        {
            context.set_timer(SubtaskTimer::Idle, idle);
        }
        self.go_on(context);
    }

    fn on_idle(&mut self, context: &mut Ctx<'_>) {
        if self.attempt > 0 && self.reader.as_ref().is_some_and(|reader| reader.idle().is_some()) {
            context.sometimes(mark::IDLE);
            self.tell_all(Element::Idle);
            self.go_on(context);
        }
    }
}

/// Checkpoints.
impl Subtask {
    fn on_trigger(&mut self, attempt: u64, checkpoint: u64, completed: u64, context: &mut Ctx<'_>) {
        if attempt != self.attempt {
            return;
        }
        let (acknowledged, is_drained) = self.acknowledged;
        if acknowledged == checkpoint {
            return context.send_when_durable(COORDINATOR, Message::Acknowledge { attempt, checkpoint, is_drained });
        }
        if self.reader.is_some() && checkpoint > self.alignment.done() {
            self.notice(completed, context);
            self.alignment.comes(0, checkpoint);
            self.save(checkpoint, context);
            self.go_on(context);
        }
    }

    /// Takes a checkpoint of itself, and passes the barrier on.
    fn save(&mut self, checkpoint: u64, context: &mut Ctx<'_>) {
        let rules = Arc::clone(&self.config.rules);
        self.flush(context);
        let prepared = self.writer.as_mut().and_then(|writer| writer.prepare(checkpoint, rules.as_ref()));
        if let Some(line) = prepared {
            context.append_record(STORE, &line);
        }
        let sent = |channel: &Outgoing| channel.position;
        let positions: Vec<Position> = self.outputs.iter().flat_map(|output| output.channels.iter().map(sent)).collect();
        let (offset, newest) = self.reader.as_ref().map_or((0, NO_WATERMARK), |reader| (reader.offset, reader.newest));
        let come = self.reader.as_ref().map_or(0, |reader| reader.come(context.now()));
        let saved = Saved {
            checkpoint,
            state: self.state.clone(),
            watermarks: self.watermarks.clone(),
            told: self.told,
            offset: rules.offset_kept(offset, come),
            newest,
            sent: positions,
            received: self.incoming.iter().map(|channel| channel.position).collect(),
            staged: self.writer.as_ref().map(|writer| writer.staged.clone()).unwrap_or_default(),
        };
        let cut = self.cut(checkpoint);
        let is_drained = self.reader.as_ref().is_none_or(Reader::is_done) && self.state.open() == 0;
        let file = self.slots.hold(saved.clone(), self.completed);
        context.truncate(file.clone(), 0);
        context.append_record(file, &saved);
        let token = context.sync();
        self.unsynced.push_back((token, is_drained, cut));
        self.tell_all(Element::Barrier { checkpoint, completed: self.completed });
        if !rules.acknowledges_when_durable() {
            self.acknowledge(is_drained, context);
        }
    }

    fn cut(&self, checkpoint: u64) -> Cut {
        let of_output = |output: &Output| {
            let edge = output.edge;
            output.channels.iter().map(move |channel| (edge, channel.to, channel.position)).collect::<Vec<_>>()
        };
        let received = self.incoming.iter().map(|channel| (channel.edge, channel.from, channel.position)).collect();
        Cut { checkpoint, sent: self.outputs.iter().flat_map(of_output).collect(), received }
    }

    fn acknowledge(&mut self, is_drained: bool, context: &mut Ctx<'_>) {
        let (attempt, checkpoint) = (self.attempt, self.alignment.done());
        self.acknowledged = (checkpoint, is_drained);
        context.send(COORDINATOR, Message::Acknowledge { attempt, checkpoint, is_drained });
    }

    fn on_saved(&mut self, is_drained: bool, cut: Cut, context: &mut Ctx<'_>) {
        let (attempt, checkpoint) = (self.attempt, cut.checkpoint);
        context.note(SubtaskNote::Saved(Box::new(cut)));
        self.acknowledged = (checkpoint, is_drained);
        context.send(COORDINATOR, Message::Acknowledge { attempt, checkpoint, is_drained });
    }
}

/// What comes through channels.
impl Subtask {
    fn channel_from(&mut self, from: NodeId, edge: u16, epoch: u64) -> Option<&mut Incoming> {
        let rules = Arc::clone(&self.config.rules);
        let is_running = self.attempt > 0;
        let is_it = |channel: &&mut Incoming| channel.from == from && channel.edge == edge;
        self.incoming.iter_mut().find(is_it).filter(|channel| is_running && rules.is_of_epoch(epoch, channel.epoch))
    }

    fn on_data(&mut self, from: NodeId, (edge, epoch, seq): (u16, u64, u64), elements: Vec<Element>, context: &mut Ctx<'_>) {
        let bound = self.buffer();
        let Some(channel) = self.channel_from(from, edge, epoch) else { return };
        channel.receive(seq, elements);
        if let Some(count) = channel.grown() {
            context.note(SubtaskNote::Holds { from, count: count as u64, bound });
        }
        self.go_on(context);
    }

    fn on_ack(&mut self, from: NodeId, (edge, epoch, next, limit): (u16, u64, u64, u64), context: &mut Ctx<'_>) {
        let outputs = self.outputs.iter_mut().filter(|output| output.edge == edge);
        let channels = outputs.flat_map(|output| &mut output.channels).filter(|channel| channel.to == from);
        channels.for_each(|channel| channel.acknowledged(epoch, next, limit));
        // There may be room again: results first, then what a source has to read.
        self.go_on(context);
        if self.reader.is_some() {
            self.read(context);
        }
    }

    fn say_again(&mut self, context: &mut Ctx<'_>) {
        if self.attempt == 0 {
            context.send_when_durable(COORDINATOR, Message::Hello { life: self.life });
        }
        let rules = Arc::clone(&self.config.rules);
        for channel in self.outputs.iter_mut().flat_map(|output| &mut output.channels) {
            for message in channel.again(rules.as_ref()) {
                context.sometimes(mark::SENT_AGAIN);
                context.send(channel.to, message);
            }
        }
        context.set_timer(SubtaskTimer::Again, self.plan().flow.answer);
    }
}

impl Process for Subtask {
    type Config = SubtaskConfig;
    type Message = Message;
    type Timer = SubtaskTimer;
    type Note = SubtaskNote;

    const MARKS: &'static [Mark] = mark::OF_SUBTASKS;

    fn boot(config: &SubtaskConfig, disk: &Files, context: &mut Ctx<'_>) -> Self {
        let SubtaskConfig { plan, stage: place, number, .. } = config;
        let life = disk.read(LIVES).map_or(0, <[u8]>::len) as u64 + 1;
        context.append(LIVES, b".");
        let stage = plan.graph.stages()[*place].clone();
        let incoming: Vec<Incoming> =
            plan.feeds(*place, *number).into_iter().map(|(edge, port, from)| Incoming::new(from, edge, port)).collect();
        let limit = plan.flow.credits.then(|| u64::from(plan.flow.buffer));
        let keeps = plan.flow.restart == Restart::Region;
        let outputs = plan.fed(*place, *number).into_iter().map(|(edge, shuffle, to)| {
            let channels = to.into_iter().map(|to| Outgoing::new(to, edge, limit, keeps)).collect();
            Output { shuffle, edge, channels }
        });
        let reader = match &stage.does {
            Does::Source(input) => Some(Self::open(input, (*place, *number, stage.parallelism), disk, context)),
            _ => None,
        };
        let writer = match &stage.does {
            Does::Sink(kind) => Some(Writer::new(*kind, disk.records(STORE))),
            _ => None,
        };
        context.send_when_durable(COORDINATOR, Message::Hello { life });
        context.set_timer(SubtaskTimer::Again, plan.flow.answer);
        Self {
            config: config.clone(),
            life,
            attempt: 0,
            state: State::of(&stage.does),
            watermarks: Watermarks::new(incoming.len()),
            told: NO_WATERMARK,
            alignment: Alignment::new(incoming.len(), 0),
            incoming,
            turn: 0,
            outputs: outputs.collect(),
            stage,
            results: VecDeque::new(),
            reader,
            writer,
            is_busy: false,
            ahead: None,
            skipped: disk.records::<(u64,)>(AHEAD).map(|(upto,)| upto).max().unwrap_or_default(),
            slots: Slots::read(disk),
            completed: 0,
            acknowledged: (0, false),
            unsynced: VecDeque::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Ctx<'_>) {
        match message {
            Message::Who => context.send_when_durable(COORDINATOR, Message::Hello { life: self.life }),
            Message::Restore { attempt, life, checkpoint, region } => self.on_restore((attempt, life, checkpoint), &region, context),
            Message::Trigger { attempt, checkpoint, completed } => self.on_trigger(attempt, checkpoint, completed, context),
            Message::Complete { checkpoint } if self.attempt > 0 => {
                self.notice(checkpoint, context);
                context.send_when_durable(COORDINATOR, Message::Noticed { checkpoint });
            }
            Message::Data { edge, epoch, seq, elements } => self.on_data(from, (edge, epoch, seq), elements, context),
            Message::Probe { edge, epoch } => {
                if let Some(channel) = self.channel_from(from, edge, epoch) {
                    channel.asked();
                    self.go_on(context);
                }
            }
            Message::Ack { edge, epoch, next, limit } => self.on_ack(from, (edge, epoch, next, limit), context),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: SubtaskTimer, context: &mut Ctx<'_>) {
        match timer {
            SubtaskTimer::Read => self.read(context),
            SubtaskTimer::Idle => self.on_idle(context),
            SubtaskTimer::Worked => {
                self.is_busy = false;
                self.go_on(context);
            }
            SubtaskTimer::Clock => {
                self.go_on(context);
                context.set_timer(SubtaskTimer::Clock, CLOCK);
            }
            SubtaskTimer::Again => self.say_again(context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Ctx<'_>) {
        if let Some((_, upto)) = self.ahead.take_if(|(awaited, _)| *awaited <= token) {
            self.skipped = upto;
            self.read_up_to(upto, context);
        }
        while self.unsynced.front().is_some_and(|(awaited, ..)| *awaited <= token) {
            let Some((_, is_drained, cut)) = self.unsynced.pop_front() else { break };
            self.on_saved(is_drained, cut, context);
        }
    }

    fn status(&self) -> String {
        let unsettled = self.unsettled().unwrap_or_else(|| format!("{}: done", self.stage.name));
        format!("{unsettled}, attempt {}", self.attempt)
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}

impl Subtask {
    /// The partition of a source. What it is made of is on disk before anything is read of it.
    fn open(input: &super::Input, place: (usize, u32, u32), disk: &Files, context: &mut Ctx<'_>) -> Reader {
        let (stage, partition, _) = place;
        let (word, born) = disk.records::<(u64, i64)>(INPUT).next().unwrap_or_else(|| {
            let made = (context.random().word(), context.now().as_nanos());
            context.append_record(INPUT, &made);
            made
        });
        context.note_when_durable(SubtaskNote::Input { stage, partition, word });
        Reader::new(input, place, (word, LocalTime::from_nanos(born)))
    }
}
