//! `envtpl tool`: a command of a generic image, on the files of a directory, as the caller.

mod place;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::person::Person;
use crate::commands::start::has_terminal;
use crate::commands::workplace::Workplace;
use crate::error::{Error, Result};
use crate::installation::flavour::Flavour;
use crate::process::Invocation;
use crate::templates::toolchain;
use place::Place;

/// Options of `envtpl tool`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  envtpl tool make -j8                        on the current directory, which is /work in there
  envtpl tool --at same cmake -S . -B build   at its own path, so that paths in what is built hold
  envtpl tool --mount .. -- make              on the directory above, from here
  envtpl tool -it gdb ./program
  envtpl -C ~/my-project tool --mount ~/other -i amd64-cpu make

Files that it writes are yours, and so is your name; the home goes with the container. Nothing of the
project is set up, `.env` does not reach it, and it is not among `envtpl runs`. A colleague without
envtpl gets the same from the script that `envtpl wrap` prints.

The exit status is the command's own, 128+n when signal n killed it, and 125 when envtpl failed
before the command began.")]
pub struct Args {
    /// Give the command a terminal; it has one when you use it at one. `-it` says the same
    #[arg(short, long)]
    tty: bool,

    /// Show it DIR, and not the current directory
    #[arg(long, value_name = "DIR")]
    mount: Option<PathBuf>,

    /// Where the directory is in the container; `same` is its own path
    #[arg(long, value_name = "PATH|same", default_value = "/work")]
    at: PathBuf,

    /// Set an environment variable, or pass on the one of this name
    #[arg(short, long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,

    /// Which of the two images
    #[arg(long, value_enum, default_value_t = Flavour::Dev)]
    flavour: Flavour,

    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

impl Args {
    /// Takes what `-it` means out of the names of installations, among which `-i` put it. None can
    /// be called `t`.
    pub fn take_terminal(&mut self, installations: &mut Vec<String>) {
        let before = installations.len();
        installations.retain(|name| name != "t");
        self.tty |= installations.len() < before;
    }
}

/// Becomes the command's container; returns only when it cannot.
///
/// # Errors
/// `Usage` when the directory cannot be shown where it is asked for; `NotReady` when the image is
/// missing.
pub fn run(context: &Context, args: &Args) -> Result<()> {
    let place = Place::of(&context.directory, args.mount.as_deref(), &args.at)?;
    if args.tty && !std::io::stdin().is_terminal() {
        return Err(
            Error::usage("a terminal is asked for, and standard input is none")
                .help("leave `-it` away"),
        );
    }
    let project = context.project()?;
    let installation = context.installation(&project)?;
    let workplace = Workplace::open(context, &project, installation)?;
    let (image, _) = workplace.generic(args.flavour)?;
    let person = Person::of_this_process(&context.printer)?;
    let invocation = container(&workplace, args, &place, &person)
        .args([image, "-c", toolchain::start()?, "sh"])
        .args(facts(&person))
        .args([&place.at, &place.directory])
        .args(&args.command);
    if context.dry_run {
        return context.printer.data(format!("{invocation}\n"));
    }
    Err(invocation.replace_this_process(&context.printer))
}

/// The options of its container. Those of the script that `envtpl wrap` prints are the same, but
/// for the platform, which the script does not know; a test compares them.
fn container(workplace: &Workplace<'_>, args: &Args, place: &Place, person: &Person) -> Invocation {
    let tools = workplace.compose.tools();
    let mut invocation = tools
        .docker()
        .args(["run", "--rm", "--init", "--interactive"]);
    if args.tty || has_terminal() {
        invocation = invocation.arg("--tty");
    }
    // It begins as root, which knows how to become the caller; see the start of the script.
    invocation = invocation.args([
        "--user=0:0",
        "--network=host",
        "--security-opt=label=disable",
    ]);
    if !tools.is_podman() {
        // Numbers are this machine's also where the engine gives containers others.
        invocation = invocation.arg("--userns=host");
    } else if person.user.id != 0 {
        // Where podman runs without root, who calls it stays who they are.
        invocation = invocation.args(["--userns=keep-id", "--passwd=false"]);
    }
    let platform = workplace.installation.name().platform().docker();
    let variables = args.env.iter().map(|variable| joined("--env=", variable));
    invocation
        .arg(format!("--platform={platform}"))
        .arg(place.mount())
        // The image's own Python is what a tool needs, and no project is installed.
        .arg("--env=SKIP_INSTALL_PROJECT=1")
        .args(variables)
        .arg("--entrypoint=/bin/sh")
}

/// Who the caller is, as the start of the container wants to know it.
fn facts(person: &Person) -> [String; 4] {
    let groups: Vec<String> = person.group_ids.iter().map(u32::to_string).collect();
    let name = &person.user.name;
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_plain = first && letters.all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    [
        person.user.id.to_string(),
        person.group.id.to_string(),
        groups.join(" "),
        match is_plain {
            true => name.clone(),
            // What a directory service calls somebody may not stand in a list of users.
            false => format!("user{}", person.user.id),
        },
    ]
}

fn joined(option: &str, value: &OsStr) -> OsString {
    let mut joined = OsString::from(option);
    joined.push(value);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::person::Account;

    #[test]
    fn a_name_that_no_list_of_users_can_hold_is_left_out() {
        let person = |name: &str| Person {
            user: Account {
                name: name.to_owned(),
                id: 7,
            },
            group: Account {
                name: "domain users".to_owned(),
                id: 8,
            },
            groups: Vec::new(),
            group_ids: vec![8, 900],
            devices: Vec::new(),
        };
        assert_eq!(facts(&person("joe")), ["7", "8", "8 900", "joe"]);
        for name in ["DOM\\joe", "j:x", "é", "7", "-x", ""] {
            assert_eq!(facts(&person(name))[3], "user7", "{name}");
        }
    }
}
