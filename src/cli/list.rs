//! `list`: what there is.

use clap::{Args, ValueEnum as _};

use super::Session;
use super::catalogue::{Class, Topic, stem_of, topics};
use super::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct Arguments {
    /// Of what; without it, of all of these
    #[arg(value_enum)]
    what: Option<Class>,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let topics = topics(session.registry);
    let text = match arguments.what {
        Some(class) => section(class, &topics, ""),
        None => {
            let all = Class::value_variants().iter().map(|class| format!("{}\n{}", class.plural(), section(*class, &topics, "  ")));
            all.collect::<Vec<_>>().join("\n")
        }
    };
    session.console.print(&text)?;
    Ok(Exit::Held)
}

/// A name and the first sentence about it, one a line, with what it belongs to where that is not plain.
fn section(class: Class, topics: &[Topic], indent: &str) -> String {
    let all: Vec<&Topic> = topics.iter().filter(|topic| topic.class == class).collect();
    let is_numbered = |topic: &Topic| all.iter().any(|first| stem_of(&topic.name) == Some(&first.name) && first.about == topic.about);
    let chosen: Vec<&Topic> = all.iter().filter(|topic| !is_numbered(topic)).copied().collect();
    if chosen.is_empty() {
        return format!("{indent}none\n");
    }
    let width = chosen.iter().map(|topic| topic.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for topic in &chosen {
        let is_shared = chosen.iter().filter(|other| other.name == topic.name).count() > 1;
        let owners = is_shared || matches!(class, Class::Field | Class::Value | Class::Metric);
        let owners = if owners { format!(" ({})", some(&topic.owners)) } else { String::new() };
        let last = all.iter().rfind(|other| other.about == topic.about && stem_of(&other.name) == Some(&topic.name));
        let more = last.map(|last| format!("; and so to {}", last.name)).unwrap_or_default();
        text += &format!("{indent}{:width$}  {}{owners}{more}\n", topic.name, first_sentence(&topic.about));
    }
    text
}

/// The first of many.
fn some(owners: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = owners[..owners.len().min(SHOWN)].join(", ");
    if owners.len() > SHOWN { format!("{shown} and {} more", owners.len() - SHOWN) } else { shown }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..end]).trim_end_matches('.')
}
