//! Declared files as pip, pip-tools and conda have them: built, frozen, edited and built again.

use crate::freeze::{Container, SNAPSHOT, packages};
use crate::frozen_cases::wheel;
use crate::scratch;
use crate::servers::{Server, bridge};
use crate::workshop::{BASE, Workshop, docker};

const SIX: &str = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274";

/// Asserts that the image holds just what a container held.
fn is_built_again(shop: &Workshop, installed: &str) {
    shop.commit("freeze");
    shop.envtpl(&["build-generic", "--locked"]).expect(0);
    let built = shop.in_image("dev-latest-root", SNAPSHOT).expect(0).stdout;
    let (built, installed) = (packages(&built), packages(installed));
    assert_eq!(
        built.symmetric_difference(&installed).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    shop.envtpl(&["freeze", "--check"]).expect(0);
}

#[test]
fn a_requirements_file_of_pip_tools_is_built_and_keeps_each_byte() {
    let index = tempfile::tempdir().expect("a directory");
    let place = index.path().join("simple/of-lab");
    std::fs::create_dir_all(&place).expect("made");
    wheel(&place, "of_lab", "1.0");
    let server = Server::of_files(index.path(), &bridge());
    let lab = server.address.replace("://", "://joe:s3cret@");
    // Where pip looks unless it is told.
    let asked = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
    let first = docker(&["run", "--rm", BASE, "python3", "-c", asked]).expect(0);
    let first = first.stdout.trim();

    let shop = Workshop::with("odd-files", "amd64-cpu", &["--base-image", BASE]);
    let list = "dependencies/requirements.txt";
    let text = format!(
        "\u{feff}# by pip-compile, and by hand since\n--index-url {first}\n\
         --extra-index-url={lab}/simple\n-r requirements-tools.txt\n-c constraints.txt  # the lab's\n\n\
         hatchling\neditables\nsix==1.17.0 \\\n    --hash=sha256:{SIX}\n    # via -r requirements.in\n\
         Typing_Extensions >= 4 ; \\\n  python_version >= \"3.8\"  # goes on\nof.lab>=1\n"
    )
    .replace('\n', "\r\n");
    let others = [
        ("dependencies/requirements-tools.txt", "# of all\n\nidna\n"),
        (
            "dependencies/constraints.txt",
            "IDNA<3.9 # 3.9 is too new\n",
        ),
    ];
    // What the Dockerfile does not copy is not left out in silence.
    std::fs::create_dir(shop.path("dependencies/more")).expect("made");
    shop.write("dependencies/more/tools.txt", "idna\n");
    shop.write(list, &text.replace("requirements-tools", "more/tools"));
    shop.commit("elsewhere");
    shop.envtpl(&["build-generic"]).expect(1).says(
        "dependencies/requirements.txt:4: the build does not have the file of `-r more/tools.txt`",
    );
    shop.write(list, &text);
    for (name, text) in others {
        shop.write(name, text);
    }
    shop.commit("lists");
    shop.envtpl(&["build-user"]).expect(0);
    let container = Container::start(&shop);
    container.types("pip install --quiet attrs").expect(0);
    let frozen = shop.envtpl(&["-vv", "freeze"]).expect(0);
    assert_eq!(shop.read(list), format!("{text}attrs\r\n"));
    for (name, text) in others {
        assert_eq!(shop.read(name), text, "{name}");
    }
    let lock = shop.read("envtpl.lock");
    let locked = shop.read("dependencies/locked/requirements.txt");
    for line in ["\nidna==3.8 --hash=", "\nof-lab==1.0 --hash=", "\nattrs=="] {
        assert!(locked.contains(line), "{line}\n{locked}");
    }
    assert!(
        locked.contains(&format!("\nsix==1.17.0 --hash=sha256:{SIX}\n")),
        "{locked}"
    );
    for told in [&frozen.stdout, &frozen.stderr, &lock, &locked] {
        assert!(!told.contains("s3cret"), "{told}");
    }
    let installed = container.types(SNAPSHOT).expect(0).stdout;

    // Pinned, each line keeps all else.
    shop.envtpl(&["freeze", "--in-place"]).expect(0);
    let pinned = shop.read(list);
    assert_eq!(
        pinned.split_inclusive("\r\n").count(),
        text.split_inclusive("\r\n").count() + 1
    );
    for part in [
        &text[..text.find("hatchling").expect("there")],
        &text[text.find("six==").expect("there")..text.find("Typing").expect("there")],
        "  python_version >= \"3.8\"  # goes on\r\nof.lab==1.0\r\nattrs==",
    ] {
        assert!(pinned.contains(part), "{part}\n{pinned}");
    }
    assert_eq!(shop.read(others[0].0), "# of all\n\nidna==3.8\n");
    drop(container);
    is_built_again(&shop, &installed);
}

#[test]
fn an_environment_file_keeps_each_byte_but_the_new_lines() {
    let shop = scratch::workshop("odd-environment");
    let text = "# The lab's.\nname: &name lab  # anchored\nchannels: &from\n  - conda-forge   # one\n\
                dependencies:\n  - python=3.11\n  - 'pip'\n\n  - &greeter greet # no Python package\n  \
                # Python's own\n  - pip:\n      # pinned\n      - \"six==1.17.0\" # why\n\
                prefix: *name\n";
    let list = "dependencies/environment.yml";
    shop.write(list, text);
    shop.commit("an environment");
    shop.envtpl(&["build-user"]).expect(0);
    let container = Container::start(&shop);
    container
        .types(
            "pip install --quiet idna; mamba install --yes --quiet tqdm; python -c 'import tqdm'",
        )
        .expect(0);
    shop.envtpl(&["freeze"]).expect(0);
    let after = text
        .replace("no Python package\n", "no Python package\n  - tqdm\n")
        .replace("# why\n", "# why\n      - idna\n");
    assert_eq!(shop.read(list), after);
    let installed = container.types(SNAPSHOT).expect(0).stdout;
    drop(container);
    is_built_again(&shop, &installed);
}
