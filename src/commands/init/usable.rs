//! Which lines of a repository's requirements a build can use: it sees the installation's directory
//! and what the network has, and whatever is in the file gets into git and into every image.

use crate::installation::requirements::{Entry, FileOption, Kind, Location};
use crate::secrets;

const NOT_SEEN: &str = "the build sees the installation's directory alone";
const PASSWORD: &str =
    "it holds a password: give the index as PIP_INDEX_URL, or a NETRC_FILE, in .env";
const CONSTRAINTS: &str = "copy that file into the installation's dependencies/ and add the line to requirements.txt there";
const HASHES: &str =
    "what builds the project has no hashes; `envtpl freeze` locks every package with its hash";
const EXTRAS: &str =
    "the project is always importable, and its extras are not declared: add what they need";
const EDITABLE: &str = "a build installs no checkout to work in: write `name @ git+…`";
const SEVERAL: &str = "put its options on lines of their own";

/// What is to be done with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes into the installation.
    Take,
    /// It stands for the project itself, which is always importable in the containers.
    Project,
    /// It stands for the lines of another file.
    Include(Location),
    /// It stays behind, for a reason.
    Leave(&'static str),
}

/// Judges a line by its content and by what it asks for.
pub fn judge(content: &str, entries: &[Entry]) -> Verdict {
    if has_secret(content) {
        return Verdict::Leave(PASSWORD);
    }
    let verdicts: Vec<Verdict> = entries.iter().map(judge_entry).collect();
    match verdicts.as_slice() {
        [only] => only.clone(),
        verdicts => {
            let odd = verdicts.iter().find(|verdict| **verdict != Verdict::Take);
            match odd {
                None => Verdict::Take,
                Some(Verdict::Leave(why)) => Verdict::Leave(why),
                Some(_) => Verdict::Leave(SEVERAL),
            }
        }
    }
}

/// Whether a text shows a password.
pub fn has_secret(text: &str) -> bool {
    secrets::has_secret(text)
}

/// Whether a channel of conda, or a package of one, shows a password, or a token as such servers
/// have them in the path: `https://host/t/TOKEN/channel`.
pub fn has_conda_secret(address: &str) -> bool {
    has_secret(address)
}

fn judge_entry(entry: &Entry) -> Verdict {
    match &entry.kind {
        Kind::Option(option) => judge_option(option),
        Kind::Named { .. } => Verdict::Take,
        Kind::Editable { target, .. } => match target.as_written() {
            remote if remote.contains("+") && remote.contains("://") && !is_here(remote) => {
                Verdict::Leave(EDITABLE)
            }
            path => judge_path(path),
        },
        Kind::Path { path, extras, .. } if !extras.is_empty() && is_project(path.as_written()) => {
            Verdict::Leave(EXTRAS)
        }
        Kind::Path { path, .. } => judge_path(path.as_written()),
        Kind::Url { url, .. } | Kind::Vcs { url, .. } => match is_here(url.as_written()) {
            true => judge_path(url.as_written()),
            false => Verdict::Take,
        },
    }
}

fn judge_option(option: &FileOption) -> Verdict {
    let value = option.value.as_ref().map_or("", Location::as_written);
    match option.name {
        "--requirement" => match &option.value {
            Some(location) => Verdict::Include(location.clone()),
            None => Verdict::Take,
        },
        "--constraint" => Verdict::Leave(CONSTRAINTS),
        "--require-hashes" => Verdict::Leave(HASHES),
        "--find-links" | "--index-url" | "--extra-index-url"
            if is_here(value) || !value.contains("://") && !value.starts_with("${") =>
        {
            Verdict::Leave(NOT_SEEN)
        }
        _ => Verdict::Take,
    }
}

/// Whether an address is one of this machine.
fn is_here(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    let scheme = scheme.rsplit('+').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("file")
}

fn judge_path(path: &str) -> Verdict {
    let (path, extras) = match path.strip_suffix(']').and_then(|path| path.split_once('[')) {
        Some((path, _)) => (path, true),
        None => (path, false),
    };
    match (is_project(path), extras) {
        (true, true) => Verdict::Leave(EXTRAS),
        (true, false) => Verdict::Project,
        (false, _) => Verdict::Leave(NOT_SEEN),
    }
}

/// Whether a path is the repository itself, seen from its top as pip sees paths.
fn is_project(path: &str) -> bool {
    let path = path.trim().strip_prefix("file:").unwrap_or(path.trim());
    !path.is_empty()
        && path.split('/').all(|part| matches!(part, "." | ""))
        && !path.starts_with('/')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::installation::requirements::Requirements;

    fn verdict(line: &str) -> Verdict {
        let requirements = Requirements::parse(Path::new("r"), line).expect(line);
        judge(line, requirements.entries())
    }

    #[test]
    fn what_a_build_can_get_is_taken() {
        for line in [
            "numpy==1.26",
            "x @ git+https://h/x",
            "git+ssh://git@h/x#egg=x",
            "https://h/x-1-py3-none-any.whl",
            "--extra-index-url https://h/",
            "-i https://h/ --pre",
            "--find-links https://h/",
            "--index-url https://${USER}:${WORD}@h/",
        ] {
            assert_eq!(verdict(line), Verdict::Take, "{line}");
        }
        for line in ["-e .", ".", "./", "-e file:.", "file:."] {
            assert_eq!(verdict(line), Verdict::Project, "{line}");
        }
        assert!(
            matches!(verdict("-r more.txt"), Verdict::Include(file) if file.as_written() == "more.txt")
        );
    }

    #[test]
    fn what_it_cannot_get_has_a_reason() {
        for (line, why) in [
            ("-e ./libs/x", NOT_SEEN),
            ("./x-1-py3-none-any.whl", NOT_SEEN),
            ("..", NOT_SEEN),
            ("x @ file:///srv/x.zip", NOT_SEEN),
            ("x @ git+file:///srv/x", NOT_SEEN),
            ("-e git+file:///srv/x#egg=x", NOT_SEEN),
            ("/srv/x", NOT_SEEN),
            ("-f wheels", NOT_SEEN),
            ("-f file:///srv/wheels", NOT_SEEN),
            ("-e .[dev]", EXTRAS),
            (".[dev]", EXTRAS),
            ("-e git+https://h/x#egg=x", EDITABLE),
            ("-c constraints.txt", CONSTRAINTS),
            ("--require-hashes", HASHES),
            ("-r more.txt --pre", SEVERAL),
            ("--pre -f wheels", NOT_SEEN),
            ("-i https://u:w@h/", PASSWORD),
            ("x @ https://u:w@h/x.zip", PASSWORD),
        ] {
            assert_eq!(verdict(line), Verdict::Leave(why), "{line}");
        }
        assert!(has_conda_secret("https://h/t/abc/channel") && !has_conda_secret("conda-forge"));
    }
}
