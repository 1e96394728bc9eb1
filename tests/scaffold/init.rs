//! `envtpl init`.

use crate::support::{Ended, Place, bad_names};

fn init(place: &Place, arguments: &[&str]) -> crate::support::Ended {
    place.envtpl([&["init"], arguments].concat())
}

#[test]
fn an_empty_directory_becomes_a_project() {
    let place = Place::called("My Project");
    let ended = init(&place, &[]).expect(0).says("envtpl build-user");
    assert_eq!(ended.stdout, "");
    let host = envtpl::installation::name::Platform::host();
    for name in ["amd64-cuda".to_owned(), format!("{host}-cpu")] {
        let directory = format!("installation/{name}");
        for path in [
            "README.md",
            "compose-base.yaml",
            "compose.yaml",
            "Dockerfile",
            "Dockerfile-user",
            "dependencies/apt-build.txt",
            "dependencies/apt-runtime.txt",
            "dependencies/apt-dev.txt",
            "dependencies/requirements.txt",
            "dependencies/locked/README.md",
            ".envtpl-record.yaml",
            ".dockerignore",
            ".gitignore",
        ] {
            assert!(place.has(format!("{directory}/{path}")), "{path}");
        }
        let editors = place.text(format!(".devcontainer/{name}/devcontainer.json"));
        assert!(
            editors.contains(&format!("\"../../{directory}/compose.yaml\"")),
            "{editors}"
        );
        let env = place.text(format!("{directory}/.env"));
        assert!(env.contains(&format!("\nIMAGE_PLATFORM={name}\n")), "{env}");
        assert!(env.contains("\nPROJECT_NAME=my-project\n"), "{env}");
        assert!(env.contains("\nPROJECT_ROOT_AT=/project/my-project\n"));
        assert_eq!(place.mode(format!("{directory}/.env")), 0o600);
        assert_eq!(
            place.mode(format!("{directory}/entrypoints/entrypoint.sh")) & 0o111,
            0o111
        );
        let requirements = place.text(format!("{directory}/dependencies/requirements.txt"));
        for package in ["hatchling", "editables", "numpy", "scikit-learn"] {
            assert!(
                requirements.contains(&format!("\n{package}\n")),
                "{requirements}"
            );
        }
    }
    assert!(
        place
            .text("src/my_project/digits.py")
            .contains("python -m my_project.digits")
    );
    assert!(place.text(".gitignore").contains("/.envtpl/\n"));
    assert!(!place.has("installation/amd64-cuda/dependencies/environment.yml"));
}

#[test]
fn a_dry_run_lists_the_files_and_writes_none() {
    let place = Place::empty();
    let ended = init(&place, &["--dry-run", "-i", "arm64-cpu"]).expect(0);
    assert!(
        ended
            .stdout
            .contains("create installation/arm64-cpu/Dockerfile\n")
    );
    assert!(
        ended
            .stdout
            .contains("create installation/arm64-cpu/.env\n")
    );
    assert!(ended.stdout.contains("create pyproject.toml\n"));
    assert!(place.tree().is_empty());
    assert!(!place.has(".envtpl"));
}

#[test]
fn the_report_is_json_when_asked_for() {
    let place = Place::empty();
    let report = init(&place, &["--format", "json", "-i", "amd64-cpu"])
        .expect(0)
        .json();
    assert_eq!(report["dry_run"], false);
    assert_eq!(report["report"]["package_name"], "project");
    assert_eq!(
        report["report"]["installations"][0]["base_image"],
        "python:3.12-slim"
    );
    let files = report["files"].as_array().expect("a list");
    assert!(
        files
            .iter()
            .any(|file| file["path"] == "installation/amd64-cpu/compose.yaml")
    );
}

#[test]
fn a_directory_is_made_where_there_is_none() {
    let place = Place::empty();
    init(&place, &["sub/new one", "-i", "amd64-cpu"])
        .expect(0)
        .says("cd ");
    assert!(place.has("sub/new one/installation/amd64-cpu/compose.yaml"));
    assert!(
        place
            .text("sub/new one/pyproject.toml")
            .contains("name = \"new-one\"")
    );
}

const PYPROJECT: &str = "[build-system]\nrequires = ['setuptools>=64', 'wheel']\n\
    [project]\nname = 'Fancy.Proj'\nrequires-python = '>=3.10,<3.12'\n\
    dependencies = [\n  'numpy>=1.26',\n  'Scikit_Learn',\n  'torch @ git+https://h/t',\n]\n";

/// A repository as people have them.
fn repository() -> Place {
    let place = Place::empty();
    place.put("pyproject.toml", PYPROJECT);
    place.put("src/fancy/__init__.py", "");
    place.put(
        "requirements.txt",
        "# mine\r\nscikit-learn==1.5.0\r\n-e .\r\n-r more.txt\r\n--extra-index-url https://h/\r\n",
    );
    place.put(
        "environment.yml",
        "name: x\nchannels: [conda-forge, pytorch]\ndependencies:\n  - python=3.11\n  - pytorch\n  - pip:\n    - wandb\n",
    );
    place.put("apt.txt", "# libs\nlibgl1 ffmpeg\n");
    place.put(".gitignore", b"*.pyc\r\n/data");
    place.put("README.md", "amd64-cuda\n");
    place
}

#[test]
fn an_existing_repository_keeps_its_files_and_gives_what_it_declares() {
    let place = repository();
    let before = place.tree();
    init(&place, &["-i", "amd64-cpu"])
        .expect(0)
        .says("requirements.txt:4: `-r more.txt` is left out")
        .says("conda packages are left out of a from-python installation: pytorch");
    for (path, content) in &before {
        if path != std::path::Path::new(".gitignore") {
            assert_eq!(place.tree().get(path), Some(content), "{}", path.display());
        }
    }
    assert_eq!(place.text(".gitignore"), "*.pyc\r\n/data\r\n/.envtpl/\r\n");
    assert!(!place.has("src/fancy/digits.py") && !place.has("src/fancy_proj"));
    let requirements = place.text("installation/amd64-cpu/dependencies/requirements.txt");
    let (_, ours) = requirements.split_once("\n\n").expect("a heading");
    assert_eq!(
        ours,
        "# Builds the project itself, without the network (pyproject.toml, [build-system]).\n\
         setuptools>=64\nwheel\n\n\
         # What the project needs (pyproject.toml, [project] dependencies).\n\
         numpy>=1.26\ntorch @ git+https://h/t\n\n\
         # From requirements.txt.\n# mine\nscikit-learn==1.5.0\n--extra-index-url https://h/\n\n\
         # From environment.yml.\nwandb\n"
    );
    let apt = place.text("installation/amd64-cpu/dependencies/apt-runtime.txt");
    assert!(apt.ends_with("libgl1\nffmpeg\n"), "{apt}");
    assert!(
        place
            .text("installation/amd64-cpu/compose-base.yaml")
            .contains("python:3.11-slim")
    );
    let env = place.text("installation/amd64-cpu/.env");
    assert!(
        env.contains("\nPROJECT_NAME=fancy-proj\nPACKAGE_NAME=fancy\n"),
        "{env}"
    );
}

#[test]
fn what_the_skeleton_needs_is_not_declared_twice() {
    let place = Place::empty();
    place.put("requirements.txt", "numpy==1.26.4\n");
    init(&place, &["-i", "amd64-cpu"]).expect(0);
    let text = place.text("installation/amd64-cpu/dependencies/requirements.txt");
    assert_eq!(text.matches("numpy").count(), 1, "{text}");
    assert!(text.contains("\nscikit-learn\n"), "{text}");
}

#[test]
fn from_scratch_takes_conda_packages_too() {
    let place = repository();
    init(&place, &["-i", "arm64-cpu", "--from-base", "from-scratch"])
        .expect(0)
        .keeps_quiet_about("conda packages are left out");
    let text = place.text("installation/arm64-cpu/dependencies/environment.yml");
    let value: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(
        value["channels"],
        serde_json::json!(["conda-forge", "pytorch"])
    );
    assert_eq!(value["dependencies"][0], "python=3.11");
    assert_eq!(value["dependencies"][2], "pytorch");
    let pip = value["dependencies"][3]["pip"].as_array().expect("a list");
    assert!(
        pip.iter().any(|line| line == "torch @ git+https://h/t"),
        "{text}"
    );
    assert!(pip.iter().any(|line| line == "wandb"), "{text}");
    let base = place.text("installation/arm64-cpu/compose-base.yaml");
    assert!(base.contains("micromamba-linux-aarch64"), "{base}");
}

#[test]
fn names_that_cannot_be_change_nothing() {
    let place = Place::empty();
    for name in bad_names() {
        let ended = place.envtpl(["init", &format!("-i={name}")]).expect(2);
        assert!(
            ended.stderr.contains("installation name"),
            "{name}: {}",
            ended.stderr
        );
    }
    init(&place, &["-i", "arm64-rocm"])
        .expect(2)
        .says("AMD publishes ROCm");
    init(&place, &["-i", "amd64-cpu", "-i", "docker-amd64-cpu"])
        .expect(2)
        .says("the same installation");
    init(&place, &["--package-name", "a-b"])
        .expect(2)
        .says("`a-b`");
    init(&place, &["--project-name", "日本"])
        .expect(2)
        .says("--project-name");
    init(&place, &["--python", "three"]).expect(2).says("X.Y");
    init(&place, &["--base-image", "Upper/Case:1"])
        .expect(2)
        .says("Upper/Case:1");
    init(&place, &["--base-image", "a b"]).expect(2);
    assert!(place.tree().is_empty());
}

#[test]
fn a_directory_inside_of_a_project_is_no_project_unless_named() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let before = place.tree();
    for inside in ["src", "installation", "installation/amd64-cpu"] {
        place
            .envtpl(["-C", inside, "init", "-i", "arm64-cpu"])
            .expect(2)
            .says("is inside of the project");
        assert_eq!(place.tree(), before, "{inside}");
    }
    place
        .envtpl(["-C", "src", "init", ".", "-i", "arm64-cpu"])
        .expect(0);
    assert!(place.has("src/installation/arm64-cpu"));

    // A repository of its own is a project of its own.
    place.put("data/other/.git/HEAD", "ref: refs/heads/main\n");
    place
        .envtpl(["-C", "data/other", "init", "-i", "arm64-cpu"])
        .expect(0);
    assert!(place.has("data/other/installation/arm64-cpu"));
}

#[test]
fn a_password_in_a_requirements_file_is_left_behind_and_not_shown() {
    let place = Place::empty();
    place.put(
        "requirements.txt",
        "--extra-index-url https://joe:s3cret@index.example/simple\nsix\ndemo @ https://u:s3cret@host.example/d.whl\n",
    );
    let ended = init(&place, &["-i", "amd64-cpu"])
        .expect(0)
        .says("PIP_INDEX_URL");
    assert!(!ended.stderr.contains("s3cret") && !ended.stdout.contains("s3cret"));
    let written = place.text("installation/amd64-cpu/dependencies/requirements.txt");
    assert!(
        written.contains("six\n") && !written.contains("s3cret"),
        "{written}"
    );
}

#[test]
fn the_python_of_an_environment_file_chooses_the_image() {
    let place = Place::empty();
    place.put(
        "environment.yml",
        "dependencies:\n  - python=3.11\n  - numpy\n",
    );
    init(&place, &["-i", "amd64-cpu"]).expect(0);
    let base = place.text("installation/amd64-cpu/compose-base.yaml");
    assert!(base.contains("python:3.11"), "{base}");
}

#[test]
fn what_is_there_is_never_written_over() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let before = place.tree();
    init(&place, &["-i", "amd64-cuda", "-i", "amd64-cpu"])
        .expect(2)
        .says("`installation/amd64-cpu` is there already");
    init(&place, &["-i", "docker-amd64-cpu"]).expect(2);
    assert_eq!(place.tree(), before);
    // Another one beside it is fine, and the package is not written again.
    init(&place, &["-i", "amd64-cuda"])
        .expect(0)
        .keeps_quiet_about("the package");
    for (path, content) in before {
        assert_eq!(
            place.tree().get(&path),
            Some(&content),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_version_of_python_chooses_the_image_or_is_refused() {
    let image = |arguments: &[&str]| {
        let place = Place::empty();
        init(&place, &[&["-i", "amd64-cpu", "--yes"], arguments].concat()).expect(0);
        place.text("installation/amd64-cpu/compose-base.yaml")
    };
    assert!(image(&["--python", "3.13"]).contains("\"python:3.13-slim\""));
    let scratch = ["--python", "3.9", "--from-base", "from-scratch"];
    assert!(image(&scratch).contains("\"ubuntu:24.04\""));
    let custom = ["--base-image", "envtpl-base/bookworm-python:amd64"];
    assert!(image(&custom).contains("\"envtpl-base/bookworm-python:amd64\""));

    let place = Place::empty();
    init(&place, &["--python", "3.7"])
        .expect(2)
        .says("3.10, 3.11, 3.12");
    init(
        &place,
        &["--python", "3.12", "--base-image", "python:3.10-slim"],
    )
    .expect(2)
    .says("`python:3.10-slim` has Python 3.10");
    assert!(place.tree().is_empty());
    let custom = ["--base-image", "python:3.10-slim", "-i", "amd64-cpu"];
    init(&place, &custom).expect(0);
    assert!(
        place
            .text("pyproject.toml")
            .contains("requires-python = \">=3.10\"")
    );
}

#[test]
fn an_image_whose_name_does_not_tell_is_asked() {
    let place = Place::empty();
    let bin = place.outside().join("bin");
    place.put("../bin/docker", "#!/bin/sh\necho \"$*\" >&2\necho 3.10\n");
    place.set_mode("../bin/docker", 0o755);
    let run = |python: &str| {
        let mut command = place.command(["init", "--base-image", "my/base:1", "--python", python]);
        let path = std::env::var("PATH").expect("a path");
        Ended::run(command.env("PATH", format!("{}:{path}", bin.display())))
    };
    run("3.12").expect(2).says("`my/base:1` has Python 3.10");
    assert!(place.tree().is_empty());
    run("3.10").expect(0);
    let place = Place::empty();
    let mut command = place.command(["init", "--base-image", "my/base:1", "--python", "3.12"]);
    Ended::run(command.env("PATH", "/nonexistent"))
        .expect(0)
        .says("cannot tell whether `my/base:1` has Python 3.12");
}

#[test]
fn no_package_is_written_when_none_is_wanted() {
    let place = Place::empty();
    init(&place, &["--no-skeleton", "-i", "amd64-cpu"]).expect(0);
    assert!(!place.has("pyproject.toml") && !place.has("src"));
    assert_eq!(place.text(".gitignore"), "/.envtpl/\n");
}

#[test]
fn files_that_cannot_be_read_are_pointed_at() {
    let place = Place::empty();
    place.put("pyproject.toml", "[project\n");
    init(&place, &[]).expect(2).says("pyproject.toml:1:");
    place.put("pyproject.toml", "");
    place.put("requirements.txt", b"numpy\n\xff\n");
    init(&place, &[]).expect(2).says("is not UTF-8");
    place.put("requirements.txt", "");
    place.put("apt.txt", "jq\nno package!\n");
    init(&place, &[]).expect(2).says("apt.txt:2:");
    assert!(!place.has("installation"));
}

#[test]
fn any_path_will_do() {
    let place = Place::called("größer als $HOME 'x'");
    init(&place, &["-i", "amd64-cpu"]).expect(0);
    assert!(
        place
            .text("installation/amd64-cpu/.env")
            .contains("PROJECT_NAME=gr-er-als-home-x")
    );

    let place = Place::called("real");
    let link = place.outside().join("link");
    std::os::unix::fs::symlink(&place.root, &link).expect("linked");
    place
        .envtpl([
            std::ffi::OsStr::new("-C"),
            link.as_os_str(),
            "init".as_ref(),
        ])
        .expect(0);
    assert!(place.has("installation/amd64-cuda/compose.yaml"));

    let place = Place::called("root");
    place.put("file", "");
    init(&place, &["file"]).expect(2).says("is no directory");
    place
        .envtpl(["-C", "nowhere", "init"])
        .expect(2)
        .says("nowhere");
}

#[test]
fn a_full_disk_changes_nothing() {
    let place = Place::empty();
    for operation in ["1", "5", "40", "80"] {
        let mut command = place.command(["init"]);
        let ended = Ended::run(command.env("ENVTPL_TEST_FAIL_FROM", operation));
        ended.expect(3).says("No space left");
        assert!(place.tree().is_empty(), "{:?}", place.tree().keys());
    }
}

#[test]
fn a_kill_at_any_moment_leaves_nothing_or_everything() {
    let place = Place::empty();
    place.put("README.md", "mine\n");
    place.survives_kills(
        &["init", "-i", "amd64-cpu"],
        &["init", "--dry-run", "-i", "amd64-cpu"],
    );
}

#[test]
fn questions_are_asked_on_a_terminal() {
    let place = Place::called("asked");
    let program = env!("CARGO_BIN_EXE_envtpl");
    let line = format!(
        "sh -c 'cd {} && exec env -i HOME=/nonexistent PATH=/usr/bin:/bin TERM=xterm {program} init'",
        place.root.display()
    );
    let mut terminal = rexpect::spawn(&line, Some(20_000)).expect("started");
    terminal.exp_string("Name of the project").expect("asked");
    terminal.send_line("Chosen Name").expect("answered");
    terminal.exp_string("Start").expect("asked");
    terminal.send_line("").expect("answered");
    terminal.exp_string("Installations").expect("asked");
    terminal.send_line("arm64-cpu").expect("answered");
    terminal.exp_string("Next:").expect("done");
    terminal.exp_eof().expect("ended");
    assert!(place.has("installation/arm64-cpu/compose.yaml"));
    assert!(!place.has("installation/amd64-cuda"));
    assert!(
        place
            .text("installation/arm64-cpu/.env")
            .contains("PROJECT_NAME=chosen-name\n")
    );
}

#[test]
fn a_name_that_is_taken_comes_with_one_that_is_not() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    init(&place, &["-i", "amd64-cpu"])
        .expect(2)
        .says("such as a variant: amd64-cpu-2");
    init(&place, &["-i", "amd64"])
        .expect(2)
        .says("it does not say what computes (cpu, cuda, rocm)");
    init(
        &place,
        &["-i", "arm64-cpu", "--project-name", "My Project!"],
    )
    .expect(0)
    .says("images and Compose know the project as `my-project`");
}

#[test]
fn a_file_for_editors_that_is_there_stays_as_it_is() {
    let place = Place::empty();
    let own = ".devcontainer/amd64-cpu/devcontainer.json";
    place.put(own, "{}\n");
    init(&place, &["-i", "amd64-cpu"]).expect(0);
    assert_eq!(place.text(own), "{}\n");
    let record = place.text("installation/amd64-cpu/.envtpl-record.yaml");
    assert!(!record.contains("devcontainer"), "{record}");
}
