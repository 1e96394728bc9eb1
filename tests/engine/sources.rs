//! The files of a lock, kept and shared: another clone builds from them without any network.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::registries::Registry;
use crate::scratch;
use crate::servers::{Server, bridge};
use crate::workshop::{Ended, Workshop, docker};

/// Files served where builds reach them, as long as it lives.
struct Served {
    server: Server,
    directory: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            server: Server::of_files(directory.path(), &bridge()),
            directory,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A repository with a package, built by setuptools; gives the requirement for its first
    /// commit.
    fn repository(&self) -> String {
        let work = self.path("work");
        std::fs::create_dir(&work).expect("made");
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command
                .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
                .args(arguments)
                .current_dir(&work);
            Ended::run(&mut command).expect(0).stdout.trim().to_owned()
        };
        git(&["init", "--quiet", "--initial-branch=main"]);
        std::fs::write(
            work.join("pyproject.toml"),
            "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \
             \"setuptools.build_meta\"\n[project]\nname = \"thing\"\nversion = \"0.1\"\n\
             [tool.setuptools]\npy-modules = [\"thing\"]\n",
        )
        .expect("written");
        std::fs::write(work.join("thing.py"), "VALUE = 1\n").expect("written");
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "first"]);
        let commit = git(&["rev-parse", "HEAD"]);
        std::fs::write(work.join("thing.py"), "VALUE = 2\n").expect("written");
        git(&["commit", "--quiet", "--all", "-m", "second"]);
        let bare = self.path("thing.git");
        git(&["clone", "--quiet", "--bare", ".", &bare.to_string_lossy()]);
        // For git over plain HTTP; a commit that no branch ends in cannot be asked for by itself.
        let mut update = Command::new("git");
        update.args(["update-server-info"]).current_dir(&bare);
        Ended::run(&mut update).expect(0);
        format!("thing @ git+{}/thing.git@{commit}", self.server.address)
    }

    /// A wheel with an address of its own; gives the requirement.
    fn wheel(&self) -> String {
        let name = "loose-1.0-py3-none-any.whl";
        let script = "import sys, zipfile\n\
            with zipfile.ZipFile(sys.argv[1], 'w') as wheel:\n\
            \x20   info = 'loose-1.0.dist-info/'\n\
            \x20   wheel.writestr('loose.py', 'VALUE = 3\\n')\n\
            \x20   wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: loose\\nVersion: 1.0\\n')\n\
            \x20   wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
            \x20   wheel.writestr(info + 'RECORD', 'loose.py,,\\n%sMETADATA,,\\n%sWHEEL,,\\n%sRECORD,,\\n' % (info, info, info))\n";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(self.path(name));
        Ended::run(&mut python).expect(0);
        format!("loose @ {}/{name}", self.server.address)
    }
}

fn digest(path: &Path) -> String {
    let mut sum = Command::new("sha256sum");
    let printed = Ended::run(sum.arg(path)).expect(0).stdout;
    printed.split(' ').next().expect("a digest").to_owned()
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

/// The file of the store that a package of the lock has.
fn stored(shop: &Workshop, package: &str) -> PathBuf {
    let listed = shop
        .envtpl(&["sources", "verify", "--format", "json"])
        .json();
    let files = listed[0]["files"].as_array().expect("files");
    let file = files.iter().find(|file| file["package"] == package);
    let file = file.unwrap_or_else(|| panic!("{package} is not in {listed}"));
    let digits = file["sha256"].as_str().expect("a digest");
    shop.root()
        .join(".envtpl/sources/sha256")
        .join(&digits[..2])
        .join(digits)
}

#[test]
fn a_second_clone_builds_without_network_what_was_frozen_and_a_flipped_byte_stops_it() {
    let shop = Workshop::new("sources-one");
    let server = Served::start();
    shop.append(
        "dependencies/requirements.txt",
        &format!("{}\n{}\n", server.repository(), server.wheel()),
    );
    shop.write("dependencies/apt-build.txt", "git\n");
    shop.commit("packages");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["sources", "fetch"]).expect(0);
    let shared = tempfile::tempdir().expect("a directory");
    let shared = format!("{}/", shared.path().display());
    shop.envtpl(&["sources", "push", &shared]).expect(0);
    drop(server);

    let other = shop.cloned("sources-two");
    let refused = other.envtpl(&["build-generic", "--offline"]).expect(1);
    refused
        .says("six 1.17.0 (six-1.17.0-py2.py3-none-any.whl): it is not in the store")
        .says("thing 0.1 (")
        .says("git 1:")
        .says("envtpl sources fetch")
        .keeps_quiet_about("Building");
    other
        .envtpl(&["sources", "fetch", "--from", &shared])
        .expect(0);
    other
        .envtpl(&[
            "build-generic",
            "--offline",
            "--no-cache",
            "--progress",
            "plain",
        ])
        .expect(0);
    let values = "import thing, loose, six; print(thing.VALUE, loose.VALUE, six.__version__)";
    let ran = other.in_image(
        "run-latest-root",
        &format!("python3 -c '{values}' && jq --version"),
    );
    assert!(ran.expect(0).stdout.starts_with("1 3 1.17.0\njq-"));
    // Whatever the lock says of it is true of it as well: a freeze would change nothing.
    other.envtpl(&["freeze", "--check"]).expect(0);
    let leaked = "grep -rl /tmp/envtpl/sources /opt /usr/local/lib /usr/lib/python3* || true";
    let leaked = other.in_image("dev-latest-root", leaked).expect(0).stdout;
    let leaked: Vec<&str> = leaked
        .lines()
        .filter(|path| !path.contains("/build-steps/"))
        .collect();
    assert_eq!(leaked, [""; 0]);

    // Without network there is no network.
    let dockerfile = other.read("Dockerfile");
    let step = "RUN python3 -c 'import socket; socket.create_connection((\"1.1.1.1\", 53), 5)'";
    let end = "FROM apt-runtime AS runtime-generic\n";
    other.write(
        "Dockerfile",
        &dockerfile.replace(end, &format!("{end}{step}\n")),
    );
    other
        .envtpl(&[
            "build-generic",
            "--offline",
            "--allow-dirty",
            "--progress",
            "plain",
        ])
        .expect(1)
        .says("Network is unreachable");
    other.write("Dockerfile", &dockerfile);

    flip(&stored(&other, "six"));
    other
        .envtpl(&["sources", "verify"])
        .expect(1)
        .says("six 1.17.0 (six-1.17.0-py2.py3-none-any.whl): its sha256 is ");
    other
        .envtpl(&["build-generic", "--offline"])
        .expect(1)
        .says("six 1.17.0 (six-1.17.0-py2.py3-none-any.whl): its sha256 is ")
        .keeps_quiet_about("Building");
    other
        .envtpl(&["sources", "fetch", "--from", &shared])
        .expect(0);
    let verified = other.envtpl(&["verify", "--offline"]).expect(0);
    assert!(
        verified.stdout.starts_with("reproduced: "),
        "{}",
        verified.stdout
    );

    // A bundle is read by git, whatever its own digest says.
    let bundles = other.root().join(".envtpl/sources/git");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&bundles).expect("there") {
        for file in std::fs::read_dir(entry.expect("read").path()).expect("there") {
            found.push(file.expect("read").path());
        }
    }
    let bundle = found
        .iter()
        .find(|path| path.extension().is_some_and(|end| end == "bundle"));
    let bundle = bundle.expect("a bundle");
    flip(bundle);
    std::fs::write(bundle.with_extension("sha256"), digest(bundle)).expect("written");
    other
        .envtpl(&["sources", "verify"])
        .expect(1)
        .says("thing 0.1 (");
}

#[test]
fn conda_packages_and_their_installer_need_no_network_either() {
    let shop = scratch::workshop("sources-conda");
    shop.write(
        "dependencies/environment.yml",
        "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - six=1.16\n  - pip:\n      - idna==3.10\n",
    );
    shop.commit("packages");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["sources", "fetch"]).expect(0);
    // Nothing answers at the channel's address from here on.
    shop.set("CONDA_CHANNEL_ALIAS", "http://127.0.0.1:9");
    shop.commit("offline");
    let built = shop.envtpl(&[
        "build-generic",
        "--offline",
        "--no-cache",
        "--progress",
        "plain",
    ]);
    built.expect(0);
    let python = "python -c 'import six, idna; print(six.__version__)'";
    let ran = shop.in_image("run-latest-root", python).expect(0);
    assert_eq!(ran.stdout, "1.16.0\n");
    shop.envtpl(&["freeze", "--check"]).expect(0);
    let verified = shop.envtpl(&["verify", "--offline"]).expect(0);
    assert!(
        verified.stdout.starts_with("reproduced: "),
        "{}",
        verified.stdout
    );
}

#[test]
fn a_registry_carries_the_files_as_an_image() {
    let shop = Workshop::new("sources-registry");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    shop.commit("freeze");
    shop.envtpl(&["sources", "fetch"]).expect(0);
    let registry = Registry::start();
    let name = registry.name("envtpl-test/files:1");
    let pushed = shop.envtpl(&["sources", "push", &name]).expect(0);
    assert!(
        pushed.stdout.contains(&format!("{name}@sha256:")),
        "{}",
        pushed.stdout
    );
    let left = docker(&["image", "inspect", &name]);
    assert_eq!(left.status, 1, "the engine keeps no image of it");
    // The same files are the same image.
    let again = shop.envtpl(&["sources", "push", &name]).expect(0);
    assert_eq!(again.stdout, pushed.stdout);

    let other = shop.cloned("sources-registry-two");
    other
        .envtpl(&["sources", "fetch", "--from", &name])
        .expect(0);
    other.envtpl(&["sources", "verify"]).expect(0);
    docker(&["image", "rm", &name]);
    let nothing = registry.name("envtpl-test/nothing:1");
    other
        .envtpl(&["sources", "fetch", "--from", &nothing])
        .expect(3)
        .says(&format!("has no `{nothing}`"));
}
