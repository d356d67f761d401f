//! `new`: a crate with a protocol, scenarios, a planted bug and tests, to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::files::shown;
use super::{Session, files};

#[derive(Args)]
pub(super) struct Arguments {
    /// What the crate is called
    #[arg(value_name = "NAME")]
    name: String,
    /// Make it in this folder, instead of the current one
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    path: PathBuf,
    /// Have it depend on Stormglass as it lies here, instead of this version of it
    #[arg(long, value_name = "PATH")]
    stormglass_path: Option<PathBuf>,
}

/// The files of the crate, as they are but for what stands in `{{…}}`. They have other names here, so that nobody takes them for ours:
/// Cargo would leave a folder with a manifest out of our package.
const TEMPLATE: [(&str, &str); 8] = [
    (".gitignore", include_str!("template/gitignore.txt")),
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("README.md", include_str!("template/README.md")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("src/main.rs", include_str!("template/main.rs.txt")),
    ("scenarios/storm.ron", include_str!("template/storm.ron")),
    ("scenarios/bugs/answers-early.ron", include_str!("template/answers-early.ron")),
    ("tests/chain.rs", include_str!("template/tests.rs.txt")),
];

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let Arguments { name, path, stormglass_path } = arguments;
    check_name(name)?;
    let stormglass = match stormglass_path {
        Some(path) => format!("{{ path = {:?} }}", checkout(path)?),
        None => format!("{:?}", env!("CARGO_PKG_VERSION")),
    };
    let place = path.join(name);
    if fs::symlink_metadata(&place).is_ok() {
        let message = format!("{} is there already, and is left as it is: give another name, or another folder by --path", shown(&place));
        return Err(Failure::new(Exit::Usage, &message));
    }
    let failed = |error| Failure::file("make", &place, &error);
    // It appears when it is whole.
    let whole = files::folder_in(path).map_err(failed)?;
    let draft = whole.path().join(name);
    for (file, text) in TEMPLATE {
        let file = draft.join(file);
        fs::create_dir_all(file.parent().unwrap_or(&draft)).map_err(failed)?;
        fs::write(file, text.replace("{{name}}", name).replace("{{stormglass}}", &stormglass)).map_err(failed)?;
    }
    fs::rename(&draft, &place).map_err(failed)?;
    session.console.print(&format!(
        "{}: a protocol with a planted bug, two scenarios, and tests\n\n  cd {}\n  cargo test\n  cargo run --release -- run scenarios/storm.ron\n",
        shown(&place),
        shown(&place),
    ))?;
    Ok(Exit::Held)
}

/// Names that mean something else: to Rust, to Cargo, or in the manifest.
const TAKEN: [&str; 12] =
    ["alloc", "build", "chain", "core", "deps", "examples", "incremental", "proc-macro", "serde", "std", "stormglass", "test"];

/// Whether Cargo takes this for the name of a package.
fn check_name(name: &str) -> Result<(), Failure> {
    let fail = |what: &str| Err(Failure::new(Exit::Usage, &format!("{name:?} cannot be the name of a crate: {what}")));
    let is_right = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    match name.chars().next() {
        None => fail("give it one, such as my-protocol"),
        Some(first) if !first.is_ascii_alphabetic() => fail("it begins with a letter, as in my-protocol"),
        Some(_) if !name.chars().all(is_right) => fail("it has letters, digits, - and _ only, as in my-protocol"),
        Some(_) if name.len() > 64 => fail("it is longer than 64 letters"),
        Some(_) if TAKEN.contains(&name) || KEYWORDS.contains(&name) => fail("that name is taken"),
        Some(_) => Ok(()),
    }
}

/// Words of Rust.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else", "enum", "extern",
    "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
    "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Where Stormglass lies, as the manifest of another crate has it.
fn checkout(path: &Path) -> Result<String, Failure> {
    let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
    if !manifest.lines().any(|line| line.trim() == "name = \"stormglass\"") {
        let message = format!("{} is no checkout of Stormglass: it has no Cargo.toml with that name", shown(path));
        return Err(Failure::new(Exit::Usage, &message));
    }
    let whole = path.canonicalize().map_err(|error| Failure::file("find", path, &error))?;
    whole
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(Exit::Usage, &format!("{} cannot stand in a manifest: it is not UTF-8", shown(path))))
}
