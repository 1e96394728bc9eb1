//! Conda packages: what the environment adds to the base image, and what was asked for since.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::declared::Asked;
use crate::environment::freeze::{Addition, Facts, List, Plan, Refusal};
use crate::environment::lock;
use crate::environment::snapshot::{CondaPackage, Snapshot};
use crate::installation::conda_environment;
use crate::secrets::{redact, without_secrets};

/// Where channels are that are only named, unless a setting says otherwise (conda's documentation,
/// `channel_alias`).
const CHANNELS: &str = "https://conda.anaconda.org/";

/// Adds the conda packages to a plan.
pub fn plan(facts: &Facts, plan: &mut Plan) {
    let base = by_name(&facts.base);
    let built = by_name(&facts.dev);
    for (name, package) in by_name(&facts.now) {
        let of_base = base.get(name).is_some_and(|base| same(base, package));
        if of_base {
            continue;
        }
        let declared = facts
            .declared
            .conda
            .as_ref()
            .is_some_and(|declared| declared.contains(name));
        let added = package.requested.is_some() && !built.contains_key(name) && !declared;
        let refusal = match &facts.declared.conda {
            None if added => Some((
                "it is a conda package, and this installation declares none",
                "install it by a RUN line of the Dockerfile, or switch the installation: \
                 `envtpl edit-from-base from-scratch`",
            )),
            _ if package.url.starts_with("file:")
                && built.get(name).is_none_or(|built| !same(built, package)) =>
            {
                Some((
                    "it comes from a file of the container",
                    "install it from a channel",
                ))
            }
            _ => None,
        };
        if let Some((why, help)) = refusal {
            plan.refused.push(Refusal {
                name: name.to_owned(),
                version: package.version.clone(),
                why: why.to_owned(),
                help: help.to_owned(),
            });
        } else if added {
            plan.additions.push(Addition {
                list: List::Conda,
                name: name.to_owned(),
                line: name.to_owned(),
                version: package.version.clone(),
            });
            plan.lock.declared.conda.push(name.to_owned());
        }
        let md5 = match package.sha256.as_str() {
            "" => package.md5.clone(),
            _ => String::new(),
        };
        plan.lock.conda.push(lock::CondaPackage {
            name: name.to_owned(),
            version: package.version.clone(),
            build: package.build.clone(),
            url: public_url(&package.url, facts.conda_channel_alias.as_deref()),
            sha256: package.sha256.clone(),
            md5,
            requested: declared || added,
            unfrozen: refusal.map(|(why, _)| why.to_owned()),
        });
    }
    settle(facts, &built, plan);
}

/// Which lines of `environment.yml` the locked packages answer: those that the environment was
/// made for, as far as what was done by hand since still agrees with them, and those that were
/// written or pinned since and surely mean what is installed.
fn settle(facts: &Facts, built: &BTreeMap<&str, &CondaPackage>, plan: &mut Plan) {
    let now = by_name(&facts.now);
    // A build from the list, which leaves these out, had to choose them.
    let left_out: BTreeSet<String> = plan
        .lock
        .conda
        .iter()
        .filter(|package| package.unfrozen.is_some())
        .map(|package| package.name.clone())
        .collect();
    let declared: Vec<(&str, &conda_environment::CondaPackage)> = facts
        .declared
        .lines
        .iter()
        .filter_map(|line| match &line.asked {
            Asked::Conda(package) => Some((line.text.as_str(), package)),
            _ => None,
        })
        .collect();
    for spec in &facts.dev.conda_specs {
        let asked = conda_environment::CondaPackage::parse(spec);
        let name = asked.as_ref().map(|asked| asked.name.as_str());
        let mut same_name = declared
            .iter()
            .filter(|(_, package)| Some(package.name.as_str()) == name)
            .peekable();
        let written_anew = same_name.peek().is_some();
        if written_anew && same_name.all(|(text, _)| *text != redact(spec)) {
            continue;
        }
        let installed = name.and_then(|name| now.get(name));
        let untouched = match (name, installed) {
            (Some(name), Some(package)) => {
                built.get(name).is_some_and(|built| same(built, package))
            }
            (Some(name), None) => {
                let declared = facts.declared.conda.as_ref();
                if built.contains_key(name)
                    && declared.is_some_and(|declared| declared.contains(name))
                {
                    plan.notes.push(format!(
                        "{name} is declared but was removed; the next build installs it again"
                    ));
                }
                false
            }
            // What names no package that is known here is conda's to understand.
            (None, _) => true,
        };
        let allowed = asked
            .as_ref()
            .zip(installed)
            .is_some_and(|(asked, package)| is_bare(asked) || allows(asked, &package.version));
        let left_out = name.is_some_and(|name| left_out.contains(name));
        if (untouched || allowed) && !left_out {
            plan.lock.declared.conda.push(redact(spec));
        } else if let Some(package) = installed.filter(|_| !left_out) {
            plan.notes.push(chosen_again(package, spec));
        }
    }

    let made_for: Vec<String> = facts
        .dev
        .conda_specs
        .iter()
        .map(|one| redact(one))
        .collect();
    for (text, asked) in declared {
        let installed = now.get(asked.name.as_str());
        let Some(package) = installed.filter(|_| !left_out.contains(&asked.name)) else {
            continue;
        };
        if made_for.iter().any(|spec| spec == text) {
            continue;
        }
        if is_bare(asked) || is_version(asked, package) {
            plan.lock.declared.conda.push(text.to_owned());
        } else {
            plan.notes.push(chosen_again(package, text));
        }
    }
}

fn chosen_again(package: &CondaPackage, spec: &str) -> String {
    format!(
        "{} {} is installed and environment.yml asks for `{}`; the next build lets conda choose \
         again",
        package.name,
        package.version,
        redact(spec)
    )
}

/// Whether a spec is a name alone.
fn is_bare(asked: &conda_environment::CondaPackage) -> bool {
    asked.spec.trim().eq_ignore_ascii_case(&asked.name)
}

/// Whether a spec surely means the installed package, though the environment was not made for it:
/// `name=version`, from the channel that it came from, if one is named.
fn is_version(asked: &conda_environment::CondaPackage, package: &CondaPackage) -> bool {
    let (channel, rest) = match asked.spec.rsplit_once("::") {
        Some((channel, rest)) => (Some(channel.trim()), rest),
        None => (None, asked.spec.as_str()),
    };
    let of_channel = channel.is_none_or(|channel| {
        // The file and the platform stand behind the channel.
        let mut parts = package.url.rsplitn(3, '/');
        let place = parts.nth(2).unwrap_or_default();
        place == channel || place.ends_with(&format!("/{channel}"))
    });
    let no_build = rest.replace("==", "=").matches('=').count() <= 1;
    of_channel && no_build && allows(asked, &package.version)
}

/// Whether a spec surely allows a version; conda decides where this is not sure.
fn allows(asked: &conda_environment::CondaPackage, version: &str) -> bool {
    asked.version().is_some_and(|wanted| {
        version == wanted
            || version
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn same(one: &CondaPackage, other: &CondaPackage) -> bool {
    (&one.version, &one.build) == (&other.version, &other.build)
}

/// A package's address as it may stand in a committed file: without user, password and token, and
/// below conda's own channels where a setting put others in their place. The build's setting puts
/// them there again.
fn public_url(url: &str, alias: Option<&str>) -> String {
    let url = without_secrets(url);
    let alias = alias.map(without_secrets);
    let rest = alias.as_deref().and_then(|alias| {
        url.strip_prefix(alias.trim_end_matches('/'))
            .and_then(|rest| rest.strip_prefix('/'))
    });
    match rest {
        Some(rest) => format!("{CHANNELS}{rest}"),
        None => url,
    }
}

fn by_name(snapshot: &Snapshot) -> BTreeMap<&str, &CondaPackage> {
    let packages = snapshot.conda.iter();
    packages
        .map(|package| (package.name.as_str(), package))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_keeps_a_credential() {
        let file = "conda-forge/noarch/six-1-0.conda";
        for (url, alias, expected) in [
            (
                "https://u:p@host/c/noarch/six-1-0.conda",
                None,
                "https://host/c/noarch/six-1-0.conda",
            ),
            (
                "https://host/t/ab-12/c/noarch/six-1-0.conda",
                None,
                "https://host/c/noarch/six-1-0.conda",
            ),
            (
                "https://host/api/t/ab-12/c/noarch/six-1-0.conda",
                None,
                "https://host/api/c/noarch/six-1-0.conda",
            ),
            (
                "https://host/t/noarch/six-1-0.conda",
                None,
                "https://host/t/noarch/six-1-0.conda",
            ),
            (
                "https://u:p@host/t/ab-12/conda-forge/noarch/six-1-0.conda",
                Some("https://u:p@host/t/ab-12/"),
                "",
            ),
            (
                "https://host/conda-forge/noarch/six-1-0.conda",
                Some("https://u:p@host/t/ab-12"),
                "",
            ),
            (
                "http://host:80/m/conda-forge/noarch/six-1-0.conda",
                Some("http://host:80/m"),
                "",
            ),
            (
                "http://host:80/mm/noarch/six-1-0.conda",
                Some("http://host:80/m"),
                "http://host:80/mm/noarch/six-1-0.conda",
            ),
            (
                "https://conda.anaconda.org/conda-forge/noarch/six-1-0.conda",
                None,
                "",
            ),
        ] {
            let public = format!("{CHANNELS}{file}");
            let expected = if expected.is_empty() {
                &public
            } else {
                expected
            };
            assert_eq!(public_url(url, alias), expected, "{url}");
        }
    }
}
