//! A report as JUnit XML, as Jenkins and most other CI systems read it.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::model::{Render, Report};
use super::suites::{Case, CaseResult, Suite, suites};
use super::words::clean;

/// A suite for each scenario or history, a case for each property. What is violated or was never seen is a `failure`, what is unknown or
/// makes no sense an `error`; what is violated as a scenario means to show has passed, and stands in `system-out`.
///
/// No time is told: that of a simulation is not what anybody waited.
#[derive(Clone, Copy, Debug)]
pub struct JUnit;

impl Render for JUnit {
    fn render(&self, report: &Report<'_>) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        document(&mut writer, &suites(report)).expect("memory takes whatever is written");
        String::from_utf8(writer.into_inner()).expect("what is written is text") + "\n"
    }
}

type Xml = Writer<Vec<u8>>;

fn document(xml: &mut Xml, suites: &[Suite]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let element = xml.create_element("testsuites").with_attribute(("name", "stormglass"));
    let counts = counts(cases());
    let element = element.with_attributes([("tests", &*counts[0]), ("failures", &counts[1]), ("errors", &counts[2])]);
    element.write_inner_content(|xml| suites.iter().try_for_each(|suite| write_suite(xml, suite)))?;
    Ok(())
}

/// How many cases there are, how many failed, and how many are errors.
fn counts<'c>(cases: impl Iterator<Item = &'c Case> + Clone) -> [String; 3] {
    let of = |results: &[CaseResult]| cases.clone().filter(|case| results.contains(&case.result)).count().to_string();
    let failed = of(&[CaseResult::Failed, CaseResult::NeverSeen]);
    [cases.clone().count().to_string(), failed, of(&[CaseResult::Unknown, CaseResult::Defect, CaseResult::Invalid])]
}

fn write_suite(xml: &mut Xml, suite: &Suite) -> io::Result<()> {
    let [tests, failures, errors] = counts(suite.cases.iter());
    let element = xml.create_element("testsuite").with_attribute(("name", &*in_a_line(&suite.name)));
    let element = element.with_attributes([("tests", &*tests), ("failures", &failures), ("errors", &errors), ("skipped", "0")]);
    let element = element.with_attribute(("file", &*in_a_line(&suite.file)));
    element.write_inner_content(|xml| {
        if !suite.facts.is_empty() {
            xml.create_element("properties").write_inner_content(|xml| {
                suite.facts.iter().try_for_each(|(name, value)| {
                    let element = xml.create_element("property").with_attributes([("name", *name), ("value", &in_a_line(value))]);
                    element.write_empty().map(|_| ())
                })
            })?;
        }
        suite.cases.iter().try_for_each(|case| write_case(xml, suite, case))
    })?;
    Ok(())
}

fn write_case(xml: &mut Xml, suite: &Suite, case: &Case) -> io::Result<()> {
    let element = xml.create_element("testcase");
    let element = element.with_attributes([("name", &*in_a_line(&case.name)), ("classname", &in_a_line(&suite.name))]);
    let title = in_a_line(&case.title);
    let kind = match case.result {
        CaseResult::Passed => return element.write_empty().map(|_| ()),
        CaseResult::Told => return element.write_inner_content(|xml| text(xml.create_element("system-out"), &case.text)).map(|_| ()),
        CaseResult::Failed => ("failure", "violated"),
        CaseResult::NeverSeen => ("failure", "never-seen"),
        CaseResult::Unknown => ("error", "unknown"),
        CaseResult::Defect => ("error", "defect"),
        CaseResult::Invalid => ("error", "invalid"),
    };
    let (name, kind) = kind;
    element.write_inner_content(|xml| text(xml.create_element(name).with_attributes([("type", kind), ("message", &title)]), &case.text))?;
    Ok(())
}

fn text(element: quick_xml::writer::ElementWriter<'_, Vec<u8>>, words: &str) -> io::Result<()> {
    element.write_text_content(BytesText::new(&in_xml(words))).map(|_| ())
}

/// Without what XML cannot have, even escaped.
fn in_xml(text: &str) -> String {
    clean(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn in_a_line(text: &str) -> String {
    in_xml(text).replace('\n', " ")
}
