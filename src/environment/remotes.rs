//! Asking repositories whether they have the commits that packages were installed from.
//!
//! It is asked where the packages are installed, with the git, the credentials and the network of
//! that place; addresses are those that a build will ask, without passwords in them.

use crate::environment::origin::Repository;
use crate::process::Invocation;

const SCRIPT: &str = include_str!("remotes.sh");

const START: &str = "ask_remotes <<'END_OF_REMOTES'\n";

const END: &str = "END_OF_REMOTES\n";

/// Announces the answer, whatever is printed first.
const ANNOUNCEMENT: &str = "\u{1e}remotes\n";

/// Sets proxies, certificates and credentials of a container, and becomes a command.
const ENTRYPOINT: &str = "/opt/envtpl/entrypoints/entrypoint.sh";

/// What a repository says of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has the commit.
    There,
    /// It answers, and has no such commit.
    Missing,
    /// It does not answer, or not without a password that is not there.
    Silent,
    /// There is no git to ask with.
    NoGit,
}

/// The command that asks on this machine.
pub fn here(repositories: &[&Repository]) -> Invocation {
    Invocation::new("sh").arg("-s").stdin(script(repositories))
}

/// The command that asks in a running container, as its own user; `docker` is the start of an
/// engine command line.
pub fn in_container(
    docker: Invocation,
    container: &str,
    repositories: &[&Repository],
) -> Invocation {
    docker
        .args(["exec", "--interactive", "--env=SKIP_INSTALL_PROJECT=1"])
        .args([container, ENTRYPOINT, "sh", "-s"])
        .stdin(script(repositories))
}

/// What was printed, in the order of the question; what it does not tell is silent.
pub fn parse(printed: &str, count: usize) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Silent; count];
    let answer = printed
        .split_once(ANNOUNCEMENT)
        .map_or("", |(_, rest)| rest);
    for line in answer.lines() {
        let Some((number, word)) = line.split_once(' ') else {
            continue;
        };
        let verdict = match word {
            "there" => Verdict::There,
            "missing" => Verdict::Missing,
            "no-git" => Verdict::NoGit,
            _ => Verdict::Silent,
        };
        let number = number.parse::<usize>().unwrap_or(count);
        if let Some(place) = verdicts.get_mut(number) {
            *place = verdict;
        }
    }
    verdicts
}

fn script(repositories: &[&Repository]) -> String {
    let lines = repositories.iter().enumerate().filter(|(_, repository)| {
        // Such an address is none, and would be another line.
        !repository.url.contains(char::is_whitespace)
    });
    let lines: String = lines
        .map(|(number, repository)| format!("{number} {} {}\n", repository.commit, repository.url))
        .collect();
    [SCRIPT, START, &lines, END].concat()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make repositories")]
mod tests {
    use super::*;
    use crate::output::{Color, Format, Printer};
    use std::path::Path;

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        Invocation::new("git")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(arguments)
            .directory(directory)
            .read(&printer)
            .expect("git runs")
    }

    fn repository(url: &str, commit: &str) -> Repository {
        Repository {
            system: "git".into(),
            url: url.into(),
            commit: commit.into(),
            revision: None,
            subdirectory: None,
        }
    }

    #[test]
    fn a_commit_is_found_wherever_it_is_in_the_history_and_not_elsewhere() {
        let directory = tempfile::tempdir().expect("a directory");
        let work = directory.path().join("work");
        std::fs::create_dir(&work).expect("made");
        git(&work, &["init", "--quiet", "--initial-branch=main"]);
        let commit = |text: &str| {
            git(&work, &["commit", "--quiet", "--allow-empty", "-m", text]);
            git(&work, &["rev-parse", "HEAD"])
        };
        let first = commit("first");
        let second = commit("second");
        git(
            directory.path(),
            &["clone", "--quiet", "--bare", "work", "pushed.git"],
        );
        let unpushed = commit("third");
        let url = format!("file://{}", directory.path().join("pushed.git").display());
        let gone = format!("file://{}", directory.path().join("none.git").display());
        let asked = [
            repository(&url, &second),
            repository(&url, &first),
            repository(&url, &unpushed),
            repository(&gone, &first),
            repository("https://h/x y", &first),
        ];
        let asked: Vec<&Repository> = asked.iter().collect();
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        let printed = here(&asked)
            .read(&printer)
            .expect("it runs on this machine");
        assert_eq!(
            parse(&printed, asked.len()),
            [
                Verdict::There,
                Verdict::There,
                Verdict::Missing,
                Verdict::Silent,
                Verdict::Silent
            ]
        );
        let without_git = script(&asked).replace("command -v git", "command -v no-such-git");
        let printed = Invocation::new("sh")
            .arg("-s")
            .stdin(without_git)
            .read(&printer);
        assert_eq!(parse(&printed.expect("runs"), 1), [Verdict::NoGit]);
    }

    #[test]
    fn an_answer_is_read_whatever_else_is_printed() {
        assert_eq!(
            parse("hello\n\u{1e}remotes\n1 there\nx\n7 there\n", 2),
            [Verdict::Silent, Verdict::There]
        );
        assert_eq!(parse("", 1), [Verdict::Silent]);
        let shown = in_container(Invocation::new("docker"), "box", &[]).to_string();
        assert_eq!(
            shown,
            "docker exec --interactive --env=SKIP_INSTALL_PROJECT=1 box \
             /opt/envtpl/entrypoints/entrypoint.sh sh -s"
        );
    }
}
