//! `--env-file`: variables of a container, from a file in Docker's format.
//!
//! Source of the format: docker/cli, `pkg/kvfile/kvfile.go`. It is not that of `.env`, which Compose
//! reads: nothing is quoted, escaped or filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::commands::start::launch::Launch;
use crate::error::{Error, Place, Result};
use crate::files;

/// Gives the container of a start the variables of these files, of which the last counts. They go
/// before those of the service; `--env` goes before them. They stand in the start's own Compose
/// file, which only the person may read, and on no command line.
///
/// # Errors
/// `Usage` at the line that Docker would not accept either; when a file cannot be read.
pub fn take_env_files(launch: &mut Launch<'_>, paths: &[PathBuf]) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let (paths, variables) = read(&launch.workplace.context.directory, paths)?;
    let pairs = variables.iter();
    launch.adapt(|adapted| {
        adapted.set_variables(pairs.map(|(name, value)| (name.as_str(), value.as_str())));
    });
    launch.env_files = paths;
    Ok(())
}

/// The files as Docker's own `--env-file` can be given them: whole paths, each read and found right.
///
/// # Errors
/// As [`take_env_files`].
pub fn check_env_files(directory: &Path, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    read(directory, paths).map(|(paths, _)| paths)
}

/// Whole paths, and the variables of all files, of which the last counts.
fn read(directory: &Path, paths: &[PathBuf]) -> Result<(Vec<PathBuf>, BTreeMap<String, String>)> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| directory.join(path)).collect();
    let mut variables = BTreeMap::new();
    for path in &paths {
        let bytes = files::read(path)?;
        variables.extend(parse(path, &bytes, |name| std::env::var(name).ok())?);
    }
    Ok((paths, variables))
}

/// The assignments of a file. A name alone takes the value of the environment, or is left out.
fn parse(
    path: &Path,
    bytes: &[u8],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut variables = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let wrong = |why: &str, shown: String| {
            Error::usage(format!("this line sets no variable: {why}"))
                .at(line_without_values(path, index, shown))
                .help("lines are `NAME=value`, or `NAME` for that of the environment, as `docker run --env-file` reads them: without quotes and without `export`")
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = std::str::from_utf8(line) else {
            return Err(wrong("it is not UTF-8", "…".to_owned()));
        };
        // Blanks at the end belong to the value.
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (line, None),
        };
        // What stands where no name can be may be a secret.
        let shown = || value.map_or_else(|| "…".to_owned(), |_| format!("{name}=…"));
        if name.is_empty() {
            return Err(wrong("it has no name", shown()));
        }
        if name.contains([' ', '\t']) {
            return Err(wrong("its name holds blanks", shown()));
        }
        if line.contains('\0') {
            return Err(wrong("it holds a zero byte", "…".to_owned()));
        }
        if let Some(value) = value.map(str::to_owned).or_else(|| environment(name)) {
            variables.push((name.to_owned(), value));
        }
    }
    Ok(variables)
}

/// A line of a file, of which no more is shown than `shown`.
fn line_without_values(path: &Path, index: usize, shown: String) -> Place {
    let text = "\n".repeat(index) + &shown;
    Place::line(path, &text, index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<Vec<(String, String)>> {
        parse(Path::new("of/mine.env"), text, |name| {
            (name == "FROM_OUTSIDE").then(|| "outer value".to_owned())
        })
    }

    #[test]
    fn lines_are_read_as_docker_reads_them() {
        let text = "\u{feff}A=1\n\n  # a comment\n\tB= 'as it is' # all of it \r\nC=\nD=x=y\n\
                    FROM_OUTSIDE\nNOT_THERE\nmy.name-1=$HOME ${A} `x` \\n\nA=2";
        let expected = [
            ("A", "1"),
            ("B", " 'as it is' # all of it "),
            ("C", ""),
            ("D", "x=y"),
            ("FROM_OUTSIDE", "outer value"),
            ("my.name-1", "$HOME ${A} `x` \\n"),
            ("A", "2"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read_text(text.as_bytes()).expect("read"), expected);
        assert!(read_text(b"").expect("read").is_empty());
    }

    #[test]
    fn a_wrong_line_is_named_and_its_value_is_not() {
        for (text, why, shown) in [
            (&b"A=1\n=sesame"[..], "it has no name", "=…"),
            (
                b"A=1\nexport B=sesame",
                "its name holds blanks",
                "export B=…",
            ),
            (b"A=1\nopen sesame\n", "its name holds blanks", "…"),
            (b"A=1\nB=sesame\xff\n", "it is not UTF-8", "…"),
            (b"A=1\nB=sesame\0\n", "it holds a zero byte", "…"),
        ] {
            let error = read_text(text).expect_err(why);
            assert!(error.message().ends_with(why), "{}", error.message());
            let [place] = error.places() else {
                panic!("one place");
            };
            assert_eq!(place.to_string(), "of/mine.env:2");
            let (excerpt, _) = place.excerpt.as_ref().expect("an excerpt");
            assert_eq!(excerpt.trim_start(), shown);
        }
    }
}
