//! Telephone numbers in the spelling of E.164, by the numbering plans that Google publishes.
//!
//! Of the library it uses the plans only: which calling codes there are, how many digits a number
//! of a region may have, what is dialled before it at home. Its own reading compiles patterns anew
//! whenever countries mix, and takes the 1 off +33 1 23 45 67 89 when it is told that the country
//! is the US. It knows nothing of the place where a number was found.

use phonenumber::metadata::{DATABASE, Metadata};

const DIGITS_MIN: usize = 6;
const DIGITS_MAX: usize = 15;

/// A telephone number in E.164. Without a country only the international form can be read, which
/// begins with + or 00; with one (two letters of ISO 3166), also the form that is dialled there.
/// `None` for everything whose length no numbering plan allows.
pub(crate) fn phone_number(text: &str, country: Option<&str>) -> Option<String> {
    let text = text.trim();
    let digits = digits_of(text)?;
    if text.starts_with('+') {
        return international(&digits);
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return international(rest);
    }
    let plan = DATABASE.by_id(country?)?;
    national(plan, &digits)
}

/// Its digits, unless it holds something that no telephone number does. A (0) inside is what is
/// dialled at home only.
fn digits_of(text: &str) -> Option<String> {
    let is_part = |letter: char| letter.is_ascii_digit() || " -./()\u{a0}".contains(letter);
    if !text.strip_prefix('+').unwrap_or(text).chars().all(is_part) {
        return None;
    }
    let mut text = text.to_owned();
    if text.starts_with('+') || text.starts_with("00") {
        text = text.replace("(0)", "");
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (DIGITS_MIN..=DIGITS_MAX + 2).contains(&digits.len()).then_some(digits)
}

fn international(digits: &str) -> Option<String> {
    // No calling code is the beginning of another one.
    let (code, plans) = (1..=3).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        Some((code, DATABASE.by_code(&code)?))
    })?;
    let rest = digits.strip_prefix(&code.to_string())?;
    let number = plans.iter().find_map(|plan| without_trunk_prefix(plan, rest))?;
    e164(code, number)
}

/// What is left when somebody wrote the digits that are dialled at home only behind the calling
/// code. No number begins with 0 where 0 is dialled at home.
fn without_trunk_prefix<'a>(plan: &Metadata, digits: &'a str) -> Option<&'a str> {
    let shorter = plan.national_prefix().and_then(|prefix| digits.strip_prefix(prefix));
    let is_zero = plan.national_prefix() == Some("0");
    match shorter {
        Some(shorter) if is_zero || !allows(plan, digits) => {
            allows(plan, shorter).then_some(shorter)
        }
        _ => allows(plan, digits).then_some(digits),
    }
}

fn national(plan: &Metadata, digits: &str) -> Option<String> {
    let code = plan.country_code();
    let dialled = match plan.national_prefix() {
        // Without the 0 it may be a number of the same town only.
        Some("0") => digits.strip_prefix('0').filter(|rest| allows(plan, rest)),
        Some(prefix) => Some(digits)
            .filter(|whole| allows(plan, whole))
            .or_else(|| digits.strip_prefix(prefix).filter(|rest| allows(plan, rest))),
        None => Some(digits).filter(|whole| allows(plan, whole)),
    };
    e164(code, dialled?)
}

fn e164(code: u16, number: &str) -> Option<String> {
    let number = format!("+{code}{number}");
    (number.len() <= DIGITS_MAX + 1).then_some(number)
}

/// Whether a number of this region may have as many digits.
fn allows(plan: &Metadata, digits: &str) -> bool {
    let kinds = plan.descriptors();
    let kinds = [
        kinds.fixed_line(),
        kinds.mobile(),
        kinds.toll_free(),
        kinds.premium_rate(),
        kinds.shared_cost(),
        kinds.personal_number(),
        kinds.voip(),
        kinds.uan(),
    ];
    let mut lengths = kinds.into_iter().flatten().flat_map(|kind| kind.possible_length());
    lengths.any(|length| usize::from(*length) == digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(country: Option<&str>, text: &str, expected: Option<&str>) {
        assert_eq!(phone_number(text, country).as_deref(), expected, "{text} in {country:?}");
    }

    #[test]
    fn an_international_number_needs_no_country_and_is_not_changed_by_one() {
        check(None, "+33 7 08-31.13 (47)", Some("+33708311347"));
        check(None, "0033708311347", Some("+33708311347"));
        check(Some("US"), "+33 1 23 45 67 89", Some("+33123456789"));
        check(Some("US"), "0033 1 23 45 67 89", Some("+33123456789"));
        check(None, "+1 202 555 0148", Some("+12025550148"));
        check(None, "+39 02 36618300", Some("+390236618300"));
        check(None, "+800 1234 5678", Some("+80012345678"));
    }

    #[test]
    fn digits_that_are_dialled_at_home_only_are_taken_out() {
        check(None, "+44 (0)20 7946 0958", Some("+442079460958"));
        check(None, "+33 07 08 31 13 47", Some("+33708311347"));
        check(None, "+7 800 555 35 35", Some("+78005553535"));
    }

    #[test]
    fn a_national_number_needs_its_country() {
        check(None, "07 08 31 13 47", None);
        check(Some("FR"), "07 08 31 13 47", Some("+33708311347"));
        check(Some("US"), "(202) 555-0148", Some("+12025550148"));
        check(Some("US"), "1 202 555 0148", Some("+12025550148"));
        check(Some("ES"), "612 34 56 78", Some("+34612345678"));
        check(Some("DE"), "030 123456", Some("+4930123456"));
        check(Some("DE"), "123456", None);
        check(Some("DE"), "00 123456", None);
        check(Some("FR"), "12345678", None);
        check(Some("XX"), "07 08 31 13 47", None);
    }

    #[test]
    fn what_is_no_number_or_has_an_extension_is_not_read() {
        for text in ["", "call me", "12", "+", "+999 123456", "+49 12", "+33 1 23 45 67 89 ext 5"] {
            check(Some("FR"), text, None);
        }
        check(None, "+33 1 23 45 67 89 10 11 12", None);
    }
}
