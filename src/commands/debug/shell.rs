//! A shell in the failed state, with the failing command at hand.

use std::path::{Path, PathBuf};

use crate::commands::building::Output;
use crate::commands::debug::evidence;
use crate::commands::debug::outcome::Kept;
use crate::commands::debug::trial::Trial;
use crate::commands::start::has_terminal;
use crate::commands::workplace::settings;
use crate::engine::Images;
use crate::error::{Error, Result};
use crate::files::{self, Scratch};
use crate::installation::dockerfile::derived::{self, DIRECTORY};
use crate::installation::dockerfile::{Form, Graph, Origin, Scope};
use crate::output::Printer;
use crate::process::{interrupted, quote};

/// Opens a shell in a kept state and waits for its end; nothing of it stays.
///
/// # Errors
/// `Failed` when the state cannot be built any more; `NotReady` when the engine cannot be reached.
pub fn open(trial: &Trial<'_>, kept: &Kept) -> Result<()> {
    let printer = &trial.workplace.context.printer;
    let scratch = Scratch::inside(&std::env::temp_dir())?;
    let instruction = kept.instruction;
    trial.write_context(scratch.path(), instruction)?;
    let (command, script) = command(trial, instruction);
    let steps = [
        ("step", script.unwrap_or_default()),
        ("command", command.clone()),
    ];
    let scripts = evidence::SHELL.map(|(name, text)| (name, text.to_owned()));
    for (name, text) in scripts.into_iter().chain(steps) {
        let path = scratch.path().join("shell").join(name);
        files::make_directory(path.parent().unwrap_or(scratch.path()))?;
        files::keep_readable(&path, text.as_bytes())?;
    }
    let mut derived = trial.derived();
    let (shell, user) = (trial.shell(instruction), trial.user(instruction));
    let file = trial.dockerfile;
    derived.text = file.for_a_shell(&kept.state, instruction, user.as_deref(), &shell);
    derived
        .contexts
        .push((derived::CONTEXT, scratch.path().to_owned()));
    let image = format!("envtpl-debug:{}", std::process::id());
    // It goes with the shell, and when there is none in the end.
    let named = Named {
        images: &trial.workplace.images,
        image: &image,
        printer,
    };
    let ended = derived.build(Output::Image(named.image))?;
    if !ended.built {
        let said = ended.said.iter().rev().take(12).rev();
        let said: Vec<&str> = said.map(String::as_str).collect();
        return Err(Error::failed("the failed state cannot be opened")
            .because(std::io::Error::other(said.join("\n"))));
    }
    printer.note(format_args!(
        "The failing command is in the history, and `again` runs it:\n{command}"
    ));
    run(trial, instruction, named.image, scratch.path(), &shell)
}

/// The name of an image that is for one shell.
struct Named<'a> {
    images: &'a Images,
    image: &'a str,
    printer: &'a Printer,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        self.images.untag(std::iter::once(self.image), self.printer);
    }
}

fn run(
    trial: &Trial<'_>,
    instruction: usize,
    image: &str,
    scratch: &Path,
    shell: &[String],
) -> Result<()> {
    let workplace = trial.workplace;
    let docker = workplace.compose.tools().docker();
    let mut invocation = docker.args(["run", "--rm", "--init", "--interactive", "--network=host"]);
    invocation = invocation.args(["--platform", &trial.platform]);
    if has_terminal() {
        invocation = invocation.arg("--tty");
    }
    // Build arguments are in no image, and a command may need them.
    let graph = Graph::new(trial.dockerfile, &trial.given);
    let scope = Scope::before(trial.dockerfile, &graph, &trial.given, instruction);
    for (name, variable) in scope.variables() {
        if let (Origin::Arg, Some(value)) = (variable.origin, &variable.value) {
            invocation = invocation.secret_env(name, value).args(["--env", name]);
        }
    }
    for (path, place) in secrets(trial, instruction, scratch)? {
        let path = path.display().to_string();
        let mount = format!("type=bind,\"source={path}\",\"target={place}\",readonly");
        invocation = invocation.args(["--mount", &mount]);
    }
    let sh = derived::interpreter(shell);
    invocation = invocation.arg(format!("--entrypoint={sh}"));
    let enter = format!("{DIRECTORY}/enter");
    let invocation = invocation.args([image, &enter]).args(shell);
    // Whoever stopped us before this wants no shell.
    if interrupted() {
        return Err(Error::interrupted());
    }
    // How the shell ends says nothing of the step.
    invocation.run_in_foreground(&workplace.context.printer)?;
    Ok(())
}

/// The command of a step as its shell would be given it, and the script that it names, if it is
/// one of its own.
fn command(trial: &Trial<'_>, instruction: usize) -> (String, Option<String>) {
    let step = &trial.dockerfile.instructions()[instruction];
    if let Form::Exec(words) = &step.form {
        let words: Vec<String> = words.iter().map(quote).collect();
        return (words.join(" "), None);
    }
    let text = step.shell_text(trial.dockerfile.text()).unwrap_or_default();
    match step.form == Form::Script && text.starts_with("#!") {
        true => (format!("{DIRECTORY}/step"), Some(text)),
        false => (text, None),
    }
}

/// The secrets that a step is given, as files, and where it expects them.
fn secrets(
    trial: &Trial<'_>,
    instruction: usize,
    scratch: &Path,
) -> Result<Vec<(PathBuf, String)>> {
    let workplace = trial.workplace;
    let settings = settings(workplace.installation)?;
    let settings = settings.values(|name| std::env::var(name).ok());
    let mut found = Vec::new();
    for mount in trial.dockerfile.instructions()[instruction].mounts() {
        let setting = |names: &[&str]| {
            let mut settings = mount.iter();
            settings
                .find(|(name, _)| names.contains(name))
                .map(|(_, value)| *value)
        };
        let (Some("secret"), Some(id)) = (setting(&["type"]), setting(&["id"])) else {
            continue;
        };
        let place = setting(&["target", "dst", "destination"])
            .map_or_else(|| format!("/run/secrets/{id}"), str::to_owned);
        let Some(secret) = workplace.model.secrets.get(id) else {
            continue;
        };
        let path = match (&secret.file, &secret.environment) {
            (Some(file), _) => workplace.installation.path(file),
            (None, Some(name)) => {
                let value = std::env::var(name)
                    .ok()
                    .or_else(|| settings.get(name).cloned());
                let path = scratch.join(format!("secret-{id}"));
                // The directory around it is the person's alone.
                files::keep_readable(&path, value.unwrap_or_default().as_bytes())?;
                path
            }
            _ => continue,
        };
        found.push((path, place));
    }
    Ok(found)
}
