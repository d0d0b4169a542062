//! What a comparison needs to tell a change from another spelling of the same: JSON in one order,
//! texts with the addresses that files have now, and the addresses that a page leads to.
//!
//! Moving addresses is done here a second time, apart from the loader, which it checks.

use std::fmt::Write;

use serde_json::Value;

use super::images::attribute;

/// JSON with its members in order and without those that are null; nothing for what is no JSON.
pub(crate) fn sorted_json(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut sorted = String::with_capacity(text.len());
    write_sorted(&value, &mut sorted);
    Some(sorted)
}

fn write_sorted(value: &Value, sorted: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().filter(|(_, inner)| !inner.is_null()).collect();
            members.sort_by_key(|(name, _)| *name);
            sorted.push('{');
            for (place, (name, inner)) in members.into_iter().enumerate() {
                sorted.push_str(if place > 0 { "," } else { "" });
                let _ = write!(sorted, "{}:", Value::from(name.as_str()));
                write_sorted(inner, sorted);
            }
            sorted.push('}');
        }
        Value::Array(items) => {
            sorted.push('[');
            for (place, inner) in items.iter().enumerate() {
                sorted.push_str(if place > 0 { "," } else { "" });
                write_sorted(inner, sorted);
            }
            sorted.push(']');
        }
        plain => {
            let _ = write!(sorted, "{plain}");
        }
    }
}

/// The text with every address of the first list replaced by the one beside it, as it stands and
/// as HTML spells it. Long ones go first, because an address may begin with another one.
pub(crate) fn moved(text: &str, moves: &[(&str, &str)]) -> String {
    let mut moves: Vec<&(&str, &str)> = moves.iter().filter(|(from, _)| !from.is_empty()).collect();
    moves.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    let mut text = text.to_owned();
    for (from, to) in moves {
        if from.contains('&') {
            text = text.replace(&in_html(from), to);
        }
        text = text.replace(from, to);
    }
    text
}

fn in_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The addresses that the links and pictures of a page have, one to a line, in order.
pub(crate) fn addresses(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let mut found: Vec<String> = Vec::new();
    let mut from = 0;
    while let Some(start) = lower[from..].find('<').map(|place| from + place + 1) {
        from = start;
        if !lower[start..].starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            continue;
        }
        let end = lower[start..].find('>').map_or(lower.len(), |place| start + place);
        for name in ["href", "src"] {
            let value = attribute(&html[start..end], &lower[start..end], name);
            found.extend(value.map(|url| url.trim().replace("&amp;", "&")));
        }
        from = end;
    }
    found.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_equal_whatever_the_order_of_its_members() {
        let one = r#"{"b": [ {"y":1,"x":"ä\"<"} ], "a": null, "c": 1.50}"#;
        assert_eq!(sorted_json(one).as_deref(), Some(r#"{"b":[{"x":"ä\"<","y":1}],"c":1.5}"#));
        assert_eq!(sorted_json("{"), None);
        assert_ne!(sorted_json("[1,2]"), sorted_json("[2,1]"));
    }

    #[test]
    fn addresses_move_whole_and_also_as_html_spells_them() {
        let moves = [("http://a/x", "http://up/1"), ("http://a/x.png?a=1&b=2", "http://up/2")];
        let html = "<img src=\"http://a/x.png?a=1&amp;b=2\"> http://a/x.png?a=1&b=2 http://a/x";
        assert_eq!(moved(html, &moves), "<img src=\"http://up/2\"> http://up/2 http://up/1");
        assert_eq!(moved("same", &[("", "x")]), "same");
    }

    #[test]
    fn links_and_pictures_are_listed_in_order() {
        let html = "<p>a<A title='x' HREF='https://a.example/?a&amp;b'>t</a>\
                    <img alt=href src=https://b.example/1 ></p> 3 < 4 href=no";
        assert_eq!(addresses(html), "https://a.example/?a&b\nhttps://b.example/1");
        assert_eq!(addresses("no page"), "");
    }
}
