//! The command, with the systems that come with Stormglass.

use std::process::ExitCode;

use stormglass::systems::Registry;

fn main() -> ExitCode {
    stormglass::cli::main_with(Registry::standard())
}
