//! What a step's name says: `[image-dev-root linux/arm64 python-packages 3/5] RUN …`.
//!
//! Format: BuildKit's Dockerfile frontend (`prefixCommand`) puts platform, stage and position into
//! brackets; buildx and Compose put the target before them where there are several.

/// The parts of a step's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepName {
    /// The target of the build that it was first asked for.
    pub target: Option<String>,
    /// What stands before the stage, as it is written: the target and the platform.
    pub scope: Option<String>,
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
        let target = words.first().filter(|word| targets.contains(word));
        let target = target.map(|word| (*word).to_owned());
        let first = usize::from(target.is_some());
        let stage = words[first..].iter().rposition(|word| !is_platform(word));
        let stage = stage.map(|index| words.remove(first + index).to_owned());
        Self {
            target,
            scope: Some(words.join(" ")).filter(|scope| !scope.is_empty()),
            stage,
            position,
            instruction: instruction.to_owned(),
        }
    }
}

/// An instruction in one line and without its options, for people: `RUN --mount=…` is as long as it
/// is alike in every step.
pub fn without_options(instruction: &str) -> String {
    let mut words = instruction.split_whitespace().filter(|word| *word != "\\");
    let keyword = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.skip_while(|word| word.starts_with("--")).collect();
    format!("{keyword} {}", rest.join(" "))
        .trim_end()
        .to_owned()
}

fn position(word: &str) -> Option<(u32, u32)> {
    let (step, of) = word.split_once('/')?;
    Some((step.parse().ok()?, of.parse().ok()?))
}

/// No stage and no target has a slash in its name.
fn is_platform(word: &str) -> bool {
    word.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "image-dev-root";

    #[test]
    fn an_instruction_for_people_is_one_line_without_options() {
        for (written, shown) in [
            (
                "RUN --mount=type=cache,target=/x \\\n    --network=none  make -j8 \\\n all",
                "RUN make -j8 all",
            ),
            ("COPY --from=build /a /b", "COPY /a /b"),
            ("RUN ls --all", "RUN ls --all"),
            ("", ""),
        ] {
            assert_eq!(without_options(written), shown);
        }
    }

    #[test]
    fn targets_platforms_stages_and_positions_are_told_apart() {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let named = |scope: &str, stage: &str, position, instruction: &str| StepName {
            target: scope.starts_with(TARGET).then(|| TARGET.to_owned()),
            scope: some(scope),
            stage: some(stage),
            position,
            instruction: instruction.to_owned(),
        };
        for (name, expected) in [
            (
                "[image-dev-root base 2/3] RUN true",
                named(TARGET, "base", Some((2, 3)), "RUN true"),
            ),
            (
                "[image-dev-root linux/arm64 base 2/3] RUN [ -e x ]",
                named(
                    "image-dev-root linux/arm64",
                    "base",
                    Some((2, 3)),
                    "RUN [ -e x ]",
                ),
            ),
            (
                "[build 10/12] COPY a b",
                named("", "build", Some((10, 12)), "COPY a b"),
            ),
            ("[2/3] RUN true", named("", "", Some((2, 3)), "RUN true")),
            (
                "[linux/amd64->arm64  2/13] RUN true",
                named("linux/amd64->arm64", "", Some((2, 13)), "RUN true"),
            ),
            (
                "[run linux/arm64 dev 2/10] RUN true",
                named("run linux/arm64", "dev", Some((2, 10)), "RUN true"),
            ),
            (
                "[ 85%] Building CXX object a.o",
                named("", "", None, "[ 85%] Building CXX object a.o"),
            ),
            (
                "[image-dev-root internal] load .dockerignore",
                named(TARGET, "", None, "load .dockerignore"),
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
            let targets = [TARGET, "image-run-root"];
            assert_eq!(StepName::parse(name, &targets), expected, "{name}");
        }
    }
}
