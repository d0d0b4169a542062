//! Oddities in messages, each switched on by a quirk: bytes that careful readers stumble over, and
//! links to files that do not simply arrive.
//!
//! What is odd about a record follows from its key alone, so every reply shows it alike. What the
//! odd files answer is `odd_files.rs`'s.

use bytes::Bytes;

use super::odd_files::CASES;
use super::raw;
use crate::dice::Dice;

/// Stands in a text for bytes that no text can hold; hexadecimal digits and a semicolon follow.
const BYTES_MARK: &str = "@@BYTES:";

/// Odd bytes at the beginning of a message's text.
const IN_TEXT: [&str; 7] = [
    // A byte that never occurs in UTF-8, a letter cut in the middle, a surrogate as UTF-8.
    "@@BYTES:ff;",
    "@@BYTES:e282;",
    "@@BYTES:eda080;",
    // Control characters that JSON wants escaped.
    "\0",
    "\u{1}\n\t",
    // Halves of a surrogate pair, escaped: the last ones of each kind stand alone.
    "\\ud83d\\ude00\\ud83d",
    "\\ude00 \\ud800\\ud800",
];

/// Fields added at the end of a message: doubled keys and spellings of numbers.
const AT_END: [(&str, &str); 3] = [
    ("content", r#""the second of two""#),
    ("stamped", "false"),
    (
        "properties",
        r#"{"a":1.0,"a":1e3,"b":-0,"c":1E+2,"d":0.10,"e":12345678901234567890123,"f":1e400}"#,
    ),
];

/// The message with odd bytes; about two thirds stay as they are.
pub(super) fn message_bytes(text: String, session_id: &str, fingerprint: i64) -> String {
    let mut dice = Dice::new(fingerprint.unsigned_abs(), session_id, 0);
    let roll = usize::try_from(dice.below(30)).expect("a roll is below 30");
    if let Some(odd) = IN_TEXT.get(roll) {
        let content = raw::field(&text, "content").filter(|content| content.starts_with('"'));
        return match content.map(|content| format!("\"{odd}{}", &content[1..])) {
            Some(content) => raw::with_field(&text, "content", &content),
            None => text,
        };
    }
    match AT_END.get(roll - IN_TEXT.len()) {
        Some((name, value)) => raw::with_last(&text, name, value),
        None => text,
    }
}

/// The body with the marked bytes put in.
pub(super) fn with_bytes(body: &str) -> Bytes {
    let mut parts = body.split(BYTES_MARK);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_once(';').unwrap_or(("", part));
        let pairs = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2));
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
        bytes.extend_from_slice(rest.as_bytes());
    }
    Bytes::from(bytes)
}

/// The message with a link to an odd file: in the content of a file message, as a Markdown image
/// in one text or note in six.
pub(super) fn message_files(text: String, session_id: &str, fingerprint: i64) -> String {
    let mut dice = Dice::new(fingerprint.unsigned_abs(), session_id, 1);
    let address = address(&mut dice);
    let kind = raw::field(&text, "type").and_then(raw::text_of).unwrap_or_default();
    let Some(content) = raw::field(&text, "content") else {
        return text;
    };
    let content = match (kind.as_str(), raw::text_of(content)) {
        ("file", _) => raw::with_field(content, "url", &json_text(&address)),
        ("text" | "note", Some(plain)) if dice.below(6) == 0 => {
            json_text(&format!("{plain}\n\n![odd]({address})"))
        }
        _ => return text,
    };
    raw::with_field(&text, "content", &content)
}

/// The original with an HTML image that is an odd file; one in two stays as it is.
pub(super) fn original_files(text: String, original_id: &str) -> String {
    let mut dice = Dice::new(0, original_id, 2);
    let address = address(&mut dice);
    let content = raw::field(&text, "content").and_then(raw::text_of);
    match content {
        Some(html) if dice.chance(50) => {
            let image = format!("<img alt=\"odd\" src=\"{address}\"></body>");
            let html = html.replacen("</body>", &image, 1);
            raw::with_field(&text, "content", &json_text(&html))
        }
        _ => text,
    }
}

/// An address of its own for each record, or one that the client must not follow.
fn address(dice: &mut Dice) -> String {
    let number = dice.below(1_000_000_000);
    match dice.pick(&CASES) {
        (case, None) => format!("@@FILES@@/users/odd/{case}/{number}.png"),
        (_, Some(address)) => (*address).to_owned(),
    }
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_bytes_replace_their_marks_and_nothing_else() {
        let body = r#"{"a":"@@BYTES:e282ff;x","b":";@@"}"#;
        let expected = [br#"{"a":""#.as_slice(), &[0xe2, 0x82, 0xff], br#"x","b":";@@"}"#].concat();
        assert_eq!(with_bytes(body).as_ref(), expected);
    }
}
