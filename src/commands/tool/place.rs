//! Which directory a command sees, and where it is in its container.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// Directories that a container needs as its image has them; it would not start, and what the start
/// writes into some of them would come into the person's directory.
const NEEDED: [&str; 15] = [
    "/", "/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc", "/run",
    "/sbin", "/sys", "/usr", "/var",
];

/// A directory of this machine in a container.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory, absolute and without symbolic links.
    source: PathBuf,
    /// Where it is in the container.
    pub at: PathBuf,
    /// Where the command begins: where the person is, when that is in the directory.
    pub directory: PathBuf,
}

impl Place {
    /// The current directory, or the one that is asked for, at a path; `same` stands for its own.
    ///
    /// # Errors
    /// `Usage` when it cannot be entered, or cannot be there.
    pub fn of(current: &Path, mount: Option<&Path>, at: &Path) -> Result<Self> {
        let source = match mount {
            None => current.to_owned(),
            Some(mount) => directory(&current.join(mount))?,
        };
        let at = match at == "same" {
            true => source.clone(),
            false => at.to_owned(),
        };
        let at = plain(&at)?;
        let below = current.strip_prefix(&source).unwrap_or(Path::new(""));
        let directory = match below.as_os_str().is_empty() {
            true => at.clone(),
            false => at.join(below),
        };
        Ok(Self {
            source,
            at,
            directory,
        })
    }

    /// The option that shows the directory. What stands in it is a line of comma-separated values,
    /// in which a field in quotes may hold anything, and a quote is written twice
    /// (`docker run --mount`).
    pub fn mount(&self) -> OsString {
        let mut option = b"--mount=type=bind".to_vec();
        for (name, value) in [("source", &self.source), ("target", &self.at)] {
            option.extend_from_slice(format!(",\"{name}=").as_bytes());
            for byte in value.as_os_str().as_bytes() {
                option.extend(std::iter::repeat_n(*byte, 1 + usize::from(*byte == b'"')));
            }
            option.push(b'"');
        }
        OsString::from_vec(option)
    }
}

/// A directory that is there, without symbolic links.
fn directory(path: &Path) -> Result<PathBuf> {
    let found = path.canonicalize();
    let found = found.and_then(|found| match found.is_dir() {
        true => Ok(found),
        false => Err(std::io::ErrorKind::NotADirectory.into()),
    });
    found.map_err(|source| {
        Error::usage(format!(
            "the directory `{}` cannot be entered",
            path.display()
        ))
        .because(source)
        .help("name one that is there: `--mount DIR`")
    })
}

/// A path in the container that means one place, and may be anybody's; without slashes at its end.
fn plain(path: &Path) -> Result<PathBuf> {
    let elsewhere = "choose another place: `--at /work`";
    let bytes = path.as_os_str().as_bytes();
    let kept = bytes.iter().rposition(|byte| *byte != b'/');
    // All slashes are one.
    let length = kept.map_or(bytes.len().min(1), |last| last + 1);
    let path = Path::new(OsStr::from_bytes(&bytes[..length]));
    let rebuilt: PathBuf = path.components().collect();
    let is_plain = path.is_absolute()
        && rebuilt.as_os_str() == path.as_os_str()
        && !path.components().any(|part| part == Component::ParentDir);
    if !is_plain {
        return Err(
            Error::usage(format!("`{}` is no plain absolute path", path.display())).help(elsewhere),
        );
    }
    if NEEDED.iter().any(|needed| path == Path::new(needed)) {
        return Err(
            Error::usage(format!("the container needs its own `{}`", path.display()))
                .help(elsewhere),
        );
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn place(current: &str, mount: Option<&str>, at: &str) -> Result<Place> {
        Place::of(Path::new(current), mount.map(Path::new), Path::new(at))
    }

    #[test]
    fn the_command_begins_where_the_person_is() {
        let found = |current, mount, at| {
            let place = place(current, mount, at).expect("a place");
            [place.source, place.at, place.directory].map(|path| path.display().to_string())
        };
        assert_eq!(found("/a b/c", None, "/work"), ["/a b/c", "/work", "/work"]);
        assert_eq!(found("/a/c", None, "same"), ["/a/c", "/a/c", "/a/c"]);
        assert_eq!(
            found("/usr/bin", Some("/"), "/w//"),
            ["/", "/w", "/w/usr/bin"]
        );
        assert_eq!(
            found("/usr", Some("share"), "/w"),
            ["/usr/share", "/w", "/w"]
        );
        assert_eq!(
            found("/usr/bin", Some(".."), "/w"),
            ["/usr", "/w", "/w/bin"]
        );
    }

    #[test]
    fn places_that_the_container_needs_are_refused() {
        for at in ["/", "//", "/etc", "/etc/", "/usr", "/proc", "/opt"] {
            let error = place("/home", None, at).expect_err(at);
            assert!(error.to_string().contains("needs its own"), "{error}");
        }
        for at in [
            "",
            "work",
            "./work",
            "/a/../etc",
            "/a//etc",
            "/a/./b",
            "/a/..",
        ] {
            let error = place("/home", None, at).expect_err(at);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(
                error.to_string().contains("no plain absolute path"),
                "{error}"
            );
        }
        assert!(place("/etc", None, "same").is_err());
        assert!(place("/home", Some("no-such"), "/work").is_err());
        assert!(place("/etc", Some("passwd"), "/work").is_err());
    }

    #[test]
    fn a_path_may_hold_what_separates_fields() {
        let place = Place {
            source: PathBuf::from("/a, \"b\":c"),
            at: PathBuf::from("/w"),
            directory: PathBuf::from("/w"),
        };
        let expected = r#"--mount=type=bind,"source=/a, ""b"":c","target=/w""#;
        assert_eq!(place.mount(), expected);
    }
}
