//! `explain`: what a name means.

use clap::Args;

use super::Session;
use super::catalogue::{Topic, topics};
use super::exit::{Exit, Failure};
use crate::misspelling::nearest;

#[derive(Args)]
pub(super) struct Arguments {
    /// A system, field of a scenario, fault, step, target, trigger, property, mutant, model, guarantee,
    /// mark, role or kind of message
    name: String,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let topics = topics(session.registry);
    let name = arguments.name.trim();
    let exact: Vec<&Topic> = topics.iter().filter(|topic| topic.name == name).collect();
    let found = if exact.is_empty() { topics.iter().filter(|topic| topic.name.eq_ignore_ascii_case(name)).collect() } else { exact };
    if found.is_empty() {
        return Err(unknown(name, &topics, session));
    }
    let pages: Vec<String> = found.into_iter().map(page).collect();
    session.console.print(&pages.join("\n"))?;
    Ok(Exit::Held)
}

fn page(topic: &Topic) -> String {
    let mut text = format!("{}: {}\n\n  {}\n", topic.name, topic.class.singular(), topic.about);
    for (label, value) in &topic.more {
        text += &format!("\n  {label}\n");
        for line in value.lines() {
            text += &format!("    {line}\n");
        }
    }
    text
}

fn unknown(name: &str, topics: &[Topic], session: &Session<'_>) -> Failure {
    let hint = match nearest(name, topics.iter().map(|topic| topic.name.as_str())) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("`{} list` shows what there is", session.program),
    };
    Failure::new(Exit::Usage, &format!("nothing is called `{name}`: {hint}"))
}
