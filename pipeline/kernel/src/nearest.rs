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
}
