//! What is kept of a build, and what a person sees of it.

use std::path::PathBuf;
use std::process::Stdio;

use rexpect::session::spawn_command;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::browser::Browser;
use crate::terminal::PATIENCE;
use crate::waiting::{MINUTE, eventually};
use crate::workshop::{Ended, Workshop, never_seen};

/// The directories of the builds that are kept, oldest first.
fn kept(shop: &Workshop) -> Vec<PathBuf> {
    let Ok(listed) = std::fs::read_dir(shop.root().join(".envtpl/builds")) else {
        return Vec::new();
    };
    let mut kept: Vec<_> = listed.map(|entry| entry.expect("read").path()).collect();
    kept.sort();
    kept
}

/// A file of the newest build.
fn newest(shop: &Workshop, file: &str) -> String {
    let directory = kept(shop).pop().expect("a build is kept");
    std::fs::read_to_string(directory.join(file)).expect(file)
}

fn report(shop: &Workshop) -> Value {
    serde_json::from_str(&newest(shop, "report.json")).expect("JSON")
}

/// The row of a stage in what a build prints at its end.
fn row<'a>(ended: &'a Ended, stage: &str) -> Vec<&'a str> {
    let rows = ended.stderr.lines().map(|line| line.split_whitespace());
    let mut rows = rows.map(Iterator::collect::<Vec<_>>);
    let row = rows.rfind(|row| row.first() == Some(&stage));
    row.unwrap_or_else(|| panic!("no row of {stage} in:\n{}", ended.stderr))
}

/// A last step of the dev image that does this.
fn with_step(name: &str, step: &str) -> Workshop {
    let shop = Workshop::new(name);
    shop.append("Dockerfile", &format!("{step}\n"));
    shop.commit("a step");
    shop
}

#[test]
fn a_build_is_kept_with_all_that_it_told() {
    let shop = with_step("kept", "RUN echo \"hello from $PYTHON_PACKAGES\" >/hello");
    let first = shop.envtpl(&["build-generic"]).expect(0);
    assert_eq!(row(&first, "STAGE")[5], "BEFORE");
    let told = row(&first, "development-generic");
    assert!(told.contains(&"kB") || told.contains(&"MB"), "{told:?}");

    let report = report(&shop);
    assert_eq!(report["outcome"], "built");
    assert_eq!(report["dockerfile"], "installation/amd64-cpu/Dockerfile");
    assert_eq!(report["targets"][1]["stage"], "development-generic");
    let steps = report["steps"].as_array().expect("steps");
    let last = steps.iter().find(|step| {
        let instruction = step["instruction"].as_str().unwrap_or_default();
        instruction.starts_with("RUN echo \"hello from")
    });
    let last = last.expect("the step");
    assert_eq!(last["stage"], "development-generic");
    let lines = shop.read("Dockerfile").lines().count();
    assert_eq!(last["line"], lines);
    assert!(
        last["arguments"]["PATH"].is_null(),
        "the base image's own is not known"
    );
    assert_eq!(last["arguments"]["TZ"], "Etc/UTC");
    assert_eq!(last["position"][0], last["position"][1]);
    let layers = report["images"][1]["layers"].as_array().expect("layers");
    assert_eq!(layers.last().expect("a layer")["step"], last["number"]);
    assert!(
        layers[0]["step"].is_null(),
        "the base image is nobody's step"
    );

    for event in newest(&shop, "events.jsonl").lines() {
        let event: Value = serde_json::from_str(event).expect("a document a line");
        assert!(event.is_object());
    }
    let number = &last["number"];
    let log = newest(&shop, "log.txt");
    assert!(log.contains(&format!("#{number} [image-dev-root development-generic")));
    // What is shown elsewhere than on a terminal is the log.
    let first_line = log.lines().next().expect("a line");
    assert!(first.stderr.contains(first_line));

    let second = shop.envtpl(&["build-generic"]).expect(0);
    let told = row(&second, "development-generic");
    assert_eq!(told[1], told[2], "everything was there: {told:?}");
    assert_ne!(told.last(), Some(&"-"), "the build before took a while");

    let listed = shop.envtpl(&["builds", "--format", "json"]).expect(0);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    shop.envtpl(&["builds"]).expect(0).prints("built");
    let id = listed[0]["id"].as_str().expect("an id");
    let shown = shop.envtpl(&["builds", "show", id]).expect(0);
    shown
        .prints(id)
        .prints("development-generic")
        .prints("-dev-latest-root");
    let shown = shop.envtpl(&["builds", "show", "--format=json"]).expect(0);
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(shown["id"], listed[1]["id"]);
    shop.envtpl(&["builds", "show", "1999"])
        .expect(2)
        .says("no build `1999`");
}

#[test]
fn a_step_that_fails_is_named_by_the_oldest_compose_and_by_the_newest() {
    let newest_compose = std::env::var("ENVTPL_TEST_NEWEST_COMPOSE");
    let newest_compose = newest_compose.expect("scripts/test.sh sets it");
    let step = "RUN echo https://joe:s3cret@host/x >&2; printf 'wrong' >&2; exit 3";
    let shop = with_step("fails", step);
    for configuration in [None, Some(newest_compose)] {
        let mut command = shop.command(&["build-generic", "--progress", "none"]);
        if let Some(configuration) = configuration {
            command.env("DOCKER_CONFIG", configuration);
        }
        let ended = Ended::run(command.stdin(Stdio::null())).expect(1);
        assert!(!ended.stderr.contains("#1 "), "{}", ended.stderr);
        let ended = ended.says("development-generic").says("exit code: 3");

        let report = report(&shop);
        assert_eq!(report["outcome"], "failed");
        let steps = report["steps"].as_array().expect("steps");
        let failed = steps.iter().find(|step| step["number"] == report["failed"]);
        let failed = failed.expect("the step that failed");
        assert_eq!(failed["stage"], "development-generic");
        let line = shop.read("Dockerfile").lines().count();
        assert_eq!(failed["line"], line);
        let log = newest(&shop, "log.txt");
        let number = &failed["number"];
        assert!(log.contains(&format!("#{number} ERROR: process")), "{log}");
        assert!(log.contains(&format!("\nDockerfile:{line}\n")), "{log}");
        assert!(log.contains(&format!("{line} | >>> RUN echo")), "{log}");
        let line = log.lines().find(|line| line.ends_with(" wrong"));
        assert!(
            line.is_some_and(|line| line.starts_with(&format!("#{number} "))),
            "{log}"
        );
        for file in ["log.txt", "events.jsonl", "report.json"] {
            assert!(!newest(&shop, file).contains("s3cret"), "{file}");
        }
        assert!(!ended.stderr.contains("s3cret"));
        assert!(shop.tags().is_empty());
    }
    shop.envtpl(&["builds"]).expect(0).prints("failed");
}

#[test]
fn a_build_that_is_stopped_is_kept_as_far_as_it_came() {
    let shop = with_step("stopped", "RUN echo it works; sleep 300");
    let mut command = shop.command(&["build-generic"]);
    let mut build = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("the step works", MINUTE * 5, || {
        let log = kept(&shop).pop().map(|build| build.join("log.txt"));
        let log = log.and_then(|log| std::fs::read_to_string(log).ok());
        log.is_some_and(|log| log.contains(" it works"))
    });
    let pid = Pid::from_child(&build);
    kill_process(pid, Signal::INT).expect("sent");
    assert_eq!(build.wait().expect("it ends").code(), Some(130));
    let report = report(&shop);
    assert_eq!(report["outcome"], "interrupted");
    shop.envtpl(&["builds", "show"])
        .expect(0)
        .prints("interrupted");
}

#[test]
fn on_a_terminal_each_stage_that_works_has_a_line() {
    let shop = with_step("live", "RUN echo it works; sleep 2; echo; exit 3");
    let command = shop.command(&["build-generic"]);
    let mut session = spawn_command(command, Some(PATIENCE * 5)).expect("starts");
    session
        .exp_regex(r"Building.* amd64-cpu: [0-9]+ of [0-9]+ steps")
        .expect("how far it is");
    session
        .exp_regex(r"development-generic 8/8 +[0-9.]+ s  RUN echo[^\n]* it works\r")
        .expect("the last line that it printed");
    session
        .exp_string("the build of amd64-cpu failed")
        .expect("how it ended");
    session.process().wait().expect("it ends");
}

#[test]
fn a_build_is_a_page_that_a_browser_shows() {
    let shop = with_step("page", "RUN echo '<b id=planted>bold</b>' >/page");
    shop.envtpl(&["build-generic"]).expect(0);
    let second = format!("RUN echo second >/page; echo {}\n", never_seen());
    let side = "FROM base AS left-out\nARG SEED=sown\nRUN true\n";
    shop.append("Dockerfile", &(second + side));
    shop.envtpl(&["build-generic", "--allow-dirty"]).expect(0);
    // The page is about the Dockerfile as it was.
    shop.append("Dockerfile", "FROM base AS later\n");
    let written = shop.envtpl(&["report"]).expect(0).stdout;
    assert!(written.ends_with("report.html\n"), "{written}");

    let mut browser = Browser::start();
    let path = written.trim().replace(' ', "%20").replace('é', "%C3%A9");
    browser.open(&format!("file://{path}"));
    browser.wait_for("document.readyState == 'complete'");
    let told = browser.value("document.body.innerText");
    let told = told.as_str().expect("text");
    for text in [
        "amd64-cpu built",
        "What the stages take from each other",
        "not built: left-out nothing takes from it",
        "What the build waited for",
        "Since the build before",
        "RUN echo second >/page;",
        "-dev-latest-root: ",
        "the base image",
        "libc6 apt",
    ] {
        assert!(told.contains(text), "{text} is not in:\n{told}");
    }
    assert_eq!(
        browser.value("document.getElementById('planted')"),
        Value::Null
    );
    // The step that ran is on the line of its stage, inside of it and to be seen.
    let step = browser.value(
        "(() => { const step = [...document.querySelectorAll('.step.ran.critical')]
            .find(step => step.title.includes('second')).getBoundingClientRect();
          const track = document.querySelector('.track').getBoundingClientRect();
          return step.width >= 2 && step.left >= track.left && step.right <= track.right + 3; })()",
    );
    assert_eq!(step, true);
    // Every stage has a box that its name fits into, below those that it takes from.
    let boxes = browser.value(
        "(() => { const boxes = [...document.querySelectorAll('.graph .box')];
          const within = box => { const [around, ...texts] = [...box.querySelectorAll('rect, text')]
            .map(part => part.getBoundingClientRect());
            return texts.every(text => text.left >= around.left && text.right <= around.right
              && text.top >= around.top && text.bottom <= around.bottom); };
          const top = name => boxes.find(box => box.querySelector('text').textContent == name)
            .getBoundingClientRect().top;
          return boxes.every(within) && top('development-generic') > top('apt-dev')
            && top('left-out') > top('base') && document.querySelectorAll('.box.skipped').length == 1
            && boxes.every(box => box.querySelector('text').textContent != 'later'); })()",
    );
    assert_eq!(boxes, true);
    // What another stage has to do with is hidden while the pointer is on one.
    let rules = browser.value(
        "[...document.styleSheets[0].cssRules].some(rule => rule.selectorText?.includes('.b0:hover'))",
    );
    assert_eq!(rules, true);
    let ink = "getComputedStyle(document.querySelector('.box text')).fill";
    assert_eq!(browser.value(ink), "rgb(28, 32, 36)");
    let colour = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(browser.value(colour), "rgb(255, 255, 255)");
    browser.prefer_dark();
    assert_eq!(browser.value(colour), "rgb(21, 24, 28)");
    assert_eq!(browser.value(ink), "rgb(230, 232, 235)");
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.value(wide), true, "nothing is beyond the edge");
}
