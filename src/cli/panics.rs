//! Panics within runs are findings: they are not printed, and the place where they arose is reported with the finding.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::base;
use crate::check::{self, Explanation};
use crate::world::{JUDGE_PANICKED, Outcome};

thread_local! {
    /// Within a run: where the last panic arose, if one did.
    static RUN: RefCell<Option<PanicPlace>> = const { RefCell::new(None) };
}

/// A file and a line, once there is one.
type PanicPlace = Option<(String, u32)>;

/// Keeps panics within runs quiet, for the rest of the process. Others are reported as before.
pub(super) fn take_over() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let within_run =
            RUN.with_borrow_mut(|run| run.as_mut().map(|place| *place = panic.location().map(|at| (at.file().to_owned(), at.line()))));
        if within_run.is_none() {
            before(panic);
        }
    }));
}

/// Does one run. If a node's code or a judge panicked, the outcome says where; a panic out of the run goes on, and says where it arose. So
/// does one of a judge that arose in our own code: that is a defect, and no finding of the user's.
pub(super) fn watched(run: impl FnOnce() -> Outcome) -> Outcome {
    RUN.set(Some(None));
    let result = catch_unwind(AssertUnwindSafe(run));
    let place = RUN.take().flatten();
    match (result, place) {
        (Ok(outcome), Some(place)) => match judge_panic(&outcome).filter(|_| is_ours(&place.0)) {
            Some(message) => resume_unwind(Box::new(format!("{message}, at {}:{}", place.0, place.1))),
            None => with_place(outcome, place),
        },
        (Ok(outcome), None) => outcome,
        (Err(panic), place) => {
            let place = place.map(|(file, line)| format!(", at {file}:{line}")).unwrap_or_default();
            resume_unwind(Box::new(message(panic.as_ref()) + &place))
        }
    }
}

/// What the judge said that panicked, if one did.
fn judge_panic(outcome: &Outcome) -> Option<String> {
    outcome.properties.iter().filter(|report| report.name == JUDGE_PANICKED.name).find_map(|report| match &report.explanation {
        Some(Explanation::Panic(panic)) => Some(panic.message.clone()),
        _ => None,
    })
}

/// Whether this file is a source of Stormglass.
fn is_ours(file: &str) -> bool {
    let own = [(file!(), "cli/panics.rs"), (check::SOURCE, "check/mod.rs"), (base::SOURCE, "base/mod.rs")];
    let folders = own.map(|(file, place)| file.strip_suffix(place));
    folders.into_iter().flatten().any(|folder| file.starts_with(folder))
}

fn with_place(mut outcome: Outcome, place: (String, u32)) -> Outcome {
    for property in &mut outcome.properties {
        if let Some(Explanation::Panic(panic)) = &mut property.explanation {
            panic.place = Some(place.clone());
        }
    }
    outcome
}

/// What a panic said.
pub(super) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
