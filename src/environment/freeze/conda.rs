//! Conda packages: what the environment adds to the base image, and what was asked for since.

use std::collections::BTreeMap;

use crate::environment::freeze::{Addition, Facts, List, Plan, Refusal};
use crate::environment::lock;
use crate::environment::snapshot::{CondaPackage, Snapshot};

/// Adds the conda packages to a plan.
pub fn plan(facts: &Facts, plan: &mut Plan) {
    let base = by_name(&facts.base);
    let built = by_name(&facts.dev);
    for (name, package) in by_name(&facts.now) {
        let of_base = base
            .get(name)
            .is_some_and(|base| (&base.version, &base.build) == (&package.version, &package.build));
        if of_base {
            continue;
        }
        let declared = facts
            .declared
            .conda
            .as_ref()
            .is_some_and(|declared| declared.contains(name));
        let added = package.requested.is_some() && !built.contains_key(name) && !declared;
        match &facts.declared.conda {
            Some(_) if added => plan.additions.push(Addition {
                list: List::Conda,
                name: name.to_owned(),
                line: name.to_owned(),
                version: package.version.clone(),
            }),
            None if added => {
                plan.refused.push(Refusal {
                    name: name.to_owned(),
                    version: package.version.clone(),
                    why: "it is a conda package, and this installation declares none".to_owned(),
                    help:
                        "install it by a RUN line of the Dockerfile, or switch the installation: \
                           `envtpl edit-from-base from-scratch`"
                            .to_owned(),
                });
                continue;
            }
            _ => {}
        }
        plan.lock.conda.push(lock::CondaPackage {
            name: name.to_owned(),
            version: package.version.clone(),
            build: package.build.clone(),
            url: package.url.clone(),
            sha256: package.sha256.clone(),
            requested: declared || added,
        });
    }
}

fn by_name(snapshot: &Snapshot) -> BTreeMap<&str, &CondaPackage> {
    let packages = snapshot.conda.iter();
    packages
        .map(|package| (package.name.as_str(), package))
        .collect()
}
