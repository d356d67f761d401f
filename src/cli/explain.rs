//! `explain`: what a name means.

use std::path::PathBuf;

use clap::Args;

use super::Session;
use super::catalogue::{Class, Topic, at_path, topics};
use super::exit::{Exit, Failure};
use super::input::Input;
use crate::base::{Duration, NodeId};
use crate::misspelling::nearest;

#[derive(Args)]
pub(super) struct Arguments {
    /// Anything that `list` names: a system, field, value, fault, step, target, trigger, mark, role, kind
    /// of message, property, mutant, model, guarantee, level or exit code; or a path as `--set` takes it
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// A scenario: of a property that bounds a time it is told what the settings of that come to
    #[arg(long, value_name = "SCENARIO")]
    within: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let mut topics = topics(session.registry);
    if let Some(file) = &arguments.within {
        let (scenario, _) = Input::of(file).load(session)?;
        for (property, bound) in scenario.promises() {
            let bound = Duration::from_millis(bound.as_nanos() / 1_000_000);
            let promised = topics.iter_mut().filter(|topic| topic.class == Class::Property && topic.name == property);
            promised.for_each(|topic| topic.more.push(("promised by this scenario", format!("within {bound}"))));
        }
    }
    let (mut pages, mut unknown) = (Vec::new(), String::new());
    for name in arguments.names.iter().map(|name| name.trim()) {
        let called: Vec<Topic> = topics.iter().filter(|topic| topic.name.eq_ignore_ascii_case(any_node(name))).cloned().collect();
        let found = if called.is_empty() { at_path(name, session.registry) } else { Ok(called) };
        match found {
            Ok(found) => pages.extend(found.iter().map(page)),
            Err(near) => unknown += &self::unknown(name, near, &topics, session).text,
        }
    }
    session.console.print(&pages.join("\n"))?;
    if unknown.is_empty() { Ok(Exit::Held) } else { Err(Failure { exit: Exit::Usage, text: unknown }) }
}

/// The name that stands for all of its kind, if it is a node's.
fn any_node(name: &str) -> &str {
    match name.parse::<NodeId>() {
        Ok(node) if node.is_client() => "c1",
        Ok(_) => "n1",
        Err(_) => name,
    }
}

fn page(topic: &Topic) -> String {
    let mut text = format!("{}: {}\n\n  {}\n", topic.name, topic.what, topic.about);
    for (label, value) in &topic.more {
        text += &format!("\n  {label}\n");
        for line in value.lines() {
            text += &format!("    {line}\n");
        }
    }
    text
}

fn unknown(name: &str, near: Option<String>, topics: &[Topic], session: &Session<'_>) -> Failure {
    let hint = match near.as_deref().or_else(|| nearest(name, topics.iter().map(|topic| topic.name.as_str()))) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("`{} list` shows what there is", session.program),
    };
    Failure::new(Exit::Usage, &format!("nothing is called `{name}`: {hint}"))
}
