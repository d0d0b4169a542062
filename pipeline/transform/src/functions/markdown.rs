//! Markdown as Crisp's help center describes it, shown as HTML that is safe.
//!
//! Beyond the common kind: `__x__` is underlined, `++x++` is marked, a line behind one to three
//! bars is a box, `${youtube}[x](id)` is a film, `![x](address =WIDTHxHEIGHT)` is a picture with a
//! size. A line stays a line, a bare address is a link, and HTML is shown as the text it is.
//! Names of emoji such as `:smile:` stay as they are.

use std::borrow::Cow;

use pulldown_cmark::{
    CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeWithOffset, html,
};

use super::markup;

/// Markdown as HTML.
pub(crate) fn to_html(markdown: &str) -> String {
    let text = without_extras(markdown);
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let events = TextMergeWithOffset::new(Parser::new_ext(&text, options).into_offset_iter());
    let mut shown = Vec::new();
    let mut depth_of_links = 0_usize;
    let mut is_code = false;
    for (event, place) in events {
        match event {
            Event::Html(inner) | Event::InlineHtml(inner) => shown.push(Event::Text(inner)),
            Event::SoftBreak => shown.push(Event::HardBreak),
            Event::Start(Tag::Strong) if text[place.clone()].starts_with("__") => {
                shown.push(Event::InlineHtml("<u>".into()));
            }
            Event::End(TagEnd::Strong) if text[place.clone()].starts_with("__") => {
                shown.push(Event::InlineHtml("</u>".into()));
            }
            Event::Text(inner) if depth_of_links == 0 && !is_code => plain(inner, &mut shown),
            other => {
                match &other {
                    Event::Start(Tag::Link { .. } | Tag::Image { .. }) => depth_of_links += 1,
                    Event::End(TagEnd::Link | TagEnd::Image) => {
                        depth_of_links = depth_of_links.saturating_sub(1);
                    }
                    Event::Start(Tag::CodeBlock(_)) => is_code = true,
                    Event::End(TagEnd::CodeBlock) => is_code = false,
                    _ => {}
                }
                shown.push(other);
            }
        }
    }
    let mut page = String::with_capacity(text.len() + text.len() / 2);
    html::push_html(&mut page, shown.into_iter());
    // Only addresses can still do harm, since every other piece was written by the renderer; most
    // messages have none, and cleaning costs far more than rendering.
    if page.contains("<a ") || page.contains("<img ") {
        page = markup::clean(&page).unwrap_or_else(|| escaped(markdown));
    }
    page.truncate(page.trim_end().len());
    page
}

/// The text as it is, for what is nested too deeply to be rendered.
fn escaped(markdown: &str) -> String {
    let mut page = String::with_capacity(markdown.len() + 7);
    html::push_html(&mut page, std::iter::once(Event::Text(markdown.into())));
    format!("<p>{page}</p>")
}

/// Text outside of links and code: its addresses become links, its `++marks++` are marked.
fn plain<'a>(text: CowStr<'a>, shown: &mut Vec<Event<'a>>) {
    if !text.contains("://") && !text.contains("++") {
        shown.push(Event::Text(text));
        return;
    }
    let mut rest = text.as_ref();
    while let Some((place, extra)) = next_extra(rest) {
        push_text(&rest[..place.start], shown);
        let inner = &rest[place.clone()];
        match extra {
            Extra::Address => {
                let url = CowStr::from(inner.to_owned());
                shown.push(Event::Start(Tag::Link {
                    link_type: LinkType::Autolink,
                    dest_url: url.clone(),
                    title: "".into(),
                    id: "".into(),
                }));
                shown.push(Event::Text(url));
                shown.push(Event::End(TagEnd::Link));
            }
            Extra::Mark => {
                shown.push(Event::InlineHtml("<mark>".into()));
                push_text(&inner[2..inner.len() - 2], shown);
                shown.push(Event::InlineHtml("</mark>".into()));
            }
        }
        rest = &rest[place.end..];
    }
    push_text(rest, shown);
}

fn push_text(text: &str, shown: &mut Vec<Event<'_>>) {
    if !text.is_empty() {
        shown.push(Event::Text(text.to_owned().into()));
    }
}

enum Extra {
    Address,
    Mark,
}

fn next_extra(text: &str) -> Option<(std::ops::Range<usize>, Extra)> {
    let address = address_in(text).map(|place| (place, Extra::Address));
    let mark = mark_in(text).map(|place| (place, Extra::Mark));
    match (address, mark) {
        (Some(address), Some(mark)) => {
            Some(if address.0.start < mark.0.start { address } else { mark })
        }
        (address, mark) => address.or(mark),
    }
}

/// Where the first bare web address stands, without the punctuation that ends its sentence.
fn address_in(text: &str) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    while let Some(colon) = text[from..].find("://").map(|place| from + place) {
        from = colon + 3;
        let scheme = ["https", "http"].into_iter().find(|scheme| text[..colon].ends_with(scheme));
        let Some(start) = scheme.map(|scheme| colon - scheme.len()) else {
            continue;
        };
        if text[..start].ends_with(|letter: char| letter.is_alphanumeric()) {
            continue;
        }
        let is_end = |letter: char| letter.is_whitespace() || "<>\"`".contains(letter);
        let mut end = text[from..].find(is_end).map_or(text.len(), |place| from + place);
        while let Some(last) = text[from..end].chars().next_back() {
            let inner = &text[start..end];
            let is_closing =
                last == ')' && inner.matches('(').count() >= inner.matches(')').count();
            if is_closing || !".,;:!?'*_~)]}…".contains(last) {
                break;
            }
            end -= last.len_utf8();
        }
        if end > from {
            return Some(start..end);
        }
    }
    None
}

/// Where the first `++words++` stands: as `a++` and `C++` are no marks, it must hug its words and
/// stand apart from others.
fn mark_in(text: &str) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    while let Some(start) = text[from..].find("++").map(|place| from + place) {
        from = start + 2;
        let is_apart = !text[..start].ends_with(|letter: char| letter.is_alphanumeric());
        let hugs = |letter: char| !letter.is_whitespace() && letter != '+';
        if !is_apart || !text[from..].starts_with(hugs) {
            continue;
        }
        let end = text[from..].find("++").map(|place| from + place)?;
        let after = text[end + 2..].chars().next();
        if text[..end].ends_with(hugs) && !after.is_some_and(char::is_alphanumeric) {
            return Some(start..end + 2);
        }
    }
    None
}

/// The text with what only Crisp knows written in common Markdown.
fn without_extras(markdown: &str) -> Cow<'_, str> {
    let has_box = markdown.starts_with('|') || markdown.contains("\n|");
    let has_size = markdown.contains("](") && markdown.contains(" =");
    if !has_box && !has_size && !markdown.contains("${") {
        return Cow::Borrowed(markdown);
    }
    let mut common = String::with_capacity(markdown.len() + 16);
    let mut is_code = false;
    for line in markdown.split_inclusive('\n') {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            common.push_str(line);
        } else if let Some(inner) = box_in(line) {
            common.push_str("> ");
            common.push_str(&without_extras_in_line(inner));
            // A quotation goes on in the next line unless something parts them.
            common.push_str(if line.ends_with('\n') { "\n" } else { "" });
        } else {
            common.push_str(&without_extras_in_line(line));
        }
    }
    Cow::Owned(common)
}

/// What stands in a box: a line behind one to three bars and a space that is no row of a table.
fn box_in(line: &str) -> Option<&str> {
    let inner = line.trim_start_matches('|');
    let bars = line.len() - inner.len();
    let text = inner.trim_end();
    let is_box = (1..=3).contains(&bars) && inner.starts_with(' ') && !text.contains('|');
    (is_box && !text.trim().is_empty()).then_some(text.trim_start())
}

fn without_extras_in_line(line: &str) -> Cow<'_, str> {
    let line = with_films_as_links(line);
    if !line.contains(" =") || !line.contains("](") {
        return line;
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.as_ref();
    while let Some(start) = rest.find(" =") {
        let after = &rest[start + 2..];
        let size = after.find(')').map(|end| &after[..end]);
        let is_size = size.is_some_and(|size| {
            let parts: Vec<&str> = size.trim().split('x').collect();
            parts.len() == 2
                && parts
                    .iter()
                    .all(|part| *part == "auto" || part.bytes().all(|digit| digit.is_ascii_digit()))
        });
        let is_picture = rest[..start].rfind("](").is_some_and(|open| {
            rest[..open].contains("![") && !rest[open + 2..start].contains([')', ' '])
        });
        let taken = if is_size && is_picture { size.map_or(0, str::len) + 2 } else { 0 };
        plain.push_str(&rest[..start]);
        if taken == 0 {
            plain.push_str(" =");
        }
        rest = &rest[start + taken.max(2)..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// `${youtube}[label](id)` as a link to the film; of other things in frames the address as it is.
fn with_films_as_links(line: &str) -> Cow<'_, str> {
    if !line.contains("${") {
        return Cow::Borrowed(line);
    }
    let mut linked = String::with_capacity(line.len() + 32);
    let mut rest = line;
    while let Some(start) = rest.find("${") {
        linked.push_str(&rest[..start]);
        let Some((place, label, id, length)) = film_in(&rest[start..]) else {
            linked.push_str("${");
            rest = &rest[start + 2..];
            continue;
        };
        let address = match place {
            "youtube" => format!("https://www.youtube.com/watch?v={id}"),
            "vimeo" => format!("https://vimeo.com/{id}"),
            "dailymotion" => format!("https://www.dailymotion.com/video/{id}"),
            _ => id.to_owned(),
        };
        linked.push_str(&format!("[{label}]({address})"));
        rest = &rest[start + length..];
    }
    linked.push_str(rest);
    Cow::Owned(linked)
}

/// Where it is shown, its label, its id, and how many bytes say so.
fn film_in(text: &str) -> Option<(&str, &str, &str, usize)> {
    let (place, after) = text.strip_prefix("${")?.split_once("}[")?;
    let (label, after) = after.split_once("](")?;
    let (id, rest) = after.split_once(')')?;
    let is_name = !place.is_empty() && place.bytes().all(|letter| letter.is_ascii_lowercase());
    let is_one = is_name && !label.contains(['[', ']', '\n']) && !id.contains(char::is_whitespace);
    is_one.then_some((place, label, id, text.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_of_crisps_help_center_is_rendered() {
        for (markdown, expected) in [
            (
                "**b** *i* ~~gone~~ `x<y`",
                "<p><strong>b</strong> <em>i</em> <del>gone</del> <code>x&lt;y</code></p>",
            ),
            ("__under__ and **bold**", "<p><u>under</u> and <strong>bold</strong></p>"),
            ("++marked words++, C++ and a++ b", "<p><mark>marked words</mark>, C++ and a++ b</p>"),
            ("# Huge\n###### Tiny", "<h1>Huge</h1>\n<h6>Tiny</h6>"),
            ("* one\n* two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
            ("1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
            ("one\ntwo", "<p>one<br />\ntwo</p>"),
            ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>"),
            ("||| Careful *now*", "<blockquote>\n<p>Careful <em>now</em></p>\n</blockquote>"),
            ("```js\n__x__ | y\n```", "<pre><code class=\"language-js\">__x__ | y\n</code></pre>"),
            ("a\n\n---\n\nb", "<p>a</p>\n<hr />\n<p>b</p>"),
            (":smile: 😀", "<p>:smile: 😀</p>"),
        ] {
            assert_eq!(to_html(markdown), expected, "{markdown}");
        }
        let table = to_html("| a | b |\n| - | - |\n| 1 | 2 |");
        assert!(table.starts_with("<table>") && table.contains("<td>2</td>"), "{table}");
    }

    #[test]
    fn links_pictures_and_films_keep_their_addresses() {
        for (markdown, part) in [
            ("[x](https://a.example/b)", "<a href=\"https://a.example/b\""),
            ("see https://a.example/b_c?d=1&e=2.", "<a href=\"https://a.example/b_c?d=1&amp;e=2\""),
            ("(https://a.example/(x))", ">https://a.example/(x)</a>)"),
            (
                "![cup](https://a.example/c.png =800xauto)",
                "<img src=\"https://a.example/c.png\" alt=\"cup\">",
            ),
            (
                "![](https://a.example/c.png =20x30) 1 =2",
                "<img src=\"https://a.example/c.png\" alt=\"\"> 1 =2",
            ),
            (
                "[![l](https://a.example/c.png)](https://b.example)",
                "<a href=\"https://b.example\" rel=\"noopener noreferrer\"><img",
            ),
            (
                "${youtube}[Film](qgPN61LTzZM)",
                "<a href=\"https://www.youtube.com/watch?v=qgPN61LTzZM\"",
            ),
            ("${frame}[Form](https://a.example/f)", "<a href=\"https://a.example/f\""),
            ("${unclosed", "<p>${unclosed</p>"),
        ] {
            let page = to_html(markdown);
            assert!(page.contains(part), "{markdown}: {page}");
        }
        for markdown in ["`https://a.example`", "ahttps://", "https://", "ftp://a.example"] {
            assert!(!to_html(markdown).contains("<a "), "{markdown}");
        }
    }

    #[test]
    fn html_inside_markdown_is_shown_not_run() {
        let page = to_html("**big** <script>alert(1)</script> <img src=x onerror=y>");
        assert!(page.contains("<strong>big</strong>"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    }
}
