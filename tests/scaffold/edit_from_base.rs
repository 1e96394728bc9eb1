//! `envtpl edit-from-base`.

use proptest::prelude::*;

use crate::support::{Place, Tree};

const CPU: &str = "installation/amd64-cpu";

fn visible(place: &Place) -> Tree {
    let mut tree = place.tree();
    tree.retain(|path, _| !path.starts_with(".envtpl"));
    tree
}

fn pip(place: &Place) -> Vec<String> {
    let text = place.text(format!("{CPU}/dependencies/environment.yml"));
    let value: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
    let items = value["dependencies"].as_array().expect("a list");
    let list = items.iter().find_map(|item| item.get("pip"));
    serde_json::from_value(list.expect("a list").clone()).expect("texts")
}

#[test]
fn packages_and_edits_go_over_and_come_back() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let requirements = format!("{CPU}/dependencies/requirements.txt");
    place.append(
        &requirements,
        "\n# mine\nwandb==0.17 # why\nx @ git+https://h/x\n",
    );
    place.append(format!("{CPU}/dependencies/apt-runtime.txt"), "jq\n");
    place.put(format!("{CPU}/envtpl.lock"), "locked\n");
    let before = visible(&place);
    place
        .envtpl(["edit-from-base", "from-scratch"])
        .expect(0)
        .says("set aside");
    assert!(!place.has(&requirements) && !place.has(format!("{CPU}/envtpl.lock")));
    let there = pip(&place);
    assert!(there.contains(&"wandb==0.17".to_owned()), "{there:?}");
    assert!(
        there.contains(&"x @ git+https://h/x".to_owned()),
        "{there:?}"
    );
    assert!(there.contains(&"numpy".to_owned()), "{there:?}");
    assert!(
        place
            .text(format!("{CPU}/dependencies/apt-runtime.txt"))
            .ends_with("jq\n")
    );
    assert!(
        place
            .text(format!("{CPU}/compose-base.yaml"))
            .contains("CONDA_URL: \"https://")
    );
    assert!(
        place
            .text(format!("{CPU}/.envtpl-record.yaml"))
            .contains("from_base: from-scratch")
    );
    place
        .envtpl(["edit_from_base", "from-python"])
        .expect(0)
        .says("restored");
    assert_eq!(visible(&place), before);
}

#[test]
fn hashes_and_comments_go_over_with_their_requirement() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let path = format!("{CPU}/dependencies/requirements.txt");
    let hash = format!("--hash=sha256:{}", "0".repeat(64));
    place.append(
        &path,
        format!("\n# pinned\nsix==1.17.0 \\\n    {hash} # why\n").as_str(),
    );
    place.envtpl(["edit-from-base", "from-scratch"]).expect(0);
    assert!(pip(&place).contains(&format!("six==1.17.0 {hash}")));
    let there = format!("{CPU}/dependencies/environment.yml");
    let text = place.text(&there);
    assert!(
        text.ends_with(&format!(
            "      # pinned\n      - six==1.17.0 {hash} # why\n"
        )),
        "{text}"
    );
    // Edited there, it comes back with the comment.
    place.append(&there, "      # mine\n      - rich # colours\n");
    place.envtpl(["edit-from-base", "from-python"]).expect(0);
    let text = place.text(&path);
    assert!(
        text.ends_with(&format!(
            "six==1.17.0 \\\n    {hash} # why\n\n# mine\nrich # colours\n"
        )),
        "{text}"
    );
}

#[test]
fn a_list_that_cannot_be_read_is_pointed_at() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let path = format!("{CPU}/dependencies/requirements.txt");
    place.put(&path, "numpy >>> 1\n");
    let before = place.tree();
    place
        .envtpl(["edit-from-base", "from-scratch"])
        .expect(2)
        .says("requirements.txt:1:");
    assert_eq!(place.tree(), before);
}

#[test]
fn what_is_declared_there_is_declared_here_too() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.envtpl(["edit-from-base", "from-scratch"]).expect(0);
    let path = format!("{CPU}/dependencies/environment.yml");
    place.append(&path, "      - seaborn\n");
    place.edit(&path, "      - matplotlib\n", "");
    place.envtpl(["edit-from-base", "from-python"]).expect(0);
    let text = place.text(format!("{CPU}/dependencies/requirements.txt"));
    assert!(
        text.ends_with("\nseaborn\n") && !text.contains("matplotlib"),
        "{text}"
    );
    assert!(!place.has(path));
}

#[test]
fn what_cannot_go_over_is_named_and_nothing_changes() {
    let place = Place::empty();
    place
        .envtpl(["init", "-i", "amd64-cpu", "--from-base", "from-scratch"])
        .expect(0);
    let path = format!("{CPU}/dependencies/environment.yml");
    place.edit(&path, "  - pip\n", "  - pip\n  - cudatoolkit=11.8\n");
    let before = place.tree();
    place
        .envtpl(["edit-from-base", "from-python"])
        .expect(1)
        .says("environment.yml:10")
        .says("cudatoolkit=11.8");
    assert_eq!(place.tree(), before);
    place.edit(&path, "  - cudatoolkit=11.8\n", "");
    place.edit(
        format!("{CPU}/Dockerfile"),
        "FROM base AS conda\n",
        "FROM base AS conda\nRUN true\n",
    );
    let before = place.tree();
    let ended = place.envtpl(["edit-from-base", "from-python"]).expect(1);
    assert!(ended.stderr.contains("RUN true"), "{}", ended.stderr);
    assert_eq!(place.tree(), before);
}

/// The base image decides which Python a from-python installation has, so what conda was asked for
/// chooses the image, or is told.
#[test]
fn another_python_chooses_the_image_or_is_told_with_its_line() {
    let base = format!("{CPU}/compose-base.yaml");
    let environment = format!("{CPU}/dependencies/environment.yml");
    let scratch = || {
        let place = Place::empty();
        let arguments = ["init", "-i", "amd64-cpu", "--from-base", "from-scratch"];
        place.envtpl(arguments).expect(0);
        place
    };
    let turned = |spec: &str| {
        let place = scratch();
        place.edit(&environment, "  - python=3.12\n", &format!("  - {spec}\n"));
        let ended = place.envtpl(["edit-from-base", "from-python"]).expect(0);
        (place.text(&base), ended.stderr)
    };
    let (text, told) = turned("python=3.12");
    assert!(
        text.contains("\"python:3.12-slim\"") && !told.contains("python="),
        "{told}"
    );
    for spec in ["python=3.11", "python 3.11.*"] {
        let (text, told) = turned(spec);
        assert!(text.contains("\"python:3.11-slim\""), "{text}");
        assert!(
            !told.contains("come along") && !told.contains("catalogue"),
            "{told}"
        );
    }
    for (spec, image) in [
        ("python=3.9", "3.12"),
        ("python=3.11.4", "3.11"),
        ("python>=3.11", "3.12"),
    ] {
        let (text, told) = turned(spec);
        assert!(text.contains(&format!("\"python:{image}-slim\"")), "{text}");
        let line = format!(
            "`{spec}` ({environment}:8) does not come along: the base image brings Python, and \
             `python:{image}-slim` has Python {image}"
        );
        assert!(
            told.contains(&line) && told.contains("BASE_IMAGE"),
            "{told}"
        );
        assert!(!told.contains("catalogue"), "{told}");
    }

    // What was set aside is restored, image and all, and what else was asked for is told.
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.envtpl(["edit-from-base", "from-scratch"]).expect(0);
    place.edit(&environment, "python=3.12", "python=3.10");
    place
        .envtpl(["edit-from-base", "from-python"])
        .expect(0)
        .says(&format!("`python=3.10` ({environment}:8)"))
        .says("`python:3.10-slim` for example")
        .says("restored");

    let place = scratch();
    place.edit(&environment, "python=3.12", "python=3.11");
    place
        .envtpl(["edit-from-base", "from-python", "--base-image", "my/base:1"])
        .expect(0)
        .says("nothing tells which Python `my/base:1` has");
}

#[test]
fn the_kind_that_it_has_is_refused() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let before = place.tree();
    place
        .envtpl(["edit-from-base", "from-python"])
        .expect(2)
        .says("already");
    place
        .envtpl(["edit-from-base", "from-nowhere"])
        .expect(2)
        .says("from-scratch");
    place
        .envtpl(["edit-from-base", "from-scratch", "-i", "arm64-cpu"])
        .expect(2);
    assert_eq!(place.tree(), before);
}

#[test]
fn a_base_image_of_ones_own_is_kept_or_replaced() {
    let place = Place::empty();
    place
        .envtpl(["init", "-i", "amd64-cpu", "--base-image", "my/base:1"])
        .expect(0);
    place
        .envtpl(["edit-from-base", "from-scratch"])
        .expect(0)
        .says("`my/base:1`");
    assert!(
        place
            .text(format!("{CPU}/compose-base.yaml"))
            .contains("\"my/base:1\"")
    );
    place
        .envtpl([
            "edit-from-base",
            "from-python",
            "--base-image",
            "python:3.11-slim",
        ])
        .expect(0);
    assert!(
        place
            .text(format!("{CPU}/compose-base.yaml"))
            .contains("\"python:3.11-slim\"")
    );
}

#[test]
fn both_ways_of_turning_come_back_together() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    let before = visible(&place);
    place.envtpl(["edit-from-base", "from-scratch"]).expect(0);
    place
        .envtpl(["edit-platform", "amd64-cpu", "arm64-cpu"])
        .expect(0);
    let base = place.text("installation/arm64-cpu/compose-base.yaml");
    assert!(base.contains("micromamba-linux-aarch64"), "{base}");
    place
        .envtpl(["edit-platform", "arm64-cpu", "amd64-cpu"])
        .expect(0);
    place.envtpl(["edit-from-base", "from-python"]).expect(0);
    assert_eq!(visible(&place), before);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Lines put anywhere into the files that differ: refused with nothing changed, or restored.
    #[test]
    fn there_and_back_is_where_we_were(
        file in 0usize..4,
        line in 0usize..80,
        text in "[ -~é]{0,12}",
    ) {
        let place = Place::scaffolded(&["amd64-cpu"]);
        let path = ["Dockerfile", "README.md", "dependencies/requirements.txt", "entrypoints/project.sh"][file];
        let path = format!("{CPU}/{path}");
        let before = place.text(&path);
        let mut lines: Vec<&str> = before.lines().collect();
        lines.insert(line % (lines.len() + 1), &text);
        place.put(&path, lines.join("\n") + "\n");
        let before = visible(&place);
        let there = place.envtpl(["edit-from-base", "from-scratch"]);
        if there.status == 0 {
            place.envtpl(["edit-from-base", "from-python"]).expect(0);
        } else {
            // 2: the line made a list of packages that cannot be read.
            prop_assert!(matches!(there.status, 1 | 2), "{}", there.stderr);
        }
        prop_assert!(visible(&place) == before);
    }
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_or_the_new_base() {
    let place = Place::scaffolded(&["amd64-cpu"]);
    place.survives_kills(&["edit-from-base", "from-scratch"], &["env", "--dry-run"]);
}
