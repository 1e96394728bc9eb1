//! Builds that fail, and what must be said of them: `cases.yaml`, which tells its own format.
#![allow(dead_code, reason = "each test program uses a part of it")]

use serde::Deserialize;

/// All of them.
#[derive(Deserialize)]
pub struct Cases {
    /// The Dockerfile of the image that many of them stand on.
    pub tools: String,
    /// The builds.
    pub cases: Vec<Case>,
}

/// One build.
#[derive(Deserialize)]
pub struct Case {
    pub rule: String,
    name: Option<String>,
    pub build: Option<String>,
    pub source: Option<String>,
    pub log: Option<String>,
    #[serde(default)]
    pub refused: bool,
    pub message: String,
    pub help: Option<String>,
    pub place: Option<String>,
    pub chain: Option<String>,
    pub target: Option<String>,
}

impl Case {
    /// What it is called: as its rule, unless the rule has several.
    pub fn name(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.rule)
    }
}

impl Cases {
    pub fn read() -> Self {
        serde_yaml::from_str(include_str!("cases.yaml")).expect("cases")
    }

    /// What is wrong with the name of the rule, the message and the advice that a case got, if
    /// anything is.
    pub fn wrong(case: &Case, rule: &str, message: &str, advice: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        if rule != case.rule {
            wrong.push(format!("explained by {rule:?}"));
        }
        if !message.contains(&case.message) {
            wrong.push(format!("{:?} is not in it", case.message));
        }
        if let Some(help) = &case.help
            && !advice.iter().any(|line| line.contains(help))
        {
            wrong.push(format!("{help:?} is not in {advice:?}"));
        }
        wrong
    }

    /// Which of them are builds that are failed here, and which rest on what somebody published.
    pub fn origins(&self) -> String {
        let published = self.cases.iter().filter_map(|case| {
            let source = case.source.as_ref()?;
            Some(format!("{} {source}", case.name()))
        });
        let published: Vec<String> = published.collect();
        format!(
            "{} failing builds and refusals of our own; published logs of {} others: {}\n",
            self.cases.len() - published.len(),
            published.len(),
            published.join(", ")
        )
    }
}
