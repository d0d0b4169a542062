//! Pictures that a text shows, as Markdown `![…](…)` or as `<img src=…>`: finding them, and naming
//! those that are lost where they stood.
//!
//! It works on the text as it was written and leaves rendering and cleaning to others.

use std::borrow::Cow;
use std::ops::Range;

/// A picture in a text.
struct Shown<'a> {
    place: Range<usize>,
    url: String,
    description: &'a str,
}

/// Addresses of the pictures that a text shows, each once, in order.
pub(crate) fn urls(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for Shown { url, .. } in pictures(text) {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if is_web && !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// The text with each picture whose address is lost replaced by words that say so. `lost` has
/// addresses with the reason.
pub(crate) fn name_lost(text: &str, lost: &[(&str, &str)]) -> String {
    let mut named = String::with_capacity(text.len());
    let mut from = 0;
    for shown in pictures(text) {
        let Some((url, reason)) = lost.iter().find(|(url, _)| *url == shown.url) else {
            continue;
        };
        if shown.place.start < from {
            continue;
        }
        named.push_str(&text[from..shown.place.start]);
        named.push_str("[image not available: ");
        named.push_str(name_of(&shown, url));
        named.push_str(", ");
        named.push_str(reason);
        named.push(']');
        from = shown.place.end;
    }
    named.push_str(&text[from..]);
    named
}

/// HTML with each picture that has no address of its own replaced by words that say so: its bytes
/// stand in the page, or in a part of the e-mail that nobody hands out.
pub(crate) fn name_embedded(html: &str) -> Cow<'_, str> {
    let is_embedded = |url: &str| {
        let url = url.trim_start().to_ascii_lowercase();
        url.starts_with("data:") || url.starts_with("cid:")
    };
    let mut found = Vec::new();
    in_html(html, &mut found);
    found.retain(|shown| is_embedded(&shown.url));
    if found.is_empty() {
        return Cow::Borrowed(html);
    }
    let mut named = String::with_capacity(html.len());
    let mut from = 0;
    for shown in found {
        named.push_str(&html[from..shown.place.start]);
        named.push_str("[image not shown: ");
        named.push_str(name_of(&shown, "picture"));
        named.push_str(", inside the e-mail]");
        from = shown.place.end;
    }
    named.push_str(&html[from..]);
    Cow::Owned(named)
}

/// What a picture is called: its description, else the last piece of its address.
fn name_of<'a>(shown: &Shown<'a>, url: &'a str) -> &'a str {
    let description = shown.description.trim();
    if !description.is_empty() && !description.contains(['<', '>']) {
        return description;
    }
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').find(|piece| !piece.is_empty()).unwrap_or("picture")
}

fn pictures(text: &str) -> Vec<Shown<'_>> {
    let mut found = Vec::new();
    if text.contains("](") {
        in_markdown(text, &mut found);
    }
    in_html(text, &mut found);
    found.sort_by_key(|shown| shown.place.start);
    found
}

fn in_markdown<'a>(text: &'a str, found: &mut Vec<Shown<'a>>) {
    let mut from = 0;
    while let Some(start) = text[from..].find("![").map(|place| from + place) {
        from = start + 2;
        let Some(middle) = text[from..].find("](").map(|place| from + place) else {
            return;
        };
        let description = &text[from..middle];
        if description.contains("![") || description.contains("\n\n") {
            continue;
        }
        let target = text[middle + 2..].trim_start().trim_start_matches('<');
        let Some(end) = target.find([')', '>', ' ', '\n', '\t', '"']) else {
            continue;
        };
        let rest = text.len() - target.len() + end;
        let Some(close) = text[rest..].find(')').map(|place| rest + place + 1) else {
            continue;
        };
        found.push(Shown { place: start..close, url: target[..end].to_owned(), description });
    }
}

fn in_html<'a>(text: &'a str, found: &mut Vec<Shown<'a>>) {
    if !text.contains('<') {
        return;
    }
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(start) = lower[from..].find("<img").map(|place| from + place) {
        from = start + 4;
        let end = lower[from..].find('>').map_or(lower.len(), |place| from + place);
        let (tag, tag_lower) = (&text[from..end], &lower[from..end]);
        if let Some(url) = attribute(tag, tag_lower, "src") {
            let description = attribute(tag, tag_lower, "alt").unwrap_or("");
            let place = start..(end + 1).min(text.len());
            found.push(Shown { place, url: url.replace("&amp;", "&"), description });
        }
    }
}

/// The value of an attribute in the inside of a tag.
pub(super) fn attribute<'a>(tag: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(place) = lower[from..].find(name).map(|place| from + place) {
        from = place + name.len();
        let is_whole = lower[..place].ends_with(|letter: char| letter.is_ascii_whitespace());
        let Some(value) = tag[from..].trim_start().strip_prefix('=').filter(|_| is_whole) else {
            continue;
        };
        let value = value.trim_start();
        return match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split_ascii_whitespace().next(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_in_both_spellings_once_each() {
        let text = "a ![x](https://a.example/1.png) <IMG alt='src' SRC='http://a.example/2.png?a&amp;b'>
            ![y](https://a.example/1.png \"title\") ![z](/relative.png) <img data-src=\"https://no.example\">
            ![sized](https://a.example/3.png =800xauto)";
        assert_eq!(
            urls(text),
            ["https://a.example/1.png", "http://a.example/2.png?a&b", "https://a.example/3.png"]
        );
        assert!(urls("[link](https://a.example) ![open](https://a.example").is_empty());
    }

    #[test]
    fn a_lost_picture_is_named_where_it_stood() {
        let lost =
            [("https://a.example/1.png", "missing"), ("https://a.example/b/2.gif", "expired")];
        for (text, expected) in [
            ("a ![cup](https://a.example/1.png) b", "a [image not available: cup, missing] b"),
            ("![](https://a.example/b/2.gif =10x10)", "[image not available: 2.gif, expired]"),
            (
                "[![cup](https://a.example/1.png \"t\")](https://shop.example)",
                "[[image not available: cup, missing]](https://shop.example)",
            ),
            (
                "<p>x<img alt='a &lt;b' src=\"https://a.example/1.png\">y</p>",
                "<p>x[image not available: a &lt;b, missing]y</p>",
            ),
            ("![cup](https://a.example/3.png)", "![cup](https://a.example/3.png)"),
            ("![cup](https://a.example/1.png", "![cup](https://a.example/1.png"),
        ] {
            assert_eq!(name_lost(text, &lost), expected);
        }
    }

    #[test]
    fn a_picture_inside_an_e_mail_is_named_where_it_stood() {
        let html = "<p>a<IMG src=cid:1@x alt=logo> <img src='data:image/png;base64,AA=='>\
            <img src=\"https://a.example/1.png\"></p>";
        let expected = "<p>a[image not shown: logo, inside the e-mail] \
            [image not shown: picture, inside the e-mail]<img src=\"https://a.example/1.png\"></p>";
        assert_eq!(name_embedded(html), expected);
    }
}
