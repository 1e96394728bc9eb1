//! Where an export goes: staged beside its place, and moved there when it is whole.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::commands::building::Output;
use crate::error::{Error, Place, Result};
use crate::files::{self, EntryKind, Scratch};
use crate::output::Printer;
use crate::project::Project;

/// The list of directories that exports of this project made, below `.envtpl/`.
const MADE: &str = "exports";
/// What is staged is called.
const STAGED: &str = "export";

/// Where an export goes.
pub struct Destination {
    project_root: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Directory(PathBuf),
    Tar(PathBuf),
    Stdout,
}

/// An export that is on its way.
pub struct Staged<'a> {
    destination: &'a Destination,
    scratch: Scratch,
    path: PathBuf,
}

impl Destination {
    /// What `-o` means.
    ///
    /// # Errors
    /// `Usage` for a directory that must not be replaced, or a terminal.
    pub fn of(context: &Context, project: &Project, output: &Path, replace: bool) -> Result<Self> {
        let asked = context.directory.join(output);
        let kind = if output == Path::new("-") {
            if std::io::stdout().is_terminal() {
                return Err(Error::usage("a terminal cannot show a tar file")
                    .help("send it on: `… -o - | tar t`"));
            }
            Kind::Stdout
        } else if asked.extension().is_some_and(|end| end == "tar") {
            if files::is_directory(&asked) {
                return Err(
                    Error::usage("it is a directory, and a tar file is asked for")
                        .at(Place::file(&asked)),
                );
            }
            Kind::Tar(asked)
        } else if asked.extension().is_some_and(is_packed) {
            return Err(Error::usage(
                "an export is a directory or a plain tar file, and this is neither",
            )
            .at(Place::file(&asked))
            .help(format!("pack it: `… -o - | gzip >{}`", output.display())));
        } else {
            // What a link leads to is replaced, and the link stays.
            Kind::Directory(asked.canonicalize().unwrap_or(asked))
        };
        let destination = Self {
            project_root: project.root().to_owned(),
            kind,
        };
        if let Kind::Directory(directory) = &destination.kind {
            destination.refuse(context, project, directory, replace)?;
        }
        Ok(destination)
    }

    /// Refuses a directory whose loss would be one.
    fn refuse(
        &self,
        context: &Context,
        project: &Project,
        directory: &Path,
        replace: bool,
    ) -> Result<()> {
        let wrong = |message: &str| Err(Error::usage(message).at(Place::file(directory)));
        if files::exists(directory) && !files::is_directory(directory) {
            return wrong("a file stands where the directory is to be");
        }
        let root = project.root();
        let own = [
            root.join("installation"),
            root.join(".git"),
            root.join(files::STATE_DIRECTORY),
        ];
        let holds = [root, &context.directory]
            .iter()
            .any(|one| one.starts_with(directory));
        if holds || own.iter().any(|own| directory.starts_with(own)) {
            return wrong("an export replaces the directory, and the project is in it");
        }
        if replace || !files::is_directory(directory) || files::list(directory)?.is_empty() {
            return Ok(());
        }
        if self.is_ours(directory)? {
            return Ok(());
        }
        Err(
            Error::usage("it holds files that no export put there, and would be replaced")
                .at(Place::file(directory))
                .help("name a directory that is not there yet")
                .help("or let `--replace` have it"),
        )
    }

    /// Whether an export made a directory.
    fn is_ours(&self, directory: &Path) -> Result<bool> {
        let list = self.project_root.join(files::STATE_DIRECTORY).join(MADE);
        let made = files::read_if_exists(&list)?.unwrap_or_default();
        let made = String::from_utf8_lossy(&made).into_owned();
        Ok(made.lines().any(|line| Path::new(line) == directory))
    }

    fn remember(&self, directory: &Path) -> Result<()> {
        if self.is_ours(directory)? {
            return Ok(());
        }
        files::keep_line(&self.project_root, MADE, &directory.to_string_lossy())
    }

    /// Whether the tar file goes to standard output.
    pub fn is_stdout(&self) -> bool {
        self.kind == Kind::Stdout
    }

    /// Where it goes, for a command line that is only shown.
    pub fn shown(&self) -> Output<'_> {
        match &self.kind {
            Kind::Directory(path) => Output::Directory(path),
            Kind::Tar(path) => Output::Tar(path),
            Kind::Stdout => Output::Tar(Path::new("-")),
        }
    }

    /// Makes room for what is to come, on the disk that it goes to.
    ///
    /// # Errors
    /// When there is none.
    pub fn stage(&self) -> Result<Staged<'_>> {
        let temporary = std::env::temp_dir();
        let parent = match &self.kind {
            Kind::Directory(path) | Kind::Tar(path) => path.parent().unwrap_or(Path::new("/")),
            Kind::Stdout => &temporary,
        };
        files::make_directory(parent)?;
        Scratch::clear_abandoned(parent)?;
        let scratch = Scratch::inside(parent)?;
        let path = scratch.path().join(STAGED);
        if let Kind::Directory(_) = self.kind {
            files::make_directory(&path)?;
        }
        Ok(Staged {
            destination: self,
            scratch,
            path,
        })
    }

    /// What is said at the end.
    pub fn told(&self, files: &[PathBuf]) -> String {
        match &self.kind {
            Kind::Directory(path) => {
                let noun = if files.len() == 1 { "file" } else { "files" };
                format!("{} {noun} to {}", files.len(), path.display())
            }
            Kind::Tar(path) => path.display().to_string(),
            Kind::Stdout => String::new(),
        }
    }
}

/// Whether the end of a name says that the file is packed. As a directory it is never meant.
fn is_packed(extension: &OsStr) -> bool {
    ["bz2", "gz", "tbz", "tgz", "txz", "tzst", "xz", "zip", "zst"]
        .iter()
        .any(|packed| extension == *packed)
}

impl Staged<'_> {
    /// Where the builder is to write.
    pub fn output(&self) -> Output<'_> {
        match self.destination.kind {
            Kind::Directory(_) => Output::Directory(&self.path),
            _ => Output::Tar(&self.path),
        }
    }

    /// Puts it in its place. Gives the files of a directory.
    ///
    /// # Errors
    /// When it cannot be moved or written; what was there stays.
    pub fn settle(self, printer: &Printer) -> Result<Vec<PathBuf>> {
        match &self.destination.kind {
            Kind::Stdout => {
                printer.copy(files::open(&self.path)?)?;
                Ok(Vec::new())
            }
            Kind::Tar(place) => {
                self.scratch.settle_one(STAGED, place)?;
                Ok(Vec::new())
            }
            Kind::Directory(place) => {
                // Said first: a directory that we made and do not know could not be replaced.
                self.destination.remember(place)?;
                self.scratch.settle_one(STAGED, place)?;
                let entries = files::walk(place)?.into_iter();
                let files = entries.filter(|entry| entry.kind != EntryKind::Directory);
                Ok(files.map(|entry| entry.path).collect())
            }
        }
    }
}
