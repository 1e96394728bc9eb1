//! `envtpl freeze`.
#![expect(clippy::disallowed_methods, reason = "tests take images away")]

use serde_json::{Value, json};

use crate::ended::Ended;
use crate::packages::{DIRECTORY, Packages, contents, deb, dist, locked_line, snapshot};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn from(mut distribution: Value, direct_url: Value) -> Value {
    distribution["direct_url"] = direct_url;
    distribution
}

/// A container in which somebody typed `pip install 'SciPy[plot]'`, a repository at a commit, and
/// `sudo apt install jq`.
fn busy() -> Packages {
    Packages::new().with_container(
        &[deb("jq", "1.6-2.1", true), deb("libjq1", "1.6-2.1", false)],
        &[
            dist(
                "SciPy",
                "1.11",
                true,
                &["numpy", "pooch", "plotter; extra == 'plot'"],
            ),
            dist("pooch", "1.8", false, &[]),
            dist("plotter", "3", false, &[]),
            from(
                dist("thing", "0.1", true, &[]),
                json!({"url": "https://joe:s3cret@h/thing.git",
                    "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": COMMIT}}),
            ),
            from(
                dist("p", "0", true, &[]),
                json!({"url": "file:///project/p", "dir_info": {"editable": true}}),
            ),
        ],
    )
}

#[test]
fn what_was_installed_is_declared_by_name_and_locked_exactly() {
    let packages = busy();
    let frozen = packages.ready().envtpl(&["freeze"]).expect(0);
    assert_eq!(
        frozen.stdout,
        "--- a/installation/amd64-cpu/dependencies/requirements.txt\n\
         +++ b/installation/amd64-cpu/dependencies/requirements.txt\n\
         @@ -1,2 +1,4 @@\n \
         # What the code needs.\r\n \
         numpy>=1  # arrays\r\n\
         +SciPy[plot]\r\n\
         +thing @ git+https://h/thing.git@main\r\n\
         --- a/installation/amd64-cpu/dependencies/apt-dev.txt\n\
         +++ b/installation/amd64-cpu/dependencies/apt-dev.txt\n\
         @@ -1,2 +1,3 @@\n \
         # tools\n \
         less # to read\n\
         +jq\n"
    );
    frozen
        .says("Froze amd64-cpu from the running container p-dev-run-1")
        .says("6 Python packages and 4 system packages")
        .says("envtpl build -i amd64-cpu");
    let header = "# Written by `envtpl freeze` from envtpl.lock; do not edit.\n";
    for (name, text) in [
        (
            "requirements.txt",
            &[
                "# python: 3.11\n\n".to_owned(),
                locked_line("helper", "1.0"),
                "# asked: numpy>=1\n".to_owned(),
                locked_line("numpy", "1.26.4"),
                locked_line("plotter", "3"),
                locked_line("pooch", "1.8"),
                "# asked: SciPy[plot]\n".to_owned(),
                locked_line("scipy", "1.11"),
            ]
            .concat()[..],
        ),
        ("apt-runtime.txt", "libgl1=1.6\n"),
        ("apt-dev.txt", "jq=1.6-2.1\nless=590\nlibjq1=1.6-2.1\n"),
    ] {
        let written = packages.read(&format!("dependencies/locked/{name}"));
        assert_eq!(written, format!("{header}{text}"), "{name}");
    }
    assert_eq!(
        packages.read("dependencies/locked/requirements-vcs.txt"),
        format!(
            "{header}# asked: thing @ git+https://h/thing.git@main\n\
             thing @ git+https://h/thing.git@{COMMIT}\n"
        )
    );
    for (_, bytes) in packages.tree() {
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"));
    }
    // The stand-in has no Dockerfile, which is all that there is to find.
    let checked = packages.ready().envtpl(&["check", "--no-engine"]);
    assert!(!checked.stdout.contains("lock"), "{}", checked.stdout);
}

/// What was installed since the build is asked of the index, in the container; an index that does
/// not answer changes nothing.
#[test]
fn files_that_nobody_recorded_are_asked_of_the_index() {
    let mut packages = busy();
    packages.unrecorded = vec!["pooch".into(), "scipy".into()];
    let file = |name: &str, sha256: Option<&str>| {
        json!({"name": name, "url": format!("https://more/{name}"), "sha256": sha256,
            "size": 7, "yanked": null, "index": "https://more/simple"})
    };
    let answer = |packages: &[Value], files: &[Value], trouble: Value| {
        let answer = json!({"packages": packages, "files": files, "trouble": trouble});
        format!("hello\u{1e}{answer}\n")
    };
    let before = packages.tree();
    let trouble = json!({"https://more/simple": "timed out"});
    packages.answer("index", &answer(&[json!([]), json!([])], &[], trouble));
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(1)
        .says("`https://more/simple` cannot be asked")
        .says("timed out");
    assert_eq!(packages.tree(), before);

    let files = [
        json!([file("pooch-1.8-py3-none-any.whl", Some("aa"))]),
        json!([
            file("SciPy-1.11.tar.gz", Some("bb")),
            file(
                "SciPy-1.11-cp311-cp311-manylinux2014_x86_64.whl",
                Some("cc")
            ),
        ]),
    ];
    packages.answer("index", &answer(&files, &[], json!({})));
    packages.ready().envtpl(&["freeze"]).expect(0);
    let locked = packages.read("dependencies/locked/requirements.txt");
    assert!(
        locked.contains("\npooch==1.8 --hash=sha256:aa\n"),
        "{locked}"
    );
    assert!(
        packages
            .read("dependencies/locked/requirements-source.txt")
            .ends_with("\nscipy==1.11 --hash=sha256:bb\n")
    );
    let lock = packages.read("envtpl.lock");
    assert!(lock.contains("    index: https://more/simple\n"), "{lock}");
    let question = std::fs::read_to_string(packages.answers().join("question")).expect("asked");
    let last = question.lines().last().expect("lines");
    assert!(
        last.contains(r#"[\"pooch\",\"1.8\"],[\"scipy\",\"1.11\"]"#),
        "{last}"
    );
    // What is known is not asked for again.
    std::fs::remove_file(packages.answers().join("index")).expect("there");
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(0)
        .says("nothing new");
}

/// What is asked of the engine, without the questions about images and containers.
fn starts(packages: &Packages) -> Vec<String> {
    let asked = std::fs::read_to_string(packages.answers().join("asked")).expect("asked");
    let starts = asked.lines().filter(|line| {
        let words = ["exec ", "run ", "create ", "start "];
        words.iter().any(|word| line.starts_with(word))
    });
    starts.map(str::to_owned).collect()
}

/// Starting something takes longer than all that is asked there.
#[test]
fn one_start_tells_everything() {
    for arguments in [&["freeze"][..], &["freeze", "--check"]] {
        let packages = Packages::new().with_container(&[], &[]);
        packages.ready().envtpl(arguments);
        assert_eq!(
            starts(&packages),
            [
                "exec --interactive c0ffee sh -s newer=/opt/envtpl/dev.json newer=/opt/envtpl/run.json"
            ]
        );

        let packages = Packages::new();
        packages.ready().envtpl(arguments);
        let [only] = &starts(&packages)[..] else {
            panic!("{:?}", starts(&packages));
        };
        assert!(
            only.ends_with("--entrypoint=sh lab/p:amd64-cpu-dev-latest-root -s"),
            "{only}"
        );
    }
}

#[test]
fn what_no_index_has_cannot_be_frozen() {
    let mut packages = Packages::new().with_container(&[], &[dist("torch", "2.1+cu", true, &[])]);
    packages.unrecorded = vec!["torch".into()];
    packages.answer(
        "index",
        "\u{1e}{\"packages\":[[]],\"files\":[],\"trouble\":{}}",
    );
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(1)
        .says("torch 2.1+cu: no configured index has its local version (`+cu`)")
        .says("PIP_EXTRA_INDEX_URL");
    // Declared, the next build would fail at it.
    let declared = packages.read("dependencies/requirements.txt");
    assert!(!declared.contains("torch"), "{declared}");
    let lock = packages.read("envtpl.lock");
    assert!(!lock.contains("- torch"), "{lock}");
}

#[test]
fn nothing_new_changes_no_byte_also_after_the_next_build() {
    let mut packages = busy();
    packages.ready().envtpl(&["freeze"]).expect(0);
    let first = packages.tree();
    let again = packages.ready().envtpl(&["freeze"]).expect(0);
    assert_eq!(again.stdout, "");
    again.says("nothing new");
    packages.rebuild();
    // The lock of the container tells of run, too: its image is as before.
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(0)
        .says("nothing new");
    assert_eq!(packages.tree(), first);
}

#[test]
fn an_image_without_a_lock_gets_one_and_its_lists_stay() {
    let packages = Packages::new();
    let before = packages.tree();
    let frozen = packages.ready().envtpl(&["freeze"]).expect(0);
    assert_eq!(frozen.stdout, "", "the declared files did not change");
    frozen.says("from the image lab/p:amd64-cpu-dev-latest-root");
    let after = packages.tree();
    let added: Vec<String> = after
        .keys()
        .filter(|path| !before.contains_key(*path))
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(
        added,
        [
            "apt-dev.txt",
            "apt-runtime.txt",
            "requirements.txt",
            "envtpl.lock"
        ]
    );
    assert!(
        before
            .iter()
            .all(|(path, bytes)| after.get(path) == Some(bytes))
    );
    let lock = packages.read("envtpl.lock");
    assert!(
        lock.contains("  image: base:12\n  id: sha256:12\n  os: 'debian 12 (bookworm)'\n"),
        "{lock}"
    );
}

#[test]
fn a_dry_run_shows_the_same_and_changes_nothing() {
    let packages = busy();
    let before = packages.tree();
    let shown = packages.ready().envtpl(&["freeze", "--dry-run"]).expect(0);
    let shown = shown
        .prints("+SciPy[plot]\r\n")
        .prints("change installation/amd64-cpu/dependencies/requirements.txt\n")
        .prints("create installation/amd64-cpu/envtpl.lock\n")
        .says("Would freeze");
    assert!(!shown.stderr.contains("git add"));
    assert_eq!(packages.tree(), before);
    let document = packages
        .ready()
        .envtpl(&["freeze", "--dry-run", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        document["source"],
        json!({"kind": "container", "name": "p-dev-run-1"})
    );
    assert_eq!(
        document["added"][0],
        json!({"list": "apt-dev", "name": "jq", "line": "jq", "version": "1.6-2.1"})
    );
    assert_eq!(
        document["locked"],
        json!({"python": 6, "apt": 4, "conda": 0})
    );
    assert_eq!(document["files"].as_array().map(Vec::len), Some(7));
    assert_eq!(packages.tree(), before);
}

/// A container with packages that no build can get again, and two that one can.
fn hopeless() -> Packages {
    let packages = Packages::new().with_container(
        &[],
        &[
            dist("fine", "1", true, &[]),
            from(
                dist("Out_side", "0", true, &[]),
                json!({"url": "file:///home/alice/outside", "dir_info": {"editable": true}}),
            ),
            from(
                dist("mercurial", "1", true, &[]),
                json!({"url": "https://h/x", "vcs_info": {"vcs": "hg", "commit_id": "1"}}),
            ),
            from(
                dist("elsewhere", "1", true, &[]),
                json!({"url": "file:///srv/other", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}),
            ),
            from(
                dist("baked", "1", true, &[]),
                json!({"url": "file:///srv/baked", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}),
            ),
            from(
                dist("unpushed", "1", true, &[]),
                json!({"url": "https://joe:s3cret@h/gone.git",
                    "vcs_info": {"vcs": "git", "commit_id": COMMIT}}),
            ),
            dist("torch", "2.1+cu121", true, &[]),
            dist("vision", "0.16+cpu", true, &[]),
        ],
    );
    packages.answer(
        "contents",
        &contents(&[
            ("numpy", "1.26.4", "numpy/core.py"),
            ("Helper", "1.0", "h.py"),
        ]),
    );
    packages.answer("image-contents", &contents(&[("helper", "1.0", "h.py")]));
    packages
}

#[test]
fn what_cannot_be_frozen_is_named_and_marked_and_the_rest_is_kept() {
    let packages = hopeless();
    let refused = packages.ready().envtpl(&["freeze"]).expect(1);
    let refused = refused
        .says("6 packages cannot be frozen; the rest is, and the lock marks it")
        .says("Out_side 0: it is installed editable, from the directory /home/alice/outside")
        .says("mercurial 1: it comes from a hg repository")
        .says("elsewhere 1: it comes from the repository /srv/other, which no build can reach")
        .says("unpushed 1: its commit 0123456789ab is not in https://h/gone.git; push it")
        .says("numpy 1.26.4: numpy/core.py was changed by hand since it was installed")
        .says("torch 2.1+cu121: it is made for cuda (`+cu121`), and this installation is for cpu");
    let refused =
        refused.says("baked 1 is built from source; with what is locked by the freeze after");
    for name in ["baked 1: ", "fine", "vision", "elper", "s3cret"] {
        assert!(!refused.stderr.contains(name), "{name}: {}", refused.stderr);
    }
    assert_eq!(
        packages.read("dependencies/requirements.txt"),
        format!(
            "# What the code needs.\r\nnumpy>=1  # arrays\r\nbaked @ git+file:///srv/baked\r\nfine\r\nvision\r\n"
        )
    );
    let lock = packages.read("envtpl.lock");
    for marked in [
        "  - name: out-side\n    version: '0'\n    origin: nowhere\n    requested: true\n    \
         unfrozen: ",
        "  - name: torch\n    version: '2.1+cu121'\n    origin: index\n    requested: true\n    \
         unfrozen: ",
        "  - name: numpy\n    version: 1.26.4\n    origin: index\n    requested: true\n    \
         unfrozen: 'numpy/core.py was changed",
    ] {
        assert!(lock.contains(marked), "{marked}\n{lock}");
    }
    let locked = packages.read("dependencies/locked/requirements.txt");
    let lines: Vec<&str> = locked.lines().filter(|line| line.contains("==")).collect();
    assert_eq!(lines.len(), 3, "{locked}");
    for (line, name) in lines
        .iter()
        .zip(["fine==1", "helper==1.0", "vision==0.16+cpu"])
    {
        assert!(line.starts_with(name), "{line}");
    }
    let vcs = packages.read("dependencies/locked/requirements-vcs.txt");
    assert!(
        vcs.contains("baked @") && !vcs.contains("elsewhere"),
        "{vcs}"
    );

    // The marks are as they are: nothing more to write, and still no success.
    let before = packages.tree();
    let again = packages
        .ready()
        .envtpl(&["freeze", "--format", "json"])
        .expect(1);
    assert_eq!(again.json()["refused"].as_array().map(Vec::len), Some(6));
    assert_eq!(again.json()["files"], json!([]));
    assert_eq!(packages.tree(), before);
}

#[test]
fn a_check_tells_one_line_a_reason_and_writes_nothing() {
    let packages = hopeless();
    let before = packages.tree();
    packages
        .ready()
        .envtpl(&["freeze", "--check"])
        .expect(1)
        .says("warning: Out_side 0: it is installed editable")
        .says("warning: fine 1: it is installed and not declared")
        .says("warning: there is no lock yet")
        .says("amd64-cpu is not frozen as it is, for 10 reasons")
        .says("envtpl freeze -i amd64-cpu");
    assert_eq!(packages.tree(), before);
    packages.ready().envtpl(&["freeze"]).expect(1);
    let marked = packages.ready().envtpl(&["freeze", "--check"]).expect(1);
    let marked = marked.says("amd64-cpu is not frozen as it is, for 6 reasons");
    assert!(!marked.stderr.contains("fine"), "{}", marked.stderr);

    let mut packages = busy();
    packages.ready().envtpl(&["freeze"]).expect(0);
    let before = packages.tree();
    let good = packages.ready().envtpl(&["freeze", "--check"]).expect(0);
    assert_eq!(good.stdout, "");
    good.says("amd64-cpu is frozen as it is");
    // The images are enough.
    packages.rebuild();
    let good = packages
        .ready()
        .envtpl(&["freeze", "--check", "--format", "json"])
        .expect(0);
    assert_eq!(good.json()["reasons"], json!([]));
    packages.dev["python"]["distributions"]
        .as_array_mut()
        .expect("a list")
        .retain(|one| one["name"] != "pooch");
    packages.dev["python"]["distributions"][0]["version"] = json!("1.27");
    let changed = packages
        .ready()
        .envtpl(&["freeze", "--check", "--format", "json"])
        .expect(1);
    assert_eq!(
        changed.json()["reasons"],
        json!([
            "pooch 1.8: it is in the lock and not installed, or asked for by nobody",
            "numpy: the lock has the version 1.26.4, and 1.27 is installed",
        ])
    );
    assert_eq!(packages.tree(), before);
    // A list that somebody edited is not what the lock says.
    let packages = Packages::new();
    packages.ready().envtpl(&["freeze"]).expect(0);
    packages.desk.write(
        &format!("{DIRECTORY}/dependencies/locked/apt-dev.txt"),
        "less=1\n",
    );
    packages
        .ready()
        .envtpl(&["freeze", "--check"])
        .expect(1)
        .says("dependencies/locked/apt-dev.txt: a freeze would change it");
}

/// A build goes by what is declared, so it would make another environment than the frozen one.
#[test]
fn a_line_that_asks_for_something_else_than_is_installed_is_named() {
    let packages = Packages::new();
    let list = format!("{DIRECTORY}/dependencies/requirements.txt");
    let ready = |arguments: &[&str]| packages.ready().envtpl(arguments);
    packages
        .desk
        .write(&list, "# The code's.\nhelper\nNumPy==1.25\n");
    let told = format!(
        "`NumPy==1.25` ({list}:3) asks for something else than numpy 1.26.4, which is installed"
    );
    ready(&["freeze"])
        .expect(1)
        .says(&told)
        .says("the next build goes by what is declared, and that is not what is installed");
    // All of it is locked as it is installed.
    assert!(
        packages
            .read("envtpl.lock")
            .contains("\n    version: 1.26.4\n")
    );
    let again = ready(&["freeze", "--format", "json"]).expect(1).json();
    assert_eq!(
        (&again["contrary"], &again["files"]),
        (&json!([told]), &json!([]))
    );
    ready(&["freeze", "--check"])
        .expect(1)
        .says(&told)
        .says("`envtpl build -i amd64-cpu`");

    // What a build installs besides is a note for a freeze, and a reason for a check.
    packages.desk.write(&list, "helper\nNumPy==1.26.4\ntoml\n");
    ready(&["freeze"])
        .expect(0)
        .says("toml is declared but not installed yet");
    ready(&["freeze", "--check"])
        .expect(1)
        .says(&format!("`toml` ({list}:3) is declared and not installed"));

    // Pinning says what is installed.
    packages.desk.write(&list, "helper\nNumPy==1.25\n");
    ready(&["freeze", "--in-place"]).expect(0);
    ready(&["freeze", "--check"]).expect(0);
}

#[test]
fn a_check_names_the_very_command_that_keeps_what_it_found() {
    let packages = busy();
    packages
        .ready()
        .envtpl(&[
            "freeze",
            "--check",
            "--in-place",
            "--apt-list",
            "runtime",
            "--from",
            "image",
        ])
        .expect(1)
        .says("`envtpl freeze -i amd64-cpu --from image --in-place --apt-list runtime`");
}

#[test]
fn in_place_pins_what_is_declared_and_keeps_comments_and_order() {
    let packages = busy();
    packages.desk.write(
        &format!("{DIRECTORY}/dependencies/requirements.txt"),
        "# What the code needs.\r\n--extra-index-url https://joe:s3cret@h/simple\r\nnumpy>=1  # arrays\r\n",
    );
    let frozen = packages
        .ready()
        .envtpl(&["-vv", "freeze", "--in-place"])
        .expect(0);
    assert_eq!(
        packages.read("dependencies/requirements.txt"),
        format!(
            "# What the code needs.\r\n--extra-index-url https://joe:s3cret@h/simple\r\nnumpy==1.26.4  # arrays\r\nSciPy[plot]==1.11\r\nthing @ git+https://h/thing.git@{COMMIT}\r\n"
        )
    );
    assert_eq!(
        packages.read("dependencies/apt-dev.txt"),
        "# tools\nless=590 # to read\njq=1.6-2.1\n"
    );
    assert_eq!(
        packages.read("dependencies/apt-runtime.txt"),
        "libgl1=1.6\n"
    );
    assert!(
        frozen.stdout.contains("+numpy==1.26.4  # arrays"),
        "{}",
        frozen.stdout
    );
    // The password stays in the person's own file alone.
    for told in [&frozen.stdout, &frozen.stderr] {
        assert!(!told.contains("s3cret"), "{told}");
    }
    for (path, bytes) in packages.tree() {
        let own = path.ends_with("dependencies/requirements.txt");
        assert!(
            own || !String::from_utf8_lossy(&bytes).contains("s3cret"),
            "{path:?}"
        );
    }
    packages
        .ready()
        .envtpl(&["freeze", "--in-place"])
        .expect(0)
        .says("nothing new");
    packages
        .ready()
        .envtpl(&["freeze", "--check", "--in-place"])
        .expect(0);
}

/// `--in-place` writes another spec for conda, which is no new one: the lock answers it, at once and
/// in every later freeze of the same images.
#[test]
fn conda_pins_are_no_new_packages_for_the_next_build() {
    let mut packages = Packages::new();
    let environment = "dependencies/environment.yml";
    packages.desk.write(
        &format!("{DIRECTORY}/{environment}"),
        "channels: [c]\ndependencies:\n  - xz # why\n  - zlib>=1\n  - pip:\n      - numpy\n",
    );
    let conda = |name: &str, version: &str| {
        json!({"name": name, "version": version, "build": "0", "sha256": "ab",
            "url": format!("https://h/c/linux-64/{name}-{version}-0.conda"), "requested": name})
    };
    for image in [&mut packages.run, &mut packages.dev] {
        image["conda"] = json!([conda("xz", "5.4"), conda("zlib", "1.3")]);
        image["conda_specs"] = json!(["xz", "zlib>=1"]);
    }
    let mut packages = packages.with_container(&[], &[]);
    let container = packages.container.as_mut().expect("a container");
    let installed = container["conda"].as_array_mut().expect("a list");
    installed.push(conda("tool", "2"));

    packages.ready().envtpl(&["freeze", "--in-place"]).expect(0);
    let text = packages.read(environment);
    assert!(
        text.contains("  - xz=5.4 # why\n  - zlib=1.3\n  - tool=2\n"),
        "{text}"
    );
    let asked = "# asked: tool=2\n# asked: xz=5.4\n# asked: zlib=1.3\n@EXPLICIT\n";
    let locked = packages.read("dependencies/locked/conda.txt");
    assert!(locked.contains(asked), "{locked}");
    for again in [&["freeze", "--check"][..], &["freeze"]] {
        packages.ready().envtpl(again).expect(0);
    }
    assert_eq!(packages.read("dependencies/locked/conda.txt"), locked);
}

#[test]
fn new_system_packages_go_to_the_list_that_is_asked_for() {
    for (list, name) in [
        ("runtime", "apt-runtime.txt"),
        ("build", "apt-build.txt"),
        ("dev", "apt-dev.txt"),
    ] {
        let packages = busy();
        packages
            .ready()
            .envtpl(&["freeze", "--apt-list", list])
            .expect(0);
        assert!(
            packages
                .read(&format!("dependencies/{name}"))
                .ends_with("jq\n"),
            "{list}"
        );
        let locked = packages.read(&format!("dependencies/locked/{name}"));
        assert!(
            locked.contains("\njq=1.6-2.1\n") && locked.contains("\nlibjq1=1.6-2.1\n"),
            "{locked}"
        );
        let lists = ["apt-runtime.txt", "apt-build.txt", "apt-dev.txt"].iter();
        let with = lists.filter(|list| {
            let path = packages
                .desk
                .work()
                .join(DIRECTORY)
                .join("dependencies/locked")
                .join(list);
            std::fs::read_to_string(path).is_ok_and(|text| text.contains("jq"))
        });
        assert_eq!(with.count(), 1, "{list}");
        packages
            .ready()
            .envtpl(&["freeze", "--apt-list", list])
            .expect(0)
            .says("nothing new");
    }
    // Where it was put once, it stays.
    let packages = busy();
    packages
        .ready()
        .envtpl(&["freeze", "--apt-list", "runtime"])
        .expect(0);
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(0)
        .says("nothing new");
}

/// What the engine says of a container.
fn container(name: &str, project: &str, image: &str, status: &str) -> String {
    let running = status != "exited";
    json!([{"Id": format!("id-of-{name}"), "Name": format!("/{name}"), "Image": format!("sha256:{image}"),
        "State": {"Running": running, "Paused": status == "paused", "Status": status},
        "Config": {"Image": format!("lab/p:{image}"), "Labels": match project {
            "" => json!({}),
            project => json!({"com.docker.compose.project": project,
                "com.docker.compose.service": "dev-local-cpu"}),
        }}}])
    .to_string()
}

#[test]
fn a_container_is_chosen_by_name_and_the_image_whatever_runs() {
    let packages = busy();
    let ours = ("p-amd64-cpu-alice", "amd64-cpu-dev-latest-alice");
    for (name, project, image, status) in [
        ("mine", ours.0, ours.1, "running"),
        ("by-hand", "", "amd64-cpu-dev-latest-root", "running"),
        ("ended", ours.0, ours.1, "exited"),
        ("held", ours.0, ours.1, "paused"),
        ("other", "q-amd64-cpu-alice", "other", "running"),
    ] {
        packages.answer(
            &format!("containers/{name}"),
            &container(name, project, image, status),
        );
    }
    packages.answer("images/other", &json!([{"Id": "sha256:other"}]).to_string());
    let freeze = |name: &str| {
        std::fs::remove_file(packages.answers().join("asked")).ok();
        packages
            .ready()
            .envtpl(&["freeze", "--dry-run", "--from", name])
    };
    let asked = || std::fs::read_to_string(packages.answers().join("asked")).expect("asked");
    freeze("mine")
        .expect(0)
        .says("from the running container mine");
    assert!(
        asked().contains("exec --interactive id-of-mine "),
        "{}",
        asked()
    );
    freeze("by-hand")
        .expect(0)
        .says("from the running container by-hand");
    freeze("ended")
        .expect(3)
        .says("the container `ended` does not run (exited)")
        .says("docker start ended");
    freeze("held").expect(3).says("docker unpause held");
    freeze("other")
        .expect(2)
        .says("the container `other` of the Compose project q-amd64-cpu-alice is none of amd64-cpu")
        .says("it runs `lab/p:other`");
    freeze("none")
        .expect(2)
        .says("there is no container `none`")
        .says("these run: p-dev-run-1");
    let image = freeze("image")
        .expect(0)
        .says("from the image lab/p:amd64-cpu-dev-latest-root");
    assert!(
        !image.stdout.contains("SciPy") && !asked().contains("exec"),
        "{}",
        image.stdout
    );
}

/// A container of the run image holds nothing of dev, which stays as it is.
#[test]
fn what_was_installed_in_the_run_image_goes_to_its_lists() {
    let mut packages = Packages::new();
    packages.ready().envtpl(&["freeze"]).expect(0);
    let mut now = packages.run.clone();
    now["apt"]
        .as_array_mut()
        .expect("a list")
        .push(deb("jq", "1.6", true));
    now["python"]["distributions"]
        .as_array_mut()
        .expect("a list")
        .push(dist("idna", "3", true, &[]));
    packages.container = Some(now.clone());
    packages.ready();
    let part = |name: &str, snapshot: &Value| format!("\u{1e}{name}\n{snapshot}\n");
    packages.answer(
        "container",
        &[
            part("base", &packages.base) + &packages.resolved(),
            part("run", &packages.run),
            part("now", &now),
        ]
        .concat(),
    );
    packages.answer(
        "containers/job",
        &container(
            "job",
            "p-amd64-cpu-alice",
            "amd64-cpu-dev-latest-alice",
            "running",
        ),
    );
    packages.desk.envtpl(&["freeze", "--from", "job"]).expect(0);
    assert_eq!(
        packages.read("dependencies/apt-runtime.txt"),
        "libgl1\njq\n"
    );
    assert_eq!(
        packages.read("dependencies/apt-dev.txt"),
        "# tools\nless # to read\n"
    );
    assert!(
        packages
            .read("dependencies/requirements.txt")
            .ends_with("idna\r\n")
    );
    assert!(
        packages
            .read("dependencies/locked/apt-dev.txt")
            .ends_with("\nless=590\n")
    );
}

#[test]
fn who_installs_is_named_and_so_is_what_is_missing() {
    let packages = busy();
    packages.ready();
    packages.answer("container", "\u{1e}busy\napt-get (process 12)\n");
    let before = packages.tree();
    packages
        .desk
        .envtpl(&["freeze"])
        .expect(1)
        .says("apt-get (process 12) installs packages in `p-dev-run-1`");
    assert_eq!(packages.tree(), before);

    // A container in which there is no Python any more.
    let mut packages = busy();
    packages.container.as_mut().expect("a container")["python"] = Value::Null;
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(1)
        .says("there is no Python in the running container p-dev-run-1");
    assert_eq!(packages.tree(), before_of(&packages));

    // One that ends between two questions.
    let packages = busy();
    packages.ready();
    std::fs::remove_file(packages.answers().join("container")).expect("removed");
    packages.answer(
        "containers/c0ffee",
        &container("p-dev-run-1", "p", "x", "exited"),
    );
    packages
        .desk
        .envtpl(&["freeze"])
        .expect(3)
        .says("the container `p-dev-run-1` does not run (exited)");

    // Images for another machine.
    let packages = Packages::new();
    packages.answer(
        "images/amd64-cpu-dev-latest-root",
        &json!([{"Id": "sha256:1", "Architecture": "arm64"}]).to_string(),
    );
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(3)
        .says("is for arm64, and the installation for amd64");
}

fn before_of(packages: &Packages) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let fresh = busy();
    let root = packages.desk.work();
    let tree = fresh.tree().into_iter();
    let here =
        |path: std::path::PathBuf| root.join(path.strip_prefix(fresh.desk.work()).expect("inside"));
    tree.map(|(path, bytes)| (here(path), bytes)).collect()
}

#[test]
fn missing_images_are_named_with_the_command_that_makes_them() {
    for image in ["run", "dev"] {
        let packages = busy();
        let name = format!("amd64-cpu-{image}-latest-root");
        std::fs::remove_file(packages.answers().join("images").join(&name)).expect("removed");
        packages
            .ready()
            .envtpl(&["freeze"])
            .expect(3)
            .says(&format!("there is no image `lab/p:{name}`"))
            .says("envtpl build -i amd64-cpu");
    }
}

#[test]
fn of_several_containers_the_newest_is_frozen_and_an_old_image_is_told() {
    let packages = busy();
    packages.answer(
        "ps",
        "c0ffee newest dev-local-cpu\ndecaf older dev-local-cpu\n123 job run-local-cpu\n",
    );
    packages.answer("started-from", "sha256:old\n");
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(0)
        .says("the newest one, newest, is frozen, and not older")
        .says("newest was started before the image was built last")
        .says("from the running container newest");
    let asked = std::fs::read_to_string(packages.answers().join("asked")).expect("asked");
    assert!(asked.contains("exec --interactive c0ffee "), "{asked}");
    assert!(asked.contains("label=com.docker.compose.project=p-amd64-cpu-alice"));
}

#[test]
fn wrong_files_are_refused_at_their_line_before_anything_is_asked() {
    for (name, text, place, why) in [
        (
            "dependencies/apt-dev.txt",
            "less\nCurl\n",
            "apt-dev.txt:2:1",
            "did you mean `curl`?",
        ),
        (
            "dependencies/requirements.txt",
            "numpy\na b\n",
            "requirements.txt:2:",
            "a b",
        ),
        (
            "envtpl.lock",
            "schema: 1\n<<<<<<< HEAD\n",
            "envtpl.lock:2:1",
            "merge conflict",
        ),
        ("envtpl.lock", "schema: 9\n", "envtpl.lock:1:1", "form 9"),
        (
            "envtpl.lock",
            "schema: 1\nplatform: 3\n",
            "envtpl.lock",
            "not as envtpl writes it",
        ),
    ] {
        let packages = busy();
        packages.desk.write(&format!("{DIRECTORY}/{name}"), text);
        let before = packages.tree();
        packages
            .ready()
            .envtpl(&["freeze"])
            .expect(2)
            .says(place)
            .says(why);
        assert_eq!(packages.tree(), before, "{name}");
        assert!(!packages.answers().join("asked").exists(), "{name}");
    }
    let packages = busy();
    let path = packages.desk.work().join(DIRECTORY).join(".env");
    std::fs::remove_file(path).expect("removed");
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(2)
        .says("envtpl env -i amd64-cpu");
}

#[test]
fn an_image_that_does_not_record_its_build_is_told() {
    let packages = Packages::new();
    packages.ready();
    let now = snapshot(&[], &[]);
    packages.answer("dev", &format!("\u{1e}now\n{now}\n"));
    packages
        .desk
        .envtpl(&["freeze"])
        .expect(1)
        .says("has no record of its build (/opt/envtpl/base.json)");
    packages.answer("dev", "\u{1e}now\n{\"schema\":2}\n");
    packages
        .desk
        .envtpl(&["freeze"])
        .expect(1)
        .says("`lab/p:amd64-cpu-dev-latest-root` describes itself in form 2");
}

#[test]
fn an_engine_that_does_not_answer_is_told_with_the_next_step() {
    let packages = Packages::new();
    packages.ready();
    let config = std::fs::read_to_string(packages.answers().join("config.json")).expect("read");
    let desk = packages.desk.program(
        "docker",
        &format!(
            "case \"$*\" in compose*) echo '{config}' ;; *) echo 'Cannot connect to the Docker \
             daemon at unix:///x. Is the docker daemon running?' >&2; exit 1 ;; esac"
        ),
    );
    desk.envtpl(&["freeze"])
        .expect(3)
        .says("no container engine answers")
        .says("doctor");
}

/// Whenever envtpl dies, the next command finds the state before or the state after.
#[test]
fn a_kill_at_any_file_operation_leaves_the_old_state_or_the_new() {
    let reference = busy();
    reference.ready().envtpl(&["freeze"]).expect(0);
    let relative = |packages: &Packages| {
        let root = packages.desk.work();
        let strip =
            |path: &std::path::PathBuf| path.strip_prefix(&root).expect("inside").to_owned();
        let tree = packages.tree();
        tree.into_iter()
            .map(|(path, bytes)| (strip(&path), bytes))
            .collect::<Vec<_>>()
    };
    let new = relative(&reference);
    let old = relative(&busy());
    let (mut seen_old, mut seen_new) = (0, 0);
    for operation in 1.. {
        let packages = busy();
        let ended = packages
            .ready()
            .envtpl_with(("ENVTPL_TEST_KILL_AT", &operation.to_string()), &["freeze"]);
        // The next command puts the project in order.
        packages.desk.envtpl(&["ls", "--no-engine"]).expect(0);
        let tree = relative(&packages);
        if ended.status == 0 {
            assert_eq!(tree, new);
            break;
        }
        assert_eq!(ended.status, 128 + 9, "killed: {}", ended.stderr);
        match tree {
            tree if tree == old => seen_old += 1,
            tree if tree == new => seen_new += 1,
            tree => panic!(
                "operation {operation} left {:?}",
                tree.iter().map(|(path, _)| path).collect::<Vec<_>>()
            ),
        }
    }
    assert!(
        seen_old > 3 && seen_new > 3,
        "{seen_old} old, {seen_new} new"
    );
}

#[test]
fn what_is_frozen_is_written_into_the_project_alone() {
    for path in [
        "envtpl.lock",
        "dependencies/requirements.txt",
        "dependencies/locked/requirements.txt",
        "dependencies/locked",
    ] {
        let packages = busy();
        let outside = tempfile::tempdir().expect("a directory");
        let link = packages.desk.work().join(DIRECTORY).join(path);
        let mut target = outside.path().join("file");
        if link.is_dir() {
            target = outside.path().to_owned();
            std::fs::remove_dir_all(&link).expect("removed");
        } else if link.exists() {
            std::fs::rename(&link, &target).expect("moved out");
        }
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        let text = std::fs::read(&target).ok();
        let before = packages.tree();
        packages
            .ready()
            .envtpl(&["freeze"])
            .expect(2)
            .says(&format!("{path}` is a symbolic link out of the project"))
            .says("help: remove it");
        assert_eq!(std::fs::read(&target).ok(), text, "{path}");
        assert_eq!(packages.tree(), before, "{path}");
    }
}

/// What `update-env-file` writes.
fn snapshot_file(packages: &Packages, change: impl Fn(&mut Value)) -> String {
    let contents = contents(&[]);
    let contents: Value =
        serde_json::from_str(contents.split_once('\n').expect("two lines").1).expect("JSON");
    let mut file = json!({"schema": 1, "kind": "envtpl-snapshot", "installation": "amd64-cpu",
        "project": "p", "flavour": "dev", "project_root_at": "/project/p",
        "taken": "2026-01-01T00:00:00Z", "base": packages.base, "run": packages.run,
        "dev": packages.dev, "apt-build": null, "contents": contents,
        "resolved": packages.resolved().split_once('\n').expect("a part").1,
        "now": packages.container.clone().unwrap_or_else(|| packages.dev.clone())});
    change(&mut file);
    file.to_string()
}

const BASE: &str =
    "services:\n  build-args:\n    build:\n      args:\n        BASE_IMAGE: base:12\n";

#[test]
fn a_snapshot_file_is_frozen_without_any_engine() {
    let reference = busy();
    reference.ready().envtpl(&["freeze"]).expect(0);

    let mut packages = busy();
    packages
        .desk
        .write(&format!("{DIRECTORY}/compose-base.yaml"), BASE);
    packages
        .desk
        .write("there/s.json", snapshot_file(&packages, |_| {}));
    // Nothing answers, and nobody has made settings.
    packages.desk = packages.desk.program(
        "docker",
        "echo 'Cannot connect to the Docker daemon' >&2; exit 1",
    );
    packages.desk = (packages.desk).program("git", &format!("echo {COMMIT} refs/heads/main"));
    packages.desk.remove(&format!("{DIRECTORY}/.env"));
    let frozen = packages
        .desk
        .envtpl(&["freeze", "--from", "snapshot:there/s.json"])
        .expect(0);
    assert!(
        frozen.stdout.contains("+SciPy[plot]\r\n"),
        "{}",
        frozen.stdout
    );
    frozen.says("from the snapshot there/s.json");
    for name in [
        "dependencies/requirements.txt",
        "dependencies/apt-dev.txt",
        "dependencies/locked/requirements.txt",
        "dependencies/locked/requirements-vcs.txt",
        "dependencies/locked/apt-runtime.txt",
        "dependencies/locked/apt-dev.txt",
    ] {
        assert_eq!(packages.read(name), reference.read(name), "{name}");
    }
    let lock = packages.read("envtpl.lock");
    assert_eq!(
        lock,
        reference
            .read("envtpl.lock")
            .replace("  id: sha256:12\n", "")
    );
    packages
        .desk
        .envtpl(&["freeze", "--check", "--from", "snapshot:there/s.json"])
        .expect(0);
    // What the lock knows of the base image stays known.
    packages.desk.write(
        &format!("{DIRECTORY}/envtpl.lock"),
        reference.read("envtpl.lock"),
    );
    packages
        .desk
        .envtpl(&["freeze", "--check", "--from", "snapshot:there/s.json"])
        .expect(0);
}

/// A cluster may run an image of another day than the one here; what differs is told in one line,
/// and nothing is when the same was built twice.
#[test]
fn a_snapshot_of_another_image_than_the_one_here_says_what_differs() {
    let packages = busy();
    let frozen = |change: &dyn Fn(&mut Value)| {
        packages
            .desk
            .write("s.json", snapshot_file(&packages, change));
        let arguments = ["freeze", "--dry-run", "--from", "snapshot:s.json"];
        packages.ready().envtpl(&arguments)
    };
    let told = |ended: &Ended| {
        let mut lines = ended.stderr.lines();
        lines.find_map(|line| Some(line.split_once("another image than ")?.1.to_owned()))
    };
    assert_eq!(told(&frozen(&|_| {})), None);
    let other = frozen(&|file| {
        let distributions = &mut file["dev"]["python"]["distributions"];
        distributions[0]["version"] = json!("1.25.0");
        let list = distributions.as_array_mut().expect("a list");
        list.push(dist("olive", "3", true, &[]));
        let apt = file["dev"]["apt"].as_array_mut().expect("a list");
        apt.retain(|package| package["name"] != "less");
    });
    assert_eq!(
        told(&other).as_deref(),
        Some(
            "`lab/p:amd64-cpu-dev-latest-root` is here: 3 packages differ (numpy 1.25.0 there \
             and 1.26.4 here; olive 3 there alone; less 590 here alone)"
        ),
        "{}",
        other.stderr
    );
    // Without that image, there is nothing to compare with.
    std::fs::remove_file(packages.answers().join("images/amd64-cpu-dev-latest-root"))
        .expect("removed");
    assert_eq!(told(&frozen(&|file| file["dev"]["apt"] = json!([]))), None);
}

/// The container is elsewhere, so this machine asks, with the settings of `.env`.
#[test]
fn files_that_a_snapshot_does_not_name_are_asked_for_from_this_machine() {
    let mut packages = busy();
    packages.unrecorded = vec!["pooch".into()];
    packages
        .desk
        .write("s.json", snapshot_file(&packages, |_| {}));
    packages.desk.write(
        &format!("{DIRECTORY}/.env"),
        "USR=alice\nPROJECT_NAME=p\nPIP_INDEX_URL=https://u:s3cret@i/simple\n",
    );
    let program = "cat >asked; printf '\\036{\"packages\":[[{\"name\":\
                   \"pooch-1.8-py3-none-any.whl\",\"url\":\"https://i/p.whl\",\"sha256\":\"aa\",\
                   \"index\":\"https://i/simple\"}]],\"files\":[]}'";
    packages.desk = packages.desk.program("python3", program);
    packages.desk = (packages.desk).program("git", &format!("echo {COMMIT} refs/heads/main"));
    let frozen = packages
        .desk
        .envtpl(&["-vv", "freeze", "--from", "snapshot:s.json"])
        .expect(0);
    let locked = packages.read("dependencies/locked/requirements.txt");
    assert!(
        locked.contains("\npooch==1.8 --hash=sha256:aa\n"),
        "{locked}"
    );
    // It is the first index, which the lock does not name; the password is on no command line.
    assert!(!packages.read("envtpl.lock").contains("index: https"));
    let asked = packages.desk.text("asked");
    assert!(asked.contains("https://u:s3cret@i/simple"));
    assert!(!frozen.stderr.contains("s3cret"), "{}", frozen.stderr);
}

#[test]
fn a_snapshot_of_something_else_is_refused_and_says_what_it_is() {
    let packages = Packages::new();
    let arm = |file: &mut Value| file["now"]["platform"] = json!("arm64");
    type Edit<'a> = &'a dyn Fn(&mut Value);
    let changes: [(Edit, &str); 8] = [
        (
            &|file| file["installation"] = json!("arm64-cpu"),
            "written in a container of arm64-cpu",
        ),
        (
            &|file| file["project"] = json!("q"),
            "of the project q, and this is p",
        ),
        (&arm, "is of a machine for arm64"),
        (
            &|file| file["kind"] = json!("x"),
            "is no snapshot of a container",
        ),
        (&|file| file["schema"] = json!(2), "has form 2"),
        (
            &|file| file["run"] = Value::Null,
            "does not say what the run image holds",
        ),
        (
            &|file| file["dev"] = Value::Null,
            "does not say what the dev image holds",
        ),
        (
            &|file| file["now"] = json!({}),
            "is no snapshot of a container",
        ),
    ];
    packages.desk.write(
        &format!("{DIRECTORY}/.env"),
        "USR=alice\nPROJECT_NAME=p\nPROJECT_ROOT_AT=/project/p\n",
    );
    let before = packages.tree();
    for (change, why) in changes {
        packages.ready();
        let file = packages
            .desk
            .work()
            .parent()
            .expect("a parent")
            .join("s.json");
        std::fs::write(&file, snapshot_file(&packages, change)).expect("written");
        packages
            .desk
            .envtpl(&["freeze", "--from", &format!("snapshot:{}", file.display())])
            .expect(2)
            .says(why);
    }
    packages
        .desk
        .envtpl(&["freeze", "--from", "snapshot:none.json"])
        .expect(2)
        .says("there is no file `none.json`")
        .says("update-env-file");
    assert_eq!(packages.tree(), before);
}

#[test]
fn a_snapshot_of_the_run_image_keeps_what_the_lock_has_for_dev() {
    let mut packages = Packages::new();
    packages.ready().envtpl(&["freeze"]).expect(0);
    let mut now = packages.run.clone();
    now["apt"]
        .as_array_mut()
        .expect("a list")
        .push(deb("jq", "1.6", true));
    packages.container = Some(now);
    let file = snapshot_file(&packages, |file| {
        file["flavour"] = json!("run");
        file["dev"] = Value::Null;
        file["contents"]["distributions"] = json!([{"name": "numpy", "version": "1.26.4",
            "location": "/x", "record": "", "missing": ["numpy/a.py"]}]);
    });
    packages.desk.write("s.json", file);
    packages
        .desk
        .envtpl(&["freeze", "--from", "snapshot:s.json"])
        .expect(1)
        .says("numpy 1.26.4: numpy/a.py was removed by hand");
    assert_eq!(
        packages.read("dependencies/apt-runtime.txt"),
        "libgl1\njq\n"
    );
    assert!(
        packages
            .read("dependencies/locked/apt-dev.txt")
            .ends_with("\nless=590\n")
    );
}

/// Two people freeze on two branches, each with one more package, and the branches are merged.
/// Gives how git ended, and the project after it.
fn merged(mine: &str, theirs: &str) -> (bool, Packages) {
    let mut packages = Packages::new();
    let git = |packages: &Packages, arguments: &[&str]| {
        std::process::Command::new("git")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(packages.desk.work())
            .output()
            .expect("git runs")
            .status
            .success()
    };
    // The declared file is in order, so that each name has its place.
    packages.desk.write(
        &format!("{DIRECTORY}/dependencies/requirements.txt"),
        "helper\nnumpy>=1\npip\n",
    );
    packages.desk.write(".gitignore", ".envtpl/\n");
    packages.ready().envtpl(&["freeze"]).expect(0);
    assert!(git(
        &packages,
        &["init", "--quiet", "--initial-branch=main"]
    ));
    let commit = |packages: &Packages| {
        assert!(git(packages, &["add", "--all"]));
        assert!(git(packages, &["commit", "--quiet", "--message=freeze"]));
    };
    commit(&packages);
    for (branch, name) in [("mine", mine), ("theirs", theirs)] {
        assert!(git(
            &packages,
            &["checkout", "--quiet", "-b", branch, "main"]
        ));
        packages.container = None;
        packages = packages.with_container(&[], &[dist(name, "1.0", true, &[])]);
        packages.ready().envtpl(&["freeze"]).expect(0);
        commit(&packages);
    }
    let clean = git(&packages, &["merge", "--quiet", "--no-edit", "mine"]);
    (clean, packages)
}

#[test]
fn freezes_of_two_people_merge_or_conflict_in_one_visible_block() {
    let (clean, mut packages) = merged("alpha", "zeta");
    assert!(clean, "{}", packages.read("envtpl.lock"));
    // What git made of it is what a freeze of both makes.
    packages.container = None;
    let both = ["alpha", "zeta"].map(|name| dist(name, "1.0", true, &[]));
    let packages = packages.with_container(&[], &both);
    packages.ready().envtpl(&["freeze", "--check"]).expect(0);

    let (clean, packages) = merged("ideas", "jokes");
    assert!(!clean, "both go to one place");
    for name in ["envtpl.lock", "dependencies/locked/requirements.txt"] {
        let text = packages.read(name);
        assert_eq!(text.matches("<<<<<<< ").count(), 1, "{name}\n{text}");
        let block = text.split("<<<<<<< ").nth(1).expect("a block");
        let block = block.split(">>>>>>> ").next().expect("its end");
        assert!(
            block.contains("ideas") && block.contains("jokes"),
            "{name}\n{text}"
        );
        assert!(!block.contains("numpy"), "{name}\n{text}");
    }
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(2)
        .says("requirements.txt:");
    packages.desk.write(
        &format!("{DIRECTORY}/dependencies/requirements.txt"),
        "helper\nideas\njokes\nnumpy>=1\npip\n",
    );
    packages
        .ready()
        .envtpl(&["freeze"])
        .expect(2)
        .says("the lock holds a merge conflict")
        .says("envtpl.lock:");
}
