//! A pipeline of ten stages: what an event costs, and that memory does not grow with them. `cargo bench --bench pipeline`.
//!
//! Each row is measured in a process of its own, as the most memory that this ever held. A run is judged, or not: the judge evaluates the
//! whole input, and holds what is open. What grows is what the sinks have stored, on their disks and for the judge: a row for each key and
//! window.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads what the system says of its process")]
#![allow(missing_docs, reason = "nobody calls a benchmark")]

mod support {
    pub(crate) mod measure;
}

use std::process::Command;
use std::sync::Arc;

use stormglass::base::Duration;
use stormglass::check::Verdict;
use stormglass::environment::{Latency, LinkModel};
use stormglass::protocols::pipeline::properties::{Demands, Promise};
use stormglass::protocols::pipeline::{
    Barriers, Does, Flow, Fold, Function, Graph, Input, Plan, Predicate, Recovery, Restart, Sink, Stage, Timeline, Windowing, Windows,
};
use stormglass::systems::{Pipeline, PipelineConfig, System};
use stormglass::world::{Conditions, World};
use support::measure::{cpu, peak_mebibytes};

/// How many events there are.
const ROWS: [(&str, u64); 3] = [("10^5 events", 100_000), ("10^6 events", 1_000_000), ("3*10^6 events", 3_000_000)];

fn main() {
    let number = |nth: usize| std::env::args().nth(nth).and_then(|argument| argument.parse::<usize>().ok());
    if let (Some((_, events)), Some(judged)) = (number(1).and_then(|row| ROWS.get(row)), number(2)) {
        let (seconds, messages) = cpu(|| run(*events, judged > 0));
        println!("{seconds:>10.2} {messages:>10} {:>10.1}", peak_mebibytes());
        return;
    }
    println!("{:<46} {:>10} {:>10} {:>10}", "ten stages", "CPU s", "messages", "peak MiB");
    for (judged, how) in ["not judged", "judged"].into_iter().enumerate() {
        for (row, (name, _)) in ROWS.iter().enumerate() {
            let program = std::env::current_exe().expect("the path of this benchmark");
            let output = Command::new(program).args([row, judged].map(|number| number.to_string())).output();
            let output = output.expect("this benchmark runs again");
            print!("{:<46} {}", format!("{name}, {how}"), String::from_utf8_lossy(&output.stdout));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// A source, eight stages and a sink, a subtask each.
fn stages(events: u64) -> Vec<Stage> {
    let micros = Duration::from_micros;
    let input = Input { events, gap: micros(10), disorder: micros(500), bound: micros(500), keys: 100, ..Input::default() };
    let (windows, lateness, time) = (Windows::Tumbling { size: Duration::from_millis(100) }, Duration::ZERO, Timeline::Event);
    let does = [
        Does::Source(input),
        Does::Map(Function::Add(1)),
        Does::Map(Function::Multiply(3)),
        Does::Filter(Predicate::AtLeast(10)),
        Does::Map(Function::Modulo(1000)),
        Does::KeyBy(Function::Key),
        Does::Map(Function::Add(2)),
        Does::Window(Windowing { windows, fold: Fold::Sum, lateness, time }),
        Does::Map(Function::Add(3)),
        Does::Sink(Sink::TwoPhase),
    ];
    let name = |place: usize| format!("stage-{place}");
    let stage = |(place, does)| Stage {
        name: name(place),
        from: if place == 0 { vec![] } else { vec![name(place - 1)] },
        parallelism: 1,
        work: Duration::ZERO.into(),
        does,
    };
    does.into_iter().enumerate().map(stage).collect()
}

/// Runs it until all is stored; says how many messages that took.
fn run(events: u64, judged: bool) -> u64 {
    let flow = Flow {
        buffer: 4096,
        credits: true,
        barriers: Barriers::Aligned,
        checkpoint: Duration::from_millis(500),
        abandon: Duration::from_secs(5),
        restart: Restart::Whole,
        recovery: Recovery::Replay,
        answer: Duration::from_millis(100),
        linger: Duration::from_millis(5),
    };
    let plan = Plan { graph: Graph::new(stages(events)).expect("a graph without flaws"), flow };
    let demands = Demands { promise: Promise::ExactlyOnce, none_late: true };
    let config = PipelineConfig { plan: Arc::new(plan), demands };
    let conditions = Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..2ms".parse().expect("a range"))),
        duration: Duration::from_secs(1),
        settle: Duration::from_secs(100),
        ..Conditions::default()
    };
    let judges = if judged { Pipeline::judges(&config, &conditions) } else { vec![] };
    let run = World::run(Pipeline::nodes(&config, &[]).under(conditions), 1, judges, vec![]);
    assert_eq!(run.outcome.verdict(), Verdict::Holds, "{:?}", run.outcome.properties);
    run.outcome.messages.sent
}
