//! What an agent makes of answers to questions of its life before.

use std::sync::Arc;

use super::{Agent, AgentConfig, AgentTimer, News};
use crate::base::{Duration, LocalTime, NodeId};
use crate::process::{Context, Embeds, Files, Harness, NoNote, Process};
use crate::protocols::registry::{Correct, Listing, Message};

/// Looks once in each of its lives, and remembers which ages it was told.
struct Looker {
    agent: Agent,
    told: Vec<Duration>,
}

impl Embeds<Agent> for Looker {
    const SCOPE: &'static str = "agent";

    fn wrap_message(message: Message) -> Message {
        message
    }

    fn wrap_timer(timer: AgentTimer) -> AgentTimer {
        timer
    }

    fn wrap_note(note: NoNote) -> Option<NoNote> {
        Some(note)
    }
}

impl Process for Looker {
    type Config = AgentConfig;
    type Message = Message;
    type Timer = AgentTimer;
    type Note = NoNote;

    fn boot(config: &AgentConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let mut agent = Self::boot_inner(config, disk, context);
        context.embed(|context| agent.peek(0, Duration::from_secs(10), context));
        Self { agent, told: Vec::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        context.embed(|context| self.agent.on_message(from, message, context));
        let age = |news| if let News::Peeked { found: Some((_, age)), .. } = news { Some(age) } else { None };
        self.told.extend(self.agent.take_news().into_iter().filter_map(age));
    }

    fn on_timer(&mut self, timer: AgentTimer, context: &mut Context<'_, Self>) {
        context.embed(|context| self.agent.on_timer(timer, context));
    }
}

fn config() -> AgentConfig {
    AgentConfig {
        servers: 1,
        lease: Duration::from_secs(3),
        keep_alive: Duration::from_secs(1),
        request_timeout: Duration::from_secs(1),
        operation_timeout: Duration::from_secs(3),
        pause: Duration::from_millis(1).into(),
        renew: Duration::from_secs(1),
        resumes: true,
        report: None,
        rules: Arc::new(Correct),
    }
}

fn asked(looker: &mut Harness<Looker>) -> (u64, LocalTime) {
    let sent = looker.take_sent();
    let question = |message| if let Message::Peek { number, asked, .. } = message { Some((number, asked)) } else { None };
    sent.into_iter().find_map(|(_, message)| question(message)).expect("it asks when it boots")
}

#[test]
fn what_a_life_before_asked_for_answers_no_question_of_this_one() {
    let (server, age) = (NodeId::server(0), Some(Duration::from_millis(5)));
    let answer =
        |(number, asked)| Message::Peeked { number, asked, directory: 0, age, listing: Listing { revision: 0, items: Vec::new() } };
    let mut looker = Harness::<Looker>::boot(NodeId::client(0), config());
    let before = asked(&mut looker);
    looker.advance(Duration::from_millis(500));
    looker.crash();
    let now = asked(&mut looker);
    assert_eq!(before.0, now.0, "questions are counted anew");
    looker.advance(Duration::from_millis(2));
    looker.deliver(server, answer(before));
    assert_eq!(looker.process().told, [], "half a second older than it would be told");
    looker.deliver(server, answer(now));
    assert_eq!(looker.process().told, [Duration::from_millis(7)]);
}
