//! What `export` refuses before anything is built; a script stands in for Docker, and fails where
//! a build is begun.

use crate::desk::Desk;

const DOCKERFILE: &str = "\
FROM debian:12 AS prep
RUN prepare
FROM scratch AS results
COPY --from=prep /out /
FROM results AS report
FROM prep AS development-generic
";

/// What a Dockerfile for the user's layer has.
const USER: &str = "FROM development-generic AS development-user\n";

/// A project with these stages; what is exported at last would be built.
fn project() -> Desk {
    let service = |name: &str, dockerfile: &str| {
        format!(r#""{name}":{{"image":"lab/{name}","build":{{"dockerfile":"{dockerfile}"}}}}"#)
    };
    let docker = format!(
        r#"case "$1 $2" in
        "compose config") echo '{{"name":"demo","services":{{{},{},"db":{{"image":"postgres"}}}}}}' ;;
        "buildx bake") echo "ERROR: it is built" >&2; exit 1 ;;
        *) echo "unexpected: $*" >&2; exit 64 ;;
        esac"#,
        service("image-dev-root", "Dockerfile"),
        service("image-dev-user", "Dockerfile-user"),
    );
    let desk = Desk::new()
        .program("docker", &docker)
        .variable("DOCKER_HOST", "tcp://engine.lab:2376");
    desk.envtpl(&["init", "--yes", "-i", "amd64-cpu", "--project-name", "demo"])
        .expect(0);
    desk.write("installation/amd64-cpu/Dockerfile", DOCKERFILE);
    desk.write("installation/amd64-cpu/Dockerfile-user", USER);
    desk
}

/// What would be built says so, and leaves nothing behind.
const BUILT: &str = "it is built";

#[test]
fn a_stage_or_service_that_is_not_there_is_told_with_those_that_are() {
    let desk = project();
    let export = |words: &[&str]| desk.envtpl(&[&["export", "-o", "out"], words].concat());
    let stages = "stages there are: prep, results, report, development-generic";
    export(&["prepp", "/out"])
        .expect(2)
        .says("installation/amd64-cpu/Dockerfile")
        .says("the Dockerfile has no stage `prepp`")
        .says(stages);
    export(&["prep", "/out", "--fresh", "prp"])
        .expect(2)
        .says("no stage `prp`")
        .says(stages);
    // A stage of the user's layer is found without a word of it, and one of another name is not.
    export(&["development-user", "/out"]).expect(1).says(BUILT);
    export(&["development-generic", "/out", "--service=image-dev-user"])
        .expect(2)
        .says("installation/amd64-cpu/Dockerfile-user")
        .says("stages there are: development-user");
    export(&["prep", "/out", "--service=no-such"])
        .expect(2)
        .says("there is no service `no-such`")
        .says("services there are: ")
        .says("image-dev-root");
    export(&["prep", "/out", "--service=db"])
        .expect(2)
        .says("service `db` is not built");
    desk.write("installation/amd64-cpu/Dockerfile", "FROM debian:12\n");
    export(&["prep", "/out"])
        .expect(2)
        .says("none of its stages has a name: `FROM … AS prep` gives one");
    assert!(!desk.has("out"));
}

#[test]
fn a_whole_system_is_wanted_only_when_that_is_said() {
    let desk = project();
    let export = |words: &[&str]| desk.envtpl(&[&["export", "-o", "out"], words].concat());
    for stage in ["prep", "development-generic"] {
        export(&[stage])
            .expect(2)
            .says("installation/amd64-cpu/Dockerfile:")
            .says(&format!("`{stage}` holds a whole system"))
            .says("--all");
    }
    export(&["prep", "--all"]).expect(1).says(BUILT);
    // What starts from scratch holds what was put into it, however far away that is.
    for stage in ["results", "report"] {
        export(&[stage]).expect(1).says(BUILT);
    }
    export(&["prep", "/out", "--all"])
        .expect(2)
        .says("cannot be used with");
    export(&["prep", "/a/log", "/b/log"])
        .expect(2)
        .says("two of the paths come to the name `log`");
    export(&["prep", "/out/../etc"]).expect(2);
    assert!(!desk.has("out"));
}

#[test]
fn an_output_that_cannot_be_is_refused_before_anything_is_built() {
    let desk = project();
    let export = |output: &str| desk.envtpl(&["export", "prep", "/out", "-o", output]);
    desk.write("file", "mine");
    desk.write("results.tar/mine", "mine");
    desk.write("mine/thesis.tex", "years");
    export("file").expect(2).says("a file stands where");
    export("results.tar")
        .expect(2)
        .says("it is a directory, and a tar file is asked for");
    export("mine").expect(2).says("no export put there");
    for own in [".", "..", "installation/amd64-cpu/out", ".envtpl/out"] {
        export(own).expect(2).says("the project is in it");
    }
    for packed in ["out.tar.gz", "out.tgz", "deep/out.zip"] {
        export(packed)
            .expect(2)
            .says("an export is a directory or a plain tar file")
            .says("-o - | gzip");
    }
    let before = desk.names();
    // Nothing can be made in these, not even by root.
    for output in [
        "file/out",
        "file/out.tar",
        "/proc/none/out",
        "/proc/none/out.tar",
    ] {
        let refused = export(output);
        assert_ne!(refused.status, 0);
        let refused = refused.says("cannot create `");
        assert!(!refused.stderr.contains(BUILT), "{}", refused.stderr);
    }
    assert_eq!(desk.text("file"), "mine");
    assert_eq!(desk.text("results.tar/mine"), "mine");
    assert_eq!(desk.text("mine/thesis.tex"), "years");
    // A build that fails changes nothing either.
    desk.envtpl(&["export", "prep", "/out", "-o", "mine", "--replace"])
        .expect(1)
        .says(BUILT);
    assert_eq!(desk.text("mine/thesis.tex"), "years");
    assert_eq!(desk.names(), before);
}

#[test]
fn a_terminal_is_sent_no_tar_file() {
    let desk = project();
    let (status, seen) = desk.envtpl_on_a_terminal(&["export", "prep", "/out", "-o", "-"]);
    assert_eq!(status, 2, "{seen}");
    assert!(seen.contains("a terminal cannot show a tar file"), "{seen}");
    assert!(!seen.contains(BUILT), "{seen}");
    let piped = desk
        .envtpl(&["export", "prep", "/out", "-o", "-"])
        .expect(1);
    assert_eq!(piped.says(BUILT).stdout, "");
}
