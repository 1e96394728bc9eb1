//! What the commands of `RUN` hide, fetch and forget.

use super::view::{Text, View};
use crate::commands::check::finding::Findings;
use crate::installation::dockerfile::{Command, Joint, Keyword, Script};

/// Programs of which nobody minds that they fail: they look, clean up, or say something.
const HARMLESS: [&str; 44] = [
    "[",
    "[[",
    "awk",
    "basename",
    "cat",
    "cd",
    "chmod",
    "chown",
    "command",
    "cut",
    "date",
    "deluser",
    "dirname",
    "dpkg-divert",
    "echo",
    "find",
    "getent",
    "grep",
    "groupdel",
    "hash",
    "head",
    "hostname",
    "id",
    "kill",
    "ls",
    "lsb_release",
    "mkdir",
    "nproc",
    "pkill",
    "printf",
    "pwd",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "sort",
    "test",
    "type",
    "uname",
    "unlink",
    "update-rc.d",
    "userdel",
    "which",
    "whoami",
];

/// Programs that only make text for the next one.
const TALKERS: [&str; 4] = ["echo", "printf", "yes", "true"];

/// Programs, or words of their names, that compare what was fetched with what was meant.
const COMPARERS: [&str; 12] = [
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shasum",
    "md5sum",
    "b2sum",
    "gpg",
    "gpgv",
    "minisign",
    "cosign",
];

/// Tells of them.
pub fn check(findings: &mut Findings, view: &View<'_>) {
    for text in view.texts() {
        masked(findings, view, &text);
        echoed(findings, view, &text);
        piped(findings, view, &text);
        fetched(findings, view, &text);
        apt(findings, view, &text);
    }
    added(findings, view);
}

impl View<'_> {
    fn at(&self, text: &Text<'_>, command: &Command) -> crate::error::Place {
        self.place(text.instruction.shell_offset(command.offset()))
    }
}

fn succeeds_always(command: &Command) -> bool {
    match command.name() {
        "true" | ":" => true,
        "exit" => command.has("0"),
        _ => false,
    }
}

fn is_harmless(command: &Command) -> bool {
    let name = command.name();
    HARMLESS.contains(&name) || name.is_empty() || name == "set"
}

/// `make || true` and `make; exit 0`.
fn masked(findings: &mut Findings, view: &View<'_>, text: &Text<'_>) {
    let stops = text.is_set('e', "errexit");
    scripts(&text.script, &mut |script, is_outermost| {
        for (index, command) in script.commands.iter().enumerate() {
            if index == 0 || !succeeds_always(command) {
                continue;
            }
            let before = &script.commands[index - 1];
            let is_last = index + 1 == script.commands.len();
            let hides = match command.joint {
                Joint::Or => !is_harmless(before),
                Joint::After => {
                    let mut earlier = script.commands[..index].iter();
                    is_outermost && is_last && !stops && earlier.any(|one| !is_harmless(one))
                }
                Joint::And | Joint::Pipe => false,
            };
            if hides {
                findings
                    .warning(
                        &view.at(text, command),
                        format!(
                            "`{}` hides that `{}` fails: the failure is kept in the cache, as a \
                             success",
                            words(command),
                            before.name()
                        ),
                    )
                    .help("leave it out; for the logs and files of a failed step there is `envtpl debug`");
            }
        }
    });
}

/// `echo $(make)` succeeds whatever became of `make`.
fn echoed(findings: &mut Findings, view: &View<'_>, text: &Text<'_>) {
    for command in text.script.all() {
        if !matches!(command.name(), "echo" | "printf") {
            continue;
        }
        let inside = command.words.iter().flat_map(|word| &word.substitutions);
        let mut inside = inside.flat_map(|script| &script.commands);
        if let Some(hidden) = inside.find(|one| !is_harmless(one)) {
            findings
                .warning(
                    &view.at(text, command),
                    format!(
                        "`{}` succeeds even when `{}` in it fails, and joins its lines",
                        command.name(),
                        hidden.name()
                    ),
                )
                .help(format!("run it itself: `{} >FILE`", words(hidden)));
        }
    }
}

/// The status of a pipe is that of its last command.
fn piped(findings: &mut Findings, view: &View<'_>, text: &Text<'_>) {
    if text.is_set('\0', "pipefail") {
        return;
    }
    let commands = &text.script.commands;
    for (index, command) in commands.iter().enumerate() {
        if index == 0 || command.joint != Joint::Pipe {
            continue;
        }
        let begin = commands[..index]
            .iter()
            .rposition(|one| one.joint != Joint::Pipe);
        let decides = commands[begin.unwrap_or(0)].is_condition;
        let mut rest = commands[index..]
            .iter()
            .skip_while(|one| one.joint == Joint::Pipe);
        let is_caught = rest.next().is_some_and(|next| next.joint == Joint::Or);
        let before = &commands[index - 1];
        let talks = TALKERS.contains(&before.name()) || is_harmless(before);
        if decides || is_caught || talks {
            continue;
        }
        findings
            .warning(
                &view.at(text, before),
                format!(
                    "when `{}` fails and `{}` does not, the step succeeds",
                    before.name(),
                    command.name()
                ),
            )
            .help("`SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before this line, or a file between the two");
        return;
    }
}

/// What is fetched and compared with nothing.
fn fetched(findings: &mut Findings, view: &View<'_>, text: &Text<'_>) {
    let all = text.script.all();
    let compared = all.iter().any(|command| {
        let mut words = command.words.iter().map(|word| word.text.as_str());
        words.any(|word| COMPARERS.contains(&word.rsplit('/').next().unwrap_or(word)))
            || (command.name() == "openssl" && command.has("dgst"))
    });
    if compared {
        return;
    }
    let fetching = all.into_iter().find(|command| {
        let is_curl = command.name() == "curl";
        let looks_only = command.arguments().any(|word| {
            let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            // `-sI`: the letters of several options in one word.
            (is_curl && letters.is_some_and(|letters| letters.ends_with('I')))
                || matches!(
                    word,
                    "--spider" | "--head" | "--version" | "/dev/null" | "--help"
                )
        });
        let mut addresses = command.arguments().filter(|word| {
            let address = word
                .strip_prefix("https://")
                .or(word.strip_prefix("http://"));
            address.is_some_and(|rest| !rest.starts_with("localhost") && !rest.starts_with("127."))
        });
        matches!(command.name(), "curl" | "wget") && !looks_only && addresses.next().is_some()
    });
    if let Some(command) = fetching {
        findings
            .warning(
                &view.at(text, command),
                format!("what `{}` fetches is compared with no checksum", command.name()),
            )
            .help("`ADD --checksum=sha256:… ADDRESS FILE`, or `echo \"SHA256  FILE\" | sha256sum -c` behind it");
    }
}

/// `ADD https://…` without a checksum; the builder knows a repository by its commit.
fn added(findings: &mut Findings, view: &View<'_>) {
    for instruction in view.dockerfile.instructions() {
        if instruction.keyword != Keyword::Add || instruction.flag("checksum").is_some() {
            continue;
        }
        let mut words = instruction.arguments.split_whitespace();
        let address = words.find(|word| {
            let word = word.trim_matches(['[', '"', ',']);
            let is_address = word.starts_with("https://") || word.starts_with("http://");
            is_address
                && !word
                    .split(['#', '?'])
                    .next()
                    .is_some_and(|path| path.ends_with(".git"))
        });
        if let Some(address) = address {
            findings
                .warning(
                    &view.place(instruction.span.start),
                    format!(
                        "`{}` is fetched without a checksum",
                        crate::secrets::redact(address)
                    ),
                )
                .help("`ADD --checksum=sha256:… ADDRESS FILE`");
        }
    }
}

/// `apt-get install` with the package lists of an older step, or with none.
fn apt(findings: &mut Findings, view: &View<'_>, text: &Text<'_>) {
    // Lists in a cache of the builder's are kept current by whoever mounts them.
    let has_lists = text.instruction.mounts().any(|mount| {
        let mut settings = mount.into_iter();
        settings.any(|(_, value)| value.starts_with("/var/lib/apt"))
    });
    if has_lists {
        return;
    }
    for command in text.script.all() {
        let mut words = command.words.iter().map(|word| word.text.as_str());
        let is_apt = |word: &str| matches!(word, "apt-get" | "apt" | "aptitude");
        if !words.by_ref().take(2).any(is_apt) {
            continue;
        }
        let rest: Vec<&str> = command
            .arguments()
            .filter(|word| !word.starts_with('-'))
            .collect();
        if rest.contains(&"update") {
            return;
        }
        let packages = rest.iter().skip_while(|word| **word != "install").skip(1);
        let mut packages = packages.filter(|word| !word.contains('/') && !word.ends_with(".deb"));
        if packages.next().is_some() {
            findings
                .warning(
                    &view.at(text, command),
                    "packages are installed with the lists of an older step, which its cache keeps \
                     for as long as it likes, or with none",
                )
                .help("`apt-get update && apt-get install …` in one RUN");
            return;
        }
    }
}

/// Calls `look` for a script and those of its substitutions; the first is the outermost.
fn scripts(script: &Script, look: &mut dyn FnMut(&Script, bool)) {
    fn inner(script: &Script, is_outermost: bool, look: &mut dyn FnMut(&Script, bool)) {
        look(script, is_outermost);
        for command in &script.commands {
            for word in command.assignments.iter().chain(&command.words) {
                for nested in &word.substitutions {
                    inner(nested, false, look);
                }
            }
        }
    }
    inner(script, true, look);
}

/// A command as it is shown in a sentence.
fn words(command: &Command) -> String {
    let words: Vec<&str> = command
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    crate::secrets::redact_text(&words.join(" "))
}
