//! `envtpl init --kind toolchain`, and what can be done with what it writes.

use crate::support::Place;

const NAME: &str = "amd64-cpu-aarch64";
const DIRECTORY: &str = "installation/amd64-cpu-aarch64";
const INIT: [&str; 5] = [
    "init",
    "--kind",
    "toolchain",
    "--triple",
    "aarch64-linux-gnu",
];

fn scaffolded() -> Place {
    let place = Place::called("project");
    place.envtpl([&INIT[..], &["-i", NAME]].concat()).expect(0);
    place
}

/// The files of the installation that name a machine.
fn texts(place: &Place, directory: &str) -> String {
    let files = [
        "README.md",
        "Dockerfile",
        "dependencies/apt-runtime.txt",
        "toolchain/toolchain.cmake",
        "toolchain/meson.ini",
        "toolchain/pkg-config.sh",
        "toolchain/python.sh",
    ];
    files
        .map(|file| place.text(format!("{directory}/{file}")))
        .concat()
}

#[test]
fn a_toolchain_is_scaffolded_beside_what_is_there() {
    let place = Place::called("project");
    place.put("requirements.txt", "torch==2.4\n");
    let ended = place.envtpl([&INIT[..], &["-i", NAME]].concat()).expect(0);
    assert!(
        ended
            .stderr
            .contains(&format!("envtpl run -i {NAME} -- make"))
    );
    let texts = texts(&place, DIRECTORY);
    for part in [
        "\ncrossbuild-essential-arm64\n",
        "\nlibpython3-dev:arm64\n",
        "ENV CROSS_TRIPLE=aarch64-linux-gnu ",
        "\nset(CMAKE_SYSTEM_PROCESSOR aarch64)\n",
        "\nendian = 'little'\n",
        "_PYTHON_HOST_PLATFORM=linux-aarch64\n",
    ] {
        assert!(texts.contains(part), "{part}");
    }
    assert!(
        place
            .text(format!("{DIRECTORY}/compose-base.yaml"))
            .contains("BASE_IMAGE: \"debian:13-slim\"")
    );
    // The project's own packages are for where it runs, and no package is made up.
    let python = place.text(format!("{DIRECTORY}/dependencies/requirements.txt"));
    assert!(!python.contains("torch") && !place.has("pyproject.toml"));
    place.envtpl(["check", "--no-engine", "-i", NAME]).expect(0);
}

#[test]
fn without_a_name_it_is_called_after_both_machines() {
    let place = Place::called("project");
    let triple = match envtpl::installation::name::Platform::host()
        .to_string()
        .as_str()
    {
        "amd64" => "aarch64-linux-gnu",
        _ => "x86_64-linux-gnu",
    };
    let report = place
        .envtpl([
            "init",
            "--kind=toolchain",
            "--triple",
            triple,
            "--format=json",
        ])
        .expect(0)
        .json();
    let report = &report["report"];
    assert_eq!(report["triple"], triple);
    assert_eq!(report["from_base"], "toolchain");
    let host = envtpl::installation::name::Platform::host();
    let (variant, _) = triple.split_once('-').expect("a triple");
    assert_eq!(
        report["installations"][0]["name"],
        format!("{host}-cpu-{variant}")
    );
}

#[test]
fn what_cannot_be_a_toolchain_is_refused_and_nothing_is_written() {
    let place = Place::called("project");
    let toolchain = ["--kind", "toolchain"];
    for (options, says) in [
        (
            &["--triple", "aarch64-linux-gnu"][..],
            "add `--kind toolchain`",
        ),
        (&toolchain[..], "riscv64-linux-gnu"),
        (
            &[&toolchain[..], &["--triple", "arm64"]].concat(),
            "did you mean `aarch64-linux-gnu`?",
        ),
        (
            &[&toolchain[..], &["--triple", "sparc64-linux-gnu"]].concat(),
            "triples that are: aarch64-linux-gnu, ",
        ),
        (
            &[&INIT[1..], &["--python", "3.12"]].concat(),
            "the Python of its distribution",
        ),
        (
            &[&INIT[1..], &["--from-base", "from-scratch"]].concat(),
            "the Python of its distribution",
        ),
        (
            &[&INIT[1..], &["-i", "arm64-cpu-aarch64"]].concat(),
            "nothing to cross",
        ),
        (
            &[&INIT[1..], &["-i", "amd64-cuda-aarch64"]].concat(),
            "call it `amd64-cpu-aarch64`",
        ),
    ] {
        place
            .envtpl([&["init"], options].concat())
            .expect(2)
            .says(says);
        assert!(!place.has("installation"), "{options:?}");
    }
}

#[test]
fn it_gets_another_name_and_stays_a_toolchain() {
    let place = scaffolded();
    place.append(
        format!("{DIRECTORY}/dependencies/apt-runtime.txt"),
        "zlib1g-dev:arm64\n",
    );
    place
        .envtpl(["edit-platform", NAME, "amd64-cpu-board", "--copy"])
        .expect(0);
    let copied = texts(&place, "installation/amd64-cpu-board");
    assert!(copied.contains("\nzlib1g-dev:arm64\n"), "{copied}");
    let record = place.text("installation/amd64-cpu-board/.envtpl-record.yaml");
    assert!(
        record.contains("\n  triple: aarch64-linux-gnu\n"),
        "{record}"
    );
    for name in [NAME, "amd64-cpu-board"] {
        place.envtpl(["check", "--no-engine", "-i", name]).expect(0);
    }

    // On the machine that it compiles for there is nothing to cross, and GPUs compile nothing.
    place
        .envtpl(["edit-platform", NAME, "arm64-cpu-aarch64"])
        .expect(2)
        .says("nothing to cross");
    place
        .envtpl(["edit-platform", NAME, "amd64-cuda"])
        .expect(2)
        .says("cannot be a toolchain");
    place
        .envtpl(["edit-from-base", "from-scratch", "-i", NAME])
        .expect(2)
        .says("is a toolchain");
    assert!(place.has(DIRECTORY));
}

#[test]
fn a_toolchain_moves_to_another_platform_and_back() {
    let place = Place::called("project");
    let init = [
        "init",
        "--kind=toolchain",
        "--triple=riscv64-linux-gnu",
        "-iamd64-cpu-riscv64",
    ];
    place.envtpl(init).expect(0);
    let before = texts(&place, "installation/amd64-cpu-riscv64");
    place
        .envtpl(["edit-platform", "amd64-cpu-riscv64", "arm64-cpu-riscv64"])
        .expect(0);
    let compose = place.text("installation/arm64-cpu-riscv64/compose.yaml");
    assert!(compose.contains("platform: linux/arm64"), "{compose}");
    assert!(
        texts(&place, "installation/arm64-cpu-riscv64").contains("crossbuild-essential-riscv64")
    );
    place
        .envtpl(["edit-platform", "arm64-cpu-riscv64", "amd64-cpu-riscv64"])
        .expect(0);
    assert_eq!(texts(&place, "installation/amd64-cpu-riscv64"), before);
}
