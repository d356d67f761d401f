//! Sweeps that are killed and go on, and that run in shards: what comes of them is what one uninterrupted sweep comes to.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::{Desk, done};

/// A sweep that is killed at this many moments, and told to go on each time with another number of workers, comes to the file and the
/// summary of one that was not. The moments are places in the file, and each lies somewhere in a row.
fn killed(times: u64) {
    let desk = Desk::new();
    desk.scenario("some.ron", "system: Toy(trouble: Violate, odds: 40), expect: [Sometimes(\"asked twice\")]");
    let seeds = (times * 40).max(600).to_string();
    let sweep = ["sweep", "some.ron", "--seeds", &seeds, "--keep-going"];
    let whole = desk.expect(1, &[&sweep[..], &["--out", "whole.jsonl"]].concat());
    let expected = fs::read(desk.path("whole.jsonl")).unwrap();
    let (mut killed, mut random) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    let path = desk.path("killed.jsonl");
    let going_on =
        |jobs: &str| desk.command(&[&sweep[..], &["--out", "killed.jsonl", "--resume", "--jobs", jobs]].concat()).spawn().unwrap();
    for kill in 0..times {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (step, length) = (expected.len() as u64 / times, fs::metadata(&path).map_or(0, |file| file.len()));
        let until = (kill * step + (random >> 33) % step).max(length);
        let mut child = going_on(["1", "2", "3"][kill as usize % 3]);
        crate::wait_until(|| child.try_wait().unwrap().is_some() || fs::metadata(&path).is_ok_and(|file| file.len() > until));
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let found = fs::read(&path).unwrap();
        assert!(expected.starts_with(&found), "after {kill} kills the file is a part of that of one sweep");
        // A line that is torn, whatever tears it.
        if kill % 2 == 0 && !found.is_empty() {
            let torn = found.len() - (random >> 40) as usize % found.len().min(2_000);
            fs::write(&path, &found[..torn]).unwrap();
        }
    }
    assert!(killed * 2 > times, "most were killed before they came to their end: {killed} of {times}");
    let last = done(going_on("2"));
    assert_eq!((last.code, &last.out), (Some(1), &whole.out));
    assert!(fs::read(&path).unwrap() == expected, "the files are the same");
}

#[test]
fn a_sweep_that_is_killed_goes_on() {
    killed(5);
}

/// `cargo test --test cli a_hundred_times -- --ignored`
#[test]
#[ignore = "it takes minutes; five times are tried in each run of the tests"]
fn a_sweep_that_is_killed_a_hundred_times_goes_on() {
    killed(100);
}

/// Where the rows that are there end the sweep nothing is run, and the same is told. A file that is not there, or has no whole header, is
/// begun.
#[test]
fn a_sweep_that_has_ended_is_told_again() {
    let desk = Desk::new();
    for (trouble, more, code) in
        [("Violate", &[][..], 1), ("Violate", &["--keep-going"], 1), ("Calm", &[], 0), ("Unknown", &[], 4), ("Defect", &[], 70)]
    {
        desk.scenario("some.ron", &format!("system: Toy(trouble: {trouble}, odds: 5)"));
        let sweep = [&["sweep", "some.ron", "--seeds", "20", "--out", "rows.jsonl"], more].concat();
        let first = desk.expect(code, &sweep).out;
        let rows = fs::read(desk.path("rows.jsonl")).unwrap();
        let resume = [&sweep[..], &["--resume"]].concat();
        let again = desk.expect(code, &resume);
        assert_eq!(again.out, first);
        let had = desk.rows("rows.jsonl").len();
        assert_eq!(again.err, format!("{had} of 20 seeds have a row already\n"));
        for beginning in [Some(&b""[..]), Some(&rows[..9]), Some(&rows[..60]), None] {
            match beginning {
                Some(bytes) => fs::write(desk.path("rows.jsonl"), bytes).unwrap(),
                None => fs::remove_file(desk.path("rows.jsonl")).unwrap(),
            }
            assert_eq!(desk.expect(code, &resume).out, first);
            assert!(fs::read(desk.path("rows.jsonl")).unwrap() == rows);
        }
    }
}

/// What is not of this sweep is left alone, and it is said in what it differs.
#[test]
fn another_sweep_does_not_go_on() {
    let desk = Desk::new();
    desk.scenario("some.ron", "system: Toy()");
    let sweep = |more: &[&str]| desk.run(&[&["sweep", "some.ron", "--out", "rows.jsonl"], more].concat());
    assert_eq!(sweep(&["--seeds", "20", "--shard", "1/2"]).code, Some(0));
    let rows = fs::read_to_string(desk.path("rows.jsonl")).unwrap();
    let all = ["--seeds", "20", "--shard", "1/2", "--resume"];
    for (more, differs) in [
        (&["--seeds", "21", "--shard", "1/2", "--resume"][..], "--seeds is 20 there, and 21 here"),
        (&["--seeds", "20", "--shard", "2/2", "--resume"], "--shard is 1/2 there, and 2/2 here"),
        (&["--seeds", "20", "--resume"], "--shard is 1/2 there, and not given here"),
        (&[&all[..], &["--start", "1"]].concat(), "--start is 0 there, and 1 here"),
        (&[&all[..], &["--keep-going"]].concat(), "--keep-going is not given there, and given here"),
        (&[&all[..], &["--as-meant"]].concat(), "--as-meant is not given there, and given here"),
        (&[&all[..], &["--verify"]].concat(), "--verify is not given there, and given here"),
        (&[&all[..], &["--set", "system.odds=3"]].concat(), "--set is not given there, and system.odds=3 here"),
    ] {
        let done = sweep(more);
        let told = format!("error: rows.jsonl has rows of another sweep: {differs}\n");
        assert_eq!((done.code, done.err.as_str(), done.out.as_str()), (Some(3), &*told, ""), "{more:?}");
    }
    desk.scenario("some.ron", "system: Toy(), seed: 3");
    assert!(sweep(&all).err.contains("the digest of the scenario is "));
    desk.scenario("some.ron", "system: Toy()");
    for (text, told) in [
        (rows.replace("{\"seed\":3,", "{\"seed\":4,"), "rows.jsonl:5: the row of seed 4 stands where that of seed 3 is due"),
        (rows.replacen("\"verdict\":\"holds\"", "\"verdict\":\"well\"", 1), "rows.jsonl:2: unknown variant `well`"),
        (format!("{rows}{}\n", rows.lines().last().unwrap()), "rows.jsonl:12: a row of seed 9 stands behind the last one"),
        (rows.replacen("\"schema\":2", "\"schema\":3", 1), "rows.jsonl:1: its rows are of schema 3, and those of this version"),
        (rows.replacen("a toy", "a joy", 1), "the name of the scenario is \"a joy\" there, and \"a toy\" here"),
        (rows.replace("Toy", "Tey"), "rows.jsonl:1: in the header: `scenario_digest` is not that of `text`"),
        (rows.lines().skip(1).map(|line| line.to_owned() + "\n").collect(), "rows.jsonl:1: there is no header"),
        ("notes".to_owned(), "rows.jsonl:1: there is no header: it is no file of rows"),
    ] {
        fs::write(desk.path("rows.jsonl"), &text).unwrap();
        let done = sweep(&all);
        assert!(done.code == Some(3) && done.err.contains(told), "{told}: {:?}: {}", done.code, done.err);
        assert_eq!(fs::read_to_string(desk.path("rows.jsonl")).unwrap(), text, "it is left as it was");
    }
    let done = desk.expect(2, &["sweep", "some.ron", "--seeds", "3", "--resume", "--out", "/dev/null"]);
    assert_eq!(done.err, "error: --resume: /dev/null is no plain file\n");
    assert_eq!(desk.run(&["sweep", "some.ron", "--seeds", "3", "--resume"]).code, Some(2), "without --out there is nothing to go on with");
}

#[cfg(unix)]
#[test]
fn no_two_processes_write_one_file() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let mut child = desk.command(&["sweep", "calm.ron", "--seeds", "100000000", "--out", "rows.jsonl"]).spawn().unwrap();
    crate::wait_until(|| fs::metadata(desk.path("rows.jsonl")).is_ok_and(|file| file.len() > 2_000));
    for more in [&["--resume"][..], &[]] {
        let done = desk.expect(74, &[&["sweep", "calm.ron", "--seeds", "100000000", "--out", "rows.jsonl"], more].concat());
        assert_eq!(done.err, "error: cannot write rows.jsonl: another process is writing it\n");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::metadata(desk.path("rows.jsonl")).unwrap().len() > 2_000);
}

/// Runs a sweep in so many shards, and returns their files.
fn shards(desk: &Desk, sweep: &[&str], count: u64) -> Vec<String> {
    let run = |index| {
        let (shard, name) = (format!("{index}/{count}"), format!("shard-{index}.jsonl"));
        let done = desk.run(&[sweep, &["--shard", &shard, "--out", &name]].concat());
        assert_ne!(done.code, Some(5), "no shard judges what all are to see");
        assert!(done.code.is_some_and(|code| code != 2 && code != 74), "{}", done.err);
        name
    };
    (1..=count).map(run).collect()
}

/// Shards that are put together are one sweep, row for row and word for word, whatever it comes to.
#[test]
fn shards_are_one_sweep() {
    let desk = Desk::new();
    for (fields, more, count) in [
        ("system: Toy(trouble: Violate, odds: 9)", &["--keep-going"][..], 3),
        ("system: Toy(trouble: Violate, odds: 9)", &[], 4),
        ("system: Toy(trouble: Violate, odds: 9), outcome: Violates(\"nothing-bad\")", &["--keep-going", "--as-meant"], 2),
        ("system: Toy(trouble: Violate, odds: 9), outcome: Violates(\"progress\")", &["--as-meant", "--keep-going"], 2),
        ("system: Toy(), outcome: Violates(\"nothing-bad\")", &["--as-meant"], 3),
        ("system: Toy(trouble: Unknown, odds: 5), expect: [Sometimes(\"never\")]", &["--start", "7"], 5),
        ("system: Toy(trouble: Defect, odds: 5)", &["--verify"], 1),
    ] {
        desk.scenario("some.ron", fields);
        let sweep = [&["sweep", "some.ron", "--seeds", "31"], more].concat();
        let one = desk.run(&[&sweep[..], &["--out", "one.jsonl", "--format", "json"]].concat());
        let mut files = shards(&desk, &sweep, count);
        files.reverse();
        let merge = [&["merge", "--out", "all.jsonl"], &files.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat();
        let merged = desk.run(&[&merge[..], &["--format", "json"]].concat());
        assert_eq!((merged.code, &merged.out, merged.err.as_str()), (one.code, &one.out, ""), "{fields} {more:?}");
        assert!(fs::read(desk.path("all.jsonl")).unwrap() == fs::read(desk.path("one.jsonl")).unwrap(), "{fields} {more:?}");
        // As people read it, but for what stands above.
        let (text, one) = (desk.run(&merge).out, desk.run(&sweep).out);
        assert_eq!(text, one.splitn(4, '\n').nth(3).unwrap());
    }
}

#[test]
fn a_shard_says_that_it_is_one() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(), expect: [Sometimes(\"never\")]");
    let done = desk.expect(0, &["sweep", "calm.ron", "--seeds", "10", "--shard", "2/3"]);
    assert!(
        done.out.starts_with("a toy\nToy · 2 servers, 1 client · seeds 3 to 5 · shard 2 of 3\n\n✓ holds in all 3 seeds\n"),
        "{}",
        done.out
    );
    assert!(done.out.contains("  shard 2 of 3: whether all has been seen that must be is for merge to say\n"), "{}", done.out);
    let json = desk.json(0, &["sweep", "calm.ron", "--seeds", "10", "--shard", "2/3", "--format", "json"]);
    assert_eq!((&json["shard"]["index"], &json["shard"]["of"], &json["never_seen"]), (&2.into(), &3.into(), &Value::Array(Vec::new())));
    crate::schemas::demand("sweep", &json, "a shard");
    let done = desk.expect(0, &["sweep", "calm.ron", "--seeds", "1", "--shard", "1/3"]);
    assert!(done.out.contains("· no seed · shard 1 of 3\n\n✓ there is no seed in this shard\n"), "{}", done.out);
    desk.expect(5, &["sweep", "calm.ron", "--seeds", "10"]);
    for shard in ["0/3", "4/3", "1/0", "2", "all"] {
        desk.expect(2, &["sweep", "calm.ron", "--seeds", "10", "--shard", shard]);
    }
}

#[test]
fn the_environment_names_a_shard_only_if_it_is_asked() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let first = |more: &[&str], variables: &[(&str, &str)]| {
        let mut command = desk.command(&[&["sweep", "calm.ron", "--seeds", "12", "--out", "rows.jsonl"], more].concat());
        for name in ["SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"] {
            command.env_remove(name);
        }
        let done = done(command.envs(variables.iter().copied()).spawn().unwrap());
        done.code.filter(|code| *code == 0).map_or_else(|| done.err.clone(), |_| desk.rows("rows.jsonl")[0]["seed"].to_string())
    };
    let kubernetes = [("JOB_COMPLETION_INDEX", "2"), ("STORMGLASS_SHARDS", "4")];
    assert_eq!(first(&["--shard", "auto"], &kubernetes), "6");
    assert_eq!(first(&[], &kubernetes), "0");
    let several = [kubernetes[0], ("SLURM_ARRAY_TASK_ID", "1")];
    assert!(first(&["--shard", "auto"], &several).starts_with("error: --shard auto: several are set: SLURM_ARRAY_TASK_ID (Slurm), "));
    assert!(first(&["--shard", "auto"], &[]).starts_with("error: --shard auto: none of these is set: "));
}

/// Where rows are missing there is no answer, and it is said where to get them. What a sweep would not have run need not be there.
#[test]
fn seeds_that_are_missing() {
    let desk = Desk::new();
    desk.scenario("some.ron", "system: Toy(trouble: Violate, odds: 4)");
    let sweep = ["sweep", "some.ron", "--seeds", "40"];
    let files = shards(&desk, &sweep, 4);
    let failing = desk.run(&sweep).out;
    let (first, second) = (files[0].as_str(), files[1].as_str());
    let one = desk.expect(1, &["merge", first]);
    assert_eq!(one.out, failing.splitn(4, '\n').nth(3).unwrap(), "the first shard fails: no other is needed");
    assert_eq!(desk.expect(1, &["merge", second, first]).out, one.out);

    let sweep = [&sweep[..], &["--keep-going"]].concat();
    shards(&desk, &sweep, 4);
    desk.expect(1, &["merge", first, second, "shard-3.jsonl", "shard-4.jsonl"]);
    // A shard that was killed in the middle of a line, and one that is not there.
    let text = fs::read_to_string(desk.path(second)).unwrap();
    let torn: Vec<&str> = text.split_inclusive('\n').take(6).collect();
    fs::write(desk.path(second), &torn.concat()[..torn.concat().len() - 7]).unwrap();
    let done = desk.expect(4, &["merge", "shard-4.jsonl", second, first, "--out", "all.jsonl"]);
    let told = "\n  ? no row of 16 seeds\n      seeds 14 to 19: shard 2/4\n      seeds 20 to 29: shard 3/4\n";
    assert!(done.out.contains(told) && done.out.contains("; 24 of 40 seeds have a row\n"), "{}", done.out);
    assert_eq!(done.err, "all.jsonl is not written: seeds are missing\n");
    assert!(!desk.path("all.jsonl").exists());
    let json = desk.json(4, &["merge", "shard-4.jsonl", second, first, "--format", "json"]);
    crate::schemas::demand("sweep", &json, "seeds that are missing");
    assert_eq!((&json["ended"], &json["missing"][1]["first"]), (&"incomplete".into(), &20.into()));
    let junit = desk.expect(4, &["merge", "shard-4.jsonl", second, first, "--format", "junit"]).out;
    assert!(junit.contains("no row of 16 seeds"), "{junit}");
    // The shard goes on, and with what it has now all is there.
    desk.run(&[&sweep[..], &["--shard", "2/4", "--out", second, "--resume"]].concat());
    let done = desk.expect(1, &["merge", "shard-4.jsonl", second, first, "shard-3.jsonl", "--out", "all.jsonl"]);
    assert_eq!(done.out, desk.run(&sweep).out.splitn(4, '\n').nth(3).unwrap());
}

/// Rows of one seed that differ contradict each other, in whatever they differ; a row that is there twice does not.
#[test]
fn rows_that_differ() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    desk.expect(0, &["sweep", "calm.ron", "--seeds", "12", "--out", "a.jsonl"]);
    desk.expect(0, &["sweep", "calm.ron", "--seeds", "12", "--shard", "2/3", "--out", "b.jsonl"]);
    assert_eq!(desk.expect(0, &["merge", "a.jsonl", "b.jsonl", "a.jsonl", "--out", "all.jsonl"]).err, "");
    let rows = fs::read(desk.path("a.jsonl")).unwrap();
    assert!(fs::read(desk.path("all.jsonl")).unwrap() == rows);
    let text = fs::read_to_string(desk.path("b.jsonl")).unwrap();
    let digest = desk.rows("b.jsonl")[1]["digest"].as_str().unwrap().to_owned();
    let events = format!("\"events\":{}", desk.rows("b.jsonl")[1]["events"]);
    for (from, to, told) in [(&*digest, "0123456789abcdef", "their digests differ"), (&*events, "\"events\":1", "what was counted differs")]
    {
        let (head, tail) = text.split_at(text.find("{\"seed\":5,").unwrap());
        fs::write(desk.path("b.jsonl"), head.to_owned() + &tail.replacen(from, to, 1)).unwrap();
        let done = desk.expect(1, &["merge", "a.jsonl", "b.jsonl"]);
        assert_eq!(done.err, "error: the rows of seed 5 in a.jsonl and b.jsonl differ\n");
        assert!(done.out.contains(&format!("two runs of this seed differ; {told}: a.jsonl and b.jsonl\n")), "{}", done.out);
        assert!(done.out.ends_with("    toy run calm.ron --seed 5 --verify\n"), "{}", done.out);
    }
    // A seed that gave no answer in one of them contradicts nothing.
    let stalled = "{\"seed\":5,\"verdict\":\"unknown\",\"digest\":null,\"fingerprint\":null,\"violated\":[],\"events\":null,\"sim_time_ns\":null,\"stalled\":true}";
    let lines: Vec<&str> = text.lines().map(|line| if line.starts_with("{\"seed\":5,") { stalled } else { line }).collect();
    fs::write(desk.path("b.jsonl"), lines.join("\n") + "\n").unwrap();
    for files in [["a.jsonl", "b.jsonl"], ["b.jsonl", "a.jsonl"]] {
        desk.expect(0, &["merge", files[0], files[1], "--out", "all.jsonl"]);
        assert!(fs::read(desk.path("all.jsonl")).unwrap() == rows);
    }
    assert!(desk.expect(4, &["merge", "b.jsonl"]).out.contains("1 gave no answer in time"));
}

#[test]
fn what_cannot_be_merged() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    desk.expect(0, &["sweep", "calm.ron", "--seeds", "4", "--out", "a.jsonl"]);
    desk.expect(0, &["sweep", "calm.ron", "--seeds", "4", "--out", "b.jsonl", "--set", "system.odds=3"]);
    let text = fs::read_to_string(desk.path("a.jsonl")).unwrap();
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    fs::write(desk.path("old.jsonl"), text.replacen(&version, "\"version\":\"0.0.1\"", 1)).unwrap();
    fs::write(desk.path("empty.jsonl"), "").unwrap();
    for (files, code, told) in [
        (
            &["a.jsonl", "b.jsonl"][..],
            3,
            "a.jsonl and b.jsonl are not of one sweep: --set is not given in the first, and system.odds=3 in the second",
        ),
        (&["a.jsonl", "old.jsonl"], 3, "a.jsonl and old.jsonl are not of one sweep: the version of Stormglass is "),
        (&["old.jsonl"], 3, "old.jsonl is of Stormglass 0.0.1, and this is "),
        (&["calm.ron"], 3, "calm.ron:1: there is no header: it is no file of rows"),
        (&["empty.jsonl"], 3, "there is no row in any of the files: their sweeps have not begun"),
        (&["absent.jsonl"], 74, "cannot read absent.jsonl: no such file or directory"),
        (&["a.jsonl", "--out", "a.jsonl"], 2, "a.jsonl is the file of rows itself: it is not overwritten"),
        (&[], 2, "required"),
    ] {
        let done = desk.expect(code, &[&["merge"], files].concat());
        assert!(done.err.contains(told) && done.out.is_empty(), "{files:?}: {}", done.err);
    }
    desk.expect(0, &["merge", "empty.jsonl", "a.jsonl"]);
    assert_eq!(fs::read_to_string(desk.path("a.jsonl")).unwrap(), text);
}

/// What is on a terminal while a sweep goes on. The program `script` gives it one.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_how_far_it_is() {
    let desk = Desk::new();
    let storm = crate::runs::scenario("raft/bugs/forgets-vote");
    let sweep = format!("{} sweep {storm} --seeds 30 --keep-going --jobs 1", env!("CARGO_BIN_EXE_stormglass"));
    let mut command = Command::new("script");
    let Ok(output) =
        command.args(["-qec", &sweep, "/dev/null"]).env("TERM", "xterm").env("COLUMNS", "100").current_dir(desk.path("")).output()
    else {
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [" of 30 seeds · ", " a second, ", " left"] {
        assert!(shown.contains(part), "{part:?} is not in {shown:?}");
    }
}
