//! Ids that are almost the one that was typed: long ones differ in a sign or two, or one was cut.

/// Ids that are offered.
const OFFERED_MAX: usize = 3;
/// Signs in which an id may differ and still be meant.
const DIFFERENT_MAX: usize = 2;
/// The shortest piece of an id that says something about it.
const PIECE_MIN: usize = 6;

/// The known ids nearest to `id`; random ids are alike by accident, so the measure is narrow.
pub(super) fn nearest<'a>(id: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near: Vec<&str> =
        known.into_iter().filter(|candidate| is_near(id, candidate)).collect();
    near.sort_unstable();
    near.truncate(OFFERED_MAX);
    near
}

fn is_near(id: &str, candidate: &str) -> bool {
    if id.len() >= PIECE_MIN && candidate.contains(id) {
        return true;
    }
    if id.len() < PIECE_MIN || id.len() != candidate.len() {
        return false;
    }
    let different = id.bytes().zip(candidate.bytes()).filter(|(left, right)| left != right);
    different.count() <= DIFFERENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_a_piece_finds_the_id_and_another_id_does_not() {
        let known = ["session_0150cb24-a5e8", "session_1150cb24-b5e8", "person:77"];
        assert_eq!(nearest("session_0150cb24-a5e9", known), [known[0]]);
        assert_eq!(nearest("1150cb24", known), [known[1]]);
        assert!(nearest("session_9999ffff-ffff", known).is_empty());
        assert!(nearest("77", known).is_empty(), "too short to say anything");
    }
}
