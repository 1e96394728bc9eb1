//! Files of installed packages that somebody changed by hand in a container.

use std::collections::BTreeMap;

use crate::commands::freeze::facts;
use crate::commands::workplace::Workplace;
use crate::environment::contents::{self, Contents, Depth, Files};
use crate::environment::freeze::Lost;
use crate::environment::probe::Question;
use crate::error::Result;
use crate::installation::flavour::Flavour;

/// What to ask a container for: files that are older than the image's own record are the image's.
/// The dev image has the run image's record besides its own.
pub fn question() -> contents::Question {
    let records = [Flavour::Dev, Flavour::Run].map(|flavour| format!("/opt/envtpl/{flavour}.json"));
    contents::Question {
        depth: Depth::NewerThan(records.into()),
        ..contents::Question::default()
    }
}

/// The Python packages whose files in a container are neither what their RECORD says nor what the
/// image has.
///
/// # Errors
/// When the image cannot be asked.
pub fn by_hand(
    workplace: &Workplace<'_>,
    now: &Contents,
    image: &str,
) -> Result<BTreeMap<String, Lost>> {
    let mut touched = now.distributions.iter().filter(|files| !files.is_intact());
    let Some(first) = touched.next() else {
        return Ok(BTreeMap::new());
    };
    // What a base image patches itself is in every build.
    let whole = Question::default().with_contents(contents::Question::default());
    let built = facts::ask_image(workplace, &whole, image)?.contents()?;
    let differing = std::iter::once(first).chain(touched).filter_map(|files| {
        let lost = lost(files, built.of(&files.name))?;
        Some((files.key(), lost))
    });
    Ok(differing.collect())
}

/// The Python packages of which files were changed since their image was built.
pub fn since_built(contents: &Contents) -> BTreeMap<String, Lost> {
    let distributions = contents.distributions.iter();
    let differing = distributions.filter_map(|files| Some((files.key(), lost(files, None)?)));
    differing.collect()
}

/// Why a package is not what a build would give, if its files differ from the image's.
fn lost(files: &Files, built: Option<&Files>) -> Option<Lost> {
    let built = built.filter(|built| built.version == files.version);
    let known = |path: &str, sha256: Option<&str>| {
        built.is_some_and(|built| match sha256 {
            Some(sha256) => {
                let mut changed = built.changed.iter();
                changed.any(|one| one.path == path && one.sha256 == sha256)
            }
            None => built.missing.iter().any(|one| one == path),
        })
    };
    let changed = files.changed.iter();
    let changed = changed.filter(|one| !known(&one.path, Some(&one.sha256)));
    let mut paths: Vec<&str> = changed.map(|one| one.path.as_str()).collect();
    let how = match paths.is_empty() {
        true => "removed",
        false => "changed",
    };
    let missing = files.missing.iter().filter(|path| !known(path, None));
    paths.extend(missing.map(String::as_str));
    let first = paths.first()?;
    let (others, verb) = match paths.len() - 1 {
        0 => (String::new(), "was"),
        1 => (" and another file".to_owned(), "were"),
        number => (format!(" and {number} other files"), "were"),
    };
    Some(Lost {
        why: format!("{first}{others} {verb} {how} by hand since it was installed"),
        help:
            "install it again, and keep what you changed in a repository that it is installed from"
                .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::contents::Changed;

    fn files(changed: &[(&str, &str)], missing: &[&str]) -> Files {
        Files {
            name: "x".into(),
            version: "1".into(),
            changed: changed
                .iter()
                .map(|(path, sha256)| Changed {
                    path: (*path).into(),
                    sha256: (*sha256).into(),
                })
                .collect(),
            missing: missing.iter().map(|path| (*path).into()).collect(),
            ..Files::default()
        }
    }

    #[test]
    fn what_the_image_changed_itself_is_no_work_of_hands() {
        let now = files(&[("a.py", "1"), ("b.py", "2")], &["c.py"]);
        assert_eq!(lost(&now, Some(&now)), None);
        let image = files(&[("a.py", "1"), ("b.py", "0")], &["c.py"]);
        let why = |built: Option<&Files>| lost(&now, built).expect("changed").why;
        assert_eq!(
            why(Some(&image)),
            "b.py was changed by hand since it was installed"
        );
        assert_eq!(
            why(None),
            "a.py and 2 other files were changed by hand since it was installed"
        );
        let other = Files {
            version: "2".into(),
            ..now.clone()
        };
        assert_eq!(why(Some(&other)), why(None), "another version says nothing");
        let gone = lost(&files(&[], &["c.py"]), None).expect("gone");
        assert_eq!(gone.why, "c.py was removed by hand since it was installed");
    }
}
