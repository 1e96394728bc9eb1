//! Renders the embedded templates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use include_dir::{Dir, DirEntry, File, include_dir};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::templates::answers::{Answers, FromBase};
use crate::templates::machine::Machine;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The script that `envtpl wrap` prints, which the images of a toolchain have as well.
pub(super) const SCRIPT: &str = "wrap/toolchain.sh";

/// A path component that stands for the name of the Python package.
const PACKAGE_NAME: &str = "__package_name__";

/// The file that editors read. It is of an installation, and stands where they look for it.
pub const DEVCONTAINER: &str = "devcontainer.json";

/// Where a file of an installation stands, relative to the project.
pub fn place(installation: &str, path: &str) -> PathBuf {
    let above = match path {
        DEVCONTAINER => ".devcontainer",
        _ => "installation",
    };
    Path::new(above).join(installation).join(path)
}

/// Files by their path, relative to the directory that they are for; see also [`place`].
pub type Files = BTreeMap<String, Rendered>;

/// A file as envtpl writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it is a program.
    pub executable: bool,
}

impl Rendered {
    /// Its permission bits, before the umask takes its share.
    pub fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// What the templates of an installation know: all facts of a machine, and not its triple alone.
#[derive(Serialize)]
struct Values<'a> {
    #[serde(flatten)]
    answers: &'a Answers,
    machine: Option<&'static Machine>,
}

/// The files of an installation directory, without its record.
///
/// # Errors
/// When a template is wrong, which the tests rule out.
pub fn installation(answers: &Answers) -> Result<Files> {
    let values = Values {
        answers,
        machine: answers.machine,
    };
    let mut files = Files::new();
    for layer in layers(answers.from_base) {
        let root = format!("installation/{layer}");
        files.extend(tree(&root, &values, &answers.package_name)?);
    }
    if answers.machine.is_some() {
        let bytes = source(SCRIPT)?.as_bytes().to_vec();
        let executable = false;
        files.insert("toolchain/wrap.sh".into(), Rendered { bytes, executable });
    }
    Ok(files)
}

/// The directories of templates that make an installation. A file of a later one takes the place of
/// an earlier one's.
fn layers(kind: FromBase) -> &'static [&'static str] {
    match kind {
        FromBase::FromPython => &["common", "from-python"],
        FromBase::FromScratch => &["common", "from-scratch"],
        FromBase::Toolchain => &["common", "from-python", "toolchain"],
    }
}

/// What the files of the project outside `installation/` depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ProjectAnswers {
    /// The project's name as the person wrote it.
    pub project_title: String,
    /// The project's name, as Compose and images take it.
    pub project_name: String,
    /// The name of its Python package.
    pub package_name: String,
    /// The Python version that it needs at least, such as `3.12`.
    pub python_version: String,
}

/// The files of a new project, outside `installation/`.
///
/// # Errors
/// When a template is wrong, which the tests rule out.
pub fn project(answers: &ProjectAnswers) -> Result<Files> {
    tree("project", answers, &answers.package_name)
}

/// A single template, rendered with the given values.
///
/// # Errors
/// When there is no such template or it is wrong, which the tests rule out.
pub fn single(path: &str, values: &impl Serialize) -> Result<Vec<u8>> {
    let file = TEMPLATES
        .get_file(path)
        .ok_or_else(|| Error::failed(format!("envtpl has no template `{path}`")))?;
    render(path, file, values)
}

/// The text of a template, as it is.
///
/// # Errors
/// When there is no such template or it is no text, which the tests rule out.
pub fn source(path: &str) -> Result<&'static str> {
    TEMPLATES
        .get_file(path)
        .and_then(File::contents_utf8)
        .ok_or_else(|| Error::failed(format!("envtpl has no template `{path}`")))
}

fn tree(root: &str, values: &impl Serialize, package_name: &str) -> Result<Files> {
    let mut files = Files::new();
    let Some(directory) = TEMPLATES.get_dir(root) else {
        return Err(Error::failed(format!("envtpl has no templates `{root}`")));
    };
    let mut pending: Vec<_> = directory.entries().iter().collect();
    while let Some(entry) = pending.pop() {
        match entry {
            DirEntry::Dir(directory) => pending.extend(directory.entries()),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy();
                let relative = path.strip_prefix(root).unwrap_or(&path);
                let relative = relative
                    .trim_start_matches('/')
                    .replace(PACKAGE_NAME, package_name);
                let bytes = render(&path, file, values)?;
                let executable = is_program(&relative);
                files.insert(relative, Rendered { bytes, executable });
            }
        }
    }
    Ok(files)
}

/// Embedding drops permission bits; the scripts that are started by their name are these.
fn is_program(path: &str) -> bool {
    path.starts_with("entrypoints/") && path.ends_with(".sh")
}

fn render(path: &str, file: &File<'_>, values: &impl Serialize) -> Result<Vec<u8>> {
    let text = match file.contents_utf8() {
        Some(text) if text.contains("<%") => text,
        _ => return Ok(file.contents().to_vec()),
    };
    environment()
        .render_named_str(path, text, Serde(values))
        .map(String::into_bytes)
        .map_err(|source| {
            Error::failed(format!("cannot render the template `{path}`")).because(source)
        })
}

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        // The delimiters are constants that the library accepts; the tests render with them.
        if let Ok(syntax) = SyntaxConfig::builder()
            .block_delimiters("<%", "%>")
            .variable_delimiters("<%=", "%>")
            .comment_delimiters("<%#", "%>")
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
        {
            environment.set_syntax(syntax);
        }
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::installation::devcontainer::Devcontainer;
    use crate::installation::name::Acceleration;
    use crate::templates::{Catalogue, FromBase, Python};

    fn answers(name: &str, kind: FromBase) -> Answers {
        let name = name.parse().expect("a name");
        let machine = (kind == FromBase::Toolchain)
            .then(|| Machine::of("riscv64-linux-gnu").expect("a machine"));
        let choice = Catalogue::embedded()
            .and_then(|catalogue| catalogue.choose(&name, kind, &Python::Any))
            .expect("an image");
        Answers::new(&name, kind, machine, choice, "my-project", "my_project")
    }

    #[test]
    fn every_installation_renders_whole() {
        for name in Catalogue::embedded().expect("a catalogue").names() {
            for kind in [FromBase::ALL.as_slice(), &[FromBase::Toolchain]].concat() {
                if kind == FromBase::Toolchain && name.acceleration() != Acceleration::Cpu {
                    continue;
                }
                let answers = answers(&name.to_string(), kind);
                let files = installation(&answers).expect("renders");
                let text = |path: &str| {
                    let file = files.get(path).unwrap_or_else(|| panic!("no `{path}`"));
                    String::from_utf8(file.bytes.clone()).expect("utf-8")
                };
                assert!(
                    text("compose.yaml").contains(&format!("platform: linux/{}", name.platform()))
                );
                assert!(text("compose-base.yaml").contains(&answers.base.base_image));
                assert!(files["entrypoints/entrypoint.sh"].executable);
                let path = Path::new(DEVCONTAINER);
                let editors = Devcontainer::parse(path, &text(DEVCONTAINER)).expect("JSON");
                let lists = text("dependencies/apt-runtime.txt");
                let of_toolchain = lists.contains("\ncrossbuild-essential-riscv64\n");
                assert_eq!(of_toolchain, kind == FromBase::Toolchain);
                for (service, _) in editors.services() {
                    assert!(text("compose.yaml").contains(&format!("\n  {service}:")));
                }
                for (path, file) in &files {
                    assert!(!file.bytes.windows(2).any(|pair| pair == b"<%"), "{path}");
                    assert!(
                        file.bytes.ends_with(b"\n") || file.bytes.is_empty(),
                        "{path}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_path_is_in_two_trees() {
        let paths = |root: &str| -> BTreeSet<String> {
            let values = Values {
                answers: &answers("amd64-cpu", FromBase::FromScratch),
                machine: None,
            };
            tree(root, &values, "p")
                .expect("renders")
                .into_keys()
                .collect()
        };
        let common = paths("installation/common");
        for kind in FromBase::ALL {
            let own = paths(&format!("installation/{kind}"));
            assert_eq!(
                common.intersection(&own).collect::<Vec<_>>(),
                Vec::<&String>::new()
            );
        }
    }

    #[test]
    fn every_variable_of_a_template_is_documented() {
        let documented = source("README.md").expect("a README");
        let mut pending: Vec<_> = TEMPLATES.entries().iter().collect();
        while let Some(entry) = pending.pop() {
            match entry {
                DirEntry::Dir(directory) => pending.extend(directory.entries()),
                DirEntry::File(file) => {
                    let Some(text) = file.contents_utf8() else {
                        continue;
                    };
                    let path = file.path().display();
                    if file.path().parent() == Some(Path::new("")) {
                        continue;
                    }
                    let template = environment().template_from_str(text).expect("valid");
                    for variable in template.undeclared_variables(false) {
                        assert!(
                            documented.contains(&variable),
                            "`{variable}` of {path} is not in templates/README.md"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let rendered = environment().render_str("<%= nothing %>", ());
        assert!(rendered.is_err());
        let rendered = environment().render_str("a<% if true %>\nb\n<% endif %>\n{{ c }}\n", ());
        assert_eq!(rendered.expect("renders"), "ab\n{{ c }}\n");
    }
}
