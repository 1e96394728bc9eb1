//! A CMake project whose build fails in the middle: what is wrong is explained from the failed file
//! system, and the repaired command goes on where the build stopped.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::ended::Ended;
use crate::working::{path, steps};
use crate::workshop::{BASE, Workshop};

/// Sources of the library; one more is the extension that needs numpy's headers.
const SOURCES: usize = 59;

const CMAKE: &str = r#"cmake_minimum_required(VERSION 3.18)
project(vision CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_path(PYTHON_INCLUDE_DIR Python.h PATHS /usr/include/python3.11)
find_path(NUMPY_INCLUDE_DIR numpy/ndarrayobject.h)
file(GLOB SOURCES CONFIGURE_DEPENDS core/*.cpp)
add_library(core STATIC ${SOURCES})
add_library(bindings MODULE python/cv2.cpp)
target_include_directories(bindings PRIVATE ${PYTHON_INCLUDE_DIR})
if(NUMPY_INCLUDE_DIR)
    target_include_directories(bindings PRIVATE ${NUMPY_INCLUDE_DIR})
endif()
"#;

const DOCKERFILE: &str = r#"FROM BASE AS toolchain
RUN --mount=type=secret,id=ca_bundle \
    apt-get -o Acquire::https::CaInfo=/run/secrets/ca_bundle update -qq && \
    apt-get install -qq --no-install-recommends cmake g++ make libpython3-dev >/dev/null
FROM toolchain AS with-numpy
RUN --mount=type=secret,id=ca_bundle \
    if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi; \
    python3 -m pip install --quiet --no-cache-dir --target /opt/packages 'numpy==2.2.6'
FROM toolchain AS absent
COPY project /project
WORKDIR /project
RUN cmake -S . -B build && make -C build -j3
FROM with-numpy AS hidden
COPY project /project
WORKDIR /project
RUN cmake -S . -B build && make -C build -j3
FROM with-numpy AS development-generic
COPY project /project
WORKDIR /project
RUN cmake -S . -B build -DNUMPY_INCLUDE_DIR=/opt/packages/numpy/_core/include && make -C build -j3
"#;

fn shop() -> Workshop {
    let shop = Workshop::new("debug-cmake");
    shop.write("Dockerfile", &DOCKERFILE.replace("BASE", BASE));
    add_project(&shop, "project");
    shop
}

/// The sources, in a directory that the build gets.
fn add_project(shop: &Workshop, directory: &str) {
    shop.append(".dockerignore", &format!("!{directory}\n"));
    let project = shop.path(directory);
    for directory in ["core", "python"] {
        std::fs::create_dir_all(project.join(directory)).expect("made");
    }
    let write = |path: &str, text: &str| std::fs::write(project.join(path), text).expect(path);
    write("CMakeLists.txt", CMAKE);
    for number in 0..SOURCES {
        let text =
            format!("#include <cstddef>\nstd::size_t part_{number}() {{ return {number}; }}\n");
        write(&format!("core/part_{number:02}.cpp"), &text);
    }
    write(
        "python/cv2.hpp",
        "#pragma once\n#include <Python.h>\n#include <numpy/ndarrayobject.h>\n",
    );
    write(
        "python/cv2.cpp",
        "// The extension.\n#include \"cv2.hpp\"\nint loaded() { return NPY_VERSION; }\n",
    );
}

fn debug(shop: &Workshop, arguments: &[&str], status: i32) -> Value {
    let ended = shop
        .envtpl(&[&["debug", "--format", "json", "-o", "evidence"], arguments].concat())
        .expect(status);
    assert!(
        !ended.stderr.contains("could not be looked for"),
        "{}",
        ended.stderr
    );
    serde_json::from_str(&ended.stdout).expect("JSON")
}

/// How often a source was compiled, and how often that failed.
fn compiled(directory: &Path) -> (usize, usize) {
    let log = std::fs::read_to_string(directory.join("log.txt")).expect("the log");
    let failed = log.matches("] Error 1").count();
    (log.matches("Building CXX").count(), failed.min(1))
}

#[test]
fn a_build_that_lacks_a_header_is_explained_and_goes_on_where_it_stopped() {
    let shop = shop();
    let evidence = shop.root().join("evidence");
    let read = |name: &str| std::fs::read_to_string(evidence.join(name)).expect(name);
    let looked_for = |report: &Value| {
        report["looked"][0]["told"]
            .as_str()
            .expect("told")
            .to_owned()
    };

    // Nobody has the header.
    let report = debug(&shop, &["absent"], 1);
    assert_eq!(report["stage"], "absent", "{report}");
    assert_eq!(report["status"], 2, "{report}");
    assert_eq!(
        report["explanation"]["place"]["file"],
        "/project/python/cv2.hpp"
    );
    assert_eq!(report["explanation"]["place"]["line"], 3);
    assert_eq!(report["explanation"]["place"]["column"], 10);
    assert_eq!(
        report["explanation"]["facts"]["header"],
        "numpy/ndarrayobject.h"
    );
    assert_eq!(
        report["explanation"]["chain"][0]["place"]["file"],
        "/project/python/cv2.cpp"
    );
    assert_eq!(report["explanation"]["chain"][0]["place"]["line"], 2);
    assert_eq!(report["explanation"]["dockerfile"]["line"], 12);
    assert_eq!(report["explanation"]["step"]["index"], 3);
    assert_eq!(report["explanation"]["step"]["stage"], "absent");
    assert!(
        looked_for(&report).contains("nowhere in the failed file system"),
        "{report}"
    );

    // What CMake knew and what would have been compiled comes out of the failed build.
    let commands: Value =
        serde_json::from_str(&read("files/project/build/compile_commands.json")).expect("JSON");
    assert_eq!(commands.as_array().map(Vec::len), Some(SOURCES + 1));
    let missing = &report["not_found"]["cmake-1.txt"];
    assert_eq!(missing, &serde_json::json!(["NUMPY_INCLUDE_DIR"]));
    assert!(read("probes/cmake-1.txt").contains("PYTHON_INCLUDE_DIR:PATH=/usr/include/python3.11"));

    // It is there, where nobody looks.
    let report = debug(&shop, &["hidden"], 1);
    let told = looked_for(&report);
    let header = "/opt/packages/numpy/_core/include";
    assert!(
        told.contains(&format!(
            "on no include path: {header}/numpy/ndarrayobject.h"
        )),
        "{told}"
    );
    assert!(
        told.contains(&format!("`-DNUMPY_INCLUDE_DIR={header}`")),
        "{told}"
    );
    let (first, failed) = compiled(&evidence);
    assert!(first <= SOURCES + 1 && failed == 1, "{first}");

    // With what it says, only what was missing is compiled.
    let text = shop.read("Dockerfile");
    let (before, hidden) = text.split_once("AS hidden").expect("the stage");
    let set = format!("build -DNUMPY_INCLUDE_DIR={header} &&");
    let hidden = hidden.replacen("build &&", &set, 1);
    shop.write("Dockerfile", &format!("{before}AS hidden{hidden}"));
    let report = debug(&shop, &["--resume"], 0);
    assert_eq!(report["outcome"], "passed");
    let (second, failed) = compiled(&evidence);
    assert_eq!(
        (first - 1 + second, failed),
        (SOURCES + 1, 0),
        "{first} and {second}"
    );

    // As it should have been.
    shop.envtpl(&["debug"]).expect(0).says("nothing fails");
}

/// Lines without what is another one each time: numbers, ids, white space.
fn told(text: &str, root: &Path) -> Vec<String> {
    let text = text.replace(&*root.to_string_lossy(), "/home/me/vision");
    let line = |line: &str| {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| match word.contains(".envtpl/builds/") {
                true => ".envtpl/builds/".to_owned(),
                false => word.replace(|c: char| c.is_ascii_digit(), "0"),
            })
            .collect();
        words.join(" ").replace("00", "0").replace("00", "0")
    };
    text.lines().map(line).collect()
}

#[test]
fn the_page_on_failed_builds_tells_what_happens() {
    let shop = Workshop::new("debug-page");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/when-a-build-fails.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let added: Vec<&str> = page
        .split("```dockerfile\n")
        .skip(1)
        .map(|block| block.split_once("```").expect("its end").0)
        .collect();
    shop.append("Dockerfile", &format!("\n{}", added[0]));
    add_project(&shop, "vision");
    shop.commit("an extension");

    let steps = steps(&page);
    assert_eq!(steps.len(), 5, "what is done between them is done below");
    for step in steps {
        match &*step.typed {
            "envtpl debug extension" => {
                let text = shop.read("Dockerfile");
                let (before, copy) = text.rsplit_once("COPY vision").expect("the line");
                shop.write(
                    "Dockerfile",
                    &format!("{before}{}COPY vision{copy}", added[1]),
                );
            }
            "envtpl debug --resume" => {
                let set = "-B build -DNUMPY_INCLUDE_DIR=/opt/packages/numpy/_core/include";
                shop.write(
                    "Dockerfile",
                    &shop.read("Dockerfile").replace("-B build", set),
                );
            }
            _ => {}
        }
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec 2>&1; {}", step.typed)]);
        command.current_dir(shop.root()).env("PATH", path());
        let ended = Ended::run(command.stdin(Stdio::null()));
        let real = told(&ended.stdout, shop.root());
        for shown in told(&step.shown.join("\n"), shop.root()) {
            let is_there = |line: &String| match shown.strip_suffix('…') {
                Some(start) => line.starts_with(start.trim_end()),
                None => *line == shown,
            };
            assert!(
                real.iter().any(is_there),
                "$ {}\nthe page shows\n{shown}\nand this was told\n{}",
                step.typed,
                ended.stdout
            );
        }
    }
}
