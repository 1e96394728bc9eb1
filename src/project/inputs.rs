//! What a build reads, as one digest: images carry it as a label, so that a later look can tell
//! whether they still are what the files say.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::files::{self, EntryKind};
use crate::installation::flavour::Flavour;
use crate::project::Git;

/// Files that no generic build reads: talk, personal settings, the user layer, how containers are
/// run, and what envtpl keeps for itself. `envtpl.lock` is read through `dependencies/locked/`.
const NOT_READ: [&str; 8] = [
    "README.md",
    ".env",
    ".gitignore",
    ".envtpl-record.yaml",
    "Dockerfile-user",
    "build-steps/user.sh",
    "compose.yaml",
    "envtpl.lock",
];

/// Files that only the dev flavour reads.
const DEV_ONLY: [&str; 2] = [
    "dependencies/apt-dev.txt",
    "dependencies/locked/apt-dev.txt",
];

/// The digest of what a generic image of the given flavour is built from, `sha256:…`: paths,
/// executable bits and contents of the installation's files, and the image's own `build:` section
/// of `compose.yaml` (the rest of that file says how containers are run).
///
/// It depends on nothing personal, so that a team-mate's image can be compared.
///
/// # Errors
/// When a file cannot be read.
pub fn digest(installation: &Path, flavour: Flavour) -> Result<String> {
    let mut hash = Sha256::new();
    for entry in files::walk(installation)? {
        let path = entry.path.as_path();
        if !is_read(path, flavour) || entry.kind != EntryKind::File {
            continue;
        }
        add(&mut hash, installation, path, entry.mode & 0o111 != 0)?;
    }
    let compose = files::read(&installation.join("compose.yaml")).unwrap_or_default();
    field(&mut hash, build_section(&compose, flavour).as_bytes());
    Ok(finish(hash))
}

/// Whether the generic image of a flavour is built from a file.
fn is_read(path: &Path, flavour: Flavour) -> bool {
    let unread = NOT_READ.iter().any(|name| path == Path::new(name));
    let other = flavour == Flavour::Run && DEV_ONLY.iter().any(|name| path == Path::new(name));
    !unread && !other
}

/// A file that generic images are built from, as it was at a commit and as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingFile {
    /// Relative to the installation.
    pub path: PathBuf,
    /// At the commit; `None` when it was not there.
    pub before: Option<Vec<u8>>,
    /// Now; `None` when it is not there.
    pub after: Option<Vec<u8>>,
}

/// The files that the generic image of a flavour is built from and that are not as they were at a
/// commit, by path; `None` when the commit is not here.
///
/// # Errors
/// When a file or the repository cannot be read.
pub fn differing(
    git: &Git,
    commit: &str,
    installation: &Path,
    flavour: Flavour,
) -> Result<Option<Vec<DifferingFile>>> {
    let Some(before) = git.files_at(commit, installation)? else {
        return Ok(None);
    };
    let mut both: BTreeMap<PathBuf, DifferingFile> = BTreeMap::new();
    let absent = |path: &Path| DifferingFile {
        path: path.to_owned(),
        before: None,
        after: None,
    };
    for (path, bytes) in before {
        let file = DifferingFile {
            before: Some(bytes),
            ..absent(&path)
        };
        both.insert(path, file);
    }
    for entry in files::walk(installation)? {
        if entry.kind == EntryKind::File {
            let file = both.entry(entry.path.clone());
            let file = file.or_insert_with(|| absent(&entry.path));
            file.after = Some(files::read(&installation.join(&entry.path))?);
        }
    }
    let compose = Path::new("compose.yaml");
    let section =
        |bytes: &Option<Vec<u8>>| build_section(bytes.as_deref().unwrap_or_default(), flavour);
    let mut differing: Vec<DifferingFile> = both.into_values().collect();
    differing.retain(|file| match file.path == compose {
        true => section(&file.before) != section(&file.after),
        false => is_read(&file.path, flavour) && file.before != file.after,
    });
    Ok(Some(differing))
}

/// The `build:` of the flavour's service as written, or nothing where the file does not say.
/// Whether the file is right is for Compose to judge, so a broken one is no error here.
fn build_section(compose: &[u8], flavour: Flavour) -> String {
    serde_yaml::from_slice::<serde_yaml::Value>(compose)
        .ok()
        .and_then(|mut document| {
            document.apply_merge().ok()?;
            let service = format!("image-{flavour}-root");
            serde_json::to_string(document.get("services")?.get(&service)?.get("build")?).ok()
        })
        .unwrap_or_default()
}

/// The digest of what a user image adds to its generic image: `Dockerfile-user`, its script and the person.
///
/// # Errors
/// When the file cannot be read.
pub fn user_digest(installation: &Path, person: &[(&str, String)]) -> Result<String> {
    let mut hash = Sha256::new();
    for file in ["Dockerfile-user", "build-steps/user.sh"] {
        if files::exists(&installation.join(file)) {
            add(&mut hash, installation, Path::new(file), false)?;
        }
    }
    for (name, value) in person {
        field(&mut hash, name.as_bytes());
        field(&mut hash, value.as_bytes());
    }
    Ok(finish(hash))
}

fn add(hash: &mut Sha256, root: &Path, path: &Path, executable: bool) -> Result<()> {
    field(hash, path.as_os_str().as_bytes());
    field(hash, &[u8::from(executable)]);
    field(hash, &files::read(&root.join(path))?);
    Ok(())
}

/// Lengths go first, so that no two different lists of fields look alike.
fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn finish(hash: Sha256) -> String {
    use std::fmt::Write;
    let mut text = String::from("sha256:");
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
