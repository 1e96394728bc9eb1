//! Everything that people install, each kind once, in one container: it is either in the next image
//! as it was, or it is named.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::freeze::{Container, SNAPSHOT, base_with, packages};
use crate::servers::{Server, bridge};
use crate::workshop::{Ended, Workshop, docker, image_name};

/// Makes a wheel with one module.
const WHEEL: &str = r#"
import base64, hashlib, sys, zipfile
directory, name, version = sys.argv[1:]
info = "%s-%s.dist-info/" % (name, version)
files = {
    name + ".py": "VALUE = %r\n" % version,
    info + "METADATA": "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version),
    info + "WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
record = ""
for path, text in files.items():
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    record += "%s,sha256=%s,%d\n" % (path, digest, len(text))
files[info + "RECORD"] = record + info + "RECORD,,\n"
with zipfile.ZipFile("%s/%s-%s-py3-none-any.whl" % (directory, name, version), "w") as out:
    for path, text in files.items():
        out.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
"#;

pub fn wheel(directory: &Path, name: &str, version: &str) {
    let output = Command::new("python3")
        .args(["-c", WHEEL])
        .arg(directory)
        .args([name, version])
        .output()
        .expect("python3 runs");
    Ended::of(output).expect(0);
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("git runs");
    Ended::of(output).expect(0).stdout.trim().to_owned()
}

/// Files behind two addresses of this machine.
struct Served {
    directory: tempfile::TempDir,
    /// One that containers and builds reach.
    server: Server,
    /// The machine's own, which is another machine for everybody else.
    home: Server,
}

impl Served {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            server: Server::of_files(directory.path(), &bridge()),
            home: Server::of_files(directory.path(), "127.0.0.1"),
            directory,
        }
    }

    /// Serves a repository with a package in it, and gives its last commit.
    fn repository(&self, name: &str) -> String {
        let work = self.directory.path().join(format!("{name}-work"));
        std::fs::create_dir(&work).expect("made");
        git(&work, &["init", "--quiet", "--initial-branch=main"]);
        std::fs::write(
            work.join("pyproject.toml"),
            format!(
                "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
                 [project]\nname = \"{name}\"\nversion = \"1\"\n[tool.setuptools]\npy-modules = []\n"
            ),
        )
        .expect("written");
        git(&work, &["add", "."]);
        git(&work, &["commit", "--quiet", "-m", "first"]);
        self.serve(name);
        git(&work, &["rev-parse", "HEAD"])
    }

    /// Rewrites the history of a repository, so that the commit before is nowhere any more.
    fn rewrite(&self, name: &str) {
        let work = self.directory.path().join(format!("{name}-work"));
        git(&work, &["commit", "--quiet", "--amend", "-m", "other"]);
        std::fs::remove_dir_all(self.directory.path().join(format!("{name}.git")))
            .expect("removed");
        self.serve(name);
    }

    fn serve(&self, name: &str) {
        let (work, bare) = (
            format!("file://{}/{name}-work", self.directory.path().display()),
            format!("{name}.git"),
        );
        git(
            self.directory.path(),
            &["clone", "--quiet", "--bare", &work, &bare],
        );
        git(&self.directory.path().join(bare), &["update-server-info"]);
    }
}

/// Why a check says that all is not frozen.
fn reasons(checked: &Ended) -> Vec<String> {
    let report: Value = serde_json::from_str(&checked.stdout).expect("JSON");
    let reasons = report["reasons"].as_array().expect("a list").iter();
    reasons
        .map(|reason| reason.as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn every_kind_of_package_is_rebuilt_as_it_was_or_named() {
    let base = format!("{}:base", image_name("frozen-cases"));
    let commit = base_with(&base, |more| {
        for (name, version) in [
            ("by_line", "1.0"),
            ("from_file", "1.0"),
            ("with_local", "1.0+mine"),
            ("other_machine", "1.0+cu121"),
        ] {
            wheel(more, name, version);
        }
    });
    let server = Served::start();
    let pushed = server.repository("pushed");
    server.repository("rewritten");
    wheel(server.directory.path(), "at_address", "1.0");
    wheel(server.directory.path(), "at_home", "1.0");

    let shop = Workshop::with("frozen-cases", "amd64-cpu", &["--base-image", &base]);
    shop.write(
        "dependencies/requirements.txt",
        "# The code's.\nhatchling\neditables\nsix==1.17.0\ncolorama ; sys_platform == 'win32'\n",
    );
    shop.write("dependencies/apt-dev.txt", "sudo\ngit # for pip\n");
    shop.write("dependencies/apt-build.txt", "git\n");
    let dockerfile = shop.read("Dockerfile");
    let (runtime, rest) = dockerfile
        .split_once("\nFROM base AS apt-dev-split\n")
        .expect("the stage behind apt-runtime");
    let line = "RUN python3 -m pip install --quiet --break-system-packages --root-user-action=ignore \\\n    \
         --no-index --find-links /srv/more by-line";
    let dockerfile = format!("{runtime}\n{line}\n\nFROM base AS apt-dev-split\n{rest}");
    shop.write("Dockerfile", &dockerfile);
    shop.commit("lists");
    shop.envtpl(&["build-user"]).expect(0);

    // Alice is not who runs this test; the project is hers all the same.
    use std::os::unix::fs::PermissionsExt;
    let everybody = || std::fs::Permissions::from_mode(0o777);
    for directory in ["", ".envtpl"] {
        std::fs::set_permissions(shop.root().join(directory), everybody()).expect("set");
    }
    let container = Container::start(&shop);
    let [address, own_address] =
        [&server.server, &server.home].map(|one| one.address.trim_start_matches("http://"));
    container
        .types(&format!(
            "pip install --quiet 'idna==3.7' 'requests[socks]' 'tomli ; python_version >= \"3\"' \\
                 'Typing_Extensions' 'backports.tarfile' 'attrs==21.1.0' \\
                 'git+file:///srv/thing.git@{commit}'
             pip install --quiet 'git+http://joe:s3cret@{address}/pushed.git' \\
                 'git+http://joe:s3cret@{address}/rewritten.git@main' \\
                 'http://joe:s3cret@{address}/at_address-1.0-py3-none-any.whl' \\
                 'http://joe:s3cret@{own_address}/at_home-1.0-py3-none-any.whl'
             pip install --quiet /srv/more/from_file-1.0-py3-none-any.whl
             pip install --quiet --no-index --find-links /srv/more with-local==1.0+mine other-machine
             git clone --quiet /srv/thing.git /tmp/mine
             sed -i s/Thing_Tool/mine/ /tmp/mine/pyproject.toml
             pip install --quiet --editable /tmp/mine
             echo '# mine' | sudo tee -a $(python3 -c 'import six; print(six.__file__)') >/dev/null"
        ))
        .expect(0);
    server.rewrite("rewritten");

    let unfrozen = [
        ("rewritten 1", "its commit"),
        (
            "from_file 1.0",
            "it comes from the file /srv/more/from_file",
        ),
        (
            "with_local 1.0+mine",
            "no configured index has its local version (`+mine`)",
        ),
        ("other_machine 1.0+cu121", "it is made for cuda"),
        ("mine 0.1", "it is installed editable"),
        ("six 1.17.0", "six.py was changed by hand"),
        ("at_home 1.0", "is another machine for everybody else"),
    ];
    let before = shop.git(&["status", "--porcelain"]);
    let checked = shop
        .envtpl(&["freeze", "--check", "--format", "json"])
        .expect(1);
    let found = reasons(&checked);
    for (name, why) in unfrozen {
        let named = |reason: &&String| reason.starts_with(name) && reason.contains(why);
        assert_eq!(found.iter().filter(named).count(), 1, "{name}: {found:#?}");
    }
    assert_eq!(shop.git(&["status", "--porcelain"]), before);

    // The same from inside, without the engine's help.
    container
        .types("update-env-file /none/x.json")
        .expect(1)
        .says("/none/x.json cannot be written");
    let file = ".envtpl/snapshot-amd64-cpu.json";
    container.types("update-env-file").expect(0).says(&format!(
        "envtpl freeze -i amd64-cpu --from snapshot:{file}"
    ));
    let from_file = ["freeze", "--check", "--format", "json", "--from"];
    let from_file = [
        &from_file[..],
        &["snapshot:.envtpl/snapshot-amd64-cpu.json"],
    ]
    .concat();
    let of_file = reasons(&shop.envtpl(&from_file).expect(1));
    for (name, _) in unfrozen {
        assert!(
            of_file.iter().any(|reason| reason.starts_with(name)),
            "{name}: {of_file:#?}"
        );
    }
    assert!(
        !std::fs::read_to_string(shop.root().join(file))
            .expect("a file")
            .contains("s3cret")
    );

    let frozen = shop.envtpl(&["-vv", "freeze"]).expect(1);
    for (name, why) in unfrozen {
        assert!(
            frozen
                .stderr
                .lines()
                .any(|line| line.contains(&format!("{name}: ")) && line.contains(why)),
            "{name}\n{}",
            frozen.stderr
        );
    }
    let declared = shop.read("dependencies/requirements.txt");
    let (kept, added) = declared.split_once("'win32'\n").expect("kept");
    assert!(kept.starts_with("# The code's.\nhatchling\n"), "{declared}");
    for line in [
        "attrs\n".to_owned(),
        "at-address @ http://".to_owned(),
        "backports.tarfile\n".to_owned(),
        "idna\n".to_owned(),
        format!("pushed @ git+http://{address}/pushed.git\n"),
        "requests[socks]\n".to_owned(),
        format!("Thing_Tool @ git+file:///srv/thing.git@{commit}\n"),
        "tomli\n".to_owned(),
    ] {
        let line = line.replace("at-address", "at_address");
        assert!(added.contains(&line), "{line}\n{added}");
    }
    assert!(
        added.to_lowercase().contains("typing_extensions\n"),
        "{added}"
    );
    assert!(
        !added.contains("with_local"),
        "no build could get it: {added}"
    );
    assert!(
        (frozen.stderr).contains("attrs 21.1.0 was taken back by its authors (yanked"),
        "{}",
        frozen.stderr
    );
    assert!(
        !added.contains("by"),
        "a line of the Dockerfile is not declared: {added}"
    );
    assert!(
        frozen
            .stderr
            .contains("by_line 1.0 is in the image but declared nowhere")
    );
    let lock = shop.read("envtpl.lock");
    let lists = ["requirements.txt", "requirements-vcs.txt"]
        .map(|name| shop.read(&format!("dependencies/locked/{name}")))
        .concat();
    for (name, _) in unfrozen {
        let name = name.split(' ').next().expect("a name").replace('_', "-");
        let block = lock
            .split("\n  - name: ")
            .find(|block| block.starts_with(&format!("{name}\n")));
        assert!(
            block.is_some_and(|block| block.contains("\n    unfrozen: ")),
            "{name}\n{lock}"
        );
        assert!(!lists.contains(&format!("\n{name}")), "{name}\n{lists}");
    }
    assert!(!lock.contains("by-line") && !lists.contains("by-line"));
    assert!(
        lists.contains(&format!(
            "pushed @ git+http://{address}/pushed.git@{pushed}"
        )),
        "{lists}"
    );
    for told in [
        &frozen.stdout,
        &frozen.stderr,
        &declared,
        &lock,
        &lists,
        &checked.stdout,
    ] {
        assert!(!told.contains("s3cret"), "{told}");
    }

    // What cannot be had again goes; the rest is rebuilt.
    container
        .types(
            "pip uninstall --quiet --yes rewritten from_file other_machine with_local mine at_home
             pip install --quiet --force-reinstall --no-deps six==1.16.0",
        )
        .expect(0);
    // A build would go by what is declared.
    let other = "`six==1.17.0` (installation/amd64-cpu/dependencies/requirements.txt:4) asks for \
                 something else than six 1.16.0, which is installed";
    shop.envtpl(&["freeze"]).expect(1).says(other);
    shop.envtpl(&["freeze", "--check"]).expect(1).says(other);
    container.types("pip install --quiet six==1.17.0").expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    let installed = packages(&container.types(SNAPSHOT).expect(0).stdout);
    docker(&["stop", "--time=1", &container.0]).expect(0);
    shop.envtpl(&["freeze", "--from", &container.0])
        .expect(3)
        // Exited, or already on its way out.
        .says("does not run (");
    drop(container);
    shop.commit("freeze");
    shop.envtpl(&["freeze", "--check", "--from", "image"])
        .expect(1);
    shop.envtpl(&["build-generic"]).expect(0);
    let built = packages(&shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout);
    assert_eq!(
        built.symmetric_difference(&installed).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    // What the build stage needed is known now; then all is.
    shop.envtpl(&["freeze"]).expect(0);
    shop.envtpl(&["freeze", "--check"]).expect(0);
    shop.commit("freeze again");
    shop.envtpl(&["build-generic", "--locked"]).expect(0);
    // One of the run image says the same of Python.
    shop.in_image(
        "run-latest-root",
        "cd /tmp && PROJECT_ROOT_AT= update-env-file x.json && test -s x.json",
    )
    .expect(0)
    .says("--from snapshot:x.json");
}
