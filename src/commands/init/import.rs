//! The packages that a repository declares, gathered from its files.

use std::fmt::Display;
use std::path::Path;

use crate::commands::Context;
use crate::commands::init::declared::{Declared, Package, Section};
use crate::commands::init::repository::Repository;
use crate::commands::init::usable::{self, Verdict};
use crate::error::Result;
use crate::installation::apt_list::AptList;
use crate::installation::conda_environment::CondaEnvironment;
use crate::installation::dependency::{Dependency, LeftOut, Reference};
use crate::installation::pyproject::Pyproject;
use crate::installation::requirements::{
    Entry, Includes, Inclusion, Line, Requirements, check_conflicts,
};
use crate::output::Printer;
use crate::secrets::redact;
use crate::templates::FromBase;

/// The packages that the repository declares; what is left out is named.
///
/// # Errors
/// `Usage` when its files cannot be read or contradict each other.
pub(super) fn declared(
    context: &Context,
    root: &Path,
    repository: &Repository,
    kind: FromBase,
) -> Result<Declared> {
    let mut import = Import {
        printer: &context.printer,
        root,
        includes: Includes::within(root),
        sections: Vec::new(),
        read: Vec::new(),
    };
    if let Some(requirements) = &repository.requirements {
        import.includes.note(requirements.path());
        import.file(requirements.clone())?;
    }
    let pyproject = &repository.pyproject;
    import.referenced(&root.join("pyproject.toml"), &pyproject.dependency_files)?;
    if !pyproject.settles_dependencies {
        import.referenced(&root.join("setup.cfg"), &repository.setup_cfg.files)?;
    }
    let mut declared = Declared::default();
    if let Some(environment) = &repository.conda {
        import.conda(environment, kind, &mut declared);
        import.pip_of(environment)?;
    }
    check_conflicts(&import.read)?;
    let imported = import.sections.len();
    import.metadata(repository);
    // What the project itself says stands first.
    import.sections.rotate_left(imported);
    declared.python = import.sections;
    if let Some(text) = &repository.apt {
        let list = AptList::parse(Path::new("apt.txt"), text)?;
        declared.apt = list.entries().iter().map(ToString::to_string).collect();
    }
    Ok(declared)
}

/// What a package that envtpl writes needs, without what is declared already.
pub(super) fn of_skeleton(pyproject: &Pyproject, declared: &[Section]) -> Vec<Section> {
    let mut known: Vec<Section> = declared.to_vec();
    for (heading, dependencies) in lists(pyproject) {
        let lines = dependencies
            .iter()
            .map(as_line)
            .map(|(line, entries, _)| (line, entries));
        let section = without_known(heading, lines.collect(), &known);
        known.push(section);
    }
    known.split_off(declared.len())
}

/// The lists of `pyproject.toml`, each with a heading.
fn lists(pyproject: &Pyproject) -> [(&'static str, &[Dependency]); 3] {
    [
        (
            "Builds the project itself, without the network (pyproject.toml, [build-system]).",
            &pyproject.build_requires,
        ),
        (
            "What the project needs (pyproject.toml, [project] dependencies).",
            &pyproject.dependencies,
        ),
        (
            "What the project needs (pyproject.toml, [tool.poetry.dependencies]).",
            &pyproject.poetry_dependencies,
        ),
    ]
}

fn as_line(dependency: &Dependency) -> (Line, Vec<Entry>, usize) {
    let line = Line::new(&dependency.requirement);
    (line, vec![dependency.entry.clone()], dependency.line)
}

/// A section without what others say: a file of requirements is more exact than what it repeats.
fn without_known(heading: &str, lines: Vec<(Line, Vec<Entry>)>, known: &[Section]) -> Section {
    let packages = || known.iter().flat_map(|section| &section.packages);
    let mut section = Section {
        heading: heading.to_owned(),
        packages: Vec::new(),
    };
    for (line, entries) in lines {
        let name = entries.iter().find_map(Entry::normalised);
        let again = name.is_some() && packages().any(|package| package.name == name)
            || section.packages.iter().any(|package| package.line == line);
        if !again {
            section.packages.push(Package { line, name });
        }
    }
    section
}

struct Import<'a> {
    printer: &'a Printer,
    root: &'a Path,
    includes: Includes,
    sections: Vec<Section>,
    /// The requirements files that were read.
    read: Vec<Requirements>,
}

impl Import<'_> {
    /// Names a line that stays behind.
    fn leave(&self, path: &Path, line: usize, what: &str, why: impl Display) {
        let path = path.strip_prefix(self.root).unwrap_or(path).display();
        let shown = redact(what.split(" --hash").next().unwrap_or(what));
        self.printer
            .warn(format_args!("{path}:{line}: `{shown}` is left out: {why}"));
    }

    /// Takes in a requirements file and those that it includes.
    fn file(&mut self, requirements: Requirements) -> Result<()> {
        let lines = requirements.lines().into_iter().map(|(line, entries)| {
            let number = entries.first().map_or(0, |entry| {
                requirements.place(entry).line_number().unwrap_or(1)
            });
            (line, entries.to_vec(), number)
        });
        let lines = lines.collect();
        self.read.push(requirements.clone());
        self.section(requirements.path(), lines)
    }

    /// Opens a file that a line of another one names, if it was not opened before; says why not.
    fn open(
        &mut self,
        from: &Path,
        number: usize,
        what: &str,
        location: &str,
    ) -> Result<Option<Requirements>> {
        let why = match self.includes.open(from, location)? {
            Inclusion::Read(file) => return Ok(Some(file)),
            Inclusion::Again => return Ok(None),
            Inclusion::Missing => "there is no such file",
            Inclusion::Outside => "it is outside of the repository",
            Inclusion::Address => "copy the lines of that file",
        };
        self.leave(from, number, what, why);
        Ok(None)
    }

    /// Takes in the files of requirements that the project's metadata names.
    fn referenced(&mut self, path: &Path, references: &[Reference]) -> Result<()> {
        for one in references {
            if let Some(file) = self.open(path, one.line, &one.file, &one.file)? {
                self.file(file)?;
            }
        }
        Ok(())
    }

    /// Takes in what conda's environment file lists for pip.
    fn pip_of(&mut self, environment: &CondaEnvironment) -> Result<()> {
        let lines = environment.pip_lines()?;
        let lines = lines
            .into_iter()
            .map(|line| (line.line, line.entries, line.number));
        self.section(environment.path(), lines.collect())
    }

    /// Takes in the lines of a file, and then the files that they include.
    fn section(&mut self, path: &Path, lines: Vec<(Line, Vec<Entry>, usize)>) -> Result<()> {
        let mut section = Section {
            heading: format!(
                "From {}.",
                path.strip_prefix(self.root).unwrap_or(path).display()
            ),
            packages: Vec::new(),
        };
        let (kept, included) = self.usable(path, lines)?;
        for (line, entries) in kept {
            let name = entries.iter().find_map(Entry::normalised);
            let mut known = self.sections.iter().flat_map(|section| &section.packages);
            if name.is_none() || !known.any(|package| package.line.content == line.content) {
                section.packages.push(Package { line, name });
            }
        }
        self.sections.push(section);
        included.into_iter().try_for_each(|file| self.file(file))
    }

    /// The lines that a build can use, and the files that are included; names the other lines.
    #[expect(
        clippy::type_complexity,
        reason = "a pair of lists, taken apart at once"
    )]
    fn usable(
        &mut self,
        path: &Path,
        lines: Vec<(Line, Vec<Entry>, usize)>,
    ) -> Result<(Vec<(Line, Vec<Entry>)>, Vec<Requirements>)> {
        let (mut kept, mut included) = (Vec::new(), Vec::new());
        // Comments above a line that stays behind are for the lines that follow, too.
        let mut above: Vec<String> = Vec::new();
        let mut left = false;
        for (mut line, entries, number) in lines {
            if left {
                // What pip-compile writes below a requirement, indented, goes with it.
                let belongs = |comment: &&String| comment.starts_with([' ', '\t']);
                let count = line.above.iter().take_while(belongs).count();
                line.above.drain(..count);
            }
            if line.all_comments().any(usable::has_secret) {
                let shown = path.strip_prefix(self.root).unwrap_or(path).display();
                self.printer.warn(format_args!(
                    "{shown}: a comment is left out: it holds a password"
                ));
                line = line.without_comments(usable::has_secret);
            }
            above.append(&mut line.above);
            let verdict = match entries.is_empty() {
                true => Verdict::Take,
                false => usable::judge(&line.content, &entries),
            };
            left = verdict != Verdict::Take;
            match verdict {
                Verdict::Take => {
                    line.above = std::mem::take(&mut above);
                    kept.push((line, entries));
                }
                Verdict::Project => {}
                Verdict::Leave(why) => self.leave(path, number, &line.content, why),
                Verdict::Include(location) => {
                    let location = location.as_written();
                    included.extend(self.open(path, number, &line.content, location)?);
                }
            }
        }
        if above.iter().any(|comment| !comment.is_empty()) {
            kept.push((Line::comments(above), Vec::new()));
        }
        Ok((kept, included))
    }

    /// Takes in conda's part of an environment file.
    fn conda(&self, environment: &CondaEnvironment, kind: FromBase, declared: &mut Declared) {
        let path = environment.path();
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        let packages = environment.conda().iter();
        let packages = packages.filter(|package| !matches!(&*package.name, "python" | "pip"));
        let (secret, packages): (Vec<_>, Vec<_>) =
            packages.partition(|package| usable::has_conda_secret(&package.spec));
        for package in secret {
            let line = environment.place_of(package).line_number().unwrap_or(1);
            self.leave(path, line, &package.name, "it holds a password");
        }
        for channel in environment.channels() {
            match usable::has_conda_secret(channel) {
                true => self.printer.warn(format_args!(
                    "{shown}: a channel is left out: it holds a password or a token"
                )),
                false => declared.channels.push(channel.to_owned()),
            }
        }
        declared.conda = packages
            .iter()
            .map(|package| package.spec.clone())
            .collect();
        if kind == FromBase::FromPython && !declared.conda.is_empty() {
            self.printer.warn(format_args!(
                "{shown}: conda packages are left out of a from-python installation: {}",
                declared.conda.join(", ")
            ));
            self.printer.help(
                "`--from-base from-scratch` takes them; or add to requirements.txt what pip has",
            );
        }
    }

    /// Takes in what the project's metadata says, without what its requirements repeat.
    fn metadata(&mut self, repository: &Repository) {
        let pyproject = &repository.pyproject;
        let path = self.root.join("pyproject.toml");
        for (heading, dependencies) in lists(pyproject) {
            self.dependencies(heading, &path, dependencies);
        }
        self.name_left_out(&path, &pyproject.left_out);
        if !pyproject.optional.is_empty() {
            self.printer.warn(format_args!(
                "pyproject.toml: what is not for everybody is left out: {}",
                pyproject.optional.join("; ")
            ));
            self.printer
                .help("add what the code in the containers needs to requirements.txt");
        }
        if pyproject.settles_dependencies || !pyproject.poetry_dependencies.is_empty() {
            return;
        }
        let setup = &repository.setup_cfg;
        let path = self.root.join("setup.cfg");
        let heading = "What the project needs (setup.cfg, install_requires).";
        self.dependencies(heading, &path, &setup.install_requires);
        if !setup.extras.is_empty() {
            self.printer.warn(format_args!(
                "setup.cfg: what is not for everybody is left out: [options.extras_require] {}",
                setup.extras.join(", ")
            ));
        }
        let is_declared = setup.declares_dependencies || !pyproject.dependency_files.is_empty();
        if repository.has_setup_py && !is_declared {
            self.printer.warn(
                "setup.py is not run, so what it asks for is not declared: write that into \
                 `[project] dependencies` of pyproject.toml, or into requirements.txt",
            );
        }
    }

    fn dependencies(&mut self, heading: &str, path: &Path, dependencies: &[Dependency]) {
        let mut lines = Vec::new();
        for (line, entries, number) in dependencies.iter().map(as_line) {
            match usable::judge(&line.content, &entries) {
                Verdict::Take => lines.push((line, entries)),
                Verdict::Leave(why) => self.leave(path, number, &line.content, why),
                // No dependency is one of these.
                Verdict::Project | Verdict::Include(_) => {}
            }
        }
        let section = without_known(heading, lines, &self.sections);
        self.sections.push(section);
    }

    fn name_left_out(&self, path: &Path, left_out: &[LeftOut]) {
        for one in left_out {
            self.leave(path, one.line, &one.what, &one.why);
        }
    }
}
