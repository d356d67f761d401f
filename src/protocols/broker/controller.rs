//! Who leads each partition, and who is in sync: decided by one node, or by several that agree through Raft, as Kafka's KRaft (KIP-500,
//! KIP-595). The one that leads hears the brokers, has decided what follows, and tells them once it is.

use std::fmt::Debug;
use std::sync::Arc;

use super::metadata::{Metadata, Operation, Output, Registration};
use super::{Layout, Message, Note, RaftMessage, Rules, Standing, mark};
use crate::base::{Duration, DurationRange, LocalTime, NodeId, SortedMap};
use crate::process::{Claim, Context, Embeds, Files, Joined, Mark, Process, Role, SyncToken};
use crate::protocols::raft::{self, Hosted, HostedTimer, Raft, Turn};

/// The controller of a broker, or one of several.
#[derive(Debug)]
pub struct Controller {
    config: ControllerConfig,
    inner: Hosted<Metadata>,
    /// While it leads: when it heard of each broker last.
    heard: Option<SortedMap<u32, LocalTime>>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ControllerConfig {
    /// What all agree on.
    pub layout: Arc<Layout>,
    /// How long a controller waits to hear of a leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives.
    pub heartbeat: Duration,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// So many entries one message of Raft carries at most.
const BATCH: usize = 64;

/// The controller that leads.
pub const CONTROLLER: Role = Role::new("Controller", "It decides who leads each partition, and who is in sync.");

static MARKS: Joined<Mark> = Joined::of(Mark::new("", ""), [mark::OF_CONTROLLERS, Raft::<Metadata>::MARKS]);

impl Controller {
    fn metadata(&self) -> &Metadata {
        self.inner.machine()
    }

    /// Its part of Raft.
    pub fn raft(&self) -> &Raft<Metadata> {
        self.inner.raft()
    }

    /// Tells a broker how all partitions stand, by what is decided.
    fn tell(&self, broker: u32, context: &mut Context<'_, Self>) {
        let known = self.metadata();
        let Some(Registration { life, .. }) = known.registered(broker) else { return };
        let image = Message::Image { life, version: known.version(), partitions: known.partitions().to_vec() };
        context.send(NodeId::server(broker), image);
    }

    fn on_alive(&mut self, broker: u32, life: u32, whole: bool, version: u64, context: &mut Context<'_, Self>) {
        let Some(known) = self.metadata().registered(broker).filter(|known| known.life <= life) else { return };
        let Some(heard) = &mut self.heard else { return };
        heard.insert(broker, context.now());
        if known != (Registration { life, alive: true }) {
            self.inner.propose(Operation::Register { broker, life, whole }, context);
        } else if version < self.metadata().version() {
            self.tell(broker, context);
        }
    }

    /// Has those fenced that were silent for too long. What is proposed is decided if this controller goes on to lead. If not, another
    /// looks for itself.
    fn look_who_is_silent(&mut self, context: &mut Context<'_, Self>) {
        let (now, silence) = (context.now(), self.config.layout.silence);
        let Some(heard) = &self.heard else { return };
        let is_silent = |broker: &u32| heard.get(broker).is_none_or(|heard| now > *heard + silence);
        let silent: Vec<u32> = self.metadata().alive().filter(is_silent).collect();
        silent.into_iter().for_each(|broker| self.inner.propose(Operation::Fence { broker }, context));
    }

    /// What was decided, and what follows from it here.
    fn catch_up(&mut self, context: &mut Context<'_, Self>) {
        let outputs = self.inner.take_outputs();
        if self.heard.is_some() {
            outputs.iter().for_each(|output| Self::set_mark(*output, context));
            let told: Vec<u32> = if outputs.contains(&Output::Changed) {
                self.metadata().alive().collect()
            } else {
                let refused = |output: &Output| if let Output::Refused(broker) = output { Some(*broker) } else { None };
                outputs.iter().filter_map(refused).collect()
            };
            told.into_iter().for_each(|broker| self.tell(broker, context));
        }
        match self.inner.turn() {
            // It does not know when brokers were heard last. What they have not been told they ask for.
            Some(Turn::TookOver) => self.heard = Some(self.metadata().alive().map(|broker| (broker, context.now())).collect()),
            Some(Turn::SteppedDown) => self.heard = None,
            None => {}
        }
    }

    fn set_mark(output: Output, context: &mut Context<'_, Self>) {
        match output {
            Output::Elected { clean: true } => context.sometimes(mark::ELECTED),
            Output::Elected { clean: false } => context.sometimes(mark::UNCLEAN),
            Output::Leaderless => context.sometimes(mark::LEADERLESS),
            Output::Refused(_) => context.sometimes(mark::STALE_ISR),
            Output::Changed => {}
        }
    }
}

impl Process for Controller {
    type Config = ControllerConfig;
    type Message = Message;
    type Timer = HostedTimer;
    type Note = Note;

    const ROLES: &'static [Role] = &[CONTROLLER];
    const MARKS: &'static [Mark] = MARKS.list();

    fn boot(config: &ControllerConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let ControllerConfig { layout, election_timeout, heartbeat, rules } = config;
        let raft = raft::Config {
            members: layout.controllers().collect(),
            election_timeout: *election_timeout,
            heartbeat: *heartbeat,
            batch_max: BATCH,
            machine: Metadata::new(Arc::clone(layout), Arc::clone(rules)),
            rules: Arc::new(raft::Correct),
        };
        let inner = Hosted::boot(&raft, disk, context);
        context.set_timer(HostedTimer::Tick, layout.beat);
        Self { config: config.clone(), inner, heard: None }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        let broker = from.index() as u32;
        match message {
            Message::Raft(message) => self.inner.on_message(from, message, context),
            Message::Alive { life, whole, version } => self.on_alive(broker, life, whole, version, context),
            Message::AlterIsr { partition, epoch, version, isr } => {
                self.inner.propose(Operation::AlterIsr { from: broker, partition, epoch, version, isr }, context);
            }
            _ => {}
        }
        self.catch_up(context);
    }

    fn on_timer(&mut self, timer: HostedTimer, context: &mut Context<'_, Self>) {
        match timer {
            HostedTimer::Raft(timer) => self.inner.on_timer(timer, context),
            HostedTimer::Tick => {
                context.set_timer(HostedTimer::Tick, self.config.layout.beat);
                self.look_who_is_silent(context);
            }
        }
        self.catch_up(context);
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        self.inner.on_synced(token, context);
        self.catch_up(context);
    }

    fn role(&self) -> Option<Claim> {
        self.raft().leads().then(|| CONTROLLER.ranked(self.raft().term().0))
    }

    fn status(&self) -> String {
        let told = |standing: &Standing| {
            let leader = standing.leader.map_or("none".to_owned(), |leader| format!("n{}", leader + 1));
            format!("led by {leader} in epoch {}, {} in sync", standing.epoch, standing.isr.len())
        };
        let partitions: Vec<String> = self.metadata().partitions().iter().map(told).collect();
        format!("{}; {}", self.raft().status(), partitions.join("; "))
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        Self::read_inner_disk(disk)
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        Self::read_inner_records(file, bytes)
    }
}

impl Embeds<Raft<Metadata>> for Controller {
    const SCOPE: &'static str = "raft";

    fn wrap_message(message: RaftMessage) -> Message {
        Message::Raft(message)
    }

    fn wrap_timer(timer: raft::Timer) -> HostedTimer {
        HostedTimer::Raft(timer)
    }

    fn wrap_note(note: raft::Note) -> Option<Note> {
        Some(Note::Raft(note))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Correct, Flush};
    use super::*;
    use crate::process::Harness;

    fn layout() -> Layout {
        let length = Duration::from_millis;
        Layout {
            brokers: 3,
            controllers: 1,
            partitions: 1,
            replicas: 3,
            min_insync: 2,
            unclean: false,
            flush: Flush::Always,
            fetch: length(100),
            lag: length(500),
            beat: length(100),
            silence: length(500),
            session: length(600),
            rebalance: length(300),
            transactions: None,
            cleaning: None,
            has_outputs: false,
        }
    }

    fn config() -> ControllerConfig {
        let raft = raft::Config::<raft::KvState>::of(1);
        let (election_timeout, heartbeat) = (raft.election_timeout, raft.heartbeat);
        ControllerConfig { layout: Arc::new(layout()), election_timeout, heartbeat, rules: Arc::new(Correct) }
    }

    fn leaders(controller: &Harness<Controller>) -> Vec<Option<u32>> {
        controller.process().metadata().partitions().iter().map(|standing| standing.leader).collect()
    }

    /// It is elected, and hears all brokers.
    fn leads(controller: &mut Harness<Controller>) {
        controller.advance(Duration::from_millis(300));
        controller.sync();
        controller.sync();
        assert!(controller.process().heard.is_some(), "{}", controller.process().status());
        for broker in 0..3 {
            controller.deliver(NodeId::server(broker), Message::Alive { life: 0, whole: true, version: 1 });
        }
        controller.sync();
    }

    /// 1. The controller hears of no broker for longer than `silence`: no partition has a leader, and that is on its disk.
    /// 2. It crashes. The brokers were up all the time, each in the life that is on that disk.
    /// 3. It starts, and hears them.
    #[test]
    fn a_controller_that_starts_anew_finds_leaders_for_partitions_without() {
        let mut controller = Harness::boot(NodeId::server(3), config());
        leads(&mut controller);
        assert_eq!(leaders(&controller), [Some(0), Some(1)]);
        controller.advance(Duration::from_secs(1));
        controller.sync();
        assert_eq!(leaders(&controller), [None, None], "no broker was heard");
        controller.crash();
        leads(&mut controller);
        assert!(leaders(&controller).iter().all(Option::is_some), "{}", controller.process().status());
    }

    #[test]
    fn what_is_not_decided_is_not_told() {
        let mut controller = Harness::boot(NodeId::server(3), config());
        leads(&mut controller);
        controller.take_sent();
        let images = |controller: &mut Harness<Controller>| {
            controller.take_sent().iter().filter(|(_, message)| matches!(message, Message::Image { .. })).count()
        };
        controller.deliver(NodeId::server(0), Message::Alive { life: 1, whole: true, version: 1 });
        assert_eq!((images(&mut controller), leaders(&controller)), (0, vec![Some(0), Some(1)]), "it is not on disk");
        controller.sync();
        assert_eq!((images(&mut controller), leaders(&controller)), (3, vec![Some(1), Some(1)]), "another leads what it led");
    }
}
