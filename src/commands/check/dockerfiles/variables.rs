//! Variables that an instruction uses and nobody gives a value: they are empty, without a word.

use std::collections::BTreeSet;

use super::view::View;
use crate::commands::check::finding::Findings;
use crate::installation::dockerfile::{
    Instruction, Keyword, Lexer, Origin, PLATFORMS, PROXIES, Pair, Scope,
};

/// Variables that shells and images have without being told: names, or their beginnings.
const USUAL: [&str; 40] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "PWD",
    "OLDPWD",
    "SHELL",
    "HOSTNAME",
    "TERM",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "LC_",
    "TZ",
    "UID",
    "EUID",
    "PPID",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "IFS",
    "PS",
    "OPT",
    "REPLY",
    "BASH",
    "SHLVL",
    "XDG_",
    "PYTHON",
    "LD_",
    "PKG_CONFIG",
    "VIRTUAL_ENV",
    "CONDA",
    "MAMBA",
    "CUDA",
    "NVIDIA",
    "NV_",
    "NCCL",
    "ROCM",
    "JAVA",
    "HOSTTYPE",
];

/// Tells of variables without a value.
pub fn check(findings: &mut Findings, view: &View<'_>) {
    global(findings, view);
    for text in view.texts() {
        // Another text that it reads may set any of them.
        if text.script.reads_another() {
            continue;
        }
        let script = &text.script;
        let used = script
            .used
            .iter()
            .filter(|(name, _)| !script.set.contains(name));
        let used =
            used.map(|(name, offset)| (name.clone(), text.instruction.shell_offset(*offset)));
        missing(findings, view, text.index, used);
    }
    for (index, instruction) in view.dockerfile.instructions().iter().enumerate() {
        missing(
            findings,
            view,
            index,
            expanded(view, instruction).into_iter(),
        );
    }
}

/// An `ARG` before the first `FROM` that has no default, and that no Compose file gives.
fn global(findings: &mut Findings, view: &View<'_>) {
    let before = view.dockerfile.instructions().iter();
    let before = before.take_while(|one| one.stage.is_none());
    let pairs = before.flat_map(|one| one.pairs(view.dockerfile.escape()));
    for Pair { name, offset, .. } in pairs.filter(|pair| pair.value.is_none()) {
        if !view.named.contains(&name) && !is_builders(&name) {
            findings
                .warning(
                    &view.place(offset),
                    format!("`ARG {name}` before FROM has no default, and no Compose file gives it a value"),
                )
                .help(format!("`ARG {name}=…`, or `args: {{{name}: …}}` in the Compose file"));
        }
    }
}

/// The variables of what the builder itself replaces in an instruction, and where they are.
fn expanded(view: &View<'_>, instruction: &Instruction) -> Vec<(String, usize)> {
    let arguments = match instruction.keyword {
        Keyword::Add
        | Keyword::Arg
        | Keyword::Copy
        | Keyword::Env
        | Keyword::Expose
        | Keyword::From
        | Keyword::Label
        | Keyword::Stopsignal
        | Keyword::User
        | Keyword::Volume
        | Keyword::Workdir => Some((instruction.arguments.as_str(), None)),
        _ => None,
    };
    let options = instruction.flags.iter();
    let options = options.filter_map(|flag| Some((flag.value.as_deref()?, Some(flag.span.start))));
    let lexer = Lexer::new(view.dockerfile.escape());
    let mut found = Vec::new();
    for (text, at) in arguments.into_iter().chain(options) {
        let names = lexer
            .expand(text, &|_| None)
            .map(|it| it.unset)
            .unwrap_or_default();
        for name in names {
            let written = [format!("${name}"), format!("${{{name}")];
            let mut offsets = written.iter().filter_map(|written| text.find(written));
            let offset = at.unwrap_or_else(|| instruction.offset(offsets.next().unwrap_or(0)));
            found.push((name, offset));
        }
    }
    found
}

fn missing(
    findings: &mut Findings,
    view: &View<'_>,
    index: usize,
    used: impl Iterator<Item = (String, usize)>,
) {
    let dockerfile = view.dockerfile;
    let instruction = &dockerfile.instructions()[index];
    let scope = Scope::before(dockerfile, view.graph, view.given, index);
    let in_shell = instruction.keyword == Keyword::Run;
    let mut told = BTreeSet::new();
    // Arguments of one instruction see those before them.
    let own: BTreeSet<String> = match instruction.keyword {
        Keyword::Arg => (instruction.pairs(dockerfile.escape()).into_iter())
            .map(|pair| pair.name)
            .collect(),
        _ => BTreeSet::new(),
    };
    for (name, offset) in used {
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if !is_name
            || own.contains(&name)
            || scope.value(&name).is_some()
            || !told.insert(name.clone())
        {
            continue;
        }
        let place = view.place(offset);
        if let Some(variable) = scope.variables().get(&name) {
            let is_given = variable.origin == Origin::Builder
                || is_builders(&name)
                || view.named.contains(&name);
            // What stands before the first FROM has its own finding.
            if !is_given && instruction.keyword != Keyword::From {
                findings
                    .warning(
                        &place,
                        format!(
                            "`{name}` is empty here: its ARG{} has no default, and no Compose file \
                             gives it a value",
                            line(view, variable.instruction)
                        ),
                    )
                    .help(format!(
                        "`ARG {name}=…`, or `${{{name}:-…}}` where it is used"
                    ));
            }
            continue;
        }
        // What the image sets is not known; a scratch stage has none.
        let of_image = scope.image().is_some() && is_usual(&name);
        if of_image || in_shell && (PROXIES.contains(&name.as_str()) || mounted(instruction, &name))
        {
            continue;
        }
        let elsewhere = dockerfile.instructions().iter().position(|one| {
            let mut pairs = one.pairs(dockerfile.escape()).into_iter();
            one.keyword != Keyword::Label && pairs.any(|pair| pair.name == name)
        });
        if let Some(elsewhere) = elsewhere {
            findings
                .warning(
                    &place,
                    format!(
                        "`{name}` is empty here: what{} defines is not seen by {}",
                        line(view, Some(elsewhere)),
                        whose(view, instruction)
                    ),
                )
                .help(help(&name, instruction));
        } else if PLATFORMS.contains(&name.as_str()) {
            findings
                .warning(
                    &place,
                    format!("`{name}` is empty here: a stage has to ask for it"),
                )
                .help(format!("`ARG {name}` in this stage, before this line"));
        } else {
            let unless = match scope.image() {
                Some(image) => format!(", and is empty unless `{image}` sets it"),
                None => ", and is empty".to_owned(),
            };
            findings
                .warning(
                    &place,
                    format!(
                        "`{name}` is defined by no ARG or ENV of {}{unless}",
                        whose(view, instruction)
                    ),
                )
                .help(help(&name, instruction));
        }
    }
}

/// Whether a secret is handed over in a variable (`RUN --mount=type=secret,id=…,env=NAME`).
fn mounted(instruction: &Instruction, name: &str) -> bool {
    let mut settings = instruction.mounts().flatten();
    settings.any(|setting| setting == ("env", name))
}

fn whose(view: &View<'_>, instruction: &Instruction) -> String {
    match instruction.stage {
        Some(stage) if instruction.keyword != Keyword::From => {
            let label = view.dockerfile.stages()[stage].label();
            format!("stage `{label}`")
        }
        _ => "FROM".to_owned(),
    }
}

fn help(name: &str, instruction: &Instruction) -> String {
    match instruction.keyword {
        Keyword::From => format!("`ARG {name}=…` before the first FROM"),
        _ => format!(
            "`ARG {name}` in this stage, before this line; `${{{name}:-…}}` if it may be missing"
        ),
    }
}

fn line(view: &View<'_>, instruction: Option<usize>) -> String {
    let instruction = instruction.map(|index| &view.dockerfile.instructions()[index]);
    instruction.map_or_else(String::new, |one| format!(" line {}", one.lines.start()))
}

/// Whether the builder gives it a value.
fn is_builders(name: &str) -> bool {
    PLATFORMS.contains(&name) || PROXIES.contains(&name) || name.starts_with("BUILDKIT_")
}

fn is_usual(name: &str) -> bool {
    USUAL.iter().any(|usual| match usual.strip_suffix('_') {
        Some(_) => name.starts_with(usual),
        None => name.strip_prefix(usual).is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with(|next: char| next == '_' || next.is_ascii_digit())
                || matches!(*usual, "PYTHON" | "OPT" | "BASH" | "PKG_CONFIG")
        }),
    })
}
