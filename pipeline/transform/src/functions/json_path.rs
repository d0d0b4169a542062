//! Paths into a JSON document: `$.user.nickname`, `$.locales[0]`, `$.targets[].title`, `$.data.*`.
//!
//! `[]` stands for every element of an array and `.*` for every member of an object. A name that
//! would be mistaken for something else is written `["as JSON"]`. It knows nothing of documents.

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name.
    Member(String),
    /// Every member.
    AnyMember,
    /// The element at this place, from 0.
    Element(usize),
    /// Every element.
    AnyElement,
}

/// Reads a path; `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, tail) = if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            match name {
                "*" => (Step::AnyMember, tail),
                _ if is_plain(name) => (Step::Member(name.to_owned()), tail),
                _ => return None,
            }
        } else {
            bracketed(rest.strip_prefix('[')?)?
        };
        steps.push(step);
        rest = tail;
    }
    Some(steps)
}

fn bracketed(rest: &str) -> Option<(Step, &str)> {
    if let Some(tail) = rest.strip_prefix(']') {
        return Some((Step::AnyElement, tail));
    }
    if rest.starts_with('"') {
        let mut names = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let name = names.next()?.ok()?;
        let tail = rest.get(names.byte_offset()..)?.strip_prefix(']')?;
        return Some((Step::Member(name), tail));
    }
    let (place, tail) = rest.split_once(']')?;
    Some((Step::Element(place.parse().ok()?), tail))
}

/// Whether a name can stand after a dot.
fn is_plain(name: &str) -> bool {
    let is_odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '.' | '[' | ']' | '"')
    };
    !name.is_empty() && name != "*" && !name.contains(is_odd)
}

/// A path as it is written.
pub(crate) fn text_of(path: &[Step]) -> String {
    path.iter().fold("$".to_owned(), |text, step| match step {
        Step::Member(name) => of_member(&text, name),
        Step::AnyMember => of_any_member(&text),
        Step::Element(_) | Step::AnyElement => of_any_element(&text),
    })
}

/// The path of a member of the object at `path`.
pub(crate) fn of_member(path: &str, name: &str) -> String {
    if is_plain(name) {
        format!("{path}.{name}")
    } else {
        format!("{path}[{}]", serde_json::Value::from(name))
    }
}

/// The path of every member of the object at `path`.
pub(crate) fn of_any_member(path: &str) -> String {
    format!("{path}.*")
}

/// The path of every element of the array at `path`.
pub(crate) fn of_any_element(path: &str) -> String {
    format!("{path}[]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for name in ["plain", "Message-ID", "", "*", "a.b", "a b", "[0]", "q\"x", "é\u{1}", "\\"] {
            let path = of_any_element(&of_member("$.x", name));
            let expected = [Step::Member("x".into()), Step::Member(name.into()), Step::AnyElement];
            assert_eq!(parse(&path).expect(&path), expected, "{path}");
        }
        assert_eq!(parse("$.*[3]"), Some(vec![Step::AnyMember, Step::Element(3)]));
        assert_eq!(parse("$"), Some(vec![]));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in
            ["", "a", "$a", "$.", "$..a", "$.a b", "$[x]", "$[", "$[\"a]", "$[\"a\"", "$.a]"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
