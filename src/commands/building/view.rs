//! What a person sees of a build while it runs.

use std::time::Instant;

use jiff::Timestamp;

use crate::commands::{Context, Progress};
use crate::engine::progress::{Step, Steps, without_options};
use crate::error::Error;
use crate::output::{Live, Printer};
use crate::project::Installation;

/// How wide the name of a stage with its position is shown.
const STAGE_WIDTH: usize = 28;

/// What a person sees.
pub struct View {
    printer: Printer,
    how: How,
    name: String,
    begun: Instant,
}

enum How {
    /// A line for each stage that works now.
    Live(Live),
    /// Every line.
    Plain,
    Nothing,
}

impl View {
    /// The view that was asked for: on a terminal, lines that change.
    pub fn new(context: &Context, installation: &Installation) -> Self {
        let printer = context.printer.clone();
        let how = match context.progress {
            Progress::None => How::Nothing,
            _ if printer.is_quiet() => How::Nothing,
            Progress::Plain => How::Plain,
            Progress::Auto => Live::new(&printer).map_or(How::Plain, How::Live),
        };
        Self {
            printer,
            how,
            name: installation.name().to_string(),
            begun: Instant::now(),
        }
    }

    /// The view of a build that is a part of something else: elsewhere than on a terminal, nothing
    /// of it is shown unless the person asked for every line.
    pub fn of_a_part(context: &Context, installation: &Installation) -> Self {
        let mut view = Self::new(context, installation);
        let wants_all = view.printer.verbosity() > 0 || context.progress == Progress::Plain;
        view.how = match view.how {
            How::Plain if !wants_all => How::Nothing,
            How::Live(_) if wants_all => How::Plain,
            how => how,
        };
        view
    }

    /// Whether anything is shown.
    pub fn is_seen(&self) -> bool {
        !matches!(self.how, How::Nothing)
    }

    /// Lines of the log.
    pub fn lines(&self, lines: &[String]) {
        if matches!(self.how, How::Plain) {
            lines.iter().for_each(|line| self.printer.note(line));
        }
    }

    /// What a tool says beside the steps. What is no news to whoever watches is left out.
    pub fn message(&mut self, text: &str) {
        match &mut self.how {
            How::Plain => self.printer.note(text),
            How::Live(live) if text.to_lowercase().contains("warn") => {
                live.clear();
                self.printer.note(text);
            }
            How::Live(_) | How::Nothing => {}
        }
    }

    /// The end of a step that failed, for those who have not seen it.
    pub fn failure(&mut self, lines: &[String]) {
        if let How::Live(live) = &mut self.how {
            live.clear();
            lines.iter().for_each(|line| self.printer.note(line));
        }
    }

    /// Something went wrong that does not end the build.
    pub fn warn(&self, error: &Error) {
        self.printer.warn_about(error);
    }

    /// How far the build is.
    pub fn show(&mut self, steps: &Steps) {
        let How::Live(live) = &mut self.how else {
            return;
        };
        if !live.is_due() {
            return;
        }
        let now = Timestamp::now();
        let all = steps.all();
        let done = all.iter().filter(|step| !step.is_running()).count();
        let mut lines = vec![format!(
            "{} {}: {done} of {} steps, {:.0} s",
            console::style(format!("{:>12}", "Building"))
                .cyan()
                .bold()
                .for_stderr(),
            self.name,
            all.len() + steps.waiting(),
            self.begun.elapsed().as_secs_f64()
        )];
        let running = all.iter().filter(|step| step.is_running());
        lines.extend(running.map(|step| line(step, now, live.width())));
        live.show(&lines);
    }
}

/// A step that runs: its stage, since when, what it does, and the last that it said, in a line of
/// this width.
fn line(step: &Step, now: Timestamp, width: usize) -> String {
    let stage = step.parts.stage.clone().unwrap_or_default();
    let stage = match step.parts.position {
        Some((step, of)) => format!("{stage} {step}/{of}"),
        None => stage,
    };
    let stage = console::pad_str(&stage, STAGE_WIDTH, console::Alignment::Right, Some("…"));
    let start = format!("{stage} {:>5.1} s  ", step.seconds(now));
    let does = without_options(&readable(&step.parts.instruction));
    let Some(said) = step.last_lines.back() else {
        return start + &does;
    };
    // What it says changes, and is what is looked at.
    let room = width.saturating_sub(console::measure_text_width(&start)) / 3;
    let does = console::truncate_str(&does, room, "…");
    format!("{start}{does} │ {}", readable(said))
}

/// A text in one line, without what would move the cursor.
fn readable(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let words = words.iter().filter(|word| !word.is_empty());
    words.copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_says_has_room_beside_what_it_does() {
        let now = Timestamp::now();
        let mut step = Step::default();
        step.parts.stage = Some("python-packages".into());
        step.parts.position = Some((2, 3));
        step.parts.instruction =
            "RUN --mount=type=cache,target=/x  --network=none  make -j8 all".into();
        let silent = line(&step, now, 80);
        assert_eq!(
            silent.trim_start(),
            "python-packages 2/3   0.0 s  RUN make -j8 all"
        );
        step.last_lines
            .push_back("\u{1b}[32m[ 85%]\u{1b}[0m\tBuilding x".into());
        let speaking = line(&step, now, 80);
        assert!(
            speaking.ends_with("s  RUN make -j8 … │ [ 85%] Building x"),
            "{speaking}"
        );
    }
}
