//! "Did you mean": the known word nearest to one that is not known.

/// How unlike two words may be (Jaro-Winkler, 1 is equal) and still be offered.
const LIKENESS_MIN: f64 = 0.7;

/// The known word nearest to `word`, when one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// The hint that goes with an unknown word.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(candidate) => format!("did you mean {candidate:?}?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            format!("known here: {}", all.join(", "))
        }
    }
}

/// The hint for an error text of serde about an unknown field or variant, whose known ones it
/// lists in backquotes after the unknown one.
pub fn hint_from_serde(text: &str) -> Option<String> {
    let mut quoted = text.split('`').skip(1).step_by(2);
    let is_unknown = text.contains("unknown field") || text.contains("unknown variant");
    let unknown = quoted.next().filter(|_| is_unknown)?;
    let known: Vec<&str> = quoted.collect();
    Some(hint(unknown, known.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let known = ["website_id", "identifier", "key", "tier"];
        assert_eq!(nearest("webiste_id", known), Some("website_id"));
        assert_eq!(nearest("zzz", known), None);
        assert!(hint("zzz", known).contains("identifier"));
    }

    #[test]
    fn the_words_of_a_serde_error_are_understood() {
        let text = "unknown field `pth`, expected one of `path`, `key`";
        assert_eq!(hint_from_serde(text).as_deref(), Some("did you mean \"path\"?"));
        assert_eq!(hint_from_serde("missing field `path`"), None);
    }
}
