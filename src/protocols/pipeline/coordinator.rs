//! The coordinator: it has checkpoints taken, says when one is complete, and has stages go back to the last one when a subtask is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::note::CoordinatorNote;
use super::plan::{Plan, Restart};
use super::{Message, Rules, mark};
use crate::base::NodeId;
use crate::process::{Context, Files, Mark, Process, SyncToken};

/// The coordinator of a pipeline.
///
/// 1. A subtask that has started says so, and in which *life* it is. Once all have, an *attempt* begins, the next with each subtask that is
///    lost after that. Its number is on disk before it is told.
/// 2. In an attempt stages go back to the last complete checkpoint: all of them, or those of the subtasks that were lost and all that they
///    feed. If another one is lost meanwhile, the next attempt takes in whatever the last one had to.
/// 3. When all have gone back, checkpoints are begun, one at a time, by triggers to the sources. One is complete when all subtasks have
///    theirs on disk, and that is on the coordinator's disk; then all are told.
#[derive(Debug)]
pub struct Coordinator {
    config: CoordinatorConfig,
    attempt: u64,
    /// The last complete checkpoint, and whether it is the last one of all.
    completed: u64,
    is_last: bool,
    /// The highest number of a checkpoint there has been.
    highest: u64,
    /// In which life each subtask is.
    lives: BTreeMap<NodeId, u64>,
    phase: Phase,
    /// The stages that go back in this attempt.
    region: Vec<usize>,
    pending: Option<Pending>,
    /// Who has done what was to be done for the last complete checkpoint.
    noticed: BTreeSet<NodeId>,
    is_finished: bool,
    unsynced: VecDeque<(SyncToken, Step)>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct CoordinatorConfig {
    /// What runs where.
    pub plan: Arc<Plan>,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

#[derive(Debug)]
enum Phase {
    /// It does not know all subtasks.
    Gathering,
    /// The number of the attempt is on its way to disk.
    Numbering,
    /// These have gone back.
    Restoring(BTreeSet<NodeId>),
    /// All have.
    Running,
}

/// A checkpoint that is not complete.
#[derive(Debug)]
struct Pending {
    checkpoint: u64,
    acknowledged: BTreeSet<NodeId>,
    /// Whether none of them has anything left to do.
    is_drained: bool,
    /// Whether it is on its way to disk that it is complete.
    is_written: bool,
}

/// What is done once it is on disk.
#[derive(Clone, Copy, Debug)]
enum Step {
    Restore(u64),
    Complete { checkpoint: u64, is_last: bool },
}

/// What the coordinator writes down.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Line {
    Attempt { attempt: u64 },
    Complete { checkpoint: u64, is_last: bool },
}

/// A timer of the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum CoordinatorTimer {
    /// The next checkpoint is due.
    Checkpoint,
    /// The one that is under way has taken too long.
    Abandon,
    /// What was not answered is said again.
    Again,
}

const JOURNAL: &str = "journal";

impl Coordinator {
    fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..self.config.plan.nodes()).map(NodeId::server)
    }

    fn knows_all(&self) -> bool {
        self.lives.len() as u32 + 1 == self.config.plan.nodes()
    }

    /// Which attempt it is in: all subtasks are in it when the run has settled.
    pub fn attempt(&self) -> u64 {
        self.attempt
    }

    /// What is still to be done, in words.
    pub fn unsettled(&self) -> Option<String> {
        if self.is_finished && matches!(self.phase, Phase::Running) {
            return None;
        }
        Some(match &self.phase {
            Phase::Gathering => format!("{} of {} subtasks known", self.lives.len(), self.config.plan.nodes() - 1),
            Phase::Numbering => "about to restore".to_owned(),
            Phase::Restoring(restored) => format!("{} of {} subtasks restored", restored.len(), self.config.plan.nodes() - 1),
            Phase::Running => format!("checkpoint {} was not the last", self.completed),
        })
    }

    fn on_hello(&mut self, from: NodeId, life: u64, context: &mut Context<'_, Self>) {
        let Some(stage) = self.config.plan.stage_on(from) else { return };
        if self.lives.get(&from).is_some_and(|known| *known >= life) {
            return;
        }
        self.lives.insert(from, life);
        if !self.knows_all() {
            return;
        }
        if matches!(self.phase, Phase::Gathering) {
            let all = (0..self.config.plan.graph.stages().len()).collect();
            return self.begin_attempt(all, context);
        }
        let mut lost = vec![stage];
        if !matches!(self.phase, Phase::Running) {
            context.sometimes(mark::RESTARTED_AGAIN);
            lost.extend(&self.region);
        }
        let is_whole = self.config.plan.flow.restart == Restart::Whole;
        if self.config.rules.restores_all(is_whole) {
            lost = (0..self.config.plan.graph.stages().len()).collect();
        }
        context.sometimes(if is_whole { mark::RESTARTED } else { mark::REGION_RESTARTED });
        self.begin_attempt(self.config.plan.graph.downstream(&lost), context);
    }

    fn begin_attempt(&mut self, region: Vec<usize>, context: &mut Context<'_, Self>) {
        if let Some(pending) = self.pending.take() {
            context.sometimes(if pending.is_written { mark::COMPLETED_IN_TIME } else { mark::INTERRUPTED });
        }
        context.cancel_timer(CoordinatorTimer::Checkpoint);
        context.cancel_timer(CoordinatorTimer::Abandon);
        self.attempt += 1;
        self.region = region;
        self.phase = Phase::Numbering;
        context.append_record(JOURNAL, &Line::Attempt { attempt: self.attempt });
        let token = context.sync();
        self.unsynced.push_back((token, Step::Restore(self.attempt)));
    }

    fn restore(&self, node: NodeId, context: &mut Context<'_, Self>) {
        let Some(life) = self.lives.get(&node).copied() else { return };
        let (attempt, checkpoint, region) = (self.attempt, self.completed, self.region.clone());
        context.send(node, Message::Restore { attempt, life, checkpoint, region });
    }

    fn on_restored(&mut self, from: NodeId, attempt: u64, context: &mut Context<'_, Self>) {
        let Phase::Restoring(restored) = &mut self.phase else { return };
        if attempt != self.attempt {
            return;
        }
        restored.insert(from);
        if restored.len() as u32 + 1 < self.config.plan.nodes() {
            return;
        }
        // Who went back has committed what the checkpoint decides on; who did not is told once more.
        self.phase = Phase::Running;
        self.finish_or_go_on(context);
        self.tell_complete(context);
    }

    /// Begins the next checkpoint in its time, unless the last one was the last of all and is noticed.
    fn finish_or_go_on(&mut self, context: &mut Context<'_, Self>) {
        if !self.is_last {
            return context.set_timer(CoordinatorTimer::Checkpoint, self.config.plan.flow.checkpoint);
        }
        if self.noticed.len() as u32 + 1 == self.config.plan.nodes() && !self.is_finished {
            self.is_finished = true;
            context.note(CoordinatorNote::Finished);
        }
    }

    fn begin_checkpoint(&mut self, context: &mut Context<'_, Self>) {
        if !matches!(self.phase, Phase::Running) || self.pending.is_some() || self.is_last {
            return;
        }
        self.highest = self.highest.max(self.completed) + self.config.rules.step();
        let checkpoint = self.highest;
        self.pending = Some(Pending { checkpoint, acknowledged: BTreeSet::new(), is_drained: true, is_written: false });
        context.set_timer(CoordinatorTimer::Abandon, self.config.plan.flow.abandon);
        self.trigger(true, context);
    }

    /// Tells sources to take the checkpoint that is pending; or asks all who have not said that they have.
    fn trigger(&self, only_sources: bool, context: &mut Context<'_, Self>) {
        let Some(pending) = &self.pending else { return };
        let plan = &self.config.plan;
        let is_source = |node: &NodeId| plan.stage_on(*node).is_some_and(|stage| plan.graph.stages()[stage].from.is_empty());
        let asked = self.nodes().filter(|node| !pending.acknowledged.contains(node) && (!only_sources || is_source(node)));
        let (attempt, checkpoint, completed) = (self.attempt, pending.checkpoint, self.completed);
        asked.for_each(|node| context.send(node, Message::Trigger { attempt, checkpoint, completed }));
    }

    fn on_acknowledge(&mut self, from: NodeId, told: (u64, u64, bool), context: &mut Context<'_, Self>) {
        let (attempt, checkpoint, is_drained) = told;
        let of = self.config.plan.nodes() as usize - 1;
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.checkpoint == checkpoint) else { return };
        if attempt != self.attempt || pending.is_written || !pending.acknowledged.insert(from) {
            return;
        }
        pending.is_drained &= is_drained;
        if !self.config.rules.is_complete(pending.acknowledged.len(), of) {
            return;
        }
        pending.is_written = true;
        let is_last = pending.is_drained && pending.acknowledged.len() == of;
        context.append_record(JOURNAL, &Line::Complete { checkpoint, is_last });
        let token = context.sync();
        self.unsynced.push_back((token, Step::Complete { checkpoint, is_last }));
        if !self.config.rules.completes_when_durable() {
            self.nodes().for_each(|node| context.send(node, Message::Complete { checkpoint }));
        }
    }

    fn on_complete(&mut self, checkpoint: u64, is_last: bool, context: &mut Context<'_, Self>) {
        (self.completed, self.is_last) = (checkpoint, is_last);
        context.note(CoordinatorNote::Completed { checkpoint });
        self.noticed.clear();
        if self.pending.take_if(|pending| pending.checkpoint == checkpoint).is_some() {
            context.cancel_timer(CoordinatorTimer::Abandon);
            self.tell_complete(context);
            self.finish_or_go_on(context);
        }
    }

    fn tell_complete(&self, context: &mut Context<'_, Self>) {
        let checkpoint = self.completed;
        if matches!(self.phase, Phase::Running) && checkpoint > 0 {
            let told = self.nodes().filter(|node| !self.noticed.contains(node));
            told.for_each(|node| context.send(node, Message::Complete { checkpoint }));
        }
    }

    fn say_again(&self, context: &mut Context<'_, Self>) {
        match &self.phase {
            Phase::Gathering => {
                let unknown = self.nodes().filter(|node| !self.lives.contains_key(node));
                unknown.for_each(|node| context.send(node, Message::Who));
            }
            Phase::Numbering => {}
            Phase::Restoring(restored) => {
                let waited_for: Vec<NodeId> = self.nodes().filter(|node| !restored.contains(node)).collect();
                waited_for.into_iter().for_each(|node| self.restore(node, context));
            }
            Phase::Running => {
                self.trigger(false, context);
                self.tell_complete(context);
            }
        }
    }
}

impl Process for Coordinator {
    type Config = CoordinatorConfig;
    type Message = Message;
    type Timer = CoordinatorTimer;
    type Note = CoordinatorNote;

    const MARKS: &'static [Mark] = mark::OF_THE_COORDINATOR;

    fn boot(config: &CoordinatorConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let (mut attempt, mut completed, mut is_last) = (0, 0, false);
        for line in disk.records(JOURNAL) {
            match line {
                Line::Attempt { attempt: number } => attempt = number,
                Line::Complete { checkpoint, is_last: last } => (completed, is_last) = (checkpoint, last),
            }
        }
        let coordinator = Self {
            config: config.clone(),
            attempt,
            completed,
            is_last,
            highest: completed,
            lives: BTreeMap::new(),
            phase: Phase::Gathering,
            region: Vec::new(),
            pending: None,
            noticed: BTreeSet::new(),
            is_finished: false,
            unsynced: VecDeque::new(),
        };
        coordinator.say_again(context);
        context.set_timer(CoordinatorTimer::Again, config.plan.flow.answer);
        coordinator
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Hello { life } => self.on_hello(from, life, context),
            Message::Restored { attempt } => self.on_restored(from, attempt, context),
            Message::Acknowledge { attempt, checkpoint, is_drained } => {
                self.on_acknowledge(from, (attempt, checkpoint, is_drained), context);
            }
            Message::Noticed { checkpoint } if checkpoint == self.completed => {
                self.noticed.insert(from);
                if self.is_last && matches!(self.phase, Phase::Running) {
                    self.finish_or_go_on(context);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: CoordinatorTimer, context: &mut Context<'_, Self>) {
        match timer {
            CoordinatorTimer::Checkpoint => self.begin_checkpoint(context),
            CoordinatorTimer::Abandon if self.pending.as_ref().is_some_and(|pending| !pending.is_written) => {
                context.sometimes(mark::ABANDONED);
                self.pending = None;
                self.begin_checkpoint(context);
            }
            CoordinatorTimer::Abandon => {}
            CoordinatorTimer::Again => {
                self.say_again(context);
                context.set_timer(CoordinatorTimer::Again, self.config.plan.flow.answer);
            }
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        while self.unsynced.front().is_some_and(|(awaited, _)| *awaited <= token) {
            let Some((_, step)) = self.unsynced.pop_front() else { break };
            match step {
                Step::Restore(attempt) if attempt == self.attempt => {
                    self.phase = Phase::Restoring(BTreeSet::new());
                    self.nodes().for_each(|node| self.restore(node, context));
                }
                Step::Restore(_) => {}
                Step::Complete { checkpoint, is_last } => self.on_complete(checkpoint, is_last, context),
            }
        }
    }

    fn status(&self) -> String {
        let phase = match &self.phase {
            Phase::Gathering => "gathering",
            Phase::Numbering | Phase::Restoring(_) => "restoring",
            Phase::Running => "running",
        };
        format!("coordinator, {phase}, attempt {}, checkpoint {}", self.attempt, self.completed)
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
