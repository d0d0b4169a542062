//! A text as a piece of an address: small Latin letters, digits and single hyphens.
//!
//! It knows letters of the Latin alphabets only; making pieces of one folder differ is for others.

/// Signs of a piece at most. A longer one ends where a word does.
const LENGTH_MAX: usize = 80;

/// The text as a piece of an address; nothing when no sign of it can stand in one.
pub(crate) fn of(text: &str) -> Option<String> {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            // Marks of letters stand apart in some texts, and "don't" is one word.
            '\u{300}'..='\u{36f}' | '\'' | '\u{2019}' => {}
            _ => match plain(letter) {
                "" if slug.is_empty() || slug.ends_with('-') => {}
                "" => slug.push('-'),
                letters => slug.push_str(letters),
            },
        }
    }
    if slug.len() > LENGTH_MAX {
        let end = slug[..=LENGTH_MAX].rfind('-').unwrap_or(LENGTH_MAX);
        slug.truncate(end);
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// A Latin letter without its marks; empty for every other sign.
fn plain(letter: char) -> &'static str {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_by_single_hyphens_and_letters_lose_their_marks() {
        for (text, slug) in [
            ("Returns & refunds", "returns-refunds"),
            ("  Où est ma commande ?  ", "ou-est-ma-commande"),
            ("Grüße aus Łódź", "grusse-aus-lodz"),
            ("Don\u{2019}t panic!", "dont-panic"),
            ("cafe\u{301}", "cafe"),
            ("care-7-en_us", "care-7-en-us"),
        ] {
            assert_eq!(of(text).as_deref(), Some(slug), "{text}");
        }
    }

    #[test]
    fn a_text_without_a_latin_sign_gives_nothing() {
        assert_eq!(of("お問い合わせ"), None);
        assert_eq!(of(" — "), None);
    }

    #[test]
    fn a_long_text_ends_at_a_word() {
        let slug = of(&"word ".repeat(40)).expect("has letters");
        assert!(slug.len() <= LENGTH_MAX && slug.ends_with("word"), "{slug}");
        assert_eq!(of(&"x".repeat(300)).map(|slug| slug.len()), Some(LENGTH_MAX));
    }
}
