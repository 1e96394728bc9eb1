//! Times as they are written down of runs and builds.

use jiff::Timestamp;

/// A time, to the second (RFC 3339, UTC).
pub fn to_the_second(time: Timestamp) -> String {
    let rounded = time.round(jiff::Unit::Second);
    rounded.unwrap_or(time).to_string()
}

/// Seconds, to the millisecond.
pub fn to_the_millisecond(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_as_exact_as_it_is_of_use() {
        let time: Timestamp = "2026-11-22T04:19:13.617Z".parse().expect("a time");
        assert_eq!(to_the_second(time), "2026-11-22T04:19:14Z");
        assert_eq!(to_the_millisecond(1.23456), 1.235);
    }
}
