//! What is in an image, and what is not.

use crate::workshop::{Workshop, docker};

#[test]
fn images_hold_no_keys_passwords_caches_or_build_tools() {
    let shop = Workshop::new("clean");
    shop.write("dependencies/apt-build.txt", "gcc\n");
    shop.write("dependencies/apt-dev.txt", "sudo\nopenssh-server\n");
    shop.commit("more");
    shop.envtpl(&["build"]).expect(0);
    for image in [
        "run-latest-root",
        "dev-latest-root",
        "run-latest-alice",
        "dev-latest-alice",
    ] {
        let found = shop.in_image(
            image,
            "ls /etc/ssh/ssh_host_* /var/lib/apt/lists/*Packages* /var/lib/apt/lists/*InRelease* \
                 /var/cache/apt/archives/*.deb /root/.cache /tmp/* 2>/dev/null; \
                 awk -F: '$2 ~ /^\\$/' /etc/shadow; find / -xdev -name uv -type f",
        );
        assert_eq!(found.stdout, "", "{image}");
        let history = docker(&[
            "history",
            "--no-trunc",
            "--format={{.CreatedBy}}",
            &shop.tag(image),
        ])
        .expect(0);
        assert!(
            !history.stdout.to_lowercase().contains("passw"),
            "{}",
            history.stdout
        );
    }
    shop.in_image(
        "run-latest-root",
        "command -v gcc || command -v sudo || command -v sshd",
    )
    .expect(127);
}

#[test]
fn an_image_works_for_any_user_without_envtpl() {
    let shop = Workshop::new("any-user");
    shop.envtpl(&["build-generic"]).expect(0);
    let image = shop.tag("run-latest-root");
    let ended = docker(&[
        "run",
        "--rm",
        "--network=none",
        "--user=4242:4242",
        &image,
        "id",
        "-u",
    ])
    .expect(0);
    assert_eq!(ended.stdout, "4242\n");
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{}", ended.stderr);
    assert!(told[0].contains("number 4242"), "{}", ended.stderr);
    assert!(told[1].contains("PROJECT_ROOT_AT"), "{}", ended.stderr);
}

#[test]
fn the_records_of_a_build_are_in_the_image() {
    let shop = Workshop::new("records");
    shop.envtpl(&["build-generic"]).expect(0);
    let listed = shop
        .in_image("run-latest-root", "cat /opt/envtpl/base.json")
        .expect(0);
    let base: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(base["schema"], 1);
    let run = shop
        .in_image("run-latest-root", "cat /opt/envtpl/run.json")
        .expect(0);
    assert!(run.stdout.contains("\"six\"") && run.stdout.contains("\"jq\""));
    assert!(
        !base["python"]["distributions"]
            .to_string()
            .contains("\"six\"")
    );
    shop.in_image("run-latest-root", "cmp /opt/envtpl/dependencies/requirements.txt - <<'END'\n# what builds the project, and one small package\nhatchling\neditables\nsix==1.17.0\nEND").expect(0);
}
