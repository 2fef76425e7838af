//! The `placet` command: parses, runs one command, maps its answer to an exit code.

mod argument;
mod artifact;
mod change;
mod commands;
mod component;
mod environment;
mod files;
mod issue;
mod keys;
mod look;
mod output;
mod problem;
mod random;
mod reasons;
mod roots;
mod server;
mod show;
mod site;
mod storage;
mod timeline;
mod wall_clock;

use std::process::ExitCode;

/// Of a static binary the C library's lets one thread allocate at a time, which costs a service more than its decisions do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = environment::arguments();
    let cli = match commands::Cli::parsed(arguments.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => return output::misused(&error, &arguments, &commands::named(&arguments)),
    };
    if let Err(error) = commands::draws(&cli) {
        return output::fail(&error, cli.format);
    }
    match commands::run(cli.command, &arguments).and_then(|answer| answer.print(cli.format)) {
        Ok(outcome) => outcome.into(),
        Err(error) => output::fail(&error, cli.format),
    }
}
