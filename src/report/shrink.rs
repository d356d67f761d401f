//! What shrinking came to, as people read it; and the file that it ends in.

use std::path::{Path, PathBuf};

use super::explanation::explanation_line;
use super::paint::Paint;
use super::words::{clean, counted, grouped};
use super::{Invocation, as_file, quote};
use crate::base::printable;
use crate::check::PropertyReport;
use crate::explore::shrink::{Extent, Shrunk, Smaller, Without};

/// The shrunk scenario as a file, with a comment that says what it shows, how large it was, and whether it is finished.
pub fn shrunk_ron(shrunk: &Shrunk) -> String {
    let Shrunk { before, after, finished, text, .. } = shrunk;
    let was = if before == after { String::new() } else { format!("// Shrunk: {}.\n", changes(before, after)) };
    let end = if *finished { "" } else { "// It is not finished: it could be smaller, not all was tried.\n" };
    format!("// {}.\n{was}{end}{text}", printable(&violation(&shrunk.violated)))
}

/// What is violated, when, and why, in a line.
pub(super) fn violation(report: &PropertyReport) -> String {
    let at = report.at.map(|at| format!(" at {at}")).unwrap_or_default();
    let why = report.explanation.as_ref().map(|why| format!(": {}", explanation_line(why))).unwrap_or_default();
    format!("{} is violated{at}{}", report.name, why.trim_end_matches('.'))
}

/// The files that were written of it.
#[derive(Clone, Debug, Default)]
pub struct ShrunkFiles {
    /// The shrunk scenario.
    pub out: Option<PathBuf>,
    /// The shrunk failure, if failures were saved.
    pub saved: Option<PathBuf>,
    /// The other failures, in their order, if they were saved.
    pub others: Vec<Option<PathBuf>>,
}

/// What was left out, what is left, the files that were written, and the command that shows it again. A scenario that was not written to a
/// file is told whole.
pub fn shrunk_text(shrunk: &Shrunk, called: &Invocation, files: &ShrunkFiles, color: bool) -> String {
    let paint = Paint(color);
    let mut text = format!("{}\n\n", paint.bad(&format!("✗ {}", clean(&violation(&shrunk.violated)))));
    text += &format!("  {}\n", changes(&shrunk.before, &shrunk.after));
    let end = match shrunk.finished {
        true if shrunk.before == shrunk.after => "; nothing smaller was found",
        true => "",
        false => "; it could be smaller: not all was tried",
    };
    text += &format!("  {}\n", paint.faint(&format!("{}{end}", counted(shrunk.runs, "run"))));
    if !shrunk.left.is_empty() {
        let width = shrunk.left.iter().map(|left| clean(&left.part).chars().count()).max().unwrap_or(0);
        text += &format!("\n  {}\n", paint.faint("what is left, and what becomes of the run without it"));
        for left in &shrunk.left {
            let without = match left.without {
                Without::Holds => paint.good("holds"),
                Without::Violates(property) => paint.doubtful(&format!("violates {property} instead")),
                Without::FailsStill => paint.doubtful("fails all the same"),
            };
            text += &format!("    {:width$}  {without}\n", clean(&left.part));
        }
    }
    if !shrunk.others.is_empty() {
        text += &format!("\n  {}\n", paint.faint("other failures that were met on the way, and left alone"));
        for (place, other) in shrunk.others.iter().enumerate() {
            let file = files.others.get(place).and_then(|file| Some(format!(" · {}", shown(file.as_ref()?)))).unwrap_or_default();
            let (property, seed) = (other.property, other.seed);
            text += &format!("    {property}  seed {seed} of a smaller scenario · fingerprint {:016x}{file}\n", other.fingerprint);
        }
        if files.saved.is_none() {
            text += &format!("    {}\n", paint.faint("--save DIR keeps them, as files that run again"));
        }
    }
    if let Some(saved) = &files.saved {
        text += &format!("\n  the shrunk failure, as a file that runs again: {}\n", shown(saved));
    }
    match &files.out {
        Some(file) => {
            let program = quote(&called.program);
            let line = format!("{program} replay {} --seed {}", shown(file), shrunk.seed);
            text += &format!("\n  {}\n", paint.strong(&line));
        }
        None => text += &format!("\n{}", shrunk_ron(shrunk)),
    }
    text
}

/// A file as a command names it.
fn shown(file: &Path) -> String {
    quote(&as_file(&file.display().to_string())).into_owned()
}

/// The smallest so far: `2 faults, 3 operations, 1 fixed fate, 5 nodes, 61 events · 1,204 runs`.
pub fn shrinking_line(smaller: &Smaller<'_>) -> String {
    let Extent { faults, operations, fates, servers, clients, events, .. } = smaller.extent;
    let counts = [
        (faults as u64, "fault"),
        (operations, "operation"),
        (fates as u64, "fixed fate"),
        (u64::from(servers) + u64::from(clients), "node"),
        (events, "event"),
    ];
    format!("{} · {}", counts.map(|(count, noun)| counted(count, noun)).join(", "), counted(smaller.runs, "run"))
}

/// `41 faults → 2, 900 operations → 3, 5 nodes → 3, 30s → 1.2s, 16,692 events → 61`.
pub(super) fn changes(before: &Extent, after: &Extent) -> String {
    let nodes = |extent: &Extent| u64::from(extent.servers) + u64::from(extent.clients);
    let counts = [
        (before.faults as u64, after.faults as u64, "fault"),
        (before.operations, after.operations, "operation"),
        (before.fates as u64, after.fates as u64, "fixed fate"),
        (nodes(before), nodes(after), "node"),
    ];
    let told = counts.into_iter().filter(|(before, after, _)| before + after > 0);
    let mut parts: Vec<String> = told.map(|(before, after, noun)| format!("{} → {}", counted(before, noun), grouped(after))).collect();
    parts.push(format!("{} → {}", before.time, after.time));
    parts.push(format!("{} → {}", counted(before.events, "event"), grouped(after.events)));
    parts.join(", ")
}
