//! What to do about a cause: which list a missing package belongs in, which variable to set.

use std::collections::BTreeMap;

use super::explanation::{Explanation, Look, StepPlace};
use super::hits::Hit;
use super::registry::Known;
use super::rules::{Advice, Provider, providers};

/// A text with its `{names}` replaced; `None` when one of them is not known. Other braces, of JSON
/// or a format, stay.
pub(super) fn filled(text: &str, facts: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let name = after.split('}').next().unwrap_or_default();
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        if name.len() < after.len() && !name.is_empty() && name.chars().all(is_name) {
            filled.push_str(facts.get(name)?);
            rest = &after[name.len() + 1..];
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// Adds to an explanation what to do and what to look for.
pub(super) fn complete(explanation: &mut Explanation, hit: Option<&Hit>, before: &Known) {
    let mut known = explanation.facts.clone();
    let docker = before.docker.as_deref().unwrap_or("docker");
    known.insert("docker".to_owned(), docker.to_owned());
    let list = list(explanation.step.as_ref());
    known.insert("list".to_owned(), list.to_owned());
    if let Some(code) = explanation.exit_code {
        known.insert("code".to_owned(), code.to_string());
    }
    if let Some(provider) = provider(&explanation.facts) {
        let parts = [
            ("apt", &provider.apt),
            ("pip", &provider.pip),
            ("variable", &provider.variable),
            ("note", &provider.note),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                known.insert(name.to_owned(), value.clone());
            }
        }
    }
    for advice in hit
        .map(|hit| hit.rule.advice.as_slice())
        .unwrap_or_default()
    {
        let ways = match advice {
            Advice::One(one) => std::slice::from_ref(one),
            Advice::FirstKnown(ways) => ways,
        };
        if let Some(told) = ways.iter().find_map(|way| filled(way, &known))
            && !explanation.advice.contains(&told)
        {
            explanation.advice.push(told);
        }
    }
    for name in ["apt", "pip"] {
        if let Some(value) = known.get(name) {
            explanation
                .facts
                .insert(format!("{name}_package"), value.clone());
        }
    }
    if explanation.facts.contains_key("apt_package") {
        explanation.facts.insert("list".to_owned(), list.to_owned());
    }
    explanation.looks = looks(&explanation.facts, &explanation.kind);
}

/// The list of system packages that a stage of an installation installs, by the stage's name; for
/// other Dockerfiles by what the name says.
fn list(step: Option<&StepPlace>) -> &'static str {
    let stage = step.and_then(|step| step.stage.as_deref());
    let stage = stage.unwrap_or_default().to_ascii_lowercase();
    let has = |word: &str| stage.contains(word);
    // `python-plan`, `python-built` and the like run where apt-build.txt is installed.
    if has("build") || has("built") || has("compil") || stage.starts_with("python") || has("conda")
    {
        "dependencies/apt-build.txt"
    } else if has("dev") || has("test") {
        "dependencies/apt-dev.txt"
    } else if has("run") || has("final") || has("prod") {
        "dependencies/apt-runtime.txt"
    } else {
        "dependencies/apt-build.txt (apt-runtime.txt if what runs needs it too)"
    }
}

/// Who provides what is missing.
fn provider(facts: &BTreeMap<String, String>) -> Option<Provider> {
    let book = providers();
    let by = |name: &str| facts.get(name).map(String::as_str);
    if let Some(header) = by("header") {
        let directory = header.split_once('/').map(|(first, _)| format!("{first}/"));
        let found = book.headers.get(header);
        return found.or_else(|| book.headers.get(&directory?)).cloned();
    }
    if let Some(library) = by("library") {
        return book.libraries.get(library).cloned();
    }
    if let Some(shared) = by("shared") {
        return book.shared.get(shared).cloned();
    }
    if let Some(program) = by("program") {
        let name = program.rsplit('/').next().unwrap_or(program);
        return book.programs.get(name).cloned();
    }
    if let Some(module) = by("module") {
        let top = module.split('.').next().unwrap_or(module);
        let named = Provider {
            pip: Some(top.to_owned()),
            ..Provider::default()
        };
        return Some(book.modules.get(top).cloned().unwrap_or(named));
    }
    let sought = by("cmake_package").or_else(|| by("pkg_config"))?;
    book.packages.get(&sought.to_ascii_lowercase()).cloned()
}

fn looks(facts: &BTreeMap<String, String>, kind: &str) -> Vec<Look> {
    type Kind = fn(String) -> Look;
    let kinds: [(&str, Kind); 10] = [
        ("header", Look::Header),
        ("program", Look::Program),
        ("library", Look::Library),
        ("shared", Look::Shared),
        ("module", Look::Module),
        ("cmake_package", Look::CmakePackage),
        ("pkg_config", Look::PkgConfig),
        ("apt_package", Look::AptPackage),
        ("requirement", Look::Requirement),
        ("path", Look::File),
    ];
    let mut looks: Vec<Look> = kinds
        .into_iter()
        .filter_map(|(name, kind)| facts.get(name).cloned().map(kind))
        .collect();
    if kind == "apt"
        && let Some(package) = facts.get("package")
    {
        looks.push(Look::AptPackage(package.clone()));
    }
    looks
}
