//! Telling which declared lines ask for something else than is frozen.

use crate::environment::declared::Asked;
use crate::environment::freeze::{Contrary, Facts, MissingExtra, Plan, contrary};
use crate::project::Project;

/// Lines that what is installed does not meet.
#[derive(Debug, Default)]
pub struct Told {
    /// One sentence for each line that asks for another version or origin than is installed: the
    /// next build makes another environment than the one that is frozen.
    pub refused: Vec<String>,
    /// One sentence for each further line: what a build installs besides, and what conda may choose
    /// again. A freeze notes these in its own words.
    pub noted: Vec<String>,
}

/// Says it line by line, each with its file.
pub fn tell(project: &Project, facts: &Facts, plan: &Plan) -> Told {
    let mut told = Told::default();
    for contrary in contrary(facts, plan) {
        let shown = shown(project, &contrary);
        match (contrary.installed, &contrary.line.asked, contrary.missing) {
            (Some(installed), Asked::Conda(_), _) => told.noted.push(format!(
                "{shown} is not what conda was asked for when it chose {installed}"
            )),
            (Some(installed), _, Some(MissingExtra { extra, needs })) => {
                told.refused.push(format!(
                    "{shown} asks for the extra `{extra}` of {installed}, and {needs}, which that \
                     needs, is not installed"
                ));
            }
            (Some(installed), _, None) => told.refused.push(format!(
                "{shown} asks for something else than {installed}, which is installed"
            )),
            (None, _, _) => told
                .noted
                .push(format!("{shown} is declared and not installed")),
        }
    }
    told
}

fn shown(project: &Project, contrary: &Contrary<'_>) -> String {
    let (text, place) = (&contrary.line.text, &contrary.line.place);
    let path = place.path.strip_prefix(project.root());
    let path = path.unwrap_or(&place.path).display();
    match place.line_number() {
        Some(number) => format!("`{text}` ({path}:{number})"),
        None => format!("`{text}` ({path})"),
    }
}
