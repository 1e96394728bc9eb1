//! The scripts that run in the failed file system: the wrapper, probes, and what collects files.

use crate::process::quote;

/// The wrapper, as a file.
pub const WRAPPER: &str = include_str!("run.sh");

/// What a shell in the failed state is made with, by name.
pub const SHELL: [(&str, &str); 5] = [
    ("carry", include_str!("carry.sh")),
    ("restore", include_str!("restore.sh")),
    ("enter", include_str!("enter.sh")),
    ("again", include_str!("again.sh")),
    ("history", include_str!("history.sh")),
];

/// Files that say why a build failed, wherever they are; the system's own directories are left out.
const DEFAULT_NAMES: [&str; 10] = [
    "CMakeCache.txt",
    "CMakeError.log",
    "CMakeOutput.log",
    "CMakeConfigureLog.yaml",
    "compile_commands.json",
    "config.log",
    "meson-log.txt",
    ".ninja_log",
    "LastTest.log",
    "LastTestsFailed.log",
];

/// What all scripts begin with. Each step may have another `PATH`.
const START: &str = r#"#!/bin/sh
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
out=/.envtpl-debug/out
mkdir -p "$out"
has() { command -v "$1" >/dev/null 2>&1; }
in_tree() {
    has find || return 0
    find / \( -path /proc -o -path /sys -o -path /dev -o -path /.envtpl-debug -o -path /usr/lib \
        -o -path /usr/share -o -path /usr/include -o -path /var/lib \) -prune \
        -o -type f \( "$@" \) -print 2>/dev/null
}
"#;

const PROBES: &str = r#"mkdir -p "$out/probes"
record() {
    name=$1
    shift
    { printf '$ %s\n' "$*"; "$@"; printf '# exit status %s\n' "$?"; } </dev/null >"$out/probes/$name.txt" 2>&1
}
if has dpkg-query; then record dpkg-query dpkg-query -W; fi
if has apt-cache; then record apt-cache-policy apt-cache policy; fi
if has python3 && python3 -m pip --version >/dev/null 2>&1; then
    record pip-list python3 -m pip --disable-pip-version-check list
elif has pip; then
    record pip-list pip --disable-pip-version-check list
fi
if has cmake; then
    number=0
    in_tree -name CMakeCache.txt | while IFS= read -r cache; do
        number=$((number + 1))
        [ "$number" -le 20 ] || break
        record "cmake-$number" cmake -LA -N "${cache%/*}"
    done
fi
"#;

/// Keeps a file, if `wanted` is the one that decides so.
const KEEP: &str = r#"keep() {
    if [ -d "$1" ]; then
        has find && find "$1" -type f 2>/dev/null | while IFS= read -r found; do keep "$found"; done
        return 0
    fi
    [ -f "$1" ] || return 0
    case $1 in
        /*) path=$1 ;;
        *) path=${PWD%/}/${1#./} ;;
    esac
    case $path in /proc/*|/sys/*|/dev/*|/.envtpl-debug/*) return 0 ;; esac
    wanted "$path" || return 0
    mkdir -p "$out/files${path%/*}" && cp -p "$1" "$out/files$path" && chmod u+rw "$out/files$path"
}
"#;

/// What asks programs of the failed file system, each only where it is there; `shell` runs the
/// person's own probes.
pub fn probes(commands: &[String], shell: &[String]) -> String {
    let mut script = format!("{START}{PROBES}");
    for (number, command) in (1..).zip(commands) {
        let words = shell.iter().chain([command]).map(quote);
        let words = words.collect::<Vec<_>>().join(" ");
        script += &format!("record probe-{number} {words}\n");
    }
    script + "exit 0\n"
}

/// What keeps files when the step is over: those that a pattern names, and those that are always of
/// use. What is at `passing` places, from the step's directory or from `/`, is no longer there as
/// the step left it.
pub fn collect(patterns: &[String], passing: &[String]) -> String {
    let wanted = format!("wanted() {{\n{}    return 0\n}}\n", below(passing, 1));
    format!(
        "{START}{wanted}{KEEP}{}in_tree {} | {KEEP_FOUND}exit 0\n",
        patterns.iter().map(|one| each(one, 0)).collect::<String>(),
        default_names()
    )
}

/// What keeps files at these places while the step is still there; nothing where there are none.
pub fn collect_passing(patterns: &[String], passing: &[String]) -> String {
    if passing.is_empty() {
        return String::new();
    }
    let wanted = format!("wanted() {{\n{}    return 1\n}}\n", below(passing, 0));
    let places: Vec<String> = passing.iter().map(quote).collect();
    format!(
        "{START}{wanted}{KEEP}{}! has find || find {} -type f \\( {} \\) | {KEEP_FOUND}",
        patterns.iter().map(|one| each(one, 0)).collect::<String>(),
        places.join(" "),
        default_names()
    )
}

/// Lines of a function that ends with this status for a path at one of the places.
fn below(places: &[String], status: u8) -> String {
    let places = places.iter().map(|place| {
        let place = place.trim_end_matches('/').trim_start_matches("./");
        let place = match place.starts_with('/') {
            true => quote(place),
            false => format!("\"${{PWD%/}}/\"{}", quote(place)),
        };
        format!("    case $1 in {place}|{place}/*) return {status} ;; esac\n")
    });
    places.collect()
}

/// The end of a pipe of paths.
const KEEP_FOUND: &str = "while IFS= read -r found; do keep \"$found\"; done\n";

/// The files that are always of use, as `find` is asked for them.
fn default_names() -> String {
    let names = DEFAULT_NAMES.iter();
    let names: Vec<String> = names.map(|name| format!("-name {}", quote(name))).collect();
    names.join(" -o ")
}

/// A script that looks for something, and hands over nothing but what it found.
pub fn looking(script: &str) -> String {
    format!("{START}rm -rf \"$out\"\nmkdir -p \"$out\"\n{script}")
}

/// Commands that keep what a pattern names. `*`, `?` and `[…]` are the shell's own; `**` is any
/// directory below, and the one itself.
fn each(pattern: &str, depth: usize) -> String {
    let prefix = match depth {
        0 => String::new(),
        _ => format!("\"$below{depth}\"/"),
    };
    let Some((before, after)) = split(pattern) else {
        return format!(
            "for found in {prefix}{}; do keep \"$found\"; done\n",
            bare(pattern)
        );
    };
    let (next, start) = (
        depth + 1,
        match (before, &*prefix) {
            ("", "") => ".".to_owned(),
            ("/", "") => "/".to_owned(),
            ("", own) => own.trim_end_matches('/').to_owned(),
            (before, own) => format!("{own}{}", bare(before.trim_end_matches('/'))),
        },
    );
    let inner = match after {
        "" => format!("keep \"$below{next}\"\n"),
        after => each(after, next),
    };
    format!(
        "if has find; then find {start} \\( -path /proc -o -path /sys -o -path /dev -o -path \
         /.envtpl-debug \\) -prune -o -type d -print 2>/dev/null | while IFS= read -r below{next}; \
         do below{next}=${{below{next}%/}}\n{inner}done; fi\n"
    )
}

/// What stands before and after the first `**` that is a whole part of the path.
fn split(pattern: &str) -> Option<(&str, &str)> {
    if pattern == "**" {
        return Some(("", ""));
    }
    if let Some(after) = pattern.strip_prefix("**/") {
        return Some(("", after));
    }
    if let Some(at) = pattern.find("/**/") {
        return Some((&pattern[..=at], &pattern[at + 4..]));
    }
    let before = pattern.strip_suffix("/**")?;
    Some((&pattern[..=before.len()], ""))
}

/// A pattern for a shell: only what is a pattern in it stands without quotes.
fn bare(pattern: &str) -> String {
    let mut text = String::new();
    let mut plain = String::new();
    for character in pattern.chars() {
        if "*?[]".contains(character) {
            if !plain.is_empty() {
                text += &quote(&plain);
                plain.clear();
            }
            text.push(character);
        } else {
            plain.push(character);
        }
    }
    if !plain.is_empty() {
        text += &quote(&plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn patterns_keep_what_they_name_and_nothing_else() {
        let tree = tempfile::tempdir().expect("a directory");
        let names = [
            "build/CMakeError.log",
            "build/a b/c/CMakeError.log",
            "build/a b/other.log",
            "build/x.log",
            "$(touch x).log",
            "deep/1/obj/2/y.o",
        ];
        for name in names {
            let path = tree.path().join(name);
            files::make_directory(path.parent().expect("has one")).expect("made");
            files::keep_readable(&path, b"").expect("written");
        }
        for (pattern, expected) in [
            ("build/**/CMakeError.log", &names[..2]),
            ("build/*.log", &["build/CMakeError.log", "build/x.log"]),
            ("**/obj/**/*.o", &["deep/1/obj/2/y.o"]),
            ("build/a b/o[a-t]her.?og", &["build/a b/other.log"]),
            (
                "build/a b",
                &["build/a b/c/CMakeError.log", "build/a b/other.log"],
            ),
            ("$(touch x).log", &["$(touch x).log"]),
            ("deep/**", &["deep/1/obj/2/y.o"]),
            ("nothing/**/x", &[]),
        ] {
            let script = format!(
                "has() {{ command -v \"$1\" >/dev/null; }}\nkeep() {{ if [ -d \"$1\" ]; then find \
                 \"$1\" -type f; elif [ -f \"$1\" ]; then printf '%s\\n' \"$1\"; fi; }}\n{}",
                each(pattern, 0)
            );
            for shell in ["sh", "bash"] {
                let finished = crate::process::Invocation::new(shell)
                    .args(["-c", &script])
                    .directory(tree.path())
                    .capture(&crate::output::Printer::new(
                        crate::output::Format::Human,
                        crate::output::Color::Never,
                        true,
                        0,
                    ))
                    .expect("it runs");
                let text = finished.text();
                let mut found: Vec<&str> = text
                    .lines()
                    .map(|line| line.trim_start_matches("./"))
                    .collect();
                found.sort_unstable();
                found.dedup();
                let mut expected = expected.to_vec();
                expected.sort_unstable();
                assert_eq!(found, expected, "{pattern} in {shell}: {}", finished.talk());
            }
            assert!(!tree.path().join("x").exists());
        }
    }
}
