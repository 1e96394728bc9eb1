//! What `envtpl check` says of a Dockerfile that can be built, and hardly does what it looks like.

use crate::desk::Desk;

/// A Dockerfile in stages, taken apart by hand to debug it, as people do: the build of OpenCV in
/// a well-known course, with the faults that such files have.
const TAKEN_APART: &str = r#"ARG ubuntu_ver=22.04
ARG cuda_ver
FROM ubuntu:$ubuntu_ver AS prep-stage
ENV DEBIAN_FRONTEND=noninteractive
RUN echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections
RUN . /usr/local/Dev/build_env.sh && cmake_command="-D CMAKE_BUILD_TYPE=RELEASE \
-D CMAKE_EXPORT_COMPILE_COMMANDS=on \
-D PYTHON_DEFAULT_EXECUTABLE=$(which python3) \
-D PYTHON3_INCLUDE_DIR=${py3_inc_dir} \
-D BUILD_EXAMPLES=ON .." && echo ${cmake_command} && echo ${cmake_command} > cmake_command.txt && cmake ${cmake_command}
RUN echo $(cmake -LA) > cmake_vars.txt
RUN echo $(sed 's/-D /\\n-D /g' cmake_command.txt) > cmake_command_splitted.txt

FROM prep-stage AS build-stage
ARG ocv_ver
ARG ocv_build_dir=/usr/local/Dev/opencv-${ocv_ver}/build/
ARG build_thread_count
RUN make -j${build_thread_count}; exit 0
RUN make -j${build_thread_count} || true

FROM prep-stage AS test-stage
RUN make -j${build_thread_count}
RUN echo $(python3 -c "import cv2 as cv; print(cv.__version__)")
RUN echo $(pip3 list | grep numpy) > pip3_numpy_version.txt

FROM scratch AS export-stage
ARG ocv_ver
ARG ocv_build_dir=/usr/local/Dev/opencv-${ocv_ver}/build/
COPY --from=prep-stage ${ocv_build_dir}cmake_command.txt .
COPY --from=build-stage ${ocv_build_dir}compile_commands.json .
"#;

/// What is said of a Dockerfile whose stages `run` and `dev` are built: `line: severity: message`.
fn said(dockerfile: &str, run: &str, dev: &str) -> Vec<String> {
    let desk = Desk::with_installation();
    desk.envtpl(&["env", "-i", "amd64-cpu"]).expect(0);
    let path = |file: &str| format!("installation/amd64-cpu/{file}");
    desk.write(&path("Dockerfile"), dockerfile);
    let compose = desk.text(&path("compose.yaml"));
    let compose = compose.replace("target: runtime-generic", &format!("target: {run}"));
    let compose = compose.replace("target: development-generic", &format!("target: {dev}"));
    desk.write(&path("compose.yaml"), compose);
    let checked = desk.envtpl(&["check", "--no-engine", "--format", "json"]);
    let report = checked.json();
    let findings = report["findings"].as_array().expect("a list").clone();
    let own = findings.iter().filter(|finding| {
        let file = finding["file"].as_str().unwrap_or_default();
        // That it differs from the template is no news here.
        file.ends_with("/Dockerfile") && finding["line"].is_number()
    });
    own.map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        assert!(
            finding["help"]
                .as_array()
                .is_some_and(|help| !help.is_empty()),
            "no fix: {finding}"
        );
        format!(
            "{}: {}: {}",
            finding["line"],
            text("severity"),
            text("message")
        )
    })
    .collect()
}

/// As [`said`], of commands in a stage of their own on an image.
fn of(commands: &str) -> Vec<String> {
    said(&format!("FROM debian AS all\n{commands}\n"), "all", "all")
}

#[test]
fn a_dockerfile_that_was_taken_apart_by_hand_has_most_of_the_faults() {
    let mut found = said(TAKEN_APART, "export-stage", "export-stage");
    found.sort_by_key(|line| {
        line.split(':')
            .next()
            .and_then(|line| line.parse::<usize>().ok())
    });
    let no_value = |name: &str, line: usize| {
        format!(
            "`{name}` is empty here: its ARG line {line} has no default, and no Compose file gives \
             it a value"
        )
    };
    let expected = [
        "2: warning: `ARG cuda_ver` before FROM has no default, and no Compose file gives it a value"
            .to_owned(),
        "11: warning: `echo` succeeds even when `cmake` in it fails, and joins its lines".to_owned(),
        format!("16: warning: {}", no_value("ocv_ver", 15)),
        format!("18: warning: {}", no_value("build_thread_count", 17)),
        "18: warning: `exit 0` hides that `make` fails: the failure is kept in the cache, as a \
         success"
            .to_owned(),
        format!("19: warning: {}", no_value("build_thread_count", 17)),
        "19: warning: `true` hides that `make` fails: the failure is kept in the cache, as a success"
            .to_owned(),
        "21: note: stage `test-stage` is in no build: nothing takes from it".to_owned(),
        "22: warning: `build_thread_count` is empty here: what line 17 defines is not seen by stage \
         `test-stage`"
            .to_owned(),
        "23: warning: `echo` succeeds even when `python3` in it fails, and joins its lines".to_owned(),
        "24: warning: `echo` succeeds even when `pip3` in it fails, and joins its lines".to_owned(),
        format!("28: warning: {}", no_value("ocv_ver", 27)),
    ];
    assert_eq!(found, expected, "{found:#?}");
}

#[test]
fn variables_are_missed_only_where_nobody_can_set_them() {
    let found = of(
        "RUN make -j${threads}\nRUN \\\n  # c\n  cp /a /$where/b\nCOPY x ${nowhere}\nRUN --mount=type=bind,from=${x},target=/a ls",
    );
    assert_eq!(
        found,
        [
            "2: warning: `threads` is defined by no ARG or ENV of stage `all`, and is empty unless `debian` sets it",
            "5: warning: `where` is defined by no ARG or ENV of stage `all`, and is empty unless `debian` sets it",
            "6: warning: `nowhere` is defined by no ARG or ENV of stage `all`, and is empty unless `debian` sets it",
            "7: warning: `x` is defined by no ARG or ENV of stage `all`, and is empty unless `debian` sets it",
        ]
    );
    let fine = of(
        "ARG A=1 B=$A\nENV C=$B PATH=/x:$PATH\nRUN n=$(nproc); for f in *; do make -j$n $f $A $C; done\n\
        RUN echo $HOME ${D:-1} '$E' \\$F \"$HTTP_PROXY\" $PYTHONPATH\n\
        RUN . ./env.sh && echo $G\nRUN <<EOF\nread -r h <f\necho $h\nEOF\nRUN <<EOF\n#!/usr/bin/env python3\nprint('$x')\nEOF\n\
        RUN [\"echo\", \"$I\"]\nCMD echo $J\nRUN --mount=type=secret,id=k,env=K echo \"$K\"\n\
        SHELL [\"powershell\", \"-command\"]\nRUN echo $L",
    );
    assert_eq!(fine, [] as [&str; 0]);
    let heredoc = of("RUN cat <<EOF >/f && ls\na\n$missing\nEOF\n");
    assert!(
        heredoc[0].starts_with("4: warning: `missing` is defined"),
        "{heredoc:?}"
    );
    let platform = of("RUN get $TARGETARCH\nARG TARGETARCH\nRUN get $TARGETARCH");
    assert_eq!(platform.len(), 1, "{platform:?}");
    assert!(
        platform[0].starts_with("2: warning: `TARGETARCH` is empty here"),
        "{platform:?}"
    );
}

#[test]
fn a_failure_is_hidden_by_what_comes_behind_it() {
    let said =
        of("RUN make ; true\nRUN a | tee b\nRUN x && (make || :)\nRUN printf '%s' \"$(make)\"");
    assert_eq!(
        said,
        [
            "2: warning: `true` hides that `make` fails: the failure is kept in the cache, as a success",
            "3: warning: when `a` fails and `tee` does not, the step succeeds",
            "4: warning: `:` hides that `make` fails: the failure is kept in the cache, as a success",
            "5: warning: `printf` succeeds even when `make` in it fails, and joins its lines",
        ]
    );
    let fine = of(
        "RUN rm -f x || true\nRUN set -e; make; exit 0\nRUN echo y | apt-key add -\n\
        RUN if a | grep -q b; then c; fi\nRUN a | b || exit 1\nRUN echo \"$(date) $(nproc)\"\n\
        SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\nSHELL [\"/bin/sh\", \"-c\"]\n\
        RUN <<EOF\nset -euo pipefail\na | b\nEOF\n",
    );
    assert_eq!(fine, [] as [&str; 0]);
}

#[test]
fn downloads_packages_and_secrets_are_looked_at() {
    let said = of(
        "ADD https://example.org/x.tar.gz /x\nRUN curl -fsSLO https://example.org/y.sh && sh y.sh\n\
        RUN apt-get update\nRUN apt-get install -y gcc\nARG API_TOKEN\nENV DB_PASSWORD=hunter2 OK=1\n\
        ENV INDEX=https://me:pw@example.org/simple",
    );
    assert_eq!(
        said,
        [
            "3: warning: what `curl` fetches is compared with no checksum",
            "5: warning: packages are installed with the lists of an older step, which its cache keeps for as long as it likes, or with none",
            "2: warning: `https://example.org/x.tar.gz` is fetched without a checksum",
            "6: warning: `API_TOKEN` sounds like a secret, and an ARG stays in the image's history",
            "7: warning: `DB_PASSWORD` sounds like a secret, and an ENV stays in the image's history",
            "8: error: `INDEX` holds a secret, which everybody who has the image can read",
        ]
    );
    let fine = of(
        "ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.org/x /x\n\
        ADD https://example.org/r.git#v1 /r\nADD x /y\nRUN wget https://example.org/y && sha256sum -c y.sum\n\
        RUN curl -sI https://example.org\nRUN curl http://localhost:1/x -o y\n\
        RUN apt-get update && apt-get install -y --no-install-recommends gcc\nRUN apt-get install -y ./local.deb\n\
        RUN --mount=type=cache,target=/var/lib/apt/lists apt-get install -y gcc\n\
        ENV GPG_KEY=E3FF2839 TOKENIZERS_PARALLELISM=false KEY_FILE=/run/secrets/key",
    );
    assert_eq!(fine, [] as [&str; 0]);
}

#[test]
fn a_side_stage_is_named_with_how_to_build_it() {
    let said = said(
        "FROM debian AS all\nFROM all AS tests\nRUN pytest\nFROM tests AS more\nRUN x\nFROM all AS dev\n",
        "all",
        "dev",
    );
    assert_eq!(
        said,
        [
            "2: note: stage `tests` is in no build: only more takes from it, left out too",
            "4: note: stage `more` is in no build: nothing takes from it",
        ]
    );
}
