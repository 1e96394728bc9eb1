//! What a step's name says: `[image-dev-root linux/arm64 python-packages 3/5] RUN …`.
//!
//! Format: BuildKit's Dockerfile frontend (`prefixCommand`) puts platform, stage and position into
//! brackets; buildx and Compose put the target before them where there are several.

/// The parts of a step's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepName {
    /// The target of the build that it was first asked for.
    pub target: Option<String>,
    /// The stage; BuildKit calls those without a name `stage-0`.
    pub stage: Option<String>,
    /// Which step of how many of its stage, both from 1.
    pub position: Option<(u32, u32)>,
    /// What it does: the instruction, with its build arguments put in.
    pub instruction: String,
}

impl StepName {
    /// Reads a name in a build of the given targets.
    pub fn parse(name: &str, targets: &[&str]) -> Self {
        let Some((inside, instruction)) = name
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "))
        else {
            return Self {
                instruction: name.to_owned(),
                ..Self::default()
            };
        };
        let mut words: Vec<&str> = inside.split_whitespace().collect();
        let position = words.last().and_then(|word| position(word));
        let internal = words.last() == Some(&"internal");
        if position.is_none() && !internal {
            return Self {
                instruction: name.to_owned(),
                ..Self::default()
            };
        }
        words.pop();
        let mut target = None;
        if words.first().is_some_and(|word| targets.contains(word)) {
            target = Some(words.remove(0).to_owned());
        }
        words.retain(|word| !is_platform(word));
        Self {
            target,
            stage: words.last().map(|word| (*word).to_owned()),
            position,
            instruction: instruction.to_owned(),
        }
    }
}

fn position(word: &str) -> Option<(u32, u32)> {
    let (step, of) = word.split_once('/')?;
    Some((step.parse().ok()?, of.parse().ok()?))
}

fn is_platform(word: &str) -> bool {
    word.starts_with("linux/") || word.contains("->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_platforms_stages_and_positions_are_told_apart() {
        let named = |target: &str, stage: &str, position, instruction: &str| StepName {
            target: Some(target.to_owned()).filter(|target| !target.is_empty()),
            stage: Some(stage.to_owned()).filter(|stage| !stage.is_empty()),
            position,
            instruction: instruction.to_owned(),
        };
        let dev = "image-dev-root";
        for (name, expected) in [
            (
                "[image-dev-root base 2/3] RUN true",
                named(dev, "base", Some((2, 3)), "RUN true"),
            ),
            (
                "[image-dev-root linux/arm64 base 2/3] RUN [ -e x ]",
                named(dev, "base", Some((2, 3)), "RUN [ -e x ]"),
            ),
            (
                "[build 10/12] COPY a b",
                named("", "build", Some((10, 12)), "COPY a b"),
            ),
            ("[2/3] RUN true", named("", "", Some((2, 3)), "RUN true")),
            (
                "[image-dev-root internal] load .dockerignore",
                named(dev, "", None, "load .dockerignore"),
            ),
            (
                "exporting to image",
                named("", "", None, "exporting to image"),
            ),
            (
                "[auth] library/x:pull token",
                named("", "", None, "[auth] library/x:pull token"),
            ),
        ] {
            let targets = ["image-dev-root", "image-run-root"];
            assert_eq!(StepName::parse(name, &targets), expected, "{name}");
        }
    }
}
