//! A readable twin of a reply whose text is broken but whose JSON is complete.
//!
//! The twin has the same length and the same structure, so a place found in it is the same place
//! in the reply. It is only looked at: what is landed are the reply's own bytes.

/// What stands for a code unit that is half of a pair.
const REPLACEMENT: &[u8] = b"fffd";

/// The twin: a byte that is not UTF-8 becomes `?`, a raw control character inside a string a
/// space, a lone surrogate's escape that of U+FFFD, a number too large for a float zero, and a
/// byte-order mark spaces.
pub(crate) fn mended(body: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        bytes.extend_from_slice(chunk.valid().as_bytes());
        bytes.resize(bytes.len() + chunk.invalid().len(), b'?');
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes[..3].fill(b' ');
    }
    let mut at = 0;
    while at < bytes.len() {
        at = match bytes[at] {
            b'"' => mend_string(&mut bytes, at + 1),
            b'-' | b'0'..=b'9' => mend_number(&mut bytes, at),
            _ => at + 1,
        };
    }
    String::from_utf8(bytes).expect("only ASCII was put in place of whole characters")
}

/// Mends a string from its first byte on; the place after its end.
fn mend_string(bytes: &mut [u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' if bytes.get(at + 1) == Some(&b'u') => at = mend_escape(bytes, at),
            b'\\' => at += 2,
            0..=0x1f => {
                bytes[at] = b' ';
                at += 1;
            }
            _ => at += 1,
        }
    }
    at
}

/// Mends the escape of a code unit; the place after it, or after the pair.
fn mend_escape(bytes: &mut [u8], at: usize) -> usize {
    let end = at + 6;
    match code_unit(bytes, at) {
        Some(0xd800..=0xdbff) if matches!(code_unit(bytes, end), Some(0xdc00..=0xdfff)) => end + 6,
        Some(0xd800..=0xdfff) => {
            bytes[at + 2..end].copy_from_slice(REPLACEMENT);
            end
        }
        Some(_) => end,
        None => at + 2,
    }
}

/// The code unit of an escape that begins here.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Mends a number; the place after it.
fn mend_number(bytes: &mut [u8], at: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let end = bytes[at..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |n| at + n);
    let text = std::str::from_utf8(&bytes[at..end]).unwrap_or_default();
    let is_endless = text.parse::<f64>().is_ok_and(f64::is_infinite);
    if is_endless {
        // Such a number has at least the five characters of 1e309.
        bytes[at..end].fill(b'0');
        bytes[at + 1] = b'.';
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_stays_as_it_is() {
        let whole = "{\"a\":\"ü \\ud83d\\ude00 \\\\u12 \\\" \",\n\t\"b\":[-1.5e3, 1e-400]}";
        assert_eq!(mended(whole.as_bytes()), whole);
    }

    #[test]
    fn what_is_broken_keeps_its_length_and_becomes_json() {
        for broken in [
            &b"\xef\xbb\xbf{\"a\":\"\xff\xfe\"}"[..],
            b"{\"a\":\"\0\n\x1f\"}",
            br#"{"a":"\ud83d\ud83d\ude00\ude00\ud83d"}"#,
            br#"[1e999,-1e999,12345]"#,
            b"[\"\xf0\x9f\x98\"]",
        ] {
            let twin = mended(broken);
            assert_eq!(twin.len(), broken.len());
            let value: Result<serde_json::Value, _> = serde_json::from_str(&twin);
            assert!(value.is_ok(), "{twin}");
        }
        assert_eq!(mended(br#"["\ud83d\ud83d\ude00"]"#), r#"["\ufffd\ud83d\ude00"]"#);
    }

    #[test]
    fn any_bytes_at_all_can_be_looked_at() {
        for seed in 0..2_000_u32 {
            let mut state = seed.wrapping_mul(2_654_435_761) | 1;
            let bytes: Vec<u8> = (0..24)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    b"\"\\ud8dc00-1e9\xff\xe9\0{}"[state as usize % 17]
                })
                .collect();
            assert_eq!(mended(&bytes).len(), bytes.len(), "seed {seed}");
        }
    }
}
