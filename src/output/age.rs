//! Times as people say them.

/// How long ago a time (RFC 3339) was, in the largest unit that fits; `None` when it is no time.
pub fn age(time: &str) -> Option<String> {
    let then: jiff::Timestamp = time.parse().ok()?;
    let seconds = jiff::Timestamp::now().as_second() - then.as_second();
    let (number, unit) = match seconds {
        ..60 => return Some("just now".to_owned()),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    Some(format!(
        "{number} {unit}{} ago",
        if number == 1 { "" } else { "s" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_down_to_a_unit() {
        let ago = |seconds| {
            let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
            age(&then.to_string()).expect("a time")
        };
        assert_eq!(ago(5), "just now");
        assert_eq!(ago(61), "1 minute ago");
        assert_eq!(ago(7_300), "2 hours ago");
        assert_eq!(ago(900_000), "10 days ago");
    }
}
