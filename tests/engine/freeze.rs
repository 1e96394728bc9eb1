//! Freezing what somebody installed in a running container, and building it again.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::scratch;
use crate::workshop::{BASE, Ended, Workshop, docker, image_name, never_seen};

/// A base image with a git repository in it, and the commit that is to be installed: not the
/// last one, so that a build which forgets it gets something else.
fn base_with_repository(image: &str) -> String {
    base_with(image, |_| {})
}

/// As [`base_with_repository`], with further files: those that `add` puts into the directory are in
/// `/srv/more` of the image.
pub fn base_with(image: &str, add: impl FnOnce(&std::path::Path)) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let more = directory.path().join("more");
    std::fs::create_dir(&more).expect("made");
    add(&more);
    let git = |directory: &std::path::Path, arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(directory)
            // The same commits each time, so that the build's cache knows the image.
            .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
            .output()
            .expect("git runs");
        Ended::of(output).expect(0).stdout.trim().to_owned()
    };
    let work = directory.path().join("thing");
    std::fs::create_dir(&work).expect("made");
    git(&work, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(
        work.join("pyproject.toml"),
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
         [project]\nname = \"Thing_Tool\"\nversion = \"0.1\"\n[tool.setuptools]\npy-modules = [\"thing\"]\n",
    )
    .expect("written");
    let commit = |text: &str| {
        std::fs::write(work.join("thing.py"), text).expect("written");
        git(&work, &["add", "."]);
        git(&work, &["commit", "--quiet", "-m", "change"]);
        git(&work, &["rev-parse", "HEAD"])
    };
    let wanted = commit("VALUE = 1\n");
    commit("VALUE = 2\n");
    git(
        directory.path(),
        &["clone", "--quiet", "--bare", "thing", "thing.git"],
    );
    std::fs::write(
        directory.path().join("Dockerfile"),
        format!(
            "FROM {BASE}\nCOPY thing.git /srv/thing.git\nCOPY more /srv/more\n\
             RUN printf '[safe]\\n\\tdirectory = *\\n' >/etc/gitconfig\n"
        ),
    )
    .expect("written");
    let context = directory.path().to_string_lossy().into_owned();
    docker(&["build", "--quiet", "--tag", image, &context]).expect(0);
    wanted
}

/// A dev container that runs until it is dropped.
pub struct Container(pub String);

impl Container {
    pub fn start(shop: &Workshop) -> Self {
        let started = shop.envtpl(&["dev", "--detach", "sleep", "900"]).expect(0);
        Self(started.stdout.trim().to_owned())
    }

    /// Runs a line as the person would in the container's shell.
    pub fn types(&self, line: &str) -> Ended {
        let entrypoint = "/opt/envtpl/entrypoints/entrypoint.sh";
        docker(&["exec", &self.0, entrypoint, "sh", "-ec", line])
    }
}

impl Container {
    /// Installs a package file as root.
    pub fn install(&self, file: &std::path::Path) {
        let file = file.to_string_lossy();
        docker(&["cp", &file, &format!("{}:/tmp/package.deb", self.0)]).expect(0);
        self.types_as_root("dpkg --install /tmp/package.deb");
    }

    /// Runs a line as `sudo` would, where there is none.
    pub fn types_as_root(&self, line: &str) -> Ended {
        let entrypoint = "/opt/envtpl/entrypoints/entrypoint.sh";
        docker(&["exec", "--user=0", &self.0, entrypoint, "sh", "-ec", line]).expect(0)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.0]);
    }
}

/// Packages with versions and commits, from a snapshot.
pub fn packages(snapshot: &str) -> BTreeSet<String> {
    let snapshot: Value = serde_json::from_str(snapshot).expect("a snapshot");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let apt = snapshot["apt"].as_array().expect("a list").iter();
    let apt = apt.map(|package| {
        format!(
            "apt {} {}",
            text(&package["name"]),
            text(&package["version"])
        )
    });
    let python = snapshot["python"]["distributions"]
        .as_array()
        .expect("a list")
        .iter();
    let python = python.map(|found| {
        let commit = text(&found["direct_url"]["vcs_info"]["commit_id"]);
        format!(
            "pip {} {} {commit}",
            text(&found["name"]),
            text(&found["version"])
        )
    });
    apt.chain(python).collect()
}

pub const SNAPSHOT: &str = "sh /opt/envtpl/entrypoints/snapshot.sh";

#[test]
fn what_was_installed_by_hand_is_in_the_next_image_and_nothing_else() {
    let base = format!("{}:base", image_name("freeze"));
    let commit = base_with_repository(&base);
    let shop = Workshop::with("freeze", "amd64-cpu", &["--base-image", &base]);
    let declared = "# The code's.\r\nsix==1.17.0  # for python 2\r\n";
    shop.write("dependencies/requirements.txt", declared);
    shop.write("dependencies/apt-build.txt", "git\n");
    shop.write("dependencies/apt-dev.txt", "sudo\ngit # for pip\n");
    shop.commit("lists");
    shop.envtpl(&["freeze"])
        .expect(3)
        .says("envtpl build -i amd64-cpu");
    shop.envtpl(&["build-user"]).expect(0);

    let container = Container::start(&shop);
    container
        .types(&format!(
            "pip install --quiet 'requests[socks]' 'git+file:///srv/thing.git@{commit}' uv
             uv pip install --quiet tomli
             pip uninstall --quiet --yes uv
             sudo apt-get update --quiet --quiet
             sudo apt-get install --yes --quiet tree"
        ))
        .expect(0);

    // What no build can get again is named; a check writes nothing.
    container
        .types(
            "git clone --quiet /srv/thing.git /tmp/mine
             pip uninstall --quiet --yes thing_tool
             pip install --quiet --editable /tmp/mine",
        )
        .expect(0);
    let before = shop.git(&["status", "--porcelain"]);
    shop.envtpl(&["freeze", "--check"])
        .expect(1)
        .says("Thing_Tool 0.1: it is installed editable, from the directory /tmp/mine");
    assert_eq!(shop.git(&["status", "--porcelain"]), before);
    container
        .types(&format!(
            "pip uninstall --quiet --yes thing_tool
             pip install --quiet 'git+file:///srv/thing.git@{commit}'"
        ))
        .expect(0);

    let frozen = shop.envtpl(&["freeze"]).expect(0);
    assert_eq!(
        shop.read("dependencies/requirements.txt"),
        format!(
            "{declared}requests[socks]\r\nThing_Tool @ git+file:///srv/thing.git@{commit}\r\ntomli\r\n"
        )
    );
    assert_eq!(
        shop.read("dependencies/apt-dev.txt"),
        "sudo\ngit # for pip\ntree\n"
    );
    assert!(frozen.stdout.contains("+tree\n"), "{}", frozen.stdout);
    assert!(
        shop.read("dependencies/locked/requirements-vcs.txt")
            .ends_with(&format!(
                "\nthing-tool @ git+file:///srv/thing.git@{commit}\n"
            ))
    );
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");

    // Each package of the index has the digest of its file, also what came since the build.
    let list = shop.read("dependencies/locked/requirements.txt");
    let pins: Vec<&str> = list.lines().filter(|line| line.contains("==")).collect();
    let hashed = |line: &&&str| line.starts_with('#') || line.contains(" --hash=sha256:");
    assert_eq!(pins.iter().filter(hashed).count(), pins.len(), "{list}");
    assert!(
        list.contains("\nrequests==") && list.contains("\npysocks=="),
        "{list}"
    );
    assert!(list.contains("\n# asked: requests[socks]\n"), "{list}");

    let installed = packages(&container.types(SNAPSHOT).expect(0).stdout);
    drop(container);
    shop.commit("freeze");

    // A file whose digest is another one does not come in, and is named.
    let digest = list
        .lines()
        .find_map(|line| line.strip_prefix("six==1.17.0 --hash=sha256:"))
        .expect("locked");
    let flipped = match digest.as_bytes()[0] {
        b'0' => digest.replacen('0', "1", 1),
        first => digest.replacen(char::from(first), "0", 1),
    };
    shop.write(
        "dependencies/locked/requirements.txt",
        &list.replace(digest, &flipped),
    );
    shop.envtpl(&["build-generic", "--allow-dirty"])
        .expect(1)
        .says("Hash mismatch for `six==1.17.0`");
    shop.envtpl(&["build-generic", "--allow-dirty", "--locked"])
        .expect(1)
        .says("is not what envtpl.lock says");
    shop.write("dependencies/locked/requirements.txt", &list);

    shop.append("dependencies/requirements.txt", &never_seen());
    shop.commit("a comment");
    shop.envtpl(&["build-generic", "--locked"])
        .expect(0)
        .says("the lock answers everything that is declared: nothing is resolved");
    let dev = shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout;
    let built = packages(&dev);
    assert_eq!(
        built.symmetric_difference(&installed).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    let value = shop.in_image(
        "run-latest-root",
        "python3 -c 'import socks, thing; print(thing.VALUE)'",
    );
    assert_eq!(value.expect(0).stdout, "1\n");
    shop.in_image("run-latest-root", "command -v tree")
        .expect(127);

    // The build needed a compiler's stage for the first time: that and what the package was built
    // with is locked now, and no more.
    let locked = |name: &str| shop.read(&format!("dependencies/locked/{name}"));
    let lists = ["requirements.txt", "apt-runtime.txt", "apt-dev.txt"];
    let before = lists.map(locked);
    let again = shop.envtpl(&["freeze"]).expect(0);
    assert_eq!(again.stdout, "");
    assert_eq!(lists.map(locked), before);
    assert!(locked("apt-build.txt").contains("\ngit=1:"));
    let vcs = locked("requirements-vcs.txt");
    assert!(vcs.contains("\n# built with: setuptools=="), "{vcs}");
    assert!(locked("requirements-build.txt").contains("\nsetuptools=="));
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");
    shop.commit("freeze again");
    shop.envtpl(&["build-generic"]).expect(0);
    let verified = shop.envtpl(&["verify"]).expect(0);
    assert!(
        verified.stdout.starts_with("reproduced: "),
        "{}",
        verified.stdout
    );

    let listed = shop
        .envtpl(&["list-env", "--format", "json"])
        .expect(0)
        .stdout;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let found = listed[0]["packages"].as_array().expect("a list").iter();
    let thing = found
        .clone()
        .find(|package| package["name"] == "Thing_Tool")
        .expect("listed");
    assert_eq!(
        thing["origin"],
        format!("file:///srv/thing.git at {}", &commit[..12])
    );
    assert_eq!(thing["base"], false);
    assert!(
        found
            .clone()
            .any(|package| package["name"] == "bash" && package["base"] == true)
    );
}

#[test]
fn an_image_that_is_frozen_as_it_is_is_built_again_from_its_lock() {
    let shop = Workshop::new("freeze-image");
    shop.envtpl(&["build-generic"]).expect(0);
    let before = packages(&shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout);
    let frozen = shop.envtpl(&["freeze"]).expect(0);
    assert_eq!(frozen.stdout, "", "the lists say it already");
    assert!(
        shop.read("dependencies/locked/apt-runtime.txt")
            .contains("\njq=")
    );
    // What was declared since comes in under the lock, and is named.
    let requirements = shop.read("dependencies/requirements.txt");
    shop.append(
        "dependencies/requirements.txt",
        &(never_seen() + "toml>=0.10\n"),
    );
    shop.envtpl(&["build-generic", "--allow-dirty", "--locked"])
        .expect(1)
        .says("`toml>=0.10` is declared and not in the lock");
    shop.envtpl(&["build-generic", "--allow-dirty"])
        .expect(0)
        .says("a declared line is not in the lock, and resolved under it:")
        .says("declared since the lock was made, and resolved under it:")
        .says(": toml>=0.10");
    let with_toml = packages(&shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout);
    let more: Vec<&String> = with_toml.difference(&before).collect();
    assert!(
        with_toml.is_superset(&before) && more.len() == 1 && more[0].starts_with("pip toml "),
        "{more:?}"
    );
    shop.write("dependencies/requirements.txt", &requirements);
    // What is taken out of a list leaves the lock at the next freeze, and the image with it.
    shop.write("dependencies/apt-dev.txt", "sudo\n");
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    let after = packages(&shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout);
    assert_eq!(after, before, "the lock still has it");
    shop.envtpl(&["freeze"])
        .expect(0)
        .says("less is in the image but declared nowhere");
    shop.commit("without less");
    shop.envtpl(&["build-generic"]).expect(0);
    let after = packages(&shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout);
    let gone: Vec<&String> = before.difference(&after).collect();
    assert!(
        gone.len() == 1 && gone[0].starts_with("apt less "),
        "{gone:?}"
    );
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");
}

#[test]
fn from_scratch_pips_packages_go_below_pip_and_condas_beside_them() {
    let shop = scratch::workshop("freeze-scratch");
    shop.envtpl(&["build-user"]).expect(0);
    let container = Container::start(&shop);
    container.types("pip install --quiet idna").expect(0);
    let frozen = shop.envtpl(&["freeze"]).expect(0);
    assert!(
        frozen.stdout.contains("+      - idna\n"),
        "{}",
        frozen.stdout
    );
    let lock = shop.read("envtpl.lock");
    assert!(lock.contains("- name: greet\n"), "{lock}");
    let locked = shop.read("dependencies/locked/requirements.txt");
    assert!(
        locked.contains("\nidna==") && locked.contains("\nsix==1.17.0 --hash=sha256:"),
        "{locked}"
    );
    assert!(
        !locked.contains("greet") && !locked.contains("setuptools"),
        "{locked}"
    );
    let installed = packages(&container.types(SNAPSHOT).expect(0).stdout);
    drop(container);
    shop.commit("freeze");
    shop.envtpl(&["build-generic"]).expect(0);
    let built = packages(&shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout);
    assert_eq!(built, installed);
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");
}
