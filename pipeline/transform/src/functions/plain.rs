//! Small functions on plain text and on times.

use kernel::Instant;
use unicode_segmentation::GraphemeCursor;

/// The first `characters_max` characters, or a few less, so that nothing a reader sees as one sign
/// is cut in two. Only a single sign of more characters than that is.
pub(crate) fn cut_text(text: &str, characters_max: usize) -> &str {
    if text.len() <= characters_max {
        return text;
    }
    let Some((end, _)) = text.char_indices().nth(characters_max) else {
        return text;
    };
    let mut cursor = GraphemeCursor::new(end, text.len(), true);
    if cursor.is_boundary(text, 0).unwrap_or(true) {
        return &text[..end];
    }
    match cursor.prev_boundary(text, 0) {
        Ok(Some(earlier)) if earlier > 0 => &text[..earlier],
        _ => &text[..end],
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

/// Everything on one line, without signs that act on a terminal or turn the direction of reading,
/// and without signs at the beginning that nobody sees; empty when nobody sees anything.
pub(crate) fn visible_line(text: &str) -> String {
    let is_kept = |letter: &char| !letter.is_control() && !is_directing(*letter);
    let spaced = text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter });
    let line = one_line(&spaced.filter(is_kept).collect::<String>());
    let visible = line.trim_start_matches(|letter| letter == ' ' || is_unseen(letter));
    if visible.len() == line.len() { line } else { visible.to_owned() }
}

/// Marks that turn the direction of reading, and spaces of no width that only part words.
fn is_directing(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Joiners, fillers and selectors, which are nothing without a letter before them.
fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200c}' | '\u{200d}' | '\u{2061}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
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

/// Microseconds of a time that was written as text; `None` when it is not RFC 3339. A time without
/// an offset is taken as UTC, which is what the platforms that leave it out mean.
pub(crate) fn micros_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let read = Instant::parse(text).or_else(|| Instant::parse(&format!("{text}Z")));
    read.or_else(|| Instant::parse(&format!("{text}T00:00:00Z"))).map(Instant::micros)
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
    fn what_is_read_as_one_sign_is_not_cut_in_two() {
        assert_eq!(cut_text("ab👩\u{200d}👧c", 5), "ab👩\u{200d}👧");
        assert_eq!(cut_text("ab👩\u{200d}👧c", 4), "ab");
        assert_eq!(cut_text("ne\u{301}e", 2), "n");
        assert_eq!(cut_text("🇫🇷🇩🇪", 3), "🇫🇷");
        assert_eq!(cut_text("a\r\nb", 2), "a");
        assert_eq!(cut_text("👩\u{200d}👧", 2), "👩\u{200d}", "one sign is longer than the limit");
    }

    #[test]
    fn a_line_shows_something_or_is_empty() {
        assert_eq!(visible_line(" Where\r\n is\u{200b} it\u{7}? "), "Where is it?");
        assert_eq!(visible_line("\u{202e}txt\u{2069}"), "txt");
        assert_eq!(visible_line("\u{200d}\u{3164} \u{fe0f}ok"), "ok");
        assert_eq!(visible_line("👩\u{200d}👧 می\u{200c}خواهم"), "👩\u{200d}👧 می\u{200c}خواهم");
        for text in
            ["", " \t\n", "\u{200b}\u{feff}", "\u{0}\u{1b}", "\u{a0}\u{2003}", "\u{2800}\u{ad}"]
        {
            assert_eq!(visible_line(text), "", "{text:?}");
        }
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
    fn times_without_an_offset_are_utc() {
        assert_eq!(micros_of_text("1970-01-01T00:00:01"), Some(1_000_000));
        assert_eq!(micros_of_text("1970-01-01T01:00:01+01:00"), Some(1_000_000));
        assert_eq!(micros_of_text("yesterday"), None);
        assert_eq!(micros_of_ms(i64::MAX), None);
    }
}
