//! Explanations of whole logs.

use super::*;

const SEED: &str = include_str!("../../../tests/failures/seed/log.txt");

fn failed(log: impl AsRef<[u8]>) -> Explanation {
    match explain(log.as_ref()).expect("read") {
        Outcome::Failed(explanation) => *explanation,
        Outcome::Nothing(passed) => panic!("nothing failed: {passed:?}"),
    }
}

fn spot(file: &str, line: u32, column: Option<u32>) -> Spot {
    Spot {
        file: file.to_owned(),
        line: Some(line),
        column,
    }
}

const SOURCES: &str = "/usr/local/Dev/opencv-4.8.0/modules/python/src2";

fn is_the_header_of_the_seed(found: &Explanation) {
    assert_eq!(
        found.place,
        Some(spot(&format!("{SOURCES}/cv2.hpp"), 36, Some(10)))
    );
    assert_eq!(
        found.message,
        "fatal error: numpy/ndarrayobject.h: No such file or directory"
    );
    let from = spot(&format!("{SOURCES}/cv2.cpp"), 5, None);
    assert_eq!(found.chain[0].place, Some(from));
    assert_eq!(found.looks, [Look::Header("numpy/ndarrayobject.h".into())]);
    assert_eq!(found.other_errors, 0, "{found:#?}");
}

#[test]
fn the_log_of_a_parallel_make_is_explained_by_its_first_error() {
    let found = failed(SEED);
    is_the_header_of_the_seed(&found);
    let target = found.target.expect("a target");
    assert!(target.ends_with("src2/cv2.cpp.o"), "{target}");
    let step = found.step.expect("a step");
    assert_eq!(step.stage.as_deref(), Some("build-stage"));
    assert_eq!((step.index, step.of), (Some(1), Some(5)));
    let line = found.dockerfile.expect("a line");
    assert_eq!(line.file, "OpenCVDockerFile.dockerfile");
    assert_eq!(line.line, 139);
    assert_eq!(line.text, ["RUN make -j${build_thread_count}"]);
    assert_eq!(found.exit_code, Some(2));
    // Make's own lines, and that the compiler stopped.
    assert_eq!(found.hidden.count, 5, "{:?}", found.hidden);
}

#[test]
fn a_step_of_an_earlier_log_with_the_same_number_is_another_one() {
    let earlier = "#42 [prep-stage 16/40] RUN rm -rf /var/lib/apt/lists/*\n#42 CACHED\n\n";
    let found = failed([earlier, SEED].concat());
    is_the_header_of_the_seed(&found);
    let step = found.step.expect("a step");
    assert_eq!(step.stage.as_deref(), Some("build-stage"));
}

#[test]
fn what_stands_before_and_after_the_lines_does_not_matter() {
    let stripped: String = SEED
        .lines()
        .filter(|line| line.starts_with("#42 2"))
        .map(|line| line.splitn(3, ' ').last().expect("a text").to_owned() + "\n")
        .collect();
    assert!(stripped.contains("\nIn file included"), "{stripped}");
    is_the_header_of_the_seed(&failed(&stripped));
    let stamped = |line: &str| format!("2024-05-01T12:34:56.1234567Z {line}\n");
    is_the_header_of_the_seed(&failed(SEED.lines().map(stamped).collect::<String>()));
    is_the_header_of_the_seed(&failed(SEED.replace('\n', "\r\n")));
    let coloured = SEED.replace("fatal error:", "\x1b[01;31m\x1b[Kfatal error:\x1b[m\x1b[K");
    is_the_header_of_the_seed(&failed(coloured));
    // A bar that is drawn again and again on one line, before the error.
    let bar = "#42 2183.6  50% |####    |\r 75% |######  |\r100% |########|\n";
    is_the_header_of_the_seed(&failed(SEED.replacen(
        "#42 2183.6 In",
        &format!("{bar}#42 2183.6 In"),
        1,
    )));
    let mut bytes = b"#42 1.0 \xff\xfe\x80\n".to_vec();
    bytes.extend(SEED.replace("[ 85%]", "[ 85%]\u{fffd}").into_bytes());
    is_the_header_of_the_seed(&failed(bytes));
}

#[test]
fn steps_between_each_other_are_kept_apart() {
    let between =
        "#41 9.0 make: *** No rule to make target 'x'.  Stop.\n#41 9.1 other.c:1:1: error: no\n";
    let log: String = SEED
        .lines()
        .map(|line| {
            format!(
                "{line}\n{}",
                if line.starts_with("#42") { between } else { "" }
            )
        })
        .collect();
    is_the_header_of_the_seed(&failed(log));
}

#[test]
fn a_step_that_lost_the_tool_when_another_failed_is_not_what_failed() {
    let found = failed(
        "#6 [image-run-root internal] load .dockerignore\n\
         target image-dev-root: failed to solve: failed to load LLB: network.host is not allowed\n\
         #6 ERROR: rpc error: code = Unavailable desc = error reading from server: EOF\n",
    );
    assert_eq!(found.rule.as_deref(), Some("network-not-allowed"));
}

#[test]
fn a_log_that_ends_early_is_explained_as_far_as_it_goes() {
    let end = SEED.find("#42 2183.6 make[2]").expect("a line");
    let found = failed(&SEED[..end]);
    is_the_header_of_the_seed(&found);
    assert!(found.unfinished);
    // Every other end is no reason to fall over.
    for end in (0..SEED.len()).step_by(3) {
        explain(&SEED.as_bytes()[..end]).expect("read");
    }
}

#[test]
fn a_summary_alone_says_that_the_first_error_is_not_in_it() {
    let begin = SEED.find("------\n > [build").expect("a summary");
    let found = failed(&SEED[begin..]);
    assert_eq!(found.message, "make: *** [Makefile:166: all] Error 2");
    assert!(
        found.notes[0].contains("does not hold"),
        "{:?}",
        found.notes
    );
    assert_eq!(found.dockerfile.expect("a line").line, 139);
    let stage = found.step.expect("a step").stage;
    assert_eq!(stage.as_deref(), Some("build-stage"));
}

#[test]
fn what_the_builder_left_out_is_told() {
    let clipped = SEED.replacen(
        "#42 2183.6 compilation",
        "#42 2183.6 [output clipped, log limit 2MiB reached]\n#42 2183.6 compilation",
        1,
    );
    assert!(failed(clipped).clipped);
}

#[test]
fn a_log_in_which_nothing_failed_says_so_and_what_was_masked() {
    let Outcome::Nothing(passed) =
        explain(&b"#1 [a 1/2] RUN x\n#1 0.1 fine\n#1 DONE 0.2s\n"[..]).expect("read")
    else {
        panic!("nothing failed there");
    };
    assert_eq!((passed.lines, passed.masked.len()), (3, 0));
    let end = SEED.find("#42 ERROR").expect("an end");
    let masked = format!(
        "#42 [b 1/1] RUN make; exit 0\n{}#42 DONE 3.0s\n",
        &SEED[..end]
    );
    let Outcome::Nothing(passed) = explain(masked.as_bytes()).expect("read") else {
        panic!("the step ended well");
    };
    assert_eq!(passed.masked[0].step.as_deref(), Some("b 1/1"));
    let Outcome::Nothing(passed) = explain(&b""[..]).expect("read") else {
        panic!("nothing is there");
    };
    assert_eq!(passed.lines, 0);
}

#[test]
fn the_cause_is_found_across_the_blocks_that_a_long_log_is_read_in() {
    let filler = "#42 1.0 [ 12%] Building CXX object a/b/c.cpp.o\n";
    // The chain stands before the block's end and the error behind it, wherever that is.
    for shift in (0..filler.len()).step_by(7) {
        let mut log = "x".repeat(shift) + "\n";
        log.push_str(&filler.repeat((1 << 20) / filler.len() + 1));
        let lines = log.lines().count();
        log.push_str(SEED);
        let found = failed(&log);
        is_the_header_of_the_seed(&found);
        assert_eq!(found.log_line, Some(lines as u64 + 4));
    }
}

#[test]
fn no_password_of_an_address_is_told() {
    let log = "#1 0.1 ERROR: HTTP error 403 while getting https://me:hunter2@example.org/x.tar.gz\n\
               #1 ERROR: process \"/bin/sh -c pip install https://me:hunter2@example.org/x\" did not complete successfully: exit code: 1\n";
    let found = failed(log);
    assert_eq!(found.rule.as_deref(), Some("http-status"));
    let told = serde_json::to_string(&found).expect("JSON");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn lines_without_end_do_no_harm() {
    let long = "error: x ".repeat(500_000);
    let found = failed(&long);
    assert!(found.message.len() < 3_000);
    is_the_header_of_the_seed(&failed(format!(
        "#42 1.0 {}\n{SEED}",
        "y".repeat(5_000_000)
    )));
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let lines: Vec<Vec<u8>> = SEED.lines().map(|line| line.as_bytes().to_vec()).collect();
        let of_rules: Vec<Vec<u8>> = rules::book()
            .rules()
            .iter()
            .flat_map(|rule| &rule.like)
            .map(|line| line.clone().into_bytes())
            .collect();
        let structure: Vec<Vec<u8>> = [
            "Traceback (most recent call last):",
            "  File \"é.py\", line 1, in é",
            "CMake Error at é:1 (é):",
            "  é",
            "  × No solution found",
            "  ╰─▶ é",
            "help: é",
            " > [é 1/2] RUN é:",
            "------",
            "\r",
            "\x1b[1mé\x1b",
        ]
        .iter()
        .map(|line| line.as_bytes().to_vec())
        .collect();
        let separator = prop::sample::select(vec![&b"\n"[..], b"\r\n", b"\r", b"\n#42 1.2 ", b""]);
        let text = prop_oneof![
            prop::sample::select(lines),
            prop::sample::select(of_rules),
            prop::sample::select(structure),
            prop::collection::vec(any::<u8>(), 0..40),
        ];
        (separator, text).prop_map(|(separator, text)| [separator, &text].concat())
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_makes_it_fall_over(pieces in prop::collection::vec(piece(), 0..60)) {
            let log = pieces.concat();
            explain(&log[..]).expect("read");
        }
    }
}
