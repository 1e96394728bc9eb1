//! What an image requires of the NVIDIA driver and GPU, in NVIDIA's own notation:
//! `cuda>=12.4 brand=tesla,driver>=535,driver<536`. A space is "or", a comma is "and".
//!
//! The notation is that of `NVIDIA_REQUIRE_*`, as NVIDIA's container runtime reads it before it
//! starts a container (libnvidia-container, `src/cli/dsl.c` and `src/cli/configure.c`;
//! nvidia-container-toolkit, `internal/requirements`).

use std::cmp::Ordering;

use super::dotted::{Capability, Dotted};

/// Alternatives, one of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    text: String,
    alternatives: Vec<Alternative>,
}

/// Conditions that hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    subject: Subject,
    comparison: Comparison,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Cuda,
    Driver,
    Arch,
    Brand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is known of a GPU and its driver. A condition on what is not known holds, as it does for
/// NVIDIA's runtime.
#[derive(Debug, Clone, Default)]
pub struct Facts<'a> {
    /// The newest CUDA that the driver supports.
    pub cuda: Option<Dotted>,
    /// The driver.
    pub driver: Option<Dotted>,
    /// What the GPU can compute.
    pub capability: Option<Capability>,
    /// What kind of product it is, as `nvidia-smi -q` writes it: `NVIDIA RTX`.
    pub brand: Option<&'a str>,
}

impl Requirement {
    /// Reads a requirement. Conditions on other things than NVIDIA's four are left out, as its
    /// newer runtime does.
    ///
    /// # Errors
    /// The condition that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut alternatives = Vec::new();
        for alternative in text.split(' ').filter(|part| !part.is_empty()) {
            let mut conditions = Vec::new();
            for condition in alternative.split(',').filter(|part| !part.is_empty()) {
                conditions.extend(parse_condition(condition)?);
            }
            if !conditions.is_empty() {
                alternatives.push(Alternative { conditions });
            }
        }
        Ok(Self {
            text: text.to_owned(),
            alternatives,
        })
    }

    /// Its first alternative as it was written, which is the one that people read.
    pub fn first(&self) -> &str {
        self.text.split_whitespace().next().unwrap_or_default()
    }

    /// The first alternative that holds; `None` when none does.
    pub fn met(&self, facts: &Facts<'_>) -> Met<'_> {
        if self.alternatives.is_empty() {
            return Met::Always;
        }
        let holds = |alternative: &&Alternative| {
            let mut conditions = alternative.conditions.iter();
            conditions.all(|condition| condition.holds(facts))
        };
        match self.alternatives.iter().find(holds) {
            Some(alternative) => Met::By(alternative),
            None => Met::Not,
        }
    }

    /// Whether it depends on what kind of product the GPU is.
    pub fn names_brands(&self) -> bool {
        let mut conditions = self.alternatives.iter().flat_map(|one| &one.conditions);
        conditions.any(|condition| condition.subject == Subject::Brand)
    }

    /// The CUDA version of a first alternative `cuda>=…`, which says what the image is made for.
    pub fn cuda(&self) -> Option<Dotted> {
        let [condition] = self.alternatives.first()?.conditions.as_slice() else {
            return None;
        };
        let at_least = (Subject::Cuda, Comparison::GreaterOrEqual);
        if (condition.subject, condition.comparison) == at_least {
            Dotted::parse(&condition.value)
        } else {
            None
        }
    }
}

/// How a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met<'a> {
    /// It asks for nothing.
    Always,
    /// By this alternative.
    By(&'a Alternative),
    /// It is not.
    Not,
}

impl Alternative {
    /// Whether it admits drivers by their own version. NVIDIA's images do so for older drivers for
    /// which they bring a newer CUDA driver library (forward compatibility).
    pub fn names_drivers(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| condition.subject == Subject::Driver)
    }
}

fn parse_condition(text: &str) -> Result<Option<Condition>, String> {
    let invalid = || text.to_owned();
    let is_operator = |c: char| "<>=!".contains(c);
    let start = text.find(is_operator).ok_or_else(invalid)?;
    let (subject, rest) = text.split_at(start);
    let end = rest.find(|c| !is_operator(c)).ok_or_else(invalid)?;
    let (operator, value) = rest.split_at(end);
    let comparison = match operator {
        "=" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return Err(invalid()),
    };
    let subject = match subject.to_lowercase().as_str() {
        "" => return Err(invalid()),
        "cuda" => Subject::Cuda,
        "driver" => Subject::Driver,
        "arch" => Subject::Arch,
        "brand" => Subject::Brand,
        _ => return Ok(None),
    };
    let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    let readable = match subject {
        Subject::Brand => !is_order,
        _ => {
            value.chars().all(|c| c.is_ascii_digit() || c == '.') && Dotted::parse(value).is_some()
        }
    };
    readable
        .then(|| {
            Some(Condition {
                subject,
                comparison,
                value: value.to_owned(),
            })
        })
        .ok_or_else(invalid)
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let known = match self.subject {
            Subject::Brand => {
                let Some(brand) = facts.brand else {
                    return true;
                };
                let same = is_brand(brand, &self.value);
                return same == (self.comparison == Comparison::Equal);
            }
            Subject::Cuda => facts.cuda.clone(),
            Subject::Driver => facts.driver.clone(),
            Subject::Arch => facts
                .capability
                .and_then(|capability| Dotted::parse(&capability.to_string())),
        };
        match (known, Dotted::parse(&self.value)) {
            (Some(known), Some(asked)) => self.comparison.admits(known.cmp(&asked)),
            _ => true,
        }
    }
}

impl Comparison {
    fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Whether a brand as `nvidia-smi` writes it (`NVIDIA RTX`) is one as requirements write it
/// (`nvidiartx`).
fn is_brand(said: &str, asked: &str) -> bool {
    let said = said.chars().filter(|c| !c.is_whitespace());
    said.flat_map(char::to_lowercase)
        .eq(asked.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(cuda: &str, driver: &str, brand: &'a str) -> Facts<'a> {
        Facts {
            cuda: Dotted::parse(cuda),
            driver: Dotted::parse(driver),
            capability: Some(Capability::new(8, 6)),
            brand: Some(brand),
        }
    }

    /// The form of what NVIDIA's CUDA images hold, shortened.
    const IMAGE: &str = "cuda>=12.4 brand=tesla,driver>=470,driver<471 \
        brand=nvidiartx,driver>=535,driver<536 brand=geforce,driver>=535,driver<536";

    fn met(text: &str, facts: &Facts<'_>) -> bool {
        Requirement::parse(text).expect("a requirement").met(facts) != Met::Not
    }

    #[test]
    fn a_space_is_or_and_a_comma_is_and() {
        assert!(met(IMAGE, &facts("12.4", "550.54.15", "GeForce")));
        assert!(met(IMAGE, &facts("13.0", "580.65.06", "GeForce")));
        assert!(met(IMAGE, &facts("11.4", "470.57.02", "Tesla")));
        assert!(met(IMAGE, &facts("12.2", "535.104.05", "NVIDIA RTX")));
        assert!(!met(IMAGE, &facts("11.4", "470.57.02", "GeForce")));
        assert!(!met(IMAGE, &facts("12.3", "545.23.08", "Tesla")));
        assert!(!met(IMAGE, &facts("12.0", "525.60.13", "GeForce")));
    }

    #[test]
    fn what_admits_a_driver_by_its_own_version_is_told_apart() {
        let image = Requirement::parse(IMAGE).expect("a requirement");
        let by = |facts: &Facts<'_>| match image.met(facts) {
            Met::By(alternative) => alternative.names_drivers(),
            other => panic!("{other:?}"),
        };
        assert!(by(&facts("12.2", "535.104.05", "GeForce")));
        assert!(!by(&facts("12.4", "550.54.15", "GeForce")));
        assert_eq!(image.cuda(), Dotted::parse("12.4"));
        assert!(image.names_brands());
    }

    #[test]
    fn all_comparisons_are_understood() {
        let facts = facts("12.4", "550.54.15", "Quadro RTX");
        for holds in [
            "cuda=12.4",
            "cuda=12.4.0",
            "cuda!=12.3",
            "cuda<=12.4",
            "cuda>12.3,cuda<12.5",
            "arch>=8.6",
            "driver>=550",
            "brand=QuadroRTX",
            "brand!=geforce",
            "CUDA>=12",
            "",
        ] {
            assert!(met(holds, &facts), "{holds}");
        }
        for fails in [
            "cuda!=12.4",
            "cuda<12.4",
            "cuda>12.4",
            "arch>=9.0",
            "driver<550",
            "brand=quadro",
            "brand!=quadrortx",
        ] {
            assert!(!met(fails, &facts), "{fails}");
        }
    }

    #[test]
    fn what_is_not_known_holds_and_other_subjects_are_left_out() {
        let nothing = Facts::default();
        assert!(met("cuda>=99,arch>=99,brand=tesla", &nothing));
        assert!(met("jetpack>=5", &facts("12.4", "550.54.15", "Tesla")));
        let both = "jetpack>=5,cuda>=13.0";
        assert!(!met(both, &facts("12.4", "550.54.15", "Tesla")));
    }

    #[test]
    fn what_is_no_condition_is_an_error() {
        for text in [
            "cuda",
            "cuda>=",
            ">=12",
            "cuda=>12",
            "cuda>=new",
            "cuda>=12.x",
            "brand>tesla",
        ] {
            let wrong = Requirement::parse(&format!("cuda>=1,{text}"));
            assert_eq!(wrong, Err(text.to_owned()));
        }
    }
}
