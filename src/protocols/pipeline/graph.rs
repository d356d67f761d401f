//! The graph of a pipeline: its stages, what feeds which, and what is wrong with one that cannot run.

use petgraph::algo::{astar, tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed};

use super::function::{Fold, Function, Predicate};
use super::input::Input;
use super::window::Windows;
use crate::base::{Duration, DurationRange, sort_by_key};

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name, which no other stage has.
    pub name: String,
    /// The names of the stages that feed it.
    pub from: Vec<String>,
    /// By how many subtasks it is done, each on a node of its own.
    pub parallelism: u32,
    /// How long a subtask takes for an event.
    pub work: DurationRange,
    /// What it does.
    pub does: Does,
}

/// What a stage does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// It reads an input.
    Source(Input),
    /// It makes another value of each.
    Map(Function),
    /// It lets some events pass.
    Filter(Predicate),
    /// It gives each event a key.
    KeyBy(Function),
    /// It gathers the events of each key in windows.
    Window(Windowing),
    /// It tells for each event what those of its key have come to.
    Aggregate(Fold),
    /// It pairs the events of two inputs that have the same key and fall into the same window of this length.
    Join(Duration),
    /// It passes on what comes through all of its inputs.
    Union,
    /// It puts what comes into a store.
    Sink(Sink),
}

/// How a stage gathers events in windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windowing {
    /// Into which windows an event falls.
    pub windows: Windows,
    /// What becomes of those of one window.
    pub fold: Fold,
    /// For how long after its result a window still takes events, and tells a new result.
    pub lateness: Duration,
    /// By which time.
    pub time: Timeline,
}

/// By which time windows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeline {
    /// That of events: a window is closed when the watermark is past its end.
    Event,
    /// That of the clock of the node: an event falls into the window in which it comes.
    Processing,
}

/// How a sink puts results into its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// One after the other.
    Append,
    /// By their ids: one that comes again takes the place of itself.
    Idempotent,
    /// In transactions, each committed when the checkpoint that ends it is complete.
    TwoPhase,
}

/// How events go from one stage to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// Each subtask feeds the one of the same number.
    Forward,
    /// By the key of the event.
    Keyed,
    /// By the id of the event.
    Spread,
}

/// What feeds what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The place of the stage that feeds.
    pub from: usize,
    /// The place of the stage that is fed.
    pub to: usize,
    /// The index of the input that it feeds, from 0.
    pub port: usize,
    /// How.
    pub shuffle: Shuffle,
}

/// What is wrong with a graph, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// At which stage.
    pub stage: usize,
    /// At which of its inputs; nothing if it is the stage itself.
    pub input: Option<usize>,
    /// What.
    pub what: Wrong,
}

/// What can be wrong with a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Another one has its name.
    NameTaken(String),
    /// No stage has this name.
    Unknown(String),
    /// It is fed by this sink.
    FedBySink(String),
    /// It is fed by itself, through these.
    Cycle(Vec<String>),
    /// Nothing feeds it.
    NotFed,
    /// It has so many inputs where it takes this.
    Inputs(usize, &'static str),
    /// What it tells goes nowhere.
    FeedsNothing,
    /// It goes by keys, and what feeds it has none.
    NoKey,
    /// It is fed results that come more than once, as they are told anew.
    ToldAnew,
    /// A session takes no allowed lateness.
    LateSession,
    /// There is no stage at all.
    Empty,
}

impl Wrong {
    /// It in words, of a stage of this name.
    pub fn message(&self, stage: &str) -> String {
        match self {
            Self::NameTaken(name) => format!("two stages are called `{name}`"),
            Self::Unknown(name) => format!("`{stage}` is fed by `{name}`, and there is no such stage"),
            Self::FedBySink(name) => format!("`{stage}` is fed by the sink `{name}`, and a sink feeds nothing"),
            Self::Cycle(names) => format!("`{stage}` feeds itself: {}", names.join(" → ")),
            Self::NotFed => format!("nothing feeds `{stage}`"),
            Self::Inputs(found, takes) => format!("`{stage}` takes {takes}, found {found}"),
            Self::FeedsNothing => format!("what `{stage}` tells goes nowhere"),
            Self::NoKey => format!("`{stage}` goes by keys, and what feeds it has none"),
            Self::ToldAnew => format!("`{stage}` is fed results that are told anew, and would count each of them"),
            Self::LateSession => format!("the sessions of `{stage}` take no allowed lateness"),
            Self::Empty => "a pipeline needs stages".to_owned(),
        }
    }

    /// What can be done about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NameTaken(_) => "give each stage a name of its own",
            Self::Unknown(_) => "name a stage of this list",
            Self::FedBySink(_) => "name what feeds the sink",
            Self::Cycle(_) => "events go one way: from sources to sinks",
            Self::NotFed => "name what feeds it: from: [\"source\"]",
            Self::Inputs(..) => "put a Union before a stage that is to have several inputs",
            Self::FeedsNothing => "let a sink be fed by it, or leave it out",
            Self::NoKey => "put a KeyBy between the source and it",
            Self::ToldAnew => "behind an Aggregate, or a Window with lateness, only Map, KeyBy, Union and Sink have a meaning",
            Self::LateSession => "a late event would join sessions of which the results are out: leave lateness out",
            Self::Empty => "the smallest has a Source and a Sink",
        }
    }
}

/// A graph without flaws: every stage is fed by sources and feeds sinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    stages: Vec<Stage>,
    edges: Vec<Edge>,
    /// Places of stages; each comes after those that feed it.
    order: Vec<usize>,
}

impl Graph {
    /// The graph of these stages.
    ///
    /// ```
    /// use stormglass::base::Duration;
    /// use stormglass::protocols::pipeline::{Does, Graph, Sink, Stage, Wrong};
    ///
    /// let does = Does::Sink(Sink::Append);
    /// let sink = Stage { name: "out".to_owned(), from: vec![], parallelism: 1, work: Duration::ZERO.into(), does };
    /// let flaws = Graph::new(vec![sink]).expect_err("nothing feeds it");
    /// assert_eq!(flaws[0].what, Wrong::NotFed);
    /// ```
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the stages.
    pub fn new(stages: Vec<Stage>) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        if stages.is_empty() {
            return Err(vec![Flaw { stage: 0, input: None, what: Wrong::Empty }]);
        }
        let edges = edges(&stages, &mut flaws);
        let mut graph = DiGraph::<(), ()>::new();
        for _ in &stages {
            graph.add_node(());
        }
        for edge in &edges {
            graph.add_edge(NodeIndex::new(edge.from), NodeIndex::new(edge.to), ());
        }
        counted(&stages, &mut flaws);
        cycles(&stages, &graph, &mut flaws);
        if flaws.is_empty() {
            // Where something is not connected as it should be, what hangs on it would be told, too.
            unused(&stages, &graph, &mut flaws);
        }
        let sorted = toposort(&graph, None).unwrap_or_default();
        let order: Vec<usize> = sorted.into_iter().map(NodeIndex::index).collect();
        meanings(&stages, &edges, &order, &mut flaws);
        sort_by_key(&mut flaws, |flaw| flaw.stage);
        if flaws.is_empty() { Ok(Self { stages, edges, order }) } else { Err(flaws) }
    }

    /// Its stages, as they were given.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// What feeds what.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The places of its stages; each comes after those that feed it.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// These stages and all that they feed, directly or not: what must be restored with them.
    pub fn downstream(&self, of: &[usize]) -> Vec<usize> {
        let mut within: Vec<bool> = (0..self.stages.len()).map(|stage| of.contains(&stage)).collect();
        for stage in &self.order {
            let fed = self.edges.iter().any(|edge| edge.to == *stage && within[edge.from]);
            within[*stage] |= fed;
        }
        (0..self.stages.len()).filter(|stage| within[*stage]).collect()
    }
}

impl Does {
    /// Whether it needs all events of a key in one place.
    pub fn goes_by_key(&self) -> bool {
        matches!(self, Self::Window(_) | Self::Aggregate(_) | Self::Join(_))
    }

    /// Whether it tells results anew.
    fn tells_anew(&self) -> bool {
        match self {
            Self::Aggregate(_) => true,
            Self::Window(windowing) => !windowing.lateness.is_zero(),
            _ => false,
        }
    }

    /// Whether it means something where results are told anew.
    fn takes_anew(&self) -> bool {
        matches!(self, Self::Map(_) | Self::KeyBy(_) | Self::Union | Self::Sink(_))
    }
}

/// What the names say, as far as they are names of stages.
fn edges(stages: &[Stage], flaws: &mut Vec<Flaw>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (to, stage) in stages.iter().enumerate() {
        if stages[..to].iter().any(|other| other.name == stage.name) {
            flaws.push(Flaw { stage: to, input: None, what: Wrong::NameTaken(stage.name.clone()) });
        }
        for (port, name) in stage.from.iter().enumerate() {
            let Some(from) = stages.iter().position(|other| other.name == *name) else {
                flaws.push(Flaw { stage: to, input: Some(port), what: Wrong::Unknown(name.clone()) });
                continue;
            };
            let shuffle = match &stage.does {
                does if does.goes_by_key() => Shuffle::Keyed,
                _ if stages[from].parallelism == stage.parallelism => Shuffle::Forward,
                _ => Shuffle::Spread,
            };
            if matches!(stages[from].does, Does::Sink(_)) {
                flaws.push(Flaw { stage: to, input: Some(port), what: Wrong::FedBySink(name.clone()) });
            }
            edges.push(Edge { from, to, port, shuffle });
        }
    }
    edges
}

/// How many inputs each has.
fn counted(stages: &[Stage], flaws: &mut Vec<Flaw>) {
    for (place, stage) in stages.iter().enumerate() {
        let takes = match (&stage.does, stage.from.len()) {
            (Does::Source(_), 0) | (Does::Join(_), 2) | (Does::Union, 2..) => continue,
            (Does::Source(_), _) => "no input",
            (_, 0) => {
                flaws.push(Flaw { stage: place, input: None, what: Wrong::NotFed });
                continue;
            }
            (Does::Join(_), _) => "two inputs",
            (Does::Union, _) => "two inputs or more",
            (_, 1) => continue,
            _ => "one input",
        };
        flaws.push(Flaw { stage: place, input: None, what: Wrong::Inputs(stage.from.len(), takes) });
    }
}

/// Each stage that feeds itself, once for all that are on its way, with the shortest way.
fn cycles(stages: &[Stage], graph: &DiGraph<(), ()>, flaws: &mut Vec<Flaw>) {
    for component in tarjan_scc(graph) {
        let Some(first) = component.iter().copied().min() else { continue };
        let ways = graph.neighbors(first).filter_map(|next| astar(graph, next, |node| node == first, |_| 1_usize, |_| 0));
        if let Some((_, way)) = ways.min() {
            let names = [first].into_iter().chain(way).map(|node| stages[node.index()].name.clone()).collect();
            flaws.push(Flaw { stage: first.index(), input: None, what: Wrong::Cycle(names) });
        }
    }
}

/// Those of which no sink is fed.
fn unused(stages: &[Stage], graph: &DiGraph<(), ()>, flaws: &mut Vec<Flaw>) {
    let mut used = vec![false; stages.len()];
    for sink in (0..stages.len()).filter(|place| matches!(stages[*place].does, Does::Sink(_))) {
        let upstream = Reversed(graph);
        let mut search = Dfs::new(upstream, NodeIndex::new(sink));
        while let Some(node) = search.next(upstream) {
            used[node.index()] = true;
        }
    }
    let idle = (0..stages.len()).filter(|place| !used[*place]);
    flaws.extend(idle.map(|stage| Flaw { stage, input: None, what: Wrong::FeedsNothing }));
}

/// What has no meaning, though all is connected.
fn meanings(stages: &[Stage], edges: &[Edge], order: &[usize], flaws: &mut Vec<Flaw>) {
    let (mut keyed, mut anew) = (vec![false; stages.len()], vec![false; stages.len()]);
    for place in order {
        let (does, mut feeding) = (&stages[*place].does, edges.iter().filter(|edge| edge.to == *place).peekable());
        let is_fed = feeding.peek().is_some();
        let (has_key, comes_anew) =
            feeding.fold((true, false), |(has_key, is_anew), edge| (has_key && keyed[edge.from], is_anew || anew[edge.from]));
        keyed[*place] = matches!(does, Does::KeyBy(_)) || is_fed && has_key;
        anew[*place] = does.tells_anew() || comes_anew;
        let mut complain = |what| flaws.push(Flaw { stage: *place, input: None, what });
        if is_fed && does.goes_by_key() && !has_key {
            complain(Wrong::NoKey);
        }
        if comes_anew && !does.takes_anew() {
            complain(Wrong::ToldAnew);
        }
        if let Does::Window(Windowing { windows: Windows::Session { .. }, lateness, .. }) = does
            && !lateness.is_zero()
        {
            complain(Wrong::LateSession);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, from: &[&str], does: Does) -> Stage {
        let from = from.iter().map(|name| (*name).to_owned()).collect();
        Stage { name: name.to_owned(), from, parallelism: 1, work: Duration::ZERO.into(), does }
    }

    fn source(name: &str) -> Stage {
        stage(name, &[], Does::Source(Input::default()))
    }

    fn map(name: &str, from: &[&str]) -> Stage {
        stage(name, from, Does::Map(Function::Add(1)))
    }

    fn sink(from: &[&str]) -> Stage {
        stage("out", from, Does::Sink(Sink::Append))
    }

    fn flaws(stages: Vec<Stage>) -> Vec<(usize, Option<usize>, String)> {
        let flaws = Graph::new(stages.clone()).err().unwrap_or_default();
        flaws.into_iter().map(|flaw| (flaw.stage, flaw.input, flaw.what.message(&stages[flaw.stage].name))).collect()
    }

    fn only(stages: Vec<Stage>, stage: usize, input: Option<usize>, message: &str) {
        assert_eq!(flaws(stages), [(stage, input, message.to_owned())]);
    }

    #[test]
    fn a_chain_is_sound() {
        let graph = Graph::new(vec![sink(&["b"]), map("b", &["a"]), map("a", &["in"]), source("in")]).expect("sound");
        assert_eq!(graph.order(), [3, 2, 1, 0]);
        assert_eq!(graph.downstream(&[1]), [0, 1]);
    }

    #[test]
    fn each_flaw_is_told_with_its_place() {
        only(vec![source("in"), sink(&["on"])], 1, Some(0), "`out` is fed by `on`, and there is no such stage");
        let dangling = flaws(vec![source("in"), map("a", &["in"]), sink(&["in"])]);
        assert_eq!(dangling, [(1, None, "what `a` tells goes nowhere".to_owned())]);
        only(
            vec![source("in"), map("a", &[]), sink(&["a"]), stage("more", &["in"], Does::Sink(Sink::Append))],
            1,
            None,
            "nothing feeds `a`",
        );
        only(vec![source("in"), source("in"), sink(&["in"])], 1, None, "two stages are called `in`");
        only(vec![source("in"), stage("all", &["in"], Does::Union), sink(&["all"])], 1, None, "`all` takes two inputs or more, found 1");
        let keyless = stage("totals", &["in"], Does::Aggregate(Fold::Sum));
        only(vec![source("in"), keyless, sink(&["totals"])], 1, None, "`totals` goes by keys, and what feeds it has none");
    }

    #[test]
    fn a_cycle_is_told_as_events_would_go() {
        let stages = vec![source("in"), stage("all", &["in", "b"], Does::Union), map("a", &["all"]), map("b", &["a"]), sink(&["b"])];
        only(stages, 1, None, "`all` feeds itself: all → a → b → all");
    }

    #[test]
    fn what_is_told_anew_is_not_counted_again() {
        let by_key = stage("by-key", &["in"], Does::KeyBy(Function::Key));
        let totals = stage("totals", &["by-key"], Does::Aggregate(Fold::Sum));
        let even = stage("even", &["totals"], Does::Filter(Predicate::MultipleOf(2)));
        let message = "`even` is fed results that are told anew, and would count each of them";
        only(vec![source("in"), by_key, totals, even, sink(&["even"])], 3, None, message);
    }
}
