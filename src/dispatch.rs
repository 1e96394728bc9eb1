//! From the command line to the command, and from its outcome to the exit status.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::commands::{
    Context, bootstrap_base, build, build_generic, build_user, check, completions, detached, dev,
    doctor, edit_from_base, edit_platform, env, freeze, init, list_env, ls, man, run, shell,
};
use crate::error::{Error, Result};
use crate::output::Printer;
use crate::process;

/// Parses the command line, runs the command and gives the process its exit status.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data; anything else is a usage error on stderr, status 2.
            let status = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(status);
        }
    };
    let global = &cli.global;
    let printer = Printer::new(global.format, global.color, global.quiet, global.verbose);
    // `run`, `dev` and `shell` start the person's own command: what goes wrong before that must
    // not look like the command's own status.
    let starts_a_command = matches!(
        cli.command,
        Command::Run(_) | Command::Dev(_) | Command::Shell(_)
    );
    match dispatch(&cli, &printer) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            printer.error(&error);
            ExitCode::from(exit_status(&error, starts_a_command))
        }
    }
}

/// 125 is what `docker run` itself uses for "the engine failed before your command began".
fn exit_status(error: &Error, starts_a_command: bool) -> u8 {
    use crate::error::Kind;
    match error.kind() {
        Kind::Interrupted | Kind::ClosedPipe => error.kind().exit_status(),
        _ if starts_a_command => 125,
        kind => kind.exit_status(),
    }
}

fn dispatch(cli: &Cli, printer: &Printer) -> Result<u8> {
    process::watch_for_interrupts()?;
    let context = Context::new(&cli.global, printer.clone())?;
    match &cli.command {
        Command::Init(args) => init::run(&context, args),
        Command::EditPlatform(args) => edit_platform::run(&context, args),
        Command::EditFromBase(args) => edit_from_base::run(&context, args),
        Command::Env(args) => env::run(&context, args),
        Command::BuildGeneric(args) => build_generic::run(&context, args),
        Command::BuildUser(args) => build_user::run(&context, args),
        Command::Build(args) => build::run(&context, args),
        Command::Run(args) => return run::run(&context, args),
        Command::Dev(args) => return dev::run(&context, args),
        Command::Shell(args) => shell::run(&context, args),
        Command::Freeze(args) => freeze::run(&context, args),
        Command::ListEnv(args) => list_env::run(&context, args),
        Command::Ls(args) => ls::run(&context, args),
        Command::Check(args) => check::run(&context, args),
        Command::Doctor(args) => doctor::run(&context, args),
        Command::BootstrapBase(args) => bootstrap_base::run(&context, args),
        Command::Completions(args) => completions::run(&context, args, Cli::command()),
        Command::Man(args) => man::run(&context, args, Cli::command()),
        Command::WatchContainer(args) => return detached::watch(&context, args),
    }
    .map(|()| 0)
}
