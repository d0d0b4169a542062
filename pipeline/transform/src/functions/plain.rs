//! Small functions on plain text and on times.

use kernel::Instant;
use unicode_segmentation::GraphemeCursor;

/// The first `characters_max` characters.
pub(crate) fn cut_text(text: &str, characters_max: usize) -> &str {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// As many signs, as a reader sees them, as fit into `bytes_max` bytes. Of a single sign that is
/// longer, as many characters as fit.
pub(crate) fn cut_bytes(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cursor = GraphemeCursor::new(end, text.len(), true);
    if cursor.is_boundary(text, 0).unwrap_or(true) {
        return &text[..end];
    }
    match cursor.prev_boundary(text, 0) {
        Ok(Some(earlier)) if earlier > 0 => &text[..earlier],
        _ => &text[..end],
    }
}

/// Everything on one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An e-mail address in the spelling that is compared: trimmed and in lower case; `None` for what
/// does not look like one.
pub(crate) fn email_address(text: &str) -> Option<String> {
    let address = text.trim().to_lowercase();
    let (name, host) = address.rsplit_once('@')?;
    let is_plausible = !name.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && address.len() <= 320
        && !address.contains(|letter: char| {
            letter.is_whitespace() || letter.is_control() || "<>(),;\"".contains(letter)
        })
        && !name.contains('@');
    is_plausible.then_some(address)
}

/// A telephone number in the spelling of E.164 as far as its digits allow: `None` for what has
/// fewer than 6 or more than 15 digits, or letters.
pub(crate) fn phone_number(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains(|letter: char| !(letter.is_ascii_digit() || " +-./()\u{a0}".contains(letter)))
    {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !(6..=15).contains(&digits.len()) {
        return None;
    }
    let international = match digits.strip_prefix("00") {
        Some(rest) => Some(rest),
        None if text.starts_with('+') => Some(digits.as_str()),
        None => None,
    };
    Some(match international {
        Some(rest) => format!("+{rest}"),
        None => digits,
    })
}

/// Microseconds of a time that was written as text; `None` when it is not RFC 3339. A time without
/// an offset is taken as UTC, which is what the platforms that leave it out mean.
pub(crate) fn micros_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    Instant::parse(text).or_else(|| Instant::parse(&format!("{text}Z"))).map(Instant::micros)
}

/// Microseconds of a count of milliseconds since 1970; `None` beyond the year 9999.
pub(crate) fn micros_of_ms(ms: i64) -> Option<i64> {
    const YEAR_10000_MS: i64 = 253_402_300_800_000;
    (-YEAR_10000_MS..YEAR_10000_MS).contains(&ms).then(|| ms * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut_text("añb😀c", 4), "añb😀");
        assert_eq!(cut_text("ab", 4), "ab");
        assert_eq!(cut_bytes("añb", 2), "a");
        assert_eq!(cut_bytes("añb", 4), "añb");
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(
            cut_bytes(&format!("ab{family}{family}"), 2 + family.len() + 9),
            format!("ab{family}")
        );
        assert_eq!(cut_bytes(family, 8), "👩‍");
        assert_eq!(cut_bytes("ae\u{301}", 2), "a");
    }

    #[test]
    fn addresses_are_compared_in_one_spelling() {
        assert_eq!(email_address("  OMAR6@Corp.Example ").as_deref(), Some("omar6@corp.example"));
        for text in
            ["", "visitor", "a@b", "a b@c.example", "@c.example", "a@.example", "x@y@c.example"]
        {
            assert_eq!(email_address(text), None, "{text}");
        }
    }

    #[test]
    fn phone_numbers_lose_their_punctuation() {
        assert_eq!(phone_number("+33 7 08-31.13 (47)").as_deref(), Some("+33708311347"));
        assert_eq!(phone_number("0033708311347").as_deref(), Some("+33708311347"));
        assert_eq!(phone_number("0708311347").as_deref(), Some("0708311347"));
        assert_eq!(phone_number("call me"), None);
        assert_eq!(phone_number("12"), None);
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        assert_eq!(micros_of_text("1970-01-01T00:00:01"), Some(1_000_000));
        assert_eq!(micros_of_text("1970-01-01T01:00:01+01:00"), Some(1_000_000));
        assert_eq!(micros_of_text("yesterday"), None);
        assert_eq!(micros_of_ms(i64::MAX), None);
    }
}
