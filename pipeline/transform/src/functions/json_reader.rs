//! Reading a JSON text from its start to its end, piece by piece, without copying any of it.
//!
//! It accepts what RFC 8259 accepts and nothing else; only halves of surrogate pairs are let pass.
//! What the pieces mean is for its callers.

use std::borrow::Cow;

/// The text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoted<'a> {
    /// The letters, escapes included.
    pub(crate) inner: &'a str,
    /// Whether there is any escape among them.
    pub(crate) is_escaped: bool,
}

impl<'a> Quoted<'a> {
    /// The text that is meant.
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.is_escaped { Cow::Owned(unescaped(self.inner)) } else { Cow::Borrowed(self.inner) }
    }
}

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What closes the objects and arrays that are being skipped.
    open: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// The start of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new() }
    }

    /// How far it has come.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What was read since `start`.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The byte that comes next, white space left out; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Goes past the byte that [`Reader::peek`] has just shown.
    #[inline]
    pub(crate) fn pass(&mut self) {
        self.at += 1;
    }

    /// Goes past `expected` when it comes next.
    #[inline]
    pub(crate) fn pass_if(&mut self, expected: u8) -> bool {
        let is_there = self.peek() == expected;
        self.at += usize::from(is_there);
        is_there
    }

    /// Goes past these bytes when they come next just so.
    #[inline]
    pub(crate) fn pass_bytes(&mut self, expected: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_there = rest.starts_with(expected);
        self.at += if is_there { expected.len() } else { 0 };
        is_there
    }

    /// Nothing but white space may be left.
    pub(crate) fn end(&mut self) -> Result<(), NotJson> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(NotJson) }
    }

    /// A member's name and the colon after it.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<Quoted<'a>, NotJson> {
        if self.peek() != b'"' {
            return Err(NotJson);
        }
        let name = self.string()?;
        if self.pass_if(b':') { Ok(name) } else { Err(NotJson) }
    }

    /// A string, whose opening quote comes next.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Quoted<'a>, NotJson> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut is_escaped = false;
        loop {
            at += plain_bytes(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    at += escape_bytes(&bytes[at..])?;
                }
                _ => return Err(NotJson),
            }
        }
        self.at = at + 1;
        Ok(Quoted { inner: &self.text[start..at], is_escaped })
    }

    /// A number, whose first byte comes next, as it is spelled.
    pub(crate) fn number(&mut self) -> Result<&'a str, NotJson> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits = |at: usize| -> usize {
            bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let mut at = start + usize::from(bytes[start] == b'-');
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0') {
            return Err(NotJson);
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            at += 1 + fraction;
            if fraction == 0 {
                return Err(NotJson);
            }
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = bytes.get(at..).map_or(0, |_| digits(at));
            at += exponent;
            if exponent == 0 {
                return Err(NotJson);
            }
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// `true`, `false` or `null`, as which of them comes next.
    pub(crate) fn word(&mut self, word: &'static str) -> Result<&'static str, NotJson> {
        if self.pass_bytes(word.as_bytes()) { Ok(word) } else { Err(NotJson) }
    }

    /// Goes past a whole value.
    pub(crate) fn skip(&mut self) -> Result<(), NotJson> {
        self.open.clear();
        loop {
            match self.peek() {
                b'{' => {
                    self.pass();
                    if !self.pass_if(b'}') {
                        self.open.push(b'}');
                        self.name()?;
                        continue;
                    }
                }
                b'[' => {
                    self.pass();
                    if !self.pass_if(b']') {
                        self.open.push(b']');
                        continue;
                    }
                }
                first => {
                    self.scalar(first)?;
                }
            }
            if self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Closes what ends here; whether that was the whole value, else the next value comes.
    fn after_value(&mut self) -> Result<bool, NotJson> {
        while let Some(&close) = self.open.last() {
            match self.peek() {
                b',' => {
                    self.pass();
                    if close == b'}' {
                        self.name()?;
                    }
                    return Ok(false);
                }
                found if found == close => {
                    self.pass();
                    self.open.pop();
                }
                _ => return Err(NotJson),
            }
        }
        Ok(true)
    }

    fn scalar(&mut self, first: u8) -> Result<(), NotJson> {
        match first {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b't' => self.word("true").map(|_| ()),
            b'f' => self.word("false").map(|_| ()),
            b'n' => self.word("null").map(|_| ()),
            _ => Err(NotJson),
        }
    }
}

/// How many bytes come before a quote, a backslash, a control character or the end.
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The highest bit of each byte that is zero; what stands above the lowest such byte may be wrong,
    // and nothing but the lowest is used.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut done = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("a chunk has eight bytes"));
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let slashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let stops = quotes | slashes | controls;
        if stops != 0 {
            return done + (stops.trailing_zeros() / 8) as usize;
        }
        done += 8;
    }
    let rest = &bytes[done..];
    let is_stop = |byte: &u8| *byte < 0x20 || matches!(*byte, b'"' | b'\\');
    done + rest.iter().position(is_stop).unwrap_or(rest.len())
}

/// The length of the escape that these bytes begin with.
fn escape_bytes(bytes: &[u8]) -> Result<usize, NotJson> {
    match bytes.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => match bytes.get(2..6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
            _ => Err(NotJson),
        },
        _ => Err(NotJson),
    }
}

/// The text of a scalar: of a string its content, of a number or boolean its spelling.
pub(crate) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    let Some(inner) = raw.strip_prefix('"') else {
        let is_scalar = !raw.starts_with(['[', '{']) && raw != "null" && !raw.is_empty();
        return is_scalar.then_some(Cow::Borrowed(raw));
    };
    let inner = inner.strip_suffix('"')?;
    Some(Quoted { inner, is_escaped: inner.contains('\\') }.text())
}

/// Resolves escapes. Half of a surrogate pair, which a careless cut through an emoji leaves behind,
/// and the character NUL, which databases refuse, become U+FFFD.
fn unescaped(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(place) = rest.find('\\') {
        text.push_str(&rest[..place]);
        let escape = rest[place + 1..].chars().next().unwrap_or('\\');
        rest = rest.get(place + 1 + escape.len_utf8()..).unwrap_or("");
        match escape {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'u' => {
                let (letter, used) = code_point(rest);
                text.push(letter);
                rest = rest.get(used..).unwrap_or("");
            }
            other => text.push(other),
        }
    }
    text.push_str(rest);
    text
}

/// The character of four hex digits, or of a surrogate pair, and how many bytes it took.
fn code_point(rest: &str) -> (char, usize) {
    let unit = |place: usize| -> Option<u32> {
        rest.get(place..place + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let Some(first) = unit(0) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    let is_first_half = (0xd800..0xdc00).contains(&first) && rest.get(4..6) == Some("\\u");
    let second = unit(6).filter(|unit| is_first_half && (0xdc00..0xe000).contains(unit));
    if let Some(second) = second {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    let letter = char::from_u32(first).filter(|letter| *letter != '\0');
    (letter.unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    fn is_json(text: &str) -> bool {
        let mut reader = Reader::new(text);
        reader.skip().and_then(|()| reader.end()).is_ok()
    }

    /// What serde_json, which knows no more than we do of halves of pairs when it skips, says.
    fn is_json_elsewhere(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn json_is_what_another_reader_takes_for_json() {
        for text in [
            "",
            " ",
            "null",
            " true ",
            "nul",
            "nulll",
            "tru",
            "-",
            "-0",
            "01",
            "0.5",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1E-7",
            "-12.50e+3",
            "+1",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\u00e\"",
            "\"\\ud83d\"",
            "\"\\x\"",
            "\"a\tb\"",
            "[]",
            "[,]",
            "[1,]",
            "[1 2]",
            "[[[]]]",
            "[}",
            "{}",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":1}}",
            "{\"a\" : [ ] }",
            "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"é😀 and more than eight bytes\"}",
            "\u{feff}1",
        ] {
            assert_eq!(is_json(text), is_json_elsewhere(text), "{text:?}");
        }
    }

    #[test]
    fn json_that_was_damaged_anywhere_is_judged_alike() {
        let whole =
            r#"{"id":"session_1","n":[-1.5e3,0,{"deep":[[],{}]}],"t":true,"s":"a\"\\\u00e9 é"}"#;
        for place in (0..whole.len()).filter(|place| whole.is_char_boundary(*place)) {
            let (before, after) = whole.split_at(place);
            assert_eq!(is_json(before), is_json_elsewhere(before), "{before:?}");
            for letter in "\"\\{}[]:,01-.eEtn u/\u{1}\u{7f}é".chars() {
                let mut rest = after.chars();
                rest.next();
                for text in [
                    format!("{before}{letter}{after}"),
                    format!("{before}{letter}{}", rest.as_str()),
                    format!("{before}{}", rest.as_str()),
                ] {
                    assert_eq!(is_json(&text), is_json_elsewhere(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert!(is_json(&deep));
    }

    #[test]
    fn strings_end_where_they_end_whatever_their_length() {
        for length in 0..40 {
            for stop in ['"', '\\', '\u{1f}', '\u{20}', '\u{7f}', 'é'] {
                let text = "x".repeat(length) + &stop.to_string() + "yyyyyyyyy";
                let slow =
                    text.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\');
                assert_eq!(plain_bytes(text.as_bytes()), slow.unwrap_or(text.len()), "{text:?}");
            }
        }
    }
}
