//! Declared packages on their way between `requirements.txt` and `environment.yml`.

use std::path::Path;

use crate::commands::init::declared;
use crate::error::{Error, Place, Result};
use crate::templates::FromBase;

/// Where a kind of base declares Python packages.
pub fn file(kind: FromBase) -> &'static str {
    match kind {
        FromBase::FromPython => "dependencies/requirements.txt",
        FromBase::FromScratch => "dependencies/environment.yml",
    }
}

/// What the person has changed in a file of declared packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Lines that are new, comments included.
    pub added: Vec<String>,
    /// Lines that are gone.
    pub removed: Vec<String>,
}

/// What the person has changed since `written`.
///
/// # Errors
/// `Usage` when a file cannot be read as what it is, or conda packages were added, which
/// `requirements.txt` cannot hold.
pub fn edits(kind: FromBase, path: &Path, written: &str, mine: &str) -> Result<Edits> {
    let (written, mine) = match kind {
        FromBase::FromPython => (lines(written), lines(mine)),
        FromBase::FromScratch => {
            let (old, written) = declared::environment(path, written)?;
            let (new, lines) = declared::environment(path, mine)?;
            refuse_conda(path, mine, &old.packages, &new.packages)?;
            (written, lines)
        }
    };
    let without = |these: &[String], those: &[String]| -> Vec<String> {
        let new = these.iter().filter(|line| !those.contains(line));
        new.cloned().collect()
    };
    Ok(Edits {
        added: without(&mine, &written),
        removed: without(&written, &mine),
    })
}

fn lines(text: &str) -> Vec<String> {
    // A line that ends in a backslash goes on in the next one.
    let joined = text.replace("\r\n", "\n").replace("\\\n", " ");
    joined
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

fn refuse_conda(path: &Path, text: &str, old: &[String], new: &[String]) -> Result<()> {
    let added: Vec<&String> = new.iter().filter(|spec| !old.contains(spec)).collect();
    if added.is_empty() {
        return Ok(());
    }
    let mut error = Error::failed(
        "conda packages were added, and a from-python installation has no place for them",
    );
    for spec in added {
        let line = text
            .lines()
            .position(|line| {
                let item = line.trim_start().strip_prefix('-').unwrap_or_default();
                item.trim_start()
                    .trim_start_matches(['"', '\''])
                    .starts_with(spec.as_str())
            })
            .map_or(1, |index| index + 1);
        error = error.at(Place::line(path, text, line).label("a conda package"));
    }
    Err(error.help("move them below `pip:`, under the names that pip knows, or take them out"))
}

/// Brings edits into the other kind's file.
///
/// # Errors
/// When the file cannot be edited safely.
pub fn apply(kind: FromBase, path: &Path, text: &str, edits: &Edits) -> Result<String> {
    if *edits == Edits::default() {
        return Ok(text.to_owned());
    }
    match kind {
        FromBase::FromPython => {
            let mut text: String = text
                .split_inclusive('\n')
                .filter(|line| !edits.removed.iter().any(|gone| gone == line.trim()))
                .collect();
            if !edits.added.is_empty() {
                if !text.ends_with('\n') && !text.is_empty() {
                    text.push('\n');
                }
                text.push('\n');
            }
            for line in &edits.added {
                text.push_str(line);
                text.push('\n');
            }
            Ok(text)
        }
        FromBase::FromScratch => apply_to_environment(path, text, edits),
    }
}

fn apply_to_environment(path: &Path, text: &str, edits: &Edits) -> Result<String> {
    let (_, before) = declared::environment(path, text)?;
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| {
            let item = line.trim().strip_prefix("- ").map(str::trim);
            let item = item.map(|item| item.trim_matches(['\'', '"']));
            !item.is_some_and(|item| edits.removed.iter().any(|gone| gone == item))
        })
        .collect();
    let mut lines: Vec<String> = kept.iter().map(|line| (*line).to_owned()).collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let pip = lines
        .iter()
        .position(|line| line.trim_end().ends_with("- pip:"));
    let (at, width) = match pip {
        Some(pip) => {
            let inside =
                |line: &&String| line.trim().is_empty() || indent(line) > indent(&lines[pip]);
            let count = lines[pip + 1..].iter().take_while(inside).count();
            let block = &lines[pip + 1..pip + 1 + count];
            let blank = block
                .iter()
                .rev()
                .take_while(|line| line.trim().is_empty())
                .count();
            let width = block.iter().find(|line| line.trim_start().starts_with('-'));
            (
                pip + 1 + count - blank,
                width.map_or(6, |line| indent(line)),
            )
        }
        None => {
            lines.push("  - pip:".to_owned());
            (lines.len(), 6)
        }
    };
    let added = edits.added.iter().map(|line| {
        let space = " ".repeat(width);
        if line.starts_with('#') {
            format!("{space}{line}")
        } else {
            format!("{space}- {}", declared::item(line))
        }
    });
    lines.splice(at..at, added);
    let after = lines.join("\n") + "\n";

    let mut wanted: Vec<String> = before
        .into_iter()
        .filter(|line| !edits.removed.contains(line))
        .collect();
    let packages = |line: &&String| !line.starts_with('#');
    wanted.extend(edits.added.iter().filter(packages).map(|line| bare(line)));
    let wanted = wanted.iter().map(|line| bare(line)).collect::<Vec<_>>();
    let got = declared::environment(path, &after).map(|(_, pip)| pip);
    match got {
        Ok(pip) if pip.iter().map(|line| bare(line)).collect::<Vec<_>>() == wanted => Ok(after),
        _ => Err(
            Error::failed(format!("`{}` cannot be edited safely", path.display())).help(format!(
                "add below `pip:` by hand: {}",
                edits.added.join(", ")
            )),
        ),
    }
}

/// A requirement without the comment behind it.
fn bare(line: &str) -> String {
    line.split(" #").next().unwrap_or(line).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "# Python packages.\n";
    const ENVIRONMENT: &str =
        "channels:\n  - conda-forge\ndependencies:\n  - python=3.12\n  - pip\n";

    fn environment(mine: &str) -> Result<Edits> {
        edits(FromBase::FromScratch, Path::new("e.yml"), ENVIRONMENT, mine)
    }

    #[test]
    fn packages_go_there_and_back() {
        let requirements = "# Python packages.\n\n# mine\nnumpy==1.26 # why\nx @ git+https://h/x\n";
        let path = Path::new("r.txt");
        let edits = edits(FromBase::FromPython, path, HEADING, requirements).expect("read");
        assert_eq!(
            edits.added,
            ["# mine", "numpy==1.26 # why", "x @ git+https://h/x"]
        );
        let path = Path::new("e.yml");
        let text = apply(FromBase::FromScratch, path, ENVIRONMENT, &edits).expect("applied");
        assert!(
            text.ends_with(
                "  - pip:\n      # mine\n      - numpy==1.26 # why\n      - x @ git+https://h/x\n"
            ),
            "{text}"
        );
        let back = environment(&text).expect("read");
        assert_eq!(back.added, ["numpy==1.26", "x @ git+https://h/x"]);
    }

    #[test]
    fn conda_packages_are_refused_where_they_stand() {
        let error = environment(&format!("{ENVIRONMENT}  - pytorch\n")).expect_err("refused");
        assert_eq!(error.places()[0].line_number(), Some(6));
        assert_eq!(error.kind(), crate::error::Kind::Failed);
    }

    #[test]
    fn what_was_taken_out_is_taken_out_there_too() {
        let edits = Edits {
            added: vec!["scipy".into()],
            removed: vec!["numpy".into()],
        };
        let path = Path::new("x");
        let text = apply(FromBase::FromPython, path, "# h\nnumpy\npandas\n", &edits);
        assert_eq!(text.expect("applied"), "# h\npandas\n\nscipy\n");
        let text = "dependencies:\n- pip:\n  - numpy\n  - pandas\n- zlib\n";
        let text = apply(FromBase::FromScratch, path, text, &edits).expect("applied");
        assert_eq!(
            text,
            "dependencies:\n- pip:\n  - pandas\n  - scipy\n- zlib\n"
        );
    }
}
