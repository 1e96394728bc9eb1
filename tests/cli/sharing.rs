//! What `push-generic`, `pull-generic` and their like refuse before any engine is asked.

use crate::desk::Desk;

#[test]
fn where_images_go_is_said_once_and_then_known() {
    let desk = Desk::with_installation();
    for (command, says) in [
        (
            "push-generic",
            "envtpl push-generic registry.example/lab/project",
        ),
        ("push-user", "envtpl push-user registry.example/lab/project"),
        ("push", "envtpl push-generic registry.example/lab/project"),
        (
            "pull-generic",
            "envtpl pull-generic registry.example/lab/project",
        ),
        ("pull-user", "envtpl pull-user registry.example/lab/project"),
    ] {
        desk.envtpl(&[command])
            .expect(2)
            .says("nothing says where")
            .says(says);
    }
    // The names that older projects have for them.
    desk.envtpl(&["push_generic"])
        .expect(2)
        .says("nothing says where");
    desk.envtpl(&["pull_generic"])
        .expect(2)
        .says("nothing says where");
}

#[test]
fn what_is_no_repository_is_refused_with_what_it_should_be() {
    let desk = Desk::with_installation();
    for command in ["push-generic", "pull-generic"] {
        desk.envtpl(&[command, "registry.example/lab/p:latest"])
            .expect(2)
            .says("ends with the tag `:latest`, which envtpl adds by itself");
        desk.envtpl(&[command, "https://registry.example/p"])
            .expect(2)
            .says("is no repository of images");
        desk.envtpl(&[command, "IC/p"])
            .expect(2)
            .says("there is no registry `IC` in envtpl.yaml")
            .says("registries: {IC: registry.example/lab}");
    }
    desk.envtpl(&["push-generic", "--remember"])
        .expect(2)
        .says("REF");
    desk.write("envtpl.yaml", "registry:\n  IC: registry.example\n");
    desk.envtpl(&["push-generic"])
        .expect(2)
        .says("envtpl.yaml:1:1")
        .says("`registry` is no setting")
        .says("settings there are: registries, images");
}
