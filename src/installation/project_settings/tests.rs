use super::*;

fn settings(text: &str) -> Result<ProjectSettings> {
    ProjectSettings::parse(Path::new(FILE), text)
}

fn name(text: &str) -> Name {
    text.parse().expect(text)
}

#[test]
fn nothing_is_set_without_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let settings = ProjectSettings::read(directory.path()).expect("none");
    assert_eq!(settings.text(), "");
    assert_eq!(
        settings.repository(&name("amd64-cpu"), Layer::Generic),
        None
    );
    assert_eq!(settings.resolve("me/project").expect("one"), "me/project");
}

#[test]
fn aliases_stand_for_places_in_registries() {
    let text = "registries:\n  IC: ic-registry.example:5000/lab\n  here: localhost:5000\n";
    let settings = settings(text).expect("valid");
    for (written, full) in [
        ("IC/me/project", "ic-registry.example:5000/lab/me/project"),
        ("here/p", "localhost:5000/p"),
        ("IC", "ic-registry.example:5000/lab"),
        ("Registry.example/me/p", "Registry.example/me/p"),
        ("me/p", "me/p"),
    ] {
        let resolved = settings.resolve(written);
        match resolved {
            Ok(resolved) => assert_eq!(resolved, full),
            Err(error) => assert!(error.message().contains("upper case"), "{written}: {error}"),
        }
    }
    let error = settings.resolve("RCP/me/p").expect_err("no alias");
    assert_eq!(error.message(), "there is no registry `RCP` in envtpl.yaml");
    assert_eq!(error.helps()[1], "registries there are: IC, here");
    for wrong in ["IC/me/p:latest", "me/p@sha256:0", "me//p", ""] {
        let error = settings.resolve(wrong).expect_err(wrong);
        assert!(error.message().contains("is no repository"), "{error}");
    }
}

#[test]
fn an_installation_may_have_places_of_its_own() {
    let text = "registries: {IC: i.example}\nimages:\n  generic: IC/p\n  user: IC/p\n  docker-amd64-cuda:\n    generic: IC/big\n";
    let settings = settings(text).expect("valid");
    let at = |installation, layer| {
        let name = name(installation);
        settings.repository(&name, layer).map(str::to_owned)
    };
    assert_eq!(at("arm64-cpu", Layer::Generic).as_deref(), Some("IC/p"));
    assert_eq!(at("amd64-cuda", Layer::Generic).as_deref(), Some("IC/big"));
    assert_eq!(at("amd64-cuda", Layer::User).as_deref(), Some("IC/p"));
    let (_, place) = settings.installations().next().expect("one");
    assert_eq!(place.line_number(), Some(5));
}

#[test]
fn what_cannot_be_is_told_with_its_line() {
    for (text, line, told) in [
        (
            "registries: {}\nregistry: {}\n",
            2,
            "`registry` is no setting",
        ),
        ("- a\n", 1, "the file holds no names"),
        ("registries: [a]\n", 1, "`registries` holds no names"),
        ("registries:\n  a.b: c\n", 2, "`registries.a.b` is no alias"),
        (
            "registries:\n  localhost: c\n",
            2,
            "is a registry by itself",
        ),
        ("registries:\n  IC: 5\n", 2, "`registries.IC` is no text"),
        (
            "registries:\n  IC: 'https://i.example/lab'\n",
            2,
            "no place in a registry",
        ),
        (
            "registries:\n  IC: i.example/lab/\n",
            2,
            "a part between slashes is empty",
        ),
        ("images:\n  generic: IC/p\n", 2, "there is no registry `IC`"),
        ("images:\n  generic: me/p:1\n", 2, "ends with the tag"),
        (
            "images:\n  gneric: me/p\n",
            2,
            "neither `generic` nor `user`",
        ),
        (
            "images:\n  amd64-cpu:\n    all: me/p\n",
            3,
            "`images.amd64-cpu.all` is no setting",
        ),
        ("images:\n  1: me/p\n", 2, "has a name that is no text"),
    ] {
        let error = settings(text).expect_err(text);
        assert!(error.message().contains(told), "{text}: {error}");
        assert_eq!(
            error.places()[0].line_number(),
            Some(line),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_is_remembered_leaves_the_rest_as_it_is() {
    for (before, after) in [
        (
            "",
            "# Settings of this project, for everybody who works on it.\nimages:\n  generic: IC/p\n",
        ),
        ("# mine\n", "# mine\nimages:\n  generic: IC/p\n"),
        (
            "registries: {IC: i.example} # ours\n# end\n",
            "registries: {IC: i.example} # ours\n# end\nimages:\n  generic: IC/p\n",
        ),
        (
            "images: # here\n  user: me/u # why\n\nregistries:\n  IC: i.example\n",
            "images: # here\n  user: me/u # why\n  generic: IC/p\n\nregistries:\n  IC: i.example\n",
        ),
        (
            "registries: {IC: i.example}\nimages:\n  # all\n  generic: me/p # old\n  arm64-cpu: {user: me/x}\n",
            "registries: {IC: i.example}\nimages:\n  # all\n  generic: IC/p # old\n  arm64-cpu: {user: me/x}\n",
        ),
        (
            "registries: {IC: i.example}\nimages:\n  generic: me/p\n  arm64-cpu: {generic: me/x} # own\n",
            "registries: {IC: i.example}\nimages:\n  generic: me/p\n  arm64-cpu: {generic: IC/p} # own\n",
        ),
    ] {
        // An alias must be there before it can be remembered.
        let (repository, after) = match before.contains("IC:") {
            true => ("IC/p", after.to_owned()),
            false => ("me/q", after.replace("IC/p", "me/q")),
        };
        let mut settings = settings(before).expect(before);
        let arm = name("arm64-cpu");
        assert!(
            settings
                .remember(&arm, Layer::Generic, repository)
                .expect(before)
        );
        assert_eq!(settings.text(), after);
        assert_eq!(settings.repository(&arm, Layer::Generic), Some(repository));
        assert!(
            !settings
                .remember(&arm, Layer::Generic, repository)
                .expect("the same")
        );
        assert_eq!(settings.text(), after);
    }
}
