//! Models of one's own, by a name, as those have one that come with the crate.

use std::fmt;
use std::io::{self, Read};

use super::judge::{CheckError, CheckOptions, CheckReport, Opening, once, run_named, run_named_objects};
use super::schema::{ObjectSchema, Schema};
use crate::check::consistency::Observable;
use crate::check::model::Operation;

/// A schema with a name: what a model of one's own needs to be judged by the command `check`.
///
/// ```
/// use stormglass_check::check::model::register::{Register, RegisterOp, RegisterResult};
/// use stormglass_check::check::model::{Model, Operation};
/// use stormglass_check::check::recorded::schema::Call;
/// use stormglass_check::check::recorded::{NamedSchema, OwnModel, Schema};
/// use stormglass_check::check::{CheckOptions, Verdict};
/// use stormglass_check::history::formats::Value;
///
/// /// A lamp that is turned on and off.
/// #[derive(Clone, Default)]
/// struct Lamps;
///
/// impl Schema for Lamps {
///     type Model = Register<Value>;
///
///     fn names(&self) -> &'static [&'static str] {
///         &["turn", "look"]
///     }
///
///     fn asked(&mut self, call: Call<'_>) -> Result<RegisterOp<Value>, String> {
///         Ok(if call.f == "look" { RegisterOp::Read } else { RegisterOp::Write(call.value.clone()) })
///     }
///
///     fn answered(&mut self, op: &RegisterOp<Value>, call: Call<'_>) -> Result<RegisterResult<Value>, String> {
///         Ok(match op {
///             RegisterOp::Read => RegisterResult::Value(Some(call.value.clone())),
///             _ => RegisterResult::Written,
///         })
///     }
///
///     fn finish(self) -> Register<Value> {
///         Register::holding(Value::text("off"))
///     }
/// }
///
/// impl NamedSchema for Lamps {
///     const NAME: &'static str = "lamp";
///     const ABOUT: &'static str = "a lamp that is off at first";
///     const OPERATIONS: &'static [Operation] = &[
///         Operation { name: "turn", asked: "\"on\"", answer: "nothing" },
///         Operation { name: "look", asked: "nil", answer: "how it is" },
///     ];
/// }
///
/// let file = r#"
/// {:process 0, :type :invoke, :f :turn, :value "on"}
/// {:process 0, :type :ok, :f :turn}
/// {:process 0, :type :invoke, :f :look}
/// {:process 0, :type :ok, :f :look, :value "off"}
/// "#;
/// let report = OwnModel::of::<Lamps>().check(file.as_bytes(), &CheckOptions::default())?;
/// assert_eq!((report.model, report.verdict), ("lamp", Verdict::Violated));
/// # Ok::<(), stormglass_check::check::CheckError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no schema with a name",
    label = "`check --model` cannot find this",
    note = "implement `Schema`, which says what operations look like in files, and then `NamedSchema`; the model implements `Observable`, too"
)]
pub trait NamedSchema: Schema<Model: Observable<Op: Clone>> + Clone + Default {
    /// The name of the model: `ring-buffer`. It hides one that comes with the crate.
    const NAME: &'static str;
    /// What it is, in a line.
    const ABOUT: &'static str;
    /// What can be asked of it, and how that is written.
    const OPERATIONS: &'static [Operation];
}

/// A model of one's own.
#[derive(Clone, Copy)]
pub struct OwnModel {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What can be asked of it.
    pub operations: &'static [Operation],
    judge: fn(Opening<'_, '_>, &CheckOptions) -> Result<CheckReport, CheckError>,
}

impl OwnModel {
    /// The model of this schema. What it holds at first, the schema says.
    pub const fn of<S: NamedSchema>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            operations: S::OPERATIONS,
            judge: |open, options| run_named(S::NAME, S::default(), open, options),
        }
    }

    /// The model of this schema: of objects of which there may be several, each with a key, and which may be given what they hold at first.
    pub const fn of_objects<S: NamedSchema + ObjectSchema<Model: Observable<Op: Clone> + Clone>>() -> Self {
        let judge = |open: Opening<'_, '_>, options: &CheckOptions| run_named_objects(S::NAME, S::default(), open, options);
        Self { name: S::NAME, about: S::ABOUT, operations: S::OPERATIONS, judge }
    }

    /// Judges what this reads: see [`run_check`](super::run_check).
    ///
    /// # Errors
    /// If the input cannot be read, or if lines of it are wrong: then all of them are told.
    pub fn check(&self, input: impl Read, options: &CheckOptions) -> Result<CheckReport, CheckError> {
        once(input, options, |open, options| (self.judge)(open, options))
    }

    /// The same for what can be opened again: see [`run_check_again`](super::run_check_again).
    ///
    /// # Errors
    /// If the input cannot be opened or read, or if lines of it are wrong: then all of them are told.
    pub fn check_again<R: Read>(&self, mut open: impl FnMut() -> io::Result<R>, options: &CheckOptions) -> Result<CheckReport, CheckError> {
        (self.judge)(&mut || open().map(|input| Box::new(input) as Box<dyn Read + '_>), options)
    }
}

impl fmt::Debug for OwnModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnModel").field("name", &self.name).finish_non_exhaustive()
    }
}
