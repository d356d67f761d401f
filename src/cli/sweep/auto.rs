//! `--shard auto`: which shard this is, by what the engine that distributes them says in the environment.

use std::str::FromStr;

use crate::explore::Shard;

/// What `--shard` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhichShard {
    /// This one.
    This(Shard),
    /// The one that the environment names.
    Auto,
}

impl FromStr for WhichShard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::This).map_err(|error| format!("{error}; or auto")),
        }
    }
}

impl WhichShard {
    /// The shard, if need be by the environment.
    ///
    /// # Errors
    /// If it is to be found there, and does not stand there.
    #[expect(clippy::disallowed_methods, reason = "it decides which seeds are run, and reaches no run")]
    pub(super) fn resolve(self) -> Result<Shard, String> {
        match self {
            Self::This(shard) => Ok(shard),
            Self::Auto => auto(&|name| std::env::var(name).ok()),
        }
    }
}

/// An engine that starts one program many times.
struct Engine {
    name: &'static str,
    /// The variable that tells which of them this is.
    index: &'static str,
    shard: fn(&Variables<'_>) -> Result<Shard, String>,
}

const ENGINES: [Engine; 3] = [
    Engine { name: "Slurm", index: "SLURM_ARRAY_TASK_ID", shard: of_slurm },
    Engine {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        shard: |variables| counted(variables, "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    },
    Engine {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        shard: |variables| counted(variables, "JOB_COMPLETION_INDEX", "STORMGLASS_SHARDS"),
    },
];

/// The environment.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    fn number(&self, name: &str) -> Result<u64, String> {
        let text = (self.0)(name).ok_or_else(|| format!("{name} is not set"))?;
        text.parse().map_err(|_| format!("{name} is no number: {text:?}"))
    }
}

fn auto(variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, String> {
    let found: Vec<&Engine> = ENGINES.iter().filter(|engine| variable(engine.index).is_some()).collect();
    match found[..] {
        [engine] => (engine.shard)(&Variables(variable)).map_err(|why| format!("{}: {why}", engine.name)),
        [] => {
            let known: Vec<String> = ENGINES.iter().map(|engine| format!("{} ({})", engine.index, engine.name)).collect();
            Err(format!("none of these is set: {}; give the shard as I/N", known.join(", ")))
        }
        _ => {
            let set: Vec<String> = found.iter().map(|engine| format!("{} ({})", engine.index, engine.name)).collect();
            Err(format!("several are set: {}; give the shard as I/N", set.join(", ")))
        }
    }
}

/// A task of an array: the first has the lowest number, and each other is so many further. Where some are left out nothing says which.
fn of_slurm(variables: &Variables<'_>) -> Result<Shard, String> {
    let [id, min, max, step, count] =
        ["ID", "MIN", "MAX", "STEP", "COUNT"].map(|which| variables.number(&format!("SLURM_ARRAY_TASK_{which}")));
    let (id, min, max, step, count) = (id?, min?, max?, step?.max(1), count?);
    let place = |id: u64| id.checked_sub(min).filter(|distance| distance.is_multiple_of(step)).map(|distance| distance / step + 1);
    let shard = place(id).filter(|_| place(max) == Some(count)).and_then(|index| Shard::new(index, count));
    shard.ok_or_else(|| {
        format!("its array of {count} tasks from {min} to {max} has holes, or too many tasks: submit one like --array=1-{count}")
    })
}

/// One of so many, counted from 0.
fn counted(variables: &Variables<'_>, index: &str, count: &str) -> Result<Shard, String> {
    let (from_zero, of) = (variables.number(index)?, variables.number(count)?);
    let shard = from_zero.checked_add(1).and_then(|index| Shard::new(index, of));
    shard.ok_or_else(|| format!("there is no shard for {index}={from_zero} of {count}={of}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &str, expected: Result<&str, &str>) {
        let variable =
            |name: &str| variables.split(' ').find_map(|variable| Some(variable.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
        let found = auto(&variable).map(|shard| shard.to_string());
        assert_eq!(found.as_ref().map(String::as_str).map_err(String::as_str), expected, "{variables}");
    }

    fn slurm(id: u64, min: u64, max: u64, step: u64, count: u64) -> String {
        format!(
            "SLURM_ARRAY_TASK_ID={id} SLURM_ARRAY_TASK_MIN={min} SLURM_ARRAY_TASK_MAX={max} SLURM_ARRAY_TASK_STEP={step} SLURM_ARRAY_TASK_COUNT={count}"
        )
    }

    #[test]
    fn a_task_of_slurm() {
        check(&slurm(1, 1, 8, 1, 8), Ok("1/8"));
        check(&slurm(8, 1, 8, 1, 8), Ok("8/8"));
        check(&slurm(0, 0, 15, 1, 16), Ok("1/16"));
        check(&slurm(7, 1, 7, 2, 4), Ok("4/4"));
        check(&slurm(5, 5, 5, 1, 1), Ok("1/1"));
        // 1,3,4 and 1,2,7: each task is refused, not only those that would lie outside.
        let holes = Err("Slurm: its array of 3 tasks from 1 to 4 has holes, or too many tasks: submit one like --array=1-3");
        [1, 3, 4].iter().for_each(|id| check(&slurm(*id, 1, 4, 1, 3), holes));
        [1, 3, 4].iter().for_each(|id| check(&slurm(*id, 1, 4, 2, 3), holes));
        check("SLURM_ARRAY_TASK_ID=1", Err("Slurm: SLURM_ARRAY_TASK_MIN is not set"));
    }

    #[test]
    fn a_job_of_aws_batch_and_of_kubernetes() {
        check("AWS_BATCH_JOB_ARRAY_INDEX=0 AWS_BATCH_JOB_ARRAY_SIZE=10", Ok("1/10"));
        check("AWS_BATCH_JOB_ARRAY_INDEX=9 AWS_BATCH_JOB_ARRAY_SIZE=10", Ok("10/10"));
        check(
            "AWS_BATCH_JOB_ARRAY_INDEX=10 AWS_BATCH_JOB_ARRAY_SIZE=10",
            Err("AWS Batch: there is no shard for AWS_BATCH_JOB_ARRAY_INDEX=10 of AWS_BATCH_JOB_ARRAY_SIZE=10"),
        );
        check("JOB_COMPLETION_INDEX=3 STORMGLASS_SHARDS=4", Ok("4/4"));
        check("JOB_COMPLETION_INDEX=3", Err("Kubernetes: STORMGLASS_SHARDS is not set"));
        check("JOB_COMPLETION_INDEX=x STORMGLASS_SHARDS=4", Err("Kubernetes: JOB_COMPLETION_INDEX is no number: \"x\""));
    }

    #[test]
    fn none_or_several() {
        check(
            "STORMGLASS_SHARDS=4",
            Err(
                "none of these is set: SLURM_ARRAY_TASK_ID (Slurm), AWS_BATCH_JOB_ARRAY_INDEX (AWS Batch), JOB_COMPLETION_INDEX (Kubernetes); give the shard as I/N",
            ),
        );
        check(
            "JOB_COMPLETION_INDEX=0 STORMGLASS_SHARDS=4 SLURM_ARRAY_TASK_ID=3",
            Err("several are set: SLURM_ARRAY_TASK_ID (Slurm), JOB_COMPLETION_INDEX (Kubernetes); give the shard as I/N"),
        );
        assert_eq!("auto".parse(), Ok(WhichShard::Auto));
        assert_eq!("3/8".parse(), Ok(WhichShard::This(Shard::new(3, 8).unwrap())));
        assert!("8".parse::<WhichShard>().is_err());
    }
}
