//! Asking an image or a container what is installed in it, with one script on its standard input.
//!
//! The script needs a shell and nothing else, no network, and changes nothing. It also prints the
//! records that the image's own build left in `/opt/envtpl/`, and on request what the files of the
//! Python packages are.

use std::collections::BTreeMap;

use crate::environment::contents::{self, Contents};
use crate::environment::pylock::Resolved;
use crate::environment::sbom::notes::{self, Notes};
use crate::environment::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::process::Invocation;

/// The script that each image carries too.
const SNAPSHOT: &str = include_str!("../../templates/installation/common/entrypoints/snapshot.sh");

/// Finds the environment's Python as the snapshot does; `$PYTHON` is empty where there is none.
pub(super) const FIND_PYTHON: &str = r#"
if [ -z "${PYTHON:-}" ] && [ -r /opt/envtpl/image.conf ]; then . /opt/envtpl/image.conf; fi
if [ ! -x "${PYTHON:-}" ]; then PYTHON=$(command -v python3 || command -v python || true); fi
"#;

/// Waits until nothing installs packages; each image carries it too.
const INSTALLERS: &str =
    include_str!("../../templates/installation/common/entrypoints/installers.sh");

/// Says who installs packages, in place of everything else, when waiting was in vain.
const WAIT: &str = r#"
if ! wait_for_installers; then
    printf 'busy
%s
' "$installer"
    exit 0
fi
"#;

/// The name of the process that installs packages among the parts of an answer.
const BUSY_NAME: &str = "busy";

/// Prints the records of the image's build, each after a line with its name. The separator is a
/// control character, which JSON never holds as such.
const RECORDS: &str = r#"
for record in base run dev apt-build; do
    if [ -r "/opt/envtpl/$record.json" ]; then
        printf '\036%s\n' "$record"
        cat "/opt/envtpl/$record.json"
    fi
done
if [ -r /opt/envtpl/dependencies/resolved.toml ]; then
    printf '\036resolved\n'
    cat /opt/envtpl/dependencies/resolved.toml
fi
"#;

/// Announces what is installed now, as a record of its own.
const NOW: &str = "printf '\\036now\\n'\n";

/// The name of what the build resolved among the parts of an answer; it is no snapshot.
const RESOLVED_NAME: &str = "resolved";

/// The name of what is installed now among the parts of an answer.
const NOW_NAME: &str = "now";

/// Separates the parts of an answer.
const SEPARATOR: char = '\u{1e}';

/// What to ask for. All of it is one start of a shell, since starting one in an image takes longer
/// than most answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// What the image's build recorded.
    records: bool,
    /// What is installed now.
    now: bool,
    /// What the files of the Python packages are.
    contents: Option<contents::Question>,
    /// What the package databases say besides.
    notes: bool,
}

impl Question {
    /// What the image's build recorded.
    pub fn records() -> Self {
        Self {
            records: true,
            ..Self::default()
        }
    }

    /// What the image's build recorded, and what is installed now.
    pub fn records_and_now() -> Self {
        Self {
            now: true,
            ..Self::records()
        }
    }

    /// Also what the files of the Python packages are.
    pub fn with_contents(self, contents: contents::Question) -> Self {
        Self {
            contents: Some(contents),
            ..self
        }
    }

    /// Also what the package databases say of each package besides.
    pub fn with_notes(self) -> Self {
        Self {
            notes: true,
            ..self
        }
    }

    fn script(&self) -> String {
        let records = match self.records {
            true => RECORDS,
            false => "",
        };
        // Neither may end the whole script, nor read the rest of it.
        let now = match self.now {
            true => format!("({NOW}{SNAPSHOT}) </dev/null\n"),
            false => String::new(),
        };
        let now = match self.notes {
            true => format!("{now}({FIND_PYTHON}{}) </dev/null\n", notes::SCRIPT),
            false => now,
        };
        match &self.contents {
            None => format!("set -e\n{records}{now}"),
            // Both at once, one answer behind the other.
            Some(_) => format!(
                "set -e\n{records}contents() {{{}}}\ncontents \"$@\" | {{\n{now}cat\n}}\n",
                contents::Question::script()
            ),
        }
    }

    /// The script for where people work: what they are about to install is waited for.
    fn script_for_container(&self) -> String {
        match self.now {
            true => [INSTALLERS, WAIT, &self.script()].concat(),
            false => self.script(),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let contents = self.contents.iter();
        contents.flat_map(contents::Question::arguments).collect()
    }

    /// The command that asks an image; `docker` is the start of an engine command line.
    pub fn to_image(&self, docker: Invocation, image: &str, platform: &str) -> Invocation {
        in_image(docker, image, platform, self.script()).args(self.arguments())
    }

    /// The command that asks a running container, as its own user.
    pub fn to_container(&self, docker: Invocation, container: &str) -> Invocation {
        in_container(docker, container, self.script_for_container()).args(self.arguments())
    }
}

/// The command that runs a shell script in an image, without network; arguments for the script
/// may follow.
pub(super) fn in_image(
    docker: Invocation,
    image: &str,
    platform: &str,
    script: String,
) -> Invocation {
    docker
        .args(["run", "--rm", "--interactive", "--network=none"])
        .args(["--platform", platform, "--entrypoint=sh", image, "-s"])
        .stdin(script)
}

/// The command that runs a shell script in a container, as its own user; arguments for the script
/// may follow.
pub(super) fn in_container(docker: Invocation, container: &str, script: String) -> Invocation {
    docker
        .args(["exec", "--interactive", container, "sh", "-s"])
        .stdin(script)
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    origin: String,
    parts: BTreeMap<String, Snapshot>,
    resolved: Resolved,
    contents: Option<Contents>,
    notes: Notes,
}

impl Answer {
    /// Reads what the script printed; `origin` is the image or container that was asked.
    ///
    /// # Errors
    /// When a part of it is damaged, or packages are being installed there.
    pub fn parse(printed: &str, origin: &str) -> Result<Self> {
        let mut parts = BTreeMap::new();
        let mut resolved = Resolved::default();
        let mut contents = None;
        let mut notes = Notes::default();
        // What comes before the first separator was printed by the image's own start.
        for part in printed.split(SEPARATOR).skip(1) {
            let (name, text) = part.split_once('\n').unwrap_or((part, ""));
            match name {
                BUSY_NAME => return Err(busy(text.trim(), origin)),
                RESOLVED_NAME => resolved = Resolved::parse(text, origin)?,
                notes::NAME => notes = Notes::parse(text),
                contents::NAME => contents = Some(Contents::parse(text, origin)?),
                _ => {
                    parts.insert(name.to_owned(), Snapshot::parse(text.as_bytes(), origin)?);
                }
            }
        }
        Ok(Self {
            origin: origin.to_owned(),
            parts,
            resolved,
            contents,
            notes,
        })
    }

    /// What is installed now.
    ///
    /// # Errors
    /// When that was not printed.
    pub fn now(&mut self) -> Result<Snapshot> {
        self.parts.remove(NOW_NAME).ok_or_else(|| {
            Error::failed(format!(
                "`{}` did not say what is installed in it",
                self.origin
            ))
        })
    }

    /// What the files of the Python packages are.
    ///
    /// # Errors
    /// When that was not printed.
    pub fn contents(&mut self) -> Result<Contents> {
        let contents = self.contents.take();
        contents.ok_or_else(|| contents::unsaid(&self.origin))
    }

    /// What the package databases say besides; nothing when that was not asked for.
    pub fn notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes)
    }

    /// What the image's build resolved; nothing when it took everything from a lock.
    pub fn resolved(&mut self) -> Resolved {
        std::mem::take(&mut self.resolved)
    }

    /// A record of the image's build: `base`, `run`, `dev`.
    pub fn record(&mut self, name: &str) -> Option<Snapshot> {
        self.parts.remove(name)
    }
}

fn busy(installer: &str, origin: &str) -> Error {
    Error::failed(format!(
        "{installer} installs packages in `{origin}`, and did not end within five seconds"
    ))
    .help("let it end, or answer what it asks, and try again")
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests start what the script looks for"
)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_parts_whatever_the_image_prints_first() {
        let printed = "welcome!\n\u{1e}base\n{\"schema\":1,\"platform\":\"amd64\"}\n\
                       \u{1e}resolved\n[[packages]]\nname = \"x\"\nversion = \"1\"\n\
                       wheels = [{ url = \"https://h/x-1-py3-none-any.whl\" }]\n\
                       \u{1e}now\n{\"schema\":1,\"platform\":\"arm64\"}";
        let mut answer = Answer::parse(printed, "x").expect("read");
        assert_eq!(answer.resolved().packages.len(), 1);
        assert_eq!(answer.record("base").expect("there").platform, "amd64");
        assert_eq!(answer.record("run"), None);
        assert_eq!(answer.now().expect("there").platform, "arm64");
        assert!(answer.now().is_err());
    }

    #[test]
    fn a_cut_answer_names_who_gave_it() {
        let error = Answer::parse("\u{1e}base\n{\"schema\":1,", "box").expect_err("refused");
        assert!(error.to_string().contains("`box`"));
    }

    #[test]
    fn the_commands_reach_no_network_and_keep_nothing() {
        let shown = Question::records_and_now()
            .to_image(Invocation::new("docker"), "lab/x:1", "linux/amd64")
            .to_string();
        assert_eq!(
            shown,
            "docker run --rm --interactive --network=none --platform linux/amd64 \
             --entrypoint=sh lab/x:1 -s"
        );
    }

    #[test]
    fn files_are_asked_for_in_the_same_start() {
        let files = contents::Question {
            depth: contents::Depth::NewerThan(vec!["/opt/a".into(), "/opt/b".into()]),
            list: vec!["numpy".into()],
        };
        let shown = Question::records_and_now()
            .with_contents(files)
            .to_container(Invocation::new("docker"), "box")
            .to_string();
        assert_eq!(
            shown,
            "docker exec --interactive box sh -s newer=/opt/a newer=/opt/b list=numpy"
        );
    }

    fn shell(script: String) -> String {
        Invocation::new("sh")
            .arg("-s")
            .stdin(script)
            .read(&printer())
            .expect("it runs on this machine")
    }

    fn printer() -> crate::output::Printer {
        let (format, color) = (crate::output::Format::Human, crate::output::Color::Never);
        crate::output::Printer::new(format, color, true, 0)
    }

    /// Started programs, by the name under which they run.
    struct Installer(std::process::Child);

    impl Installer {
        /// A program of this name that runs for some seconds.
        fn start(directory: &std::path::Path, name: &str, seconds: &str, more: &[&str]) -> Self {
            let program = directory.join(name);
            std::os::unix::fs::symlink("/bin/sh", &program).expect("made");
            let mut command = std::process::Command::new(program);
            // It stays the process that was started, whatever it runs.
            command.args(["-c", "echo; sleep \"$0\"; :", seconds]);
            command.args(more).stdout(std::process::Stdio::piped());
            let mut child = command.spawn().expect("started");
            // A process has its name before it has its command line.
            let mut said = [0];
            let output = child.stdout.as_mut().expect("a pipe");
            std::io::Read::read_exact(output, &mut said).expect("it runs");
            Self(child)
        }
    }

    impl Drop for Installer {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    /// What `find_installer` says of processes that this test started, and of no others.
    #[test]
    fn who_installs_is_found_by_name_and_by_what_python_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        let find = |child: &Installer| {
            let process = format!("/proc/{}", child.0.id());
            let script = INSTALLERS.replace("/proc/[0-9]*", &process);
            shell(script + "find_installer || installer=none\nprintf '%s' \"$installer\"\n")
        };
        let number = |child: &Installer| format!("(process {})", child.0.id());
        for (name, more, expected) in [
            ("apt-get", &["install"][..], Some("apt-get")),
            ("pip3.11", &["install", "x"], Some("pip3.11")),
            ("uv", &["pip", "install"], Some("uv")),
            ("dpkg", &[], Some("dpkg")),
            ("uv", &["run", "server"], None),
            ("conda", &["run", "-n", "x"], None),
            ("python3", &["-m", "pip", "install"], Some("pip")),
            ("python3.12", &["server.py"], None),
            ("vim", &["pip"], None),
        ] {
            let child = Installer::start(directory.path(), name, "30", more);
            let found = find(&child);
            let expected = expected.map(|name| format!("{name} {}", number(&child)));
            assert_eq!(
                found,
                expected.as_deref().unwrap_or("none"),
                "{name} {more:?}"
            );
            drop(child);
            std::fs::remove_file(directory.path().join(name)).expect("removed");
        }
    }

    #[test]
    fn a_short_install_is_waited_for_and_a_long_one_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let ask = |child: &Installer| {
            let process = format!("/proc/{}", child.0.id());
            let script = Question::records_and_now().script_for_container();
            let printed = shell(script.replace("/proc/[0-9]*", &process));
            Answer::parse(&printed, "box")
        };
        let mut short = Installer::start(directory.path(), "dpkg", "0.7", &[]);
        ask(&short).expect("an answer").now().expect("a snapshot");
        let ended = short.0.try_wait().expect("it can be asked");
        assert!(ended.is_some(), "it was waited for");
        let mut long = Installer::start(directory.path(), "pip", "60", &["install"]);
        let begun = std::time::Instant::now();
        let error = ask(&long).expect_err("busy");
        assert!(begun.elapsed().as_secs() >= 4);
        assert_eq!(long.0.try_wait().expect("it can be asked"), None);
        assert_eq!(error.kind(), crate::error::Kind::Failed);
        let named = format!("pip (process {}) installs packages in `box`", long.0.id());
        assert!(error.message().contains(&named), "{error}");
    }

    #[test]
    fn the_script_runs_in_a_plain_shell() {
        let printed = shell(Question::records_and_now().script());
        let now = Answer::parse(&printed, "this machine")
            .and_then(|mut answer| answer.now())
            .expect("read");
        assert_eq!(now.schema, 1);
        assert!(!now.platform.is_empty());
    }

    #[test]
    fn one_shell_tells_what_is_installed_and_what_its_files_are() {
        let question = Question::records_and_now().with_contents(contents::Question {
            depth: contents::Depth::Records,
            list: Vec::new(),
        });
        let answer = |python: &str| {
            let script = format!("PYTHON={python}\n{}", question.script());
            Answer::parse(&shell(script), "this machine").expect("read")
        };
        let python = Invocation::new("sh").args(["-c", "command -v python3"]);
        let python = python.read(&printer()).expect("python3 is here");
        let mut both = answer(&python);
        assert!(both.now().expect("told").python.is_some());
        assert_eq!(both.contents().expect("told").schema, 1);
        // Nothing was said of files when nobody asked.
        let mut records = Answer::parse(&shell(Question::records().script()), "x").expect("read");
        assert!(records.contents().is_err());
    }

    #[test]
    fn what_databases_say_besides_comes_behind_what_is_installed() {
        let question = Question::records_and_now().with_notes();
        let mut answer = Answer::parse(&shell(question.script()), "this machine").expect("read");
        let now = answer.now().expect("told");
        let notes = answer.notes();
        let told = now.apt.iter().filter(|deb| notes.apt(deb).is_some());
        assert_eq!(told.count(), now.apt.len());
        let packages = now.distributions();
        assert!(packages.iter().all(|one| notes.python(one).is_some()));
    }

    /// Asking ends as a whole when a part of it cannot be told.
    #[test]
    fn what_fails_in_between_is_no_answer() {
        let question = Question::records_and_now().with_contents(contents::Question::default());
        let script = question.script().replace(SNAPSHOT, "set -eu\nfalse\n");
        let asked = Invocation::new("sh").arg("-s").stdin(script);
        assert!(asked.read(&printer()).is_err());
    }
}
