//! `replay --step`: a run event by event, forward and back, on a terminal.

use std::io::{self, BufRead, IsTerminal};

use super::exit::{Exit, Failure};
use super::{Session, console};
use crate::base::{Duration, NodeId, Time};
use crate::explore::{self, Again, Course};
use crate::report::{Filter, ReplayWriter, changes_text, nodes_text};
use crate::trace::OwnedRecord;
use crate::world::NodeView;

const HELP: &str = "\
  Enter, n      the next event; n 10 goes on by ten
  p             the one before; p 10 goes back by ten
  c             on to the next event at which a breakpoint stops; r goes back to the one before
  b TEXT        a breakpoint: on a node (b n2), on messages of a kind or records of a sort (b Vote, b crash), or on text
  b             the breakpoints; d takes all of them out
  /TEXT         on to the next event with this text; ?TEXT goes back to the one before
  g T           to what happens last by then (g 2.5s); g 120 to event 120, g 0 to the first, g end to the last, g v to the violation
  s             how every node stands; s n2 how this one does
  h             this; q ends

";

/// Whether someone is there to ask.
///
/// # Errors
/// If there is no terminal.
pub(super) fn needs_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "--step goes through a run by hand: it needs a terminal, both to read from and to write to"))
}

/// Asks what to do, and does it, until that is to end.
pub(super) fn by_hand(stepper: &mut Stepper<'_>, session: &Session<'_>) -> Result<(), Failure> {
    let mut text = stepper.welcome();
    loop {
        session.console.print(&(text + "> "))?;
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) => return session.console.print("\n"),
            Ok(_) => {}
            Err(error) => return console::unless_closed(Err(error)),
        }
        match stepper.answer(line.trim()) {
            Some(answer) => text = answer,
            None => return Ok(()),
        }
    }
}

/// Where someone is who goes through a run by hand.
pub(super) struct Stepper<'r> {
    again: Again<'r>,
    course: Course,
    /// A line for each record.
    lines: Vec<String>,
    filter: Filter,
    /// When something was violated, if something was.
    violated: Option<Time>,
    /// The moment that is shown, by its place.
    place: usize,
    breakpoints: Vec<String>,
    /// How the nodes stood at moments around one that was shown, from this place on.
    near: (usize, Vec<Vec<NodeView>>),
    width: Option<usize>,
    color: bool,
}

/// How many moments are looked at together, on either side of the one that is shown: those that may be shown next.
const AROUND: usize = 16;

impl<'r> Stepper<'r> {
    /// At the first event of this run. Only what passes the filter stops it.
    pub(super) fn new(again: Again<'r>, filter: Filter, width: Option<usize>, color: bool) -> Self {
        let course = explore::course(again);
        let mut writer = ReplayWriter::new(Vec::new(), Filter::default(), width, color);
        course.recording.replay(&mut writer);
        let text = writer.into_inner();
        let lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        let violated = explore::first_violated(&course.outcome).and_then(|report| report.at);
        Self { again, course, lines, filter, violated, place: 0, breakpoints: Vec::new(), near: (0, Vec::new()), width, color }
    }

    fn welcome(&mut self) -> String {
        match self.forward(0).or_else(|| self.shown(0)) {
            Some(first) => format!("{first}  {} events · h lists the commands\n\n", self.course.moments.len()),
            None => "  nothing happens in this run\n\n".to_owned(),
        }
    }

    /// What there is to say to this command; nothing if it is to end.
    fn answer(&mut self, command: &str) -> Option<String> {
        let (word, rest) = command.split_once(' ').map_or((command, ""), |(word, rest)| (word, rest.trim()));
        let by = rest.parse::<usize>().unwrap_or(1);
        let last = self.course.moments.len().saturating_sub(1);
        let answer = match (word, rest) {
            ("q" | "quit" | "exit", _) => return None,
            ("" | "n", _) => self.many(by, true),
            ("p", _) => self.many(by, false),
            ("c", _) => self
                .find(true, |stepper, place| stepper.breaks(place))
                .unwrap_or_else(|| "  no breakpoint stops from here on\n\n".to_owned()),
            ("r", _) => {
                self.find(false, |stepper, place| stepper.breaks(place)).unwrap_or_else(|| "  no breakpoint stops before\n\n".to_owned())
            }
            ("b", "") => self.breakpoints_text(),
            ("b", text) => {
                self.breakpoints.push(text.to_owned());
                self.breakpoints_text()
            }
            ("d", _) => {
                self.breakpoints.clear();
                self.breakpoints_text()
            }
            ("g", "end") => self.shown(last).unwrap_or_default(),
            ("g", "v") => match self.violated {
                Some(at) => self.go_to(at),
                None => "  nothing is violated at a known time\n\n".to_owned(),
            },
            ("g", place) => match (place.parse::<usize>(), place.parse::<Duration>()) {
                (Ok(number), _) => self.shown(number.saturating_sub(1).min(last)).unwrap_or_default(),
                (_, Ok(at)) => self.go_to(Time::ZERO + at),
                _ => "  where to? g 2.5s, g 120, g end or g v\n\n".to_owned(),
            },
            ("s", node) => self.states(node),
            ("h" | "help", _) => HELP.to_owned(),
            _ => self.search(command).unwrap_or_else(|| format!("  there is no command {word}: h lists them\n\n")),
        };
        Some(answer)
    }

    fn search(&mut self, command: &str) -> Option<String> {
        let (on, text) = command.strip_prefix('/').map(|text| (true, text)).or_else(|| Some((false, command.strip_prefix('?')?)))?;
        let found = self.find(on, |stepper, place| stepper.has_text(place, text));
        Some(found.unwrap_or_else(|| format!("  {text} is not found {}\n\n", if on { "from here on" } else { "before" })))
    }

    /// So many events on, or back.
    fn many(&mut self, by: usize, on: bool) -> String {
        let mut text = None;
        for _ in 0..by.max(1) {
            let next = if on { self.forward(self.place + 1) } else { self.back() };
            match next {
                Some(shown) => text = Some(shown),
                None => break,
            }
        }
        text.unwrap_or_else(|| format!("  that was the {}\n\n", if on { "last event" } else { "first event" }))
    }

    /// The first event from this place on that the filter lets through.
    fn forward(&mut self, from: usize) -> Option<String> {
        let place = (from..self.course.moments.len()).find(|place| self.is_admitted(*place))?;
        self.shown(place)
    }

    fn back(&mut self) -> Option<String> {
        let place = (0..self.place).rev().find(|place| self.is_admitted(*place))?;
        self.shown(place)
    }

    fn find(&mut self, on: bool, wanted: impl Fn(&Self, usize) -> bool) -> Option<String> {
        let mut after = self.place + 1..self.course.moments.len();
        let mut before = (0..self.place).rev();
        let place = if on { after.find(|place| wanted(self, *place)) } else { before.find(|place| wanted(self, *place)) };
        self.shown(place?)
    }

    fn go_to(&mut self, at: Time) -> String {
        let place = self.course.moments.partition_point(|moment| moment.after <= at).saturating_sub(1);
        self.shown(place).unwrap_or_default()
    }

    fn records(&self, place: usize) -> &[OwnedRecord] {
        let (from, to) = self.course.moments[place].records;
        &self.course.recording.records()[from as usize..to as usize]
    }

    fn is_admitted(&self, place: usize) -> bool {
        self.records(place).iter().any(|record| self.filter.admits(&record.entry()))
    }

    fn has_text(&self, place: usize, text: &str) -> bool {
        let (from, to) = self.course.moments[place].records;
        self.lines[from as usize..to as usize].iter().any(|line| line.contains(text))
    }

    fn breaks(&self, place: usize) -> bool {
        let is_of = |wanted: &str, record: &OwnedRecord| {
            let ends = record.message.map(|(id, _)| [id.from, id.to]);
            match wanted.parse::<NodeId>() {
                Ok(node) => record.node == Some(node) || ends.is_some_and(|ends| ends.contains(&node)),
                Err(_) => record.sort == wanted || record.message.is_some_and(|(_, kind)| kind.name == wanted),
            }
        };
        let stops = |wanted: &String| {
            let is_node = wanted.parse::<NodeId>().is_ok();
            self.records(place).iter().any(|record| is_of(wanted, record)) || (!is_node && self.has_text(place, wanted))
        };
        self.breakpoints.iter().any(stops)
    }

    fn breakpoints_text(&self) -> String {
        match self.breakpoints.as_slice() {
            [] => "  there are no breakpoints\n\n".to_owned(),
            all => format!("  c stops at {}\n\n", all.join(", ")),
        }
    }

    /// The event of this place, from now on the one that is shown: its records, and what changed of the nodes.
    fn shown(&mut self, place: usize) -> Option<String> {
        let (from, to) = self.course.moments.get(place)?.records;
        self.place = place;
        let mut text = format!("  event {} of {}\n", place + 1, self.course.moments.len());
        for line in &self.lines[from as usize..to as usize] {
            text += line;
            text.push('\n');
        }
        let (width, color) = (self.width, self.color);
        let (before, now) = self.around(place);
        let changed = before.map(|before| changes_text(now, before, width, color)).unwrap_or_default();
        Some(text + &changed + "\n")
    }

    fn states(&mut self, node: &str) -> String {
        if self.course.moments.is_empty() {
            return String::new();
        }
        let (width, color) = (self.width, self.color);
        let (before, now) = self.around(self.place);
        let of = |views: &[NodeView]| -> Vec<NodeView> {
            views.iter().filter(|view| node.is_empty() || view.node.to_string() == node).cloned().collect()
        };
        let text = nodes_text(&of(now), before.map(of).as_deref(), width, color);
        if text.is_empty() { format!("  there is no node {node}\n\n") } else { text + "\n" }
    }

    /// How the nodes stood before the event of this place, if there was one before, and after it.
    fn around(&mut self, place: usize) -> (Option<&[NodeView]>, &[NodeView]) {
        let (first, known) = &self.near;
        let is_known = (*first < place || place == 0 && *first == 0) && place < first + known.len();
        if !is_known {
            let from = place.saturating_sub(AROUND);
            let to = (place + AROUND).min(self.course.moments.len());
            let wanted: Vec<u64> = self.course.moments[from..to].iter().map(|moment| moment.records.1).collect();
            self.near = (from, explore::nodes_after(self.again, &wanted));
        }
        let (first, known) = &self.near;
        let before = place.checked_sub(first + 1).map(|before| known[before].as_slice());
        (before, &known[place - first])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::systems::{Registry, Watch};

    const SCENARIO: &str = r#"Scenario(name: "steps", system: RaftKv(nodes: 3), duration: "1s")"#;

    /// The first line says which event it is.
    fn event(text: &str) -> usize {
        text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    #[test]
    fn back_is_where_it_was() {
        let scenario = Scenario::from_ron(SCENARIO, &Registry::standard()).expect("a valid scenario");
        let again = |watch: Watch<'_>| scenario.run_watched(1, watch);
        let mut stepper = Stepper::new(&again, Filter::default(), None, false);
        let mut seen = vec![stepper.shown(0).expect("something happens")];
        for _ in 0..60 {
            seen.push(stepper.answer("n").expect("it goes on"));
        }
        for expected in seen.iter().rev().skip(1) {
            assert_eq!(stepper.answer("p").as_ref(), Some(expected));
        }
        assert!(stepper.answer("p").expect("it goes on").contains("first event"));
        assert_eq!(stepper.answer("n 60").as_ref(), seen.last());
        assert_eq!(stepper.answer("q"), None);
    }

    #[test]
    fn it_stops_where_it_is_told_to() {
        let scenario = Scenario::from_ron(SCENARIO, &Registry::standard()).expect("a valid scenario");
        let again = |watch: Watch<'_>| scenario.run_watched(1, watch);
        let mut stepper = Stepper::new(&again, Filter::default(), None, false);
        let mut say = |command: &str| stepper.answer(command).expect("it goes on");
        say("b Election");
        let elected = say("c");
        assert!(elected.contains("Election") && elected.contains("▶") && elected.contains("Candidate"), "{elected}");
        let place = event(&elected);
        say("d");
        say("b n3");
        let (on, back) = (say("c"), say("r"));
        assert!(on.contains("n3") && event(&on) > place && event(&back) < event(&on), "{on}{back}");
        assert!(event(&say("/BecameLeader")) > place || event(&say("/Leader")) > place);
        assert_eq!(event(&say("g 0")), 1);
        assert!(event(&say("g 500ms")) > place);
        assert!(say("g v").contains("nothing is violated"));
        assert!(say("s n2").starts_with("  n2") && say("s").matches("timers").count() >= 3);
        assert!(say("/no such text").contains("not found") && say("x").contains("h lists them"));
    }
}
