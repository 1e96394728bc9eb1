//! Which code is checked out: a commit, and what differs from it.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::files;
use crate::project::Git;

/// Files beyond this many bytes count by size alone: reading them would take longer than many a
/// run, and what large files hold is data.
const READ_WHOLE: u64 = 16 << 20;

/// The code that is checked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkTree {
    /// The commit's full name; `None` without a repository, or before the first commit.
    pub commit: Option<String>,
    /// A SHA-256 over the paths and contents of all files that differ from the commit and are not
    /// ignored, in hexadecimal; `None` when there is none. Equal digests are equal code.
    pub changes: Option<String>,
}

impl WorkTree {
    /// What is checked out around a directory.
    ///
    /// # Errors
    /// When the repository or a file of it cannot be read.
    pub fn of(directory: &Path) -> Result<Self> {
        let Some(git) = Git::open(directory)? else {
            return Ok(Self::default());
        };
        let changed = git.changes(directory)?;
        Ok(Self {
            commit: git.head()?.map(|commit| commit.id),
            changes: match changed.as_slice() {
                [] => None,
                changed => Some(digest(directory, changed.iter().map(AsRef::as_ref))?),
            },
        })
    }
}

fn digest<'a>(directory: &Path, changed: impl Iterator<Item = &'a Path>) -> Result<String> {
    let mut hash = Sha256::new();
    for relative in changed {
        let path = directory.join(relative);
        let contents = if let Ok(target) = files::read_link(&path) {
            format!("link {}", target.display())
        } else if let Some(size) = files::size(&path).filter(|size| *size > READ_WHOLE) {
            format!("large {size}")
        } else if files::is_directory(&path) {
            // A repository in the repository.
            "directory".to_owned()
        } else {
            files::digest_of(&path)?.unwrap_or_else(|| "removed".to_owned())
        };
        hash.update(relative.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(contents);
        hash.update([0]);
    }
    Ok(files::hexadecimal(hash))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests make files")]

    use std::fs;

    use super::*;

    #[test]
    fn equal_code_has_equal_digests() {
        let project = tempfile::tempdir().expect("a directory");
        let root = project.path().canonicalize().expect("there");
        assert_eq!(WorkTree::of(&root).expect("read"), WorkTree::default());
        git2::Repository::init(&root).expect("a repository");
        let changes = || WorkTree::of(&root).expect("read").changes;
        assert_eq!(changes(), None);

        fs::create_dir(root.join("src")).expect("made");
        fs::write(root.join("src/a.py"), "1").expect("written");
        let one = changes();
        fs::write(root.join("src/a.py"), "2").expect("written");
        let other = changes();
        assert!(one.is_some() && other.is_some() && one != other);
        fs::write(root.join("src/a.py"), "1").expect("written");
        assert_eq!(changes(), one);
        std::os::unix::fs::symlink("/dev/zero", root.join("link")).expect("made");
        assert_ne!(changes(), one);
        fs::write(root.join(".gitignore"), "link\n.gitignore\n").expect("written");
        assert_eq!(changes(), one);
    }
}
