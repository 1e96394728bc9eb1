//! Reading whole installations, and what edits make of their files.

use std::fs;

use super::*;
use crate::environment::lock::Lock;
use crate::error;

fn installation(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("dependencies")).expect("made");
    for (name, text) in files {
        fs::write(directory.path().join(name), text).expect("written");
    }
    directory
}

/// The names and texts of the files that are no longer as they were read.
fn changed(files: &DeclaredFiles) -> Vec<(&str, &str)> {
    let changed = files.changed().into_iter();
    changed.map(|file| (file.name, file.after)).collect()
}

fn addition(list: List, line: &str) -> Addition {
    Addition {
        list,
        name: line.into(),
        line: line.into(),
        version: "1".into(),
    }
}

#[test]
fn lists_and_what_they_include_are_read() {
    let directory = installation(&[
        (
            REQUIREMENTS,
            "-r requirements-more.txt\nA_b[x]>=1 ; os_name == 'nt'\nhttps://h/x.zip\n",
        ),
        (
            "dependencies/requirements-more.txt",
            "-r requirements.txt\n-e git+https://h/r#egg=Foo\n",
        ),
        (APT_DEV, "jq=1.6 libc6:i386\n"),
    ]);
    let declared = DeclaredFiles::read(directory.path())
        .expect("read")
        .declared();
    let keys: Vec<&str> = declared
        .python
        .iter()
        .map(|read| read.key.as_str())
        .collect();
    assert_eq!(keys, ["a-b", "foo"]);
    assert_eq!(declared.python[0].extras.iter().collect::<Vec<_>>(), ["x"]);
    assert_eq!(declared.python_addresses, ["https://h/x.zip"]);
    assert_eq!(declared.apt_dev.iter().collect::<Vec<_>>(), ["jq", "libc6"]);
    assert_eq!(declared.conda, None);
}

#[test]
fn additions_change_their_list_alone() {
    let directory = installation(&[(REQUIREMENTS, "# mine\r\nb # why\r\na"), (APT_DEV, "")]);
    let mut files = DeclaredFiles::read(directory.path()).expect("read");
    assert_eq!(files.changed(), []);
    for (list, line) in [
        (List::Python, "c[x]"),
        (List::Python, "A"),
        (List::AptDev, "jq"),
    ] {
        files.add(&addition(list, line)).expect("added");
    }
    assert_eq!(
        changed(&files),
        [
            (REQUIREMENTS, "# mine\r\nb # why\r\na\r\nc[x]\r\n"),
            (APT_DEV, "jq\n")
        ]
    );
}

#[test]
fn two_versions_in_two_files_are_refused_with_both_lines() {
    let directory = installation(&[
        (REQUIREMENTS, "-r requirements-more.txt\nFoo_x==1\n"),
        (
            "dependencies/requirements-more.txt",
            "# more\nfoo.x==1.0\nfoo-x==2\n",
        ),
    ]);
    let error = DeclaredFiles::read(directory.path()).expect_err("two versions");
    assert_eq!(error.kind(), error::Kind::Usage);
    assert!(error.message().contains("(line 2)"), "{error}");
    std::fs::write(
        directory.path().join("dependencies/requirements-more.txt"),
        "# more\nfoo.x==2\n",
    )
    .expect("written");
    let error = DeclaredFiles::read(directory.path()).expect_err("two versions");
    assert!(
        error.message().contains("(requirements.txt, line 2)")
            && error.message().contains("(requirements-more.txt, line 2)"),
        "{error}"
    );
    assert_eq!(error.places().len(), 2);
}

#[test]
fn pins_go_into_every_file_and_keep_all_else() {
    let more = |six: &str| format!("# more\n{six}\ngone==1 --hash=sha256:{}\n", "ab".repeat(32));
    let directory = installation(&[
        (
            REQUIREMENTS,
            "-r requirements-more.txt\r\nNumPy [x] >=1  # arrays\r\nthing @ git+https://h/t@main # ours\r\nbad<1\r\nbad>0\r\n",
        ),
        ("dependencies/requirements-more.txt", &more("six")),
        (APT_DEV, "jq less # tools\n"),
        (APT_RUNTIME, "libc6:i386\n"),
    ]);
    let mut files = DeclaredFiles::read(directory.path()).expect("read");
    let lock = "schema: 1\nplatform: amd64\nbase: {image: b, os: o}\npython:\n  version: 3.11.2\n  packages:\n  \
        - {name: numpy, version: '1.26', origin: index, requested: true}\n  \
        - {name: six, version: '1.17', origin: index, requested: true}\n  \
        - {name: bad, version: '0.5', origin: index, requested: true}\n  \
        - {name: gone, version: '2', origin: index, requested: true}\n  \
        - {name: thing, version: '1', origin: {vcs: {system: git, url: 'https://h/t', commit: '00ff'}}, requested: true}\n\
        apt:\n  runtime:\n  - {name: libc6, version: '2.36', architecture: i386, requested: true}\n  dev:\n  \
        - {name: jq, version: '1.6', architecture: amd64, requested: true}\n  \
        - {name: less, version: '590', architecture: all, requested: true}\n";
    let lock = Lock::parse(Path::new("envtpl.lock"), lock).expect("a lock");
    let kept = files.pin(&lock).expect("pinned");
    let lines = files.lines().expect("read");
    assert!(lines.iter().any(|line| line.text == "six==1.17"));
    assert_eq!(
        changed(&files),
        [
            (
                REQUIREMENTS,
                "-r requirements-more.txt\r\nNumPy [x] ==1.26  # arrays\r\nthing @ git+https://h/t@00ff # ours\r\nbad<1\r\nbad>0\r\n"
            ),
            (APT_RUNTIME, "libc6:i386=2.36\n"),
            (APT_DEV, "jq=1.6 less=590 # tools\n"),
            (
                "dependencies/requirements-more.txt",
                more("six==1.17").as_str()
            ),
        ]
    );
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[0].contains("bad stays") && kept[1].contains("gone stays"));
}

#[test]
fn a_missing_list_is_told_when_it_is_needed() {
    let directory = installation(&[]);
    let mut files = DeclaredFiles::read(directory.path()).expect("read");
    files
        .add(&addition(List::AptDev, "jq"))
        .expect("a new list");
    let error = files
        .add(&addition(List::Python, "a"))
        .expect_err("no list");
    assert!(error.message().contains(REQUIREMENTS), "{error}");
    let missing = installation(&[(REQUIREMENTS, "-r none.txt\n")]);
    let error = DeclaredFiles::read(missing.path()).expect_err("not there");
    assert!(error.message().contains("none.txt"), "{error}");
}

#[test]
fn an_environment_has_conda_packages_and_pips() {
    let text = "channels: [c]\ndependencies:\n  - python=3.12 # why\n  - c::Xz >=5\n  - pip:\n      - six==1.17.0\n";
    let directory = installation(&[(ENVIRONMENT, text), (REQUIREMENTS, "ignored\n")]);
    let mut files = DeclaredFiles::read(directory.path()).expect("read");
    let declared = files.declared();
    let conda = declared.conda.expect("an environment");
    assert_eq!(conda.iter().collect::<Vec<_>>(), ["python", "xz"]);
    let keys: Vec<&str> = declared.python.iter().map(|read| &*read.key).collect();
    assert_eq!(keys, ["six"]);
    for (list, line) in [
        (List::Python, "A[x]"),
        (List::Conda, "zlib"),
        (List::Python, "SIX"),
    ] {
        files.add(&addition(list, line)).expect("added");
    }
    let expected = text
        .replace("  - pip:\n", "  - zlib\n  - pip:\n")
        .replace("six==1.17.0\n", "six==1.17.0\n      - A[x]\n");
    assert_eq!(files.changed()[0].after, expected);
    let wrong = installation(&[(ENVIRONMENT, "dependencies: [\n")]);
    let error = DeclaredFiles::read(wrong.path()).expect_err("wrong");
    assert_eq!(error.kind(), error::Kind::Usage);
}
