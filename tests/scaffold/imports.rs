//! What `envtpl init` takes over from the files of an existing repository.

use crate::support::{Ended, Place};

const REQUIREMENTS: &str = "installation/amd64-cpu/dependencies/requirements.txt";
const ENVIRONMENT: &str = "installation/amd64-cpu/dependencies/environment.yml";

fn init(place: &Place) -> Ended {
    place.envtpl(["init", "-i", "amd64-cpu"])
}

fn from_scratch(place: &Place) -> Ended {
    place.envtpl(["init", "-i", "amd64-cpu", "--from-base", "from-scratch"])
}

/// A repository with a package that declares nothing.
fn repository() -> Place {
    let place = Place::empty();
    place.put("src/lab/__init__.py", "");
    place
}

/// The lines of the installation's requirements.txt without comments and empty lines.
fn declared(place: &Place) -> Vec<String> {
    let text = place.text(REQUIREMENTS);
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// What the installation's environment.yml lists for pip.
fn pip(place: &Place) -> Vec<String> {
    let value: serde_json::Value = serde_yaml::from_str(&place.text(ENVIRONMENT)).expect("YAML");
    let items = value["dependencies"].as_array().expect("a list").clone();
    let list = items.into_iter().find_map(|item| item.get("pip").cloned());
    serde_json::from_value(list.expect("a list for pip")).expect("texts")
}

fn hash(digit: &str) -> String {
    format!("--hash=sha256:{}", digit.repeat(64))
}

#[test]
fn nothing_of_a_dropped_line_survives() {
    let place = repository();
    place.put(
        "requirements.txt",
        "numpy\n-e ./libs/x \\\n    --config-settings=a=b\n    # via the lab\n-c constraints.txt \\\n  \\\n\n\
         -r more.txt \\\n# of the others\n./wheels/y.whl \\\n  ; python_version < '3.13' \\\n  --hash-is-none\n"
            .replace("--hash-is-none", &hash("0")),
    );
    init(&place)
        .expect(0)
        .says("requirements.txt:2: `-e ./libs/x --config-settings=a=b` is left out: the build sees")
        .says("requirements.txt:5: `-c constraints.txt` is left out: copy that file")
        .says("requirements.txt:8: `-r more.txt` is left out: there is no such file")
        .says("requirements.txt:10: `./wheels/y.whl ; python_version < '3.13'` is left out");
    assert_eq!(declared(&place), ["numpy"]);
    assert!(!place.text(REQUIREMENTS).contains("via the lab"));
}

#[test]
fn hashes_stay_with_their_requirement() {
    let place = repository();
    let (one, other) = (hash("1"), hash("a"));
    let text = format!(
        "\u{feff}# pinned\r\nsix==1.17.0 \\\r\n    {one} \\\r\n    {other}\r\n    # via lab\r\n"
    );
    place.put("requirements.txt", text);
    init(&place).expect(0).keeps_quiet_about("is left out");
    let expected = format!(
        "\n# From requirements.txt.\n# pinned\nsix==1.17.0 \\\n    {one} \\\n    {other}\n    # via lab\n"
    );
    let written = place.text(REQUIREMENTS);
    assert!(written.ends_with(&expected), "{written}");

    let place_there = repository();
    place_there.put("requirements.txt", place.text("requirements.txt"));
    from_scratch(&place_there).expect(0);
    assert_eq!(pip(&place_there), [format!("six==1.17.0 {one} {other}")]);
    let text = place_there.text(ENVIRONMENT);
    assert!(
        text.contains("      # pinned\n") && text.contains("      # via lab\n"),
        "{text}"
    );
}

#[test]
fn included_files_are_taken_in() {
    let place = repository();
    place.put(
        "requirements.txt",
        "-r requirements/base.txt\n-r requirements/none.txt\nsix\n",
    );
    place.put(
        "requirements/base.txt",
        "\u{feff}numpy>=1.26 # numbers\r\n-r ../requirements.txt\r\n-r ./more/plots.txt\r\n-e .\r\n",
    );
    place.put(
        "requirements/more/plots.txt",
        "matplotlib\n-r https://h/x.txt\n-r ../../../x.txt\nsix\n",
    );
    place.put("../x.txt", "secret-of-others\n");
    init(&place)
        .expect(0)
        .says("requirements.txt:2: `-r requirements/none.txt` is left out: there is no such file")
        .says("requirements/more/plots.txt:2: `-r https://h/x.txt` is left out: copy the lines")
        .says("requirements/more/plots.txt:3: `-r ../../../x.txt` is left out: it is outside")
        .keeps_quiet_about("base.txt` is left out");
    let text = place.text(REQUIREMENTS);
    assert!(
        text.ends_with(
            "\n# From requirements.txt.\nsix\n\n# From requirements/base.txt.\nnumpy>=1.26 # numbers\n\n\
             # From requirements/more/plots.txt.\nmatplotlib\n"
        ),
        "{text}"
    );
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let place = repository();
    place.put("requirements.txt", "-r dev.txt\nNumpy==1.26\n");
    place.put("dev.txt", "numpy==2\n");
    let before = place.tree();
    init(&place)
        .expect(2)
        .says("`1.26` (requirements.txt, line 2) and `2` (dev.txt, line 1)");
    place.put("environment.yml", "dependencies: [{pip: [numpy==2]}]\n");
    place.put("dev.txt", "six\n");
    for kind in ["from-python", "from-scratch"] {
        place
            .envtpl(["init", "-i", "amd64-cpu", "--from-base", kind])
            .expect(2)
            .says("`numpy` is asked for in two versions")
            .says("nothing was written");
    }
    place.remove("environment.yml");
    place.put("dev.txt", "numpy\n >>> 1\n");
    init(&place).expect(2).says("dev.txt:2:");
    place.put("dev.txt", "numpy==2\n");
    assert_eq!(place.tree(), before);
}

#[test]
fn pips_part_of_an_environment_file_is_judged_alike() {
    let place = repository();
    place.put("requirements.txt", "six\n");
    place.put(
        "environment.yml",
        "dependencies:\n  - pip:\n      # the rest\n      - -r requirements.txt\n      - -e .\n      \
         - ./wheels/y.whl\n      - rich # colours\n      - \"x @ https://u:s3cret@h/x.zip\"\n      # end\n",
    );
    let ended = init(&place)
        .expect(0)
        .says("environment.yml:6: `./wheels/y.whl` is left out: the build sees")
        .says("environment.yml:8: `x @ https://****@h/x.zip` is left out: it holds a password");
    assert!(!ended.stderr.contains("s3cret"));
    let text = place.text(REQUIREMENTS);
    assert!(
        text.ends_with("six\n\n# From environment.yml.\n# the rest\nrich # colours\n# end\n"),
        "{text}"
    );
}

#[test]
fn passwords_stay_behind_wherever_they_stand() {
    let place = repository();
    place.put(
        "requirements.txt",
        "# -i https://u:s3cret@h/\nsix # https://u:s3cret@h/\n-i https://u:s3cret@h/\n",
    );
    place.put(
        "pyproject.toml",
        "[project]\nname = 'lab'\ndependencies = [\n  'a @ https://u:s3cret@h/a.zip',\n  'b @ file:///srv/b.zip',\n]\n",
    );
    place.put(
        "environment.yml",
        "channels: [conda-forge, 'https://h/t/s3cret/lab']\ndependencies:\n  - https://u:s3cret@h/x-1-0.conda\n  - zlib\n",
    );
    let ended = from_scratch(&place)
        .expect(0)
        .says("requirements.txt:3: `-i https://****@h/` is left out: it holds a password")
        .says("pyproject.toml:4: `a @ https://****@h/a.zip` is left out")
        .says("pyproject.toml:5: `b @ file:///srv/b.zip` is left out: the build sees")
        .says("requirements.txt: a comment is left out: it holds a password")
        .says("a channel is left out")
        .says("environment.yml:3: `x` is left out");
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    let text = place.text(ENVIRONMENT);
    assert!(
        !text.contains("s3cret") && text.contains("  - zlib\n"),
        "{text}"
    );
    assert_eq!(pip(&place), ["setuptools", "six"]);
}

#[test]
fn channels_keep_their_order() {
    let place = repository();
    place.put(
        "environment.yml",
        "channels: [pytorch, nvidia, conda-forge]\ndependencies: [python=3.11.*, 'cuda-toolkit>=12', numpy]\n",
    );
    from_scratch(&place).expect(0);
    let value: serde_json::Value = serde_yaml::from_str(&place.text(ENVIRONMENT)).expect("YAML");
    assert_eq!(
        value["channels"],
        serde_json::json!(["pytorch", "nvidia", "conda-forge"])
    );
    assert_eq!(
        value["dependencies"].as_array().expect("a list")[..4],
        ["python=3.11", "pip", "cuda-toolkit>=12", "numpy"].map(serde_json::Value::from)
    );
}

#[test]
fn what_is_no_requirement_is_refused_at_its_line() {
    for (file, text, line) in [
        (
            "pyproject.toml",
            "[project]\nname = 'x'\ndependencies = [\n  'scipy',\n  'numpy >>> 1',\n]\n",
            5,
        ),
        ("pyproject.toml", "[build-system]\nrequires = ['./x']\n", 2),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n  numpy >>> 1\n",
            3,
        ),
        ("requirements.txt", "scipy\nnumpy >>> 1\n", 2),
        (
            "environment.yml",
            "dependencies:\n  - pip:\n      - numpy >>> 1\n",
            3,
        ),
    ] {
        let place = repository();
        place.put(file, text);
        let before = place.tree();
        init(&place).expect(2).says(&format!("{file}:{line}:"));
        assert_eq!(place.tree(), before, "{file}");
    }
}

#[test]
fn what_is_not_for_everybody_is_named_in_one_line() {
    let place = repository();
    place.put(
        "pyproject.toml",
        "[project]\nname = 'lab'\ndependencies = ['numpy']\n[project.optional-dependencies]\n\
         docs = ['sphinx']\nplots = ['matplotlib']\n[dependency-groups]\ndev = ['pytest']\n",
    );
    init(&place)
        .expect(0)
        .says("left out: [project.optional-dependencies] docs, plots; [dependency-groups] dev\n");
    assert_eq!(declared(&place), ["setuptools", "numpy"]);
}

#[test]
fn poetrys_packages_are_declared() {
    let place = repository();
    place.put(
        "pyproject.toml",
        "[tool.poetry]\nname = 'Lab'\n[tool.poetry.dependencies]\npython = '^3.10,<3.12'\n\
         numpy = '^1.26.4'\nscipy = '~1.11'\npandas = '2.1.*'\nrich = '*'\nsix = '1.16.0'\n\
         tool = {git = 'https://h/tool.git', tag = 'v1'}\nlocal = {path = '../local'}\n\
         odd = '^1 || ^2'\nplots = {version = '^3.8', optional = true}\n\
         torch = {version = '^2.1', source = 'lab'}\n\
         [tool.poetry.group.dev.dependencies]\npytest = '^8'\n\
         [build-system]\nrequires = ['poetry-core']\nbuild-backend = 'poetry.core.masonry.api'\n",
    );
    place.put("requirements.txt", "rich==13.7.0\n");
    init(&place)
        .expect(0)
        .says("pyproject.toml:11: `local` is left out: the build sees")
        .says("pyproject.toml:12: `odd` is left out: no other installer knows alternatives")
        .says("pyproject.toml:13: `plots` is left out: it is optional")
        .says("pyproject.toml:14: `source = \"lab\" of torch` is left out: give the index")
        .says("[tool.poetry.group.dev.dependencies] pytest");
    assert_eq!(
        declared(&place),
        [
            "poetry-core",
            "numpy>=1.26.4,<2.0.0",
            "scipy>=1.11,<1.12",
            "pandas==2.1.*",
            "six==1.16.0",
            "tool @ git+https://h/tool.git@v1",
            "torch>=2.1,<3.0",
            "rich==13.7.0",
        ]
    );
    let base = place.text("installation/amd64-cpu/compose-base.yaml");
    assert!(base.contains("python:3.11-slim"), "{base}");
    let env = place.text("installation/amd64-cpu/.env");
    assert!(env.contains("\nPROJECT_NAME=lab\n"), "{env}");
}

#[test]
fn what_setup_cfg_says_is_declared() {
    let place = repository();
    place.put("setup.py", "import sys\nsys.exit('never run')\n");
    place.put(
        "setup.cfg",
        "[metadata]\nname = Fancy.Lab\n[options]\npython_requires = >=3.10,<3.12\ninstall_requires =\n    \
         numpy>=1.26  # numbers\n    # no part of it\n    tomli; python_version < \"3.11\"\n\
         [options.extras_require]\ndocs = sphinx\n",
    );
    init(&place)
        .expect(0)
        .says("setup.cfg: what is not for everybody is left out: [options.extras_require] docs")
        .keeps_quiet_about("setup.py");
    assert_eq!(
        declared(&place),
        ["numpy>=1.26", "tomli; python_version < \"3.11\""]
    );
    let env = place.text("installation/amd64-cpu/.env");
    assert!(env.contains("\nPROJECT_NAME=fancy-lab\n"), "{env}");
    let base = place.text("installation/amd64-cpu/compose-base.yaml");
    assert!(base.contains("python:3.11-slim"), "{base}");
}

#[test]
fn files_that_the_metadata_names_are_taken_in() {
    let place = repository();
    place.put("setup.py", "");
    place.put("requirements.txt", "six\n");
    place.put("requirements/run.txt", "numpy\n");
    place.put(
        "pyproject.toml",
        "[project]\nname = 'lab'\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\n\
         dependencies = {file = ['requirements.txt', 'requirements/run.txt', 'none.txt']}\n",
    );
    place.put(
        "setup.cfg",
        "[options]\ninstall_requires = file: more.txt\n",
    );
    place.put("more.txt", "scipy\n");
    init(&place)
        .expect(0)
        .says("pyproject.toml:5: `none.txt` is left out: there is no such file")
        .keeps_quiet_about("setup.py");
    assert_eq!(declared(&place), ["setuptools", "six", "numpy", "scipy"]);
}

#[test]
fn setup_py_is_not_run_and_that_is_said() {
    let place = repository();
    place.put(
        "setup.py",
        "raise SystemExit('run')\ninstall_requires=['numpy']\n",
    );
    init(&place)
        .expect(0)
        .says("warning: setup.py is not run, so what it asks for is not declared: write that into");
    assert_eq!(declared(&place), [""; 0]);

    // Where [project] says what is needed, setup.py has no say.
    let place = repository();
    place.put("setup.py", "");
    place.put("pyproject.toml", "[project]\nname = 'lab'\n");
    init(&place).expect(0).keeps_quiet_about("setup.py");
    place.put(
        "pyproject.toml",
        "[project]\nname = 'lab'\ndynamic = ['dependencies']\n",
    );
    place
        .envtpl(["init", "-i", "arm64-cpu"])
        .expect(0)
        .says("setup.py is not run");
}

#[test]
fn settings_of_tools_alone_are_no_package_and_that_is_said() {
    let place = Place::empty();
    place.put("pyproject.toml", "[tool.ruff]\nline-length = 99\n");
    init(&place)
        .expect(0)
        .says("no package was written: pyproject.toml is there, and has no [project]")
        .says("--no-skeleton");
    assert!(!place.has("src") && place.has(REQUIREMENTS));
    assert_eq!(
        place.text("pyproject.toml"),
        "[tool.ruff]\nline-length = 99\n"
    );
    place
        .envtpl(["init", "-i", "arm64-cpu", "--no-skeleton"])
        .expect(0)
        .keeps_quiet_about("no package was written");

    // Beside the settings of a linter in setup.cfg there is room for a package.
    let place = Place::empty();
    place.put("setup.cfg", "[flake8]\nmax-line-length = 99\n");
    init(&place).expect(0).says("the package project");
    assert!(place.has("pyproject.toml") && place.has("src/project/digits.py"));
}
