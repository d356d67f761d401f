//! `list`: what there is.

use clap::{Args, ValueEnum};

use super::Session;
use super::catalogue::{Class, Topic, topics};
use super::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct Arguments {
    /// Of what; without it, of all of these
    #[arg(value_enum)]
    what: Option<Listed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Listed {
    Systems,
    Faults,
    Properties,
    Mutants,
    Decoys,
    Models,
    Guarantees,
    Levels,
}

impl Listed {
    fn class(self) -> Class {
        match self {
            Self::Systems => Class::System,
            Self::Faults => Class::Fault,
            Self::Properties => Class::Property,
            Self::Mutants => Class::Mutant,
            Self::Decoys => Class::Decoy,
            Self::Models => Class::Model,
            Self::Guarantees => Class::Guarantee,
            Self::Levels => Class::Level,
        }
    }
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let topics = topics(session.registry);
    let wanted: Vec<Listed> =
        Listed::value_variants().iter().copied().filter(|what| arguments.what.is_none_or(|only| only == *what)).collect();
    let sections: Vec<String> = wanted.iter().map(|what| section(*what, &topics, wanted.len() > 1)).collect();
    session.console.print(&sections.join("\n"))?;
    Ok(Exit::Held)
}

/// A name and the first sentence about it, one a line. Systems may mean different things by one name: then they are told apart.
fn section(what: Listed, topics: &[Topic], titled: bool) -> String {
    let chosen: Vec<&Topic> = topics.iter().filter(|topic| topic.class == what.class()).collect();
    let width = chosen.iter().map(|topic| topic.name.chars().count()).max().unwrap_or(0);
    let (mut text, indent) = if titled { (format!("{}\n", what.class().plural()), "  ") } else { (String::new(), "") };
    if chosen.is_empty() {
        text += &format!("{indent}none\n");
    }
    for topic in &chosen {
        let is_shared = chosen.iter().filter(|other| other.name == topic.name).count() > 1;
        let owners = topic.more.iter().find(|(heading, _)| is_shared && *heading == "judged in");
        let owners = owners.map(|(_, owners)| format!(" ({owners})")).unwrap_or_default();
        text += &format!("{indent}{:width$}  {}{owners}\n", topic.name, first_sentence(&topic.about));
    }
    text
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..end]).trim_end_matches('.')
}
