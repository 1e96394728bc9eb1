//! From scratch: conda packages from a real channel, pip's on top.

use crate::servers::{Server, bridge};
use crate::workshop::{BARE, Workshop, never_seen};

/// A project from scratch whose conda packages come from the tests' channel.
pub fn workshop(name: &str) -> Workshop {
    let channel = std::env::var("ENVTPL_TEST_CONDA_URL").expect("scripts/test.sh sets it");
    let files = std::env::var("ENVTPL_TEST_CONDA_DIR").expect("scripts/test.sh sets it");
    let digest = std::fs::read_to_string(format!("{files}/micromamba-linux-64.sha256"))
        .expect("the channel is made");
    let shop = Workshop::with(
        name,
        "amd64-cpu",
        &[
            "--from-base",
            "from-scratch",
            "--base-image",
            BARE,
            "--python",
            "3.11",
        ],
    );
    shop.write(
        "dependencies/environment.yml",
        "channels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - greet # no Python \
         package\n  - pip:\n      - six==1.17.0\n",
    );
    let base: String = shop
        .read("compose-base.yaml")
        .lines()
        .map(|line| {
            let indent = line.len() - line.trim_start().len();
            let (key, value) = match line.trim_start().split(':').next() {
                Some("CONDA_URL") => ("CONDA_URL", format!("{channel}/micromamba-linux-64")),
                Some("CONDA_SHA256") => ("CONDA_SHA256", digest.trim().to_owned()),
                _ => return format!("{line}\n"),
            };
            format!("{}{key}: \"{value}\"\n", &line[..indent])
        })
        .collect();
    shop.write("compose-base.yaml", &base);
    shop.set("CONDA_CHANNEL_ALIAS", &channel);
    shop.commit("conda");
    shop
}

#[test]
fn conda_packages_come_from_a_channel_and_pips_are_added_on_top() {
    let shop = workshop("scratch");
    shop.envtpl(&["build-user"]).expect(0);
    let versions = shop
        .envtpl(&[
            "run",
            "python",
            "-c",
            "import sys, six; print(sys.prefix, six.__version__)",
        ])
        .expect(0);
    assert!(
        versions.stdout.trim().ends_with(" 1.17.0"),
        "{}",
        versions.stdout
    );
    shop.in_image("run-latest-root", "true").expect(0);
    shop.envtpl(&["run", "greet"]).expect(0);
    let bill = shop.envtpl(&["sbom", "--spec", "cyclonedx"]).expect(0);
    for purl in [
        "pkg:conda/greet@",
        "pkg:conda/python@3.11",
        "pkg:pypi/six@1.17.0",
    ] {
        assert!(bill.stdout.contains(purl), "{}", bill.stdout);
    }

    // Bytes that do not have the digest that the file names never run.
    let base = shop.read("compose-base.yaml");
    let digest = base
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("CONDA_SHA256: "))
        .expect("a digest");
    let wrong = format!("\"{}\"", "0".repeat(64));
    shop.write("compose-base.yaml", &base.replace(digest, &wrong));
    shop.commit("another digest");
    let refused = shop.envtpl(&["build-generic"]).expect(1);
    assert!(refused.stderr.contains("sha256"), "{}", refused.stderr);
}

/// The packages of the tests' channel without any index, so that nothing can be chosen from it.
fn channel_without_index() -> tempfile::TempDir {
    let files = std::env::var("ENVTPL_TEST_CONDA_DIR").expect("scripts/test.sh sets it");
    let directory = tempfile::tempdir().expect("a directory");
    for subdirectory in ["linux-64", "noarch"] {
        let from = std::path::Path::new(&files)
            .join("conda-forge")
            .join(subdirectory);
        let to = directory.path().join("conda-forge").join(subdirectory);
        std::fs::create_dir_all(&to).expect("made");
        for entry in std::fs::read_dir(from).expect("there") {
            let path = entry.expect("read").path();
            let name = path.file_name().expect("a name");
            let is_package = [".conda", ".tar.bz2"]
                .iter()
                .any(|end| name.to_string_lossy().ends_with(end));
            if is_package {
                std::os::unix::fs::symlink(&path, to.join(name)).expect("linked");
            }
        }
    }
    directory
}

const CONDA: &str = "ls /opt/conda/conda-meta | grep json";

#[test]
fn locked_conda_packages_are_installed_without_choosing_and_kept_when_more_are_asked_for() {
    let shop = workshop("scratch-locked");
    let environment = |packages: &str| {
        let text = format!(
            "channels: [conda-forge]\ndependencies:\n  - python=3.11 # why\n  - pip\n{packages}"
        );
        shop.write("dependencies/environment.yml", &text);
    };
    let pips = "  - pip:\n      - idna==3.10\n";
    // A password of a channel stays on this machine.
    let channel = std::env::var("ENVTPL_TEST_CONDA_URL").expect("scripts/test.sh sets it");
    shop.set(
        "CONDA_CHANNEL_ALIAS",
        &channel.replace("://", "://me:p4ssw0rd@"),
    );
    environment(&format!("  - six=1.16\n  - greet\n{pips}"));
    shop.commit("packages");
    shop.envtpl(&["build-generic"]).expect(0);
    let before = shop.in_image("dev-latest-root", CONDA).expect(0).stdout;
    let kept = shop.in_image("run-latest-root", "grep -rl p4ssw0rd /opt /etc /root");
    assert_eq!(kept.expect(1).stdout, "");
    shop.envtpl(&["freeze"]).expect(0);
    let locked = "dependencies/locked/conda.txt";
    let list = shop.read(locked);
    assert!(
        list.contains("# asked: python=3.11\n# asked: six=1.16\n@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/linux-64/"),
        "{list}"
    );
    assert!(!(list + &shop.read("envtpl.lock")).contains("p4ssw0rd"));

    // There is nothing to choose from, and a comment asks for nothing.
    let directory = channel_without_index();
    let server = Server::of_files(directory.path(), &bridge());
    shop.set("CONDA_CHANNEL_ALIAS", &server.address);
    environment(&format!("  # a comment\n  - 'greet'\n  - six=1.16\n{pips}"));
    shop.commit("locked");
    shop.envtpl(&["build-generic", "--progress", "plain"])
        .expect(0);
    let after = shop.in_image("dev-latest-root", CONDA).expect(0).stdout;
    assert_eq!(after, before);
    shop.envtpl(&["freeze"]).expect(0).says("nothing new");

    // Pins ask for what is locked, so still nothing is chosen.
    let unpinned =
        ["dependencies/environment.yml", "envtpl.lock", locked].map(|name| (name, shop.read(name)));
    shop.envtpl(&["freeze", "--in-place"]).expect(0);
    let pinned = shop.read("dependencies/environment.yml");
    assert!(pinned.contains("  - six=1.16.0\n"), "{pinned}");
    shop.envtpl(&["freeze", "--check"]).expect(0);
    shop.commit("pinned");
    shop.envtpl(&["build-generic"]).expect(0);
    let after = shop.in_image("dev-latest-root", CONDA).expect(0).stdout;
    assert_eq!(after, before);
    for (name, text) in unpinned {
        shop.write(name, &text);
    }

    // Another file by the name of a locked one is caught, whatever the build's cache has.
    let list = shop.read(locked);
    let digest = list
        .lines()
        .find(|line| line.contains("/greet-"))
        .and_then(|line| line.rsplit(':').next())
        .expect("a digest");
    let flipped: String = digest.chars().rev().collect();
    shop.write(locked, &list.replace(digest, &flipped));
    shop.commit("another file");
    shop.envtpl(&["build-generic"])
        .expect(1)
        .says("dependencies/locked/conda.txt")
        .says("hash mismatch");

    // What was locked stays when more is asked for, although there is something newer. (As if the
    // lock were of the time when that was the newest.)
    shop.set("CONDA_CHANNEL_ALIAS", &channel);
    let list = never_seen() + &list;
    shop.write(
        locked,
        &list.replace("# asked: six=1.16\n", "# asked: six\n"),
    );
    environment("  - six\n  - tqdm\n  - pip:\n      - idna==3.10\n");
    shop.commit("more");
    let built = shop
        .envtpl(&["build-generic", "--progress", "plain"])
        .expect(0);
    for line in [
        "now asked:       tqdm",
        "no longer asked: greet",
        "+ tqdm-",
        "- greet-",
    ] {
        assert!(
            built.stderr.contains(line),
            "{line} is not in:\n{}",
            built.stderr
        );
    }
    let after = shop.in_image("dev-latest-root", CONDA).expect(0).stdout;
    assert!(
        after.contains("six-1.16.0") && after.contains("tqdm-") && !after.contains("greet-"),
        "{after}"
    );
    shop.in_image("run-latest-root", "python -c 'import tqdm, idna'")
        .expect(0);

    // What cannot go together with it is chosen anew.
    shop.write(
        locked,
        &list
            .replace("# asked: six=1.16\n", "# asked: six\n# asked: tqdm\n")
            .replace("# asked: greet\n", ""),
    );
    environment("  - six\n  - tqdm\n  - six>1.16\n  - pip:\n      - idna==3.10\n");
    shop.commit("contrary");
    let built = shop
        .envtpl(&["build-generic", "--progress", "plain"])
        .expect(0);
    assert!(built.stderr.contains("+ six-1.17.0"), "{}", built.stderr);
    shop.envtpl(&["freeze"]).expect(0);
    assert!(shop.read(locked).contains("# asked: six>1.16\n"));
}

#[test]
fn what_conda_newly_brings_goes_before_what_the_lock_has_from_pip() {
    let shop = workshop("scratch-displaced");
    let comment = never_seen();
    let declared = |conda: &str| {
        format!(
            "{comment}channels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n{conda}  - pip:\n      \
             - packaging\n      - idna==3.10\n"
        )
    };
    shop.write("dependencies/environment.yml", &declared(""));
    shop.commit("packages");
    shop.envtpl(&["build-generic"]).expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    let locked = shop.read("dependencies/locked/requirements.txt");
    let of_pip = locked
        .lines()
        .find_map(|line| line.strip_prefix("packaging=="))
        .and_then(|rest| rest.split(' ').next())
        .expect("locked")
        .to_owned();
    assert_ne!(of_pip, "24.2");

    shop.write(
        "dependencies/environment.yml",
        &declared("  - packaging=24.2\n"),
    );
    shop.commit("packaging of conda");
    let built = shop.envtpl(&["build-generic", "--progress", "plain"]);
    built.expect(0).says(&format!(
        "conda has packaging 24.2, where the lock has {of_pip} from pip: conda comes first"
    ));
    let versions = "import packaging, idna; print(packaging.__version__, idna.__version__)";
    let versions = format!("python -c '{versions}' && ls /opt/conda/lib/python3.11/site-packages");
    let found = shop.in_image("run-latest-root", &versions).expect(0).stdout;
    assert!(found.starts_with("24.2 3.10\n"), "{found}");
    // Nothing of pip's stands beside it.
    assert_eq!(found.matches("packaging-").count(), 1, "{found}");

    shop.envtpl(&["freeze"]).expect(0);
    let locked = shop.read("dependencies/locked/requirements.txt");
    assert!(!locked.contains("\npackaging=="), "{locked}");
    shop.commit("freeze");
    shop.envtpl(&["build-generic", "--locked"]).expect(0);
    shop.envtpl(&["freeze", "--check"]).expect(0);
}
