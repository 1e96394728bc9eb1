use std::path::Path;

use super::*;

fn file(text: &str) -> Dockerfile {
    Dockerfile::parse(Path::new("Dockerfile"), text).expect("valid")
}

const WRAPPED: Treatment<'_> = Treatment::Wrapped {
    number: "1",
    then: "",
};

fn shell() -> Vec<String> {
    default_shell()
}

/// What stands between the copied wrapper and what collects, for the instruction at a line.
fn wrapped(text: &str, line: usize, shell: &[String]) -> String {
    let file = file(text);
    let at = file.at_line(line).expect("there");
    let derived = file.collecting(at, WRAPPED, shell);
    // It is itself a Dockerfile.
    self::file(&derived);
    let (_, rest) = derived
        .split_once(" /.envtpl-debug/\n")
        .expect("the wrapper");
    let (own, _) = rest
        .split_once("COPY --from=envtpl-debug")
        .expect("what collects");
    own.to_owned()
}

const BEFORE: &str = "SHELL [\"/bin/sh\",\"/.envtpl-debug/run\",\"1\",\"/bin/sh\",\"-c\"]\n";
const AFTER: &str = "\nSHELL [\"/bin/sh\",\"-c\"]\n";

#[test]
fn a_shell_form_stays_byte_for_byte_what_it_is() {
    for run in [
        "RUN make -j4 # all of it",
        "RUN make \\\n  # why\n  && make install",
        "RUN make \\\r\n  -j4",
        "RUN <<EOF\n#!/usr/bin/env python3\nprint('$x')\nEOF",
        "RUN python3 - <<'A' && cat <<-B\nprint(1)\nA\n\ttext\n\tB",
        "run --mount=type=cache,target=/c --network=none --security=insecure make",
        "RUN [ -e x ] && echo '[\"a\"]'",
    ] {
        let text = format!("FROM x AS y\nENV A=b\n{run}\nRUN later\n");
        assert_eq!(wrapped(&text, 3, &shell()), format!("{BEFORE}{run}{AFTER}"));
    }
}

#[test]
fn everything_before_it_stays_too_and_what_comes_after_goes() {
    let before = "# syntax=x\r\n# escape=`\r\nARG V=1\r\nFROM a AS one\r\nRUN x `\r\n  y\r\n\r\n\
                  # two\r\nFROM one\r\nONBUILD RUN z\r\n  ";
    let text = format!("{before}RUN fails C:\\ `\r\n\r\n  twice\r\nFROM one AS last\r\n");
    let file = file(&text);
    let at = file.at_line(12).expect("there");
    let derived = file.collecting(at, WRAPPED, &shell());
    assert!(derived.starts_with(before));
    assert!(derived.contains("\nRUN fails C:\\ `\r\n\r\n  twice\nSHELL"));
    assert!(!derived.contains("last"));
    assert!(derived.ends_with("COPY --from=1 /.envtpl-debug/out/ /\n"));
}

#[test]
fn a_continuation_at_the_end_of_the_file_swallows_nothing() {
    for end in [
        "make \\",
        "make \\\n",
        "make \\\n  # why\n",
        "make \\ \n\n#x\n\n",
    ] {
        let text = format!("FROM x\nRUN {end}");
        assert_eq!(
            wrapped(&text, 2, &shell()),
            format!("{BEFORE}RUN make{AFTER}")
        );
    }
    let text = "# escape=`\nFROM x\nRUN dir C:\\ `\n";
    assert_eq!(
        wrapped(text, 3, &shell()),
        format!("{BEFORE}RUN dir C:\\{AFTER}")
    );
}

#[test]
fn an_exec_form_gets_the_wrapper_in_front_of_its_list() {
    let text = "FROM x\nRUN --network=none \\\n  [ \"make\", \"-j\" ]\n";
    assert_eq!(
        wrapped(text, 2, &shell()),
        "RUN --network=none \\\n  [\"/bin/sh\",\"/.envtpl-debug/run\",\"1\",  \"make\", \"-j\" ]\n"
    );
}

#[test]
fn the_shell_of_the_stage_chain_is_wrapped_and_comes_back() {
    let text = "FROM x AS one\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nFROM one\n\
                RUN a\nSHELL [\"/usr/bin/python3\", \"-c\"]\nRUN b\n";
    let file = file(text);
    let shell = |line| {
        let at = file.at_line(line).expect("there");
        file.shell_at(at, &[1, 0]).expect("set")
    };
    assert_eq!(shell(4), ["/bin/bash", "-o", "pipefail", "-c"]);
    assert_eq!(shell(6), ["/usr/bin/python3", "-c"]);
    assert_eq!(file.shell_at(file.at_line(1).expect("there"), &[0]), None);
    assert!(wrapped(text, 4, &shell(4)).starts_with("SHELL [\"/bin/bash\",\"/.envtpl-debug/run\""));
    let python = wrapped(text, 6, &shell(6));
    let before = "SHELL [\"/bin/sh\",\"/.envtpl-debug/run\",\"1\",\"/usr/bin/python3\",\"-c\"]\n";
    assert_eq!(
        python,
        format!("{before}RUN b\nSHELL [\"/usr/bin/python3\",\"-c\"]\n")
    );
}

#[test]
fn mounts_are_there_for_what_collects_and_secrets_are_not() {
    let text = "FROM x\nRUN --mount=type=secret,id=a --mount=type=ssh --network=none \
                --mount=id=c,type=cache,target=/c --mount=target=/s,source=. make\n";
    let file = file(text);
    let at = file.at_line(2).expect("there");
    let derived = file.collecting(at, WRAPPED, &shell());
    let mounts = "--mount=id=c,type=cache,target=/c --mount=target=/s,source=. ";
    for script in ["probe", "collect"] {
        let line = format!("\nRUN {mounts}[\"/bin/sh\",\"/.envtpl-debug/{script}\"]\n");
        assert!(derived.contains(&line), "{derived}");
    }
}

#[test]
fn before_a_step_there_is_everything_but_the_step() {
    let text = "FROM x\nUSER nobody\nCOPY missing /\nRUN later\n";
    let file = file(text);
    let at = file.at_line(3).expect("there");
    let derived = file.collecting(at, Treatment::Before, &shell());
    assert!(derived.starts_with("FROM x\nUSER nobody\nCOPY --from=envtpl-debug"));
    assert!(!derived.contains("missing"));
    let user = derived.find("USER 0").expect("root");
    assert!(user < derived.find("probe").expect("asked"));
    assert_eq!(file.through(at), "FROM x\nUSER nobody\nCOPY missing /\n");
}

#[test]
fn what_changed_since_a_step_failed_is_run_on_top_of_it() {
    let old = "FROM x AS a\nRUN one\nRUN fails\nRUN later\nFROM a AS b\nRUN other\n";
    for (new, expected) in [
        // Nothing changed: the step again.
        (old, Some(2..=2)),
        ("FROM x AS a\nRUN one\nRUN fixed\nRUN later\n", Some(2..=2)),
        (
            "FROM x AS a\nRUN one\nRUN added\nRUN fails\nRUN later\n",
            Some(2..=3),
        ),
        (
            "FROM x AS a\nRUN one more\nRUN fails\nRUN later\n",
            Some(1..=2),
        ),
        (
            "FROM x AS a\nRUN one\nRUN in\nRUN two\nRUN later\n",
            Some(2..=3),
        ),
        (
            "FROM x AS a\nRUN one\nRUN fails\nRUN changed\n",
            Some(2..=2),
        ),
        (
            "ARG V\nFROM y AS z\nFROM x AS a\nRUN one\nRUN fixed\nRUN later\n",
            Some(4..=4),
        ),
        ("FROM y AS a\nRUN one\nRUN fixed\n", None),
        ("FROM x AS c\nRUN one\n", None),
        ("FROM x AS a\nRUN one\nRUN later\n", None),
    ] {
        let changed = file(new).changed_since(&file(old), 2);
        assert_eq!(changed, expected, "{new}");
    }
}

#[test]
fn a_shell_finds_what_was_mounted_and_is_the_same_user() {
    let text = "FROM x AS a\nUSER joe\nFROM a\nRUN --mount=type=secret,id=s --mount=target=/s \
                --mount=type=cache,dst=/c --mount=type=tmpfs,target=/t make\n";
    let file = file(text);
    let user = file.user_at(3, &[1, 0]);
    assert_eq!(user, Some("joe"));
    let shown = file.for_a_shell("FROM x\n", 3, user, &shell());
    assert_eq!(
        shown,
        "FROM x\nCOPY --from=envtpl-debug --chmod=0777 /shell/ /.envtpl-debug/\nUSER 0\n\
         RUN --mount=target=/s --mount=type=cache,dst=/c --mount=type=tmpfs,target=/t \
         [\"/bin/sh\",\"/.envtpl-debug/carry\",\"/s\",\"/c\"]\n\
         RUN [\"/bin/sh\",\"/.envtpl-debug/restore\",\"/s\",\"/c\"]\nUSER joe\n"
    );
}

#[test]
fn checks_of_the_style_do_not_stop_a_derived_file() {
    let text = "# escape=\\\r\n# check=error=true\r\n# syntax=x\r\nFROM x\nRUN a\n";
    let file = file(text);
    let at = file.at_line(5).expect("there");
    let expected = "# escape=\\\r\n# check=skip=all\r\n# syntax=x\r\nFROM x\n";
    assert!(
        file.state(at, Treatment::Before, &shell())
            .starts_with(expected)
    );
    let text = "# a text\n# check=error=true\nFROM x\nRUN a\n";
    let file = self::file(text);
    let derived = file.state(file.at_line(4).expect("there"), Treatment::Before, &shell());
    assert!(derived.starts_with("# a text\n# check=error=true\nFROM x\n"));
}

#[test]
fn a_script_for_the_end_of_the_step_is_one_word_of_the_wrapper() {
    let then = "keep '/a b'\nexit 0\n";
    let treatment = Treatment::Wrapped { number: "1", then };
    let words = r#"["/bin/sh","/.envtpl-debug/run","1","--then","keep '/a b'\nexit 0\n""#;
    for (run, expected) in [
        (
            "RUN make",
            format!("SHELL {words},\"/bin/sh\",\"-c\"]\nRUN make\nSHELL [\"/bin/sh\",\"-c\"]\n"),
        ),
        ("RUN [\"make\"]", format!("RUN {words}, \"make\"]\n")),
    ] {
        let file = file(&format!("FROM x\n{run}\n"));
        let treated = file.treated(&file.instructions()[1], treatment, &shell());
        assert_eq!(treated, expected);
    }
}
