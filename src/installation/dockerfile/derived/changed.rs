//! What was changed in a Dockerfile behind a step that failed.

use std::ops::RangeInclusive;

use super::super::Dockerfile;

impl Dockerfile {
    /// What of this file is to be run on top of what a step of an earlier state of the file left:
    /// from the first instruction of its stage that is another now, to the step. `None` when the
    /// stage is another from its beginning, or the step is gone.
    pub fn changed_since(&self, earlier: &Self, step: usize) -> Option<RangeInclusive<usize>> {
        let stage = earlier.instructions()[step].stage?;
        let before = &earlier.stages()[stage];
        let now = match &before.name {
            Some(name) => self.find_stage(name)?,
            None => self.stages().get(stage)?,
        };
        let old: Vec<&str> = (before.instructions.clone())
            .map(|index| earlier.own_text(&earlier.instructions()[index]))
            .collect();
        let new: Vec<&str> = (now.instructions.clone())
            .map(|index| self.own_text(&self.instructions()[index]))
            .collect();
        let step = step - before.instructions.start;
        let same = |(one, other): &(&&str, &&str)| one == other;
        let first = old.iter().zip(&new).take_while(same).count();
        let start = now.instructions.start;
        match first {
            0 => return None,
            first if first > step => return Some(start + step..=start + step),
            _ => {}
        }
        let last = (old[first..].iter().rev())
            .zip(new[first..].iter().rev())
            .take_while(same)
            .count();
        // The step itself is unchanged, or what was changed last takes its place.
        let end = match step + last >= old.len() {
            true => (new.len() + step).checked_sub(old.len())?,
            false => (new.len() - last).checked_sub(1)?,
        };
        (end >= first).then(|| start + first..=start + end)
    }
}
