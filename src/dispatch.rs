//! From the command line to the command, and from its outcome to the exit status.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::commands::{
    Context, attach, bootstrap_base, build, build_generic, build_user, builds, check, clean,
    completions, debug, detached, dev, diff, doctor, down, edit_from_base, edit_platform, env,
    exec, explain, export, freeze, init, list_env, logs, ls, man, ps, pull_generic, pull_user,
    push, push_generic, push_user, report, rerun, run, runs, sbom, shell, sources, stages, tool,
    verify, wrap,
};
use crate::error::{Error, Kind, Result};
use crate::output::{Color, Format, Printer, cannot_print};
use crate::process;

/// What `docker run` itself uses for "the engine failed before your command began".
const NOT_BEGUN: u8 = 125;

/// Parses the command line, runs the command and gives the process its exit status.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(answer) => return ExitCode::from(print(&answer, &arguments)),
    };
    if let Command::Tool(args) = &mut cli.command {
        args.take_terminal(&mut cli.global.installation);
    }
    let global = &cli.global;
    let printer = Printer::new(global.format, global.color, global.quiet, global.verbose);
    // `run`, `dev` and `shell` start the person's own command: what goes wrong before that must
    // not look like the command's own status.
    let starts_a_command = matches!(
        cli.command,
        Command::Run(_)
            | Command::Dev(_)
            | Command::Exec(_)
            | Command::Attach(_)
            | Command::Rerun(_)
            | Command::Shell(_)
            | Command::Tool(_)
    );
    match dispatch(&cli, &printer) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            printer.error(&error);
            ExitCode::from(exit_status(&error, starts_a_command))
        }
    }
}

/// Prints what is no command: help and version, which are data, or what is wrong with the command
/// line. Gives the exit status.
fn print(answer: &clap::Error, arguments: &[OsString]) -> u8 {
    let printed = answer.print();
    if answer.use_stderr() {
        return match command_named(arguments).as_deref() {
            Some("run" | "dev" | "exec" | "attach" | "rerun" | "shell" | "tool") => NOT_BEGUN,
            _ => Kind::Usage.exit_status(),
        };
    }
    match printed.and_then(|()| std::io::stdout().flush()) {
        // Whoever closes the pipe has read enough of the help.
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => {
            let error = cannot_print(source);
            Printer::new(Format::Human, Color::Auto, false, 0).error(&error);
            error.kind().exit_status()
        }
        _ => 0,
    }
}

/// The command that a wrong command line is for, as far as it can be understood.
fn command_named(arguments: &[OsString]) -> Option<String> {
    let mut cli = Cli::command().ignore_errors(true);
    let understood = cli.try_get_matches_from_mut(arguments).ok();
    let named = understood.and_then(|matches| Some(matches.subcommand_name()?.to_owned()));
    // What is wrong before the command hides it.
    named.or_else(|| {
        let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
        let found = words.filter_map(|word| cli.find_subcommand(word));
        found.map(|command| command.get_name().to_owned()).next()
    })
}

fn exit_status(error: &Error, starts_a_command: bool) -> u8 {
    match error.kind() {
        Kind::Interrupted | Kind::ClosedPipe => error.kind().exit_status(),
        _ if starts_a_command => NOT_BEGUN,
        kind => kind.exit_status(),
    }
}

fn dispatch(cli: &Cli, printer: &Printer) -> Result<u8> {
    process::watch_for_interrupts()?;
    if printer.format() == Format::Markdown && !matches!(cli.command, Command::Diff(_)) {
        return Err(Error::usage("only `envtpl diff` can report in Markdown")
            .help("programs read `--format json`"));
    }
    let context = Context::new(&cli.global, printer.clone())?;
    match &cli.command {
        Command::Init(args) => init::run(&context, args),
        Command::EditPlatform(args) => edit_platform::run(&context, args),
        Command::EditFromBase(args) => edit_from_base::run(&context, args),
        Command::Env(args) => env::run(&context, args),
        Command::BuildGeneric(args) => build_generic::run(&context, args),
        Command::BuildUser(args) => build_user::run(&context, args),
        Command::Build(args) => build::run(&context, args),
        Command::PushGeneric(args) => push_generic::run(&context, args),
        Command::PushUser(args) => push_user::run(&context, args),
        Command::Push(args) => push::run(&context, args),
        Command::PullGeneric(args) => pull_generic::run(&context, args),
        Command::PullUser(args) => pull_user::run(&context, args),
        Command::Debug(args) => debug::run(&context, args),
        Command::Builds(args) => builds::run(&context, args),
        Command::Report(args) => report::run(&context, args),
        Command::Explain(args) => return explain::run(&context, args),
        Command::Run(args) => return run::run(&context, args),
        Command::Dev(args) => return dev::run(&context, args),
        Command::Exec(args) => exec::run(&context, args),
        Command::Attach(args) => attach::run(&context, args),
        Command::Logs(args) => logs::run(&context, args),
        Command::Down(args) => down::run(&context, args),
        Command::Ps(args) => ps::run(&context, args),
        Command::Clean(args) => clean::run(&context, args),
        Command::Runs(args) => runs::run(&context, args),
        Command::Rerun(args) => return rerun::run(&context, args),
        Command::Shell(args) => return shell::run(&context, args),
        Command::Tool(args) => tool::run(&context, args),
        Command::Wrap(args) => wrap::run(&context, args),
        Command::Freeze(args) => freeze::run(&context, args),
        Command::Sources(args) => sources::run(&context, args),
        Command::Verify(args) => verify::run(&context, args),
        Command::Diff(args) => return diff::run(&context, args),
        Command::ListEnv(args) => list_env::run(&context, args),
        Command::Sbom(args) => sbom::run(&context, args),
        Command::Ls(args) => ls::run(&context, args),
        Command::Check(args) => check::run(&context, args),
        Command::Stages(args) => stages::run(&context, args),
        Command::Export(args) => export::run(&context, args),
        Command::Doctor(args) => doctor::run(&context, args),
        Command::BootstrapBase(args) => bootstrap_base::run(&context, args),
        Command::Completions(args) => completions::run(&context, args, Cli::command()),
        Command::Man(args) => man::run(&context, args, Cli::command()),
        Command::WatchContainer(args) => return detached::watch(&context, args),
    }
    .map(|()| 0)
}
