//! Plans as they are written in a scenario file.

use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

use super::{Cut, Fault, FaultPlan, FaultStep, Happening, Target, Trigger};
use crate::base::{DurationRange, NodeId};

impl Display for FaultPlan {
    /// A list, one step a line.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("[]");
        }
        f.write_str("[\n")?;
        for step in &self.steps {
            writeln!(f, "        {step},")?;
        }
        f.write_str("    ]")
    }
}

impl Display for FaultStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time, fault) => write!(f, "At(\"{time}\", {fault})"),
            Self::Every(gap, fault) => write!(f, "Every(\"{gap}\", {fault})"),
            Self::When(trigger, fault) => write!(f, "When({trigger}, {fault})"),
        }
    }
}

/// `, name: "1s..2s"`, or nothing.
struct Lasting<'a>(&'static str, &'a Option<DurationRange>);

impl Display for Lasting<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.1.map_or(Ok(()), |length| write!(f, ", {}: \"{length}\"", self.0))
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition { cut, lasting: None } => write!(f, "Partition({cut})"),
            Self::Partition { cut, lasting } => write!(f, "Partition(cut: {cut}{})", Lasting("lasting", lasting)),
            Self::Heal => f.write_str("Heal"),
            Self::Crash { node, down } => write!(f, "Crash(node: {node}{})", Lasting("down", down)),
            Self::Destroy { node } => write!(f, "Destroy(node: {node})"),
            Self::Restart { node } => write!(f, "Restart(node: {node})"),
            Self::Pause { node, lasting } => write!(f, "Pause(node: {node}{})", Lasting("lasting", lasting)),
            Self::Resume { node } => write!(f, "Resume(node: {node})"),
            Self::Lose { chance, lasting } => write!(f, "Lose(chance: \"{chance}\"{})", Lasting("lasting", lasting)),
            Self::Duplicate { chance, lasting } => write!(f, "Duplicate(chance: \"{chance}\"{})", Lasting("lasting", lasting)),
            Self::Delay { by, node, lasting } => {
                write!(f, "Delay(by: \"{by}\"")?;
                if let Some(node) = node {
                    write!(f, ", node: {node}")?;
                }
                write!(f, "{})", Lasting("lasting", lasting))
            }
            Self::StallDisk { node, lasting } => write!(f, "StallDisk(node: {node}{})", Lasting("lasting", lasting)),
            Self::OneOf(faults) => write!(f, "OneOf([{}])", Commas(faults)),
        }
    }
}

impl Display for Cut {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halves => f.write_str("Halves"),
            Self::Isolate(target) => write!(f, "Isolate({target})"),
            Self::OneWay { from, to } => write!(f, "OneWay(from: {from}, to: {to})"),
            Self::Groups(groups) => {
                let groups: Vec<List<'_>> = groups.iter().map(|group| List(group)).collect();
                write!(f, "Groups([{}])", Commas(&groups))
            }
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "{node}"),
            Self::Nodes(nodes) => write!(f, "{}", List(nodes)),
            Self::Any => f.write_str("Any"),
            Self::All => f.write_str("All"),
            Self::Minority => f.write_str("Minority"),
            Self::Majority => f.write_str("Majority"),
            Self::Role(role) => f.write_str(role),
            Self::Sender => f.write_str("Sender"),
            Self::Receiver => f.write_str("Receiver"),
            Self::Subject => f.write_str("Subject"),
        }
    }
}

impl Display for Trigger {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, field) = match &self.on {
            Happening::Sent(kind) => ("Sent", Some(("kind", kind))),
            Happening::Delivered(kind) => ("Delivered", Some(("kind", kind))),
            Happening::Wrote(file) => ("Wrote", Some(("file", file))),
            Happening::Marked(mark) => ("Marked", Some(("mark", mark))),
            Happening::Synced => ("Synced", None),
            Happening::Crashed => ("Crashed", None),
            Happening::Restarted => ("Restarted", None),
        };
        let mut parts = Vec::new();
        parts.extend(field.map(|(field, value)| format!("{field}: {value:?}")));
        parts.extend(self.node.map(|node| format!("node: {node}")));
        parts.push(format!("nth: {}", self.nth));
        write!(f, "{name}({})", parts.join(", "))
    }
}

struct List<'a>(&'a [NodeId]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", Commas(self.0))
    }
}

struct Commas<'a, T>(&'a [T]);

impl<T: Display> Display for Commas<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}

macro_rules! serialize_as_written {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}
serialize_as_written!(Fault, FaultStep);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, Ratio, Time};

    #[test]
    fn plans_print_as_they_are_written() {
        let range = |text: &str| text.parse().unwrap();
        let steps = [
            FaultStep::At(
                Time::ZERO + Duration::from_secs(2),
                Fault::Partition { cut: Cut::Isolate(Target::Role("Leader")), lasting: None },
            ),
            FaultStep::At(
                Time::ZERO,
                Fault::Partition {
                    cut: Cut::Groups(vec![vec![NodeId::server(0)], vec![NodeId::server(1), NodeId::server(2)]]),
                    lasting: Some(range("1s")),
                },
            ),
            FaultStep::Every(
                range("1s..4s"),
                Fault::OneOf(vec![Fault::Heal, Fault::Crash { node: Target::Any, down: Some(range("500ms..3s")) }]),
            ),
            FaultStep::When(
                Trigger { on: Happening::Delivered("AppendEntries".to_owned()), node: None, nth: 7 },
                Fault::Lose { chance: Ratio::new(1, 2).unwrap(), lasting: None },
            ),
        ];
        let text: Vec<String> = steps.iter().map(FaultStep::to_string).collect();
        assert_eq!(
            text,
            [
                r#"At("2s", Partition(Isolate(Leader)))"#,
                r#"At("0s", Partition(cut: Groups([[n1], [n2, n3]]), lasting: "1s"))"#,
                r#"Every("1s..4s", OneOf([Heal, Crash(node: Any, down: "500ms..3s")]))"#,
                r#"When(Delivered(kind: "AppendEntries", nth: 7), Lose(chance: "1/2"))"#,
            ]
        );
    }
}
