//! `envtpl edit-platform`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;

use crate::support::{Place, Tree, bad_names};

const CUDA: &str = "installation/amd64-cuda";
const CPU: &str = "installation/arm64-cpu";

fn edit(place: &Place, arguments: &[&str]) -> crate::support::Ended {
    place.envtpl([&["edit-platform"], arguments].concat())
}

/// The tree without what was set aside.
fn visible(place: &Place) -> Tree {
    let mut tree = place.tree();
    tree.retain(|path, _| !path.starts_with(".envtpl"));
    tree
}

/// A project with edits and files of every kind.
fn lived_in() -> Place {
    let place = Place::scaffolded(&["amd64-cuda"]);
    place.append(
        format!("{CUDA}/README.md"),
        "\nWe bought the amd64-cuda server in 2023; amd64 is fast.\n",
    );
    place.append(
        format!("{CUDA}/dependencies/requirements.txt"),
        "\n# why\nwandb==0.17\n",
    );
    place.edit(
        format!("{CUDA}/compose.yaml"),
        "    volumes:\n",
        "    volumes:\n      - {type: bind, source: /data/amd64, target: /data}\n",
    );
    place.append(format!("{CUDA}/Dockerfile"), "# mine\n");
    place.put(format!("{CUDA}/my notes.txt"), "amd64-cuda\r\namd64\r\n");
    place.put(format!("{CUDA}/data/blob.bin"), b"amd64\0\xff\xfe");
    let odd = OsStr::from_bytes(b"installation/amd64-cuda/caf\xe9 amd64");
    place.put(odd, "amd64");
    std::os::unix::fs::symlink("../../pyproject.toml", place.root.join(CUDA).join("link"))
        .expect("linked");
    place.put(format!("{CUDA}/envtpl.lock"), "locked for cuda\n");
    place.put(
        format!("{CUDA}/dependencies/locked/requirements.txt"),
        "wandb==0.17.1\n",
    );
    place.append(format!("{CUDA}/.env"), "# mine\nWANDB_API_KEY='s3cret'\n");
    place.set_mode(format!("{CUDA}/dependencies/requirements.txt"), 0o640);
    place
}

#[test]
fn an_installation_becomes_another_by_meaning() {
    let place = lived_in();
    edit(&place, &["amd64-cuda", "arm64-cpu"])
        .expect(0)
        .says("Turned");
    assert!(!place.has(CUDA));
    let compose = place.text(format!("{CPU}/compose.yaml"));
    assert!(compose.contains("platform: linux/arm64") && !compose.contains("linux/amd64"));
    assert!(!compose.contains("cuda"), "{compose}");
    assert!(
        compose.contains("source: /data/amd64, target: /data"),
        "{compose}"
    );
    let base = place.text(format!("{CPU}/compose-base.yaml"));
    assert!(
        base.contains("BASE_IMAGE: \"python:3.12-slim\"") && base.contains("BASE_ENTRYPOINT: \"\"")
    );
    let readme = place.text(format!("{CPU}/README.md"));
    assert!(readme.contains("on arm64-cpu\n"), "{readme}");
    assert!(readme.ends_with("We bought the amd64-cuda server in 2023; amd64 is fast.\n"));
    assert_eq!(
        place.text(format!("{CPU}/my notes.txt")),
        "amd64-cuda\r\namd64\r\n"
    );
    let env = place.text(format!("{CPU}/.env"));
    assert!(env.contains("\nIMAGE_PLATFORM=arm64-cpu\n") && env.contains("\nACCELERATION=cpu\n"));
    assert!(env.ends_with("# mine\nWANDB_API_KEY='s3cret'\n"));
    assert_eq!(place.mode(format!("{CPU}/.env")), 0o600);
    assert_eq!(
        place.mode(format!("{CPU}/dependencies/requirements.txt")),
        0o640
    );
    // What was frozen is not for this platform.
    assert!(!place.has(format!("{CPU}/envtpl.lock")));
    assert!(!place.has(format!("{CPU}/dependencies/locked/requirements.txt")));
    assert!(place.has(format!("{CPU}/dependencies/locked/README.md")));
    // What was set aside is nobody else's to read.
    let aside = ".envtpl/aside/amd64-cuda/from-python/original/.env";
    assert_eq!(place.mode(aside), 0o600);
}

#[test]
fn there_and_back_restores_every_byte() {
    let place = lived_in();
    let before = visible(&place);
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    let there = visible(&place);
    edit(&place, &["arm64-cpu", "amd64-cuda"])
        .expect(0)
        .says("restored");
    assert_eq!(visible(&place), before);
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    assert_eq!(visible(&place), there);
}

#[test]
fn what_happens_there_comes_back_merged() {
    let place = lived_in();
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    place.append(format!("{CPU}/compose.yaml"), "\n# made there\n");
    place.append(format!("{CPU}/dependencies/requirements.txt"), "seaborn\n");
    place.put(format!("{CPU}/envtpl.lock"), "locked for cpu\n");
    place.append(format!("{CPU}/.env"), "ENVTPL_REVISION=abc\n");
    edit(&place, &["arm64-cpu", "amd64-cuda"]).expect(0);
    let compose = place.text(format!("{CUDA}/compose.yaml"));
    assert!(
        compose.contains("dev-local-cuda") && compose.ends_with("# made there\n"),
        "{compose}"
    );
    assert!(
        place
            .text(format!("{CUDA}/dependencies/requirements.txt"))
            .ends_with("seaborn\n")
    );
    assert_eq!(
        place.text(format!("{CUDA}/envtpl.lock")),
        "locked for cuda\n"
    );
    let env = place.text(format!("{CUDA}/.env"));
    assert!(env.contains("\nIMAGE_PLATFORM=amd64-cuda\n") && env.contains("\nACCELERATION=cuda\n"));
    assert!(env.ends_with("ENVTPL_REVISION=abc\n"));
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    assert_eq!(place.text(format!("{CPU}/envtpl.lock")), "locked for cpu\n");
}

#[test]
fn edits_that_contradict_are_named_and_nothing_changes() {
    let place = lived_in();
    place.edit(
        format!("{CUDA}/compose.yaml"),
        "    platform: linux/amd64\n",
        "    platform: linux/amd64/v3\n",
    );
    place.edit(
        format!("{CUDA}/README.md"),
        "on amd64-cuda\n",
        "on our server\n",
    );
    let before = place.tree();
    edit(&place, &["amd64-cuda", "arm64-cpu"])
        .expect(1)
        .says("nothing was changed")
        .says("compose.yaml:")
        .says("linux/amd64/v3")
        .says("linux/arm64")
        .says("README.md:1")
        .says("on our server")
        .says("on arm64-cpu");
    assert_eq!(place.tree(), before);
}

/// A freeze names the base image by its digest, which is that of one platform's image.
#[test]
fn the_digest_of_a_frozen_base_image_stays_with_its_platform() {
    let place = lived_in();
    let base = format!("{CUDA}/compose-base.yaml");
    let digest = format!("@sha256:{}", "0a".repeat(32));
    let image = "nvcr.io/nvidia/pytorch:25.06-py3";
    place.edit(&base, image, &format!("{image}{digest}"));
    let before = place.text(&base);
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    let turned = place.text(format!("{CPU}/compose-base.yaml"));
    assert!(
        turned.contains("BASE_IMAGE: \"python:3.12-slim\"\n"),
        "{turned}"
    );
    edit(&place, &["arm64-cpu", "amd64-cuda"]).expect(0);
    assert_eq!(place.text(&base), before);
    // On the same machine it is the same image.
    edit(&place, &["amd64-cuda", "amd64-cuda-other"]).expect(0);
    let renamed = place.text("installation/amd64-cuda-other/compose-base.yaml");
    assert!(renamed.contains(&digest), "{renamed}");
    // One's own image is kept on another machine, and its digest is not.
    place.edit(
        "installation/amd64-cuda-other/compose-base.yaml",
        image,
        "registry.example/lab/base:7",
    );
    edit(&place, &["amd64-cuda-other", "arm64-cuda-other"])
        .expect(0)
        .says("base image of your own is kept: `registry.example/lab/base:7`\n");
    let kept = place.text("installation/arm64-cuda-other/compose-base.yaml");
    assert!(
        kept.contains("BASE_IMAGE: \"registry.example/lab/base:7\"\n"),
        "{kept}"
    );
}

#[test]
fn a_base_image_of_ones_own_is_kept_unless_another_is_given() {
    let place = lived_in();
    let base = format!("{CUDA}/compose-base.yaml");
    place.edit(
        &base,
        "\"nvcr.io/nvidia/pytorch:25.06-py3\"",
        "registry.example/lab/base:7 # ours",
    );
    edit(&place, &["amd64-cuda", "arm64-cuda"])
        .expect(0)
        .says("base image of your own is kept: `registry.example/lab/base:7`")
        .says("--base-image");
    let arm = "installation/arm64-cuda/compose-base.yaml";
    assert!(
        place
            .text(arm)
            .contains("BASE_IMAGE: registry.example/lab/base:7 # ours\n")
    );
    edit(
        &place,
        &[
            "arm64-cuda",
            "arm64-cpu",
            "--base-image",
            "python:3.11-slim",
        ],
    )
    .expect(1);

    let place = Place::empty();
    place
        .envtpl(["init", "-i", "amd64-cuda", "--base-image", "my/base:1"])
        .expect(0);
    edit(&place, &["amd64-cuda", "arm64-cpu"])
        .expect(0)
        .says("`my/base:1`");
    assert!(
        place
            .text(format!("{CPU}/compose-base.yaml"))
            .contains("\"my/base:1\"")
    );
    place.edit(format!("{CPU}/compose-base.yaml"), "my/base:1", "my/base:2");
    edit(
        &place,
        &["arm64-cpu", "amd64-cpu", "--base-image", "python:3.11-slim"],
    )
    .expect(0);
    let base = place.text("installation/amd64-cpu/compose-base.yaml");
    assert!(
        base.contains("\"python:3.11-slim\"") && !base.contains("my/base"),
        "{base}"
    );
}

#[test]
fn an_image_of_ones_own_without_quotes_is_named_and_can_be_replaced() {
    let place = lived_in();
    let base = format!("{CUDA}/compose-base.yaml");
    place.edit(&base, "\"nvcr.io/nvidia/pytorch:25.06-py3\"", "my/base:7");
    let copied = edit(
        &place,
        &["amd64-cuda", "arm64-cuda", "--copy", "--format", "json"],
    )
    .expect(0);
    assert_eq!(copied.json()["report"]["base_image"], "my/base:7");
    edit(
        &place,
        &["amd64-cuda", "arm64-cpu", "--base-image", "my/base:8"],
    )
    .expect(0);
    let base = place.text(format!("{CPU}/compose-base.yaml"));
    assert!(
        base.contains("\"my/base:8\"") && !base.contains("my/base:7"),
        "{base}"
    );
}

#[test]
fn compose_files_that_cannot_be_read_are_refused_with_the_line() {
    for (file, broken) in [
        ("compose.yaml", "services:\n  a: [\n"),
        ("compose.yaml", "# nothing\nservices: {}\n"),
        ("compose-base.yaml", "services: 3\n"),
    ] {
        let place = lived_in();
        place.put(format!("{CUDA}/{file}"), broken);
        let before = place.tree();
        edit(&place, &["amd64-cuda", "arm64-cpu"])
            .expect(2)
            .says(file);
        assert_eq!(place.tree(), before, "{broken}");
    }
}

#[test]
fn a_base_image_chosen_there_is_kept_on_the_way_back() {
    let place = lived_in();
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    let base = format!("{CPU}/compose-base.yaml");
    place.edit(base, "\"python:3.12-slim\"", "my/base:7");
    edit(&place, &["arm64-cpu", "amd64-cuda"])
        .expect(0)
        .says("`my/base:7`");
    let base = place.text(format!("{CUDA}/compose-base.yaml"));
    assert!(base.contains("BASE_IMAGE: my/base:7\n"), "{base}");
    assert_eq!(
        place.text(format!("{CUDA}/envtpl.lock")),
        "locked for cuda\n"
    );
    let compose = place.text(format!("{CUDA}/compose.yaml"));
    assert!(compose.contains("run-local-cuda") && compose.contains("source: /data/amd64"));
}

#[test]
fn a_copy_stands_beside_without_settings_and_lock() {
    let place = lived_in();
    let before = visible(&place);
    edit(&place, &["amd64-cuda", "amd64-cuda-env2", "--copy"])
        .expect(0)
        .says("envtpl env -i amd64-cuda-env2");
    let after = visible(&place);
    for (path, content) in &before {
        assert_eq!(after.get(path), Some(content), "{}", path.display());
    }
    let copy = "installation/amd64-cuda-env2";
    for absent in [
        ".env",
        "envtpl.lock",
        "dependencies/locked/requirements.txt",
    ] {
        assert!(!place.has(format!("{copy}/{absent}")), "{absent}");
    }
    assert_eq!(
        place.text(format!("{copy}/my notes.txt")),
        "amd64-cuda\r\namd64\r\n"
    );
    assert!(
        place
            .text(format!("{copy}/dependencies/requirements.txt"))
            .contains("wandb==0.17")
    );
    assert!(place.has(OsStr::from_bytes(
        b"installation/amd64-cuda-env2/caf\xe9 amd64"
    )));
    place.envtpl(["env", "-i", "amd64-cuda-env2"]).expect(0);
    let env = place.text(format!("{copy}/.env"));
    assert!(env.contains("\nIMAGE_PLATFORM=amd64-cuda-env2\n"), "{env}");
    assert!(
        place
            .text(format!("{copy}/README.md"))
            .contains("on amd64-cuda-env2\n")
    );
    // A variant that is renamed keeps what was frozen, since the machine is the same.
    edit(&place, &["amd64-cuda", "amd64-cuda-first"]).expect(0);
    assert!(place.has("installation/amd64-cuda-first/envtpl.lock"));
    edit(&place, &["amd64-cuda-first", "amd64-cuda"]).expect(0);
    assert!(place.has(format!("{CUDA}/envtpl.lock")));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let place = Place::scaffolded(&["amd64-cuda", "amd64-cpu"]);
    let before = place.tree();
    for name in bad_names() {
        for arguments in [["amd64-cuda", &name], [&name, "arm64-cpu"]] {
            place
                .envtpl([&["edit-platform", "--"], arguments.as_slice()].concat())
                .expect(2);
        }
    }
    edit(&place, &["amd64-cuda", "amd64-cpu"])
        .expect(2)
        .says("is there already");
    edit(&place, &["amd64-cuda", "amd64-cuda"])
        .expect(2)
        .says("is there already");
    edit(&place, &["amd64-cuda", "amd64-cpu", "--copy"]).expect(2);
    edit(&place, &["amd64-cuda", "arm64-rocm"])
        .expect(2)
        .says("AMD publishes ROCm");
    edit(&place, &["arm64-cpu", "arm64-cuda"])
        .expect(2)
        .says("amd64-cpu, amd64-cuda");
    edit(&place, &["amd64-cuda", "arm64-cpu", "--base-image", "a b"]).expect(2);
    let ended = edit(&place, &["amd64-cuda", "arm64-cpu", "--dry-run"]).expect(0);
    assert!(
        ended
            .stdout
            .contains("rename installation/amd64-cuda -> installation/arm64-cpu\n"),
        "{}",
        ended.stdout
    );
    assert_eq!(place.tree(), before);
    place.put(format!("{CUDA}/.env"), "A='open\n");
    edit(&place, &["amd64-cuda", "arm64-cpu"])
        .expect(2)
        .says(".env:1:");
    place.remove(format!("{CUDA}/.envtpl-record.yaml"));
    edit(&place, &["amd64-cuda", "arm64-cpu"])
        .expect(2)
        .says(".envtpl-record.yaml");
}

#[test]
fn names_with_underscores_and_of_older_projects_are_understood() {
    let place = Place::scaffolded(&["amd64-cuda"]);
    place
        .envtpl(["edit_platform", "docker-amd64-cuda", "arm64-cpu"])
        .expect(0);
    assert!(place.has(CPU) && !place.has(CUDA));
}

#[test]
fn files_of_an_older_envtpl_are_merged_through_git() {
    let place = Place::scaffolded(&["amd64-cuda"]);
    place.git(&["init", "--quiet"]);
    // As if an older envtpl had written another first line.
    let path = format!("{CUDA}/Dockerfile-user");
    let old = format!("# older\n{}", place.text(&path));
    place.put(&path, &old);
    let id = place.git(&["hash-object", "-w", &path]);
    let record = format!("{CUDA}/.envtpl-record.yaml");
    let text: String = place
        .text(&record)
        .lines()
        .map(|line| match line.strip_prefix("  Dockerfile-user: ") {
            Some(_) => format!("  Dockerfile-user: {}\n", id.trim()),
            None => format!("{line}\n"),
        })
        .collect();
    place.put(&record, &text);
    let mine = format!("{old}# mine\n");
    place.put(&path, &mine);
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    let merged = place.text(format!("{CPU}/Dockerfile-user"));
    assert!(
        !merged.contains("# older") && merged.ends_with("# mine\n"),
        "{merged}"
    );
    edit(&place, &["arm64-cpu", "amd64-cuda"]).expect(0);
    assert_eq!(place.text(&path), mine);

    // Without git's copy: unedited is replaced, edited is refused.
    place.remove(format!(".git/objects/{}/{}", &id[..2], &id.trim()[2..]));
    edit(&place, &["amd64-cuda", "amd64-cuda-x", "--copy"])
        .expect(1)
        .says("Dockerfile-user: another version of envtpl wrote it");
    place.put(&path, &old);
    edit(&place, &["amd64-cuda", "amd64-cuda-x", "--copy"]).expect(0);
    assert!(
        !place
            .text("installation/amd64-cuda-x/Dockerfile-user")
            .contains("# older")
    );
}

#[test]
fn a_file_with_windows_line_ends_merges() {
    let place = Place::scaffolded(&["amd64-cuda"]);
    let path = format!("{CUDA}/README.md");
    let text = place.text(&path).replace('\n', "\r\n");
    place.put(&path, &text);
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    let merged = place.text(format!("{CPU}/README.md"));
    assert!(merged.contains("on arm64-cpu\r\n"));
    assert!(!merged.replace("\r\n", "").contains('\n'));
    edit(&place, &["arm64-cpu", "amd64-cuda"]).expect(0);
    assert_eq!(place.text(&path), text);
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_or_the_new_installation() {
    let place = lived_in();
    place.survives_kills(
        &["edit-platform", "amd64-cuda", "arm64-cpu"],
        &["env", "--dry-run"],
    );
}

#[test]
fn a_kill_on_the_way_back_leaves_the_old_or_the_new_installation() {
    let place = lived_in();
    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    place.survives_kills(
        &["edit-platform", "arm64-cpu", "amd64-cuda"],
        &["env", "--dry-run"],
    );
}

#[test]
fn a_kill_leaves_no_part_of_a_copy() {
    let place = lived_in();
    place.survives_kills(
        &["edit-platform", "amd64-cuda", "amd64-cuda-x", "--copy"],
        &["env", "--dry-run", "-i", "amd64-cuda"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines put anywhere into any files: either the way there is refused and nothing changed, or
    /// the way back restores every byte.
    #[test]
    fn there_and_back_is_where_we_were(
        edits in proptest::collection::vec((0usize..40, 0usize..60, "[ -~é]{0,12}"), 1..5),
        target in proptest::sample::select(vec!["arm64-cpu", "amd64-rocm", "amd64-cuda-x", "arm64-cuda"]),
    ) {
        let place = Place::scaffolded(&["amd64-cuda"]);
        let paths: Vec<_> = visible(&place)
            .into_iter()
            .filter(|(path, (_, bytes))| {
                let name = path.file_name().expect("a name");
                path.starts_with(CUDA) && !bytes.is_empty()
                    && name != ".env" && name != ".envtpl-record.yaml" && name != "compose-base.yaml"
            })
            .map(|(path, _)| path)
            .collect();
        for (file, line, text) in edits {
            let path = &paths[file % paths.len()];
            let before = place.text(path);
            let mut lines: Vec<&str> = before.lines().collect();
            lines.insert(line % (lines.len() + 1), &text);
            place.put(path, lines.join("\n") + "\n");
        }
        let before = visible(&place);
        let there = edit(&place, &["amd64-cuda", target]);
        if there.status == 0 {
            edit(&place, &[target, "amd64-cuda"]).expect(0);
        } else {
            // 2: the line made a file into what it cannot be, such as two YAML documents.
            prop_assert!([1, 2].contains(&there.status), "{}", there.stderr);
        }
        prop_assert!(visible(&place) == before);
    }
}

#[test]
fn the_file_for_editors_goes_with_its_installation() {
    let place = Place::scaffolded(&["amd64-cuda"]);
    let (cuda, cpu) = (".devcontainer/amd64-cuda", ".devcontainer/arm64-cpu");
    let file = "devcontainer.json";
    place.edit(
        format!("{cuda}/{file}"),
        "      \"extensions\": [\"ms-python.python\"]\n",
        "      \"extensions\": [\"mine.own\"]\n",
    );
    place.put(format!("{cuda}/setup.sh"), "echo mine\n");
    let before = visible(&place);

    edit(&place, &["amd64-cuda", "arm64-cpu"]).expect(0);
    assert!(!place.has(cuda));
    let turned = place.text(format!("{cpu}/{file}"));
    assert!(turned.contains("\"../../installation/arm64-cpu/compose.yaml\""));
    assert!(turned.contains("\"service\": \"dev-local-cpu\"") && !turned.contains("cuda"));
    assert!(turned.contains("[\"mine.own\"]"), "{turned}");
    assert_eq!(place.text(format!("{cpu}/setup.sh")), "echo mine\n");
    edit(&place, &["arm64-cpu", "amd64-cuda"]).expect(0);
    assert_eq!(visible(&place), before);

    edit(&place, &["amd64-cuda", "amd64-rocm", "--copy"]).expect(0);
    assert_eq!(
        place.text(".devcontainer/amd64-rocm/setup.sh"),
        "echo mine\n"
    );
    let copied = place.text(format!(".devcontainer/amd64-rocm/{file}"));
    assert!(
        copied.contains("dev-local-rocm") && copied.contains("mine.own"),
        "{copied}"
    );

    // Who wants none is not given one again; somebody else's is not written over.
    place.remove(format!(".devcontainer/amd64-rocm/{file}"));
    edit(&place, &["amd64-rocm", "amd64-rocm-b"]).expect(0);
    assert!(!place.has(format!(".devcontainer/amd64-rocm-b/{file}")));
    place.put(format!(".devcontainer/amd64-cuda-b/{file}"), "{}\n");
    edit(&place, &["amd64-cuda", "amd64-cuda-b", "--copy"])
        .expect(2)
        .says("`.devcontainer/amd64-cuda-b/devcontainer.json` is there already");
}
