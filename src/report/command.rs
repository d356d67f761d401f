//! The command that shows a run again.

use std::borrow::Cow;

use crate::base::printable;
use crate::explore::DETERMINISTIC;
use crate::scenario::Aims;
use crate::world::Outcome;

/// How the command was called: what its own replay lines are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The name of the binary.
    pub program: String,
    /// The scenario's file.
    pub file: String,
    /// The values that were set: `system.nodes=7`.
    pub settings: Vec<String>,
    /// Where the file says what it is to show.
    pub aims: Aims,
    /// Whether what counts is that the scenario's outcome came true.
    pub as_meant: bool,
    /// Whether a sweep goes on after a violation.
    pub keep_going: bool,
}

impl Invocation {
    /// This program, called with a scenario's file and no options.
    pub fn new(program: &str, file: &str) -> Self {
        let (program, file) = (program.to_owned(), file.to_owned());
        Self { program, file, settings: Vec::new(), aims: Aims::default(), as_meant: false, keep_going: false }
    }

    /// The command that shows the run of this seed again.
    ///
    /// ```
    /// use stormglass::report::Invocation;
    ///
    /// let settings = vec!["duration=5s".to_owned(), "name=a calm day".to_owned()];
    /// let called = Invocation { settings, ..Invocation::new("stormglass", "storm.ron") };
    /// assert_eq!(called.replay(7), "stormglass replay storm.ron --seed 7 --set duration=5s --set 'name=a calm day'");
    /// ```
    pub fn replay(&self, seed: u64) -> String {
        self.command("replay", seed, "")
    }

    /// The command that shows this run again: of two runs that differ, the one that runs twice.
    pub fn again(&self, outcome: &Outcome) -> String {
        if outcome.violates(DETERMINISTIC.name) { self.verify(outcome.seed) } else { self.replay(outcome.seed) }
    }

    /// The command that shows again how this seed violated a property: by a second run, if it is that of two runs that differ.
    pub(super) fn shows(&self, property: &str, seed: u64) -> String {
        if property == DETERMINISTIC.name { self.verify(seed) } else { self.replay(seed) }
    }

    /// The command that runs this seed twice and compares.
    pub fn verify(&self, seed: u64) -> String {
        self.command("run", seed, " --verify")
    }

    /// The command that looks at these seeds.
    pub(super) fn sweep(&self, start: u64, seeds: u64) -> String {
        let options = [(self.keep_going, " --keep-going"), (self.as_meant, " --as-meant")];
        let options: String = options.into_iter().filter_map(|(given, option)| given.then_some(option)).collect();
        self.line("sweep", &format!("--start {start} --seeds {seeds}")) + &options
    }

    fn command(&self, verb: &str, seed: u64, last: &str) -> String {
        self.line(verb, &format!("--seed {seed}")) + last
    }

    fn line(&self, verb: &str, seeds: &str) -> String {
        let mut line = format!("{} {verb} {} {seeds}", quote(&self.program), quote(&as_file(&self.file)));
        for setting in &self.settings {
            line += &format!(" --set {}", quote(setting));
        }
        line
    }
}

/// A file that looks like an option must not be taken for one.
pub fn as_file(file: &str) -> Cow<'_, str> {
    if file.starts_with('-') { format!("./{file}").into() } else { file.into() }
}

/// The word as a shell takes it: in single quotes, if it has anything in it that a shell might not take as it is, and as
/// `$'…'`, which Bash, Zsh and POSIX of 2024 know, if it cannot be shown as it is.
pub fn quote(word: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter.is_alphanumeric() || "_-./=:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else if printable(word) == word {
        format!("'{}'", word.replace('\'', r"'\''")).into()
    } else {
        format!("$'{}'", word.chars().map(in_dollar_quotes).collect::<String>()).into()
    }
}

/// A character as it stands between `$'` and `'`.
fn in_dollar_quotes(letter: char) -> String {
    let mut bytes = [0; 4];
    match letter {
        '\'' | '\\' => format!("\\{letter}"),
        _ if printable(letter.encode_utf8(&mut bytes)) == letter.to_string() => letter.to_string(),
        _ => letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:03o}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_needed() {
        for (word, expected) in [
            ("storm.ron", "storm.ron"),
            ("größe=5", "größe=5"),
            ("a b", "'a b'"),
            ("faults[0]=Crash(node: n1)", "'faults[0]=Crash(node: n1)'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~/x", "'~/x'"),
            ("", "''"),
            ("h\n0: it's.edn", r"$'h\0120: it\'s.edn'"),
            ("a\u{202e}b", r"$'a\342\200\256b'"),
        ] {
            assert_eq!(quote(word), expected);
        }
    }

    #[test]
    fn a_file_that_looks_like_an_option() {
        let called = Invocation::new("my tool", "-x.ron");
        assert_eq!(called.verify(3), "'my tool' run ./-x.ron --seed 3 --verify");
    }
}
