//! What the code of nodes says through the crate `tracing` while it runs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use stormglass::base::{Duration, NodeId};
use stormglass::process::{self, Context, Files, NoNote, Process};
use stormglass::trace::{Listener, Said, Sink};
use stormglass::workload::NoClient;
use stormglass::world::{Cluster, Conditions, Run, Setup, World};

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Ball {
    Ping(u32),
}

impl process::Message for Ball {}

/// It sends a ball back, and says so.
struct Player;

impl Process for Player {
    /// After how many balls it falls over.
    type Config = u32;
    type Message = Ball;
    type Timer = ();
    type Note = NoNote;

    fn boot(_: &u32, _: &Files, context: &mut Context<'_, Self>) -> Self {
        tracing::debug!(me = %context.me(), "warms up");
        if context.me() == NodeId::server(0) {
            context.set_timer((), Duration::from_millis(1));
        }
        Self
    }

    fn on_message(&mut self, from: NodeId, Ball::Ping(count): Ball, context: &mut Context<'_, Self>) {
        let span = tracing::info_span!("returns", %from, count, to = tracing::field::Empty);
        let entered = span.enter();
        tracing::info!(count, "pings");
        span.record("to", tracing::field::display(from));
        tracing::warn_span!("swings").in_scope(|| tracing::error!(target: "racket", "creaks"));
        drop(entered);
        assert!(count < 5, "it has had enough");
        context.send(from, Ball::Ping(count + 1));
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.send(NodeId::server(1), Ball::Ping(1));
    }
}

struct Match;

impl Cluster for Match {
    type Message = Ball;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Player;
    type Client = NoClient<Ball>;
}

fn play(sinks: Vec<&mut dyn Sink>, duration: Duration) -> Run<Match> {
    let conditions = Conditions { duration, settle: Duration::ZERO, ..Conditions::default() };
    World::run(Setup { servers: vec![5, 5], clients: vec![], conditions, script: None }, 1, vec![], sinks)
}

fn hear(duration: Duration) -> (Run<Match>, Vec<Said>) {
    let mut listener = Listener::default();
    let mut sink = listener.sink();
    let run = listener.listen(|| play(vec![&mut sink], duration));
    (run, listener.said())
}

#[test]
fn what_is_said_has_its_time_node_and_place() {
    let (run, said) = hear(Duration::from_micros(3_500));
    let lines: Vec<String> = said
        .iter()
        .map(|said| {
            let node = said.node.expect("it is known").to_string();
            let fields: Vec<String> = said.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let began = said.began.map(|began| format!(" since {began}")).unwrap_or_default();
            format!("{} {node} {} {} [{}] in {:?}{began}", said.at, said.level, said.message, fields.join(" "), said.spans)
        })
        .collect();
    let of_a_ball = |at: &str, node: &str, from: &str, count: u32| {
        let around = format!("\"returns {{ from: {from}, count: {count} }}\"");
        let later = format!("\"returns {{ from: {from}, count: {count}, to: {from} }}\"");
        [
            format!("{at} {node} INFO pings [count={count}] in [{around}]"),
            format!("{at} {node} ERROR creaks [] in [{later}, \"swings\"]"),
            format!("{at} {node} WARN swings [] in [{later}] since {at}"),
            format!("{at} {node} INFO returns [from={from} count={count} to={from}] in [] since {at}"),
        ]
    };
    let mut expected = vec!["0s n1 DEBUG warms up [me=n1] in []".to_owned(), "0s n2 DEBUG warms up [me=n2] in []".to_owned()];
    expected.extend(of_a_ball("2ms", "n2", "n1", 1));
    expected.extend(of_a_ball("3ms", "n1", "n2", 2));
    assert_eq!(lines, expected);
    assert!(said.iter().any(|said| said.target == "racket") && said.iter().any(|said| said.target.ends_with("heard")));
    assert!(said.iter().all(|said| said.step.is_some_and(|step| step <= said.after)));
    assert_eq!(run.outcome.digest, play(vec![], Duration::from_micros(3_500)).outcome.digest, "to be heard changes nothing");
}

/// A node that panics is a finding, and what it said before is heard.
#[test]
fn a_panic_leaves_nothing_behind() {
    let (run, said) = hear(Duration::from_secs(1));
    assert!(run.outcome.violates("no-panic"));
    assert_eq!(said.iter().filter(|said| said.message == "pings").count(), 5);
    let mut listener = Listener::default();
    let broken = catch_unwind(AssertUnwindSafe(|| listener.listen(|| panic!("the run itself"))));
    assert!(broken.is_err());
    tracing::error!("after all");
    play(vec![], Duration::from_millis(4));
    assert_eq!(listener.said(), [], "outside of it nothing is heard");
}

/// Runs that go on at the same time in other threads are not mixed up.
#[test]
#[expect(clippy::disallowed_methods, reason = "it is threads that it is about")]
fn each_thread_hears_its_own_run() {
    let alone = hear(Duration::from_millis(4)).1;
    std::thread::scope(|scope| {
        let hearing = || scope.spawn(|| hear(Duration::from_millis(4)).1);
        let silent = scope.spawn(|| play(vec![], Duration::from_millis(4)).outcome.digest);
        let both = [hearing(), hearing()];
        silent.join().expect("it runs");
        for one in both {
            assert_eq!(one.join().expect("it runs"), alone);
        }
    });
}
