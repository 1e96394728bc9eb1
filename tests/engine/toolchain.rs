//! A toolchain compiles for another machine, and what it makes runs there.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ended::Ended;
use crate::working::{path, steps};
use crate::workshop::{BARE, BASE_ARM64, Workshop, docker};

/// What the build takes of the list that `init` writes: each is seconds.
const TAKEN: [&str; 7] = [
    "crossbuild-essential-arm64",
    "autoconf",
    "cmake",
    "make",
    "pkgconf",
    "python3",
    "libpython3-dev:arm64",
];

const GREETING: &str = r#"#include <stdio.h>
#include <sys/utsname.h>
#include <zlib.h>
int main(void) {
    struct utsname machine;
    uname(&machine);
    printf("hello from %s, zlib %s\n", machine.machine, zlibVersion());
    return 0;
}
"#;

/// With autoconf, as old projects have it: `configure` finds the library and the compiler.
const CONFIGURE: &str = "AC_INIT([greeting], [1])
AC_PROG_CC
AC_CHECK_LIB([z], [zlibVersion], [], [AC_MSG_ERROR([no zlib])])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
";
const MAKEFILE: &str = "greeting-autoconf: greeting.c
\t@CC@ @CFLAGS@ -o $@ greeting.c @LIBS@
";

/// With CMake, which finds the library by pkg-config, and the Python to extend.
const CMAKE: &str = r#"cmake_minimum_required(VERSION 3.18)
project(greeting C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
add_executable(greeting-cmake greeting.c)
target_link_libraries(greeting-cmake PkgConfig::ZLIB)
find_package(Python3 COMPONENTS Interpreter Development.Module REQUIRED)
Python3_add_library(width MODULE width.c)
"#;

const EXTENSION: &str = r#"#include <Python.h>
static PyObject *bits(PyObject *self, PyObject *none) {
#if !defined(__aarch64__)
#error "compiled for another machine"
#endif
    return PyLong_FromLong(8 * sizeof(void *));
}
static PyMethodDef methods[] = {{"bits", bits, METH_NOARGS, "Of a pointer."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "width", NULL, -1, methods};
PyMODINIT_FUNC PyInit_width(void) { return PyModule_Create(&module); }
"#;
const SETUP: &str = "from setuptools import Extension, setup
setup(name='width', version='1', ext_modules=[Extension('width', ['width.c'])])
";

/// A toolchain for arm64 on Debian 12, built, and used on a few sources, by what the page has people
/// type.
fn as_the_page_has_it() -> Workshop {
    let shop = Workshop::empty("toolchain", "amd64-cpu-aarch64");
    for (path, text) in [
        ("greeting.c", GREETING),
        ("configure.ac", CONFIGURE),
        ("Makefile.in", MAKEFILE),
        ("CMakeLists.txt", CMAKE),
        ("width.c", EXTENSION),
        ("setup.py", SETUP),
    ] {
        std::fs::write(shop.root().join(path), text).expect(path);
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/toolchains.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let steps = steps(&page);
    assert_eq!(steps.len(), 7);
    for step in steps {
        let mut typed = step.typed.replace("IMAGE", &shop.tag("dev-latest-root"));
        let is_init = typed.starts_with("envtpl init");
        if is_init {
            // No registry offers the usual base where these tests run.
            typed += &format!(" --base-image {BARE} --project-name {}", shop.project);
        }
        let mut command = Command::new("sh");
        command.args(["-euc", &typed]).current_dir(shop.root());
        command.env("PATH", path()).stdin(Stdio::null());
        Ended::run(&mut command).expect(0);
        if is_init {
            shorten_lists(&shop);
            shop.set("IMAGE_NAME", &shop.image);
            shop.commit("a toolchain");
        }
    }
    shop
}

/// Leaves what is used here of the lists that `init` has written.
fn shorten_lists(shop: &Workshop) {
    let list = shop.read("dependencies/apt-runtime.txt");
    let listed = |package: &&str| list.lines().any(|line| line == *package);
    assert!(TAKEN.iter().all(listed), "{list}");
    shop.write("dependencies/apt-runtime.txt", &TAKEN.join("\n"));
    shop.write("dependencies/apt-dev.txt", "");
}

/// Runs a shell line on the project's files, in an image.
fn on_files(root: &Path, image: &str, platform: &str, line: &str) -> Ended {
    let mount = format!("type=bind,source={},target=/work", root.display());
    docker(&[
        "run",
        "--rm",
        "--network=none",
        &format!("--platform={platform}"),
        &format!("--mount={mount}"),
        "--workdir=/work",
        image,
        "sh",
        "-euc",
        line,
    ])
}

#[test]
fn what_it_compiles_runs_on_the_other_machine() {
    let shop = as_the_page_has_it();
    let image = shop.tag("run-latest-root");
    let compile = |line: &str| on_files(shop.root(), &image, "linux/amd64", line).expect(0);
    let there = |line: &str| on_files(shop.root(), BASE_ARM64, "linux/arm64", line).expect(0);

    // What CMake has made is there, compiled by the page's lines.
    let mut configure = Command::new("./toolchain");
    let line = "autoconf && ./configure --quiet --host=$CROSS_TRIPLE && make";
    configure
        .args(["sh", "-euc", line])
        .current_dir(shop.root());
    Ended::run(configure.stdin(Stdio::null())).expect(0);
    compile("$CROSS_TRIPLE-python3 -m pip wheel --quiet --no-build-isolation --no-deps .");
    let greeted = there("./greeting-autoconf && build/greeting-cmake");
    for line in greeted.stdout.lines() {
        assert!(line.starts_with("hello from aarch64, zlib 1."), "{line}");
    }
    assert_eq!(greeted.stdout.lines().count(), 2, "{}", greeted.stdout);
    let bits = "python3 -c 'import width; print(width.bits(), width.__file__)'";
    let loaded = there(&format!(
        "python3 -m zipfile -e width-1-cp311-cp311-linux_aarch64.whl /tmp/wheel
        PYTHONPATH=/tmp/wheel {bits}
        PYTHONPATH=build {bits}"
    ));
    assert_eq!(
        loaded.stdout,
        "64 /tmp/wheel/width.cpython-311-aarch64-linux-gnu.so\n64 /work/build/width.so\n"
    );

    // The Python that runs here stays what it is, and so do the names of all compilers.
    let asked = compile(
        "python3 -c 'import sysconfig; print(sysconfig.get_platform())'
        for name in $CC $CXX $CPP $AR $AS $LD $NM $RANLIB $STRIP $READELF $OBJCOPY $OBJDUMP $PKG_CONFIG; do
            command -v $name >/dev/null || echo no $name
        done
        dpkg-architecture -aarm64 -q DEB_HOST_GNU_TYPE
        dpkg-architecture -aarm64 -q DEB_HOST_MULTIARCH",
    );
    assert_eq!(
        asked.stdout,
        "linux-x86_64\naarch64-linux-gnu\naarch64-linux-gnu\n"
    );

    // It is checked, listed and frozen as any installation is.
    shop.envtpl(&["check"]).expect(0);
    let listed = shop.envtpl(&["ls"]).expect(0).stdout;
    assert!(listed.contains("amd64-cpu-aarch64"), "{listed}");
    shop.envtpl(&["freeze"]).expect(0);
    let locked = shop.read("dependencies/locked/apt-runtime.txt");
    for package in ["\nlibc6:arm64=", "\nlibpython3-dev:arm64=", "\npython3="] {
        assert!(locked.contains(package), "{package} is not in {locked}");
    }
    let declared = shop.read("dependencies/apt-runtime.txt");
    assert_eq!(declared, TAKEN.join("\n"), "nothing was installed by hand");
    shop.envtpl(&["freeze", "--check"]).expect(0);
    shop.envtpl(&["check", "--no-engine"]).expect(0);
}

#[test]
fn the_image_prints_its_script_under_the_name_that_it_is_told() {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let script = std::fs::read_to_string(format!("{template}/wrap/toolchain.sh")).expect("there");
    let mount = |from: &str, to: &str| {
        format!("--mount=type=bind,source={template}/{from},target=/opt/envtpl/toolchain/{to}")
    };
    let scripts = [
        mount("wrap/toolchain.sh", "wrap.sh"),
        mount("installation/toolchain/toolchain/print.sh", "print.sh"),
    ];
    let print = |name: &str| {
        let name = format!("--env=ENVTPL_IMAGE={name}");
        let [wrap, print] = &scripts;
        let run = ["run", "--rm", "--network=none", wrap, print, &name, BARE];
        docker(&[&run[..], &["sh", "/opt/envtpl/toolchain/print.sh"]].concat())
    };
    let printed = print("r.lab:5000/a/x:1").expect(0).stdout;
    let named = script.replace("envtpl_image=''", "envtpl_image='r.lab:5000/a/x:1'");
    assert_eq!(printed, named);
    for name in ["", "a'b", "a b", "$(id)", "a|b"] {
        let ended = print(name).expect(2).says("is not the name of an image");
        assert_eq!(ended.stdout, "");
    }
}

/// Ubuntu's sources in both of their formats, as its images have them.
const UBUNTU: &str = r#"
echo "ID=ubuntu VERSION_CODENAME=noble" >/etc/os-release
rm -rf /etc/apt/sources.list*
mkdir -p /etc/apt/sources.list.d
if [ "$1" = deb822 ]; then
    printf 'Types: deb\nURIs: %s\nSuites: noble noble-updates\nComponents: main universe\n\n' \
        http://archive.ubuntu.com/ubuntu/ >/etc/apt/sources.list.d/ubuntu.sources
    printf 'Types: deb\nURIs: %s\nSuites: noble-security\nComponents: main\n' \
        http://security.ubuntu.com/ubuntu/ >>/etc/apt/sources.list.d/ubuntu.sources
else
    printf 'deb %s %s %s\n' http://archive.ubuntu.com/ubuntu noble main http://archive.ubuntu.com/ubuntu noble-updates main >/etc/apt/sources.list
    echo 'deb http://security.ubuntu.com/ubuntu noble-security main' >>/etc/apt/sources.list
fi
for time in once again; do
    sh /tmp/apt-foreign.sh jq zlib1g-dev:arm64 libc6:arm64=2 libc6:i386 libc6:amd64
done
# Which host is asked for which machine's packages.
apt-get update --print-uris |
    sed -n -E 's#.*//([^/]*)/.*/binary-([a-z0-9]*)/.*#\2 \1#p' | grep -v '^all' | sort -u
"#;

#[test]
fn on_ubuntu_other_machines_come_from_their_own_archive() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/templates/installation/common/build-steps/apt-foreign.sh"
    );
    let mount = format!("--mount=type=bind,source={script},target=/tmp/apt-foreign.sh,readonly");
    for format in ["deb822", "one line"] {
        let run = ["run", "--rm", "--network=none", &mount, BARE, "sh", "-ec"];
        let ended = docker(&[&run[..], &[UBUNTU, "sh", format]].concat()).expect(0);
        assert_eq!(
            ended.stdout,
            "amd64 archive.ubuntu.com
amd64 security.ubuntu.com
arm64 ports.ubuntu.com
i386 archive.ubuntu.com
i386 security.ubuntu.com
",
            "{format}"
        );
    }
}
