//! The documents say what the code says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use envtpl::engine::{OLDEST_BUILDX, OLDEST_COMPOSE, OLDEST_ENGINE};
use envtpl::error::Kind;
use envtpl::files;
use envtpl::templates::Machine;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(path: &str) -> String {
    files::read_text(&root().join(path)).expect("read")
}

/// The first cells of a document's table rows, without backticks.
fn first_cells(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|row| row.split(" | ").next())
        .map(|cell| cell.trim_matches('`').to_owned())
        .collect()
}

#[test]
fn exit_codes_are_those_of_the_code() {
    let documented = first_cells(&document("docs/exit-codes.md"));
    let kinds = [
        Kind::Failed,
        Kind::Usage,
        Kind::NotReady,
        Kind::Interrupted,
        Kind::ClosedPipe,
    ];
    // 0 is success, 125 what comes before a person's own command.
    let mut expected: Vec<u8> = kinds.map(Kind::exit_status).into();
    expected.extend([0, 125]);
    expected.sort_unstable();
    let documented: Vec<u8> = documented
        .iter()
        .filter_map(|cell| cell.parse().ok())
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = document("Cargo.toml");
    let manifest: toml_edit::DocumentMut = manifest.parse().expect("TOML");
    let mut declared = Vec::new();
    for table in ["dependencies", "dev-dependencies"] {
        let table = manifest[table].as_table().expect("a table");
        declared.extend(table.iter().map(|(name, _)| name.to_owned()));
    }
    let mut documented = first_cells(&document("docs/dependencies.md"));
    documented.retain(|cell| cell != "crate");
    declared.sort();
    documented.sort();
    assert_eq!(documented, declared);
}

#[test]
fn every_dependency_is_used() {
    let manifest: toml_edit::DocumentMut = document("Cargo.toml").parse().expect("TOML");
    for (table, directories) in [
        ("dependencies", &["src"][..]),
        ("dev-dependencies", &["src", "tests"]),
    ] {
        let code: String = directories
            .iter()
            .map(|directory| code(directory))
            .collect();
        for (name, _) in manifest[table].as_table().expect("a table") {
            let name = name.replace('-', "_");
            let used = [
                format!("{name}::"),
                format!("use {name};"),
                format!("{name}!"),
            ];
            assert!(
                used.iter().any(|used| code.contains(used)),
                "{name} is not used"
            );
        }
    }
}

/// All Rust code below a directory.
fn code(directory: &str) -> String {
    let directory = root().join(directory);
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files::walk(&directory)
        .expect("walked")
        .into_iter()
        .map(|entry| directory.join(entry.path))
        .filter(is_rust)
        .map(|path| files::read_text(&path).expect("read"))
        .collect()
}

#[test]
fn every_file_of_an_installation_is_described() {
    let document = document("docs/installation-files.md");
    let templates = root().join("templates/installation");
    for kind in ["common", "from-python", "from-scratch", "toolchain"] {
        let directory = templates.join(kind);
        for entry in files::walk(&directory).expect("walked") {
            if entry.kind == files::EntryKind::File {
                let named = format!("`{}`", entry.path.display());
                assert!(document.contains(&named), "{named} is not described");
            }
        }
    }
}

#[test]
fn every_setting_of_a_project_is_described() {
    let documented = first_cells(&document("docs/project-settings.md"));
    for key in envtpl::installation::project_settings::KEYS {
        assert!(
            documented.iter().any(|cell| cell == key),
            "{key} is not described"
        );
    }
}

#[test]
fn the_page_on_toolchains_has_their_variables_and_machines() {
    let page = document("docs/toolchains.md");
    let cells: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
        .flat_map(|cell| cell.split('`'))
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let known = Machine::triples();
    let triples: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
    let machine = |triple: &String| {
        let machine = Machine::of(triple).expect("known");
        let row = [triple, machine.architecture, machine.processor];
        format!("| `{}` |\n", row.join("` | `"))
    };
    for row in triples.iter().map(machine) {
        assert!(page.contains(&row), "{row}");
    }
    let dockerfile = root().join("templates/installation/from-python/Dockerfile");
    let dockerfile = files::read_text(&dockerfile).expect("read");
    let (_, set) = dockerfile.split_once("\nENV CROSS_TRIPLE=").expect("there");
    let (set, _) = set.split_once("\n<% endif %>").expect("its end");
    let mut variables: BTreeSet<String> = set
        .split_whitespace()
        .filter_map(|word| Some(word.split_once('=')?.0.to_owned()))
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    variables.insert("CROSS_TRIPLE".to_owned());
    // Told beside another one.
    assert!(variables.remove("CROSS_COMPILE") && page.contains("`CROSS_COMPILE`"));
    assert_eq!(cells, &variables | &triples);
}

#[test]
fn every_setting_is_described() {
    let document = document("docs/installation-files.md");
    let settings = files::read_text(&root().join("templates/person/.env")).expect("read");
    for line in settings.lines() {
        let line = line.trim_start_matches('#');
        let Some((name, "")) = line.split_once('=') else {
            continue;
        };
        if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            assert!(
                document.contains(&format!("`{name}`")),
                "{name} is not described"
            );
        }
    }
}

/// Words such as `PROJECT_ROOT_AT` in what a script does; not in its comments.
fn variables(script: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let mut found = BTreeSet::new();
    for line in script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        for (at, word) in line
            .split(|c| !is_part(c))
            .filter(|word| word.len() > 1)
            .map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
        {
            // Short names are variables only where the shell reads or sets them.
            let before = &line[..at];
            let used = word.contains('_')
                || before.ends_with('$')
                || before.ends_with("${")
                || line[at + word.len()..].starts_with('=');
            let inside = before.ends_with(|c: char| c.is_ascii_lowercase());
            if used && !inside && word.starts_with(|c: char| c.is_ascii_uppercase()) {
                found.insert(word.to_owned());
            }
        }
    }
    found
}

#[test]
fn the_table_of_variables_has_those_of_the_scripts() {
    let installation = root().join("templates/installation");
    let read = |path: PathBuf| files::read_text(&path).expect("read");
    // Commands of their own; the others are a container's start.
    let commands = ["installers.sh", "snapshot.sh", "update-env-file.sh"];
    let mut expected = BTreeSet::new();
    for path in files::list(&installation.join("common/entrypoints")).expect("listed") {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".sh") && !commands.contains(&name.as_str()) {
            expected.extend(variables(&read(path)));
        } else if name == "start-jupyter.py" {
            let text = read(path);
            let asked = text.split("environ.get(\"").skip(1);
            expected.extend(asked.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    // The shell's, between a start's own programs, and the names in the image's settings file.
    for own in [
        "BASE_ENTRYPOINT",
        "BASE_ENTRYPOINT_EXECS",
        "IFS",
        "PPID",
        "ENVTPL_ACTIVATED",
        "ENVTPL_BASE_ENTRYPOINT_DONE",
        "PROJECT_KEY",
        // Of shells that somebody types into.
        "HISTCONTROL",
        "HISTFILESIZE",
        "HISTSIZE",
        "PROMPT",
        "PROMPT_COMMAND",
        "PS1",
        "SAVEHIST",
        "ZSH_VERSION",
        "PYTHON",
        "LD_PRELOAD",
        "NSS_WRAPPER_GROUP",
        "NSS_WRAPPER_PASSWD",
    ] {
        assert!(expected.remove(own), "{own} is no longer used");
    }
    // What Compose and the images set.
    let compose = read(installation.join("common/compose.yaml"));
    let (_, environment) = compose.split_once("    environment:\n").expect("there");
    let names = environment
        .lines()
        .take_while(|line| line.starts_with("      ") || line.starts_with("<%"))
        .filter_map(|line| line.strip_prefix("      ")?.split(':').next());
    let names = names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
    expected.extend(names.map(str::to_owned));
    for kind in ["from-python", "from-scratch"] {
        let dockerfile = read(installation.join(kind).join("Dockerfile"));
        let (_, last) = dockerfile
            .split_once(" AS development-generic")
            .expect("a stage");
        let set = last.lines().filter_map(|line| line.strip_prefix("ENV "));
        expected.extend(set.flat_map(variables));
    }
    let certificates = read(installation.join("common/container-with-certificates.env"));
    expected.extend(variables(&certificates));

    let mut documented = first_cells(&document("docs/container-variables.md"));
    documented.retain(|cell| cell != "variable");
    let listed: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(listed.len(), documented.len(), "one is there twice");
    assert_eq!(listed, expected);
}

#[test]
fn every_option_of_dev_can_be_had_without_envtpl() {
    let help = document("tests/cli/help.txt");
    let (_, help) = help.split_once("$ envtpl dev -h\n").expect("its help");
    let (_, help) = help.split_once("\nOptions:\n").expect("its options");
    let (options, _) = help.split_once("\n\n").expect("their end");
    let options: Vec<String> = options
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
        .map(|word| format!("`{}`", word.split('[').next().unwrap_or(word)))
        .filter(|word| !["`--help`", "`--version`"].contains(&&**word))
        .collect();
    assert!(options.contains(&"`--env`".to_owned()), "{options:?}");
    let page = document("docs/container-variables.md");
    let (_, section) = page.split_once("\n## Options of envtpl dev\n").expect("it");
    for option in options {
        assert!(section.contains(&option), "{option} is not described");
    }
}

#[test]
fn the_readme_says_which_docker_is_needed() {
    let readme = document("README.md");
    for (tool, floor) in [
        ("Docker Engine", OLDEST_ENGINE),
        ("Compose", OLDEST_COMPOSE),
        ("buildx", OLDEST_BUILDX),
    ] {
        let floor = floor.to_string();
        let floor = floor.trim_end_matches(".0");
        assert!(
            readme.contains(&format!("{tool} {floor}")),
            "{tool} {floor}"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let docs = files::list(&root().join("docs")).expect("listed");
    pages.extend(
        docs.into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "md")),
    );
    for page in pages {
        let text = files::read_text(&page).expect("read");
        let directory = page.parent().expect("a directory");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            if !file.contains("://") && !file.is_empty() {
                assert!(directory.join(file).exists(), "{}: {file}", page.display());
            }
        }
    }
}
