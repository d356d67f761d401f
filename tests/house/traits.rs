//! What users implement is shown by an example, and the compiler says in our words what is missing.

use crate::{File, demand_none, sources};

/// Public traits that users do not implement, and why: anything else needs both.
const NOT_FOR_USERS: &[(&str, &str)] = &[
    ("AnySystem", "a registry makes it of a `System`"),
    ("Audited", "the judges of Raft know their operations by it"),
    ("Brokering", "systems of brokers are ours"),
    ("Element", "elements of our models have it"),
    ("Instance", "a registry makes it of a `System`"),
    ("Keeper", "kinds of locks are ours"),
    ("KvKey", "keys of our models have it"),
    ("KvValue", "values of our models have it"),
    ("Locking", "systems of locks are ours"),
    ("Note", "all that can be shown and serialised has it"),
    ("ObjectSchema", "schemas of files are ours"),
    ("Observations", "systems of detectors are ours"),
    ("Operation", "what Raft replicates here is ours"),
    ("OfServices", "systems of services are ours"),
    ("OverRegistry", "systems over a registry are ours"),
    ("Payload", "all that can be shown and serialised has it"),
    ("Queueing", "systems of locks are ours"),
    ("RegisterLike", "schemas of files are ours"),
    ("Render", "formats of reports are ours"),
    ("Response", "what Raft replicates here is ours"),
    ("Sample", "histories of our own models are made up"),
    ("Schema", "schemas of files are ours"),
    ("Speaks", "messages of locks are ours"),
    ("Script", "systems make it of what a scenario says"),
    ("StateMachine", "what Raft replicates here is ours"),
    ("Timer", "all that is small and can be compared and shown has it"),
    ("Twin", "a second process of the command is one"),
    ("View", "a run is what observers look at"),
    ("Vocabulary", "each `Cluster` has it"),
    ("Working", "systems of supervisors are ours"),
];

#[test]
fn what_users_implement_is_shown() {
    let sources: Vec<File> = sources();
    let complaints = sources.iter().flat_map(complaints);
    let stale = NOT_FOR_USERS.iter().filter(|(name, _)| !sources.iter().any(|source| traits(source).any(|(_, found, _)| found == *name)));
    demand_none(&complaints.chain(stale.map(|(name, _)| format!("there is no trait `{name}`"))).collect::<Vec<_>>());
}

#[test]
fn a_trait_without_an_example_is_seen() {
    let bare = File::planted("src/trace/judge.rs", "/// It judges.\npub trait Judge {\n}\n");
    assert_eq!(complaints(&bare).len(), 2);
    let text = "/// It judges.\n///\n/// ```\n/// ```\n#[diagnostic::on_unimplemented(\n    note = \"\"\n)]\npub trait Judge {\n}\n";
    assert_eq!(complaints(&File::planted("src/trace/judge.rs", text)), Vec::<String>::new());
}

/// The public traits of a file: the line, the name, and what stands above it.
fn traits(source: &File) -> impl Iterator<Item = (usize, &str, String)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let found = source.text.lines().enumerate().filter_map(|(place, line)| Some((place, line.strip_prefix("pub trait ")?)));
    found.map(move |(place, rest)| {
        let name = rest.split(|character: char| !character.is_alphanumeric()).next().unwrap_or_default();
        let above = lines[..place].iter().rev().take_while(|line| !line.is_empty() && !line.starts_with(['}', '{']));
        (place + 1, name, above.copied().collect::<Vec<_>>().join("\n"))
    })
}

fn complaints(source: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, name, above) in traits(source).filter(|(_, name, _)| !NOT_FOR_USERS.iter().any(|(other, _)| other == name)) {
        if !above.contains("/// ```") {
            complaints.push(source.complaint(line, format_args!("show by an example how `{name}` is implemented")));
        }
        if !above.contains("#[diagnostic::on_unimplemented(") {
            complaints.push(source.complaint(line, format_args!("say what to do where `{name}` is not implemented")));
        }
    }
    complaints
}

/// What a service of one's own takes besides its protocol: the example has so many lines of it at most.
const GLUE_MOST: usize = 80;

#[test]
fn a_service_takes_little_glue() {
    let example = crate::file("examples/lock_service.rs");
    let glue = example.text.split_once("\n// The glue:").expect("the example says where its glue begins").1.lines().count();
    assert!(glue < GLUE_MOST, "{glue} lines");
}
