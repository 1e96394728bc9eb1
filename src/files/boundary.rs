//! The project's boundary: what a repository brings is data. A symbolic link in it is followed
//! while it stays in the project; one that leads out of it is no command to write elsewhere.

use std::path::{Component, Path, PathBuf};

use super::read::read_link_raw;
use crate::error::{Error, Result};

/// How many links in a row are followed, as the system itself limits it (path_resolution(7)).
const LINKS: usize = 40;

/// Whether the last component of a path, when it is a link, is what is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// A link there leads to what is written.
    Followed,
    /// A link there is itself replaced, renamed or removed.
    Itself,
}

/// Refuses to write to a path of a project when a symbolic link on the way leads out of the
/// project. The project itself may be reached through links, and need not be there yet.
///
/// # Errors
/// `Usage`, with the link, where it leads, and the next step.
pub(super) fn refuse_leaving(root: &Path, relative: &Path, last: Last) -> Result<()> {
    match leaving_link(root, relative, last) {
        None => Ok(()),
        Some((link, target)) => {
            let link = link.display();
            Err(Error::usage(format!(
                "`{link}` is a symbolic link out of the project, to `{}`; envtpl writes nothing \
                 through it",
                target.display()
            ))
            .help(format!(
                "remove it (`rm '{link}'`), or let it lead to something inside the project"
            )))
        }
    }
}

/// The first link on the way that leads out of the project, and where it leads.
fn leaving_link(root: &Path, relative: &Path, last: Last) -> Option<(PathBuf, PathBuf)> {
    let root = absolute(root).canonicalize().ok()?;
    let mut here = root.clone();
    let mut named = root.clone();
    let mut components = relative.components().peekable();
    while let Some(component) = components.next() {
        here.push(component);
        named.push(component);
        if components.peek().is_none() && last == Last::Itself {
            return None;
        }
        if here.is_symlink() {
            let target = destination(&here);
            if !target.starts_with(&root) {
                return Some((named, target));
            }
            here = target;
        }
    }
    None
}

/// Where a link leads in the end, be there something or not: a file may be created there.
fn destination(link: &Path) -> PathBuf {
    let mut path = link.to_owned();
    for _ in 0..LINKS {
        if let Ok(real) = path.canonicalize() {
            return real;
        }
        path = below_real_directory(&path);
        match read_link_raw(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(_) => break,
        }
    }
    below_real_directory(&path)
}

/// The path with links resolved as far as there is anything.
fn below_real_directory(path: &Path) -> PathBuf {
    let real = path.ancestors().skip(1).find_map(|ancestor| {
        let rest = path.strip_prefix(ancestor).ok()?;
        Some((ancestor.canonicalize().ok()?, rest))
    });
    let Some((mut real, rest)) = real else {
        return path.to_owned();
    };
    for component in rest.components() {
        match component {
            Component::ParentDir => {
                real.pop();
            }
            other => real.push(other),
        }
    }
    real
}

fn absolute(root: &Path) -> &Path {
    if root.as_os_str().is_empty() {
        Path::new(".")
    } else {
        root
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests make the trees they look at"
)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        let directory = tempfile::tempdir().expect("a directory");
        let outside = directory.path().canonicalize().expect("real");
        fs::create_dir_all(outside.join("project/real/deep")).expect("made");
        fs::write(outside.join("secret"), "").expect("written");
        symlink(outside.join("project"), outside.join("entry")).expect("linked");
        let links = [
            ("inside", "real", None),
            ("round", "../project/real", None),
            ("new", "real/new", None),
            ("chain", "round/deep", None),
            ("file", "../secret", Some("secret")),
            ("up", "..", Some("")),
            ("nowhere", "../not/there", Some("not/there")),
            ("twice", "nowhere", Some("not/there")),
            ("sly", "real/none/../../../x", Some("x")),
        ];
        for (name, target, _) in links {
            symlink(target, outside.join("project").join(name)).expect("linked");
        }
        for root in ["project", "entry"].map(|root| outside.join(root)) {
            for (name, _, leads) in links {
                let refused = refuse_leaving(&root, Path::new(name), Last::Followed);
                let below = refuse_leaving(&root, &Path::new(name).join("x"), Last::Itself);
                let itself = refuse_leaving(&root, Path::new(name), Last::Itself);
                assert!(itself.is_ok(), "{name}: {itself:?}");
                assert_eq!(refused.is_err(), leads.is_some(), "{name}: {refused:?}");
                assert_eq!(below.is_err(), leads.is_some(), "{name}: {below:?}");
                if let (Err(error), Some(leads)) = (refused, leads) {
                    let target = format!("to `{}`", outside.join(leads).display());
                    let target = target.replace("/`", "`");
                    assert!(error.message().contains(&target), "{error}");
                    assert!(error.message().contains(name), "{error}");
                }
            }
        }
        let loops = outside.join("project/loop");
        symlink("loop", &loops).expect("linked");
        // Nothing can be written through it, in or out.
        assert!(
            refuse_leaving(&outside.join("project"), Path::new("loop"), Last::Followed).is_ok()
        );
        assert!(refuse_leaving(&outside.join("none"), Path::new("x"), Last::Followed).is_ok());
    }
}
