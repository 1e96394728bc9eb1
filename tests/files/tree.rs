//! What a project is on the disk, to the last bit.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use envtpl::files::{self, EntryKind};
use tempfile::TempDir;

/// Permission bits and content under each path.
pub type Tree = BTreeMap<PathBuf, (u32, Content)>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    File(Vec<u8>),
    Link(PathBuf),
    Directory,
}

/// Everything below a directory.
pub fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in files::walk(root).expect("walked") {
        let path = root.join(&entry.path);
        let content = match entry.kind {
            EntryKind::File => Content::File(fs::read(path).expect("read")),
            EntryKind::Symlink => Content::Link(fs::read_link(path).expect("read")),
            _ => Content::Directory,
        };
        tree.insert(entry.path, (entry.mode, content));
    }
    tree
}

/// A directory for one test. There are hundreds of them, each flushed to the disk many times: in
/// memory that costs nothing.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .expect("a directory")
}

/// Creates a file and the directories above it.
pub fn put(path: PathBuf, bytes: &[u8], mode: u32) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("created");
    fs::write(&path, bytes).expect("written");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
}

/// A file name that is not UTF-8.
pub fn odd_name() -> &'static OsStr {
    OsStr::from_bytes(b"caf\xe9\n")
}

/// A project as it may look like, with what makes trees difficult.
pub fn make_project(root: &Path) {
    let cuda = root.join("installation/amd64-cuda");
    put(root.join(".gitignore"), b"target\n", 0o664);
    put(root.join("README.md"), b"read me\n", 0o644);
    put(root.join("shared.txt"), b"shared\n", 0o640);
    put(cuda.join("Dockerfile"), b"FROM base\r\n", 0o644);
    put(cuda.join("compose.yaml"), b"services: {}\n", 0o600);
    put(cuda.join("envtpl.lock"), b"locked\n", 0o644);
    put(cuda.join(".env"), b"SECRET=1\n", 0o600);
    put(cuda.join("with space"), b"\0\xff\n", 0o444);
    put(cuda.join(odd_name()), b"odd", 0o644);
    put(cuda.join("entrypoints/start.sh"), b"#!/bin/sh\n", 0o755);
    put(cuda.join("dependencies/apt.txt"), b"jq\n", 0o644);
    put(cuda.join("dependencies/locked/pip.txt"), b"numpy\n", 0o644);
    symlink("Dockerfile", cuda.join("link")).expect("linked");
    symlink("../../shared.txt", cuda.join("shared")).expect("linked");
    symlink("nowhere", cuda.join("dependencies/dangling")).expect("linked");
}

/// A project to work on.
pub struct Project {
    directory: TempDir,
    /// As it was when it was made.
    pub old: Tree,
}

impl Project {
    pub fn new() -> Self {
        let directory = scratch();
        make_project(directory.path());
        let old = tree(directory.path());
        Self { directory, old }
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Whether the tree is the new one; neither the new nor the old one is a failure.
    pub fn is_new(&self, new: &Tree, context: &str) -> bool {
        is_new(&self.old, new, &tree(self.root()), context)
    }
}

/// Whether the tree is the new one; neither the new nor the old one is a failure.
pub fn is_new(old: &Tree, new: &Tree, now: &Tree, context: &str) -> bool {
    if now == new {
        return true;
    }
    let differing: Vec<_> = now
        .iter()
        .filter(|(path, entry)| old.get(*path) != Some(entry))
        .map(|(path, _)| path)
        .chain(old.keys().filter(|path| !now.contains_key(*path)))
        .collect();
    assert!(
        now == old,
        "{context}: neither the old tree nor the new one; unlike the old one: {differing:?}"
    );
    false
}
