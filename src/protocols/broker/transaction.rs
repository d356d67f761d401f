//! A transaction as its producer carries it out: begin, add the partitions, send, say what was processed, end.
//!
//! Without transactions, a processor's messages and what it has processed go the same way, one after the other and each by itself.

use super::client::{Client, ClientTimer};
use super::{Acks, Incarnated, Message, Refusal, Request, Sequenced, mark};
use crate::base::{ClientId, Duration, LocalTime, Shown, SortedMap};
use crate::process::Context;

/// A producer that has an identity of its own: its transactional id, if it has transactions.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    producer: ClientId,
    /// Its epoch; nothing if it must begin.
    epoch: Option<u32>,
    transactional: bool,
    /// By partition: the next number.
    next: SortedMap<u32, u32>,
}

/// What goes on in one operation.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    nth: u32,
    until: LocalTime,
    step: Step,
    /// Whether the coordinator, or the group's, was asked and has not answered.
    awaited: bool,
    sends: Vec<Send>,
    /// What was processed: which partition, up to where, in which generation.
    processed: Option<(u32, u64, Option<u32>)>,
    /// Whether it is to be aborted once it is under way.
    aborts: bool,
}

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Send {
    pub(super) partition: u32,
    pub(super) value: i64,
    by: Option<Sequenced>,
    /// Once it is answered: where it is, if that is known.
    sent: Option<Option<u64>>,
    /// Whether its leader was asked and has not answered.
    awaited: bool,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begins,
    Adds,
    Sends,
    Commits,
    Ends(bool),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It goes on.
    GoesOn,
    /// It took effect, and this is what its sends have shown.
    Done(Vec<Shown>),
    /// It had none, and will have none.
    Failed,
    /// That is not known.
    Unknown,
}

/// How long it waits before it asks again what was refused.
const PAUSE: Duration = Duration::from_millis(20);

/// The parts of a request that are no messages.
const STEPS: u32 = 100;

impl Identity {
    /// One that has not begun. Without transactions it need not.
    pub(super) fn new(producer: ClientId, transactional: bool) -> Self {
        Self { producer, epoch: (!transactional).then_some(0), transactional, next: SortedMap::new() }
    }

    fn incarnated(&self) -> Incarnated {
        Incarnated { producer: self.producer, epoch: self.epoch.unwrap_or(0) }
    }

    /// As whom it acts at present.
    pub(super) fn acting(&self) -> (ClientId, Option<u32>) {
        (self.producer, self.epoch)
    }

    /// It is in this epoch from now on: in each, numbers begin anew.
    pub(super) fn enter(&mut self, epoch: Option<u32>) {
        if self.epoch != epoch {
            self.next.clear();
        }
        self.epoch = epoch;
    }

    /// It does not know what became of what it sent.
    fn forget(&mut self) {
        let next = if self.transactional { None } else { self.epoch.map(|epoch| epoch + 1) };
        self.enter(next);
    }
}

impl Send {
    pub(super) fn new(partition: u32, value: i64) -> Self {
        Self { partition, value, by: None, sent: None, awaited: false }
    }
}

impl Transaction {
    /// It begins with the n-th operation of its client.
    pub(super) fn new(nth: u32, until: LocalTime, sends: Vec<Send>, processed: Option<(u32, u64, Option<u32>)>, aborts: bool) -> Self {
        Self { nth, until, step: Step::Begins, awaited: false, sends, processed, aborts }
    }

    /// Takes its first step.
    pub(super) fn start(&mut self, own: &mut Identity, client: &mut Client, context: &mut Context<'_, Client>) {
        match (own.transactional, own.epoch) {
            (true, None) => self.step(Step::Begins, own, client, context),
            (true, Some(_)) => self.step(Step::Adds, own, client, context),
            (false, _) => self.step(Step::Sends, own, client, context),
        }
    }

    fn step(&mut self, step: Step, own: &mut Identity, client: &mut Client, context: &mut Context<'_, Client>) {
        self.step = step;
        if step == Step::Adds || (step == Step::Sends && !own.transactional) {
            let incarnated = own.incarnated();
            for send in &mut self.sends {
                let next = own.next.entry(send.partition).or_insert(0);
                send.by = Some(Sequenced { producer: incarnated.producer, epoch: incarnated.epoch, sequence: *next });
                *next += 1;
            }
            if step == Step::Adds && !client.config.rules.adds_before_it_sends() {
                self.send(own, client, context);
            }
        }
        self.ask(own, client, context);
    }

    /// Sends what it waits for an answer to.
    fn ask(&mut self, own: &Identity, client: &mut Client, context: &mut Context<'_, Client>) {
        let layout = &client.config.layout;
        let coordinator = client.leader(layout.of_transactions().min(*layout.all().end()));
        let (request, by) = (self.request(client, context), own.incarnated());
        match self.step {
            Step::Begins => context.send(coordinator, Message::Begin { request, producer: own.producer }),
            Step::Adds => {
                let mut partitions: Vec<u32> = self.sends.iter().map(|send| send.partition).collect();
                partitions.extend(self.processed.map(|_| layout.of_group()));
                partitions.sort_unstable();
                partitions.dedup();
                context.send(coordinator, Message::AddPartitions { request, by, partitions });
            }
            Step::Sends => self.send(own, client, context),
            Step::Commits => {
                if let Some((partition, offset, generation)) = self.processed {
                    let of = own.transactional.then_some(by);
                    let processed = (partition, offset);
                    context.send(client.leader(layout.of_group()), Message::Commit { request, generation, processed, of });
                }
            }
            Step::Ends(commits) => context.send(coordinator, Message::End { request, by, commits }),
        }
        self.awaited = true;
        context.set_timer(ClientTimer::Again, client.config.request_timeout);
    }

    fn request(&self, client: &Client, context: &Context<'_, Client>) -> Request {
        let step = match self.step {
            Step::Begins => 0,
            Step::Adds => 1,
            Step::Sends => 2,
            Step::Commits => 3,
            Step::Ends(false) => 4,
            Step::Ends(true) => 5,
        };
        Request { client: client.session(context), nth: self.nth, part: STEPS + step }
    }

    /// Sends the messages that are not answered.
    fn send(&mut self, own: &Identity, client: &Client, context: &mut Context<'_, Client>) {
        let session = client.session(context);
        for (part, send) in (0..).zip(&mut self.sends).filter(|(_, send)| send.sent.is_none()) {
            let Send { partition, value, by, .. } = *send;
            let (request, transactional) = (Request { client: session, nth: self.nth, part }, own.transactional);
            for _ in 0..client.config.rules.copies(true) {
                let message = Message::Produce { request, partition, acks: Acks::All, value, by, transactional };
                context.send(client.leader(partition), message);
            }
            send.awaited = true;
        }
    }

    /// It is time to ask again, or to give up.
    pub(super) fn again(&mut self, own: &mut Identity, client: &mut Client, context: &mut Context<'_, Client>) -> Progress {
        let layout = &client.config.layout;
        let (of_group, of_transactions) = (layout.of_group(), layout.of_transactions());
        if context.now() >= self.until {
            return self.give_up(own, client, context);
        }
        match self.step {
            Step::Sends => {
                context.sometimes(mark::RESENT);
                let silent = self.sends.iter().filter(|send| send.sent.is_none() && send.awaited);
                let partitions: crate::base::SortedSet<u32> = silent.map(|send| send.partition).collect();
                partitions.iter().for_each(|partition| client.learn(*partition, None));
            }
            // Who has answered, and refused, has said whom to ask.
            Step::Commits if self.awaited => client.learn(of_group, None),
            Step::Begins | Step::Adds | Step::Ends(_) if self.awaited => client.learn(of_transactions, None),
            Step::Commits | Step::Begins | Step::Adds | Step::Ends(_) => {}
        }
        self.ask(own, client, context);
        Progress::GoesOn
    }

    fn give_up(&mut self, own: &mut Identity, client: &mut Client, context: &mut Context<'_, Client>) -> Progress {
        context.sometimes(mark::GAVE_UP);
        match self.step {
            Step::Sends | Step::Commits if own.transactional => {
                self.until = context.now() + client.config.patience;
                self.step(Step::Ends(false), own, client, context);
                Progress::GoesOn
            }
            // Only it could have committed it, and it never will.
            Step::Begins | Step::Adds | Step::Ends(false) => self.fail(own),
            Step::Sends | Step::Commits | Step::Ends(true) => {
                own.forget();
                Progress::Unknown
            }
        }
    }

    fn fail(&self, own: &mut Identity) -> Progress {
        own.forget();
        Progress::Failed
    }

    /// Whether a message may be an answer to a step of a transaction.
    pub(super) fn concerns(message: &Message) -> bool {
        matches!(message, Message::Produced { .. } | Message::Coordinated { .. } | Message::CommitAnswered { .. })
    }

    /// Takes in an answer.
    pub(super) fn on_message(
        &mut self,
        own: &mut Identity,
        client: &mut Client,
        message: &Message,
        context: &mut Context<'_, Client>,
    ) -> Progress {
        match message {
            Message::Produced { request, result } if request.nth == self.nth && request.client == client.session(context) => {
                self.on_produced(own, client, request.part, *result, context)
            }
            Message::Coordinated { request, result } if *request == self.request(client, context) => match result {
                Ok(epoch) => self.on_coordinated(own, client, *epoch, context),
                Err(refusal) => self.on_refused(own, client, *refusal, context),
            },
            Message::CommitAnswered { request, refused } if *request == self.request(client, context) => match refused {
                None if own.transactional => self.go_on(Step::Ends(true), own, client, context),
                None => Progress::Done(self.shown()),
                Some(refusal) => self.on_refused(own, client, *refusal, context),
            },
            _ => Progress::GoesOn,
        }
    }

    fn go_on(&mut self, step: Step, own: &mut Identity, client: &mut Client, context: &mut Context<'_, Client>) -> Progress {
        self.step(step, own, client, context);
        Progress::GoesOn
    }

    fn shown(&self) -> Vec<Shown> {
        self.sends.iter().map(|send| Shown::Sent(send.sent.flatten())).collect()
    }

    fn on_coordinated(&mut self, own: &mut Identity, client: &mut Client, epoch: u32, context: &mut Context<'_, Client>) -> Progress {
        match self.step {
            Step::Begins => {
                own.enter(Some(epoch));
                self.go_on(Step::Adds, own, client, context)
            }
            Step::Adds => {
                self.go_on(Step::Sends, own, client, context);
                // What it is to abort is under way: it may come after the end.
                if self.aborts { self.go_on(Step::Ends(false), own, client, context) } else { self.on_sent(own, client, context) }
            }
            Step::Ends(commits) => {
                own.enter(Some(epoch));
                if commits { Progress::Done(self.shown()) } else { Progress::Failed }
            }
            Step::Sends | Step::Commits => Progress::GoesOn,
        }
    }

    fn on_produced(
        &mut self,
        own: &mut Identity,
        client: &mut Client,
        part: u32,
        result: Result<Option<u64>, Refusal>,
        context: &mut Context<'_, Client>,
    ) -> Progress {
        let Some(send) = self.sends.get_mut(part as usize).filter(|send| send.sent.is_none()) else { return Progress::GoesOn };
        let partition = send.partition;
        match result {
            Ok(offset) => {
                send.sent = Some(offset);
                if self.step == Step::Sends { self.on_sent(own, client, context) } else { Progress::GoesOn }
            }
            Err(Refusal::Fenced) if self.step == Step::Sends => {
                own.forget();
                if own.transactional { Progress::Failed } else { Progress::Unknown }
            }
            Err(refusal) => {
                send.awaited = false;
                if let Refusal::NotLeader(leader) = refusal {
                    client.learn(partition, leader);
                }
                if self.step == Step::Sends {
                    context.set_timer(ClientTimer::Again, PAUSE);
                }
                Progress::GoesOn
            }
        }
    }

    /// Goes on if all its messages are answered.
    fn on_sent(&mut self, own: &mut Identity, client: &mut Client, context: &mut Context<'_, Client>) -> Progress {
        match (self.sends.iter().all(|send| send.sent.is_some()), self.processed, own.transactional) {
            (false, ..) => Progress::GoesOn,
            (true, Some(_), _) => self.go_on(Step::Commits, own, client, context),
            (true, None, true) => self.go_on(Step::Ends(true), own, client, context),
            (true, None, false) => Progress::Done(self.shown()),
        }
    }

    fn on_refused(&mut self, own: &mut Identity, client: &mut Client, refusal: Refusal, context: &mut Context<'_, Client>) -> Progress {
        let layout = &client.config.layout;
        let asked = if self.step == Step::Commits { layout.of_group() } else { layout.of_transactions() };
        self.awaited = false;
        match (self.step, refusal) {
            (_, Refusal::NotLeader(leader)) => client.learn(asked, leader),
            (Step::Commits, Refusal::Fenced | Refusal::Rebalancing) if own.transactional => {
                return self.go_on(Step::Ends(false), own, client, context);
            }
            (Step::Commits, Refusal::Fenced | Refusal::Rebalancing) => return Progress::Unknown,
            (Step::Begins | Step::Adds | Step::Ends(false), Refusal::Fenced | Refusal::NoTransaction) => return self.fail(own),
            (Step::Ends(true), Refusal::Fenced | Refusal::NoTransaction) => {
                own.forget();
                return Progress::Unknown;
            }
            _ => {}
        }
        context.set_timer(ClientTimer::Again, PAUSE);
        Progress::GoesOn
    }

    pub(super) fn status(&self) -> &'static str {
        match self.step {
            Step::Begins => "begins as a producer",
            Step::Adds => "adds partitions to its transaction",
            Step::Sends => "sends",
            Step::Commits => "says what it has processed",
            Step::Ends(true) => "commits its transaction",
            Step::Ends(false) => "aborts its transaction",
        }
    }
}
