//! Declared packages on their way between `requirements.txt` and `environment.yml`.

use std::path::Path;

use crate::error::{Error, Result};
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::requirements::{Line, Requirements};
use crate::templates::FromBase;

/// Where a kind of base declares Python packages.
pub fn file(kind: FromBase) -> &'static str {
    match kind {
        FromBase::FromPython | FromBase::Toolchain => "dependencies/requirements.txt",
        FromBase::FromScratch => "dependencies/environment.yml",
    }
}

/// What the person has changed in a file of declared packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Lines that are new, with those of their comments that are new.
    pub added: Vec<Line>,
    /// What pip read on lines that are gone.
    pub removed: Vec<String>,
}

/// What the person has changed since `written`.
///
/// # Errors
/// `Usage` when a file cannot be read as what it is, `Failed` when conda packages were added, which
/// `requirements.txt` cannot hold.
pub fn edits(kind: FromBase, path: &Path, written: &str, mine: &str) -> Result<Edits> {
    let (written, mine) = match kind {
        FromBase::FromPython | FromBase::Toolchain => {
            (requirements(path, written)?, requirements(path, mine)?)
        }
        FromBase::FromScratch => {
            let written = CondaEnvironment::parse(path, written)?;
            let mine = CondaEnvironment::parse(path, mine)?;
            refuse_conda(&written, &mine)?;
            (pip(&written)?, pip(&mine)?)
        }
    };
    let known_comments: Vec<&str> = written.iter().flat_map(Line::all_comments).collect();
    let is_in = |lines: &[Line], line: &Line| {
        let mut same = lines.iter();
        same.any(|other| other.content == line.content && other.comment == line.comment)
    };
    let mut edits = Edits::default();
    for line in &mine {
        let own = line.above.iter();
        let new = own.filter(|comment| !known_comments.contains(&comment.trim()));
        let above: Vec<String> = new.filter(|comment| !comment.is_empty()).cloned().collect();
        if !line.content.is_empty() && !is_in(&written, line) {
            let mut new = line.clone();
            new.above = above;
            edits.added.push(new);
        } else if !above.is_empty() {
            edits.added.push(Line::comments(above));
        }
    }
    let gone = written.iter().filter(|line| !is_in(&mine, line));
    edits.removed = gone.map(|line| line.content.clone()).collect();
    edits.removed.retain(|content| !content.is_empty());
    Ok(edits)
}

fn requirements(path: &Path, text: &str) -> Result<Vec<Line>> {
    let requirements = Requirements::parse(path, text)?;
    let lines = requirements.lines().into_iter();
    Ok(lines.map(|(line, _)| line).collect())
}

fn pip(environment: &CondaEnvironment) -> Result<Vec<Line>> {
    let lines = environment.pip_lines()?.into_iter();
    Ok(lines.map(|line| line.line).collect())
}

fn refuse_conda(written: &CondaEnvironment, mine: &CondaEnvironment) -> Result<()> {
    let packages = mine.conda().iter();
    let is_known = |spec: &str| written.conda().iter().any(|package| package.spec == spec);
    let added: Vec<_> = packages
        .filter(|package| !matches!(&*package.name, "python" | "pip") && !is_known(&package.spec))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let mut error = Error::failed(
        "conda packages were added, and a from-python installation has no place for them",
    );
    for package in added {
        error = error.at(mine.place_of(package).label("a conda package"));
    }
    Err(error.help("move them below `pip:`, under the names that pip knows, or take them out"))
}

/// Brings edits into the other kind's file.
///
/// # Errors
/// When the file cannot be edited safely.
pub fn apply(kind: FromBase, path: &Path, text: &str, edits: &Edits) -> Result<String> {
    let mut added = edits.added.clone();
    match kind {
        FromBase::FromPython | FromBase::Toolchain => {
            let mut requirements = Requirements::parse(path, text)?;
            for content in &edits.removed {
                requirements.remove_line(content);
            }
            if let Some(first) = added.first_mut() {
                first.above.insert(0, String::new());
            }
            requirements.append(&added)?;
            Ok(requirements.text().to_owned())
        }
        FromBase::FromScratch => {
            let mut environment = CondaEnvironment::parse(path, text)?;
            for content in &edits.removed {
                environment.remove_pip_line(content)?;
            }
            environment.append_pip(&added)?;
            Ok(environment.text().to_owned())
        }
    }
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

    fn in_environment(edits: &Edits) -> String {
        let path = Path::new("e.yml");
        apply(FromBase::FromScratch, path, ENVIRONMENT, edits).expect("applied")
    }

    #[test]
    fn packages_go_there_and_back() {
        let requirements =
            "# Python packages.\n\n# mine\nnumpy==1.26 # why\nb==1 \\\n    --no-such\n# end\n"
                .replace("--no-such", &format!("--hash=sha256:{}", "0".repeat(64)));
        let path = Path::new("r.txt");
        let there = edits(FromBase::FromPython, path, HEADING, &requirements).expect("read");
        let text = in_environment(&there);
        let hash = format!("--hash=sha256:{}", "0".repeat(64));
        assert_eq!(
            text,
            format!(
                "{ENVIRONMENT}  - pip:\n      # mine\n      - numpy==1.26 # why\n      - b==1 {hash}\n      # end\n"
            )
        );
        let back = environment(&text).expect("read");
        let text = apply(FromBase::FromPython, path, HEADING, &back).expect("applied");
        assert_eq!(
            text,
            format!("{HEADING}\n# mine\nnumpy==1.26 # why\nb==1 {hash}\n# end\n")
        );
    }

    #[test]
    fn nothing_is_done_where_nothing_was_changed() {
        let edits = environment(ENVIRONMENT).expect("read");
        assert_eq!(edits, Edits::default());
        for (kind, text) in [
            (FromBase::FromPython, HEADING),
            (FromBase::FromScratch, ENVIRONMENT),
        ] {
            assert_eq!(
                apply(kind, Path::new("x"), text, &edits).expect("applied"),
                text
            );
        }
    }

    #[test]
    fn comments_alone_go_over_too() {
        let path = Path::new("r.txt");
        let there = edits(
            FromBase::FromPython,
            path,
            HEADING,
            "# Python packages.\n# mine\n",
        )
        .expect("read");
        let text = in_environment(&there);
        assert_eq!(text, format!("{ENVIRONMENT}  # mine\n"));
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
            added: vec![Line::new("scipy")],
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
