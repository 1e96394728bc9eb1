//! What a base image brings: its Python, its packages, its entrypoint.

use std::process::Command;

use crate::workshop::{BASE, Ended, Workshop, image_name};

/// A base image made from the shared one, and a project on it.
fn shop_on(name: &str, lines: &str) -> Workshop {
    let image = format!("{}:base", image_name(name));
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(
        directory.path().join("Dockerfile"),
        format!("FROM {BASE}\n{lines}\n"),
    )
    .expect("written");
    let mut build = Command::new("docker");
    build.args(["build", "--quiet", "--tag", &image]);
    if let Ok(bundle) = std::env::var("ENVTPL_TEST_CA_BUNDLE") {
        build.args(["--secret", &format!("id=ca,src={bundle}")]);
    }
    Ended::run(build.arg(directory.path())).expect(0);
    let shop = Workshop::with(name, "amd64-cpu", &["--base-image", &image]);
    shop.write("dependencies/apt-runtime.txt", "");
    shop
}

/// Installs packages into the base's Python; certificates come as a secret, like in a build of ours.
fn pip(packages: &str) -> String {
    format!(
        "RUN --mount=type=secret,id=ca if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
         PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-cache-dir --root-user-action=ignore {packages}"
    )
}

#[test]
fn packages_go_into_the_environment_that_the_base_activates() {
    let shop = shop_on(
        "base-venv",
        "RUN python3 -m venv --without-pip /srv/venv\nENV VIRTUAL_ENV=/srv/venv PATH=/srv/venv/bin:$PATH",
    );
    shop.commit("venv");
    shop.envtpl(&["build-generic", "--no-cache", "--progress", "plain"])
        .expect(0)
        .says("at /srv/venv/bin/python");
    for flavour in ["run", "dev"] {
        let found = shop
            .in_image(
                &format!("{flavour}-latest-root"),
                "python -c 'import six; print(six.__file__)'; /usr/bin/python3 -c 'import six'",
            )
            .expect(1);
        assert!(found.stdout.starts_with("/srv/venv/lib/"), "{found:?}");
    }
}

#[test]
fn packages_of_the_base_stay_and_what_contradicts_them_is_named() {
    let shop = shop_on("base-pins", &pip("idna==3.4"));
    shop.write("dependencies/requirements.txt", "requests==2.31.0\n");
    shop.commit("fits");
    shop.envtpl(&["build-generic", "--progress", "plain"])
        .expect(0);
    let version = "import idna, requests; print(idna.__version__, requests.__version__)";
    let found = shop.in_image("run-latest-root", &format!("python3 -c '{version}'"));
    assert_eq!(found.expect(0).stdout, "3.4 2.31.0\n");

    shop.write("dependencies/requirements.txt", "idna>=3.7\n");
    shop.commit("contradicts");
    shop.envtpl(&["build-generic", "--progress", "plain"])
        .expect(1)
        .says("idna==3.4")
        .says("contradict each other, the lock or the base image");
}

#[test]
fn the_entrypoint_of_the_base_comes_first() {
    let script = |end: &str| {
        format!(
            "RUN printf '#!/bin/bash\\necho BANNER\\nexport OF_BASE=\"it ran: $#\"\\n{end}\\n' >/usr/local/bin/base-start \
             && chmod 755 /usr/local/bin/base-start"
        )
    };
    for (name, end, executes) in [
        ("base-execs", "exec \"$@\"", "1"),
        ("base-sourced", "declare -a only_bash=(1 2)", ""),
    ] {
        let shop = shop_on(name, &script(end));
        let text = shop.read("compose-base.yaml");
        let text = text
            .replace(
                "BASE_ENTRYPOINT: \"\"",
                "BASE_ENTRYPOINT: \"/usr/local/bin/base-start\"",
            )
            .replace(
                "BASE_ENTRYPOINT_EXECS: \"\"",
                &format!("BASE_ENTRYPOINT_EXECS: \"{executes}\""),
            );
        assert!(text.contains("base-start"), "{text}");
        shop.write("compose-base.yaml", &text);
        shop.commit("entrypoint");
        shop.envtpl(&["build-user"]).expect(0);
        // The command's own output stays its own, and it is the only child of the init.
        let line = "printf '%s|' \"${OF_BASE%%:*}\" \"$@\"; echo $$ $(cat /proc/1/task/1/children)";
        let ended = shop
            .envtpl(&["run", "--", "bash", "-c", line, "sh", "a b", "$c"])
            .expect(0)
            .says("BANNER");
        let (texts, processes) = ended.stdout.rsplit_once('|').expect("three texts");
        assert_eq!(texts, "it ran|a b|$c", "{name}");
        let mut processes = processes.split_whitespace();
        assert_eq!(processes.next(), processes.next(), "{name}: {ended:?}");
        assert_eq!(processes.next(), None, "{name}: {ended:?}");
    }
}
