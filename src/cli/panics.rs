//! Panics within runs are findings: they are not printed, and the place where they arose is reported with the finding.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::check::Explanation;
use crate::world::Outcome;

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

/// Does one run. If a node's code panicked, the outcome says where; a panic out of the run goes on, and says where it arose.
pub(super) fn watched(run: impl FnOnce() -> Outcome) -> Outcome {
    RUN.set(Some(None));
    let result = catch_unwind(AssertUnwindSafe(run));
    let place = RUN.take().flatten();
    match (result, place) {
        (Ok(outcome), Some(place)) => with_place(outcome, place),
        (Ok(outcome), None) => outcome,
        (Err(panic), place) => {
            let place = place.map(|(file, line)| format!(", at {file}:{line}")).unwrap_or_default();
            resume_unwind(Box::new(message(panic.as_ref()) + &place))
        }
    }
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
