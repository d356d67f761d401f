//! A report as GitHub's workflow commands: an annotation for each thing that is wrong, at the place in the file that it is about.

use super::model::{Render, Report};
use super::suites::{CaseResult, Remark, suites};
use super::words::clean;
use crate::diagnostic::{Place, Severity};

/// `::error file=…,line=…,title=…::…` for what is violated, never seen or malformed, `::warning` for what is unknown, `::notice` for what
/// is violated as a scenario means to show. What holds is not told.
#[derive(Clone, Copy, Debug)]
pub struct GitHub;

impl Render for GitHub {
    fn render(&self, report: &Report<'_>) -> String {
        let mut text = String::new();
        for suite in suites(report) {
            for case in &suite.cases {
                let level = match case.result {
                    CaseResult::Passed => continue,
                    CaseResult::Told => "notice",
                    CaseResult::Failed | CaseResult::NeverSeen | CaseResult::Defect | CaseResult::Invalid => "error",
                    CaseResult::Unknown => "warning",
                };
                if case.remarks.is_empty() {
                    text += &command(level, &suite.file, case.place, &format!("{}: {}", suite.name, case.name), &case.text);
                }
                text.extend(case.remarks.iter().map(|remark| remarked(&suite.file, remark)));
            }
        }
        text
    }
}

fn remarked(file: &str, Remark { severity, place, message, more }: &Remark) -> String {
    let level = if *severity == Severity::Error { "error" } else { "warning" };
    command(level, file, *place, message, &[std::slice::from_ref(message), more].concat().join("\n"))
}

fn command(level: &str, file: &str, place: Place, title: &str, message: &str) -> String {
    let Place { line, column } = place;
    let column = if column > 1 { format!(",col={column}") } else { String::new() };
    format!("::{level} file={},line={line}{column},title={}::{}\n", property(file), property(title), data(message.trim_end()))
}

/// What stands behind the colons.
fn data(text: &str) -> String {
    // A carriage return is a control character, and gone by now.
    clean(text).replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property, in which colons and commas mean something, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_github_is_escaped() {
        let place = Place { line: 3, column: 7 };
        assert_eq!(
            command("error", "a,b:c%.ron", place, "one: two, 3 %\r\n", "100 %: a,\r\nb\u{1b}[1m"),
            "::error file=a%2Cb%3Ac%25.ron,line=3,col=7,title=one%3A two%2C 3 %25\\r%0A::100 %25: a,\\r%0Ab\\u{1b}[1m\n"
        );
    }
}
