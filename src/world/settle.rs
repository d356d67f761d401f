//! The quiet tail: the faults are over and everything is healed, and the run must make progress.

use std::cmp::Reverse;

use super::calls::Call;
use super::core::Excess;
use super::host::{Clients, Host, NodeState, RESTARTS, Servers};
use super::outcome::{Outcome, Run, ScriptCounts};
use super::setup::{Cluster, Reached};
use super::{Activity, JUDGE_PANICKED, NO_PANIC, PROGRESS, RunEnd, TIME_ADVANCES, WELL_FORMED, What, World, judged};
use crate::base::{Duration, NodeId, SortedMap, Time};
use crate::check::{Broken, Lag, Pending, PropertyReport, Sighting, Spin, Verdict};
use crate::engine::Limit;
use crate::process::{ClientProcess, Process};

/// How far a run has settled.
pub(super) struct Settling {
    length: Duration,
    has_clients: bool,
    /// Whether they invoke anything after the faults: else nothing fresh can complete, and nothing is demanded.
    invokes: bool,
    phase: Phase,
    /// How far each server had come when a tenth of the length was left, and when that was.
    reached: Option<(Time, Vec<Option<Reached>>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Faults strike still.
    Faults,
    /// Clients go on: a fresh operation must complete.
    Fresh { until: Time },
    /// Clients invoke nothing new: what is under way must end, and the replicas must agree.
    Draining,
    /// All that was demanded has come to pass, or nothing was.
    Over,
}

impl Settling {
    pub(super) fn new(length: Duration, has_clients: bool, invokes: bool) -> Self {
        Self { length, has_clients, invokes: has_clients && invokes, phase: Phase::Faults, reached: None }
    }

    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether the faults are over.
    pub(super) fn has_begun(&self) -> bool {
        self.phase != Phase::Faults
    }

    /// Whether clients invoke nothing new.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.phase, Phase::Draining | Phase::Over)
    }

    /// How often to look whether the run has settled.
    fn rhythm(&self) -> Duration {
        (self.length / 100).max(Duration::from_nanos(1))
    }
}

impl<C: Cluster> World<'_, C> {
    pub(super) fn begin_settling(&mut self) {
        let now = self.core.engine.now();
        self.settling.phase = if self.settling.length.is_zero() {
            Phase::Over
        } else if self.settling.invokes {
            Phase::Fresh { until: now + self.settling.length / 2 }
        } else {
            Phase::Draining
        };
        if self.settling.phase == Phase::Draining && self.script.as_ref().is_some_and(|script| script.goes_on()) {
            self.quiesce();
        }
        self.look_again();
    }

    /// Looks how far the run has settled.
    pub(super) fn look(&mut self) {
        self.look_at_roles();
        if let Phase::Fresh { until } = self.settling.phase
            && (self.core.recorder.fresh_completion || self.core.engine.now() >= until)
        {
            self.settling.phase = Phase::Draining;
            self.quiesce();
        }
        if self.settling.phase == Phase::Draining && self.is_settled() {
            self.settling.phase = Phase::Over;
        }
        let now = self.core.engine.now();
        if self.settling.reached.is_none() && now + self.settling.length / 10 >= self.end {
            self.settling.reached = Some((now, self.reached()));
        }
        self.look_again();
    }

    fn look_again(&mut self) {
        let next = self.core.engine.now() + self.settling.rhythm();
        if !self.settling.is_over() && next <= self.end {
            self.core.engine.schedule(next, Call::Look);
        }
    }

    fn quiesce(&mut self) {
        for index in 0..self.clients.len() {
            let node = NodeId::client(index as u32);
            self.activity = Activity { node, what: What::Quiesce };
            self.core.recorder.unrecorded_step(node, self.core.engine.now());
            self.clients[index].step(&mut self.core, |client, context| client.quiesce(context));
        }
    }

    /// Whether a fresh operation has completed, none is under way, the replicas agree, and no server has unsettled work. A run with neither
    /// clients nor replicas that must agree has nothing to settle, and uses all its time.
    fn is_settled(&mut self) -> bool {
        let prints = self.fingerprints();
        let demanding = self.settling.has_clients || prints.iter().any(Option::is_some);
        let quiet = demanding && self.fresh_enough() && self.under_way() == 0;
        quiet && agree(&prints) && self.unsettled().is_empty()
    }

    fn fresh_enough(&self) -> bool {
        self.core.recorder.fresh_completion || !self.settling.invokes
    }

    fn under_way(&mut self) -> usize {
        let count = |(client, index): (&Host<C, Clients>, u32)| {
            self.activity = Activity { node: NodeId::client(index), what: What::Asked("operations under way") };
            client.process().map_or(0, ClientProcess::under_way)
        };
        self.clients.iter().zip(0..).map(count).sum()
    }

    fn fingerprints(&mut self) -> Vec<Option<u64>> {
        let print = |(server, index): (&Host<C, Servers>, u32)| {
            self.activity = Activity { node: NodeId::server(index), what: What::Asked("fingerprint") };
            server.process().and_then(C::fingerprint)
        };
        self.servers.iter().zip(0..).map(print).collect()
    }

    fn reached(&mut self) -> Vec<Option<Reached>> {
        let reached = |(server, index): (&Host<C, Servers>, u32)| {
            self.activity = Activity { node: NodeId::server(index), what: What::Asked("progress") };
            server.process().and_then(C::reached)
        };
        self.servers.iter().zip(0..).map(reached).collect()
    }

    /// The replicas that lag behind the one that has come furthest.
    fn lagging(&mut self) -> Vec<Lag> {
        let now = self.core.engine.now();
        let (reached, earlier) = (self.reached(), self.settling.reached.take());
        let Some((first, most)) = furthest(&reached) else { return Vec::new() };
        let before = |place: usize| {
            let (_, earlier) = earlier.as_ref()?;
            Some(furthest(earlier)?.1.count.saturating_sub((*earlier.get(place)?)?.count))
        };
        let since = earlier.as_ref().map_or(Duration::ZERO, |(then, _)| now.since(*then));
        let lag = |(place, reached): (usize, &Option<Reached>)| {
            let Reached { count, of } = (*reached)?;
            let by = most.count - count;
            let (node, behind) = (NodeId::server(place as u32), NodeId::server(first as u32));
            (by > 0).then(|| Lag { node, reached: count, of, behind, by, before: before(place), since })
        };
        reached.iter().enumerate().filter_map(lag).collect()
    }

    /// The servers that have something to bring to an end, and what it is.
    fn unsettled(&mut self) -> Vec<(NodeId, String)> {
        let unsettled = |(server, index): (&Host<C, Servers>, u32)| {
            let node = NodeId::server(index);
            self.activity = Activity { node, what: What::Asked("unsettled work") };
            server.process().and_then(C::unsettled).map(|work| (node, work))
        };
        self.servers.iter().zip(0..).filter_map(unsettled).collect()
    }

    /// The run has ended as it should. What is still pending is looked at here, where a panic of a node's code is a finding still.
    pub(super) fn complete(&mut self) -> RunEnd {
        if cfg!(debug_assertions) {
            self.invariants_at_end();
        }
        self.look_at_roles();
        RunEnd::Complete(if self.settling.length.is_zero() { Pending::default() } else { self.pending() })
    }

    /// Closes the books.
    pub(super) fn finish(mut self, seed: u64, ending: RunEnd) -> Run<C> {
        let now = self.core.engine.now();
        let (mut properties, tables) = judged(now, || self.core.recorder.close(now)).unwrap_or_else(|report| {
            self.core.recorder.dismiss_judges();
            (vec![report], Vec::new())
        });
        properties.extend(self.own_reports(&ending));
        let history = &self.core.recorder.history;
        let mut operations = self.core.recorder.counted;
        operations.invoked += history.operations().len() as u64;
        history.operations().iter().for_each(|operation| operations.add(&operation.outcome));
        let scripted = self.script.as_deref().map(|script| ScriptCounts::of(script, history)).unwrap_or_default();
        let outcome = Outcome {
            seed,
            digest: self.core.recorder.digest(),
            events: self.core.engine.events(),
            messages: self.core.recorder.messages,
            sim_time: now,
            operations,
            properties,
            tables,
            sometimes: self.core.recorder.marks.clone(),
            faults: self.core.nemesis.counts(),
            steps: self.core.nemesis.step_counts(),
            fates: self.core.network.fixed_fates(),
            scripted,
            strays: self.strays.into_iter().chain(self.core.recorder.unlisted_marks()).collect(),
            struck: self.core.nemesis.into_struck(),
        };
        Run { outcome, history: self.core.recorder.history, script: self.script }
    }

    /// What the world judges by itself.
    fn own_reports(&self, ending: &RunEnd) -> Vec<PropertyReport> {
        let (now, events) = (self.core.engine.now(), self.core.engine.events());
        let asked = !self.settling.length.is_zero();
        let spin = || Spin { node: self.activity.node, doing: self.what_it_does(), at: now };
        reports_on(ending, now, events, asked, &spin, self.core.recorder.malformed.as_ref())
    }

    /// What is still to come to pass.
    fn pending(&mut self) -> Pending {
        let (nothing_fresh, under_way) = (!self.fresh_enough(), self.under_way());
        let (prints, reached) = (self.fingerprints(), self.reached());
        let lagging = if agree(&prints) { Vec::new() } else { self.lagging() };
        let disagree = differ(&prints, &reached) || !agree(&prints) && lagging.is_empty();
        let unsettled = self.unsettled();
        let after = self.settling.length;
        let mut pending = Pending { after, nothing_fresh, under_way, disagree, lagging, unsettled, status: Vec::new() };
        if !pending.is_nothing() {
            for (server, index) in self.servers.iter().zip(0..).take(STATUSES_MAX) {
                let node = NodeId::server(index);
                self.activity = Activity { node, what: What::Asked("status") };
                pending.status.push((node, status(server.state(), server.process())));
            }
        }
        pending
    }
}

/// What the world judges by itself of a run that ended so after so many events: whether it was `asked` to settle, what it did last if it
/// spins, and where and why there is no history, if there is none.
fn reports_on(
    ending: &RunEnd,
    now: Time,
    events: u64,
    asked: bool,
    spin: &dyn Fn() -> Spin,
    malformed: Option<&(Sighting, String)>,
) -> Vec<PropertyReport> {
    let mut no_panic = PropertyReport::holds(&NO_PANIC);
    let mut time_advances = PropertyReport::holds(&TIME_ADVANCES);
    let mut progress = PropertyReport::holds(&PROGRESS);
    let mut cut_short = |why: Broken| progress = PropertyReport { verdict: Verdict::Unknown, ..progress.clone() }.explained(why);
    match ending {
        RunEnd::Complete(_) if !asked => progress = progress.explained(rules::NOT_ASKED.broken()),
        RunEnd::Complete(pending) if pending.is_nothing() => {}
        RunEnd::Complete(pending) => {
            progress = PropertyReport::violated(&PROGRESS, now, pending.clone());
        }
        RunEnd::Panic(panic) => {
            no_panic = PropertyReport::violated(&NO_PANIC, now, panic.clone());
            cut_short(rules::ENDED_EARLY.broken());
        }
        RunEnd::JudgePanicked(_) => cut_short(rules::ENDED_EARLY.broken()),
        RunEnd::Excess(Excess::Restarts { node, at }) => {
            let broken = rules::RESTARTS.with("node", *node).with("count", u64::from(RESTARTS)).with("at", *at);
            time_advances = PropertyReport::violated(&TIME_ADVANCES, now, broken);
            cut_short(rules::ENDED_EARLY.broken());
        }
        RunEnd::Excess(Excess::Messages { node, most }) => {
            cut_short(rules::MESSAGES_SPENT.with("node", *node).with("most", *most).with("at", now));
        }
        RunEnd::Excess(Excess::Disk { node, file, most }) => {
            cut_short(rules::DISK_SPENT.with("node", *node).with("file", file.clone()).with("most", *most).with("at", now));
        }
        RunEnd::Stopped => cut_short(rules::STOPPED.with("at", now)),
        RunEnd::Limit(Limit::SameInstant) => {
            time_advances = PropertyReport::violated(&TIME_ADVANCES, now, spin());
            cut_short(rules::ENDED_EARLY.broken());
        }
        RunEnd::Limit(Limit::Events) => cut_short(rules::EVENTS_SPENT.with("events", events).with("at", now)),
        RunEnd::Limit(Limit::Pending) => cut_short(rules::TOO_MUCH_PENDING.with("at", now)),
        RunEnd::Limit(Limit::Scheduled) => cut_short(rules::TOO_MUCH_SCHEDULED.with("at", now)),
    }
    let well_formed = match malformed {
        None => PropertyReport::holds(&WELL_FORMED),
        Some((at, problem)) => {
            PropertyReport::violated(&WELL_FORMED, at.at, rules::NO_HISTORY.with("problem", problem.clone()).seen("at", *at))
        }
    };
    let mut reports = vec![progress, no_panic, time_advances, well_formed];
    if let RunEnd::JudgePanicked(panic) = ending {
        reports.push(PropertyReport::violated(&JUDGE_PANICKED, now, panic.clone()));
    }
    reports
}

/// Of how many servers a report has the status.
const STATUSES_MAX: usize = 9;

fn status<P: Process>(state: NodeState, process: Option<&P>) -> String {
    let text = process.map(Process::status).unwrap_or_default();
    match state {
        NodeState::Down => "down".to_owned(),
        NodeState::Paused => format!("paused, {text}"),
        NodeState::Up if text.is_empty() => "up".to_owned(),
        NodeState::Up => text,
    }
}

fn agree(prints: &[Option<u64>]) -> bool {
    let mut known = prints.iter().flatten();
    let first = known.next();
    known.all(|print| Some(print) == first)
}

/// Whether any differ that have come equally far, as far as that is known.
fn differ(prints: &[Option<u64>], reached: &[Option<Reached>]) -> bool {
    let mut seen = SortedMap::new();
    let known = prints.iter().zip(reached).filter_map(|(print, reached)| Some(((*reached).map(|reached| reached.count), (*print)?)));
    known.into_iter().any(|(count, print)| *seen.entry(count).or_insert(print) != print)
}

/// The first of those that have come furthest.
fn furthest(reached: &[Option<Reached>]) -> Option<(usize, Reached)> {
    let known = reached.iter().enumerate().filter_map(|(place, reached)| Some((place, (*reached)?)));
    known.min_by_key(|(place, reached)| (Reverse(reached.count), *place))
}

/// Why there is no verdict on progress, or no history.
mod rules {
    use crate::check::Rule;

    pub(super) static NOT_ASKED: Rule = Rule::new("no-time-to-settle", "not asked for: the scenario gives no time to settle");
    pub(super) static ENDED_EARLY: Rule = Rule::new("ended-early", "the run ended early");
    pub(super) static STOPPED: Rule = Rule::new("stopped", "the run was stopped at the first violation, at {at}");
    pub(super) static EVENTS_SPENT: Rule = Rule::new("events-spent", "the budget of {events} events ended at {at}");
    pub(super) static TOO_MUCH_PENDING: Rule =
        Rule::new("too-much-pending", "more than 16777215 events were pending at {at}: more than a run can hold");
    pub(super) static TOO_MUCH_SCHEDULED: Rule = Rule::new("too-much-scheduled", "the run has more events than it can number, at {at}");
    pub(super) static RESTARTS: Rule = Rule::new(
        "restarts",
        "the run spins: {node} is started anew {count} times in a row, each time within a microsecond of the last, the last of them at {at}",
    );
    pub(super) static MESSAGES_SPENT: Rule =
        Rule::new("messages-spent", "the budget of {most} messages under way at once ended at {at}, when {node} sent one more");
    pub(super) static DISK_SPENT: Rule =
        Rule::new("disk-spent", "the budget of {most} bytes on a disk ended at {at}, when {node} wrote to {file}");
    pub(super) static NO_HISTORY: Rule = Rule::new("no-history", "the clients' notes make no history at {at}: {problem}");
}
