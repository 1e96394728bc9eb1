//! Asking an image or a container for the files of its Python packages: what their RECORD lists,
//! as one digest a package, and which files are not what it says.
//!
//! The script brings nothing along and reaches no network. It reads every file, since a changed
//! byte changes neither name nor size; [`Depth::NewerThan`] leaves out what cannot have changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::environment::probe::FIND_PYTHON;
use crate::error::{Error, Result};
use crate::installation::requirements::normalise;

/// Without a Python there is nothing to tell.
const START: &str = r#"
printf '\036contents\n'
if [ -z "$PYTHON" ]; then echo '{"schema":1,"distributions":[]}'; exit 0; fi
exec "$PYTHON" -B - "$@" <<'END_OF_CONTENTS'
"#;

const SCRIPT: &str = include_str!("../../templates/installation/common/entrypoints/contents.py");

const END: &str = "END_OF_CONTENTS\n";

/// The newest form of the JSON that is understood here.
const SCHEMA: u32 = 1;

/// The name of the answer among the parts of a [`probe::Answer`].
pub(super) const NAME: &str = "contents";

/// Which files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Depth {
    /// All of them.
    All,
    /// Those that changed after the first of these files that exists did, and those that have
    /// another size. The record that an image's build wrote last tells what changed since.
    NewerThan(Vec<String>),
    /// None: the RECORDs alone are told, and nothing is known to be changed.
    Records,
}

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which files are read.
    pub depth: Depth,
    /// Packages whose files are to be named one by one.
    pub list: Vec<String>,
}

/// The files of a Python's packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The form of the JSON.
    pub schema: u32,
    /// The packages that have a RECORD, by name. Those of the distribution have none.
    pub distributions: Vec<Files>,
}

/// The files of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Files {
    /// The package's name as it spells itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The directory that it is in; the paths are relative to it.
    pub location: String,
    /// SHA-256 over the sorted lines of RECORD: paths and digests, without what installers write
    /// about themselves and without compiled modules.
    pub record: String,
    /// Files that are not what RECORD says.
    pub changed: Vec<Changed>,
    /// Files that RECORD lists and that are not there.
    pub missing: Vec<String>,
    /// Files that could not be read.
    pub unreadable: Vec<String>,
    /// Every file with its digest (`sha256=…`), for a package that was asked for by name.
    pub files: BTreeMap<String, String>,
}

/// A file that is not what RECORD says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Changed {
    /// Its path.
    pub path: String,
    /// What it is instead.
    pub sha256: String,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            depth: Depth::All,
            list: Vec::new(),
        }
    }
}

impl Question {
    /// The script, which may stand in a function.
    pub(super) fn script() -> String {
        [FIND_PYTHON, START, SCRIPT, END].concat()
    }

    /// Its arguments.
    pub(super) fn arguments(&self) -> Vec<String> {
        let depth: Vec<String> = match &self.depth {
            Depth::All => Vec::new(),
            Depth::NewerThan(paths) => paths.iter().map(|path| format!("newer={path}")).collect(),
            Depth::Records => vec!["records=".to_owned()],
        };
        let list = self.list.iter().map(|name| format!("list={name}"));
        depth.into_iter().chain(list).collect()
    }
}

/// The error for who did not tell.
pub(super) fn unsaid(origin: &str) -> Error {
    Error::failed(format!(
        "`{origin}` did not say which files its Python packages have"
    ))
}

impl Contents {
    /// Reads what the script printed; `origin` is the image or container that was asked.
    ///
    /// # Errors
    /// When it is damaged or of a newer form.
    pub(super) fn parse(json: &str, origin: &str) -> Result<Self> {
        let contents: Self =
            serde_json::from_str(json).map_err(|source| unsaid(origin).because(source))?;
        if contents.schema > SCHEMA {
            return Err(unsaid(origin));
        }
        Ok(contents)
    }

    /// Takes over the lists of files that another question on the same image was answered with.
    pub fn take_lists(&mut self, listed: Self) {
        for other in listed.distributions {
            let key = other.key();
            let own = self.distributions.iter_mut();
            if let Some(files) = own.into_iter().find(|files| files.key() == key) {
                files.files = other.files;
            }
        }
    }

    /// The files of a package, by any spelling of its name.
    pub fn of(&self, name: &str) -> Option<&Files> {
        let key = normalise(name);
        self.distributions.iter().find(|files| files.key() == key)
    }
}

impl Files {
    /// The package's name that decides whether two are the same package.
    pub fn key(&self) -> String {
        normalise(&self.name)
    }

    /// Whether every file is what RECORD says, as far as could be read.
    pub fn is_intact(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty()
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests make the packages they look at"
)]
mod tests {
    use super::*;
    use crate::output::{Color, Format, Printer};
    use crate::process::Invocation;
    use std::fs;
    use std::path::Path;

    const SHA_OF_NEW: &str = "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c";

    fn package(site: &Path, record: &str) {
        let info = site.join("Thing_Tool-1.0.dist-info");
        fs::create_dir_all(&info).expect("made");
        fs::create_dir_all(site.join("thing/__pycache__")).expect("made");
        for (name, text) in [
            (
                "METADATA",
                "Metadata-Version: 2.1\nName: Thing_Tool\nVersion: 1.0\n\nName: no\n",
            ),
            ("INSTALLER", "uv"),
            ("RECORD", record),
            (
                "entry_points.txt",
                "[console_scripts]\nthing = thing:main\n",
            ),
        ] {
            fs::write(info.join(name), text).expect("written");
        }
    }

    /// `sha256=` as RECORD has it.
    fn digest(bytes: &str) -> String {
        let printed = Invocation::new("python3")
            .args(["-c", "import base64,hashlib,sys; print('sha256='+base64.urlsafe_b64encode(hashlib.sha256(sys.argv[1].encode()).digest()).decode().rstrip('='))", bytes])
            .read(&printer());
        printed.expect("python3 runs")
    }

    fn printer() -> Printer {
        Printer::new(Format::Human, Color::Never, true, 0)
    }

    /// A directory for a Python without packages of its own, so that tests read no others.
    fn python() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        Invocation::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(directory.path().join("python"))
            .read(&printer())
            .expect("a Python");
        directory
    }

    fn ask(python: &tempfile::TempDir, site: &Path, question: &Question) -> Contents {
        let printed = Invocation::new("sh")
            .args(["-s", "--"])
            .args(question.arguments())
            .env("PYTHON", python.path().join("python/bin/python"))
            .env("PYTHONPATH", site)
            .stdin(Question::script())
            .read(&printer())
            .expect("it runs on this machine");
        let json = printed.strip_prefix("\u{1e}contents\n").expect("announced");
        Contents::parse(json, "this machine").expect("read")
    }

    #[test]
    fn files_are_held_against_their_record() {
        let directory = python();
        let site = directory.path().join("lib/site");
        let lines = [
            ("thing/__init__.py", digest("old\n"), "old\n"),
            ("thing/same.py", digest("same\n"), "same\n"),
            ("thing/data é, 1.txt", digest("x"), "x"),
            (
                "../bin/tool",
                digest("#!python\nrun\n"),
                "#!/opt/x/bin/python3.11\nrun\n",
            ),
            ("../bin/thing", digest("made by uv"), "made by uv"),
            (
                "Thing_Tool-1.0.dist-info/WHEEL",
                digest("other"),
                "Generator: x",
            ),
            (
                "thing/__pycache__/same.cpython-311.pyc",
                String::new(),
                "pyc",
            ),
        ];
        let mut record =
            String::from("thing/gone.py,sha256=AAAA,3\r\nThing_Tool-1.0.dist-info/RECORD,,\r\n");
        for (path, digest, text) in &lines {
            record.push_str(&format!("\"{path}\",{digest},{}\r\n", text.len()));
        }
        package(&site, &record);
        fs::create_dir_all(site.join("../bin")).expect("made");
        for (path, _, text) in &lines {
            fs::write(site.join(path), text).expect("written");
        }
        let all = Question {
            list: vec!["thing.tool".into()],
            ..Question::default()
        };
        let intact = ask(&directory, &site, &all);
        let thing = intact.of("THING-tool").expect("listed");
        assert_eq!(
            (thing.name.as_str(), thing.version.as_str()),
            ("Thing_Tool", "1.0")
        );
        assert_eq!(thing.missing, ["thing/gone.py"]);
        assert_eq!(thing.changed, []);
        let names: Vec<&str> = thing.files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "../bin/tool",
                "thing/__init__.py",
                "thing/data é, 1.txt",
                "thing/gone.py",
                "thing/same.py"
            ]
        );

        // The same size, so that only the contents tell.
        fs::write(site.join("thing/__init__.py"), "new\n").expect("written");
        let changed = ask(&directory, &site, &Question::default());
        let after = changed.of("thing-tool").expect("listed");
        assert_eq!(
            after.changed,
            [Changed {
                path: "thing/__init__.py".into(),
                sha256: SHA_OF_NEW.into()
            }]
        );
        assert_eq!(after.record, thing.record, "RECORD itself is as before");
        assert!(after.files.is_empty() && !after.is_intact());

        let newer = |path: &Path| {
            let paths = [
                "/nowhere".to_owned(),
                path.display().to_string(),
                "/".to_owned(),
            ];
            let depth = Depth::NewerThan(paths.into());
            ask(
                &directory,
                &site,
                &Question {
                    depth,
                    ..Question::default()
                },
            )
        };
        let since = newer(&site.join("thing/__init__.py"));
        assert_eq!(since.of("thing-tool").expect("listed").changed, []);
        let since = newer(&site.join("thing/same.py"));
        assert_eq!(since.of("thing-tool").expect("listed").changed.len(), 1);
        let records = Question {
            depth: Depth::Records,
            ..Question::default()
        };
        assert!(
            ask(&directory, &site, &records)
                .of("thing-tool")
                .expect("listed")
                .is_intact()
        );
        // Of another size: no look at the clock is needed.
        fs::write(site.join("thing/__init__.py"), "longer\n").expect("written");
        let since = newer(&site.join("thing/__init__.py"));
        assert_eq!(since.of("thing-tool").expect("listed").changed.len(), 1);
    }

    #[test]
    fn an_entry_that_changes_changes_the_digest_and_what_installers_write_does_not() {
        let directory = python();
        let site = &directory.path().join("site");
        let of = |record: &str| {
            package(site, record);
            let contents = ask(&directory, site, &Question::default());
            contents.of("thing-tool").expect("listed").record.clone()
        };
        let one = of("b.py,sha256=AAAA,1\na.py,sha256=BBBB,1\n");
        let other_order = of(
            "a.py,sha256=BBBB,1\nb.py,sha256=AAAA,1\nThing_Tool-1.0.dist-info/INSTALLER,sha256=CCCC,2\n\
             Thing_Tool-1.0.dist-info/uv_cache.json,,\nbin/../bin/thing,sha256=DDDD,1\n",
        );
        assert_eq!(one, other_order);
        assert_ne!(one, of("a.py,sha256=BBBB,1\nb.py,sha256=AAAB,1\n"));
        assert_ne!(one, of("a.py,sha256=BBBB,1\n"));
    }

    #[test]
    fn packages_without_a_record_are_left_to_who_installed_them() {
        let directory = python();
        package(directory.path(), "");
        fs::remove_file(directory.path().join("Thing_Tool-1.0.dist-info/RECORD")).expect("removed");
        assert_eq!(
            ask(&directory, directory.path(), &Question::default()).of("thing-tool"),
            None
        );
    }

    #[test]
    fn a_file_that_two_packages_bring_is_as_the_last_one_left_it() {
        let directory = python();
        let site = &directory.path().join("site");
        package(site, &format!("shared.py,{},4\n", digest("old\n")));
        let other = site.join("other-2.dist-info");
        fs::create_dir(&other).expect("made");
        fs::write(other.join("METADATA"), "Name: other\nVersion: 2\n").expect("written");
        fs::write(
            other.join("RECORD"),
            format!("shared.py,{},4\n", digest("new\n")),
        )
        .expect("written");
        fs::write(site.join("shared.py"), "new\n").expect("written");
        let contents = ask(&directory, site, &Question::default());
        assert!(contents.of("thing-tool").expect("listed").is_intact());
        assert!(contents.of("other").expect("listed").is_intact());
    }

    #[test]
    fn an_answer_that_is_cut_names_who_gave_it() {
        for json in ["", "{\"schema\":1,", "{\"schema\":9,\"distributions\":[]}"] {
            let error = Contents::parse(json, "box").expect_err("refused");
            assert!(error.message().contains("`box`"), "{error}");
        }
    }
}
